//! Reliable delivery of signalling, TS 29.274 §7.6: requests are repeated after T3-RESPONSE until an answer
//! comes, N3-REQUESTS times in all; answers are kept and repeated, octet for octet, to a repeated request.
//!
//! Nothing here knows messages. `K` tells transactions apart: peer and sequence number on GTP interfaces, UE and
//! procedure on S1-MME.

use std::collections::VecDeque;
use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use hashbrown::HashMap;

use crate::Interface;
pub use crate::answers::{Answers, Seen};

/// A datagram, where it goes and from which interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// The interface to send from.
    pub on: Interface,
    /// Where to.
    pub to: SocketAddr,
    /// The octets.
    pub datagram: Vec<u8>,
}

/// The timing of repetition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repetition {
    /// T3-RESPONSE: how long to wait for an answer.
    pub t3_response: Duration,
    /// N3-REQUESTS: how often a request is sent at most, the first time included.
    pub n3_requests: u32,
}

impl Repetition {
    /// How long after a request's first transmission a repeat of it can still be sent.
    pub fn span(&self) -> Duration {
        self.t3_response * self.n3_requests
    }
}

/// The places of a bounded table that peers share. One may take as many places more as it has now and are free: alone it gets at most
/// half of the table, and whoever comes next finds room, however much the others ask for.
#[derive(Debug)]
pub(crate) struct Shares {
    limit: usize,
    used: usize,
    ids: HashMap<IpAddr, Share>,
    peers: Vec<(IpAddr, usize)>,
    free: Vec<Share>,
}

/// A place in the table, of one of the peers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share(u32);

impl Shares {
    pub(crate) fn new(limit: usize) -> Shares {
        Shares {
            limit,
            used: 0,
            ids: HashMap::new(),
            peers: Vec::new(),
            free: Vec::new(),
        }
    }

    pub(crate) fn has_room(&self, peer: IpAddr) -> bool {
        let own = self.ids.get(&peer).map_or(0, |id| self.peers[id.0 as usize].1);
        own < self.limit.saturating_sub(self.used)
    }

    pub(crate) fn take(&mut self, peer: IpAddr) -> Share {
        self.used += 1;
        let id = *self.ids.entry(peer).or_insert_with(|| {
            self.free.pop().unwrap_or_else(|| {
                self.peers.push((peer, 0));
                Share(self.peers.len() as u32 - 1)
            })
        });
        let (of, own) = &mut self.peers[id.0 as usize];
        *of = peer;
        *own += 1;
        id
    }

    pub(crate) fn give_back(&mut self, share: Share) {
        self.used = self.used.saturating_sub(1);
        let (peer, own) = &mut self.peers[share.0 as usize];
        *own -= 1;
        if *own == 0 {
            self.ids.remove(peer);
            self.free.push(share);
        }
    }
}

/// What a timeout of a request brings.
#[derive(Debug, PartialEq, Eq)]
pub enum Expiry<K, C> {
    /// Send it again, unchanged.
    Repeat(Transmit),
    /// N3-REQUESTS transmissions were in vain.
    GaveUp {
        /// The transaction.
        key: K,
        /// What was sent in vain.
        transmit: Transmit,
        /// Whether it was hushed.
        hushed: bool,
        /// What the caller attached to the request.
        continuation: C,
    },
}

/// The requests that we sent and whose answer has not come. `C` is what the answer needs to go on.
#[derive(Debug)]
pub struct Requests<K, C> {
    repetition: Repetition,
    shares: Shares,
    pending: HashMap<K, Pending<C>>,
    /// How many of them are asked for more than one round. They take no share: who asks bounds them.
    patient: usize,
    /// In order of time, for all wait equally long. An entry whose request was answered meanwhile is stale.
    deadlines: VecDeque<(Instant, K)>,
}

#[derive(Debug)]
struct Pending<C> {
    transmit: Transmit,
    /// How often T3-RESPONSE began; the first N3-REQUESTS times with a transmission, later each N3-REQUESTS-th time.
    periods: u32,
    /// Times N3-REQUESTS.
    rounds: u32,
    hushed: bool,
    /// None of one that is asked for more than one round.
    share: Option<Share>,
    deadline: Instant,
    continuation: C,
}

impl<K: Hash + Eq + Clone, C> Requests<K, C> {
    /// None yet. `limit` bounds how many can be outstanding.
    pub fn new(repetition: Repetition, limit: usize) -> Requests<K, C> {
        Requests {
            repetition,
            shares: Shares::new(limit),
            pending: HashMap::new(),
            patient: 0,
            deadlines: VecDeque::new(),
        }
    }

    /// Takes another timing, for requests that are sent or repeated from now on.
    pub fn reconfigure(&mut self, repetition: Repetition) {
        self.repetition = repetition;
    }

    /// Whether another request can be sent to this peer.
    pub fn has_room(&self, peer: IpAddr) -> bool {
        self.shares.has_room(peer)
    }

    /// Whether this request is outstanding.
    pub fn contains(&self, key: &K) -> bool {
        self.pending.contains_key(key)
    }

