//! The threads. Each owns its tables, buffers and counters.

use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;

use epc_node::Rule;
use epc_user_plane::{Counters, Direction, Drop, Encapsulate, Message, Port, Receive};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use tracing::{error, trace};

use super::slow::{self, Slow};
use super::sockets::Outlets;
use super::sys::{self, Outgoing, Ring};
use super::{StartError, Stopped};

/// The longest that a thread waits for room in a full send queue before it drops a message, milliseconds.
const PATIENCE: u16 = 20;

/// Octets of a receive buffer: the longest datagram, or as many as the kernel gathers.
const SLOT: usize = 65_536;

/// What a thread is told.
enum Change {
    Rule(Rule),
    /// To be dropped once what came before is in force.
    Acknowledge(mpsc::Sender<()>),
    Stop,
}

/// Which rules a thread needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// What arrives from tunnels.
    Receive,
    /// What goes into tunnels.
    Send,
}

impl Takes {
    fn takes(self, rule: &Rule) -> bool {
        match rule {
            Rule::Receive { .. } | Rule::StopReceiving { .. } => self == Takes::Receive,
            Rule::Send { .. } | Rule::StopSending { .. } => self == Takes::Send,
        }
    }
}

/// The bell that tells a thread of changes.
#[derive(Debug)]
struct Bell {
    /// Looked at before each batch.
    rung: AtomicBool,
    /// Wakes a thread that waits for packets.
    wake: EventFd,
}

impl Bell {
    fn ring(&self) {
        // Read and written at once, so that whoever hears it also sees what earlier ringers have queued.
        self.rung.swap(true, Ordering::AcqRel);
        // It fails only if it was rung 2^64 times without being heard.
        let _ = self.wake.write(1);
    }
}

/// What a thread knows of changes.
pub(super) struct Changes {
    queue: mpsc::Receiver<Change>,
    bell: Arc<Bell>,
}

/// The order to stop.
pub(super) struct Stop;

impl Changes {
    /// Puts what is waiting in force. Between two batches.
    #[inline]
    fn take(&self, apply: impl FnMut(&Rule)) -> Result<(), Stop> {
        if !self.bell.rung.load(Ordering::Acquire) {
            return Ok(());
        }
        self.take_all(apply)
    }

    #[cold]
    fn take_all(&self, mut apply: impl FnMut(&Rule)) -> Result<(), Stop> {
        // In this order: what is queued after the last look at the queue rings again.
        let _ = self.bell.wake.read();
        self.bell.rung.swap(false, Ordering::AcqRel);
        loop {
            match self.queue.try_recv() {
                Ok(Change::Rule(rule)) => apply(&rule),
                Ok(Change::Acknowledge(control)) => drop(control),
                Ok(Change::Stop) | Err(mpsc::TryRecvError::Disconnected) => return Err(Stop),
                Err(mpsc::TryRecvError::Empty) => return Ok(()),
            }
        }
    }

