//! Events: the entries of an operation that a proof can depend on.

use std::collections::HashSet;
use std::rc::Rc;

use super::cursor::{Cursor, Read};
use crate::value::Value;

/// What an event says of its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Invoke,
    Ok,
    Fail,
    Info,
}

/// The values of a history, each of them once however often it occurs.
#[derive(Default)]
pub(super) struct Pool(HashSet<Rc<Value>>);

impl Pool {
    pub(super) fn shared(&mut self, value: Value) -> Rc<Value> {
        if let Some(known) = self.0.get(&value) {
            return known.clone();
        }
        let fresh = Rc::new(value);
        self.0.insert(fresh.clone());
        fresh
    }
}

/// One event of a history.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) index: u64,
    /// The client's number; `None` for whoever is no client.
    pub(crate) process: Option<u64>,
    pub(crate) kind: Kind,
    pub(crate) f: Rc<Value>,
    pub(crate) value: Rc<Value>,
    pub(crate) error: Option<Rc<Value>>,
    /// An entry `:key` beside the value.
    pub(crate) key: Option<Rc<Value>>,
}

/// The entries that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Index,
    Type,
    Process,
    F,
    Value,
    Error,
    Key,
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

/// An event while it is being read.
#[derive(Default)]
pub(super) struct Draft {
    fields: [Option<Value>; 7],
}

impl Draft {
    /// Takes in an entry; those of other names do not matter.
    pub(super) fn set(&mut self, cursor: &Cursor<'_>, name: &str, value: Value) -> Read<()> {
        match Field::named(name) {
            Some(field) => self.put(cursor, field, value),
            None => Ok(()),
        }
    }

    pub(super) fn put(&mut self, cursor: &Cursor<'_>, field: Field, value: Value) -> Read<()> {
        match self.fields[field as usize].replace(value) {
            None => Ok(()),
            Some(_) => Err(cursor.refuse(format!("no second {field:?} in one operation"))),
        }
    }

    pub(super) fn get(&self, field: Field) -> Option<&Value> {
        self.fields[field as usize].as_ref()
    }

    pub(super) fn get_mut(&mut self, field: Field) -> Option<&mut Value> {
        self.fields[field as usize].as_mut()
    }

    fn take(&mut self, field: Field) -> Option<Value> {
        self.fields[field as usize].take()
    }

    /// The event; one without an index comes right after the one before.
    pub(super) fn finish(
        mut self,
        cursor: &Cursor<'_>,
        before: Option<&Event>,
        pool: &mut Pool,
    ) -> Read<Event> {
        let kind = match self.get(Field::Type).and_then(Value::name) {
            Some("invoke") => Kind::Invoke,
            Some("ok") => Kind::Ok,
            Some("fail") => Kind::Fail,
            Some("info") => Kind::Info,
            _ => return Err(cursor.refuse("an operation of type invoke, ok, fail or info")),
        };
        let process = match self.take(Field::Process) {
            Some(Value::Int(number)) => Some(u64::try_from(number).ok()),
            Some(Value::Big(digits)) => Some(digits.parse().ok()),
            Some(_) => None,
            None => return Err(cursor.refuse("an operation of some process")),
        };
        let process = match process {
            Some(None) => return Err(cursor.refuse("a process from 0 up")),
            Some(number) => number,
            None => None,
        };
        let index = match self.take(Field::Index) {
            None | Some(Value::Nil | Value::Int(-1)) => None,
            Some(Value::Int(number)) => Some(u64::try_from(number).ok()),
            Some(Value::Big(digits)) => Some(digits.parse().ok()),
            Some(_) => Some(None),
        };
        let index = match index {
            Some(None) => return Err(cursor.refuse("an index from 0 up")),
            Some(Some(index)) => index,
            None => before.map_or(0, |event| event.index.saturating_add(1)),
        };
        Ok(Event {
            index,
            process,
            kind,
            f: pool.shared(self.take(Field::F).unwrap_or(Value::Nil)),
            value: pool.shared(self.take(Field::Value).unwrap_or(Value::Nil)),
            error: self.take(Field::Error).map(|value| pool.shared(value)),
            key: self.take(Field::Key).map(|value| pool.shared(value)),
        })
    }
}
