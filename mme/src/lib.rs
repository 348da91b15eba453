//! The brain of an MME: no I/O.
//!
//! ```text
//!                     ┌──────────── Mme ─────────────┐
//! eNBs <── S1-MME ──> │ s1_setup   the eNBs          │
//!                     │ attach     a UE comes        │ <── S11 ──> S-GW
//!                     │ detach     a UE goes         │
//!                     │ gateway    S-GW up and down  │
//!                     │ reload     SIGHUP, SIGTERM   │
//!                     └──────────────────────────────┘
//! ```
//!
//! A UE has two sides, S1 and the session at the S-GW, and is gone when both are. Its number on S1 is its TEID on S11.
//! There is no authentication, no security of NAS and no HSS, by intent; nor are there idle UEs: a UE whose S1
//! connection goes is detached.

#![cfg_attr(test, allow(clippy::disallowed_methods))]

mod attach;
pub mod config;
mod detach;
mod gateway;
mod metrics;
mod nas;
mod reload;
mod s1_setup;
mod selection;

#[cfg(test)]
mod testing;

pub use config::Config;
pub use metrics::Metrics;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use epc_codec::s1ap::{self, Cause, EnbUeS1apId, ErrorIndication, Message, MmeUeS1apId, Pdu};
use epc_codec::{Imsi, Plmn, Teid};
use epc_node::config::allows;
use epc_node::gtpc::{self, Incoming};
use epc_node::transactions::{Answers, Expiry, Repetition, Requests, Transmit};
use epc_node::{Boot, Holdings, Interface, Node, Output, Outputs, RateLimit, TeidAllocator, Timers};
use prometheus_client::registry::Registry;
use rustc_hash::FxHashMap;
use tracing::debug;

use attach::{Subscriber, Ue};
use s1_setup::Enb;
use selection::Selection;

/// What the operator asks of an MME.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)] // A reload is rare.
pub enum Command {
    /// Take this configuration, for UEs that attach from now on.
    Reload(Config),
    /// Detach this subscriber; it is not to attach again.
    Detach(Imsi),
    /// Delete all sessions. [`Mme::is_drained`] says when that is done.
    Shutdown,
}

/// What an MME tells the outside world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A subscriber is attached.
    Attached {
        /// Who.
        imsi: Imsi,
    },
    /// A subscriber is attached no more.
    Detached {
        /// Who.
        imsi: Imsi,
    },
}

/// An MME with any number of eNBs, S-GWs and P-GWs.
#[derive(Debug)]
pub struct Mme {
    config: Config,
    plmn: Plmn,
    boot: Boot,
    metrics: Metrics,
    out: Outputs<Event>,
    timers: Timers<Timer>,
    gtpc: gtpc::Endpoint<Pending>,
    sgws: Selection,
    pgws: Selection,
    /// S1AP messages whose outcome has not come.
    asked: Requests<Asked, ()>,
    /// Requests of eNBs that were answered, while a repeat may come.
    answers: Answers<Answered>,
    enbs: HashMap<SocketAddr, Enb>,
    /// How often an eNB was accepted; tells its associations apart.
    associations: u64,
    ues: FxHashMap<UeId, Ue>,
    subscribers: HashMap<Imsi, Subscriber>,
    teids: TeidAllocator,
    /// Work on many UEs at once, done a few at a time.
    backlog: detach::Backlog,
    /// Answers to eNBs that have not set up S1.
    strangers: RateLimit,
    /// As long may an answer to the present datagram be, if a stranger sent it.
    answer_limit: Option<usize>,
    stopping: bool,
}

/// So many datagrams of a stranger are answered in a second.
const STRANGERS_A_SECOND: u32 = 100;

/// A UE: its number on S1 and its TEID on S11.
type UeId = Teid;

/// What is attached to a request on S11.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pending {
    Create(UeId, Gateways),
    Modify(UeId),
    Delete(UeId),
}

/// The gateways that are asked for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gateways {
    sgw: IpAddr,
    pgw: IpAddr,
}

