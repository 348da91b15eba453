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

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::time::Instant;

use epc_codec::gtpv2c::{
    self, Cause, CauseValue, EchoRequest, EchoResponse, Header, Ie, IeType, IeValue, Message, MessageType,
    OtherMessage, Packet, Sequence, VersionNotSupportedIndication,
};
use epc_codec::{Error, Teid};
use serde::{Deserialize, Serialize};
use tracing::{debug, info, warn};

use crate::config::GtpC;
use crate::metrics::Signalling;
use crate::paths::{PathChange, PathId, Paths};
use crate::store::{Counting, Key, Kind, Records, Unreadable};
use crate::transactions::{Answers, Expiry, Repetition, Requests, Seen, Transmit};
use crate::{Interface, Outputs};

/// As many of our requests may be outstanding.
const REQUESTS: usize = 65_536;
/// As many answers are kept for repeats.
const ANSWERS: usize = 1_048_576;
/// The first bit of a sequence number is 1 in what a command triggered, TS 29.274 §7.6; ours count below it.
const SEQUENCES: u32 = 0x7f_ffff;

/// A request of ours: interface, peer, sequence number.
type RequestKey = (Interface, SocketAddr, u32);
/// A request of a peer's: the same, and a digest of its octets. A peer that started again may begin with the sequence
/// numbers that it used before; what it asks then is not a repeat.
type AnswerKey = (Interface, SocketAddr, u32, u64);

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
        /// Who did not answer.
        peer: SocketAddr,
        /// What was attached to the request.
        continuation: C,
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
}

impl Asked {
    fn key(&self) -> AnswerKey {
        (self.on, self.from, self.header.sequence.0, self.digest)
    }

    /// The TEID in the header; 0 where there is none.
    pub fn teid(&self) -> Teid {
        self.header.teid.unwrap_or(Teid(0))
    }
}

/// A farewell is repeated so many times N3-REQUESTS.
const FAREWELL_ROUNDS: u32 = 4;

/// What is attached to a request: Echo Requests and farewells are the endpoint's own.
#[derive(Debug)]
enum Attached<C> {
    Echo(PathId),
    /// With the number of its record.
    Farewell(u64),
    Node(C),
}

