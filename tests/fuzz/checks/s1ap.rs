//! What holds for any octets that come as S1AP.

use epc_codec::s1ap::{self, Ie, Message, Pdu};

/// Decoding ends without a panic. What the lower layer reads it writes back, what the upper layer hands on encodes to
/// what it is, and an answer is S1AP itself.
pub(crate) fn check(octets: &[u8]) {
    if let Ok(pdu) = Pdu::decode(octets) {
        let again = pdu.encode();
        assert_eq!(Pdu::decode(&again).as_ref(), Ok(&pdu));
        for ie in pdu.ies() {
            let Some(value) = ie.decoded() else { continue };
            let again = Ie {
                value: value.encode().into(),
                ..ie.clone()
            };
            assert_eq!(again.decoded().as_ref(), Some(&value));
        }
        let _ = pdu.to_string();
    }
    match s1ap::decode_reporting(octets) {
        Ok((message, report)) => {
            comes_back(&message);
            report.into_iter().for_each(|report| comes_back(&report.into()));
            if let Message::Other(other) = message {
                other
                    .not_supported()
                    .into_iter()
                    .for_each(|answer| comes_back(&answer.into()));
            }
        }
        Err(error) => error.answer().iter().for_each(comes_back),
    }
}

fn comes_back(message: &Message) {
    assert_eq!(s1ap::decode(&message.encode()).as_ref(), Ok(message));
}
