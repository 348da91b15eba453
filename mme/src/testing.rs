//! An MME on a virtual clock, and a test that plays its eNBs and its S-GW with real messages.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use epc_codec::gtpv2c::{
    self, BearerContextCreated, Cause as GtpCause, CreateSessionResponse, DeleteSessionResponse,
    EchoResponse, Fteid, InterfaceType, Message as Gtp, ModifyBearerResponse, Paa, RestartCounter, Sequence,
};
use epc_codec::nas::lite::SubscriberHints;
use epc_codec::nas::{
    ActivateDefaultEpsBearerContextAccept, AttachComplete, AttachRequest, AttachType, DetachAccept,
    DetachRequest, DetachType, Direction, Identity, KeySetIdentifier, PdnConnectivityRequest, PdnType, Pti,
    RequestType, UeNetworkCapability,
};
use epc_codec::s1ap::{
    self, Ecgi, EnbId, EnbUeS1apId, ErabSetup, GlobalEnbId, InitialContextSetupResponse, InitialUeMessage,
    List, Message, MmeUeS1apId, NasPdu, NodeName, S1SetupRequest, SupportedTa, Tai, UeContextReleaseComplete,
    UplinkNasTransport,
};
use epc_codec::{Ebi, Pco, Plmn, Teid};
use epc_node::{Boot, Interface, Node, Output, TeidKey, WallClock};

use crate::{Config, Event, Mme};

pub(crate) const ENB: &str = "192.0.2.1:36412";
pub(crate) const SGW: &str = "192.0.2.3:2123";
pub(crate) const S1_RETRY: Duration = Duration::from_secs(1);
pub(crate) const T3: Duration = Duration::from_secs(3);

/// What came out of the MME, readable.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Out {
    S1ap(SocketAddr, Message),
    Gtp(SocketAddr, Box<gtpv2c::Packet>),
    Event(Event),
}

pub(crate) struct Lab {
    pub(crate) mme: Mme,
    pub(crate) now: Instant,
    /// The restart counter that the S-GW tells.
    pub(crate) sgw_counter: u8,
}

/// With one S-GW and one P-GW, unless `rest` names others.
pub(crate) fn config(rest: &str) -> Config {
    let or = |key: &str, default: &'static str| if rest.contains(key) { "" } else { default };
    let text = format!(
        "{{ mcc: '001', mnc: '01', apn: internet, local_addresses: {{ s1c_addr: '192.0.2.2:36412', s11_ip: 192.0.2.2 }}, \
         {} {} {rest} }}",
        or("sgw_s11_ip", "sgw_s11_ip: 192.0.2.3,"),
        or("pgw_s5c_ip", "pgw_s5c_ip: 192.0.2.4,"),
    );
    epc_driver::config::parse(&text, "mme.yml").unwrap()
}

impl Lab {
    /// An MME that is just started.
    pub(crate) fn new(rest: &str) -> Lab {
        let now = Instant::now();
        let boot = Boot {
            clock: WallClock {
                at: now,
                unix_millis: 1_700_000_000_000,
            },
            restart_counter: 9,
            user_teid_key: TeidKey::new([1, 2, 3, 4]),
            control_teid_key: TeidKey::new([5, 6, 7, 8]),
        };
        Lab {
            mme: Mme::new(config(rest), boot, now),
            now,
            sgw_counter: 1,
        }
    }

    /// An MME whose S-GW answers, with one eNB.
    pub(crate) fn up(rest: &str) -> Lab {
        let mut lab = Lab::new(rest);
        let echo = lab.advance(Duration::ZERO);
        lab.sgw_answers_all(&echo);
        assert_eq!(names(&lab.enb(s1_setup("1-1"))), ["S1SetupResponse"]);
        lab
    }

    /// An MME with one eNB, and gateways of which nothing is known yet.
    pub(crate) fn with(rest: &str) -> Lab {
        let mut lab = Lab::new(rest);
        lab.advance(Duration::ZERO);
        assert_eq!(names(&lab.enb(s1_setup("1-1"))), ["S1SetupResponse"]);
        lab
    }

