//! From events to operations: which completion belongs to which invocation.
//!
//! A process does one thing at a time, so the next event of a process after its invocation is the
//! completion; after an `info` it is gone for good. A history that breaks this has no meaning, and
//! no certificate about it can hold.

use std::num::NonZero;

use rustc_hash::FxHashMap;
use thiserror::Error;

use crate::text::{Events, Kind};

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    Fail,
    /// Nobody knows, or nothing was ever heard.
    Info,
}

/// An operation, by the positions of its events, in few bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paired {
    invoked: u32,
    completed: Option<NonZero<u32>>,
    pub(crate) outcome: Outcome,
}

impl Paired {
    pub(crate) fn invoked(self) -> usize {
        self.invoked as usize
    }

    pub(crate) fn completed(self) -> Option<usize> {
        self.completed.map(|at| at.get() as usize)
    }
}

/// Events that no processes can have produced.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("op {index}: {problem}")]
pub(crate) struct Malformed {
    index: u64,
    problem: &'static str,
}

#[derive(Clone, Copy)]
enum State {
    Running(usize),
    Idle,
    Gone,
}

/// The operations of clients, in the order of their invocations.
pub(crate) fn pair(events: &Events) -> Result<Vec<Paired>, Malformed> {
    let mut operations: Vec<Paired> = Vec::new();
    let mut processes: FxHashMap<u64, State> = FxHashMap::default();
    let mut before = None;
    for (at, event) in events.iter().enumerate() {
        let malformed = |problem| Malformed { index: event.index, problem };
        if before.replace(event.index) >= Some(event.index) {
            return Err(malformed("indices must grow"));
        }
        let position =
            u32::try_from(at).map_err(|_| malformed("there are more than 2^32 events"))?;
        let Some(process) = event.process() else { continue };
        let state = processes.entry(process).or_insert(State::Idle);
        *state = match (*state, event.kind()) {
            (State::Gone, _) => return Err(malformed("its process was gone after an :info")),
            (State::Running(_), Kind::Invoke) => {
                return Err(malformed("its process is still running another operation"));
            }
            (State::Idle, Kind::Invoke) => {
                let (completed, outcome) = (None, Outcome::Info);
                operations.push(Paired { invoked: position, completed, outcome });
                State::Running(operations.len() - 1)
            }
            (State::Idle, _) => return Err(malformed("it completes nothing")),
            (State::Running(at), kind) => {
                let one = &mut operations[at];
                if !event.f().is_nil() && events.at(one.invoked()).f() != event.f() {
                    return Err(malformed("it completes an operation of another :f"));
                }
                one.completed = NonZero::new(position);
                complete(one, kind)
            }
        };
    }
    Ok(operations)
}

fn complete(one: &mut Paired, kind: Kind) -> State {
    one.outcome = match kind {
        Kind::Ok => Outcome::Ok,
        Kind::Fail => Outcome::Fail,
        Kind::Info | Kind::Invoke => Outcome::Info,
    };
    if one.outcome == Outcome::Info { State::Gone } else { State::Idle }
}
