//! Events: the entries of an operation that a proof can depend on, in few bytes each.
//!
//! A history of millions of events says little that is new in each of them, so what was read is kept
//! in tables, and an event is a row of places in these.

use std::mem;

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

/// The events of a history, in order.
#[derive(Debug, Default)]
pub(crate) struct Events {
    rows: Vec<Row>,
    indices: Indices,
    /// Functions, and whatever else says in a word who does what.
    names: Vec<Value>,
    values: Vec<Value>,
    beside: Vec<Beside>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    /// The client's number, or [`NO_CLIENT`].
    process: u64,
    /// Places in the tables, or [`NOTHING`].
    f: u32,
    value: u32,
    beside: u32,
    kind: Kind,
}

/// What few events have, as places among the values.
#[derive(Clone, Copy, Debug)]
struct Beside {
    error: u32,
    /// An entry `:key` beside the value.
    key: u32,
}

/// The place of what is not there.
const NOTHING: u32 = u32::MAX;

/// The process of whoever is no client.
const NO_CLIENT: u64 = u64::MAX;

static NIL: Value = Value::Nil;

impl Events {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Event<'_>> {
        (0..self.len()).map(|at| self.at(at))
    }

    /// The event at a position.
    pub(crate) fn at(&self, position: usize) -> Event<'_> {
        Event { events: self, row: &self.rows[position], index: self.indices.at(position) }
    }

    /// The position of the event with this index.
    pub(crate) fn position(&self, index: u64) -> Option<usize> {
        match &self.indices {
            Indices::Positions => usize::try_from(index).ok().filter(|at| *at < self.len()),
            Indices::Listed(listed) => listed.binary_search(&index).ok(),
        }
    }

    /// Puts the events of a piece behind those that are here.
    pub(super) fn append(&mut self, mut piece: Piece) {
        for (position, given) in (self.rows.len()..).zip(piece.indices) {
            let counted = || position.checked_sub(1).map_or(0, |last| self.indices.after(last));
            let index = if given == UNNUMBERED { counted() } else { given };
            self.indices.push(position, index);
        }
        let names = moved(&mut self.names, piece.names);
        let values = moved(&mut self.values, piece.values);
        let base = place(self.beside.len());
        self.beside.extend(piece.beside.iter().map(|one| Beside {
            error: shifted(one.error, values),
            key: shifted(one.key, values),
        }));
        for row in &mut piece.rows {
            row.f = shifted(row.f, names);
            row.value = shifted(row.value, values);
            row.beside = shifted(row.beside, base);
        }
        moved(&mut self.rows, piece.rows);
    }
}

impl From<Piece> for Events {
    fn from(piece: Piece) -> Events {
        let mut events = Events::default();
        events.append(piece);
        events
    }
}

/// Puts `more` behind `all`; where it begins there.
fn moved<T>(all: &mut Vec<T>, more: Vec<T>) -> u32 {
    let base = place(all.len());
    if all.is_empty() {
        *all = more;
    } else {
        all.extend(more);
    }
    base
}

fn shifted(at: u32, base: u32) -> u32 {
    if at == NOTHING { NOTHING } else { at + base }
}

/// A place as few bytes; memory is spent long before it does not fit.
pub(super) fn place(at: usize) -> u32 {
    u32::try_from(at).ok().filter(|at| *at < NOTHING).expect("fewer than 2^32 - 1 entries")
}

/// The index of each event: most histories count them.
#[derive(Debug, Default)]
enum Indices {
    /// It is its position.
    #[default]
    Positions,
    Listed(Vec<u64>),
}

impl Indices {
    fn at(&self, position: usize) -> u64 {
        match self {
            Indices::Positions => position as u64,
            Indices::Listed(listed) => listed[position],
        }
    }

    /// What the event behind this position has if it came without an index.
    fn after(&self, position: usize) -> u64 {
        self.at(position).saturating_add(1)
    }

    fn push(&mut self, position: usize, index: u64) {
        match self {
            Indices::Positions if index == position as u64 => {}
            Indices::Positions => {
                let counted = 0..position as u64;
                *self = Indices::Listed(counted.chain([index]).collect());
            }
            Indices::Listed(listed) => listed.push(index),
        }
    }
}

/// One event of a history.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'h> {
    events: &'h Events,
    row: &'h Row,
    pub(crate) index: u64,
}

impl<'h> Event<'h> {
    pub(crate) fn kind(self) -> Kind {
        self.row.kind
    }

    /// The client's number; `None` for whoever is no client.
    pub(crate) fn process(self) -> Option<u64> {
        (self.row.process != NO_CLIENT).then_some(self.row.process)
    }

    pub(crate) fn f(self) -> &'h Value {
        known(&self.events.names, self.row.f).unwrap_or(&NIL)
    }

    pub(crate) fn value(self) -> &'h Value {
        known(&self.events.values, self.row.value).unwrap_or(&NIL)
    }

    pub(crate) fn error(self) -> Option<&'h Value> {
        known(&self.events.values, self.beside()?.error)
    }

    /// An entry `:key` beside the value.
    pub(crate) fn key(self) -> Option<&'h Value> {
        known(&self.events.values, self.beside()?.key)
    }

    fn beside(self) -> Option<&'h Beside> {
        self.events.beside.get(self.row.beside as usize)
    }
}

fn known(table: &[Value], at: u32) -> Option<&Value> {
    if at == NOTHING { None } else { Some(&table[at as usize]) }
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

    /// Whether it holds a name, which is not read as a value is.
    fn is_name(self) -> bool {
        matches!(self, Field::Type | Field::Process | Field::F)
    }
}

/// The index of an event that came without one, until its predecessor is known.
const UNNUMBERED: u64 = u64::MAX;

/// The events of a piece of a text, in order; their places are those in its own tables.
#[derive(Debug)]
pub(super) struct Piece {
    rows: Vec<Row>,
    indices: Vec<u64>,
    names: Vec<Value>,
    values: Vec<Value>,
    beside: Vec<Beside>,
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
