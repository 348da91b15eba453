//! ICMP echo from inside a namespace.

use std::io::{ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use nix::sys::socket::{getsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};

use crate::{Error, Namespace, Result};

/// Echo request and reply, RFC 792 and RFC 4443 §4.
const ECHO_V4: (u8, u8) = (8, 0);
const ECHO_V6: (u8, u8) = (128, 129);

/// Sends one echo request with `size` octets of payload and waits for its reply: the round-trip time. `from` is the
/// source address of IPv4, any of the namespace's when `None`.
pub fn ping(
    namespace: &Namespace,
    from: Option<Ipv4Addr>,
    to: impl Into<IpAddr>,
    sequence: u16,
    size: usize,
    limit: Duration,
) -> Result<Duration> {
    let to = to.into();
    namespace.run(|| echo(from, to, sequence, size, limit))
}

/// What the sender's kernel knows of the path to `to`, in octets, after echo requests of 1,500 octets that no router may
/// fragment: less than that as soon as one of them was answered with "fragmentation needed". Gives up after `limit`.
pub fn path_mtu(namespace: &Namespace, to: Ipv4Addr, limit: Duration) -> Result<i32> {
    const WHOLE: i32 = 1500;
    let started = Instant::now();
    namespace.run(|| {
        loop {
            // As a rule it is lost, and the answer to it is what counts.
            let _ = echo(None, to.into(), 9, WHOLE as usize - 28, limit / 20);
            let what = || format!("path MTU to {to}");
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).map_err(Error::io(what()))?;
            socket
                .connect(&SocketAddr::from((to, 9)).into())
                .map_err(Error::io(what()))?;
            let mtu = getsockopt(&socket, sockopt::IpMtu).map_err(Error::errno(what()))?;
            if mtu < WHOLE || started.elapsed() > limit {
                return Ok(mtu);
            }
        }
    })
}

fn echo(from: Option<Ipv4Addr>, to: IpAddr, sequence: u16, size: usize, limit: Duration) -> Result<Duration> {
    let what = || Error::io(format!("ping {to}"));
    let (domain, protocol, kinds) = match to {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4, ECHO_V4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6, ECHO_V6),
    };
    let mut socket = Socket::new(domain, Type::RAW, Some(protocol)).map_err(what())?;
    if let Some(from) = from {
        socket.bind(&SocketAddr::from((from, 0)).into()).map_err(what())?;
    }
    socket
        .connect(&SocketAddr::from((to, 0)).into())
        .map_err(what())?;
    // Tells our replies from those of another ping in the namespace.
    let identifier = sequence ^ 0x4750;
    let started = Instant::now();
    socket
        .send(&message(kinds.0, identifier, sequence, size))
        .map_err(what())?;
    let mut buffer = vec![0; 65_536];
    loop {
        let left = limit.saturating_sub(started.elapsed());
        if left.is_zero() {
            return Err(Error::NoEcho { to, limit });
        }
        socket.set_read_timeout(Some(left)).map_err(what())?;
        match socket.read(&mut buffer) {
            Ok(length) if is_reply(&buffer[..length], to, kinds.1, identifier, sequence, size) => {
                return Ok(started.elapsed());
            }
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(what()(error)),
        }
    }
}

/// The checksum of ICMPv6 is the kernel's.
fn message(kind: u8, identifier: u16, sequence: u16, size: usize) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0];
    message.extend(identifier.to_be_bytes());
    message.extend(sequence.to_be_bytes());
    message.extend((0..size).map(|at| at as u8));
    let sum = checksum(&message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    message
}

/// A raw socket of IPv4 hands the IP header over too. The payload is what was sent.
fn is_reply(octets: &[u8], from: IpAddr, kind: u8, identifier: u16, sequence: u16, size: usize) -> bool {
    let header = match from {
        IpAddr::V4(_) => octets.first().map_or(0, |first| usize::from(first & 15) * 4),
        IpAddr::V6(_) => 0,
    };
    let Some(reply) = octets.get(header..) else {
        return false;
    };
    let expected = message(kind, identifier, sequence, size);
    reply.len() == expected.len() && reply[0] == kind && reply[4..] == expected[4..]
}

/// RFC 1071.
fn checksum(octets: &[u8]) -> u16 {
    let mut sum: u32 = octets
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)))
        .sum();
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !(sum as u16)
}
