//! Judging a history while it grows.
//!
//! A [`Monitor`] is fed the events of a test in their order and knows at any time whether what
//! happened so far can still be linearizable. A history that is not stays so, whatever follows, so
//! its first violation can end a test that would have run all night; and since a monitor keeps only
//! what is open and undecided, and a little for each key and each process that crashed, it judges
//! histories that fit into no memory.
//!
//! It is the search of [`crate::linear`], one frontier a key. That search wants to know of an
//! operation how it ended before it looks at how it began (what a read returned, whether a write
//! was acknowledged), so an event is looked at once every operation that was invoked before it on
//! the same key has ended: the verdict lags behind by the longest open operation.
//!
//! It is there for every model whose steps do not depend on what comes later; a checker of sets,
//! which wants to know the last read, cannot be asked before the end.
//!
//! What it leaves to the offline checker, where the whole history is there: procedures without
//! search, and a second round in which other crashed operations are counted exactly, so that a key
//! with very many crashed operations may stay undecided at its end. A key whose frontier outgrows
//! its share of memory or time ([`Care`]) is given up and undecided, and so is one on which an
//! operation never ends while 262,144 events wait for it. None of that is ever wrong.

mod key;
mod order;

use rustc_hash::FxHashMap;
use thiserror::Error;

use crate::budget::Budget;
use crate::checks::CheckerSpec;
use crate::history::{HistoryError, NoKey, OpRef};
use crate::linear::Scratch;
use crate::model::{Model, ModelName, ModelOptions, ModelVisitor, Scope};
use crate::op::{Kind, Process};
use crate::value::Value;
use crate::verdict::{Anomaly, Examination, Reason, Stats, Validity, Verdict};
use key::{Desk, Ending, Impossible, KeyMonitor, Watched};
use order::Order;

pub use crate::linear::Care;

/// Where the keys of a history are; a monitor cannot wait and see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keys {
    /// There are none: everything is about one object.
    #[default]
    None,
    /// In the value: `[key value]`.
    Tuple,
    /// In an entry `:key` beside the value.
    Entry,
}

