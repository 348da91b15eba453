//! Messages written out by hand from the specification, and a few that another program sent.

mod common;

use std::net::{IpAddr, Ipv4Addr};

use common::hex;
use epc_codec::gtpv1u::{self, Extension, ExtensionType, Gpdu, Header as UserHeader};
use epc_codec::gtpv2c::*;
use epc_codec::{Ebi, Error, Pco, Plmn, Teid};

const MME: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const SGW: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// Both ways: the octets are read as the message, the message is written as the octets.
fn both_ways(octets: &[u8], teid: Option<Teid>, sequence: Sequence, message: impl Into<Message>) {
    let message = message.into();
    let packet = decode(octets).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(packet.message, message);
    assert_eq!((packet.header.teid, packet.header.sequence), (teid, sequence));
    assert_eq!(message.encode(teid, sequence), octets);
    for length in 0..octets.len() {
        assert!(decode(&octets[..length]).is_err(), "cut to {length} octets");
    }
}

#[test]
fn echo_request() {
    let octets = [
        0x40, 0x01, 0x00, 0x09, // version 2, no TEID; Echo Request; 9 octets follow
        0x12, 0x34, 0x56, 0x00, // sequence number, spare
        0x03, 0x00, 0x01, 0x00, 0x2a, // Recovery 42
    ];
    both_ways(
        &octets,
        None,
        Sequence(0x12_3456),
        EchoRequest::new(RestartCounter(42)),
    );
}

#[test]
fn version_not_supported_is_a_header() {
    let octets = [0x40, 0x03, 0x00, 0x04, 0x00, 0x00, 0x01, 0x00];
    both_ways(&octets, None, Sequence(1), VersionNotSupportedIndication::new());
}

