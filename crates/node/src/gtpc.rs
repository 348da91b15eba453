//! One node's end of GTPv2-C: reliable, and aware of its peers.
//!
//! ```text
//!               ┌────────── Endpoint ──────────┐
//! datagram ───> │ version, decoding, repeats,  │ ──> Incoming::Request   new, decoded
//!               │ Echo, restart counters       │ ──> Incoming::Response  with what was attached to its request
//! timeout  ───> │ T3-RESPONSE, N3-REQUESTS     │ ──> Incoming::NoResponse
//!               └──────────────────────────────┘ ──> Incoming::Path      up, down, restarted
//! ```
//!
//! It answers by itself what needs no session: Echo Request, other versions of GTP, repeated requests, and requests
//! that cannot be decoded. It speaks for the interfaces S11 and S5-C of a node alike.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Instant;

use epc_codec::gtpv2c::{
    self, Cause, CauseValue, CreateSessionRequest, EchoRequest, EchoResponse, Header, Ie, IeType, IeValue,
    Message, MessageType, OtherMessage, Packet, RestartCounter, Sequence, VersionNotSupportedIndication,
};
use epc_codec::{Error, Teid};
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Serialize};
use tracing::{debug, info, warn};

use crate::config::GtpC;
use crate::metrics::Signalling;
use crate::paths::{PathChange, PathId, Paths};
use crate::store::{Counting, Key, Kind, Records, Unreadable};
use crate::transactions::{Answers, Expiry, Repetition, Requests, Seen, Transmit};
use crate::{Interface, Outputs, RateLimit, WallClock};

/// As many of our requests may be outstanding, half of them at one peer.
const REQUESTS: usize = 131_072;
/// As many farewells, and requests that are asked on for: a node has no more sessions.
const PATIENT: usize = 4_194_304;
/// As many answers are kept for repeats, half of them of one peer.
const ANSWERS: usize = 2_097_152;
/// Answers a second to each peer that is not supervised: it has no session here.
const STRANGERS: u32 = 100;
/// The first bit of a sequence number is 1 in what a command triggered, TS 29.274 §7.6; ours count below it.
const SEQUENCES: u32 = 0x7f_ffff;

/// A request of ours: interface, peer, sequence number.
pub type RequestKey = (Interface, SocketAddr, u32);

/// A request of a peer's: the same, and a digest of its octets. A peer that started again may begin with the sequence
/// numbers that it used before; what it asks then is not a repeat. A third of a node's memory can be keys of this kind, hence
/// the one form for both families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct AnswerKey {
    on: Interface,
    ip: Ipv6Addr,
    port: u16,
    sequence: u32,
    digest: u64,
}

/// Something for the node to act on. `C` is what was attached to a request of the node's.
#[derive(Debug)]
pub enum Incoming<C> {
    /// A new request, to be answered with [`Endpoint::answer`] or [`Endpoint::refuse`].
    Request {
        /// How to answer it.
        asked: Asked,
        /// What is asked.
        message: Message,
    },
    /// A request that could not be decoded, and for which the specification names a cause.
    Faulty {
        /// How to answer it.
        asked: Asked,
        /// What is wrong with it.
        error: Error,
    },
    /// The response to a request, or why what came as one cannot be read.
    Response {
        /// Who answered.
        from: SocketAddr,
        /// The header of the response.
        header: Header,
        /// The response.
        message: Result<Message, Error>,
        /// What was attached to the request.
        continuation: C,
    },
    /// N3-REQUESTS transmissions were in vain.
    NoResponse {
        /// The request, for [`Endpoint::go_on`].
        unanswered: Unanswered,
        /// What was attached to the request.
        continuation: C,
    },
    /// A request that was given up, and gone on with, is over.
    Late {
        /// Which request.
        request: RequestKey,
        /// The answer, if one came.
        message: Option<Message>,
    },
    /// A peer came, went, or started again.
    Path {
        /// Which path.
        path: PathId,
        /// What became of it.
        change: PathChange,
    },
}

