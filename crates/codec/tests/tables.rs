//! What follows from the tables, for each message and each element that has one.

mod common;

use common::{element, full, full_messages, hex, message, octets};
use epc_codec::Error;
use epc_codec::gtpv2c::{
    self, CauseValue, GROUP_TABLES, Ie, IeType, MESSAGE_TABLES, MessageType, RawMessage, TYPED_IES, Value,
};

/// The value that an element has after a round, which is the same.
fn round(ie_type: IeType, value: &[u8]) -> Option<Vec<u8>> {
    let found = Value::decode(ie_type, value).ok()?;
    let mut again = Vec::new();
    found.encode_into(&mut again);
    let read = Value::decode(ie_type, &again);
    assert_eq!(
        read.as_ref(),
        Ok(&found),
        "{ie_type:?} {value:02x?} encoded as {again:02x?}"
    );
    Some(again)
}

#[test]
fn every_typed_element_is_written_back_octet_for_octet() {
    for (ie_type, name) in TYPED_IES {
        let value = common::sample(*ie_type);
        assert_eq!(round(*ie_type, &value), Some(value), "{name}");
    }
}

#[test]
fn every_truncation_of_an_element_is_an_error_or_a_shorter_element() {
    for (ie_type, name) in TYPED_IES {
        let value = common::sample(*ie_type);
        for length in 0..value.len() {
            if let Some(again) = round(*ie_type, &value[..length]) {
                assert!(
                    again.len() <= length,
                    "{name} cut to {length} octets became {again:02x?}"
                );
            }
        }
    }
}

#[test]
fn octets_after_what_is_known_are_ignored() {
    for (ie_type, name) in TYPED_IES {
        let value = [common::sample(*ie_type), hex("de ad")].concat();
        // Digits, names, containers and lists end where the element ends.
        if let Some(again) = round(*ie_type, &value) {
            assert!(again.len() <= value.len(), "{name}");
        }
    }
}

#[test]
fn every_message_with_all_its_elements_is_written_back_octet_for_octet() {
    for (message_type, rows, ies) in full_messages() {
        let datagram = message(message_type, &octets(ies));
        let packet = gtpv2c::decode(&datagram).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(packet.message.message_type(), message_type);
        assert!(
            !matches!(packet.message, gtpv2c::Message::Other(_)),
            "{message_type:?}"
        );
        assert_eq!(packet.encode(), datagram, "{message_type:?}");
        let text = packet.to_string();
        assert_eq!(text.lines().count() > rows.len(), !text.is_empty(), "{text}");
    }
}

#[test]
fn order_on_the_wire_does_not_matter() {
    for (message_type, _, mut ies) in full_messages() {
        let sorted = gtpv2c::decode(&message(message_type, &octets(ies.clone())))
            .expect("decodes")
            .message;
        ies.reverse();
        let reversed = gtpv2c::decode(&message(message_type, &octets(ies)))
            .expect("decodes")
            .message;
        assert_eq!(reversed, sorted);
    }
}

#[test]
fn without_a_mandatory_element_the_error_tells_what_to_answer() {
    for (message_type, rows, ies) in full_messages() {
        for row in rows {
            let same = |ie: &Ie| ie.ie_type == row.ie_type && ie.instance == row.instance;
            let without: Vec<Ie> = ies.iter().filter(|ie| !same(ie)).cloned().collect();
            let result = gtpv2c::decode(&message(message_type, &octets(without)));
            if !matches!(row.presence, "M" | "A") {
                assert!(
                    result.is_ok(),
                    "{message_type:?} without {}: {result:?}",
                    row.field
                );
                continue;
            }
            let error = result.expect_err(row.field);
            assert!(matches!(error, Error::MandatoryMissing(_)), "{error}");
            assert_eq!(error.offending(), Some((row.ie_type, row.instance)));
            let cause = message_type.answer().map(|_| CauseValue::MANDATORY_IE_MISSING);
            assert_eq!(error.cause(), cause, "{error}");
            let header = error.header().expect("the header was read");
            assert_eq!((header.message_type, header.sequence.0), (message_type, 42));
        }
    }
}

#[test]
fn a_refusal_needs_nothing_but_its_cause() {
    for (message_type, rows, _) in full_messages() {
        let mandatory = rows.iter().filter(|row| row.presence == "M").count();
        let has_cause = rows
            .iter()
            .any(|row| row.ie_type == IeType::CAUSE && row.presence == "M");
        if has_cause && mandatory == 1 {
            let refusal = message(message_type, &hex("02 00 02 00 5e 00"));
            assert!(gtpv2c::decode(&refusal).is_ok(), "{message_type:?}");
        }
    }
}

