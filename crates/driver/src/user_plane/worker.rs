//! The threads. Each has its own tables, buffers and counters, behind a lock that it holds while it treats packets: taken once
//! a batch, and never waited for by a thread. While it waits for packets, the control part takes the lock and changes the
//! rules by itself, without waking the thread.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::{IpAddr, Shutdown, SocketAddr, UdpSocket};
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use epc_node::Rule;
use epc_user_plane::{
    Coalesce, Counters, Direction, Drop, Encapsulate, MOST_PIECES, Message, Port, Receive, VNET_HEADER, Vnet,
};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use socket2::SockRef;
use tracing::{debug, error, trace, warn};

use super::slow::{self, Slow};
use super::sockets::{self, Outlets};
use super::sys::{self, Outgoing, Ring};
use super::{StartError, Stopped};
use crate::privilege;

/// The longest that a thread waits for room in a full send queue before it drops a message, milliseconds.
const PATIENCE: u16 = 20;

/// Octets of a receive buffer: the longest datagram, or as many as the kernel gathers.
const SLOT: usize = 65_536;

/// Datagrams that are received at a time, and more only while they are small and many: twice as many each time.
const FEW: usize = 8;

/// Octets after which the TUN device is not read further before they are sent: what still lies in the cache.
const ENOUGH: usize = 65_536;

/// How long a path is taken to be narrow, as the kernel itself does (RFC 1191 §6.3).
const PATH_LIFETIME: Duration = Duration::from_secs(600);

/// How long the control part waits for a thread that is busy until it looks whether it may have the lock by now.
const A_BATCH: Duration = Duration::from_micros(200);

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

/// A thread's work, and what is to be changed about it before the next batch.
pub(super) struct Desk<W: ?Sized> {
    changes: mpsc::Receiver<Change>,
    /// Whether there are changes: cheaper to ask than the queue.
    rung: Arc<AtomicBool>,
    stopped: bool,
    work: W,
}

/// The order to stop.
pub(super) struct Stop;

impl<W: Work + ?Sized> Desk<W> {
    #[inline]
    fn has_changes(&self) -> bool {
        self.rung.load(Ordering::Acquire)
    }

    /// Puts what is waiting in force. Between two batches.
    #[inline]
    fn change(&mut self) -> Result<(), Stop> {
        if !self.has_changes() {
            return Ok(());
        }
        self.change_now()
    }

    #[cold]
    fn change_now(&mut self) -> Result<(), Stop> {
        // In this order: what is queued after the last look at the queue rings again. Read and written at once, to see what
        // the ringer has queued.
        self.rung.swap(false, Ordering::AcqRel);
        while !self.stopped {
            match self.changes.try_recv() {
                Ok(Change::Rule(rule)) => self.work.apply(&[&rule]),
                Ok(Change::Acknowledge(control)) => drop(control),
                Ok(Change::Stop) | Err(mpsc::TryRecvError::Disconnected) => self.stopped = true,
                Err(mpsc::TryRecvError::Empty) => return Ok(()),
            }
        }
        // Whoever looks next hears it too.
        self.rung.store(true, Ordering::Release);
        Err(Stop)
    }
}

/// What a thread does.
pub(super) trait Work: Send {
    /// Moves packets until it is told to stop. An error ends the user plane.
    fn run(desk: &Mutex<Desk<Self>>) -> io::Result<()>
    where
        Self: Sized;

    /// Puts rules in force, between two batches.
    fn apply(&mut self, rules: &[&Rule]);

    /// What ends its wait for packets, for good.
    fn waker(&self) -> Waker;
}

/// Ends a thread's wait for packets.
pub(super) enum Waker {
    /// The thread waits in a call that receives from this socket.
    Socket(Arc<UdpSocket>),
    /// The thread waits for this, too.
    Event(Arc<EventFd>),
}

impl Waker {
    fn wake(&self) {
        match self {
            // Linux ends the call, and each one after it, also where it says that nobody is connected.
            Waker::Socket(socket) => drop(SockRef::from(socket.as_ref()).shutdown(Shutdown::Read)),
            // It fails only if that was done 2^64 times.
            Waker::Event(event) => drop(event.write(1)),
        }
    }
}

