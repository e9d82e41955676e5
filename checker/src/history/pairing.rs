//! Pairing: which completion belongs to which invocation.
//!
//! A process is logically single-threaded, so the next event of a process after its invocation is
//! the completion. After an `info` nobody knows what the process is still doing: it retires, and
//! whoever invokes under its number again is a bug of the recorder that would turn into a wrong
//! verdict. The same goes for events out of order. All of that is refused here, once, so that no
//! checker has to think about it. Events of anything but clients are not paired.

use thiserror::Error;

use super::columns::{Columns, narrow};
use super::{Operation, Outcome};
use crate::op::{Kind, Process};
use crate::value::Value;

/// Why events do not form a history. Operations are named by their `:index`; the positions are
/// those in the sequence of events, and let a reader of files name lines as well.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{problem}")]
pub struct HistoryError {
    /// What is wrong.
    pub problem: Problem,
    /// Position of the earlier event that contradicts the offending one, where there is one.
    pub earlier: Option<usize>,
    /// Position of the offending event.
    pub position: usize,
}

/// The ways in which events contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// A process did two things at once.
    #[error("process {process} invokes op {second} while its op {first} is still running")]
    InvokedTwice {
        /// The process.
        process: u64,
        /// Index of the invocation that is still running.
        first: u64,
        /// Index of the second invocation.
        second: u64,
    },
    /// An answer without a question.
    #[error("op {completion} completes (:{kind}) nothing: process {process} is not running an operation{}",
        .previous.map(|index| format!(", its last event was op {index}")).unwrap_or_default())]
    CompletionWithoutInvoke {
        /// The process.
        process: u64,
        /// Index of the completion.
        completion: u64,
        /// `ok`, `fail` or `info`.
        kind: &'static str,
        /// Index of the last event of this process before it.
        previous: Option<u64>,
    },
    /// A process came back after an `info`.
    #[error(
        "process {process} returns with op {returned} after op {info} left it indeterminate (:info); \
        its successor needs a number of its own"
    )]
    ReturnedAfterInfo {
        /// The process.
        process: u64,
        /// Index of the completion after which it should have retired.
        info: u64,
        /// Index of its next event.
        returned: u64,
    },
    /// The completion is one of another function.
    #[error(
        "op {completion} of process {process} does not complete what op {invocation} invoked: their :f differ"
    )]
    FunctionChanged {
        /// The process.
        process: u64,
        /// Index of the invocation.
        invocation: u64,
        /// Index of the completion.
        completion: u64,
    },
    /// Indices do not grow.
    #[error(
        "op {index} comes after op {previous}: indices must grow, so the order of this history is not known"
    )]
    OutOfOrder {
        /// Index of the event before.
        previous: u64,
        /// Index of the offending event.
        index: u64,
    },
}

/// The operations of a history: eight bytes each, the rest is said by the events.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairing {
    invocations: Vec<u32>,
    /// [`NEVER`] where the history ends before the completion.
    completions: Vec<u32>,
}

const NEVER: u32 = u32::MAX;

impl Pairing {
    pub(super) fn len(&self) -> usize {
        self.invocations.len()
    }

    /// Where an operation begins, and where it ends if it does.
    #[inline]
    pub(super) fn ends(&self, number: usize) -> (usize, Option<usize>) {
        let completion = Some(self.completions[number]).filter(|at| *at != NEVER);
        (self.invocations[number] as usize, completion.map(|at| at as usize))
    }

    /// The operation of this number, in order of invocation.
    #[inline]
    pub(super) fn operation(&self, columns: &Columns, number: usize) -> Operation {
        let (invoke, completion) = self.ends(number);
        let Process::Client(process) = *columns.process(invoke).1 else {
            unreachable!("only events of clients are paired")
        };
        let outcome = completion.map_or(Outcome::Info, |at| match columns.kind(at) {
            Kind::Ok => Outcome::Ok,
            Kind::Fail => Outcome::Fail,
            Kind::Info | Kind::Invoke => Outcome::Info,
        });
        Operation { invoke, completion, process, outcome }
    }
}

/// What a process is doing.
#[derive(Clone, Copy)]
enum State {
    /// Nothing was seen of it yet.
    New,
    /// It runs the operation of this number.
    Running(u32),
    /// Its last operation completed at this position.
    Idle(u32),
    /// It retired with the `info` at this position.
    Retired(u32),
}

