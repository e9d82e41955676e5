//! Values as small integers, so that states and transitions compare and hash in one instruction.

use rustc_hash::FxHashMap;

use crate::value::Value;

/// A value that was seen, by the order in which it was first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub u32);

/// The distinct values of one object.
#[derive(Clone, Debug, Default)]
pub struct Values {
    known: Vec<Value>,
    integers: FxHashMap<i64, ValueId>,
    /// Everything else, by its canonical text: [`Value`] holds floats and so cannot be hashed.
    others: FxHashMap<String, ValueId>,
}

impl Values {
    /// The number of `value`, a new one if it was never seen.
    pub fn intern(&mut self, value: &Value) -> ValueId {
        let next = ValueId(u32::try_from(self.known.len()).expect("fewer than 2^32 values"));
        let id = match value {
            Value::Int(integer) => *self.integers.entry(*integer).or_insert(next),
            other => *self.others.entry(other.canonical().to_string()).or_insert(next),
        };
        if id == next {
            self.known.push(value.clone());
        }
        id
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Forgets every value that none of these names, and renames the rest, in the order that they
    /// have.
    pub fn retain(&mut self, names: Vec<&mut ValueId>) {
        let mut kept: Vec<ValueId> = names.iter().map(|name| **name).collect();
        kept.sort_unstable();
        kept.dedup();
        let old = std::mem::take(self);
        for id in &kept {
            self.intern(old.value(*id));
        }
        for name in names {
            let at = kept.binary_search(name).expect("what is named is kept");
            *name = ValueId(u32::try_from(at).expect("not more than before"));
        }
    }

    /// The value behind a number.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.known[id.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_a_number_and_different_ones_do_not() {
        let mut values = Values::default();
        let one = values.intern(&Value::Int(1));
        assert_eq!(one, values.intern(&Value::Int(1)));
        assert_ne!(one, values.intern(&Value::string("1")));
        assert_ne!(values.intern(&Value::keyword("a")), values.intern(&Value::string("a")));
        assert_eq!(values.value(one), &Value::Int(1));
    }

    #[test]
    fn values_that_are_kept_are_renamed_in_order_and_others_are_new_again() {
        let mut values = Values::default();
        let ids: Vec<ValueId> = (0..10).map(|n| values.intern(&Value::Int(n * n))).collect();
        let mut kept = [ids[7], ids[2], ids[7]];
        values.retain(kept.iter_mut().collect());
        assert_eq!((kept, values.len()), ([ValueId(1), ValueId(0), ValueId(1)], 2));
        assert_eq!(values.value(kept[0]), &Value::Int(49));
        assert_eq!(values.intern(&Value::Int(49)), kept[0]);
        assert_eq!(values.intern(&Value::Int(1)), ValueId(2));
    }
}
