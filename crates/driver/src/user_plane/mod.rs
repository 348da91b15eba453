//! The user plane's threads: between them and the control part there are rules, the slow path and counters.
//!
//! ```text
//!                          UserPlane::apply(rule), in force between two batches
//!                               │
//!        ┌──────────────────────┼─────────────────────────┐
//!        v                      v                         v
//!   TUN ──> encapsulate ──> UDP    UDP ──> receive ──> UDP or TUN     one thread a direction, plain OS threads
//!                                           │
//!                                           └──> Slow: what the brain should see (bounded, rate-limited)
//! ```

mod error;
mod offload;
mod slow;
mod sockets;
mod sys;
mod tun;
mod worker;

pub use error::{StartError, Stopped};
pub use slow::Slow;
pub use sockets::SocketConfig;
pub use tun::TunConfig;

pub use epc_user_plane::{Drop as DropReason, Filter, OwnAddresses, Side};

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use epc_node::config::Offload;
use epc_node::{Interface, Rule, TeidKey};
use epc_user_plane::{Coalesce, Counters, Encapsulate, Outbox, Receive, Snapshot};
use tracing::info;

use offload::Offloads;
use sockets::{Bound, Outlets};
use worker::{Encapsulating, Handle, Receiving, Takes, Work};

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
    /// Which packets of UEs go no further.
    pub filter: Filter,
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
            filter: Filter::default(),
            port: Interface::S1u.port(),
        }
    }

    /// Whether packets of UEs leave by the TUN device towards the network, as they do at a P-GW.
    pub(crate) fn is_on_networks_side(&self) -> bool {
        self.tun.as_ref().is_some_and(|tun| tun.side == Side::Network)
    }

    fn sources(&self) -> u32 {
        if self.source_port_by_teid { SOURCE_PORTS } else { 1 }
    }
}

/// A running user plane. Dropping it stops the threads and removes the TUN device.
#[derive(Debug)]
pub struct UserPlane {
    workers: Vec<Handle>,
    outlets: Outlets,
    mtu: Option<u16>,
    offload: Offload,
}

/// The sockets and the TUN device of a user plane whose threads do not run yet. What arrives waits in the kernel.
#[derive(Debug)]
pub struct Prepared {
    config: UserPlaneConfig,
    bound: Vec<Bound>,
    tuns: Vec<Arc<OwnedFd>>,
    offloads: Offloads,
    mtu: Option<u16>,
}

impl Prepared {
    /// See [`UserPlane::mtu`].
    pub fn mtu(&self) -> Option<u16> {
        self.mtu
    }

    /// Starts the threads, with rules that are in force before the first packet. What the brain should see comes out of
    /// the receiver.
    pub fn start(self, rules: &[Rule]) -> Result<(UserPlane, tokio::sync::mpsc::Receiver<Slow>), StartError> {
        let Prepared {
            config,
            bound,
            tuns,
            offloads,
            mtu,
        } = self;
        let queues = config.queues.max(1);
        let (slow, from_workers) = tokio::sync::mpsc::channel(slow::CAPACITY);
        let start = Start {
            config: &config,
            offloads,
            mtu,
            sources: config.sources(),
            outlets: Outlets::new(&bound),
            slow,
            rules,
        };
        let mut user_plane = UserPlane {
            workers: Vec::new(),
            outlets: start.outlets.clone(),
            mtu,
            offload: offloads.level(config.tun.is_some()),
        };
        for bound in &bound {
            for queue in 0..queues {
                let worker = start.receiving(bound, queue, tuns.get(queue))?;
                user_plane.workers.push(worker);
            }
        }
        if let (Some(tun), Some(mtu), Some(bound)) = (&config.tun, mtu, bound.first()) {
            for (queue, descriptor) in tuns.iter().enumerate() {
                let worker = start.encapsulating(tun.side, mtu, bound.address, queue, descriptor)?;
                user_plane.workers.push(worker);
            }
        }
        info!(
            offload = user_plane.offload.name(),
            wanted = config.offload.name(),
            segments = offloads.segments,
            queues,
            mtu,
            "user plane is up"
        );
        Ok((user_plane, from_workers))
    }
}

