//! The core of a violation as a history of its own.
//!
//! Indices, times, processes and whatever else was recorded stay as they were, so that the rest
//! can be found in the whole. Only what is weaker than it was is written differently, and says so
//! under `:weakened`. A key stands in an entry `:key`, which leaves no doubt that it is one: the
//! vectors of a few compare-and-sets would.

use rustc_hash::FxHashMap;

use crate::history::{History, Independent, KeyOperation, NoKey, Operation, split};
use crate::op::{Kind, Op};
use crate::value::Value;
use crate::verdict::{Core, CoreEnd, CoreOperation};

/// The events of the core of an anomaly that concerns `key`, in order. Judged by what judged the
/// whole, they are invalid.
///
/// # Errors
///
/// When the history was said to be one of independent keys and is not.
pub fn events(
    history: &History,
    independent: Independent,
    key: Option<&Value>,
    core: &Core,
) -> Result<Vec<Op>, NoKey> {
    let of_key = split(history, independent)?.into_iter().flatten();
    let mut stripped: FxHashMap<usize, KeyOperation<'_>> = FxHashMap::default();
    for one in of_key.filter(|one| Some(&one.key) == key) {
        stripped.extend(one.operations().map(|one| (one.operation.invoke, one)));
    }
    let kept: FxHashMap<u64, &CoreOperation> =
        core.operations.iter().map(|one| (one.index, one)).collect();
    let mut events = Vec::new();
    for operation in history.operations().iter() {
        let Some(kept) = kept.get(&history.invocation(&operation).index) else { continue };
        let keyed = stripped.get(&operation.invoke);
        events.extend(Written { history, operation, keyed, key, kept }.events());
    }
    events.sort_by_key(|op| op.index);
    Ok(events)
}

/// An operation on its way into the file.
struct Written<'a> {
    history: &'a History,
    operation: Operation,
    keyed: Option<&'a KeyOperation<'a>>,
    key: Option<&'a Value>,
    kept: &'a CoreOperation,
}

impl Written<'_> {
    fn events(&self) -> Vec<Op> {
        let invocation = self.history.invocation(&self.operation);
        let mut begin = invocation.to_op();
        if let Some(keyed) = self.keyed {
            begin.value = keyed.argument.clone();
        }
        self.mark(&mut begin);
        let end = self.history.completion(&self.operation).map(|completion| {
            let mut end = completion.to_op();
            if let Some(keyed) = self.keyed {
                end.value = keyed.result.cloned().unwrap_or(Value::Nil);
            }
            self.mark(&mut end);
            if let Some(seen) = &self.kept.seen {
                if let Value::Set(all) | Value::Vector(all) | Value::List(all) = &end.value {
                    let was = format!("a set of {}", all.len());
                    weaken(&mut end, &was);
                }
                end.value = seen.clone();
            }
            if self.kept.end == CoreEnd::Open {
                weaken(&mut end, &format!(":{}", completion.kind.word()));
                end.kind = Kind::Info;
                end.value = begin.value.clone();
            }
            end
        });
        std::iter::once(begin).chain(end).collect()
    }

    /// Adds what all events of the operation have.
    fn mark(&self, op: &mut Op) {
        if let Some((f, argument)) = &self.kept.instead {
            weaken(op, &format!("{} {}", op.f, op.value));
            (op.f, op.value) = (f.clone(), argument.clone());
        }
        let known = op.extra.iter().any(|(name, _)| *name == key_name());
        if let Some(key) = self.key.filter(|_| !known) {
            op.extra.push((key_name(), key.clone()));
        }
    }
}

/// Notes what an event was.
fn weaken(op: &mut Op, was: &str) {
    let weakened = Value::keyword("weakened");
    let before = op.extra.iter_mut().find(|(name, _)| *name == weakened);
    match before.map(|(_, before)| before) {
        Some(Value::Str(before)) => *before = format!("{before}, {was}").into(),
        _ => op.extra.push((weakened, Value::string(format!("was {was}")))),
    }
}

fn key_name() -> Value {
    Value::keyword("key")
}
