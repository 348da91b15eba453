//! The UDP sockets of the control plane.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use epc_node::Interface;
use socket2::{Domain, Protocol, Type};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

use crate::{Problem, Socket};

/// Asked of the kernel for each socket, so that a thousand attaches at once find room; it gives at most
/// `net.core.rmem_max`.
const BUFFER: usize = 8 << 20;

/// All control sockets of a node.
#[derive(Debug)]
pub(crate) struct Sockets {
    bound: Vec<Bound>,
    /// Where to look first next time, so that no socket starves another.
    first: usize,
}

#[derive(Debug)]
struct Bound {
    address: SocketAddr,
    interfaces: Vec<Interface>,
    socket: UdpSocket,
}

impl Sockets {
    /// Binds each address once.
    pub(crate) fn bind(wanted: &[Socket]) -> Result<Sockets, Problem> {
        let mut bound: Vec<Bound> = Vec::new();
        for Socket {
            interface,
            address,
            key,
        } in wanted
        {
            if let Some(shared) = bound.iter_mut().find(|bound| bound.address == *address) {
                shared.interfaces.push(*interface);
                continue;
            }
            let socket =
                open(*address).map_err(|error| Problem::new(*key, cannot_bind("UDP", *address, &error)))?;
            bound.push(Bound {
                address: *address,
                interfaces: vec![*interface],
                socket,
            });
        }
        Ok(Sockets { bound, first: 0 })
    }

    /// Waits for a datagram on any socket.
    pub(crate) async fn receive(&mut self, buffer: &mut [u8]) -> (Interface, SocketAddr, usize) {
        poll_fn(|cx| self.poll_receive(cx, buffer)).await
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<(Interface, SocketAddr, usize)> {
        let sockets = self.bound.len();
        for turn in 0..sockets {
            let bound = &self.bound[(self.first + turn) % sockets];
            let mut into = ReadBuf::new(buffer);
            // An error here is that of an earlier datagram, or of one that was lost. The next call reads on.
            while let Poll::Ready(result) = bound.socket.poll_recv_from(cx, &mut into) {
                match result {
                    Ok(from) => {
                        self.first = (self.first + turn + 1) % sockets;
                        return Poll::Ready((bound.interfaces[0], from, into.filled().len()));
                    }
                    Err(error) => tracing::debug!(%error, address = %bound.address, "receive failed"),
                }
            }
        }
        Poll::Pending
    }

    /// A datagram that is there already.
    pub(crate) fn try_receive(&mut self, buffer: &mut [u8]) -> Option<(Interface, SocketAddr, usize)> {
        let sockets = self.bound.len();
        for turn in 0..sockets {
            let bound = &self.bound[(self.first + turn) % sockets];
            if let Ok((length, from)) = bound.socket.try_recv_from(buffer) {
                self.first = (self.first + turn + 1) % sockets;
                return Some((bound.interfaces[0], from, length));
            }
        }
        None
    }

    /// Sends a datagram. The socket's buffer is full at most for moments; what does not fit is lost as on the way.
    pub(crate) fn send(&self, on: Interface, to: SocketAddr, datagram: &[u8]) -> io::Result<()> {
        let Some(bound) = self.bound.iter().find(|bound| bound.interfaces.contains(&on)) else {
            return Err(io::Error::new(
                io::ErrorKind::NotConnected,
                "no socket on this interface",
            ));
        };
        match bound.socket.try_send_to(datagram, to) {
            // Not writable yet as far as tokio knows; the kernel may well take it.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let socket = socket2::SockRef::from(&bound.socket);
                socket.send_to(datagram, &to.into())?;
                Ok(())
            }
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }
}

fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    // A smaller buffer does no harm.
    let _ = socket.set_recv_buffer_size(BUFFER);
    let _ = socket.set_send_buffer_size(BUFFER);
    UdpSocket::from_std(socket.into())
}

/// Why an address cannot be bound, and what it takes.
pub(crate) fn cannot_bind(protocol: &str, address: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => format!(
            "{} is no address of this host, expected one that `ip address` shows",
            address.ip()
        ),
        io::ErrorKind::AddrInUse => format!(
            "{protocol} port {} of {} is in use, expected it to be free",
            address.port(),
            address.ip()
        ),
        io::ErrorKind::PermissionDenied => format!(
            "{protocol} port {} of {} may not be bound by this user, expected CAP_NET_BIND_SERVICE",
            address.port(),
            address.ip()
        ),
        _ => format!("cannot bind {protocol} {address}: {error}, expected an address of this host"),
    }
}
