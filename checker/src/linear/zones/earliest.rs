//! The first moment at which a history of unique values is lost, and how it stood before.
//!
//! What happens later cannot excuse a violation, so a history may be cut anywhere: what began
//! later never was, and what was still open becomes optional. A pattern names a moment at which it
//! is complete; just before that there may be another, earlier one, or none. Patterns are found
//! from the front, so a few cuts are enough as a rule; each is another pass.

use super::super::reduce::relevant;
use super::super::rules::Rules;
use super::super::{Obstacle, Occurrence, Pattern, Possible};
use super::{Zones, decide};
use crate::model::Model;

/// Where a violation first shows: with the operations that exclude each other there.
pub(crate) fn earliest<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    mut pattern: Pattern,
) -> Option<Obstacle<M::State>> {
    let mut until = u32::MAX;
    loop {
        let returns = pattern.operations.iter().filter_map(|at| all[*at].returned);
        let complete = returns.filter(|returned| *returned <= until).max()?;
        // Not a violation by itself after all would mean a rule that lists too little.
        let Zones::Impossible(same) = judge_until(model, all, complete) else { return None };
        pattern = same;
        until = complete.checked_sub(1)?;
        match judge_until(model, all, until) {
            Zones::Impossible(other) => pattern = other,
            Zones::Order(order) => {
                let at = all.iter().position(|one| one.returned == Some(complete))?;
                let possible = vec![standing(model, all, &order, complete)];
                return Some(Obstacle { at, possible, pattern: Some(pattern) });
            }
            Zones::Inapplicable(_) => return None,
        }
    }
}

/// What zones say about the history up to a moment.
fn judge_until<M: Model>(model: &M, all: &[Occurrence<M::Transition>], until: u32) -> Zones {
    let begun: Vec<usize> = (0..all.len()).filter(|at| all[*at].invoked <= until).collect();
    let cut: Vec<Occurrence<M::Transition>> = begun
        .iter()
        .map(|at| Occurrence {
            returned: all[*at].returned.filter(|returned| *returned <= until),
            ..all[*at].clone()
        })
        .collect();
    let kept = relevant(model, &cut, Rules::default());
    let whole = |cut: Vec<usize>| cut.into_iter().map(|at| begun[at]).collect();
    match decide(model, &cut, &kept, Rules::default()) {
        Zones::Order(order) => Zones::Order(whole(order)),
        Zones::Impossible(pattern) => {
            Zones::Impossible(Pattern { operations: whole(pattern.operations), ..pattern })
        }
        inapplicable @ Zones::Inapplicable(_) => inapplicable,
    }
}

/// One way in which the operations before a moment can have taken effect.
fn standing<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    order: &[usize],
    moment: u32,
) -> Possible<M::State> {
    let step =
        |state: M::State, at: &usize| model.step(&state, &all[*at].transition).unwrap_or(state);
    let open = |at: &usize| {
        all[*at].invoked < moment && all[*at].returned.is_some_and(|returned| returned >= moment)
    };
    Possible {
        state: order.iter().fold(model.initial(), step),
        linearized: order.iter().copied().filter(open).collect(),
        pending: (0..all.len()).filter(|at| open(at) && !order.contains(at)).collect(),
    }
}
