//! Chains of clusters: whether each is in order by itself, and in which order they stand.

use super::super::rules::{Rules, WrongRule};
use super::super::{Occurrence, Pattern};
use super::clusters::{ClusterId, Clusters};
use crate::model::Model;

/// A moment of the history; before all of them is the initial state.
type Moment = i64;

const NEVER: Moment = Moment::MAX;

/// An operation of a chain.
#[derive(Clone, Copy)]
struct Member {
    at: usize,
    cluster: ClusterId,
}

/// A chain, in its only possible order, with the moments between which it is there for certain.
struct Chain {
    members: Vec<Member>,
    /// The earliest return. Nobody returns from the initial state: it is there before everything.
    first_return: (Moment, Option<Member>),
    /// The latest invocation.
    last_invocation: (Moment, Member),
}

/// All chains of a history.
pub(super) struct Chains<'a, M: Model> {
    clusters: &'a Clusters<'a, M>,
    all: &'a [Occurrence<M::Transition>],
    chains: Vec<Chain>,
    rules: Rules,
}

impl<'a, M: Model> Chains<'a, M> {
    /// The chains of clusters each of which has a producer and no more than one consumer.
    pub(super) fn new(
        clusters: &'a Clusters<'a, M>,
        all: &'a [Occurrence<M::Transition>],
        rules: Rules,
    ) -> Chains<'a, M> {
        let mut chains = Chains { clusters, all, chains: Vec::new(), rules };
        let heads = clusters.ids().filter(|id| clusters.get(*id).is_head);
        let found: Vec<Chain> = heads.filter_map(|head| chains.chain(head)).collect();
        chains.chains = found;
        chains
    }

    /// The chain that starts with `head`; `None` if nothing ever happened to it.
    fn chain(&self, head: ClusterId) -> Option<Chain> {
        let mut members: Vec<Member> = Vec::new();
        let mut next = Some(head);
        while let Some(cluster) = next {
            let here = self.clusters.get(cluster);
            let mut observers = here.observers.clone();
            observers.sort_unstable_by_key(|at| self.all[*at].invoked);
            let all = here.producer.into_iter().chain(observers);
            members.extend(all.map(|at| Member { at, cluster }));
            next = here.consumers.first().map(|(_, made)| *made);
        }
        let returns = members.iter().map(|one| (self.returned(*one), Some(*one)));
        let is_initial =
            head == Clusters::<M>::INITIAL && !self.rules.breaks(WrongRule::InitialBeginsWhenSeen);
        let first_return = match is_initial {
            true => (-1, None),
            false => returns.min_by_key(|(moment, _)| *moment)?,
        };
        let late = self.rules.breaks(WrongRule::ZonesUntilLastReturn);
        let last = |one| if late { self.returned(one) } else { self.invoked(one) };
        let invocations = members.iter().map(|one| (last(*one), *one));
        let last_invocation = invocations.max_by_key(|(moment, _)| *moment)?;
        Some(Chain { members, first_return, last_invocation })
    }

    fn invoked(&self, one: Member) -> Moment {
        Moment::from(self.all[one.at].invoked)
    }

    fn returned(&self, one: Member) -> Moment {
        self.all[one.at].returned.map_or(NEVER, Moment::from)
    }

    pub(super) fn violation(&self) -> Option<Pattern> {
        self.chains.iter().find_map(|chain| self.disorder(chain)).or_else(|| self.overlap())
    }

    /// An operation that had ended when one began that has to come before it.
    fn disorder(&self, chain: &Chain) -> Option<Pattern> {
        let mut latest: Option<Member> = None;
        let mut latest_here: Option<Member> = None;
        let later = |a: Option<Member>, b: Member| match a {
            Some(a) if self.invoked(a) >= self.invoked(b) => Some(a),
            _ => Some(b),
        };
        let mut members = chain.members.iter().peekable();
        while let Some(one) = members.next() {
            if let Some(before) = latest
                && self.returned(*one) < self.invoked(before)
            {
                return Some(self.out_of_order(chain, before, *one));
            }
            let produces = self.clusters.get(one.cluster).producer == Some(one.at);
            if produces || !self.rules.breaks(WrongRule::OnlyProducersTellTime) {
                latest_here = later(latest_here, *one);
            }
            // Those that saw the same state are free among each other.
            let more = members.peek().is_some_and(|next| next.cluster == one.cluster);
            if produces || !more {
                latest = latest_here.take().into_iter().fold(latest, later);
            }
        }
        None
    }

    fn out_of_order(&self, chain: &Chain, before: Member, after: Member) -> Pattern {
        let state = self.clusters.name(before.cluster);
        let why = match before.cluster == after.cluster {
            true => format!("{state} was seen before the only operation that leads to it began"),
            false => format!(
                "{} can only have come of {state}, but was there before an operation on {state} \
                 began",
                self.clusters.name(after.cluster)
            ),
        };
        let operations = self.tied(chain, before, after);
        Pattern { rule: "out-of-order", operations, why }
    }

    /// Two members of a chain, with those that tie one to the other.
    fn tied(&self, chain: &Chain, a: Member, b: Member) -> Vec<usize> {
        let place = |one: Member| chain.members.iter().position(|member| member.at == one.at);
        let (first, last) = if place(a) <= place(b) { (a, b) } else { (b, a) };
        let mut operations = vec![first.at];
        let mut next = Some(first.cluster).filter(|cluster| *cluster != last.cluster);
        while let Some(cluster) = next {
            let Some((consumer, made)) = self.clusters.get(cluster).consumers.first() else {
                break;
            };
            operations.push(*consumer);
            next = Some(*made).filter(|made| *made != last.cluster);
        }
        let crashed = self.all[last.at].returned.is_none();
        let proof = if crashed { self.clusters.certifying(last.at, last.cluster) } else { vec![] };
        for at in [last.at].into_iter().chain(proof) {
            if !operations.contains(&at) {
                operations.push(at);
            }
        }
        operations
    }

    /// Two chains each of which has to come before the other.
    fn overlap(&self) -> Option<Pattern> {
        let mut forward: Vec<&Chain> =
            self.chains.iter().filter(|chain| chain.is_forward()).collect();
        forward.sort_unstable_by_key(|chain| chain.first_return.0);
        let overlapping = forward.windows(2).find(|two| two[0].conflicts_with(two[1]));
        let (a, b) = match overlapping {
            Some(two) => (two[0], two[1]),
            None if self.rules.breaks(WrongRule::MomentsFitAnywhere) => return None,
            // Forward zones are disjoint now, so only one can cover another chain's zone.
            None => self.chains.iter().filter(|chain| !chain.is_forward()).find_map(|inner| {
                let after = forward.partition_point(|outer| outer.begins_before(inner));
                let outer = *forward.get(after.checked_sub(1)?)?;
                outer.conflicts_with(inner).then_some((outer, inner))
            })?,
        };
        let mut operations = self.zone(a);
        operations.extend(self.zone(b));
        let (one, other) = (self.name(a), self.name(b));
        let why = match a.first_return.1 {
            None => format!("{other} was there before {one}, the initial value, was left"),
            Some(_) => format!("{one} and {other} were each there before and after the other"),
        };
        Some(Pattern { rule: "zones", operations, why })
    }

    /// The operations that show that a chain is there from its first return to its last invocation,
    /// or all at once in between.
    fn zone(&self, chain: &Chain) -> Vec<usize> {
        let (_, last) = chain.last_invocation;
        let first = chain.first_return.1.unwrap_or(chain.members[0]);
        self.tied(chain, first, last)
    }

    fn name(&self, chain: &Chain) -> String {
        self.clusters.name(chain.members[0].cluster)
    }

    /// All operations in an order that is a linearization, if there is no violation.
    pub(super) fn order(mut self) -> Vec<usize> {
        let mut forward: Vec<(Moment, Moment)> =
            self.chains.iter().filter(|chain| chain.is_forward()).map(Chain::zone).collect();
        forward.sort_unstable();
        self.chains.sort_by_key(|chain| (chain.moment(&forward), chain.members[0].at));
        self.chains.iter().flat_map(|chain| chain.members.iter().map(|one| one.at)).collect()
    }
}

impl Chain {
    fn zone(&self) -> (Moment, Moment) {
        (self.first_return.0, self.last_invocation.0)
    }

    /// Whether it is there for certain for a while, rather than at some moment.
    fn is_forward(&self) -> bool {
        self.first_return.0 < self.last_invocation.0
    }

    /// Whether it has to come before the other chain.
    fn begins_before(&self, other: &Chain) -> bool {
        self.first_return.0 < other.last_invocation.0
    }

    fn conflicts_with(&self, other: &Chain) -> bool {
        self.begins_before(other) && other.begins_before(self)
    }

    /// A moment such that chains stand in the order of their moments, if they can.
    fn moment(&self, forward: &[(Moment, Moment)]) -> Moment {
        let (first_return, last_invocation) = self.zone();
        if self.is_forward() {
            return first_return;
        }
        // The last zone that begins before this chain may still cover its beginning.
        let after = forward.partition_point(|(begin, _)| *begin < last_invocation);
        let covering = after.checked_sub(1).map(|at| forward[at].1);
        covering.filter(|end| *end > last_invocation).unwrap_or(last_invocation)
    }
}
