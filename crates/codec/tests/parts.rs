//! Elements that are taken apart as far as they are understood: the rest is kept, and all octets are written back.

mod common;

use std::time::Duration;

use common::hex;
use epc_codec::Plmn;
use epc_codec::gtpv2c::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// Elements that take any octets, and write them back.
const TAKEN_APART: [IeType; 7] = [
    IeType::SOURCE_RNC_PDCP_CONTEXT_INFO,
    IeType::CHANNEL_NEEDED,
    IeType::EMLPP_PRIORITY,
    IeType::TI,
    IeType::MONITORING_EVENT_INFORMATION,
    IeType::REMOTE_UE_IP_INFORMATION,
    IeType::MONITORING_EVENT_EXTENSION_INFORMATION,
];

fn encoded(value: &impl IeValue) -> Vec<u8> {
    let mut out = Vec::new();
    value.encode(&mut out);
    out
}

fn same<T: IeValue + PartialEq + std::fmt::Debug>(octets: &str, value: T) {
    let octets = hex(octets);
    assert_eq!(encoded(&value), octets);
    assert_eq!(T::decode(&octets), Ok(value));
}

#[test]
fn values_are_read_by_their_fields() {
    // Identifier 1, second TCH/F (10), first SDCCH (01).
    same(
        "19",
        ChannelNeeded::from(NeededChannels {
            identifier: 1,
            first: NeededChannel::Sdcch,
            second: NeededChannel::FullRate,
        }),
    );
    same("07", EmlppPriority::from(CallPriority::A));
    same("d0", TransactionIdentifier::from(Ti { flag: true, value: 5 }));
    same(
        "70 ff",
        TransactionIdentifier::from(Ti {
            flag: false,
            value: 127,
        }),
    );
    same(
        "01 c0 00 02 01",
        RemoteUeIpInformation::from(RemoteUeAddress::Ipv4([192, 0, 2, 1].into())),
    );
    same(
        "02 20 01 0d b8 00 00 00 01",
        RemoteUeIpInformation::from(RemoteUeAddress::Ipv6Prefix("2001:db8:0:1::".parse().unwrap())),
    );
    let event = MonitoringEvent {
        scef_reference_id: 42,
        scef_id: b"scef".to_vec(),
        remaining_reports: 5,
        extended_scef_reference_id: None,
    };
    same(
        "00 00 00 2a 04 73 63 65 66 00 05",
        MonitoringEventInformation::from(event.clone()),
    );
    let extended = MonitoringEvent {
        extended_scef_reference_id: Some(1),
        ..event
    };
    same(
        "00 00 00 2a 04 73 63 65 66 00 05 00 00 00 00 00 00 00 01",
        MonitoringEventInformation::from(extended),
    );
    let extension = MonitoringEventExtension {
        scef_reference_id: 42,
        scef_id: b"scef".to_vec(),
        location_reporting_time: Some(Duration::from_secs(3600)),
        extended_scef_reference_id: None,
    };
    same(
        "01 00 00 00 2a 04 73 63 65 66 00 00 0e 10",
        MonitoringEventExtensionInformation::from(extension),
    );
}

#[test]
fn what_is_not_understood_is_the_rest() {
    // Spare bits set; an identifier that needs no second octet; an address type that is not known.
    same(
        "0f",
        EmlppPriority {
            priority: None,
            rest: vec![0x0f],
        },
    );
    same(
        "70 81",
        TransactionIdentifier {
            identifier: None,
            rest: vec![0x70, 0x81],
        },
    );
    same(
        "04 01",
        RemoteUeIpInformation {
            address: None,
            rest: vec![4, 1],
        },
    );
    // Octets after what is known.
    same(
        "01 aa",
        EmlppPriority {
            priority: Some(CallPriority::Level4),
            rest: vec![0xaa],
        },
    );
}

