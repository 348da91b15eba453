//! The counters that every node has, under the names that dashboards of go-gtp's nodes know.

use std::fmt::{self, Write};
use std::net::IpAddr;

use epc_codec::gtpv2c::CauseValue;
use hashbrown::{HashMap, HashSet};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::paths::PathId;

/// As many peers have a label of their own; the rest share `other`, so that strangers cannot grow the metrics.
const PEERS: usize = 256;

/// Sessions, bearers and messages of one node.
#[derive(Debug, Default)]
pub struct Signalling {
    /// Sessions that are established.
    pub active_sessions: Gauge,
    /// Bearers, that is user-plane tunnels, that are established.
    pub active_bearers: Gauge,
    sent: Family<Sent, Counter>,
    received: Family<Received, Counter>,
    repeated: Counter,
    discarded: Family<Discarded, Counter>,
    refused: Family<Refused, Counter>,
    peer_up: Family<PathLabel, Gauge>,
    paths: HashSet<PathId>,
    peers: HashSet<IpAddr>,
    /// The counters of messages that were counted already, for a look-up in a family takes longer than all else here.
    counters: HashMap<(Direction, IpAddr, &'static str), Counter>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Direction {
    Sent,
    Received,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Sent {
    dst: Peer,
    r#type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Received {
    src: Peer,
    r#type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Discarded {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    cause: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PathLabel {
    interface: &'static str,
    peer: Peer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Peer(Option<IpAddr>);

impl EncodeLabelValue for Peer {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), fmt::Error> {
        match self.0 {
            Some(address) => write!(encoder, "{address}"),
            None => encoder.write_str("other"),
        }
    }
}

impl Signalling {
    /// Registers everything under the name of the node: `mme`, `sgw`.
    pub fn register(&self, node: &str, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix(node);
        let sessions = self.active_sessions.clone();
        registry.register("active_sessions_total", "Sessions that are established", sessions);
        let bearers = self.active_bearers.clone();
        registry.register("active_bearers_total", "Bearers that are established", bearers);
        registry.register(
            "messages_sent",
            "Messages sent, repeats included",
            self.sent.clone(),
        );
        registry.register(
            "messages_received",
            "Messages received, repeats included",
            self.received.clone(),
        );
        registry.register(
            "messages_repeated",
            "Requests sent again for want of an answer",
            self.repeated.clone(),
        );
        let discarded = self.discarded.clone();
        registry.register(
            "messages_discarded",
            "Datagrams that were not acted upon, by reason",
            discarded,
        );
        let refused = self.refused.clone();
        registry.register(
            "requests_refused",
            "Requests of peers that were refused, by cause value (TS 29.274 table 8.4-1)",
            refused,
        );
        registry.register(
            "peer_up",
            "Whether a supervised peer answers Echo Requests: 1 or 0",
            self.peer_up.clone(),
        );
    }

    /// A message was sent.
    pub fn sent(&mut self, dst: IpAddr, r#type: &'static str) {
        self.count(Direction::Sent, dst, r#type);
    }

    /// A message was received.
    pub fn received(&mut self, src: IpAddr, r#type: &'static str) {
        self.count(Direction::Received, src, r#type);
    }

    fn count(&mut self, direction: Direction, peer: IpAddr, r#type: &'static str) {
        let key = (direction, peer, r#type);
        if let Some(counter) = self.counters.get(&key) {
            counter.inc();
            return;
        }
        let label = self.peer(peer);
        let counter = match direction {
            Direction::Sent => self.sent.get_or_create_owned(&Sent { dst: label, r#type }),
            Direction::Received => self
                .received
                .get_or_create_owned(&Received { src: label, r#type }),
        };
        counter.inc();
        if label.0.is_some() {
            self.counters.insert(key, counter);
        }
    }

    /// A request was sent again.
    pub fn repeated(&self) {
        self.repeated.inc();
    }

    /// A datagram was not acted upon.
    pub fn discarded(&self, reason: &'static str) {
        self.discarded.get_or_create(&Discarded { reason }).inc();
    }

    /// A request was refused.
    pub fn refused(&self, cause: CauseValue) {
        self.refused.get_or_create(&Refused { cause: cause.0 }).inc();
    }

    /// Whether a supervised peer is there; `None` when it is supervised no more.
    pub fn path(&mut self, path: PathId, up: Option<bool>) {
        let (on, peer) = path;
        let label = PathLabel {
            interface: on.name(),
            peer: Peer(Some(peer)),
        };
        match up {
            Some(up) if self.paths.contains(&path) || self.paths.len() < PEERS => {
                self.paths.insert(path);
                self.peer_up.get_or_create(&label).set(up.into());
            }
            Some(_) => {}
            None => {
                self.paths.remove(&path);
                self.peer_up.remove(&label);
            }
        }
    }

    fn peer(&mut self, address: IpAddr) -> Peer {
        if self.peers.contains(&address) {
            return Peer(Some(address));
        }
        if self.peers.len() >= PEERS {
            return Peer(None);
        }
        self.peers.insert(address);
        Peer(Some(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;

    #[test]
    fn names_are_those_of_go_gtp_and_strangers_do_not_grow_them() {
        let mut signalling = Signalling::default();
        let mut registry = Registry::default();
        signalling.register("sgw", &mut registry);
        signalling.active_sessions.set(5);
        for i in 0..300 {
            signalling.received(
                IpAddr::from([198, 51, (100 + i / 256) as u8, i as u8]),
                "Echo Request",
            );
        }
        signalling.sent(IpAddr::from([198, 51, 100, 1]), "Echo Response");
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        assert!(text.contains("\nsgw_active_sessions_total 5\n"), "{text}");
        let sent = "\nsgw_messages_sent_total{dst=\"198.51.100.1\",type=\"Echo Response\"} 1\n";
        assert!(text.contains(sent), "{text}");
        let others = "\nsgw_messages_received_total{src=\"other\",type=\"Echo Request\"} 44\n";
        assert!(text.contains(others), "{text}");
    }
}
