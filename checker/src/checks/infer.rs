//! What to judge a history by, where nobody said it.
//!
//! The functions that clients called tell which models could be meant, and the values tell which
//! of these cannot: a [`Readings`] is what is left. A model whose reading of some value fails is
//! no reading. Where one is left, it is inferred; where several are, all of them are asked
//! (`settle`), and a verdict that depends on which is meant is none.
//!
//! What tells models apart that know the same functions:
//!
//! | functions | readings | told apart by |
//! |---|---|---|
//! | `read`, `write`, `cas` | register, versioned register | pairs of a version and a value; a version that only a completion has is no register's |
//! | `add`, `read` | set, counter, fetch-and-add, add-and-fetch | what is read; whether adding returns something else than what was added |
//! | `enqueue`, `dequeue` | FIFO queue, unordered queue | nothing |
//! | `acquire`, `release` | mutex, owner mutex, fenced mutex, semaphore | tokens that are numbers, permits; how many permits there are only `--init` says |
//! | only `read` | register, versioned register, counter, log, set | what is read |
//!
//! Whether there are independent keys is open in the same way ([`possible`]). Two choices are
//! conventions, not proofs: elements that are only added and read are held against the checker of
//! sets rather than `mutable-set`, whose search is not made for as many, and a function that no
//! model knows leads to a compare-and-set register, which says so. O(n), and less where the first
//! values tell.

use std::collections::BTreeSet;

use super::{CheckOptions, CheckerSpec, SetReads};
use crate::history::{History, Independent, Operation, Outcome, has_key_entries, possible};
use crate::model::{Call, Model, ModelName, ModelOptions, ModelVisitor};
use crate::value::Value;

/// What was said about how to read a history; the rest is inferred.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// What to judge by, if somebody said it.
    pub spec: Option<CheckerSpec>,
    /// How a model that is inferred reads what can be read in two ways.
    pub options: ModelOptions,
    /// The same for sets.
    pub set_reads: SetReads,
    /// Whether there are keys.
    pub independent: Independent,
}

/// One way to read a history.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// What to judge by.
    pub spec: CheckerSpec,
    /// Whether there are keys; no longer open, unless there is nothing that could tell.
    pub independent: Independent,
}

/// The ways in which a history can be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Readings {
    /// They, the one that is most likely meant first; never empty.
    pub all: Vec<Reading>,
    /// The functions from which the model was inferred; `None` if it was given.
    pub(super) functions: Option<Vec<String>>,
}

impl Readings {
    /// Options for the reading that is most likely meant.
    pub fn likely(&self, options: CheckOptions) -> CheckOptions {
        let Reading { spec, independent } = self.all[0].clone();
        CheckOptions { spec, independent, ..options }
    }
}

/// A model with the functions that tell it from others, and those that it may have besides.
type Rule = (ModelName, &'static [&'static str], &'static [&'static str]);

const RULES: &[Rule] = &[
    (ModelName::FifoQueue, &["enqueue", "dequeue"], &[]),
    (ModelName::Stack, &["push", "pop"], &[]),
    (ModelName::Mutex, &["acquire", "release"], &[]),
    (ModelName::MutableSet, &["remove", "contains"], &["add", "read"]),
    (ModelName::Counter, &["inc", "dec"], &["add", "read"]),
    (ModelName::FetchAndAdd, &["fetch-and-add"], &["add", "read"]),
    (ModelName::AddAndFetch, &["add-and-fetch"], &["add", "read"]),
    (ModelName::Map, &["get", "put"], &["append", "cas", "delete"]),
    (ModelName::Log, &["append"], &["read"]),
    (ModelName::MultiRegister, &["txn"], &[]),
    (ModelName::Bank, &["transfer"], &["read"]),
];

/// The checker that most likely fits the functions and values which occur.
pub fn infer_spec(history: &History) -> CheckerSpec {
    readings(history, &Asked::default()).likely(CheckOptions::default()).spec
}

