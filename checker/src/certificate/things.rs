//! Things of which an object consists, and which do not depend on each other: the keys of a map, the
//! elements of a set.
//!
//! Of an order that explains the whole, what happens to some of them is an order that explains
//! that; so where one of them alone cannot be explained, the whole cannot. Most violations are
//! about one thing, and its history is short, or has hardly any states.

use rustc_hash::FxHashSet;

use crate::checks::object::{Object, Recorded};
use crate::model::{Call, ModelName};
use crate::value::Value;

/// Looking at every thing may read so many operations, over and over.
const OPERATIONS_MAX: usize = 20_000_000;

/// What operations say of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// They are about one element, or, if they read, about all of them.
    Elements,
    /// They are about one key.
    Keys,
    /// They consist of parts that are about a key each.
    Parts,
}

/// What is left of an operation.
#[derive(Clone, Debug)]
pub(super) enum Said {
    Everything,
    Result(Value),
    Both { argument: Value, result: Value },
}

impl Said {
    /// The operation, as a model reads it.
    pub(super) fn call<'a>(&'a self, recorded: &'a Recorded<'_>) -> Call<'a> {
        match self {
            Said::Everything => recorded.call(),
            Said::Result(result) => Call { result, ..recorded.call() },
            Said::Both { argument, result } => Call { argument, result, ..recorded.call() },
        }
    }
}

impl Kind {
    fn of(model: ModelName) -> Option<Kind> {
        match model {
            ModelName::MutableSet => Some(Kind::Elements),
            ModelName::Map => Some(Kind::Keys),
            ModelName::MultiRegister => Some(Kind::Parts),
            _ => None,
        }
    }

    /// What an operation says of these things; `None` if nothing.
    pub(super) fn says(self, recorded: &Recorded<'_>, things: &[Value]) -> Option<Said> {
        let is_one = |value: &&Value| things.contains(&value.canonical());
        if self == Kind::Elements && recorded.f().name() == Some("read") {
            let seen = elements(recorded.result).iter().filter(is_one).cloned().collect();
            return Some(Said::Result(Value::Set(seen)));
        }
        if self == Kind::Parts {
            let of = |value: &Value| {
                let parts = parts(value).iter();
                let kept = parts.filter(|part| key(part).is_some_and(|key| is_one(&key)));
                Value::Vector(kept.cloned().collect())
            };
            let (argument, result) = (of(recorded.argument), of(recorded.result));
            return Some(Said::Both { argument, result });
        }
        let about_one = self.things(recorded).iter().any(is_one);
        about_one.then_some(Said::Everything)
    }

    /// The things that an operation names.
    fn things<'h>(self, recorded: &Recorded<'h>) -> Vec<&'h Value> {
        match self {
            Kind::Elements if recorded.f().name() == Some("read") => {
                elements(recorded.result).iter().collect()
            }
            Kind::Elements => vec![recorded.argument],
            Kind::Keys => match (recorded.key(), recorded.argument.items()) {
                (Some(key), _) => vec![key],
                (None, Some([key, _])) => vec![key],
                (None, _) => Vec::new(),
            },
            Kind::Parts => parts(recorded.argument).iter().filter_map(key).collect(),
        }
    }
}

/// The parts of a transaction.
fn parts(value: &Value) -> &[Value] {
    value.items().unwrap_or_default()
}

/// The key of a part of a transaction.
fn key(part: &Value) -> Option<&Value> {
    part.items()?.get(1)
}

/// What a read of a set returned.
fn elements(result: &Value) -> &[Value] {
    match result {
        Value::Set(items) | Value::Vector(items) | Value::List(items) => items,
        _ => &[],
    }
}

/// Things to be looked at alone, those of the operation that failed first.
pub(super) fn candidates(
    object: &Object<'_>,
    model: ModelName,
    failed: Option<u64>,
) -> Vec<(Kind, Vec<Value>)> {
    let Some(kind) = Kind::of(model) else { return Vec::new() };
    let is_failed =
        |one: &&Recorded<'_>| one.completion().is_some_and(|end| Some(end.index) == failed);
    let failing = object.operations.iter().filter(is_failed);
    let mut known = FxHashSet::default();
    let mut candidates = Vec::new();
    for one in failing.chain(&object.operations) {
        for thing in kind.things(one) {
            let thing = thing.canonical();
            if known.insert(thing.clone()) {
                candidates.push((kind, vec![thing]));
            }
        }
    }
    candidates.truncate(OPERATIONS_MAX / object.operations.len().max(1));
    candidates
}
