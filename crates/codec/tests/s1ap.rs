//! S1AP octet by octet, and what is answered to messages that are not as they should be.
//!
//! The octets are written from TS 36.413 §9.3 and X.691. pycrate 0.8.1 encodes the same values to the same octets, and
//! tshark 4.0 finds nothing malformed in them.
#![cfg(feature = "s1ap")]

use epc_codec::s1ap::{self, *};
use epc_codec::{Ebi, Plmn, Teid};

// ------------------------------------------------------------------------------------------------------ octet by octet

#[test]
fn s1_setup_request() {
    golden(
        S1SetupRequest {
            global_enb_id: GlobalEnbId {
                plmn: plmn("001-01"),
                enb_id: EnbId::macro_enb(0x101).unwrap(),
            },
            enb_name: NodeName::new("enb-1"),
            supported_tas: [SupportedTa {
                tac: 1,
                broadcast_plmns: [plmn("001-01"), plmn("310-410")].into(),
            }]
            .into(),
            paging_drx: Some(PagingDrx::V128),
        },
        &[
            &[0x00, 0x11, 0x00, 0x2d], // initiatingMessage, procedure 17, reject, 45 octets follow
            &[0x00, 0x00, 0x04],       // not extended, 4 IEs
            &[0x00, 0x3b, 0x00, 0x08], // Global-ENB-ID, reject, 8 octets
            &[0x00, 0x00, 0xf1, 0x10], // not extended, no extensions; PLMN 001-01
            &[0x00, 0x00, 0x10, 0x10], // macroENB-ID; 20 bits: 0x00101
            &[0x00, 0x3c, 0x40, 0x07], // eNBname, ignore, 7 octets
            &[0x02, 0x00, b'e', b'n', b'b', b'-', b'1'], // not extended, 5 characters
            &[0x00, 0x40, 0x00, 0x0a], // SupportedTAs, reject, 10 octets
            &[0x00],                   // 1 area
            &[0x00, 0x00, 0x48],       // 2 bits of preamble, 16 of the TAC 1, 3 for 2 PLMNs
            &[0x00, 0xf1, 0x10],       // PLMN 001-01
            &[0x13, 0x40, 0x01],       // PLMN 310-410: MCC 310, then MNC 410 in its order
            &[0x00, 0x89, 0x40, 0x01, 0x40], // DefaultPagingDRX, ignore, 1 octet: v128
        ],
    );
}

#[test]
fn s1_setup_response() {
    golden(
        S1SetupResponse {
            mme_name: NodeName::new("mme-1"),
            served_gummeis: [ServedGummei {
                plmns: [plmn("001-01")].into(),
                group_ids: [2].into(),
                mme_codes: [3].into(),
            }]
            .into(),
            relative_mme_capacity: Some(RelativeMmeCapacity(255)),
            criticality_diagnostics: None,
        },
        &[
            &[0x20, 0x11, 0x00, 0x22], // successfulOutcome
            &[0x00, 0x00, 0x03],       // 3 IEs
            &[0x00, 0x3d, 0x40, 0x07, 0x02, 0x00, b'm', b'm', b'e', b'-', b'1'], // MMEname
            &[0x00, 0x69, 0x00, 0x0b], // ServedGUMMEIs, reject
            &[0x00, 0x00],             // 3 bits for 1 item, 2, 5 for 1 PLMN
            &[0x00, 0xf1, 0x10],       // PLMN 001-01
            &[0x00, 0x00, 0x00, 0x02], // 1 group: 2
            &[0x00, 0x03],             // 1 code: 3
            &[0x00, 0x57, 0x40, 0x01, 0xff], // RelativeMMECapacity 255
        ],
    );
}

#[test]
fn s1_setup_failure() {
    golden(
        S1SetupFailure {
            cause: Cause::UNKNOWN_PLMN,
            time_to_wait: Some(TimeToWait::V10S),
            criticality_diagnostics: None,
        },
        &[
            &[0x40, 0x11, 0x00, 0x0d],       // unsuccessfulOutcome
            &[0x00, 0x00, 0x02],             // 2 IEs
            &[0x00, 0x02, 0x40, 0x01, 0x45], // Cause: 0, misc 100, 0, unknown-PLMN 101
            &[0x00, 0x41, 0x40, 0x01, 0x30], // TimeToWait: 0, v10s 011
        ],
    );
}

