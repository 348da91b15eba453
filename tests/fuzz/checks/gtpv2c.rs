//! What holds for any octets that come as GTPv2-C.

use epc_codec::gtpv2c::{self, RawMessage};

/// Decoding ends without a panic. The lower layer writes back the very octets, the upper one what it read; an error that
/// wants an answer says to which message, and everything can be shown.
pub(crate) fn check(octets: &[u8]) {
    if let Ok((raw, rest)) = RawMessage::decode(octets) {
        assert_eq!([&raw.encode()[..], rest].concat(), octets);
        for ie in &raw.ies {
            if let Ok(value) = ie.value() {
                let mut out = Vec::new();
                value.encode_into(&mut out);
                assert_eq!(gtpv2c::Value::decode(ie.ie_type, &out), Ok(value));
            }
        }
        let _ = raw.to_string();
    }
    match gtpv2c::decode(octets) {
        Ok(packet) => {
            let _ = packet.to_string();
            let again = packet.encode();
            assert!(
                again.len() <= octets.len(),
                "grew from {} to {} octets",
                octets.len(),
                again.len()
            );
            assert_eq!(gtpv2c::decode(&again), Ok(packet));
        }
        Err(error) => {
            let _ = error.to_string();
            assert!(error.cause().is_none() || error.header().is_some());
        }
    }
}
