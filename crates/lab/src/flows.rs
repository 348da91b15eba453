//! What travels between two hosts has to arrive as it was sent: files by TCP, datagrams, echoes.

use std::hash::{DefaultHasher, Hasher};
use std::io::{self, IoSlice, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg};

use crate::{Error, Namespace, Result, ping};

/// A host and its address there.
#[derive(Debug, Clone, Copy)]
pub struct Host<'a> {
    /// Where it is.
    pub namespace: &'a Namespace,
    /// Its address.
    pub address: IpAddr,
}

/// Two hosts that send each other what they can compare afterwards.
#[derive(Debug, Clone, Copy)]
pub struct Flows<'a> {
    /// Who begins.
    pub near: Host<'a>,
    /// Who answers.
    pub far: Host<'a>,
    /// The longest that nothing may come.
    pub patience: Duration,
}

impl Flows<'_> {
    /// A file of so many octets each way at the same time.
    pub fn tcp(&self, octets: usize) -> Result<()> {
        let what = || Error::io(format!("TCP to {}", self.far.address));
        let (near, far) = self.connect().map_err(what())?;
        let [up, down] = [(&near, &far, 1), (&far, &near, 2)];
        thread::scope(|scope| {
            let directions = [up, down].map(|(from, to, seed)| {
                let sending = scope.spawn(move || send_file(from, octets, seed, self.patience));
                (
                    sending,
                    scope.spawn(move || receive_file(to, octets, self.patience)),
                )
            });
            for (sent, received) in directions {
                let sent = sent.join().expect("it does not panic").map_err(what())?;
                let received = received.join().expect("it does not panic").map_err(what())?;
                self.same(sent == received, || "a file by TCP".to_owned())?;
            }
            Ok(())
        })
    }

    fn connect(&self) -> io::Result<(TcpStream, TcpStream)> {
        let listener = self
            .far
            .namespace
            .run(|| TcpListener::bind((self.far.address, 0)))?;
        let address = listener.local_addr()?;
        let near = self.near.namespace.run(|| {
            let domain = socket2::Domain::for_address(address);
            let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
            socket.bind(&SocketAddr::new(self.near.address, 0).into())?;
            socket.connect_timeout(&address.into(), self.patience)?;
            Ok::<TcpStream, io::Error>(socket.into())
        })?;
        let (far, _) = listener.accept()?;
        Ok((near, far))
    }

    /// A datagram of each size there and back; long ones travel as fragments.
    pub fn udp_echo(&self, sizes: impl IntoIterator<Item = usize>) -> Result<()> {
        let what = |size| Error::io(format!("UDP of {size} octets to {}", self.far.address));
        let (near, far) = self.udp_pair().map_err(what(0))?;
        for size in sizes {
            let octets = pattern(size, size as u64);
            let echo = || {
                let mut buffer = vec![0; 65_536];
                near.send(&octets)?;
                let (length, from) = far.recv_from(&mut buffer)?;
                far.send_to(&buffer[..length], from)?;
                let length = near.recv(&mut buffer)?;
                buffer.truncate(length);
                Ok(buffer)
            };
            let back = echo().map_err(what(size))?;
            self.same(back == octets, || format!("UDP of {size} octets"))?;
        }
        Ok(())
    }

    /// Super-packets of the application's own (`UDP_SEGMENT`), whose datagrams must come out one by one, in order.
    pub fn udp_bursts(&self) -> Result<()> {
        for segment in [100_u16, 1000, 1401] {
            let what = || Error::io(format!("a burst of {segment} octets to {}", self.far.address));
            let (near, far) = self.udp_pair().map_err(what())?;
            let octets = pattern(usize::from(segment) * 20 + 37, 7);
            sendmsg::<SockaddrStorage>(
                near.as_raw_fd(),
                &[IoSlice::new(&octets)],
                &[ControlMessage::UdpGsoSegments(&segment)],
                MsgFlags::empty(),
                None,
            )
            .map_err(|errno| what()(errno.into()))?;
            let mut buffer = vec![0; 65_536];
            for expected in octets.chunks(segment.into()) {
                let (length, _) = far.recv_from(&mut buffer).map_err(what())?;
                self.same(buffer[..length] == *expected, || {
                    format!("a datagram in a burst of {segment} octets")
                })?;
            }
        }
        Ok(())
    }

    /// Echo requests with so many octets of payload; long ones travel as fragments.
    pub fn pings(&self, sizes: impl IntoIterator<Item = usize>) -> Result<()> {
        for (sequence, size) in sizes.into_iter().enumerate() {
            let (near, to) = (self.near.namespace, self.far.address);
            ping::ping(near, None, to, sequence as u16, size, self.patience)?;
        }
        Ok(())
    }

    fn udp_pair(&self) -> io::Result<(UdpSocket, UdpSocket)> {
        let bind = |host: &Host<'_>| host.namespace.run(|| UdpSocket::bind((host.address, 0)));
        let (near, far) = (bind(&self.near)?, bind(&self.far)?);
        near.connect(far.local_addr()?)?;
        for socket in [&near, &far] {
            socket.set_read_timeout(Some(self.patience))?;
        }
        Ok((near, far))
    }

    fn same(&self, is_same: bool, what: impl FnOnce() -> String) -> Result<()> {
        match is_same {
            true => Ok(()),
            false => Err(Error::Damaged {
                what: what(),
                to: self.far.address,
            }),
        }
    }
}

/// Octets that say nothing but are always the same.
fn pattern(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut octets = Vec::with_capacity(length + 8);
    while octets.len() < length {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        octets.extend((state >> 16).to_le_bytes());
    }
    octets.truncate(length);
    octets
}

/// Its digest.
fn send_file(mut to: &TcpStream, octets: usize, seed: u64, patience: Duration) -> io::Result<u64> {
    to.set_write_timeout(Some(patience))?;
    let block = pattern(65_536, seed);
    let mut digest = DefaultHasher::new();
    let mut left = octets;
    while left > 0 {
        let part = &block[..left.min(block.len())];
        to.write_all(part)?;
        digest.write(part);
        left -= part.len();
    }
    Ok(digest.finish())
}

fn receive_file(mut from: &TcpStream, octets: usize, patience: Duration) -> io::Result<u64> {
    from.set_read_timeout(Some(patience))?;
    let mut block = vec![0; 65_536];
    let mut digest = DefaultHasher::new();
    let mut left = octets;
    while left > 0 {
        // Whole blocks, so that both sides feed the digest alike.
        let length = left.min(block.len());
        from.read_exact(&mut block[..length])?;
        digest.write(&block[..length]);
        left -= length;
    }
    Ok(digest.finish())
}