#[test]
fn initial_ue_message() {
    golden(
        InitialUeMessage {
            enb_ue_s1ap_id: enb(1),
            nas: NasPdu(vec![0x07, 0x55, 0x01]),
            tai: Tai {
                plmn: plmn("001-01"),
                tac: 1,
            },
            ecgi: Some(Ecgi {
                plmn: plmn("001-01"),
                eci: 0x1_0101,
            }),
            rrc_establishment_cause: Some(RrcEstablishmentCause::MO_SIGNALLING),
            s_tmsi: None,
            gummei: None,
        },
        &[
            &[0x00, 0x0c, 0x40, 0x2c],                         // procedure 12, ignore
            &[0x00, 0x00, 0x05],                               // 5 IEs
            &[0x00, 0x08, 0x00, 0x02, 0x00, 0x01],             // eNB-UE-S1AP-ID: 1 octet, 1
            &[0x00, 0x1a, 0x00, 0x04, 0x03, 0x07, 0x55, 0x01], // NAS-PDU: 3 octets
            &[0x00, 0x43, 0x00, 0x06],                         // TAI, reject
            &[0x00, 0x00, 0xf1, 0x10, 0x00, 0x01],             // PLMN, TAC
            &[0x00, 0x64, 0x40, 0x08],                         // EUTRAN-CGI, ignore
            &[0x00, 0x00, 0xf1, 0x10, 0x00, 0x10, 0x10, 0x10], // PLMN, 28 bits of the cell
            &[0x00, 0x86, 0x40, 0x01, 0x30], // RRC-Establishment-Cause: 0, mo-Signalling 011
        ],
    );
}

#[test]
fn initial_context_setup_request() {
    golden(
        initial_context_setup(),
        &[
            &[0x00, 0x09, 0x00, 0x67],                               // procedure 9, reject
            &[0x00, 0x00, 0x06],                                     // 6 IEs
            &[0x00, 0x00, 0x00, 0x05, 0xc0, 0x01, 0x02, 0x03, 0x04], // MME-UE-S1AP-ID: 4 octets (11)
            &[0x00, 0x08, 0x00, 0x02, 0x00, 0x01],                   // eNB-UE-S1AP-ID 1
            &[0x00, 0x42, 0x00, 0x0a],                               // uEaggregateMaximumBitrate
            &[0x18, 0x05, 0xf5, 0xe1, 0x00], // downlink: 4 octets (011), 100,000,000 bit/s
            &[0x60, 0x02, 0xfa, 0xf0, 0x80], // uplink: 4 octets (011), 50,000,000 bit/s
            &[0x00, 0x18, 0x00, 0x16, 0x00], // E-RABToBeSetupListCtxtSUReq: 1 item
            &[0x00, 0x34, 0x00, 0x11],       // the item: IE 52, reject, 17 octets
            &[0x45],                         // 0, NAS-PDU there 1, 0; 0, E-RAB 0101
            &[0x00, 0x09],                   // no GBR; QCI 9
            &[0x21],                         // 00, priority 1000, shall not 0, may be 1
            &[0x0f, 0x80, 0xc0, 0x00, 0x02, 0x01], // 0, 32 bits (31 in 8 bits): 192.0.2.1
            &[0x00, 0x00, 0x01, 0x0b],       // TEID
            &[0x02, 0x07, 0x46],             // NAS-PDU: 2 octets
            &[0x00, 0x6b, 0x00, 0x05, 0x18, 0x00, 0x0c, 0x00, 0x00], // UESecurityCapabilities: 11.. twice
            &[0x00, 0x49, 0x00, 0x20],       // SecurityKey: 256 bits
            &[0; 32],
        ],
    );
}

