//! The smallest part of a history that is still a violation.
//!
//! A violation among a hundred thousand operations is three or four of them; whoever looks at it
//! wants these. Leaving out operations at random does not find them: without the write, every read
//! of its value is a violation that nobody committed. So only what is *sound* to leave out is left
//! out, such that every linearization of the whole would leave one of the rest: then a violation
//! of the rest is one of the whole. `ground` states the rules and proves them, `minimize` finds a
//! small rest by them, `exhaustive` tries every order of it.
//!
//! # Result
//!
//! The rest is *1-minimal*: no single operation can be left out (together with what cannot stay
//! without it) such that a violation remains. It is no smallest one: finding that is as hard as it
//! sounds.
//!
//! # Cost
//!
//! A trial is a decision about the operations that are kept, which are few from the first
//! attempts on: `O(log n)` trials to find the neighbourhood, `O(m²)` at worst to take its `m`
//! operations apart, `O(n)` each for finding whom an operation may have seen.
//!
//! # Left out
//!
//! Counters, semaphores and whatever else adds up: there everything matters but observers and
//! what came later. Making acknowledged operations optional is sound everywhere and leaves nothing
//! out, so it is not done, but for what was open at the cut.

mod exhaustive;
mod file;
mod ground;
mod minimize;
#[cfg(test)]
mod tests;

use crate::budget::Budget;
use crate::linear::{Decision, Occurrence, decide};
use crate::model::Model;

pub use exhaustive::{OPERATIONS_MAX as EXHAUSTIVE_MAX, is_linearizable};
pub use file::events;
use ground::{Ground, Nature};
use minimize::Minimizer;

/// What is kept of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// All of it.
    Whole,
    /// What it did, without the condition under which it did it: a compare-and-set as a write.
    Blind,
}

/// Why an operation could be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// It began after the violation was complete.
    Later,
    /// It changes nothing.
    Observer,
    /// Nothing that is kept can have seen what it did.
    Unseen,
    /// It concerns an element of which nothing is kept.
    OtherElement,
}

/// A small violation within a larger one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// The operations that are kept, by position in the input, in order.
    pub kept: Vec<(usize, Form)>,
    /// The event with which the violation was complete. What returned later counts as never
    /// acknowledged.
    pub cut: u32,
    /// The other operations.
    pub left_out: Vec<(usize, Why)>,
    /// Whether no single operation can be left out as well. Not so when the budget was spent.
    pub minimal: bool,
    /// How certain it is that the rest is a violation.
    pub proof: Proof,
    /// How many smaller histories were judged.
    pub trials: u64,
}

/// How the rest of a history is known to be a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proof {
    /// Every order of the operations was tried, by code that shares nothing with the search.
    Exhaustive,
    /// The search found none; there are too many operations to try every order.
    Search,
}

/// The smallest violation that could be found in `all`; `None` where `all` has a linearization, or
/// where nobody could find out.
pub fn shrink<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    budget: &Budget,
) -> Option<Shrunk> {
    let violation = match decide(model, all, budget).0 {
        Decision::Stuck(obstacle) => vec![obstacle.at],
        Decision::Impossible(pattern) => pattern.operations,
        Decision::Linearizable { .. } | Decision::Undecided(_) => return None,
    };
    shrink_from(model, all, &violation, &[], budget)
}

/// The same, where the violation is known: the operation that could not be placed, or those that
/// exclude each other. The last of their returns is the cut. `named` are others that had better be
/// kept, if it makes no difference.
pub fn shrink_from<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    violation: &[usize],
    named: &[usize],
    budget: &Budget,
) -> Option<Shrunk> {
    let cut = violation.iter().filter_map(|at| all[*at].returned).max()?;
    let mut minimizer = Minimizer::new(Ground::new(model, all, cut), budget);
    let kept = minimizer.minimize(violation, named)?;
    if !minimizer.ground.is_closed(&kept) {
        return None;
    }
    let proof = match is_linearizable(model, &minimizer.ground.history(&kept)) {
        Some(false) => Proof::Exhaustive,
        None => Proof::Search,
        // The two disagree: one of them is wrong, and nobody should be told anything.
        Some(true) => return None,
    };
    Some(Shrunk {
        cut,
        left_out: minimizer.reasons(&kept),
        minimal: !minimizer.undecided,
        proof,
        trials: minimizer.trials,
        kept: kept.into_iter().collect(),
    })
}

/// Whether these operations, with whatever else they may have seen before the cut, are certainly a
/// violation. `all` need not be the history in which they were found.
pub(crate) fn is_violation_within<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    cut: u32,
    operations: &[(usize, Form)],
    budget: &Budget,
) -> bool {
    let ground = Ground::new(model, all, cut);
    // Elsewhere, what `all` has beyond the other history could not be left out.
    ground.nature == Nature::Effects && Minimizer::new(ground, budget).is_violation_with(operations)
}