/// An S1AP message of ours that awaits an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Asked {
    /// Initial Context Setup Request: until the eNB and the UE have answered.
    Context(UeId),
    /// Detach Request of the network.
    Detach(UeId),
    /// UE Context Release Command.
    Release(UeId),
    Reset(SocketAddr),
}

/// A request of an eNB's that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Answered {
    /// The first message of a UE, of an association of its eNB.
    Initial(u64, EnbUeS1apId),
    Reset(SocketAddr, Vec<u8>),
}

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timer {
    /// The eNBs had their time to answer a Reset at the end.
    Resets,
    Silence {
        enb: SocketAddr,
        association: u64,
    },
}

/// As many answers to eNBs are kept.
const ANSWERS: usize = 1_048_576;

impl Mme {
    /// An MME that has said nothing yet. The first timeout is due at once.
    pub fn new(config: Config, boot: Boot, now: Instant) -> Mme {
        let repetition = repetition(&config);
        let mut mme = Mme {
            plmn: config.plmn(),
            metrics: Metrics::default(),
            out: Outputs::default(),
            timers: Timers::new(),
            gtpc: gtpc::Endpoint::new(&config.gtp_c, boot.restart_counter),
            sgws: Selection::new(&config.sgw_s11_ip),
            pgws: Selection::new(&config.pgw_s5c_ip),
            asked: Requests::new(repetition, usize::MAX),
            answers: Answers::new(repetition.span(), ANSWERS),
            enbs: HashMap::new(),
            associations: 0,
            ues: FxHashMap::default(),
            subscribers: HashMap::new(),
            teids: TeidAllocator::new(boot.control_teid_key),
            backlog: detach::Backlog::default(),
            strangers: RateLimit::new(STRANGERS_A_SECOND),
            answer_limit: None,
            stopping: false,
            config,
            boot,
        };
        mme.watch_gateways(now);
        mme
    }

    /// Registers what it counts.
    pub fn register(&self, registry: &mut Registry) {
        self.gtpc.metrics.register("mme", registry);
        self.metrics.register(registry);
    }

    /// What it counts beside its messages.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What is missing before it can serve; nothing when it is ready.
    pub fn readiness(&self) -> Vec<String> {
        let is_up = |sgw: &IpAddr| self.gtpc.paths().is_up(&(Interface::S11, *sgw));
        let silent: Vec<IpAddr> = self.sgws.addresses().filter(|sgw| !is_up(sgw)).collect();
        if silent.len() < self.sgws.addresses().count() {
            return Vec::new();
        }
        let line = |sgw: IpAddr| format!("S-GW {sgw} does not answer");
        silent.into_iter().map(line).collect()
    }

    /// Whether a shutdown is complete.
    pub fn is_drained(&self) -> bool {
        self.stopping && self.ues.is_empty() && self.asked.is_empty()
    }

    /// What it holds.
    pub fn holdings(&self) -> Holdings {
        let (requests, answers) = self.gtpc.transactions();
        Holdings {
            sessions: self.ues.len(),
            user_teids: 0,
            control_teids: self.teids.in_use(),
            addresses: 0,
            requests: requests + self.asked.len(),
            answers: answers + self.answers.len(),
            others: self.subscribers.len(),
        }
    }

    /// Sends a message to an eNB.
    fn send(&mut self, enb: SocketAddr, message: impl Into<Message>) {
        let message = message.into();
        self.send_octets(enb, message.name(), message.encode());
    }

    fn send_octets(&mut self, enb: SocketAddr, name: &'static str, datagram: Vec<u8>) {
        if self.answer_limit.is_some_and(|limit| datagram.len() > limit) {
            return self.gtpc.metrics.discarded("answer withheld");
        }
        self.gtpc.metrics.sent(enb.ip(), name);
        self.out.transmit(Transmit {
            on: Interface::S1Mme,
            to: enb,
            datagram,
        });
    }

    /// Sends a message to an eNB, and again until its outcome comes.
    fn ask(&mut self, asked: Asked, enb: SocketAddr, message: impl Into<Message>, now: Instant) {
        let message = message.into();
        let (name, datagram) = (message.name(), message.encode());
        let transmit = Transmit {
            on: Interface::S1Mme,
            to: enb,
            datagram: datagram.clone(),
        };
        self.asked.sent(asked, transmit, (), now);
        self.send_octets(enb, name, datagram);
    }

