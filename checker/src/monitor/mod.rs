//! Judging a history while it grows.
//!
//! A [`Monitor`] is fed the events of a test in their order and knows at any time whether what
//! happened so far can still be linearizable. A history that is not stays so, whatever follows, so
//! its first violation can end a test that would have run all night; and since a monitor keeps only
//! what is open and undecided, it judges histories that fit into no memory.
//!
//! It is the search of [`crate::linear`], one frontier a key. That search wants to know of an
//! operation how it ended before it looks at how it began (what a read returned, whether a write
//! was acknowledged), so an event is looked at once every operation that was invoked before it on
//! the same key has ended: the verdict lags behind by the longest open operation.
//!
//! What it leaves to the offline checker, where the whole history is there: crashed operations that
//! nobody can have observed are not dropped (nobody knows yet), and there is no second round with
//! exact counts, so that a key with crashed operations may stay undecided at its end. A key whose
//! frontier outgrows its share of memory is given up and undecided. Neither is ever wrong.

mod key;
mod order;

use rustc_hash::FxHashMap;
use thiserror::Error;

use crate::budget::Budget;
use crate::checks::CheckerSpec;
use crate::history::{HistoryError, NoKey, OpRef};
use crate::linear::Scratch;
use crate::model::{Model as _, ModelName, ModelOptions, Register};
use crate::op::{Kind, Process};
use crate::value::Value;
use crate::verdict::{Anomaly, Examination, Reason, Stats, Validity, Verdict};
use key::{Desk, Ending, Impossible, KeyMonitor, Watched};
use order::Order;

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
    /// A monitor for histories that are held against `spec`; `None` where only the whole history
    /// can be judged: for everything but registers, so far.
    pub fn new(spec: &CheckerSpec, keys: Keys) -> Option<Monitor> {
        let CheckerSpec::Linearizable { model, options } = spec else { return None };
        if !matches!(model, ModelName::Register | ModelName::CasRegister) {
            return None;
        }
        Some(Monitor {
            name: spec.name(),
            model: *model,
            options: options.clone(),
            keys,
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
        let monitor = KeyMonitor::new(Register::new(self.model, &self.options));
        self.watched.push(Object { key, state: State::Watched(Box::new(monitor)) });
    }

    /// Lets an object go on, if it is still watched, and draws the conclusion.
    fn work(
        &mut self,
        object: usize,
        go_on: impl FnOnce(&mut (dyn Watched + Send), &mut Desk<'_>) -> Result<(), Ending>,
    ) {
        let Object { key, state } = &mut self.watched[object];
        let State::Watched(watched) = state else { return };
        let desk = &mut Desk { budget: &self.budget, scratch: &mut self.scratch };
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
            assumptions: assumptions(self.model, &self.options, self.keys),
            stats: self.stats,
            proof: None,
            parts: Vec::new(),
        }
    }
}

/// Key and value of an event.
fn taken_apart<'h>(keys: Keys, event: &OpRef<'h>) -> Option<(&'h Value, &'h Value)> {
    match keys {
        Keys::None => None,
        Keys::Tuple => {
            event.pair().filter(|[key, _]| !key.is_nil()).map(|[key, value]| (key, value))
        }
        Keys::Entry => {
            let named = |key: &Value| matches!(key, Value::Keyword(name) if **name == *"key");
            let entry = event.extra.iter().find(|(key, _)| named(key));
            entry.map(|(_, key)| (key, event.value()))
        }
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

fn assumptions(model: ModelName, options: &ModelOptions, keys: Keys) -> Vec<String> {
    let mut assumptions = Register::new(model, options).assumptions();
    assumptions.push(match keys {
        Keys::None => "the whole history is about one object".to_owned(),
        Keys::Tuple | Keys::Entry => "each key is an object of its own".to_owned(),
    });
    assumptions
}

#[cfg(test)]
mod tests;
