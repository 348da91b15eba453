//! Answers to whom nobody knows: so many a second to each, lest a node be made to send more than it should.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use hashbrown::HashMap;

/// So many peers have a share of their own within a second; further ones have one together.
const PEERS: usize = 1024;

/// So many a second to each peer, and as many at once.
#[derive(Debug)]
pub struct RateLimit {
    per_second: u32,
    second: Option<Instant>,
    used: HashMap<IpAddr, u32>,
    used_by_others: u32,
}

impl RateLimit {
    /// A limit of which nothing is used yet.
    pub fn new(per_second: u32) -> RateLimit {
        RateLimit {
            per_second,
            second: None,
            used: HashMap::new(),
            used_by_others: 0,
        }
    }

    /// Whether one more to this peer is within the limit; it is counted.
    pub fn allows(&mut self, peer: IpAddr, now: Instant) -> bool {
        let started = *self.second.get_or_insert(now);
        if now.saturating_duration_since(started) >= Duration::from_secs(1) {
            self.second = Some(now);
            self.used.clear();
            self.used_by_others = 0;
        }
        let has_share = self.used.len() < PEERS || self.used.contains_key(&peer);
        let used = if has_share {
            self.used.entry(peer).or_default()
        } else {
            &mut self.used_by_others
        };
        if *used >= self.per_second {
            return false;
        }
        *used += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_peer_has_its_share_of_each_second() {
        let start = Instant::now();
        let mut limit = RateLimit::new(2);
        let [a, b] = [IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2])];
        let asked = [a, a, a, b].map(|peer| limit.allows(peer, start));
        assert_eq!(asked, [true, true, false, true]);
        assert!(limit.allows(a, start + Duration::from_secs(1)));
    }

    #[test]
    fn many_peers_share_what_is_left() {
        let start = Instant::now();
        let mut limit = RateLimit::new(1);
        let allowed = (0..5000u32)
            .filter(|peer| limit.allows(IpAddr::from(peer.to_be_bytes()), start))
            .count();
        assert_eq!(allowed, PEERS + 1);
    }
}