#[test]
fn create_session_request() {
    let octets = [
        0x48, 0x20, 0x00, 0xa9, // version 2, TEID; Create Session Request; 169 octets follow
        0x00, 0x00, 0x00, 0x00, // TEID 0: the S-GW has not given one yet
        0x00, 0x00, 0x01, 0x00, // sequence number 1, spare
        0x01, 0x00, 0x08, 0x00, // IMSI, 8 octets, instance 0
        0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0xf1, // 001 01 0000000001, filler
        0x4c, 0x00, 0x05, 0x00, // MSISDN, 5 octets
        0x21, 0x43, 0x65, 0x87, 0xf9, // 123456789, filler
        0x56, 0x00, 0x0d, 0x00, // ULI, 13 octets
        0x18, // TAI and ECGI
        0x00, 0xf1, 0x10, 0x00, 0x01, // 001-01, tracking area 1
        0x00, 0xf1, 0x10, 0x00, 0x00, 0x01, 0x9b, // 001-01, cell 411
        0x53, 0x00, 0x03, 0x00, // Serving Network, 3 octets
        0x00, 0xf1, 0x10, // 001-01
        0x52, 0x00, 0x01, 0x00, 0x06, // RAT Type: E-UTRAN
        0x4d, 0x00, 0x02, 0x00, 0x08, 0x00, // Indication: OI
        0x57, 0x00, 0x09, 0x00, // F-TEID, 9 octets, instance 0: sender
        0x8a, 0x00, 0x00, 0x01, 0x0b, // IPv4, S11 MME GTP-C, 0x10b
        192, 0, 2, 1, // the MME
        0x57, 0x00, 0x09, 0x01, // F-TEID, 9 octets, instance 1: P-GW
        0x87, 0x00, 0x00, 0x00, 0x00, // IPv4, S5/S8 PGW GTP-C, 0
        192, 0, 2, 3, // the P-GW
        0x47, 0x00, 0x09, 0x00, // APN, 9 octets
        0x08, b'i', b'n', b't', b'e', b'r', b'n', b'e', b't', // internet
        0x80, 0x00, 0x01, 0x00, 0x00, // Selection Mode: subscription verified
        0x63, 0x00, 0x01, 0x00, 0x01, // PDN Type: IPv4
        0x4f, 0x00, 0x05, 0x00, // PAA, 5 octets
        0x01, 0, 0, 0, 0, // IPv4, to be assigned
        0x48, 0x00, 0x08, 0x00, // AMBR, 8 octets
        0x00, 0x00, 0xc3, 0x50, // 50,000 kbit/s up
        0x00, 0x01, 0x86, 0xa0, // 100,000 kbit/s down
        0x5d, 0x00, 0x1f, 0x00, // Bearer Context, 31 octets, instance 0: to be created
        0x49, 0x00, 0x01, 0x00, 0x05, // EBI 5
        0x50, 0x00, 0x16, 0x00, // Bearer QoS, 22 octets
        0x60, // may not preempt, level 8, may be preempted
        0x09, // QCI 9
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // no rates
    ];
    let plmn = Plmn::new("001", "01").unwrap();
    let bearer = BearerContextToBeCreated::new(Ebi(5), BearerQos::non_gbr(9, 8));
    let sender = Fteid::v4(InterfaceType::S11_MME_GTP_C, Teid(0x10b), MME);
    let pgw = Fteid::v4(
        InterfaceType::S5_S8_PGW_GTP_C,
        Teid(0),
        Ipv4Addr::new(192, 0, 2, 3),
    );
    let request = CreateSessionRequest {
        imsi: Some("001010000000001".parse().unwrap()),
        msisdn: Some("123456789".parse().unwrap()),
        uli: Some(Uli::e_utran(Tai { plmn, tac: 1 }, Ecgi { plmn, eci: 411 })),
        serving_network: Some(ServingNetwork(plmn)),
        indication: Some(Indication::new().with(Indication::OI)),
        pgw_s5c_fteid: Some(pgw),
        selection_mode: Some(SelectionMode::SUBSCRIPTION_VERIFIED),
        pdn_type: Some(PdnType::IPV4),
        paa: Some(Paa::V4(Ipv4Addr::UNSPECIFIED)),
        ambr: Some(Ambr {
            uplink: 50_000,
            downlink: 100_000,
        }),
        ..CreateSessionRequest::new(RatType::EUTRAN, sender, "internet".parse().unwrap(), vec![bearer])
    };
    both_ways(&octets, Some(Teid(0)), Sequence(1), request);
}

#[test]
fn create_session_response() {
    let octets = [
        0x48, 0x21, 0x00, 0x63, // Create Session Response; 99 octets follow
        0x00, 0x00, 0x01, 0x0b, // the MME's TEID
        0x00, 0x00, 0x01, 0x00, // sequence number of the request
        0x02, 0x00, 0x02, 0x00, 0x10, 0x00, // Cause: request accepted
        0x57, 0x00, 0x09, 0x00, // F-TEID, instance 0: sender
        0x8b, 0x00, 0x00, 0x02, 0x01, 192, 0, 2, 2, // S11 SGW GTP-C
        0x4f, 0x00, 0x05, 0x00, 0x01, 198, 51, 100, 7, // PAA: IPv4
        0x7f, 0x00, 0x01, 0x00, 0x00, // APN Restriction: none
        0x4e, 0x00, 0x0d, 0x00, // PCO, 13 octets
        0x80, // PPP for IP
        0x00, 0x0d, 0x04, 192, 0, 2, 53, // DNS
        0x00, 0x10, 0x02, 0x05, 0x78, // MTU 1400
        0x5d, 0x00, 0x25, 0x00, // Bearer Context, 37 octets, instance 0: created
        0x49, 0x00, 0x01, 0x00, 0x05, // EBI 5
        0x02, 0x00, 0x02, 0x00, 0x10, 0x00, // Cause: request accepted
        0x57, 0x00, 0x09, 0x00, // F-TEID, instance 0: S1-U SGW
        0x81, 0x00, 0x00, 0x03, 0x01, 192, 0, 2, 2, // S1-U SGW GTP-U
        0x57, 0x00, 0x09, 0x02, // F-TEID, instance 2: S5/S8-U PGW
        0x85, 0x00, 0x00, 0x04, 0x01, 192, 0, 2, 3, // S5/S8 PGW GTP-U
    ];
    let pgw = Ipv4Addr::new(192, 0, 2, 3);
    let response = CreateSessionResponse {
        sender_fteid: Some(Fteid::v4(InterfaceType::S11_S4_SGW_GTP_C, Teid(0x201), SGW)),
        paa: Some(Paa::V4(Ipv4Addr::new(198, 51, 100, 7))),
        apn_restriction: Some(ApnRestriction::NONE),
        pco: Some(
            Pco::new()
                .with_dns_ipv4(Ipv4Addr::new(192, 0, 2, 53))
                .with_ipv4_link_mtu(1400),
        ),
        bearer_contexts: vec![BearerContextCreated {
            sgw_s1u_fteid: Some(Fteid::v4(InterfaceType::S1U_SGW_GTP_U, Teid(0x301), SGW)),
            pgw_s5u_fteid: Some(Fteid::v4(InterfaceType::S5_S8_PGW_GTP_U, Teid(0x401), pgw)),
            ..BearerContextCreated::new(Ebi(5), Cause::REQUEST_ACCEPTED)
        }],
        ..CreateSessionResponse::new(Cause::REQUEST_ACCEPTED)
    };
    both_ways(&octets, Some(Teid(0x10b)), Sequence(1), response);
}