#[test]
fn initial_context_setup_response() {
    golden(
        InitialContextSetupResponse {
            mme_ue_s1ap_id: MmeUeS1apId(7),
            enb_ue_s1ap_id: enb(1),
            erabs: Some(
                [ErabSetup {
                    erab_id: Ebi(5),
                    transport_address: TransportAddress::Dual(
                        [192, 0, 2, 2].into(),
                        "2001:db8::2".parse().unwrap(),
                    ),
                    enb_s1u: Teid(0x20c),
                }]
                .into(),
            ),
            failed: Some(
                [ErabItem {
                    erab_id: Ebi(6),
                    cause: Cause::NOT_SUPPORTED_QCI_VALUE,
                }]
                .into(),
            ),
            criticality_diagnostics: None,
        },
        &[
            &[0x20, 0x09, 0x00, 0x3e],                                        // successfulOutcome
            &[0x00, 0x00, 0x04],                                              // 4 IEs
            &[0x00, 0x00, 0x40, 0x02, 0x00, 0x07],                            // MME-UE-S1AP-ID 7
            &[0x00, 0x08, 0x40, 0x02, 0x00, 0x01],                            // eNB-UE-S1AP-ID 1
            &[0x00, 0x33, 0x40, 0x1f, 0x00], // E-RABSetupListCtxtSURes: 1 item
            &[0x00, 0x32, 0x40, 0x1a],       // the item: IE 50, ignore
            &[0x0a, 0x9f],                   // 00, 0 0101, 0, 160 bits (159)
            &[0xc0, 0x00, 0x02, 0x02],       // IPv4 first
            &[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02], // then IPv6
            &[0x00, 0x00, 0x02, 0x0c],       // TEID
            &[0x00, 0x30, 0x40, 0x08, 0x00], // E-RABFailedToSetupList..: 1 item
            &[0x00, 0x23, 0x40, 0x03],       // the item: IE 35, ignore
            &[0x0c, 0x10, 0x20], // 00, 0 0110, 0; radioNetwork 000, added 1: 0 000001 of those after the first 36
        ],
    );
}

#[test]
fn ue_context_release_command() {
    let command = |ue_s1ap_ids, cause| UeContextReleaseCommand { ue_s1ap_ids, cause };
    golden(
        command(UeS1apIds::Pair(MmeUeS1apId(7), enb(1)), Cause::DETACH),
        &[
            &[0x00, 0x17, 0x00, 0x10, 0x00, 0x00, 0x02],
            &[0x00, 0x63, 0x00, 0x04, 0x00, 0x07, 0x00, 0x01], // 0, pair 0, 00; 1 octet: 7; 1 octet: 1
            &[0x00, 0x02, 0x40, 0x01, 0x24],                   // 0, nas 010, 0, detach 10
        ],
    );
    golden(
        command(UeS1apIds::Mme(MmeUeS1apId(7)), Cause::NORMAL_RELEASE),
        &[
            &[0x00, 0x17, 0x00, 0x0e, 0x00, 0x00, 0x02],
            &[0x00, 0x63, 0x00, 0x02, 0x40, 0x07], // 0, the MME's alone 1; 1 octet: 7
            &[0x00, 0x02, 0x40, 0x01, 0x20],       // 0, nas 010, 0, normal-release 00
        ],
    );
}

#[test]
fn reset_and_its_answer() {
    let both = UeConnection {
        mme_ue_s1ap_id: Some(MmeUeS1apId(7)),
        enb_ue_s1ap_id: Some(enb(1)),
    };
    let enb_only = UeConnection {
        mme_ue_s1ap_id: None,
        enb_ue_s1ap_id: Some(enb(1)),
    };
    golden(
        Reset {
            cause: Cause::OM_INTERVENTION,
            reset_type: ResetType::Part([both, enb_only].into()),
        },
        &[
            &[0x00, 0x0e, 0x00, 0x1c, 0x00, 0x00, 0x02],
            &[0x00, 0x02, 0x40, 0x01, 0x43], // 0, misc 100, 0, om-intervention 011
            &[0x00, 0x5c, 0x00, 0x10, 0x40, 0x01], // ResetType: 0, part 1; 2 items
            &[0x00, 0x5b, 0x00, 0x04, 0x60, 0x07, 0x00, 0x01], // both are there: 0 110
            &[0x00, 0x5b, 0x00, 0x02, 0x20, 0x01], // the eNB's alone: 0 010
        ],
    );
    golden(
        Reset {
            cause: Cause::RADIO_NETWORK_UNSPECIFIED,
            reset_type: ResetType::All,
        },
        &[
            &[0x00, 0x0e, 0x00, 0x0e, 0x00, 0x00, 0x02],
            &[0x00, 0x02, 0x40, 0x02, 0x00, 0x00], // 0, radioNetwork 000, 0, unspecified 000000
            &[0x00, 0x5c, 0x00, 0x01, 0x00],       // 0, all 0, 0
        ],
    );
    let connections = Some(ResetConnections(
        [UeConnection {
            enb_ue_s1ap_id: None,
            ..both
        }]
        .into(),
    ));
    golden(
        ResetAcknowledge {
            connections,
            criticality_diagnostics: None,
        },
        &[
            &[0x20, 0x0e, 0x00, 0x0e, 0x00, 0x00, 0x01],
            &[0x00, 0x5d, 0x40, 0x07, 0x00],       // 1 item
            &[0x00, 0x5b, 0x40, 0x02, 0x40, 0x07], // the MME's alone: 0 100
        ],
    );
}