fn lock<W: ?Sized>(desk: &Mutex<Desk<W>>) -> MutexGuard<'_, Desk<W>> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The control part's end of a thread.
pub(super) struct Handle {
    takes: Takes,
    desk: Arc<Mutex<Desk<dyn Work>>>,
    changes: mpsc::Sender<Change>,
    rung: Arc<AtomicBool>,
    waker: Waker,
    counters: Arc<Counters>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("takes", &self.takes)
            .finish_non_exhaustive()
    }
}

impl Handle {
    /// Starts a thread that does `work` until it is told to stop; an error of it ends the user plane. The rules are in
    /// force before its first packet.
    pub(super) fn start(
        name: String,
        takes: Takes,
        counters: Arc<Counters>,
        rules: &[Rule],
        failed: tokio::sync::mpsc::Sender<Slow>,
        mut work: impl Work + 'static,
    ) -> Result<Handle, StartError> {
        let rung = Arc::new(AtomicBool::new(false));
        let (sender, changes) = mpsc::channel();
        let rules: Vec<&Rule> = rules.iter().filter(|rule| takes.takes(rule)).collect();
        work.apply(&rules);
        let waker = work.waker();
        let desk = Arc::new(Mutex::new(Desk {
            changes,
            rung: Arc::clone(&rung),
            stopped: false,
            work,
        }));
        let of_thread = Arc::clone(&desk);
        let thread = std::thread::Builder::new()
            .name(name.clone())
            .spawn(move || {
                privilege::give_up();
                if let Err(error) = Work::run(&of_thread) {
                    error!(thread = %name, %error, "user plane has stopped");
                    let why = format!("{name}: {error}");
                    // The control part may be gone already.
                    let _ = failed.blocking_send(Slow::Failed { why });
                }
            })
            .map_err(|source| StartError::Thread { source })?;
        Ok(Handle {
            takes,
            desk,
            changes: sender,
            rung,
            waker,
            counters,
            thread: Some(thread),
        })
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Puts rules in force here and now, if the thread waits for packets; says whether it did.
    fn applied_while_idle(&self, rules: &[&Rule]) -> bool {
        let Ok(mut desk) = self.desk.try_lock() else {
            return false;
        };
        desk.work.apply(rules);
        true
    }

    /// Does what the thread has not come to, if it waits for packets.
    fn catch_up(&self) {
        if let Ok(mut desk) = self.desk.try_lock() {
            // The order to stop is the thread's, which hears it too.
            let _ = desk.change();
        }
    }

    fn tell(&self, change: Change) -> Result<(), Stopped> {
        self.changes.send(change).map_err(|_| Stopped)
    }

    /// Tells the thread to stop and waits for it.
    pub(super) fn stop(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        // Both fail only if the thread has ended by itself.
        let _ = self.tell(Change::Stop);
        self.rung.store(true, Ordering::Release);
        self.waker.wake();
        let _ = thread.join();
    }
}

/// Puts rules in force at all threads that need them. No change is queued afterwards, so that the next ones may overtake the
/// queue.
pub(super) fn apply(workers: &[Handle], rules: &[Rule]) -> Result<(), Stopped> {
    let (acknowledge, acknowledged) = mpsc::channel::<()>();
    let mut busy = Vec::new();
    for worker in workers {
        let rules: Vec<&Rule> = rules.iter().filter(|rule| worker.takes.takes(rule)).collect();
        if rules.is_empty() || worker.applied_while_idle(&rules) {
            continue;
        }
        for rule in rules {
            worker.tell(Change::Rule(rule.clone()))?;
        }
        worker.tell(Change::Acknowledge(acknowledge.clone()))?;
        worker.rung.store(true, Ordering::Release);
        busy.push(worker);
    }
    drop(acknowledge);
    // Nothing is ever sent: it ends when the last thread has dropped its end, or has itself ended. One that had looked for
    // changes just before, and waits for packets now, does not come to it.
    while !busy.is_empty() && acknowledged.recv_timeout(A_BATCH) == Err(mpsc::RecvTimeoutError::Timeout) {
        busy.iter().for_each(|worker| worker.catch_up());
    }
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
    /// Send after each packet.
    pub(super) one_at_a_time: bool,
    /// There is a `virtio_net_hdr` before each packet.
    pub(super) vnet: bool,
    /// The address from which we send.
    pub(super) address: IpAddr,
    pub(super) tun: Arc<OwnedFd>,
    pub(super) outlets: Outlets,
    pub(super) counters: Arc<Counters>,
    /// When narrow paths are to be forgotten, if any are known.
    pub(super) forget_at: Option<Instant>,
    pub(super) stopping: Arc<EventFd>,
    /// Since the last wait.
    pub(super) came: Came,
}

/// How packets come out of a TUN device.
#[derive(Debug, Clone, Copy)]
pub(super) enum Came {
    /// In super-packets, or not at all.
    Together,
    /// Some of them with a call of their own.
    Singly,
}

impl Work for Encapsulating {
    fn run(desk: &Mutex<Desk<Encapsulating>>) -> io::Result<()> {
        let mut buffer = vec![0; VNET_HEADER + SLOT];
        let (tun, stopping) = {
            let desk = lock(desk);
            (Arc::clone(&desk.work.tun), Arc::clone(&desk.work.stopping))
        };
        loop {
            wait(tun.as_fd(), stopping.as_fd())?;
            loop {
                match lock(desk).until_idle(&mut buffer)? {
                    Ok(Came::Singly) => {}
                    Ok(Came::Together) => break,
                    Err(Stop) => return Ok(()),
                }
                // Where one came alone the next one is not far, and its sender may be waiting for this core. To fall asleep
                // would cost him a wake-up for each few of them.
                std::thread::yield_now();
            }
        }
    }

