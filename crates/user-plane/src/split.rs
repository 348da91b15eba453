//! Cutting a super-packet of the TUN device into the packets that it stands for.
//!
//! ```text
//! [IP | TCP | payload, 64 KB]  ->  [GTP | IP | TCP | payload] [GTP | IP | TCP | payload] ...
//! ```

use crate::checksum::Sum;
use crate::vnet::{Gso, Vnet};

const CWR: u8 = 0x80;
const PSH: u8 = 0x08;
const FIN: u8 = 0x01;

/// A super-packet whose headers were checked once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    gso: Gso,
    is_v4: bool,
    /// Where TCP's or UDP's header begins.
    l4: usize,
    /// Where the payload begins.
    header: usize,
    /// Octets of payload a packet, the last one excepted.
    segment: usize,
    payload: usize,
    /// The pseudo header without its length.
    pseudo: Sum,
    first_sequence: u32,
    first_id: u16,
}

impl Plan {
    /// `None` if the packet and what is said of it contradict each other.
    #[inline]
    pub(crate) fn new(packet: &[u8], vnet: Vnet) -> Option<Plan> {
        let (gso, segment) = vnet.gso?;
        let (l4, _) = vnet.checksum?;
        let is_v4 = packet.first()? >> 4 == 4;
        let (shortest_l3, addresses, protocol) = match is_v4 {
            true => (20, packet.get(12..20)?, gso.protocol()),
            false => (40, packet.get(8..40)?, gso.protocol()),
        };
        let l4_header = packet.get(l4..)?;
        let l4_length = match gso {
            Gso::Tcp => usize::from(l4_header.first_chunk::<20>()?[12] >> 4) * 4,
            Gso::Udp => 8,
        };
        let shortest_l4 = if gso == Gso::Tcp { 20 } else { 8 };
        let header = l4 + l4_length;
        if l4 < shortest_l3 || l4_length < shortest_l4 || header >= packet.len() || segment == 0 {
            return None;
        }
        if is_v4 && l4 != usize::from(packet[0] & 0x0f) * 4 {
            return None;
        }
        Some(Plan {
            gso,
            is_v4,
            l4,
            header,
            segment,
            payload: packet.len() - header,
            pseudo: Sum::of(addresses).and(Sum::word(u16::from(protocol))),
            first_sequence: l4_header
                .get(4..8)
                .and_then(|octets| octets.first_chunk())
                .map_or(0, |octets| u32::from_be_bytes(*octets)),
            first_id: u16::from_be_bytes([packet[4], packet[5]]),
        })
    }

    /// How many packets it makes.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.payload.div_ceil(self.segment)
    }

    /// Octets of the longest of them.
    #[inline]
    pub(crate) fn longest(&self) -> usize {
        self.header + self.segment.min(self.payload)
    }

    /// Octets of packet `i`.
    #[inline]
    pub(crate) fn length(&self, i: usize) -> usize {
        self.header + self.segment.min(self.payload - i * self.segment)
    }

    /// Writes packet `i` of the super-packet into `out`, which is [`Plan::length`] long.
    #[inline]
    pub(crate) fn write(&self, packet: &[u8], i: usize, out: &mut [u8]) {
        let start = self.header + i * self.segment;
        let (header, payload) = out.split_at_mut(self.header);
        let source = &packet[start..start + payload.len()];
        header.copy_from_slice(&packet[..self.header]);
        let payload_sum = Sum::of_copy(source, payload);

        let is_last = i + 1 == self.count();
        let length = self.header + payload.len();
        let (l3, l4) = header.split_at_mut(self.l4);
        // Both fit: the whole super-packet's length did.
        let l4_length = (length - self.l4) as u16;
        if self.is_v4 {
            l3[2..4].copy_from_slice(&(length as u16).to_be_bytes());
            l3[4..6].copy_from_slice(&self.first_id.wrapping_add(i as u16).to_be_bytes());
            l3[10..12].fill(0);
            let checksum = Sum::of(l3).checksum();
            l3[10..12].copy_from_slice(&checksum);
        } else {
            l3[4..6].copy_from_slice(&((length - 40) as u16).to_be_bytes());
        }
        let pseudo = self.pseudo.and(Sum::word(l4_length));
        match self.gso {
            Gso::Tcp => {
                let sequence = self.first_sequence.wrapping_add((i * self.segment) as u32);
                l4[4..8].copy_from_slice(&sequence.to_be_bytes());
                if !is_last {
                    l4[13] &= !(FIN | PSH);
                }
                if i > 0 {
                    l4[13] &= !CWR;
                }
                l4[16..18].fill(0);
                // TCP's header is a multiple of 4 octets, so that the payload begins at an even place.
                let sum = pseudo.and(Sum::of(l4)).and(payload_sum);
                l4[16..18].copy_from_slice(&sum.checksum());
            }
            Gso::Udp => {
                l4[4..6].copy_from_slice(&l4_length.to_be_bytes());
                l4[6..8].fill(0);
                let sum = pseudo.and(Sum::of(l4)).and(payload_sum);
                l4[6..8].copy_from_slice(&sum.udp_checksum());
            }
        }
    }
}

impl Gso {
    /// The number of the protocol in IP.
    pub(crate) const fn protocol(self) -> u8 {
        match self {
            Gso::Tcp => 6,
            Gso::Udp => 17,
        }
    }
}

/// Fills in the checksum that the kernel left to us; `None` if it says a place that is not behind the packet's IP header.
#[inline]
pub(crate) fn complete_checksum(packet: &mut [u8], (start, offset): (usize, usize)) -> Option<()> {
    let ip_header = match packet.first()? >> 4 {
        4 => usize::from(packet[0] & 0x0f) * 4,
        _ => 40,
    };
    if start < ip_header {
        return None;
    }
    let part = packet.get_mut(start..)?;
    let sum = Sum::of(part);
    let place = part.get_mut(offset..offset + 2)?;
    // Offset 6 is UDP's.
    let checksum = if offset == 6 {
        sum.udp_checksum()
    } else {
        sum.checksum()
    };
    place.copy_from_slice(&checksum);
    Some(())
}
