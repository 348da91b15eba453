//! Paths to peers, TS 23.007 §20 and TS 29.274 §7.1: who is there, and who started again.
//!
//! A path is one of our interfaces and a peer's address. It is asked by Echo Request at a period, and heard of
//! whenever the peer answers anything or tells its restart counter.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::Interface;

/// One of our interfaces and the address of a peer on it.
pub type PathId = (Interface, IpAddr);

/// What came of hearing, or not hearing, from a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathChange {
    /// It answers; it did not before, or was never asked.
    Up,
    /// It does not answer any more.
    Down,
    /// It answers, and its restart counter says that it lost what it knew.
    Restarted,
}

/// The supervised paths of a node.
#[derive(Debug)]
pub struct Paths {
    interval: Duration,
    paths: BTreeMap<PathId, Path>,
}

#[derive(Debug, Default)]
struct Path {
    up: Option<bool>,
    restart_counter: Option<u8>,
    /// When to ask next; `None` while an Echo Request is outstanding.
    next_echo: Option<Instant>,
}

impl Paths {
    /// None yet; each will be asked once an `interval`.
    pub fn new(interval: Duration) -> Paths {
        Paths {
            interval,
            paths: BTreeMap::new(),
        }
    }

    /// Asks once another interval, after the next time.
    pub fn reconfigure(&mut self, interval: Duration) {
        self.interval = interval;
    }

    /// Supervises a path from now on; the first Echo Request is due at once.
    pub fn watch(&mut self, path: PathId, now: Instant) {
        self.paths.entry(path).or_insert_with(|| Path {
            next_echo: Some(now),
            ..Path::default()
        });
    }

    /// Supervises a path of which we hear right now; the first Echo Request is due after the interval.
    pub fn watch_later(&mut self, path: PathId, now: Instant) {
        let next_echo = Some(now + self.interval);
        self.paths.entry(path).or_insert_with(|| Path {
            next_echo,
            ..Path::default()
        });
    }

    /// Supervises it no longer.
    pub fn forget(&mut self, path: &PathId) {
        self.paths.remove(path);
    }

    /// Whether the path is supervised.
    pub fn watches(&self, path: &PathId) -> bool {
        self.paths.contains_key(path)
    }

    /// Whether the peer answered when last asked.
    pub fn is_up(&self, path: &PathId) -> bool {
        self.paths.get(path).is_some_and(|path| path.up == Some(true))
    }

    /// The supervised paths, and whether each is up; `None` is not known yet.
    pub fn iter(&self) -> impl Iterator<Item = (PathId, Option<bool>)> {
        self.paths.iter().map(|(id, path)| (*id, path.up))
    }

    /// A path whose Echo Request is due. The caller sends one and tells what came of it.
    pub fn due(&mut self, now: Instant) -> Option<PathId> {
        let (id, path) = self
            .paths
            .iter_mut()
            .find(|(_, path)| path.next_echo.is_some_and(|at| at <= now))?;
        path.next_echo = None;
        Some(*id)
    }

    /// An Echo Response came, with the restart counter if it holds one.
    pub fn answered(&mut self, id: &PathId, restart_counter: Option<u8>, now: Instant) -> Option<PathChange> {
        self.paths.get_mut(id)?.next_echo = Some(now + self.interval);
        self.heard(id, restart_counter)
    }

    /// The peer said something that shows it is alive, perhaps with its restart counter.
    ///
    /// A counter that differs from the one we knew is a restart, whether larger (TS 23.007 §18) or, after a peer
    /// lost its disk, smaller.
    pub fn heard(&mut self, id: &PathId, restart_counter: Option<u8>) -> Option<PathChange> {
        let path = self.paths.get_mut(id)?;
        let restarted = match (path.restart_counter, restart_counter) {
            (Some(known), Some(told)) => known != told,
            _ => false,
        };
        path.restart_counter = restart_counter.or(path.restart_counter);
        let was_up = path.up.replace(true) == Some(true);
        match (restarted, was_up) {
            (true, _) => Some(PathChange::Restarted),
            (false, false) => Some(PathChange::Up),
            (false, true) => None,
        }
    }

    /// N3-REQUESTS Echo Requests were in vain.
    pub fn silent(&mut self, id: &PathId, now: Instant) -> Option<PathChange> {
        let path = self.paths.get_mut(id)?;
        path.next_echo = Some(now + self.interval);
        // Only a path that was up, or of which nothing was known, goes down.
        (path.up.replace(false) != Some(false)).then_some(PathChange::Down)
    }

    /// When the next Echo Request is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.paths.values().filter_map(|path| path.next_echo).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(60);

    fn peer() -> PathId {
        (Interface::S11, "192.0.2.1".parse().unwrap())
    }

    #[test]
    fn peer_is_asked_at_once_and_then_once_an_interval() {
        let start = Instant::now();
        let mut paths = Paths::new(INTERVAL);
        paths.watch(peer(), start);
        assert_eq!(paths.due(start), Some(peer()));
        assert_eq!(paths.due(start), None);
        assert_eq!(paths.poll_timeout(), None);
        assert_eq!(paths.answered(&peer(), Some(1), start), Some(PathChange::Up));
        assert_eq!(paths.poll_timeout(), Some(start + INTERVAL));
        assert_eq!(paths.due(start + INTERVAL), Some(peer()));
        assert_eq!(paths.answered(&peer(), Some(1), start + INTERVAL), None);
    }

    #[test]
    fn silence_brings_it_down_once_and_an_answer_up_again() {
        let start = Instant::now();
        let mut paths = Paths::new(INTERVAL);
        paths.watch(peer(), start);
        assert_eq!(paths.silent(&peer(), start), Some(PathChange::Down));
        assert_eq!(paths.silent(&peer(), start), None);
        assert!(!paths.is_up(&peer()));
        assert_eq!(paths.answered(&peer(), None, start), Some(PathChange::Up));
        assert!(paths.is_up(&peer()));
    }

    #[test]
    fn another_restart_counter_is_a_restart_wherever_it_was_told() {
        let mut paths = Paths::new(INTERVAL);
        paths.watch_later(peer(), Instant::now());
        assert_eq!(paths.heard(&peer(), Some(255)), Some(PathChange::Up));
        assert_eq!(paths.heard(&peer(), None), None);
        assert_eq!(paths.heard(&peer(), Some(0)), Some(PathChange::Restarted));
        assert_eq!(paths.heard(&peer(), Some(0)), None);
    }

    #[test]
    fn peer_without_recovery_ie_never_restarts() {
        let mut paths = Paths::new(INTERVAL);
        paths.watch_later(peer(), Instant::now());
        assert_eq!(paths.heard(&peer(), None), Some(PathChange::Up));
        assert_eq!(paths.heard(&peer(), None), None);
    }
}
