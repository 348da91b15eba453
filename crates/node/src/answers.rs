//! The answers that were given, for as long as a repeat of their request may come.
//!
//! ```text
//! chunks   [ 256 entries | their octets ] [ ... ] [ ... <- the next one ]     in the order in which requests came
//!             ^ gone as soon as the last of them is too old
//! index    key ──> which entry
//! ```
//!
//! At thousands of requests a second most of a node's memory is in here: an entry takes 64 octets, what the index needs,
//! and those of the answer.

use std::collections::VecDeque;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::index::Index;
use crate::transactions::{Share, Shares};

/// Entries that are allocated together.
const CHUNK: u32 = 256;
/// So many octets are added to a chunk when it has none left.
const STEP: usize = 4096;

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
    shares: Shares,
    index: Index,
    chunks: VecDeque<Chunk<K>>,
    /// The number of the first entry of the first chunk. Numbers begin anew at 0 after the last one.
    first: u32,
    /// As many entries of the first chunk are over.
    over: u32,
    len: usize,
}

#[derive(Debug)]
struct Chunk<K> {
    entries: Vec<Entry<K>>,
    octets: Vec<u8>,
}

#[derive(Debug)]
struct Entry<K> {
    key: K,
    expiry: Instant,
    share: Share,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    InProgress,
    /// Where in the octets of the chunk.
    Answered {
        at: u32,
        length: u32,
    },
    /// Forgotten.
    Over,
}

impl<K: Hash + Eq> Answers<K> {
    /// None yet. `keep` is how long an answer is kept, `limit` bounds how many are.
    pub fn new(keep: Duration, limit: usize) -> Answers<K> {
        Answers {
            keep,
            shares: Shares::new(limit),
            index: Index::new(),
            chunks: VecDeque::new(),
            first: 0,
            over: 0,
            len: 0,
        }
    }

    /// Keeps answers for another time from now on.
    pub fn reconfigure(&mut self, keep: Duration) {
        self.keep = keep;
    }

