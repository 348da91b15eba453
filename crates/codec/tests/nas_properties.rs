//! Any NAS message of the types comes back; any octets return; what a UE says of itself survives its options.
#![cfg(feature = "s1ap")]

use core::net::{Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use epc_codec::nas::lite::SubscriberHints;
use epc_codec::nas::{self, *};
use epc_codec::s1ap::{List, Tai};
use epc_codec::{Apn, Ebi, Pco, Plmn};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;

proptest! {
    #[test]
    fn any_message_comes_back((direction, message) in message()) {
        let octets = message.encode();
        prop_assert_eq!(nas::decode(direction, &octets), Ok(message.clone()));
        prop_assert!(message.to_string().contains(message.name()));
    }

    /// Shorter octets may be a shorter message: it then encodes to what it is.
    #[test]
    fn any_truncation_returns((direction, message) in message(), at in any::<Index>()) {
        let octets = message.encode();
        returns(direction, &octets[..at.index(octets.len())])?;
    }

    #[test]
    fn any_octets_return(uplink in any::<bool>(), octets in vec(any::<u8>(), 0..100)) {
        returns(if uplink { Direction::Uplink } else { Direction::Downlink }, &octets)?;
    }

    #[test]
    fn any_damage_returns((direction, message) in message(), damage in vec((any::<Index>(), any::<u8>()), 1..6)) {
        let mut octets = message.encode();
        for (at, value) in damage {
            let at = at.index(octets.len());
            octets[at] = value;
        }
        returns(direction, &octets)?;
    }

    #[test]
    fn what_a_ue_says_of_itself_survives_its_options(hints in hints(), plmn in plmn(), others in vec((0..0xff00_u16, vec(any::<u8>(), 0..20)), 0..4)) {
        let mut pco = Pco::new();
        for (id, contents) in &others {
            pco.push(*id, contents);
        }
        let all = hints.add_to(pco.clone(), plmn);
        prop_assert_eq!(SubscriberHints::from_pco(&all), hints);
        prop_assert_eq!(SubscriberHints::strip(&all), (!others.is_empty()).then_some(pco));
    }

    /// A timer is never shorter than what was asked for, and no longer than a unit beyond.
    #[test]
    fn a_timer_is_not_shorter(seconds in 0..11_160_u64) {
        let asked = Duration::from_secs(seconds);
        let timer = GprsTimer::from_duration(asked).duration().expect("it runs");
        prop_assert!(timer >= asked && timer < asked + Duration::from_secs(360), "{asked:?} became {timer:?}");
    }

    /// A rate is never over what was asked for, and the step below is within an eighth.
    #[test]
    fn a_rate_is_not_over(kbps in prop_oneof![0..1000_u64, 0..300_000_u64, 0..65_280_000_u64]) {
        let ambr = ApnAmbr::new(kbps, kbps);
        prop_assert!(ambr.downlink_kbps() <= kbps && ambr.downlink_kbps() >= kbps - kbps / 8, "{kbps}: {ambr}");
        prop_assert_eq!(ApnAmbr::new(ambr.downlink_kbps(), ambr.uplink_kbps()), ambr);
    }
}

/// Decoding comes to an end without a panic; what it hands on encodes to what it is; its answer decodes.
fn returns(direction: Direction, octets: &[u8]) -> Result<(), TestCaseError> {
    match nas::decode(direction, octets) {
        Ok(message) => {
            let again = message.encode();
            prop_assert_eq!(
                nas::decode(direction, &again),
                Ok(message.clone()),
                "{:02x?}",
                again
            );
            let _ = message.to_string();
        }
        Err(error) => {
            let back = match direction {
                Direction::Uplink => Direction::Downlink,
                Direction::Downlink => Direction::Uplink,
            };
            if let Some(answer) = error.answer() {
                prop_assert_eq!(nas::decode(back, &answer.encode()), Ok(answer.clone()));
            }
        }
    }
    Ok(())
}

// ---------------------------------------------------------------------------------------------------------- strategies

/// One of these, each behind a box: the stack would not hold them all.
macro_rules! one_of {
    ($($strategy:expr),* $(,)?) => {
        proptest::strategy::Union::new([$($strategy.boxed()),*]).boxed()
    };
}

fn message() -> BoxedStrategy<(Direction, Message)> {
    let up = |message: BoxedStrategy<Message>| message.prop_map(|message| (Direction::Uplink, message));
    let down = |message: BoxedStrategy<Message>| message.prop_map(|message| (Direction::Downlink, message));
    one_of![up(uplink()), down(downlink())]
}

fn uplink() -> BoxedStrategy<Message> {
    one_of![
        (0..8_u8, 0..16_u8, identity(), any::<[u8; 2]>(), connectivity()).prop_map(
            |(attach_type, key_set, identity, [eea, eia], esm)| {
                AttachRequest {
                    attach_type: AttachType(attach_type),
                    key_set_identifier: KeySetIdentifier(key_set),
                    identity,
                    ue_network_capability: UeNetworkCapability::new(eea, eia),
                    esm,
                }
                .into()
            }
        ),
        (any::<u8>(), pco()).prop_map(|(ebi, pco)| {
            AttachComplete {
                esm: ActivateDefaultEpsBearerContextAccept {
                    ebi: Ebi(ebi & 0x0f),
                    pco,
                },
            }
            .into()
        }),
        (any::<bool>(), 0..8_u8, 0..16_u8, identity()).prop_map(
            |(switch_off, detach_type, key_set, identity)| {
                DetachRequest {
                    switch_off,
                    detach_type: DetachType(detach_type),
                    key_set_identifier: KeySetIdentifier(key_set),
                    identity,
                }
                .into()
            }
        ),
        mobile_identity().prop_map(|identity| IdentityResponse { identity }.into()),
        connectivity().prop_map(Message::from),
        (ebi(), pco()).prop_map(|(ebi, pco)| ActivateDefaultEpsBearerContextAccept { ebi, pco }.into()),
        (ebi(), any::<u8>(), pco()).prop_map(|(ebi, cause, pco)| {
            ActivateDefaultEpsBearerContextReject {
                ebi,
                cause: EsmCause(cause),
                pco,
            }
            .into()
        }),
        (any::<u8>(), ebi(), pco()).prop_map(|(pti, linked_ebi, pco)| PdnDisconnectRequest {
            pti: Pti(pti),
            linked_ebi,
            pco
        }
        .into()),
        (ebi(), pco()).prop_map(|(ebi, pco)| DeactivateEpsBearerContextAccept { ebi, pco }.into()),
        either_way(),
    ]
}

fn downlink() -> BoxedStrategy<Message> {
    let reject = || {
        (any::<u8>(), any::<u8>(), pco()).prop_map(|(pti, cause, pco)| PdnConnectivityReject {
            pti: Pti(pti),
            cause: EsmCause(cause),
            pco,
        })
    };
    one_of![
        (
            0..8_u8,
            any::<u8>(),
            tais(),
            context(),
            option::of(guti()),
            option::of(any::<u8>())
        )
            .prop_map(|(result, t3412, tais, esm, guti, emm_cause)| {
                AttachAccept {
                    result: AttachResult(result),
                    t3412: GprsTimer(t3412),
                    tais,
                    esm,
                    guti,
                    emm_cause: emm_cause.map(EmmCause),
                }
                .into()
            }),
        (any::<u8>(), option::of(reject())).prop_map(|(cause, esm)| AttachReject {
            cause: EmmCause(cause),
            esm
        }
        .into()),
        (0..8_u8, option::of(any::<u8>())).prop_map(|(detach_type, cause)| {
            NetworkDetachRequest {
                detach_type: NetworkDetachType(detach_type),
                cause: cause.map(EmmCause),
            }
            .into()
        }),
        (0..8_u8).prop_map(|kind| IdentityRequest {
            identity_type: IdentityType(kind)
        }
        .into()),
        reject().prop_map(Message::from),
        context().prop_map(Message::from),
        (any::<u8>(), any::<u8>(), pco()).prop_map(|(pti, cause, pco)| {
            PdnDisconnectReject {
                pti: Pti(pti),
                cause: EsmCause(cause),
                pco,
            }
            .into()
        }),
        (ebi(), any::<u8>(), any::<u8>(), pco()).prop_map(|(ebi, pti, cause, pco)| {
            DeactivateEpsBearerContextRequest {
                ebi,
                pti: Pti(pti),
                cause: EsmCause(cause),
                pco,
            }
            .into()
        }),
        either_way(),
    ]
}

fn either_way() -> BoxedStrategy<Message> {
    one_of![
        Just(DetachAccept.into()),
        any::<u8>().prop_map(|cause| EmmStatus {
            cause: EmmCause(cause)
        }
        .into()),
        (ebi(), any::<u8>(), any::<u8>()).prop_map(|(ebi, pti, cause)| {
            EsmStatus {
                ebi,
                pti: Pti(pti),
                cause: EsmCause(cause),
            }
            .into()
        }),
    ]
}

fn ebi() -> impl Strategy<Value = Ebi> {
    (0..16_u8).prop_map(Ebi)
}

fn connectivity() -> BoxedStrategy<PdnConnectivityRequest> {
    (
        any::<u8>(),
        0..8_u8,
        0..8_u8,
        any::<bool>(),
        option::of(apn()),
        pco(),
    )
        .prop_map(
            |(pti, request_type, pdn_type, esm_information_transfer, apn, pco)| PdnConnectivityRequest {
                pti: Pti(pti),
                request_type: RequestType(request_type),
                pdn_type: PdnType(pdn_type),
                esm_information_transfer,
                apn,
                pco,
            },
        )
        .boxed()
}

fn context() -> BoxedStrategy<ActivateDefaultEpsBearerContextRequest> {
    let address = one_of![
        any::<Ipv4Addr>().prop_map(PdnAddress::V4),
        any::<[u8; 8]>().prop_map(PdnAddress::V6),
        any::<(Ipv4Addr, [u8; 8])>().prop_map(|(v4, v6)| PdnAddress::V4V6(v4, v6)),
    ];
    let ambr =
        (0..70_000_000_u64, 0..70_000_000_u64).prop_map(|(downlink, uplink)| ApnAmbr::new(downlink, uplink));
    (
        ebi(),
        any::<[u8; 2]>(),
        apn(),
        address,
        option::of(ambr),
        option::of(any::<u8>()),
        pco(),
    )
        .prop_map(|(ebi, [pti, qci], apn, pdn_address, apn_ambr, cause, pco)| {
            ActivateDefaultEpsBearerContextRequest {
                ebi,
                pti: Pti(pti),
                qos: EpsQos::new(qci),
                apn,
                pdn_address,
                apn_ambr,
                esm_cause: cause.map(EsmCause),
                pco,
            }
        })
        .boxed()
}

fn plmn() -> impl Strategy<Value = Plmn> {
    ("[0-9]{3}", "[0-9]{2,3}").prop_map(|(mcc, mnc)| Plmn::new(&mcc, &mnc).expect("digits"))
}

fn tais() -> impl Strategy<Value = List<Tai, 16>> {
    vec((plmn(), any::<u16>()), 1..=16).prop_flat_map(|tais| {
        any::<bool>().prop_map(move |one_network| {
            let first = tais[0].0;
            let tai = |&(plmn, tac): &(Plmn, u16)| Tai {
                plmn: if one_network { first } else { plmn },
                tac,
            };
            List::new(tais.iter().map(tai).collect()).expect("1 to 16")
        })
    })
}

fn guti() -> impl Strategy<Value = Guti> {
    (plmn(), any::<u16>(), any::<u8>(), any::<u32>()).prop_map(|(plmn, mme_group_id, mme_code, m_tmsi)| {
        Guti {
            plmn,
            mme_group_id,
            mme_code,
            m_tmsi,
        }
    })
}

/// Of six digits at least: TS 24.301 has no shorter identity.
fn identity() -> BoxedStrategy<Identity> {
    one_of![
        "[0-9]{6,15}".prop_map(|digits| Identity::Imsi(digits.parse().expect("an IMSI"))),
        "[0-9]{15}".prop_map(|digits| Identity::Imei(digits.parse().expect("an IMEI"))),
        guti().prop_map(Identity::Guti),
    ]
}

fn mobile_identity() -> BoxedStrategy<Identity> {
    one_of![
        "[0-9]{6,15}".prop_map(|digits| Identity::Imsi(digits.parse().expect("an IMSI"))),
        "[0-9]{15}".prop_map(|digits| Identity::Imei(digits.parse().expect("an IMEI"))),
        "[0-9]{16}".prop_map(|digits| Identity::Imeisv(digits.parse().expect("an IMEISV"))),
        any::<u32>().prop_map(Identity::Tmsi),
        Just(Identity::None),
    ]
}

fn apn() -> impl Strategy<Value = Apn> {
    "[a-z0-9]{1,20}(\\.[a-z0-9]{1,20}){0,3}".prop_map(|name| name.parse().expect("an APN"))
}

/// Up to the length at which the extended options take over, and beyond.
fn pco() -> BoxedStrategy<Option<Pco>> {
    let container = (
        any::<u16>(),
        prop_oneof![9 => vec(any::<u8>(), 0..20), 1 => vec(any::<u8>(), 200..255)],
    );
    let pco = vec(container, 0..4).prop_map(|containers| {
        containers
            .iter()
            .fold(Pco::new(), |pco, (id, contents)| pco.with(*id, contents))
    });
    option::of(pco).boxed()
}

fn hints() -> impl Strategy<Value = SubscriberHints> {
    (
        option::of(any::<Ipv4Addr>()),
        option::of(any::<Ipv6Addr>()),
        option::of("[0-9]{1,20}"),
        option::of("[0-9]{14,16}"),
    )
        .prop_map(
            |(requested_ipv4, requested_ipv6, msisdn, imeisv)| SubscriberHints {
                requested_ipv4,
                requested_ipv6,
                msisdn: msisdn.map(|digits| digits.parse().expect("an MSISDN")),
                imeisv: imeisv.map(|digits| digits.parse().expect("an IMEISV")),
            },
        )
}
