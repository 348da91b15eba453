//! Many timers in one heap.
//!
//! Timers are never taken out: whoever set one keeps a number beside the thing that it belongs to, puts the number in
//! the key, and ignores a key whose number is no longer the present one. So setting costs O(log n) and cancelling nothing.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::Instant;

/// Timers with a key each, in the order in which they come due; equal times in the order in which they were set.
#[derive(Debug)]
pub struct Timers<K> {
    heap: BinaryHeap<Reverse<Timer<K>>>,
    set_so_far: u64,
}

#[derive(Debug)]
struct Timer<K> {
    at: Instant,
    number: u64,
    key: K,
}

impl<K> Timers<K> {
    /// No timers.
    pub const fn new() -> Timers<K> {
        Timers {
            heap: BinaryHeap::new(),
            set_so_far: 0,
        }
    }

    /// Sets a timer.
    pub fn set(&mut self, at: Instant, key: K) {
        self.set_so_far += 1;
        self.heap.push(Reverse(Timer {
            at,
            number: self.set_so_far,
            key,
        }));
    }

    /// The key of the next timer that is due by `now`.
    pub fn pop_due(&mut self, now: Instant) -> Option<K> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(timer)| timer.key)
    }

    /// When the next timer is due, abandoned ones included.
    pub fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(timer)| timer.at)
    }

    /// How many are set, abandoned ones included.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

impl<K> Default for Timers<K> {
    fn default() -> Timers<K> {
        Timers::new()
    }
}

impl<K> PartialEq for Timer<K> {
    fn eq(&self, other: &Timer<K>) -> bool {
        self.number == other.number
    }
}

impl<K> Eq for Timer<K> {}

impl<K> PartialOrd for Timer<K> {
    fn partial_cmp(&self, other: &Timer<K>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Timer<K> {
    fn cmp(&self, other: &Timer<K>) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn timers_come_due_in_order_of_time_then_of_setting() {
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut timers = Timers::new();
        timers.set(after(20), "late");
        timers.set(after(10), "first");
        timers.set(after(10), "second");
        assert_eq!(timers.next(), Some(after(10)));
        assert_eq!(timers.pop_due(after(9)), None);
        assert_eq!(timers.pop_due(after(10)), Some("first"));
        assert_eq!(timers.pop_due(after(10)), Some("second"));
        assert_eq!(timers.pop_due(after(19)), None);
        assert_eq!(timers.pop_due(after(30)), Some("late"));
        assert!(timers.is_empty());
    }
}
