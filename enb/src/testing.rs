//! An eNB on a virtual clock, and a test that plays its MME with real messages.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use epc_codec::nas::{
    ActivateDefaultEpsBearerContextRequest, AttachAccept, AttachReject, AttachResult, Direction, EmmCause,
    EpsQos, GprsTimer, Identity, NetworkDetachRequest, NetworkDetachType, PdnAddress, Pti,
};
use epc_codec::s1ap::{
    Arp, BitRate, Cause, DownlinkNasTransport, EnbUeS1apId, ErabQos, ErabToBeSetup,
    InitialContextSetupRequest, List, Message, MmeUeS1apId, NasPdu, RelativeMmeCapacity, S1SetupResponse,
    SecurityKey, ServedGummei, Tai, UeAmbr, UeContextReleaseCommand, UeS1apIds, UeSecurityCapabilities,
};
use epc_codec::{Ebi, Pco, Teid, nas, s1ap};
use epc_node::{Boot, Interface, Node, Output, Rule, TeidKey, WallClock};

use crate::{Config, Enb, Event};

pub(crate) const MME: &str = "192.0.2.2:36412";
pub(crate) const SGW: &str = "192.0.2.3:2152";
pub(crate) const RETRY: Duration = Duration::from_secs(1);

/// What came out of the eNB, readable.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Out {
    Rule(Rule),
    S1ap(Message),
    Gtpu(Vec<u8>),
    Event(Event),
}

pub(crate) struct Lab {
    pub(crate) enb: Enb,
    pub(crate) now: Instant,
}

pub(crate) fn config(rest: &str) -> Config {
    let text = format!(
        "{{ mcc: '001', mnc: '01', tai: 1, eci: 0x101, mme_addr: '{MME}', \
         local_addresses: {{ s1c_ip: 192.0.2.1, s1u_ip: 192.0.2.1 }}, {rest} }}"
    );
    epc_driver::config::parse(&text, "enb.yml").unwrap()
}

pub(crate) fn subscribers(count: u32) -> String {
    format!("subscriber_range: {{ imsi: '001010000000001', count: {count} }}")
}

impl Lab {
    /// An eNB that is just started.
    pub(crate) fn new(rest: &str) -> Lab {
        let now = Instant::now();
        let boot = Boot {
            clock: WallClock {
                at: now,
                unix_millis: 1_700_000_000_000,
            },
            restart_counter: 7,
            user_teid_key: TeidKey::new([1, 2, 3, 4]),
            control_teid_key: TeidKey::new([5, 6, 7, 8]),
        };
        Lab {
            enb: Enb::new(config(rest), boot, now),
            now,
        }
    }

    /// An eNB that the MME has accepted; its subscribers have begun to attach.
    pub(crate) fn up(rest: &str) -> (Lab, Vec<Out>) {
        let mut lab = Lab::new(rest);
        lab.advance(Duration::ZERO);
        let out = lab.mme(s1_setup_response());
        (lab, out)
    }

    /// An eNB whose one subscriber is attached.
    pub(crate) fn attached() -> (Lab, EnbUeS1apId) {
        let (mut lab, out) = Lab::up(&subscribers(1));
        let id = initial(&out)[0];
        lab.mme(context_request(id));
        lab.advance(Duration::ZERO);
        (lab, id)
    }

    pub(crate) fn mme(&mut self, message: impl Into<Message>) -> Vec<Out> {
        let datagram = message.into().encode();
        self.datagram(Interface::S1Mme, MME, &datagram)
    }

    pub(crate) fn datagram(&mut self, on: Interface, from: &str, datagram: &[u8]) -> Vec<Out> {
        let from: SocketAddr = from.parse().unwrap();
        self.enb.handle_datagram(on, from, datagram, self.now);
        self.drain()
    }

    pub(crate) fn command(&mut self, command: crate::Command) -> Vec<Out> {
        self.enb.handle_command(command, self.now);
        self.drain()
    }

