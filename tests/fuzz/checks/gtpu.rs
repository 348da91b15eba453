//! What holds for any octets that come as GTPv1-U.

use epc_codec::Teid;
use epc_codec::gtpv1u::{self, Gpdu, Message};

/// Decoding ends without a panic and what is read is written back. The view of a G-PDU agrees with the message, and
/// rewriting its TEID changes nothing else.
pub(crate) fn check(octets: &[u8]) {
    let packet = gtpv1u::decode(octets);
    if let Ok(packet) = &packet {
        assert_eq!(gtpv1u::decode(&packet.encode()).as_ref(), Ok(packet));
        let _ = packet.to_string();
    }
    let mut buffer = octets.to_vec();
    let Ok(mut view) = Gpdu::parse(&mut buffer[..]) else {
        assert!(!matches!(
            packet,
            Ok(gtpv1u::Packet {
                message: Message::GPdu(_),
                ..
            })
        ));
        return;
    };
    let packet = packet.expect("what is a G-PDU decodes");
    assert_eq!(packet.message, Message::GPdu(view.payload().to_vec()));
    assert_eq!(packet.header, view.header());
    let other = Teid(!view.teid().0);
    view.set_teid(other);
    assert_eq!(view.teid(), other);
    let rewritten = gtpv1u::decode(&buffer).expect("decodes after its TEID was rewritten");
    assert_eq!(
        rewritten.header,
        gtpv1u::Header {
            teid: other,
            ..packet.header
        }
    );
    assert_eq!(rewritten.message, packet.message);
    assert_eq!(buffer[8..], octets[8..]);
}