/// A request that waits for its answer: whose, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Where it came in.
    pub on: Interface,
    /// Who asks.
    pub from: SocketAddr,
    /// The header of the request.
    pub header: Header,
    digest: u64,
    /// How long the request is.
    octets: usize,
    /// Whether the answer to a repeat is made anew instead of kept: what cannot be decoded never can.
    stateless: bool,
}

impl Asked {
    fn key(&self) -> AnswerKey {
        let ip = match self.from.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        AnswerKey {
            on: self.on,
            ip,
            port: self.from.port(),
            sequence: self.header.sequence.0,
            digest: self.digest,
        }
    }

    /// The TEID in the header; 0 where there is none.
    pub fn teid(&self) -> Teid {
        self.header.teid.unwrap_or(Teid(0))
    }
}

/// A request that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    key: RequestKey,
    transmit: Transmit,
    outdated: bool,
}

/// What is attached to a request: all but the node's requests are the endpoint's own.
#[derive(Debug)]
enum Attached<C> {
    Echo(PathId),
    /// With the number of its record.
    Farewell(u64),
    /// Given up by the node, which wants to hear of an answer all the same. With the number of its record.
    GivenUp(u64),
    Node(C),
}

/// One node's end of GTPv2-C.
#[derive(Debug)]
pub struct Endpoint<C> {
    restart_counter: u8,
    /// What must arrive is repeated for so many times N3-REQUESTS: until the peer has given us up, if it is cut off.
    patience: u32,
    requests: Requests<RequestKey, Attached<C>>,
    answers: Answers<AnswerKey>,
    paths: Paths,
    sequences: Counting,
    /// What is kept of peers: the number of the record, and the restart counter in it.
    kept_peers: HashMap<PathId, (u64, u8)>,
    /// Peers whose record may have to change.
    peers_to_keep: Vec<PathId>,
    /// Farewells that nobody has to hear any more, by the numbers of their records.
    farewells_over: Vec<u64>,
    /// Answers that are kept, and until when.
    kept_answers: VecDeque<(Instant, u64)>,
    incoming: VecDeque<Incoming<C>>,
    strangers: RateLimit,
    /// The node's counters.
    pub metrics: Signalling,
}

impl<C> Endpoint<C> {
    /// An endpoint that has spoken with nobody yet.
    pub fn new(config: &GtpC, restart_counter: u8) -> Endpoint<C> {
        let repetition = Repetition {
            t3_response: config.t3_response,
            n3_requests: config.n3_requests,
        };
        Endpoint {
            restart_counter,
            patience: patience(config),
            requests: Requests::new(repetition, REQUESTS),
            answers: Answers::new(repetition.span(), ANSWERS),
            paths: Paths::new(config.echo_interval, config.path_failure),
            // Apart from where the last incarnation began, so that no late answer to it looks like one to us.
            sequences: Counting::new(Kind::Sequences, u32::from(restart_counter) << 15 | 1, SEQUENCES),
            kept_peers: HashMap::new(),
            peers_to_keep: Vec::new(),
            farewells_over: Vec::new(),
            kept_answers: VecDeque::new(),
            incoming: VecDeque::new(),
            strangers: RateLimit::new(STRANGERS),
            metrics: Signalling::default(),
        }
    }

    /// Goes on where an earlier incarnation was killed: peers are supervised and their restart counters known, answers are
    /// given again to who repeats a request, farewells are said on, and no sequence number comes twice.
    pub fn restore<E>(
        &mut self,
        records: &Records,
        now: Instant,
        out: &mut Outputs<E>,
    ) -> Result<(), Unreadable> {
        self.sequences.restore(records)?;
        for (
            number,
            KeptPeer {
                path,
                restart_counter,
            },
        ) in records.of(Kind::Peer)?
        {
            self.paths.restore(path, restart_counter, now);
            self.kept_peers.insert(path, (number, restart_counter));
        }
        for (number, KeptAnswer { key, datagram }) in records.of(Kind::Answer)? {
            self.answers.answered(key, key.ip.to_canonical(), datagram, now);
            self.kept_answers.push_back((now + self.answers.keep(), number));
        }
        for (number, kept) in records.of(Kind::Farewell)? {
            let KeptFarewell {
                key,
                datagram,
                given_up,
            } = kept;
            let attached = if given_up {
                Attached::GivenUp(number)
            } else {
                Attached::Farewell(number)
            };
            let (on, to, _) = key;
            let transmit = Transmit { on, to, datagram };
            self.metrics.sent(to.ip(), type_name(&transmit.datagram));
            out.transmit(transmit.clone());
            self.requests
                .sent_for_rounds(self.patience, key, transmit, attached, now);
        }
        Ok(())
    }

