//! The frontier: every way in which the operations so far can have taken effect, advanced one
//! event at a time.
//!
//! On an invocation nothing is tried, except that an observer which is legal now is taken at once.
//! When an operation returns, each configuration that has not yet used it is expanded by every
//! sequence of open operations that ends with it ([`Frontier::settle`]); the configurations that
//! none of the others dominates are the next frontier. If there is none, no linearization exists.

mod narrow;
mod online;
mod shards;
mod successor;

pub use online::Care;
pub(crate) use online::{Halt, Scratch, Seen, Watch};

use super::antichain::{Antichain, Last};
use super::config::Config;
use super::crashed::{ClassId, Ledger};
use super::meter::Meter;
use super::open::{Masks, Open, OpenOp};
use super::path::Paths;
use super::rules::{Rules, WrongRule};
use super::steps::Steps;
use super::table::{StateId, Table, TransitionId};
use super::words::Words;
use crate::model::Class;
use crate::verdict::Reason;
use narrow::Narrow;
use shards::Shard;
use successor::{Arrival, Moment, Successor};

/// Configurations of more words than this take so much memory that it is counted more often.
const WIDE: usize = 8;

/// What the search is told, in the order of the history.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// An operation begins that will be acknowledged at the event `deadline`.
    Invoke { op: u32, transition: TransitionId, deadline: u32 },
    /// An operation begins of which nothing more is known.
    Crash { class: ClassId },
    /// An operation is acknowledged.
    Return { op: u32 },
}

/// Why a search cannot go on.
#[derive(Debug)]
pub(crate) enum Stop {
    /// No configuration lets the operation return.
    Dead { op: u32 },
    /// The budget is spent.
    Spent(Reason),
}

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Stop {
        Stop::Spent(reason)
    }
}

/// A class of crashed operations, as far as it was invoked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CrashedClass {
    pub(crate) transition: TransitionId,
    /// How many there are in the whole history.
    pub(crate) total: u32,
    /// How many have begun.
    pub(crate) invoked: u32,
}

/// See the module.
pub(crate) struct Frontier<'v, 'b, const W: usize> {
    pub(crate) table: Table<'v>,
    pub(crate) ledger: Ledger,
    pub(crate) paths: Paths,
    pub(crate) open: Open<W>,
    pub(crate) configs: Vec<Config<W>>,
    pub(crate) meter: Meter<'b>,
    crashed: Vec<CrashedClass>,
    rules: Rules,
    event: u32,
    /// Open observers that are legal in a state; forgotten when the open observers change.
    watching: Vec<Option<Words<W>>>,
    steps: Steps,
    /// Met within one return, before the returning operation has been used.
    waiting: Antichain<W>,
    /// And after it.
    settled: Antichain<W>,
    /// The same two, in pieces, where there is so much of them that all processors help.
    shards: Vec<Shard<W>>,
    /// What was dropped and put aside, where few configurations are to do.
    pub(crate) narrow: Narrow<W>,
}

impl<'v, 'b, const W: usize> Frontier<'v, 'b, W> {
    pub(crate) fn new(
        table: Table<'v>,
        crashed: Vec<CrashedClass>,
        tracked: Vec<ClassId>,
        meter: Meter<'b>,
        rules: Rules,
    ) -> Frontier<'v, 'b, W> {
        let start = Config {
            state: Table::INITIAL,
            crashed: Ledger::NOTHING,
            used: Words::EMPTY,
            required: Words::EMPTY,
            path: Paths::START,
        };
        Frontier {
            table,
            ledger: Ledger::tracking(tracked),
            paths: Paths::new(),
            open: Open::new(),
            configs: vec![start],
            meter,
            crashed,
            rules,
            event: 0,
            watching: Vec::new(),
            steps: Steps::default(),
            waiting: Antichain::new(),
            settled: Antichain::new(),
            shards: Vec::new(),
            narrow: Narrow::new(),
        }
    }

    /// Takes the next event of the history. After [`Stop::Dead`] the configurations are those
    /// from just before it.
    pub(crate) fn push(&mut self, event: Event) -> Result<(), Stop> {
        match event {
            Event::Invoke { op, transition, deadline } => self.invoke(op, transition, deadline),
            Event::Crash { class } => self.begin_crashed(class),
            Event::Return { op } => self.settle(op)?,
        }
        self.event += 1;
        self.meter.work(self.configs.len())?;
        Ok(())
    }

    fn begin_crashed(&mut self, id: ClassId) {
        let class = &mut self.crashed[id.0 as usize];
        if class.invoked == 0 {
            self.steps.begin(id, class.transition);
        }
        class.invoked += 1;
    }

    fn invoke(&mut self, op: u32, transition: TransitionId, deadline: u32) {
        let class = self.table.class(transition);
        let slot = self.open.insert(OpenOp { op, transition, class, deadline });
        match class {
            Class::Conditional => {}
            Class::BlindWrite => {
                self.configs.iter_mut().for_each(|config| config.required.insert(slot));
            }
            Class::Observer => {
                self.watching.clear();
                for config in &mut self.configs {
                    if self.table.step(config.state, transition).is_some() {
                        config.used.insert(slot);
                    }
                }
            }
        }
        if self.rules.breaks(WrongRule::EagerNoOp) {
            self.take_no_ops();
        }
    }

    /// Only a wrong rule does this.
    fn take_no_ops(&mut self) {
        let mut configs = std::mem::take(&mut self.configs);
        for config in &mut configs {
            config.used = config.used.union(&self.observers_of(config.state));
        }
        self.configs = configs;
    }

