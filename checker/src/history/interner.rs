//! The distinct values of a history, each kept once and known by its number.
//!
//! A history of ten million operations holds a few thousand different values, so its columns keep
//! numbers of four bytes and comparing two values is comparing two numbers: equal numbers mean
//! equal values, spelled alike, and different numbers different ones.
//!
//! A value that is a vector of two is kept as the pair of its elements' numbers. That is what
//! independent keys look like (`[key value]`), and there the number of different *pairs* may come
//! close to the number of operations while keys and values are few: eight bytes a pair instead of
//! a hundred. Who asks for such a value as a whole gets all of them put together, once.

use std::hash::{Hash, Hasher};
use std::sync::OnceLock;

use rustc_hash::FxHasher;

use crate::value::Value;

/// The number of a value in the [`Interner`] that gave it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Interned(u32);

impl Interned {
    #[inline]
    pub(super) fn number(self) -> u32 {
        self.0
    }
}

/// Set in the numbers of pairs.
const PAIR: u32 = 1 << 31;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interner {
    values: Vec<Value>,
    value_slots: Slots,
    pairs: Vec<[Interned; 2]>,
    pair_slots: Slots,
    /// The pairs as values, from the moment on at which somebody wanted one.
    whole: OnceLock<Vec<Value>>,
}

impl Interner {
    /// The number of a value that is kept as it is.
    #[inline]
    pub(crate) fn plain(&mut self, value: &Value) -> Interned {
        let hash = hash_of(value);
        let found = self.value_slots.find(hash, |at| self.values[at] == *value);
        found.map_or_else(|place| self.add(place, value.clone()), Interned)
    }

    /// The number of a value that may be given away.
    pub(crate) fn owned(&mut self, value: Value) -> Interned {
        let hash = hash_of(&value);
        let found = self.value_slots.find(hash, |at| self.values[at] == value);
        found.map_or_else(|place| self.add(place, value), Interned)
    }

    /// The number of the value of an operation: a vector of two is kept as a pair.
    pub(crate) fn split(&mut self, value: Value) -> Interned {
        match value {
            Value::Vector(items) if items.len() == 2 => {
                let parts = [self.plain(&items[0]), self.plain(&items[1])];
                self.pair(parts)
            }
            other => self.owned(other),
        }
    }

    /// The number of a vector of two.
    #[inline]
    pub(crate) fn pair(&mut self, parts: [Interned; 2]) -> Interned {
        let hash = hash_of(&parts);
        match self.pair_slots.find(hash, |at| self.pairs[at] == parts) {
            Ok(known) => Interned(known | PAIR),
            Err(place) => {
                let fresh = number(self.pairs.len());
                self.pairs.push(parts);
                self.pair_slots.fill(place, fresh, |at| hash_of(&self.pairs[at]));
                Interned(fresh | PAIR)
            }
        }
    }

    fn add(&mut self, place: usize, value: Value) -> Interned {
        let fresh = number(self.values.len());
        self.values.push(value);
        self.value_slots.fill(place, fresh, |at| hash_of(&self.values[at]));
        Interned(fresh)
    }

    /// The value behind a number.
    pub(crate) fn get(&self, id: Interned) -> &Value {
        match self.parts(id) {
            None => &self.values[id.0 as usize],
            Some(_) => &self.whole()[(id.0 & !PAIR) as usize],
        }
    }

    /// The elements of a vector of two; `None` for anything else.
    #[inline]
    pub(crate) fn parts(&self, id: Interned) -> Option<[Interned; 2]> {
        (id.0 & PAIR != 0).then(|| self.pairs[(id.0 & !PAIR) as usize])
    }

    fn whole(&self) -> &[Value] {
        let together = |[a, b]: &[Interned; 2]| {
            Value::Vector(vec![self.get(*a).clone(), self.get(*b).clone()])
        };
        self.whole.get_or_init(|| self.pairs.iter().map(together).collect())
    }

    /// Takes in all of `other`'s values; the result translates its numbers into ours.
    pub(crate) fn absorb(&mut self, other: &Interner) -> Translation {
        let values: Vec<Interned> = other.values.iter().map(|value| self.plain(value)).collect();
        let ours = |id: Interned| values[id.0 as usize];
        let pairs = other.pairs.iter().map(|[a, b]| self.pair([ours(*a), ours(*b)])).collect();
        Translation { values, pairs }
    }

