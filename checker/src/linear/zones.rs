//! A linearization without search, for objects of unique values.
//!
//! Where every state is produced by one operation only, everything that saw a state belongs to
//! the operation that produced it, and a conditional operation ties the state that it consumed to
//! the one that it produced. Such a *chain* is contiguous in every linearization, and its order
//! is fixed. What remains is the order of chains, and that follows from their *zones* (Gibbons
//! and Korach, *Testing shared memories*, 1997): with `f` the earliest return and `s` the latest
//! invocation in a chain, chain A comes before chain B if `f(A) < s(B)`. Chains with `f < s` hold
//! the object for certain from `f` to `s` and must not overlap; any other one fits at a moment
//! between `s` and `f` that no such zone covers. `O(n log n)`.
//!
//! This module only *proposes*: what it returns is held against the definition like any other
//! order, so it may be wrong where its conditions do not hold, and the search decides then.

use rustc_hash::FxHashMap;

use super::Occurrence;
use crate::model::{Class, Model, Requires};

/// What belongs to one state.
#[derive(Default)]
struct Cluster {
    /// The operation that led to it; none for the initial state.
    producer: Option<usize>,
    /// Whether the producer starts a chain: the initial state and blind writes do.
    is_head: bool,
    observers: Vec<usize>,
    /// The conditional operation that consumed it.
    consumer: Option<usize>,
}

/// A chain with the moment at which it may stand.
struct Chain {
    members: Vec<usize>,
    /// The earliest return.
    first_return: u32,
    /// The latest invocation.
    last_invocation: u32,
}

/// An order of the occurrences `kept`, if values are unique. Only a proposal.
pub(crate) fn propose<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    kept: &[usize],
) -> Option<Vec<usize>> {
    let clusters = clusters(model, all, kept)?;
    let mut initial = Vec::new();
    let mut chains = Vec::new();
    for (state, cluster) in &clusters {
        if cluster.is_head {
            let members = chain(model, all, &clusters, state);
            match cluster.producer {
                None => initial = members,
                Some(_) => chains.push(Chain::of(members, all)),
            }
        }
    }
    let mut forward: Vec<(u32, u32)> = chains
        .iter()
        .filter(|chain| chain.first_return < chain.last_invocation)
        .map(|chain| (chain.first_return, chain.last_invocation))
        .collect();
    forward.sort_unstable();
    chains.sort_by_key(|chain| (chain.moment(&forward), chain.members[0]));
    let order: Vec<usize> =
        initial.into_iter().chain(chains.into_iter().flat_map(|chain| chain.members)).collect();
    (order.len() == kept.len()).then_some(order)
}

/// Sorts operations by the state that they produced or saw; `None` where two of them produced or
/// consumed the same one, or where one of them is not tied to a state.
fn clusters<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    kept: &[usize],
) -> Option<FxHashMap<M::State, Cluster>> {
    let mut clusters: FxHashMap<M::State, Cluster> = FxHashMap::default();
    clusters.entry(model.initial()).or_default().is_head = true;
    for at in kept.iter().copied() {
        let transition = &all[at].transition;
        let class = model.class(transition);
        match model.requires(transition) {
            Requires::Some => return None,
            Requires::Anything if class == Class::Observer => return None,
            Requires::Anything => {}
            Requires::Exactly(state) => {
                let cluster = clusters.entry(state).or_default();
                if class == Class::Observer {
                    cluster.observers.push(at);
                } else if cluster.consumer.replace(at).is_some() {
                    return None;
                }
            }
        }
        if class != Class::Observer {
            let state = model.produces(transition)?;
            if state == model.initial() {
                return None;
            }
            let cluster = clusters.entry(state).or_default();
            cluster.is_head = class == Class::BlindWrite;
            if cluster.producer.replace(at).is_some() {
                return None;
            }
        }
    }
    Some(clusters)
}

/// The chain that starts in `head`, in its only possible order.
fn chain<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    clusters: &FxHashMap<M::State, Cluster>,
    head: &M::State,
) -> Vec<usize> {
    let mut members = Vec::new();
    let mut cluster = &clusters[head];
    members.extend(cluster.producer);
    loop {
        let mut observers = cluster.observers.clone();
        observers.sort_by_key(|at| all[*at].invoked);
        members.extend(observers);
        let Some(consumer) = cluster.consumer else { return members };
        members.push(consumer);
        let state = model.produces(&all[consumer].transition);
        cluster = &clusters[&state.expect("a consumer is no observer and produces a state")];
    }
}

impl Chain {
    fn of<T>(members: Vec<usize>, all: &[Occurrence<T>]) -> Chain {
        let returns = members.iter().map(|at| all[*at].returned.unwrap_or(u32::MAX));
        let invocations = members.iter().map(|at| all[*at].invoked);
        Chain {
            first_return: returns.min().expect("a chain has a member"),
            last_invocation: invocations.max().expect("a chain has a member"),
            members,
        }
    }

    /// A moment such that chains stand in the order of their moments, if they can.
    fn moment(&self, forward: &[(u32, u32)]) -> u32 {
        if self.first_return < self.last_invocation {
            return self.first_return;
        }
        // The last zone that begins before this chain may still cover its beginning.
        let after = forward.partition_point(|(begin, _)| *begin < self.last_invocation);
        let covering = after.checked_sub(1).map(|at| forward[at].1);
        covering.filter(|end| *end > self.last_invocation).unwrap_or(self.last_invocation)
    }
}