#[test]
fn a_refusal_names_what_is_wrong() {
    let octets = [
        0x48, 0x21, 0x00, 0x12, // Create Session Response; 18 octets follow
        0x00, 0x00, 0x01, 0x0b, // the MME's TEID
        0x00, 0x00, 0x01, 0x00, // sequence number of the request
        0x02, 0x00, 0x06, 0x00, // Cause, 6 octets
        0x46, 0x01, // mandatory IE missing, from a node further on
        0x57, 0x00, 0x00, 0x00, // F-TEID, instance 0
    ];
    let cause = Cause::MANDATORY_IE_MISSING
        .with_offending(IeType::F_TEID, 0)
        .from_remote();
    both_ways(
        &octets,
        Some(Teid(0x10b)),
        Sequence(1),
        CreateSessionResponse::new(cause),
    );
}

#[test]
fn modify_bearer_request() {
    let octets = [
        0x48, 0x22, 0x00, 0x1e, // Modify Bearer Request; 30 octets follow
        0x00, 0x00, 0x02, 0x01, // the S-GW's TEID
        0x00, 0x00, 0x02, 0x00, // sequence number 2
        0x5d, 0x00, 0x12, 0x00, // Bearer Context, 18 octets, instance 0: to be modified
        0x49, 0x00, 0x01, 0x00, 0x05, // EBI 5
        0x57, 0x00, 0x09, 0x00, // F-TEID, instance 0: S1-U eNodeB
        0x80, 0x00, 0x00, 0x05, 0x01, 192, 0, 2, 4, // S1-U eNodeB GTP-U
    ];
    let enb = Fteid::v4(
        InterfaceType::S1U_ENB_GTP_U,
        Teid(0x501),
        Ipv4Addr::new(192, 0, 2, 4),
    );
    let bearer = BearerContextToBeModified {
        enb_s1u_fteid: Some(enb),
        ..BearerContextToBeModified::new(Ebi(5))
    };
    let request = ModifyBearerRequest {
        bearer_contexts: vec![bearer],
        ..ModifyBearerRequest::new()
    };
    both_ways(&octets, Some(Teid(0x201)), Sequence(2), request);
}

#[test]
fn delete_session_request_may_be_a_header() {
    let octets = [
        0x48, 0x24, 0x00, 0x08, // Delete Session Request; 8 octets follow
        0x00, 0x00, 0x02, 0x01, // the S-GW's TEID
        0x00, 0x00, 0x03, 0x00, // sequence number 3
    ];
    both_ways(
        &octets,
        Some(Teid(0x201)),
        Sequence(3),
        DeleteSessionRequest::new(),
    );
}

