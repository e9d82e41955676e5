//! Values, read into the one spelling of everything that Clojure calls equal: lists are vectors,
//! sets and maps are sorted, an integer that fits 64 bits is one however it was written, and there
//! is no negative zero. So equality here is plain equality, and values can be keys of hash maps.
//! Nothing in them changes once they are read, and a clone shares all of it.

use std::fmt;
use std::sync::Arc;

/// One value of a history.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 bits, in decimal digits.
    Big(Arc<str>),
    /// By its bits, so that what is not a number equals itself.
    Float(u64),
    /// A decimal or a ratio, as written.
    Exact(Arc<str>),
    Char(char),
    Str(Arc<str>),
    Symbol(Arc<str>),
    Keyword(Arc<str>),
    Vector(Arc<[Value]>),
    Map(Arc<[(Value, Value)]>),
    Set(Arc<[Value]>),
    Tagged(Arc<(Box<str>, Value)>),
}

impl Value {
    pub(crate) fn float(number: f64) -> Value {
        let number = if number == 0.0 { 0.0 } else { number };
        Value::Float(number.to_bits())
    }

    /// An integer in decimal digits, perhaps with a sign.
    pub(crate) fn integer(digits: &str) -> Value {
        let plain = digits.strip_prefix('+').unwrap_or(digits);
        match plain.parse() {
            Ok(small) => Value::Int(small),
            Err(_) => Value::Big(plain.into()),
        }
    }

    /// A map; `None` if a key occurs twice, for which of them counts is anybody's guess.
    pub(crate) fn map(mut entries: Vec<(Value, Value)>) -> Option<Value> {
        entries.sort_unstable();
        let unique = entries.windows(2).all(|pair| pair[0].0 != pair[1].0);
        unique.then(|| Value::Map(entries.into()))
    }

    pub(crate) fn vector(items: Vec<Value>) -> Value {
        Value::Vector(items.into())
    }

    pub(crate) fn set(mut items: Vec<Value>) -> Value {
        items.sort_unstable();
        items.dedup();
        Value::Set(items.into())
    }

    pub(crate) fn is_nil(&self) -> bool {
        *self == Value::Nil
    }

    /// The text of a keyword, symbol or string: what functions and types are told apart by.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Value::Keyword(text) | Value::Symbol(text) | Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// What a map has under this keyword.
    pub(crate) fn entry(&self, name: &str) -> Option<&Value> {
        let Value::Map(entries) = self else { return None };
        let named = |key: &Value| matches!(key, Value::Keyword(text) if **text == *name);
        entries.iter().find(|(key, _)| named(key)).map(|(_, value)| value)
    }

    /// The elements of a vector or list.
    pub(crate) fn items(&self) -> Option<&[Value]> {
        match self {
            Value::Vector(items) => Some(items),
            _ => None,
        }
    }
}

/// EDN.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Nil => f.write_str("nil"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Int(value) => write!(f, "{value}"),
            Value::Big(text) => write!(f, "{text}N"),
            Value::Float(bits) => float(f, f64::from_bits(*bits)),
            Value::Exact(text) | Value::Symbol(text) => f.write_str(text),
            Value::Char(one) => character(f, *one),
            Value::Str(text) => string(f, text),
            Value::Keyword(text) => write!(f, ":{text}"),
            Value::Vector(items) => written(f, "[", items, "]"),
            Value::Set(items) => written(f, "#{", items, "}"),
            Value::Map(entries) => {
                f.write_str("{")?;
                for (at, (key, value)) in entries.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}{key} {value}")?;
                }
                f.write_str("}")
            }
            Value::Tagged(tagged) => write!(f, "#{} {}", tagged.0, tagged.1),
        }
    }
}

fn float(f: &mut fmt::Formatter<'_>, number: f64) -> fmt::Result {
    match number {
        _ if number.is_nan() => f.write_str("##NaN"),
        f64::INFINITY => f.write_str("##Inf"),
        f64::NEG_INFINITY => f.write_str("##-Inf"),
        _ => write!(f, "{number:?}"),
    }
}

fn character(f: &mut fmt::Formatter<'_>, one: char) -> fmt::Result {
    match u32::from(one) {
        code @ (0..=0x20 | 0x7f) => write!(f, "\\u{code:04x}"),
        _ => write!(f, "\\{one}"),
    }
}

fn string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for one in text.chars() {
        match one {
            '"' | '\\' => write!(f, "\\{one}")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            '\r' => f.write_str("\\r")?,
            _ => write!(f, "{one}")?,
        }
    }
    f.write_str("\"")
}

fn written(f: &mut fmt::Formatter<'_>, open: &str, items: &[Value], close: &str) -> fmt::Result {
    f.write_str(open)?;
    for (at, item) in items.iter().enumerate() {
        let blank = if at == 0 { "" } else { " " };
        write!(f, "{blank}{item}")?;
    }
    f.write_str(close)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spelled_differently_and_means_the_same_is_equal() {
        assert_eq!(Value::integer("+12"), Value::Int(12));
        assert_eq!(Value::float(-0.0), Value::float(0.0));
        assert_eq!(
            Value::set(vec![Value::Int(2), Value::Int(1), Value::Int(2)]),
            Value::set(vec![Value::Int(1), Value::Int(2)])
        );
        assert_eq!(Value::map(vec![(Value::Nil, Value::Nil), (Value::Nil, Value::Int(1))]), None);
    }
}
