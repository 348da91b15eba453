use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

/// As many tables share the entries. Each grows by itself and at another time than the others, so that growing never
/// takes long at once; a million entries are 4,096 to a table.
const TABLES: usize = 256;

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
    /// Spread again over 64 bits: a table chooses by the lowest and by the seven highest of them.
    fn spread(self) -> u64 {
        u64::from(self.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn table(self) -> usize {
        (self.spread() >> 40) as usize % TABLES
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
    fn tables_are_equally_full() {
        let mut index = Index::new();
        for key in 0..100_000u32 {
            index.insert(index.hash(&key), key);
        }
        let fullest = index.tables.iter().map(HashTable::len).max();
        assert!(fullest < Some(2 * 100_000 / TABLES), "{fullest:?}");
    }
}
