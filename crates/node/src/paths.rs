//! Paths to peers, TS 23.007 §20 and TS 29.274 §7.1: who is there, and who started again.
//!
//! A path is one of our interfaces and a peer's address. It is asked by Echo Request at a period, and heard of
//! whenever the peer answers anything or tells its restart counter.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::Interface;

/// As many paths are supervised; of further peers it is not known whether they are there.
const MOST: usize = 4096;
/// So many restart counters of a peer before the present one are remembered.
const FORMER: usize = 8;
/// For so long a datagram may be on its way. A counter that is taken from the clock comes again after 256 s.
const LATE: Duration = Duration::from_secs(120);

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
    /// When each path is asked next.
    due: BTreeSet<(Instant, PathId)>,
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
    ever_up: bool,
    /// When the last Echo Request was sent.
    asked_at: Option<Instant>,
    /// The restart counters before the present one, and when it was noticed that they are over.
    former: VecDeque<(u8, Instant)>,
}

impl Paths {
    /// None yet; each will be asked once an `interval`, and is dead after `patience` of silence.
    pub fn new(interval: Duration, patience: Duration) -> Paths {
        Paths {
            interval,
            patience,
            paths: BTreeMap::new(),
            due: BTreeSet::new(),
        }
    }

    /// Asks once another interval, after the next time.
    pub fn reconfigure(&mut self, interval: Duration, patience: Duration) {
        self.interval = interval;
        self.patience = patience;
    }

    /// Supervises a path from now on; the first Echo Request is due at once.
    pub fn watch(&mut self, path: PathId, now: Instant) {
        self.watch_from(path, now);
    }

    /// Supervises a path of which we hear right now; the first Echo Request is due after the interval.
    pub fn watch_later(&mut self, path: PathId, now: Instant) {
        self.watch_from(path, now + self.interval);
    }

    fn watch_from(&mut self, path: PathId, first_echo: Instant) {
        if self.paths.len() < MOST && !self.paths.contains_key(&path) {
            self.paths.insert(path, Path::default());
            self.ask_at(&path, first_echo);
        }
    }

