use std::net::{IpAddr, SocketAddr};

use epc_codec::Teid;
use epc_codec::gtpv2c::Fteid;
use serde::{Deserialize, Serialize};

use crate::{Interface, store};

/// A peer's end of a tunnel, or of a session on the control plane: where it takes what we send, and the TEID that it gave
/// out for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Peer {
    /// Where to send to.
    pub address: SocketAddr,
    /// What to name there.
    #[serde(with = "store::teid")]
    pub teid: Teid,
}

impl Peer {
    /// From the F-TEID that the peer sent: at its address of the family that we have on that interface, and the registered
    /// port. `None` if it has no address of that family.
    pub fn from_fteid(fteid: &Fteid, on: Interface, ours: IpAddr) -> Option<Peer> {
        let address = match ours {
            IpAddr::V4(_) => IpAddr::V4(fteid.ipv4?),
            IpAddr::V6(_) => IpAddr::V6(fteid.ipv6?),
        };
        Some(Peer {
            address: SocketAddr::new(address, on.port()),
            teid: fteid.teid,
        })
    }

    /// Its address without the port.
    pub fn ip(&self) -> IpAddr {
        self.address.ip()
    }
}
