//! The brain of an eNB: no I/O.
//!
//! ```text
//!                      ┌──────────── Enb ────────────┐
//! MME   <── S1-MME ──> │ s1_setup   the interface    │
//!                      │ attach     a UE comes       │ ──> Rule   tunnels, before the MME hears of them
//!                      │ detach     a UE goes        │ ──> Event  SessionUp, SessionDown
//! S-GW  <── S1-U ────> │ tunnels    Echo, errors     │
//!                      │ reload     SIGHUP, SIGTERM  │
//!                      └─────────────────────────────┘
//! ```
//!
//! The eNB speaks for its UEs: there is no radio. Each configured subscriber attaches, and attaches again whenever its
//! session is lost, until the configuration no longer names it or the network says that it is not wanted.

#![cfg_attr(test, allow(clippy::disallowed_methods))]

mod attach;
pub mod config;
mod detach;
mod metrics;
mod nas;
mod reload;
mod s1_setup;
mod tunnels;

#[cfg(test)]
mod testing;

pub use config::{Config, Subscriber};
pub use metrics::Metrics;

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use epc_codec::s1ap::{
    self, Cause, Ecgi, EnbUeS1apId, ErrorIndication, InitialUeMessage, Message, MmeUeS1apId, Pdu, Tai,
};
use epc_codec::{Imsi, Plmn, Teid};
use epc_node::transactions::{Answers, Expiry, Repetition, Requests, Transmit};
use epc_node::{Boot, Holdings, Interface, Node, Output, Outputs, TeidAllocator, Timers, UeAddress, gtpu};
use prometheus_client::registry::Registry;
use rustc_hash::FxHashMap;
use tracing::debug;

use attach::{Subscription, Ue};
use s1_setup::S1;

/// What the operator asks of an eNB.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)] // A reload is rare.
pub enum Command {
    /// Take this configuration: attach who is new, detach who is gone, attach again who changed or wants it.
    Reload(Config),
    /// The same configuration, with the addresses where others are now.
    Follow(Config),
    /// Detach everybody. [`Enb::is_drained`] says when that is done.
    Shutdown,
}

/// What an eNB tells the outside world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A subscriber has an address: its packets can flow from now on.
    SessionUp {
        /// Who.
        subscriber: Arc<Subscriber>,
        /// The address that the P-GW gave it.
        ue: UeAddress,
        /// The most octets a packet of its may have, if the P-GW says so.
        mtu: Option<u16>,
        /// The DNS servers that the P-GW names.
        dns: Vec<IpAddr>,
    },
    /// A subscriber has its address no more.
    SessionDown {
        /// Who.
        subscriber: Arc<Subscriber>,
        /// The address.
        ue: UeAddress,
    },
}

/// An eNB with one cell and one MME.
#[derive(Debug)]
pub struct Enb {
    config: Config,
    boot: Boot,
    plmn: Plmn,
    metrics: Metrics,
    out: Outputs<Event>,
    timers: Timers<Timer>,
    /// S1AP messages whose outcome has not come.
    asked: Requests<Asked, ()>,
    /// Likewise the first messages of UEs, which take as long as the network takes.
    attaches: Requests<EnbUeS1apId, ()>,
    /// Answers to the MME's requests, while a repeat may come.
    answers: Answers<Answered>,
    gtpu: gtpu::Endpoint,
    s1: S1,
    subscriptions: HashMap<Imsi, Subscription>,
    /// Those who attach next.
    waiting: VecDeque<Imsi>,
    attaching: u32,
    ues: FxHashMap<EnbUeS1apId, Ue>,
    next_ue: u32,
    /// Whose address it is. The one who got it last, should the network give it to two.
    owners: FxHashMap<IpAddr, EnbUeS1apId>,
    /// Whose uplink tunnel it is, by the S-GW's address and TEID.
    uplinks: FxHashMap<(IpAddr, Teid), EnbUeS1apId>,
    teids: TeidAllocator,
    stopping: bool,
}

/// An S1AP message of ours that awaits an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Asked {
    S1Setup,
    Reset,
    /// A Detach Request or a UE Context Release Request: one at a time.
    Ue(EnbUeS1apId),
}

/// A request of the MME's that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Answered {
    Release(MmeUeS1apId),
    Reset(Vec<u8>),
}

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timer {
    S1Setup { number: u32 },
    Silence { number: u32 },
    Retry { imsi: Imsi, number: u32 },
    Release { ue: EnbUeS1apId },
}

