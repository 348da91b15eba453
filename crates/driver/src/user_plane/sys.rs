//! The system calls of the packet path that no crate offers in a safe form: many datagrams a call, each with its own
//! control message, and the requests that make a TUN device. All unsafe code of the workspace is in this file.

#![allow(unsafe_code)]

use std::io;
use std::mem::{self, MaybeUninit};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use libc::{c_int, c_void, cmsghdr, ifreq, iovec, mmsghdr, msghdr, sockaddr_storage};
use socket2::SockAddr;

/// Datagrams a call at most.
pub(super) const MOST_MESSAGES: usize = 64;

/// Room for one control message with up to 8 octets of data, aligned as a `cmsghdr` must be.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; 32]);

// A `u16` to send, an `int` to receive.
const _: () = assert!(mem::size_of::<cmsghdr>() + 8 <= mem::size_of::<Control>());

/// What came with a datagram.
#[derive(Debug, Clone, Copy)]
pub(super) struct Received {
    /// `None` if the kernel named no Internet address, which it always does.
    pub(super) from: Option<SocketAddr>,
    /// Octets in the buffer.
    pub(super) length: usize,
    /// Octets a datagram, if the kernel gathered several.
    pub(super) segment: Option<usize>,
    /// The buffer was too small.
    pub(super) truncated: bool,
}

/// Octets between two buffers beyond their size: three cache lines, so that what stands at the same place of each, the headers, does
/// not compete for the same places of the caches.
const STAGGER: usize = 192;

/// Buffers for datagrams, and what came with them.
pub(super) struct Ring {
    octets: Box<[u8]>,
    slot: usize,
    received: Vec<Received>,
}

impl Ring {
    /// `slots` buffers, at most [`MOST_MESSAGES`], of `slot` octets each.
    pub(super) fn new(slots: usize, slot: usize) -> Ring {
        let slots = slots.clamp(1, MOST_MESSAGES);
        Ring {
            octets: vec![0; slots * (slot + STAGGER)].into_boxed_slice(),
            slot,
            received: Vec::with_capacity(slots),
        }
    }

    /// Takes what the socket has, `most` datagrams at most; waits for the first one if the socket does.
    pub(super) fn receive(&mut self, socket: BorrowedFd<'_>, most: usize) -> io::Result<usize> {
        self.received.clear();
        let mut names = [const { MaybeUninit::<sockaddr_storage>::uninit() }; MOST_MESSAGES];
        let mut controls = [const { MaybeUninit::<Control>::uninit() }; MOST_MESSAGES];
        let mut iovecs = [const { MaybeUninit::<iovec>::uninit() }; MOST_MESSAGES];
        let mut headers = [const { MaybeUninit::<mmsghdr>::uninit() }; MOST_MESSAGES];
        let mut slots = 0;
        let buffers = self.octets.chunks_exact_mut(self.slot + STAGGER);
        for (i, buffer) in buffers.take(most.max(1)).enumerate() {
            let iov = iovecs[i].write(iovec {
                iov_base: buffer.as_mut_ptr().cast(),
                iov_len: self.slot,
            });
            headers[i].write(mmsghdr {
                msg_hdr: header(
                    names[i].as_mut_ptr().cast(),
                    mem::size_of::<sockaddr_storage>() as u32,
                    iov,
                    controls[i].as_mut_ptr().cast(),
                    mem::size_of::<Control>(),
                ),
                msg_len: 0,
            });
            slots += 1;
        }
        // SAFETY: the first `slots` headers are initialised; each points to a name, a control buffer and an iovec that
        // live in this function, and the iovec to a slice of `self.octets` that nobody else uses during the call.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr().cast(),
                slots,
                // The flags are signed with glibc, and not with musl.
                libc::MSG_WAITFORONE as _,
                std::ptr::null_mut(),
            )
        };
        if count < 0 {
            return Err(io::Error::last_os_error());
        }
        for i in 0..count as usize {
            // SAFETY: the kernel filled in the first `count` headers, which were initialised above.
            let message = unsafe { headers[i].assume_init_ref() };
            // SAFETY: the kernel wrote `msg_namelen` octets of an address there; socket2 looks at it as far as that.
            let from = unsafe {
                SockAddr::new(
                    read_name(&names[i], &message.msg_hdr),
                    message.msg_hdr.msg_namelen,
                )
            };
            self.received.push(Received {
                from: from.as_socket(),
                length: (message.msg_len as usize).min(self.slot),
                segment: segment_of(&message.msg_hdr),
                truncated: message.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
            });
        }
        Ok(count as usize)
    }

    /// What came with datagram `i` of the last call.
    pub(super) fn received(&self, i: usize) -> Received {
        self.received[i]
    }

    /// The octets of datagram `i` of the last call.
    pub(super) fn octets_mut(&mut self, i: usize) -> &mut [u8] {
        let start = i * (self.slot + STAGGER);
        &mut self.octets[start..start + self.received[i].length]
    }

    /// Buffer `i` as a whole.
    pub(super) fn buffer(&self, i: usize) -> &[u8] {
        let start = i * (self.slot + STAGGER);
        &self.octets[start..start + self.slot]
    }
}

