//! A frontier that keeps only the most promising configurations: a beam.
//!
//! Where very many operations are open at once, a history that has a linearization has very many,
//! and most configurations would do. So a search may be told to keep no more than so many of them
//! ([`Limits::configs_max`](crate::linear::meter::Limits)). What survives to the end is a
//! linearization like any other; but once anything was dropped, a death says nothing.
//!
//! The most promising configuration is the one that leaves to the rest of the history what that will
//! need (`ahead`). Among equals it is the one that owes least: every open observer or conditional that
//! has not taken effect yet needs a state of its own before it returns, the sooner, the worse. Open
//! writes are means rather than debts, since any later write absorbs them.
//!
//! Crashed operations are scarce here: a configuration that uses one more of them than there are
//! would take the place of another one, and cannot end well. So they are never overdrawn; but since
//! counts do not tell configurations apart, what was refused may have crowded out what would not have
//! been, and a death says nothing then, either.
//!
//! A history of ten thousand operations has a moment somewhere in which few are too few. So now and
//! then more are put aside, and where the frontier dies it goes back to them and on with more for a
//! while, each time further back and with more than before.

use std::collections::VecDeque;
use std::sync::Arc;

use super::shards::Shard;
use super::{CrashedClass, Frontier};
use crate::linear::ahead::{Ahead, Outlook};
use crate::linear::config::Config;
use crate::linear::crashed::{ClassId, Cost};
use crate::linear::open::Open;
use crate::linear::steps::Steps;
use crate::linear::words::Words;
use crate::model::Class;
use crate::verdict::Reason;

/// In the order of preference.
type Rank = (u32, u32, u32, Cost);

/// So many configurations are tried for each that is kept, before what has settled must do.
const TRIED_EACH: usize = 8;
/// What it weighs to owe what returns next, times four.
const URGENT: u32 = 1 << 16;
/// Events between two moments to which the frontier can go back; few in tests, so that small
/// histories meet some.
const STRIDE: u32 = if cfg!(test) { 2 } else { 32 };
/// As many moments are kept.
const MOMENTS_MAX: usize = 64;
/// How many times more configurations are kept after a death than before.
const WIDEN: usize = if cfg!(test) { 2 } else { 4 };
/// And how many times more than at first, at most.
const WIDEST: usize = if cfg!(test) { 2 } else { 64 };

/// What a narrow frontier remembers.
pub(in crate::linear) struct Narrow<const W: usize> {
    /// Whether configurations were dropped that nothing dominates.
    pub(in crate::linear) has_dropped: bool,
    moments: VecDeque<Kept<W>>,
    /// How many times more configurations are kept than were asked for, and until which event.
    factor: usize,
    until: u32,
    /// How many moments to go back at the next death.
    back: usize,
    /// What the rest of the history asks for, where that is known.
    ahead: Option<Arc<Ahead>>,
}

/// A moment with more configurations than went on from it.
struct Kept<const W: usize> {
    /// The event that is next.
    event: u32,
    open: Open<W>,
    configs: Vec<Config<W>>,
    crashed: Vec<CrashedClass>,
    begun: Vec<ClassId>,
}

impl<const W: usize> Narrow<W> {
    pub(super) fn new() -> Narrow<W> {
        let moments = VecDeque::new();
        Narrow { has_dropped: false, moments, factor: 1, until: 0, back: 1, ahead: None }
    }

    /// The configurations that are put aside.
    pub(super) fn configs_mut(&mut self) -> impl Iterator<Item = &mut Config<W>> {
        self.moments.iter_mut().flat_map(|moment| &mut moment.configs)
    }

    pub(super) fn bytes(&self) -> u64 {
        let configs: usize = self.moments.iter().map(|moment| moment.configs.capacity()).sum();
        let ahead = self.ahead.as_ref().map_or(0, |ahead| ahead.bytes());
        (configs * size_of::<Config<W>>()) as u64 + ahead
    }
}

impl<const W: usize> Frontier<'_, '_, W> {
    /// Before the first event: few configurations are to do, told apart by what is ahead.
    pub(in crate::linear) fn keep_few(&mut self, ahead: Option<Arc<Ahead>>) {
        self.ledger.refuse_overdrafts();
        self.narrow.has_dropped = !self.crashed.is_empty();
        self.narrow.ahead = ahead;
    }