/// As many UEs at the most, so many answers kept; the MME may have half of them.
const ANSWERS: usize = 131_072;

impl Enb {
    /// An eNB that has said nothing yet. The first timeout is due at once.
    pub fn new(config: Config, boot: Boot, now: Instant) -> Enb {
        let repetition = repetition(&config);
        let mut enb = Enb {
            plmn: config.plmn(),
            metrics: Metrics::default(),
            out: Outputs::default(),
            timers: Timers::new(),
            asked: Requests::new(repetition, usize::MAX),
            attaches: Requests::new(attach_repetition(&config), usize::MAX),
            answers: Answers::new(repetition.span(), ANSWERS),
            gtpu: gtpu::Endpoint::new(
                &config.gtp_u,
                vec![(Interface::S1u, config.local_addresses.s1u_ip)],
            ),
            s1: S1::new(&config, now),
            subscriptions: HashMap::new(),
            waiting: VecDeque::new(),
            attaching: 0,
            ues: FxHashMap::default(),
            // Another range each time that the eNB starts: what comes late for a former UE is not taken for a new one's.
            next_ue: incarnation(&boot),
            owners: FxHashMap::default(),
            uplinks: FxHashMap::default(),
            teids: TeidAllocator::new(boot.user_teid_key),
            stopping: false,
            config,
            boot,
        };
        enb.subscribe();
        enb.timers.set(
            now,
            Timer::S1Setup {
                number: enb.s1.setups,
            },
        );
        enb
    }

    /// Registers what it counts.
    pub fn register(&self, registry: &mut Registry) {
        self.metrics.register(registry);
    }

    /// What it counts.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What is missing before it can serve; nothing when it is ready.
    pub fn readiness(&self) -> Vec<String> {
        let mut missing = Vec::new();
        if !self.s1.is_up() {
            missing.push(format!("MME {} does not answer", self.config.mme_addr));
        }
        for sgw in self.gtpu.silent(Interface::S1u) {
            missing.push(format!("S-GW {sgw} does not answer on S1-U"));
        }
        missing
    }

    /// Whether a shutdown is complete.
    pub fn is_drained(&self) -> bool {
        self.stopping && self.ues.is_empty() && !self.asked.contains(&Asked::Reset)
    }

    /// What it holds.
    pub fn holdings(&self) -> Holdings {
        Holdings {
            sessions: self.ues.len(),
            user_teids: self.teids.in_use(),
            control_teids: 0,
            addresses: self.owners.len(),
            requests: self.asked.len() + self.attaches.len(),
            answers: self.answers.len(),
            others: self.uplinks.len(),
        }
    }

    /// Sends a message to the MME.
    fn send(&mut self, message: impl Into<Message>) {
        let message = message.into();
        self.send_octets(message.name(), message.encode());
    }

    fn send_octets(&mut self, name: &'static str, datagram: Vec<u8>) {
        let to = self.config.mme_addr;
        self.metrics.signalling.sent(to.ip(), name);
        self.out.transmit(Transmit {
            on: Interface::S1Mme,
            to,
            datagram,
        });
    }

    /// Sends the first message of a UE, and again until the network says what comes of it.
    fn ask_to_attach(&mut self, ue: EnbUeS1apId, message: InitialUeMessage, now: Instant) {
        let message = Message::from(message);
        let (name, datagram) = (message.name(), message.encode());
        let transmit = self.to_mme(datagram.clone());
        self.attaches.sent(ue, transmit, (), now);
        self.send_octets(name, datagram);
    }

    fn to_mme(&self, datagram: Vec<u8>) -> Transmit {
        Transmit {
            on: Interface::S1Mme,
            to: self.config.mme_addr,
            datagram,
        }
    }

    /// Sends a message to the MME, and again until its outcome comes. What was asked under the same key is not repeated
    /// any more.
    fn ask(&mut self, asked: Asked, message: impl Into<Message>, now: Instant) {
        let message = message.into();
        let (name, datagram) = (message.name(), message.encode());
        let transmit = Transmit {
            on: Interface::S1Mme,
            to: self.config.mme_addr,
            datagram: datagram.clone(),
        };
        self.asked.sent(asked, transmit, (), now);
        self.send_octets(name, datagram);
    }

    fn tai(&self) -> Tai {
        Tai {
            plmn: self.plmn,
            tac: self.config.tai,
        }
    }

    fn ecgi(&self) -> Ecgi {
        Ecgi {
            plmn: self.plmn,
            eci: self.config.cell(),
        }
    }

