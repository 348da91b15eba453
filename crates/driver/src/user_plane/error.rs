use std::io;
use std::net::IpAddr;

/// Why the user plane could not start. [`StartError::key`] names the configuration's key at fault; the text is the
/// problem and, where there is one, its cure.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{address} is not an address of this host, expected one that `ip address` shows")]
    AddressNotHere { key: String, address: IpAddr },

    #[error("UDP port {port} of {address} is in use by another process")]
    PortInUse { key: String, address: IpAddr, port: u16 },

    #[error("cannot open UDP port {port} of {address}: {source}")]
    Socket {
        key: String,
        address: IpAddr,
        port: u16,
        source: io::Error,
    },

    #[error(
        "/dev/net/tun is missing, load the kernel module `tun` (`modprobe tun`), or give the container that device: `devices: [/dev/net/tun]` under compose, `tun.hostPath` or `tun.resource` of the Helm chart"
    )]
    TunMissing { key: String },

    #[error("/dev/net/tun may not be opened: {source}; run as root or give this user the device")]
    TunForbidden { key: String, source: io::Error },

    #[error(
        "TUN device `{name}` may not be made: the daemon lacks CAP_NET_ADMIN in this network namespace; run as root, `setcap cap_net_admin+p` the binary, or give the container `cap_add: [NET_ADMIN]`"
    )]
    TunNeedsCapability { key: String, name: String },

    #[error("network device `{name}` is there already and in use, expected a name that is free")]
    TunNameInUse { key: String, name: String },

    #[error("`{name}` is no name for a network device, expected 1 to 15 characters without `/` and spaces")]
    TunName { key: String, name: String },

    #[error("cannot set up TUN device `{name}`: {what}: {source}")]
    Tun {
        key: String,
        name: String,
        what: &'static str,
        source: io::Error,
    },

    #[error("cannot start a thread: {source}")]
    Thread { source: io::Error },
}

impl StartError {
    /// The key of the configuration that is at fault.
    pub fn key(&self) -> &str {
        match self {
            StartError::AddressNotHere { key, .. }
            | StartError::PortInUse { key, .. }
            | StartError::Socket { key, .. }
            | StartError::TunMissing { key }
            | StartError::TunForbidden { key, .. }
            | StartError::TunNeedsCapability { key, .. }
            | StartError::TunNameInUse { key, .. }
            | StartError::TunName { key, .. }
            | StartError::Tun { key, .. } => key,
            StartError::Thread { .. } => "user_plane",
        }
    }
}

/// A thread of the user plane is gone, after an error that it has logged: nothing is forwarded any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the user plane has stopped")]
pub struct Stopped;
