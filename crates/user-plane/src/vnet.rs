//! `virtio_net_hdr`, with which a TUN device says what is still to be done to a packet, and is told the same.

/// Octets of the header before each packet of a TUN device with `IFF_VNET_HDR`.
pub const VNET_HEADER: usize = 10;

const NEEDS_CHECKSUM: u8 = 1;
const GSO_NONE: u8 = 0;
const GSO_TCPV4: u8 = 1;
const GSO_TCPV6: u8 = 4;
const GSO_UDP_L4: u8 = 5;
const GSO_ECN: u8 = 0x80;

/// How a super-packet is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gso {
    Tcp,
    Udp,
}

/// What the kernel leaves to us, or we leave to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vnet {
    /// Where the part begins whose checksum is missing, and where it goes in that part. The sum of the pseudo header
    /// stands there already.
    pub(crate) checksum: Option<(usize, usize)>,
    /// Octets a segment, of a super-packet.
    pub(crate) gso: Option<(Gso, usize)>,
}

impl Vnet {
    /// Nothing is left to do.
    pub const DONE: Vnet = Vnet {
        checksum: None,
        gso: None,
    };

    /// Whether the packet stands for several.
    #[inline]
    pub fn is_super_packet(&self) -> bool {
        self.gso.is_some()
    }

    /// Reads the header in the byte order of the machine, as the kernel writes it. `None`: a kind of super-packet that
    /// nobody asked for.
    #[inline]
    pub fn parse(header: &[u8; VNET_HEADER]) -> Option<Vnet> {
        let [flags, kind, _, _, s1, s2, c1, c2, o1, o2] = *header;
        let number = |a, b| usize::from(u16::from_ne_bytes([a, b]));
        let size = number(s1, s2);
        let gso = match kind & !GSO_ECN {
            GSO_NONE => None,
            GSO_TCPV4 | GSO_TCPV6 => Some((Gso::Tcp, size)),
            GSO_UDP_L4 => Some((Gso::Udp, size)),
            _ => return None,
        };
        Some(Vnet {
            checksum: (flags & NEEDS_CHECKSUM != 0).then(|| (number(c1, c2), number(o1, o2))),
            gso,
        })
    }

    /// The header of a super-packet: `header_length` octets before the first payload, of which the last ones from
    /// `l4` on are TCP's or UDP's.
    #[inline]
    pub(crate) fn super_packet(
        gso: Gso,
        is_v4: bool,
        header_length: usize,
        segment: usize,
        l4: usize,
    ) -> [u8; VNET_HEADER] {
        let (kind, checksum_place) = match (gso, is_v4) {
            (Gso::Tcp, true) => (GSO_TCPV4, 16_u16),
            (Gso::Tcp, false) => (GSO_TCPV6, 16),
            (Gso::Udp, _) => (GSO_UDP_L4, 6),
        };
        // All of them lie within one packet, and so within 16 bits.
        let [h1, h2] = (header_length as u16).to_ne_bytes();
        let [s1, s2] = (segment as u16).to_ne_bytes();
        let [c1, c2] = (l4 as u16).to_ne_bytes();
        let [o1, o2] = checksum_place.to_ne_bytes();
        [NEEDS_CHECKSUM, kind, h1, h2, s1, s2, c1, c2, o1, o2]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_is_read_as_it_is_written() {
        let header = Vnet::super_packet(Gso::Tcp, true, 52, 1448, 20);
        assert_eq!(
            Vnet::parse(&header),
            Some(Vnet {
                checksum: Some((20, 16)),
                gso: Some((Gso::Tcp, 1448))
            })
        );
        let header = Vnet::super_packet(Gso::Udp, false, 48, 100, 40);
        assert_eq!(
            Vnet::parse(&header),
            Some(Vnet {
                checksum: Some((40, 6)),
                gso: Some((Gso::Udp, 100))
            })
        );
    }

    #[test]
    fn plain_packet_and_foreign_kinds() {
        assert_eq!(Vnet::parse(&[0; VNET_HEADER]), Some(Vnet::DONE));
        let ufo = [0, 3, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Vnet::parse(&ufo), None);
        let with_ecn = [1, 0x81, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(
            Vnet::parse(&with_ecn).and_then(|vnet| vnet.gso),
            Some((Gso::Tcp, 0))
        );
    }
}