    /// A request of this peer's came: is it new?
    pub fn seen(&mut self, key: K, peer: IpAddr, now: Instant) -> Seen<'_> {
        self.expire(now);
        if let Some(number) = self.find(&key) {
            if self.entry(number).is_some_and(|entry| entry.expiry > now) {
                return self.octets(number).map_or(Seen::InProgress, Seen::Answered);
            }
            // Too old, behind one that took its time.
            self.forget(&key);
        }
        if !self.shares.has_room(peer) {
            return Seen::Full;
        }
        self.put(key, peer, now);
        Seen::New
    }

    /// It was answered with these octets.
    pub fn answered(&mut self, key: K, peer: IpAddr, answer: impl AsRef<[u8]>, now: Instant) {
        let expiry = now + self.keep;
        let number = match self.find(&key) {
            Some(number) => number,
            None => self.put(key, peer, now),
        };
        let (chunk, place) = self.place(number);
        let Some(chunk) = self.chunks.get_mut(chunk) else {
            return;
        };
        let answer = answer.as_ref();
        if chunk.octets.capacity() - chunk.octets.len() < answer.len() {
            chunk.octets.reserve_exact(answer.len().max(STEP));
        }
        let (at, length) = (chunk.octets.len() as u32, answer.len() as u32);
        chunk.octets.extend_from_slice(answer);
        if let Some(entry) = chunk.entries.get_mut(place) {
            entry.expiry = expiry;
            entry.state = State::Answered { at, length };
        }
    }

    /// It will not be answered; a repeat counts as new.
    pub fn forget(&mut self, key: &K) {
        if let Some(number) = self.find(key) {
            self.end(number);
        }
    }

    /// How long an answer is kept.
    pub fn keep(&self) -> Duration {
        self.keep
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets what is too old. One that was answered late keeps what came after it as long as itself.
    pub fn expire(&mut self, now: Instant) {
        while let Some(entry) = self.entry(self.first.wrapping_add(self.over)) {
            if !matches!(entry.state, State::Over) {
                if entry.expiry > now {
                    return;
                }
                self.end(self.first.wrapping_add(self.over));
            }
            self.over += 1;
            if self.over == CHUNK {
                self.chunks.pop_front();
                self.first = self.first.wrapping_add(CHUNK);
                self.over = 0;
            }
        }
    }

    fn put(&mut self, key: K, peer: IpAddr, now: Instant) -> u32 {
        if self
            .chunks
            .back()
            .is_none_or(|last| last.entries.len() == CHUNK as usize)
        {
            self.chunks.push_back(Chunk {
                entries: Vec::with_capacity(CHUNK as usize),
                octets: Vec::new(),
            });
        }
        let before = CHUNK * (self.chunks.len() as u32 - 1);
        let hashed = self.index.hash(&key);
        let entry = Entry {
            key,
            expiry: now + self.keep,
            share: self.shares.take(peer),
            state: State::InProgress,
        };
        let last = self.chunks.len() - 1;
        let entries = &mut self.chunks[last].entries;
        let number = self.first.wrapping_add(before + entries.len() as u32);
        entries.push(entry);
        self.index.insert(hashed, number);
        self.len += 1;
        number
    }

    fn end(&mut self, number: u32) {
        let (chunk, place) = self.place(number);
        let chunk = self.chunks.get_mut(chunk);
        let Some(entry) = chunk.and_then(|chunk| chunk.entries.get_mut(place)) else {
            return;
        };
        entry.state = State::Over;
        self.shares.give_back(entry.share);
        let hashed = self.index.hash(&entry.key);
        self.index.remove(hashed, number);
        self.len -= 1;
    }

    fn find(&self, key: &K) -> Option<u32> {
        let is_it = |number| self.entry(number).is_some_and(|entry| entry.key == *key);
        self.index.find(self.index.hash(key), is_it)
    }

    fn place(&self, number: u32) -> (usize, usize) {
        let behind = number.wrapping_sub(self.first);
        ((behind / CHUNK) as usize, (behind % CHUNK) as usize)
    }

    fn entry(&self, number: u32) -> Option<&Entry<K>> {
        let (chunk, place) = self.place(number);
        self.chunks.get(chunk)?.entries.get(place)
    }

    /// What it was answered with.
    fn octets(&self, number: u32) -> Option<&[u8]> {
        let State::Answered { at, length } = self.entry(number)?.state else {
            return None;
        };
        let (chunk, _) = self.place(number);
        let octets = &self.chunks.get(chunk)?.octets;
        octets.get(at as usize..(at + length) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const KEEP: Duration = Duration::from_secs(9);
    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn thousands_are_each_kept_for_their_time_and_leave_nothing() {
        let start = Instant::now();
        let at = |number: u32| start + number * MILLISECOND;
        let mut answers = Answers::new(KEEP, 100_000);
        answers.first = u32::MAX - 700;
        let answer = |number: u32| vec![number as u8; number as usize % 300];
        for number in 0..20_000 {
            assert_eq!(answers.seen(number, PEER, at(number)), Seen::New);
            match number % 10 {
                3 => answers.forget(&number),
                7 => {}
                _ => answers.answered(number, PEER, answer(number), at(number)),
            }
            let Some(before) = number.checked_sub(8_990) else {
                continue;
            };
            let seen = answers.seen(before, PEER, at(number));
            match before % 10 {
                3 => assert_eq!(seen, Seen::New),
                7 => assert_eq!(seen, Seen::InProgress),
                _ => assert_eq!(seen, Seen::Answered(&answer(before))),
            }
        }
        assert!(answers.len() < 12_000, "{}", answers.len());
        answers.expire(at(20_000) + KEEP);
        assert!(answers.is_empty() && answers.chunks.len() <= 1);
        assert_eq!(answers.seen(1, PEER, at(20_000) + KEEP), Seen::New);
    }

    #[test]
    fn late_answer_is_kept_from_then_on_and_what_came_after_its_request_is_not_given_longer() {
        let start = Instant::now();
        let mut answers = Answers::new(KEEP, 10);
        answers.seen(1, PEER, start);
        answers.seen(2, PEER, start);
        answers.answered(2, PEER, [2], start);
        answers.answered(1, PEER, [1], start + KEEP / 2);
        assert_eq!(answers.seen(1, PEER, start + KEEP), Seen::Answered(&[1]));
        assert_eq!(answers.seen(2, PEER, start + KEEP), Seen::New);
        assert_eq!(answers.seen(1, PEER, start + KEEP / 2 + KEEP), Seen::New);
    }
}
