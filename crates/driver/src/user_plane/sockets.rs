//! The GTP-U sockets.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use epc_node::Interface;
use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};

use super::StartError;
use super::sys;

/// As much as the kernel grants; a burst of 64 KB messages must fit.
const BUFFER: usize = 8 << 20;

/// The sockets of one address.
#[derive(Debug)]
pub(super) struct Bound {
    /// The interfaces that share the address, the first one first.
    pub(super) serves: Vec<Interface>,
    pub(super) address: IpAddr,
    key: String,
    /// One a queue, all on the same port.
    pub(super) receive: Vec<Arc<UdpSocket>>,
    /// From where to send, by TEID; the first one is the port on which we also receive.
    pub(super) send: Vec<Arc<UdpSocket>>,
}

impl Bound {
    pub(super) fn sockets(&self) -> impl Iterator<Item = &UdpSocket> {
        self.receive.iter().chain(&self.send).map(Arc::as_ref)
    }
}

/// A GTP-U socket to open.
#[derive(Debug, Clone)]
pub struct SocketConfig {
    /// The interface.
    pub on: Interface,
    /// The address on this host; two interfaces with one address share a socket.
    pub address: IpAddr,
    /// The key of the configuration from which the address comes, for errors.
    pub key: String,
}

/// Opens the sockets of each address: `queues` to receive, `sources` to send from.
pub(super) fn open(
    configs: &[SocketConfig],
    port: u16,
    queues: usize,
    sources: usize,
) -> Result<Vec<Bound>, StartError> {
    let mut bound: Vec<Bound> = Vec::new();
    for config in configs {
        if let Some(same) = bound.iter_mut().find(|bound| bound.address == config.address) {
            same.serves.push(config.on);
            continue;
        }
        bound.push(open_address(config, port, queues, sources)?);
    }
    Ok(bound)
}

fn open_address(
    config: &SocketConfig,
    port: u16,
    queues: usize,
    sources: usize,
) -> Result<Bound, StartError> {
    let open =
        |port, shared| bind(config.address, port, shared).map_err(|error| explain(config, port, error));
    let mut receive = Vec::new();
    if queues > 1 {
        // A port that may be shared would also be shared with another daemon; so see first whether it is free.
        drop(open(port, false)?);
    }
    for _ in 0..queues {
        receive.push(Arc::new(open(port, queues > 1)?));
    }
    let mut send = vec![Arc::clone(&receive[0])];
    for _ in 1..sources {
        send.push(Arc::new(open(0, false)?));
    }
    Ok(Bound {
        serves: vec![config.on],
        address: config.address,
        key: config.key.clone(),
        receive,
        send,
    })
}

fn bind(address: IpAddr, port: u16, shared: bool) -> io::Result<UdpSocket> {
    let address = SocketAddr::new(address, port);
    let socket = Socket::new(
        Domain::for_address(address),
        // A thread waits in the call that receives; what sends does not wait.
        Type::DGRAM.cloexec(),
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if shared {
        socket.set_reuse_port(true)?;
    }
    grow_buffers(&socket)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Beyond the system's limit with CAP_NET_ADMIN, up to it without.
fn grow_buffers(socket: &Socket) -> io::Result<()> {
    if setsockopt(socket, sockopt::RcvBufForce, &BUFFER).is_err() {
        socket.set_recv_buffer_size(BUFFER)?;
    }
    if setsockopt(socket, sockopt::SndBufForce, &BUFFER).is_err() {
        socket.set_send_buffer_size(BUFFER)?;
    }
    Ok(())
}

fn explain(config: &SocketConfig, port: u16, source: io::Error) -> StartError {
    let key = config.key.clone();
    let address = config.address;
    match source.kind() {
        io::ErrorKind::AddrNotAvailable => StartError::AddressNotHere { key, address },
        io::ErrorKind::AddrInUse => StartError::PortInUse { key, address, port },
        _ => StartError::Socket {
            key,
            address,
            port,
            source,
        },
    }
}

/// The longest user packet that fits a path that begins at the device with this address: its MTU less the outer headers.
pub(super) fn user_mtu(address: IpAddr, socket: BorrowedFd<'_>) -> Option<u16> {
    let device = nix::ifaddrs::getifaddrs().ok()?.find(|device| {
        let ip = device.address.and_then(|address| {
            let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
        });
        ip == Some(address)
    })?;
    let mtu = sys::mtu(socket, &device.interface_name).ok()?;
    Some(mtu.saturating_sub(overhead(address)).min(usize::from(u16::MAX)) as u16)
}

/// Lets no message be fragmented on its way: what is too big is refused with `EMSGSIZE`. For a node with a TUN device,
/// which can tell the sender.
pub(super) fn forbid_fragments(bound: &[Bound]) -> Result<(), StartError> {
    for bound in bound {
        let (level, option, forbid) = match bound.address {
            IpAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_DO),
            IpAddr::V6(_) => (
                libc::IPPROTO_IPV6,
                libc::IPV6_MTU_DISCOVER,
                libc::IPV6_PMTUDISC_DO,
            ),
        };
        for socket in bound.sockets() {
            sys::set_option(socket.as_fd(), level, option, forbid).map_err(|source| StartError::Socket {
                key: bound.key.clone(),
                address: bound.address,
                port: socket.local_addr().map_or(0, |address| address.port()),
                source,
            })?;
        }
    }
    Ok(())
}

/// The longest user packet that the path to this peer takes, by what the kernel knows of it now.
pub(super) fn path_mtu(from: IpAddr, to: SocketAddr) -> io::Result<u16> {
    let socket = UdpSocket::bind((from, 0))?;
    socket.connect(to)?;
    let mtu = match to {
        SocketAddr::V4(_) => sys::option(socket.as_fd(), libc::IPPROTO_IP, libc::IP_MTU)?,
        SocketAddr::V6(_) => sys::option(socket.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_MTU)?,
    };
    let mtu = usize::try_from(mtu).unwrap_or(0);
    Ok(mtu.saturating_sub(overhead(from)).min(usize::from(u16::MAX)) as u16)
}

/// Octets of the headers around a user packet.
fn overhead(address: IpAddr) -> usize {
    match address {
        IpAddr::V4(_) => 20 + 8 + epc_user_plane::GTPU_HEADER,
        IpAddr::V6(_) => 40 + 8 + epc_user_plane::GTPU_HEADER,
    }
}

/// From which socket a message goes out.
#[derive(Debug, Clone, Default)]
pub(super) struct Outlets {
    s1u: Vec<Arc<UdpSocket>>,
    s5u: Vec<Arc<UdpSocket>>,
}

impl Outlets {
    pub(super) fn new(bound: &[Bound]) -> Outlets {
        let of = |on| {
            bound
                .iter()
                .find(|bound| bound.serves.contains(&on))
                .map(|bound| bound.send.clone())
                .unwrap_or_default()
        };
        Outlets {
            s1u: of(Interface::S1u),
            s5u: of(Interface::S5u),
        }
    }

    #[inline]
    pub(super) fn socket(&self, on: Interface, spread: u32) -> Option<&UdpSocket> {
        let sockets = match on {
            Interface::S1u => &self.s1u,
            Interface::S5u => &self.s5u,
            Interface::S1Mme | Interface::S11 | Interface::S5c => return None,
        };
        sockets.get(spread as usize).map(Arc::as_ref)
    }

    #[inline]
    pub(super) fn fd(&self, on: Interface, spread: u32) -> Option<BorrowedFd<'_>> {
        self.socket(on, spread).map(AsFd::as_fd)
    }
}