    /// How many are outstanding.
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// How many of them go on for more than one round.
    pub fn patient(&self) -> usize {
        self.patient
    }

    /// Whether none is outstanding.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Remembers a request that the caller sends now. One with the same key is replaced.
    pub fn sent(&mut self, key: K, transmit: Transmit, continuation: C, now: Instant) {
        self.put(key, transmit, 1, 1, continuation, now);
    }

    /// The same, for a request that is given up only after so many times N3-REQUESTS × T3-RESPONSE. After the first time
    /// it is sent once in each.
    pub fn sent_for_rounds(
        &mut self,
        rounds: u32,
        key: K,
        transmit: Transmit,
        continuation: C,
        now: Instant,
    ) {
        self.put(key, transmit, 1, rounds, continuation, now);
    }

    /// Goes on with a request that was given up, for so many times N3-REQUESTS × T3-RESPONSE more, and sends it once in
    /// each.
    pub fn go_on(&mut self, rounds: u32, key: K, transmit: Transmit, continuation: C, now: Instant) {
        let periods = self.repetition.n3_requests;
        self.put(key, transmit, periods, rounds + 1, continuation, now);
    }

    /// Sends this request no more; its answer may come all the same.
    pub fn hush(&mut self, key: &K) {
        if let Some(pending) = self.pending.get_mut(key) {
            pending.hushed = true;
        }
    }

    /// An answer came: what was attached to its request, or `None` if nothing waits for it.
    pub fn answered(&mut self, key: &K) -> Option<C> {
        let pending = self.take(key)?;
        self.drop_stale();
        Some(pending.continuation)
    }

    /// Whether an outstanding request has something attached that `which` chooses.
    pub fn any(&self, mut which: impl FnMut(&C) -> bool) -> bool {
        self.pending.values().any(|pending| which(&pending.continuation))
    }

    /// How many outstanding requests have something attached that `which` chooses.
    pub fn count(&self, mut which: impl FnMut(&C) -> bool) -> usize {
        let chosen = self
            .pending
            .values()
            .filter(|pending| which(&pending.continuation));
        chosen.count()
    }

    /// Looks at what was attached to an outstanding request.
    pub fn get(&self, key: &K) -> Option<&C> {
        self.pending.get(key).map(|pending| &pending.continuation)
    }

    /// Everything that is due at `now`, one a call.
    pub fn expired(&mut self, now: Instant) -> Option<Expiry<K, C>> {
        let n3_requests = self.repetition.n3_requests;
        loop {
            let (deadline, _) = self.deadlines.front()?;
            if *deadline > now {
                return None;
            }
            let (deadline, key) = self.deadlines.pop_front()?;
            let Some(pending) = self.pending.get_mut(&key) else {
                continue;
            };
            if pending.deadline != deadline {
                continue;
            }
            if pending.periods >= n3_requests * pending.rounds {
                let pending = self.take(&key)?;
                return Some(Expiry::GaveUp {
                    key,
                    transmit: pending.transmit,
                    hushed: pending.hushed,
                    continuation: pending.continuation,
                });
            }
            pending.periods += 1;
            pending.deadline = now + self.repetition.t3_response;
            self.deadlines.push_back((pending.deadline, key));
            let its_turn = pending.periods <= n3_requests || pending.periods % n3_requests == 0;
            if its_turn && !pending.hushed {
                return Some(Expiry::Repeat(pending.transmit.clone()));
            }
        }
    }

    /// Forgets the requests that `which` chooses, and gives back what was attached to them.
    pub fn abandon(&mut self, mut which: impl FnMut(&K, &C) -> bool) -> Vec<(K, C)> {
        let chosen: Vec<K> = self
            .pending
            .iter()
            .filter(|(key, pending)| which(key, &pending.continuation))
            .map(|(key, _)| key.clone())
            .collect();
        let abandoned = chosen
            .into_iter()
            .filter_map(|key| self.take(&key).map(|pending| (key, pending.continuation)))
            .collect();
        self.drop_stale();
        abandoned
    }

