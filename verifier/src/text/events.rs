//! Events: the entries of an operation that a proof can depend on.

use std::sync::Arc;

use super::cursor::{Cursor, Read, Unreadable};
use super::pool::Pool;
use crate::value::Value;

/// What an event says of its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Invoke,
    Ok,
    Fail,
    Info,
}

/// One event of a history.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) index: u64,
    /// The client's number; `None` for whoever is no client.
    pub(crate) process: Option<u64>,
    pub(crate) kind: Kind,
    pub(crate) f: Arc<Value>,
    pub(crate) value: Arc<Value>,
    pub(crate) error: Option<Arc<Value>>,
    /// An entry `:key` beside the value.
    pub(crate) key: Option<Arc<Value>>,
}

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
}

/// The index of an event that came without one, until all are read.
const UNNUMBERED: u64 = u64::MAX;

/// Numbers the events that came without an index: such a one comes right after the one before.
pub(super) fn number(events: &mut [Event]) {
    let mut next = 0;
    for event in events {
        if event.index == UNNUMBERED {
            event.index = next;
        }
        next = event.index.saturating_add(1);
    }
}

/// An event while it is being read.
#[derive(Default)]
pub(super) struct Draft {
    fields: [Option<Arc<Value>>; 6],
    index: Option<Value>,
}

impl Draft {
    pub(super) fn put(&mut self, cursor: &Cursor<'_>, field: Field, value: Arc<Value>) -> Read<()> {
        match self.fields[field as usize].replace(value) {
            None => Ok(()),
            Some(_) => Err(twice(cursor, field)),
        }
    }

    pub(super) fn put_index(&mut self, cursor: &Cursor<'_>, index: Value) -> Read<()> {
        match self.index.replace(index) {
            None => Ok(()),
            Some(_) => Err(twice(cursor, Field::Index)),
        }
    }

    pub(super) fn get(&self, field: Field) -> Option<&Value> {
        self.fields[field as usize].as_deref()
    }

    fn take(&mut self, field: Field) -> Option<Arc<Value>> {
        self.fields[field as usize].take()
    }

    pub(super) fn finish(mut self, cursor: &Cursor<'_>, pool: &mut Pool<'_>) -> Read<Event> {
        let kind = match self.get(Field::Type).and_then(Value::name) {
            Some("invoke") => Kind::Invoke,
            Some("ok") => Kind::Ok,
            Some("fail") => Kind::Fail,
            Some("info") => Kind::Info,
            _ => return Err(cursor.refuse("an operation of type invoke, ok, fail or info")),
        };
        let process = match self.get(Field::Process) {
            Some(number @ (Value::Int(_) | Value::Big(_))) => {
                let number = natural(number);
                Some(number.ok_or_else(|| cursor.refuse("a process from 0 up"))?)
            }
            Some(_) => None,
            None => return Err(cursor.refuse("an operation of some process")),
        };
        let index = match &self.index {
            None | Some(Value::Nil | Value::Int(-1)) => UNNUMBERED,
            Some(number) => natural(number)
                .filter(|index| *index != UNNUMBERED)
                .ok_or_else(|| cursor.refuse("an index from 0 up"))?,
        };
        Ok(Event {
            index,
            process,
            kind,
            f: self.take(Field::F).unwrap_or_else(|| pool.shared(Value::Nil)),
            value: self.take(Field::Value).unwrap_or_else(|| pool.shared(Value::Nil)),
            error: self.take(Field::Error),
            key: self.take(Field::Key),
        })
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
