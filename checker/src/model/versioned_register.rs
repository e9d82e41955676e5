//! A value whose version grows by one with every change, as in Jepsen's test of etcd.
//!
//! Values are pairs `[version value]`; a version that is nil is unknown, and so is one that nobody
//! heard of because the operation crashed. The version of a completion counts, since a client that
//! asks cannot know which one it will get; the one of an invocation, where there is one, is a
//! condition like the value that a compare-and-set expects.

use super::{Call, Class, Model, ModelOptions, Requires, ValueId, Values};
use crate::history::Outcome;
use crate::linear::{Answer, Occurrence};
use crate::special;
use crate::value::Value;
use crate::verdict::Reason;

/// The model `versioned-register`.
#[derive(Clone, Debug)]
pub struct VersionedRegister {
    options: ModelOptions,
    values: Values,
    initial: ValueId,
}

/// What a versioned register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Versioned {
    version: i64,
    value: ValueId,
}

/// What can happen to a versioned register. Versions wrap around.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VersionedTransition {
    /// This value was read, with its version if it is known.
    Read(Option<i64>, ValueId),
    /// This value was written, as this version if it is known.
    Write(Option<i64>, ValueId),
    /// The first value was there and was replaced by the second, as this version if it is known.
    Cas(Option<i64>, ValueId, ValueId),
    /// A compare-and-set found another value than this one.
    Differs(ValueId),
}

impl VersionedRegister {
    /// A register that holds at first what the options say, or nil, at version 0.
    pub fn new(options: &ModelOptions) -> VersionedRegister {
        let mut values = Values::default();
        let initial = values.intern(options.init.as_ref().unwrap_or(&Value::Nil));
        VersionedRegister { options: options.clone(), values, initial }
    }

    fn read(&mut self, call: &Call<'_>) -> Result<Option<VersionedTransition>, Reason> {
        if call.outcome != Outcome::Ok {
            return Ok(None);
        }
        let (version, value) = pair(call.result)?;
        let says_nothing = value.is_nil() && self.options.nil_is_unknown();
        Ok((!says_nothing).then(|| VersionedTransition::Read(version, self.values.intern(value))))
    }

    fn cas(
        &mut self,
        call: &Call<'_>,
        version: Option<i64>,
        change: &Value,
    ) -> Result<Option<VersionedTransition>, Reason> {
        if call.outcome == Outcome::Fail && !self.options.observes_failure(call) {
            return Ok(None);
        }
        let Some([expected, new]) = change.items() else {
            let text = format!("cas needs [version [expected new]], got {}", call.argument);
            return Err(Reason::BadValue(text));
        };
        let (expected, new) = (self.values.intern(expected), self.values.intern(new));
        Ok(Some(match call.outcome {
            Outcome::Fail => VersionedTransition::Differs(expected),
            Outcome::Ok | Outcome::Info => VersionedTransition::Cas(version, expected, new),
        }))
    }

    fn value(&self, id: ValueId) -> &Value {
        self.values.value(id)
    }

    fn at(&self, version: Option<i64>, value: ValueId) -> String {
        match version {
            Some(version) => format!("{} at version {version}", self.value(value)),
            None => self.value(value).to_string(),
        }
    }
}

/// A version, if it is known, and a value.
fn pair(value: &Value) -> Result<(Option<i64>, &Value), Reason> {
    match (value, value.items()) {
        (Value::Nil, _) => Ok((None, &Value::Nil)),
        (_, Some([Value::Int(version), value])) => Ok((Some(*version), value)),
        (_, Some([Value::Nil, value])) => Ok((None, value)),
        _ => Err(Reason::BadValue(format!("{value} is no pair of a version and a value"))),
    }
}

/// What was asked for, with the version that came of it.
fn change<'c>(call: &Call<'c>) -> Result<(Option<i64>, &'c Value), Reason> {
    let (asked, value) = pair(call.argument)?;
    if call.outcome != Outcome::Ok {
        return Ok((asked, value));
    }
    let (version, result) = pair(call.result)?;
    Ok((version.or(asked), if value.is_nil() { result } else { value }))
}

impl Versioned {
    fn next(self, version: Option<i64>, value: ValueId) -> Option<Versioned> {
        let next = self.version.wrapping_add(1);
        version.is_none_or(|version| version == next).then_some(Versioned { version: next, value })
    }
}

impl Model for VersionedRegister {
    type State = Versioned;
    type Transition = VersionedTransition;

    fn initial(&self) -> Versioned {
        Versioned { version: 0, value: self.initial }
    }

