//! What every picture and every figure of the report is drawn from: when each operation began and
//! ended, beside the faults that were in force; and, for pictures, the history arranged as calls
//! with a lane and a key. That takes more memory than the history itself, so it is done when
//! somebody asks for the first call: figures alone do without.
//!
//! Times are those of the history. Where it has none (−1, as in histories without a clock), the
//! position of the event takes their place, which keeps the order, the only thing that is then
//! known; [`Clock`] says which of the two it is.

use std::collections::HashMap;
use std::sync::OnceLock;

use checker::history::{
    History, Independent, OpRef, Operation, Ops, Outcome, has_key_entries, split,
};
use checker::verdict::Anomaly;
use checker::{Value, Verdict};
use rayon::prelude::*;

use super::fault::{self, Fault};
use super::lanes;
use super::{Input, RunFacts};

/// What the horizontal axis counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// Nanoseconds since the start of the test.
    Nanoseconds,
    /// Events of the history, which has no times.
    Events,
}

impl Clock {
    /// A moment as people read it.
    pub(crate) fn moment(self, at: i64) -> String {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "three decimals are shown")]
            Clock::Nanoseconds => format!("{:.3} s", at as f64 / 1e9),
            Clock::Events => format!("event {at}"),
        }
    }

    /// A length of time as people read it.
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    pub(crate) fn span(self, length: i64) -> String {
        match (self, length) {
            (Clock::Events, 1) => "1 event".to_owned(),
            (Clock::Events, _) => format!("{length} events"),
            (_, ..1_000) => format!("{length} ns"),
            (_, ..1_000_000) => format!("{:.1} µs", length as f64 / 1e3),
            (_, ..1_000_000_000) => format!("{:.1} ms", length as f64 / 1e6),
            _ => format!("{:.1} s", length as f64 / 1e9),
        }
    }
}

/// When a client operation began and ended, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) start: i64,
    pub(crate) end: Option<i64>,
    pub(crate) outcome: Outcome,
}

/// One client operation, with everything that pictures need and no text.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Position of the invocation in the history.
    pub(crate) invoke: usize,
    /// Position of the completion.
    pub(crate) completion: Option<usize>,
    pub(crate) process: u64,
    pub(crate) outcome: Outcome,
    pub(crate) start: i64,
    pub(crate) end: Option<i64>,
    /// What was done, an index into [`Scene::kinds`].
    pub(crate) kind: u32,
    /// Which lane of the timeline, an index into [`Scene::lanes`].
    pub(crate) lane: u32,
    /// Which key, an index into [`Scene::keys`].
    pub(crate) key: Option<u32>,
}

/// The history, arranged for drawing.
pub(crate) struct Scene<'a> {
    pub(crate) history: &'a History,
    pub(crate) verdict: &'a Verdict,
    pub(crate) run: Option<&'a RunFacts>,
    pub(crate) clock: Clock,
    /// The time of the last event.
    pub(crate) horizon: i64,
    pub(crate) faults: Vec<Fault>,
    /// The keys of a history of independent keys, in the verdict's order; empty otherwise.
    pub(crate) keys: Vec<Value>,
    /// Whether values are pairs `[key value]`.
    pairs: bool,
    arranged: OnceLock<Arranged>,
}

/// What only pictures need.
struct Arranged {
    calls: Vec<Call>,
    kinds: Vec<String>,
    lanes: Vec<String>,
    /// Row in `calls` by the position of the invocation or completion; [`NO_ROW`] for other events.
    rows: Vec<u32>,
}

const NO_ROW: u32 = u32::MAX;