    fn apply(&mut self, rules: &[&Rule]) {
        rules.iter().for_each(|rule| self.pipeline.apply(rule));
    }

    fn waker(&self) -> Waker {
        Waker::Event(Arc::clone(&self.stopping))
    }
}

/// What wakes a thread that waits for a TUN device.
pub(super) fn event() -> Result<Arc<EventFd>, StartError> {
    EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)
        .map(Arc::new)
        .map_err(|errno| StartError::Thread { source: errno.into() })
}

/// Waits for packets, or for the order to stop.
fn wait(packets: BorrowedFd<'_>, stopping: BorrowedFd<'_>) -> io::Result<()> {
    let mut fds = [packets, stopping].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
    match poll(&mut fds, PollTimeout::NONE) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

impl Desk<Encapsulating> {
    fn until_idle(&mut self, buffer: &mut [u8]) -> io::Result<Result<Came, Stop>> {
        self.work.came = Came::Together;
        loop {
            if self.has_changes() {
                // Nothing that was treated by the rules before may leave after a change.
                self.work.flush(false);
                if let Err(Stop) = self.change() {
                    return Ok(Err(Stop));
                }
            }
            let more = self.work.read(buffer)?;
            self.work.flush(more);
            if !more {
                return Ok(Ok(self.work.came));
            }
        }
    }
}

impl Encapsulating {
    /// Reads the TUN device until it is empty or there is enough to send; `false` if it is empty. Never waits for more.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        while self.pipeline.has_room() && self.pipeline.waiting() < ENOUGH {
            let length = match nix::unistd::read(&*self.tun, buffer) {
                Ok(length) => length,
                Err(Errno::EAGAIN) => return Ok(false),
                Err(Errno::EINTR) => continue,
                Err(errno) => return Err(errno.into()),
            };
            self.counters.messages(Port::Tun, Direction::Received, 1);
            let octets = &mut buffer[..length];
            let (vnet, packet) = match self.vnet {
                true => match octets.split_first_chunk_mut() {
                    Some((header, packet)) => (Vnet::parse(header), packet),
                    None => (None, &mut [][..]),
                },
                false => (Some(Vnet::DONE), octets),
            };
            let Some(vnet) = vnet else {
                self.counters
                    .dropped(Port::Tun, Direction::Received, Drop::BadPacket, 1);
                continue;
            };
            if !vnet.is_super_packet() && !self.one_at_a_time {
                self.came = Came::Singly;
            }
            if let Some(answer) = self.pipeline.packet(vnet, packet) {
                answer_sender(&self.tun, self.vnet, answer, &self.counters);
            }
            if self.one_at_a_time {
                break;
            }
        }
        Ok(true)
    }

    /// Sends. `more`: there may be packets in the TUN device, with which a run of segments that is not full is filled; a
    /// super-packet of 64 KB makes one and a bit, and the bit would cost as much as a full one.
    fn flush(&mut self, more: bool) {
        let (messages, arena) = self.pipeline.outgoing();
        let count = match more && !self.one_at_a_time {
            true => self.pipeline.complete(),
            false => messages.len(),
        };
        let messages = &messages[..count];
        if messages.is_empty() {
            return;
        }
        let sent = send(&self.outlets, &self.counters, messages, |_| arena);
        if sent.segments_refused {
            warn!("the network takes no UDP_SEGMENT, sending datagrams singly");
            self.pipeline.send_singly();
        }
        if !sent.too_big.is_empty() {
            self.learn_path(&sent.too_big);
            self.forget_at = Some(Instant::now() + PATH_LIFETIME);
        }
        self.pipeline.clear_sent(count);
        if self.forget_at.is_some_and(|time| Instant::now() >= time) {
            self.pipeline.forget_narrow_paths();
            self.forget_at = None;
        }
    }

    /// Learns what the paths take, and tells the senders.
    #[cold]
    fn learn_path(&mut self, too_big: &[TooBig]) {
        for TooBig { to, range, .. } in too_big {
            let Ok(mtu) = sockets::path_mtu(self.address, *to) else {
                continue;
            };
            debug!(%to, mtu, "path takes less than the TUN device");
            let datagram = self.pipeline.outgoing().1[range.clone()].to_vec();
            if let Some(answer) = self.pipeline.path_is_narrow(*to, mtu, &datagram) {
                answer_sender(&self.tun, self.vnet, answer, &self.counters);
            }
        }
    }
}