    /// A datagram of an eNB's. The answer to one that has not set up S1 is not longer than what it sent, and it is not
    /// answered as often as it likes: the address may be forged.
    fn receive(&mut self, enb: SocketAddr, datagram: &[u8], now: Instant) {
        if !allows(&self.config.enb_networks, enb.ip()) {
            debug!(%enb, "S1AP from a stranger");
            return self.gtpc.metrics.discarded("stranger");
        }
        if !self.enbs.contains_key(&enb) {
            self.answer_limit = Some(if self.strangers.allows(enb.ip(), now) {
                datagram.len()
            } else {
                0
            });
        }
        self.receive_s1ap(enb, datagram, now);
        self.answer_limit = None;
    }

    fn receive_s1ap(&mut self, enb: SocketAddr, datagram: &[u8], now: Instant) {
        let message = match s1ap::decode_reporting(datagram) {
            Ok((message, notify)) => {
                if let Some(notify) = notify {
                    self.send(enb, notify);
                }
                message
            }
            Err(error) => {
                debug!(%enb, %error, "message cannot be read");
                self.gtpc.metrics.discarded("cannot be read");
                if let Some(answer) = error.answer() {
                    self.send(enb, answer);
                }
                return;
            }
        };
        self.gtpc.metrics.received(enb.ip(), message.name());
        self.heard(enb, now);
        match message {
            Message::S1SetupRequest(request) => self.s1_setup(enb, &request, datagram, now),
            Message::EnbConfigurationUpdate(_) => self.probed(enb),
            Message::MmeConfigurationUpdateAcknowledge(_) => {}
            // It has started again and has not set up S1 yet: it will.
            Message::MmeConfigurationUpdateFailure(_) => {}
            Message::Reset(reset) => self.reset(enb, &reset, datagram, now),
            Message::ResetAcknowledge(_) => {
                self.asked.answered(&Asked::Reset(enb));
            }
            Message::ErrorIndication(indication) => self.error_indication(enb, &indication, now),
            Message::InitialUeMessage(message) => self.initial_ue_message(enb, &message, now),
            Message::UplinkNasTransport(transport) => self.uplink_nas(enb, &transport, now),
            Message::InitialContextSetupResponse(response) => self.context_set_up(enb, &response, now),
            Message::InitialContextSetupFailure(failure) => self.context_refused(enb, &failure, now),
            Message::UeContextReleaseRequest(request) => self.release_request(enb, &request, now),
            Message::UeContextReleaseComplete(complete) => self.release_complete(enb, &complete, now),
            // What was sent for the UE is repeated until it is answered, or in vain.
            Message::NasNonDeliveryIndication(_) => {}
            // One bearer a UE, and no handover.
            Message::ErabSetupResponse(_)
            | Message::ErabReleaseResponse(_)
            | Message::ErabReleaseIndication(_)
            | Message::PathSwitchRequest(_) => self.not_in_this_state(enb, &message),
            // What only MMEs send.
            Message::S1SetupResponse(_)
            | Message::S1SetupFailure(_)
            | Message::EnbConfigurationUpdateAcknowledge(_)
            | Message::EnbConfigurationUpdateFailure(_)
            | Message::MmeConfigurationUpdate(_)
            | Message::DownlinkNasTransport(_)
            | Message::InitialContextSetupRequest(_)
            | Message::ErabSetupRequest(_)
            | Message::ErabReleaseCommand(_)
            | Message::UeContextReleaseCommand(_)
            | Message::Paging(_)
            | Message::PathSwitchRequestAcknowledge(_)
            | Message::PathSwitchRequestFailure(_) => self.not_in_this_state(enb, &message),
            Message::Other(other) => {
                self.gtpc.metrics.discarded("message type not served");
                if let Some(indication) = other.not_supported() {
                    self.send(enb, indication);
                }
            }
        }
    }

