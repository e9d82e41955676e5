//! Whether events can follow each other: what pairing refuses in a whole history
//! ([`crate::history::HistoryError`]), refused event by event.

use rustc_hash::FxHashMap;

use crate::history::{HistoryError, OpRef, Problem};
use crate::op::{Kind, Process};
use crate::value::Value;

/// What is known of the events so far.
#[derive(Default)]
pub(super) struct Order {
    events: usize,
    last_index: Option<u64>,
    processes: FxHashMap<u64, Doing>,
}

/// An event by its position and index.
#[derive(Clone, Copy)]
struct Place {
    position: usize,
    index: u64,
}

/// What a process is doing, and since which event.
enum Doing {
    Running(Place, Value),
    Idle(Place),
    Retired(Place),
}

impl Order {
    /// Takes note of an event.
    pub(super) fn check(&mut self, event: &OpRef<'_>) -> Result<(), HistoryError> {
        let here = Place { position: self.events, index: event.index };
        if let Some(previous) = self.last_index.filter(|previous| *previous >= here.index) {
            let problem = Problem::OutOfOrder { previous, index: here.index };
            return Err(here.refused(problem, Some(here.position - 1)));
        }
        if let Process::Client(process) = *event.process {
            let doing = self.processes.get(&process);
            let next = match event.kind {
                Kind::Invoke => begins(process, here, doing, event.f)?,
                _ => ends(process, here, doing, event)?,
            };
            self.processes.insert(process, next);
        }
        self.last_index = Some(here.index);
        self.events += 1;
        Ok(())
    }
}

fn begins(
    process: u64,
    here: Place,
    doing: Option<&Doing>,
    f: &Value,
) -> Result<Doing, HistoryError> {
    match doing {
        Some(Doing::Running(begun, _)) => {
            let problem = Problem::InvokedTwice { process, first: begun.index, second: here.index };
            Err(here.refused(problem, Some(begun.position)))
        }
        Some(Doing::Retired(info)) => Err(here.returned(process, *info)),
        Some(Doing::Idle(_)) | None => Ok(Doing::Running(here, f.clone())),
    }
}

fn ends(
    process: u64,
    here: Place,
    doing: Option<&Doing>,
    event: &OpRef<'_>,
) -> Result<Doing, HistoryError> {
    let previous = match doing {
        Some(Doing::Running(begun, f)) if event.f != f && !event.f.is_nil() => {
            let (invocation, completion) = (begun.index, here.index);
            let problem = Problem::FunctionChanged { process, invocation, completion };
            return Err(here.refused(problem, Some(begun.position)));
        }
        Some(Doing::Running(..)) if event.kind == Kind::Info => return Ok(Doing::Retired(here)),
        Some(Doing::Running(..)) => return Ok(Doing::Idle(here)),
        Some(Doing::Retired(info)) => return Err(here.returned(process, *info)),
        Some(Doing::Idle(previous)) => Some(*previous),
        None => None,
    };
    let problem = Problem::CompletionWithoutInvoke {
        process,
        completion: here.index,
        kind: event.kind.word(),
        previous: previous.map(|place| place.index),
    };
    Err(here.refused(problem, previous.map(|place| place.position)))
}

impl Place {
    fn refused(self, problem: Problem, earlier: Option<usize>) -> HistoryError {
        HistoryError { problem, earlier, position: self.position }
    }

    fn returned(self, process: u64, info: Place) -> HistoryError {
        let problem =
            Problem::ReturnedAfterInfo { process, info: info.index, returned: self.index };
        self.refused(problem, Some(info.position))
    }
}
