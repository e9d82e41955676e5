//! What every picture and every figure of the report is drawn from: the history arranged once as
//! calls with a start, an end, a lane and a key, beside the faults that were in force.
//!
//! Times are those of the history. Where it has none (−1, as in histories without a clock), the
//! position of the event takes their place, which keeps the order, the only thing that is then
//! known; [`Clock`] says which of the two it is.

use std::collections::{BTreeMap, HashMap};

use checker::history::{History, OpRef, Ops, Outcome};
use checker::verdict::Anomaly;
use checker::{Process, Value, Verdict};

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
    /// Which lane of the timeline, an index into [`Scene::lanes`].
    pub(crate) lane: usize,
    /// Which key, an index into [`Scene::keys`].
    pub(crate) key: Option<usize>,
}

/// The history, arranged for drawing.
pub(crate) struct Scene<'a> {
    pub(crate) history: &'a History,
    pub(crate) verdict: &'a Verdict,
    pub(crate) run: Option<&'a RunFacts>,
    pub(crate) clock: Clock,
    /// The time of the last event.
    pub(crate) horizon: i64,
    /// In the order of their starts.
    pub(crate) calls: Vec<Call>,
    pub(crate) faults: Vec<Fault>,
    /// The name of each lane.
    pub(crate) lanes: Vec<String>,
    /// The keys of a history of independent keys, in the verdict's order; empty otherwise.
    pub(crate) keys: Vec<Value>,
    /// Row in `calls` by the index of the invocation or completion, as the verdict names operations.
    rows: HashMap<u64, usize>,
}

impl<'a> Scene<'a> {
    /// Arranges the history of `input`.
    pub(crate) fn new(input: &'a Input<'a>) -> Scene<'a> {
        let history = input.history;
        let ops = history.ops();
        let clock = clock_of(history);
        let time = |position: usize| time_at(ops, clock, position);
        let horizon = (0..ops.len()).map(time).max().unwrap_or(0);
        let keys: Vec<Value> = input.verdict.parts.iter().map(|part| part.key.clone()).collect();
        let numbers: BTreeMap<String, usize> =
            keys.iter().enumerate().map(|(n, key)| (key.canonical().to_string(), n)).collect();
        let mut calls: Vec<Call> = history
            .operations()
            .iter()
            .map(|operation| {
                let start = time(operation.invoke);
                Call {
                    invoke: operation.invoke,
                    completion: operation.completion,
                    process: operation.process,
                    outcome: operation.outcome,
                    start,
                    end: operation.completion.map(|at| time(at).max(start)),
                    lane: 0,
                    key: key_of(ops.at(operation.invoke), &numbers),
                }
            })
            .collect();
        calls.sort_by_key(|call| call.start);
        let lanes = lanes::assign(&mut calls, input.run.as_ref().map(|run| run.workers));
        let mut rows = HashMap::with_capacity(calls.len() * 2);
        for (row, call) in calls.iter().enumerate() {
            rows.insert(ops.at(call.invoke).index, row);
            call.completion.map(|at| rows.insert(ops.at(at).index, row));
        }
        let faults = fault::from_history(ops, horizon, &time);
        let run = input.run.as_ref();
        Scene {
            history,
            verdict: input.verdict,
            run,
            clock,
            horizon,
            calls,
            faults,
            lanes,
            keys,
            rows,
        }
    }

    /// The row of the call that has an event of this index.
    pub(crate) fn row(&self, index: u64) -> Option<usize> {
        self.rows.get(&index).copied()
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
    pub(crate) fn f(&self, call: &Call) -> String {
        name_of(self.invocation(call).f)
    }

    /// What it was called with, without its key; empty for nil.
    pub(crate) fn argument(&self, call: &Call) -> String {
        text_of(stripped(self.invocation(call).value(), call.key))
    }

    /// What it answered, where that says more than the argument: empty for a write that was just
    /// acknowledged.
    pub(crate) fn result(&self, call: &Call) -> String {
        let Some(completion) = self.completion(call) else { return String::new() };
        let argument = stripped(self.invocation(call).value(), call.key);
        let result = stripped(completion.value(), call.key);
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
        let mut label = self.f(call);
        if !argument.is_empty() {
            label = format!("{label} {argument}");
        }
        if result.is_empty() { label } else { format!("{label} → {result}") }
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
    let timed = !ops.is_empty() && ops.iter().all(|op| op.time_ns >= 0);
    if timed { Clock::Nanoseconds } else { Clock::Events }
}

/// The time of an event on the scene's clock.
fn time_at(ops: Ops<'_>, clock: Clock, position: usize) -> i64 {
    match clock {
        Clock::Nanoseconds => ops.at(position).time_ns,
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

/// Whether an event is the nemesis's, or any other's that is no client.
pub(crate) fn is_nemesis(op: OpRef<'_>) -> bool {
    matches!(op.process, Process::Other(_))
}

/// Which of the known keys an invocation belongs to: the first of a pair, or its `:key` entry.
fn key_of(op: OpRef<'_>, numbers: &BTreeMap<String, usize>) -> Option<usize> {
    if numbers.is_empty() {
        return None;
    }
    let entry = op.extra.iter().find(|(key, _)| key.name() == Some("key")).map(|(_, key)| key);
    let pair = match op.value() {
        Value::Vector(items) if items.len() == 2 => items.first(),
        _ => None,
    };
    entry.or(pair).and_then(|key| numbers.get(&key.canonical().to_string()).copied())
}

/// The value without the key that is beside it; as it is where there is none.
fn stripped(value: &Value, key: Option<usize>) -> &Value {
    match value {
        Value::Vector(items) if key.is_some() && items.len() == 2 => &items[1],
        _ => value,
    }
}
