//! Recording what one's own test does, to be judged in the same test.
//!
//! ```
//! use std::sync::Mutex;
//! use std::thread;
//!
//! use checker::model::ModelName;
//! use checker::record::Recorder;
//! use checker::{Budget, CheckOptions, CheckerSpec, Validity, Value, check};
//!
//! let (register, recorder) = (Mutex::new(0), Recorder::new());
//! thread::scope(|scope| {
//!     for process in 0..4 {
//!         let (register, recorder) = (&register, &recorder);
//!         scope.spawn(move || {
//!             for n in 0..10 {
//!                 let value = i64::try_from(10 * process + n).expect("small");
//!                 let write = recorder.invoke(process, "write", value);
//!                 *register.lock().expect("nobody panics") = value;
//!                 write.ok(value);
//!
//!                 let read = recorder.invoke(process, "read", Value::Nil);
//!                 let seen = *register.lock().expect("nobody panics");
//!                 read.ok(seen);
//!             }
//!         });
//!     }
//! });
//!
//! let history = recorder.history().expect("every process does one thing after another");
//! let options = CheckOptions {
//!     spec: CheckerSpec::linearizable(ModelName::Register),
//!     ..CheckOptions::default()
//! };
//! let verdict = check(&history, &options, &Budget::unlimited());
//! assert_eq!(verdict.validity, Validity::Valid, "{}", verdict.summary);
//! ```
//!
//! An operation that is dropped without an answer (its future was cancelled, its thread panicked)
//! is recorded as one of which nobody knows whether it took effect. Its process retires; what is
//! invoked under the same number afterwards is recorded under a new one, since the old process
//! may still be doing it.
//!
//! There is no clock: the order in which calls of the recorder came is the order of the history,
//! so that simulated time is as good as any other. A lock is held for as long as it takes to
//! append one event, never while the system under test runs.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;

use crate::history::{History, HistoryError};
use crate::op::{Kind, Op, Process};
use crate::value::Value;

/// Collects events from any number of threads and tasks. Clones record into the same history.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    journal: Arc<Mutex<Journal>>,
}

#[derive(Debug, Default)]
struct Journal {
    events: Vec<Op>,
    /// The number under which a process goes on that retired.
    successors: FxHashMap<u64, u64>,
    retired: u64,
}

/// An operation that has been invoked. Dropped without an answer, it is indeterminate.
#[must_use = "an operation that is dropped at once is one of which nobody knows the outcome"]
pub struct Open {
    recorder: Recorder,
    /// As whoever invoked it counts.
    process: u64,
    /// As the history does.
    recorded: u64,
    f: Value,
    value: Value,
    answered: bool,
}

/// Successors of retired processes are numbered from here on.
const SUCCESSORS: u64 = 1_000_000;

impl Recorder {
    /// An empty history.
    pub fn new() -> Recorder {
        Recorder::default()
    }

    /// A process is about to do something: call this before the system can hear of it.
    pub fn invoke(&self, process: u64, f: &str, value: impl Into<Value>) -> Open {
        let (f, value) = (Value::keyword(f), value.into());
        let mut journal = self.journal();
        let recorded = journal.successors.get(&process).copied().unwrap_or(process);
        journal.push(recorded, Kind::Invoke, f.clone(), value.clone(), None);
        drop(journal);
        Open { recorder: self.clone(), process, recorded, f, value, answered: false }
    }

    /// What was recorded so far.
    ///
    /// # Errors
    /// When a process did two things at once.
    pub fn history(&self) -> Result<History, HistoryError> {
        History::from_ops(self.journal().events.clone())
    }

    /// Whatever panicked while it recorded had recorded one event, or none.
    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal {
    fn push(&mut self, process: u64, kind: Kind, f: Value, value: Value, error: Option<Value>) {
        let index = self.events.len() as u64;
        let process = Process::Client(process);
        let extra = Vec::new();
        self.events.push(Op { index, time_ns: -1, process, kind, f, value, error, extra });
    }

    fn retire(&mut self, process: u64) {
        self.successors.insert(process, SUCCESSORS + self.retired);
        self.retired += 1;
    }
}

impl Open {
    /// It took effect and returned this: call it after the system has answered.
    pub fn ok(self, result: impl Into<Value>) {
        self.end(Kind::Ok, result.into(), None);
    }

    /// It certainly did not take effect.
    pub fn fail(self, error: impl Into<Value>) {
        let value = self.value.clone();
        self.end(Kind::Fail, value, Some(error.into()));
    }

    /// Nobody knows whether it took effect, or whether it still will.
    pub fn info(self, error: impl Into<Value>) {
        let value = self.value.clone();
        self.end(Kind::Info, value, Some(error.into()));
    }

    fn end(mut self, kind: Kind, value: Value, error: Option<Value>) {
        self.record(kind, value, error);
    }

    fn record(&mut self, kind: Kind, value: Value, error: Option<Value>) {
        self.answered = true;
        let mut journal = self.recorder.journal();
        journal.push(self.recorded, kind, self.f.clone(), value, error);
        if kind == Kind::Info {
            journal.retire(self.process);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.answered {
            let value = self.value.clone();
            self.record(Kind::Info, value, Some(Value::keyword("dropped")));
        }
    }
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of process {}", self.f, self.value, self.process)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Outcome;

    #[test]
    fn what_is_dropped_is_indeterminate_and_its_process_goes_on_under_another_number() {
        let recorder = Recorder::new();
        drop(recorder.invoke(0, "write", 1));
        recorder.invoke(0, "read", Value::Nil).ok(1);
        recorder.invoke(0, "write", 2).info("timeout");
        recorder.invoke(0, "write", 3).fail("refused");
        let history = recorder.history().expect("processes do one thing after another");
        let all: Vec<_> =
            history.operations().iter().map(|one| (one.process, one.outcome)).collect();
        assert_eq!(
            all,
            [
                (0, Outcome::Info),
                (SUCCESSORS, Outcome::Ok),
                (SUCCESSORS, Outcome::Info),
                (SUCCESSORS + 1, Outcome::Fail)
            ]
        );
    }

    #[test]
    fn a_process_that_does_two_things_at_once_is_refused() {
        let recorder = Recorder::new();
        let first = recorder.invoke(0, "write", 1);
        let second = recorder.invoke(0, "write", 2);
        assert!(recorder.history().is_err());
        first.ok(1);
        second.ok(2);
    }
}
