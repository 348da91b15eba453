//! What the kernel does for us, found out at the start.

use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};

use epc_node::config::Offload;
use epc_user_plane::Takes;
use tracing::info;

use super::sys;

/// `UDP_MAX_SEGMENTS` of Linux before 6.9, and since.
const SEGMENTS: usize = 64;
const MORE_SEGMENTS: usize = 128;

/// What is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offloads {
    /// `IFF_VNET_HDR`: super-packets from and to the TUN device.
    pub(super) vnet: bool,
    /// Of which kinds the TUN device takes them.
    pub(super) takes: Takes,
    /// Datagrams a `UDP_SEGMENT` message at most; 1 without it.
    pub(super) segments: usize,
    /// `UDP_GRO`.
    pub(super) gro: bool,
    /// Messages a call at most.
    pub(super) batch: usize,
}

impl Offloads {
    /// What the kernel has of what the configuration allows. The TUN device is asked when it is there.
    pub(super) fn probe(allowed: Offload, sockets: &[&UdpSocket]) -> Offloads {
        let gro = allowed >= Offload::NoGso && sockets.iter().all(|socket| has(socket, libc::UDP_GRO, 1));
        let gso = allowed >= Offload::NoUso && sockets.iter().all(|socket| has(socket, libc::UDP_SEGMENT, 0));
        Offloads {
            vnet: allowed > Offload::None,
            takes: match allowed {
                Offload::None => Takes::Packets,
                Offload::NoGro | Offload::NoGso | Offload::NoUso => Takes::Tcp,
                Offload::Full => Takes::TcpAndUdp,
            },
            segments: if gso { most_segments() } else { 1 },
            gro,
            batch: match allowed {
                Offload::None => 1,
                _ => sys::MOST_MESSAGES,
            },
        }
    }

    /// Asks the queues of the TUN device for super-packets, of UDP too if it has them.
    pub(super) fn ask_tun(&mut self, queues: &[impl AsRef<OwnedFd>]) {
        const TCP: libc::c_uint = libc::TUN_F_CSUM | libc::TUN_F_TSO4 | libc::TUN_F_TSO6;
        const UDP: libc::c_uint = libc::TUN_F_USO4 | libc::TUN_F_USO6;
        let ask = |offload| {
            queues
                .iter()
                .all(|queue| sys::tun_set_offload(queue.as_ref(), offload).is_ok())
        };
        if !self.vnet {
            return;
        }
        if self.takes == Takes::TcpAndUdp && !ask(TCP | UDP) {
            self.takes = Takes::Tcp;
        }
        if self.takes == Takes::Tcp && !ask(TCP) {
            info!("the TUN device hands over no super-packets");
        }
    }

    /// The name in the configuration that comes nearest to what is used.
    pub(super) fn level(&self, has_tun: bool) -> Offload {
        if !self.vnet {
            Offload::None
        } else if !self.gro {
            Offload::NoGro
        } else if self.segments == 1 {
            Offload::NoGso
        } else if has_tun && self.takes != Takes::TcpAndUdp {
            Offload::NoUso
        } else {
            Offload::Full
        }
    }
}

fn has(socket: &UdpSocket, option: libc::c_int, value: libc::c_int) -> bool {
    sys::set_option(socket.as_fd(), libc::SOL_UDP, option, value).is_ok()
}

/// Tries a long message on the loopback device; what cannot be tried is taken for the old limit.
fn most_segments() -> usize {
    let octets = [0; MORE_SEGMENTS];
    let tried = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| {
        let outgoing = sys::Outgoing {
            to: socket.local_addr()?,
            octets: &octets,
            segment: Some(1),
        };
        sys::send(socket.as_fd(), std::iter::once(outgoing))
    });
    match tried {
        Ok(_) => MORE_SEGMENTS,
        Err(_) => SEGMENTS,
    }
}