#[test]
fn downlink_data_notification_with_priority() {
    let octets = [
        0x4c, 0xb0, 0x00,
        0x12, // version 2, TEID, message priority; Downlink Data Notification; 18 octets follow
        0x00, 0x00, 0x01, 0x0b, // the MME's TEID
        0x00, 0x00, 0x04, 0x50, // sequence number 4, priority 5
        0x49, 0x00, 0x01, 0x00, 0x05, // EBI 5
        0x9b, 0x00, 0x01, 0x00, 0x20, // ARP: may preempt, level 8, may be preempted
    ];
    let packet = decode(&octets).unwrap();
    assert_eq!(packet.header.priority, Some(5));
    assert_eq!(packet.encode(), octets);
    let Message::DownlinkDataNotification(notification) = packet.message else {
        panic!()
    };
    assert_eq!(notification.ebi, Some(Ebi(5)));
    let arp = Arp {
        priority_level: 8,
        may_preempt: true,
        may_be_preempted: true,
    };
    assert_eq!(notification.arp, Some(arp));
}

#[test]
fn a_create_bearer_request_rides_on_a_create_session_response() {
    let response = Message::from(CreateSessionResponse::new(Cause::CONTEXT_NOT_FOUND));
    let tft = BearerTft(Tft {
        operation: TftOperation::CREATE,
        filters: vec![PacketFilter {
            id: 1,
            direction: 3,
            precedence: 10,
            components: vec![FilterComponent::Protocol(17), FilterComponent::RemotePort(53)],
        }],
        filter_ids: vec![],
        parameters: vec![],
    });
    let bearer = CreateBearerRequestContext::new(Ebi(0), tft, BearerQos::non_gbr(1, 2));
    let request = Message::from(CreateBearerRequest::new(Ebi(5), vec![bearer]));
    let header = |message: &Message, sequence| Header {
        message_type: message.message_type(),
        teid: Some(Teid(0x10b)),
        sequence: Sequence(sequence),
        priority: None,
        piggyback: false,
    };
    let second = Packet {
        header: header(&request, 9),
        message: request,
        piggybacked: None,
    };
    let first = Packet {
        header: Header {
            piggyback: true,
            ..header(&response, 1)
        },
        message: response,
        piggybacked: Some(Box::new(second)),
    };
    let octets = first.encode();
    assert_eq!(octets[0], 0x58); // version 2, piggybacking, TEID
    assert_eq!(decode(&octets), Ok(first));
    for length in 0..octets.len() {
        assert!(decode(&octets[..length]).is_err(), "cut to {length} octets");
    }
}

#[test]
fn another_version_is_told_apart() {
    for version in [0, 1, 3, 4, 5, 6, 7] {
        let octets = [
            version << 5 | 0x08,
            0x20,
            0x00,
            0x08,
            0,
            0,
            0,
            0,
            0x00,
            0x00,
            0x07,
            0x00,
        ];
        let error = decode(&octets).unwrap_err();
        assert!(error.is_version(), "{error}");
        assert_eq!(error.cause(), None);
        assert_eq!(error.header().map(|header| header.sequence), Some(Sequence(7)));
    }
}

