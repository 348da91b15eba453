//! Keys that several daemons share, and how they read.
//!
//! All of them are additions to the YAML of go-gtp's gw-tester, with defaults. Times are seconds.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::text::shown;

/// `gtp_c`: reliable delivery of GTPv2-C (TS 29.274 §7.6) and path management (TS 23.007 §20).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GtpC {
    /// T3-RESPONSE in seconds: how long to wait for a response before the request is sent again.
    #[serde(deserialize_with = "seconds")]
    pub t3_response: Duration,
    /// N3-REQUESTS: how often a request is sent at most, the first time included.
    #[serde(deserialize_with = "count")]
    pub n3_requests: u32,
    /// Seconds between two Echo Requests to a peer; the specification asks for 60 at least (TS 29.274 §7.1.1), a lab
    /// may want less.
    #[serde(deserialize_with = "seconds")]
    pub echo_interval: Duration,
    /// Seconds of silence after which a peer is given up and its sessions are deleted, TS 23.007 §20.2.1. One that
    /// comes back before has lost nothing, unless its restart counter says so.
    #[serde(deserialize_with = "seconds")]
    pub path_failure: Duration,
}

impl Default for GtpC {
    fn default() -> GtpC {
        GtpC {
            t3_response: Duration::from_secs(3),
            n3_requests: 5,
            echo_interval: Duration::from_secs(60),
            path_failure: Duration::from_secs(300),
        }
    }
}

/// `s1ap`: delivery and supervision on S1-MME. UDP carries it, so what SCTP would do is done here.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct S1ap {
    /// Seconds to wait for the outcome of a message before it is sent again.
    #[serde(deserialize_with = "seconds")]
    pub retry_interval: Duration,
    /// How often a message is sent at most, the first time included.
    #[serde(deserialize_with = "count")]
    pub max_attempts: u32,
    /// Seconds of silence after which the peer is asked whether it is there.
    #[serde(deserialize_with = "seconds")]
    pub probe_interval: Duration,
    /// Seconds of silence after which the peer counts as gone.
    #[serde(deserialize_with = "seconds")]
    pub peer_timeout: Duration,
}

impl Default for S1ap {
    fn default() -> S1ap {
        S1ap {
            retry_interval: Duration::from_secs(1),
            max_attempts: 8,
            probe_interval: Duration::from_secs(5),
            peer_timeout: Duration::from_secs(60),
        }
    }
}

/// Reads a duration in seconds, `3` or `0.5`; more than 0, at most a day.
pub fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    if seconds > 0.0 && seconds <= 86_400.0 {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err(Error::custom(format!(
        "{} is not a time: expected seconds, more than 0 and at most 86400",
        shown(&seconds.to_string())
    )))
}

/// Reads a count from 1 to 100.
pub fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let count = u32::deserialize(deserializer)?;
    if (1..=100).contains(&count) {
        return Ok(count);
    }
    Err(Error::custom(format!(
        "{count} is out of range: expected 1 to 100"
    )))
}

/// Reads the number of one of several nodes that share a configuration, 0 to 9999: a number, or a name that ends in one,
/// such as that of a pod of a StatefulSet, `pgw-2`.
pub fn instance<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    struct Instance;
    impl Visitor<'_> for Instance {
        type Value = u32;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number from 0 to 9999, or a name that ends in one, such as pgw-2")
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<u32, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<u32, E> {
            let digits = text
                .rsplit(|c: char| !c.is_ascii_digit())
                .next()
                .unwrap_or_default();
            match digits.parse() {
                Ok(number @ 0..=9999) => Ok(number),
                _ => Err(E::custom(format!(
                    "`{}` ends in no number from 0 to 9999",
                    shown(text)
                ))),
            }
        }
    }
    deserializer.deserialize_any(Instance)
}

/// Gateways among which sessions are spread: at least one. In YAML an address, or a list of addresses and of
/// `{address: 192.0.2.1, weight: 3}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateways(Vec<Gateway>);

/// One of [`Gateways`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Its address on the control plane.
    #[serde(deserialize_with = "peer_address")]
    pub address: IpAddr,
    /// Its share of the sessions, 1 to 255, in relation to those of the others.
    #[serde(default = "one", deserialize_with = "weight")]
    pub weight: u8,
}

