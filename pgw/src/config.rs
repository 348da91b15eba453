//! The YAML of a P-GW: the keys of go-gtp's gw-tester, and ours with defaults.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use epc_codec::Imsi;
use epc_node::config::{
    self, GtpC, LogFormat, UserPlane, half_of, listen_address, local_address, seconds, session_store,
    sessions_per_peer, shutdown_grace, subnets,
};
use epc_node::text::{self, shown};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Deserializer};

/// `pgw.yml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The addresses to bind on this host.
    pub local_addresses: LocalAddresses,
    /// The network device on the SGi side, unless one has `local_addresses.sgi_ip` or is in `route_subnet`: what comes in
    /// there for a UE goes into its tunnel. If none is known, what comes in anywhere.
    #[serde(default)]
    pub sgi_if_name: Option<String>,
    /// Whether packets of UEs leave on SGi with this node's address (IPv4), so that servers need no route to the UEs.
    #[serde(default)]
    pub sgi_nat: bool,
    /// The subnet of the UEs that is routed to the tunnels as a whole. UEs outside of it get a route each.
    #[serde(default, deserialize_with = "subnet")]
    pub route_subnet: Option<IpNet>,
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
    /// From where UEs get their address: IPv4 subnets, and IPv6 prefixes of /64 or shorter out of which each UE gets a
    /// /64. Without it, [`DEFAULT_POOL`] serves UEs that ask for no address, and any address may be asked for.
    #[serde(default, deserialize_with = "subnets")]
    pub ue_pools: Vec<IpNet>,
    /// Which part of the pools is this P-GW's, where several share the configuration: all of them without it.
    #[serde(default)]
    pub pool_share: Option<PoolShare>,
    /// Where S-GWs may be: subnets. Anywhere, if there are none; a session then stays at the S-GW that opened it.
    #[serde(default, deserialize_with = "subnets")]
    pub sgw_networks: Vec<IpNet>,
    /// Subscribers that are not served: their sessions are refused, and a reload ends those that they have.
    #[serde(default, deserialize_with = "text::imsis")]
    pub barred: HashSet<Imsi>,
    /// Where packets of UEs do not go: subnets. By default link-local addresses, with the metadata services of clouds
    /// among them, and loopback.
    #[serde(default = "deny_destinations", deserialize_with = "subnets")]
    pub deny_destinations: Vec<IpNet>,
    /// TCP ports at which UEs reach this host all the same, whose addresses they do not reach otherwise.
    #[serde(default)]
    pub host_ports: Vec<NonZeroU16>,
    /// Whether UEs reach each other through this P-GW.
    #[serde(default = "ue_to_ue")]
    pub ue_to_ue: bool,
    /// DNS servers that UEs are told (PCO, TS 24.008 §10.5.6.3).
    #[serde(default)]
    pub dns: Vec<IpAddr>,
    /// The name of the TUN device.
    #[serde(default = "tun_name", deserialize_with = "config::tun_name")]
    pub tun_name: String,
    /// The routing table for packets to UEs; not 0, 253, 254 or 255.
    #[serde(default = "route_table", deserialize_with = "config::route_table")]
    pub route_table: u32,
    /// How long a stop may take to delete the sessions at the peers, in seconds.
    #[serde(default = "shutdown_grace", deserialize_with = "seconds")]
    pub shutdown_grace: Duration,
    /// Sessions at the most; beyond comes cause 73, no resources available.
    #[serde(default = "max_sessions")]
    pub max_sessions: usize,
    /// Sessions that one S-GW may open; beyond comes cause 73 as well. Half of `max_sessions` by default.
    #[serde(default, deserialize_with = "sessions_per_peer")]
    pub max_sessions_per_peer: Option<usize>,
    /// The directory in which sessions are kept, so that they are back when a killed P-GW starts again; they are lost
    /// with it by default.
    #[serde(default, deserialize_with = "session_store")]
    pub session_store: Option<PathBuf>,
}

/// `local_addresses`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalAddresses {
    /// GTPv2-C towards S-GWs, UDP port 2123.
    #[serde(deserialize_with = "local_address")]
    pub s5c_ip: IpAddr,
    /// GTP-U towards S-GWs, UDP port 2152.
    #[serde(deserialize_with = "local_address")]
    pub s5u_ip: IpAddr,
    /// This node's address on SGi; the device that has it is the one of SGi.
    #[serde(default)]
    pub sgi_ip: Option<IpAddr>,
}

/// `pool_share`: one of `of` equal parts of each pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolShare {
    /// Which part, 0 being the first: a number, or a name that ends in one.
    #[serde(deserialize_with = "config::instance")]
    pub instance: u32,
    /// How many parts there are: 1, 2, 4, and so on to 256.
    #[serde(deserialize_with = "parts")]
    pub of: u32,
}

impl PoolShare {
    /// How many bits longer the prefix of a part is.
    fn bits(self) -> u8 {
        self.of.trailing_zeros() as u8
    }

