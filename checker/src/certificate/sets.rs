//! The evidence that a set is not what it should be: one element and one read.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::checks::SetReads;
use crate::checks::object::{Object, Recorded};
use crate::history::Outcome;
use crate::value::Value;

/// One element and one read, by the indices of their invocations.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Evidence {
    /// The read has it, and nobody can have added it.
    Unexpected { element: Value, read: u64 },
    /// The read does not have it, and the witness had shown that it is there.
    Missing { element: Value, read: u64, witness: u64 },
}

/// Looks for the earliest read that shows something wrong. Linear in what was read.
pub(super) fn evidence(object: &Object<'_>, reads: SetReads) -> Option<Evidence> {
    let is = |one: &&Recorded<'_>, f: &str| one.f().name() == Some(f);
    let adds: Vec<&Recorded<'_>> = object.operations.iter().filter(|one| is(one, "add")).collect();
    let mut shown: Vec<Read<'_, '_>> =
        object.operations.iter().filter(|one| is(one, "read")).filter_map(Read::of).collect();
    shown.sort_by_key(|read| read.ended);
    unexpected(&adds, &shown).or_else(|| missing(&adds, &shown, reads))
}

struct Read<'a, 'h> {
    recorded: &'a Recorded<'h>,
    elements: Vec<Value>,
    ended: usize,
}

impl<'a, 'h> Read<'a, 'h> {
    fn of(recorded: &'a Recorded<'h>) -> Option<Read<'a, 'h>> {
        let ended = recorded.acknowledged()?;
        let items = match recorded.result {
            Value::Set(items) | Value::Vector(items) | Value::List(items) => items.as_slice(),
            _ => &[],
        };
        let elements = items.iter().map(Value::canonical).collect();
        Some(Read { recorded, elements, ended })
    }

    fn index(&self) -> u64 {
        self.recorded.index()
    }
}

fn element(add: &Recorded<'_>) -> Value {
    if add.argument.is_nil() { add.result.canonical() } else { add.argument.canonical() }
}

fn unexpected(adds: &[&Recorded<'_>], reads: &[Read<'_, '_>]) -> Option<Evidence> {
    let mut possible: FxHashMap<Value, usize> = FxHashMap::default();
    for add in adds.iter().filter(|add| add.outcome() != Outcome::Fail) {
        possible.entry(element(add)).or_insert(add.invoked());
    }
    reads.iter().find_map(|read| {
        let strange = |one: &&Value| possible.get(*one).is_none_or(|at| *at >= read.ended);
        let element = read.elements.iter().find(strange)?.clone();
        Some(Evidence::Unexpected { element, read: read.index() })
    })
}

fn missing(adds: &[&Recorded<'_>], reads: &[Read<'_, '_>], which: SetReads) -> Option<Evidence> {
    // Of each element, the first operation that showed it, and when.
    let mut witnesses: FxHashMap<Value, (usize, u64)> = FxHashMap::default();
    let mut witness = |element: Value, at: usize, index: u64| {
        let first = witnesses.entry(element).or_insert((at, index));
        *first = (at, index).min(*first);
    };
    let mut last_add = None;
    for add in adds {
        if let Some(ended) = add.acknowledged() {
            witness(element(add), ended, add.index());
            last_add = last_add.max(Some(ended));
        }
    }
    for read in reads {
        read.elements.iter().for_each(|one| witness(one.clone(), read.ended, read.index()));
    }
    let is_final = |read: &&Read<'_, '_>| last_add.is_none_or(|add| read.recorded.invoked() > add);
    let last = reads.iter().rev().find(is_final).map(Read::index);
    let mut known: Vec<(usize, u64, Value)> =
        witnesses.into_iter().map(|(element, (at, index))| (at, index, element)).collect();
    known.sort_unstable();
    reads
        .iter()
        .filter(|read| which == SetReads::Linearizable || Some(read.index()) == last)
        .find_map(|read| {
            let there: FxHashSet<&Value> = read.elements.iter().collect();
            let must = known.iter().take_while(|(at, ..)| *at < read.recorded.invoked());
            let (_, witness, element) = must.clone().find(|(.., one)| !there.contains(one))?;
            Some(Evidence::Missing {
                element: element.clone(),
                read: read.index(),
                witness: *witness,
            })
        })
}