    /// Keeps what peers told of restarts. To be called at the end of each input, for what a restart of a peer brings is
    /// kept with it.
    pub fn keep_peers<E>(&mut self, out: &mut Outputs<E>) {
        for number in self.farewells_over.drain(..) {
            out.forget(Key::new(Kind::Farewell, number));
        }
        for path in std::mem::take(&mut self.peers_to_keep) {
            let told = self.paths.restart_counter(&path);
            let kept = self.kept_peers.get(&path).copied();
            match (kept, told) {
                (Some((_, kept)), Some(told)) if kept == told => {}
                (_, Some(restart_counter)) => {
                    let number = kept.map_or_else(|| out.next_record(), |(number, _)| number);
                    self.kept_peers.insert(path, (number, restart_counter));
                    out.keep(Key::new(Kind::Peer, number), || KeptPeer {
                        path,
                        restart_counter,
                    });
                }
                (Some((number, _)), None) => {
                    self.kept_peers.remove(&path);
                    out.forget(Key::new(Kind::Peer, number));
                }
                (None, None) => {}
            }
        }
    }

    /// Takes another timing, for requests that are sent from now on.
    pub fn reconfigure(&mut self, config: &GtpC) {
        let repetition = Repetition {
            t3_response: config.t3_response,
            n3_requests: config.n3_requests,
        };
        self.patience = patience(config);
        self.requests.reconfigure(repetition);
        self.answers.reconfigure(repetition.span());
        self.paths.reconfigure(config.echo_interval, config.path_failure);
    }

    /// The restart counter that the node tells.
    pub fn restart_counter(&self) -> u8 {
        self.restart_counter
    }

    /// The supervised paths.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Whether no request of ours waits for an answer, Echo Requests and what was given up aside.
    pub fn is_idle(&self) -> bool {
        !self
            .requests
            .any(|attached| matches!(attached, Attached::Farewell(_) | Attached::Node(_)))
    }

    /// How many requests of ours wait for an answer, Echo Requests aside, and how many answers of ours are kept.
    pub fn transactions(&self) -> (usize, usize) {
        let echoes = self
            .requests
            .count(|attached| matches!(attached, Attached::Echo(_)));
        (self.requests.len() - echoes, self.answers.len())
    }

    /// The next thing to act on. To be drained after [`Endpoint::receive`] and [`Endpoint::timeout`].
    pub fn pop(&mut self) -> Option<Incoming<C>> {
        self.incoming.pop_front()
    }

    /// A datagram came in.
    pub fn receive<E>(
        &mut self,
        on: Interface,
        from: SocketAddr,
        datagram: &[u8],
        now: Instant,
        out: &mut Outputs<E>,
    ) {
        match gtpv2c::decode(datagram) {
            Ok(packet) => self.packet(on, from, packet, datagram, now, out),
            Err(error) => self.faulty(on, from, error, datagram, now, out),
        }
    }

    /// Sends a request. What is attached comes back with its response; it comes back at once, as the error, when too
    /// many requests of this peer are outstanding.
    #[allow(clippy::too_many_arguments)]
    pub fn request<E>(
        &mut self,
        on: Interface,
        to: SocketAddr,
        teid: Teid,
        message: impl Into<Message>,
        attached: C,
        now: Instant,
        out: &mut Outputs<E>,
    ) -> Result<RequestKey, C> {
        if !self.requests.has_room(to.ip()) {
            self.metrics.discarded("too many requests to a peer");
            return Err(attached);
        }
        let attached = Attached::Node(attached);
        Ok(self.send_request(on, to, Some(teid), message.into(), attached, now, out))
    }

