//! One node's end of GTP-U signalling, TS 29.281: everything on port 2152 that is not the packet of a known tunnel.
//!
//! It answers Echo Request by itself, and with Error Indication the packet of an unknown tunnel; it supervises paths
//! by Echo Request as [`gtpc`](crate::gtpc) does.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use epc_codec::Teid;
use epc_codec::gtpv1u::{
    self, EchoRequest, EchoResponse, EndMarker, ErrorIndication, Extension, ExtensionType, Gpdu, Header,
    Message, SupportedExtensionHeadersNotification,
};
use hashbrown::HashMap;
use tracing::{debug, info, warn};

use crate::config::GtpC;
use crate::metrics::Signalling;
use crate::paths::{PathChange, PathId, Paths};
use crate::transactions::{Expiry, Repetition, Requests, Transmit};
use crate::{Interface, Outputs, RateLimit};

/// Echo Requests that may be outstanding.
const REQUESTS: usize = 4096;
/// Answers to one peer in a second: Echo Responses, Error Indications and Supported Extension Headers Notifications.
const ANSWERS_PER_SECOND: u32 = 200;

/// Something for the node to act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A peer does not know the tunnel into which we send: the TEID is the peer's.
    ErrorIndication {
        /// The interface.
        on: Interface,
        /// Who says so.
        from: IpAddr,
        /// The TEID that the peer does not know.
        teid: Teid,
    },
    /// Nothing more comes for this TEID of ours over the old path, TS 23.401 §5.5.1.1.2.
    EndMarker {
        /// The interface.
        on: Interface,
        /// Who says so.
        from: IpAddr,
        /// Our TEID.
        teid: Teid,
    },
    /// A peer came or went. GTP-U tells of no restarts. A peer that never answered is not given up.
    Path {
        /// Which path.
        path: PathId,
        /// What became of it.
        change: PathChange,
    },
}

/// One node's end of GTP-U signalling.
#[derive(Debug)]
pub struct Endpoint {
    /// Our addresses, for the Error Indication to name.
    local: Vec<(Interface, IpAddr)>,
    requests: Requests<(Interface, SocketAddr, u16), PathId>,
    paths: Paths,
    /// How many tunnels lead to each supervised peer.
    tunnels: HashMap<PathId, usize>,
    next_sequence: u16,
    incoming: VecDeque<Incoming>,
    limit: RateLimit,
}

impl Endpoint {
    /// An endpoint at these addresses.
    pub fn new(config: &GtpC, local: Vec<(Interface, IpAddr)>) -> Endpoint {
        let repetition = Repetition {
            t3_response: config.t3_response,
            n3_requests: config.n3_requests,
        };
        Endpoint {
            local,
            requests: Requests::new(repetition, REQUESTS),
            paths: Paths::new(config.echo_interval, config.path_failure),
            tunnels: HashMap::new(),
            next_sequence: 1,
            incoming: VecDeque::new(),
            limit: RateLimit::new(ANSWERS_PER_SECOND),
        }
    }

    /// Takes another timing.
    pub fn reconfigure(&mut self, config: &GtpC) {
        let repetition = Repetition {
            t3_response: config.t3_response,
            n3_requests: config.n3_requests,
        };
        self.requests.reconfigure(repetition);
        self.paths.reconfigure(config.echo_interval, config.path_failure);
    }

    /// The supervised paths.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// The next thing to act on. To be drained after [`Endpoint::receive`] and [`Endpoint::timeout`].
    pub fn pop(&mut self) -> Option<Incoming> {
        self.incoming.pop_front()
    }

    /// A datagram came in that the user plane did not take.
    pub fn receive<E>(
        &mut self,
        on: Interface,
        from: SocketAddr,
        datagram: &[u8],
        now: Instant,
        metrics: &mut Signalling,
        out: &mut Outputs<E>,
    ) {
        if datagram.get(1) == Some(&gtpv1u::message_type::G_PDU) {
            return self.unknown_tunnel(on, from, datagram, now, metrics, out);
        }
        let packet = match gtpv1u::decode(datagram) {
            Ok(packet) => packet,
            Err(error) => {
                debug!(peer = %from, %error, "message cannot be read");
                return metrics.discarded("cannot be read");
            }
        };
        metrics.received(from.ip(), packet.message.name());
        match packet.message {
            Message::EchoRequest(_) => {
                if !self.limit.allows(from.ip(), now) {
                    return metrics.discarded("answer withheld");
                }
                // The restart counter is 0 here: it is not used on GTP-U, §7.2.2.
                let header = Header::path(packet.header.sequence.unwrap_or(0));
                self.send(on, from, EchoResponse::default().into(), &header, metrics, out);
            }
            Message::EchoResponse(_) => {
                let key = (on, from, packet.header.sequence.unwrap_or(0));
                let Some(path) = self.requests.answered(&key) else {
                    return metrics.discarded("unsolicited response");
                };
                let change = self.paths.answered(&path, None, now);
                self.path_changed(path, change, metrics);
            }
            Message::ErrorIndication(indication) => {
                self.incoming.push_back(Incoming::ErrorIndication {
                    on,
                    from: from.ip(),
                    teid: indication.teid,
                });
            }
            Message::EndMarker(_) => {
                self.incoming.push_back(Incoming::EndMarker {
                    on,
                    from: from.ip(),
                    teid: packet.header.teid,
                });
            }
            Message::SupportedExtensionHeadersNotification(_) | Message::TunnelStatus(_) => {}
            Message::GPdu(_) | Message::Other(..) => metrics.discarded("message type not served"),
        }
    }

