//! Reading the operations that nearly all histories consist of, without building a value.
//!
//! A flat map of the seven known fields with small numbers, keywords and pairs is read straight
//! into numbers of the columns. A text that was met before in the same window (`:write`, `nil`,
//! `[3 4]`) stands for the same value, so it is looked up by its bytes and neither parsed nor
//! allocated again. Whatever is not quite like that (an escape, a comment, a tag, a ninth entry, an
//! error) is left to the general readers, which start again at the same place: what is read here
//! is read there alike, and what is refused is refused there only, with its place.
//!
//! [`edn`] and [`json`] differ in punctuation only.

mod edn;
mod json;

use std::hash::Hasher;

pub(super) use edn::edn;
pub(super) use json::json;

use rustc_hash::FxHasher;

use super::columns::{Columns, ProcessNumber, Row};
use super::draft::Field;
use super::interner::{Interned, Interner};
use crate::edn::{Cursor, Read};
use crate::op::Kind;
use crate::value::Value;

/// An operation that was read here.
pub(super) struct Quick {
    /// Where it starts in the window.
    pub(super) at: usize,
    /// Its own index, if it has one.
    pub(super) index: Option<u64>,
    pub(super) row: Row,
}

/// Which value a text stands for depends on where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// Where JSON means a keyword by a string.
    Name,
    /// Anywhere else.
    Plain,
    /// As the value of an operation: a vector of two is kept as a pair.
    Operand,
}

/// A text of the window with the value that it stands for.
#[derive(Clone, Copy)]
struct Known {
    begin: u32,
    length: u32,
    sort: Sort,
    id: Interned,
}

/// The texts met so far in one window: a direct-mapped cache, where a miss costs a parsing.
#[derive(Default)]
pub(super) struct Texts {
    slots: Vec<Option<Known>>,
    used: bool,
}

const SLOTS: usize = 4096;

/// Longer texts hardly ever come twice.
const LONGEST: usize = 120;

impl Texts {
    /// Forgets all texts; the next window holds others.
    pub(super) fn clear(&mut self) {
        if self.used {
            self.slots.fill(None);
            self.used = false;
        }
    }

    fn slot(&mut self, text: &[u8], sort: Sort) -> &mut Option<Known> {
        if self.slots.is_empty() {
            self.slots.resize(SLOTS, None);
        }
        self.used = true;
        let mut hasher = FxHasher::default();
        hasher.write(text);
        hasher.write_u8(sort as u8);
        let hash = hasher.finish();
        &mut self.slots[((hash >> 32) ^ hash) as usize % SLOTS]
    }

    /// The number of the value between the cursor and `end`, which `read` reads if it was not met
    /// before; `None` if `read` refuses it or sees another end.
    fn value<'a>(
        &mut self,
        cursor: &mut Cursor<'a>,
        end: usize,
        sort: Sort,
        values: &mut Interner,
        read: impl FnOnce(&mut Cursor<'a>) -> Read<Value>,
    ) -> Option<Interned> {
        let begin = cursor.at;
        let text = cursor.text(begin, end);
        let slot = self.slot(text, sort);
        if let Some(known) = slot
            && known.sort == sort
            && cursor.text(known.begin as usize, (known.begin + known.length) as usize) == text
        {
            cursor.at = end;
            return Some(known.id);
        }
        let value = read(cursor).ok()?;
        if cursor.at != end {
            return None;
        }
        let id = match sort {
            Sort::Operand => values.split(value),
            Sort::Name | Sort::Plain => values.owned(value),
        };
        let length = u32::try_from(end - begin).ok()?;
        *slot = Some(Known { begin: u32::try_from(begin).ok()?, length, sort, id });
        Some(id)
    }
}

/// What is known of an operation so far.
#[derive(Default)]
struct Sketch {
    seen: u8,
    index: Option<u64>,
    time_ns: Option<i64>,
    process: Option<ProcessNumber>,
    kind: Option<Kind>,
    f: Option<Interned>,
    value: Option<Interned>,
    error: Option<Interned>,
}

impl Sketch {
    /// Notes that a field was met; `None` if it was before.
    fn first(&mut self, field: Field) -> Option<()> {
        let bit = 1 << field as u8;
        let new = self.seen & bit == 0;
        self.seen |= bit;
        new.then_some(())
    }

    /// The operation, if it has what it must have.
    fn finish(self, at: usize, rows: &mut Columns) -> Option<Quick> {
        let mut nil = || rows.values.plain(&Value::Nil);
        let row = Row {
            time_ns: self.time_ns.unwrap_or(-1),
            f: self.f.unwrap_or_else(&mut nil),
            value: self.value.unwrap_or_else(&mut nil),
            error: self.error,
            extra: None,
            process: self.process?,
            kind: self.kind?,
        };
        Some(Quick { at, index: self.index, row })
    }
}

/// An index; −1 is how Jepsen spells "not assigned yet".
fn index(cursor: &mut Cursor<'_>) -> Option<Option<u64>> {
    match cursor.small_integer()? {
        -1 => Some(None),
        number => u64::try_from(number).ok().map(Some),
    }
}

fn client(cursor: &mut Cursor<'_>, rows: &mut Columns) -> Option<ProcessNumber> {
    let number = u64::try_from(cursor.small_integer()?).ok()?;
    Some(rows.client(number))
}

fn kind(word: &[u8]) -> Option<Kind> {
    Some(match word {
        b"invoke" => Kind::Invoke,
        b"ok" => Kind::Ok,
        b"fail" => Kind::Fail,
        b"info" => Kind::Info,
        _ => return None,
    })
}

/// Where the string that starts at the cursor ends, if it is a short one without escapes.
fn end_of_string(cursor: &Cursor<'_>) -> Option<usize> {
    let inside = cursor.remaining().get(1..)?;
    let length = inside.iter().take(LONGEST).position(|byte| matches!(byte, b'"' | b'\\'))?;
    (inside[length] == b'"').then_some(cursor.at + length + 2)
}

/// Where the collection that starts at the cursor ends, if it is a short one of simple things.
fn end_of_collection(cursor: &Cursor<'_>) -> Option<usize> {
    let mut depth = 0_u32;
    let mut within_string = false;
    for (at, byte) in cursor.remaining().iter().take(LONGEST).enumerate() {
        match byte {
            b'"' => within_string = !within_string,
            b'\\' => return None,
            _ if within_string => {}
            b';' | b'#' => return None,
            b'[' | b'(' | b'{' => depth += 1,
            b']' | b')' | b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(cursor.at + at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Where the word that starts at the cursor ends.
fn end_of_word(cursor: &mut Cursor<'_>) -> Option<usize> {
    let begin = cursor.at;
    cursor.token().ok()?;
    Some(std::mem::replace(&mut cursor.at, begin))
}

#[cfg(test)]
mod tests;