impl Gateways {
    /// These; `None` if there are none.
    pub fn new(gateways: Vec<Gateway>) -> Option<Gateways> {
        (!gateways.is_empty()).then_some(Gateways(gateways))
    }

    /// One after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, Gateway> {
        self.0.iter()
    }
}

impl From<IpAddr> for Gateways {
    fn from(address: IpAddr) -> Gateways {
        Gateways(vec![Gateway { address, weight: 1 }])
    }
}

impl<'de> Deserialize<'de> for Gateways {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Gateways, D::Error> {
        /// An address, or a map of address and weight.
        struct OneGateway(Gateway);
        impl<'de> Deserialize<'de> for OneGateway {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OneGateway, D::Error> {
                deserializer.deserialize_any(One).map(OneGateway)
            }
        }
        struct One;
        impl<'de> Visitor<'de> for One {
            type Value = Gateway;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address such as 192.0.2.1, or a map of `address` and `weight`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Gateway, E> {
                let address = peer_address(text.into_deserializer())?;
                Ok(Gateway { address, weight: 1 })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Gateway, A::Error> {
                Gateway::deserialize(MapAccessDeserializer::new(map))
            }
        }
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Gateways;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address such as 192.0.2.1, or a list of gateways")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Gateways, E> {
                One.visit_str(text).map(|gateway| Gateways(vec![gateway]))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Gateways, A::Error> {
                One.visit_map(map).map(|gateway| Gateways(vec![gateway]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Gateways, A::Error> {
                let mut gateways: Vec<Gateway> = Vec::new();
                while let Some(OneGateway(gateway)) = list.next_element()? {
                    if gateways.iter().any(|known| known.address == gateway.address) {
                        return Err(Error::custom(format!(
                            "{} is there twice, expected each gateway once",
                            gateway.address
                        )));
                    }
                    gateways.push(gateway);
                }
                Gateways::new(gateways).ok_or_else(|| Error::custom("an empty list, expected a gateway"))
            }
        }
        deserializer.deserialize_any(All)
    }
}

fn one() -> u8 {
    1
}

/// Reads the weight of a gateway, 1 to 255.
pub fn weight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let weight = u8::deserialize(deserializer)?;
    if weight > 0 {
        return Ok(weight);
    }
    Err(Error::custom("0 is no weight: expected 1 to 255"))
}

/// Reads `max_sessions_per_peer`: at least 1.
pub fn sessions_per_peer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    match usize::deserialize(deserializer)? {
        0 => Err(Error::custom("0 sessions serve nobody: expected 1 or more")),
        sessions => Ok(Some(sessions)),
    }
}

/// What `max_sessions_per_peer` is where the file does not say: half of all, so that one peer leaves room for another.
pub fn half_of(max_sessions: usize) -> usize {
    max_sessions.div_ceil(2)
}

/// The default of `shutdown_grace`: 5 seconds.
pub fn shutdown_grace() -> Duration {
    Duration::from_secs(5)
}

/// Reads `session_store`: a directory, or nothing or an empty text for none.
pub fn session_store<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let directory = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    Ok((!directory.is_empty()).then(|| directory.into()))
}

/// `log_format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// `user_plane`: how user packets are moved.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserPlane {
    /// The most that is tried; what the kernel refuses is left out all the same.
    pub offload: Offload,
    /// Workers a direction, 1 to 64.
    #[serde(deserialize_with = "queues")]
    pub queues: u16,
    /// Vary the UDP source port by TEID, so that receivers can spread the load over their queues.
    pub source_port_by_teid: bool,
    /// Octets of the largest user packet that the tunnel takes, 576 to 9000; by default what the path's MTU leaves.
    pub mtu: Option<u16>,
}

impl Default for UserPlane {
    fn default() -> UserPlane {
        UserPlane {
            offload: Offload::Full,
            queues: 1,
            source_port_by_teid: false,
            mtu: None,
        }
    }
}

/// `user_plane.offload`, from the fastest to the plainest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Offload {
    /// One packet a system call.
    None,
    /// Super-packets at the TUN device only.
    NoGro,
    /// No UDP_SEGMENT when sending.
    NoGso,
    /// No UDP super-packets at the TUN device.
    NoUso,
    /// Everything.
    #[default]
    Full,
}

impl Offload {
    /// The name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Offload::None => "none",
            Offload::NoGro => "no-gro",
            Offload::NoGso => "no-gso",
            Offload::NoUso => "no-uso",
            Offload::Full => "full",
        }
    }
}

