//! Is there an order in which these operations could have happened, one at a time?
//!
//! # The search
//!
//! Just-in-time linearization (Lowe, *Testing for linearizability*, 2017), breadth first: walk
//! over the history once with the *frontier*, the set of all ways in which the operations so far
//! can have taken effect, and let an open operation take effect only when some return forces it.
//! An empty frontier proves a violation, at the earliest event at which one is certain.
//!
//! Written naively the frontier is exponential in the operations open at once and in the crashed
//! ones, which stay open for ever. What keeps it small (each is exact):
//!
//! * Observers are taken as soon as they are legal. Taking them early changes no state that
//!   anybody sees. ("Leaves *this* state unchanged" is not enough: see `rules`.)
//! * Of identical open operations only the one that must return first is tried, and a crashed one
//!   only when no identical live one is left.
//! * When a blind write takes effect, every other open one may have done so just before it,
//!   unseen: it is *absorbable*, and one configuration stands for both. At its return such a
//!   write may vanish, or still be made visible.
//! * Crashed operations of one class are counts, and mostly not even that: see `crashed`.
//! * A configuration that can do no more than another one is dropped: see `antichain`.
//! * Crashed operations whose effect nobody can have observed are left out: see `reduce`.
//!
//! # Trust
//!
//! A linearization that was found is rebuilt as an order (`order`) and held against the definition
//! by code that shares nothing with the search ([`verify_order`]); if it does not pass, the
//! verdict is unknown. That the search misses none is shown by comparison with an exhaustive
//! checker on very many small histories (`docs/fuzzing.md`).
//!
//! # Which algorithm
//!
//! An object that falls into parts is decided part by part (`parts`). Of each, some models decide
//! some histories without any search ([`Model::procedure`](crate::model::Model)), and are asked
//! first; then `zones`; then the frontier. What takes long is looked at again (`portfolio`): whether
//! times tell apart who left what (`sources`, `apart`), then with a frontier that keeps only a few
//! configurations (`frontier::narrow`), those with a future (`ahead`), and at last with all of them,
//! on all processors (`frontier::shards`), raced against Wing and Gong's search (`wgl`). Each can be
//! asked for by name ([`Algorithm`]), and the fuzzer holds all of them against each other.
//!
//! # Cost
//!
//! `O(n · C · k)` steps for a frontier of `C` configurations and `k` different open operations.
//! `C` is a few hundred for tens of processes. Exponential are many *different* live writes at
//! once, all of them read: there values are unique, as a rule, and both verdicts are found without
//! search (`zones`).

mod ahead;
mod algorithm;
mod antichain;
mod apart;
mod config;
mod crashed;
mod exhaustive;
mod frontier;
mod meter;
mod open;
mod order;
mod parts;
mod path;
mod portfolio;
mod reduce;
mod rules;
mod search;
mod seen;
mod sources;
mod steps;
mod table;
#[cfg(test)]
mod tests;
mod verify;
mod wgl;
mod words;
mod zones;

pub use algorithm::Algorithm;
pub use frontier::Care;
pub(crate) use frontier::{Halt, Scratch, Seen, Watch};
pub use portfolio::{decide, decide_with};
pub use verify::{OrderError, verify_order};

use crate::verdict::Reason;

/// A transition with the time in which it happened, if it did.
#[derive(Clone, Debug)]
pub struct Occurrence<T> {
    /// What happened.
    pub transition: T,
    /// Position of the invocation in the history.
    pub invoked: u32,
    /// Position of the acknowledgement; `None` if nobody knows whether it took effect, or when.
    pub returned: Option<u32>,
}

/// A few operations that no order can have, found without search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The rule that they break, by a stable name.
    pub rule: &'static str,
    /// They, by position in the input.
    pub operations: Vec<usize>,
    /// Why they exclude each other, in one sentence.
    pub why: String,
}

/// What a special procedure found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It does not apply here.
    Inapplicable,
    /// An order, by position in the input; not yet verified.
    Order(Vec<usize>),
    /// There is none.
    Impossible(Pattern),
}

/// What was found out about a history.
#[derive(Clone, Debug)]
pub enum Decision<S> {
    /// There is a linearization, and this is one, verified.
    Linearizable {
        /// Positions in the input; crashed operations that did not take effect are left out.
        order: Vec<usize>,
    },
    /// There is none: the search got stuck.
    Stuck(Obstacle<S>),
    /// There is none: these operations exclude each other.
    Impossible(Pattern),
    /// It could not be found out.
    Undecided(Reason),
}

/// The operation that cannot have happened, and what is known of the moment.
#[derive(Clone, Debug)]
pub struct Obstacle<S> {
    /// The operation whose return nothing allows, by position in the input.
    pub at: usize,
    /// The ways in which the operations before can have taken effect, the first few of them.
    pub possible: Vec<Possible<S>>,
    /// The operations that exclude each other, where values are unique enough to name them.
    pub pattern: Option<Pattern>,
}

impl<S> Obstacle<S> {
    /// The same, with states named otherwise.
    fn map<T>(self, name: impl Fn(S) -> T) -> Obstacle<T> {
        let rename = |one: Possible<S>| Possible {
            state: name(one.state),
            linearized: one.linearized,
            pending: one.pending,
        };
        let possible = self.possible.into_iter().map(rename).collect();
        Obstacle { at: self.at, possible, pattern: self.pattern }
    }
}

/// One way in which the operations so far can have taken effect.
#[derive(Clone, Debug)]
pub struct Possible<S> {
    /// The state they leave.
    pub state: S,
    /// Open operations that have taken effect, by position in the input.
    pub linearized: Vec<usize>,
    /// Open operations that have not.
    pub pending: Vec<usize>,
}

/// What a decision took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Legal successors generated.
    pub expansions: u64,
    /// The most configurations at once.
    pub largest_frontier: u64,
    /// Searches, each with more crashed operations counted exactly than the one before.
    pub rounds: u64,
}

impl Effort {
    /// This with what was tried before or beside it.
    fn after(self, other: Effort) -> Effort {
        Effort {
            expansions: self.expansions + other.expansions,
            largest_frontier: self.largest_frontier.max(other.largest_frontier),
            rounds: self.rounds + other.rounds,
        }
    }
}