    /// A message of the MME's.
    fn receive(&mut self, from: SocketAddr, datagram: &[u8], now: Instant) {
        if from.ip() != self.config.mme_addr.ip() {
            debug!(%from, "S1AP from a stranger");
            return self.metrics.signalling.discarded("stranger");
        }
        let message = match s1ap::decode_reporting(datagram) {
            Ok((message, notify)) => {
                if let Some(notify) = notify {
                    self.send(notify);
                }
                message
            }
            Err(error) => {
                debug!(%from, %error, "message cannot be read");
                self.metrics.signalling.discarded("cannot be read");
                if let Some(answer) = error.answer() {
                    self.send(answer);
                }
                return;
            }
        };
        self.metrics.signalling.received(from.ip(), message.name());
        self.heard(now);
        match message {
            Message::S1SetupResponse(response) => self.s1_setup_response(&response, now),
            Message::S1SetupFailure(failure) => self.s1_setup_failure(&failure, now),
            Message::EnbConfigurationUpdateAcknowledge(_) => {}
            Message::EnbConfigurationUpdateFailure(failure) => self.probe_failed(failure.cause, now),
            Message::MmeConfigurationUpdate(_) => self.probed(),
            Message::Reset(reset) => self.reset(&reset, datagram, now),
            Message::ResetAcknowledge(_) => {
                self.asked.answered(&Asked::Reset);
            }
            Message::InitialContextSetupRequest(request) => self.initial_context_setup(request, now),
            Message::DownlinkNasTransport(transport) => self.downlink_nas(&transport, now),
            Message::UeContextReleaseCommand(command) => self.release_command(&command, now),
            Message::ErrorIndication(indication) => self.error_indication(&indication, now),
            // One bearer a UE, and no idle UEs: nothing of these is asked of this eNB by an MME that knows it.
            Message::ErabSetupRequest(_)
            | Message::ErabReleaseCommand(_)
            | Message::Paging(_)
            | Message::PathSwitchRequestAcknowledge(_)
            | Message::PathSwitchRequestFailure(_) => self.not_in_this_state(&message),
            // What only eNBs send.
            Message::S1SetupRequest(_)
            | Message::EnbConfigurationUpdate(_)
            | Message::MmeConfigurationUpdateAcknowledge(_)
            | Message::MmeConfigurationUpdateFailure(_)
            | Message::InitialUeMessage(_)
            | Message::UplinkNasTransport(_)
            | Message::NasNonDeliveryIndication(_)
            | Message::InitialContextSetupResponse(_)
            | Message::InitialContextSetupFailure(_)
            | Message::ErabSetupResponse(_)
            | Message::ErabReleaseResponse(_)
            | Message::ErabReleaseIndication(_)
            | Message::UeContextReleaseRequest(_)
            | Message::UeContextReleaseComplete(_)
            | Message::PathSwitchRequest(_) => self.not_in_this_state(&message),
            Message::Other(other) => {
                self.metrics.signalling.discarded("message type not served");
                if let Some(indication) = other.not_supported() {
                    self.send(indication);
                }
            }
        }
    }

    /// A message that makes no sense here and now, TS 36.413 §10.4.
    fn not_in_this_state(&mut self, message: &Message) {
        debug!(message = message.name(), "message does not fit the state");
        self.metrics.signalling.discarded("wrong state");
        if message.kind() != s1ap::PduKind::InitiatingMessage {
            return;
        }
        self.send(ErrorIndication {
            mme_ue_s1ap_id: message.mme_ue_s1ap_id(),
            enb_ue_s1ap_id: message.enb_ue_s1ap_id(),
            cause: Some(Cause::MESSAGE_NOT_COMPATIBLE_WITH_RECEIVER_STATE),
            criticality_diagnostics: None,
        });
    }
}

impl Node for Enb {
    type Command = Command;
    type Event = Event;

    fn handle_datagram(&mut self, on: Interface, from: SocketAddr, datagram: &[u8], now: Instant) {
        match on {
            Interface::S1Mme => {
                self.receive(from, datagram, now);
                self.attach_waiting(now);
            }
            Interface::S1u => self.user_plane_signalling(from, datagram, now),
            Interface::S11 | Interface::S5c | Interface::S5u => {
                self.metrics.signalling.discarded("no such interface")
            }
        }
    }

