//! The configurations met within one return, each with what is known of it.
//!
//! A hash map would do, but it has to be emptied at every return, and emptying costs as much as
//! its largest size so far: one hard moment would slow down all the easy ones after it. Here an
//! entry is live only if it carries the current generation, so emptying is counting up.

use std::hash::{Hash, Hasher};
use std::num::NonZeroU32;

use rustc_hash::FxHasher;

/// A map from `K` to `V` that is emptied in no time.
pub(crate) struct Seen<K, V> {
    entries: Vec<Option<Entry<K, V>>>,
    generation: NonZeroU32,
    len: usize,
}

#[derive(Clone, Copy)]
struct Entry<K, V> {
    generation: NonZeroU32,
    key: K,
    value: V,
}

const FIRST_CAPACITY: usize = 64;

impl<K: Copy + Eq + Hash, V: Copy> Seen<K, V> {
    pub(crate) fn new() -> Seen<K, V> {
        Seen { entries: vec![None; FIRST_CAPACITY], generation: NonZeroU32::MIN, len: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
        // After four thousand million returns old entries would come back to life.
        self.generation = self.generation.checked_add(1).unwrap_or_else(|| {
            self.entries.fill(None);
            NonZeroU32::MIN
        });
    }

    /// What it occupies, or will while it grows where that is near: the larger one is there before
    /// the smaller one goes, and afterwards it would be too late to ask for the memory.
    pub(crate) fn bytes(&self) -> u64 {
        let own = (self.entries.len() * size_of::<Option<Entry<K, V>>>()) as u64;
        let is_nearly_half_full = self.len * 16 > self.entries.len() * 7;
        if is_nearly_half_full { 3 * own } else { own }
    }

    /// The value of a key, and whether it has only now been put there.
    pub(crate) fn get_or_put(&mut self, key: K, value: V) -> (&mut V, bool) {
        if (self.len + 1) * 2 > self.entries.len() {
            self.grow();
        }
        let place = self.place(&key);
        let generation = self.generation;
        let entry = &mut self.entries[place];
        let fresh = entry.is_none_or(|entry| entry.generation != generation);
        if fresh {
            self.len += 1;
            *entry = None;
        }
        (&mut entry.get_or_insert(Entry { generation, key, value }).value, fresh)
    }

    /// Where a key is, or would be.
    fn place(&self, key: &K) -> usize {
        let mut hasher = FxHasher::default();
        key.hash(&mut hasher);
        let mask = self.entries.len() - 1;
        // The low bits of this hash are its weakest.
        let hash = hasher.finish();
        let mut at = ((hash >> 32) ^ hash) as usize & mask;
        while let Some(entry) = &self.entries[at] {
            if entry.generation != self.generation || entry.key == *key {
                break;
            }
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let larger = vec![None; self.entries.len() * 2];
        let old = std::mem::replace(&mut self.entries, larger);
        for entry in old.into_iter().flatten().filter(|entry| entry.generation == self.generation) {
            let place = self.place(&entry.key);
            self.entries[place] = Some(entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_map_that_forgets_everything_when_emptied() {
        let mut seen = Seen::new();
        for round in 0..3_u64 {
            for key in 0..1000_u64 {
                assert_eq!(seen.get_or_put(key, key + round), (&mut (key + round), true));
                *seen.get_or_put(key, 0).0 = key * round;
            }
            assert!((0..1000).all(|key| *seen.get_or_put(key, 0).0 == key * round));
            seen.clear();
        }
    }

    #[test]
    fn nothing_comes_back_to_life_when_generations_start_again() {
        let mut seen = Seen::new();
        assert_eq!(seen.get_or_put(5, 1), (&mut 1, true));
        seen.generation = NonZeroU32::MAX;
        assert_eq!(seen.get_or_put(6, 2), (&mut 2, true));
        seen.clear();
        assert_eq!(seen.generation, NonZeroU32::MIN);
        assert_eq!(seen.get_or_put(5, 3), (&mut 3, true));
        assert_eq!(seen.get_or_put(6, 4), (&mut 4, true));
    }

    /// Every second place is free, so that looking for one ends soon, and no more than that.
    #[test]
    fn it_grows_when_half_of_it_is_taken_and_not_by_being_emptied() {
        let mut seen = Seen::<u64, u64>::new();
        let each = size_of::<Option<Entry<u64, u64>>>() as u64;
        for round in 0..50 {
            for key in 0..28 {
                seen.get_or_put(key + round, key);
            }
            assert_eq!(seen.bytes(), FIRST_CAPACITY as u64 * each, "in round {round}");
            for key in 28..32 {
                seen.get_or_put(key + round, key);
            }
            assert_eq!(seen.bytes(), 3 * FIRST_CAPACITY as u64 * each, "booked before it grows");
            seen.clear();
        }
        for key in 0..33 {
            seen.get_or_put(key, key);
        }
        assert_eq!(seen.bytes(), 2 * FIRST_CAPACITY as u64 * each);
        assert!((0..33).all(|key| seen.get_or_put(key, 99) == (&mut { key }, false)));
    }
}
