//! A lab of network namespaces: nodes, links between them, programs in them, and what is said on the wire.
//!
//! ```text
//! sandbox    the process itself, again, as pid 1 of namespaces of its own: whatever ends it, nothing is left
//! Namespace  one node's network; run a closure or start a program in it
//! link       a virtual cable between two namespaces, with an address at either end
//! Process    a program in a namespace: log, signals, exit
//! Daemons    the programs of the four nodes, built by cargo
//! http, web  a client and a server that work inside a namespace
//! ping       the round-trip time between two namespaces
//! Forger     datagrams under anybody's address
//! flows      files and datagrams between two namespaces, compared where they arrive
//! Capture    every frame on the links, in one order, into a pcapng file and to a function
//! callflow   what the frames say, as a ladder
//! yaml       configurations of the daemons in an Epc
//! demo       what the programs of the demo's image share: a route, a signal
//! Epc        all of it in the shape of an EPC: UE, eNB, MME, S-GW, P-GW, server, one link a reference point
//! ```
//!
//! No tool outside is needed (no `ip`, no `tcpdump`), and no privilege where the kernel lets ordinary users have
//! user namespaces. Tests and the demo wait for states with [`wait_for`], never for time.

pub mod callflow;
mod capture;
mod daemons;
pub mod demo;
mod epc;
mod error;
pub mod flows;
mod forge;
mod frame;
pub mod http;
mod ladder;
mod namespace;
mod netlink;
pub mod pcap;
pub mod ping;
mod process;
pub mod sandbox;
mod wait;
pub mod web;
pub mod yaml;

pub use capture::{Capture, Captured, Point, Totals};
pub use daemons::Daemons;
pub use epc::{Epc, Node, ReferencePoint};
pub use epc_codec::Teid;
pub use error::Error;
pub use forge::Forger;
pub use frame::udp_datagram;
pub use ladder::Ladder;
pub use namespace::{Namespace, Traffic};
pub use netlink::{End, LinkOptions, link};
pub use process::Process;
pub use wait::wait_for;

/// What everything here returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;
