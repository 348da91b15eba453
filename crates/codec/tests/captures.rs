//! Captures of other programs' traffic, when they are there.

use std::fs;

use epc_codec::gtpv1u::{self, Gpdu};
use epc_codec::gtpv2c::{self, Message, RawMessage};

#[path = "../examples/decode/capture.rs"]
mod capture;

/// The datagrams of a capture to or from a port, or nothing if it is not there.
fn datagrams(name: &str, port: u16) -> Vec<Vec<u8>> {
    let path = format!("{}/../../../shared/captures/{name}", env!("CARGO_MANIFEST_DIR"));
    let Ok(file) = fs::read(&path) else {
        eprintln!("skipped: {path} is not there");
        return Vec::new();
    };
    let all = capture::datagrams(&file).expect("a capture").into_iter();
    let ours = all.filter(|datagram| datagram.source.1 == port || datagram.destination.1 == port);
    ours.map(|datagram| datagram.payload).collect()
}

const CAPTURES: [&str; 4] = [
    "gwt-1sub.pcap",
    "gwt-5sub.pcap",
    "plain-mme-sgw-pgw.pcap",
    "plain-fixed-2way-icmp.pcap",
];

#[test]
fn control_plane_is_typed_whole_and_written_back_octet_for_octet() {
    for datagram in CAPTURES.iter().flat_map(|name| datagrams(name, gtpv2c::PORT)) {
        let (raw, rest) = RawMessage::decode(&datagram).expect("decodes");
        assert!(rest.is_empty());
        assert_eq!(raw.encode(), datagram);
        for ie in &raw.ies {
            assert!(ie.value().is_ok(), "{ie}");
        }
        let packet = gtpv2c::decode(&datagram).unwrap_or_else(|error| panic!("{error}\n{raw}"));
        assert!(!matches!(packet.message, Message::Other(_)), "{raw}");
        assert_eq!(gtpv2c::decode(&packet.encode()), Ok(packet));
    }
}

#[test]
fn user_plane_is_written_back_octet_for_octet() {
    for mut datagram in CAPTURES.iter().flat_map(|name| datagrams(name, gtpv1u::PORT)) {
        let packet = gtpv1u::decode(&datagram).expect("decodes");
        assert_eq!(packet.encode(), datagram, "{packet}");
        if let gtpv1u::Message::GPdu(payload) = &packet.message {
            let mut gpdu = Gpdu::parse(&mut datagram[..]).expect("is a G-PDU");
            assert_eq!(gpdu.payload(), payload);
            gpdu.set_teid(epc_codec::Teid(0xdead_beef));
            let again = gtpv1u::decode(&datagram).expect("decodes");
            assert_eq!(again.header.teid, epc_codec::Teid(0xdead_beef));
            assert_eq!(again.message, packet.message);
        }
    }
}

#[test]
fn every_truncation_of_a_captured_message_is_an_error() {
    for datagram in CAPTURES.iter().flat_map(|name| datagrams(name, gtpv2c::PORT)) {
        for length in 0..datagram.len() {
            assert!(gtpv2c::decode(&datagram[..length]).is_err());
        }
    }
}
