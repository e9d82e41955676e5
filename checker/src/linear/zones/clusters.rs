//! Operations by the state that they produced, saw or consumed.

use rustc_hash::{FxHashMap, FxHashSet};

use super::super::{Occurrence, Pattern};
use crate::model::{Class, Model, Requires};

/// A cluster, by order of first mention; the initial state has the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ClusterId(pub(super) usize);

/// What belongs to one state.
#[derive(Default)]
pub(super) struct Cluster {
    /// The operation that led to it; none for the initial state.
    pub(super) producer: Option<usize>,
    /// Whether the producer starts a chain: the initial state and blind writes do.
    pub(super) is_head: bool,
    /// Those that saw it and left it, all of them acknowledged.
    pub(super) observers: Vec<usize>,
    /// Those that consumed it, with the cluster of what they made of it. More than one is a
    /// violation.
    pub(super) consumers: Vec<(usize, ClusterId)>,
}

/// All operations of a history of unique values.
pub(super) struct Clusters<'a, M: Model> {
    pub(super) model: &'a M,
    all: &'a [Occurrence<M::Transition>],
    states: Vec<M::State>,
    pub(super) clusters: Vec<Cluster>,
}

impl<'a, M: Model> Clusters<'a, M> {
    pub(super) const INITIAL: ClusterId = ClusterId(0);