    /// Goes on with a request that was given up, so that an answer can be undone: repeats it, rarely, as long as a
    /// farewell. The end of it comes as [`Incoming::Late`]. `None` if it is not gone on with, for one because it was hushed.
    pub fn go_on<E>(
        &mut self,
        unanswered: Unanswered,
        now: Instant,
        out: &mut Outputs<E>,
    ) -> Option<RequestKey> {
        let Unanswered {
            key,
            transmit,
            outdated,
        } = unanswered;
        if outdated || self.requests.patient() >= PATIENT {
            return None;
        }
        let number = out.next_record();
        out.keep(Key::new(Kind::Farewell, number), || KeptFarewell {
            key,
            datagram: transmit.datagram.clone(),
            given_up: true,
        });
        self.requests
            .go_on(self.patience, key, transmit, Attached::GivenUp(number), now);
        Some(key)
    }

    /// Sends this request no more, for it is outdated; its answer may come all the same.
    pub fn hush(&mut self, request: &RequestKey) {
        self.requests.hush(request);
    }

    /// Tells a peer of the end of a session that is forgotten here. Nobody waits for the answer, but the peer must hear
    /// it, or it keeps a session that nobody knows: after N3-REQUESTS it is repeated, rarely, until the peer answers,
    /// restarts, or must have given us up as well.
    pub fn farewell<E>(
        &mut self,
        on: Interface,
        to: SocketAddr,
        teid: Teid,
        message: impl Into<Message>,
        now: Instant,
        out: &mut Outputs<E>,
    ) {
        if self.requests.patient() < PATIENT {
            let farewell = Attached::Farewell(out.next_record());
            self.send_request(on, to, Some(teid), message.into(), farewell, now, out);
        }
    }

    /// Answers a request. `teid` is the one that the peer gave out for this session, 0 if it is not known.
    ///
    /// The answer to a Create Session Request is kept in the session store: a repeat that comes after a restart must not
    /// make another session. Other requests may be done twice.
    pub fn answer<E>(
        &mut self,
        asked: &Asked,
        teid: Teid,
        message: impl Into<Message>,
        now: Instant,
        out: &mut Outputs<E>,
    ) {
        let message = message.into();
        let datagram = message.encode(Some(teid), asked.header.sequence);
        if message.message_type() == MessageType::CREATE_SESSION_RESPONSE && out.keeps_records() {
            let number = out.next_record();
            let key = asked.key();
            out.keep(Key::new(Kind::Answer, number), || KeptAnswer {
                key,
                datagram: datagram.clone(),
            });
            self.kept_answers.push_back((now + self.answers.keep(), number));
        }
        self.answers
            .answered(asked.key(), asked.from.ip(), &datagram, now);
        self.send_answer(asked, message.message_type(), datagram, now, out);
    }

    /// Refuses any request with a cause and the IE at fault, if there is one.
    pub fn refuse<E>(
        &mut self,
        asked: &Asked,
        teid: Teid,
        cause: CauseValue,
        offending: Option<(IeType, u8)>,
        now: Instant,
        out: &mut Outputs<E>,
    ) {
        let Some(answer) = asked.header.message_type.answer() else {
            return;
        };
        debug!(peer = %asked.from, request = %asked.header.message_type, %cause, "refused");
        self.metrics.refused(cause);
        let cause = match offending {
            Some((ie, instance)) => Cause::new(cause).with_offending(ie, instance),
            None => Cause::new(cause),
        };
        let datagram = refusal(answer, cause).encode(Some(teid), asked.header.sequence);
        if !asked.stateless {
            self.answers
                .answered(asked.key(), asked.from.ip(), &datagram, now);
        }
        self.send_answer(asked, answer, datagram, now, out);
    }

