//! Any message of the types comes back; any octets return; what is answered is S1AP.
#![cfg(feature = "s1ap")]

use core::net::{Ipv4Addr, Ipv6Addr};

use epc_codec::s1ap::{self, *};
use epc_codec::{Ebi, Imsi, Plmn, Teid};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;

// ---------------------------------------------------------------------------------------------------------- properties

proptest! {
    #[test]
    fn any_message_comes_back(message in message()) {
        let octets = message.encode();
        prop_assert_eq!(s1ap::decode(&octets), Ok(message.clone()));
        let pdu = Pdu::decode(&octets).expect("an envelope");
        prop_assert_eq!(&pdu.encode(), &octets);
        prop_assert_eq!(pdu.message_name(), Some(message.name()));
        prop_assert!(!message.to_string().is_empty());
    }

    /// A PDU in a datagram has no octet to spare: what is cut off is missed.
    #[test]
    fn any_truncation_is_an_error(message in message(), at in any::<Index>()) {
        let octets = message.encode();
        let cut = &octets[..at.index(octets.len())];
        let error = s1ap::decode(cut).expect_err("cut");
        let transfer = matches!(error, Error::TransferSyntax { .. });
        prop_assert!(transfer, "{}", error);
    }

    #[test]
    fn any_octets_return(octets in vec(any::<u8>(), 0..200)) {
        returns(&octets)?;
    }

    /// Damage deep inside a message, where random octets would not come.
    #[test]
    fn any_damage_returns(message in message(), damage in vec((any::<Index>(), any::<u8>()), 1..6)) {
        let mut octets = message.encode();
        for (at, value) in damage {
            let at = at.index(octets.len());
            octets[at] = value;
        }
        returns(&octets)?;
    }

    #[test]
    fn any_octets_as_the_value_of_any_ie_return(message in message(), which in any::<Index>(), value in vec(any::<u8>(), 0..60)) {
        let octets = message.encode();
        let mut pdu = Pdu::decode(&octets).expect("an envelope");
        let Body::Ies(ies) = &mut pdu.body else { return Ok(()) };
        if !ies.is_empty() {
            let which = which.index(ies.len());
            ies[which].value = value.into();
        }
        returns(&pdu.encode())?;
    }
}

