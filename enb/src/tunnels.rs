//! S1-U, TS 29.281: the tunnels of the UEs, and GTP-U messages that are no user packets.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Instant;

use epc_codec::Teid;
use epc_codec::s1ap::EnbUeS1apId;
use epc_node::gtpu::Incoming;
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
        *self.sgws.entry(to.ip()).or_default() += 1;
        self.gtpu.watch((Interface::S1u, to.ip()), now);
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
        self.leave_sgw(to);
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

    /// An S-GW to which no tunnel leads is not asked whether it is there.
    fn leave_sgw(&mut self, sgw: SocketAddr) {
        let Some(tunnels) = self.sgws.get_mut(&sgw.ip()) else {
            return;
        };
        *tunnels -= 1;
        if *tunnels == 0 {
            self.sgws.remove(&sgw.ip());
            self.gtpu.forget(&(Interface::S1u, sgw.ip()));
        }
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
                // Logged by the endpoint. That an S-GW is gone the MME finds out on S11, and detaches its UEs.
                Incoming::Path { .. } => {}
            }
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