    /// Refuses a request that could not be decoded, TS 29.274 §7.7: the error names the cause and the IE.
    pub fn refuse_faulty<E>(
        &mut self,
        asked: &Asked,
        teid: Teid,
        error: &Error,
        now: Instant,
        out: &mut Outputs<E>,
    ) {
        if let Some(cause) = error.cause() {
            self.refuse(asked, teid, cause, error.offending(), now, out);
        }
    }

    /// Says nothing to a request, and remembers nothing of it: a repeat counts as new.
    pub fn ignore(&mut self, asked: &Asked) {
        self.answers.forget(&asked.key());
    }

    /// Does what is due.
    pub fn timeout<E>(&mut self, now: Instant, out: &mut Outputs<E>) {
        self.answers.expire(now);
        while let Some((_, number)) = self.kept_answers.front().filter(|(until, _)| *until <= now) {
            out.forget(Key::new(Kind::Answer, *number));
            self.kept_answers.pop_front();
        }
        while let Some(expiry) = self.requests.expired(now) {
            match expiry {
                Expiry::Repeat(transmit) => {
                    self.metrics.repeated();
                    self.metrics.sent(transmit.to.ip(), type_name(&transmit.datagram));
                    out.transmit(transmit);
                }
                Expiry::GaveUp {
                    continuation: Attached::Echo(path),
                    ..
                } => {
                    let change = self.paths.silent(&path, now);
                    self.path_changed(path, change);
                }
                Expiry::GaveUp {
                    continuation: Attached::Farewell(number),
                    ..
                } => out.forget(Key::new(Kind::Farewell, number)),
                Expiry::GaveUp {
                    key: request,
                    continuation: Attached::GivenUp(number),
                    ..
                } => {
                    out.forget(Key::new(Kind::Farewell, number));
                    let message = None;
                    self.incoming.push_back(Incoming::Late { request, message });
                }
                Expiry::GaveUp {
                    key,
                    transmit,
                    hushed,
                    continuation: Attached::Node(continuation),
                } => {
                    let unanswered = Unanswered {
                        key,
                        transmit,
                        outdated: hushed,
                    };
                    self.incoming.push_back(Incoming::NoResponse {
                        unanswered,
                        continuation,
                    });
                }
            }
        }
        while let Some(path) = self.paths.due(now) {
            let (on, peer) = path;
            let echo = EchoRequest::new(RestartCounter(self.restart_counter));
            let to = SocketAddr::new(peer, on.port());
            self.send_request(on, to, None, echo.into(), Attached::Echo(path), now, out);
        }
    }

    /// When [`Endpoint::timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.requests.poll_timeout(), self.paths.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Supervises a peer from now on, beginning with an Echo Request at the next timeout.
    pub fn watch(&mut self, path: PathId, now: Instant) {
        self.paths.watch(path, now);
    }

    /// A peer told its restart counter, or at least that it is alive; supervise it. A change is for the caller to act on
    /// before it goes on with what the peer said: what a restarted peer asks for is not among what it lost.
    pub fn heard(
        &mut self,
        path: PathId,
        restart_counter: Option<RestartCounter>,
        now: Instant,
    ) -> Option<PathChange> {
        if restart_counter.is_some() {
            self.paths.watch_later(path, now);
        } else {
            // Asked at once for its restart counter, or a restart would not show.
            self.paths.watch(path, now);
        }
        let change = self
            .paths
            .heard(&path, restart_counter.map(|counter| counter.0), now);
        self.peers_to_keep.push(path);
        let change = change?;
        self.changed(path, change);
        Some(change)
    }

    /// The same of a peer that is named in a message from `from`: its restart counter counts only if it is itself who tells
    /// it. Else it is supervised, as it has a session here, beginning after a period.
    pub fn heard_from(
        &mut self,
        from: IpAddr,
        path: PathId,
        restart_counter: Option<RestartCounter>,
        now: Instant,
    ) -> Option<PathChange> {
        if from == path.1 {
            return self.heard(path, restart_counter, now);
        }
        self.paths.watch_later(path, now);
        None
    }