/// Zeroes behind the address that the kernel wrote.
fn read_name(name: &MaybeUninit<sockaddr_storage>, header: &msghdr) -> socket2::SockAddrStorage {
    let mut storage = socket2::SockAddrStorage::zeroed();
    let length = (header.msg_namelen as usize).min(mem::size_of::<sockaddr_storage>());
    // SAFETY: both are at least `length` octets long and apart, and the kernel initialised that many in `name`.
    unsafe {
        std::ptr::copy_nonoverlapping(
            name.as_ptr().cast::<u8>(),
            (&raw mut storage).cast::<u8>(),
            length,
        );
    }
    storage
}

/// The `UDP_GRO` control message.
fn segment_of(header: &msghdr) -> Option<usize> {
    // SAFETY: the kernel left a control buffer of `msg_controllen` octets with well-formed messages in it; the macros
    // stay within it.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while !message.is_null() {
            if (*message).cmsg_level == libc::SOL_UDP && (*message).cmsg_type == libc::UDP_GRO {
                let segment = libc::CMSG_DATA(message).cast::<c_int>().read_unaligned();
                return usize::try_from(segment).ok().filter(|segment| *segment > 0);
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
    None
}

/// A datagram to send, or several of `segment` octets each.
pub(super) struct Outgoing<'a> {
    pub(super) to: SocketAddr,
    pub(super) octets: &'a [u8],
    pub(super) segment: Option<u16>,
}

/// Sends as many as the kernel takes, [`MOST_MESSAGES`] at most, in order; says how many. An error is about the first one.
pub(super) fn send<'a>(
    socket: BorrowedFd<'_>,
    outgoing: impl Iterator<Item = Outgoing<'a>>,
) -> io::Result<usize> {
    let mut names = [const { MaybeUninit::<SockAddr>::uninit() }; MOST_MESSAGES];
    let mut controls = [const { MaybeUninit::<Control>::uninit() }; MOST_MESSAGES];
    let mut iovecs = [const { MaybeUninit::<iovec>::uninit() }; MOST_MESSAGES];
    let mut headers = [const { MaybeUninit::<mmsghdr>::uninit() }; MOST_MESSAGES];
    let mut count = 0;
    for (i, message) in outgoing.take(MOST_MESSAGES).enumerate() {
        // `SockAddr` owns nothing, so that not dropping it loses nothing.
        let name = names[i].write(SockAddr::from(message.to));
        let iov = iovecs[i].write(iovec {
            // The kernel does not write there.
            iov_base: message.octets.as_ptr().cast_mut().cast(),
            iov_len: message.octets.len(),
        });
        let mut whole = header(
            name.as_ptr().cast_mut().cast(),
            name.len(),
            iov,
            std::ptr::null_mut(),
            0,
        );
        if let Some(segment) = message.segment {
            let control = controls[i].write(Control([0; 32]));
            whole.msg_control = (&raw mut *control).cast();
            // SAFETY: the control buffer is aligned, zeroed, and has room for a header and a `u16`.
            unsafe {
                whole.msg_controllen = libc::CMSG_SPACE(mem::size_of::<u16>() as u32) as _;
                let cmsg = libc::CMSG_FIRSTHDR(&whole);
                (*cmsg).cmsg_level = libc::SOL_UDP;
                (*cmsg).cmsg_type = libc::UDP_SEGMENT;
                (*cmsg).cmsg_len = libc::CMSG_LEN(mem::size_of::<u16>() as u32) as _;
                libc::CMSG_DATA(cmsg).cast::<u16>().write_unaligned(segment);
            }
        }
        headers[i].write(mmsghdr {
            msg_hdr: whole,
            msg_len: 0,
        });
        count += 1;
    }
    if count == 0 {
        return Ok(0);
    }
    // SAFETY: the first `count` headers are initialised; each points to a name, an iovec and perhaps a control buffer
    // that live in this function, and the iovec to octets that are borrowed as long.
    let sent = unsafe {
        libc::sendmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr().cast(),
            count,
            (libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) as _,
        )
    };
    if sent < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(sent as usize)
}