/// Every way to read a history, as far as nobody said which.
pub fn readings(history: &History, asked: &Asked) -> Readings {
    let functions: BTreeSet<&str> = history.functions().filter_map(Value::name).collect();
    let specs = match &asked.spec {
        Some(spec) => vec![spec.clone()],
        None => candidates(history, &functions, asked),
    };
    let mut all = Vec::new();
    for independent in possible(history, asked.independent) {
        let reading = |spec: &CheckerSpec| Reading { spec: spec.clone(), independent };
        all.extend(specs.iter().map(reading));
    }
    let likely = all[0].clone();
    if all.len() > 1 {
        let is_likely = |reading: &Reading| *reading == likely;
        // Where nothing else fits, it need not be looked at whether the first one does.
        let others_fit = all.iter().any(|one| !is_likely(one) && fits(history, one));
        all.retain(|one| if others_fit { fits(history, one) } else { is_likely(one) });
    }
    if all.len() > 1 && asked.spec.is_none() {
        all = told_apart(history, all);
    }
    let named = || functions.iter().map(|name| (*name).to_owned()).collect();
    Readings { all, functions: asked.spec.is_none().then(named) }
}

/// What could be meant by these functions.
fn candidates(history: &History, functions: &BTreeSet<&str>, asked: &Asked) -> Vec<CheckerSpec> {
    let model =
        |model: ModelName| CheckerSpec::Linearizable { model, options: asked.options.clone() };
    let set = CheckerSpec::Set { reads: asked.set_reads };
    let fits = |(_, telling, others): &&Rule| {
        functions.iter().any(|f| telling.contains(f))
            && functions.iter().all(|f| telling.contains(f) || others.contains(f))
    };
    let registers = [ModelName::CasRegister, ModelName::VersionedRegister].map(model);
    match RULES.iter().find(fits).map(|(model, ..)| *model) {
        Some(ModelName::FifoQueue) => {
            [ModelName::FifoQueue, ModelName::UnorderedQueue].map(model).into()
        }
        Some(ModelName::Mutex) => locks(history, asked),
        Some(only) => vec![model(only)],
        None if functions.contains("add") => {
            let numbers = [ModelName::Counter, ModelName::FetchAndAdd, ModelName::AddAndFetch];
            [set].into_iter().chain(numbers.map(model)).collect()
        }
        None if functions.iter().eq(["read"].iter()) => {
            let others = [model(ModelName::Counter), model(ModelName::Log), set];
            registers.into_iter().chain(others).collect()
        }
        None => registers.into(),
    }
}

/// A semaphore has as many permits as somebody says; where nobody did, it is asked for whether any
/// number would do, which the largest that could matter tells.
fn locks(history: &History, asked: &Asked) -> Vec<CheckerSpec> {
    let model = |model, options| CheckerSpec::Linearizable { model, options };
    if asked.options.init.is_some() {
        return vec![model(ModelName::Semaphore, asked.options.clone())];
    }
    let number = |value: &Value| match value {
        Value::Int(permits) => Some(*permits),
        _ => None,
    };
    let taken = |operation: Operation| {
        let value = history.invocation(&operation).value();
        number(value).or_else(|| number(value.items()?.last()?))
    };
    let numbers = || history.operations().iter().map(taken);
    let permits = numbers()
        .map(|taken| taken.unwrap_or(1).clamp(1, i64::from(u32::MAX)))
        .fold(0, i64::saturating_add);
    let init = Some(Value::Int(permits.min(i64::from(u32::MAX))));
    let plenty = ModelOptions { init, ..asked.options.clone() };
    let mut models = vec![ModelName::Mutex, ModelName::OwnerMutex, ModelName::FencedMutex];
    if numbers().any(|taken| taken.is_some()) {
        models.push(ModelName::Semaphore);
    }
    let models = models.into_iter().map(|name| model(name, asked.options.clone()));
    models.chain([model(ModelName::Semaphore, plenty)]).collect()
}

/// Whether a model can read every operation.
fn fits(history: &History, reading: &Reading) -> bool {
    let calls = Calls {
        history,
        tuples: reading.independent == Independent::Yes && !has_key_entries(history),
    };
    match &reading.spec {
        CheckerSpec::Set { .. } => calls.all(|call| match call.f.name() {
            Some("add") => true,
            Some("read") => call.outcome != Outcome::Ok || is_collection(call.result),
            _ => false,
        }),
        CheckerSpec::Linearizable { model, options } => model.with(options, Reads(&calls, *model)),
    }
}

