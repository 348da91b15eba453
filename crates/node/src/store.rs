//! What a brain wants to find again after its process was killed.
//!
//! ```text
//! brain ── Output::Record(Change) ──> session store      before the message that lets a peer rely on it
//! brain <── Records ───────────────── session store      once, at the next start
//! ```
//!
//! The store knows keys and octets only. Without one, [`Outputs`](crate::Outputs) drops every change unencoded.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Outputs;

/// The form of all records. A store of another one is not read: whatever changes a record raises it.
pub const FORMAT: u32 = 3;

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A session, and how far it is.
    Session,
    /// The generation that TEIDs have reached.
    Teids,
    /// Sequence numbers that may have been used.
    Sequences,
    /// Charging IDs that may have been used.
    ChargingIds,
    /// The restart counter of a peer.
    Peer,
    /// An answer for a peer that repeats its request.
    Answer,
    /// A session that is forgotten here and of whose end a peer has not heard yet.
    Farewell,
}

impl Kind {
    const ALL: [Kind; 7] = [
        Kind::Session,
        Kind::Teids,
        Kind::Sequences,
        Kind::ChargingIds,
        Kind::Peer,
        Kind::Answer,
        Kind::Farewell,
    ];
}

/// Names a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What it is about.
    pub kind: Kind,
    /// Which one of them; 0 where there is only one.
    pub number: u64,
}

impl Key {
    /// One of its kind.
    pub const fn new(kind: Kind, number: u64) -> Key {
        Key { kind, number }
    }

    /// The only record of its kind.
    pub const fn only(kind: Kind) -> Key {
        Key { kind, number: 0 }
    }

    /// As the store has it. Later records have larger numbers, so that those of one time lie together.
    pub fn octets(self) -> [u8; 9] {
        let mut octets = [0; 9];
        octets[0] = self.kind as u8;
        octets[1..].copy_from_slice(&self.number.to_be_bytes());
        octets
    }

    /// The opposite of [`Key::octets`].
    pub fn from_octets(octets: &[u8]) -> Option<Key> {
        let (kind, number) = octets.split_first()?;
        Some(Key {
            kind: *Kind::ALL.get(usize::from(*kind))?,
            number: u64::from_be_bytes(number.try_into().ok()?),
        })
    }
}

/// A record is now this, or gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which one.
    pub key: Key,
    /// What it holds from now on; `None`: there is none any more.
    pub record: Option<Vec<u8>>,
}

/// A record that is not what this program writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable(Kind);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a record of kind {:?} cannot be read", self.0)
    }
}

impl std::error::Error for Unreadable {}

/// What the store held at the start.
#[derive(Debug, Clone, Default)]
pub struct Records(Vec<(Key, Vec<u8>)>);

impl FromIterator<(Key, Vec<u8>)> for Records {
    fn from_iter<I: IntoIterator<Item = (Key, Vec<u8>)>>(records: I) -> Records {
        Records(records.into_iter().collect())
    }
}

impl Records {
    /// A number that none of them has, and none of the later ones.
    pub fn next_number(&self) -> u64 {
        let numbers = self.0.iter().map(|(key, _)| key.number);
        numbers.max().unwrap_or(0).saturating_add(1)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of a kind, with their numbers.
    pub fn of<R: DeserializeOwned>(&self, kind: Kind) -> Result<Vec<(u64, R)>, Unreadable> {
        let chosen = self.0.iter().filter(|(key, _)| key.kind == kind);
        chosen
            .map(|(key, octets)| match postcard::take_from_bytes(octets) {
                Ok((record, [])) => Ok((key.number, record)),
                Ok(_) | Err(_) => Err(Unreadable(kind)),
            })
            .collect()
    }

    /// The only one of a kind.
    pub fn only<R: DeserializeOwned>(&self, kind: Kind) -> Result<Option<R>, Unreadable> {
        let found = self.of(kind)?.into_iter().next();
        Ok(found.map(|(_, record)| record))
    }
}

/// A TEID in a record, `#[serde(with = "store::teid")]`.
pub mod teid {
    use epc_codec::Teid;
    use serde::{Deserialize, Deserializer, Serializer};

    /// As a number.
    pub fn serialize<S: Serializer>(teid: &Teid, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(teid.0)
    }

    /// From a number.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Teid, D::Error> {
        u32::deserialize(deserializer).map(Teid)
    }
}

/// An EPS Bearer Identity in a record, `#[serde(with = "store::ebi")]`.
pub mod ebi {
    use epc_codec::Ebi;
    use serde::{Deserialize, Deserializer, Serializer};

    /// As a number.
    pub fn serialize<S: Serializer>(ebi: &Ebi, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(ebi.0)
    }

    /// From a number.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Ebi, D::Error> {
        u8::deserialize(deserializer).map(Ebi)
    }
}

/// An IMSI in a record, `#[serde(with = "store::imsi")]`.
pub mod imsi {
    use epc_codec::Imsi;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    /// As its digits.
    pub fn serialize<S: Serializer>(imsi: &Imsi, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(imsi)
    }

