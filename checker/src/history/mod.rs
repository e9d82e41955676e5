//! Histories: reading, pairing and writing what clients saw.
//!
//! [`read_path`] takes every notation in use ([`Format`]) and hands out a [`History`], which is
//! paired and known to be well-formed; a file that is not gets an error that names its lines.
//! [`write_edn`] and [`write_jsonl`] lose nothing, so that a history may change its notation and
//! keep its verdict. [`split`] takes a history of independent keys apart, and [`recover`] saves
//! what can be judged of the journal of a tester that died.
//!
//! Histories are kept in columns, with each distinct value once, and put together as events when
//! somebody looks at one.

mod chunks;
mod columns;
mod compressed;
mod draft;
mod edn;
mod error;
mod fast;
mod format;
mod independent;
mod input;
mod interner;
mod json;
mod log;
mod pairing;
mod ramp;
mod recover;
mod view;
mod write;

use std::hint::black_box;

use rayon::prelude::*;
use rustc_hash::FxHashSet;

pub use error::ReadError;
pub use format::Format;
pub use independent::{
    Independent, KeyHistory, KeyOperation, NoKey, has_key_entries, possible, split,
};
pub use input::{FORM_LIMIT_BYTES, read, read_bytes, read_path, stream, stream_path};
pub use json::{write_jsonl, write_value_json, write_value_json_plain};
pub use pairing::{HistoryError, Problem};
pub use recover::{Recovered, recover, recover_path};
pub use view::{OpRef, Operations, Ops};
pub use write::{write_edn, write_log};

pub use crate::edn::write_value_edn;
use crate::op::Op;
use crate::value::Value;
use columns::Columns;
use interner::Interned;
use pairing::{Pairer, Pairing};

/// Everything that happened, in one total order, with every invocation paired with its
/// completion. Immutable: whatever is derived from it can refer to positions in it.
#[derive(Clone, Debug, Default)]
pub struct History {
    columns: Columns,
    pairing: Pairing,
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
    pub fn from_ops(ops: Vec<Op>) -> Result<History, HistoryError> {
        let mut columns = Columns::default();
        ops.into_iter().for_each(|op| columns.push_op(op));
        History::paired(columns, Pairer::default())
    }

    /// The history of these events, some of which the pairer may have seen already.
    fn paired(mut columns: Columns, pairer: Pairer) -> Result<History, HistoryError> {
        columns.shrink();
        let pairing = pairer.finish(&columns)?;
        Ok(History { columns, pairing })
    }

    /// All events in order, those of the nemesis included.
    pub fn ops(&self) -> Ops<'_> {
        Ops::new(&self.columns)
    }

    /// The operations of clients, in the order of their invocations.
    pub fn operations(&self) -> Operations<'_> {
        Operations::new(self)
    }

    /// The invocation of an operation.
    pub fn invocation(&self, operation: &Operation) -> OpRef<'_> {
        self.columns.op(operation.invoke)
    }

    /// The completion of an operation, if there is one.
    pub fn completion(&self, operation: &Operation) -> Option<OpRef<'_>> {
        operation.completion.map(|position| self.columns.op(position))
    }

    /// What an operation did, without looking at the rest of it.
    pub fn function(&self, operation: &Operation) -> &Value {
        self.columns.values.get(self.columns.f(operation.invoke))
    }

    /// Looks at all that is known of these operations, which are far apart in memory where there are
    /// many keys. No look depends on another one, so that the processor waits for many at once; whoever
    /// reads the operations afterwards waits for each.
    fn touch(&self, numbers: &[u32]) {
        let (columns, pairing) = (&self.columns, &self.pairing);
        let ends = || numbers.iter().map(|number| pairing.ends(*number as usize));
        let cells = |(invoke, completion): (usize, Option<usize>)| {
            columns.touch_invocation(invoke)
                ^ completion.map_or(0, |at| columns.touch_completion(at))
        };
        let values = |(invoke, completion): (usize, Option<usize>)| {
            columns.touch_value(invoke) ^ completion.map_or(0, |at| columns.touch_value(at))
        };
        black_box(ends().fold(0, |sum, one| sum ^ cells(one)));
        black_box(ends().fold(0, |sum, one| sum ^ values(one)));
    }

    /// What clients did, each function once, in no order. O(n).
    pub fn functions(&self) -> impl Iterator<Item = &Value> {
        const EACH: usize = 1 << 16;
        let count = self.pairing.len();
        let of = |number| self.columns.f(self.pairing.ends(number).0);
        let some = |from: usize| -> FxHashSet<Interned> {
            (from..count.min(from + EACH)).map(of).collect()
        };
        let found: Vec<_> =
            (0..count.div_ceil(EACH)).into_par_iter().map(|at| some(at * EACH)).collect();
        let distinct: FxHashSet<Interned> = found.into_iter().flatten().collect();
        distinct.into_iter().map(|f| self.columns.values.get(f))
    }

    /// Why an operation failed or is unknown, without looking at the rest of it.
    pub(crate) fn error(&self, operation: &Operation) -> Option<&Value> {
        self.columns.error(operation.completion?)
    }
}

#[cfg(test)]
mod tests;
