//! The Internet checksum, RFC 1071.
//!
//! A [`Sum`] is kept in the byte order of the machine, which the ones' complement sum allows, and unfolded, so that the
//! loop over a payload is a few vector instructions per 32 octets.

/// A sum of 16-bit words that is not folded yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sum(u64);

impl Sum {
    /// The sum of the octets, 2 MiB at most, which begin at an even place in what is summed.
    #[inline]
    pub(crate) fn of(octets: &[u8]) -> Sum {
        let (blocks, rest) = octets.as_chunks::<32>();
        let mut wholes = [0_u32; 8];
        let mut highs = [0_u32; 8];
        for block in blocks {
            let (words, _) = block.as_chunks::<4>();
            for ((whole, high), word) in wholes.iter_mut().zip(&mut highs).zip(words) {
                let word = u32::from_ne_bytes(*word);
                *whole = whole.wrapping_add(word);
                *high += word >> 16;
            }
        }
        // The low halves are what the wholes hold without the high halves: that is one instruction less than to sum them.
        let mut sum = 0;
        for (whole, high) in wholes.iter().zip(highs) {
            sum += u64::from(high) + u64::from(whole.wrapping_sub(high << 16));
        }
        let (words, last) = rest.as_chunks::<2>();
        for word in words {
            sum += u64::from(u16::from_ne_bytes(*word));
        }
        if let [octet] = last {
            sum += u64::from(u16::from_ne_bytes([*octet, 0]));
        }
        Sum(sum)
    }

    /// Copies `from` into `to`, which is as long, and sums it. In this order: the sum brings the octets into the nearest cache, and a
    /// copy from there costs less than one in the same loop.
    #[inline]
    pub(crate) fn of_copy(from: &[u8], to: &mut [u8]) -> Sum {
        let sum = Sum::of(from);
        to.copy_from_slice(from);
        sum
    }

    /// One word in network byte order.
    #[inline]
    pub(crate) fn word(word: u16) -> Sum {
        Sum(u64::from(word.to_be()))
    }

    /// Both together.
    #[inline]
    pub(crate) fn and(self, other: Sum) -> Sum {
        Sum(self.0 + other.0)
    }

    /// Folded to 16 bits, as octets to be written: the sum, not its complement.
    #[inline]
    pub(crate) fn fold(self) -> [u8; 2] {
        let mut sum = self.0;
        sum = (sum & 0xffff_ffff) + (sum >> 32);
        sum = (sum & 0xffff_ffff) + (sum >> 32);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        (sum as u16).to_ne_bytes()
    }

    /// The checksum, as octets to be written.
    #[inline]
    pub(crate) fn checksum(self) -> [u8; 2] {
        let [a, b] = self.fold();
        [!a, !b]
    }

    /// The checksum of UDP, in which 0 would mean "none" (RFC 768).
    #[inline]
    pub(crate) fn udp_checksum(self) -> [u8; 2] {
        match self.checksum() {
            [0, 0] => [0xff, 0xff],
            checksum => checksum,
        }
    }

    /// Whether what was summed, its checksum included, is intact.
    #[inline]
    pub(crate) fn is_intact(self) -> bool {
        self.fold() == [0xff, 0xff]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 1071 §4.1, word by word.
    fn by_the_book(octets: &[u8]) -> u16 {
        let mut sum = 0_u32;
        for pair in octets.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }

    #[test]
    fn every_length_sums_as_by_the_book() {
        let octets: Vec<u8> = (0..2000_u32).map(|i| (i * 167 + 13) as u8).collect();
        for length in 0..octets.len() {
            let octets = &octets[..length];
            assert_eq!(
                u16::from_be_bytes(Sum::of(octets).checksum()),
                by_the_book(octets)
            );
        }
        let ones = [0xff; 65_535];
        assert_eq!(u16::from_be_bytes(Sum::of(&ones).checksum()), by_the_book(&ones));
    }

    #[test]
    fn parts_add_up_and_an_intact_packet_is_recognised() {
        let header = [
            0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01,
            0xc0, 0xa8, 0x00, 0xc7,
        ];
        assert!(Sum::of(&header).is_intact());
        assert!(Sum::of(&header[..4]).and(Sum::of(&header[4..])).is_intact());
        assert!(!Sum::of(&header[2..]).is_intact());
        assert_eq!(Sum::word(0x1234).fold(), [0x12, 0x34]);
        assert_eq!(Sum::of(&[0xff, 0xff]).udp_checksum(), [0xff, 0xff]);
    }
}
