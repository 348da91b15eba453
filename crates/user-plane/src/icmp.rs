//! The answer to a packet that is too big for the tunnel: RFC 792 and RFC 1191 (IPv4), RFC 4443 §3.2 (IPv6).

use crate::checksum::Sum;

/// Room for any answer: an IPv6 one is at most 1,280 octets.
pub(crate) const MOST: usize = 1280;

/// Octets of the packet that an IPv4 answer quotes at most, so that it has 576 octets in all.
const QUOTE_V4: usize = 576 - 28;
const QUOTE_V6: usize = MOST - 48;

const DONT_FRAGMENT: u16 = 0x4000;
const FRAGMENT_OFFSET: u16 = 0x1fff;

/// Writes the answer into `answer` and says how long it is; `None` where none is allowed or of use: to an error
/// message, to a later fragment, to a multicast or unspecified source, to IPv4 that may be fragmented.
///
/// It comes from the address that the packet was for, which is the only one known to lead into the tunnel.
pub(crate) fn too_big(packet: &[u8], mtu: u16, answer: &mut [u8; MOST]) -> Option<usize> {
    match packet.first()? >> 4 {
        4 => too_big_v4(packet, mtu, answer),
        6 => too_big_v6(packet, mtu, answer),
        _ => None,
    }
}

fn too_big_v4(packet: &[u8], mtu: u16, answer: &mut [u8; MOST]) -> Option<usize> {
    let header = packet.first_chunk::<20>()?;
    let fragment = u16::from_be_bytes([header[6], header[7]]);
    let source_is_a_host = !matches!(header[12], 0 | 127 | 224..);
    if fragment & DONT_FRAGMENT == 0 || fragment & FRAGMENT_OFFSET != 0 || !source_is_a_host {
        return None;
    }
    let header_length = usize::from(header[0] & 0x0f) * 4;
    // ICMP that is not Echo or a reply to it may be an error.
    if header[9] == 1 && !matches!(packet.get(header_length), Some(0 | 8)) {
        return None;
    }
    let quote = &packet[..packet.len().min(QUOTE_V4)];
    let length = 28 + quote.len();
    answer[..20].copy_from_slice(&[
        0x45, 0xc0, 0, 0, 0, 0, 0, 0, // version, precedence 6, no fragment
        64, 1, 0, 0, // TTL, ICMP
        0, 0, 0, 0, 0, 0, 0, 0,
    ]);
    answer[2..4].copy_from_slice(&(length as u16).to_be_bytes());
    answer[12..16].copy_from_slice(&header[16..20]);
    answer[16..20].copy_from_slice(&header[12..16]);
    let checksum = Sum::of(&answer[..20]).checksum();
    answer[10..12].copy_from_slice(&checksum);
    // Destination unreachable, fragmentation needed.
    answer[20..28].copy_from_slice(&[3, 4, 0, 0, 0, 0, 0, 0]);
    answer[26..28].copy_from_slice(&mtu.to_be_bytes());
    answer[28..length].copy_from_slice(quote);
    let checksum = Sum::of(&answer[20..length]).checksum();
    answer[22..24].copy_from_slice(&checksum);
    Some(length)
}

fn too_big_v6(packet: &[u8], mtu: u16, answer: &mut [u8; MOST]) -> Option<usize> {
    let header = packet.first_chunk::<40>()?;
    let source = &header[8..24];
    let source_is_a_host = source[0] != 0xff && source.iter().any(|octet| *octet != 0);
    let icmp_error = header[6] == 58 && packet.get(40).is_none_or(|kind| kind & 0x80 == 0);
    if !source_is_a_host || icmp_error {
        return None;
    }
    let quote = &packet[..packet.len().min(QUOTE_V6)];
    let payload = 8 + quote.len();
    answer[..8].copy_from_slice(&[0x60, 0, 0, 0, 0, 0, 58, 64]);
    answer[4..6].copy_from_slice(&(payload as u16).to_be_bytes());
    answer[8..24].copy_from_slice(&header[24..40]);
    answer[24..40].copy_from_slice(source);
    answer[40..48].copy_from_slice(&[2, 0, 0, 0, 0, 0, 0, 0]);
    answer[46..48].copy_from_slice(&mtu.to_be_bytes());
    answer[48..40 + payload].copy_from_slice(quote);
    let pseudo = Sum::word(payload as u16).and(Sum::word(58));
    let checksum = pseudo.and(Sum::of(&answer[8..40 + payload])).checksum();
    answer[42..44].copy_from_slice(&checksum);
    Some(40 + payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(flags: u8) -> Vec<u8> {
        let mut packet = vec![
            0x45, 0, 0x05, 0xdc, 0, 1, flags, 0, 64, 17, 0, 0, // 1,500 octets of UDP
            10, 0, 0, 1, // from the UE
            203, 0, 113, 1, // to a server
        ];
        packet.resize(1500, 0xaa);
        packet
    }

    #[test]
    fn ipv4_that_must_not_be_fragmented_is_answered_with_the_mtu() {
        let mut answer = [0; MOST];
        let length = too_big(&v4(0x40), 1400, &mut answer).unwrap();
        let answer = &answer[..length];
        assert_eq!(length, 576);
        assert!(Sum::of(&answer[..20]).is_intact(), "IPv4 header");
        assert!(Sum::of(&answer[20..]).is_intact(), "ICMP");
        assert_eq!(answer[12..20], [203, 0, 113, 1, 10, 0, 0, 1]);
        assert_eq!(answer[20..22], [3, 4]);
        assert_eq!(answer[26..28], 1400_u16.to_be_bytes());
        assert_eq!(answer[28..], v4(0x40)[..548]);
    }

    #[test]
    fn ipv6_is_answered_with_the_mtu() {
        let mut packet = vec![0x60, 0, 0, 0, 0x05, 0xb4, 17, 64];
        packet.extend([0x20; 16]);
        packet.extend([0x26; 16]);
        packet.resize(1500, 0xaa);
        let mut answer = [0; MOST];
        let length = too_big(&packet, 1400, &mut answer).unwrap();
        assert_eq!(length, 1280);
        assert_eq!(answer[8..24], [0x26; 16]);
        assert_eq!(answer[24..40], [0x20; 16]);
        assert_eq!(answer[40..42], [2, 0]);
        assert_eq!(answer[44..48], 1400_u32.to_be_bytes());
        let pseudo = Sum::word(1280 - 40).and(Sum::word(58));
        assert!(pseudo.and(Sum::of(&answer[8..])).is_intact());
    }

    #[test]
    fn errors_fragments_and_fragmentable_packets_get_no_answer() {
        let mut answer = [0; MOST];
        assert_eq!(too_big(&v4(0), 1400, &mut answer), None, "may be fragmented");
        assert_eq!(too_big(&v4(0x41), 1400, &mut answer), None, "a later fragment");
        let mut unreachable = v4(0x40);
        unreachable[9] = 1;
        unreachable[20] = 3;
        assert_eq!(too_big(&unreachable, 1400, &mut answer), None);
        let mut multicast = v4(0x40);
        multicast[12] = 224;
        assert_eq!(too_big(&multicast, 1400, &mut answer), None);
        for length in 0..20 {
            assert_eq!(too_big(&v4(0x40)[..length], 1400, &mut answer), None);
        }
    }
}
