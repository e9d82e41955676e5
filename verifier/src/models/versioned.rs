//! A value whose version grows by one with every change: `read`, `write` and `cas`, whose values are
//! pairs `[version value]`. What an operation was acknowledged with says which version it was, or
//! else what it was invoked with; nil, or a pair with nil, does not say.
//!
//! *Leaving out.* Every change moves the versions behind it, so only observers are left out.

use super::ids::Ids;
use super::register::{Readings, names_mismatch};
use super::{Asks, Model, Offers, no_function};
use crate::keys::Operation;
use crate::pairing::Outcome;
use crate::value::Value;

#[derive(Clone, Debug)]
pub(crate) struct Versioned {
    readings: Readings,
    init: Value,
    initial: u32,
    ids: Ids,
}

/// What can happen to it; versions where they are known. They wrap around.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Read(Option<i64>, u32),
    Write(Option<i64>, u32),
    Cas(Option<i64>, u32, u32),
    /// A compare-and-set found another value than this one.
    Differs(u32),
}

impl Versioned {
    pub(crate) fn new(readings: Readings, init: Value) -> Versioned {
        let mut ids = Ids::default();
        let initial = ids.of(&init);
        Versioned { readings, init, initial, ids }
    }

    fn pair(value: &Value, index: u64) -> Result<(Option<i64>, &Value), String> {
        match (value, value.items()) {
            (Value::Nil, _) => Ok((None, value)),
            (_, Some([Value::Int(version), value])) => Ok((Some(*version), value)),
            (_, Some([Value::Nil, value])) => Ok((None, value)),
            _ => Err(format!("op {index}: {value} is no pair of a version and a value")),
        }
    }

    /// What a change was asked to do, and the version that came of it.
    fn change<'v>(one: &Operation<'v>) -> Result<(Option<i64>, &'v Value), String> {
        let (asked, value) = Versioned::pair(one.argument, one.index)?;
        if one.outcome != Outcome::Ok {
            return Ok((asked, value));
        }
        let (version, result) = Versioned::pair(one.result, one.index)?;
        Ok((version.or(asked), if value.is_nil() { result } else { value }))
    }

    fn cas(&mut self, one: &Operation<'_>) -> Result<Option<Step>, String> {
        let sees = self.readings.observe_failed_cas && one.error.is_none_or(names_mismatch);
        if one.outcome == Outcome::Fail && !sees {
            return Ok(None);
        }
        let (version, change) = Versioned::change(one)?;
        let Some([expected, new]) = change.items() else {
            return Err(format!("op {}: cas needs [expected new], got {change}", one.index));
        };
        let (expected, new) = (self.ids.of(expected), self.ids.of(new));
        Ok(Some(match one.outcome {
            Outcome::Fail => Step::Differs(expected),
            Outcome::Ok | Outcome::Info => Step::Cas(version, expected, new),
        }))
    }
}

impl Model for Versioned {
    /// The version and the value.
    type State = (i64, u32);
    type Step = Step;

    fn assumptions(&self) -> Vec<String> {
        let mut assumptions = vec![format!("the initial value is {}, its version 0", self.init)];
        assumptions.extend(self.readings.assumptions());
        assumptions
    }

    fn initial(&self) -> (i64, u32) {
        (0, self.initial)
    }

    fn read(&mut self, one: &Operation<'_>) -> Result<Option<Step>, String> {
        match (one.f.name(), one.outcome) {
            (Some("read"), Outcome::Ok) => {
                let (version, value) = Versioned::pair(one.result, one.index)?;
                let silent = value.is_nil() && self.readings.nil_unknown;
                Ok((!silent).then(|| Step::Read(version, self.ids.of(value))))
            }
            (Some("read"), _) | (Some("write"), Outcome::Fail) => Ok(None),
            (Some("write"), _) => {
                let (version, value) = Versioned::change(one)?;
                Ok(Some(Step::Write(version, self.ids.of(value))))
            }
            (Some("cas"), _) => self.cas(one),
            _ => Err(no_function(one)),
        }
    }

    fn advance(&self, state: &mut (i64, u32), step: &Step) -> bool {
        let (before, held) = *state;
        let next = before.wrapping_add(1);
        let is = |version: Option<i64>, this: i64| version.is_none_or(|version| version == this);
        match *step {
            Step::Read(version, value) => is(version, before) && held == value,
            Step::Differs(value) => held != value,
            Step::Write(version, value) => {
                *state = (next, value);
                is(version, next)
            }
            Step::Cas(version, expected, value) => {
                *state = (next, value);
                is(version, next) && held == expected
            }
        }
    }

    fn asks(&self, step: &Step) -> Asks {
        match step {
            Step::Write(None, _) => Asks::Only(Vec::new()),
            _ => Asks::Everything,
        }
    }

    fn offers(&self, step: &Step) -> Offers {
        match step {
            Step::Read(..) | Step::Differs(_) => Offers::Nothing,
            Step::Write(..) | Step::Cas(..) => Offers::Everything,
        }
    }
}