#[test]
fn a_context_of_eps_is_read_by_its_fields() {
    let context = MmContextEps {
        security_mode: 4,
        ksi_asme: 1,
        integrity: 2,
        ciphering: 1,
        downlink_count: 4,
        uplink_count: 24,
        kasme: Key(core::array::from_fn(|place| place as u8)),
        quadruplets: vec![Quadruplet {
            rand: [0x11; 16],
            xres: vec![0xa1, 0xa2],
            autn: vec![0xb1, 0xb2],
            kasme: Key([0x22; 32]),
        }],
        quintuplets: vec![],
        drx: None,
        next_hop: Some((Key([0x33; 32]), 5)),
        capabilities: MmCapabilities {
            ue_network_capability: vec![0xe0, 0x60],
            mei: Some("12".parse().unwrap()),
            access_restrictions: AccessRestrictions {
                nb_iot: true,
                ..AccessRestrictions::default()
            },
            ..MmCapabilities::default()
        },
        old: Some(OldSecurityContext {
            ksi_asme: 2,
            next_hop_chaining_count: 3,
            kasme: Key([0x44; 32]),
            next_hop: Some(Key([0x55; 32])),
        }),
        voice_domain_preference: vec![2],
        radio_capability_for_paging: vec![0xc1, 0xc2],
        extended_access_restrictions: Some(ExtendedAccessRestrictions {
            secondary_nr: true,
            secondary_unlicensed_spectrum: true,
            ..ExtendedAccessRestrictions::default()
        }),
        additional_security_capability: vec![0xf0, 0, 0xf0, 0],
        nr_security_capability: vec![0xe0, 0],
        apn_rate_control_statuses: vec![0xd1],
        core_network_restrictions: Some(2),
        radio_capability_id: vec![1, 2, 3],
        rest: vec![0xee],
    };
    let text = format!("{context:?}");
    assert!(
        !text.contains("17, 17") && !text.contains("34, 34"),
        "a key is shown: {text}"
    );
    assert_eq!(
        encoded(&context),
        common::sample(IeType::MM_CONTEXT_EPS_SECURITY_CONTEXT)
    );
    assert_eq!(MmContextEps::decode(&encoded(&context)), Ok(context));
}

#[test]
fn contexts_of_gsm_and_umts_are_read_by_their_fields() {
    let ambr = |uplink, downlink| Some(Ambr { uplink, downlink });
    let gsm = MmContextGsm {
        security_mode: 0,
        cksn: 1,
        used_cipher: 3,
        kc: Key([1, 2, 3, 4, 5, 6, 7, 8]),
        triplets: vec![Triplet {
            rand: [0x11; 16],
            sres: [0x22; 4],
            kc: Key([0x33; 8]),
        }],
        drx: Some([1, 2]),
        capabilities: MmCapabilities {
            subscribed_ue_ambr: ambr(1, 2),
            used_ue_ambr: ambr(3, 4),
            ue_network_capability: vec![0xe0, 0x60],
            ms_network_capability: vec![0xe5, 0xe0],
            mei: Some("1234".parse().unwrap()),
            access_restrictions: AccessRestrictions {
                utran: true,
                gan: true,
                ..AccessRestrictions::default()
            },
        },
        voice_domain_preference: vec![2],
        rest: vec![],
    };
    assert_eq!(
        encoded(&gsm),
        common::sample(IeType::MM_CONTEXT_GSM_KEY_AND_TRIPLETS)
    );

    let quintuplet = Quintuplet {
        rand: [0x11; 16],
        xres: vec![0xa1, 0xa2],
        ck: Key([0x66; 16]),
        ik: Key([0x77; 16]),
        autn: vec![0xb1, 0xb2],
    };
    let umts = MmContextUmtsUsedCipher {
        security_mode: 1,
        ksi: 2,
        gprs_user_plane_integrity: true,
        used_gprs_integrity: Some(2),
        used_cipher: 3,
        ck: Key([0x44; 16]),
        ik: Key([0x55; 16]),
        quintuplets: vec![quintuplet],
        drx: None,
        capabilities: MmCapabilities {
            access_restrictions: AccessRestrictions {
                enhanced_coverage: true,
                ..AccessRestrictions::default()
            },
            ..MmCapabilities::default()
        },
        voice_domain_preference: vec![2],
        higher_bitrates: Some(1),
        iov_updates: Some(7),
        rest: vec![],
    };
    let octets = common::sample(IeType::MM_CONTEXT_UMTS_KEY_USED_CIPHER_AND_QUINTUPLETS);
    assert_eq!(encoded(&umts), octets);
    assert_eq!(MmContextUmtsUsedCipher::decode(&octets), Ok(umts));
}