    /// Supervises a peer no longer.
    pub fn forget(&mut self, path: &PathId) {
        self.paths.forget(path);
        self.peers_to_keep.push(*path);
        self.metrics.path(*path, None);
        self.requests
            .abandon(|_, attached| matches!(attached, Attached::Echo(echo) if echo == path));
    }

    fn packet<E>(
        &mut self,
        on: Interface,
        from: SocketAddr,
        packet: Packet,
        datagram: &[u8],
        now: Instant,
        out: &mut Outputs<E>,
    ) {
        let Packet {
            header,
            message,
            piggybacked,
        } = packet;
        self.metrics.received(from.ip(), name(header.message_type));
        let path = (on, from.ip());
        let answers_echo = matches!(message, Message::EchoResponse(_));
        let outdated = recovery(&message)
            .is_some_and(|counter| self.paths.is_outdated(&path, counter.0, answers_echo, now));
        // Who asks whether we are there is told in any case: its answer to our own question is what clears this up.
        if outdated && !matches!(message, Message::EchoRequest(_)) {
            return self.metrics.discarded("sent before the peer restarted");
        }
        self.paths.alive(&path);
        let asked = || Asked {
            on,
            from,
            header,
            digest: digest(datagram),
            octets: datagram.len(),
            stateless: false,
        };
        match message {
            Message::EchoRequest(echo) => self.echo_request(&asked(), &echo, outdated, now, out),
            Message::VersionNotSupportedIndication(_) => {
                debug!(peer = %from, "peer does not speak GTPv2-C");
                self.metrics.discarded("version not supported");
            }
            message if header.message_type.answer().is_some() => self.new_request(asked(), message, now, out),
            message => self.response(on, from, header, Ok(message), now, out),
        }
        if let Some(second) = piggybacked {
            self.packet(on, from, *second, datagram, now, out);
        }
    }

    fn echo_request<E>(
        &mut self,
        asked: &Asked,
        echo: &EchoRequest,
        outdated: bool,
        now: Instant,
        out: &mut Outputs<E>,
    ) {
        let path = (asked.on, asked.from.ip());
        if !outdated && self.paths.watches(&path) {
            let change = self.paths.heard(&path, Some(echo.recovery.0), now);
            self.peers_to_keep.push(path);
            self.path_changed(path, change);
        }
        let answer = EchoResponse::new(RestartCounter(self.restart_counter));
        let datagram = Message::from(answer).encode(None, asked.header.sequence);
        self.send_answer(asked, MessageType::ECHO_RESPONSE, datagram, now, out);
    }

    fn new_request<E>(&mut self, asked: Asked, message: Message, now: Instant, out: &mut Outputs<E>) {
        match self.answers.seen(asked.key(), asked.from.ip(), now) {
            Seen::New => self.incoming.push_back(Incoming::Request { asked, message }),
            Seen::InProgress => debug!(peer = %asked.from, "request repeated while it is worked on"),
            Seen::Answered(answer) => {
                let datagram = answer.to_vec();
                let message_type = asked.header.message_type;
                self.send_answer(
                    &asked,
                    message_type.answer().unwrap_or(message_type),
                    datagram,
                    now,
                    out,
                );
            }
            Seen::Full => {
                self.metrics.discarded("too many requests of a peer");
                let stateless = true;
                let asked = Asked { stateless, ..asked };
                let cause = CauseValue::NO_RESOURCES_AVAILABLE;
                self.refuse(&asked, Teid(0), cause, None, now, out);
            }
        }
    }

    fn response<E>(
        &mut self,
        on: Interface,
        from: SocketAddr,
        header: Header,
        message: Result<Message, Error>,
        now: Instant,
        out: &mut Outputs<E>,
    ) {
        let key = (on, from, header.sequence.0);
        match self.requests.answered(&key) {
            None => {
                debug!(peer = %from, response = %header.message_type, "response to nothing that was asked");
                self.metrics.discarded("unsolicited response");
            }
            Some(Attached::Echo(path)) => {
                let counter = match &message {
                    Ok(Message::EchoResponse(echo)) => Some(echo.recovery.0),
                    _ => None,
                };
                let change = self.paths.answered(&path, counter, now);
                self.peers_to_keep.push(path);
                self.path_changed(path, change);
            }
            Some(Attached::Farewell(number)) => out.forget(Key::new(Kind::Farewell, number)),
            Some(Attached::GivenUp(number)) => {
                out.forget(Key::new(Kind::Farewell, number));
                let (request, message) = (key, message.ok());
                self.incoming.push_back(Incoming::Late { request, message });
            }
            Some(Attached::Node(continuation)) => {
                self.incoming.push_back(Incoming::Response {
                    from,
                    header,
                    message,
                    continuation,
                });
            }
        }
    }

