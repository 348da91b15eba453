//! Elements that are taken apart as far as they are understood: the rest is kept, and all octets are written back.

mod common;

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
        has_location_time: true,
        has_extended_scef_reference_id: false,
        scef_reference_id: 42,
        scef_id: b"scef".to_vec(),
    };
    same(
        "01 00 00 00 2a 04 73 63 65 66 00 0e 10",
        MonitoringEventExtensionInformation {
            event: Some(extension),
            rest: vec![0x00, 0x0e, 0x10],
        },
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
    let octets = hex(
        // EPS, NHI, DRXI, key set 1; one quintuplet, one quadruplet, UAMBRI; SAMBRI, algorithms 2 and 2.
        "99 26 a2 00 00 04 00 00 18 \
         11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 \
         22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 02 a1 a2 02 b1 b2 \
         33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 \
         44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 02 c1 c2 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 \
         66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 02 d1 d2 01 02 \
         77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 03 \
         00 00 00 01 00 00 00 02 00 00 00 03 00 00 00 04 02 e0 60 02 e5 e0 01 21 05 00",
    );
    let context = MmContextEps::decode(&octets).unwrap();
    let expected = MmContextEpsContents {
        quadruplets: vec![Quadruplet {
            rand: [0x22; 16],
            xres: vec![0xa1, 0xa2],
            autn: vec![0xb1, 0xb2],
            kasme: [0x33; 32],
        }],
        quintuplets: vec![Quintuplet {
            rand: [0x44; 16],
            xres: vec![0xc1, 0xc2],
            ck: [0x55; 16],
            ik: [0x66; 16],
            autn: vec![0xd1, 0xd2],
        }],
        drx: Some([1, 2]),
        next_hop: Some(([0x77; 32], 3)),
        subscribed_ue_ambr: Some(Ambr {
            uplink: 1,
            downlink: 2,
        }),
        used_ue_ambr: Some(Ambr {
            uplink: 3,
            downlink: 4,
        }),
        ue_network_capability: vec![0xe0, 0x60],
        ms_network_capability: vec![0xe5, 0xe0],
        mei: vec![0x21],
        rest: vec![5, 0],
    };
    assert_eq!(context.contents().as_ref(), Ok(&expected));
    assert!(
        !format!("{context:?} {expected:?}").contains("34, 34"),
        "a vector is shown"
    );
    let mut again = MmContextEps::decode(&[&octets[..41], &[0; 3]].concat()).unwrap();
    again.set_contents(&expected);
    assert_eq!(encoded(&again), octets);
    // Without the access restriction data and what is after it, every cut lacks something.
    for length in 41..octets.len() - 2 {
        assert!(
            MmContextEps::decode(&octets[..length])
                .unwrap()
                .contents()
                .is_err(),
            "{length}"
        );
    }
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
        extended_scef_reference_id: Option<u64>, has_location_time: bool, rest in vec(any::<u8>(), 0..12),
    ) {
        let extension = MonitoringEventExtensionInformation {
            event: Some(MonitoringEventExtension {
                has_location_time,
                has_extended_scef_reference_id: extended_scef_reference_id.is_some(),
                scef_reference_id,
                scef_id: scef_id.clone(),
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
    fn contents_of_a_context_go_round(first: u8, second: u8, third: u8, more in vec(0..20_u8, 0..300)) {
        let octets = [&[first, second, third][..], &[0; 38], &more].concat();
        let context = MmContextEps::decode(&octets).expect("the key is there");
        if let Ok(contents) = context.contents() {
            let mut again = context.clone();
            again.set_contents(&contents);
            prop_assert_eq!((again.quadruplets, again.quintuplets), (context.quadruplets, context.quintuplets));
            prop_assert_eq!(again.more.len(), context.more.len());
            prop_assert_eq!(again.contents(), Ok(contents));
        }
    }
}
