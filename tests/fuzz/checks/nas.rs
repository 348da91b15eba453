//! What holds for any octets that come as NAS.

use epc_codec::Plmn;
use epc_codec::nas::lite::SubscriberHints;
use epc_codec::nas::{self, Direction, Message};

/// The first octet says the direction. Decoding ends without a panic, what it hands on encodes to what it is, and an
/// answer is NAS itself.
pub(crate) fn check(octets: &[u8]) {
    let Some((first, octets)) = octets.split_first() else {
        return;
    };
    let (there, back) = match first & 1 {
        0 => (Direction::Uplink, Direction::Downlink),
        _ => (Direction::Downlink, Direction::Uplink),
    };
    match nas::decode(there, octets) {
        Ok(message) => {
            assert_eq!(nas::decode(there, &message.encode()).as_ref(), Ok(&message));
            let _ = message.to_string();
            if let Message::AttachRequest(request) = &message
                && let Some(pco) = &request.esm.pco
            {
                let hints = SubscriberHints::from_pco(pco);
                let rest = SubscriberHints::strip(pco).unwrap_or_default();
                assert_eq!(SubscriberHints::from_pco(&rest), SubscriberHints::default());
                let plmn = Plmn::from_nas_octets([0x00, 0xf1, 0x10]);
                assert_eq!(SubscriberHints::from_pco(&hints.to_pco(plmn)), hints);
            }
        }
        Err(error) => {
            if let Some(answer) = error.answer() {
                assert_eq!(nas::decode(back, &answer.encode()).as_ref(), Ok(answer));
            }
        }
    }
}
