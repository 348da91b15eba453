//! The GTPv1-U header, TS 29.281 §5.1, as far as the packet path needs it.
//!
//! ```text
//!  0      1      2      4      8         10     11     12
//!  ┌──────┬──────┬──────┬──────┬─────────┬──────┬──────┬─ ─ ─
//!  │flags │type  │length│TEID  │sequence │N-PDU │next  │ extension headers
//!  └──────┴──────┴──────┴──────┴─────────┴──────┴──────┴─ ─ ─
//!                               only if one of E, S, PN is set; all four octets then
//! ```

use epc_codec::Teid;

/// Octets of the header that we write: no sequence number, no extension header.
pub const HEADER: usize = 8;

const VERSION_1_GTP: u8 = 0x30;
const VERSION_AND_PROTOCOL: u8 = 0xf0;
const E: u8 = 0x04;
const E_S_PN: u8 = 0x07;
const G_PDU: u8 = 255;

/// Comprehension required by the endpoint, TS 29.281 Figure 5.2.1-2.
const ENDPOINT_MUST_UNDERSTAND: u8 = 0x80;

/// A G-PDU whose lengths agree with the datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gpdu {
    pub(crate) teid: Teid,
    /// Where the user packet begins in the datagram.
    pub(crate) start: usize,
    /// Where it ends.
    pub(crate) end: usize,
    /// There is an extension header that an endpoint must understand, and we do not.
    pub(crate) needs_understanding: bool,
}

/// Why a datagram is none of the fast path's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotGpdu {
    /// GTPv1-U of another type.
    OtherMessage,
    /// Something else.
    Malformed,
}

#[inline]
pub(crate) fn parse(datagram: &[u8]) -> Result<Gpdu, NotGpdu> {
    let Some(header) = datagram.first_chunk::<HEADER>() else {
        return Err(NotGpdu::Malformed);
    };
    let [flags, kind, l1, l2, teid @ ..] = *header;
    if flags & VERSION_AND_PROTOCOL != VERSION_1_GTP {
        return Err(NotGpdu::Malformed);
    }
    if kind != G_PDU {
        return Err(NotGpdu::OtherMessage);
    }
    let end = HEADER + usize::from(u16::from_be_bytes([l1, l2]));
    if end > datagram.len() {
        return Err(NotGpdu::Malformed);
    }
    let mut gpdu = Gpdu {
        teid: Teid(u32::from_be_bytes(teid)),
        start: HEADER,
        end,
        needs_understanding: false,
    };
    if flags & E_S_PN != 0 {
        skip_options(&datagram[..end], flags, &mut gpdu).ok_or(NotGpdu::Malformed)?;
    }
    Ok(gpdu)
}

/// The four optional octets and the chain of extension headers.
fn skip_options(message: &[u8], flags: u8, gpdu: &mut Gpdu) -> Option<()> {
    let mut next = *message.get(HEADER + 3)?;
    gpdu.start += 4;
    if flags & E == 0 {
        return Some(());
    }
    while next != 0 {
        gpdu.needs_understanding |= next & ENDPOINT_MUST_UNDERSTAND != 0;
        // Its length counts units of 4 octets; 0 would stand still.
        let octets = 4 * usize::from(*message.get(gpdu.start)?);
        if octets == 0 {
            return None;
        }
        gpdu.start += octets;
        next = *message.get(gpdu.start - 1)?;
    }
    Some(())
}

/// The header of a G-PDU around `length` octets; at most 65,535 fit.
#[inline]
pub(crate) fn header(teid: Teid, length: u16) -> [u8; HEADER] {
    let [l1, l2] = length.to_be_bytes();
    let [t1, t2, t3, t4] = teid.0.to_be_bytes();
    [VERSION_1_GTP, G_PDU, l1, l2, t1, t2, t3, t4]
}

/// Gives a datagram that [`parse`] accepted another TEID.
#[inline]
pub(crate) fn set_teid(datagram: &mut [u8], teid: Teid) {
    if let Some(octets) = datagram.get_mut(4..HEADER) {
        octets.copy_from_slice(&teid.0.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_header_and_its_payload() {
        let datagram = [
            0x30, 0xff, // version 1, GTP; G-PDU
            0x00, 0x03, // 3 octets follow
            0x00, 0x00, 0x01, 0x0b, // TEID
            1, 2, 3, // payload
        ];
        assert_eq!(
            parse(&datagram),
            Ok(Gpdu {
                teid: Teid(0x10b),
                start: 8,
                end: 11,
                needs_understanding: false
            })
        );
        assert_eq!(header(Teid(0x10b), 3), datagram[..8]);
    }

    #[test]
    fn any_of_e_s_pn_brings_four_octets_and_e_a_chain() {
        let datagram = [
            0x34, 0xff, 0x00, 0x0d, 0, 0, 0, 1, // E set
            0x12, 0x34, 0x00, 0x40, // sequence, N-PDU, next: UDP port
            0x01, 0x08, 0x68, 0x85, // 4 octets; next: PDU session container
            0x01, 0x00, 0x09, 0x00, // 4 octets; nothing next
            0xaa,
        ];
        let gpdu = parse(&datagram).unwrap();
        assert_eq!((gpdu.start, gpdu.end), (20, 21));
        assert!(
            gpdu.needs_understanding,
            "0x85 asks the endpoint to understand it"
        );

        let mut sequence_only = datagram;
        sequence_only[0] = 0x32;
        assert_eq!(parse(&sequence_only).unwrap().start, 12);
    }

    #[test]
    fn every_truncation_and_a_standing_still_chain_are_malformed() {
        let mut datagram = [0x34, 0xff, 0x00, 0x08, 0, 0, 0, 1, 0, 0, 0, 0x40, 0x01, 0, 0, 0];
        for length in 0..datagram.len() {
            assert_eq!(parse(&datagram[..length]), Err(NotGpdu::Malformed));
        }
        assert!(parse(&datagram).is_ok());
        datagram[12] = 0;
        assert_eq!(parse(&datagram), Err(NotGpdu::Malformed), "length 0");
        datagram[12] = 2;
        assert_eq!(parse(&datagram), Err(NotGpdu::Malformed), "over the end");
    }

    #[test]
    fn other_messages_and_other_protocols_are_told_apart() {
        let echo_request = [0x32, 0x01, 0x00, 0x04, 0, 0, 0, 0, 0, 7, 0, 0];
        assert_eq!(parse(&echo_request), Err(NotGpdu::OtherMessage));
        let gtp_prime = [0x20, 0xff, 0x00, 0x00, 0, 0, 0, 0];
        assert_eq!(parse(&gtp_prime), Err(NotGpdu::Malformed));
        let version_2 = [0x48, 0xff, 0x00, 0x00, 0, 0, 0, 0];
        assert_eq!(parse(&version_2), Err(NotGpdu::Malformed));
    }
}