#[test]
fn errors_say_where_and_why() {
    let missing = hex("48 20 00 08 00000000 00000100");
    let error = decode(&missing).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Create Session Request: RAT Type instance 0, octet 12: mandatory IE is missing (TS 29.274 §7.7.6)"
    );
    assert_eq!(error.offending(), Some((IeType::RAT_TYPE, 0)));

    let overrun = hex("48 24 00 0d 00000201 00000300 49 0002 00 05");
    let error = decode(&overrun).unwrap_err();
    assert_eq!(error.cause(), Some(CauseValue::INVALID_LENGTH));
    assert_eq!(error.offending(), Some((IeType::EBI, 0)));

    let incorrect = hex("48 20 00 10 00000000 00000100 01 0004 00 12 ab 34 56");
    let error = decode(&incorrect).unwrap_err();
    assert!(
        matches!(error, Error::IeIncorrect { place, .. } if place.offset == 17),
        "{error:?}"
    );
    assert_eq!(error.cause(), Some(CauseValue::MANDATORY_IE_INCORRECT));

    // In a group, the innermost element is at fault.
    let inner = hex("48 22 00 10 00000201 00000200 5d 0004 00 57 0000 00");
    let error = decode(&inner).unwrap_err();
    assert_eq!(error.offending(), Some((IeType::F_TEID, 0)));
    assert_eq!(error.cause(), Some(CauseValue::INVALID_LENGTH));
    assert_eq!(
        error.to_string(),
        "Modify Bearer Request: Bearer Context instance 0, \
         Fully Qualified Tunnel Endpoint Identifier (F-TEID) instance 0, octet 20: \
         invalid length, at F-TEID flags (TS 29.274 §7.7.7)"
    );

    let longer = hex("48 24 00 08 00000201 00000300 00");
    assert_eq!(
        decode(&longer).unwrap_err().cause(),
        Some(CauseValue::INVALID_LENGTH)
    );
    // Answers are not answered.
    let response = hex("48 25 00 08 00000201 00000300");
    assert_eq!(decode(&response).unwrap_err().cause(), None);
}

#[test]
fn quirks_of_peers_are_borne() {
    // EBI 0 in a Modify Bearer Response.
    let response =
        hex("48 23 00 1d 0000010b 00000200 02 0002 00 1000 5d 000b 00 02 0002 00 1000 49 0001 00 00");
    let Ok(Packet {
        message: Message::ModifyBearerResponse(response),
        ..
    }) = decode(&response)
    else {
        panic!()
    };
    assert_eq!(response.bearer_contexts[0].ebi, Ebi(0));
    // Spare bits of Selection Mode and of the header.
    let selection = hex("80 0001 00 fd");
    assert_eq!(
        Ie::decode(&selection).unwrap().0.value(),
        Ok(Value::SelectionMode(SelectionMode(1)))
    );
    let spare = hex("4b 24 00 08 00000201 00000300");
    assert!(decode(&spare).is_ok());
    let (raw, _) = RawMessage::decode(&spare).unwrap();
    assert_eq!(raw.encode(), spare);
}

#[test]
fn messages_of_another_program_are_typed_and_written_back() {
    for text in [
        include_str!("golden/s11_create_session_request.hex"),
        include_str!("golden/s5_create_session_request.hex"),
        include_str!("golden/s5_create_session_response.hex"),
        include_str!("golden/s11_create_session_response.hex"),
        include_str!("golden/s11_modify_bearer_request.hex"),
        include_str!("golden/s11_modify_bearer_response.hex"),
    ] {
        let octets = hex(&text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect::<String>());
        let packet = decode(&octets).unwrap_or_else(|error| panic!("{error}"));
        assert!(!matches!(packet.message, Message::Other(_)));
        assert_eq!(decode(&packet.encode()), Ok(packet));
        let (raw, _) = RawMessage::decode(&octets).unwrap();
        assert_eq!(raw.encode(), octets);
        assert_eq!(
            raw.to_string().lines().count() > raw.ies.len(),
            !raw.ies.is_empty()
        );
        for length in 0..octets.len() {
            assert!(decode(&octets[..length]).is_err());
        }
    }
    let request = include_str!("golden/s11_create_session_request.hex");
    let octets = hex(&request
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect::<String>());
    let Ok(Packet {
        message: Message::CreateSessionRequest(request),
        ..
    }) = decode(&octets)
    else {
        panic!()
    };
    assert_eq!(request.imsi.unwrap().to_string(), "001010000000001");
    assert_eq!(request.mei.unwrap().digit_count(), 13);
    assert_eq!(request.apn.to_string(), "gw-tester.go-gtp.example");
    assert_eq!(request.uli.unwrap().ecgi.unwrap().eci, 0x666_6666);
    assert_eq!(request.paa, Some(Paa::V4(Ipv4Addr::new(192, 168, 101, 201))));
    assert_eq!(request.bearer_contexts[0].qos.mbr_uplink, 0xffff_ffff);
    assert!(request.additional.is_empty());
}

