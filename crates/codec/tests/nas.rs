//! NAS octet by octet, and what is answered to messages that are not as they should be.
//!
//! The octets are written from TS 24.301 §8 and §9; tshark 4.0 reads the same values out of them.
#![cfg(feature = "s1ap")]

use std::time::Duration;

use epc_codec::nas::lite::SubscriberHints;
use epc_codec::nas::{self, *};
use epc_codec::s1ap::{List, Tai};
use epc_codec::{Ebi, Pco};

const UP: Direction = Direction::Uplink;
const DOWN: Direction = Direction::Downlink;

// ------------------------------------------------------------------------------------------------------ octet by octet

#[test]
fn attach_request_with_what_the_ue_says_of_itself() {
    let hints = SubscriberHints {
        requested_ipv4: Some([10, 0, 1, 101].into()),
        requested_ipv6: None,
        msisdn: Some("818012345678".parse().unwrap()),
        imeisv: Some("1234567890123456".parse().unwrap()),
    };
    let pco = Pco::new().with(Pco::DNS_IPV4, &[]).with(Pco::IPV4_LINK_MTU, &[]);
    golden(
        UP,
        AttachRequest {
            attach_type: AttachType::EPS,
            key_set_identifier: KeySetIdentifier::NO_KEY,
            identity: Identity::Imsi("001010000000001".parse().unwrap()),
            ue_network_capability: UeNetworkCapability::new(0xe0, 0xe0),
            esm: PdnConnectivityRequest {
                pti: Pti(1),
                request_type: RequestType::INITIAL,
                pdn_type: PdnType::IPV4,
                esm_information_transfer: false,
                apn: Some("internet".parse().unwrap()),
                pco: Some(hints.add_to(pco, "001-01".parse().unwrap())),
            },
        },
        &[
            &[0x07, 0x41],                                           // EMM, plain; ATTACH REQUEST
            &[0x71],                                                 // no key 7; EPS attach 1
            &[0x08, 0x09, 0x10, 0x10, 0x00, 0x00, 0x00, 0x00, 0x10], // IMSI: first digit 0, odd 1, type 001
            &[0x02, 0xe0, 0xe0],                                     // EEA0 to 2, EIA0 to 2
            &[0x00, 0x3c],                                           // ESM message container: 60 octets
            &[0x02, 0x01, 0xd0], // no EBI, ESM; PTI 1; PDN CONNECTIVITY REQUEST
            &[0x11],             // IPv4 1; initial request 1
            &[0x28, 0x09, 0x08, b'i', b'n', b't', b'e', b'r', b'n', b'e', b't'],
            &[0x27, 0x2b, 0x80],                                  // PCO: 43 octets, PPP
            &[0x00, 0x0d, 0x00],                                  // DNS Server IPv4 Address Request
            &[0x00, 0x10, 0x00],                                  // IPv4 Link MTU Request
            &[0xff, 0x00, 0x07, 0x00, 0xf1, 0x10, 10, 0, 1, 101], // PLMN 001-01; the address that it asks for
            &[0xff, 0x01, 0x09, 0x00, 0xf1, 0x10],                // MSISDN
            &[0x18, 0x08, 0x21, 0x43, 0x65, 0x87],
            &[0xff, 0x02, 0x0b, 0x00, 0xf1, 0x10], // IMEISV
            &[0x21, 0x43, 0x65, 0x87, 0x09, 0x21, 0x43, 0x65],
        ],
    );
}

