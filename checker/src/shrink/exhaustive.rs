//! The definition of linearizability, tried out: every operation that may go next, in turn.
//!
//! It knows nothing of classes, reductions or special procedures, and shares no code with
//! [`crate::linear`]; that is what makes it worth asking after a history has been shrunk. Memoised
//! over (operations done, state), it is exponential in the operations open at once, so only small
//! histories are put to it.

use std::collections::HashSet;

use crate::linear::Occurrence;
use crate::model::Model;

/// More operations than this are not tried.
pub const OPERATIONS_MAX: usize = 16;

/// Whether these operations can have happened one at a time; `None` where there are too many of
/// them to try.
pub fn is_linearizable<M: Model>(model: &M, all: &[Occurrence<M::Transition>]) -> Option<bool> {
    if all.len() > OPERATIONS_MAX {
        return None;
    }
    let mut trial = Trial { model, all, dead_ends: HashSet::new() };
    Some(trial.completes(0, &model.initial()))
}

struct Trial<'a, M: Model> {
    model: &'a M,
    all: &'a [Occurrence<M::Transition>],
    /// Operations done and the state they left, from where nothing leads to the end.
    dead_ends: HashSet<(u32, M::State)>,
}

impl<M: Model> Trial<'_, M> {
    fn completes(&mut self, done: u32, state: &M::State) -> bool {
        let left: Vec<usize> = (0..self.all.len()).filter(|at| done >> at & 1 == 0).collect();
        let Some(deadline) = left.iter().filter_map(|at| self.all[*at].returned).min() else {
            return true;
        };
        if self.dead_ends.contains(&(done, state.clone())) {
            return false;
        }
        let may_go = left.into_iter().filter(|at| self.all[*at].invoked < deadline);
        for at in may_go.collect::<Vec<_>>() {
            let after = self.model.step(state, &self.all[at].transition);
            if after.is_some_and(|after| self.completes(done | 1 << at, &after)) {
                return true;
            }
        }
        self.dead_ends.insert((done, state.clone()));
        false
    }
}