    /// The operation returns: keep what has used it, and make the rest use it.
    fn settle(&mut self, op: u32) -> Result<(), Stop> {
        let slot = self.open.slot_of(op);
        if self.configs.iter().all(|config| config.used.has(slot)) {
            // As comparable as before, then, and none superfluous.
            self.configs.iter_mut().for_each(|config| config.used.remove(slot));
        } else {
            self.make_all_use(slot, op)?;
        }
        if self.open.get(slot).class == Class::Observer {
            self.watching.clear();
        }
        self.open.remove(slot);
        self.drop_some()?;
        let aside = self.narrow.configs_mut();
        self.paths.sweep(self.configs.iter_mut().chain(aside).map(|config| &mut config.path));
        self.meter.largest_frontier = self.meter.largest_frontier.max(self.configs.len() as u64);
        self.account()
    }

    /// Replaces the configurations by what they can become once the operation in `slot` is used.
    fn make_all_use(&mut self, slot: usize, op: u32) -> Result<(), Stop> {
        let masks = self.compared();
        self.waiting.clear();
        self.settled.clear();
        self.steps.renew(&self.open.movers);
        if let Some(done) = self.make_all_use_shared(slot, op, &masks) {
            return done;
        }
        for config in &self.configs {
            if config.used.has(slot) {
                let settled = config.without(slot);
                self.settled.insert(settled, Last::Other, &masks, &self.ledger);
            } else {
                self.waiting.insert(*config, Last::Other, &masks, &self.ledger);
            }
        }
        let mut at = 0;
        while at < self.waiting.len() {
            if self.is_worth_sharing(self.waiting.len() - at) {
                return self.make_rest_use_shared(at, slot, op, &masks);
            }
            if let Some(entry) = self.waiting.get(at) {
                let (config, last) = (entry.config, entry.last);
                self.expand(&config, last, slot, &masks)?;
            }
            at += 1;
            if self.has_tried_enough(at) {
                break;
            }
            if at.is_multiple_of(const { if W <= WIDE { 1024 } else { 16 } }) {
                self.account()?;
            }
        }
        if self.settled.is_empty() {
            return Err(Stop::Dead { op });
        }
        self.settled.finish(&mut self.configs, &masks, &self.ledger, &mut self.meter)?;
        Ok(())
    }

    /// By what configurations are compared.
    fn compared(&self) -> Masks<W> {
        let mut masks = self.open.masks;
        if self.rules.breaks(WrongRule::IgnoreUsedWrites) {
            masks.writes = Words::EMPTY;
        }
        masks
    }

    /// Tries everything that can come next in a configuration.
    fn expand(
        &mut self,
        config: &Config<W>,
        last: Last,
        slot: usize,
        masks: &Masks<W>,
    ) -> Result<(), Stop> {
        let moment = self.moment(slot);
        if moment.absorbs(config) {
            let absorbed = moment.absorbed(config);
            self.take_in(absorbed, masks);
            if self.rules.breaks(WrongRule::NoForkAtReturn) {
                return Ok(());
            }
        }
        let steps = self.steps.from(config.state, &self.open.movers, &mut self.table);
        self.meter.work(steps.len())?;
        for at in steps {
            let step = self.steps.get(at);
            let moment = self.moment(slot);
            if moment.is_pointless(config, last, step) {
                continue;
            }
            let Some(Successor { mut config, choice, owes }) = moment.successor(config, step)
            else {
                continue;
            };
            if let Some((class, invoked)) = owes {
                let Some(charged) = self.ledger.use_one(config.crashed, class, invoked) else {
                    continue;
                };
                config.crashed = charged;
            }
            self.meter.expansions += 1;
            let legal = self.observers_of(step.after);
            let arrival = self.moment(slot).arrival(config, choice, step.class, &legal);
            self.take_in(arrival, masks);
        }
        Ok(())
    }

    fn moment(&self, slot: usize) -> Moment<'_, W> {
        Moment { open: &self.open, crashed: &self.crashed, rules: self.rules, slot }
    }

    /// Keeps a configuration if it is of use.
    fn take_in(&mut self, arrival: Arrival<W>, masks: &Masks<W>) {
        let Arrival { config, last, choice, is_settled } = arrival;
        let side = if is_settled { &mut self.settled } else { &mut self.waiting };
        if let (Some(kept), Some(choice)) = (side.insert(config, last, masks, &self.ledger), choice)
        {
            kept.path = self.paths.extend(config.path, choice, self.event);
        }
    }

    fn observers_of(&mut self, state: StateId) -> Words<W> {
        let at = state.0 as usize;
        if let Some(Some(known)) = self.watching.get(at) {
            return *known;
        }
        let mut legal = Words::EMPTY;
        for group in &self.open.observers {
            if self.table.step(state, group.transition).is_some() {
                legal = legal.union(&group.members);
            }
        }
        if self.rules.breaks(WrongRule::EagerNoOp) {
            for group in &self.open.movers {
                if self.table.step(state, group.transition) == Some(state) {
                    legal = legal.union(&group.members);
                }
            }
            return legal;
        }
        if self.watching.len() <= at {
            self.watching.resize(self.table.states().max(at + 1), None);
        }
        self.watching[at] = Some(legal);
        legal
    }

    /// Books what the search occupies.
    fn account(&mut self) -> Result<(), Stop> {
        let configs = (self.configs.capacity() * size_of::<Config<W>>()) as u64;
        let shards: u64 = self.shards.iter().map(Shard::bytes).sum();
        let sides = self.waiting.bytes() + self.settled.bytes() + shards;
        let own = configs + sides + self.steps.bytes() + self.narrow.bytes();
        let bytes = own + self.paths.bytes() + self.ledger.bytes() + self.table.bytes();
        Ok(self.meter.occupy(bytes)?)
    }
}
