//! Events: the entries of an operation that a proof can depend on, in few bytes each.
//!
//! A history of millions of events says little that is new in each of them, so what was read is kept
//! in tables, and an event is a row of places in these.

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

/// An event as it is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// The client's number, or [`NO_CLIENT`].
    pub(super) process: u64,
    /// Places in the tables, or [`NOTHING`].
    pub(super) f: u32,
    pub(super) value: u32,
    pub(super) beside: u32,
    pub(super) kind: Kind,
}

/// What few events have, as places among the values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beside {
    pub(super) error: u32,
    /// An entry `:key` beside the value.
    pub(super) key: u32,
}

/// The place of what is not there.
pub(super) const NOTHING: u32 = u32::MAX;

/// The process of whoever is no client.
pub(super) const NO_CLIENT: u64 = u64::MAX;

/// The index of an event that came without one, until its predecessor is known.
pub(super) const UNNUMBERED: u64 = u64::MAX;

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
    // Every place in `more` must fit, too.
    place(all.len() + more.len());
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

/// The events of a piece of a text, in order; their places are those in its own tables.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) rows: Vec<Row>,
    pub(super) indices: Vec<u64>,
    pub(super) names: Vec<Value>,
    pub(super) values: Vec<Value>,
    pub(super) beside: Vec<Beside>,
}
