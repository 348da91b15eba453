use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, recvmsg,
    setsockopt, socket, sockopt,
};
use nix::sys::time::TimeSpec;

use crate::{Error, Namespace, Result, pcap};

/// How long the capture sleeps at most before it looks whether it should stop.
const TICK: u16 = 50;
/// What the kernel may hold for us, as far as it allows.
const BUFFER: usize = 32 << 20;

/// Where to listen: a device in a namespace, and what to call it.
#[derive(Debug, Clone)]
pub struct Point<'a> {
    /// The namespace.
    pub namespace: &'a Namespace,
    /// The device.
    pub device: &'a str,
    /// Its name in the file.
    pub label: &'a str,
}

/// A frame that was seen.
#[derive(Debug, Clone, Copy)]
pub struct Captured<'a> {
    /// Which of the points saw it.
    pub point: usize,
    /// When, from 1970, by the kernel's clock.
    pub at: Duration,
    /// The Ethernet frame.
    pub frame: &'a [u8],
}

/// What a capture held in the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Frames in the file.
    pub frames: u64,
    /// Octets in the file, without its own headers.
    pub octets: u64,
}

/// A running capture. Every frame goes into the file and to a function, in the order of their times.
#[derive(Debug)]
pub struct Capture {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<Totals>>>,
}

impl Capture {
    /// Starts to listen: every frame after this call is seen.
    pub fn start(
        points: &[Point<'_>],
        file: &Path,
        on_frame: impl FnMut(Captured<'_>) + Send + 'static,
    ) -> Result<Capture> {
        let ears = ears(points)?;
        let labels: Vec<&str> = points.iter().map(|point| point.label).collect();
        let what = || Error::io(format!("write {}", file.display()));
        let to = BufWriter::new(File::create(file).map_err(what())?);
        let writer = pcap::Writer::new(to, &labels).map_err(what())?;
        let stop = Arc::new(AtomicBool::new(false));
        let asked_to_stop = stop.clone();
        let thread = thread::Builder::new()
            .name("capture".to_owned())
            .spawn(move || listen(&ears, writer, on_frame, &asked_to_stop))
            .map_err(Error::io("a thread"))?;
        Ok(Capture {
            stop,
            thread: Some(thread),
        })
    }

    /// Takes what has arrived up to now, and ends.
    pub fn stop(mut self) -> Result<Totals> {
        self.finish().unwrap_or(Ok(Totals::default()))
    }

    fn finish(&mut self) -> Option<Result<Totals>> {
        self.stop.store(true, Ordering::SeqCst);
        let thread = self.thread.take()?;
        Some(
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        )
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.stop.store(true, Ordering::SeqCst);
            let _ = thread.join();
        }
    }
}

/// One packet socket a namespace; it hears all devices there, and we keep those that were asked for.
struct Ear {
    socket: OwnedFd,
    points: HashMap<usize, usize>,
}

fn ears(points: &[Point<'_>]) -> Result<Vec<Ear>> {
    let mut ears: Vec<(&str, Ear)> = Vec::new();
    for (number, point) in points.iter().enumerate() {
        let what = || format!("{}: listen on {}", point.namespace.name(), point.device);
        let index = point
            .namespace
            .run(|| if_nametoindex(point.device))
            .map_err(Error::errno(what()))?;
        let place = ears.iter().position(|(name, _)| *name == point.namespace.name());
        let place = match place {
            Some(place) => place,
            None => {
                let socket = point.namespace.run(packet_socket).map_err(Error::errno(what()))?;
                let points = HashMap::new();
                ears.push((point.namespace.name(), Ear { socket, points }));
                ears.len() - 1
            }
        };
        ears[place].1.points.insert(index as usize, number);
    }
    Ok(ears.into_iter().map(|(_, ear)| ear).collect())
}

fn packet_socket() -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll)?;
    setsockopt(&fd, sockopt::ReceiveTimestampns, &true)?;
    // Without the privilege, the machine's limit for everyone.
    if setsockopt(&fd, sockopt::RcvBufForce, &BUFFER).is_err() {
        setsockopt(&fd, sockopt::RcvBuf, &BUFFER)?;
    }
    Ok(fd)
}

struct Held {
    point: usize,
    at: Duration,
    frame: Vec<u8>,
}

fn listen(
    ears: &[Ear],
    mut writer: pcap::Writer<BufWriter<File>>,
    mut on_frame: impl FnMut(Captured<'_>),
    stop: &AtomicBool,
) -> Result<Totals> {
    let mut held: Vec<Held> = Vec::new();
    let mut totals = Totals::default();
    let mut buffer = vec![0; 1 << 17];
    loop {
        let last_round = stop.load(Ordering::SeqCst);
        let mut fds: Vec<PollFd<'_>> = ears
            .iter()
            .map(|ear| PollFd::new(ear.socket.as_fd(), PollFlags::POLLIN))
            .collect();
        let timeout = if last_round || !held.is_empty() {
            PollTimeout::from(1u8)
        } else {
            PollTimeout::from(TICK)
        };
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::errno("wait for frames")(errno)),
        }
        // What the kernel stamped before this moment is in the sockets already; what it stamps while we read may be
        // read from one socket and not yet from another, and waits for the next round.
        let complete_until = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        for ear in ears {
            read_all(ear, &mut buffer, &mut held).map_err(Error::errno("read frames"))?;
        }
        held.sort_by_key(|frame| frame.at);
        let ready = match last_round {
            true => held.len(),
            false => held.partition_point(|frame| frame.at <= complete_until),
        };
        for frame in held.drain(..ready) {
            totals.frames += 1;
            totals.octets += frame.frame.len() as u64;
            writer
                .frame(frame.point, frame.at, &frame.frame)
                .map_err(Error::io("write the capture"))?;
            on_frame(Captured {
                point: frame.point,
                at: frame.at,
                frame: &frame.frame,
            });
        }
        writer.flush().map_err(Error::io("write the capture"))?;
        if last_round {
            return Ok(totals);
        }
    }
}

fn read_all(ear: &Ear, buffer: &mut [u8], held: &mut Vec<Held>) -> nix::Result<()> {
    let mut control = cmsg_space!(TimeSpec);
    loop {
        let mut parts = [IoSliceMut::new(buffer)];
        let received = recvmsg::<LinkAddr>(
            ear.socket.as_raw_fd(),
            &mut parts,
            Some(&mut control),
            MsgFlags::empty(),
        );
        let message = match received {
            Ok(message) => message,
            Err(Errno::EAGAIN) => return Ok(()),
            Err(Errno::EINTR | Errno::ENETDOWN) => continue,
            Err(errno) => return Err(errno),
        };
        let Some(point) = message
            .address
            .and_then(|from| ear.points.get(&from.ifindex()).copied())
        else {
            continue;
        };
        let at = message
            .cmsgs()?
            .find_map(|control| match control {
                ControlMessageOwned::ScmTimestampns(at) => Some(Duration::from(at)),
                _ => None,
            })
            .unwrap_or_default();
        let length = message.bytes;
        held.push(Held {
            point,
            at,
            frame: buffer[..length].to_vec(),
        });
    }
}
