//! Fragmentation of IPv4, RFC 791 §3.2, for a path that takes less than the TUN device's MTU.

use crate::checksum::Sum;

const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET: u16 = 0x1fff;
const DONT_FRAGMENT: u16 = 0x4000;

/// A packet that may be fragmented.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Octets of payload a fragment, the last one excepted; a multiple of 8.
    share: usize,
    payload: usize,
    /// As in the packet: it may be a fragment itself.
    flags_and_offset: u16,
}

impl Plan {
    /// `None` for IPv6, for a packet that must not be fragmented, and for one with options, which are not worth it.
    pub(crate) fn new(packet: &[u8], mtu: usize) -> Option<Plan> {
        let header = packet.first_chunk::<20>()?;
        let flags_and_offset = u16::from_be_bytes([header[6], header[7]]);
        let share = mtu.saturating_sub(20) & !7;
        if header[0] != 0x45 || flags_and_offset & DONT_FRAGMENT != 0 || share == 0 {
            return None;
        }
        Some(Plan {
            share,
            payload: packet.len() - 20,
            flags_and_offset,
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.payload.div_ceil(self.share)
    }

    /// Octets of fragment `i`.
    pub(crate) fn length(&self, i: usize) -> usize {
        20 + self.share.min(self.payload - i * self.share)
    }

    /// Writes fragment `i` into `out`, which is [`Plan::length`] long.
    pub(crate) fn write(&self, packet: &[u8], i: usize, out: &mut [u8]) {
        let (header, payload) = out.split_at_mut(20);
        let start = 20 + i * self.share;
        header.copy_from_slice(&packet[..20]);
        payload.copy_from_slice(&packet[start..start + payload.len()]);
        let offset = (self.flags_and_offset & OFFSET) + (i * self.share / 8) as u16;
        let more = match i + 1 < self.count() {
            true => MORE_FRAGMENTS,
            false => self.flags_and_offset & MORE_FRAGMENTS,
        };
        header[2..4].copy_from_slice(&((20 + payload.len()) as u16).to_be_bytes());
        header[6..8].copy_from_slice(&(more | offset & OFFSET).to_be_bytes());
        header[10..12].fill(0);
        let checksum = Sum::of(header).checksum();
        header[10..12].copy_from_slice(&checksum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(flags_and_offset: u16, length: usize) -> Vec<u8> {
        let mut packet = vec![
            0x45, 0, 0, 0, 0x12, 0x34, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
        ];
        packet[2..4].copy_from_slice(&(length as u16).to_be_bytes());
        packet[6..8].copy_from_slice(&flags_and_offset.to_be_bytes());
        packet.extend((20..length).map(|i| i as u8));
        packet
    }

    #[test]
    fn fragments_fit_and_make_up_the_packet() {
        let whole = packet(0, 3000);
        let plan = Plan::new(&whole, 1000).unwrap();
        let mut rebuilt = vec![0; 2980];
        for i in 0..plan.count() {
            let mut fragment = vec![0; plan.length(i)];
            plan.write(&whole, i, &mut fragment);
            assert!(fragment.len() <= 1000);
            assert!(Sum::of(&fragment[..20]).is_intact());
            assert_eq!(
                usize::from(u16::from_be_bytes([fragment[2], fragment[3]])),
                fragment.len()
            );
            assert_eq!(fragment[4..6], [0x12, 0x34]);
            let field = u16::from_be_bytes([fragment[6], fragment[7]]);
            assert_eq!(field & MORE_FRAGMENTS != 0, i + 1 < plan.count());
            let start = usize::from(field & OFFSET) * 8;
            rebuilt[start..start + fragment.len() - 20].copy_from_slice(&fragment[20..]);
        }
        assert_eq!(plan.count(), 4);
        assert_eq!(rebuilt, whole[20..]);
    }

    #[test]
    fn fragment_of_a_fragment_keeps_its_place() {
        let middle = packet(MORE_FRAGMENTS | 100, 500);
        let plan = Plan::new(&middle, 300).unwrap();
        let mut last = vec![0; plan.length(1)];
        plan.write(&middle, 1, &mut last);
        let field = u16::from_be_bytes([last[6], last[7]]);
        assert_eq!(field, MORE_FRAGMENTS | (100 + 280 / 8));
    }

    #[test]
    fn what_must_not_be_fragmented_is_not() {
        assert!(Plan::new(&packet(DONT_FRAGMENT, 3000), 1000).is_none());
        assert!(Plan::new(&[0x60; 100], 50).is_none());
        assert!(Plan::new(&packet(0, 3000), 20).is_none());
    }
}
