use std::collections::HashSet;
use std::collections::VecDeque;

use epc_codec::Teid;

/// Bits of a permuted TEID that hold the index: 4,194,304 tunnels a node.
const INDEX_BITS: u32 = 22;
const INDEX_MASK: u32 = (1 << INDEX_BITS) - 1;

/// A freed index rests until this many others were freed after it, so that a TEID is not reused soon.
const RESTING: usize = 1024;

/// A keyed permutation of 32 bits: a TEID is the image of an index and its generation.
///
/// A TEID cannot be guessed from another one, a table of tunnels can be a dense array by
/// [`TeidKey::index`], and a TEID that was freed never equals the next one of its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TeidKey([u32; 4]);

impl TeidKey {
    /// A key from random words.
    pub const fn new(words: [u32; 4]) -> TeidKey {
        TeidKey(words)
    }

    /// The place in a dense table that belongs to `teid`. Whether the tunnel exists is for the table to say: it
    /// compares the TEID that stands there.
    #[inline]
    pub const fn index(&self, teid: Teid) -> u32 {
        self.invert(teid.0) & INDEX_MASK
    }

    const fn teid(&self, index: u32, generation: u32) -> Teid {
        Teid(self.permute(generation << INDEX_BITS | index & INDEX_MASK))
    }

    /// Four Feistel rounds over two halves of 16 bits.
    const fn permute(&self, value: u32) -> u32 {
        let (mut left, mut right) = (value >> 16, value & 0xffff);
        let mut round = 0;
        while round < 4 {
            (left, right) = (right, left ^ mix(right, self.0[round]));
            round += 1;
        }
        left << 16 | right
    }

    #[inline]
    const fn invert(&self, value: u32) -> u32 {
        let (mut left, mut right) = (value >> 16, value & 0xffff);
        let mut round = 4;
        while round > 0 {
            round -= 1;
            (left, right) = (right ^ mix(left, self.0[round]), left);
        }
        left << 16 | right
    }
}

/// The round function: 16 bits from 16 bits and a key.
#[inline]
const fn mix(half: u32, key: u32) -> u32 {
    let x = (half ^ key).wrapping_mul(0x9e37_79b1);
    let x = (x ^ (x >> 15)).wrapping_add(key >> 7).wrapping_mul(0x85eb_ca77);
    (x >> 16) & 0xffff
}

/// Gives out TEIDs and takes them back. Never gives out 0, which means "no TEID", TS 29.274 §5.5.1.
#[derive(Debug)]
pub struct TeidAllocator {
    key: TeidKey,
    generations: Vec<u16>,
    /// What new indices begin with.
    first: u16,
    /// What the index has that was freed most often.
    generation: u16,
    free: VecDeque<u32>,
    /// TEIDs that the configuration fixed; they are not ours to give out.
    reserved: HashSet<u32>,
    in_use: usize,
}

impl TeidAllocator {
    /// An allocator with nothing given out.
    pub fn new(key: TeidKey) -> TeidAllocator {
        TeidAllocator {
            key,
            generations: Vec::new(),
            first: 0,
            generation: 0,
            free: VecDeque::new(),
            reserved: HashSet::new(),
            in_use: 0,
        }
    }

    /// The allocator of an earlier incarnation: these TEIDs are in use, and [`TeidAllocator::generation`] was this. What
    /// it gives out from now on was not given out before.
    pub fn restored(key: TeidKey, generation: u16, in_use: impl IntoIterator<Item = Teid>) -> TeidAllocator {
        let in_use: Vec<Teid> = in_use.into_iter().collect();
        let indices = in_use.iter().map(|teid| key.index(*teid) + 1).max().unwrap_or(0);
        let mut allocator = TeidAllocator {
            generations: vec![after(generation); indices as usize],
            first: after(generation),
            generation: after(generation),
            in_use: in_use.len(),
            ..TeidAllocator::new(key)
        };
        let mut is_free = vec![true; indices as usize];
        for teid in in_use {
            let index = key.index(teid) as usize;
            allocator.generations[index] = (key.invert(teid.0) >> INDEX_BITS) as u16;
            is_free[index] = false;
        }
        allocator.free = (0..indices).filter(|index| is_free[*index as usize]).collect();
        allocator
    }

    /// The generation that TEIDs have reached, modulo 1024: none of the next one was given out.
    pub fn generation(&self) -> u16 {
        self.generation
    }

    /// A new TEID, or `None` when all 4,194,304 are in use.
    pub fn allocate(&mut self) -> Option<Teid> {
        loop {
            let index = self.next_index()?;
            let generation = u32::from(self.generations[index as usize]);
            let teid = self.key.teid(index, generation);
            if teid.0 != 0 && !self.reserved.contains(&teid.0) {
                self.in_use += 1;
                return Some(teid);
            }
            // Not ours to give out in this generation; the next one is another number.
            self.retire(index);
        }
    }