/// Why an event cannot be taken in.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MonitorError {
    /// It contradicts the events before it.
    #[error(transparent)]
    Malformed(#[from] HistoryError),
    /// It is about no key.
    #[error(transparent)]
    NoKey(#[from] NoKey),
}

/// As much memory as the frontier of one key may take.
const KEY_BYTES: u64 = 64 << 20;

/// See the module.
pub struct Monitor {
    name: String,
    model: ModelName,
    options: ModelOptions,
    keys: Keys,
    assumptions: Vec<String>,
    care: Care,
    budget: Budget,
    scratch: Scratch,
    order: Order,
    objects: FxHashMap<Value, usize>,
    watched: Vec<Object>,
    /// By process.
    running: FxHashMap<u64, Running>,
    violations: Vec<Anomaly>,
    stats: Stats,
}

/// What is watched of one key.
struct Object {
    key: Option<Value>,
    state: State,
}

enum State {
    Watched(Box<dyn Watched + Send>),
    /// There was a violation, and nothing that follows can excuse it.
    Invalid,
    /// It would cost more than is allowed, or cannot be read.
    GivenUp(Reason),
}

/// What a running operation is about.
#[derive(Clone, Copy)]
struct Running {
    object: usize,
    op: u32,
}

impl Monitor {
    /// A monitor for histories that are held against `spec`.
    ///
    /// # Errors
    ///
    /// Why only a whole history can be judged so.
    pub fn new(spec: &CheckerSpec, keys: Keys) -> Result<Monitor, Reason> {
        let CheckerSpec::Linearizable { model, options } = spec else {
            let text = "what a set has lost shows in its last read, and only the end tells which";
            return Err(Reason::Missing(text.to_owned()));
        };
        model.with(options, Begin(keys.scope()))?;
        let mut assumptions = model.with(options, Assumptions);
        assumptions.push(match keys {
            Keys::None => "the whole history is about one object".to_owned(),
            Keys::Tuple | Keys::Entry => "each key is an object of its own".to_owned(),
        });
        Ok(Monitor {
            name: spec.name(),
            model: *model,
            options: options.clone(),
            keys,
            assumptions,
            care: Care::default(),
            budget: Budget::unlimited().with_memory_bytes(KEY_BYTES),
            scratch: Scratch::default(),
            order: Order::default(),
            objects: FxHashMap::default(),
            watched: Vec::new(),
            running: FxHashMap::default(),
            violations: Vec::new(),
            stats: Stats::default(),
        })
    }

    /// The same, taking other trouble over each object.
    #[must_use]
    pub fn with_care(self, care: Care) -> Monitor {
        Monitor { care, ..self }
    }

    /// Takes in the next event.
    ///
    /// # Errors
    ///
    /// When the event cannot follow those before it, or has no key. Nothing may follow it then.
    pub fn push<'h>(&mut self, event: impl Into<OpRef<'h>>) -> Result<(), MonitorError> {
        let event = event.into();
        self.order.check(&event)?;
        let Process::Client(process) = *event.process else { return Ok(()) };
        match event.kind {
            Kind::Invoke => self.invoke(process, &event),
            Kind::Ok | Kind::Fail | Kind::Info => self.complete(process, &event),
        }
    }

    /// The violations so far, in the order in which they were found.
    pub fn violations(&self) -> &[Anomaly] {
        &self.violations
    }

    /// How many operations have begun.
    pub fn operations(&self) -> u64 {
        self.stats.operations
    }

    fn invoke(&mut self, process: u64, event: &OpRef<'_>) -> Result<(), MonitorError> {
        let (key, argument) = match self.keys {
            Keys::None => (None, event.value()),
            keys => {
                let parts = taken_apart(keys, event).ok_or(NoKey { index: event.index })?;
                (Some(parts.0), parts.1)
            }
        };
        let object = self.object(key);
        self.stats.operations += 1;
        let op = match &mut self.watched[object].state {
            State::Watched(watched) => watched.invoke(process, event, argument),
            State::Invalid | State::GivenUp(_) => 0,
        };
        self.running.insert(process, Running { object, op });
        Ok(())
    }

    fn complete(&mut self, process: u64, event: &OpRef<'_>) -> Result<(), MonitorError> {
        let Running { object, op } =
            self.running.remove(&process).expect("what ends has begun, or was refused");
        let result = self.result(object, event)?;
        match event.kind {
            Kind::Ok => self.stats.ok += 1,
            Kind::Fail => self.stats.fail += 1,
            Kind::Info | Kind::Invoke => self.stats.info += 1,
        }
        self.work(object, |watched, desk| watched.complete(op, event, result, desk));
        Ok(())
    }

    /// What a completion says about its object: nothing, where it failed or is unknown and does
    /// not repeat the key.
    fn result<'h>(&self, object: usize, event: &OpRef<'h>) -> Result<&'h Value, NoKey> {
        let Some(known) = &self.watched[object].key else { return Ok(event.value()) };
        let (key, value) = match (self.keys, taken_apart(self.keys, event)) {
            (_, Some((key, value))) => (Some(key), value),
            (Keys::Entry, None) => (None, event.value()),
            (Keys::Tuple | Keys::None, None) if event.kind == Kind::Ok => {
                return Err(NoKey { index: event.index });
            }
            (Keys::Tuple | Keys::None, None) => return Ok(&Value::Nil),
        };
        match key.is_none_or(|key| key == known || key.canonical() == *known) {
            true => Ok(value),
            false if event.kind == Kind::Ok => Err(NoKey { index: event.index }),
            false => Ok(&Value::Nil),
        }
    }

    /// The number of the object of this key.
    fn object(&mut self, key: Option<&Value>) -> usize {
        let Some(key) = key else {
            if self.watched.is_empty() {
                self.watch(None);
            }
            return 0;
        };
        if let Some(known) = self.objects.get(key) {
            return *known;
        }
        let canonical = key.canonical();
        if let Some(known) = self.objects.get(&canonical) {
            return *known;
        }
        self.objects.insert(canonical.clone(), self.watched.len());
        self.watch(Some(canonical));
        self.watched.len() - 1
    }

    fn watch(&mut self, key: Option<Value>) {
        let begun = self.model.with(&self.options, Begin(self.keys.scope()));
        let state = begun.map_or_else(State::GivenUp, State::Watched);
        self.watched.push(Object { key, state });
    }

    /// Lets an object go on, if it is still watched, and draws the conclusion.
    fn work(
        &mut self,
        object: usize,
        go_on: impl FnOnce(&mut (dyn Watched + Send), &mut Desk<'_>) -> Result<(), Ending>,
    ) {
        let Object { key, state } = &mut self.watched[object];
        let State::Watched(watched) = state else { return };
        let (care, budget) = (self.care, &self.budget);
        let desk = &mut Desk { care, budget, scratch: &mut self.scratch };
        let Err(ending) = go_on(watched.as_mut(), desk) else { return };
        self.stats.add(&watched.stats());
        *state = match ending {
            Ending::GivenUp(reason) => State::GivenUp(reason),
            Ending::Impossible(impossible) => {
                self.violations.push(anomaly(key.clone(), impossible));
                State::Invalid
            }
        };
    }

    /// The verdict on everything so far; what is open is taken for indeterminate.
    #[must_use]
    pub fn finish(mut self) -> Verdict {
        self.stats.info += self.running.len() as u64;
        for object in 0..self.watched.len() {
            self.work(object, |watched, desk| watched.finish(desk));
        }
        let mut given_up = Vec::new();
        for object in &mut self.watched {
            match &object.state {
                State::Watched(watched) => self.stats.add(&watched.stats()),
                State::GivenUp(reason) => given_up.push((object.key.take(), reason.clone())),
                State::Invalid => {}
            }
        }
        self.verdict(&given_up)
    }

    fn verdict(self, given_up: &[(Option<Value>, Reason)]) -> Verdict {
        let keys = self.watched.len();
        let undecided = match given_up.len() {
            0 => String::new(),
            count => format!("; {count} undecided"),
        };
        let (validity, reason, summary) = match (self.violations.as_slice(), given_up) {
            _ if self.stats.operations == 0 => {
                let reason = Reason::Empty;
                (Validity::Unknown, Some(reason.clone()), format!("unknown: {}", reason.sentence()))
            }
            ([first], _) => (Validity::Invalid, None, format!("{}{undecided}", first.sentence)),
            ([first, ..], _) => {
                let invalid = self.violations.len();
                let sentence = &first.sentence;
                let summary =
                    format!("{invalid} of {keys} keys are invalid{undecided}; first: {sentence}");
                (Validity::Invalid, None, summary)
            }
            ([], [(key, reason), ..]) => {
                let first = key.as_ref().map_or(String::new(), |key| format!("key {key}: "));
                let count = given_up.len();
                let sentence = reason.sentence();
                let summary = format!("{count} of {keys} keys are undecided; {first}{sentence}");
                (Validity::Unknown, Some(reason.clone()), summary)
            }
            ([], []) => {
                let operations = self.stats.operations;
                (Validity::Valid, None, format!("{operations} operations on {keys} keys are valid"))
            }
        };
        Verdict {
            checker: self.name,
            validity,
            reason,
            summary,
            anomalies: self.violations,
            assumptions: self.assumptions,
            stats: self.stats,
            proof: None,
            parts: Vec::new(),
        }
    }
}

