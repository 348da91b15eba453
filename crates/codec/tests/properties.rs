//! Whatever the octets, decoding returns; whatever was decoded, a round gives it again.

mod common;

use common::{element, message, octets};
use epc_codec::gtpv1u::{self, Extension, ExtensionType, Gpdu};
use epc_codec::gtpv2c::{
    self, Header, Ie, IeType, MESSAGE_TABLES, MessageType, RawMessage, Sequence, TYPED_IES, Value,
};
use epc_codec::{Apn, Imsi, Mei, Msisdn, Pco, Plmn, Teid};
use proptest::collection::vec;
use proptest::prelude::*;

fn check_gtpv2c(datagram: &[u8]) -> Result<(), TestCaseError> {
    if let Ok((raw, rest)) = RawMessage::decode(datagram) {
        prop_assert_eq!([&raw.encode()[..], rest].concat(), datagram);
        let _ = raw.to_string();
    }
    match gtpv2c::decode(datagram) {
        Ok(packet) => {
            let again = gtpv2c::decode(&packet.encode());
            prop_assert_eq!(again, Ok(packet));
        }
        Err(error) => {
            prop_assert!(!error.to_string().is_empty());
            if error.cause().is_some() {
                prop_assert!(error.header().is_some());
            }
        }
    }
    Ok(())
}

fn check_gtpu(datagram: &[u8]) -> Result<(), TestCaseError> {
    let view = Gpdu::parse(datagram);
    if let Ok(packet) = gtpv1u::decode(datagram) {
        let again = gtpv1u::decode(&packet.encode());
        prop_assert_eq!(&again, &Ok(packet.clone()));
        prop_assert_eq!(view.is_ok(), matches!(packet.message, gtpv1u::Message::GPdu(_)));
        let _ = packet.to_string();
    }
    if let Ok(view) = view {
        prop_assert!(view.payload_range().end <= datagram.len());
        let (header, payload) = (view.header(), view.payload());
        prop_assert_eq!(
            gtpv1u::decode(view.as_octets()).map(|packet| packet.message),
            Ok(gtpv1u::Message::GPdu(payload.to_vec()))
        );
        prop_assert_eq!(header.teid, view.teid());
    }
    Ok(())
}

/// A message whose elements come from a table: some left out, some twice, some with octets changed or cut.
fn likely_message() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<u16>(), any::<u8>(), 0..4_u8);
    (
        0..MESSAGE_TABLES.len(),
        vec((any::<u16>(), proptest::option::weighted(0.1, change)), 0..40),
    )
        .prop_map(|(place, picks)| {
            let (message_type, _, rows) = MESSAGE_TABLES[place];
            let mandatory = rows.iter().filter(|row| row.presence == "M").map(element);
            let mut ies: Vec<Ie> = mandatory.collect();
            for (pick, change) in picks {
                let Some(row) = rows.get(usize::from(pick) % rows.len().max(1)) else {
                    continue;
                };
                let mut ie = element(row);
                if let Some((at, octet, how)) = change {
                    let at = usize::from(at) % ie.value.len().max(1);
                    match how {
                        0 => ie.value.truncate(at),
                        1 => ie.value.push(octet),
                        2 => ie.spare = octet >> 4,
                        _ => ie
                            .value
                            .iter_mut()
                            .skip(at)
                            .take(1)
                            .for_each(|place| *place = octet),
                    }
                }
                ies.push(ie);
            }
            message(message_type, &octets(ies))
        })
}

