//! The packet pipeline of a user plane, on buffers: tunnel tables, encapsulation, relay, decapsulation, anti-spoofing,
//! drop reasons and counters. It has no socket and no clock; `epc-driver` moves the octets.
//!
//! ```text
//!            TUN ──> Encapsulate ──> Outbox ──> UDP        eNB: S1-U    P-GW: S5-U
//!                    UE address -> tunnel; super-packets are cut
//!
//!            UDP ──> Receive ──┬──> Outbox ────> UDP       S-GW: another TEID, in place
//!                    TEID      ├──> Coalesce ──> TUN       eNB, P-GW: is it this UE's? then put together
//!                              └──> slow path              whatever is not a G-PDU with a known TEID
//! ```
//!
//! Both have tables of their own, changed by [`epc_node::Rule`]s between two batches of packets. Nothing here locks,
//! waits or, once the buffers exist, allocates per packet.
//!
//! What takes packets is neither generic nor `#[inline]`: such functions are compiled in the crate that calls them, with its
//! settings, and those of `epc-driver` are for size.

#![forbid(unsafe_code)]

mod checksum;
mod coalesce;
mod counters;
mod directory;
mod encapsulate;
mod filter;
mod fragment;
mod held;
mod icmp;
mod ip;
mod mss;
mod outbox;
mod receive;
mod split;
mod table;
mod vnet;

pub use coalesce::{Coalesce, MOST_PIECES, Takes, Write};
pub use counters::{Counters, Direction, Drop, Port, Snapshot, Traffic};
pub use encapsulate::Encapsulate;
pub use epc_codec::gtpv1u::SHORT_HEADER as GTPU_HEADER;
pub use filter::{Filter, OwnAddresses};
pub use outbox::{Message, Outbox};
pub use receive::{Delivery, Receive, Slow};
pub use table::{Receivers, Senders};
pub use vnet::{VNET_HEADER, Vnet};

/// On which side of the tunnel a TUN device lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The UEs' (eNB): packets from the device come from UEs, packets to it go to UEs.
    Ue,
    /// The network's, SGi (P-GW): packets from the device go to UEs, packets to it come from UEs.
    Network,
}
