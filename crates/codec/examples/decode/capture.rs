//! Capture files, pcap and pcapng, down to the UDP payloads in them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The payload of a UDP datagram, and where it came from and went to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Datagram {
    pub(crate) frame: usize,
    pub(crate) source: (IpAddr, u16),
    pub(crate) destination: (IpAddr, u16),
    pub(crate) payload: Vec<u8>,
}

/// All UDP datagrams of a capture that are whole, in their order.
pub(crate) fn datagrams(file: &[u8]) -> Result<Vec<Datagram>, String> {
    let frames = match file.first_chunk::<4>() {
        Some([0x0a, 0x0d, 0x0d, 0x0a]) => pcapng(file)?,
        Some([0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1]) => pcap(file, u32::from_le_bytes)?,
        Some([0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d]) => pcap(file, u32::from_be_bytes)?,
        _ => return Err("neither pcap nor pcapng".to_owned()),
    };
    let numbered = frames.into_iter().enumerate();
    Ok(numbered
        .filter_map(|(place, (link, octets))| udp(place + 1, link, octets))
        .collect())
}

type Frame<'a> = (u32, &'a [u8]);
type U32 = fn([u8; 4]) -> u32;

fn u32_at(octets: &[u8], at: usize, order: U32) -> Option<u32> {
    octets.get(at..)?.first_chunk().copied().map(order)
}

fn pcap(file: &[u8], order: U32) -> Result<Vec<Frame<'_>>, String> {
    let link = u32_at(file, 20, order).ok_or("the pcap header is cut short")?;
    let mut frames = Vec::new();
    let mut at = 24;
    while let Some(length) = u32_at(file, at + 8, order) {
        let start = at + 16;
        let end = start.checked_add(length as usize).ok_or("a frame is too long")?;
        frames.push((link, file.get(start..end).ok_or("the last frame is cut short")?));
        at = end;
    }
    Ok(frames)
}

fn pcapng(file: &[u8]) -> Result<Vec<Frame<'_>>, String> {
    let mut order: U32 = u32::from_le_bytes;
    let (mut links, mut frames, mut at) = (Vec::new(), Vec::new(), 0);
    while let Some(kind) = u32_at(file, at, order) {
        if kind == 0x0a0d_0d0a {
            let little = file.get(at + 8..at + 12) == Some(&[0x4d, 0x3c, 0x2b, 0x1a]);
            order = if little {
                u32::from_le_bytes
            } else {
                u32::from_be_bytes
            };
            links.clear();
        }
        let length = u32_at(file, at + 4, order).ok_or("a block is cut short")? as usize;
        let block = file
            .get(at..at.saturating_add(length))
            .filter(|block| block.len() >= 12);
        let block = block.ok_or("a block has no valid length")?;
        match kind {
            1 => links.push(u32_at(block, 8, order).ok_or("an interface is cut short")? & 0xffff),
            6 => {
                let interface = u32_at(block, 8, order).ok_or("a packet is cut short")? as usize;
                let captured = u32_at(block, 20, order).ok_or("a packet is cut short")? as usize;
                let octets = block
                    .get(28..28_usize.saturating_add(captured))
                    .ok_or("a packet is cut short")?;
                frames.push((*links.get(interface).ok_or("a packet of no interface")?, octets));
            }
            3 => frames.push((
                *links.first().ok_or("a packet of no interface")?,
                block.get(12..).unwrap_or(&[]),
            )),
            _ => {}
        }
        at += length;
    }
    Ok(frames)
}

fn udp(frame: usize, link: u32, octets: &[u8]) -> Option<Datagram> {
    let ip = match link {
        0 | 108 => octets.get(4..)?, // loopback: a family before the packet
        1 => ethernet(octets)?,
        12 | 14 | 101 | 228 | 229 => octets, // raw IP
        113 => octets.get(16..)?,            // Linux cooked
        276 => octets.get(20..)?,            // Linux cooked, version 2
        _ => return None,
    };
    let (source, destination, udp) = match ip.first()? >> 4 {
        4 => {
            let header = usize::from(ip.first()? & 0x0f) * 4;
            let fragment = u16::from_be_bytes(*ip.get(6..)?.first_chunk()?) & 0x3fff;
            if *ip.get(9)? != 17 || fragment != 0 {
                return None;
            }
            let address = |at: usize| Some(Ipv4Addr::from(*ip.get(at..)?.first_chunk::<4>()?));
            (
                IpAddr::V4(address(12)?),
                IpAddr::V4(address(16)?),
                ip.get(header..)?,
            )
        }
        6 if *ip.get(6)? == 17 => {
            let address = |at: usize| Some(Ipv6Addr::from(*ip.get(at..)?.first_chunk::<16>()?));
            (IpAddr::V6(address(8)?), IpAddr::V6(address(24)?), ip.get(40..)?)
        }
        _ => return None,
    };
    let port = |at: usize| Some(u16::from_be_bytes(*udp.get(at..)?.first_chunk()?));
    let (from, to, length) = (port(0)?, port(2)?, usize::from(port(4)?));
    let payload = udp.get(8..length)?.to_vec();
    Some(Datagram {
        frame,
        source: (source, from),
        destination: (destination, to),
        payload,
    })
}

fn ethernet(octets: &[u8]) -> Option<&[u8]> {
    let mut at = 12;
    while matches!(octets.get(at..)?.first_chunk()?, [0x81, 0x00] | [0x88, 0xa8]) {
        at += 4;
    }
    octets.get(at + 2..)
}
