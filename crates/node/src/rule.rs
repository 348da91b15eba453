use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use epc_codec::Teid;
use serde::{Deserialize, Serialize};

use crate::Interface;

/// A change of the user plane. A rule is in force before the output that follows it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// What becomes of G-PDUs that arrive with this TEID. Replaces what was there for it.
    ///
    /// User-plane TEIDs are unique in a node, whatever the interface.
    Receive {
        /// The TEID that this node gave out.
        teid: Teid,
        /// The interface on which it was given out; elsewhere the TEID is unknown.
        on: Interface,
        /// The one peer that may use it; `None` while the peer is not known yet: anybody.
        from: Option<IpAddr>,
        /// What to do.
        then: Then,
    },
    /// Nothing is forwarded for this TEID any more; from now on it is an unknown TEID.
    StopReceiving {
        /// The TEID.
        teid: Teid,
    },
    /// Into which tunnel packets go that the TUN device hands us for this UE. Replaces what was there for it.
    Send {
        /// The UE: the source address at an eNB, the destination address at a P-GW.
        ue: UeAddress,
        /// The interface to send on.
        on: Interface,
        /// The peer's address and port.
        to: SocketAddr,
        /// The TEID that the peer gave out.
        teid: Teid,
    },
    /// Packets for this UE have no tunnel any more.
    StopSending {
        /// The UE.
        ue: UeAddress,
    },
}

/// What to do with a G-PDU whose TEID is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// Give it another TEID and send it on.
    Relay {
        /// The interface to send on.
        on: Interface,
        /// The next peer's address and port.
        to: SocketAddr,
        /// The TEID that the next peer gave out.
        teid: Teid,
    },
    /// The next peer is not known (S-GW, before Modify Bearer): keep some packets until it is, and count what is dropped;
    /// no Error Indication.
    Hold,
    /// Take the packet out and write it to the TUN device, if it is this UE's: its source address at a P-GW, its
    /// destination address at an eNB.
    Deliver {
        /// The UE.
        ue: UeAddress,
    },
}

/// The addresses of one PDN connection; at least one is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UeAddress {
    /// The IPv4 address.
    pub ipv4: Option<Ipv4Addr>,
    /// The IPv6 address that stands for its /64 prefix: any interface identifier in it is the UE's, TS 23.401 §5.3.1.2.2.
    pub ipv6: Option<Ipv6Addr>,
}

impl UeAddress {
    /// An address that is only IPv4.
    pub const fn v4(address: Ipv4Addr) -> UeAddress {
        UeAddress {
            ipv4: Some(address),
            ipv6: None,
        }
    }
}

impl fmt::Display for UeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.ipv4, self.ipv6) {
            (Some(v4), Some(v6)) => write!(f, "{v4} {v6}/64"),
            (Some(v4), None) => v4.fmt(f),
            (None, Some(v6)) => write!(f, "{v6}/64"),
            (None, None) => f.write_str("none"),
        }
    }
}
