//! From captured frames to a call flow: which message, between whom, about which session, with which TEIDs and cause.
//!
//! Everything here is read off the wire; what a node meant to send does not count.

mod gtp;
mod s1;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use epc_codec::Teid;

use crate::frame::{self, Packet};
use crate::{Node, ReferencePoint};

const S1AP: u16 = 36412;

/// One message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When it was seen, from 1970.
    pub at: Duration,
    /// On which link.
    pub link: ReferencePoint,
    /// Who sent it.
    pub from: Node,
    /// To whom.
    pub to: Node,
    /// Its name in the specification.
    pub message: String,
    /// What is in it: identities, TEIDs, cause.
    pub details: Vec<String>,
    /// The place of its session in [`CallFlow::sessions`], where it is about one.
    pub session: Option<usize>,
}

/// A session as the messages about it tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// Whose it is.
    pub imsi: Option<String>,
    /// The address that the P-GW gave the UE.
    pub ue: Option<String>,
    /// Where the eNB takes downlink packets.
    pub enb_s1u: Option<Teid>,
    /// Where the S-GW takes uplink packets.
    pub sgw_s1u: Option<Teid>,
    /// Where the S-GW takes downlink packets.
    pub sgw_s5u: Option<Teid>,
    /// Where the P-GW takes uplink packets.
    pub pgw_s5u: Option<Teid>,
    /// The first refusal: who refused what, and why.
    pub refusal: Option<String>,
}

/// Reads frames in their order.
#[derive(Debug, Default)]
pub struct CallFlow {
    sessions: Vec<Session>,
    by_imsi: HashMap<String, usize>,
    /// GTP-C requests that await their response: who asked whom, with which sequence number.
    requests: HashMap<(IpAddr, IpAddr, u32), Option<usize>>,
    /// Sessions by an end on the control plane.
    control_ends: HashMap<(IpAddr, Teid), usize>,
    /// Sessions by an end on the user plane.
    user_ends: HashMap<(IpAddr, Teid), usize>,
    /// Sessions by the number that an eNB or an MME gave the UE on S1-MME.
    s1_ids: HashMap<(Node, u32), usize>,
    /// Tunnels in which a packet was seen.
    used_tunnels: HashSet<(ReferencePoint, Teid)>,
}

/// What a protocol tells of a datagram.
struct Said {
    message: String,
    details: Vec<String>,
    session: Option<usize>,
}

/// Where a datagram is going.
#[derive(Clone, Copy)]
struct Way {
    link: ReferencePoint,
    from: IpAddr,
    to: IpAddr,
}

impl CallFlow {
    /// Nothing seen yet.
    pub fn new() -> CallFlow {
        CallFlow::default()
    }

    /// The sessions in the order in which they were first seen.
    pub fn sessions(&self) -> &[Session] {
        &self.sessions
    }

    /// What an Ethernet frame on `link` says. `None` for what is no message of S1AP or GTP between two nodes of the
    /// lab, and for all but the first packet of a user in a tunnel.
    pub fn read(&mut self, at: Duration, link: ReferencePoint, frame: &[u8]) -> Option<Step> {
        let packet = frame::ip_of_ethernet(frame)?;
        let (a, b) = link.ends();
        let (from, to) = match () {
            () if packet.from == IpAddr::from(link.address(a)) => (a, b),
            () if packet.from == IpAddr::from(link.address(b)) => (b, a),
            () => return None,
        };
        self.read_packet(at, link, (from, to), &packet)
    }

    fn read_packet(
        &mut self,
        at: Duration,
        link: ReferencePoint,
        (from, to): (Node, Node),
        packet: &Packet<'_>,
    ) -> Option<Step> {
        let (from_port, to_port, datagram) = packet.udp()?;
        let either_is = |port| from_port == port || to_port == port;
        let way = Way {
            link,
            from: packet.from,
            to: packet.to,
        };
        let said = match () {
            () if either_is(S1AP) => self.s1ap(from, datagram),
            () if either_is(epc_codec::gtpv2c::PORT) => self.gtpc(way, datagram),
            () if either_is(epc_codec::gtpv1u::PORT) => self.gtpu(way, datagram)?,
            () => return None,
        };
        Some(Step {
            at,
            link,
            from,
            to,
            message: said.message,
            details: said.details,
            session: said.session,
        })
    }

