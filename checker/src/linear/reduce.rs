//! What can be left out of a history before it is searched, without changing the verdict.
//!
//! * A crashed observer never changes a state, and nobody knows what it saw.
//! * A crashed operation is useful only if somebody observes the state it leads to, and returns
//!   after it was invoked: an acknowledged operation, or a crashed one that is itself useful. The
//!   rest can be taken out of any linearization: whatever follows up to the next change of state
//!   is legal in every state. This needs to know of each transition in which single state it is
//!   legal, and where it leads: one operation that is legal in *some* states (a failed
//!   compare-and-set, taken as an observation) and every crashed operation stays.

use rustc_hash::FxHashMap;

use super::Occurrence;
use super::rules::{Rules, WrongRule};
use crate::model::{Class, Model, Requires};

/// The occurrences that matter, in order.
pub(crate) fn relevant<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    rules: Rules,
) -> Vec<usize> {
    let changes_nothing = |one: &Occurrence<M::Transition>| {
        one.returned.is_none() && model.class(&one.transition) == Class::Observer
    };
    let rest: Vec<usize> = (0..all.len()).filter(|at| !changes_nothing(&all[*at])).collect();
    let traceable = rest.iter().all(|at| is_traceable(model, &all[*at].transition));
    if !traceable && !rules.breaks(WrongRule::DropEffectsDespiteDifferences) {
        return rest;
    }
    let useful = useful_crashed(model, all, &rest, rules);
    rest.into_iter().filter(|at| all[*at].returned.is_some() || useful[*at]).collect()
}

/// Whether it is known exactly what a transition needs and what it leaves behind.
pub(crate) fn is_traceable<M: Model>(model: &M, transition: &M::Transition) -> bool {
    let effect_known =
        model.class(transition) == Class::Observer || model.produces(transition).is_some();
    effect_known && model.requires(transition) != Requires::Some
}

/// Marks crashed occurrences whose effect somebody may have observed: backwards from the
/// acknowledged observations, each state with the latest time at which it may be observed.
fn useful_crashed<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    rest: &[usize],
    rules: Rules,
) -> Vec<bool> {
    let mut observed_until: FxHashMap<M::State, u32> = FxHashMap::default();
    let mut producers: FxHashMap<M::State, Vec<usize>> = FxHashMap::default();
    for at in rest {
        let one = &all[*at];
        match one.returned {
            Some(returned) => {
                if let Requires::Exactly(state) = model.requires(&one.transition) {
                    let until = observed_until.entry(state).or_insert(returned);
                    *until = returned.max(*until);
                }
            }
            None => {
                if let Some(state) = model.produces(&one.transition) {
                    producers.entry(state).or_default().push(*at);
                }
            }
        }
    }
    let mut useful = vec![false; all.len()];
    let mut pending: Vec<M::State> = observed_until.keys().cloned().collect();
    while let Some(state) = pending.pop() {
        let until = observed_until[&state];
        for at in producers.get(&state).into_iter().flatten().copied() {
            if useful[at] || all[at].invoked >= until {
                continue;
            }
            useful[at] = true;
            // A crashed operation may itself observe at any later time.
            if !rules.breaks(WrongRule::OnlySeenByAcknowledged)
                && let Requires::Exactly(needed) = model.requires(&all[at].transition)
                && observed_until.insert(needed.clone(), u32::MAX) != Some(u32::MAX)
            {
                pending.push(needed);
            }
        }
    }
    useful
}
