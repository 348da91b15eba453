//! Capture files: pcapng is written (draft-ietf-opsawg-pcapng), classic pcap is read.

use std::io::{self, Write};
use std::time::Duration;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

const LINKTYPE_ETHERNET: u16 = 1;
const OPTION_IF_NAME: u16 = 2;
const OPTION_IF_TSRESOL: u16 = 9;
const OPTION_END: u16 = 0;
/// 10 to the power of -9: nanoseconds.
const NANOSECONDS: u8 = 9;

/// Writes a pcapng file of Ethernet frames, with one interface a name.
#[derive(Debug)]
pub struct Writer<W> {
    to: W,
}

impl<W: Write> Writer<W> {
    /// Starts a file. The number of an interface is its place in `names`.
    pub fn new(mut to: W, names: &[&str]) -> io::Result<Writer<W>> {
        let mut header = Vec::new();
        header.extend(BYTE_ORDER_MAGIC.to_le_bytes());
        header.extend([1, 0, 0, 0]); // version 1.0
        header.extend(u64::MAX.to_le_bytes()); // length of the section: not known
        block(&mut to, SECTION_HEADER, &header)?;
        for name in names {
            let mut description = Vec::new();
            description.extend(LINKTYPE_ETHERNET.to_le_bytes());
            description.extend([0, 0]);
            description.extend(0u32.to_le_bytes()); // frames are whole
            option(&mut description, OPTION_IF_NAME, name.as_bytes());
            option(&mut description, OPTION_IF_TSRESOL, &[NANOSECONDS]);
            option(&mut description, OPTION_END, &[]);
            block(&mut to, INTERFACE_DESCRIPTION, &description)?;
        }
        Ok(Writer { to })
    }

    /// Appends a frame; `at` is counted from 1970.
    pub fn frame(&mut self, interface: usize, at: Duration, frame: &[u8]) -> io::Result<()> {
        let too_much = |_| io::Error::from(io::ErrorKind::InvalidInput);
        let nanoseconds = u64::try_from(at.as_nanos()).map_err(too_much)?;
        let length = u32::try_from(frame.len()).map_err(too_much)?;
        let mut packet = Vec::with_capacity(frame.len() + 24);
        packet.extend(u32::try_from(interface).map_err(too_much)?.to_le_bytes());
        packet.extend(((nanoseconds >> 32) as u32).to_le_bytes());
        packet.extend((nanoseconds as u32).to_le_bytes());
        packet.extend(length.to_le_bytes());
        packet.extend(length.to_le_bytes());
        packet.extend(frame);
        pad(&mut packet);
        block(&mut self.to, ENHANCED_PACKET, &packet)
    }

    /// Passes on what is buffered.
    pub fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn block(to: &mut impl Write, kind: u32, body: &[u8]) -> io::Result<()> {
    let length = (body.len() as u32 + 12).to_le_bytes();
    to.write_all(&kind.to_le_bytes())?;
    to.write_all(&length)?;
    to.write_all(body)?;
    to.write_all(&length)
}

fn option(to: &mut Vec<u8>, code: u16, value: &[u8]) {
    to.extend(code.to_le_bytes());
    to.extend((value.len() as u16).to_le_bytes());
    to.extend(value);
    pad(to);
}

fn pad(to: &mut Vec<u8>) {
    to.resize(to.len().next_multiple_of(4), 0);
}

/// One packet of a classic pcap file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Counted from 1970.
    pub at: Duration,
    /// From the link layer on.
    pub octets: &'a [u8],
}

/// The link type and the packets of a classic, little-endian pcap file; `None` if it is something else.
pub fn read(file: &[u8]) -> Option<(u32, Vec<Frame<'_>>)> {
    let word = |at: usize| Some(u32::from_le_bytes(file.get(at..at + 4)?.try_into().ok()?));
    let fraction = match word(0)? {
        0xa1b2_c3d4 => 1_000,
        0xa1b2_3c4d => 1,
        _ => return None,
    };
    let link_type = word(20)?;
    let mut frames = Vec::new();
    let mut at = 24;
    while at < file.len() {
        let length = word(at + 8)? as usize;
        frames.push(Frame {
            at: Duration::new(u64::from(word(at)?), word(at + 4)?.checked_mul(fraction)?),
            octets: file.get(at + 16..at + 16 + length)?,
        });
        at += 16 + length;
    }
    Some((link_type, frames))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pcapng_is_laid_out_as_the_draft_says() {
        let mut file = Vec::new();
        let mut writer = Writer::new(&mut file, &["S11"]).unwrap();
        writer
            .frame(0, Duration::from_nanos(0x1_0000_0002), &[1, 2, 3, 4, 5])
            .unwrap();
        #[rustfmt::skip]
        let expected = [
            0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, // section header, 28 octets
            0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0,  // little endian, version 1.0
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            28, 0, 0, 0,
            1, 0, 0, 0, 40, 0, 0, 0,             // interface description
            1, 0, 0, 0, 0, 0, 0, 0,              // Ethernet, no limit
            2, 0, 3, 0, b'S', b'1', b'1', 0,     // its name, padded
            9, 0, 1, 0, 9, 0, 0, 0,              // nanoseconds
            0, 0, 0, 0, 40, 0, 0, 0,
            6, 0, 0, 0, 40, 0, 0, 0,             // enhanced packet
            0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0,  // interface 0, time high, low
            5, 0, 0, 0, 5, 0, 0, 0,              // captured, original
            1, 2, 3, 4, 5, 0, 0, 0,
            40, 0, 0, 0,
        ];
        assert_eq!(file, expected);
    }

    #[test]
    fn classic_pcap_is_read() {
        let mut file = vec![
            0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0,
        ];
        file.extend([5, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0xaa, 0xbb]);
        let (link_type, frames) = read(&file).unwrap();
        assert_eq!(link_type, 1);
        assert_eq!(
            frames,
            [Frame {
                at: Duration::new(5, 7_000),
                octets: &[0xaa, 0xbb]
            }]
        );
        assert_eq!(read(&file[..file.len() - 1]), None);
    }
}