#[test]
fn a_message_is_shown_as_a_tree() {
    let octets =
        hex("48 22 00 1e 00000201 00000200 5d 0012 00 49 0001 00 05 57 0009 00 80 00000501 c0000204");
    assert_eq!(
        decode(&octets).unwrap().to_string(),
        "Modify Bearer Request (34), sequence 2, TEID 0x00000201\n\
         \x20 Bearer Context (93) [0]\n\
         \x20   EPS Bearer ID (EBI) (73) [0]: Ebi(5)\n\
         \x20   Fully Qualified Tunnel Endpoint Identifier (F-TEID) (87) [0]: \
         Fteid(S1-U eNodeB GTP-U 0x00000501 at 192.0.2.4)"
    );
}

#[test]
fn user_plane_echo() {
    let octets = [
        0x32, 0x02, 0x00, 0x06, // version 1, GTP, S; Echo Response; 6 octets follow
        0x00, 0x00, 0x00, 0x00, // TEID 0
        0x00, 0x07, 0x00, 0x00, // sequence number 7, no N-PDU number, no extension header
        0x0e, 0x00, // Recovery 0
    ];
    let message = gtpv1u::Message::from(gtpv1u::EchoResponse::default());
    assert_eq!(message.encode(&UserHeader::path(7)), octets);
    assert_eq!(gtpv1u::decode(&octets).unwrap().message, message);
    for length in 0..octets.len() {
        assert!(
            gtpv1u::decode(&octets[..length]).is_err(),
            "cut to {length} octets"
        );
    }
}

#[test]
fn user_plane_error_indication_with_the_port_of_its_cause() {
    let octets = [
        0x36, 0x1a, 0x00, 0x14, // version 1, GTP, E and S; Error Indication; 20 octets follow
        0x00, 0x00, 0x00, 0x00, // TEID 0
        0x00, 0x00, 0x00, 0x40, // sequence number 0, next is UDP Port
        0x01, 0x08, 0x68, 0x00, // one unit of 4 octets, port 2152, no next
        0x10, 0x00, 0x00, 0x01, 0x0b, // TEID Data I
        0x85, 0x00, 0x04, 192, 0, 2, 1, // GTP-U Peer Address
    ];
    let message = gtpv1u::Message::from(gtpv1u::ErrorIndication::new(Teid(0x10b), IpAddr::V4(MME)));
    let header = UserHeader {
        extensions: vec![Extension::udp_port(2152)],
        ..UserHeader::path(0)
    };
    assert_eq!(message.encode(&header), octets);
    assert_eq!(
        gtpv1u::decode(&octets).unwrap(),
        gtpv1u::Packet { header, message }
    );
    for length in 0..octets.len() {
        assert!(
            gtpv1u::decode(&octets[..length]).is_err(),
            "cut to {length} octets"
        );
    }
}

#[test]
fn user_plane_supported_extension_headers() {
    let octets = [
        0x32, 0x1f, 0x00,
        0x08, // version 1, GTP, S; Supported Extension Headers Notification; 8 octets follow
        0x00, 0x00, 0x00, 0x00, // TEID 0
        0x00, 0x01, 0x00, 0x00, // sequence number 1
        0x8d, 0x02, 0x40, 0xc0, // list, whose length is one octet: UDP Port, PDCP PDU Number
    ];
    let message = gtpv1u::SupportedExtensionHeadersNotification {
        extension_types: vec![ExtensionType::UDP_PORT, ExtensionType::PDCP_PDU_NUMBER],
        additional: vec![],
    };
    let message = gtpv1u::Message::from(message);
    assert_eq!(message.encode(&UserHeader::path(1)), octets);
    assert_eq!(gtpv1u::decode(&octets).unwrap().message, message);
}

