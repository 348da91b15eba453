//! Lowers the maximum segment size that a SYN tells (RFC 9293 §3.7.1) to what fits into the tunnel, in both directions, so
//! that TCP needs no ICMP message to come through.

/// TCP's header, without options, and IP's.
const HEADERS_V4: u16 = 40;
const HEADERS_V6: u16 = 60;

const TCP: u8 = 6;
const SYN: u8 = 0x02;
const FRAGMENT_OFFSET: u16 = 0x1fff;

/// What kinds of options there are that matter here.
const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const SEGMENT_SIZE: u8 = 2;

/// `packet` is an IP packet as long as its header says, with a complete checksum, and `mtu` the longest that fits.
#[inline]
pub(crate) fn clamp(packet: &mut [u8], mtu: u16) {
    let Some((tcp, headers)) = tcp(packet) else {
        return;
    };
    if packet.get(tcp + 13).is_some_and(|flags| flags & SYN != 0) {
        clamp_syn(&mut packet[tcp..], mtu.saturating_sub(headers));
    }
}

/// Where TCP begins, and the octets of headers before a segment.
#[inline]
fn tcp(packet: &[u8]) -> Option<(usize, u16)> {
    match packet.first()? >> 4 {
        4 => {
            let header = packet.first_chunk::<20>()?;
            let offset = u16::from_be_bytes([header[6], header[7]]) & FRAGMENT_OFFSET;
            let length = usize::from(header[0] & 0x0f) * 4;
            (header[9] == TCP && offset == 0).then_some((length, HEADERS_V4))
        }
        6 => (*packet.get(6)? == TCP).then_some((40, HEADERS_V6)),
        _ => None,
    }
}

#[cold]
fn clamp_syn(segment: &mut [u8], most: u16) {
    let Some(place) = segment_size(segment) else {
        return;
    };
    let told = u16::from_be_bytes([segment[place], segment[place + 1]]);
    if told <= most {
        return;
    }
    segment[place..place + 2].copy_from_slice(&most.to_be_bytes());
    // RFC 1624. Options need not begin at an even place, and then they lie across the words of the checksum.
    let as_summed = |value: u16| if place % 2 == 0 { value } else { value.swap_bytes() };
    let before = u16::from_be_bytes([segment[16], segment[17]]);
    let mut sum = u32::from(!before) + u32::from(!as_summed(told)) + u32::from(as_summed(most));
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    segment[16..18].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}

/// Where the value of the option stands.
fn segment_size(segment: &[u8]) -> Option<usize> {
    let end = usize::from(segment.get(12)? >> 4) * 4;
    let options = segment.get(..end)?;
    let mut place = 20;
    loop {
        match *options.get(place)? {
            END => return None,
            NO_OPERATION => place += 1,
            kind => {
                let length = usize::from(*options.get(place + 1)?);
                if kind == SEGMENT_SIZE {
                    return (length == 4 && place + 4 <= end).then_some(place + 2);
                }
                // Shorter than itself: not an option, and no step.
                place += if length < 2 { return None } else { length };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::Sum;

    /// A segment with these flags and options, in IPv4 or IPv6, with its checksum.
    fn packet(is_v4: bool, flags: u8, options: &[u8]) -> Vec<u8> {
        let length = 20 + options.len();
        let mut packet = match is_v4 {
            true => vec![
                0x45,
                0,
                0,
                20 + length as u8,
                0,
                0,
                0x40,
                0,
                64,
                TCP,
                0,
                0, // no fragment
                10,
                0,
                3,
                201, // from the UE
                203,
                0,
                113,
                1, // to a server
            ],
            false => {
                let mut header = vec![0x60, 0, 0, 0, 0, length as u8, TCP, 64];
                header.extend([0x20; 16]);
                header.extend([0x26; 16]);
                header
            }
        };
        let tcp = packet.len();
        packet.extend([0x9c, 0x40, 0, 80, 1, 2, 3, 4, 0, 0, 0, 0]);
        packet.extend([(length as u8 / 4) << 4, flags, 0xfa, 0xf0, 0, 0, 0, 0]);
        packet.extend(options);
        let checksum = sum(&packet, tcp).checksum();
        packet[tcp + 16..tcp + 18].copy_from_slice(&checksum);
        packet
    }

    fn sum(packet: &[u8], tcp: usize) -> Sum {
        let addresses = if tcp == 20 {
            &packet[12..20]
        } else {
            &packet[8..40]
        };
        let pseudo = Sum::of(addresses).and(Sum::word(u16::from(TCP)));
        let length = Sum::word((packet.len() - tcp) as u16);
        pseudo.and(length).and(Sum::of(&packet[tcp..]))
    }

    #[test]
    fn segment_size_of_a_syn_is_lowered_and_the_checksum_stays_intact() {
        let even: &[u8] = &[2, 4, 0x05, 0xb4, 4, 2, 1, 1];
        let odd: &[u8] = &[1, 2, 4, 0x05, 0xb4, 4, 2, 0];
        for (is_v4, tcp, most) in [(true, 20, 1410 - 40_u16), (false, 40, 1410 - 60)] {
            for (options, place) in [(even, 2), (odd, 3)] {
                for flags in [SYN, SYN | 0x10] {
                    let mut packet = packet(is_v4, flags, options);
                    clamp(&mut packet, 1410);
                    let value = tcp + 20 + place;
                    assert_eq!(
                        packet[value..value + 2],
                        most.to_be_bytes(),
                        "{is_v4} {options:?}"
                    );
                    assert!(sum(&packet, tcp).is_intact(), "{is_v4} {options:?}");
                }
            }
        }
    }

    #[test]
    fn what_fits_or_is_no_syn_stays_as_it_is() {
        let told: &[u8] = &[2, 4, 0x05, 0xb4];
        for (flags, options, mtu) in [
            (SYN, told, 1500),
            (0x10, told, 1400),
            (SYN, &[1, 1, 1, 0][..], 1400),
            (SYN, &[0, 2, 4, 0xff][..], 1400), // after the end
            (SYN, &[9, 0, 2, 4][..], 1400),    // an option of no length
            (SYN, &[2, 3, 0xff, 0][..], 1400), // too short
            (SYN, &[1, 1, 2, 4][..], 1400),    // cut off
        ] {
            let before = packet(true, flags, options);
            let mut after = before.clone();
            clamp(&mut after, mtu);
            assert_eq!(after, before, "{options:?}");
        }
        let mut fragment = packet(true, SYN, told);
        fragment[7] = 8;
        let before = fragment.clone();
        clamp(&mut fragment, 1400);
        assert_eq!(fragment, before, "a later fragment");
    }

    #[test]
    fn no_length_is_too_short() {
        for is_v4 in [true, false] {
            let whole = packet(is_v4, SYN, &[1, 2, 4, 0x05, 0xb4, 4, 2, 0]);
            for length in 0..whole.len() {
                clamp(&mut whole[..length].to_vec(), 576);
            }
        }
    }
}
