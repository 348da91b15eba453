//! Keys that several daemons share, and how they read.
//!
//! All of them are additions to the YAML of go-gtp's gw-tester, with defaults. Times are seconds.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

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
    Err(serde::de::Error::custom(format!(
        "{seconds} is not a time: expected seconds, more than 0 and at most 86400"
    )))
}

/// Reads a count from 1 to 100.
pub fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let count = u32::deserialize(deserializer)?;
    if (1..=100).contains(&count) {
        return Ok(count);
    }
    Err(serde::de::Error::custom(format!(
        "{count} is out of range: expected 1 to 100"
    )))
}

/// The default of `shutdown_grace`: 5 seconds.
pub fn shutdown_grace() -> Duration {
    Duration::from_secs(5)
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
    Err(serde::de::Error::custom(format!(
        "{queues} is out of range: expected 1 to 64"
    )))
}

/// Reads an address to listen on: `192.0.2.1:58080`, `[2001:db8::1]:58080`, or `:58080` for all addresses. Nothing
/// or an empty text is `None`.
pub fn listen_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    if text.is_empty() {
        return Ok(None);
    }
    let whole = if text.starts_with(':') {
        format!("0.0.0.0{text}")
    } else {
        text.clone()
    };
    match whole.parse() {
        Ok(address) => Ok(Some(address)),
        Err(_) => Err(serde::de::Error::custom(format!(
            "`{text}` is not an address: expected IP:PORT"
        ))),
    }
}
