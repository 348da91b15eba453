//! S1-U, TS 29.281: the tunnels of the UEs, and GTP-U messages that are no user packets.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Instant;

use epc_codec::Teid;
use epc_codec::s1ap::EnbUeS1apId;
use epc_node::gtpu::Incoming;
use epc_node::paths::{PathChange, PathId};
use epc_node::{Interface, Rule, Then, UeAddress};
use tracing::{info, warn};

use crate::attach::Bearer;
use crate::{Enb, Event};

impl Enb {
    /// Opens the tunnels of a UE.
    pub(crate) fn connect(&mut self, id: EnbUeS1apId, bearer: &Bearer, now: Instant) {
        for address in addresses(bearer.ue) {
            if let Some(former) = self.owners.insert(address, id)
                && former != id
            {
                self.dispossess(former);
            }
        }
        let (to, teid) = bearer.sgw_s1u;
        self.uplinks.insert((to.ip(), teid), id);
        self.gtpu.connect((Interface::S1u, to.ip()), now);
        self.out.rule(Rule::Receive {
            teid: bearer.enb_s1u,
            on: Interface::S1u,
            from: Some(to.ip()),
            then: Then::Deliver { ue: bearer.ue },
        });
        self.out.rule(Rule::Send {
            ue: bearer.ue,
            on: Interface::S1u,
            to,
            teid,
        });
    }

    /// The network gave the address of this UE to another one: its packets are the other's now.
    fn dispossess(&mut self, former: EnbUeS1apId) {
        let Some(ue) = self.ues.get(&former) else { return };
        let Some(bearer) = ue.bearer else { return };
        warn!(ue = %former, "its address was given to another UE");
        let subscriber = ue.subscriber.clone();
        for address in addresses(bearer.ue) {
            if self.owners.get(&address) == Some(&former) {
                self.owners.remove(&address);
            }
        }
        self.out.rule(Rule::StopReceiving { teid: bearer.enb_s1u });
        self.out.rule(Rule::StopSending { ue: bearer.ue });
        self.out.event(Event::SessionDown {
            subscriber,
            ue: bearer.ue,
        });
    }

    /// Closes the tunnels of a UE. Whether the address was still its own.
    pub(crate) fn cut(&mut self, id: EnbUeS1apId, bearer: &Bearer) -> bool {
        let (to, teid) = bearer.sgw_s1u;
        if self.uplinks.get(&(to.ip(), teid)) == Some(&id) {
            self.uplinks.remove(&(to.ip(), teid));
        }
        self.gtpu
            .disconnect((Interface::S1u, to.ip()), &mut self.metrics.signalling);
        let own = addresses(bearer.ue).any(|address| self.owners.get(&address) == Some(&id));
        if !own {
            return false;
        }
        for address in addresses(bearer.ue) {
            self.owners.remove(&address);
        }
        self.out.rule(Rule::StopReceiving { teid: bearer.enb_s1u });
        self.out.rule(Rule::StopSending { ue: bearer.ue });
        true
    }

    /// A GTP-U message that the user plane did not take.
    pub(crate) fn user_plane_signalling(&mut self, from: SocketAddr, datagram: &[u8], now: Instant) {
        self.gtpu.receive(
            Interface::S1u,
            from,
            datagram,
            now,
            &mut self.metrics.signalling,
            &mut self.out,
        );
        self.user_plane_incoming(now);
    }

    pub(crate) fn user_plane_incoming(&mut self, now: Instant) {
        while let Some(incoming) = self.gtpu.pop() {
            match incoming {
                Incoming::ErrorIndication { from, teid, .. } => self.tunnel_lost(from, teid, now),
                // Nothing more comes from the former path, at a handover; there is none here.
                Incoming::EndMarker { .. } => {}
                Incoming::Path { path, change } => self.sgw_path(path, change, now),
            }
        }
    }

    /// An S-GW came or went. One that has been silent for long carries nothing any more: its UEs attach again.
    fn sgw_path(&mut self, (_, sgw): PathId, change: PathChange, now: Instant) {
        if change != PathChange::Dead {
            return;
        }
        let of_sgw = |(to, _): &&(IpAddr, Teid)| *to == sgw;
        let tunnels = self.uplinks.iter();
        let mut lost: Vec<EnbUeS1apId> = tunnels
            .filter(|(tunnel, _)| of_sgw(tunnel))
            .map(|(_, id)| *id)
            .collect();
        lost.sort_unstable();
        for id in lost {
            self.metrics.tunnels_lost.inc();
            self.give_up(id, now);
        }
    }

