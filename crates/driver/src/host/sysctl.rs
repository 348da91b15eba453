//! Settings of the kernel that a gateway depends on. Ours is only the TUN device: the rest is looked at, and said.

use std::fs;
use std::path::{Path, PathBuf};

use tracing::{debug, warn};

const IPV4_FORWARDING: &str = "net/ipv4/ip_forward";
const IPV6_FORWARDING: &str = "net/ipv6/conf/all/forwarding";

/// Strict reverse-path filtering (`rp_filter` = 1) drops what comes out of the tunnels: its source is routed elsewhere.
/// The filter is the stricter of `all` and the device, where 2 (loose) counts as more than 1 (strict).
pub(super) fn accept_any_source(device: &str) {
    let all = get("net/ipv4/conf/all/rp_filter").unwrap_or(0);
    let key = format!("net/ipv4/conf/{}/rp_filter", device.replace('.', "/"));
    let own = get(&key).unwrap_or(0);
    if all.max(own) != 1 {
        return;
    }
    let wanted = if all == 0 { "0" } else { "2" };
    match fs::write(path(&key), wanted) {
        Ok(()) => debug!(sysctl = key, value = wanted, "set"),
        Err(error) => {
            warn!(%error, sysctl = dotted(&key), value = wanted, "strict reverse-path filter drops user packets, set it");
        }
    }
}

/// Packets cross this host between the TUN device and another one.
pub(super) fn warn_if_not_forwarding(ipv6: bool) {
    let keys = [Some(IPV4_FORWARDING), ipv6.then_some(IPV6_FORWARDING)];
    for key in keys.into_iter().flatten() {
        if get(key) == Some(0) {
            warn!(
                sysctl = dotted(key),
                value = "1",
                "this host forwards no packets, set it"
            );
        }
    }
}

fn get(key: &str) -> Option<u32> {
    fs::read_to_string(path(key)).ok()?.trim().parse().ok()
}

fn path(key: &str) -> PathBuf {
    Path::new("/proc/sys").join(key)
}

fn dotted(key: &str) -> String {
    key.replace('/', ".")
}