    /// How many configurations to keep.
    fn width(&self) -> usize {
        self.meter.limits().configs_max.saturating_mul(self.narrow.factor)
    }

    /// Whether so many configurations tried within one return are enough; if so, some are dropped.
    pub(super) fn has_tried_enough(&mut self, tried: usize) -> bool {
        let has_settled = || !self.settled.is_empty() || self.shards.iter().any(Shard::has_settled);
        let is_enough = tried >= self.width().saturating_mul(TRIED_EACH) && has_settled();
        if is_enough {
            self.narrow.has_dropped = true;
        }
        is_enough
    }

    /// Drops the least promising configurations, if there are too many.
    pub(super) fn drop_some(&mut self) -> Result<(), Reason> {
        if self.event >= self.narrow.until {
            (self.narrow.factor, self.narrow.back) = (1, 1);
        }
        if self.configs.len() <= self.width() {
            return Ok(());
        }
        self.narrow.has_dropped = true;
        let debts = self.debts();
        let ahead = self.narrow.ahead.clone();
        let mut outlook = ahead.map(|ahead| ahead.outlook(self.event, &self.open));
        let states = outlook.as_ref().map_or(1, Outlook::states);
        self.meter.work(outlook.as_ref().map_or(0, Outlook::size))?;
        let mut ranks = Vec::with_capacity(self.configs.len());
        for (at, config) in self.configs.iter().enumerate() {
            self.meter.work(states)?;
            ranks.push((self.rank(config, &debts, outlook.as_mut()), at));
        }
        ranks.sort_unstable();
        let mut configs: Vec<Config<W>> =
            ranks.into_iter().map(|(_, at)| self.configs[at]).collect();
        self.put_aside(&configs);
        configs.truncate(self.width());
        self.configs = configs;
        Ok(())
    }

    /// Remembers the best of these configurations, if it is time to.
    fn put_aside(&mut self, configs: &[Config<W>]) {
        let event = self.event + 1;
        if self.narrow.moments.back().is_some_and(|last| event < last.event + STRIDE) {
            return;
        }
        if self.narrow.moments.len() == MOMENTS_MAX {
            self.narrow.moments.pop_front();
        }
        let most = self.meter.limits().configs_max.saturating_mul(WIDEN * WIDEN);
        self.narrow.moments.push_back(Kept {
            event,
            open: self.open.clone(),
            configs: configs[..configs.len().min(most)].to_vec(),
            crashed: self.crashed.clone(),
            begun: self.steps.begun(),
        });
    }

    /// After a death: the event from which to try again, with more configurations, if there is one.
    pub(in crate::linear) fn go_back(&mut self) -> Option<u32> {
        let factor = self.narrow.factor * WIDEN;
        if factor > WIDEST {
            return None;
        }
        let back = self.narrow.back.min(self.narrow.moments.len());
        let left = self.narrow.moments.len() - back;
        let Kept { event, open, configs, crashed, begun } =
            self.narrow.moments.drain(left..).next()?;
        self.narrow.factor = factor;
        self.narrow.back *= 2;
        self.narrow.until = self.narrow.until.max(self.event + STRIDE);
        self.steps = Steps::default();
        for class in begun {
            self.steps.begin(class, crashed[class.0 as usize].transition);
        }
        self.watching.clear();
        (self.event, self.open, self.configs, self.crashed) = (event, open, configs, crashed);
        Some(event)
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

    fn rank(
        &self,
        config: &Config<W>,
        debts: &[(usize, u32)],
        outlook: Option<&mut Outlook<W>>,
    ) -> Rank {
        let lacking = outlook.map_or(0, |outlook| outlook.lacking(config, &self.ledger));
        let owed = debts.iter().filter(|(slot, _)| !config.used.has(*slot));
        let owed = owed.map(|(_, weight)| weight).sum();
        let spent: Words<W> = config.used.intersection(&self.open.masks.writes);
        (lacking, owed, spent.len(), self.ledger.cost(config.crashed))
    }
}