#[test]
fn attach_accept() {
    golden(
        DOWN,
        AttachAccept {
            result: AttachResult::EPS_ONLY,
            t3412: GprsTimer::from_duration(Duration::from_secs(54 * 60)),
            tais: [tai("001-01", 1)].into(),
            esm: default_bearer(),
            guti: Some(guti()),
            emm_cause: Some(EmmCause::CS_DOMAIN_NOT_AVAILABLE),
        },
        &[
            &[0x07, 0x42, 0x01],                         // ATTACH ACCEPT, EPS only
            &[0x49],                                     // T3412: 9 times 6 minutes
            &[0x06, 0x00, 0x00, 0xf1, 0x10, 0x00, 0x01], // TAI list: one network, 1 area
            &[0x00, 0x2c],                               // ESM message container: 44 octets
            &[0x52, 0x01, 0xc1], // EBI 5; PTI 1; ACTIVATE DEFAULT EPS BEARER CONTEXT REQUEST
            &[0x01, 0x09],       // QCI 9
            &[0x09, 0x08, b'i', b'n', b't', b'e', b'r', b'n', b'e', b't'],
            &[0x05, 0x01, 10, 0, 1, 101],                      // IPv4
            &[0x5e, 0x04, 0xfe, 0xfe, 0x9e, 0x6c], // APN-AMBR: 8640 kbit/s each, extended 100 and 50 Mbit/s
            &[0x58, 0x32],                         // ESM cause 50
            &[0x27, 0x0d, 0x80],                   // PCO
            &[0x00, 0x0d, 0x04, 192, 0, 2, 53],    // DNS
            &[0x00, 0x10, 0x02, 0x05, 0x78],       // MTU 1400
            &[0x50, 0x0b, 0xf6, 0x00, 0xf1, 0x10, 0x01, 0x02], // GUTI: PLMN, group
            &[0x03, 0x04, 0x05, 0x06, 0x07],       // code, M-TMSI
            &[0x53, 0x12],                         // EMM cause 18
        ],
    );
}

#[test]
fn the_other_emm_messages() {
    let accept = ActivateDefaultEpsBearerContextAccept {
        ebi: Ebi(5),
        pco: None,
    };
    golden(
        UP,
        AttachComplete { esm: accept },
        &[&[0x07, 0x43, 0x00, 0x03, 0x52, 0x00, 0xc2]],
    );

    let reject = PdnConnectivityReject {
        pti: Pti(1),
        cause: EsmCause::MISSING_OR_UNKNOWN_APN,
        pco: None,
    };
    golden(
        DOWN,
        AttachReject {
            cause: EmmCause::ESM_FAILURE,
            esm: Some(reject),
        },
        &[&[0x07, 0x44, 0x13], &[0x78, 0x00, 0x04, 0x02, 0x01, 0xd1, 0x1b]],
    );
    golden(
        DOWN,
        AttachReject {
            cause: EmmCause::CONGESTION,
            esm: None,
        },
        &[&[0x07, 0x44, 0x16]],
    );

    golden(
        UP,
        DetachRequest {
            switch_off: true,
            detach_type: DetachType::EPS,
            key_set_identifier: KeySetIdentifier::NO_KEY,
            identity: Identity::Guti(guti()),
        },
        &[
            &[0x07, 0x45, 0x79], // no key 7; switch off 1, EPS detach 001
            &[
                0x0b, 0xf6, 0x00, 0xf1, 0x10, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
            ],
        ],
    );
    let network = NetworkDetachRequest {
        detach_type: NetworkDetachType::RE_ATTACH_REQUIRED,
        cause: Some(EmmCause::IMPLICITLY_DETACHED),
    };
    golden(DOWN, network, &[&[0x07, 0x45, 0x01], &[0x53, 0x0a]]);
    golden(UP, DetachAccept, &[&[0x07, 0x46]]);
    golden(DOWN, DetachAccept, &[&[0x07, 0x46]]);

    golden(
        DOWN,
        IdentityRequest {
            identity_type: IdentityType::IMEISV,
        },
        &[&[0x07, 0x55, 0x03]],
    );
    golden(
        UP,
        IdentityResponse {
            identity: Identity::Imeisv("1234567890123456".parse().unwrap()),
        },
        &[&[
            0x07, 0x56, 0x09, 0x13, 0x32, 0x54, 0x76, 0x98, 0x10, 0x32, 0x54, 0xf6,
        ]], // first digit 1, even 0, 011
    );
    golden(
        UP,
        IdentityResponse {
            identity: Identity::Tmsi(0x0102_0304),
        },
        &[&[0x07, 0x56, 0x05, 0xf4, 0x01, 0x02, 0x03, 0x04]],
    );
    golden(
        UP,
        EmmStatus {
            cause: EmmCause::PROTOCOL_ERROR,
        },
        &[&[0x07, 0x60, 0x6f]],
    );
}

