//! Proof of *invalid* by brute force: a history so small that every order can be tried.
//!
//! Nothing clever: any operation that began before every other remaining one had returned may be
//! next. Pairs of what was done and the state it left are tried once. At most
//! [`OPERATIONS_MAX`] operations, so at most `2^14` sets of them for every state.

use std::collections::HashSet;

use crate::models::Model;
use crate::weaken::Weakened;

/// More operations than this are not tried.
pub(crate) const OPERATIONS_MAX: usize = 14;

/// Whether every order of so many operations can be tried.
pub(crate) fn affordable(count: usize) -> Result<(), String> {
    match count <= OPERATIONS_MAX {
        true => Ok(()),
        false => Err(format!("{count} operations are too many to try every order")),
    }
}

/// Makes sure that no order explains the history.
pub(crate) fn refute<M: Model>(
    model: &M,
    weakened: &Weakened<M::Step, M::State>,
) -> Result<(), String> {
    affordable(weakened.steps.len())?;
    let mut search = Search { model, weakened, dead_ends: HashSet::new() };
    match weakened.starts.iter().any(|start| search.completes(0, start)) {
        true => Err("the operations that it names have a legal order".to_owned()),
        false => Ok(()),
    }
}

struct Search<'a, M: Model> {
    model: &'a M,
    weakened: &'a Weakened<M::Step, M::State>,
    dead_ends: HashSet<(u32, M::State)>,
}

impl<M: Model> Search<'_, M> {
    /// What was open at the beginning of the part may have happened before, and need not again.
    fn deadline(&self, at: usize) -> Option<usize> {
        let one = &self.weakened.steps[at];
        one.returned.filter(|_| !one.may_be_done)
    }

    fn completes(&mut self, done: u32, state: &M::State) -> bool {
        let left: Vec<usize> =
            (0..self.weakened.steps.len()).filter(|at| done >> at & 1 == 0).collect();
        let Some(deadline) = left.iter().filter_map(|at| self.deadline(*at)).min() else {
            return true;
        };
        if self.dead_ends.contains(&(done, state.clone())) {
            return false;
        }
        for at in left {
            let one = &self.weakened.steps[at];
            if one.invoked < deadline
                && let Some(after) = self.model.step(state, &one.step)
                && self.completes(done | 1 << at, &after)
            {
                return true;
            }
        }
        self.dead_ends.insert((done, state.clone()));
        false
    }
}
