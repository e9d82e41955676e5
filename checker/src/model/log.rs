//! A list that is only appended to, and read as a whole.
//!
//! An append may return its place, as `{:offset 3}` or as a bare number other than what was
//! appended (which repeats the argument, as Jepsen's completions do, and says nothing).
//!
//! As with the strings of a [`Map`](super::Map), a list that is no beginning of anything that was
//! read is forgotten, but for its length: no read is legal any more, whatever it holds. That needs
//! to know all that was read, so a log whose history still grows is remembered as it is.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use super::{Call, Class, Model, Requires, Scope, ValueId, Values};
use crate::history::Outcome;
use crate::linear::{Answer, Occurrence};
use crate::special;
use crate::value::Value;
use crate::verdict::Reason;

/// The model `log`.
#[derive(Clone, Debug)]
pub struct Log {
    values: Values,
    /// `None`: not everything that will be read is known yet.
    observed: Option<BTreeSet<Arc<[ValueId]>>>,
}

impl Default for Log {
    fn default() -> Log {
        Log { values: Values::default(), observed: Some(BTreeSet::new()) }
    }
}

/// What a log holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LogState {
    /// These elements.
    Known(Vec<ValueId>),
    /// So many, of which the reads that there are cannot have seen all.
    Unread(usize),
}

/// What can happen to a log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LogTransition {
    /// This was appended, at this place if it is known.
    Append(ValueId, Option<usize>),
    /// This was read.
    Read(Arc<[ValueId]>),
}

impl Log {
    fn read(&mut self, result: &Value) -> Result<LogTransition, Reason> {
        let items = match (result, result.items()) {
            (_, Some(items)) => items,
            (Value::Nil, _) => &[],
            (other, _) => {
                return Err(Reason::BadValue(format!("a read must return a list, got {other}")));
            }
        };
        let items: Arc<[ValueId]> = items.iter().map(|item| self.values.intern(item)).collect();
        if let Some(observed) = &mut self.observed {
            observed.insert(items.clone());
        }
        Ok(LogTransition::Read(items))
    }

    fn after(&self, items: Vec<ValueId>) -> LogState {
        let Some(observed) = &self.observed else { return LogState::Known(items) };
        let behind = (Bound::Included(items.as_slice()), Bound::Unbounded);
        let next = observed.range::<[ValueId], _>(behind).next();
        match next.is_some_and(|observed| observed.starts_with(&items)) {
            true => LogState::Known(items),
            false => LogState::Unread(items.len()),
        }
    }

    fn list(&self, items: &[ValueId]) -> Value {
        Value::Vector(items.iter().map(|id| self.values.value(*id).clone()).collect())
    }
}

impl LogState {
    fn len(&self) -> usize {
        match self {
            LogState::Known(items) => items.len(),
            LogState::Unread(len) => *len,
        }
    }
}

/// The place that an append returned.
fn offset(argument: &Value, result: &Value) -> Option<usize> {
    match (result.get("offset"), result) {
        (Some(Value::Int(place)), _) => usize::try_from(*place).ok(),
        (None, Value::Int(place)) if result != argument => usize::try_from(*place).ok(),
        _ => None,
    }
}

impl Model for Log {
    type State = LogState;
    type Transition = LogTransition;

    fn initial(&self) -> LogState {
        LogState::Known(Vec::new())
    }

    fn parse(&mut self, call: &Call<'_>) -> Result<Option<LogTransition>, Reason> {
        match (call.f.name(), call.outcome) {
            (Some("append" | "read"), Outcome::Fail) | (Some("read"), Outcome::Info) => Ok(None),
            (Some("append"), outcome) => {
                let place = match outcome {
                    Outcome::Ok => offset(call.argument, call.result),
                    _ => None,
                };
                Ok(Some(LogTransition::Append(self.values.intern(call.argument), place)))
            }
            (Some("read"), Outcome::Ok) => self.read(call.result).map(Some),
            _ => Err(Reason::UnknownFunction(call.f.to_string())),
        }
    }

    fn step(&self, state: &LogState, transition: &LogTransition) -> Option<LogState> {
        match (transition, state) {
            (LogTransition::Append(_, Some(place)), _) if *place != state.len() => None,
            (LogTransition::Append(item, _), LogState::Known(items)) => {
                Some(self.after(items.iter().copied().chain([*item]).collect()))
            }
            (LogTransition::Append(..), LogState::Unread(len)) => Some(LogState::Unread(len + 1)),
            (LogTransition::Read(seen), LogState::Known(items)) if **seen == **items => {
                Some(state.clone())
            }
            (LogTransition::Read(_), _) => None,
        }
    }

    fn class(&self, transition: &LogTransition) -> Class {
        match transition {
            LogTransition::Read(_) => Class::Observer,
            LogTransition::Append(..) => Class::Conditional,
        }
    }

    fn requires(&self, transition: &LogTransition) -> Requires<LogState> {
        match transition {
            LogTransition::Append(_, None) => Requires::Anything,
            LogTransition::Append(_, Some(_)) => Requires::Some,
            LogTransition::Read(items) => Requires::Exactly(LogState::Known(items.to_vec())),
        }
    }

    fn produces(&self, _: &LogTransition) -> Option<LogState> {
        None
    }

    fn describe(&self, state: &LogState) -> Value {
        match state {
            LogState::Known(items) => self.list(items),
            LogState::Unread(len) => {
                let length = Value::Int(i64::try_from(*len).unwrap_or(i64::MAX));
                Value::Map(vec![(Value::keyword("length"), length)])
            }
        }
    }

    fn refusal(&self, state: &LogState, transition: &LogTransition) -> String {
        match transition {
            LogTransition::Append(item, place) => {
                let (item, place) = (self.values.value(*item), place.unwrap_or(state.len()));
                format!("appended {item} at {place}, but the log has {} elements", state.len())
            }
            LogTransition::Read(items) => match state {
                LogState::Known(held) => {
                    format!("read {}, but the log holds {}", self.list(items), self.list(held))
                }
                LogState::Unread(len) => {
                    format!("read {}, but the log holds {len} others", self.list(items))
                }
            },
        }
    }

    fn procedure(&self, all: &[Occurrence<LogTransition>]) -> Answer {
        special::log(all, &self.values)
    }

    fn shows_effect(&self, transition: &LogTransition) -> bool {
        match transition {
            LogTransition::Append(_, place) => place.is_some_and(|place| place > 0),
            LogTransition::Read(items) => !items.is_empty(),
        }
    }

    fn assumptions(&self) -> Vec<String> {
        vec!["the log is empty at first".to_owned()]
    }

    fn go_online(&mut self, _: Scope) -> Result<(), Reason> {
        self.observed = None;
        Ok(())
    }

    fn footprint(&self, state: &LogState) -> usize {
        let items = match state {
            LogState::Known(items) => size_of_val(items.as_slice()),
            LogState::Unread(_) => 0,
        };
        size_of_val(state) + items
    }
}