    /// What cannot be decoded: TS 29.274 §7.7.
    fn faulty<E>(
        &mut self,
        on: Interface,
        from: SocketAddr,
        error: Error,
        datagram: &[u8],
        now: Instant,
        out: &mut Outputs<E>,
    ) {
        debug!(peer = %from, %error, "message cannot be read");
        self.metrics.discarded("cannot be read");
        let Some(header) = error.header() else { return };
        let asked = Asked {
            on,
            from,
            header,
            digest: digest(datagram),
            octets: datagram.len(),
            stateless: true,
        };
        if error.is_version() && header.message_type != MessageType::VERSION_NOT_SUPPORTED_INDICATION {
            let answer = Message::from(VersionNotSupportedIndication::new());
            let datagram = answer.encode(None, header.sequence);
            return self.send_answer(&asked, answer.message_type(), datagram, now, out);
        }
        if error.cause().is_some() && header.message_type.answer().is_some() {
            return self.incoming.push_back(Incoming::Faulty { asked, error });
        }
        if self.requests.contains(&(on, from, header.sequence.0)) {
            self.response(on, from, header, Err(error), now, out);
        }
    }

    /// Sends an answer. One to a peer that has no session here is not longer than what it sent, and it is not answered as
    /// often as it likes: its address may be forged.
    fn send_answer<E>(
        &mut self,
        asked: &Asked,
        message_type: MessageType,
        datagram: Vec<u8>,
        now: Instant,
        out: &mut Outputs<E>,
    ) {
        let (on, to) = (asked.on, asked.from);
        let known = self.paths.watches(&(on, to.ip()));
        if !known && (datagram.len() > asked.octets || !self.strangers.allows(to.ip(), now)) {
            return self.metrics.discarded("answer withheld");
        }
        self.metrics.sent(to.ip(), name(message_type));
        out.transmit(Transmit { on, to, datagram });
    }

    #[allow(clippy::too_many_arguments)]
    fn send_request<E>(
        &mut self,
        on: Interface,
        to: SocketAddr,
        teid: Option<Teid>,
        message: Message,
        attached: Attached<C>,
        now: Instant,
        out: &mut Outputs<E>,
    ) -> RequestKey {
        let sequence = self.sequences.next(out);
        let datagram = message.encode(teid, Sequence(sequence));
        self.metrics.sent(to.ip(), name(message.message_type()));
        let key = (on, to, sequence);
        let rounds = match attached {
            Attached::Farewell(number) => {
                out.keep(Key::new(Kind::Farewell, number), || KeptFarewell {
                    key,
                    datagram: datagram.clone(),
                    given_up: false,
                });
                self.patience
            }
            Attached::Echo(_) | Attached::GivenUp(_) | Attached::Node(_) => 1,
        };
        let transmit = Transmit { on, to, datagram };
        out.transmit(transmit.clone());
        self.requests
            .sent_for_rounds(rounds, key, transmit, attached, now);
        key
    }

    fn path_changed(&mut self, path: PathId, change: Option<PathChange>) {
        let Some(change) = change else { return };
        self.changed(path, change);
        self.incoming.push_back(Incoming::Path { path, change });
    }