#[test]
fn user_plane_end_marker_and_tunnel_status() {
    let end = [0x30, 0xfe, 0x00, 0x00, 0x00, 0x00, 0x01, 0x0b];
    let message = gtpv1u::Message::from(gtpv1u::EndMarker::default());
    assert_eq!(message.encode(&UserHeader::new(Teid(0x10b))), end);
    assert_eq!(gtpv1u::decode(&end).unwrap().message, message);

    let status = [
        0x30, 0xfd, 0x00, 0x04, 0x00, 0x00, 0x01, 0x0b, // Tunnel Status; 4 octets follow
        0xe6, 0x00, 0x01, 0x01, // GTP-U Tunnel Status Information: SPOC
    ];
    let message = gtpv1u::Message::from(gtpv1u::TunnelStatus {
        status: 1,
        additional: vec![],
    });
    assert_eq!(message.encode(&UserHeader::new(Teid(0x10b))), status);
    assert_eq!(gtpv1u::decode(&status).unwrap().message, message);
}

#[test]
fn user_plane_extension_headers_are_walked_through() {
    let mut octets = [
        0x36, 0xff, 0x00, 0x12, // version 1, GTP, E and S; G-PDU; 18 octets follow
        0x00, 0x00, 0x01, 0x0b, // TEID
        0x00, 0x2a, 0x00, 0xc0, // sequence number 42, next is PDCP PDU Number
        0x01, 0x00, 0x07, 0x85, // number 7, next is PDU Session Container
        0x02, 0x10, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00, // two units; uplink, QFI 9; no next
        0xab, 0xcd, // the packet of the user
    ];
    let mut gpdu = Gpdu::parse(&mut octets[..]).unwrap();
    assert_eq!(gpdu.payload(), [0xab, 0xcd]);
    assert_eq!(gpdu.required_unknown_extension(), None);
    assert_eq!(gpdu.required_extension(), Some(ExtensionType(0xc0)));
    let header = gpdu.header();
    assert_eq!(header.extensions[0].as_pdcp_pdu_number(), Some(7));
    assert_eq!(header.extensions[1].as_pdu_session(), Some((1, 9)));
    gpdu.set_teid(Teid(0x20c));
    assert_eq!(octets[4..8], [0x00, 0x00, 0x02, 0x0c]);

    octets[15] = 0x8f; // A header that must be known, and is not.
    let gpdu = Gpdu::parse(&octets[..]).unwrap();
    assert_eq!(gpdu.required_unknown_extension(), Some(ExtensionType(0x8f)));
    octets[15] = 0x4f; // A header that may be ignored.
    assert_eq!(
        Gpdu::parse(&octets[..]).unwrap().required_unknown_extension(),
        None
    );
    octets[16] = 0; // A header without length would never end.
    assert!(Gpdu::parse(&octets[..]).is_err());
    octets[16] = 3; // A header that runs over the end.
    assert!(Gpdu::parse(&octets[..]).is_err());
}

#[test]
fn the_header_of_a_g_pdu_fits_the_headroom() {
    let mut buffer = [0; 12];
    let (headroom, packet) = buffer.split_first_chunk_mut().unwrap();
    packet.copy_from_slice(&[1, 2, 3, 4]);
    gtpv1u::write_gpdu_header(headroom, Teid(0x10b), packet.len());
    assert_eq!(
        buffer,
        [0x30, 0xff, 0x00, 0x04, 0x00, 0x00, 0x01, 0x0b, 1, 2, 3, 4]
    );
    assert_eq!(Gpdu::parse(&buffer[..]).unwrap().payload(), [1, 2, 3, 4]);
}