    /// A message that makes no sense here and now, TS 36.413 §10.4.
    fn not_in_this_state(&mut self, enb: SocketAddr, message: &Message) {
        debug!(%enb, message = message.name(), "message does not fit the state");
        self.gtpc.metrics.discarded("wrong state");
        if message.kind() == s1ap::PduKind::InitiatingMessage {
            let ids = (message.mme_ue_s1ap_id(), message.enb_ue_s1ap_id());
            self.indicate_error(enb, ids, Cause::MESSAGE_NOT_COMPATIBLE_WITH_RECEIVER_STATE);
        }
    }

    fn indicate_error(
        &mut self,
        enb: SocketAddr,
        ids: (Option<MmeUeS1apId>, Option<EnbUeS1apId>),
        cause: Cause,
    ) {
        self.send(
            enb,
            ErrorIndication {
                mme_ue_s1ap_id: ids.0,
                enb_ue_s1ap_id: ids.1,
                cause: Some(cause),
                criticality_diagnostics: None,
            },
        );
    }

    /// The UE that an eNB's message is about; an eNB that names another one's, or none, is told so.
    fn ue_of(&mut self, enb: SocketAddr, mme_id: MmeUeS1apId, enb_id: EnbUeS1apId) -> Option<UeId> {
        let id = Teid(mme_id.0);
        let cause = match self.ues.get(&id) {
            Some(ue) if ue.enb == enb && ue.enb_id == enb_id => return Some(id),
            Some(_) => Cause::UNKNOWN_PAIR_UE_S1AP_ID,
            None => Cause::UNKNOWN_MME_UE_S1AP_ID,
        };
        debug!(%enb, ue = %mme_id, %cause, "message for a UE that is not here");
        self.gtpc.metrics.discarded("unknown UE");
        self.indicate_error(enb, (Some(mme_id), Some(enb_id)), cause);
        None
    }

    fn gateway_incoming(&mut self, now: Instant) {
        while let Some(incoming) = self.gtpc.pop() {
            match incoming {
                Incoming::Request { asked, message } => self.gateway_request(&asked, message, now),
                Incoming::Faulty { asked, error } => self.gateway_faulty(&asked, &error, now),
                Incoming::Response {
                    from,
                    message,
                    continuation,
                    ..
                } => {
                    self.gateway_response(from, message, continuation, now);
                }
                Incoming::NoResponse { continuation, .. } => self.gateway_silent(continuation, now),
                // The S-GW ends by itself a session that is not taken into use.
                Incoming::Late { .. } => {}
                Incoming::Path { path, change } => self.gateway_path(path, change, now),
            }
        }
    }
}

impl Node for Mme {
    type Command = Command;
    type Event = Event;

    fn handle_datagram(&mut self, on: Interface, from: SocketAddr, datagram: &[u8], now: Instant) {
        match on {
            Interface::S1Mme => self.receive(from, datagram, now),
            Interface::S11 => self.receive_gtp(from, datagram, now),
            Interface::S5c | Interface::S1u | Interface::S5u => {
                self.gtpc.metrics.discarded("no such interface")
            }
        }
        self.gateway_incoming(now);
        self.work_off(now);
    }