    /// Lets time pass, waking the eNB whenever it wants to be.
    pub(crate) fn advance(&mut self, by: Duration) -> Vec<Out> {
        let end = self.now + by;
        let mut out = Vec::new();
        while let Some(at) = self.enb.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.enb.handle_timeout(self.now);
            out.extend(self.drain());
        }
        self.now = end;
        out
    }

    pub(crate) fn drain(&mut self) -> Vec<Out> {
        let mut out = Vec::new();
        while let Some(output) = self.enb.poll_output() {
            out.push(match output {
                Output::Record(change) => panic!("an eNB has no session store: {change:?}"),
                Output::Rule(rule) => Out::Rule(rule),
                Output::Event(event) => Out::Event(event),
                Output::Transmit {
                    on: Interface::S1Mme,
                    to,
                    datagram,
                } => {
                    assert_eq!(to, MME.parse().unwrap());
                    Out::S1ap(s1ap::decode(&datagram).unwrap())
                }
                Output::Transmit { datagram, .. } => Out::Gtpu(datagram),
            });
        }
        out
    }
}

/// The names of the messages, and of what else there is, in order.
pub(crate) fn names(out: &[Out]) -> Vec<&str> {
    let name = |out| match out {
        &Out::Rule(Rule::Receive { .. }) => "Receive",
        &Out::Rule(Rule::StopReceiving { .. }) => "StopReceiving",
        &Out::Rule(Rule::Send { .. }) => "Send",
        &Out::Rule(Rule::StopSending { .. }) => "StopSending",
        &Out::Event(Event::SessionUp { .. }) => "SessionUp",
        &Out::Event(Event::SessionDown { .. }) => "SessionDown",
        Out::S1ap(message) => message.name(),
        &Out::Gtpu(_) => "GTP-U",
    };
    out.iter().map(name).collect()
}

/// The names without what goes to the S-GW: nobody answers its Echo Requests here.
pub(crate) fn on_s1(out: &[Out]) -> Vec<&str> {
    let mut names = names(out);
    names.retain(|name| *name != "GTP-U");
    names
}

/// The UEs that begin to attach.
pub(crate) fn initial(out: &[Out]) -> Vec<EnbUeS1apId> {
    let id = |out: &Out| match out {
        Out::S1ap(Message::InitialUeMessage(message)) => Some(message.enb_ue_s1ap_id),
        _ => None,
    };
    out.iter().filter_map(id).collect()
}

/// What the UEs say, by name.
pub(crate) fn said(out: &[Out]) -> Vec<String> {
    let nas = |out: &Out| match out {
        Out::S1ap(Message::InitialUeMessage(message)) => Some(message.nas.clone()),
        Out::S1ap(Message::UplinkNasTransport(message)) => Some(message.nas.clone()),
        _ => None,
    };
    out.iter()
        .filter_map(nas)
        .map(|nas| nas.decode(Direction::Uplink).unwrap().name().to_owned())
        .collect()
}

/// Who it is that begins to attach.
pub(crate) fn imsi(out: &[Out], id: EnbUeS1apId) -> String {
    for out in out {
        if let Out::S1ap(Message::InitialUeMessage(message)) = out
            && message.enb_ue_s1ap_id == id
            && let Ok(nas::Message::AttachRequest(request)) = message.nas.decode(Direction::Uplink)
            && let Identity::Imsi(imsi) = request.identity
        {
            return imsi.to_string();
        }
    }
    panic!("{id} does not attach");
}

pub(crate) fn s1_setup_response() -> S1SetupResponse {
    let served = ServedGummei {
        plmns: List::from(["001-01".parse().unwrap()]),
        group_ids: List::from([1]),
        mme_codes: List::from([1]),
    };
    S1SetupResponse {
        mme_name: None,
        served_gummeis: List::from([served]),
        relative_mme_capacity: Some(RelativeMmeCapacity(255)),
        criticality_diagnostics: None,
    }
}

/// The MME's number of the UE that the eNB knows by `id`.
pub(crate) fn mme_id(id: EnbUeS1apId) -> MmeUeS1apId {
    MmeUeS1apId(0x8000_0000 | id.get())
}