    /// This part of a pool; `None` if it is too small for so many.
    fn of_pool(self, pool: &IpNet) -> Option<IpNet> {
        let parts = pool.subnets(pool.prefix_len().checked_add(self.bits())?).ok()?;
        parts.into_iter().nth(self.instance as usize)
    }
}

/// The pool where `ue_pools` names none: 10.60.0.0/16.
pub const DEFAULT_POOL: Ipv4Net = match Ipv4Net::new(Ipv4Addr::new(10, 60, 0, 0), 16) {
    Ok(net) => net,
    Err(_) => panic!("16 is a prefix length"),
};

/// Octets that the tunnel puts before a packet: IPv6 or IPv4, UDP and GTP-U headers.
const TUNNEL_V4: u16 = 20 + 8 + 8;
const TUNNEL_V6: u16 = 40 + 8 + 8;

impl Config {
    /// Octets of the largest packet that UEs should send (PCO, TS 24.008 §10.5.6.3): that of `user_plane.mtu`, or what
    /// Ethernet leaves.
    pub fn link_mtu(&self) -> u16 {
        let tunnel = if self.local_addresses.s5u_ip.is_ipv4() {
            TUNNEL_V4
        } else {
            TUNNEL_V6
        };
        self.user_plane.mtu.unwrap_or(1500 - tunnel)
    }

    /// What no single key can tell: the key at fault, and what is wrong.
    pub fn check(&self) -> Result<(), (String, String)> {
        for (i, pool) in self.ue_pools.iter().enumerate() {
            let key = format!("ue_pools[{i}]");
            if pool.trunc() != *pool {
                return Err((
                    key,
                    format!("{pool} has host bits set, expected {}", pool.trunc()),
                ));
            }
            if let IpNet::V6(v6) = pool
                && v6.prefix_len() > 64
            {
                return Err((
                    key,
                    format!("{pool} is too small, expected a prefix of /64 or shorter"),
                ));
            }
            if let Some(other) = self.ue_pools[..i].iter().find(|other| overlap(other, pool)) {
                return Err((
                    key,
                    format!("{pool} overlaps with {other}, expected separate pools"),
                ));
            }
        }
        if let Some(share) = self.pool_share {
            if share.instance >= share.of {
                let problem = format!(
                    "{} is not one of {}, expected a lower one",
                    share.instance, share.of
                );
                return Err(("pool_share.instance".to_owned(), problem));
            }
            if let Some(small) = self.whole_pools().iter().find(|pool| {
                let last = if pool.network().is_ipv4() { 30 } else { 64 };
                pool.prefix_len() + share.bits() > last
            }) {
                let problem = format!("{small} is too small for {} parts, expected fewer", share.of);
                return Err(("pool_share.of".to_owned(), problem));
            }
        }
        Ok(())
    }

    /// Sessions that one S-GW may open.
    pub fn quota(&self) -> usize {
        self.max_sessions_per_peer.unwrap_or(half_of(self.max_sessions))
    }

    /// Where this P-GW's UEs get their addresses from: its part of `ue_pools`, or of [`DEFAULT_POOL`].
    pub fn pools(&self) -> Vec<IpNet> {
        let mut pools = self.whole_pools();
        if let Some(share) = self.pool_share {
            pools = pools.iter().filter_map(|pool| share.of_pool(pool)).collect();
        }
        pools
    }

    fn whole_pools(&self) -> Vec<IpNet> {
        match self.ue_pools.as_slice() {
            [] => vec![IpNet::V4(DEFAULT_POOL)],
            pools => pools.to_vec(),
        }
    }
}

fn parts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let parts = u32::deserialize(deserializer)?;
    if parts.is_power_of_two() && parts <= 256 {
        return Ok(parts);
    }
    Err(serde::de::Error::custom(format!(
        "{parts} parts are not possible: expected 1, 2, 4, 8 and so on to 256"
    )))
}

fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

/// A subnet; nothing or an empty text is `None`.
fn subnet<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<IpNet>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    match text.parse::<IpNet>() {
        Ok(net) => Ok(Some(net.trunc())),
        Err(_) => Err(serde::de::Error::custom(format!(
            "`{}` is not a subnet: expected for example 192.0.2.0/24",
            shown(&text)
        ))),
    }
}

fn ue_to_ue() -> bool {
    true
}

fn deny_destinations() -> Vec<IpNet> {
    [
        Ipv4Net::new(Ipv4Addr::new(169, 254, 0, 0), 16).map(IpNet::V4),
        Ipv4Net::new(Ipv4Addr::new(127, 0, 0, 0), 8).map(IpNet::V4),
        Ipv6Net::new(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10).map(IpNet::V6),
        Ipv6Net::new(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128).map(IpNet::V6),
        Ipv6Net::new(Ipv6Addr::LOCALHOST, 128).map(IpNet::V6),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn tun_name() -> String {
    "gtp-pgw".to_owned()
}

fn route_table() -> u32 {
    3002
}

fn max_sessions() -> usize {
    1_000_000
}
