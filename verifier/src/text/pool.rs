//! The values of a history, each of them once however often it occurs.
//!
//! Most of a history repeats itself to the letter: `:ok`, `nil`, `[3 nil]`. What a short text of
//! letters, digits and square brackets was read as is remembered, and not read again.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::cursor::{Cursor, Read};
use crate::value::Value;

/// Longer texts are read every time.
const BYTES_MAX: usize = 64;

/// See the module. What is remembered was all read by one reader.
#[derive(Default)]
pub(super) struct Pool<'t> {
    known: FxHashMap<&'t [u8], Arc<Value>>,
    others: FxHashSet<Arc<Value>>,
}

impl<'t> Pool<'t> {
    /// Reads the value at the cursor.
    pub(super) fn read(
        &mut self,
        cursor: &mut Cursor<'t>,
        read: impl FnOnce(&mut Cursor<'t>) -> Read<Value>,
    ) -> Read<Arc<Value>> {
        let rest = cursor.rest();
        let Some(length) = plain_length(rest) else {
            return read(cursor).map(|value| self.shared(value));
        };
        let (text, end) = (&rest[..length], cursor.at + length);
        if let Some(known) = self.known.get(text) {
            cursor.at = end;
            return Ok(known.clone());
        }
        let value = Arc::new(read(cursor)?);
        // Remembered if the reader agrees where it ends.
        if cursor.at == end {
            self.known.insert(text, value.clone());
        }
        Ok(value)
    }

    pub(super) fn shared(&mut self, value: Value) -> Arc<Value> {
        if let Some(known) = self.others.get(&value) {
            return known.clone();
        }
        let fresh = Arc::new(value);
        self.others.insert(fresh.clone());
        fresh
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
        let (mut cursor, mut pool) = (Cursor::new(text), Pool::default());
        let mut next = || {
            edn::next(&mut cursor).expect("nothing but blanks");
            let value = pool.read(&mut cursor, edn::value).expect("a value");
            (value, cursor.at)
        };
        let [first, second, set, third] = [next(), next(), next(), next()];
        assert_eq!((first.1, second.1, set.1, third.1), (7, 15, 20, 28));
        assert!(Arc::ptr_eq(&first.0, &second.0) && Arc::ptr_eq(&first.0, &third.0));
        assert_eq!(*first.0, Value::Vector(vec![Value::Int(1), Value::Nil]));
        assert_eq!(*set.0, Value::Set(vec![Value::Int(1)]));
    }
}