fn header(
    name: *mut c_void,
    name_length: u32,
    iov: *mut iovec,
    control: *mut c_void,
    control_length: usize,
) -> msghdr {
    // SAFETY: `msghdr` is made of integers and pointers, for which zero is a value. It has padding on some platforms,
    // so it cannot be written out as a literal.
    let mut header: msghdr = unsafe { mem::zeroed() };
    header.msg_name = name;
    header.msg_namelen = name_length;
    header.msg_iov = iov;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = control_length as _;
    header
}

/// `setsockopt` with an `int`.
pub(super) fn set_option(
    socket: BorrowedFd<'_>,
    level: c_int,
    option: c_int,
    value: c_int,
) -> io::Result<()> {
    // SAFETY: the value is an `int` of the length that is said, and lives through the call.
    check(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            mem::size_of::<c_int>() as u32,
        )
    })
}

/// `getsockopt` of an `int`.
pub(super) fn option(socket: BorrowedFd<'_>, level: c_int, option: c_int) -> io::Result<c_int> {
    let mut value: c_int = 0;
    let mut length = mem::size_of::<c_int>() as u32;
    // SAFETY: the kernel writes `length` octets at most, the size of the value.
    check(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw mut value).cast(),
            &raw mut length,
        )
    })?;
    Ok(value)
}

/// `TUNSETIFF`: makes the device of this name, or takes it over, with these `IFF_` flags.
pub(super) fn tun_attach(tun: &OwnedFd, name: &str, flags: c_int) -> io::Result<()> {
    let mut request = request(name)?;
    request.ifr_ifru.ifru_flags = flags as libc::c_short;
    // SAFETY: the request is a whole `ifreq`, which this ioctl reads and writes.
    check(unsafe { libc::ioctl(tun.as_raw_fd(), libc::TUNSETIFF as _, &raw mut request) })
}

/// `TUNSETOFFLOAD`: which super-packets the device may hand us.
pub(super) fn tun_set_offload(tun: &OwnedFd, offload: libc::c_uint) -> io::Result<()> {
    // SAFETY: this ioctl takes a number, not a pointer.
    check(unsafe {
        libc::ioctl(
            tun.as_raw_fd(),
            libc::TUNSETOFFLOAD as _,
            libc::c_ulong::from(offload),
        )
    })
}

/// `SIOCSIFMTU`: the MTU of a network device, through any socket of its namespace.
pub(super) fn set_mtu(socket: BorrowedFd<'_>, name: &str, mtu: u16) -> io::Result<()> {
    let mut request = request(name)?;
    request.ifr_ifru.ifru_mtu = c_int::from(mtu);
    // SAFETY: the request is a whole `ifreq`, which this ioctl reads.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFMTU as _, &raw mut request) })
}

/// `SIOCGIFMTU`.
pub(super) fn mtu(socket: BorrowedFd<'_>, name: &str) -> io::Result<usize> {
    let mut request = request(name)?;
    // SAFETY: the request is a whole `ifreq`, which this ioctl reads and writes.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFMTU as _, &raw mut request) })?;
    // SAFETY: this ioctl filled in the MTU.
    Ok(unsafe { request.ifr_ifru.ifru_mtu }.try_into().unwrap_or(0))
}

/// `SIOCSIFTXQLEN`: how many packets wait at a network device at most.
pub(super) fn set_queue_length(socket: BorrowedFd<'_>, name: &str, length: c_int) -> io::Result<()> {
    let mut request = request(name)?;
    // The kernel reads an `int` there, whatever the union calls it.
    request.ifr_ifru.ifru_metric = length;
    // SAFETY: the request is a whole `ifreq`, which this ioctl reads.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFTXQLEN as _, &raw mut request) })
}

/// `SIOCSIFFLAGS`: brings a network device up.
pub(super) fn bring_up(socket: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    let mut request = request(name)?;
    // SAFETY: the request is a whole `ifreq`; the first ioctl fills in the flags and the second one reads them.
    unsafe {
        check(libc::ioctl(
            socket.as_raw_fd(),
            libc::SIOCGIFFLAGS as _,
            &raw mut request,
        ))?;
        request.ifr_ifru.ifru_flags |= libc::IFF_UP as libc::c_short;
        check(libc::ioctl(
            socket.as_raw_fd(),
            libc::SIOCSIFFLAGS as _,
            &raw mut request,
        ))
    }
}

/// A request about the network device of this name.
fn request(name: &str) -> io::Result<ifreq> {
    // SAFETY: `ifreq` is made of integers and a union of such, for which zero is a value.
    let mut request: ifreq = unsafe { mem::zeroed() };
    // One octet stays 0: the end of the name.
    if name.is_empty() || name.len() >= request.ifr_name.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (place, octet) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *place = octet as libc::c_char;
    }
    Ok(request)
}

fn check(result: c_int) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
