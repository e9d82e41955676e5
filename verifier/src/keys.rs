//! One history over many objects, taken apart by key.
//!
//! Linearizability is local: a history is linearizable exactly if each object's part of it is. What
//! makes two operations work on the same object is a reading, which the certificate states: the
//! value is `[key value]` ([`Keys::Tuple`]), or an entry `:key` says so ([`Keys::Entry`]).

use std::hint::black_box;
use std::ops::Range;

use rustc_hash::FxHashMap;
use thiserror::Error;

use crate::pairing::{Outcome, Paired};
use crate::text::{Event, Events, Kind};
use crate::threads::{self, cores};
use crate::value::Value;

/// How objects are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// There is one object.
    One,
    Tuple,
    Entry,
}

impl Keys {
    pub(crate) fn named(name: &str) -> Option<Keys> {
        match name {
            "none" => Some(Keys::One),
            "tuple" => Some(Keys::Tuple),
            "entry" => Some(Keys::Entry),
            _ => None,
        }
    }

    /// The assumption in words.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Keys::One => "the whole history is about one object",
            Keys::Tuple => "each key is an object of its own; values are pairs [key value]",
            Keys::Entry => "each key is an object of its own; the entry :key names it",
        }
    }
}

/// An operation on one object.
#[derive(Clone, Debug)]
pub(crate) struct Operation<'h> {
    /// The index of its invocation, by which certificates name it.
    pub(crate) index: u64,
    pub(crate) f: &'h Value,
    /// What it was done to, where that is known beside the values: nil where objects are told
    /// apart, or else an entry `:key`. `None`: if there are keys, the values name them.
    pub(crate) key: Option<&'h Value>,
    /// The value of the invocation, without the key.
    pub(crate) argument: &'h Value,
    /// The value of the completion, without the key; nil without one.
    pub(crate) result: &'h Value,
    pub(crate) error: Option<&'h Value>,
    pub(crate) outcome: Outcome,
    pub(crate) process: u64,
    /// Position of the invocation in the history.
    pub(crate) invoked: usize,
    /// Position and index of the completion.
    pub(crate) completed: Option<(usize, u64)>,
}

/// What happened to one object, in the order of invocations.
#[derive(Clone, Debug)]
pub(crate) struct Object<'h> {
    pub(crate) key: Option<&'h Value>,
    record: Record<'h>,
    /// Which operations of the record.
    members: Vec<u32>,
}

/// Everything that happened.
#[derive(Clone, Copy, Debug)]
struct Record<'h> {
    events: &'h Events,
    operations: &'h [Paired],
    keys: Keys,
}

impl<'h> Object<'h> {
    /// Its operations, put together one by one: all at once would take more than the history.
    pub(crate) fn operations(&self) -> impl Iterator<Item = Operation<'h>> {
        let record = self.record;
        self.members.chunks(TOGETHER).flat_map(move |some| {
            record.touch(some.iter().map(|at| *at as usize));
            let operations = some.iter().map(move |at| record.operation(*at as usize));
            operations.map(|operation| operation.expect("it was taken apart by its key").1)
        })
    }
}

/// How many operations are touched before the first of them is read.
const TOGETHER: usize = 64;

impl<'h> Record<'h> {
    /// Looks at what makes up these operations, which are far apart in memory where there are many
    /// objects. No look depends on another one, so that the processor waits for many at once; those
    /// that read them afterwards do.
    fn touch(self, some: impl Iterator<Item = usize> + Clone) {
        let events = some.flat_map(|at| {
            let one = self.operations[at];
            [Some(one.invoked()), one.completed()].into_iter().flatten()
        });
        for at in events.clone() {
            black_box(self.events.at(at).kind());
        }
        for at in events {
            let last = self.events.at(at).value().items().and_then(<[Value]>::last);
            black_box(last.map(Value::is_nil));
        }
    }

    fn operation(self, at: usize) -> Result<(Option<&'h Value>, Operation<'h>), NoKey> {
        let one = self.operations[at];
        let invocation = self.events.at(one.invoked());
        let no_key = NoKey { index: invocation.index };
        let (key, argument) = keyed(invocation, self.keys).ok_or(no_key)?;
        let completion = one.completed().map(|at| self.events.at(at));
        let result = completion.map_or(Ok(&NIL), |event| result(event, key, self.keys))?;
        let beside = if self.keys == Keys::One { invocation.key() } else { Some(&NIL) };
        let operation = Operation {
            index: invocation.index,
            f: invocation.f(),
            key: beside,
            argument,
            result,
            error: completion.and_then(Event::error),
            outcome: one.outcome,
            process: invocation.process().unwrap_or_default(),
            invoked: one.invoked(),
            completed: one.completed().zip(completion.map(|event| event.index)),
        };
        Ok((key, operation))
    }
}

/// An operation without the key that the reading wants it to have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("op {index} has no key, or another one than its invocation")]
pub(crate) struct NoKey {
    index: u64,
}

static NIL: Value = Value::Nil;

/// The objects, in the order of their first operations.
pub(crate) fn split<'h>(
    events: &'h Events,
    operations: &'h [Paired],
    keys: Keys,
) -> Result<Vec<Object<'h>>, NoKey> {
    let record = Record { events, operations, keys };
    let key_of = |at| Ok(record.operation(at)?.0);
    let keys_of = |range: Range<usize>| range.map(key_of).collect::<Result<Vec<_>, _>>();
    let mut objects: Vec<Object<'h>> = Vec::new();
    let mut numbers: FxHashMap<Option<&Value>, usize> = FxHashMap::default();
    let (mut next, mut refused) = (0, None);
    let ranges = ranges(operations.len());
    threads::each(cores().min(ranges.len()), ranges, keys_of, |keys| {
        let keys = keys.unwrap_or_else(|error| {
            refused.get_or_insert(error);
            Vec::new()
        });
        for key in keys {
            let number = *numbers.entry(key).or_insert_with(|| {
                objects.push(Object { key, record, members: Vec::new() });
                objects.len() - 1
            });
            objects[number].members.push(next);
            next += 1;
        }
    });
    refused.map_or(Ok(objects), Err)
}

/// Parts of so many operations that are worth a thread each.
fn ranges(count: usize) -> impl ExactSizeIterator<Item = Range<usize>> {
    const EACH: usize = 10_000;
    (0..count).step_by(EACH).map(move |from| from..count.min(from + EACH))
}

/// The key and the value without it; `None` where there should be a key and is none.
fn keyed(event: Event<'_>, keys: Keys) -> Option<(Option<&Value>, &Value)> {
    match keys {
        Keys::One => Some((None, event.value())),
        Keys::Entry => Some((Some(event.key()?), event.value())),
        Keys::Tuple => match event.value().items()? {
            [key, value] if !key.is_nil() => Some((Some(key), value)),
            _ => None,
        },
    }
}

/// What a completion says. One that failed or is unknown need not repeat the key; its value then
/// says nothing. An acknowledged one may leave out a `:key` entry, but not contradict it.
fn result<'h>(event: Event<'h>, key: Option<&Value>, keys: Keys) -> Result<&'h Value, NoKey> {
    let says = match keyed(event, keys) {
        Some((same, value)) if same == key => Some(value),
        None if keys == Keys::Entry => Some(event.value()),
        _ => None,
    };
    match says {
        Some(value) => Ok(value),
        None if event.kind() == Kind::Ok => Err(NoKey { index: event.index }),
        None => Ok(&NIL),
    }
}