    /// The S-GW does not know the tunnel of a UE, §7.3.1: the session is dead.
    fn tunnel_lost(&mut self, sgw: IpAddr, teid: Teid, now: Instant) {
        let Some(id) = self.uplinks.get(&(sgw, teid)).copied() else {
            return self
                .metrics
                .signalling
                .discarded("Error Indication for no tunnel");
        };
        info!(ue = %id, %sgw, "S-GW does not know the tunnel");
        self.metrics.tunnels_lost.inc();
        self.give_up(id, now);
    }
}

/// The addresses of a UE; of IPv6 its /64 prefix.
fn addresses(ue: UeAddress) -> impl Iterator<Item = IpAddr> {
    let prefix = |address: Ipv6Addr| Ipv6Addr::from_bits(address.to_bits() >> 64 << 64);
    let v4 = ue.ipv4.map(IpAddr::V4);
    let v6 = ue.ipv6.map(|address| IpAddr::V6(prefix(address)));
    v4.into_iter().chain(v6)
}

#[cfg(test)]
mod tests {
    use epc_codec::gtpv1u::{EchoRequest, ErrorIndication, Header, Message, gpdu_header};
    use epc_codec::s1ap;

    use super::*;
    use crate::testing::*;

    fn error_indication(teid: u32) -> Vec<u8> {
        Message::from(ErrorIndication::new(Teid(teid), sgw_ip())).encode(&Header::path(0))
    }

    #[test]
    fn lost_tunnel_makes_the_ue_attach_again() {
        let (mut lab, id) = Lab::attached();
        let out = lab.datagram(Interface::S1u, SGW, &error_indication(id.get()));
        let Out::S1ap(s1ap::Message::UeContextReleaseRequest(request)) = &out[0] else {
            panic!("{out:?}")
        };
        assert_eq!(request.cause, s1ap::Cause::TRANSPORT_RESOURCE_UNAVAILABLE);
        assert_eq!(
            lab.datagram(Interface::S1u, SGW, &error_indication(id.get())),
            [],
            "said once"
        );
        assert_eq!(
            lab.advance(RETRY)
                .iter()
                .filter(|again| **again == out[0])
                .count(),
            1,
            "and repeated"
        );
        let out = lab.mme(release_command(id));
        let expected = [
            "StopReceiving",
            "StopSending",
            "SessionDown",
            "UEContextReleaseComplete",
            "InitialUEMessage",
        ];
        assert_eq!(names(&out), expected);
    }

    #[test]
    fn error_indication_of_a_stranger_or_for_no_tunnel_does_nothing() {
        let (mut lab, id) = Lab::attached();
        assert_eq!(
            lab.datagram(Interface::S1u, "198.51.100.1:2152", &error_indication(id.get())),
            []
        );
        assert_eq!(
            lab.datagram(Interface::S1u, SGW, &error_indication(id.get() + 1)),
            []
        );
    }

    #[test]
    fn echo_is_answered_and_an_unknown_tunnel_is_told() {
        let (mut lab, _) = Lab::attached();
        let echo = Message::from(EchoRequest::default()).encode(&Header::path(9));
        let out = lab.datagram(Interface::S1u, SGW, &echo);
        // Sequence number 9, Recovery 0.
        let expected = [0x32, 2, 0, 6, 0, 0, 0, 0, 0, 9, 0, 0, 14, 0];
        assert_eq!(out, [Out::Gtpu(expected.to_vec())]);
        let mut gpdu = gpdu_header(Teid(0x1234_5678), 60).to_vec();
        gpdu.resize(68, 0);
        let out = lab.datagram(Interface::S1u, SGW, &gpdu);
        let Out::Gtpu(answer) = &out[0] else {
            panic!("{out:?}")
        };
        let answer = epc_codec::gtpv1u::decode(answer).unwrap();
        let Message::ErrorIndication(indication) = answer.message else {
            panic!()
        };
        assert_eq!(indication.teid, Teid(0x1234_5678));
    }
}