#[test]
fn networks_of_an_mdt_configuration_are_read() {
    let octets = common::sample(IeType::MDT_CONFIGURATION);
    let mdt = MdtConfiguration::decode(&octets).unwrap();
    assert_eq!(
        (
            mdt.collection_period,
            mdt.measurement_period,
            mdt.positioning_method
        ),
        (Some(1), None, Some(3))
    );
    let networks = ["001-01", "310-410"].map(|text| text.parse::<Plmn>().unwrap());
    assert_eq!(mdt.plmns.as_deref(), Some(&networks[..]));
    assert_eq!(mdt.rest, [0xee]);
    // An older release ends after the area.
    let older = MdtConfiguration::decode(&octets[..12]).unwrap();
    assert_eq!(older.plmns, None);
    assert_eq!(encoded(&older), octets[..12]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_are_taken_and_written_back(place in 0..TAKEN_APART.len(), octets in vec(any::<u8>(), 0..60)) {
        let value = Value::decode(TAKEN_APART[place], &octets);
        let mut out = Vec::new();
        value.expect("any octets are taken").encode_into(&mut out);
        prop_assert_eq!(out, octets);
    }

    #[test]
    fn identifiers_go_round(flag: bool, value in 0..128_u8) {
        let identifier = TransactionIdentifier::from(Ti { flag, value });
        prop_assert_eq!(TransactionIdentifier::decode(&encoded(&identifier)), Ok(identifier));
    }

    #[test]
    fn events_go_round(
        scef_reference_id: u32, scef_id in vec(any::<u8>(), 0..256), remaining_reports: u16,
        extended_scef_reference_id: Option<u64>, seconds: Option<u32>, rest in vec(any::<u8>(), 0..12),
    ) {
        let extension = MonitoringEventExtensionInformation {
            event: Some(MonitoringEventExtension {
                scef_reference_id,
                scef_id: scef_id.clone(),
                location_reporting_time: seconds.map(|seconds| Duration::from_secs(seconds.into())),
                extended_scef_reference_id,
            }),
            rest,
        };
        prop_assert_eq!(MonitoringEventExtensionInformation::decode(&encoded(&extension)), Ok(extension));
        let event = MonitoringEventInformation::from(MonitoringEvent {
            scef_reference_id, scef_id, remaining_reports, extended_scef_reference_id,
        });
        prop_assert_eq!(MonitoringEventInformation::decode(&encoded(&event)), Ok(event));
    }

    #[test]
    fn areas_go_round(
        inactive: bool, identifier in 0..0x100_0000_u32, tais in vec(any::<u16>(), 0..16), rais in vec(any::<u16>(), 0..16),
        enbs in vec(0..0x10_0000_u32, 0..64), cells in vec(0..0x1000_0000_u32, 0..64), codes in vec(any::<u16>(), 0..64),
        extended in proptest::option::of(vec((any::<bool>(), 0..0x20_0000_u32), 0..64)),
    ) {
        let plmn = Plmn::new("001", "01").unwrap();
        let elements = PresenceReportingAreaElements {
            tais: tais.into_iter().map(|tac| Tai { plmn, tac }).collect(),
            macro_enbs: enbs.into_iter().map(|id| MacroEnbId { plmn, id }).collect(),
            home_enbs: cells.iter().map(|id| HomeEnbId { plmn, id: *id }).collect(),
            ecgis: cells.iter().map(|eci| Ecgi { plmn, eci: *eci }).collect(),
            rais: rais.into_iter().map(|rac| Rai { plmn, lac: 1, rac }).collect(),
            sais: codes.iter().map(|sac| Sai { plmn, lac: 2, sac: *sac }).collect(),
            cgis: codes.iter().map(|ci| Cgi { plmn, lac: 3, ci: *ci }).collect(),
            extended_macro_enbs: extended
                .map(|enbs| enbs.into_iter().map(|(short, id)| ExtendedMacroEnbId { plmn, short, id }).collect()),
        };
        let action = PresenceReportingAreaAction {
            action: 1,
            inactive,
            identifier: Some(identifier),
            elements: Some(elements),
            rest: Vec::new(),
        };
        prop_assert_eq!(PresenceReportingAreaAction::decode(&encoded(&action)), Ok(action));
    }

    #[test]
    fn any_octets_after_an_area_are_written_back(octets in vec(any::<u8>(), 0..60)) {
        let value = [&[1, 0, 0, 42][..], &octets].concat();
        let action = PresenceReportingAreaAction::decode(&value).expect("any octets are taken");
        prop_assert_eq!(encoded(&action), value);
    }

    #[test]
    fn contexts_go_round(
        kind in 103..=108_u8, first: u8, second in 0..0x40_u8, third: u8, keys in 8..60_usize, more in vec(0..20_u8, 0..300),
    ) {
        let octets = [&[first, second, third][..], &vec![0x11; keys], &more].concat();
        if let Ok(context) = Value::decode(IeType(kind), &octets) {
            let mut again = Vec::new();
            context.encode_into(&mut again);
            prop_assert!(again.len() <= octets.len());
            prop_assert_eq!(Value::decode(IeType(kind), &again), Ok(context));
        }
    }
}
