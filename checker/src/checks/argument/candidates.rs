//! Which few operations to look at: those that may exclude what the failing operation saw.
//!
//! Everything about a value that was written once is contiguous in any order: its write, whoever
//! saw it, and the compare-and-set that replaced it. So the failing operation is excluded by
//! something about another value that lies after one of these and before the failing operation.
//! The sets proposed here are small, the likeliest and the simplest first; none of them claims
//! anything before the graph over it has a cycle.

use rustc_hash::FxHashMap;

use super::facts::{Facts, Source};
use crate::model::ValueId;

/// So many sets of each sort are tried, and so far back is a chain of compare-and-sets followed.
const SETS_MAX: usize = 8;
const CHAIN_MAX: usize = 8;

/// Sets of operations that may form a circle with the failing one.
pub(crate) fn sets(facts: &Facts<'_, '_>, failing: usize, named: &[usize]) -> Vec<Vec<usize>> {
    let Some(value) = facts.sees(failing) else { return Vec::new() };
    let Some(source) = facts.source(value) else { return Vec::new() };
    let search = Search { facts, failing, value, source };
    let mut sets = vec![Vec::new(), named.to_vec()];
    sets.extend(search.consumers());
    sets.extend(search.single());
    sets.extend(search.blocks());
    sets.into_iter().map(|set| search.completed(set)).collect()
}

struct Search<'f, 'a, 'h> {
    facts: &'f Facts<'a, 'h>,
    failing: usize,
    value: ValueId,
    source: Source,
}

impl Search<'_, '_, '_> {
    /// With the failing operation, with whoever shows earliest that its value was there, and with
    /// whoever shows that the others took effect.
    fn completed(&self, extra: Vec<usize>) -> Vec<usize> {
        let writer = match self.source {
            Source::Initial => None,
            Source::Only(writer) => Some(writer),
        };
        let mut set: Vec<usize> = writer.into_iter().collect();
        for at in [Some(self.failing), self.first_ended()].into_iter().flatten().chain(extra) {
            let mut next = Some(at);
            while let Some(at) = next.filter(|at| !set.contains(at)) {
                set.push(at);
                next = self.facts.witness(at);
            }
        }
        set.retain(|at| self.facts.witness(*at).is_some());
        set
    }

    fn of_value(&self) -> impl Iterator<Item = usize> + '_ {
        let belongs = |at: &usize| {
            Source::Only(*at) == self.source || self.facts.sees(*at) == Some(self.value)
        };
        self.facts.all().filter(belongs)
    }

    fn first_ended(&self) -> Option<usize> {
        let acknowledged = self.of_value().filter(|at| self.facts.ended(*at).is_some());
        acknowledged.min_by_key(|at| self.facts.ended(*at))
    }

    /// When the value was there for certain: something that began later is about what came after.
    fn settled(&self) -> Option<usize> {
        match self.source {
            Source::Initial => Some(0),
            Source::Only(_) => self.first_ended().and_then(|at| self.facts.ended(at)),
        }
    }

    /// Whoever else replaced the value.
    fn consumers(&self) -> Vec<Vec<usize>> {
        let replaced = |at: &usize| {
            *at != self.failing
                && self.facts.consumes(*at, self.value)
                && self.facts.witness(*at).is_some()
        };
        self.facts.all().filter(replaced).take(SETS_MAX).map(|at| vec![at]).collect()
    }

    /// Single operations between the value and the failing operation.
    fn single(&self) -> Vec<Vec<usize>> {
        let Some(settled) = self.settled() else { return Vec::new() };
        let between = |at: &usize| {
            self.facts.began(*at) >= settled
                && self.facts.excludes(*at, self.value)
                && self.facts.in_real_time(*at, self.failing)
        };
        let mut between: Vec<usize> = self.facts.all().filter(between).collect();
        // A write says it more plainly than a read.
        between.sort_by_key(|at| self.facts.makes(*at).is_none());
        between.into_iter().take(SETS_MAX).map(|at| vec![at]).collect()
    }

    /// Other values that were written once: their write, whoever began last and ended first.
    fn blocks(&self) -> Vec<Vec<usize>> {
        let facts = self.facts;
        let mut members: FxHashMap<ValueId, Vec<usize>> = FxHashMap::default();
        let mut in_order: Vec<ValueId> = Vec::new();
        for at in facts.all().filter(|at| facts.witness(*at).is_some()) {
            for value in facts.sees(at).into_iter().chain(facts.makes(at)) {
                let block = members.entry(value).or_default();
                if block.is_empty() {
                    in_order.push(value);
                }
                block.push(at);
            }
        }
        let known = |value: &ValueId| match facts.source(*value)? {
            Source::Only(writer) if *value != self.value => Some((*value, writer)),
            Source::Only(_) | Source::Initial => None,
        };
        let blocks = in_order.iter().filter_map(known).filter_map(|(value, writer)| {
            let block = &members[&value];
            let last_begun = block.iter().copied().max_by_key(|at| facts.began(*at))?;
            let ended = block.iter().copied().filter(|at| facts.ended(*at).is_some());
            let first_ended = ended.min_by_key(|at| facts.ended(*at))?;
            let chain = self.chain_from_value(writer);
            let after = self.settled().is_some_and(|settled| settled <= facts.began(last_begun))
                || chain.len() > 1;
            let before = facts.in_real_time(first_ended, self.failing);
            let rest = [last_begun, first_ended];
            (after && before).then(|| chain.into_iter().chain(rest).collect::<Vec<_>>())
        });
        let mut blocks: Vec<Vec<usize>> = blocks.collect();
        blocks.sort_by_key(Vec::len);
        blocks.truncate(SETS_MAX);
        blocks
    }

    /// The compare-and-sets from the failing operation's value to the one that `writer` wrote, or
    /// only the writer where there is no such chain.
    fn chain_from_value(&self, writer: usize) -> Vec<usize> {
        let mut chain = vec![writer];
        while let Some(value) = chain.last().and_then(|at| self.facts.sees(*at)) {
            if value == self.value {
                return chain;
            }
            match self.facts.source(value) {
                Some(Source::Only(at)) if chain.len() < CHAIN_MAX && !chain.contains(&at) => {
                    chain.push(at);
                }
                _ => break,
            }
        }
        vec![writer]
    }
}