fn digits(least: usize, most: usize) -> impl Strategy<Value = String> {
    vec(0..10_u8, least..=most)
        .prop_map(|digits| digits.iter().map(|digit| char::from(b'0' + digit)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_return(datagram in vec(any::<u8>(), 0..300)) {
        check_gtpv2c(&datagram)?;
        check_gtpu(&datagram)?;
        let _ = gtpv2c::Ie::decode(&datagram);
        let _ = gtpv1u::Ie::decode_all(&datagram);
        let _ = Pco::from_octets(&datagram).map(|pco| (pco.containers().count(), pco.ipcp(), format!("{pco:?}")));
        let _ = Apn::from_octets(&datagram);
    }

    #[test]
    fn any_octets_after_a_header_return(message_type in any::<u8>(), body in vec(any::<u8>(), 0..200)) {
        check_gtpv2c(&message(MessageType(message_type), &body))?;
    }

    #[test]
    fn any_octets_after_a_user_plane_header_return(
        flags in 0x30..0x38_u8, message_type in any::<u8>(), body in vec(any::<u8>(), 0..200),
    ) {
        let mut datagram = vec![flags, message_type];
        datagram.extend((body.len() as u16).to_be_bytes());
        datagram.extend([0, 0, 0, 1]);
        datagram.extend(&body);
        check_gtpu(&datagram)?;
    }

    #[test]
    fn messages_of_a_table_go_round(datagram in likely_message()) {
        check_gtpv2c(&datagram)?;
    }

    #[test]
    fn any_value_of_an_element_goes_round(place in 0..TYPED_IES.len(), value in vec(any::<u8>(), 0..60)) {
        let (ie_type, _) = TYPED_IES[place];
        if let Ok(found) = Value::decode(ie_type, &value) {
            let mut out = Vec::new();
            found.encode_into(&mut out);
            prop_assert_eq!(Value::decode(ie_type, &out), Ok(found));
        }
    }

    #[test]
    fn any_raw_message_is_written_back(
        message_type in any::<u8>(), teid in any::<Option<u32>>(), sequence in 0..0x100_0000_u32,
        priority in proptest::option::of(0..16_u8),
        ies in vec((any::<u8>(), 0..16_u8, 0..16_u8, vec(any::<u8>(), 0..40)), 0..10),
    ) {
        let header = Header {
            message_type: MessageType(message_type),
            teid: teid.map(Teid),
            sequence: Sequence(sequence),
            priority: priority.filter(|_| teid.is_some()),
            piggyback: false,
        };
        let ies: Vec<Ie> = ies
            .into_iter()
            .filter(|(ie_type, ..)| !IeType(*ie_type).is_grouped())
            .map(|(ie_type, instance, spare, value)| Ie { spare, ..Ie::new(IeType(ie_type), instance, value) })
            .collect();
        let raw = RawMessage::new(header, ies);
        let octets = raw.encode();
        prop_assert_eq!(RawMessage::decode(&octets), Ok((raw, &[][..])));
    }

    #[test]
    fn any_user_plane_header_goes_round(
        teid in any::<u32>(), sequence in any::<Option<u16>>(), n_pdu in any::<Option<u8>>(),
        extensions in vec((1..=255_u8, vec(any::<[u8; 4]>(), 0..5)), 0..4), payload in vec(any::<u8>(), 0..100),
    ) {
        let extensions = extensions.into_iter().map(|(extension_type, words)| Extension {
            extension_type: ExtensionType(extension_type),
            contents: [&[1, 2][..], &words.concat()].concat(),
        });
        let header = gtpv1u::Header { teid: Teid(teid), sequence, n_pdu, extensions: extensions.collect() };
        let packet = gtpv1u::Packet { header, message: gtpv1u::Message::GPdu(payload) };
        prop_assert_eq!(gtpv1u::decode(&packet.encode()), Ok(packet));
    }

    #[test]
    fn identities_go_round(imsi in digits(1, 15), msisdn in digits(1, 20), mei in digits(1, 16)) {
        prop_assert_eq!(imsi.parse::<Imsi>().unwrap().to_string(), &imsi[..]);
        prop_assert_eq!(msisdn.parse::<Msisdn>().unwrap().to_string(), &msisdn[..]);
        prop_assert_eq!(mei.parse::<Mei>().unwrap().to_string(), &mei[..]);
        let value = Value::Imsi(imsi.parse().unwrap());
        let mut out = Vec::new();
        value.encode_into(&mut out);
        prop_assert_eq!(Value::decode(IeType::IMSI, &out), Ok(value));
    }

    #[test]
    fn networks_go_round(mcc in digits(3, 3), mnc in digits(2, 3)) {
        let plmn = Plmn::new(&mcc, &mnc).unwrap();
        prop_assert_eq!(Plmn::from_nas_octets(plmn.to_nas_octets()), plmn);
        prop_assert_eq!(Plmn::from_s1ap_octets(plmn.to_s1ap_octets()), plmn);
        prop_assert_eq!(plmn.to_string().parse::<Plmn>().unwrap(), plmn);
    }

    #[test]
    fn names_go_round(labels in vec("[a-z0-9-]{1,20}", 1..5)) {
        let text = labels.join(".");
        if let Ok(apn) = text.parse::<Apn>() {
            prop_assert_eq!(apn.to_string(), text);
            prop_assert_eq!(Apn::from_octets(apn.as_octets()), Ok(apn));
        }
    }
}
