//! A hash table on the way of each packet: a look-up touches one cache line as a rule, and growing is done in small parts, so
//! that a table which takes one more session while packets flow never stops them.
//!
//! ```text
//! hash ──> one of 1,024 shards ──> places, key beside value, probed one after the other
//! ```
//!
//! A shard doubles by itself: of a million entries, a thousand are moved at a time.

const SHARD_BITS: u32 = 10;
const LEAST_PLACES: usize = 4;

/// A key, as a number that is not all ones.
pub(crate) trait Key: Copy + Eq {
    /// What no key is.
    const NOTHING: Self;
    fn number(self) -> u64;
}

impl Key for u32 {
    const NOTHING: u32 = u32::MAX;
    #[inline]
    fn number(self) -> u64 {
        self.into()
    }
}

impl Key for u64 {
    const NOTHING: u64 = u64::MAX;
    #[inline]
    fn number(self) -> u64 {
        self
    }
}

#[derive(Debug)]
pub(crate) struct Directory<K, V> {
    shards: Box<[Shard<K, V>]>,
}

#[derive(Debug, Clone)]
struct Shard<K, V> {
    /// A power of two of them, or none.
    places: Box<[Place<K, V>]>,
    used: usize,
}

#[derive(Debug, Clone, Copy)]
struct Place<K, V> {
    key: K,
    value: V,
}

impl<K: Key, V: Copy + Default> Directory<K, V> {
    pub(crate) fn new() -> Directory<K, V> {
        let empty = Shard {
            places: Box::default(),
            used: 0,
        };
        Directory {
            shards: vec![empty; 1 << SHARD_BITS].into_boxed_slice(),
        }
    }

    #[inline]
    pub(crate) fn get(&self, key: K) -> Option<&V> {
        let (shard, hash) = hash(key);
        let shard = &self.shards[shard];
        let place = shard.find(key, hash).ok()?;
        Some(&shard.places[place].value)
    }

    /// Gives back what was there before. The key that no key is is not taken.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        if key == K::NOTHING {
            return None;
        }
        let (shard, hash) = hash(key);
        let shard = &mut self.shards[shard];
        if let Ok(place) = shard.find(key, hash) {
            return Some(std::mem::replace(&mut shard.places[place].value, value));
        }
        // At most three quarters are used, so that a search ends soon.
        if (shard.used + 1) * 4 > shard.places.len() * 3 {
            shard.grow();
        }
        shard.put(key, value);
        None
    }

    pub(crate) fn remove(&mut self, key: K) -> Option<V> {
        let (shard, hash) = hash(key);
        let shard = &mut self.shards[shard];
        let place = shard.find(key, hash).ok()?;
        Some(shard.take(place))
    }
}

impl<K: Key, V: Copy + Default> Shard<K, V> {
    /// Where the key is, or else where it would be.
    #[inline]
    fn find(&self, key: K, hash: usize) -> Result<usize, usize> {
        let mask = self.places.len().wrapping_sub(1);
        let mut at = hash & mask;
        // One place is free at least, which ends the search; of an empty shard there is none to look at.
        while let Some(place) = self.places.get(at) {
            if place.key == key && key != K::NOTHING {
                return Ok(at);
            }
            if place.key == K::NOTHING {
                break;
            }
            at = (at + 1) & mask;
        }
        Err(at)
    }

    /// Takes a key that is not there, for which there is room.
    fn put(&mut self, key: K, value: V) {
        let (_, hash) = hash(key);
        if let Err(at) = self.find(key, hash)
            && let Some(place) = self.places.get_mut(at)
        {
            *place = Place { key, value };
            self.used += 1;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let nothing = Place {
            key: K::NOTHING,
            value: V::default(),
        };
        let count = (self.places.len() * 2).max(LEAST_PLACES);
        let old = std::mem::replace(&mut self.places, vec![nothing; count].into_boxed_slice());
        self.used = 0;
        for place in old.iter().filter(|place| place.key != K::NOTHING) {
            self.put(place.key, place.value);
        }
    }

    /// Those that follow without a gap move up where that brings them nearer to where they belong, so that no search ends
    /// before them.
    fn take(&mut self, place: usize) -> V {
        let mask = self.places.len() - 1;
        let taken = self.places[place].value;
        let mut gap = place;
        let mut at = (gap + 1) & mask;
        while self.places[at].key != K::NOTHING {
            let (_, hash) = hash(self.places[at].key);
            let belongs = hash & mask;
            // How far it is from where it belongs, and from the gap.
            if (at.wrapping_sub(belongs) & mask) >= (at.wrapping_sub(gap) & mask) {
                self.places[gap] = self.places[at];
                gap = at;
            }
            at = (at + 1) & mask;
        }
        self.places[gap].key = K::NOTHING;
        self.used -= 1;
        taken
    }
}

/// The shard, and the rest of the hash.
#[inline]
fn hash(key: impl Key) -> (usize, usize) {
    let mut hash = key.number().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (
        (hash >> (64 - SHARD_BITS)) as usize,
        (hash >> 16) as usize & 0xff_ffff,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// What a table of the standard library would answer, for keys that meet often and in any order.
    #[test]
    fn answers_as_an_ordinary_map_does() {
        let mut ours = Directory::new();
        let mut theirs = HashMap::new();
        let mut state = 1_u64;
        for step in 0..400_000_u32 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let key = (state >> 40) as u32 % 30_000;
            // It fills, and then becomes empty again.
            let inserts = (state >> 33) % 8 < if step < 200_000 { 6 } else { 2 };
            if inserts {
                assert_eq!(ours.insert(key, step), theirs.insert(key, step));
            } else {
                assert_eq!(ours.remove(key), theirs.remove(&key));
            }
            let other = (state >> 20) as u32 % 30_000;
            assert_eq!(ours.get(other), theirs.get(&other));
        }
        for key in 0..30_000 {
            assert_eq!(ours.get(key), theirs.get(&key));
            assert_eq!(ours.remove(key), theirs.remove(&key));
        }
        assert!(ours.shards.iter().all(|shard| shard.used == 0));
    }

    #[test]
    fn keys_of_a_kind_do_not_crowd() {
        for step in [1_u64, 1 << 8, 1 << 32, (1 << 32) + 1] {
            let mut directory = Directory::new();
            for i in 0..100_000 {
                directory.insert(i * step, i);
            }
            let fullest = directory.shards.iter().map(|shard| shard.used).max();
            assert!(fullest < Some(200), "{step}: {fullest:?}");
            assert_eq!(directory.get(77 * step), Some(&77));
        }
    }

    #[test]
    fn what_no_key_is_is_never_there() {
        let mut directory = Directory::new();
        assert_eq!(directory.insert(u32::MAX, 1), None);
        assert_eq!(directory.get(u32::MAX), None);
        assert_eq!(directory.remove(u32::MAX), None);
        directory.insert(1, 2);
        assert_eq!(directory.get(u32::MAX), None);
        assert_eq!(directory.remove(u32::MAX), None);
    }
}
