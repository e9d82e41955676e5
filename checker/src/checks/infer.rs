//! What to judge a history by, where nobody said it.
//!
//! A model is inferred where the functions that clients called leave no doubt: all of them are its
//! own, and one of them is nobody else's. Everything else is taken for a compare-and-set register,
//! which is also a register, and which says that it does not know a function. The verdict names
//! the model, so a wrong guess shows.

use std::collections::BTreeSet;

use super::{CheckerSpec, SetReads};
use crate::history::History;
use crate::model::ModelName;

/// A model with the functions that tell it from others, and those that it may have besides.
type Rule = (ModelName, &'static [&'static str], &'static [&'static str]);

const RULES: &[Rule] = &[
    (ModelName::FifoQueue, &["enqueue", "dequeue"], &[]),
    (ModelName::Stack, &["push", "pop"], &[]),
    (ModelName::Mutex, &["acquire", "release"], &[]),
    (ModelName::MutableSet, &["remove", "contains"], &["add", "read"]),
    (ModelName::Counter, &["inc", "dec"], &["add", "read"]),
    (ModelName::FetchAndAdd, &["fetch-and-add"], &["read"]),
    (ModelName::AddAndFetch, &["add-and-fetch"], &["read"]),
    (ModelName::Map, &["get", "put"], &["append", "cas", "delete"]),
    (ModelName::Log, &["append"], &["read"]),
    (ModelName::MultiRegister, &["txn"], &[]),
    (ModelName::Bank, &["transfer"], &["read"]),
];

/// The checker that fits the functions which occur.
pub fn infer_spec(history: &History) -> CheckerSpec {
    let functions: BTreeSet<&str> = history
        .operations()
        .iter()
        .filter_map(|operation| history.function(&operation).name())
        .collect();
    let fits = |(_, telling, others): &&Rule| {
        functions.iter().any(|f| telling.contains(f))
            && functions.iter().all(|f| telling.contains(f) || others.contains(f))
    };
    match RULES.iter().find(fits) {
        Some((model, ..)) => CheckerSpec::linearizable(*model),
        None if functions.contains("add") => CheckerSpec::Set { reads: SetReads::default() },
        None => CheckerSpec::linearizable(ModelName::CasRegister),
    }
}