#[test]
fn error_indication() {
    golden(
        ErrorIndication {
            mme_ue_s1ap_id: None,
            enb_ue_s1ap_id: Some(enb(1)),
            cause: Some(Cause::ABSTRACT_SYNTAX_ERROR_REJECT),
            criticality_diagnostics: Some(CriticalityDiagnostics {
                procedure_code: Some(12),
                triggering_message: Some(PduKind::InitiatingMessage),
                procedure_criticality: Some(Criticality::Ignore),
                ies: vec![missing(26, Criticality::Reject)],
            }),
        },
        &[
            &[0x00, 0x0f, 0x40, 0x1a, 0x00, 0x00, 0x03],
            &[0x00, 0x08, 0x40, 0x02, 0x00, 0x01],
            &[0x00, 0x02, 0x40, 0x01, 0x31], // 0, protocol 011, 0, abstract-syntax-error-reject 001
            &[0x00, 0x3a, 0x40, 0x08],       // CriticalityDiagnostics
            &[0x78, 0x0c],                   // 0, four members are there 1111, 0; procedure 12
            &[0x10, 0x00],                   // initiating 00, ignore 01; 1 IE
            &[0x00, 0x00, 0x1a, 0x40],       // 00, reject 00; IE 26; 0, missing 1
        ],
    );
}

#[test]
fn e_rab_release() {
    golden(
        ErabReleaseCommand {
            mme_ue_s1ap_id: MmeUeS1apId(7),
            enb_ue_s1ap_id: enb(1),
            ue_ambr: None,
            erabs: Some(
                [ErabItem {
                    erab_id: Ebi(6),
                    cause: Cause::NORMAL_RELEASE,
                }]
                .into(),
            ),
            nas: None,
        },
        &[
            &[0x00, 0x07, 0x00, 0x1a, 0x00, 0x00, 0x03],
            &[0x00, 0x00, 0x00, 0x02, 0x00, 0x07],
            &[0x00, 0x08, 0x00, 0x02, 0x00, 0x01],
            &[0x00, 0x21, 0x40, 0x07, 0x00], // E-RABToBeReleasedList: 1 item
            &[0x00, 0x23, 0x40, 0x02, 0x0c, 0x40], // 00, 0 0110, 0; nas 010, 0, normal-release 00
        ],
    );
    golden(
        ErabReleaseResponse {
            mme_ue_s1ap_id: MmeUeS1apId(7),
            enb_ue_s1ap_id: enb(1),
            erabs: Some([ErabReleased { erab_id: Ebi(6) }].into()),
            failed: None,
            criticality_diagnostics: None,
        },
        &[
            &[0x20, 0x07, 0x00, 0x19, 0x00, 0x00, 0x03],
            &[0x00, 0x00, 0x40, 0x02, 0x00, 0x07],
            &[0x00, 0x08, 0x40, 0x02, 0x00, 0x01],
            &[0x00, 0x45, 0x40, 0x06, 0x00], // E-RABReleaseListBearerRelComp: 1 item
            &[0x00, 0x0f, 0x40, 0x01, 0x0c], // 00, 0 0110
        ],
    );
}

