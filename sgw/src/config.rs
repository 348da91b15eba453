//! The YAML of an S-GW: the keys of go-gtp's gw-tester, and ours with defaults.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use epc_node::config::{
    GtpC, LogFormat, UserPlane, half_of, listen_address, local_address, seconds, session_store,
    sessions_per_peer, shutdown_grace, subnets,
};
use ipnet::IpNet;
use serde::Deserialize;

/// `sgw.yml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The addresses to bind on this host.
    pub local_addresses: LocalAddresses,
    /// Read and answered with a line in the log: the user plane is in userspace.
    #[serde(default)]
    pub use_kernel_gtp: bool,
    /// Where to serve `/metrics`, `/livez` and `/readyz`; nowhere by default.
    #[serde(default, deserialize_with = "listen_address")]
    pub prom_addr: Option<SocketAddr>,
    /// `text` or `json`.
    #[serde(default)]
    pub log_format: LogFormat,
    /// Repetition of requests and supervision of peers.
    #[serde(default)]
    pub gtp_c: GtpC,
    /// How user packets are moved.
    #[serde(default)]
    pub user_plane: UserPlane,
    /// How long a stop may take to delete the sessions at the peers, in seconds.
    #[serde(default = "shutdown_grace", deserialize_with = "seconds")]
    pub shutdown_grace: Duration,
    /// Seconds within which the MME must say, by Modify Bearer Request, where the eNB of a new session takes packets;
    /// then the session is deleted.
    #[serde(default = "setup_timeout", deserialize_with = "seconds")]
    pub setup_timeout: Duration,
    /// Where MMEs may be: subnets. Anywhere, if there are none.
    #[serde(default, deserialize_with = "subnets")]
    pub mme_networks: Vec<IpNet>,
    /// Where eNBs may be: subnets. Anywhere, if there are none.
    #[serde(default, deserialize_with = "subnets")]
    pub enb_networks: Vec<IpNet>,
    /// Where P-GWs may be: subnets. Anywhere, if there are none.
    #[serde(default, deserialize_with = "subnets")]
    pub pgw_networks: Vec<IpNet>,
    /// Sessions at the most; beyond comes cause 73, no resources available.
    #[serde(default = "max_sessions")]
    pub max_sessions: usize,
    /// Sessions that one MME may open; beyond comes cause 73 as well. Half of `max_sessions` by default.
    #[serde(default, deserialize_with = "sessions_per_peer")]
    pub max_sessions_per_peer: Option<usize>,
    /// The directory in which sessions are kept, so that they are back when a killed S-GW starts again; they are lost
    /// with it by default.
    #[serde(default, deserialize_with = "session_store")]
    pub session_store: Option<PathBuf>,
}

/// `local_addresses`. S11 and S5-C may share one, and so may S1-U and S5-U.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalAddresses {
    /// GTPv2-C towards MMEs, UDP port 2123.
    #[serde(deserialize_with = "local_address")]
    pub s11_ip: IpAddr,
    /// GTP-U towards eNBs, UDP port 2152.
    #[serde(deserialize_with = "local_address")]
    pub s1u_ip: IpAddr,
    /// GTPv2-C towards P-GWs, UDP port 2123.
    #[serde(deserialize_with = "local_address")]
    pub s5c_ip: IpAddr,
    /// GTP-U towards P-GWs, UDP port 2152.
    #[serde(deserialize_with = "local_address")]
    pub s5u_ip: IpAddr,
}

impl Config {
    /// Sessions that one MME may open.
    pub fn quota(&self) -> usize {
        self.max_sessions_per_peer.unwrap_or(half_of(self.max_sessions))
    }
}

fn setup_timeout() -> Duration {
    Duration::from_secs(60)
}

fn max_sessions() -> usize {
    1_000_000
}