    /// Takes a TEID back. One that is not in use is ignored.
    pub fn free(&mut self, teid: Teid) {
        if self.reserved.remove(&teid.0) {
            return;
        }
        let index = self.key.index(teid);
        let Some(&generation) = self.generations.get(index as usize) else {
            return;
        };
        if self.key.teid(index, u32::from(generation)) == teid {
            self.in_use -= 1;
            self.retire(index);
        }
    }

    /// Takes a TEID that the configuration names, so that it is never given out to another; `false` if it is 0 or in
    /// use already.
    pub fn reserve(&mut self, teid: Teid) -> bool {
        let index = self.key.index(teid);
        let given_out = self
            .generations
            .get(index as usize)
            .is_some_and(|generation| self.key.teid(index, u32::from(*generation)) == teid)
            && !self.free.contains(&index);
        teid.0 != 0 && !given_out && self.reserved.insert(teid.0)
    }

    /// How many TEIDs are given out.
    pub fn in_use(&self) -> usize {
        self.in_use
    }

    fn next_index(&mut self) -> Option<u32> {
        let fresh = self.generations.len() as u32;
        if self.free.len() > RESTING || fresh > INDEX_MASK {
            return self.free.pop_front();
        }
        self.generations.push(self.first);
        Some(fresh)
    }

    fn retire(&mut self, index: u32) {
        let generation = &mut self.generations[index as usize];
        *generation = after(*generation);
        if *generation == after(self.generation) {
            self.generation = *generation;
        }
        self.free.push_back(index);
    }
}

const fn after(generation: u16) -> u16 {
    (generation + 1) & ((1 << (32 - INDEX_BITS)) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: TeidKey = TeidKey::new([0x1234_5678, 0x9abc_def0, 0x0f1e_2d3c, 0x4b5a_6978]);

    #[test]
    fn index_of_every_teid_is_the_one_it_was_made_from() {
        for index in (0..=INDEX_MASK).step_by(997) {
            for generation in [0, 1, 513, 1023] {
                assert_eq!(KEY.index(KEY.teid(index, generation)), index);
            }
        }
    }

    #[test]
    fn neighbours_are_far_apart() {
        let teids: Vec<u32> = (0..1000).map(|index| KEY.teid(index, 0).0).collect();
        assert!(
            teids
                .windows(2)
                .filter(|pair| pair[0].abs_diff(pair[1]) < 1_000_000)
                .count()
                < 10
        );
    }

    #[test]
    fn freed_teid_does_not_come_back_and_differs_from_its_successor() {
        let mut allocator = TeidAllocator::new(KEY);
        let first = allocator.allocate().unwrap();
        allocator.free(first);
        allocator.free(first);
        assert_eq!(allocator.in_use(), 0);
        let mut seen = HashSet::from([first]);
        for _ in 0..100_000 {
            let teid = allocator.allocate().unwrap();
            assert!(seen.insert(teid), "{teid:?} was given out twice");
            allocator.free(teid);
        }
        assert!(allocator.generations.len() <= RESTING + 2);
    }

    #[test]
    fn restored_allocator_gives_out_nothing_that_was_given_out_before() {
        let mut before = TeidAllocator::new(KEY);
        let mut given = HashSet::new();
        let mut in_use = Vec::new();
        for number in 0..5000 {
            let teid = before.allocate().unwrap();
            given.insert(teid);
            if number % 7 == 0 {
                in_use.push(teid);
            } else {
                before.free(teid);
            }
        }
        assert!(before.generation() > 0, "indices were used again");
        let mut after = TeidAllocator::restored(KEY, before.generation(), in_use.iter().copied());
        assert_eq!(after.in_use(), in_use.len());
        for _ in 0..5000 {
            let teid = after.allocate().unwrap();
            assert!(given.insert(teid), "{teid:?} was given out twice");
        }
        for teid in &in_use {
            after.free(*teid);
        }
        assert_eq!(after.in_use(), 5000, "those of before are taken back");
    }

    #[test]
    fn reserved_teid_is_never_given_out() {
        let next = TeidAllocator::new(KEY).allocate().unwrap();
        let mut allocator = TeidAllocator::new(KEY);
        assert!(allocator.reserve(next));
        assert!(!allocator.reserve(next), "twice");
        assert!(!allocator.reserve(Teid(0)));
        assert_ne!(allocator.allocate().unwrap(), next);
        allocator.free(next);
        assert!(allocator.reserve(next));
    }
}
