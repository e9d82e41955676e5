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
}
