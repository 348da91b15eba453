//! What an Ethernet frame carries, as far as a call flow needs it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

/// An IP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    /// Source.
    pub(crate) from: IpAddr,
    /// Destination.
    pub(crate) to: IpAddr,
    /// The protocol inside, by its number.
    pub(crate) protocol: u8,
    /// What the IP packet carries. Of a fragment, nothing.
    pub(crate) payload: &'a [u8],
}

/// Sender, receiver and octets of the UDP datagram in an Ethernet frame, if there is a whole one.
pub fn udp_datagram(frame: &[u8]) -> Option<(SocketAddr, SocketAddr, &[u8])> {
    let packet = ip_of_ethernet(frame)?;
    let (from, to, octets) = packet.udp()?;
    Some((
        SocketAddr::new(packet.from, from),
        SocketAddr::new(packet.to, to),
        octets,
    ))
}

/// The IP packet in an Ethernet frame.
pub(crate) fn ip_of_ethernet(frame: &[u8]) -> Option<Packet<'_>> {
    match u16_at(frame, 12)? {
        ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => ip(frame.get(14..)?),
        _ => None,
    }
}

/// An IP packet, IPv4 or IPv6 without extension headers.
pub(crate) fn ip(packet: &[u8]) -> Option<Packet<'_>> {
    match packet.first()? >> 4 {
        4 => ipv4(packet),
        6 => ipv6(packet),
        _ => None,
    }
}

fn ipv4(packet: &[u8]) -> Option<Packet<'_>> {
    let header = usize::from(packet[0] & 15) * 4;
    let total = usize::from(u16_at(packet, 2)?);
    let is_fragment = u16_at(packet, 6)? & 0x3fff != 0;
    let payload = packet.get(header..total)?;
    Some(Packet {
        from: Ipv4Addr::from(array::<4>(packet, 12)?).into(),
        to: Ipv4Addr::from(array::<4>(packet, 16)?).into(),
        protocol: *packet.get(9)?,
        payload: if is_fragment { &[] } else { payload },
    })
}

fn ipv6(packet: &[u8]) -> Option<Packet<'_>> {
    let length = usize::from(u16_at(packet, 4)?);
    Some(Packet {
        from: Ipv6Addr::from(array::<16>(packet, 8)?).into(),
        to: Ipv6Addr::from(array::<16>(packet, 24)?).into(),
        protocol: *packet.get(6)?,
        payload: packet.get(40..40 + length)?,
    })
}

impl<'a> Packet<'a> {
    /// Ports and octets of a UDP datagram.
    pub(crate) fn udp(&self) -> Option<(u16, u16, &'a [u8])> {
        if self.protocol != UDP {
            return None;
        }
        let length = usize::from(u16_at(self.payload, 4)?);
        Some((
            u16_at(self.payload, 0)?,
            u16_at(self.payload, 2)?,
            self.payload.get(8..length)?,
        ))
    }

    /// In a few words: `192.0.2.1 -> 192.0.2.2 ICMP echo request`.
    pub(crate) fn describe(&self) -> String {
        let what = match (self.protocol, self.payload.first()) {
            (ICMP, Some(8)) => "ICMP echo request".to_owned(),
            (ICMP, Some(0)) => "ICMP echo reply".to_owned(),
            (ICMP, Some(kind)) => format!("ICMP type {kind}"),
            (ICMPV6, Some(128)) => "ICMPv6 echo request".to_owned(),
            (ICMPV6, Some(129)) => "ICMPv6 echo reply".to_owned(),
            (TCP, Some(_)) => self.tcp(),
            (UDP, Some(_)) => match self.udp() {
                Some((from, to, _)) => format!("UDP {from} -> {to}"),
                None => "UDP".to_owned(),
            },
            (protocol, _) => format!("IP protocol {protocol}"),
        };
        format!("{} -> {} {what}", self.from, self.to)
    }

    fn tcp(&self) -> String {
        let (Some(to), Some(flags)) = (u16_at(self.payload, 2), self.payload.get(13)) else {
            return "TCP".to_owned();
        };
        let names = [(0x02, " SYN"), (0x01, " FIN"), (0x04, " RST"), (0x10, " ACK")];
        let flags: String = names
            .iter()
            .filter(|(bit, _)| flags & bit != 0)
            .map(|(_, name)| *name)
            .collect();
        format!("TCP to port {to}{flags}")
    }
}

fn array<const N: usize>(octets: &[u8], at: usize) -> Option<[u8; N]> {
    octets.get(at..at + N)?.try_into().ok()
}

fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    array(octets, at).map(u16::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rustfmt::skip]
    const FRAME: [u8; 46] = [
        2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00, // Ethernet, IPv4 follows
        0x45, 0, 0, 32, 0, 0, 0x40, 0, 64, 17, 0, 0,     // 32 octets, not a fragment, UDP
        192, 0, 2, 1, 192, 0, 2, 2,
        0x08, 0x4b, 0x08, 0x4b, 0, 12, 0, 0,             // 2123 to 2123, 12 octets
        0x40, 0x01, 0x00, 0x04,
    ];

    #[test]
    fn datagram_is_found_in_its_frame() {
        let packet = ip_of_ethernet(&FRAME).unwrap();
        assert_eq!(packet.from.to_string(), "192.0.2.1");
        assert_eq!(packet.udp(), Some((2123, 2123, &FRAME[42..])));
        assert_eq!(packet.describe(), "192.0.2.1 -> 192.0.2.2 UDP 2123 -> 2123");
    }

    #[test]
    fn half_a_frame_is_nothing() {
        for length in 0..FRAME.len() {
            assert_eq!(ip_of_ethernet(&FRAME[..length]), None, "{length} octets");
        }
    }
}