    fn handle_command(&mut self, command: Command, now: Instant) {
        match command {
            Command::Reload(config) => self.reload(config, now),
            Command::Follow(config) => self.follow(config, now),
            Command::Shutdown => self.shutdown(now),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.answers.expire(now);
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::S1Setup { number } => self.s1_setup_due(number, now),
                Timer::Silence { number } => self.silence_due(number, now),
                Timer::Retry { imsi, number } => self.retry_due(imsi, number),
                Timer::Release { ue } => self.release_due(ue, now),
            }
        }
        while let Some(expiry) = self.asked.expired(now) {
            match expiry {
                Expiry::Repeat(Transmit { datagram, .. }) => {
                    self.metrics.signalling.repeated();
                    self.send_octets(name(&datagram), datagram);
                }
                Expiry::GaveUp {
                    key: Asked::S1Setup, ..
                } => self.s1_setup_unanswered(now),
                Expiry::GaveUp {
                    key: Asked::Reset, ..
                } => debug!("Reset has no answer"),
                Expiry::GaveUp {
                    key: Asked::Ue(ue), ..
                } => self.ue_unanswered(ue, now),
            }
        }
        while let Some(expiry) = self.attaches.expired(now) {
            match expiry {
                Expiry::Repeat(Transmit { datagram, .. }) => {
                    self.metrics.signalling.repeated();
                    self.send_octets("InitialUEMessage", datagram);
                }
                Expiry::GaveUp { key, .. } => self.ue_unanswered(key, now),
            }
        }
        self.gtpu
            .timeout(now, &mut self.metrics.signalling, &mut self.out);
        self.user_plane_incoming(now);
        self.attach_waiting(now);
    }

    fn poll_output(&mut self) -> Option<Output<Event>> {
        self.out.pop()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [
            self.timers.next(),
            self.asked.poll_timeout(),
            self.attaches.poll_timeout(),
            self.gtpu.poll_timeout(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

/// A number of this start of the eNB, 22 bits: the restart counter alone may be the same for two starts in a row where
/// it is not kept on a disk.
fn incarnation(boot: &Boot) -> u32 {
    boot.control_teid_key.index(Teid(u32::from(boot.restart_counter)))
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

/// How first messages of UEs are repeated.
fn attach_repetition(config: &Config) -> Repetition {
    let interval = config.s1ap.retry_interval;
    let times = config.attach.timeout.div_duration_f64(interval).ceil();
    Repetition {
        t3_response: interval,
        n3_requests: times as u32,
    }
}

/// A time that doubles with each failure in a row, up to a bound.
fn backoff(first: Duration, failures: u32, most: Duration) -> Duration {
    first.saturating_mul(1 << failures.min(16)).min(most).max(first)
}

#[cfg(test)]
mod tests {
    use epc_codec::gtpv1u;
    use epc_codec::nas::NetworkDetachType;
    use epc_node::Interface;

    use super::*;
    use crate::testing::*;

    #[test]
    fn datagrams_of_any_content_leave_an_enb_whose_subscribers_attach() {
        let (mut lab, id) = Lab::attached();
        let s1ap = |message: Message| message.encode();
        let lost = gtpv1u::Message::from(gtpv1u::ErrorIndication::new(Teid(id.get()), sgw_ip()));
        let datagrams = [
            (Interface::S1Mme, MME, s1ap(s1_setup_response().into())),
            (Interface::S1Mme, MME, s1ap(context_request(id).into())),
            (
                Interface::S1Mme,
                MME,
                s1ap(network_detach(id, NetworkDetachType::RE_ATTACH_REQUIRED).into()),
            ),
            (Interface::S1Mme, MME, s1ap(attach_reject(id).into())),
            (Interface::S1Mme, MME, s1ap(release_command(id).into())),
            (Interface::S1u, SGW, lost.encode(&gtpv1u::Header::path(1))),
        ];
        for (seed, (on, from, datagram)) in datagrams.iter().enumerate() {
            for variant in mutations(datagram, seed as u64 + 1, 3_000) {
                lab.datagram(*on, from, &variant);
            }
        }
        // Whatever became of the UE: the MME starts again, and who is new attaches.
        lab.mme(s1ap::EnbConfigurationUpdateFailure {
            cause: Cause::MESSAGE_NOT_COMPATIBLE_WITH_RECEIVER_STATE,
            time_to_wait: None,
            criticality_diagnostics: None,
        });
        lab.mme(s1_setup_response());
        let out = lab.command(Command::Reload(config(&subscribers(2))));
        let id = *initial(&out).last().unwrap();
        assert!(names(&lab.mme(context_request(id))).contains(&"SessionUp"));
        assert!(lab.enb.ues.len() <= 2);
    }
}