/// Pairs invocations with completions while events are appended: whoever reads a file waits for it
/// anyway. O(events).
#[derive(Default)]
pub(super) struct Pairer {
    pairing: Pairing,
    /// By the numbers of processes; `None` for whoever is no client.
    states: Vec<Option<State>>,
    /// How many events were looked at.
    seen: usize,
    /// The first event that contradicts an earlier one; none behind it is looked at.
    contradiction: Option<HistoryError>,
}

impl Pairer {
    /// Looks at the events that were appended since the last time.
    pub(super) fn follow(&mut self, columns: &Columns) {
        if self.contradiction.is_none() {
            self.contradiction = self.pair(columns).err();
        }
    }

    fn pair(&mut self, columns: &Columns) -> Result<(), HistoryError> {
        let fresh = &columns.all_processes()[self.states.len()..];
        let state = |process: &Process| match process {
            Process::Client(_) => Some(State::New),
            Process::Other(_) => None,
        };
        self.states.extend(fresh.iter().map(state));
        for position in self.seen..columns.len() {
            let number = columns.process_number(position).position();
            let Some(state) = &mut self.states[number] else { continue };
            let event = Event { columns, position };
            *state = match columns.kind(position) {
                Kind::Invoke => event.invoke(*state, &mut self.pairing)?,
                kind => event.complete(kind, *state, &mut self.pairing)?,
            };
        }
        self.seen = columns.len();
        Ok(())
    }

    /// The operations of all these events.
    pub(super) fn finish(mut self, columns: &Columns) -> Result<Pairing, HistoryError> {
        self.follow(columns);
        let contradicted = self.contradiction.as_ref().map_or(usize::MAX, |error| error.position);
        match (columns.indices.first_descent(), self.contradiction) {
            (Some(descent), _) if descent <= contradicted => Err(out_of_order(columns, descent)),
            (_, Some(contradiction)) => Err(contradiction),
            (_, None) => {
                self.pairing.invocations.shrink_to_fit();
                self.pairing.completions.shrink_to_fit();
                Ok(self.pairing)
            }
        }
    }
}

fn out_of_order(columns: &Columns, position: usize) -> HistoryError {
    let index = |at: usize| columns.indices.get(at);
    let problem = Problem::OutOfOrder { previous: index(position - 1), index: index(position) };
    HistoryError { problem, earlier: Some(position - 1), position }
}

/// An event of a client, about to be paired.
struct Event<'a> {
    columns: &'a Columns,
    position: usize,
}

