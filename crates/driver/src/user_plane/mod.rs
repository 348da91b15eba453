//! The user plane's threads: between them and the control part there are rules, the slow path and counters.
//!
//! ```text
//!                          UserPlane::apply(rule), acknowledged between two batches
//!                               │
//!        ┌──────────────────────┼─────────────────────────┐
//!        v                      v                         v
//!   TUN ──> encapsulate ──> UDP    UDP ──> receive ──> UDP or TUN     one thread a direction, plain OS threads
//!                                           │
//!                                           └──> Slow: what the brain should see (bounded, rate-limited)
//! ```

mod error;
mod slow;
mod sockets;
mod sys;
mod tun;
mod worker;

pub use error::{StartError, Stopped};
pub use slow::Slow;
pub use sockets::SocketConfig;
pub use tun::TunConfig;

pub use epc_user_plane::Side;

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;

use epc_node::config::Offload;
use epc_node::{Interface, Rule, TeidKey};
use epc_user_plane::{Counters, Encapsulate, Outbox, Receive, Snapshot};
use tracing::info;

use sockets::{Bound, Outlets};
use worker::{Handle, Takes};

/// The MTU of a TUN device where the path allows it and the configuration names none.
const MOST_MTU: u16 = 1500;

/// Ports over which TEIDs are spread, if asked.
const SOURCE_PORTS: u32 = 16;

/// What to start.
#[derive(Debug, Clone)]
pub struct UserPlaneConfig {
    /// The key of the TEIDs that the brain gives out.
    pub teid_key: TeidKey,
    /// The GTP-U sockets: one interface at an eNB and a P-GW, two at an S-GW.
    pub sockets: Vec<SocketConfig>,
    /// The TUN device; an S-GW has none.
    pub tun: Option<TunConfig>,
    /// What to use of the kernel's offloads.
    pub offload: Offload,
    /// Threads a direction, at least 1.
    pub queues: usize,
    /// Send from one of 16 ports, by TEID, instead of from [`UserPlaneConfig::port`].
    pub source_port_by_teid: bool,
    /// 2152, TS 29.281 §4.4.2; another one only where a test has no namespace for itself.
    pub port: u16,
}

impl UserPlaneConfig {
    /// What the configuration's `user_plane` key says, for these sockets and this TUN device.
    pub fn new(
        settings: &epc_node::config::UserPlane,
        teid_key: TeidKey,
        sockets: Vec<SocketConfig>,
        tun: Option<TunConfig>,
    ) -> UserPlaneConfig {
        UserPlaneConfig {
            teid_key,
            sockets,
            tun: tun.map(|tun| TunConfig {
                mtu: tun.mtu.or(settings.mtu),
                ..tun
            }),
            offload: settings.offload,
            queues: usize::from(settings.queues),
            source_port_by_teid: settings.source_port_by_teid,
            port: Interface::S1u.port(),
        }
    }
}

/// A running user plane. Dropping it stops the threads and removes the TUN device.
#[derive(Debug)]
pub struct UserPlane {
    workers: Vec<Handle>,
    outlets: Outlets,
    mtu: Option<u16>,
}

impl UserPlane {
    /// Opens the sockets and the TUN device, which is up afterwards, and starts the threads. What the brain should see
    /// comes out of the receiver.
    pub fn start(
        config: &UserPlaneConfig,
    ) -> Result<(UserPlane, tokio::sync::mpsc::Receiver<Slow>), StartError> {
        let queues = config.queues.max(1);
        let sources = if config.source_port_by_teid {
            SOURCE_PORTS
        } else {
            1
        };
        let bound = sockets::open(&config.sockets, config.port, queues, sources as usize)?;
        let outlets = Outlets::new(&bound);
        let mtu = config
            .tun
            .as_ref()
            .map(|tun| tun.mtu.unwrap_or_else(|| default_mtu(&bound)));
        let tuns = match (&config.tun, mtu) {
            (Some(tun), Some(mtu)) => tun::open(tun, mtu, queues)?,
            _ => Vec::new(),
        };

        let (slow, from_workers) = tokio::sync::mpsc::channel(slow::CAPACITY);
        let mut user_plane = UserPlane {
            workers: Vec::new(),
            outlets: outlets.clone(),
            mtu,
        };
        let side = config.tun.as_ref().map(|tun| tun.side);
        for bound in &bound {
            for (queue, socket) in bound.receive.iter().enumerate() {
                let counters = Arc::new(Counters::default());
                let pipeline = Receive::new(
                    config.teid_key,
                    bound.serves.clone(),
                    side,
                    Outbox::new(1024, 1, sources),
                    Arc::clone(&counters),
                );
                let work = worker::Receiving {
                    pipeline,
                    socket: Arc::clone(socket),
                    outlets: outlets.clone(),
                    tun: tuns.get(queue).map(Arc::clone),
                    counters: Arc::clone(&counters),
                    slow: slow::Sender::new(slow.clone()),
                };
                let name = format!("{} {queue}", bound.serves[0]);
                let takes = Takes::Receive;
                user_plane
                    .workers
                    .push(Handle::start(name, takes, counters, slow.clone(), |changes| {
                        work.run(changes)
                    })?);
            }
        }
        if let (Some(side), Some(mtu)) = (side, mtu) {
            for (queue, tun) in tuns.iter().enumerate() {
                let counters = Arc::new(Counters::default());
                let pipeline =
                    Encapsulate::new(side, mtu, 0, Outbox::new(1024, 1, sources), Arc::clone(&counters));
                let work = worker::Encapsulating {
                    pipeline,
                    tun: Arc::clone(tun),
                    outlets: outlets.clone(),
                    counters: Arc::clone(&counters),
                    mtu,
                };
                let name = format!("TUN {queue}");
                let takes = Takes::Send;
                user_plane
                    .workers
                    .push(Handle::start(name, takes, counters, slow.clone(), |changes| {
                        work.run(changes)
                    })?);
            }
        }
        info!(offload = config.offload.name(), queues, mtu, "user plane is up");
        Ok((user_plane, from_workers))
    }

    /// Puts a rule in force. When this returns, no packet is in flight any more that was treated by the rules before.
    pub fn apply(&self, rule: &Rule) -> Result<(), Stopped> {
        self.apply_all(std::slice::from_ref(rule))
    }

    /// Puts rules in force, in their order, with one wait for all of them.
    pub fn apply_all(&self, rules: &[Rule]) -> Result<(), Stopped> {
        worker::apply(&self.workers, rules)
    }

    /// Sends a GTP-U message of the brain's.
    pub fn send(&self, on: Interface, to: SocketAddr, datagram: &[u8]) -> io::Result<()> {
        let Some(socket) = self.outlets.socket(on, 0) else {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        };
        socket.send_to(datagram, to).map(drop)
    }

    /// Octets of the longest user packet, the MTU of the TUN device; `None` without one.
    pub fn mtu(&self) -> Option<u16> {
        self.mtu
    }

    /// What passed until now.
    pub fn counters(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for worker in &self.workers {
            snapshot.add(worker.counters());
        }
        snapshot
    }

    /// Stops the threads and waits for them.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for UserPlane {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            worker.stop();
        }
    }
}

/// What the links of the sockets leave; a larger one only if the configuration says so, because the path goes on.
fn default_mtu(bound: &[Bound]) -> u16 {
    let of = |address: IpAddr, socket: &UdpSocket| sockets::user_mtu(address, socket.as_fd());
    bound
        .iter()
        .filter_map(|bound| of(bound.address, &bound.receive[0]))
        .fold(MOST_MTU, u16::min)
}
