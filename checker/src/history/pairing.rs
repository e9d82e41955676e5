//! Pairing: which completion belongs to which invocation.
//!
//! A process is logically single-threaded, so the next event of a process after its invocation is
//! the completion. After an `info` nobody knows what the process is still doing: it retires, and
//! whoever invokes under its number again is a bug of the recorder that would turn into a wrong
//! verdict. The same goes for events out of order. All of that is refused here, once, so that no
//! checker has to think about it. Events of anything but clients are not paired.

use rustc_hash::FxHashMap;
use thiserror::Error;

use super::{Operation, Outcome};
use crate::op::{Kind, Op, Process};

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

/// What a process is doing.
#[derive(Clone, Copy)]
enum State {
    /// It runs the operation of this number.
    Running(usize),
    /// Its last operation completed at this position.
    Idle(usize),
    /// It retired with the `info` at this position.
    Retired(usize),
}

/// Pairs invocations with completions; O(events).
pub(super) fn pair(ops: &[Op]) -> Result<Vec<Operation>, HistoryError> {
    let mut operations = Vec::with_capacity(ops.len() / 2 + 1);
    let mut processes: FxHashMap<u64, State> = FxHashMap::default();
    for (position, op) in ops.iter().enumerate() {
        check_order(ops, position)?;
        let Process::Client(process) = op.process else { continue };
        let state = processes.get(&process).copied();
        let next = match op.kind {
            Kind::Invoke => invoke(ops, position, process, state, &mut operations)?,
            _ => complete(ops, position, process, state, &mut operations)?,
        };
        processes.insert(process, next);
    }
    operations.shrink_to_fit();
    Ok(operations)
}

fn check_order(ops: &[Op], position: usize) -> Result<(), HistoryError> {
    let Some(earlier) = position.checked_sub(1) else { return Ok(()) };
    let (previous, index) = (ops[earlier].index, ops[position].index);
    if previous < index {
        return Ok(());
    }
    let problem = Problem::OutOfOrder { previous, index };
    Err(HistoryError { problem, earlier: Some(earlier), position })
}

fn invoke(
    ops: &[Op],
    position: usize,
    process: u64,
    state: Option<State>,
    operations: &mut Vec<Operation>,
) -> Result<State, HistoryError> {
    match state {
        Some(State::Running(number)) => {
            let invoke = operations[number].invoke;
            let (first, second) = (ops[invoke].index, ops[position].index);
            let problem = Problem::InvokedTwice { process, first, second };
            Err(HistoryError { problem, earlier: Some(invoke), position })
        }
        Some(State::Retired(info)) => Err(returned(ops, position, process, info)),
        Some(State::Idle(_)) | None => {
            operations.push(Operation {
                invoke: position,
                completion: None,
                process,
                outcome: Outcome::Info,
            });
            Ok(State::Running(operations.len() - 1))
        }
    }
}

fn complete(
    ops: &[Op],
    position: usize,
    process: u64,
    state: Option<State>,
    operations: &mut [Operation],
) -> Result<State, HistoryError> {
    let number = match state {
        Some(State::Running(number)) => number,
        Some(State::Retired(info)) => return Err(returned(ops, position, process, info)),
        Some(State::Idle(earlier)) => {
            return Err(without_invoke(ops, position, process, Some(earlier)));
        }
        None => return Err(without_invoke(ops, position, process, None)),
    };
    let operation = &mut operations[number];
    let (invocation, completion) = (&ops[operation.invoke], &ops[position]);
    // Some recorders leave `:f` out of completions; one that is there must agree.
    if invocation.f != completion.f && !completion.f.is_nil() {
        let problem = Problem::FunctionChanged {
            process,
            invocation: invocation.index,
            completion: completion.index,
        };
        return Err(HistoryError { problem, earlier: Some(operation.invoke), position });
    }
    operation.completion = Some(position);
    operation.outcome = match completion.kind {
        Kind::Ok => Outcome::Ok,
        Kind::Fail => Outcome::Fail,
        Kind::Info | Kind::Invoke => Outcome::Info,
    };
    Ok(match operation.outcome {
        Outcome::Info => State::Retired(position),
        Outcome::Ok | Outcome::Fail => State::Idle(position),
    })
}

fn returned(ops: &[Op], position: usize, process: u64, info: usize) -> HistoryError {
    let problem = Problem::ReturnedAfterInfo {
        process,
        info: ops[info].index,
        returned: ops[position].index,
    };
    HistoryError { problem, earlier: Some(info), position }
}

fn without_invoke(
    ops: &[Op],
    position: usize,
    process: u64,
    earlier: Option<usize>,
) -> HistoryError {
    let op = &ops[position];
    let problem = Problem::CompletionWithoutInvoke {
        process,
        completion: op.index,
        kind: op.kind.word(),
        previous: earlier.map(|at| ops[at].index),
    };
    HistoryError { problem, earlier, position }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

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