    /// From its digits.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Imsi, D::Error> {
        let digits = <&str>::deserialize(deserializer)?;
        digits.parse().map_err(D::Error::custom)
    }
}

pub(crate) fn encode(record: &impl Serialize) -> Vec<u8> {
    // Records are made of numbers, addresses and octets, which nothing keeps from being written to memory.
    postcard::to_stdvec(record).unwrap_or_default()
}

/// As many numbers are marked as used at a time.
const STRIDE: u32 = 4096;

/// Counts from 1 to a last number and begins anew, and goes on after a restart where no number was used yet.
#[derive(Debug)]
pub struct Counting {
    kind: Kind,
    last: u32,
    next: u32,
    /// From here on no number is marked as used.
    fresh: u32,
}

/// What is kept of a [`Counting`].
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    fresh: u32,
}

impl Counting {
    /// Begins with `first`.
    pub fn new(kind: Kind, first: u32, last: u32) -> Counting {
        Counting {
            kind,
            last,
            next: first,
            fresh: first,
        }
    }

    /// Goes on behind what may have been used.
    pub fn restore(&mut self, records: &Records) -> Result<(), Unreadable> {
        if let Some(Mark { fresh }) = records.only(self.kind)? {
            self.next = fresh.clamp(1, self.last);
            self.fresh = self.next;
        }
        Ok(())
    }

    /// The next number.
    pub fn next<E>(&mut self, out: &mut Outputs<E>) -> u32 {
        let number = self.next;
        if number == self.fresh {
            self.fresh = match number.checked_add(STRIDE) {
                Some(fresh) if fresh <= self.last => fresh,
                _ => 1,
            };
            out.keep(Key::only(self.kind), || Mark { fresh: self.fresh });
        }
        self.next = if number >= self.last { 1 } else { number + 1 };
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Output;

    fn changes(out: &mut Outputs<()>) -> Vec<Change> {
        std::iter::from_fn(|| out.pop())
            .map(|output| match output {
                Output::Record(change) => change,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn key_is_read_as_it_was_written_and_others_are_refused() {
        for kind in Kind::ALL {
            let key = Key {
                kind,
                number: 1 << 40,
            };
            assert_eq!(Key::from_octets(&key.octets()), Some(key));
        }
        for bad in [&[][..], &[0; 8], &[0; 10], &[7, 0, 0, 0, 0, 0, 0, 0, 1]] {
            assert_eq!(Key::from_octets(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn numbers_of_a_kind_lie_in_their_order() {
        let octets = |number| {
            Key {
                kind: Kind::Answer,
                number,
            }
            .octets()
        };
        assert!(octets(255) < octets(256) && octets(256) < octets(1 << 33));
    }

    #[test]
    fn without_a_store_nothing_is_encoded() {
        let mut out = Outputs::<()>::default();
        out.keep(Key::only(Kind::Teids), || -> u8 { panic!("encoded") });
        out.forget(Key::only(Kind::Teids));
        assert!(out.pop().is_none());
    }

    #[test]
    fn record_is_read_back_and_a_longer_or_shorter_one_is_refused() {
        let mut out = Outputs::<()>::default();
        out.keep_records(1);
        let key = Key {
            kind: Kind::Session,
            number: out.next_record(),
        };
        out.keep(key, || (7u32, "seven"));
        let change = changes(&mut out).remove(0);
        let octets = change.record.unwrap();
        let records = |octets: &[u8]| Records::from_iter([(key, octets.to_vec())]);
        let read = |octets: &[u8]| records(octets).of::<(u32, String)>(Kind::Session);
        assert_eq!(read(&octets), Ok(vec![(1, (7, "seven".to_owned()))]));
        assert_eq!(records(&octets).next_number(), 2);
        let longer = [octets.as_slice(), &[0]].concat();
        for bad in [&octets[..octets.len() - 1], &longer, &[]] {
            assert_eq!(read(bad), Err(Unreadable(Kind::Session)), "{bad:?}");
        }
    }

    #[test]
    fn numbers_go_on_after_a_restart_and_none_comes_twice() {
        let mut used = std::collections::HashSet::new();
        let mut kept = Records::default();
        for _ in 0..5 {
            let mut out = Outputs::<()>::default();
            out.keep_records(1);
            let mut numbers = Counting::new(Kind::Sequences, 1, 0x7f_ffff);
            numbers.restore(&kept).unwrap();
            for _ in 0..STRIDE + 10 {
                assert!(used.insert(numbers.next(&mut out)));
            }
            if let Some(change) = changes(&mut out).pop() {
                kept = Records::from_iter([(change.key, change.record.unwrap())]);
            }
        }
    }

    #[test]
    fn numbers_begin_anew_after_the_last() {
        let mut out = Outputs::<()>::default();
        let mut numbers = Counting::new(Kind::Sequences, 5, 6);
        let taken: Vec<u32> = (0..4).map(|_| numbers.next(&mut out)).collect();
        assert_eq!(taken, [5, 6, 1, 2]);
    }
}