#[test]
fn paging() {
    golden(
        Paging {
            ue_identity_index: UeIdentityIndex(1),
            ue_paging_id: UePagingId::Imsi("001010000000001".parse().unwrap()),
            paging_drx: Some(PagingDrx::V64),
            cn_domain: CnDomain::PS,
            tais: [Tai {
                plmn: plmn("310-410"),
                tac: 1,
            }]
            .into(),
        },
        &[
            &[0x00, 0x0a, 0x40, 0x2f, 0x00, 0x00, 0x05],
            &[0x00, 0x50, 0x40, 0x02, 0x00, 0x40], // 10 bits: 1
            &[0x00, 0x2b, 0x40, 0x09, 0x68],       // 0, iMSI 1, 8 octets (101)
            &[0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0xf1], // its digits, the first in the low half
            &[0x00, 0x2c, 0x40, 0x01, 0x20],       // pagingDRX: 0, v64 01
            &[0x00, 0x6d, 0x40, 0x01, 0x00],       // CNDomain: ps 0
            &[0x00, 0x2e, 0x40, 0x0b, 0x00],       // TAIList: 1 item
            &[0x00, 0x2f, 0x40, 0x06, 0x00, 0x13, 0x40, 0x01, 0x00, 0x01], // 000; PLMN, TAC
        ],
    );
}

#[test]
fn path_switch_request() {
    golden(
        PathSwitchRequest {
            enb_ue_s1ap_id: enb(1),
            erabs: [ErabSwitchedDownlink {
                erab_id: Ebi(5),
                transport_address: TransportAddress::V6("2001:db8::3".parse().unwrap()),
                enb_s1u: Teid(1),
            }]
            .into(),
            source_mme_ue_s1ap_id: MmeUeS1apId(7),
            ecgi: Some(Ecgi {
                plmn: plmn("001-01"),
                eci: 0x1_0101,
            }),
            tai: Some(Tai {
                plmn: plmn("001-01"),
                tac: 1,
            }),
            security_capabilities: Some(UeSecurityCapabilities {
                encryption: 0xc000,
                integrity: 0xc000,
            }),
        },
        &[
            &[0x00, 0x03, 0x00, 0x4d, 0x00, 0x00, 0x06],
            &[0x00, 0x08, 0x00, 0x02, 0x00, 0x01],
            &[0x00, 0x16, 0x00, 0x1b, 0x00], // E-RABToBeSwitchedDLList: 1 item
            &[0x00, 0x17, 0x00, 0x16, 0x0a, 0x7f], // 00, 0 0101, 0, 128 bits (127)
            &[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x03], // the address
            &[0x00, 0x00, 0x00, 0x01],       // TEID
            &[0x00, 0x58, 0x00, 0x02, 0x00, 0x07], // SourceMME-UE-S1AP-ID
            &[
                0x00, 0x64, 0x40, 0x08, 0x00, 0x00, 0xf1, 0x10, 0x00, 0x10, 0x10, 0x10,
            ],
            &[0x00, 0x43, 0x40, 0x06, 0x00, 0x00, 0xf1, 0x10, 0x00, 0x01],
            &[0x00, 0x6b, 0x40, 0x05, 0x18, 0x00, 0x0c, 0x00, 0x00],
        ],
    );
}

#[test]
fn every_truncation_is_a_transfer_syntax_error() {
    let octets = Message::from(initial_context_setup()).encode();
    for end in 0..octets.len() {
        let error = s1ap::decode(&octets[..end]).unwrap_err();
        let indication = error.indication().unwrap();
        assert_eq!(indication.cause, Some(Cause::TRANSFER_SYNTAX_ERROR), "{end}");
        assert_eq!(error.answer(), Some(indication.into()));
    }
}

#[test]
fn octets_after_the_pdu_are_a_transfer_syntax_error() {
    let mut octets = Message::from(initial_context_setup()).encode();
    octets.push(0);
    assert!(matches!(s1ap::decode(&octets), Err(Error::TransferSyntax { .. })));
}

#[test]
fn values_of_a_later_release_survive() {
    for cause in [
        Cause::RadioNetwork(35),
        Cause::RadioNetwork(36),
        Cause::RadioNetwork(200),
        Cause::Misc(255),
    ] {
        let message = Message::from(S1SetupFailure {
            cause,
            time_to_wait: None,
            criticality_diagnostics: None,
        });
        assert_eq!(s1ap::decode(&message.encode()), Ok(message));
    }
    assert_eq!(Cause::RadioNetwork(200).name(), None);
    assert_eq!(Cause::RadioNetwork(200).to_string(), "radioNetwork: 200");
}

