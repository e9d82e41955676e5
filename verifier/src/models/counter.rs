//! Numbers that are added to, and read: a counter, and those that return what was there before or
//! is there after. Sums wrap around.
//!
//! *Leaving out.* Every addition shifts everything behind it, so none is left out but that of 0.
//!
//! *Entering in the middle.* What additions leave does not depend on their order, so what had
//! returned before the part begins leaves exactly its sum. An operation that was open then may have
//! happened between those; put behind them it finds another number than it did, so what it found
//! is forgotten, and what it adds is not.

use super::{Asks, Before, Entry, Model, Offers, no_function};
use crate::keys::Operation;
use crate::pairing::Outcome;
use crate::value::Value;

/// What adding returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Returns {
    Nothing,
    Before,
    After,
}

/// What can happen to a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// So much was added, to this number if that is known.
    Add(i64, Option<i64>),
    Read(i64),
}

#[derive(Clone, Debug)]
pub(crate) struct Counter {
    returns: Returns,
    initial: i64,
}

impl Counter {
    pub(crate) fn new(returns: Returns, init: &Value) -> Result<Counter, String> {
        let initial = match init {
            Value::Nil => 0,
            Value::Int(number) => *number,
            other => return Err(format!("a counter cannot start with {other}")),
        };
        Ok(Counter { returns, initial })
    }

    /// What was there before an addition, if it says so.
    fn before(&self, one: &Operation<'_>, amount: i64) -> Result<Option<i64>, String> {
        if self.returns == Returns::Nothing || one.outcome != Outcome::Ok {
            return Ok(None);
        }
        match (one.result, self.returns) {
            (Value::Nil, _) => Ok(None),
            (Value::Int(after), Returns::After) => Ok(Some(after.wrapping_sub(amount))),
            (Value::Int(before), _) => Ok(Some(*before)),
            (other, _) => Err(format!("op {}: {other} is no number", one.index)),
        }
    }
}

fn amount(one: &Operation<'_>) -> Result<i64, String> {
    let sign = if one.f.name() == Some("dec") { -1 } else { 1 };
    match (one.argument, one.f.name()) {
        (Value::Int(amount), _) => Ok(amount.wrapping_mul(sign)),
        (Value::Nil, Some("inc" | "dec")) => Ok(sign),
        (other, _) => Err(format!("op {}: {other} cannot be added", one.index)),
    }
}

impl Model for Counter {
    type State = i64;
    type Step = Step;

    fn assumptions(&self) -> Vec<String> {
        let returns = match self.returns {
            Returns::Nothing => "what adding returns says nothing",
            Returns::Before => "adding returns the value before",
            Returns::After => "adding returns the value after",
        };
        vec![format!("the counter starts at {}", self.initial), returns.to_owned()]
    }

    fn initial(&self) -> i64 {
        self.initial
    }

    fn read(&mut self, one: &Operation<'_>) -> Result<Option<Step>, String> {
        Ok(match (one.f.name(), one.outcome, one.result) {
            (Some("read" | "get"), Outcome::Ok, Value::Int(value)) => Some(Step::Read(*value)),
            (Some("read" | "get"), Outcome::Ok, other) if !other.is_nil() => {
                return Err(format!("op {}: {other} is no number", one.index));
            }
            (Some("read" | "get"), ..) => None,
            (Some("add" | "inc" | "dec" | "fetch-and-add" | "add-and-fetch"), Outcome::Fail, _) => {
                None
            }
            (Some("add" | "inc" | "dec" | "fetch-and-add" | "add-and-fetch"), ..) => {
                let amount = amount(one)?;
                Some(Step::Add(amount, self.before(one, amount)?))
            }
            _ => return Err(no_function(one)),
        })
    }

    fn advance(&self, state: &mut i64, step: &Step) -> bool {
        match *step {
            Step::Add(amount, before) => {
                let fits = before.is_none_or(|before| before == *state);
                *state = state.wrapping_add(amount);
                fits
            }
            Step::Read(value) => value == *state,
        }
    }

    fn asks(&self, step: &Step) -> Asks {
        match step {
            Step::Add(_, None) => Asks::Only(Vec::new()),
            Step::Add(..) | Step::Read(_) => Asks::Everything,
        }
    }

    fn offers(&self, step: &Step) -> Offers {
        match step {
            Step::Read(_) | Step::Add(0, _) => Offers::Nothing,
            Step::Add(..) => Offers::Everything,
        }
    }

    fn entered(&self, before: &[Before<'_, Step>]) -> Option<Vec<i64>> {
        let returned = before.iter().filter(|one| one.returned);
        let sum = returned.fold(self.initial, |sum, one| match *one.step {
            Step::Add(amount, _) => sum.wrapping_add(amount),
            Step::Read(_) => sum,
        });
        Some(vec![sum])
    }

    fn open_at_entry(&self, step: &Step) -> Entry<Step> {
        match *step {
            Step::Add(amount, _) => Entry::StillToCome(Step::Add(amount, None)),
            Step::Read(_) => Entry::Forgotten,
        }
    }

    fn named(&mut self, name: &str) -> Result<i64, String> {
        name.parse().map_err(|_| format!("{name} is no number"))
    }
}