#[test]
fn the_other_esm_messages() {
    let ebi = Ebi(6);
    golden(
        UP,
        PdnDisconnectRequest {
            pti: Pti(2),
            linked_ebi: ebi,
            pco: None,
        },
        &[&[0x02, 0x02, 0xd2, 0x06]],
    );
    let cause = EsmCause::LAST_PDN_DISCONNECTION_NOT_ALLOWED;
    golden(
        DOWN,
        PdnDisconnectReject {
            pti: Pti(2),
            cause,
            pco: None,
        },
        &[&[0x02, 0x02, 0xd3, 0x31]],
    );
    golden(
        DOWN,
        DeactivateEpsBearerContextRequest {
            ebi,
            pti: Pti(2),
            cause: EsmCause::REGULAR_DEACTIVATION,
            pco: None,
        },
        &[&[0x62, 0x02, 0xcd, 0x24]],
    );
    golden(
        UP,
        DeactivateEpsBearerContextAccept { ebi, pco: None },
        &[&[0x62, 0x00, 0xce]],
    );
    let cause = EsmCause::REQUEST_REJECTED;
    golden(
        UP,
        ActivateDefaultEpsBearerContextReject {
            ebi,
            cause,
            pco: None,
        },
        &[&[0x62, 0x00, 0xc3, 0x1f]],
    );
    let cause = EsmCause::INVALID_EPS_BEARER_IDENTITY;
    golden(
        UP,
        EsmStatus {
            ebi,
            pti: Pti(0),
            cause,
        },
        &[&[0x62, 0x00, 0xe8, 0x2b]],
    );
}

#[test]
fn addresses_of_ipv6_have_the_interface_identifier_alone() {
    let interface = [1, 2, 3, 4, 5, 6, 7, 8];
    for (pdn_address, octets) in [
        (
            PdnAddress::V6(interface),
            &[0x09, 0x02, 1, 2, 3, 4, 5, 6, 7, 8][..],
        ),
        (
            PdnAddress::V4V6([192, 0, 2, 1].into(), interface),
            &[0x0d, 0x03, 1, 2, 3, 4, 5, 6, 7, 8, 192, 0, 2, 1],
        ),
    ] {
        let request = ActivateDefaultEpsBearerContextRequest {
            apn: "a".parse().unwrap(),
            pdn_address,
            apn_ambr: None,
            esm_cause: None,
            pco: None,
            ..default_bearer()
        };
        golden(
            DOWN,
            request,
            &[&[0x52, 0x01, 0xc1, 0x01, 0x09, 0x02, 0x01, b'a'], octets],
        );
    }
}

#[test]
fn lists_of_tracking_areas_of_each_kind() {
    let (a, b) = (tai("001-01", 1), tai("310-410", 7));
    let one_network = &[0x01, 0x00, 0xf1, 0x10, 0x00, 0x01, 0x00, 0x05][..];
    let consecutive = &[0x22, 0x00, 0xf1, 0x10, 0x00, 0x01];
    let two_networks = &[0x41, 0x00, 0xf1, 0x10, 0x00, 0x01, 0x13, 0x00, 0x14, 0x00, 0x07];
    assert_eq!(tais(one_network), [a, Tai { tac: 5, ..a }]);
    assert_eq!(tais(consecutive), [a, Tai { tac: 2, ..a }, Tai { tac: 3, ..a }]);
    assert_eq!(tais(two_networks), [a, b]);
    assert_eq!(
        tais(&[one_network, two_networks].concat()),
        [a, Tai { tac: 5, ..a }, a, b]
    );
    // 32 areas: the first 16 count, §9.9.3.33.
    assert_eq!(tais(&[0x3f, 0x00, 0xf1, 0x10, 0x00, 0x01]).len(), 16);
}

#[test]
fn options_of_more_than_251_octets_go_into_the_extended_ie() {
    let mut pco = Pco::new();
    for id in 0..3 {
        pco.push(id, &[0; 200]);
    }
    let accept = ActivateDefaultEpsBearerContextAccept {
        ebi: Ebi(5),
        pco: Some(pco),
    };
    let octets = accept.encode();
    assert_eq!(octets[..6], [0x52, 0x00, 0xc2, 0x7b, 0x02, 0x62]);
    assert_eq!(nas::decode(UP, &octets), Ok(accept.into()));
}

#[test]
fn algorithms_as_s1ap_has_them() {
    // Without EEA0: EEA1 and EEA2 come first.
    let capabilities = UeNetworkCapability::new(0xe0, 0x60).to_s1ap();
    assert_eq!(
        (capabilities.encryption, capabilities.integrity),
        (0xc000, 0xc000)
    );
}

// ---------------------------------------------------------------------------------------- what is wrong, and its answer

