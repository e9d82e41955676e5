//! Locks and permits.
//!
//! *Leaving out.* A lock, whether it knows its owner or not, is free or held by somebody, and
//! every operation asks for the one and leaves the other, whatever was before: so changes
//! overwrite each other. Of permits, and of locks with tokens that must grow, nothing is left out.

use std::collections::HashMap;

use super::{Asks, Model, Offers, no_function, replace};
use crate::keys::Operation;
use crate::pairing::Outcome;
use crate::value::Value;

/// The thing that is asked for and offered: a free lock, or one that is held, by whomever or by
/// the process of this number.
const FREE: u32 = 0;

/// Permits that anybody acquires and releases; a mutex is one permit.
#[derive(Clone, Debug)]
pub(crate) struct Permits {
    all: u32,
    /// Whether operations may say how many.
    counted: bool,
}

/// What can happen to permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PermitStep {
    Acquire(u32),
    Release(u32),
}

fn count(value: &Value) -> Result<u32, String> {
    match value {
        Value::Int(number) => u32::try_from(*number).ok(),
        _ => None,
    }
    .ok_or_else(|| format!("{value} is no number of permits"))
}

impl Permits {
    /// A lock without an owner.
    pub(crate) fn mutex() -> Permits {
        Permits { all: 1, counted: false }
    }

    /// So many permits; one if nothing is said.
    pub(crate) fn semaphore(init: &Value) -> Result<Permits, String> {
        let all = if init.is_nil() { 1 } else { count(init)? };
        Ok(Permits { all, counted: true })
    }
}

impl Model for Permits {
    /// How many are free.
    type State = u32;
    type Step = PermitStep;

    fn assumptions(&self) -> Vec<String> {
        vec![match self.counted {
            true => format!("there are {} permits, all free at first", self.all),
            false => "the lock is free at first, and anybody may release it".to_owned(),
        }]
    }

    fn initial(&self) -> u32 {
        self.all
    }

    fn read(&mut self, one: &Operation<'_>) -> Result<Option<PermitStep>, String> {
        let step = match one.f.name() {
            Some("acquire") => PermitStep::Acquire,
            Some("release") => PermitStep::Release,
            _ => return Err(no_function(one)),
        };
        let says = self.counted && !one.argument.is_nil();
        let number = if says { count(one.argument)? } else { 1 };
        Ok((one.outcome != Outcome::Fail).then(|| step(number)))
    }

    fn advance(&self, free: &mut u32, step: &PermitStep) -> bool {
        let after = match *step {
            PermitStep::Acquire(number) => free.checked_sub(number),
            PermitStep::Release(number) => {
                free.checked_add(number).filter(|free| *free <= self.all)
            }
        };
        replace(free, after)
    }

    fn asks(&self, step: &PermitStep) -> Asks {
        match (self.counted, step) {
            (true, _) => Asks::Everything,
            (false, PermitStep::Acquire(_)) => Asks::Only(vec![FREE]),
            (false, PermitStep::Release(_)) => Asks::Only(vec![FREE + 1]),
        }
    }

    fn offers(&self, step: &PermitStep) -> Offers {
        match (self.counted, step) {
            (true, PermitStep::Acquire(0) | PermitStep::Release(0)) => Offers::Nothing,
            (true, _) => Offers::Everything,
            (false, PermitStep::Acquire(_)) => Offers::Only(FREE + 1),
            (false, PermitStep::Release(_)) => Offers::Only(FREE),
        }
    }

    fn overwrites(&self) -> bool {
        !self.counted
    }
}

/// Whether whoever acquires a lock gets a token larger than any before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tokens {
    None,
    Growing,
}

/// A lock that only its holder may release.
#[derive(Clone, Debug)]
pub(crate) struct OwnerMutex {
    tokens: Tokens,
    /// Processes by the order in which they were first seen, from 1.
    ids: HashMap<u64, u32>,
}

/// What can happen to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum LockStep {
    Acquire(u32, Option<i64>),
    Release(u32),
}

impl OwnerMutex {
    pub(crate) fn new(tokens: Tokens) -> OwnerMutex {
        OwnerMutex { tokens, ids: HashMap::new() }
    }

    fn id(&mut self, process: u64) -> u32 {
        let fresh = 1 + u32::try_from(self.ids.len()).expect("fewer than 2^32 processes");
        *self.ids.entry(process).or_insert(fresh)
    }

    fn token(&self, result: &Value) -> Result<Option<i64>, String> {
        if self.tokens == Tokens::None {
            return Ok(None);
        }
        match result.entry("fence").or_else(|| result.entry("token")).unwrap_or(result) {
            Value::Int(token) => Ok(Some(*token)),
            Value::Nil => Ok(None),
            other => Err(format!("{other} is no fencing token")),
        }
    }
}

impl Model for OwnerMutex {
    /// Who holds it, [`FREE`] for nobody, and the last token.
    type State = (u32, Option<i64>);
    type Step = LockStep;

    fn assumptions(&self) -> Vec<String> {
        let growing = "every token is larger than those before";
        ["the lock is free at first", "only the process that acquired it can release it"]
            .into_iter()
            .chain((self.tokens == Tokens::Growing).then_some(growing))
            .map(str::to_owned)
            .collect()
    }

    fn initial(&self) -> (u32, Option<i64>) {
        (FREE, None)
    }

    /// An acquire that crashed does not matter: if it got the lock, its process, which does nothing
    /// any more, keeps it, and nobody does anything after it; so an order without it is as good.
    fn read(&mut self, one: &Operation<'_>) -> Result<Option<LockStep>, String> {
        let process = self.id(one.process);
        Ok(match (one.f.name(), one.outcome) {
            (Some("acquire"), Outcome::Ok) => {
                Some(LockStep::Acquire(process, self.token(one.result)?))
            }
            (Some("acquire"), _) | (Some("release"), Outcome::Fail) => None,
            (Some("release"), _) => Some(LockStep::Release(process)),
            _ => return Err(no_function(one)),
        })
    }

    fn advance(&self, state: &mut (u32, Option<i64>), step: &LockStep) -> bool {
        let (holder, last) = *state;
        let after = match *step {
            LockStep::Acquire(process, token) => {
                let grows = token.is_none() || token > last;
                (holder == FREE && grows).then_some((process, token.or(last)))
            }
            LockStep::Release(process) => (holder == process).then_some((FREE, last)),
        };
        replace(state, after)
    }

    fn asks(&self, step: &LockStep) -> Asks {
        match (self.tokens, *step) {
            (Tokens::Growing, _) => Asks::Everything,
            (Tokens::None, LockStep::Acquire(..)) => Asks::Only(vec![FREE]),
            (Tokens::None, LockStep::Release(process)) => Asks::Only(vec![process]),
        }
    }

    fn offers(&self, step: &LockStep) -> Offers {
        match (self.tokens, *step) {
            (Tokens::Growing, _) => Offers::Everything,
            (Tokens::None, LockStep::Acquire(process, _)) => Offers::Only(process),
            (Tokens::None, LockStep::Release(_)) => Offers::Only(FREE),
        }
    }

    fn overwrites(&self) -> bool {
        self.tokens == Tokens::None
    }
}