    fn session_of(&mut self, imsi: &str) -> usize {
        let next = self.sessions.len();
        let place = *self.by_imsi.entry(imsi.to_owned()).or_insert(next);
        if place == next {
            self.sessions.push(Session {
                imsi: Some(imsi.to_owned()),
                ..Session::default()
            });
        }
        place
    }

    /// What a session has refused is told once, by the node that found it out.
    fn refused(&mut self, session: Option<usize>, refusal: String) {
        if let Some(session) = session.and_then(|place| self.sessions.get_mut(place)) {
            session.refusal.get_or_insert(refusal);
        }
    }
}

/// Octets that are no message, or a wrong one.
fn unreadable(protocol: &str, error: impl std::fmt::Display) -> Said {
    Said {
        message: format!("unreadable {protocol}"),
        details: vec![error.to_string()],
        session: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pcap;

    /// Reads a capture of go-gtp's nodes on loopback, where the last number of an address tells the node.
    fn read(name: &str) -> Option<(CallFlow, Vec<Step>)> {
        let path = format!("{}/../../../shared/captures/{name}", env!("CARGO_MANIFEST_DIR"));
        let Ok(file) = std::fs::read(&path) else {
            eprintln!("skipped: {path} is not there");
            return None;
        };
        let (_, frames) = pcap::read(&file).unwrap();
        let mut flow = CallFlow::new();
        let steps = frames.iter().filter_map(|frame| {
            let packet = frame::ip_of_ethernet(frame.octets)?;
            let node = |address: IpAddr| match address.to_string().rsplit('.').next()? {
                "11" => Some(Node::Enb),
                "12" => Some(Node::Mme),
                "13" | "14" => Some(Node::Sgw),
                "15" => Some(Node::Pgw),
                _ => None,
            };
            let ends = (node(packet.from)?, node(packet.to)?);
            let link = match ends {
                (Node::Mme, _) | (_, Node::Mme) => ReferencePoint::S11,
                (Node::Enb, _) | (_, Node::Enb) => ReferencePoint::S1u,
                _ => ReferencePoint::S5c,
            };
            flow.read_packet(frame.at, link, ends, &packet)
        });
        let steps = steps.collect();
        Some((flow, steps))
    }

    #[test]
    fn five_attaches_of_go_gtp_are_told_apart() {
        let Some((flow, steps)) = read("gwt-5sub.pcap") else {
            return;
        };
        let sessions = flow.sessions();
        assert_eq!(sessions.len(), 5);
        let mut addresses: Vec<&str> = sessions
            .iter()
            .map(|session| session.ue.as_deref().unwrap())
            .collect();
        addresses.sort_unstable();
        let expected: Vec<String> = (201..206).map(|last| format!("192.168.101.{last}")).collect();
        assert_eq!(addresses, expected);
        for session in sessions {
            let ends = [session.enb_s1u, session.sgw_s1u, session.sgw_s5u, session.pgw_s5u];
            assert!(ends.iter().all(Option::is_some), "{session:?}");
            assert_eq!(session.refusal, None);
        }
        let create = steps
            .iter()
            .filter(|step| step.message.starts_with("Create Session"))
            .collect::<Vec<_>>();
        assert_eq!(create.len(), 20, "request and response on S11 and on S5-C");
        assert!(create.iter().all(|step| step.session.is_some()));
        assert!(
            create.iter().any(|step| step
                .details
                .iter()
                .any(|detail| detail == "cause Request accepted (16)")),
            "{create:#?}"
        );
    }
}
