//! Keys that several daemons share, and how they read.
//!
//! All of them are additions to the YAML of go-gtp's gw-tester, with defaults. Times are seconds.

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
}

impl Default for GtpC {
    fn default() -> GtpC {
        GtpC {
            t3_response: Duration::from_secs(3),
            n3_requests: 5,
            echo_interval: Duration::from_secs(60),
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
