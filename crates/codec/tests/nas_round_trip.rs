//! NAS messages there and back.
#![cfg(feature = "s1ap")]

use epc_codec::nas::{self, *};
use epc_codec::s1ap::Tai;
use epc_codec::{Ebi, Pco};

fn there_and_back(direction: Direction, message: impl Into<Message>) -> Vec<u8> {
    let message = message.into();
    let octets = message.encode();
    assert_eq!(nas::decode(direction, &octets), Ok(message), "{octets:02x?}");
    octets
}

fn connectivity() -> PdnConnectivityRequest {
    PdnConnectivityRequest {
        pti: Pti(1),
        request_type: RequestType::INITIAL,
        pdn_type: PdnType::IPV4V6,
        esm_information_transfer: false,
        apn: Some("internet".parse().unwrap()),
        pco: Some(Pco::new().with(Pco::DNS_IPV4, &[])),
    }
}

#[test]
fn every_message_comes_back() {
    let imsi = Identity::Imsi("001010000000001".parse().unwrap());
    let guti = Guti {
        plmn: "001-01".parse().unwrap(),
        mme_group_id: 1,
        mme_code: 2,
        m_tmsi: 3,
    };
    let context = ActivateDefaultEpsBearerContextRequest {
        ebi: Ebi(5),
        pti: Pti(1),
        qos: EpsQos::new(9),
        apn: "internet".parse().unwrap(),
        pdn_address: PdnAddress::V4V6([192, 0, 2, 1].into(), [1, 2, 3, 4, 5, 6, 7, 8]),
        apn_ambr: Some(ApnAmbr::new(100_000, 50_000)),
        esm_cause: Some(EsmCause::PDN_TYPE_IPV4_ONLY_ALLOWED),
        pco: Some(Pco::new().with(Pco::IPV4_LINK_MTU, &[5, 0x78])),
    };
    for identity in [
        imsi,
        Identity::Guti(guti),
        Identity::Imei("123456789012345".parse().unwrap()),
    ] {
        there_and_back(
            Direction::Uplink,
            AttachRequest {
                attach_type: AttachType::EPS,
                key_set_identifier: KeySetIdentifier::NO_KEY,
                identity,
                ue_network_capability: UeNetworkCapability::new(0xe0, 0xe0),
                esm: connectivity(),
            },
        );
        for switch_off in [true, false] {
            there_and_back(
                Direction::Uplink,
                DetachRequest {
                    switch_off,
                    detach_type: DetachType::EPS,
                    key_set_identifier: KeySetIdentifier::NO_KEY,
                    identity,
                },
            );
        }
    }
    there_and_back(
        Direction::Downlink,
        AttachAccept {
            result: AttachResult::EPS_ONLY,
            t3412: GprsTimer::from_duration(core::time::Duration::from_secs(3240)),
            tais: [Tai {
                plmn: "001-01".parse().unwrap(),
                tac: 1,
            }]
            .into(),
            esm: context.clone(),
            guti: Some(guti),
            emm_cause: None,
        },
    );
    there_and_back(
        Direction::Uplink,
        AttachComplete {
            esm: ActivateDefaultEpsBearerContextAccept {
                ebi: Ebi(5),
                pco: None,
            },
        },
    );
    there_and_back(
        Direction::Downlink,
        AttachReject {
            cause: EmmCause::ESM_FAILURE,
            esm: Some(PdnConnectivityReject {
                pti: Pti(1),
                cause: EsmCause::MISSING_OR_UNKNOWN_APN,
                pco: None,
            }),
        },
    );
    there_and_back(
        Direction::Downlink,
        NetworkDetachRequest {
            detach_type: NetworkDetachType::RE_ATTACH_REQUIRED,
            cause: Some(EmmCause::IMPLICITLY_DETACHED),
        },
    );
    there_and_back(Direction::Downlink, DetachAccept);
    there_and_back(Direction::Uplink, DetachAccept);
    there_and_back(
        Direction::Uplink,
        EmmStatus {
            cause: EmmCause::PROTOCOL_ERROR,
        },
    );
    there_and_back(
        Direction::Downlink,
        IdentityRequest {
            identity_type: IdentityType::IMSI,
        },
    );
    for identity in [
        imsi,
        Identity::Tmsi(7),
        Identity::None,
        Identity::Imeisv("1234567890123456".parse().unwrap()),
    ] {
        there_and_back(Direction::Uplink, IdentityResponse { identity });
    }
    there_and_back(Direction::Uplink, connectivity());
    there_and_back(Direction::Downlink, context);
    there_and_back(
        Direction::Uplink,
        ActivateDefaultEpsBearerContextReject {
            ebi: Ebi(5),
            cause: EsmCause(31),
            pco: None,
        },
    );
    there_and_back(
        Direction::Uplink,
        PdnDisconnectRequest {
            pti: Pti(2),
            linked_ebi: Ebi(5),
            pco: None,
        },
    );
    there_and_back(
        Direction::Downlink,
        PdnDisconnectReject {
            pti: Pti(2),
            cause: EsmCause(49),
            pco: None,
        },
    );
    there_and_back(
        Direction::Downlink,
        DeactivateEpsBearerContextRequest {
            ebi: Ebi(5),
            pti: Pti(0),
            cause: EsmCause(36),
            pco: None,
        },
    );
    there_and_back(
        Direction::Uplink,
        DeactivateEpsBearerContextAccept {
            ebi: Ebi(5),
            pco: None,
        },
    );
    there_and_back(
        Direction::Uplink,
        EsmStatus {
            ebi: Ebi(5),
            pti: Pti(0),
            cause: EsmCause(111),
        },
    );
}

#[test]
fn an_unknown_message_type_is_answered_with_a_status() {
    let error = nas::decode(Direction::Uplink, &[0x07, 0x7f]).unwrap_err();
    assert_eq!(
        error.answer(),
        Some(&Message::EmmStatus(EmmStatus {
            cause: EmmCause::MESSAGE_TYPE_NOT_IMPLEMENTED
        }))
    );
}