    fn changed(&mut self, path: PathId, change: PathChange) {
        let (on, peer) = path;
        self.metrics.path(path, Some(self.paths.is_up(&path)));
        match change {
            PathChange::Up => info!(interface = %on, %peer, "peer up"),
            PathChange::Down => warn!(interface = %on, %peer, "peer down"),
            PathChange::Dead => warn!(interface = %on, %peer, "peer given up"),
            PathChange::Restarted => {
                warn!(interface = %on, %peer, "peer restarted");
                // It has nothing left to say farewell to.
                let outdated = self.requests.abandon(|key, attached| {
                    let of_session = matches!(attached, Attached::Farewell(_) | Attached::GivenUp(_));
                    (key.0, key.1.ip()) == path && of_session
                });
                for (request, attached) in outdated {
                    match attached {
                        Attached::Farewell(number) => self.farewells_over.push(number),
                        Attached::GivenUp(number) => {
                            self.farewells_over.push(number);
                            let message = None;
                            self.incoming.push_back(Incoming::Late { request, message });
                        }
                        Attached::Echo(_) | Attached::Node(_) => {}
                    }
                }
            }
        }
    }
}

/// What is kept of a peer.
#[derive(Debug, Serialize, Deserialize)]
struct KeptPeer {
    path: PathId,
    restart_counter: u8,
}

/// What is kept of an answer.
#[derive(Debug, Serialize, Deserialize)]
struct KeptAnswer {
    key: AnswerKey,
    datagram: Vec<u8>,
}

/// What is kept of a farewell, or of a request that is gone on with.
#[derive(Debug, Serialize, Deserialize)]
struct KeptFarewell {
    key: RequestKey,
    datagram: Vec<u8>,
    given_up: bool,
}

/// Twice as long as a peer may be silent: by then it has given us up, if it is cut off.
fn patience(config: &GtpC) -> u32 {
    let round = config.t3_response * config.n3_requests;
    let rounds = 2.0 * config.path_failure.as_secs_f64() / round.as_secs_f64();
    (rounds.ceil() as u32).clamp(2, 10_000)
}

/// Whether a request is neither outdated, TS 29.274 §13.3, nor older than the session that it would replace, §13.2, which
/// was asked for at `present`.
pub fn timely(
    request: &CreateSessionRequest,
    present: Option<u64>,
    clock: &WallClock,
    now: Instant,
) -> Result<(), CauseValue> {
    let Some(originated) = request.origination_time_stamp else {
        return Ok(());
    };
    if let Some(wait) = request.maximum_wait_time
        && clock.time_stamp(now) > originated.0.saturating_add(wait.value)
    {
        return Err(CauseValue::TIMED_OUT_REQUEST);
    }
    match present {
        Some(present) if originated.0 < present => Err(CauseValue::LATE_OVERLAPPING_REQUEST),
        _ => Ok(()),
    }
}

/// The restart counter of the sender, where a message tells it.
fn recovery(message: &Message) -> Option<RestartCounter> {
    match message {
        Message::EchoRequest(echo) => Some(echo.recovery),
        Message::EchoResponse(echo) => Some(echo.recovery),
        Message::CreateSessionRequest(request) => request.recovery,
        Message::CreateSessionResponse(response) => response.recovery,
        Message::ModifyBearerRequest(request) => request.recovery,
        Message::ModifyBearerResponse(response) => response.recovery,
        Message::DeleteSessionResponse(response) => response.recovery,
        _ => None,
    }
}

/// The same in each incarnation, for answers are kept over a restart. It tells requests of one peer apart, so that nobody gains
/// by two of one digest.
fn digest(datagram: &[u8]) -> u64 {
    FxBuildHasher.hash_one(datagram)
}

/// A response with nothing but a cause: every response of TS 29.274 begins with one.
fn refusal(message_type: MessageType, cause: Cause) -> Message {
    let mut value = Vec::new();
    cause.encode(&mut value);
    OtherMessage {
        message_type,
        ies: vec![Ie::new(IeType::CAUSE, 0, value)],
    }
    .into()
}

/// The name of the message in a datagram that we made.
fn type_name(datagram: &[u8]) -> &'static str {
    datagram
        .get(1)
        .map_or("unknown", |octet| name(MessageType(*octet)))
}

fn name(message_type: MessageType) -> &'static str {
    message_type.name().unwrap_or("unknown")
}
