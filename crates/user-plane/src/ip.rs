//! The IP header of a user packet, as far as the packet path needs it.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Source and destination of a user packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addresses {
    V4 {
        source: u32,
        destination: u32,
    },
    /// Only the /64 prefixes: the rest is the UE's own choice.
    V6 {
        source: u64,
        destination: u64,
    },
}

/// A user packet whose lengths agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) addresses: Addresses,
    /// Octets by its own header, at most what there was; more may follow as padding.
    pub(crate) length: usize,
}

#[inline]
pub(crate) fn parse(octets: &[u8]) -> Option<Packet> {
    match octets.first()? >> 4 {
        4 => parse_v4(octets),
        6 => parse_v6(octets),
        _ => None,
    }
}

#[inline]
fn parse_v4(octets: &[u8]) -> Option<Packet> {
    let header = octets.first_chunk::<20>()?;
    let header_length = usize::from(header[0] & 0x0f) * 4;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if header_length < 20 || length < header_length || length > octets.len() {
        return None;
    }
    let [.., s1, s2, s3, s4, d1, d2, d3, d4] = *header;
    Some(Packet {
        addresses: Addresses::V4 {
            source: u32::from_be_bytes([s1, s2, s3, s4]),
            destination: u32::from_be_bytes([d1, d2, d3, d4]),
        },
        length,
    })
}

#[inline]
fn parse_v6(octets: &[u8]) -> Option<Packet> {
    let header = octets.first_chunk::<40>()?;
    let length = 40 + usize::from(u16::from_be_bytes([header[4], header[5]]));
    if length > octets.len() {
        return None;
    }
    Some(Packet {
        addresses: Addresses::V6 {
            source: prefix_at(header, 8),
            destination: prefix_at(header, 24),
        },
        length,
    })
}

#[inline]
fn prefix_at(header: &[u8; 40], start: usize) -> u64 {
    header[start..start + 8]
        .iter()
        .fold(0, |prefix, octet| prefix << 8 | u64::from(*octet))
}

pub(crate) const fn v4_key(address: Ipv4Addr) -> u32 {
    address.to_bits()
}

/// The /64 in which the address lies.
pub(crate) const fn v6_key(address: Ipv6Addr) -> u64 {
    (address.to_bits() >> 64) as u64
}