impl Event<'_> {
    fn invoke(&self, state: State, pairing: &mut Pairing) -> Result<State, HistoryError> {
        match state {
            State::Running(number) => {
                let invoke = pairing.invocations[number as usize] as usize;
                let (first, second) = (self.index_at(invoke), self.index_at(self.position));
                let problem = Problem::InvokedTwice { process: self.process(), first, second };
                Err(HistoryError { problem, earlier: Some(invoke), position: self.position })
            }
            State::Retired(info) => Err(self.returned(info as usize)),
            State::Idle(_) | State::New => {
                let number = narrow(pairing.len());
                pairing.invocations.push(narrow(self.position));
                pairing.completions.push(NEVER);
                Ok(State::Running(number))
            }
        }
    }

    fn complete(
        &self,
        kind: Kind,
        state: State,
        pairing: &mut Pairing,
    ) -> Result<State, HistoryError> {
        let number = match state {
            State::Running(number) => number as usize,
            State::Retired(info) => return Err(self.returned(info as usize)),
            State::Idle(earlier) => return Err(self.without_invoke(Some(earlier as usize))),
            State::New => return Err(self.without_invoke(None)),
        };
        let invoke = pairing.invocations[number] as usize;
        self.same_function(invoke)?;
        pairing.completions[number] = narrow(self.position);
        Ok(match kind {
            Kind::Ok | Kind::Fail => State::Idle(narrow(self.position)),
            Kind::Info | Kind::Invoke => State::Retired(narrow(self.position)),
        })
    }

    /// Some recorders leave `:f` out of completions; one that is there must agree.
    fn same_function(&self, invoke: usize) -> Result<(), HistoryError> {
        let (invoked, completed) = (self.columns.f(invoke), self.columns.f(self.position));
        if invoked == completed || *self.columns.values.get(completed) == Value::Nil {
            return Ok(());
        }
        let problem = Problem::FunctionChanged {
            process: self.process(),
            invocation: self.index_at(invoke),
            completion: self.index_at(self.position),
        };
        Err(HistoryError { problem, earlier: Some(invoke), position: self.position })
    }

    fn returned(&self, info: usize) -> HistoryError {
        let problem = Problem::ReturnedAfterInfo {
            process: self.process(),
            info: self.index_at(info),
            returned: self.index_at(self.position),
        };
        HistoryError { problem, earlier: Some(info), position: self.position }
    }

    fn without_invoke(&self, earlier: Option<usize>) -> HistoryError {
        let problem = Problem::CompletionWithoutInvoke {
            process: self.process(),
            completion: self.index_at(self.position),
            kind: self.columns.kind(self.position).word(),
            previous: earlier.map(|at| self.index_at(at)),
        };
        HistoryError { problem, earlier, position: self.position }
    }

    fn index_at(&self, position: usize) -> u64 {
        self.columns.indices.get(position)
    }

    fn process(&self) -> u64 {
        match self.columns.process(self.position).1 {
            Process::Client(number) => *number,
            Process::Other(_) => unreachable!("only events of clients are paired"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::History;
    use crate::op::Op;

    fn history(events: &[(u64, Kind)]) -> Vec<Op> {
        let event = |(index, (process, kind)): (usize, &(u64, Kind))| Op {
            index: index as u64,
            time_ns: -1,
            process: Process::Client(*process),
            kind: *kind,
            f: Value::keyword("read"),
            value: Value::Nil,
            error: None,
            extra: Vec::new(),
        };
        events.iter().enumerate().map(event).collect()
    }

    fn pair(ops: &[Op]) -> Result<Vec<Operation>, HistoryError> {
        History::from_ops(ops.to_vec()).map(|history| history.operations().iter().collect())
    }

    fn problem(events: &[(u64, Kind)]) -> String {
        pair(&history(events)).unwrap_err().to_string()
    }

    #[test]
    fn invocations_are_paired_with_the_next_event_of_their_process() {
        let ops = history(&[(0, Kind::Invoke), (1, Kind::Invoke), (1, Kind::Fail), (0, Kind::Ok)]);
        let operations = pair(&ops).unwrap();
        assert_eq!(operations[0].completion, Some(3));
        assert_eq!(operations[0].outcome, Outcome::Ok);
        assert_eq!(operations[1].completion, Some(2));
        assert_eq!(operations[1].outcome, Outcome::Fail);
    }

    #[test]
    fn an_invocation_without_completion_is_indeterminate() {
        let operations = pair(&history(&[(0, Kind::Invoke)])).unwrap();
        assert_eq!(operations[0].completion, None);
        assert_eq!(operations[0].outcome, Outcome::Info);
    }

    #[test]
    fn events_of_the_nemesis_are_not_paired() {
        let mut ops =
            history(&[(0, Kind::Invoke), (7, Kind::Info), (7, Kind::Info), (0, Kind::Ok)]);
        ops[1].process = Process::nemesis();
        ops[2].process = Process::nemesis();
        assert_eq!(pair(&ops).unwrap().len(), 1);
    }

    #[test]
    fn a_second_invocation_of_a_running_process_is_refused_naming_both() {
        let text = problem(&[(3, Kind::Invoke), (0, Kind::Invoke), (3, Kind::Invoke)]);
        assert_eq!(text, "process 3 invokes op 2 while its op 0 is still running");
    }

    #[test]
    fn a_completion_of_nothing_is_refused() {
        assert!(problem(&[(3, Kind::Ok)]).starts_with("op 0 completes (:ok) nothing"));
        let text = problem(&[(3, Kind::Invoke), (3, Kind::Ok), (3, Kind::Ok)]);
        assert!(text.ends_with("its last event was op 1"), "{text}");
    }

    #[test]
    fn a_process_retires_after_an_info() {
        let text = problem(&[(3, Kind::Invoke), (3, Kind::Info), (3, Kind::Invoke)]);
        assert!(text.starts_with("process 3 returns with op 2 after op 1"), "{text}");
        problem(&[(3, Kind::Invoke), (3, Kind::Info), (3, Kind::Ok)]);
    }

    #[test]
    fn a_completion_of_another_function_is_refused() {
        let mut ops = history(&[(0, Kind::Invoke), (0, Kind::Ok)]);
        ops[1].f = Value::keyword("write");
        assert!(pair(&ops).is_err());
        ops[1].f = Value::Nil;
        assert!(pair(&ops).is_ok());
    }

    #[test]
    fn indices_may_be_sparse_but_must_grow() {
        let mut ops = history(&[(0, Kind::Invoke), (0, Kind::Ok)]);
        ops[1].index = 1000;
        assert!(pair(&ops).is_ok());
        ops[0].index = 1000;
        assert!(matches!(pair(&ops).unwrap_err().problem, Problem::OutOfOrder { .. }));
    }
}
