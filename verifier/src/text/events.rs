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
    /// The client's number, or [`NO_CLIENT`].
    process: u64,
    pub(crate) kind: Kind,
    pub(crate) f: Arc<Value>,
    pub(crate) value: Value,
    /// What few events have.
    beside: Option<Box<Beside>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Beside {
    error: Option<Value>,
    /// An entry `:key` beside the value.
    key: Option<Value>,
}

/// The process of whoever is no client.
const NO_CLIENT: u64 = u64::MAX;

impl Event {
    /// The client's number; `None` for whoever is no client.
    pub(crate) fn process(&self) -> Option<u64> {
        (self.process != NO_CLIENT).then_some(self.process)
    }

    pub(crate) fn error(&self) -> Option<&Value> {
        self.beside.as_ref()?.error.as_ref()
    }

    /// An entry `:key` beside the value.
    pub(crate) fn key(&self) -> Option<&Value> {
        self.beside.as_ref()?.key.as_ref()
    }

    /// Takes the value for the reason why it failed.
    pub(super) fn value_is_the_error(&mut self) {
        let error = std::mem::replace(&mut self.value, Value::Nil);
        self.beside.get_or_insert_default().error = Some(error);
    }
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
    fields: [Option<Value>; 6],
    index: Option<Value>,
}

impl Draft {
    pub(super) fn put(&mut self, cursor: &Cursor<'_>, field: Field, value: Value) -> Read<()> {
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
        self.fields[field as usize].as_ref()
    }

    fn take(&mut self, field: Field) -> Option<Value> {
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
                let number = natural(number).filter(|number| *number != NO_CLIENT);
                number.ok_or_else(|| cursor.refuse("a process from 0 up"))?
            }
            Some(_) => NO_CLIENT,
            None => return Err(cursor.refuse("an operation of some process")),
        };
        let index = match &self.index {
            None | Some(Value::Nil | Value::Int(-1)) => UNNUMBERED,
            Some(number) => natural(number)
                .filter(|index| *index != UNNUMBERED)
                .ok_or_else(|| cursor.refuse("an index from 0 up"))?,
        };
        let beside = Beside { error: self.take(Field::Error), key: self.take(Field::Key) };
        let is_bare = beside == Beside::default();
        Ok(Event {
            index,
            process,
            kind,
            f: pool.function(self.take(Field::F).unwrap_or(Value::Nil)),
            value: self.take(Field::Value).unwrap_or(Value::Nil),
            beside: (!is_bare).then(|| Box::new(beside)),
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
