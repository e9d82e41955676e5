//! The values that histories are made of: those of EDN, which is what Jepsen writes.
//!
//! JSON maps into this type (objects become maps with keyword keys, as elle-cli reads them), so
//! everything behind the readers knows one kind of value only.

mod order;

use std::sync::Arc;

/// One EDN value. Order of map entries and set elements is kept as read, so that a history that
/// is read and written again does not change under diff; [`PartialEq`] therefore compares maps and
/// sets in order. Values of operations are compared by the checker after [`Value::canonical`].
#[derive(Clone, Debug)]
pub enum Value {
    /// `nil`: absent or unknown; the initial value of a register unless told otherwise.
    Nil,
    /// `true` and `false`.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// An integer that was written with `N` or does not fit 64 bits; its decimal digits.
    BigInt(Arc<str>),
    /// A floating-point number, `##Inf`, `##-Inf` and `##NaN` included.
    Float(f64),
    /// A decimal written with `M`, or a ratio such as `1/3`: its text, as it was written.
    Exact(Arc<str>),
    /// A character, `\a`.
    Char(char),
    /// A string.
    Str(Arc<str>),
    /// A symbol.
    Symbol(Arc<str>),
    /// A keyword, without its colon, with its namespace (`jepsen/start`).
    Keyword(Arc<str>),
    /// `(…)`.
    List(Vec<Value>),
    /// `[…]`: tuples, compare-and-set pairs, independent keys.
    Vector(Vec<Value>),
    /// `{…}`, entries in the order in which they were read.
    Map(Vec<(Value, Value)>),
    /// `#{…}`, elements in the order in which they were read.
    Set(Vec<Value>),
    /// `#tag value`: the tag is kept, so that nothing is lost.
    Tagged(Arc<str>, Box<Value>),
}

impl Value {
    /// A keyword; `name` comes without the colon.
    pub fn keyword(name: &str) -> Value {
        Value::Keyword(name.into())
    }

    /// A string.
    pub fn string(text: impl AsRef<str>) -> Value {
        Value::Str(text.as_ref().into())
    }

    /// Whether this is `nil`.
    pub fn is_nil(&self) -> bool {
        matches!(self, Value::Nil)
    }

    /// The text of a keyword, symbol or string: what an operation's `:f` is matched by.
    pub fn name(&self) -> Option<&str> {
        match self {
            Value::Keyword(text) | Value::Symbol(text) | Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of a vector or list.
    pub fn items(&self) -> Option<&[Value]> {
        match self {
            Value::Vector(items) | Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The value behind a keyword key of a map.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Map(entries) => entries.iter().find_map(|(k, v)| {
                matches!(k, Value::Keyword(text) if **text == *key).then_some(v)
            }),
            _ => None,
        }
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::string(value)
    }
}
