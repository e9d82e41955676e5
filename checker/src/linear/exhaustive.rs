//! Every order of a small history, by the definition.
//!
//! A node is the set of operations that are done and the state that they left; from it, every
//! operation may be next that began before the first return that is still to come. No reduction at
//! all, no classes: whoever doubts the other algorithms can ask this one, up to 64 operations.

use rustc_hash::FxHashSet;

use super::meter::{Limits, Meter};
use super::{Decision, Effort, Obstacle, Occurrence, Possible};
use crate::model::Model;
use crate::verdict::Reason;

/// One bit an operation.
const OPERATIONS_MAX: usize = 64;
/// More possibilities than this help nobody to understand a violation.
const POSSIBILITIES_MAX: usize = 64;

struct Node<S> {
    done: u64,
    state: S,
    /// The node before, and the operation that led here.
    from: Option<(usize, usize)>,
}

/// Decides whether `all` has a linearization.
pub(crate) fn search<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    limits: Limits<'_>,
) -> (Decision<M::State>, Effort) {
    if all.len() > OPERATIONS_MAX {
        let what = format!("a history of at most {OPERATIONS_MAX} operations, for every order");
        return (Decision::Undecided(Reason::Missing(what)), Effort::default());
    }
    let mut meter = Meter::new(limits);
    let decision = decide(model, all, &mut meter).unwrap_or_else(Decision::Undecided);
    (decision, Effort { expansions: meter.expansions, largest_frontier: 0, rounds: 1 })
}

fn decide<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    meter: &mut Meter<'_>,
) -> Result<Decision<M::State>, Reason> {
    let mut returns: Vec<usize> = (0..all.len()).filter(|at| all[*at].returned.is_some()).collect();
    returns.sort_unstable_by_key(|at| all[*at].returned);
    let due = |done: u64| returns.iter().position(|at| done >> at & 1 == 0);
    let mut nodes = vec![Node { done: 0, state: model.initial(), from: None }];
    let mut met = FxHashSet::from_iter([(0, model.initial())]);
    let mut furthest = 0;
    let mut next = 0;
    while next < nodes.len() {
        let Node { done, ref state, .. } = nodes[next];
        let Some(first) = due(done) else { return Ok(linearizable(&nodes, next)) };
        furthest = furthest.max(first);
        let before = all[returns[first]].returned;
        let may = |at: &usize| done >> at & 1 == 0 && Some(all[*at].invoked) < before;
        let steps = (0..all.len())
            .filter(may)
            .filter_map(|at| Some((at, model.step(state, &all[at].transition)?)));
        for (at, state) in steps.collect::<Vec<_>>() {
            meter.work(1)?;
            meter.expansions += 1;
            let done = done | 1 << at;
            if met.insert((done, state.clone())) {
                nodes.push(Node { done, state, from: Some((next, at)) });
            }
        }
        meter.occupy((nodes.capacity() * 2 * size_of::<Node<M::State>>()) as u64)?;
        next += 1;
    }
    let stuck = nodes.iter().filter(|node| due(node.done) == Some(furthest));
    let open = |at: &usize| {
        let until = all[returns[furthest]].returned;
        Some(all[*at].invoked) < until && all[*at].returned.is_some_and(|at| Some(at) >= until)
    };
    let possible = stuck.take(POSSIBILITIES_MAX).map(|node| {
        let (linearized, pending) =
            (0..all.len()).filter(open).partition(|at| node.done >> at & 1 == 1);
        Possible { state: node.state.clone(), linearized, pending }
    });
    let possible = possible.collect();
    Ok(Decision::Stuck(Obstacle { at: returns[furthest], possible, pattern: None }))
}

fn linearizable<S>(nodes: &[Node<S>], end: usize) -> Decision<S> {
    let mut order = Vec::new();
    let mut at = end;
    while let Some((before, operation)) = nodes[at].from {
        order.push(operation);
        at = before;
    }
    order.reverse();
    Decision::Linearizable { order }
}