fn queues<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let queues = u16::deserialize(deserializer)?;
    if (1..=64).contains(&queues) {
        return Ok(queues);
    }
    Err(Error::custom(format!(
        "{queues} is out of range: expected 1 to 64"
    )))
}

/// Reads an address to listen on: `192.0.2.1:58080`, `[2001:db8::1]:58080`, or `:58080` for all addresses. Nothing
/// or an empty text is `None`.
pub fn listen_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    if text.starts_with(':') {
        return socket_address(&format!("0.0.0.0{text}"), &text).map(Some);
    }
    socket_address(&text, &text).map(Some)
}

/// Reads an IP address of this host at which peers reach it, so that it can be told to them.
pub fn local_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IpAddr, D::Error> {
    let address = ip_address(deserializer)?;
    of_one_host(address, "an address of this host")?;
    Ok(address)
}

/// Reads an IP address and a UDP port of this host at which peers reach it.
pub fn local_socket_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    let address = with_port(socket_address(&text, &text)?)?;
    of_one_host(address.ip(), "an address of this host")?;
    Ok(address)
}

/// Reads the IP address of a peer.
pub fn peer_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IpAddr, D::Error> {
    let address = ip_address(deserializer)?;
    of_one_host(address, "the address of a host")?;
    Ok(address)
}

/// Reads the IP address and the UDP port of a peer.
pub fn peer_socket_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    let address = with_port(socket_address(&text, &text)?)?;
    of_one_host(address.ip(), "the address of a host")?;
    Ok(address)
}

fn ip_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IpAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        D::Error::custom(format!(
            "`{}` is not an IP address, expected one such as 192.0.2.1",
            shown(&text)
        ))
    })
}

fn socket_address<E: Error>(whole: &str, written: &str) -> Result<SocketAddr, E> {
    whole.parse().map_err(|_| {
        E::custom(format!(
            "`{}` is not an address: expected IP:PORT",
            shown(written)
        ))
    })
}

fn with_port<E: Error>(address: SocketAddr) -> Result<SocketAddr, E> {
    match address.port() {
        0 => Err(E::custom(format!(
            "{address} has no port, expected IP:PORT with PORT from 1 to 65535"
        ))),
        _ => Ok(address),
    }
}

fn of_one_host<E: Error>(address: IpAddr, expected: &str) -> Result<(), E> {
    let kind = match address.to_canonical() {
        IpAddr::V4(v4) if v4.is_broadcast() => "the broadcast address",
        ip if ip.is_multicast() => "a multicast address",
        ip if ip.is_unspecified() => "no address in particular",
        _ => return Ok(()),
    };
    Err(E::custom(format!("{address} is {kind}, expected {expected}")))
}

/// Whether a list of subnets allows this address; one without any allows all.
pub fn allows(subnets: &[IpNet], address: IpAddr) -> bool {
    subnets.is_empty() || subnets.iter().any(|subnet| subnet.contains(&address))
}

/// Reads a list of subnets.
pub fn subnets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    struct Subnets;
    impl<'de> Visitor<'de> for Subnets {
        type Value = Vec<IpNet>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of subnets, such as [192.0.2.0/24]")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Vec<IpNet>, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(list))
        }
    }
    deserializer.deserialize_seq(Subnets)
}

/// Reads the name of a TUN device: what Linux takes for a network device, and no pattern in which it puts a number.
pub fn tun_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    let wrong = |c: char| matches!(c, '/' | ':' | '%') || c.is_whitespace() || c.is_control();
    if (1..=15).contains(&name.len()) && !name.contains(wrong) && name != "." && name != ".." {
        return Ok(name);
    }
    Err(D::Error::custom(format!(
        "`{}` is no name for a network device, expected 1 to 15 characters without `/`, `:`, `%` and spaces",
        shown(&name)
    )))
}

/// Reads the number of a routing table of the node's own: not 0, and none of the kernel's 253, 254 and 255.
pub fn route_table<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let table = u32::deserialize(deserializer)?;
    if !matches!(table, 0 | 253..=255) {
        return Ok(table);
    }
    Err(D::Error::custom(format!(
        "{table} is a routing table of the system, expected a number from 1 to {} but 253, 254 and 255",
        u32::MAX
    )))
}
