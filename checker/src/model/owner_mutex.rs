//! A lock that knows who holds it; with fencing, every holder gets a token larger than any before.
//!
//! A process whose acquire crashed never does anything again: if it did get the lock, nobody else
//! can have it ever after. So leaving it out explains as much as leaving it in.

use super::{Call, Class, Model, ModelName, Requires};
use crate::history::Outcome;
use crate::linear::{Answer, Occurrence};
use crate::special;
use crate::value::Value;
use crate::verdict::Reason;

/// The models `owner-mutex` and `fenced-mutex`.
#[derive(Clone, Debug)]
pub struct OwnerMutex {
    name: ModelName,
}

/// What can happen to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockTransition {
    /// A process acquired it, with this token if one is known.
    Acquire(u64, Option<i64>),
    /// A process released it.
    Release(u64),
}

/// Who holds it, and the last token that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LockState {
    holder: Option<u64>,
    token: Option<i64>,
}

impl OwnerMutex {
    /// A lock with tokens if `name` says so.
    pub fn new(name: ModelName) -> OwnerMutex {
        OwnerMutex { name }
    }

    /// The token of an acquire: a number, or the `:fence` or `:token` of a map.
    fn token(&self, result: &Value) -> Result<Option<i64>, Reason> {
        let given = ["fence", "token"].into_iter().find_map(|key| result.get(key));
        match given.unwrap_or(result) {
            _ if self.name != ModelName::FencedMutex => Ok(None),
            Value::Int(token) => Ok(Some(*token)),
            Value::Nil => Ok(None),
            other => Err(Reason::BadValue(format!("{other} is no fencing token"))),
        }
    }
}

impl Model for OwnerMutex {
    type State = LockState;
    type Transition = LockTransition;

    fn initial(&self) -> LockState {
        LockState::default()
    }

    fn parse(&mut self, call: &Call<'_>) -> Result<Option<LockTransition>, Reason> {
        Ok(match (call.f.name(), call.outcome) {
            (Some("acquire"), Outcome::Ok) => {
                Some(LockTransition::Acquire(call.process, self.token(call.result)?))
            }
            (Some("acquire"), Outcome::Fail | Outcome::Info) => None,
            (Some("release"), Outcome::Fail) => None,
            (Some("release"), _) => Some(LockTransition::Release(call.process)),
            _ => return Err(Reason::UnknownFunction(call.f.to_string())),
        })
    }

    fn step(&self, state: &LockState, transition: &LockTransition) -> Option<LockState> {
        match *transition {
            LockTransition::Acquire(process, token) => {
                let grows = token.is_none() || token > state.token;
                let next = LockState { holder: Some(process), token: token.or(state.token) };
                (state.holder.is_none() && grows).then_some(next)
            }
            LockTransition::Release(process) => {
                (state.holder == Some(process)).then_some(LockState { holder: None, ..*state })
            }
        }
    }

    fn class(&self, _: &LockTransition) -> Class {
        Class::Conditional
    }

    fn requires(&self, transition: &LockTransition) -> Requires<LockState> {
        let exactly = |holder| Requires::Exactly(LockState { holder, token: None });
        match (self.name, transition) {
            (ModelName::FencedMutex, _) => Requires::Some,
            (_, LockTransition::Acquire(..)) => exactly(None),
            (_, LockTransition::Release(process)) => exactly(Some(*process)),
        }
    }

    fn produces(&self, transition: &LockTransition) -> Option<LockState> {
        match (self.name, *transition) {
            (
                ModelName::FencedMutex,
                LockTransition::Acquire(_, None) | LockTransition::Release(_),
            ) => None,
            (_, LockTransition::Acquire(process, token)) => {
                Some(LockState { holder: Some(process), token })
            }
            (_, LockTransition::Release(_)) => Some(LockState::default()),
        }
    }

    fn describe(&self, state: &LockState) -> Value {
        let number = |process: u64| Value::Int(i64::try_from(process).unwrap_or(i64::MAX));
        let holder = state.holder.map_or(Value::keyword("free"), number);
        match state.token {
            None => holder,
            Some(token) => Value::Vector(vec![holder, Value::Int(token)]),
        }
    }

    fn refusal(&self, state: &LockState, transition: &LockTransition) -> String {
        let held = match state.holder {
            Some(holder) => format!("process {holder} holds it"),
            None => "nobody holds it".to_owned(),
        };
        match (*transition, state.holder, state.token) {
            (LockTransition::Acquire(process, Some(token)), None, Some(last)) => {
                format!("process {process} acquired the lock with token {token} after token {last}")
            }
            (LockTransition::Acquire(process, _), ..) => {
                format!("process {process} acquired the lock, but {held}")
            }
            (LockTransition::Release(process), ..) => {
                format!("process {process} released the lock, but {held}")
            }
        }
    }

    fn procedure(&self, all: &[Occurrence<LockTransition>]) -> Answer {
        special::lock(all)
    }

    fn shows_effect(&self, _: &LockTransition) -> bool {
        // Whoever acquires sees that others have released.
        true
    }

    fn assumptions(&self) -> Vec<String> {
        let mut assumptions = vec![
            "the lock is free at first".to_owned(),
            "only the process that acquired it can release it".to_owned(),
        ];
        if self.name == ModelName::FencedMutex {
            assumptions.push("every token is larger than those before".to_owned());
        }
        assumptions
    }
}
