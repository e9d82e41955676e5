//! A single value: `read`, `write` and, as a `cas-register`, `cas [expected new]`.
//!
//! *Leaving out.* What an operation changes is the value, and it offers the value that it leaves.
//! Suppose that no remaining operation asks for that value, nor for "another value than …". Take
//! any legal order and strike the operation out. Whatever stands between it and the next change of
//! value had to be legal at a value that nobody asks for, so it is a blind write or was struck out
//! as well; and a blind write is legal everywhere. So the rest is still legal.
//!
//! An operation that does offer what a remaining one asks for may still be left out if that one
//! cannot have seen it: because it began later, or because somebody else's change lies between the
//! two for certain. What the remaining one found was left by the last change before it, and that
//! is still there.
//!
//! *Forgetting.* For the same reason all values that nobody asks for may be taken for one, *other*:
//! a step that was legal stays legal.

use super::ids::Ids;
use super::{Asks, Before, Model, Offers, no_function, replace};
use crate::keys::Operation;
use crate::pairing::Outcome;
use crate::value::Value;

/// A value, by the order in which it was first seen; 0 is *other*.
pub(crate) type Id = u32;

const OTHER: Id = 0;

/// What can happen to a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Read(Id),
    Write(Id),
    Cas(Id, Id),
    /// A compare-and-set found another value than this one.
    Differs(Id),
}

/// The readings of a register history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Readings {
    /// Whether `cas` is a function of the model.
    pub(crate) has_cas: bool,
    /// Whether a read of nil says nothing.
    pub(crate) nil_unknown: bool,
    /// Whether a compare-and-set that failed by comparison saw another value.
    pub(crate) observe_failed_cas: bool,
}

impl Readings {
    /// They in words.
    pub(super) fn assumptions(self) -> impl Iterator<Item = String> {
        let nil = match self.nil_unknown {
            true => "a read of nil says nothing",
            false => "a read of nil is a read of that value",
        };
        let cas = match self.observe_failed_cas {
            true => "a cas that failed by comparison saw another value",
            false => "a failed cas says only that it did not happen",
        };
        [Some(nil), self.has_cas.then_some(cas)].into_iter().flatten().map(str::to_owned)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Register {
    readings: Readings,
    init: Value,
    initial: Id,
    ids: Ids,
}

impl Register {
    pub(crate) fn new(readings: Readings, init: Value) -> Register {
        let mut register =
            Register { readings, init: init.clone(), initial: OTHER, ids: Ids::default() };
        register.initial = register.id(&init);
        register
    }

    fn id(&mut self, value: &Value) -> Id {
        1 + self.ids.of(value)
    }

    fn cas(&mut self, one: &Operation<'_>) -> Result<Option<Step>, String> {
        let sees = self.readings.observe_failed_cas && one.error.is_none_or(names_mismatch);
        if one.outcome == Outcome::Fail && !sees {
            return Ok(None);
        }
        let pair = if one.argument.is_nil() { one.result } else { one.argument };
        let Some([expected, new]) = pair.items() else {
            return Err(format!("op {}: cas needs [expected new], got {pair}", one.index));
        };
        let (expected, new) = (self.id(expected), self.id(new));
        Ok(Some(match one.outcome {
            Outcome::Fail => Step::Differs(expected),
            Outcome::Ok | Outcome::Info => Step::Cas(expected, new),
        }))
    }
}

/// Whether an error says that the comparison failed, and not the attempt.
pub(super) fn names_mismatch(error: &Value) -> bool {
    let head = error.items().and_then(<[Value]>::first).unwrap_or(error);
    let Some(text) = head.name() else { return false };
    let text = text.to_ascii_lowercase().replace([' ', '_'], "-");
    ["mismatch", "did-not-match", "precondition-failed", "compare-failed", "cas-failed"]
        .iter()
        .any(|word| text.contains(word))
}

impl Model for Register {
    type State = Id;
    type Step = Step;

    fn assumptions(&self) -> Vec<String> {
        let mut assumptions = vec![format!("the initial value is {}", self.init)];
        assumptions.extend(self.readings.assumptions());
        assumptions
    }

    fn initial(&self) -> Id {
        self.initial
    }

    fn read(&mut self, one: &Operation<'_>) -> Result<Option<Step>, String> {
        match one.f.name() {
            Some("read") => {
                let silent = one.result.is_nil() && self.readings.nil_unknown;
                let says = one.outcome == Outcome::Ok && !silent;
                Ok(says.then(|| Step::Read(self.id(one.result))))
            }
            Some("write") if one.outcome == Outcome::Fail => Ok(None),
            Some("write") => {
                let value = if one.argument.is_nil() { one.result } else { one.argument };
                Ok(Some(Step::Write(self.id(value))))
            }
            Some("cas") if self.readings.has_cas => self.cas(one),
            _ => Err(no_function(one)),
        }
    }

    fn advance(&self, state: &mut Id, step: &Step) -> bool {
        let after = match *step {
            Step::Read(value) => (*state == value).then_some(value),
            Step::Write(value) => Some(value),
            Step::Cas(expected, new) => (*state == expected).then_some(new),
            Step::Differs(value) => (*state != value).then_some(*state),
        };
        replace(state, after)
    }

    fn asks(&self, step: &Step) -> Asks {
        match *step {
            Step::Read(value) | Step::Cas(value, _) => Asks::Only(vec![value]),
            Step::Write(_) => Asks::Only(Vec::new()),
            Step::Differs(_) => Asks::Everything,
        }
    }

    fn offers(&self, step: &Step) -> Offers {
        match *step {
            Step::Read(_) | Step::Differs(_) => Offers::Nothing,
            Step::Cas(expected, new) if expected == new => Offers::Nothing,
            Step::Write(value) | Step::Cas(_, value) => Offers::Only(value),
        }
    }

    fn overwrites(&self) -> bool {
        true
    }

    fn weakened(&self, step: &Step) -> Option<Step> {
        match *step {
            Step::Cas(_, new) => Some(Step::Write(new)),
            Step::Read(_) | Step::Write(_) | Step::Differs(_) => None,
        }
    }

    fn entered(&self, before: &[Before<'_, Step>]) -> Option<Vec<Id>> {
        let mut states = vec![self.initial];
        states.extend(before.iter().filter_map(|one| match self.offers(one.step) {
            Offers::Only(value) => Some(value),
            Offers::Nothing | Offers::Everything => None,
        }));
        states.sort_unstable();
        states.dedup();
        Some(states)
    }

    fn forget_state(&self, state: Id, asked: &dyn Fn(u32) -> bool) -> Id {
        if asked(state) { state } else { OTHER }
    }

    fn forget(&self, step: Step, asked: &dyn Fn(u32) -> bool) -> Step {
        let seen = |value| self.forget_state(value, asked);
        match step {
            Step::Write(value) => Step::Write(seen(value)),
            Step::Cas(expected, new) => Step::Cas(expected, seen(new)),
            Step::Read(_) | Step::Differs(_) => step,
        }
    }

    fn named(&mut self, name: &str) -> Result<Id, String> {
        let value = crate::text::edn_value(name).map_err(|error| error.to_string())?;
        Ok(self.id(&value))
    }
}