#[test]
fn a_nas_message_of_many_octets_travels_in_fragments() {
    let message = Message::from(DownlinkNasTransport {
        mme_ue_s1ap_id: MmeUeS1apId(7),
        enb_ue_s1ap_id: enb(1),
        nas: NasPdu((0..60_000_u32).map(|n| n as u8).collect()),
    });
    assert_eq!(s1ap::decode(&message.encode()), Ok(message));
}

// ---------------------------------------------------------------------------------------- what is wrong, and its answer

#[test]
fn unknown_ie_of_criticality_ignore_is_skipped() {
    let (message, report) = s1ap::decode_reporting(&with_unknown_ie(Criticality::Ignore)).unwrap();
    assert_eq!((message, report), (transport().into(), None));
}

#[test]
fn unknown_ie_of_criticality_notify_is_skipped_and_reported() {
    let (message, report) = s1ap::decode_reporting(&with_unknown_ie(Criticality::Notify)).unwrap();
    assert_eq!(message, transport().into());
    assert_eq!(
        report,
        Some(indication(
            Cause::ABSTRACT_SYNTAX_ERROR_IGNORE_AND_NOTIFY,
            vec![unknown(9999, Criticality::Notify)]
        ))
    );
}

#[test]
fn unknown_ie_of_criticality_reject_is_refused() {
    let error = s1ap::decode(&with_unknown_ie(Criticality::Reject)).unwrap_err();
    let expected = indication(
        Cause::ABSTRACT_SYNTAX_ERROR_REJECT,
        vec![unknown(9999, Criticality::Reject)],
    );
    assert_eq!(error.indication(), Some(expected.clone()));
    assert_eq!(error.answer(), Some(expected.into()));
}

#[test]
fn an_answer_names_256_ies_at_most_and_a_log_line_eight() {
    let octets = changed(transport(), |ies| {
        let unknown = Ie {
            id: 9999,
            criticality: Criticality::Reject,
            value: [0].as_slice().into(),
        };
        ies.extend((0..300).map(|n| Ie {
            id: 10_000 + n,
            ..unknown.clone()
        }));
    });
    let error = s1ap::decode(&octets).unwrap_err();
    assert!(
        error.to_string().ends_with(", ...") && error.to_string().len() < 1000,
        "{error}"
    );
    let answer = error.answer().unwrap();
    assert_eq!(s1ap::decode(&answer.encode()), Ok(answer.clone()));
    let Message::ErrorIndication(ErrorIndication {
        criticality_diagnostics: Some(diagnostics),
        ..
    }) = answer
    else {
        panic!("an Error Indication")
    };
    assert_eq!(diagnostics.ies.len(), 256);
}

#[test]
fn missing_ies_of_criticality_reject_are_all_named() {
    let error = s1ap::decode(&changed(transport(), |ies| ies.truncate(1))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "DownlinkNASTransport: IE 8 eNB-UE-S1AP-ID missing, IE 26 NAS-PDU missing"
    );
    let mut expected = indication(
        Cause::ABSTRACT_SYNTAX_ERROR_REJECT,
        vec![missing(8, Criticality::Reject), missing(26, Criticality::Reject)],
    );
    expected.enb_ue_s1ap_id = None;
    assert_eq!(error.indication(), Some(expected));
}

#[test]
fn missing_ie_of_criticality_ignore_does_not_stop_a_procedure() {
    let command = UeContextReleaseCommand {
        ue_s1ap_ids: UeS1apIds::Mme(MmeUeS1apId(7)),
        cause: Cause::DETACH,
    };
    let octets = changed(command.clone(), |ies| ies.truncate(1));
    let expected = UeContextReleaseCommand {
        cause: Cause::UNSPECIFIED,
        ..command
    };
    assert_eq!(s1ap::decode(&octets), Ok(expected.into()));
}

#[test]
fn value_that_is_not_understood_counts_by_its_criticality() {
    // An optional IE of criticality ignore: as if it was not there.
    let failure = S1SetupFailure {
        cause: Cause::UNKNOWN_PLMN,
        time_to_wait: Some(TimeToWait::V1S),
        criticality_diagnostics: None,
    };
    let octets = changed(failure.clone(), |ies| ies[1].value = [].as_slice().into());
    assert_eq!(
        s1ap::decode(&octets),
        Ok(S1SetupFailure {
            time_to_wait: None,
            ..failure
        }
        .into())
    );
    // A mandatory one of criticality reject.
    let octets = changed(transport(), |ies| ies[2].value = [0x09, 0x07].as_slice().into());
    let error = s1ap::decode(&octets).unwrap_err();
    assert_eq!(
        error.indication(),
        Some(indication(
            Cause::ABSTRACT_SYNTAX_ERROR_REJECT,
            vec![unknown(26, Criticality::Reject)]
        ))
    );
}