impl<'a> Scene<'a> {
    /// Looks over the history of `input`. O(n), without memory for its operations.
    pub(crate) fn new(input: &'a Input<'a>) -> Scene<'a> {
        let history = input.history;
        let ops = history.ops();
        let clock = clock_of(history);
        let time = |position: usize| time_at(ops, clock, position);
        let horizon = (0..ops.len()).into_par_iter().map(time).max().unwrap_or(0);
        let keys: Vec<Value> = input.verdict.parts.iter().map(|part| part.key.clone()).collect();
        Scene {
            history,
            verdict: input.verdict,
            run: input.run.as_ref(),
            clock,
            horizon,
            faults: fault::from_history(ops, horizon, &time),
            pairs: !keys.is_empty() && !has_key_entries(history),
            keys,
            arranged: OnceLock::new(),
        }
    }

    /// The time of an event.
    pub(crate) fn time(&self, position: usize) -> i64 {
        time_at(self.history.ops(), self.clock, position)
    }

    /// When each operation began and ended, in the order of the history.
    pub(crate) fn spans(&self) -> impl Iterator<Item = Span> {
        self.history.operations().iter().map(|operation| self.span(&operation))
    }

    fn span(&self, operation: &Operation) -> Span {
        let start = self.time(operation.invoke);
        let end = operation.completion.map(|at| self.time(at).max(start));
        Span { start, end, outcome: operation.outcome }
    }

    /// When the first operation began and the last one ended; zeros if there is none.
    pub(crate) fn load(&self) -> (i64, i64) {
        let bounds = self.spans().map(|span| (span.start, span.end.unwrap_or(span.start)));
        let wider = |(first, last): (i64, i64), (start, end)| (first.min(start), last.max(end));
        bounds.reduce(wider).unwrap_or((0, 0))
    }

    /// The operations, in the order of their starts.
    pub(crate) fn calls(&self) -> &[Call] {
        &self.arranged().calls
    }

    /// What was done: `read`, `write`, …, in the order of first use.
    pub(crate) fn kinds(&self) -> &[String] {
        &self.arranged().kinds
    }

    /// The name of each lane.
    pub(crate) fn lanes(&self) -> &[String] {
        &self.arranged().lanes
    }

    /// The row of the call that has an event of this index.
    pub(crate) fn row(&self, index: u64) -> Option<usize> {
        let row = self.arranged().rows[self.history.ops().position(index)?];
        (row != NO_ROW).then_some(row as usize)
    }

    fn arranged(&self) -> &Arranged {
        self.arranged.get_or_init(|| self.arrange())
    }

    fn arrange(&self) -> Arranged {
        let keys = self.keys_of_operations();
        let mut kinds = Kinds::default();
        let operations = self.history.operations().iter().enumerate();
        let mut calls: Vec<Call> = operations
            .map(|(number, operation)| {
                let Span { start, end, outcome } = self.span(&operation);
                let Operation { invoke, completion, process, .. } = operation;
                let kind = kinds.number(self.history.function(&operation));
                let key = keys.get(number).copied().flatten();
                Call { invoke, completion, process, outcome, start, end, kind, lane: 0, key }
            })
            .collect();
        calls.sort_by_key(|call| call.start);
        let lanes = lanes::assign(&mut calls, self.run.map(|run| run.workers));
        let mut rows = vec![NO_ROW; self.history.ops().len()];
        for (call, row) in calls.iter().zip(0..) {
            rows[call.invoke] = row;
            call.completion.into_iter().for_each(|at| rows[at] = row);
        }
        Arranged { calls, kinds: kinds.names, lanes, rows }
    }

    /// Which of the keys each operation belongs to; empty where there are none.
    fn keys_of_operations(&self) -> Vec<Option<u32>> {
        if self.keys.is_empty() {
            return Vec::new();
        }
        let numbers: HashMap<Value, u32> =
            self.keys.iter().map(Value::canonical).zip(0..).collect();
        let mut of_operations = vec![None; self.history.operations().len()];
        // The verdict has keys because the history could be split by them.
        let split = split(self.history, Independent::Yes).ok().flatten().unwrap_or_default();
        for key in &split {
            let number = numbers.get(&key.key.canonical()).copied();
            key.numbers().for_each(|operation| of_operations[operation] = number);
        }
        of_operations
    }

    /// The invocation of a call.
    pub(crate) fn invocation(&self, call: &Call) -> OpRef<'a> {
        self.history.ops().at(call.invoke)
    }

    /// The completion of a call.
    pub(crate) fn completion(&self, call: &Call) -> Option<OpRef<'a>> {
        call.completion.map(|at| self.history.ops().at(at))
    }

    /// What was done: `read`, `write`, ….
    pub(crate) fn f(&self, call: &Call) -> &str {
        &self.kinds()[call.kind as usize]
    }

    /// What it was called with, without its key; empty for nil.
    pub(crate) fn argument(&self, call: &Call) -> String {
        text_of(self.stripped(self.invocation(call)).value())
    }

    /// What it answered, where that says more than the argument: empty for a write that was just
    /// acknowledged.
    pub(crate) fn result(&self, call: &Call) -> String {
        let Some(completion) = self.completion(call) else { return String::new() };
        let argument = self.stripped(self.invocation(call)).value();
        let result = self.stripped(completion).value();
        match call.outcome {
            Outcome::Ok if result != argument || argument.is_nil() => result.to_string(),
            _ => String::new(),
        }
    }

    /// Why it failed or is unknown; empty if nothing was said.
    pub(crate) fn error(&self, call: &Call) -> String {
        self.completion(call).and_then(|op| op.error).map(name_of).unwrap_or_default()
    }

    /// The operation in a few words: `read → 3`, `write 4`.
    pub(crate) fn label(&self, call: &Call) -> String {
        let (argument, result) = (self.argument(call), self.result(call));
        let mut label = self.f(call).to_owned();
        if !argument.is_empty() {
            label = format!("{label} {argument}");
        }
        if result.is_empty() { label } else { format!("{label} → {result}") }
    }

    /// A client's event without the key in its value; as it is where there is none.
    pub(crate) fn stripped(&self, op: OpRef<'a>) -> OpRef<'a> {
        match op.pair() {
            Some([_, value]) if self.pairs => op.with_value(value),
            _ => op,
        }
    }

    /// The node it went to: what the history says, or the one its process is pinned to.
    pub(crate) fn node(&self, call: &Call) -> Option<String> {
        let said = [Some(self.invocation(call)), self.completion(call)]
            .into_iter()
            .flatten()
            .find_map(|op| op.extra.iter().find(|(key, _)| key.name() == Some("node")));
        let pinned = || {
            let nodes = &self.run?.nodes;
            let at = usize::try_from(call.process).ok()?.checked_rem(nodes.len())?;
            Some(nodes[at].clone())
        };
        said.map(|(_, node)| name_of(node)).or_else(pinned)
    }
}