    /// Forgets all values and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.values.clear();
        self.value_slots.clear();
        self.pairs.clear();
        self.pair_slots.clear();
        self.whole = OnceLock::new();
    }
}

/// From the numbers of one interner to those of another.
pub(crate) struct Translation {
    values: Vec<Interned>,
    pairs: Vec<Interned>,
}

impl Translation {
    #[inline]
    pub(crate) fn of(&self, id: Interned) -> Interned {
        match id.0 & PAIR {
            0 => self.values[id.0 as usize],
            _ => self.pairs[(id.0 & !PAIR) as usize],
        }
    }
}

/// An open-addressing table of numbers. What they stand for lives in a vector beside it, so a
/// value is not kept twice, as it would be as the key of a map.
#[derive(Clone, Debug, Default)]
struct Slots {
    /// A power of two of them, or none.
    slots: Vec<u32>,
    used: usize,
}

const FREE: u32 = u32::MAX;
const FIRST_SLOTS: usize = 64;

impl Slots {
    /// The number for which `is` holds, or the place where it belongs.
    #[inline]
    fn find(&mut self, hash: usize, is: impl Fn(usize) -> bool) -> Result<u32, usize> {
        if self.slots.is_empty() {
            self.slots.resize(FIRST_SLOTS, FREE);
        }
        let mask = self.slots.len() - 1;
        let mut place = hash & mask;
        loop {
            match self.slots[place] {
                FREE => return Err(place),
                known if is(known as usize) => return Ok(known),
                _ => place = (place + 1) & mask,
            }
        }
    }

    /// Puts a new number at its place, and makes room for the next.
    fn fill(&mut self, place: usize, fresh: u32, hash: impl Fn(usize) -> usize) {
        self.slots[place] = fresh;
        self.used += 1;
        if self.used * 4 < self.slots.len() * 3 {
            return;
        }
        let mask = self.slots.len() * 2 - 1;
        self.slots.clear();
        self.slots.resize(mask + 1, FREE);
        for (at, id) in (0..self.used).zip(0_u32..) {
            let mut place = hash(at) & mask;
            while self.slots[place] != FREE {
                place = (place + 1) & mask;
            }
            self.slots[place] = id;
        }
    }

    fn clear(&mut self) {
        self.slots.fill(FREE);
        self.used = 0;
    }
}

#[inline]
fn hash_of(what: &impl Hash) -> usize {
    let mut hasher = FxHasher::default();
    what.hash(&mut hasher);
    let hash = hasher.finish();
    // The low bits of this hash are its weakest.
    ((hash >> 32) ^ hash) as usize
}

fn number(length: usize) -> u32 {
    let number = u32::try_from(length).ok().filter(|number| *number < PAIR);
    number.expect("memory is spent before there are 2^31 different values")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(a: i64, b: i64) -> Value {
        Value::Vector(vec![a.into(), b.into()])
    }

    #[test]
    fn equal_values_have_equal_numbers_through_every_growth() {
        let mut interner = Interner::default();
        let ids: Vec<Interned> = (0..5000_i64).map(|n| interner.split(pair(n % 70, n))).collect();
        let again: Vec<Interned> = (0..5000_i64).map(|n| interner.split(pair(n % 70, n))).collect();
        assert_eq!(ids, again);
        assert!((0..5000_i64).zip(&ids).all(|(n, id)| *interner.get(*id) == pair(n % 70, n)));
        assert_eq!(interner.values.len(), 5000);
        assert_ne!(interner.owned(1.into()), interner.owned(Value::BigInt("1".into())));
    }

    #[test]
    fn another_interners_numbers_are_translated() {
        let (mut ours, mut theirs) = (Interner::default(), Interner::default());
        ours.owned(7.into());
        let values = [pair(1, 7), 7.into(), Value::Nil, Value::List(vec![1.into(), 2.into()])];
        let ids = values.each_ref().map(|value| theirs.split(value.clone()));
        let translation = ours.absorb(&theirs);
        for (id, value) in ids.iter().zip(&values) {
            assert_eq!(ours.get(translation.of(*id)), value);
        }
        theirs.clear();
        assert_eq!(*theirs.values, []);
        let fresh = theirs.split(pair(1, 7));
        assert_eq!(*theirs.get(fresh), pair(1, 7));
    }
}
