//! The values of a history, most of them once however often they occur.
//!
//! Most of a history repeats itself to the letter, and soon: `:ok`, `nil`, `[3 nil]`. What a short
//! text of letters, digits and square brackets was read as is remembered, until another text needs its
//! place. What is longer is remembered for good, once it was read.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::cursor::{Cursor, Read};
use crate::value::Value;

/// Longer texts are read every time.
const BYTES_MAX: usize = 64;

/// How many short texts are remembered at most: as many as fit what is near to a core.
const PLACES_MAX: usize = 1 << 14;

/// See the module. What is remembered was all read by one reader.
pub(super) struct Pool<'t> {
    /// Each text at the place that its hash says; a power of two of them.
    known: Vec<(&'t [u8], Value)>,
    others: FxHashSet<Value>,
    functions: FxHashMap<Value, Arc<Value>>,
}

impl<'t> Pool<'t> {
    /// Nothing is remembered of this text yet.
    pub(super) fn of(text: &[u8]) -> Pool<'t> {
        let places = (text.len() / 16).next_power_of_two().min(PLACES_MAX);
        Pool {
            known: vec![(&[], Value::Nil); places],
            others: FxHashSet::default(),
            functions: FxHashMap::default(),
        }
    }

    /// Reads the value at the cursor.
    pub(super) fn read(
        &mut self,
        cursor: &mut Cursor<'t>,
        read: impl FnOnce(&mut Cursor<'t>) -> Read<Value>,
    ) -> Read<Value> {
        let rest = cursor.rest();
        let Some(length) = plain_length(rest) else {
            return read(cursor).map(|value| self.shared(value));
        };
        let (text, end) = (&rest[..length], cursor.at + length);
        let place = FxBuildHasher.hash_one(text) as usize % self.known.len();
        let (known, value) = &self.known[place];
        if *known == text {
            cursor.at = end;
            return Ok(value.clone());
        }
        let value = read(cursor)?;
        // Remembered if the reader agrees where it ends.
        if cursor.at == end {
            self.known[place] = (text, value.clone());
        }
        Ok(value)
    }

    pub(super) fn shared(&mut self, value: Value) -> Value {
        if let Some(known) = self.others.get(&value) {
            return known.clone();
        }
        self.others.insert(value.clone());
        value
    }

    /// What is done is named in every event, and seldom anew.
    pub(super) fn function(&mut self, f: Value) -> Arc<Value> {
        self.functions.entry(f).or_insert_with_key(|f| Arc::new(f.clone())).clone()
    }
}

/// Whether the value at the beginning of a text is one whose text is remembered: no string is in
/// it, unless it is one.
pub(super) fn is_plain(text: &[u8]) -> bool {
    plain_length(text).is_some()
}

/// The length of the value at the beginning of a text, where it can be seen at once: a word, a
/// string without escapes, or a vector of words. Such a text means the same wherever it stands.
fn plain_length(text: &[u8]) -> Option<usize> {
    if let [b'"', inner @ ..] = text {
        let end = inner.iter().take(BYTES_MAX).position(|byte| matches!(byte, b'"' | b'\\'))?;
        return (inner[end] == b'"').then_some(end + 2);
    }
    let mut depth = 0;
    for (at, byte) in text.iter().take(BYTES_MAX).enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b':' | b'-' | b'_' | b'.' => {}
            b'[' if at == 0 || depth > 0 => depth += 1,
            b']' if depth == 1 => return Some(at + 1),
            b']' if depth > 1 => depth -= 1,
            b' ' | b',' if depth > 0 => {}
            b' ' | b',' | b'}' | b']' | b'\t' | b'\n' if at > 0 && depth == 0 => return Some(at),
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::edn;
    use super::*;

    fn length(text: &str) -> Option<usize> {
        plain_length(text.as_bytes())
    }

    #[test]
    fn only_what_ends_for_certain_is_plain() {
        assert_eq!(length(":ok, :f"), Some(3));
        assert_eq!(length("-1}"), Some(2));
        assert_eq!(length("[1 [2, nil]]}"), Some(12));
        assert_eq!(length("\"a b\","), Some(5));
        for text in [
            "",
            ":ok",
            " 1 ",
            "[1",
            "[1 \"]\"] ",
            "\"a\\\"\" ",
            "#{1} ",
            "{} ",
            "1;",
            "a[1] ",
            "(1) ",
        ] {
            assert_eq!(length(text), None, "{text}");
        }
        assert_eq!(length(&format!("{} ", "a".repeat(BYTES_MAX))), None);
    }

    #[test]
    fn what_is_remembered_is_what_was_read_and_as_far() {
        let text = b"[1 nil] [1 nil] #{1} [1 nil] x";
        let (mut cursor, mut pool) = (Cursor::new(text), Pool::of(text));
        let mut next = || {
            edn::next(&mut cursor).expect("nothing but blanks");
            let value = pool.read(&mut cursor, edn::value).expect("a value");
            (value, cursor.at)
        };
        let [first, second, set, third] = [next(), next(), next(), next()];
        assert_eq!((first.1, second.1, set.1, third.1), (7, 15, 20, 28));
        let at = |value: &Value| value.items().map(<[Value]>::as_ptr);
        assert!(at(&first.0) == at(&second.0) && at(&first.0) == at(&third.0));
        assert_eq!(first.0, Value::vector(vec![Value::Int(1), Value::Nil]));
        assert_eq!(set.0, Value::set(vec![Value::Int(1)]));
    }
}
