use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

/// As many tables share the entries. Each grows by itself and at another time than the others, so that growing never
/// takes long at once; a million entries are 4,096 to a table.
const TABLES: usize = 256;

/// Which table. Its own bits: a table chooses by the lowest and by the seven highest of them.
fn table(hash: u64) -> usize {
    (hash >> 40) as usize % TABLES
}

/// Finds places by the hash of a key that stands there. Eight octets an entry, and what a table keeps free.
///
/// The hash is keyed, for peers choose what is hashed.
#[derive(Debug)]
pub(crate) struct Index {
    tables: Box<[HashTable<Entry>]>,
    hasher: DefaultHashBuilder,
}

/// What a key hashes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hashed(u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    hashed: Hashed,
    place: u32,
}

impl Hashed {
    /// Over 64 bits again.
    fn spread(self) -> u64 {
        u64::from(self.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn table(self) -> usize {
        table(self.spread())
    }
}

impl Index {
    pub(crate) fn new() -> Index {
        Index {
            tables: (0..TABLES).map(|_| HashTable::new()).collect(),
            hasher: DefaultHashBuilder::default(),
        }
    }

    pub(crate) fn hash(&self, key: &impl Hash) -> Hashed {
        Hashed((self.hasher.hash_one(key) >> 32) as u32)
    }

    /// The place of the key with this hash, of those that `is_it`.
    pub(crate) fn find(&self, hashed: Hashed, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let found = self.tables[hashed.table()].find(hashed.spread(), |entry| {
            entry.hashed == hashed && is_it(entry.place)
        });
        found.map(|entry| entry.place)
    }

    pub(crate) fn insert(&mut self, hashed: Hashed, place: u32) {
        let table = &mut self.tables[hashed.table()];
        table.insert_unique(hashed.spread(), Entry { hashed, place }, |entry| {
            entry.hashed.spread()
        });
    }

    /// Whether it was there.
    pub(crate) fn remove(&mut self, hashed: Hashed, place: u32) -> bool {
        let table = &mut self.tables[hashed.table()];
        let entry = table.find_entry(hashed.spread(), |entry| *entry == Entry { hashed, place });
        entry.map(|entry| entry.remove()).is_ok()
    }
}

/// A set of as many members as there are sessions, which never takes long to grow.
#[derive(Debug)]
pub struct LargeSet<T> {
    tables: Box<[HashTable<T>]>,
    hasher: DefaultHashBuilder,
    len: usize,
}

impl<T> Default for LargeSet<T> {
    fn default() -> LargeSet<T> {
        LargeSet {
            tables: (0..TABLES).map(|_| HashTable::new()).collect(),
            hasher: DefaultHashBuilder::default(),
            len: 0,
        }
    }
}

impl<T: Hash + Eq> LargeSet<T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether it is in there.
    pub fn contains(&self, member: &T) -> bool {
        let hash = self.hasher.hash_one(member);
        self.tables[table(hash)]
            .find(hash, |other| other == member)
            .is_some()
    }

    /// Puts it in; `false` if it was there.
    pub fn insert(&mut self, member: T) -> bool {
        if self.contains(&member) {
            return false;
        }
        let hash = self.hasher.hash_one(&member);
        let hasher = &self.hasher;
        self.tables[table(hash)].insert_unique(hash, member, |member| hasher.hash_one(member));
        self.len += 1;
        true
    }

    /// Takes it out; `false` if it was not there.
    pub fn remove(&mut self, member: &T) -> bool {
        let hash = self.hasher.hash_one(member);
        let entry = self.tables[table(hash)].find_entry(hash, |other| other == member);
        let removed = entry.map(|entry| entry.remove()).is_ok();
        self.len -= usize::from(removed);
        removed
    }
}

impl<T: Hash + Eq> Extend<T> for LargeSet<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, members: I) {
        for member in members {
            self.insert(member);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_put_there_among_equal_hashes_and_many_others() {
        let keys: Vec<u32> = (0..20_000).map(|number| number / 2).collect();
        let mut index = Index::new();
        for (place, key) in keys.iter().enumerate() {
            index.insert(index.hash(key), place as u32);
        }
        for (place, key) in keys.iter().enumerate() {
            let place = place as u32;
            let hashed = index.hash(key);
            assert_eq!(index.find(hashed, |found| found == place), Some(place));
            assert_eq!(index.find(hashed, |found| keys[found as usize] != *key), None);
        }
        for (place, key) in keys.iter().enumerate().filter(|(place, _)| place % 2 == 0) {
            assert!(index.remove(index.hash(key), place as u32));
            assert!(!index.remove(index.hash(key), place as u32));
            assert_eq!(index.find(index.hash(key), |_| true), Some(place as u32 + 1));
        }
    }

    #[test]
    fn set_has_what_was_put_in_and_not_taken_out() {
        let mut set = LargeSet::default();
        set.extend((0..10_000).chain(0..10_000));
        assert_eq!(set.len(), 10_000);
        for member in 0..5_000 {
            assert!(set.remove(&member) && !set.remove(&member));
        }
        assert!((0..20_000).all(|member| set.contains(&member) == (5_000..10_000).contains(&member)));
        assert_eq!(set.len(), 5_000);
    }

    #[test]
    fn tables_are_equally_full() {
        let mut index = Index::new();
        for key in 0..100_000u32 {
            index.insert(index.hash(&key), key);
        }
        let fullest = index.tables.iter().map(HashTable::len).max();
        assert!(fullest < Some(2 * 100_000 / TABLES), "{fullest:?}");
    }
}
