//! One way in which the operations seen so far can have taken effect, and when one such way makes
//! another superfluous.

use super::crashed::{Cost, Ledger, TrackedId, UseId};
use super::meter::Meter;
use super::open::Open;
use super::path::PathId;
use super::rules::{Rules, WrongRule};
use super::table::StateId;
use super::words::Words;
use crate::verdict::Reason;

/// A configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config<const W: usize> {
    pub(crate) state: StateId,
    /// Crashed operations that took effect.
    pub(crate) crashed: UseId,
    /// Open operations that took effect.
    pub(crate) used: Words<W>,
    /// Open blind writes that must still take effect visibly: no write has been linearized since
    /// they were invoked. Every other unused one is *absorbable*: it may have happened just before
    /// such a write, where nobody saw it.
    pub(crate) required: Words<W>,
    pub(crate) path: PathId,
}

/// What tells configurations apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key<const W: usize> {
    state: StateId,
    tracked: TrackedId,
    used: Words<W>,
    required: Words<W>,
}

impl<const W: usize> Config<W> {
    pub(crate) fn key(&self, ledger: &Ledger) -> Key<W> {
        let tracked = ledger.tracked(self.crashed);
        Key { state: self.state, tracked, used: self.used, required: self.required }
    }
}

/// A configuration with everything by which it is compared.
struct Candidate<const W: usize> {
    config: Config<W>,
    cost: Cost,
    tracked: TrackedId,
    conditionals: Words<W>,
    writes: Words<W>,
    observers: Words<W>,
    /// Falls or stays equal towards a configuration that dominates at equal cost.
    burden: i64,
}

impl<const W: usize> Candidate<W> {
    fn of(config: Config<W>, open: &Open<W>, ledger: &Ledger, rules: Rules) -> Candidate<W> {
        let tracked = ledger.tracked(config.crashed);
        let mut writes = config.used.intersection(&open.writes);
        if rules.breaks(WrongRule::IgnoreUsedWrites) {
            writes = Words::EMPTY;
        }
        let observers = config.used.intersection(&open.watching);
        let more = config.required.len() + writes.len() + ledger.tracked_uses(tracked);
        Candidate {
            config,
            cost: ledger.cost(config.crashed),
            tracked,
            conditionals: config.used.intersection(&open.conditionals),
            writes,
            observers,
            burden: i64::from(more) - i64::from(observers.len()),
        }
    }

    /// Whether whatever can follow `other` can follow this one too, at no higher cost. State and
    /// used conditionals are equal already.
    fn dominates(&self, other: &Candidate<W>, ledger: &Ledger) -> bool {
        self.cost <= other.cost
            && self.config.required.is_subset(&other.config.required)
            && self.writes.is_subset(&other.writes)
            && other.writes.intersection(&self.config.required).is_empty()
            && other.observers.is_subset(&self.observers)
            && ledger.tracked_at_most(self.tracked, other.tracked)
    }
}

/// Those of `configs` that no other one dominates, in an order that depends on nothing else.
///
/// Only configurations of equal state and equal used conditionals are comparable, so they are
/// compared within such a bucket; sorted so that whatever dominates comes first.
pub(crate) fn undominated<const W: usize>(
    configs: &[Config<W>],
    open: &Open<W>,
    ledger: &Ledger,
    rules: Rules,
    meter: &mut Meter<'_>,
) -> Result<Vec<Config<W>>, Reason> {
    let mut candidates: Vec<Candidate<W>> =
        configs.iter().map(|config| Candidate::of(*config, open, ledger, rules)).collect();
    candidates.sort_unstable_by_key(|one| {
        (one.config.state, one.conditionals, one.cost, one.burden, one.config.key(ledger))
    });
    let mut kept: Vec<Candidate<W>> = Vec::with_capacity(candidates.len());
    let mut bucket = 0;
    for one in candidates {
        let same_bucket = kept.get(bucket).is_some_and(|first| {
            first.config.state == one.config.state && first.conditionals == one.conditionals
        });
        if !same_bucket {
            bucket = kept.len();
        }
        meter.work(kept.len() - bucket)?;
        if !kept[bucket..].iter().any(|better| better.dominates(&one, ledger)) {
            kept.push(one);
        }
    }
    Ok(kept.into_iter().map(|one| one.config).collect())
}