/// The address and the S-GW's TEID of a UE, each of its own.
pub(crate) fn address(id: EnbUeS1apId) -> [u8; 4] {
    [10, 60, (id.get() >> 8) as u8, id.get() as u8]
}

pub(crate) fn context_request(id: EnbUeS1apId) -> InitialContextSetupRequest {
    context_request_for(id, address(id))
}

pub(crate) fn context_request_for(id: EnbUeS1apId, address: [u8; 4]) -> InitialContextSetupRequest {
    let accept = AttachAccept {
        result: AttachResult::EPS_ONLY,
        t3412: GprsTimer::DEACTIVATED,
        tais: List::from([Tai {
            plmn: "001-01".parse().unwrap(),
            tac: 1,
        }]),
        esm: ActivateDefaultEpsBearerContextRequest {
            ebi: Ebi(5),
            pti: Pti(1),
            qos: EpsQos::new(9),
            apn: "internet".parse().unwrap(),
            pdn_address: PdnAddress::V4(address.into()),
            apn_ambr: None,
            esm_cause: None,
            pco: Some(
                Pco::new()
                    .with_dns_ipv4([192, 0, 2, 53].into())
                    .with_ipv4_link_mtu(1400),
            ),
        },
        guti: None,
        emm_cause: None,
    };
    let sgw: SocketAddr = SGW.parse().unwrap();
    let arp = Arp {
        priority_level: 8,
        may_trigger_pre_emption: false,
        pre_emptable: true,
    };
    InitialContextSetupRequest {
        mme_ue_s1ap_id: mme_id(id),
        enb_ue_s1ap_id: id,
        ue_ambr: UeAmbr {
            downlink: BitRate::from_kbps(1000),
            uplink: BitRate::from_kbps(1000),
        },
        erabs: List::from([ErabToBeSetup {
            erab_id: Ebi(5),
            qos: ErabQos {
                qci: 9,
                arp,
                gbr: None,
            },
            transport_address: sgw.ip().into(),
            sgw_s1u: Teid(id.get()),
            nas: Some(NasPdu::from(accept)),
        }]),
        security_capabilities: UeSecurityCapabilities {
            encryption: 0,
            integrity: 0,
        },
        security_key: SecurityKey([0; 32]),
    }
}

pub(crate) fn downlink(id: EnbUeS1apId, nas: NasPdu) -> DownlinkNasTransport {
    DownlinkNasTransport {
        mme_ue_s1ap_id: mme_id(id),
        enb_ue_s1ap_id: id,
        nas,
    }
}

pub(crate) fn attach_reject(id: EnbUeS1apId) -> DownlinkNasTransport {
    downlink(
        id,
        NasPdu::from(AttachReject {
            cause: EmmCause::CONGESTION,
            esm: None,
        }),
    )
}

pub(crate) fn network_detach(id: EnbUeS1apId, detach_type: NetworkDetachType) -> DownlinkNasTransport {
    downlink(
        id,
        NasPdu::from(NetworkDetachRequest {
            detach_type,
            cause: None,
        }),
    )
}

pub(crate) fn release_command(id: EnbUeS1apId) -> UeContextReleaseCommand {
    UeContextReleaseCommand {
        ue_s1ap_ids: UeS1apIds::Pair(mme_id(id), id),
        cause: Cause::DETACH,
    }
}

pub(crate) fn sgw_ip() -> IpAddr {
    SGW.parse::<SocketAddr>().unwrap().ip()
}

/// A few thousand variants of a datagram: octets changed, cut off, put in.
pub(crate) fn mutations(datagram: &[u8], seed: u64, count: usize) -> Vec<Vec<u8>> {
    let mut state = seed | 1;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) as usize % below.max(1)
    };
    let mut variants = Vec::new();
    for _ in 0..count {
        let mut variant = datagram.to_vec();
        for _ in 0..=random(3) {
            let at = random(variant.len());
            match (random(4), variant.is_empty()) {
                (0, _) => variant.truncate(at),
                (1, _) => variant.insert(at, random(256) as u8),
                (_, false) => variant[at] = random(256) as u8,
                (_, true) => {}
            }
        }
        variants.push(variant);
    }
    variants
}
