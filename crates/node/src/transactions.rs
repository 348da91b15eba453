//! Reliable delivery of signalling, TS 29.274 §7.6: requests are repeated after T3-RESPONSE until an answer
//! comes, N3-REQUESTS times in all; answers are kept and repeated, octet for octet, to a repeated request.
//!
//! Nothing here knows messages. `K` tells transactions apart: peer and sequence number on GTP interfaces, UE and
//! procedure on S1-MME.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::Interface;

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

/// What a timeout of a request brings.
#[derive(Debug, PartialEq, Eq)]
pub enum Expiry<K, C> {
    /// Send it again, unchanged.
    Repeat(Transmit),
    /// N3-REQUESTS transmissions were in vain.
    GaveUp {
        /// The transaction.
        key: K,
        /// Who did not answer, and on which interface.
        peer: (Interface, SocketAddr),
        /// What the caller attached to the request.
        continuation: C,
    },
}

/// The requests that we sent and whose answer has not come. `C` is what the answer needs to go on.
#[derive(Debug)]
pub struct Requests<K, C> {
    repetition: Repetition,
    limit: usize,
    pending: HashMap<K, Pending<C>>,
    /// In order of time, for all wait equally long. An entry whose request was answered meanwhile is stale.
    deadlines: VecDeque<(Instant, K)>,
}

#[derive(Debug)]
struct Pending<C> {
    transmit: Transmit,
    transmissions: u32,
    /// Times N3-REQUESTS.
    rounds: u32,
    deadline: Instant,
    continuation: C,
}

impl<K: Hash + Eq + Clone, C> Requests<K, C> {
    /// None yet. `limit` bounds how many can be outstanding.
    pub fn new(repetition: Repetition, limit: usize) -> Requests<K, C> {
        Requests {
            repetition,
            limit,
            pending: HashMap::new(),
            deadlines: VecDeque::new(),
        }
    }

    /// Takes another timing, for requests that are sent or repeated from now on.
    pub fn reconfigure(&mut self, repetition: Repetition) {
        self.repetition = repetition;
    }

    /// Whether another request can be sent.
    pub fn has_room(&self) -> bool {
        self.pending.len() < self.limit
    }

    /// Whether this request is outstanding.
    pub fn contains(&self, key: &K) -> bool {
        self.pending.contains_key(key)
    }

    /// How many are outstanding.
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// Whether none is outstanding.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Remembers a request that the caller sends now. One with the same key is replaced.
    pub fn sent(&mut self, key: K, transmit: Transmit, continuation: C, now: Instant) {
        self.sent_for_rounds(1, key, transmit, continuation, now);
    }

    /// The same, for a request that is given up only after so many times N3-REQUESTS.
    pub fn sent_for_rounds(
        &mut self,
        rounds: u32,
        key: K,
        transmit: Transmit,
        continuation: C,
        now: Instant,
    ) {
        let deadline = now + self.repetition.t3_response;
        self.deadlines.push_back((deadline, key.clone()));
        let pending = Pending {
            transmit,
            transmissions: 1,
            rounds,
            deadline,
            continuation,
        };
        self.pending.insert(key, pending);
    }

    /// An answer came: what was attached to its request, or `None` if nothing waits for it.
    pub fn answered(&mut self, key: &K) -> Option<C> {
        let pending = self.pending.remove(key)?;
        self.drop_stale();
        Some(pending.continuation)
    }

    /// Whether an outstanding request has something attached that `which` chooses.
    pub fn any(&self, mut which: impl FnMut(&C) -> bool) -> bool {
        self.pending.values().any(|pending| which(&pending.continuation))
    }

    /// Looks at what was attached to an outstanding request.
    pub fn get(&self, key: &K) -> Option<&C> {
        self.pending.get(key).map(|pending| &pending.continuation)
    }

    /// Everything that is due at `now`, one a call.
    pub fn expired(&mut self, now: Instant) -> Option<Expiry<K, C>> {
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
            if pending.transmissions >= self.repetition.n3_requests * pending.rounds {
                let pending = self.pending.remove(&key)?;
                let peer = (pending.transmit.on, pending.transmit.to);
                return Some(Expiry::GaveUp {
                    key,
                    peer,
                    continuation: pending.continuation,
                });
            }
            pending.transmissions += 1;
            pending.deadline = now + self.repetition.t3_response;
            self.deadlines.push_back((pending.deadline, key));
            return Some(Expiry::Repeat(pending.transmit.clone()));
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
            .filter_map(|key| {
                self.pending
                    .remove(&key)
                    .map(|pending| (key, pending.continuation))
            })
            .collect();
        self.drop_stale();
        abandoned
    }