    /// An MME with one UE attached: the eNB's number 1.
    pub(crate) fn attached() -> (Lab, Attached) {
        let mut lab = Lab::up("");
        let session = lab.attach(1);
        (lab, session)
    }

    /// Attaches the UE that the eNB knows by `number`, and is the subscriber of that number.
    pub(crate) fn attach(&mut self, number: u32) -> Attached {
        let out = self.enb(initial(number, number));
        let out = self.sgw_answers_all(&out);
        let mme_id = context_request(&out).mme_ue_s1ap_id;
        let out = self.enb(context_response(number, mme_id));
        self.enb(attach_complete(number, mme_id));
        let out = self.sgw_answers_all(&out);
        assert!(
            matches!(out.last(), Some(Out::Event(Event::Attached { .. }))),
            "{out:?}"
        );
        Attached { mme_id, number }
    }

    pub(crate) fn enb(&mut self, message: impl Into<Message>) -> Vec<Out> {
        self.datagram(Interface::S1Mme, ENB, &message.into().encode())
    }

    pub(crate) fn sgw(&mut self, teid: Teid, sequence: u32, message: impl Into<Gtp>) -> Vec<Out> {
        let datagram = message.into().encode(Some(teid), Sequence(sequence));
        self.datagram(Interface::S11, SGW, &datagram)
    }

    /// The S-GW says yes to everything that it was asked.
    pub(crate) fn sgw_answers_all(&mut self, out: &[Out]) -> Vec<Out> {
        let mut answers = Vec::new();
        for out in out {
            let Out::Gtp(_, packet) = out else { continue };
            let (teid, answer) = match &packet.message {
                Gtp::EchoRequest(_) => (None, EchoResponse::new(RestartCounter(self.sgw_counter)).into()),
                Gtp::CreateSessionRequest(request) => (
                    Some(request.sender_fteid.teid),
                    self.created(request.sender_fteid.teid).into(),
                ),
                Gtp::ModifyBearerRequest(_) => (
                    Some(mme_s11(packet)),
                    ModifyBearerResponse::new(GtpCause::REQUEST_ACCEPTED).into(),
                ),
                Gtp::DeleteSessionRequest(_) => (
                    Some(mme_s11(packet)),
                    DeleteSessionResponse::new(GtpCause::REQUEST_ACCEPTED).into(),
                ),
                _ => continue,
            };
            let answer: Gtp = answer;
            let datagram = answer.encode(teid, packet.header.sequence);
            answers.extend(self.datagram(Interface::S11, SGW, &datagram));
        }
        answers
    }

    /// A session whose TEIDs at the S-GW are those of the MME, turned round.
    pub(crate) fn created(&self, mme_s11: Teid) -> CreateSessionResponse {
        let ip = SGW.parse::<SocketAddr>().unwrap().ip();
        let bearer = BearerContextCreated {
            sgw_s1u_fteid: Some(Fteid::new(InterfaceType::S1U_SGW_GTP_U, Teid(!mme_s11.0), ip)),
            ..BearerContextCreated::new(Ebi(5), GtpCause::REQUEST_ACCEPTED)
        };
        CreateSessionResponse {
            sender_fteid: Some(Fteid::new(InterfaceType::S11_S4_SGW_GTP_C, Teid(!mme_s11.0), ip)),
            paa: Some(Paa::V4([10, 60, 0, 1].into())),
            pco: Some(Pco::new().with_ipv4_link_mtu(1400)),
            bearer_contexts: vec![bearer],
            recovery: Some(RestartCounter(self.sgw_counter)),
            ..CreateSessionResponse::new(GtpCause::REQUEST_ACCEPTED)
        }
    }

    pub(crate) fn datagram(&mut self, on: Interface, from: &str, datagram: &[u8]) -> Vec<Out> {
        let from: SocketAddr = from.parse().unwrap();
        self.mme.handle_datagram(on, from, datagram, self.now);
        self.drain()
    }

    pub(crate) fn command(&mut self, command: crate::Command) -> Vec<Out> {
        self.mme.handle_command(command, self.now);
        self.drain()
    }