    fn ask_at(&mut self, id: &PathId, at: Instant) {
        if let Some(path) = self.paths.get_mut(id) {
            if let Some(before) = path.next_echo.replace(at) {
                self.due.remove(&(before, *id));
            }
            self.due.insert((at, *id));
        }
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
        if let Some(Path {
            next_echo: Some(at), ..
        }) = self.paths.remove(path)
        {
            self.due.remove(&(at, *path));
        }
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

    /// Whether a message with this restart counter was sent before the peer last started: it came late, and the peer
    /// knows nothing of it. The peer is then asked by Echo Request, in case that it is the other way round: what answers
    /// a question that was asked after the restart was noticed is not late.
    pub fn is_outdated(
        &mut self,
        id: &PathId,
        restart_counter: u8,
        answers_echo: bool,
        now: Instant,
    ) -> bool {
        let Some(path) = self.paths.get(id) else {
            return false;
        };
        let late = |(counter, noticed): &(u8, Instant)| {
            let asked_since = answers_echo && path.asked_at.is_some_and(|asked| asked > *noticed);
            *counter == restart_counter && now < *noticed + LATE && !asked_since
        };
        let outdated = path.restart_counter != Some(restart_counter) && path.former.iter().any(late);
        let may_ask = path.next_echo.is_some_and(|at| at > now)
            && path
                .asked_at
                .is_none_or(|asked| asked + Duration::from_secs(1) <= now);
        if outdated && may_ask {
            self.ask_at(id, now);
        }
        outdated
    }

    /// Whether this peer ever was up.
    pub fn ever_up(&self, path: &PathId) -> bool {
        self.paths.get(path).is_some_and(|path| path.ever_up)
    }

    /// The supervised paths, and whether each is up; `None` is not known yet.
    pub fn iter(&self) -> impl Iterator<Item = (PathId, Option<bool>)> {
        self.paths.iter().map(|(id, path)| (*id, path.up))
    }

    /// A path whose Echo Request is due. The caller sends one and tells what came of it.
    pub fn due(&mut self, now: Instant) -> Option<PathId> {
        let (at, id) = *self.due.first()?;
        if at > now {
            return None;
        }
        self.due.pop_first();
        let path = self.paths.get_mut(&id)?;
        path.next_echo = None;
        path.asked_at = Some(now);
        path.heard = false;
        Some(id)
    }

    /// An Echo Response came, with the restart counter if it holds one.
    pub fn answered(&mut self, id: &PathId, restart_counter: Option<u8>, now: Instant) -> Option<PathChange> {
        self.ask_at(id, now + self.interval);
        self.heard(id, restart_counter, now)
    }

    /// The peer said something that shows it is alive, perhaps with its restart counter.
    ///
    /// A counter that differs from the one we knew is a restart, whether larger (TS 23.007 §18) or, after a peer
    /// lost its disk, smaller.
    pub fn heard(&mut self, id: &PathId, restart_counter: Option<u8>, now: Instant) -> Option<PathChange> {
        let path = self.paths.get_mut(id)?;
        let restarted = match (path.restart_counter, restart_counter) {
            (Some(known), Some(told)) => known != told,
            _ => false,
        };
        if let Some(known) = path.restart_counter
            && restarted
        {
            path.former
                .retain(|(counter, _)| Some(*counter) != restart_counter);
            path.former.push_front((known, now));
            path.former.truncate(FORMER);
        }
        path.restart_counter = restart_counter.or(path.restart_counter);
        path.heard = true;
        path.down_since = None;
        path.ever_up = true;
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
        let heard = self.paths.get(id)?.heard;
        self.ask_at(id, if heard { now } else { now + self.interval });
        if heard {
            return None;
        }
        let path = self.paths.get_mut(id)?;
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
        self.due.first().map(|(at, _)| *at)
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
        let start = Instant::now();
        paths.watch_later(peer(), start);
        assert_eq!(paths.heard(&peer(), Some(255), start), Some(PathChange::Up));
        assert_eq!(paths.heard(&peer(), None, start), None);
        assert_eq!(paths.heard(&peer(), Some(0), start), Some(PathChange::Restarted));
        assert_eq!(paths.heard(&peer(), Some(0), start), None);
    }

    #[test]
    fn message_of_a_former_incarnation_is_outdated_for_as_long_as_it_may_be_on_its_way() {
        let mut paths = Paths::new(INTERVAL, PATIENCE);
        let start = Instant::now();
        paths.watch_later(peer(), start);
        paths.heard(&peer(), Some(5), start);
        assert!(!paths.is_outdated(&peer(), 5, false, start));
        assert_eq!(paths.heard(&peer(), Some(6), start), Some(PathChange::Restarted));
        assert!(paths.is_outdated(&peer(), 5, false, start));
        assert!(!paths.is_outdated(&peer(), 6, false, start));
        assert!(
            !paths.is_outdated(&peer(), 7, false, start),
            "that is another restart"
        );
        assert!(!paths.is_outdated(&peer(), 5, false, start + LATE));
        // It was a lie: the peer is asked, and says so.
        assert_eq!(paths.due(start), Some(peer()));
        assert!(
            paths.is_outdated(&peer(), 5, true, start),
            "an answer to an earlier question"
        );
        let later = start + Duration::from_secs(1);
        assert!(paths.is_outdated(&peer(), 5, false, later));
        paths.answered(&peer(), None, later);
        assert!(paths.is_outdated(&peer(), 5, false, later));
        assert_eq!(paths.due(later), Some(peer()));
        assert!(!paths.is_outdated(&peer(), 5, true, later));
        assert_eq!(paths.heard(&peer(), Some(5), later), Some(PathChange::Restarted));
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
        let start = Instant::now();
        paths.watch_later(peer(), start);
        assert_eq!(paths.heard(&peer(), None, start), Some(PathChange::Up));
        assert_eq!(paths.heard(&peer(), None, start), None);
    }
}
