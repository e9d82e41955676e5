//! A frontier that keeps only the most promising configurations: a beam.
//!
//! Where very many operations are open at once, a history that has a linearization has very many,
//! and most configurations would do. So a search may be told to keep no more than so many of them
//! ([`Limits::configs_max`](crate::linear::meter::Limits)). What survives to the end is a
//! linearization like any other; but once anything was dropped, a death says nothing.
//!
//! The most promising configuration is the one that owes least: every open observer or conditional
//! that has not taken effect yet needs a state of its own before it returns, the sooner, the worse.
//! Open writes are means rather than debts, since any later write absorbs them.

use super::Frontier;
use super::shards::Shard;
use crate::linear::config::Config;
use crate::linear::crashed::Cost;
use crate::linear::words::Words;
use crate::model::Class;

/// In the order of preference.
type Rank = (bool, u32, u32, Cost);

/// So many configurations are tried for each that is kept, before what has settled must do.
const TRIED_EACH: usize = 8;

impl<const W: usize> Frontier<'_, '_, W> {
    /// Whether so many configurations tried within one return are enough; if so, some are dropped.
    pub(super) fn has_tried_enough(&mut self, tried: usize) -> bool {
        let enough = self.meter.limits().configs_max.saturating_mul(TRIED_EACH);
        let has_settled = || !self.settled.is_empty() || self.shards.iter().any(Shard::has_settled);
        let is_enough = tried >= enough && has_settled();
        self.is_narrowed |= is_enough;
        is_enough
    }

    /// Drops the least promising configurations, if there are too many.
    pub(super) fn narrow(&mut self) {
        if self.configs.len() <= self.meter.limits().configs_max {
            return;
        }
        self.is_narrowed = true;
        let debts = self.debts();
        let mut configs = std::mem::take(&mut self.configs);
        configs.sort_by_cached_key(|config| self.rank(config, &debts));
        configs.truncate(self.meter.limits().configs_max);
        self.configs = configs;
    }

    /// The open observers and conditionals, with what it weighs that they have not taken effect.
    fn debts(&self) -> Vec<(usize, u32)> {
        let mut open: Vec<(u32, usize)> = self
            .open
            .iter()
            .filter(|(_, op)| op.class != Class::BlindWrite)
            .map(|(slot, op)| (op.deadline, slot))
            .collect();
        open.sort_unstable();
        (0..).zip(open).map(|(place, (_, slot))| (slot, URGENT / (place + 4))).collect()
    }

    fn rank(&self, config: &Config<W>, debts: &[(usize, u32)]) -> Rank {
        let owed = debts.iter().filter(|(slot, _)| !config.used.has(*slot));
        let owed = owed.map(|(_, weight)| weight).sum();
        let spent: Words<W> = config.used.intersection(&self.open.masks.writes);
        let cost = self.ledger.cost(config.crashed);
        (cost.overdrawn, owed, spent.len(), cost)
    }
}

/// What it weighs to owe what returns next, times four.
const URGENT: u32 = 1 << 16;