    fn parse(&mut self, call: &Call<'_>) -> Result<Option<VersionedTransition>, Reason> {
        match (call.f.name(), call.outcome) {
            (Some("read"), _) => self.read(call),
            (Some("write"), Outcome::Fail) => Ok(None),
            (Some("write"), _) => {
                let (version, value) = change(call)?;
                Ok(Some(VersionedTransition::Write(version, self.values.intern(value))))
            }
            (Some("cas"), _) => {
                let (version, change) = change(call)?;
                self.cas(call, version, change)
            }
            _ => Err(Reason::UnknownFunction(call.f.to_string())),
        }
    }

    fn step(&self, state: &Versioned, transition: &VersionedTransition) -> Option<Versioned> {
        match *transition {
            VersionedTransition::Read(version, value) => {
                let fits = version.is_none_or(|version| version == state.version);
                (fits && state.value == value).then_some(*state)
            }
            VersionedTransition::Write(version, value) => state.next(version, value),
            VersionedTransition::Cas(version, expected, new) if state.value == expected => {
                state.next(version, new)
            }
            VersionedTransition::Cas(..) => None,
            VersionedTransition::Differs(value) => (state.value != value).then_some(*state),
        }
    }

    fn class(&self, transition: &VersionedTransition) -> Class {
        match transition {
            VersionedTransition::Read(..) | VersionedTransition::Differs(_) => Class::Observer,
            // Even a value that is replaced by itself gets a new version.
            VersionedTransition::Write(..) | VersionedTransition::Cas(..) => Class::Conditional,
        }
    }

    fn requires(&self, transition: &VersionedTransition) -> Requires<Versioned> {
        match *transition {
            VersionedTransition::Read(Some(version), value) => {
                Requires::Exactly(Versioned { version, value })
            }
            VersionedTransition::Cas(Some(version), value, _) => {
                Requires::Exactly(Versioned { version: version.wrapping_sub(1), value })
            }
            VersionedTransition::Write(None, _) => Requires::Anything,
            _ => Requires::Some,
        }
    }

    fn produces(&self, transition: &VersionedTransition) -> Option<Versioned> {
        match *transition {
            VersionedTransition::Write(Some(version), value)
            | VersionedTransition::Cas(Some(version), _, value) => {
                Some(Versioned { version, value })
            }
            _ => None,
        }
    }

    fn describe(&self, state: &Versioned) -> Value {
        Value::Vector(vec![Value::Int(state.version), self.value(state.value).clone()])
    }

    fn refusal(&self, state: &Versioned, transition: &VersionedTransition) -> String {
        let holds = self.at(Some(state.version), state.value);
        let did = match *transition {
            VersionedTransition::Read(version, value) => {
                format!("read {}", self.at(version, value))
            }
            VersionedTransition::Write(version, value) => {
                format!("wrote {}", self.at(version, value))
            }
            VersionedTransition::Cas(version, expected, new) => {
                format!("replaced {} by {}", self.value(expected), self.at(version, new))
            }
            VersionedTransition::Differs(value) => {
                return format!("cas found no {}, but the register holds it", self.value(value));
            }
        };
        format!("{did}, but the register holds {holds}")
    }

    fn procedure(&self, all: &[Occurrence<VersionedTransition>]) -> Answer {
        special::versions(all, self.initial, &self.values)
    }

    /// Reads only, as with a [`Register`](super::Register).
    fn shows_effect(&self, transition: &VersionedTransition) -> bool {
        matches!(transition, VersionedTransition::Read(version, value)
            if *value != self.initial || version.is_some_and(|version| version > 0))
    }

    fn assumptions(&self) -> Vec<String> {
        let init = self.options.init.as_ref().unwrap_or(&Value::Nil);
        let mut assumptions = vec![format!("the initial value is {init}, its version 0")];
        assumptions.push(self.options.nil_reads_told().to_owned());
        assumptions.push(self.options.failed_cas_told().to_owned());
        assumptions
    }

    fn forget(&mut self, states: &mut [Versioned], transitions: &mut [VersionedTransition]) {
        let mut names: Vec<&mut ValueId> = vec![&mut self.initial];
        names.extend(states.iter_mut().map(|state| &mut state.value));
        for transition in transitions {
            match transition {
                VersionedTransition::Cas(_, expected, new) => names.extend([expected, new]),
                VersionedTransition::Read(_, value)
                | VersionedTransition::Write(_, value)
                | VersionedTransition::Differs(value) => names.push(value),
            }
        }
        self.values.retain(names);
    }
}