    fn handle_command(&mut self, command: Command, now: Instant) {
        match command {
            Command::Reload(config) => self.reload(config, now),
            Command::Detach(imsi) => self.operator_detach(&imsi, now),
            Command::Shutdown => self.shutdown(now),
        }
        self.work_off(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.answers.expire(now);
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Resets => {
                    self.asked.abandon(|asked, ()| matches!(asked, Asked::Reset(_)));
                }
                Timer::Silence { enb, association } => self.silence_due(enb, association, now),
            }
        }
        while let Some(expiry) = self.asked.expired(now) {
            match expiry {
                Expiry::Repeat(Transmit { to, datagram, .. }) => {
                    self.gtpc.metrics.repeated();
                    self.send_octets(to, name(&datagram), datagram);
                }
                Expiry::GaveUp { key, .. } => self.unanswered(key, now),
            }
        }
        self.gtpc.timeout(now, &mut self.out);
        self.gateway_incoming(now);
        self.work_off(now);
    }

    fn poll_output(&mut self) -> Option<Output<Event>> {
        self.out.pop()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [
            self.timers.next(),
            self.asked.poll_timeout(),
            self.gtpc.poll_timeout(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

/// The name of an S1AP message of ours.
fn name(datagram: &[u8]) -> &'static str {
    Pdu::decode(datagram)
        .ok()
        .and_then(|pdu| pdu.message_name())
        .unwrap_or("unknown")
}

/// How S1AP messages are repeated.
fn repetition(config: &Config) -> Repetition {
    Repetition {
        t3_response: config.s1ap.retry_interval,
        n3_requests: config.s1ap.max_attempts,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use epc_codec::Ebi;
    use epc_codec::gtpv2c::{DeleteBearerRequest, DownlinkDataNotification, Message as Gtp, Sequence};
    use epc_node::Interface;

    use super::*;
    use crate::testing::*;

    #[test]
    fn datagrams_of_any_content_leave_an_mme_that_serves() {
        let mut lab = Lab::up("");
        let session = lab.attach(1);
        let s1ap = |message: Message| message.encode();
        let delete = DeleteBearerRequest {
            linked_ebi: Some(Ebi(5)),
            ..DeleteBearerRequest::new()
        };
        let gtp = |message: Gtp| message.encode(Some(session.teid()), Sequence(99));
        let datagrams = [
            (Interface::S1Mme, s1ap(s1_setup("1-1").into())),
            (Interface::S1Mme, s1ap(initial(2, 2).into())),
            (Interface::S1Mme, s1ap(context_response(1, session.mme_id).into())),
            (Interface::S1Mme, s1ap(attach_complete(1, session.mme_id).into())),
            (Interface::S1Mme, s1ap(detach_request(session, false).into())),
            (Interface::S1Mme, s1ap(release_complete(session).into())),
            (Interface::S11, gtp(lab.created(session.teid()).into())),
            (Interface::S11, gtp(delete.into())),
            (Interface::S11, gtp(DownlinkDataNotification::new().into())),
        ];
        for (seed, (on, datagram)) in datagrams.iter().enumerate() {
            for variant in mutations(datagram, seed as u64 + 1, 3_000) {
                for from in [ENB, SGW] {
                    lab.datagram(*on, from, &variant);
                }
            }
        }
        // What was begun is brought to its end, whatever it was.
        lab.advance(Duration::from_secs(600));
        lab.enb(s1_setup("2-1"));
        let out = lab.advance(Duration::from_secs(600));
        lab.sgw_answers_all(&out);
        lab.advance(Duration::from_secs(60));
        assert_eq!(lab.mme.ues.len(), 0, "{:?}", lab.mme.ues);
        assert_eq!((lab.mme.teids.in_use(), lab.mme.subscribers.len()), (0, 0));
        lab.enb(s1_setup("3-1"));
        lab.attach(1);
    }

    #[test]
    fn malformed_messages_of_the_collection_leave_an_mme_that_serves() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../shared/vectors/malformed.jsonl"
        );
        let Ok(text) = std::fs::read_to_string(path) else {
            return eprintln!("skipped: {path} is not there");
        };
        let mut lab = Lab::up("");
        lab.attach(1);
        for datagram in text.lines().filter_map(hex_of) {
            for on in [Interface::S1Mme, Interface::S11, Interface::S1u] {
                lab.datagram(on, ENB, &datagram);
                lab.datagram(on, SGW, &datagram);
            }
        }
        // Some tell restart counters that are not the S-GW's: it is asked, and says so.
        let out = lab.advance(Duration::from_secs(61));
        lab.sgw_answers_all(&out);
        lab.enb(s1_setup("3-1"));
        lab.attach(7);
    }

    fn hex_of(line: &str) -> Option<Vec<u8>> {
        let hex = line.split("\"hex\":").nth(1)?.split('"').nth(1)?;
        (0..hex.len() / 2)
            .map(|i| u8::from_str_radix(hex.get(2 * i..2 * i + 2)?, 16).ok())
            .collect()
    }
}