#[test]
fn repeated_and_disordered_ies_make_a_falsely_constructed_message() {
    let falsely = indication(
        Cause::ABSTRACT_SYNTAX_ERROR_FALSELY_CONSTRUCTED_MESSAGE,
        Vec::new(),
    );
    for change in [
        |ies: &mut Vec<Ie<'_>>| ies.swap(0, 1),
        |ies: &mut Vec<Ie<'_>>| ies.push(ies[2].clone()),
    ] {
        let error = s1ap::decode(&changed(transport(), change)).unwrap_err();
        assert_eq!(error.indication(), Some(falsely.clone()), "{error}");
    }
}

#[test]
fn a_refused_request_is_answered_with_the_failure_of_its_procedure() {
    let octets = changed(initial_context_setup(), |ies| drop(ies.remove(5)));
    assert_eq!(
        s1ap::decode(&octets).unwrap_err().answer(),
        Some(Message::InitialContextSetupFailure(InitialContextSetupFailure {
            mme_ue_s1ap_id: MmeUeS1apId(0x0102_0304),
            enb_ue_s1ap_id: enb(1),
            cause: Cause::ABSTRACT_SYNTAX_ERROR_REJECT,
            criticality_diagnostics: Some(CriticalityDiagnostics {
                procedure_criticality: Some(Criticality::Reject),
                ies: vec![missing(73, Criticality::Reject)],
                ..CriticalityDiagnostics::default()
            }),
        }))
    );
}

#[test]
fn neither_an_outcome_nor_an_error_indication_is_answered() {
    let complete = UeContextReleaseComplete {
        mme_ue_s1ap_id: MmeUeS1apId(7),
        enb_ue_s1ap_id: enb(1),
        criticality_diagnostics: None,
    };
    let octets = changed(complete, |ies| drop(ies.remove(0)));
    assert_eq!(s1ap::decode(&octets).unwrap_err().answer(), None);

    let octets = [0x00, 0x0f, 0x40, 0x08, 0x00];
    assert_eq!(s1ap::decode(&octets).unwrap_err().answer(), None);
    let with_reject = changed(indication(Cause::UNSPECIFIED, Vec::new()), |ies| {
        ies.push(Ie {
            id: 9999,
            criticality: Criticality::Reject,
            value: [0].as_slice().into(),
        });
    });
    assert_eq!(s1ap::decode(&with_reject).unwrap_err().answer(), None);
}

#[test]
fn an_unknown_procedure_is_answered_by_its_criticality() {
    for (criticality, cause) in [
        (0x00, Some(Cause::ABSTRACT_SYNTAX_ERROR_REJECT)),
        (0x40, None),
        (0x80, Some(Cause::ABSTRACT_SYNTAX_ERROR_IGNORE_AND_NOTIFY)),
    ] {
        let error = s1ap::decode(&[0x00, 0xc8, criticality, 0x03, 0x00, 0x00, 0x00]).unwrap_err();
        assert_eq!(error.indication().and_then(|indication| indication.cause), cause);
    }
}

#[test]
fn a_message_without_a_type_is_handed_on_as_it_is() {
    // LocationReportingControl of the UE 7/1: procedure 31, ignore; RequestType.
    let octets = [
        0x00, 0x1f, 0x40, 0x15, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x02, 0x00, 0x07, 0x00, 0x08, 0x00, 0x02,
        0x00, 0x01, 0x00, 0x62, 0x40, 0x02, 0x00, 0x00,
    ];
    let message = s1ap::decode(&octets).unwrap();
    assert_eq!(
        (message.name(), message.encode()),
        ("LocationReportingControl", octets.to_vec())
    );
    let Message::Other(other) = message else {
        panic!("no type")
    };
    assert_eq!(other.not_supported(), None, "criticality ignore");
}