    /// When [`Requests::expired`] has something to say.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.front().map(|(deadline, _)| *deadline)
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

/// What is known of a request that a peer sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen<'a> {
    /// It is new; it is marked as being worked on.
    New,
    /// A repeat, while its first copy is still being worked on: stay silent.
    InProgress,
    /// A repeat of what was answered: send these octets again.
    Answered(&'a [u8]),
    /// New, but there are too many already: refuse it without work.
    Full,
}

/// The answers that were given, for as long as a repeat of their request may come.
#[derive(Debug)]
pub struct Answers<K> {
    keep: Duration,
    limit: usize,
    /// `None` while the request is being worked on.
    answers: HashMap<K, (Instant, Option<Vec<u8>>)>,
    expiries: VecDeque<(Instant, K)>,
}

impl<K: Hash + Eq + Clone> Answers<K> {
    /// None yet. `keep` is how long an answer is kept, `limit` bounds how many are.
    pub fn new(keep: Duration, limit: usize) -> Answers<K> {
        Answers {
            keep,
            limit,
            answers: HashMap::new(),
            expiries: VecDeque::new(),
        }
    }

    /// Keeps answers for another time from now on.
    pub fn reconfigure(&mut self, keep: Duration) {
        self.keep = keep;
    }

    /// A request came: is it new?
    pub fn seen(&mut self, key: K, now: Instant) -> Seen<'_> {
        self.expire(now);
        if self.answers.contains_key(&key) {
            return match &self.answers[&key].1 {
                Some(answer) => Seen::Answered(answer),
                None => Seen::InProgress,
            };
        }
        if self.answers.len() >= self.limit {
            return Seen::Full;
        }
        self.put(key, None, now);
        Seen::New
    }

    /// It was answered with these octets.
    pub fn answered(&mut self, key: K, answer: Vec<u8>, now: Instant) {
        self.put(key, Some(answer), now);
    }

    /// It will not be answered; a repeat counts as new.
    pub fn forget(&mut self, key: &K) {
        self.answers.remove(key);
    }

    /// How long an answer is kept.
    pub fn keep(&self) -> Duration {
        self.keep
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// Forgets what is too old.
    pub fn expire(&mut self, now: Instant) {
        while self.expiries.front().is_some_and(|(at, _)| *at <= now) {
            let Some((at, key)) = self.expiries.pop_front() else {
                return;
            };
            if self.answers.get(&key).is_some_and(|(expiry, _)| *expiry == at) {
                self.answers.remove(&key);
            }
        }
    }

    fn put(&mut self, key: K, answer: Option<Vec<u8>>, now: Instant) {
        let expiry = now + self.keep;
        self.expiries.push_back((expiry, key.clone()));
        self.answers.insert(key, (expiry, answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T3: Duration = Duration::from_secs(3);
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
        let peer = (Interface::S11, transmit(1).to);
        assert_eq!(
            gave_up,
            Some(Expiry::GaveUp {
                key: 7,
                peer,
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
        assert_eq!(answers.seen(1, start), Seen::New);
        assert_eq!(answers.seen(1, start + T3), Seen::InProgress);
        answers.answered(1, vec![1, 2, 3], start + T3);
        assert_eq!(answers.seen(1, start + 2 * T3), Seen::Answered(&[1, 2, 3]));
        assert_eq!(answers.seen(1, start + 4 * T3), Seen::New);
        assert_eq!(answers.len(), 1);
    }

    #[test]
    fn answers_are_bounded() {
        let start = Instant::now();
        let mut answers = Answers::new(REPETITION.span(), 2);
        assert_eq!(answers.seen(1, start), Seen::New);
        assert_eq!(answers.seen(2, start), Seen::New);
        assert_eq!(answers.seen(3, start), Seen::Full);
        assert_eq!(answers.seen(1, start), Seen::InProgress);
        assert_eq!(answers.seen(3, start + REPETITION.span()), Seen::New);
    }
}