/// Writes an answer of ours into the TUN device.
fn answer_sender(tun: &OwnedFd, vnet: bool, answer: &[u8], counters: &Counters) {
    let header = [0; VNET_HEADER];
    let header = if vnet { &header[..] } else { &[] };
    write_tun(
        tun,
        &[IoSlice::new(header), IoSlice::new(answer)],
        1,
        answer.len(),
        counters,
    );
}

/// From the tunnels: to the next one, to the TUN device, or to the control part.
pub(super) struct Receiving {
    pub(super) pipeline: Receive,
    pub(super) coalesce: Coalesce,
    /// Messages a call.
    pub(super) batch: usize,
    pub(super) socket: Arc<UdpSocket>,
    pub(super) outlets: Outlets,
    pub(super) tun: Option<Arc<OwnedFd>>,
    pub(super) counters: Arc<Counters>,
    pub(super) slow: slow::Sender,
}

impl Work for Receiving {
    fn run(desk: &Mutex<Desk<Receiving>>) -> io::Result<()> {
        let (socket, most) = {
            let desk = lock(desk);
            (Arc::clone(&desk.work.socket), desk.work.batch)
        };
        let mut ring = Ring::new(most, SLOT);
        let mut slots = most.min(FEW);
        loop {
            let count = match ring.receive(socket.as_fd(), slots) {
                Ok(count) => count,
                // An ICMP message about a datagram of ours, or a signal: nothing that says that the socket is broken.
                Err(error) if is_passing(&error) => 0,
                Err(error) => return Err(error),
            };
            let mut desk = lock(desk);
            if let Err(Stop) = desk.change() {
                return Ok(());
            }
            let octets = desk.work.batch(&mut ring, count);
            slots = match count == slots && octets < ENOUGH {
                true => most.min(slots * 2),
                false => most.min(FEW),
            };
        }
    }

    fn apply(&mut self, rules: &[&Rule]) {
        rules.iter().for_each(|rule| self.pipeline.apply(rule));
        self.release();
    }

    fn waker(&self) -> Waker {
        Waker::Socket(Arc::clone(&self.socket))
    }
}