    /// Tells the peer that nothing more comes over this path.
    pub fn end_marker<E>(
        &mut self,
        on: Interface,
        to: SocketAddr,
        teid: Teid,
        metrics: &mut Signalling,
        out: &mut Outputs<E>,
    ) {
        self.send(
            on,
            to,
            EndMarker::default().into(),
            &Header::new(teid),
            metrics,
            out,
        );
    }

    /// A tunnel leads to this peer from now on: it is supervised, beginning with an Echo Request at the next timeout.
    pub fn connect(&mut self, path: PathId, now: Instant) {
        *self.tunnels.entry(path).or_default() += 1;
        self.paths.watch(path, now);
    }

    /// A tunnel leads there no more; a peer to which none leads is not asked whether it is there.
    pub fn disconnect(&mut self, path: PathId, metrics: &mut Signalling) {
        let Some(tunnels) = self.tunnels.get_mut(&path) else {
            return;
        };
        *tunnels -= 1;
        if *tunnels == 0 {
            self.tunnels.remove(&path);
            self.paths.forget(&path);
            metrics.path(path, None);
            self.requests.abandon(|_, asked| *asked == path);
        }
    }

    /// The peers on this interface that do not answer.
    pub fn silent(&self, on: Interface) -> impl Iterator<Item = IpAddr> {
        let paths = self.paths.iter();
        paths.filter_map(move |((of, peer), up)| (of == on && up == Some(false)).then_some(peer))
    }

    /// Does what is due.
    pub fn timeout<E>(&mut self, now: Instant, metrics: &mut Signalling, out: &mut Outputs<E>) {
        while let Some(expiry) = self.requests.expired(now) {
            match expiry {
                Expiry::Repeat(transmit) => {
                    metrics.repeated();
                    metrics.sent(transmit.to.ip(), ECHO_REQUEST);
                    out.transmit(transmit);
                }
                Expiry::GaveUp {
                    continuation: path, ..
                } => {
                    let change = self.paths.silent(&path, now);
                    self.path_changed(path, change, metrics);
                }
            }
        }
        while let Some(path) = self.paths.due(now) {
            let (on, peer) = path;
            let to = SocketAddr::new(peer, on.port());
            let sequence = self.next_sequence;
            self.next_sequence = self.next_sequence.wrapping_add(1);
            let datagram = Message::from(EchoRequest::default()).encode(&Header::path(sequence));
            metrics.sent(peer, ECHO_REQUEST);
            let transmit = Transmit { on, to, datagram };
            out.transmit(transmit.clone());
            self.requests.sent((on, to, sequence), transmit, path, now);
        }
    }

    /// When [`Endpoint::timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.requests.poll_timeout(), self.paths.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    /// A G-PDU that no tunnel of ours takes, §7.3.1, or with an extension header that we should know and do not, §5.2.1.
    fn unknown_tunnel<E>(
        &mut self,
        on: Interface,
        from: SocketAddr,
        datagram: &[u8],
        now: Instant,
        metrics: &mut Signalling,
        out: &mut Outputs<E>,
    ) {
        let Ok(gpdu) = Gpdu::parse(datagram) else {
            return metrics.discarded("cannot be read");
        };
        let local = self.local.iter().find(|(interface, _)| *interface == on);
        let Some((_, local)) = local else {
            return metrics.discarded("no such interface");
        };
        let (message, header) = if gpdu.required_unknown_extension().is_some() {
            let extension_types = ExtensionType::KNOWN.to_vec();
            let notification = SupportedExtensionHeadersNotification {
                extension_types,
                ..Default::default()
            };
            (Message::from(notification), Header::path(0))
        } else {
            metrics.discarded("unknown tunnel");
            let indication = ErrorIndication::new(gpdu.teid(), *local);
            let extensions = vec![Extension::udp_port(from.port())];
            (
                Message::from(indication),
                Header {
                    sequence: Some(0),
                    extensions,
                    ..Header::default()
                },
            )
        };
        let mut answer = message.encode(&header);
        if answer.len() > datagram.len() {
            // Never more than was sent to us: the port in an extension header is optional.
            answer = message.encode(&Header::path(0));
        }
        if answer.len() > datagram.len() || !self.limit.allows(from.ip(), now) {
            return metrics.discarded("answer withheld");
        }
        metrics.sent(from.ip(), message.name());
        // To the registered port, not to where it came from, §4.4.2.3.
        out.transmit(Transmit {
            on,
            to: SocketAddr::new(from.ip(), on.port()),
            datagram: answer,
        });
    }

    fn send<E>(
        &self,
        on: Interface,
        to: SocketAddr,
        message: Message,
        header: &Header,
        metrics: &mut Signalling,
        out: &mut Outputs<E>,
    ) {
        metrics.sent(to.ip(), message.name());
        out.transmit(Transmit {
            on,
            to,
            datagram: message.encode(header),
        });
    }

    fn path_changed(&mut self, path: PathId, change: Option<PathChange>, metrics: &mut Signalling) {
        let Some(change) = change else { return };
        let (on, peer) = path;
        metrics.path(path, Some(self.paths.is_up(&path)));
        if change == PathChange::Dead && !self.paths.ever_up(&path) {
            // It may carry packets and not answer Echo Requests, though it should.
            return;
        }
        match change {
            PathChange::Up | PathChange::Restarted => info!(interface = %on, %peer, "peer up"),
            PathChange::Down => warn!(interface = %on, %peer, "peer down"),
            PathChange::Dead => warn!(interface = %on, %peer, "peer given up"),
        }
        self.incoming.push_back(Incoming::Path { path, change });
    }
}

const ECHO_REQUEST: &str = "Echo Request";