#[test]
fn every_truncation_is_an_error_or_a_shorter_message() {
    let octets = AttachAccept {
        result: AttachResult::EPS_ONLY,
        t3412: GprsTimer::DEACTIVATED,
        tais: [tai("001-01", 1)].into(),
        esm: default_bearer(),
        guti: Some(guti()),
        emm_cause: None,
    }
    .encode();
    let whole = octets.len();
    for end in 0..whole {
        // Up to the end of the mandatory IEs.
        let expected = end >= whole - 13;
        assert_eq!(
            nas::decode(DOWN, &octets[..end]).is_ok(),
            expected,
            "{end} of {whole}"
        );
    }
}

#[test]
fn an_unknown_message_type_is_answered_with_a_status() {
    let error = nas::decode(UP, &[0x07, 0x7f]).unwrap_err();
    assert_eq!(
        error.answer(),
        Some(
            &EmmStatus {
                cause: EmmCause::MESSAGE_TYPE_NOT_IMPLEMENTED
            }
            .into()
        )
    );
    let error = nas::decode(UP, &[0x52, 0x03, 0xff]).unwrap_err();
    let status = EsmStatus {
        ebi: Ebi(5),
        pti: Pti(3),
        cause: EsmCause::MESSAGE_TYPE_NOT_IMPLEMENTED,
    };
    assert_eq!(error.answer(), Some(&status.into()));
}

#[test]
fn a_mandatory_ie_that_is_missing_or_not_understood_is_answered() {
    let status = Message::from(EmmStatus {
        cause: EmmCause::INVALID_MANDATORY_INFORMATION,
    });
    for octets in [
        &[0x07, 0x41][..], // nothing
        &[
            0x07, 0x41, 0x71, 0x04, 0xfa, 0xff, 0xff, 0xff, 0x02, 0xe0, 0xe0, 0, 4, 2, 1, 0xd0, 0x11,
        ], // no identity
        &[
            0x07, 0x41, 0x71, 0x04, 0x09, 0x10, 0x10, 0x00, 0x02, 0xe0, 0xe0, 0, 4, 2, 1, 0xd1, 0x11,
        ], // a reject within
    ] {
        let error = nas::decode(UP, octets).unwrap_err();
        assert_eq!(error.answer(), Some(&status), "{error}");
    }
    let error = nas::decode(UP, &[0x02, 0x01, 0xd0]).unwrap_err();
    let reject = PdnConnectivityReject {
        pti: Pti(1),
        cause: EsmCause::INVALID_MANDATORY_INFORMATION,
        pco: None,
    };
    assert_eq!(error.answer(), Some(&reject.into()));
}

/// A status about a status would go on for ever.
#[test]
fn neither_a_status_nor_what_is_no_message_is_answered() {
    for octets in [
        &[0x07, 0x60][..],
        &[0x02, 0x00, 0xe8],
        &[0x07],
        &[],
        &[0x7e, 0x00, 0x41],
    ] {
        let error = nas::decode(UP, octets).unwrap_err();
        assert_eq!(error.answer(), None, "{error}");
    }
}

#[test]
fn an_unknown_or_wrong_optional_ie_is_as_if_it_was_not_there() {
    // APN with a label that runs over its end, then an IE of no known identifier.
    let octets = [0x02, 0x01, 0xd0, 0x11, 0x28, 0x02, 0x09, b'a', 0x71, 0x01, 0x00];
    let Ok(Message::PdnConnectivityRequest(request)) = nas::decode(UP, &octets) else {
        panic!("a request")
    };
    assert_eq!((request.pti, request.apn, request.pco), (Pti(1), None, None));
}

#[test]
fn a_protected_message_is_handed_on_as_it_is() {
    let octets = [0x27, 0x01, 0x02, 0x03, 0x04, 0x00, 0xaa, 0xbb];
    let message = nas::decode(UP, &octets).unwrap();
    assert_eq!(
        (message.name(), message.encode()),
        ("protected message", octets.to_vec())
    );
}

#[test]
fn a_message_is_a_tree_to_a_reader() {
    let reject = AttachReject {
        cause: EmmCause::ESM_FAILURE,
        esm: Some(PdnConnectivityReject {
            pti: Pti(1),
            cause: EsmCause(200),
            pco: Some(Pco::new().with(0x10, &[5])),
        }),
    };
    assert_eq!(
        Message::from(reject).to_string(),
        "NAS ATTACH REJECT
  EMM cause: #19 ESM failure
  ESM PDN CONNECTIVITY REJECT
    PTI: 1
    ESM cause: #200
    protocol configuration options
      0x0010: 05"
    );
}

