//! Numbers that are added to: a counter that is read, fetch-and-add, which returns the value
//! before, and add-and-fetch, which returns the one after.

use super::{Call, Class, Model, ModelName, ModelOptions, Requires};
use crate::history::Outcome;
use crate::linear::{Answer, Occurrence};
use crate::special;
use crate::value::Value;
use crate::verdict::Reason;

/// The models `counter`, `fetch-and-add` and `add-and-fetch`.
#[derive(Clone, Debug)]
pub struct Counter {
    name: ModelName,
    initial: Result<i64, String>,
}

/// What can happen to a counter. Sums wrap around.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CounterTransition {
    /// This was added, to this value if it is known.
    Add(i64, Option<i64>),
    /// This was read.
    Read(i64),
}

impl Counter {
    /// A counter that starts with what the options say, or 0.
    pub fn new(name: ModelName, options: &ModelOptions) -> Counter {
        let initial = match &options.init {
            None | Some(Value::Nil) => Ok(0),
            Some(Value::Int(number)) => Ok(*number),
            Some(other) => Err(format!("a counter cannot start with {other}")),
        };
        Counter { name, initial }
    }

    /// How much a call adds.
    fn amount(call: &Call<'_>) -> Result<i64, Reason> {
        let sign = if matches!(call.f.name(), Some("dec")) { -1 } else { 1 };
        match (call.argument, call.f.name()) {
            (Value::Int(amount), _) => Ok(amount.wrapping_mul(sign)),
            (Value::Nil, Some("inc" | "dec")) => Ok(sign),
            (other, _) => Err(Reason::BadValue(format!("{other} cannot be added"))),
        }
    }

    fn before(&self, call: &Call<'_>, amount: i64) -> Result<Option<i64>, Reason> {
        match (self.name, call.outcome, call.result) {
            (ModelName::Counter, ..) | (_, Outcome::Info, _) | (_, _, Value::Nil) => Ok(None),
            (ModelName::AddAndFetch, _, Value::Int(after)) => Ok(Some(after.wrapping_sub(amount))),
            (_, _, Value::Int(before)) => Ok(Some(*before)),
            (.., other) => Err(Reason::BadValue(format!("{other} is no value of a counter"))),
        }
    }
}

impl Model for Counter {
    type State = i64;
    type Transition = CounterTransition;

    fn initial(&self) -> i64 {
        *self.initial.as_ref().unwrap_or(&0)
    }

    fn parse(&mut self, call: &Call<'_>) -> Result<Option<CounterTransition>, Reason> {
        self.initial.as_ref().map_err(|why| Reason::BadValue(why.clone()))?;
        Ok(match (call.f.name(), call.outcome, call.result) {
            (Some("read" | "get"), Outcome::Ok, Value::Int(value)) => {
                Some(CounterTransition::Read(*value))
            }
            (Some("read" | "get"), Outcome::Ok, other) if !other.is_nil() => {
                return Err(Reason::BadValue(format!("{other} is no value of a counter")));
            }
            (Some("read" | "get"), ..) => None,
            (Some("add" | "inc" | "dec" | "fetch-and-add" | "add-and-fetch"), outcome, _) => {
                let amount = Counter::amount(call)?;
                match outcome {
                    Outcome::Fail => None,
                    _ => Some(CounterTransition::Add(amount, self.before(call, amount)?)),
                }
            }
            _ => return Err(Reason::UnknownFunction(call.f.to_string())),
        })
    }

    fn step(&self, state: &i64, transition: &CounterTransition) -> Option<i64> {
        match *transition {
            CounterTransition::Add(_, Some(before)) if before != *state => None,
            CounterTransition::Add(amount, _) => Some(state.wrapping_add(amount)),
            CounterTransition::Read(value) => (value == *state).then_some(value),
        }
    }

    fn class(&self, transition: &CounterTransition) -> Class {
        match transition {
            CounterTransition::Read(_) | CounterTransition::Add(0, _) => Class::Observer,
            CounterTransition::Add(..) => Class::Conditional,
        }
    }

    fn requires(&self, transition: &CounterTransition) -> Requires<i64> {
        match *transition {
            CounterTransition::Read(value) | CounterTransition::Add(_, Some(value)) => {
                Requires::Exactly(value)
            }
            CounterTransition::Add(_, None) => Requires::Anything,
        }
    }

    fn produces(&self, transition: &CounterTransition) -> Option<i64> {
        match *transition {
            CounterTransition::Add(amount, Some(before)) if amount != 0 => {
                Some(before.wrapping_add(amount))
            }
            CounterTransition::Add(..) | CounterTransition::Read(_) => None,
        }
    }

    fn describe(&self, state: &i64) -> Value {
        Value::Int(*state)
    }

    fn refusal(&self, state: &i64, transition: &CounterTransition) -> String {
        match (self.name, *transition) {
            (_, CounterTransition::Read(value)) => {
                format!("read {value}, but the counter is at {state}")
            }
            (ModelName::AddAndFetch, CounterTransition::Add(amount, Some(before))) => {
                let after = before.wrapping_add(amount);
                format!("added {amount} and got {after}, but the counter was at {state}")
            }
            (_, CounterTransition::Add(amount, Some(before))) => {
                format!("added {amount} to {before}, but the counter was at {state}")
            }
            (_, CounterTransition::Add(_, None)) => "adding is always legal".to_owned(),
        }
    }

    fn shows_effect(&self, transition: &CounterTransition) -> bool {
        match *transition {
            CounterTransition::Read(value) | CounterTransition::Add(_, Some(value)) => {
                value != self.initial()
            }
            CounterTransition::Add(_, None) => false,
        }
    }

    fn assumptions(&self) -> Vec<String> {
        let mut assumptions = vec![format!("the counter starts at {}", self.initial())];
        match self.name {
            ModelName::FetchAndAdd => assumptions.push("adding returns the value before".into()),
            ModelName::AddAndFetch => assumptions.push("adding returns the value after".into()),
            _ => {}
        }
        assumptions
    }

    fn procedure(&self, all: &[Occurrence<CounterTransition>]) -> Answer {
        special::numbers(all, self.initial())
    }

    fn sum<'t>(&self, changes: impl Iterator<Item = &'t CounterTransition>) -> Option<i64> {
        let amounts = changes.map(|change| match *change {
            CounterTransition::Add(amount, _) => amount,
            CounterTransition::Read(_) => 0,
        });
        Some(amounts.fold(self.initial(), i64::wrapping_add))
    }

    fn unobserved(&self, transition: &CounterTransition) -> Option<CounterTransition> {
        match *transition {
            CounterTransition::Add(amount, _) => Some(CounterTransition::Add(amount, None)),
            CounterTransition::Read(_) => None,
        }
    }
}