impl Keys {
    fn scope(self) -> Scope {
        match self {
            Keys::None => Scope::AnyKeys,
            Keys::Tuple | Keys::Entry => Scope::OneKey,
        }
    }
}

/// Begins to watch an object of some model.
struct Begin(Scope);

impl ModelVisitor for Begin {
    type Output = Result<Box<dyn Watched + Send>, Reason>;

    fn visit<M: Model>(self, model: M) -> Result<Box<dyn Watched + Send>, Reason> {
        Ok(Box::new(KeyMonitor::new(model, self.0)?))
    }
}

/// The readings under which a model judges.
struct Assumptions;

impl ModelVisitor for Assumptions {
    type Output = Vec<String>;

    fn visit<M: Model>(self, model: M) -> Vec<String> {
        model.assumptions()
    }
}

/// Key and value of an event.
fn taken_apart<'h>(keys: Keys, event: &OpRef<'h>) -> Option<(&'h Value, &'h Value)> {
    match keys {
        Keys::None => None,
        Keys::Tuple => {
            event.pair().filter(|[key, _]| !key.is_nil()).map(|[key, value]| (key, value))
        }
        Keys::Entry => event.key_entry().map(|key| (key, event.value())),
    }
}

fn anomaly(key: Option<Value>, impossible: Impossible) -> Anomaly {
    let Impossible { invoked, completed, subject } = impossible;
    let at = key.as_ref().map_or(String::new(), |key| format!(" on key {key}"));
    let sentence = format!(
        "not linearizable: {subject}{at} (operation {invoked}), and no order of the operations \
         until then allows it"
    );
    Anomaly {
        kind: "nonlinearizable".to_owned(),
        key,
        sentence,
        op: Some(completed),
        related: Vec::new(),
        argument: Vec::new(),
        states: Vec::new(),
        examination: Examination::default(),
    }
}

#[cfg(test)]
mod tests;
