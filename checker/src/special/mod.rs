//! Procedures that decide the histories of one kind of object without search.
//!
//! Whether a history is linearizable is a hard question in general, and an easy one for many
//! objects as long as the history says which operation undid which: a queue whose items are all
//! different, a lock whose holders are known, a log in which every element has its place. Each
//! procedure here is exact where it applies, says so where it does not (then the search decides),
//! and answers in `O(n log n)` with an order or with a few operations that exclude each other.
//! An order is held against the definition before anybody believes it; of an impossibility the
//! proof is in the module that claims it, and `docs/fuzzing.md` says what it was held against.
//!
//! A *moment* is the time just after an event, named by the event's position: an operation may
//! take effect at the moments from its invocation up to, and not including, its return.

mod append;
mod bag;
mod cuts;
mod fifo;
mod lifetimes;
mod lifo;
mod line;
mod lock;
mod numbers;
#[cfg(test)]
mod tests;
mod tree;
mod unknown;
mod versions;
mod wrong;

pub(crate) use append::log;
pub(crate) use bag::unordered_queue;
pub(crate) use fifo::fifo_queue;
pub(crate) use lifo::stack;
pub(crate) use lock::lock;
pub(crate) use numbers::numbers;
pub(crate) use versions::versions;

use crate::linear::Pattern;

/// The moment after everything.
const NEVER: u32 = u32::MAX;

fn pattern(rule: &'static str, operations: Vec<usize>, why: String) -> Pattern {
    Pattern { rule, operations, why }
}