impl Receiving {
    /// Treats what was received; says how many octets it was.
    fn batch(&mut self, ring: &mut Ring, count: usize) -> usize {
        let mut octets = 0;
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
            octets += received.length;
            let segment = received.segment.unwrap_or(received.length);
            self.pipeline.datagrams(i, from.ip(), ring.octets_mut(i), segment);
        }
        if !self.pipeline.slow.is_empty() {
            self.hand_over(ring);
        }
        if !self.pipeline.relayed.is_empty() {
            self.relay(ring);
        }
        if !self.pipeline.deliveries.is_empty() {
            self.deliver(ring);
        }
        self.pipeline.clear();
        octets
    }

    #[cold]
    fn hand_over(&mut self, ring: &Ring) {
        let on = self.pipeline.first();
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
    }

    /// Sends on what waited for a rule that is there now.
    fn release(&mut self) {
        for (from, mut datagram) in self.pipeline.take_released() {
            let length = datagram.len();
            self.pipeline.datagrams(0, from, &mut datagram, length);
            let messages = self.pipeline.relayed.messages();
            send(&self.outlets, &self.counters, messages, |_| &datagram);
            self.pipeline.clear();
        }
    }

    fn relay(&mut self, ring: &Ring) {
        let messages = self.pipeline.relayed.messages();
        let sent = send(&self.outlets, &self.counters, messages, |buffer| {
            ring.buffer(buffer)
        });
        if sent.segments_refused {
            warn!("the network takes no UDP_SEGMENT, sending datagrams singly");
            self.pipeline.relayed.send_singly();
        }
    }

    fn deliver(&mut self, ring: &Ring) {
        let Some(tun) = &self.tun else {
            return;
        };
        self.coalesce
            .gather(&self.pipeline.deliveries, &|buffer| ring.buffer(buffer));
        for write in self.coalesce.writes() {
            let mut slices = [IoSlice::new(&[]); 1 + MOST_PIECES];
            slices[0] = IoSlice::new(write.head());
            for (slice, piece) in slices[1..].iter_mut().zip(&write.pieces) {
                *slice = IoSlice::new(&ring.buffer(piece.buffer)[piece.start..piece.end]);
            }
            let slices = &slices[..1 + write.pieces.len()];
            write_tun(tun, slices, write.packets, write.octets, &self.counters);
        }
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

/// Writes a packet or super-packet into the TUN device.
fn write_tun(tun: &OwnedFd, slices: &[IoSlice<'_>], packets: usize, octets: usize, counters: &Counters) {
    match nix::sys::uio::writev(tun, slices) {
        Ok(_) => {
            counters.packets(Port::Tun, Direction::Sent, packets as u64, octets as u64);
            counters.messages(Port::Tun, Direction::Sent, 1);
        }
        Err(errno) => {
            trace!(%errno, "TUN device does not take a packet");
            counters.dropped(Port::Tun, Direction::Sent, Drop::SendFailed, packets as u64);
        }
    }
}

/// A datagram that was too big for the path, by its place in its buffer.
struct TooBig {
    to: SocketAddr,
    range: Range<usize>,
}

/// What did not go as it should.
#[derive(Default)]
struct Sent {
    too_big: Vec<TooBig>,
    /// Runs of segments are refused, datagrams are not.
    segments_refused: bool,
}

/// Sends messages in their order. `buffer` finds a buffer by its number.
fn send<'a>(
    outlets: &Outlets,
    counters: &Counters,
    messages: &[Message],
    buffer: impl Fn(usize) -> &'a [u8] + Copy,
) -> Sent {
    let mut problems = Sent::default();
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
                first_failed(outlets, counters, first, buffer, &error, &mut problems);
                rest = &rest[1..];
            }
        }
    }
    problems
}

/// Sees to a message that the kernel refused: a run of segments is tried singly, a datagram is lost.
#[cold]
fn first_failed<'a>(
    outlets: &Outlets,
    counters: &Counters,
    message: &Message,
    buffer: impl Fn(usize) -> &'a [u8] + Copy,
    error: &io::Error,
    problems: &mut Sent,
) {
    trace!(to = %message.to, %error, "cannot send");
    let errno = error.raw_os_error();
    // EMSGSIZE and EINVAL: a segment is longer than the path's MTU. EIO: the device cannot add checksums.
    if message.segments() > 1 && matches!(errno, Some(libc::EMSGSIZE | libc::EINVAL | libc::EIO)) {
        let singly: Vec<Message> = message.singly().collect();
        let sent = send(outlets, counters, &singly, buffer);
        problems.segments_refused |= errno == Some(libc::EIO);
        problems.too_big.extend(sent.too_big);
        return;
    }
    let why = match errno {
        Some(libc::EMSGSIZE) => Drop::TooBig,
        _ => Drop::SendFailed,
    };
    counters.dropped(message.on, Direction::Sent, why, message.segments() as u64);
    if why == Drop::TooBig {
        problems.too_big.push(TooBig {
            to: message.to,
            range: message.start..message.end,
        });
    }
}

/// Waits a little for room in the send queue.
fn may_be_sent_soon(socket: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::new(socket, PollFlags::POLLOUT)];
    matches!(poll(&mut fds, PATIENCE), Ok(1..))
}