/// One node's end of GTPv2-C.
#[derive(Debug)]
pub struct Endpoint<C> {
    restart_counter: u8,
    requests: Requests<RequestKey, Attached<C>>,
    answers: Answers<AnswerKey>,
    paths: Paths,
    sequences: Counting,
    /// What is kept of peers: the number of the record, and the restart counter in it.
    kept_peers: HashMap<PathId, (u64, u8)>,
    /// Peers whose record may have to change.
    peers_to_keep: Vec<PathId>,
    /// Answers that are kept, and until when.
    kept_answers: VecDeque<(Instant, u64)>,
    incoming: VecDeque<Incoming<C>>,
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
            requests: Requests::new(repetition, REQUESTS),
            answers: Answers::new(repetition.span(), ANSWERS),
            paths: Paths::new(config.echo_interval, config.path_failure),
            // Apart from where the last incarnation began, so that no late answer to it looks like one to us.
            sequences: Counting::new(Kind::Sequences, u32::from(restart_counter) << 15 | 1, SEQUENCES),
            kept_peers: HashMap::new(),
            peers_to_keep: Vec::new(),
            kept_answers: VecDeque::new(),
            incoming: VecDeque::new(),
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
            self.answers.answered(key, datagram, now);
            self.kept_answers.push_back((now + self.answers.keep(), number));
        }
        for (number, KeptFarewell { key, datagram }) in records.of(Kind::Farewell)? {
            let (on, to, _) = key;
            let transmit = Transmit { on, to, datagram };
            self.metrics.sent(to.ip(), type_name(&transmit.datagram));
            out.transmit(transmit.clone());
            self.requests
                .sent_for_rounds(FAREWELL_ROUNDS, key, transmit, Attached::Farewell(number), now);
        }
        Ok(())
    }

    /// Keeps what peers told of restarts. To be called at the end of each input, for what a restart of a peer brings is
    /// kept with it.
    pub fn keep_peers<E>(&mut self, out: &mut Outputs<E>) {
        for path in std::mem::take(&mut self.peers_to_keep) {
            let told = self.paths.restart_counter(&path);
            let kept = self.kept_peers.get(&path).copied();
            match (kept, told) {
                (Some((_, kept)), Some(told)) if kept == told => {}
                (_, Some(restart_counter)) => {
                    let number = kept.map_or_else(|| out.next_record(), |(number, _)| number);
                    self.kept_peers.insert(path, (number, restart_counter));
                    out.keep(record(Kind::Peer, number), || KeptPeer {
                        path,
                        restart_counter,
                    });
                }
                (Some((number, _)), None) => {
                    self.kept_peers.remove(&path);
                    out.forget(record(Kind::Peer, number));
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

    /// Whether no request of ours waits for an answer, Echo Requests aside.
    pub fn is_idle(&self) -> bool {
        !self
            .requests
            .any(|attached| !matches!(attached, Attached::Echo(_)))
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
            Ok(packet) => self.packet(on, from, packet, digest(datagram), now, out),
            Err(error) => self.faulty(on, from, error, digest(datagram), now, out),
        }
    }

    /// Sends a request. What is attached comes back with its response; it comes back at once, as the error, when too
    /// many requests are outstanding.
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
    ) -> Result<(), C> {
        if !self.requests.has_room() {
            return Err(attached);
        }
        self.send_request(
            on,
            to,
            Some(teid),
            message.into(),
            Attached::Node(attached),
            now,
            out,
        );
        Ok(())
    }

    /// Tells a peer of the end of a session that is forgotten here. Nobody waits for the answer, but the peer must hear
    /// it, or it keeps a session that nobody knows: it is given up only after [`FAREWELL_ROUNDS`] times N3-REQUESTS.
    /// Where there is no room for it, the peer learns it from the next session of the same bearer.
    pub fn farewell<E>(
        &mut self,
        on: Interface,
        to: SocketAddr,
        teid: Teid,
        message: impl Into<Message>,
        now: Instant,
        out: &mut Outputs<E>,
    ) {
        if self.requests.has_room() {
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
            out.keep(record(Kind::Answer, number), || KeptAnswer {
                key,
                datagram: datagram.clone(),
            });
            self.kept_answers.push_back((now + self.answers.keep(), number));
        }
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
        let cause = match offending {
            Some((ie, instance)) => Cause::new(cause).with_offending(ie, instance),
            None => Cause::new(cause),
        };
        let datagram = refusal(answer, cause).encode(Some(teid), asked.header.sequence);
        self.send_answer(asked, answer, datagram, now, out);
    }

    /// Says nothing to a request, and remembers nothing of it: a repeat counts as new.
    pub fn ignore(&mut self, asked: &Asked) {
        self.answers.forget(&asked.key());
    }

    /// Does what is due.
    pub fn timeout<E>(&mut self, now: Instant, out: &mut Outputs<E>) {
        self.answers.expire(now);
        while let Some((_, number)) = self.kept_answers.front().filter(|(until, _)| *until <= now) {
            out.forget(record(Kind::Answer, *number));
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
                } => out.forget(record(Kind::Farewell, number)),
                Expiry::GaveUp {
                    peer: (_, peer),
                    continuation: Attached::Node(continuation),
                    ..
                } => {
                    self.incoming
                        .push_back(Incoming::NoResponse { peer, continuation });
                }
            }
        }
        while let Some(path) = self.paths.due(now) {
            let (on, peer) = path;
            let echo = EchoRequest::new(gtpv2c::RestartCounter(self.restart_counter));
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
        restart_counter: Option<gtpv2c::RestartCounter>,
        now: Instant,
    ) -> Option<PathChange> {
        self.paths.watch_later(path, now);
        let change = self.paths.heard(&path, restart_counter.map(|counter| counter.0));
        self.peers_to_keep.push(path);
        let change = change?;
        log_change(path, change);
        Some(change)
    }

    /// Supervises a peer no longer.
    pub fn forget(&mut self, path: &PathId) {
        self.paths.forget(path);
        self.peers_to_keep.push(*path);
        self.requests
            .abandon(|_, attached| matches!(attached, Attached::Echo(echo) if echo == path));
    }

    fn packet<E>(
        &mut self,
        on: Interface,
        from: SocketAddr,
        packet: Packet,
        digest: u64,
        now: Instant,
        out: &mut Outputs<E>,
    ) {
        let Packet {
            header,
            message,
            piggybacked,
        } = packet;
        self.metrics.received(from.ip(), name(header.message_type));
        self.paths.alive(&(on, from.ip()));
        let asked = Asked {
            on,
            from,
            header,
            digest,
        };
        match message {
            Message::EchoRequest(echo) => self.echo_request(&asked, &echo, out),
            Message::VersionNotSupportedIndication(_) => {
                info!(peer = %from, "peer does not speak GTPv2-C");
                self.metrics.discarded("version not supported");
            }
            message if header.message_type.answer().is_some() => {
                self.new_request(asked, Ok(message), now, out)
            }
            message => self.response(on, from, header, Ok(message), now, out),
        }
        if let Some(second) = piggybacked {
            self.packet(on, from, *second, digest, now, out);
        }
    }

    fn echo_request<E>(&mut self, asked: &Asked, echo: &EchoRequest, out: &mut Outputs<E>) {
        let path = (asked.on, asked.from.ip());
        if self.paths.watches(&path) {
            let change = self.paths.heard(&path, Some(echo.recovery.0));
            self.peers_to_keep.push(path);
            self.path_changed(path, change);
        }
        let answer = EchoResponse::new(gtpv2c::RestartCounter(self.restart_counter));
        let datagram = Message::from(answer).encode(None, asked.header.sequence);
        self.metrics
            .sent(asked.from.ip(), name(MessageType::ECHO_RESPONSE));
        out.transmit(Transmit {
            on: asked.on,
            to: asked.from,
            datagram,
        });
    }

    fn new_request<E>(
        &mut self,
        asked: Asked,
        message: Result<Message, Error>,
        now: Instant,
        out: &mut Outputs<E>,
    ) {
        match self.answers.seen(asked.key(), now) {
            Seen::New => self.incoming.push_back(match message {
                Ok(message) => Incoming::Request { asked, message },
                Err(error) => Incoming::Faulty { asked, error },
            }),
            Seen::InProgress => debug!(peer = %asked.from, "request repeated while it is worked on"),
            Seen::Answered(answer) => {
                let datagram = answer.to_vec();
                self.metrics.sent(asked.from.ip(), type_name(&datagram));
                out.transmit(Transmit {
                    on: asked.on,
                    to: asked.from,
                    datagram,
                });
            }
            Seen::Full => {
                self.metrics.discarded("too many requests");
                self.refuse_without_memory(&asked, out);
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
            Some(Attached::Farewell(number)) => out.forget(record(Kind::Farewell, number)),
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
        digest: u64,
        now: Instant,
        out: &mut Outputs<E>,
    ) {
        debug!(peer = %from, %error, "message cannot be read");
        self.metrics.discarded("cannot be read");
        let Some(header) = error.header() else { return };
        if error.is_version() {
            let datagram = Message::from(VersionNotSupportedIndication::new()).encode(None, header.sequence);
            self.metrics
                .sent(from.ip(), name(MessageType::VERSION_NOT_SUPPORTED_INDICATION));
            return out.transmit(Transmit {
                on,
                to: from,
                datagram,
            });
        }
        if error.cause().is_some() {
            return self.new_request(
                Asked {
                    on,
                    from,
                    header,
                    digest,
                },
                Err(error),
                now,
                out,
            );
        }
        if self.requests.contains(&(on, from, header.sequence.0)) {
            self.response(on, from, header, Err(error), now, out);
        }
    }

    fn refuse_without_memory<E>(&mut self, asked: &Asked, out: &mut Outputs<E>) {
        let Some(answer) = asked.header.message_type.answer() else {
            return;
        };
        let cause = Cause::new(CauseValue::NO_RESOURCES_AVAILABLE);
        let datagram = refusal(answer, cause).encode(Some(Teid(0)), asked.header.sequence);
        self.metrics.sent(asked.from.ip(), name(answer));
        out.transmit(Transmit {
            on: asked.on,
            to: asked.from,
            datagram,
        });
    }

    fn send_answer<E>(
        &mut self,
        asked: &Asked,
        message_type: MessageType,
        datagram: Vec<u8>,
        now: Instant,
        out: &mut Outputs<E>,
    ) {
        self.answers.answered(asked.key(), datagram.clone(), now);
        self.metrics.sent(asked.from.ip(), name(message_type));
        out.transmit(Transmit {
            on: asked.on,
            to: asked.from,
            datagram,
        });
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
    ) {
        let sequence = self.sequences.next(out);
        let datagram = message.encode(teid, Sequence(sequence));
        self.metrics.sent(to.ip(), name(message.message_type()));
        let key = (on, to, sequence);
        let rounds = match attached {
            Attached::Farewell(number) => {
                out.keep(record(Kind::Farewell, number), || KeptFarewell {
                    key,
                    datagram: datagram.clone(),
                });
                FAREWELL_ROUNDS
            }
            Attached::Echo(_) | Attached::Node(_) => 1,
        };
        let transmit = Transmit { on, to, datagram };
        out.transmit(transmit.clone());
        self.requests
            .sent_for_rounds(rounds, key, transmit, attached, now);
    }

    fn path_changed(&mut self, path: PathId, change: Option<PathChange>) {
        let Some(change) = change else { return };
        log_change(path, change);
        self.incoming.push_back(Incoming::Path { path, change });
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

/// What is kept of a farewell.
#[derive(Debug, Serialize, Deserialize)]
struct KeptFarewell {
    key: RequestKey,
    datagram: Vec<u8>,
}

const fn record(kind: Kind, number: u64) -> Key {
    Key { kind, number }
}

fn log_change((on, peer): PathId, change: PathChange) {
    match change {
        PathChange::Up => info!(interface = %on, %peer, "peer up"),
        PathChange::Down => warn!(interface = %on, %peer, "peer down"),
        PathChange::Dead => warn!(interface = %on, %peer, "peer given up"),
        PathChange::Restarted => warn!(interface = %on, %peer, "peer restarted"),
    }
}

fn digest(datagram: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    datagram.hash(&mut hasher);
    hasher.finish()
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
