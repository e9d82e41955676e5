//! Permits that are acquired and released by anybody; a mutex is a semaphore with one.
//!
//! The mutex knows no owner, as Knossos' does: whoever releases it, it is free. Identical
//! operations are interchangeable, so the search of such a history is one over counts, and there
//! is nothing for a procedure to do.

use super::{Call, Class, Model, ModelName, ModelOptions, Requires};
use crate::history::Outcome;
use crate::value::Value;
use crate::verdict::Reason;

/// The models `mutex` and `semaphore`.
#[derive(Clone, Debug)]
pub struct Semaphore {
    name: ModelName,
    /// How many permits there are, and how many are free at first.
    permits: Result<u32, String>,
}

/// What can happen to a semaphore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SemaphoreTransition {
    /// So many permits were acquired at once.
    Acquire(u32),
    /// So many were released.
    Release(u32),
}

impl Semaphore {
    /// A mutex, or a semaphore of as many permits as the options give it at first, one unless given.
    pub fn new(name: ModelName, options: &ModelOptions) -> Semaphore {
        let permits = match (name, &options.init) {
            (ModelName::Semaphore, Some(init)) => count(init),
            _ => Ok(1),
        };
        Semaphore { name, permits }
    }

    fn permits(&self) -> u32 {
        *self.permits.as_ref().unwrap_or(&0)
    }

    fn noun(&self) -> &'static str {
        if self.name == ModelName::Mutex { "lock" } else { "semaphore" }
    }
}

fn count(value: &Value) -> Result<u32, String> {
    match value {
        Value::Int(number) => u32::try_from(*number).ok(),
        _ => None,
    }
    .ok_or_else(|| format!("{value} is no number of permits"))
}

impl Model for Semaphore {
    /// Free permits.
    type State = u32;
    type Transition = SemaphoreTransition;

    fn initial(&self) -> u32 {
        self.permits()
    }

    fn parse(&mut self, call: &Call<'_>) -> Result<Option<SemaphoreTransition>, Reason> {
        let transition = match call.f.name() {
            Some("acquire") => SemaphoreTransition::Acquire,
            Some("release") => SemaphoreTransition::Release,
            _ => return Err(Reason::UnknownFunction(call.f.to_string())),
        };
        self.permits.as_ref().map_err(|why| Reason::BadValue(why.clone()))?;
        let number = match (self.name, call.argument) {
            (ModelName::Semaphore, argument) if !argument.is_nil() => {
                count(argument).map_err(Reason::BadValue)?
            }
            _ => 1,
        };
        Ok((call.outcome != Outcome::Fail).then(|| transition(number)))
    }

    fn step(&self, free: &u32, transition: &SemaphoreTransition) -> Option<u32> {
        match *transition {
            SemaphoreTransition::Acquire(number) => free.checked_sub(number),
            SemaphoreTransition::Release(number) => {
                free.checked_add(number).filter(|free| *free <= self.permits())
            }
        }
    }

    fn class(&self, transition: &SemaphoreTransition) -> Class {
        match transition {
            SemaphoreTransition::Acquire(0) | SemaphoreTransition::Release(0) => Class::Observer,
            _ => Class::Conditional,
        }
    }

    fn requires(&self, transition: &SemaphoreTransition) -> Requires<u32> {
        match *transition {
            SemaphoreTransition::Acquire(number) if number == self.permits() => {
                Requires::Exactly(number)
            }
            SemaphoreTransition::Release(number) if number == self.permits() => {
                Requires::Exactly(0)
            }
            _ => Requires::Some,
        }
    }

    fn produces(&self, transition: &SemaphoreTransition) -> Option<u32> {
        let permits = self.permits();
        match *transition {
            SemaphoreTransition::Acquire(number) if number == permits && number > 0 => Some(0),
            SemaphoreTransition::Release(number) if number == permits && number > 0 => {
                Some(permits)
            }
            _ => None,
        }
    }

    fn describe(&self, free: &u32) -> Value {
        match (self.name, free) {
            (ModelName::Mutex, 0) => Value::keyword("locked"),
            (ModelName::Mutex, _) => Value::keyword("free"),
            _ => Value::Int(i64::from(*free)),
        }
    }

    fn refusal(&self, free: &u32, transition: &SemaphoreTransition) -> String {
        let noun = self.noun();
        match (self.name, *transition) {
            (ModelName::Mutex, SemaphoreTransition::Acquire(_)) => {
                format!("acquired the {noun}, but it is held")
            }
            (ModelName::Mutex, SemaphoreTransition::Release(_)) => {
                format!("released the {noun}, but it is free")
            }
            (_, SemaphoreTransition::Acquire(number)) => {
                format!("acquired {number} of the {noun}, but only {free} are free")
            }
            (_, SemaphoreTransition::Release(number)) => format!(
                "released {number} of the {noun}, but {free} of {} are free",
                self.permits()
            ),
        }
    }

    fn shows_effect(&self, _: &SemaphoreTransition) -> bool {
        // Whoever acquires sees that others have released, and the other way round.
        true
    }

    fn assumptions(&self) -> Vec<String> {
        match self.name {
            ModelName::Mutex => vec![
                "the lock is free at first".to_owned(),
                "whoever releases it, it is free".to_owned(),
            ],
            _ => vec![format!("there are {} permits, all free at first", self.permits())],
        }
    }
}
