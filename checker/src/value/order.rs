//! Equality, hashing and a total order of values, and their canonical form.
//!
//! Equality is structural and total: floating-point numbers are compared by their bits, so that a
//! history that holds `##NaN` equals itself after it was written and read. What Clojure's `=`
//! calls equal although it is spelled differently (`[1]` and `(1)`, `1` and `1N`, `0.0` and
//! `-0.0`, the order of sets and maps) is made equal by [`Value::canonical`].

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::mem::discriminant;

use super::Value;

impl Value {
    /// The one spelling of all values that Jepsen would call equal: sets and maps sorted, lists
    /// as vectors, big integers that fit 64 bits as plain ones, no negative zero.
    #[must_use]
    pub fn canonical(&self) -> Value {
        match self {
            Value::BigInt(digits) => match digits.parse() {
                Ok(small) => Value::Int(small),
                Err(_) => self.clone(),
            },
            Value::Float(0.0) => Value::Float(0.0),
            Value::List(items) | Value::Vector(items) => Value::Vector(canonical_all(items)),
            Value::Set(items) => {
                let mut items = canonical_all(items);
                items.sort_unstable();
                items.dedup();
                Value::Set(items)
            }
            Value::Map(entries) => {
                let mut entries: Vec<_> =
                    entries.iter().map(|(k, v)| (k.canonical(), v.canonical())).collect();
                entries.sort_unstable();
                Value::Map(entries)
            }
            Value::Tagged(tag, inner) => Value::Tagged(tag.clone(), Box::new(inner.canonical())),
            _ => self.clone(),
        }
    }

    /// Where the kind of value stands in the total order.
    fn rank(&self) -> u8 {
        match self {
            Value::Nil => 0,
            Value::Bool(_) => 1,
            Value::Int(_) => 2,
            Value::BigInt(_) => 3,
            Value::Float(_) => 4,
            Value::Exact(_) => 5,
            Value::Char(_) => 6,
            Value::Str(_) => 7,
            Value::Symbol(_) => 8,
            Value::Keyword(_) => 9,
            Value::List(_) => 10,
            Value::Vector(_) => 11,
            Value::Map(_) => 12,
            Value::Set(_) => 13,
            Value::Tagged(..) => 14,
        }
    }
}

fn canonical_all(items: &[Value]) -> Vec<Value> {
    items.iter().map(Value::canonical).collect()
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Nil, Value::Nil) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (Value::Char(a), Value::Char(b)) => a == b,
            (Value::BigInt(a), Value::BigInt(b))
            | (Value::Exact(a), Value::Exact(b))
            | (Value::Str(a), Value::Str(b))
            | (Value::Symbol(a), Value::Symbol(b))
            | (Value::Keyword(a), Value::Keyword(b)) => a == b,
            (Value::List(a), Value::List(b))
            | (Value::Vector(a), Value::Vector(b))
            | (Value::Set(a), Value::Set(b)) => a == b,
            (Value::Map(a), Value::Map(b)) => a == b,
            (Value::Tagged(tag, a), Value::Tagged(other_tag, b)) => tag == other_tag && a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        discriminant(self).hash(state);
        match self {
            Value::Nil => {}
            Value::Bool(value) => value.hash(state),
            Value::Int(value) => value.hash(state),
            Value::Float(value) => value.to_bits().hash(state),
            Value::Char(value) => value.hash(state),
            Value::BigInt(text)
            | Value::Exact(text)
            | Value::Str(text)
            | Value::Symbol(text)
            | Value::Keyword(text) => text.hash(state),
            Value::List(items) | Value::Vector(items) | Value::Set(items) => items.hash(state),
            Value::Map(entries) => entries.hash(state),
            Value::Tagged(tag, inner) => {
                tag.hash(state);
                inner.hash(state);
            }
        }
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Value) -> Ordering {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
            (Value::Char(a), Value::Char(b)) => a.cmp(b),
            (Value::BigInt(a), Value::BigInt(b))
            | (Value::Exact(a), Value::Exact(b))
            | (Value::Str(a), Value::Str(b))
            | (Value::Symbol(a), Value::Symbol(b))
            | (Value::Keyword(a), Value::Keyword(b)) => a.cmp(b),
            (Value::List(a), Value::List(b))
            | (Value::Vector(a), Value::Vector(b))
            | (Value::Set(a), Value::Set(b)) => a.cmp(b),
            (Value::Map(a), Value::Map(b)) => a.cmp(b),
            (Value::Tagged(tag, a), Value::Tagged(other_tag, b)) => {
                tag.cmp(other_tag).then_with(|| a.cmp(b))
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Value) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_a_number_equals_itself() {
        assert_eq!(Value::Float(f64::NAN), Value::Float(f64::NAN));
    }

    #[test]
    fn the_canonical_form_forgets_order_and_spelling() {
        let one = Value::Set(vec![2.into(), Value::BigInt("1".into())]);
        let other = Value::Set(vec![1.into(), 2.into()]);
        assert_ne!(one, other);
        assert_eq!(one.canonical(), other.canonical());
        let list = Value::List(vec![Value::Float(-0.0)]);
        assert_eq!(list.canonical(), Value::Vector(vec![Value::Float(0.0)]));
        let map = Value::Map(vec![(2.into(), Value::Nil), (1.into(), Value::Nil)]);
        let sorted = Value::Map(vec![(1.into(), Value::Nil), (2.into(), Value::Nil)]);
        assert_eq!(map.canonical(), sorted);
    }
}