    /// Sorts operations by state; says why not, where two of them produce the same one or one of
    /// them is not tied to a state.
    pub(super) fn new(
        model: &'a M,
        all: &'a [Occurrence<M::Transition>],
        kept: &[usize],
    ) -> Result<Clusters<'a, M>, String> {
        let mut clusters =
            Clusters { model, all, states: Vec::new(), clusters: Vec::with_capacity(kept.len()) };
        let mut ids = FxHashMap::default();
        let initial = clusters.id(&mut ids, model.initial());
        clusters.get_mut(initial).is_head = true;
        for at in kept.iter().copied() {
            let transition = &all[at].transition;
            let class = model.class(transition);
            match (class, model.requires(transition), model.produces(transition)) {
                (Class::Observer, Requires::Exactly(seen), _) => {
                    let seen = clusters.id(&mut ids, seen);
                    clusters.get_mut(seen).observers.push(at);
                }
                (Class::BlindWrite, _, Some(made)) => {
                    let made = clusters.id(&mut ids, made);
                    clusters.produce(made, at)?;
                    clusters.get_mut(made).is_head = true;
                }
                (Class::Conditional, Requires::Exactly(needed), Some(made)) => {
                    let needed = clusters.id(&mut ids, needed);
                    let made = clusters.id(&mut ids, made);
                    clusters.produce(made, at)?;
                    clusters.get_mut(needed).consumers.push((at, made));
                }
                _ => return Err("an operation is not tied to one state".to_owned()),
            }
        }
        Ok(clusters)
    }

    fn id(&mut self, ids: &mut FxHashMap<M::State, ClusterId>, state: M::State) -> ClusterId {
        let fresh = ClusterId(self.clusters.len());
        let id = *ids.entry(state.clone()).or_insert(fresh);
        if id == fresh {
            self.states.push(state);
            self.clusters.push(Cluster::default());
        }
        id
    }

    fn produce(&mut self, made: ClusterId, at: usize) -> Result<(), String> {
        let again = self.get_mut(made).producer.replace(at).is_some();
        if again || made == Self::INITIAL {
            return Err(format!("more than one operation leads to {}", self.name(made)));
        }
        Ok(())
    }

    pub(super) fn get(&self, id: ClusterId) -> &Cluster {
        &self.clusters[id.0]
    }

    fn get_mut(&mut self, id: ClusterId) -> &mut Cluster {
        &mut self.clusters[id.0]
    }

    /// The state, for people.
    pub(super) fn name(&self, id: ClusterId) -> String {
        self.model.describe(&self.states[id.0]).to_string()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = ClusterId> + '_ {
        (0..self.clusters.len()).map(ClusterId)
    }

    /// A violation that needs no times.
    pub(super) fn violation(&self) -> Option<Pattern> {
        self.thin_air().or_else(|| self.replaced_twice()).or_else(|| self.circle())
    }

    /// A state was seen or consumed that nothing leads to.
    fn thin_air(&self) -> Option<Pattern> {
        let unwritten =
            self.ids().find(|id| self.get(*id).producer.is_none() && *id != Self::INITIAL)?;
        Some(Pattern {
            rule: "no-writer",
            operations: self.witnesses(unwritten),
            why: format!("nothing that can have come before leads to {}", self.name(unwritten)),
        })
    }

    fn replaced_twice(&self) -> Option<Pattern> {
        let twice = self.ids().find(|id| self.get(*id).consumers.len() > 1)?;
        let replaced = self.get(twice);
        let rivals = replaced.consumers.iter().take(2);
        let mut operations: Vec<usize> =
            rivals.flat_map(|(rival, made)| self.certifying(*rival, *made)).collect();
        operations.extend(replaced.producer.filter(|at| !operations.contains(at)));
        Some(Pattern {
            rule: "replaced-twice",
            operations,
            why: format!("{} was there only once and was replaced twice", self.name(twice)),
        })
    }

    /// Operations each of which needs what the one before it left, and none of which can begin.
    /// Looked for once every state has a producer and no more than one consumer.
    fn circle(&self) -> Option<Pattern> {
        let mut reached = vec![false; self.clusters.len()];
        for head in self.ids().filter(|id| self.get(*id).is_head) {
            let mut next = Some(head);
            while let Some(id) = next {
                reached[id.0] = true;
                next = self.get(id).consumers.first().map(|(_, made)| *made);
            }
        }
        let start = self.ids().find(|id| !reached[id.0])?;
        let mut members = vec![start];
        // A state that no head leads to can only be led to in a circle, and nothing leaves it.
        while let Some((_, made)) = self.get(members[members.len() - 1]).consumers.first()
            && *made != start
        {
            members.push(*made);
        }
        let mut operations: Vec<usize> =
            members.iter().filter_map(|id| self.get(*id).producer).collect();
        if operations.iter().all(|at| self.all[*at].returned.is_none()) {
            operations.extend(members.iter().find_map(|id| self.get(*id).observers.first()));
        }
        let why = "each of these needs what another one leads to, and none can be the first";
        Some(Pattern { rule: "circular-updates", operations, why: why.to_owned() })
    }

    /// An operation that led to `made`, with those that prove that it took effect.
    pub(super) fn certifying(&self, producer: usize, made: ClusterId) -> Vec<usize> {
        let mut operations = vec![producer];
        if self.all[producer].returned.is_none() {
            operations.extend(self.witnesses(made));
        }
        operations
    }

    /// Why this state was certainly there: operations that saw or consumed it, in a row down to
    /// the first acknowledged one.
    fn witnesses(&self, id: ClusterId) -> Vec<usize> {
        let mut queue: Vec<(ClusterId, Option<usize>, usize)> = vec![(id, None, usize::MAX)];
        let mut met: FxHashSet<ClusterId> = FxHashSet::from_iter([id]);
        let mut next = 0;
        while let Some((id, _, _)) = queue.get(next).copied() {
            let cluster = self.get(id);
            let seen = cluster.observers.iter().copied().min_by_key(|at| self.all[*at].returned);
            let consumed = cluster.consumers.iter().map(|(at, _)| *at);
            let mut acknowledged = consumed.filter(|at| self.all[*at].returned.is_some());
            if let Some(last) = seen.or_else(|| acknowledged.next()) {
                let mut path = vec![last];
                let mut step = Some(next);
                while let Some((_, before, through)) = step.map(|at| queue[at]) {
                    path.extend(Some(through).filter(|at| *at != usize::MAX));
                    step = before;
                }
                path.reverse();
                return path;
            }
            for (at, made) in &cluster.consumers {
                if met.insert(*made) {
                    queue.push((*made, Some(next), *at));
                }
            }
            next += 1;
        }
        Vec::new()
    }
}
