use std::thread;
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// How often a state is looked at.
const INTERVAL: Duration = Duration::from_millis(20);

/// Looks until `probe` finds the state `what`, for `limit` at most. The error says what was there instead.
pub fn wait_for<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Result<T, String>) -> Result<T> {
    let started = Instant::now();
    loop {
        let last = match probe() {
            Ok(found) => return Ok(found),
            Err(instead) => instead,
        };
        if started.elapsed() >= limit {
            return Err(Error::Timeout {
                what: what.to_owned(),
                limit,
                last,
            });
        }
        thread::sleep(INTERVAL);
    }
}