/// Decoding comes to an end without a panic; what it hands on encodes to what it is; its answer decodes.
fn returns(octets: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(pdu) = Pdu::decode(octets) {
        let again = pdu.encode();
        prop_assert_eq!(Pdu::decode(&again), Ok(pdu.clone()));
        let _ = pdu.to_string();
    }
    match s1ap::decode_reporting(octets) {
        Ok((message, report)) => {
            let again = message.encode();
            prop_assert_eq!(s1ap::decode(&again), Ok(message));
            if let Some(report) = report {
                let report = Message::from(report);
                prop_assert_eq!(s1ap::decode(&report.encode()), Ok(report));
            }
        }
        Err(error) => {
            if let Some(answer) = error.answer() {
                prop_assert_eq!(s1ap::decode(&answer.encode()), Ok(answer));
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

fn message() -> BoxedStrategy<Message> {
    one_of![
        setup(),
        configuration_update(),
        transport(),
        context(),
        erabs(),
        release(),
        mobility(),
        others()
    ]
}

fn setup() -> BoxedStrategy<Message> {
    one_of![
        (
            global_enb_id(),
            option::of(name()),
            supported_tas(),
            option::of(paging_drx())
        )
            .prop_map(|(global_enb_id, enb_name, supported_tas, paging_drx)| {
                S1SetupRequest {
                    global_enb_id,
                    enb_name,
                    supported_tas,
                    paging_drx,
                }
                .into()
            }),
        (
            option::of(name()),
            served_gummeis(),
            option::of(any::<u8>()),
            diagnostics()
        )
            .prop_map(|(mme_name, served_gummeis, capacity, criticality_diagnostics)| {
                let relative_mme_capacity = capacity.map(RelativeMmeCapacity);
                S1SetupResponse {
                    mme_name,
                    served_gummeis,
                    relative_mme_capacity,
                    criticality_diagnostics,
                }
                .into()
            }),
        (cause(), option::of(time_to_wait()), diagnostics()).prop_map(
            |(cause, time_to_wait, criticality_diagnostics)| {
                S1SetupFailure {
                    cause,
                    time_to_wait,
                    criticality_diagnostics,
                }
                .into()
            }
        ),
    ]
}

fn configuration_update() -> BoxedStrategy<Message> {
    one_of![
        (
            option::of(name()),
            option::of(supported_tas()),
            option::of(paging_drx())
        )
            .prop_map(|(enb_name, supported_tas, paging_drx)| {
                EnbConfigurationUpdate {
                    enb_name,
                    supported_tas,
                    paging_drx,
                }
                .into()
            }),
        diagnostics().prop_map(|criticality_diagnostics| {
            EnbConfigurationUpdateAcknowledge {
                criticality_diagnostics,
            }
            .into()
        }),
        (cause(), option::of(time_to_wait()), diagnostics()).prop_map(
            |(cause, time_to_wait, criticality_diagnostics)| {
                EnbConfigurationUpdateFailure {
                    cause,
                    time_to_wait,
                    criticality_diagnostics,
                }
                .into()
            }
        ),
        (
            option::of(name()),
            option::of(served_gummeis()),
            option::of(any::<u8>())
        )
            .prop_map(|(mme_name, served_gummeis, capacity)| {
                let relative_mme_capacity = capacity.map(RelativeMmeCapacity);
                MmeConfigurationUpdate {
                    mme_name,
                    served_gummeis,
                    relative_mme_capacity,
                }
                .into()
            }),
        diagnostics().prop_map(|criticality_diagnostics| {
            MmeConfigurationUpdateAcknowledge {
                criticality_diagnostics,
            }
            .into()
        }),
        (cause(), option::of(time_to_wait()), diagnostics()).prop_map(
            |(cause, time_to_wait, criticality_diagnostics)| {
                MmeConfigurationUpdateFailure {
                    cause,
                    time_to_wait,
                    criticality_diagnostics,
                }
                .into()
            }
        ),
    ]
}

fn transport() -> BoxedStrategy<Message> {
    one_of![
        (
            enb_id(),
            nas(),
            tai(),
            option::of(ecgi()),
            option::of(rrc_cause()),
            option::of(s_tmsi()),
            option::of(gummei()),
        )
            .prop_map(
                |(enb_ue_s1ap_id, nas, tai, ecgi, rrc_establishment_cause, s_tmsi, gummei)| {
                    InitialUeMessage {
                        enb_ue_s1ap_id,
                        nas,
                        tai,
                        ecgi,
                        rrc_establishment_cause,
                        s_tmsi,
                        gummei,
                    }
                    .into()
                }
            ),
        (mme_id(), enb_id(), nas()).prop_map(|(mme_ue_s1ap_id, enb_ue_s1ap_id, nas)| {
            DownlinkNasTransport {
                mme_ue_s1ap_id,
                enb_ue_s1ap_id,
                nas,
            }
            .into()
        }),
        (mme_id(), enb_id(), nas(), option::of(ecgi()), option::of(tai())).prop_map(
            |(mme_ue_s1ap_id, enb_ue_s1ap_id, nas, ecgi, tai)| {
                UplinkNasTransport {
                    mme_ue_s1ap_id,
                    enb_ue_s1ap_id,
                    nas,
                    ecgi,
                    tai,
                }
                .into()
            }
        ),
        (mme_id(), enb_id(), option::of(nas()), cause()).prop_map(
            |(mme_ue_s1ap_id, enb_ue_s1ap_id, nas, cause)| {
                NasNonDeliveryIndication {
                    mme_ue_s1ap_id,
                    enb_ue_s1ap_id,
                    nas,
                    cause,
                }
                .into()
            }
        ),
    ]
}

fn context() -> BoxedStrategy<Message> {
    let to_be_setup = (any::<u8>(), qos(), address(), any::<u32>(), option::of(nas())).prop_map(
        |(erab_id, qos, transport_address, teid, nas)| ErabToBeSetup {
            erab_id: Ebi(erab_id),
            qos,
            transport_address,
            sgw_s1u: Teid(teid),
            nas,
        },
    );
    let set_up =
        (any::<u8>(), address(), any::<u32>()).prop_map(|(erab_id, transport_address, teid)| ErabSetup {
            erab_id: Ebi(erab_id),
            transport_address,
            enb_s1u: Teid(teid),
        });
    one_of![
        (
            mme_id(),
            enb_id(),
            ambr(),
            list(to_be_setup),
            capabilities(),
            any::<[u8; 32]>()
        )
            .prop_map(
                |(mme_ue_s1ap_id, enb_ue_s1ap_id, ue_ambr, erabs, security_capabilities, key)| {
                    let security_key = SecurityKey(key);
                    InitialContextSetupRequest {
                        mme_ue_s1ap_id,
                        enb_ue_s1ap_id,
                        ue_ambr,
                        erabs,
                        security_capabilities,
                        security_key,
                    }
                    .into()
                }
            ),
        (
            mme_id(),
            enb_id(),
            option::of(list(set_up)),
            option::of(list(erab_item())),
            diagnostics()
        )
            .prop_map(
                |(mme_ue_s1ap_id, enb_ue_s1ap_id, erabs, failed, criticality_diagnostics)| {
                    InitialContextSetupResponse {
                        mme_ue_s1ap_id,
                        enb_ue_s1ap_id,
                        erabs,
                        failed,
                        criticality_diagnostics,
                    }
                    .into()
                }
            ),
        (mme_id(), enb_id(), cause(), diagnostics()).prop_map(
            |(mme_ue_s1ap_id, enb_ue_s1ap_id, cause, criticality_diagnostics)| {
                InitialContextSetupFailure {
                    mme_ue_s1ap_id,
                    enb_ue_s1ap_id,
                    cause,
                    criticality_diagnostics,
                }
                .into()
            }
        ),
    ]
}

fn erabs() -> BoxedStrategy<Message> {
    let to_be_added = (any::<u8>(), qos(), address(), any::<u32>(), nas()).prop_map(
        |(erab_id, qos, transport_address, teid, nas)| ErabToBeAdded {
            erab_id: Ebi(erab_id),
            qos,
            transport_address,
            sgw_s1u: Teid(teid),
            nas,
        },
    );
    let added =
        (any::<u8>(), address(), any::<u32>()).prop_map(|(erab_id, transport_address, teid)| ErabAdded {
            erab_id: Ebi(erab_id),
            transport_address,
            enb_s1u: Teid(teid),
        });
    let released = any::<u8>().prop_map(|erab_id| ErabReleased {
        erab_id: Ebi(erab_id),
    });
    one_of![
        (mme_id(), enb_id(), option::of(ambr()), list(to_be_added)).prop_map(
            |(mme_ue_s1ap_id, enb_ue_s1ap_id, ue_ambr, erabs)| {
                ErabSetupRequest {
                    mme_ue_s1ap_id,
                    enb_ue_s1ap_id,
                    ue_ambr,
                    erabs,
                }
                .into()
            }
        ),
        (
            mme_id(),
            enb_id(),
            option::of(list(added)),
            option::of(list(erab_item())),
            diagnostics()
        )
            .prop_map(
                |(mme_ue_s1ap_id, enb_ue_s1ap_id, erabs, failed, criticality_diagnostics)| {
                    ErabSetupResponse {
                        mme_ue_s1ap_id,
                        enb_ue_s1ap_id,
                        erabs,
                        failed,
                        criticality_diagnostics,
                    }
                    .into()
                }
            ),
        (
            mme_id(),
            enb_id(),
            option::of(ambr()),
            option::of(list(erab_item())),
            option::of(nas())
        )
            .prop_map(|(mme_ue_s1ap_id, enb_ue_s1ap_id, ue_ambr, erabs, nas)| {
                ErabReleaseCommand {
                    mme_ue_s1ap_id,
                    enb_ue_s1ap_id,
                    ue_ambr,
                    erabs,
                    nas,
                }
                .into()
            }),
        (
            mme_id(),
            enb_id(),
            option::of(list(released)),
            option::of(list(erab_item())),
            diagnostics()
        )
            .prop_map(
                |(mme_ue_s1ap_id, enb_ue_s1ap_id, erabs, failed, criticality_diagnostics)| {
                    ErabReleaseResponse {
                        mme_ue_s1ap_id,
                        enb_ue_s1ap_id,
                        erabs,
                        failed,
                        criticality_diagnostics,
                    }
                    .into()
                }
            ),
        (mme_id(), enb_id(), option::of(list(erab_item()))).prop_map(
            |(mme_ue_s1ap_id, enb_ue_s1ap_id, erabs)| {
                ErabReleaseIndication {
                    mme_ue_s1ap_id,
                    enb_ue_s1ap_id,
                    erabs,
                }
                .into()
            }
        ),
    ]
}

fn release() -> BoxedStrategy<Message> {
    let ids = one_of![
        (mme_id(), enb_id()).prop_map(|(mme, enb)| UeS1apIds::Pair(mme, enb)),
        mme_id().prop_map(UeS1apIds::Mme),
    ];
    one_of![
        (mme_id(), enb_id(), cause()).prop_map(|(mme_ue_s1ap_id, enb_ue_s1ap_id, cause)| {
            UeContextReleaseRequest {
                mme_ue_s1ap_id,
                enb_ue_s1ap_id,
                cause,
            }
            .into()
        }),
        (ids, cause()).prop_map(|(ue_s1ap_ids, cause)| UeContextReleaseCommand { ue_s1ap_ids, cause }.into()),
        (mme_id(), enb_id(), diagnostics()).prop_map(
            |(mme_ue_s1ap_id, enb_ue_s1ap_id, criticality_diagnostics)| {
                UeContextReleaseComplete {
                    mme_ue_s1ap_id,
                    enb_ue_s1ap_id,
                    criticality_diagnostics,
                }
                .into()
            }
        ),
    ]
}

fn mobility() -> BoxedStrategy<Message> {
    let downlink = (any::<u8>(), address(), any::<u32>()).prop_map(|(erab_id, transport_address, teid)| {
        ErabSwitchedDownlink {
            erab_id: Ebi(erab_id),
            transport_address,
            enb_s1u: Teid(teid),
        }
    });
    let uplink = (any::<u8>(), address(), any::<u32>()).prop_map(|(erab_id, transport_address, teid)| {
        ErabSwitchedUplink {
            erab_id: Ebi(erab_id),
            transport_address,
            sgw_s1u: Teid(teid),
        }
    });
    one_of![
        (
            enb_id(),
            list(downlink),
            mme_id(),
            option::of(ecgi()),
            option::of(tai()),
            option::of(capabilities())
        )
            .prop_map(
                |(enb_ue_s1ap_id, erabs, source_mme_ue_s1ap_id, ecgi, tai, security_capabilities)| {
                    PathSwitchRequest {
                        enb_ue_s1ap_id,
                        erabs,
                        source_mme_ue_s1ap_id,
                        ecgi,
                        tai,
                        security_capabilities,
                    }
                    .into()
                }
            ),
        (
            mme_id(),
            enb_id(),
            option::of(ambr()),
            option::of(list(uplink)),
            option::of(list(erab_item())),
            (0_u8..8, any::<[u8; 32]>()),
            diagnostics(),
        )
            .prop_map(
                |(
                    mme_ue_s1ap_id,
                    enb_ue_s1ap_id,
                    ue_ambr,
                    erabs,
                    released,
                    next_hop,
                    criticality_diagnostics,
                )| {
                    PathSwitchRequestAcknowledge {
                        mme_ue_s1ap_id,
                        enb_ue_s1ap_id,
                        ue_ambr,
                        erabs,
                        released,
                        security_context: SecurityContext {
                            next_hop_chaining_count: next_hop.0,
                            next_hop: SecurityKey(next_hop.1),
                        },
                        criticality_diagnostics,
                    }
                    .into()
                }
            ),
        (mme_id(), enb_id(), cause(), diagnostics()).prop_map(
            |(mme_ue_s1ap_id, enb_ue_s1ap_id, cause, criticality_diagnostics)| {
                PathSwitchRequestFailure {
                    mme_ue_s1ap_id,
                    enb_ue_s1ap_id,
                    cause,
                    criticality_diagnostics,
                }
                .into()
            }
        ),
    ]
}

fn others() -> BoxedStrategy<Message> {
    let paging_id = one_of![
        s_tmsi().prop_map(UePagingId::STmsi),
        imsi().prop_map(UePagingId::Imsi)
    ];
    let domain = one_of![Just(CnDomain::PS), Just(CnDomain::CS)];
    let connection = || {
        (option::of(mme_id()), option::of(enb_id())).prop_map(|(mme_ue_s1ap_id, enb_ue_s1ap_id)| {
            UeConnection {
                mme_ue_s1ap_id,
                enb_ue_s1ap_id,
            }
        })
    };
    let reset_type = one_of![Just(ResetType::All), list(connection()).prop_map(ResetType::Part)];
    one_of![
        (
            0_u16..1024,
            paging_id,
            option::of(paging_drx()),
            domain,
            list(tai())
        )
            .prop_map(|(index, ue_paging_id, paging_drx, cn_domain, tais)| {
                let ue_identity_index = UeIdentityIndex(index);
                Paging {
                    ue_identity_index,
                    ue_paging_id,
                    paging_drx,
                    cn_domain,
                    tais,
                }
                .into()
            }),
        (
            option::of(mme_id()),
            option::of(enb_id()),
            option::of(cause()),
            diagnostics()
        )
            .prop_map(
                |(mme_ue_s1ap_id, enb_ue_s1ap_id, cause, criticality_diagnostics)| {
                    ErrorIndication {
                        mme_ue_s1ap_id,
                        enb_ue_s1ap_id,
                        cause,
                        criticality_diagnostics,
                    }
                    .into()
                }
            ),
        (cause(), reset_type).prop_map(|(cause, reset_type)| Reset { cause, reset_type }.into()),
        (
            option::of(list(connection()).prop_map(ResetConnections)),
            diagnostics()
        )
            .prop_map(|(connections, criticality_diagnostics)| ResetAcknowledge {
                connections,
                criticality_diagnostics
            }
            .into()),
    ]
}

fn list<T: core::fmt::Debug + 'static, const MAX: usize>(
    item: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<List<T, MAX>> {
    // One of a hundred is as long as it may be.
    let most = MAX.min(256);
    let length = prop_oneof![90 => 1..=4_usize, 9 => 5..=20_usize, 1 => Just(most)];
    let item = item.boxed();
    let items = length.prop_flat_map(move |length| vec(item.clone(), length.min(most)));
    items
        .prop_map(|items| List::new(items).expect("1 to MAX"))
        .boxed()
}

fn enb_id() -> impl Strategy<Value = EnbUeS1apId> {
    prop_oneof![0..1_u32 << 24, 0..256_u32, Just((1 << 24) - 1)]
        .prop_map(|id| EnbUeS1apId::new(id).expect("24 bits"))
}

fn mme_id() -> impl Strategy<Value = MmeUeS1apId> {
    prop_oneof![any::<u32>(), 0..256_u32].prop_map(MmeUeS1apId)
}

fn cause() -> impl Strategy<Value = Cause> {
    // Those with names, those behind the extension marker and those of no release.
    let value = || prop_oneof![0..50_u8, any::<u8>()];
    prop_oneof![
        value().prop_map(Cause::RadioNetwork),
        value().prop_map(Cause::Transport),
        value().prop_map(Cause::Nas),
        value().prop_map(Cause::Protocol),
        value().prop_map(Cause::Misc),
    ]
}

fn plmn() -> impl Strategy<Value = Plmn> {
    ("[0-9]{3}", "[0-9]{2,3}").prop_map(|(mcc, mnc)| Plmn::new(&mcc, &mnc).expect("digits"))
}

fn tai() -> impl Strategy<Value = Tai> {
    (plmn(), any::<u16>()).prop_map(|(plmn, tac)| Tai { plmn, tac })
}

fn ecgi() -> impl Strategy<Value = Ecgi> {
    (plmn(), 0..1_u32 << 28).prop_map(|(plmn, eci)| Ecgi { plmn, eci })
}

fn s_tmsi() -> impl Strategy<Value = STmsi> {
    (any::<u8>(), any::<u32>()).prop_map(|(mme_code, m_tmsi)| STmsi { mme_code, m_tmsi })
}

fn gummei() -> impl Strategy<Value = Gummei> {
    (plmn(), any::<u16>(), any::<u8>()).prop_map(|(plmn, mme_group_id, mme_code)| Gummei {
        plmn,
        mme_group_id,
        mme_code,
    })
}

fn imsi() -> impl Strategy<Value = Imsi> {
    "[0-9]{1,15}".prop_map(|digits| digits.parse().expect("an IMSI"))
}

fn global_enb_id() -> impl Strategy<Value = GlobalEnbId> {
    let kind = prop_oneof![
        Just(EnbKind::Macro),
        Just(EnbKind::Home),
        Just(EnbKind::ShortMacro),
        Just(EnbKind::LongMacro),
    ];
    (plmn(), kind, any::<u32>()).prop_map(|(plmn, kind, value)| {
        let value = value & ((1 << kind.bits()) - 1);
        GlobalEnbId {
            plmn,
            enb_id: EnbId::new(kind, value).expect("cut"),
        }
    })
}

fn name() -> impl Strategy<Value = NodeName> {
    "[A-Za-z0-9 '()+,./:=?-]{1,150}".prop_map(|name| NodeName::new(&name).expect("printable"))
}

fn supported_tas() -> impl Strategy<Value = List<SupportedTa, 256>> {
    let area = (any::<u16>(), vec(plmn(), 1..=6)).prop_map(|(tac, plmns)| SupportedTa {
        tac,
        broadcast_plmns: List::new(plmns).expect("1 to 6"),
    });
    vec(area, 1..20).prop_map(|areas| List::new(areas).expect("1 to 256"))
}

fn served_gummeis() -> impl Strategy<Value = List<ServedGummei, 8>> {
    let served = (
        vec(plmn(), 1..=32),
        vec(any::<u16>(), 1..40),
        vec(any::<u8>(), 1..40),
    )
        .prop_map(|(plmns, group_ids, mme_codes)| ServedGummei {
            plmns: List::new(plmns).expect("1 to 32"),
            group_ids: List::new(group_ids).expect("1 to 65535"),
            mme_codes: List::new(mme_codes).expect("1 to 256"),
        });
    vec(served, 1..=8).prop_map(|served| List::new(served).expect("1 to 8"))
}

fn paging_drx() -> impl Strategy<Value = PagingDrx> {
    prop_oneof![
        Just(PagingDrx::V32),
        Just(PagingDrx::V64),
        Just(PagingDrx::V128),
        Just(PagingDrx::V256)
    ]
}

fn time_to_wait() -> impl Strategy<Value = TimeToWait> {
    prop_oneof![
        Just(TimeToWait::V1S),
        Just(TimeToWait::V5S),
        Just(TimeToWait::V60S)
    ]
}

fn rrc_cause() -> impl Strategy<Value = RrcEstablishmentCause> {
    prop_oneof![
        Just(RrcEstablishmentCause::EMERGENCY),
        Just(RrcEstablishmentCause::MO_SIGNALLING),
        Just(RrcEstablishmentCause::MO_DATA),
        // Behind the extension marker.
        Just(RrcEstablishmentCause::MO_VOICE_CALL),
    ]
}

fn nas() -> impl Strategy<Value = NasPdu> {
    prop_oneof![9 => vec(any::<u8>(), 0..100), 1 => vec(any::<u8>(), 100..20_000)].prop_map(NasPdu)
}

fn rate() -> impl Strategy<Value = BitRate> {
    prop_oneof![0..=10_000_000_000_u64, 0..=255_u64, Just(10_000_000_000)].prop_map(BitRate::from_bps)
}

fn ambr() -> impl Strategy<Value = UeAmbr> {
    (rate(), rate()).prop_map(|(downlink, uplink)| UeAmbr { downlink, uplink })
}

fn qos() -> impl Strategy<Value = ErabQos> {
    let arp = (0..16_u8, any::<bool>(), any::<bool>()).prop_map(
        |(priority_level, may_trigger_pre_emption, pre_emptable)| Arp {
            priority_level,
            may_trigger_pre_emption,
            pre_emptable,
        },
    );
    let gbr = (rate(), rate(), rate(), rate()).prop_map(|(a, b, c, d)| GbrQos {
        maximum_downlink: a,
        maximum_uplink: b,
        guaranteed_downlink: c,
        guaranteed_uplink: d,
    });
    (any::<u8>(), arp, option::of(gbr)).prop_map(|(qci, arp, gbr)| ErabQos { qci, arp, gbr })
}

fn address() -> impl Strategy<Value = TransportAddress> {
    prop_oneof![
        any::<Ipv4Addr>().prop_map(TransportAddress::V4),
        any::<Ipv6Addr>().prop_map(TransportAddress::V6),
        any::<(Ipv4Addr, Ipv6Addr)>().prop_map(|(v4, v6)| TransportAddress::Dual(v4, v6)),
    ]
}

fn capabilities() -> impl Strategy<Value = UeSecurityCapabilities> {
    any::<(u16, u16)>().prop_map(|(encryption, integrity)| UeSecurityCapabilities {
        encryption,
        integrity,
    })
}

fn erab_item() -> impl Strategy<Value = ErabItem> {
    (any::<u8>(), cause()).prop_map(|(erab_id, cause)| ErabItem {
        erab_id: Ebi(erab_id),
        cause,
    })
}

fn criticality() -> impl Strategy<Value = Criticality> {
    prop_oneof![
        Just(Criticality::Reject),
        Just(Criticality::Ignore),
        Just(Criticality::Notify)
    ]
}

fn diagnostics() -> impl Strategy<Value = Option<CriticalityDiagnostics>> {
    let kind = prop_oneof![
        Just(PduKind::InitiatingMessage),
        Just(PduKind::SuccessfulOutcome),
        Just(PduKind::UnsuccessfulOutcome),
    ];
    let ie =
        (criticality(), any::<u16>(), any::<bool>()).prop_map(|(criticality, id, missing)| IeDiagnostics {
            criticality,
            id,
            type_of_error: if missing {
                TypeOfError::Missing
            } else {
                TypeOfError::NotUnderstood
            },
        });
    let diagnostics = (
        option::of(any::<u8>()),
        option::of(kind),
        option::of(criticality()),
        vec(ie, 0..5),
    )
        .prop_map(
            |(procedure_code, triggering_message, procedure_criticality, ies)| CriticalityDiagnostics {
                procedure_code,
                triggering_message,
                procedure_criticality,
                ies,
            },
        );
    option::of(diagnostics)
}