// ---------------------------------------------------------------------------------- what a UE says of itself, and timers

#[test]
fn containers_that_are_not_understood_say_nothing() {
    let pco = Pco::new()
        .with(0xff00, &[]) // no PLMN
        .with(0xff00, &[0x00, 0xf1, 0x10, 1, 2, 3]) // no address
        .with(0xff01, &[0x00, 0xf1, 0x10, 0xab]) // no digits
        .with(0xff02, &[0x00, 0xf1, 0x10]); // no digit
    assert_eq!(SubscriberHints::from_pco(&pco), SubscriberHints::default());
    assert_eq!(SubscriberHints::strip(&pco), None);
}

#[test]
fn timers_in_their_units() {
    for (seconds, octet) in [
        (0, 0x00),
        (1, 0x01),
        (62, 0x1f),
        (63, 0x22),
        (1860, 0x3f),
        (1861, 0x46),
        (999_999, 0x5f),
    ] {
        assert_eq!(
            GprsTimer::from_duration(Duration::from_secs(seconds)),
            GprsTimer(octet),
            "{seconds}"
        );
    }
    assert_eq!(GprsTimer(0x49).duration(), Some(Duration::from_secs(54 * 60)));
    assert_eq!(GprsTimer::DEACTIVATED.duration(), None);
}

#[test]
fn rates_at_the_borders_of_their_steps() {
    for kbps in [
        1, 63, 64, 568, 576, 8640, 8700, 16_000, 17_000, 128_000, 130_000, 254_000, 256_000, 256_001,
        264_640, 512_000, 65_024_000,
    ] {
        let ambr = ApnAmbr::new(kbps, kbps);
        assert_eq!((ambr.downlink_kbps(), ambr.uplink_kbps()), (kbps, kbps));
    }
    for (kbps, lower) in [
        (575, 568),
        (8699, 8640),
        (16_999, 16_000),
        (129_999, 128_000),
        (1_000_000_000, 65_280_000),
    ] {
        assert_eq!(ApnAmbr::new(kbps, 0).downlink_kbps(), lower);
    }
}

// ------------------------------------------------------------------------------------------------------------- helpers

/// The message encodes to these octets, and they decode to the message.
#[track_caller]
fn golden(direction: Direction, message: impl Into<Message>, octets: &[&[u8]]) {
    let (message, octets) = (message.into(), octets.concat());
    assert_eq!(hex(&message.encode()), hex(&octets));
    assert_eq!(nas::decode(direction, &octets), Ok(message));
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn tai(plmn: &str, tac: u16) -> Tai {
    Tai {
        plmn: plmn.parse().unwrap(),
        tac,
    }
}

fn guti() -> Guti {
    Guti {
        plmn: "001-01".parse().unwrap(),
        mme_group_id: 0x102,
        mme_code: 3,
        m_tmsi: 0x0405_0607,
    }
}

fn default_bearer() -> ActivateDefaultEpsBearerContextRequest {
    ActivateDefaultEpsBearerContextRequest {
        ebi: Ebi(5),
        pti: Pti(1),
        qos: EpsQos::new(9),
        apn: "internet".parse().unwrap(),
        pdn_address: PdnAddress::V4([10, 0, 1, 101].into()),
        apn_ambr: Some(ApnAmbr::new(100_000, 50_000)),
        esm_cause: Some(EsmCause::PDN_TYPE_IPV4_ONLY_ALLOWED),
        pco: Some(
            Pco::new()
                .with(Pco::DNS_IPV4, &[192, 0, 2, 53])
                .with(Pco::IPV4_LINK_MTU, &[0x05, 0x78]),
        ),
    }
}

/// The areas of an Attach Accept with this list.
fn tais(list: &[u8]) -> Vec<Tai> {
    let mut octets = vec![0x07, 0x42, 0x01, 0x49, list.len() as u8];
    octets.extend(list);
    let esm = default_bearer().encode();
    octets.extend((esm.len() as u16).to_be_bytes());
    octets.extend(esm);
    match nas::decode(DOWN, &octets) {
        Ok(Message::AttachAccept(accept)) => List::into_vec(accept.tais),
        other => panic!("{other:?}"),
    }
}