/// What no correct system could have done, the whole history's first, then each key's.
pub(crate) fn anomalies(verdict: &Verdict) -> Vec<Anomaly> {
    let mut all: Vec<Anomaly> = verdict.anomalies.clone();
    for part in &verdict.parts {
        for anomaly in &part.verdict.anomalies {
            if !all.iter().any(|known| known.kind == anomaly.kind && known.op == anomaly.op) {
                let mut anomaly = anomaly.clone();
                anomaly.key.get_or_insert_with(|| part.key.clone());
                all.push(anomaly);
            }
        }
    }
    all
}

/// Which clock a history has.
pub(crate) fn clock_of(history: &History) -> Clock {
    let ops = history.ops();
    let timed = !ops.is_empty() && (0..ops.len()).into_par_iter().all(|at| ops.time_ns(at) >= 0);
    if timed { Clock::Nanoseconds } else { Clock::Events }
}

/// The time of an event on the scene's clock.
fn time_at(ops: Ops<'_>, clock: Clock, position: usize) -> i64 {
    match clock {
        Clock::Nanoseconds => ops.time_ns(position),
        Clock::Events => i64::try_from(position).unwrap_or(i64::MAX),
    }
}

/// A keyword, symbol or string as bare text, anything else as EDN.
pub(crate) fn name_of(value: &Value) -> String {
    value.name().map_or_else(|| value.to_string(), str::to_owned)
}

/// EDN, but nothing for nil.
fn text_of(value: &Value) -> String {
    if value.is_nil() { String::new() } else { value.to_string() }
}

/// The kinds of operations in the order of first use.
#[derive(Default)]
pub(crate) struct Kinds<'h> {
    pub(crate) names: Vec<String>,
    /// Every function that was met, with the number of its name.
    known: Vec<(&'h Value, u32)>,
}

impl<'h> Kinds<'h> {
    /// The number of a function's name. Equal functions of a history are one value in memory, and
    /// there are a handful.
    pub(crate) fn number(&mut self, f: &'h Value) -> u32 {
        let known = self.known.iter().find(|(known, _)| std::ptr::eq(*known, f));
        if let Some((_, number)) = known {
            return *number;
        }
        let name = name_of(f);
        let place = self.names.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        });
        let number = u32::try_from(place).expect("a history has fewer functions than operations");
        self.known.push((f, number));
        number
    }
}
