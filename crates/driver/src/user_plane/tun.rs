//! The TUN device. It vanishes with the last of its descriptors, so that a killed daemon leaves none behind.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use epc_user_plane::Side;

use super::{StartError, sys};

/// Packets that wait to be read at most. The kernel's default of 500 is what small packets fill within 3 milliseconds,
/// less than a thread may have to wait for a core.
const QUEUE: i32 = 4096;

/// The TUN device to make.
#[derive(Debug, Clone)]
pub struct TunConfig {
    /// Its name, 1 to 15 characters.
    pub name: String,
    /// On which side of the tunnels it lies.
    pub side: Side,
    /// Octets of the longest user packet; by default what the link of the GTP-U socket leaves, 1500 at most.
    pub mtu: Option<u16>,
    /// The key of the configuration from which the name comes, for errors.
    pub key: String,
}

/// Makes the device with `queues` descriptors, sets its MTU and brings it up. `vnet`: with a `virtio_net_hdr` before
/// each packet.
pub(super) fn open(
    config: &TunConfig,
    mtu: u16,
    queues: usize,
    vnet: bool,
) -> Result<Vec<Arc<OwnedFd>>, StartError> {
    let key = config.key.clone();
    let name = config.name.clone();
    if name.is_empty()
        || name.len() > 15
        || name.contains(['/', ' ', '%', ':'])
        || name == "."
        || name == ".."
    {
        return Err(StartError::TunName { key, name });
    }
    let mut flags = libc::IFF_TUN | libc::IFF_NO_PI;
    if queues > 1 {
        flags |= libc::IFF_MULTI_QUEUE;
    }
    if vnet {
        flags |= libc::IFF_VNET_HDR;
    }
    let mut descriptors = Vec::new();
    for queue in 0..queues {
        let tun = open_device(&key)?;
        // The first one makes the device; one that is there already would be another's.
        let exclusive = if queue == 0 { libc::IFF_TUN_EXCL } else { 0 };
        sys::tun_attach(&tun, &name, flags | exclusive).map_err(|error| explain(config, error))?;
        descriptors.push(Arc::new(tun));
    }
    let failed = |what| {
        let (key, name) = (key.clone(), name.clone());
        move |source| StartError::Tun {
            key,
            name,
            what,
            source,
        }
    };
    let socket = std::net::UdpSocket::bind("127.0.0.1:0")
        .or_else(|_| std::net::UdpSocket::bind("[::]:0"))
        .map_err(failed("no socket to configure it"))?;
    sys::set_mtu(socket.as_fd(), &name, mtu).map_err(failed("its MTU"))?;
    sys::set_queue_length(socket.as_fd(), &name, QUEUE).map_err(failed("its queue"))?;
    sys::bring_up(socket.as_fd(), &name).map_err(failed("bringing it up"))?;
    Ok(descriptors)
}

fn open_device(key: &str) -> Result<OwnedFd, StartError> {
    let key = key.to_owned();
    match OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open("/dev/net/tun")
    {
        Ok(file) => Ok(file.into()),
        Err(source) => Err(match source.raw_os_error() {
            Some(libc::ENOENT | libc::ENODEV | libc::ENXIO) => StartError::TunMissing { key },
            _ => StartError::TunForbidden { key, source },
        }),
    }
}

fn explain(config: &TunConfig, source: io::Error) -> StartError {
    let (key, name) = (config.key.clone(), config.name.clone());
    match source.raw_os_error() {
        Some(libc::EPERM) => StartError::TunNeedsCapability { key, name },
        Some(libc::EBUSY | libc::EEXIST) => StartError::TunNameInUse { key, name },
        // A device of this name that is no TUN device.
        Some(libc::EINVAL) => StartError::TunNameInUse { key, name },
        _ => StartError::Tun {
            key,
            name,
            what: "making it",
            source,
        },
    }
}