    /// Waits for packets or changes.
    fn wait(&self, packets: BorrowedFd<'_>) -> io::Result<()> {
        let mut fds = [
            PollFd::new(packets, PollFlags::POLLIN),
            PollFd::new(self.bell.wake.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// The control part's end of a thread.
#[derive(Debug)]
pub(super) struct Handle {
    takes: Takes,
    changes: mpsc::Sender<Change>,
    bell: Arc<Bell>,
    counters: Arc<Counters>,
    thread: Option<JoinHandle<()>>,
}

impl Handle {
    /// Starts a thread that does `work` until it is told to stop; an error of it ends the user plane.
    pub(super) fn start(
        name: String,
        takes: Takes,
        counters: Arc<Counters>,
        failed: tokio::sync::mpsc::Sender<Slow>,
        work: impl FnOnce(Changes) -> io::Result<()> + Send + 'static,
    ) -> Result<Handle, StartError> {
        let wake = EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)
            .map_err(|errno| StartError::Thread { source: errno.into() })?;
        let bell = Arc::new(Bell {
            rung: AtomicBool::new(false),
            wake,
        });
        let (changes, queue) = mpsc::channel();
        let end = Changes {
            queue,
            bell: Arc::clone(&bell),
        };
        let thread = std::thread::Builder::new()
            .name(name.clone())
            .spawn(move || {
                if let Err(error) = work(end) {
                    error!(thread = %name, %error, "user plane has stopped");
                    let why = format!("{name}: {error}");
                    // The control part may be gone already.
                    let _ = failed.blocking_send(Slow::Failed { why });
                }
            })
            .map_err(|source| StartError::Thread { source })?;
        Ok(Handle {
            takes,
            changes,
            bell,
            counters,
            thread: Some(thread),
        })
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Tells the thread to stop and waits for it.
    pub(super) fn stop(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        // Both fail only if the thread has ended by itself.
        let _ = self.changes.send(Change::Stop);
        self.bell.ring();
        let _ = thread.join();
    }
}

/// Puts rules in force at all threads that need them.
pub(super) fn apply(workers: &[Handle], rules: &[Rule]) -> Result<(), Stopped> {
    let (acknowledge, acknowledged) = mpsc::channel::<()>();
    for worker in workers {
        let mut told = false;
        for rule in rules.iter().filter(|rule| worker.takes.takes(rule)) {
            worker
                .changes
                .send(Change::Rule(rule.clone()))
                .map_err(|_| Stopped)?;
            told = true;
        }
        if told {
            worker
                .changes
                .send(Change::Acknowledge(acknowledge.clone()))
                .map_err(|_| Stopped)?;
            worker.bell.ring();
        }
    }
    drop(acknowledge);
    // Nothing is ever sent: it ends when the last thread has dropped its end, or has itself ended.
    let _ = acknowledged.recv();
    if workers
        .iter()
        .any(|worker| worker.thread.as_ref().is_none_or(JoinHandle::is_finished))
    {
        return Err(Stopped);
    }
    Ok(())
}

/// From the TUN device into the tunnels.
pub(super) struct Encapsulating {
    pub(super) pipeline: Encapsulate,
    pub(super) tun: Arc<OwnedFd>,
    pub(super) outlets: Outlets,
    pub(super) counters: Arc<Counters>,
    pub(super) mtu: u16,
}

impl Encapsulating {
    pub(super) fn run(mut self, changes: Changes) -> io::Result<()> {
        let mut buffer = vec![0; SLOT];
        loop {
            if let Err(Stop) = changes.take(|rule| self.pipeline.apply(rule)) {
                return Ok(());
            }
            let length = match nix::unistd::read(&*self.tun, &mut buffer) {
                Ok(length) => length,
                Err(Errno::EAGAIN) => {
                    changes.wait(self.tun.as_fd())?;
                    continue;
                }
                Err(Errno::EINTR) => continue,
                Err(errno) => return Err(errno.into()),
            };
            self.counters.messages(Port::Tun, Direction::Received, 1);
            if let Some(answer) = self.pipeline.packet(&buffer[..length]) {
                write_tun(&self.tun, answer, &self.counters);
            }
            self.flush();
        }
    }

    fn flush(&mut self) {
        let (messages, arena) = self.pipeline.outgoing();
        if messages.is_empty() {
            return;
        }
        let tun = &self.tun;
        let counters = &self.counters;
        let mtu = self.mtu;
        send(
            &self.outlets,
            counters,
            messages,
            |_| arena,
            |datagram| {
                trace!(octets = datagram.len(), mtu, tun = ?tun, "too big for the path");
            },
        );
        self.pipeline.clear();
    }
}

/// From the tunnels: to the next one, to the TUN device, or to the control part.
pub(super) struct Receiving {
    pub(super) pipeline: Receive,
    pub(super) socket: Arc<UdpSocket>,
    pub(super) outlets: Outlets,
    pub(super) tun: Option<Arc<OwnedFd>>,
    pub(super) counters: Arc<Counters>,
    pub(super) slow: slow::Sender,
}

impl Receiving {
    pub(super) fn run(mut self, changes: Changes) -> io::Result<()> {
        let mut ring = Ring::new(1, SLOT);
        loop {
            if let Err(Stop) = changes.take(|rule| self.pipeline.apply(rule)) {
                return Ok(());
            }
            let count = match ring.receive(self.socket.as_fd()) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    changes.wait(self.socket.as_fd())?;
                    continue;
                }
                // An ICMP message about a datagram of ours, or a signal: nothing that says that the socket is broken.
                Err(error) if is_passing(&error) => continue,
                Err(error) => return Err(error),
            };
            self.batch(&mut ring, count);
        }
    }

    fn batch(&mut self, ring: &mut Ring, count: usize) {
        let on = self.pipeline.first();
        self.counters.messages(on, Direction::Received, count as u64);
        for i in 0..count {
            let received = ring.received(i);
            let Some(from) = received.from else {
                continue;
            };
            if received.truncated {
                self.counters.dropped(on, Direction::Received, Drop::Truncated, 1);
                continue;
            }
            let segment = received.segment.unwrap_or(received.length);
            self.pipeline.datagrams(i, from.ip(), ring.octets_mut(i), segment);
        }
        for slow in &self.pipeline.slow {
            let Some(from) = ring.received(slow.buffer).from else {
                continue;
            };
            let octets = &ring.buffer(slow.buffer)[slow.start..slow.end];
            if !self.slow.send(on, from, octets, slow.why.is_some()) {
                self.counters
                    .dropped(on, Direction::Received, Drop::SlowPathFull, 1);
            }
        }
        if !self.pipeline.relayed.is_empty() {
            let messages = self.pipeline.relayed.messages();
            send(
                &self.outlets,
                &self.counters,
                messages,
                |buffer| ring.buffer(buffer),
                |_| {},
            );
        }
        if let Some(tun) = &self.tun {
            for delivery in &self.pipeline.deliveries {
                let packet = &ring.buffer(delivery.buffer)[delivery.start..delivery.end];
                write_tun(tun, packet, &self.counters);
            }
        }
        self.pipeline.clear();
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::EINTR
                | libc::ECONNREFUSED
                | libc::EHOSTUNREACH
                | libc::ENETUNREACH
                | libc::EHOSTDOWN
                | libc::ENETDOWN
                | libc::EMSGSIZE
                | libc::EPROTO
                | libc::ENOMEM
                | libc::ENOBUFS
        )
    )
}

/// Writes one packet into the TUN device.
fn write_tun(tun: &OwnedFd, packet: &[u8], counters: &Counters) {
    match nix::unistd::write(tun, packet) {
        Ok(_) => {
            counters.packets(Port::Tun, Direction::Sent, 1, packet.len() as u64);
            counters.messages(Port::Tun, Direction::Sent, 1);
        }
        Err(errno) => {
            trace!(%errno, "TUN device does not take a packet");
            counters.dropped(Port::Tun, Direction::Sent, Drop::SendFailed, 1);
        }
    }
}

/// Sends messages in their order. `buffer` finds a buffer by its number; `too_big` is given each datagram that the path
/// does not take.
fn send<'a>(
    outlets: &Outlets,
    counters: &Counters,
    messages: &[Message],
    buffer: impl Fn(usize) -> &'a [u8],
    mut too_big: impl FnMut(&[u8]),
) {
    let mut rest = messages;
    while let Some(first) = rest.first() {
        let Some(socket) = outlets.fd(first.on, first.spread) else {
            counters.dropped(
                first.on,
                Direction::Sent,
                Drop::SendFailed,
                first.segments() as u64,
            );
            rest = &rest[1..];
            continue;
        };
        let same_socket = rest
            .iter()
            .take_while(|message| message.on == first.on && message.spread == first.spread);
        let outgoing = same_socket.map(|message| Outgoing {
            to: message.to,
            octets: &buffer(message.buffer)[message.start..message.end],
            segment: (message.segments() > 1).then_some(message.segment as u16),
        });
        match sys::send(socket, outgoing) {
            Ok(sent) => {
                for message in &rest[..sent] {
                    counters.packets(
                        message.on,
                        Direction::Sent,
                        message.segments() as u64,
                        message.user_octets() as u64,
                    );
                }
                counters.messages(first.on, Direction::Sent, sent as u64);
                rest = &rest[sent..];
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && may_be_sent_soon(socket) => {}
            Err(error) => {
                trace!(to = %first.to, %error, "cannot send");
                let why = match error.raw_os_error() {
                    Some(libc::EMSGSIZE) => Drop::TooBig,
                    _ => Drop::SendFailed,
                };
                counters.dropped(first.on, Direction::Sent, why, first.segments() as u64);
                if why == Drop::TooBig {
                    for range in first.datagrams() {
                        too_big(&buffer(first.buffer)[range]);
                    }
                }
                rest = &rest[1..];
            }
        }
    }
}

/// Waits a little for room in the send queue.
fn may_be_sent_soon(socket: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::new(socket, PollFlags::POLLOUT)];
    matches!(poll(&mut fds, PATIENCE), Ok(1..))
}