    /// When [`Requests::expired`] has something to say.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.front().map(|(deadline, _)| *deadline)
    }

    fn put(&mut self, key: K, transmit: Transmit, periods: u32, rounds: u32, continuation: C, now: Instant) {
        let deadline = now + self.repetition.t3_response;
        self.deadlines.push_back((deadline, key.clone()));
        self.take(&key);
        let share = if rounds > 1 {
            self.patient += 1;
            None
        } else {
            Some(self.shares.take(transmit.to.ip()))
        };
        let pending = Pending {
            transmit,
            periods,
            rounds,
            hushed: false,
            share,
            deadline,
            continuation,
        };
        self.pending.insert(key, pending);
    }

    fn take(&mut self, key: &K) -> Option<Pending<C>> {
        let pending = self.pending.remove(key)?;
        match pending.share {
            Some(share) => self.shares.give_back(share),
            None => self.patient -= 1,
        }
        Some(pending)
    }

    fn drop_stale(&mut self) {
        while let Some((deadline, key)) = self.deadlines.front() {
            if self
                .pending
                .get(key)
                .is_some_and(|pending| pending.deadline == *deadline)
            {
                return;
            }
            self.deadlines.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const T3: Duration = Duration::from_secs(3);
    const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const REPETITION: Repetition = Repetition {
        t3_response: T3,
        n3_requests: 3,
    };

    fn transmit(octet: u8) -> Transmit {
        Transmit {
            on: Interface::S11,
            to: "192.0.2.1:2123".parse().unwrap(),
            datagram: vec![octet],
        }
    }

    #[test]
    fn request_is_repeated_unchanged_after_t3_and_given_up_after_n3() {
        let start = Instant::now();
        let mut requests = Requests::new(REPETITION, 10);
        requests.sent(7, transmit(1), "seven", start);
        assert_eq!(requests.expired(start + T3 - Duration::from_millis(1)), None);
        assert_eq!(requests.expired(start + T3), Some(Expiry::Repeat(transmit(1))));
        assert_eq!(requests.expired(start + T3), None);
        assert_eq!(
            requests.expired(start + 2 * T3),
            Some(Expiry::Repeat(transmit(1)))
        );
        let gave_up = requests.expired(start + 3 * T3);
        assert_eq!(
            gave_up,
            Some(Expiry::GaveUp {
                key: 7,
                transmit: transmit(1),
                hushed: false,
                continuation: "seven"
            })
        );
        assert!(requests.is_empty() && requests.poll_timeout().is_none());
    }

    #[test]
    fn answer_stops_repetition_and_brings_back_what_was_attached_once() {
        let start = Instant::now();
        let mut requests = Requests::new(REPETITION, 10);
        requests.sent(7, transmit(1), "seven", start);
        requests.sent(8, transmit(2), "eight", start + T3 / 2);
        assert_eq!(requests.answered(&7), Some("seven"));
        assert_eq!(requests.answered(&7), None);
        assert_eq!(requests.poll_timeout(), Some(start + T3 / 2 + T3));
        assert_eq!(requests.expired(start + T3), None);
        assert_eq!(
            requests.expired(start + 2 * T3),
            Some(Expiry::Repeat(transmit(2)))
        );
    }

    #[test]
    fn answers_are_repeated_octet_for_octet_while_a_repeat_may_come() {
        let start = Instant::now();
        let mut answers = Answers::new(REPETITION.span(), 10);
        assert_eq!(answers.seen(1, PEER, start), Seen::New);
        assert_eq!(answers.seen(1, PEER, start + T3), Seen::InProgress);
        answers.answered(1, PEER, vec![1, 2, 3], start + T3);
        assert_eq!(answers.seen(1, PEER, start + 2 * T3), Seen::Answered(&[1, 2, 3]));
        assert_eq!(answers.seen(1, PEER, start + 4 * T3), Seen::New);
        assert_eq!(answers.len(), 1);
    }

    #[test]
    fn one_peer_gets_half_of_the_table_and_another_one_still_finds_room() {
        let start = Instant::now();
        let other = IpAddr::from([192, 0, 2, 2]);
        let mut answers = Answers::new(REPETITION.span(), 4);
        assert_eq!(answers.seen(1, PEER, start), Seen::New);
        assert_eq!(answers.seen(2, PEER, start), Seen::New);
        assert_eq!(answers.seen(3, PEER, start), Seen::Full);
        assert_eq!(answers.seen(1, PEER, start), Seen::InProgress);
        assert_eq!(answers.seen(4, other, start), Seen::New);
        assert_eq!(answers.seen(5, other, start), Seen::Full);
        answers.forget(&1);
        assert_eq!(answers.seen(5, other, start), Seen::New);
        assert_eq!(answers.seen(3, PEER, start + REPETITION.span()), Seen::New);
        assert_eq!(answers.len(), 1);
    }

    #[test]
    fn patient_request_is_sent_once_a_round_after_the_first_and_takes_no_room() {
        let start = Instant::now();
        let mut requests = Requests::new(REPETITION, 2);
        requests.sent_for_rounds(3, 7, transmit(1), "seven", start);
        assert!(requests.has_room(PEER));
        let mut sent = Vec::new();
        for period in 1..9 {
            if let Some(Expiry::Repeat(_)) = requests.expired(start + period * T3) {
                sent.push(period);
            }
        }
        assert_eq!(sent, [1, 2, 5, 8]);
        let over = requests.expired(start + 9 * T3);
        assert!(matches!(over, Some(Expiry::GaveUp { key: 7, .. })));
        assert_eq!((requests.patient(), requests.len()), (0, 0));
    }

    #[test]
    fn request_that_was_given_up_goes_on_and_a_hushed_one_only_listens() {
        let start = Instant::now();
        let mut requests = Requests::new(REPETITION, 2);
        requests.go_on(1, 7, transmit(1), "seven", start);
        assert_eq!(requests.expired(start + 2 * T3), None);
        assert_eq!(requests.expired(start + 4 * T3), None);
        requests.go_on(1, 8, transmit(2), "eight", start);
        requests.hush(&8);
        assert_eq!(
            requests.expired(start + 6 * T3),
            Some(Expiry::Repeat(transmit(1)))
        );
        assert_eq!(requests.answered(&8), Some("eight"));
    }
}
