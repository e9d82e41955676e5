//! Writing events down: the entries that matter of an operation, as they are read.

use std::mem;

use super::cursor::{Cursor, Read, Unreadable};
use super::events::{Beside, Kind, NO_CLIENT, NOTHING, Piece, Row, UNNUMBERED, place};
use super::pool::Pool;
use crate::value::Value;

/// The entries that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Type,
    Process,
    F,
    Value,
    Error,
    Key,
    /// Different in every event, and so never in a [`Pool`].
    Index,
}

impl Field {
    pub(super) fn named(name: &str) -> Option<Field> {
        Some(match name {
            "index" => Field::Index,
            "type" => Field::Type,
            "process" => Field::Process,
            "f" => Field::F,
            "value" => Field::Value,
            "error" => Field::Error,
            "key" => Field::Key,
            _ => return None,
        })
    }

    /// Whether it holds a name, which is not read as a value is.
    fn is_name(self) -> bool {
        matches!(self, Field::Type | Field::Process | Field::F)
    }
}

/// A piece while it is read.
pub(super) struct Scribe<'t> {
    names: Pool<'t>,
    values: Pool<'t>,
    rows: Vec<Row>,
    indices: Vec<u64>,
    beside: Vec<Beside>,
}

impl<'t> Scribe<'t> {
    /// Nothing is read of this text yet.
    pub(super) fn of(text: &[u8]) -> Scribe<'t> {
        Scribe {
            names: Pool::of(text),
            values: Pool::of(text),
            rows: Vec::new(),
            indices: Vec::new(),
            beside: Vec::new(),
        }
    }

    /// Where what a field holds is kept.
    pub(super) fn pool(&mut self, field: Field) -> &mut Pool<'t> {
        if field.is_name() { &mut self.names } else { &mut self.values }
    }

    /// What a draft holds in a field.
    pub(super) fn get(&self, draft: &Draft, field: Field) -> Option<&Value> {
        let pool = if field.is_name() { &self.names } else { &self.values };
        pool.get(draft.fields[field as usize])
    }

    /// Writes an event down.
    pub(super) fn push(&mut self, cursor: &Cursor<'_>, draft: &Draft) -> Read<()> {
        let row = Row {
            kind: self
                .kind(draft)
                .ok_or_else(|| cursor.refuse("an operation of type invoke, ok, fail or info"))?,
            process: self.process(cursor, draft)?,
            f: draft.fields[Field::F as usize],
            value: draft.fields[Field::Value as usize],
            beside: self.beside(draft),
        };
        let index = match &draft.index {
            None | Some(Value::Nil | Value::Int(-1)) => UNNUMBERED,
            Some(number) => natural(number)
                .filter(|index| *index != UNNUMBERED)
                .ok_or_else(|| cursor.refuse("an index from 0 up"))?,
        };
        self.rows.push(row);
        self.indices.push(index);
        Ok(())
    }

    pub(super) fn kind(&self, draft: &Draft) -> Option<Kind> {
        match self.get(draft, Field::Type)?.name()? {
            "invoke" => Some(Kind::Invoke),
            "ok" => Some(Kind::Ok),
            "fail" => Some(Kind::Fail),
            "info" => Some(Kind::Info),
            _ => None,
        }
    }

    fn process(&self, cursor: &Cursor<'_>, draft: &Draft) -> Read<u64> {
        match self.get(draft, Field::Process) {
            Some(number @ (Value::Int(_) | Value::Big(_))) => {
                let number = natural(number).filter(|number| *number != NO_CLIENT);
                number.ok_or_else(|| cursor.refuse("a process from 0 up"))
            }
            Some(_) => Ok(NO_CLIENT),
            None => Err(cursor.refuse("an operation of some process")),
        }
    }

    fn beside(&mut self, draft: &Draft) -> u32 {
        let [error, key] = [Field::Error, Field::Key].map(|field| draft.fields[field as usize]);
        if error == NOTHING && key == NOTHING {
            return NOTHING;
        }
        self.beside.push(Beside { error, key });
        place(self.beside.len() - 1)
    }

    pub(super) fn done(self) -> Piece {
        Piece {
            rows: self.rows,
            indices: self.indices,
            names: self.names.done(),
            values: self.values.done(),
            beside: self.beside,
        }
    }
}

/// An event while it is being read: where its fields are kept.
pub(super) struct Draft {
    fields: [u32; 6],
    index: Option<Value>,
}

impl Draft {
    pub(super) fn new() -> Draft {
        Draft { fields: [NOTHING; 6], index: None }
    }

    pub(super) fn put(&mut self, cursor: &Cursor<'_>, field: Field, at: u32) -> Read<()> {
        match mem::replace(&mut self.fields[field as usize], at) {
            NOTHING => Ok(()),
            _ => Err(twice(cursor, field)),
        }
    }

    pub(super) fn put_index(&mut self, cursor: &Cursor<'_>, index: Value) -> Read<()> {
        match self.index.replace(index) {
            None => Ok(()),
            Some(_) => Err(twice(cursor, Field::Index)),
        }
    }

    /// Takes the value for the reason why it failed.
    pub(super) fn value_is_the_error(&mut self) {
        let value = mem::replace(&mut self.fields[Field::Value as usize], NOTHING);
        self.fields[Field::Error as usize] = value;
    }
}

fn twice(cursor: &Cursor<'_>, field: Field) -> Unreadable {
    cursor.refuse(format!("no second {field:?} in one operation"))
}

/// A number from 0 up that fits 64 bits.
fn natural(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::Big(digits) => digits.parse().ok(),
        _ => None,
    }
}