fn is_collection(value: &Value) -> bool {
    matches!(value, Value::Nil | Value::Set(_) | Value::Vector(_) | Value::List(_))
}

/// Whether clients of such an object say that; where a model itself would rather not look.
fn is_usual(model: ModelName, call: &Call<'_>) -> bool {
    match model {
        ModelName::Mutex | ModelName::OwnerMutex => !matches!(call.argument, Value::Int(_)),
        ModelName::FencedMutex => {
            let acquired = call.f.name() == Some("acquire") && call.outcome == Outcome::Ok;
            !(matches!(call.argument, Value::Int(_)) || acquired && call.result.is_nil())
        }
        _ => true,
    }
}

/// The operations as models read them.
struct Calls<'h> {
    history: &'h History,
    /// Whether values are pairs of a key and a value.
    tuples: bool,
}

impl Calls<'_> {
    /// Whether something holds for all of them; no more are looked at than needed.
    fn all(&self, mut holds: impl FnMut(&Call<'_>) -> bool) -> bool {
        let history = self.history;
        history.operations().iter().all(|operation| {
            let invocation = history.invocation(&operation);
            let completion = history.completion(&operation);
            let (key, argument, result) = match self.tuples {
                false => {
                    let result = completion.map_or(&Value::Nil, |op| op.value());
                    (invocation.key_entry(), invocation.value(), result)
                }
                true => {
                    let result = completion.and_then(|op| op.pair()).map_or(&Value::Nil, |p| p[1]);
                    let argument = invocation.pair().map_or(&Value::Nil, |pair| pair[1]);
                    (Some(&Value::Nil), argument, result)
                }
            };
            holds(&Call {
                process: operation.process,
                f: history.function(&operation),
                key,
                argument,
                result,
                error: history.error(&operation),
                outcome: operation.outcome,
            })
        })
    }
}

/// Whether a model reads all of them, and clients of it say such things.
struct Reads<'a>(&'a Calls<'a>, ModelName);

impl ModelVisitor for Reads<'_> {
    type Output = bool;

    fn visit<M: Model>(self, mut model: M) -> bool {
        self.0.all(|call| is_usual(self.1, call) && model.parse(call).is_ok())
    }
}

/// Without the readings that the values exclude although a model could read them.
fn told_apart(history: &History, all: Vec<Reading>) -> Vec<Reading> {
    let kept: Vec<Reading> = all.iter().filter(|one| !excluded(history, one)).cloned().collect();
    if kept.is_empty() { all } else { kept }
}

fn excluded(history: &History, reading: &Reading) -> bool {
    let tuples = reading.independent == Independent::Yes && !has_key_entries(history);
    let calls = Calls { history, tuples };
    let CheckerSpec::Linearizable { model, .. } = &reading.spec else { return false };
    match model {
        // What is told of a write to a register is what was asked for.
        ModelName::CasRegister => !calls.all(|call| !tells_version(call)),
        ModelName::Counter => !calls.all(|call| !returns_something(call)),
        ModelName::FetchAndAdd | ModelName::AddAndFetch => {
            calls.all(|call| !returns_something(call))
        }
        _ => false,
    }
}

/// Whether a version that was not asked for came of a change.
fn tells_version(call: &Call<'_>) -> bool {
    let changes = matches!(call.f.name(), Some("write" | "cas"));
    changes
        && call.outcome == Outcome::Ok
        && matches!(call.argument.items(), Some([Value::Nil, _]))
        && matches!(call.result.items(), Some([Value::Int(_), _]))
}

/// Whether adding returned something else than what was added; Jepsen's counters repeat that.
fn returns_something(call: &Call<'_>) -> bool {
    let adds = call.f.name() == Some("add") && call.outcome == Outcome::Ok;
    adds && !call.result.is_nil() && call.result != call.argument
}
