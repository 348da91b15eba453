use std::net::{SocketAddr, SocketAddrV4};

use socket2::{Domain, Protocol, Socket, Type};

use crate::{Error, Namespace, Result};

/// IPPROTO_RAW: the IP header is in what is sent.
const WITH_HEADER: i32 = 255;
const UDP: u8 = 17;

/// Sends UDP datagrams over IPv4 as if from any address and port, those of a program that runs among them.
#[derive(Debug)]
pub struct Forger(Socket);

impl Forger {
    /// One that sends from this namespace.
    pub fn new(namespace: &Namespace) -> Result<Forger> {
        let protocol = Some(Protocol::from(WITH_HEADER));
        let socket = namespace.run(|| Socket::new(Domain::IPV4, Type::RAW, protocol));
        socket
            .map(Forger)
            .map_err(Error::io(format!("{}: a raw socket", namespace.name())))
    }

    /// Sends a datagram, which has to fit into one packet of the link.
    pub fn send(&self, from: SocketAddrV4, to: SocketAddrV4, octets: &[u8]) -> Result<()> {
        let udp_length = 8 + octets.len();
        // The kernel fills in the length and the checksum of the IP header; a UDP checksum of 0 is none.
        let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, UDP, 0, 0];
        packet.extend(from.ip().octets());
        packet.extend(to.ip().octets());
        packet.extend(from.port().to_be_bytes());
        packet.extend(to.port().to_be_bytes());
        packet.extend((udp_length as u16).to_be_bytes());
        packet.extend([0, 0]);
        packet.extend(octets);
        let sent = self.0.send_to(&packet, &SocketAddr::from((*to.ip(), 0)).into());
        sent.map(drop)
            .map_err(Error::io(format!("a datagram to {to} as if from {from}")))
    }
}
