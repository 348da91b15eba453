//! Runs a brain as a daemon. The only crate with sockets, threads, devices, signals, HTTP and a clock.
//!
//! ```text
//! args -> config -> addresses found -> host checks -> session store, sockets, user plane, TUN, rules -> control loop
//!   -> all of it undone
//!
//! datagrams  ─┐                      ┌─ records   -> session store, where there is one
//! slow path  ─┼─> control loop ──────┼─ rules     -> user plane, in force before what follows
//! timer      ─┤   one task, owns     ├─ datagrams -> sockets
//! signals    ─┤   the brain          └─ events    -> the daemon's effects on the host, awaited
//! HTTP       ─┘
//! ```
//!
//! A daemon implements [`Daemon`] and its `main` returns [`main`]`::<ItsDaemon>()`.

mod args;
pub mod config;
mod control;
mod discovery;
pub mod host;
mod http;
mod log;
mod metrics;
mod privilege;
mod run;
mod sockets;
mod store;
#[cfg(test)]
mod toy;
pub mod user_plane;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use epc_node::config::LogFormat;
use epc_node::store::{Records, Unreadable};
use epc_node::{Boot, Interface, Node, TeidKey};
use serde::de::DeserializeOwned;

pub use config::Problem;
pub use discovery::AddressKey;
pub use prometheus_client::registry::Registry;
pub use store::SessionStore;
use user_plane::UserPlaneConfig;

/// A brain, its configuration, and what it needs from the host.
///
/// The value itself is what the daemon keeps outside of its brain: handles of routes and rules, running fetches.
#[expect(async_fn_in_trait, reason = "everything runs on one thread")]
pub trait Daemon: Sized + 'static {
    /// `enb`, `mme`, `sgw`, `pgw`: the program, the default file, the prefix of metrics.
    const NAME: &'static str;
    /// One sentence for `--help`.
    const ABOUT: &'static str;
    /// Whether [`Common::session_store`] may say where to keep sessions; the program of a node that has none goes without.
    const KEEPS_SESSIONS: bool = false;
    /// The file.
    type Config: DeserializeOwned + Clone;
    /// The brain.
    type Node: Node;
    /// The keys whose values may be looked up. [`Daemon::Config`] has the addresses that were found.
    const ADDRESSES: &'static [AddressKey];

    /// What no single key can tell.
    fn check(config: &Self::Config) -> Result<(), Problem>;

    /// What this host must have for the configuration to work, such as an interface that it names. Asked at start and
    /// before a reload.
    fn check_host(_config: &Self::Config) -> Result<(), Problem> {
        Ok(())
    }

    /// The keys that all daemons have.
    fn common(config: &Self::Config) -> Common;

    /// The sockets on which the brain talks.
    fn sockets(config: &Self::Config) -> Vec<Socket>;

    /// The user plane, where the node has one.
    fn user_plane(_config: &Self::Config, _teid_key: TeidKey) -> Option<UserPlaneConfig> {
        None
    }

    /// Takes note of the longest user packet, in octets, that the user plane found to fit, where the configuration
    /// names none.
    fn learn_mtu(_config: &mut Self::Config, _mtu: u16) {}

    /// Puts back into `new` what cannot change while the node runs, and returns the keys whose change is thereby
    /// refused.
    fn keep_fixed(running: &Self::Config, new: &mut Self::Config) -> Vec<&'static str>;

    /// A new brain, with its metrics registered.
    fn node(config: &Self::Config, boot: Boot, registry: &mut Registry, now: Instant) -> Self::Node;

    /// A brain that goes on from the records of its session store and keeps on storing, with its metrics registered.
    /// Only asked where [`Common::session_store`] says so.
    fn restored(
        config: &Self::Config,
        boot: Boot,
        _records: &Records,
        registry: &mut Registry,
        now: Instant,
    ) -> Result<Self::Node, Unreadable> {
        Ok(Self::node(config, boot, registry, now))
    }

    /// What is missing before the node can serve; empty when nothing is.
    fn missing(node: &Self::Node) -> Vec<String>;

    /// Whether nothing is left to do after [`Daemon::shutdown`].
    fn is_drained(node: &Self::Node) -> bool;

    /// The command that brings a new configuration.
    fn reload(config: Self::Config) -> <Self::Node as Node>::Command;

    /// The command that brings a configuration in which nothing but addresses of peers is new: nobody asked for a reload.
    fn follow(config: Self::Config) -> <Self::Node as Node>::Command {
        Self::reload(config)
    }

    /// The command to end every session.
    fn shutdown() -> <Self::Node as Node>::Command;

    /// Prepares the host: routes and rules. The user plane and its TUN device are there already.
    async fn start(config: &Self::Config, registry: &mut Registry) -> Result<Self, Problem>;

    /// Does what an event asks of the host. The outputs of the brain that follow it wait until this returns.
    async fn on_event(&mut self, event: <Self::Node as Node>::Event);

    /// Undoes what [`Daemon::start`] and the events did to the host.
    async fn stop(&mut self) {}
}

/// The keys that all daemons have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Common {
    /// Where to serve `/metrics`, `/livez` and `/readyz`.
    pub prom_addr: Option<SocketAddr>,
    /// `text` or `json`.
    pub log_format: LogFormat,
    /// How long a stop may take.
    pub shutdown_grace: Duration,
    /// Where sessions are kept, if anywhere.
    pub session_store: Option<SessionStore>,
    /// Asked for the user plane of go-gtp's kernel module; answered with a line in the log.
    pub use_kernel_gtp: bool,
}

/// A UDP socket of the control plane. Interfaces with the same address share one socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    /// The reference point that is spoken there.
    pub interface: Interface,
    /// The address to bind.
    pub address: SocketAddr,
    /// The key that gave the address, for errors.
    pub key: &'static str,
}

/// Puts keys back into a new configuration that cannot change while the node runs; evaluates to those that differed.
///
/// `keep_fixed!(running, new; local_addresses, prom_addr)`, for [`Daemon::keep_fixed`].
#[macro_export]
macro_rules! keep_fixed {
    ($running:expr, $new:expr; $($key:ident),* $(,)?) => {{
        let mut kept: Vec<&'static str> = Vec::new();
        $(
            if $running.$key != $new.$key {
                $new.$key = $running.$key.clone();
                kept.push(stringify!($key));
            }
        )*
        kept
    }};
}

/// The whole program: arguments, configuration, node, until it is told to stop.
///
/// The exit code is 0 after an orderly stop, 2 when the arguments, the configuration or this host do not allow a start,
/// 128 + the signal's number when a second signal cut the stop short.
pub fn main<D: Daemon>() -> ExitCode {
    run::main::<D>(std::env::args_os())
}