    /// Lets time pass, waking the MME whenever it wants to be.
    pub(crate) fn advance(&mut self, by: Duration) -> Vec<Out> {
        let end = self.now + by;
        let mut out = Vec::new();
        while let Some(at) = self.mme.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.mme.handle_timeout(self.now);
            out.extend(self.drain());
        }
        self.now = end;
        out
    }

    fn drain(&mut self) -> Vec<Out> {
        let mut out = Vec::new();
        while let Some(output) = self.mme.poll_output() {
            out.push(match output {
                Output::Record(change) => panic!("an MME has no session store: {change:?}"),
                Output::Rule(rule) => panic!("an MME has no user plane: {rule:?}"),
                Output::Event(event) => Out::Event(event),
                Output::Transmit {
                    on: Interface::S1Mme,
                    to,
                    datagram,
                } => Out::S1ap(to, s1ap::decode(&datagram).unwrap()),
                Output::Transmit { to, datagram, .. } => {
                    Out::Gtp(to, Box::new(gtpv2c::decode(&datagram).unwrap()))
                }
            });
        }
        out
    }

    /// Nothing is left: no UE, no session, nothing to wait for.
    pub(crate) fn assert_empty(&self) {
        assert_eq!(self.mme.ues.len(), 0);
        assert_eq!(self.mme.subscribers.len(), 0);
        assert_eq!(self.mme.teids.in_use(), 0);
        assert_eq!(self.mme.gtpc.metrics.active_sessions.get(), 0);
        assert!(self.mme.gtpc.is_idle() && self.mme.asked.is_empty());
        assert!(self.mme.enbs.values().all(|enb| enb.ues.is_empty()));
    }
}

/// An attached UE.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attached {
    pub(crate) mme_id: MmeUeS1apId,
    pub(crate) number: u32,
}

impl Attached {
    /// The MME's TEID.
    pub(crate) fn teid(&self) -> Teid {
        Teid(self.mme_id.0)
    }
}

/// The S-GW's TEID in the header, turned round again.
fn mme_s11(packet: &gtpv2c::Packet) -> Teid {
    Teid(!packet.header.teid.unwrap().0)
}

/// The names of the messages and events, in order.
pub(crate) fn names(out: &[Out]) -> Vec<&'static str> {
    out.iter().map(Out::name).collect()
}

impl Out {
    fn name(&self) -> &'static str {
        match self {
            Out::S1ap(_, message) => message.name(),
            Out::Gtp(_, packet) => packet.message.name(),
            Out::Event(Event::Attached { .. }) => "Attached",
            Out::Event(Event::Detached { .. }) => "Detached",
        }
    }
}

/// What the MME says to UEs outside of an Initial Context Setup Request.
pub(crate) fn said(out: &[Out]) -> Vec<epc_codec::nas::Message> {
    let nas = |out: &Out| match out {
        Out::S1ap(_, Message::DownlinkNasTransport(message)) => {
            Some(message.nas.decode(Direction::Downlink).unwrap())
        }
        _ => None,
    };
    out.iter().filter_map(nas).collect()
}

pub(crate) fn context_request(out: &[Out]) -> &s1ap::InitialContextSetupRequest {
    let request = out.iter().find_map(|out| match out {
        Out::S1ap(_, Message::InitialContextSetupRequest(request)) => Some(request),
        _ => None,
    });
    request.unwrap_or_else(|| panic!("no context: {out:?}"))
}

pub(crate) fn gtp(out: &[Out]) -> Vec<&gtpv2c::Packet> {
    fn packet(out: &Out) -> Option<&gtpv2c::Packet> {
        match out {
            Out::Gtp(_, packet) => Some(packet),
            Out::S1ap(..) | Out::Event(_) => None,
        }
    }
    out.iter().filter_map(packet).collect()
}

pub(crate) fn plmn() -> Plmn {
    "001-01".parse().unwrap()
}

