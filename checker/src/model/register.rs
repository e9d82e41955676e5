//! A single value that is read, written and, as a `cas-register`, compared and set.
//!
//! Three points of a register history can be read in two ways (a `nil` that was read, a
//! compare-and-set that failed, a crashed operation); the strict readings are the default, the
//! others are options, and the verdict names the ones that were used.

use super::{Blind, Call, Class, Model, ModelName, ModelOptions, Requires, ValueId, Values};
use crate::history::Outcome;
use crate::value::Value;
use crate::verdict::Reason;

/// The models `register` and `cas-register`.
#[derive(Clone, Debug)]
pub struct Register {
    name: ModelName,
    options: ModelOptions,
    values: Values,
    initial: ValueId,
}

/// What can happen to a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transition {
    /// This value was read.
    Read(ValueId),
    /// This value was written.
    Write(ValueId),
    /// The first value was there and was replaced by the second.
    Cas(ValueId, ValueId),
    /// A compare-and-set found another value than this one.
    Differs(ValueId),
}

impl Register {
    /// A register that knows the functions of the model `name`.
    pub fn new(name: ModelName, options: &ModelOptions) -> Register {
        let mut values = Values::default();
        let initial = values.intern(options.init.as_ref().unwrap_or(&Value::Nil));
        Register { name, options: options.clone(), values, initial }
    }

    /// The value behind a number that occurs in a transition or state.
    pub fn value(&self, id: ValueId) -> &Value {
        self.values.value(id)
    }

    /// The number of a value.
    #[cfg(test)]
    pub(crate) fn intern(&mut self, value: &Value) -> ValueId {
        self.values.intern(value)
    }

    fn parse_read(&mut self, call: &Call<'_>) -> Option<Transition> {
        let says_nothing =
            call.outcome != Outcome::Ok || (call.result.is_nil() && self.options.nil_is_unknown());
        (!says_nothing).then(|| Transition::Read(self.values.intern(call.result)))
    }

    fn parse_cas(&mut self, call: &Call<'_>) -> Result<Option<Transition>, Reason> {
        let pair = if call.argument.is_nil() { call.result } else { call.argument };
        if call.outcome == Outcome::Fail && !self.options.observes_failure(call) {
            return Ok(None);
        }
        let Some([expected, new]) = pair.items() else {
            return Err(Reason::BadValue(format!("cas needs [expected new], got {pair}")));
        };
        let (expected, new) = (self.values.intern(expected), self.values.intern(new));
        Ok(Some(match call.outcome {
            Outcome::Fail => Transition::Differs(expected),
            Outcome::Ok | Outcome::Info => Transition::Cas(expected, new),
        }))
    }
}

impl Model for Register {
    type State = ValueId;
    type Transition = Transition;

    fn initial(&self) -> ValueId {
        self.initial
    }

    fn parse(&mut self, call: &Call<'_>) -> Result<Option<Transition>, Reason> {
        match (call.f.name(), self.name) {
            (Some("read"), _) => Ok(self.parse_read(call)),
            (Some("write"), _) if call.outcome == Outcome::Fail => Ok(None),
            (Some("write"), _) => {
                let value = if call.argument.is_nil() { call.result } else { call.argument };
                Ok(Some(Transition::Write(self.values.intern(value))))
            }
            (Some("cas"), ModelName::CasRegister) => self.parse_cas(call),
            _ => Err(Reason::UnknownFunction(call.f.to_string())),
        }
    }

    fn step(&self, state: &ValueId, transition: &Transition) -> Option<ValueId> {
        match *transition {
            Transition::Read(value) => (*state == value).then_some(value),
            Transition::Write(value) => Some(value),
            Transition::Cas(expected, new) => (*state == expected).then_some(new),
            Transition::Differs(value) => (*state != value).then_some(*state),
        }
    }

    fn class(&self, transition: &Transition) -> Class {
        match transition {
            Transition::Read(_) | Transition::Differs(_) => Class::Observer,
            Transition::Cas(expected, new) if expected == new => Class::Observer,
            Transition::Write(_) => Class::BlindWrite,
            Transition::Cas(..) => Class::Conditional,
        }
    }

    fn requires(&self, transition: &Transition) -> Requires<ValueId> {
        match *transition {
            Transition::Read(value) | Transition::Cas(value, _) => Requires::Exactly(value),
            Transition::Write(_) => Requires::Anything,
            Transition::Differs(_) => Requires::Some,
        }
    }

    fn produces(&self, transition: &Transition) -> Option<ValueId> {
        match *transition {
            Transition::Write(value) => Some(value),
            Transition::Cas(expected, new) if expected != new => Some(new),
            Transition::Read(_) | Transition::Differs(_) | Transition::Cas(..) => None,
        }
    }

    fn blind(&self, transition: &Transition) -> Option<Blind<Transition>> {
        match *transition {
            Transition::Cas(expected, new) if expected != new => Some(Blind {
                transition: Transition::Write(new),
                f: Value::keyword("write"),
                argument: self.value(new).clone(),
            }),
            _ => None,
        }
    }

    fn describe(&self, state: &ValueId) -> Value {
        self.value(*state).clone()
    }

    fn refusal(&self, state: &ValueId, transition: &Transition) -> String {
        let holds = self.value(*state);
        match *transition {
            Transition::Read(value) => {
                format!("read {}, but the register holds {holds}", self.value(value))
            }
            Transition::Cas(expected, _) => {
                format!("cas expected {}, but the register holds {holds}", self.value(expected))
            }
            Transition::Differs(value) => {
                format!("cas found no {}, but the register holds it", self.value(value))
            }
            Transition::Write(_) => "a write is always legal".to_owned(),
        }
    }

    /// Reads only: a compare-and-set that was acknowledged says what its client believes.
    fn shows_effect(&self, transition: &Transition) -> bool {
        matches!(transition, Transition::Read(value) if *value != self.initial)
    }

    fn assumptions(&self) -> Vec<String> {
        let init = self.options.init.as_ref().unwrap_or(&Value::Nil);
        let mut assumptions = vec![format!("the initial value is {init}")];
        assumptions.push(self.options.nil_reads_told().to_owned());
        if self.name == ModelName::CasRegister {
            assumptions.push(self.options.failed_cas_told().to_owned());
        }
        assumptions
    }

    fn forget(&mut self, states: &mut [ValueId], transitions: &mut [Transition]) {
        let mut names: Vec<&mut ValueId> = vec![&mut self.initial];
        names.extend(states);
        for transition in transitions {
            match transition {
                Transition::Cas(expected, new) => names.extend([expected, new]),
                Transition::Read(value) | Transition::Write(value) | Transition::Differs(value) => {
                    names.push(value)
                }
            }
        }
        self.values.retain(names);
    }
}