#[test]
fn a_message_is_a_tree_to_a_reader() {
    assert_eq!(
        Message::from(initial_context_setup()).to_string(),
        "S1AP InitialContextSetupRequest (initiatingMessage, procedure 9, reject)
  MME-UE-S1AP-ID [0, reject]: 16909060
  eNB-UE-S1AP-ID [8, reject]: 1
  uEaggregateMaximumBitrate [66, reject]: downlink 100000000 bit/s, uplink 50000000 bit/s
  E-RABToBeSetupListCtxtSUReq [24, reject]
    E-RAB 5: 192.0.2.1, TEID 0x0000010b
      QCI 9, priority 8, may not pre-empt, may be pre-empted
      NAS DETACH ACCEPT
  UESecurityCapabilities [107, reject]: encryption 0xc000, integrity 0xc000
  SecurityKey [73, reject]: 256 bits"
    );
}

// ------------------------------------------------------------------------------------------------------------- helpers

/// The message encodes to these octets, and they decode to the message.
#[track_caller]
fn golden(message: impl Into<Message>, octets: &[&[u8]]) {
    let (message, octets) = (message.into(), octets.concat());
    assert_eq!(hex(&message.encode()), hex(&octets));
    assert_eq!(s1ap::decode(&octets), Ok(message));
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn plmn(text: &str) -> Plmn {
    text.parse().unwrap()
}

fn enb(id: u32) -> EnbUeS1apId {
    EnbUeS1apId::new(id).unwrap()
}

fn transport() -> DownlinkNasTransport {
    DownlinkNasTransport {
        mme_ue_s1ap_id: MmeUeS1apId(7),
        enb_ue_s1ap_id: enb(1),
        nas: NasPdu(vec![0x07, 0x46]),
    }
}

fn initial_context_setup() -> InitialContextSetupRequest {
    InitialContextSetupRequest {
        mme_ue_s1ap_id: MmeUeS1apId(0x0102_0304),
        enb_ue_s1ap_id: enb(1),
        ue_ambr: UeAmbr {
            downlink: BitRate::from_kbps(100_000),
            uplink: BitRate::from_kbps(50_000),
        },
        erabs: [ErabToBeSetup {
            erab_id: Ebi(5),
            qos: ErabQos {
                qci: 9,
                arp: Arp {
                    priority_level: 8,
                    may_trigger_pre_emption: false,
                    pre_emptable: true,
                },
                gbr: None,
            },
            transport_address: TransportAddress::V4([192, 0, 2, 1].into()),
            sgw_s1u: Teid(0x10b),
            nas: Some(NasPdu(vec![0x07, 0x46])),
        }]
        .into(),
        security_capabilities: UeSecurityCapabilities {
            encryption: 0xc000,
            integrity: 0xc000,
        },
        security_key: SecurityKey([0; 32]),
    }
}

/// The message with other IEs.
fn changed(message: impl Into<Message>, change: impl FnOnce(&mut Vec<Ie<'_>>)) -> Vec<u8> {
    let octets = message.into().encode();
    let mut pdu = Pdu::decode(&octets).unwrap();
    let Body::Ies(ies) = &mut pdu.body else {
        panic!("IEs")
    };
    change(ies);
    pdu.encode()
}

fn with_unknown_ie(criticality: Criticality) -> Vec<u8> {
    changed(transport(), |ies| {
        ies.push(Ie {
            id: 9999,
            criticality,
            value: [1, 2, 3].as_slice().into(),
        })
    })
}

fn missing(id: u16, criticality: Criticality) -> IeDiagnostics {
    IeDiagnostics {
        criticality,
        id,
        type_of_error: TypeOfError::Missing,
    }
}

fn unknown(id: u16, criticality: Criticality) -> IeDiagnostics {
    IeDiagnostics {
        criticality,
        id,
        type_of_error: TypeOfError::NotUnderstood,
    }
}

/// What is said of [`transport`].
fn indication(cause: Cause, ies: Vec<IeDiagnostics>) -> ErrorIndication {
    ErrorIndication {
        mme_ue_s1ap_id: Some(MmeUeS1apId(7)),
        enb_ue_s1ap_id: Some(enb(1)),
        cause: Some(cause),
        criticality_diagnostics: Some(CriticalityDiagnostics {
            procedure_code: Some(11),
            triggering_message: Some(PduKind::InitiatingMessage),
            procedure_criticality: Some(Criticality::Ignore),
            ies,
        }),
    }
}