pub(crate) fn s1_setup(name: &str) -> S1SetupRequest {
    S1SetupRequest {
        global_enb_id: GlobalEnbId {
            plmn: plmn(),
            enb_id: EnbId::macro_enb(1).unwrap(),
        },
        enb_name: NodeName::new(name),
        supported_tas: List::from([SupportedTa {
            tac: 1,
            broadcast_plmns: List::from([plmn()]),
        }]),
        paging_drx: None,
    }
}

pub(crate) fn imsi(number: u32) -> epc_codec::Imsi {
    format!("00101{number:010}").parse().unwrap()
}

fn enb_id(number: u32) -> EnbUeS1apId {
    EnbUeS1apId::new(number).unwrap()
}

/// The UE that the eNB knows by `number` attaches as subscriber `subscriber`.
pub(crate) fn initial(number: u32, subscriber: u32) -> InitialUeMessage {
    let hints = SubscriberHints {
        requested_ipv4: Some([10, 60, 0, 1].into()),
        msisdn: Some("8140001".parse().unwrap()),
        imeisv: Some("1234500000001".parse().unwrap()),
        ..SubscriberHints::default()
    };
    let request = AttachRequest {
        attach_type: AttachType::EPS,
        key_set_identifier: KeySetIdentifier::NO_KEY,
        identity: Identity::Imsi(imsi(subscriber)),
        ue_network_capability: UeNetworkCapability::new(0xf0, 0xf0),
        esm: PdnConnectivityRequest {
            pti: Pti(3),
            request_type: RequestType::INITIAL,
            pdn_type: PdnType::IPV4,
            esm_information_transfer: false,
            apn: None,
            pco: Some(hints.add_to(Pco::new().asking_for(Pco::IPV4_LINK_MTU), plmn())),
        },
    };
    InitialUeMessage {
        enb_ue_s1ap_id: enb_id(number),
        nas: NasPdu::from(request),
        tai: Tai { plmn: plmn(), tac: 1 },
        ecgi: Some(Ecgi {
            plmn: plmn(),
            eci: 0x101,
        }),
        rrc_establishment_cause: None,
        s_tmsi: None,
        gummei: None,
    }
}

pub(crate) fn context_response(number: u32, mme_id: MmeUeS1apId) -> InitialContextSetupResponse {
    let erab = ErabSetup {
        erab_id: Ebi(5),
        transport_address: ENB.parse::<SocketAddr>().unwrap().ip().into(),
        enb_s1u: Teid(1000 + number),
    };
    InitialContextSetupResponse {
        mme_ue_s1ap_id: mme_id,
        enb_ue_s1ap_id: enb_id(number),
        erabs: Some(List::from([erab])),
        failed: None,
        criticality_diagnostics: None,
    }
}

pub(crate) fn uplink(number: u32, mme_id: MmeUeS1apId, nas: NasPdu) -> UplinkNasTransport {
    UplinkNasTransport {
        mme_ue_s1ap_id: mme_id,
        enb_ue_s1ap_id: enb_id(number),
        nas,
        ecgi: None,
        tai: None,
    }
}

pub(crate) fn attach_complete(number: u32, mme_id: MmeUeS1apId) -> UplinkNasTransport {
    let esm = ActivateDefaultEpsBearerContextAccept {
        ebi: Ebi(5),
        pco: None,
    };
    uplink(number, mme_id, NasPdu::from(AttachComplete { esm }))
}

pub(crate) fn detach_request(session: Attached, switch_off: bool) -> UplinkNasTransport {
    let request = DetachRequest {
        switch_off,
        detach_type: DetachType::EPS,
        key_set_identifier: KeySetIdentifier::NO_KEY,
        identity: Identity::Imsi(imsi(session.number)),
    };
    uplink(session.number, session.mme_id, NasPdu::from(request))
}

pub(crate) fn detach_accept(session: Attached) -> UplinkNasTransport {
    uplink(session.number, session.mme_id, NasPdu::from(DetachAccept))
}

pub(crate) fn release_complete(session: Attached) -> UeContextReleaseComplete {
    UeContextReleaseComplete {
        mme_ue_s1ap_id: session.mme_id,
        enb_ue_s1ap_id: enb_id(session.number),
        criticality_diagnostics: None,
    }
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
