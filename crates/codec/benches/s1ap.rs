//! Initial Context Setup Request with one E-RAB and its Attach Accept, and the NAS message alone.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use epc_codec::nas::{self, *};
use epc_codec::s1ap::{self, *};
use epc_codec::{Ebi, Pco, Plmn, Teid};

fn attach_accept(plmn: Plmn) -> AttachAccept {
    AttachAccept {
        result: AttachResult::EPS_ONLY,
        t3412: GprsTimer::from_duration(Duration::from_secs(3240)),
        tais: [Tai { plmn, tac: 1 }].into(),
        esm: ActivateDefaultEpsBearerContextRequest {
            ebi: Ebi(5),
            pti: Pti(1),
            qos: EpsQos::new(9),
            apn: "internet".parse().expect("an APN"),
            pdn_address: PdnAddress::V4([10, 0, 0, 1].into()),
            apn_ambr: Some(ApnAmbr::new(100_000, 50_000)),
            esm_cause: None,
            pco: Some(
                Pco::new()
                    .with(Pco::DNS_IPV4, &[192, 0, 2, 53])
                    .with(Pco::IPV4_LINK_MTU, &[5, 0x78]),
            ),
        },
        guti: Some(Guti {
            plmn,
            mme_group_id: 1,
            mme_code: 1,
            m_tmsi: 0x1234_5678,
        }),
        emm_cause: None,
    }
}

fn initial_context_setup_request(accept: &AttachAccept) -> s1ap::Message {
    s1ap::Message::from(InitialContextSetupRequest {
        mme_ue_s1ap_id: MmeUeS1apId(7),
        enb_ue_s1ap_id: EnbUeS1apId::MAX,
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
                    pre_emptable: false,
                },
                gbr: None,
            },
            transport_address: TransportAddress::V4([192, 0, 2, 1].into()),
            sgw_s1u: Teid(0x10b),
            nas: Some(NasPdu::from(accept.clone())),
        }]
        .into(),
        security_capabilities: UeSecurityCapabilities {
            encryption: 0xc000,
            integrity: 0xc000,
        },
        security_key: SecurityKey([0; 32]),
    })
}

fn benches(c: &mut Criterion) {
    let accept = attach_accept("001-01".parse().expect("a PLMN"));
    let request = initial_context_setup_request(&accept);
    let octets = request.encode();
    c.bench_function("InitialContextSetupRequest decode", |b| {
        b.iter(|| s1ap::decode(black_box(&octets)))
    });
    c.bench_function("InitialContextSetupRequest encode", |b| {
        b.iter(|| black_box(&request).encode())
    });
    c.bench_function("InitialContextSetupRequest decode, IEs only", |b| {
        b.iter(|| Pdu::decode(black_box(&octets)))
    });

    let octets = accept.encode();
    let accept = nas::Message::from(accept);
    c.bench_function("Attach Accept decode", |b| {
        b.iter(|| nas::decode(Direction::Downlink, black_box(&octets)))
    });
    c.bench_function("Attach Accept encode", |b| b.iter(|| black_box(&accept).encode()));
}

criterion_group!(all, benches);
criterion_main!(all);