#[test]
fn what_no_row_takes_is_kept() {
    let more = [
        Ie::new(IeType(240), 3, hex("de ad")),
        Ie::new(IeType::EXTENSION, 0, hex("01 00 aa")),
        Ie::new(IeType::PRIVATE_EXTENSION, 0, hex("28 af 01")),
    ];
    for (message_type, _, ies) in full_messages() {
        // The first of them comes first, the others come last.
        let all = [&more[..1], &ies, &more[1..]].concat();
        let packet =
            gtpv2c::decode(&message(message_type, &octets(all))).expect("unknown elements are skipped");
        let sent = message(message_type, &octets([&ies[..], &more].concat()));
        assert_eq!(packet.encode(), sent, "{message_type:?}");
    }
}

#[test]
fn the_first_of_two_counts() {
    let ebi = |value: &str| Ie::new(IeType::EBI, 0, hex(value));
    let datagram = message(
        MessageType::DELETE_SESSION_REQUEST,
        &octets([ebi("05"), ebi("06")]),
    );
    let packet = gtpv2c::decode(&datagram).expect("a repeated element is no error");
    let gtpv2c::Message::DeleteSessionRequest(request) = &packet.message else {
        panic!("{packet}")
    };
    assert_eq!(request.linked_ebi, Some(epc_codec::Ebi(5)));
    assert_eq!(request.additional, [ebi("06")]);
    assert_eq!(packet.encode(), datagram);
}

#[test]
fn an_optional_element_that_cannot_be_read_counts_as_not_there() {
    for (message_type, rows, ies) in full_messages() {
        for row in rows.iter().filter(|row| matches!(row.presence, "O" | "CO")) {
            let mut ies = ies.clone();
            for ie in ies
                .iter_mut()
                .filter(|ie| ie.ie_type == row.ie_type && ie.instance == row.instance)
            {
                ie.value.clear();
            }
            let packet = gtpv2c::decode(&message(message_type, &octets(ies))).expect("it is optional");
            assert_eq!(gtpv2c::decode(&packet.encode()), Ok(packet));
        }
    }
}

#[test]
fn every_truncation_of_a_message_is_an_error_or_a_shorter_message() {
    for (message_type, _, ies) in full_messages() {
        let body = octets(ies);
        let datagram = message(message_type, &body);
        for length in 0..datagram.len() {
            assert!(
                gtpv2c::decode(&datagram[..length]).is_err(),
                "{message_type:?} cut to {length}"
            );
            assert!(
                RawMessage::decode(&datagram[..length]).is_err(),
                "{message_type:?} cut to {length}"
            );
        }
        for length in 0..body.len() {
            if let Ok(packet) = gtpv2c::decode(&message(message_type, &body[..length])) {
                assert!(packet.encode().len() <= 12 + length);
                assert_eq!(gtpv2c::decode(&packet.encode()), Ok(packet));
            }
        }
    }
}

#[test]
fn rows_of_a_table_differ_from_one_another() {
    let messages = MESSAGE_TABLES.iter().map(|(_, name, rows)| (*name, *rows));
    let groups = GROUP_TABLES.iter().map(|(name, _, rows)| (*name, *rows));
    for (name, rows) in messages.chain(groups) {
        for (place, row) in rows.iter().enumerate() {
            let again = rows[..place]
                .iter()
                .any(|other| (other.ie_type, other.instance) == (row.ie_type, row.instance));
            assert!(!again, "{name}: {} comes twice", row.field);
            assert!(row.instance < 16, "{name}: {}", row.field);
        }
    }
}

#[test]
fn groups_in_groups_end() {
    let mut value = hex("49 00 01 00 05");
    for depth in 1..3000 {
        value = octets([Ie::new(IeType::BEARER_CONTEXT, 0, value)]);
        if value.len() > 60_000 {
            break;
        }
        let datagram = message(MessageType::CREATE_SESSION_REQUEST, &value);
        assert_eq!(RawMessage::decode(&datagram).is_ok(), depth <= 8, "{depth} deep");
        let _ = gtpv2c::decode(&datagram);
    }
}

#[test]
fn names_are_known_for_every_type_that_a_table_names() {
    for (message_type, name, rows) in MESSAGE_TABLES {
        assert!(message_type.name().is_some(), "{name}");
        let compact = message_type.name().unwrap_or_default().replace([' ', '-'], "");
        assert!(compact.eq_ignore_ascii_case(name), "{compact} {name}");
        for row in *rows {
            assert!(row.ie_type.name().is_some(), "{name}: {}", row.field);
            let _ = element(row);
        }
    }
    assert!(full(&[]).is_empty());
}