impl UserPlane {
    /// Opens the sockets and the TUN device, which is up afterwards.
    pub fn prepare(config: &UserPlaneConfig) -> Result<Prepared, StartError> {
        let queues = config.queues.max(1);
        let bound = sockets::open(&config.sockets, config.port, queues, config.sources() as usize)?;
        let all_sockets: Vec<&UdpSocket> = bound.iter().flat_map(Bound::sockets).collect();
        let mut offloads = Offloads::probe(config.offload, &all_sockets);
        let mtu = config
            .tun
            .as_ref()
            .map(|tun| tun.mtu.unwrap_or_else(|| default_mtu(&bound)));
        let tuns = match (&config.tun, mtu) {
            (Some(tun), Some(mtu)) => {
                sockets::forbid_fragments(&bound)?;
                tun::open(tun, mtu, queues, offloads.vnet)?
            }
            _ => Vec::new(),
        };
        offloads.ask_tun(&tuns);
        Ok(Prepared {
            config: config.clone(),
            bound,
            tuns,
            offloads,
            mtu,
        })
    }

    /// Prepares it and starts the threads, without rules.
    pub fn start(
        config: &UserPlaneConfig,
    ) -> Result<(UserPlane, tokio::sync::mpsc::Receiver<Slow>), StartError> {
        UserPlane::prepare(config)?.start(&[])
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
        let outgoing = sys::Outgoing {
            to,
            octets: datagram,
            segment: None,
        };
        sys::send(socket.as_fd(), std::iter::once(outgoing)).map(drop)
    }

    /// Octets of the longest user packet, the MTU of the TUN device; `None` without one.
    pub fn mtu(&self) -> Option<u16> {
        self.mtu
    }

    /// What is used of the kernel's offloads: what the configuration asks for, less what the kernel does not have.
    pub fn offload(&self) -> Offload {
        self.offload
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

/// What all threads are started with.
struct Start<'a> {
    config: &'a UserPlaneConfig,
    offloads: Offloads,
    mtu: Option<u16>,
    sources: u32,
    outlets: Outlets,
    slow: tokio::sync::mpsc::Sender<Slow>,
    rules: &'a [Rule],
}

impl Start<'_> {
    fn receiving(
        &self,
        bound: &Bound,
        queue: usize,
        tun: Option<&Arc<OwnedFd>>,
    ) -> Result<Handle, StartError> {
        let counters = Arc::new(Counters::default());
        let work = Receiving {
            pipeline: Receive::new(
                self.config.teid_key,
                bound.serves.clone(),
                self.config.tun.as_ref().map(|tun| tun.side),
                self.outbox(),
                Arc::clone(&counters),
            )
            .with_mtu(self.mtu)
            .with_filter(self.config.filter.clone()),
            coalesce: Coalesce::new(self.offloads.takes),
            batch: self.offloads.batch,
            socket: Arc::clone(&bound.receive[queue]),
            outlets: self.outlets.clone(),
            tun: tun.map(Arc::clone),
            counters: Arc::clone(&counters),
            slow: slow::Sender::new(self.slow.clone()),
        };
        let name = format!("{} {queue}", bound.serves[0]);
        self.thread(name, Takes::Receive, counters, work)
    }

    fn encapsulating(
        &self,
        side: Side,
        mtu: u16,
        address: IpAddr,
        queue: usize,
        tun: &Arc<OwnedFd>,
    ) -> Result<Handle, StartError> {
        let counters = Arc::new(Counters::default());
        let work = Encapsulating {
            pipeline: Encapsulate::new(side, mtu, self.outbox(), Arc::clone(&counters)),
            one_at_a_time: self.offloads.batch == 1,
            vnet: self.offloads.vnet,
            address,
            tun: Arc::clone(tun),
            outlets: self.outlets.clone(),
            counters: Arc::clone(&counters),
            forget_at: None,
            stopping: worker::event()?,
            came: worker::Came::Together,
        };
        let name = format!("TUN {queue}");
        self.thread(name, Takes::Send, counters, work)
    }

    fn thread(
        &self,
        name: String,
        takes: Takes,
        counters: Arc<Counters>,
        work: impl Work + 'static,
    ) -> Result<Handle, StartError> {
        Handle::start(name, takes, counters, self.rules, self.slow.clone(), work)
    }

    fn outbox(&self) -> Outbox {
        Outbox::new(1024, self.offloads.segments, self.sources)
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
