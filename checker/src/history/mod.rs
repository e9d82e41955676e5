//! Histories: reading, pairing and writing what clients saw.
//!
//! [`read_path`] takes every notation in use ([`Format`]) and hands out a [`History`], which is
//! paired and known to be well-formed; a file that is not gets an error that names its lines.
//! [`write_edn`] and [`write_jsonl`] lose nothing, so that a history may change its notation and
//! keep its verdict. [`split`] takes a history of independent keys apart, and [`recover`] saves
//! what can be judged of the journal of a tester that died.
//!
//! Histories are kept as operations, not in columns: about 200 bytes an event.

mod draft;
mod edn;
mod error;
mod format;
mod independent;
mod input;
mod json;
mod log;
mod pairing;
mod recover;
mod write;

pub use error::ReadError;
pub use format::Format;
pub use independent::{Independent, KeyHistory, KeyOperation, NoKey, has_key_entries, split};
pub use input::{FORM_LIMIT_BYTES, read, read_bytes, read_path};
pub use json::{write_jsonl, write_value_json, write_value_json_plain};
pub use pairing::{HistoryError, Problem};
pub use recover::{Recovered, recover, recover_path};
pub use write::write_edn;

pub use crate::edn::write_value_edn;
use crate::op::Op;

/// Everything that happened, in one total order, with every invocation paired with its
/// completion. Immutable: whatever is derived from it can refer to positions in it.
#[derive(Clone, Debug, Default)]
pub struct History {
    ops: Vec<Op>,
    operations: Vec<Operation>,
}

/// One operation of a client: an invocation and, unless nothing was ever heard, its completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Position of the invocation in [`History::ops`].
    pub invoke: usize,
    /// Position of the completion; `None` when the history ends before it.
    pub completion: Option<usize>,
    /// The client process.
    pub process: u64,
    /// How it ended.
    pub outcome: Outcome,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It took effect between invocation and completion.
    Ok,
    /// It certainly did not take effect.
    Fail,
    /// It may have taken effect, may still, or may never. So does an operation without completion.
    Info,
}

impl History {
    /// Pairs the events of a history, in the order given. Whatever is not a client (the nemesis)
    /// stays among the events and has no operations.
    ///
    /// # Errors
    ///
    /// When the history is not one that processes could have produced, see [`HistoryError`].
    pub fn from_ops(mut ops: Vec<Op>) -> Result<History, HistoryError> {
        ops.shrink_to_fit();
        let operations = pairing::pair(&ops)?;
        Ok(History { ops, operations })
    }

    /// All events in order, those of the nemesis included.
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// The operations of clients, in the order of their invocations.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The invocation of an operation.
    pub fn invocation(&self, operation: &Operation) -> &Op {
        &self.ops[operation.invoke]
    }

    /// The completion of an operation, if there is one.
    pub fn completion(&self, operation: &Operation) -> Option<&Op> {
        operation.completion.map(|position| &self.ops[position])
    }
}

#[cfg(test)]
mod tests;
