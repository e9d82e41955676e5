//! The values of a history, most of them once however often they occur.
//!
//! Most of a history repeats itself to the letter, and soon: `:ok`, `nil`, `[3 nil]`. What a short
//! text of letters, digits and square brackets was read as is remembered, until another text needs its
//! place. What is longer is remembered for good, once it was read.

use std::hash::BuildHasher as _;

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::cursor::{Cursor, Read};
use super::events::place;
use crate::value::Value;

/// Longer texts are read every time.
const BYTES_MAX: usize = 64;

/// How many short texts are remembered at most: as many as fit what is near to a core.
const PLACES_MAX: usize = 1 << 14;

/// See the module. What is remembered was all read by one reader.
pub(super) struct Pool<'t> {
    /// Each text, and where its value is, at the place that its hash says; a power of two of them.
    known: Vec<(&'t [u8], u32)>,
    others: FxHashMap<Value, u32>,
    values: Vec<Value>,
}

impl<'t> Pool<'t> {
    /// Nothing is remembered of this text yet.
    pub(super) fn of(text: &[u8]) -> Pool<'t> {
        let places = (text.len() / 16).next_power_of_two().min(PLACES_MAX);
        Pool { known: vec![(&[], 0); places], others: FxHashMap::default(), values: Vec::new() }
    }

    /// Reads the value at the cursor; where it is kept.
    pub(super) fn read(
        &mut self,
        cursor: &mut Cursor<'t>,
        read: impl FnOnce(&mut Cursor<'t>) -> Read<Value>,
    ) -> Read<u32> {
        let rest = cursor.rest();
        let Some(length) = plain_length(rest) else {
            return read(cursor).map(|value| self.shared(value));
        };
        let (text, end) = (&rest[..length], cursor.at + length);
        let slot = FxBuildHasher.hash_one(text) as usize % self.known.len();
        let (known, at) = self.known[slot];
        if known == text {
            cursor.at = end;
            return Ok(at);
        }
        let at = self.kept(read(cursor)?);
        // Remembered if the reader agrees where it ends.
        if cursor.at == end {
            self.known[slot] = (text, at);
        }
        Ok(at)
    }

    /// Where a value is kept from now on, or was before.
    pub(super) fn shared(&mut self, value: Value) -> u32 {
        if let Some(at) = self.others.get(&value) {
            return *at;
        }
        let at = self.kept(value.clone());
        self.others.insert(value, at);
        at
    }

    fn kept(&mut self, value: Value) -> u32 {
        self.values.push(value);
        place(self.values.len() - 1)
    }

    /// What is kept at a place, if it is one.
    pub(super) fn get(&self, at: u32) -> Option<&Value> {
        self.values.get(at as usize)
    }

    /// All that is kept, by place.
    pub(super) fn done(self) -> Vec<Value> {
        self.values
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
            let at = pool.read(&mut cursor, edn::value).expect("a value");
            (at, cursor.at)
        };
        assert_eq!([next(), next(), next(), next()], [(0, 7), (0, 15), (1, 20), (0, 28)]);
        let pair = Value::vector(vec![Value::Int(1), Value::Nil]);
        assert_eq!(pool.done(), [pair, Value::set(vec![Value::Int(1)])]);
    }
}
