//! Paths to peers, TS 23.007 §20 and TS 29.274 §7.1: who is there, and who started again.
//!
//! A path is one of our interfaces and a peer's address. It is asked by Echo Request at a period, and heard of
//! whenever the peer answers anything or tells its restart counter.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::Interface;

/// As many paths are supervised; of further peers it is not known whether they are there.
const MOST: usize = 4096;

/// One of our interfaces and the address of a peer on it.
pub type PathId = (Interface, IpAddr);

/// What came of hearing, or not hearing, from a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathChange {
    /// It answers; it did not before, or was never asked.
    Up,
    /// It does not answer any more. What it knows may still be there: it is asked on.
    Down,
    /// It has been down for so long that nothing there is worth keeping, TS 23.007 §20.2.1.
    Dead,
    /// It answers, and its restart counter says that it lost what it knew.
    Restarted,
}

/// The supervised paths of a node.
#[derive(Debug)]
pub struct Paths {
    interval: Duration,
    /// How long a path is down before it is dead.
    patience: Duration,
    paths: BTreeMap<PathId, Path>,
}

#[derive(Debug, Default)]
struct Path {
    up: Option<bool>,
    restart_counter: Option<u8>,
    /// When to ask next; `None` while an Echo Request is outstanding.
    next_echo: Option<Instant>,
    /// Whether anything came from the peer since it was asked.
    heard: bool,
    /// Since when it is down; `None` also once it is dead.
    down_since: Option<Instant>,
}

impl Paths {
    /// None yet; each will be asked once an `interval`, and is dead after `patience` of silence.
    pub fn new(interval: Duration, patience: Duration) -> Paths {
        Paths {
            interval,
            patience,
            paths: BTreeMap::new(),
        }
    }

    /// Asks once another interval, after the next time.
    pub fn reconfigure(&mut self, interval: Duration, patience: Duration) {
        self.interval = interval;
        self.patience = patience;
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
        if self.paths.len() >= MOST {
            return;
        }
        let next_echo = Some(now + self.interval);
        self.paths.entry(path).or_insert_with(|| Path {
            next_echo,
            ..Path::default()
        });
    }

    /// Supervises a path of an earlier incarnation, whose peer had this restart counter. The first Echo Request is due at
    /// once: whether the peer started again meanwhile is what its answer tells.
    pub fn restore(&mut self, path: PathId, restart_counter: u8, now: Instant) {
        self.watch(path, now);
        if let Some(path) = self.paths.get_mut(&path) {
            path.restart_counter = Some(restart_counter);
        }
    }

    /// What a peer told last.
    pub fn restart_counter(&self, path: &PathId) -> Option<u8> {
        self.paths.get(path)?.restart_counter
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
        self.state(path) == Some(true)
    }

    /// Whether the path is up; `None` is not known.
    pub fn state(&self, path: &PathId) -> Option<bool> {
        self.paths.get(path)?.up
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
        path.heard = false;
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
        path.heard = true;
        path.down_since = None;
        let was_up = path.up.replace(true) == Some(true);
        match (restarted, was_up) {
            (true, _) => Some(PathChange::Restarted),
            (false, false) => Some(PathChange::Up),
            (false, true) => None,
        }
    }

    /// Something came from the peer, whatever it was.
    pub fn alive(&mut self, id: &PathId) {
        if let Some(path) = self.paths.get_mut(id) {
            path.heard = true;
        }
    }

    /// N3-REQUESTS Echo Requests were in vain. That says nothing if the peer was heard of meanwhile.
    pub fn silent(&mut self, id: &PathId, now: Instant) -> Option<PathChange> {
        let interval = self.interval;
        let path = self.paths.get_mut(id)?;
        if path.heard {
            path.next_echo = Some(now);
            return None;
        }
        path.next_echo = Some(now + interval);
        if path.up.replace(false) != Some(false) {
            path.down_since = Some(now);
            return Some(PathChange::Down);
        }
        if now.saturating_duration_since(path.down_since?) < self.patience {
            return None;
        }
        path.down_since = None;
        Some(PathChange::Dead)
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
    const PATIENCE: Duration = Duration::from_secs(300);

    fn peer() -> PathId {
        (Interface::S11, "192.0.2.1".parse().unwrap())
    }

    #[test]
    fn peer_is_asked_at_once_and_then_once_an_interval() {
        let start = Instant::now();
        let mut paths = Paths::new(INTERVAL, PATIENCE);
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
        let mut paths = Paths::new(INTERVAL, PATIENCE);
        paths.watch(peer(), start);
        assert_eq!(paths.silent(&peer(), start), Some(PathChange::Down));
        assert_eq!(paths.silent(&peer(), start), None);
        assert!(!paths.is_up(&peer()));
        assert_eq!(paths.answered(&peer(), None, start), Some(PathChange::Up));
        assert!(paths.is_up(&peer()));
    }

    #[test]
    fn long_silence_is_death_once() {
        let start = Instant::now();
        let mut paths = Paths::new(INTERVAL, PATIENCE);
        paths.watch(peer(), start);
        paths.due(start);
        assert_eq!(paths.silent(&peer(), start), Some(PathChange::Down));
        assert_eq!(paths.silent(&peer(), start + PATIENCE - INTERVAL), None);
        assert_eq!(paths.silent(&peer(), start + PATIENCE), Some(PathChange::Dead));
        assert_eq!(paths.silent(&peer(), start + 2 * PATIENCE), None);
    }

    #[test]
    fn unanswered_echo_says_nothing_of_a_peer_that_was_heard_of_meanwhile() {
        let start = Instant::now();
        let mut paths = Paths::new(INTERVAL, PATIENCE);
        paths.watch(peer(), start);
        paths.due(start);
        paths.alive(&peer());
        assert_eq!(paths.silent(&peer(), start + INTERVAL), None);
        assert_eq!(paths.due(start + INTERVAL), Some(peer()), "asked again at once");
        assert_eq!(paths.silent(&peer(), start + INTERVAL), Some(PathChange::Down));
    }

    #[test]
    fn another_restart_counter_is_a_restart_wherever_it_was_told() {
        let mut paths = Paths::new(INTERVAL, PATIENCE);
        paths.watch_later(peer(), Instant::now());
        assert_eq!(paths.heard(&peer(), Some(255)), Some(PathChange::Up));
        assert_eq!(paths.heard(&peer(), None), None);
        assert_eq!(paths.heard(&peer(), Some(0)), Some(PathChange::Restarted));
        assert_eq!(paths.heard(&peer(), Some(0)), None);
    }

    #[test]
    fn restart_that_nobody_saw_shows_in_the_first_answer() {
        let start = Instant::now();
        for (told, change) in [(8, PathChange::Restarted), (7, PathChange::Up)] {
            let mut paths = Paths::new(INTERVAL, PATIENCE);
            paths.restore(peer(), 7, start);
            assert_eq!(paths.due(start), Some(peer()));
            assert_eq!(paths.answered(&peer(), Some(told), start), Some(change));
        }
    }

    #[test]
    fn peer_without_recovery_ie_never_restarts() {
        let mut paths = Paths::new(INTERVAL, PATIENCE);
        paths.watch_later(peer(), Instant::now());
        assert_eq!(paths.heard(&peer(), None), Some(PathChange::Up));
        assert_eq!(paths.heard(&peer(), None), None);
    }
}
