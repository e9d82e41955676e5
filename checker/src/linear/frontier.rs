//! The frontier: every way in which the operations so far can have taken effect, advanced one
//! event at a time.
//!
//! On an invocation nothing is tried, except that an observer which is legal now is taken at once.
//! When an operation returns, each configuration that has not yet used it is expanded by every
//! sequence of open operations that ends with it ([`Frontier::settle`]); the configurations that
//! none of the others dominates are the next frontier. If there is none, no linearization exists.

use std::collections::VecDeque;

use super::config::{Config, Key, undominated};
use super::crashed::{ClassId, Cost, Ledger};
use super::meter::Meter;
use super::open::{Group, Open, OpenOp};
use super::path::{Choice, PathId, Paths};
use super::rules::{Rules, WrongRule};
use super::seen::Seen;
use super::table::{StateId, Table, TransitionId};
use super::words::Words;
use crate::model::{Class, Model};
use crate::verdict::Reason;

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

/// One thing that a configuration can try.
#[derive(Clone, Copy)]
enum Move {
    /// The next member of a group of open operations.
    Live { group: usize },
    /// A crashed operation, unless the open group that is its twin has an unused member.
    Crashed { class: ClassId, twin: Option<usize> },
}

/// A configuration to expand.
#[derive(Clone, Copy)]
struct Queued<const W: usize> {
    config: Config<W>,
    last: Last,
}

/// How a configuration came to be queued.
///
/// Two blind writes in a row, with nothing between them that saw the first, are never tried: the
/// first would rather be absorbed by the second, and stay available. (Whatever else leads to an
/// equal configuration at no lower cost need not try the second write either, for the same
/// reason; so this is no part of what tells configurations apart.)
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// By a blind write that nobody has seen yet.
    UnseenWrite,
    /// By anything else.
    Other,
}

/// See the module.
pub(crate) struct Frontier<'m, 'b, M: Model, const W: usize> {
    pub(crate) table: Table<'m, M>,
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
    queue: VecDeque<Queued<W>>,
    visited: Seen<Key<W>, Cost>,
    settled: Vec<Config<W>>,
    settled_at: Seen<Key<W>, usize>,
}

impl<'m, 'b, M: Model, const W: usize> Frontier<'m, 'b, M, W> {
    pub(crate) fn new(
        table: Table<'m, M>,
        crashed: Vec<CrashedClass>,
        tracked: Vec<ClassId>,
        meter: Meter<'b>,
        rules: Rules,
    ) -> Frontier<'m, 'b, M, W> {
        let start = Config {
            state: Table::<M>::INITIAL,
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
            queue: VecDeque::new(),
            visited: Seen::new(),
            settled: Vec::new(),
            settled_at: Seen::new(),
        }
    }

    /// Takes the next event of the history. After [`Stop::Dead`] the configurations are those
    /// from just before it.
    pub(crate) fn push(&mut self, event: Event) -> Result<(), Stop> {
        match event {
            Event::Invoke { op, transition, deadline } => self.invoke(op, transition, deadline),
            Event::Crash { class } => self.crashed[class.0 as usize].invoked += 1,
            Event::Return { op } => self.settle(op)?,
        }
        self.event += 1;
        self.meter.work(self.configs.len())?;
        Ok(())
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
        self.queue.clear();
        self.visited.clear();
        self.settled.clear();
        self.settled_at.clear();
        for at in 0..self.configs.len() {
            self.admit(self.configs[at], slot, None, Last::Other);
        }
        if !self.queue.is_empty() {
            self.expand_all(slot)?;
        }
        if self.settled.is_empty() {
            return Err(Stop::Dead { op });
        }
        if self.open.get(slot).class == Class::Observer {
            self.watching.clear();
        }
        self.open.remove(slot);
        self.configs =
            undominated(&self.settled, &self.open, &self.ledger, self.rules, &mut self.meter)?;
        self.paths.sweep(self.configs.iter_mut().map(|config| &mut config.path));
        self.meter.largest_frontier = self.meter.largest_frontier.max(self.configs.len() as u64);
        self.account()
    }

    fn expand_all(&mut self, slot: usize) -> Result<(), Stop> {
        let moves = self.moves();
        while let Some(Queued { config, last }) = self.queue.pop_front() {
            // Reached again at a lower cost since it was queued: that copy is queued as well.
            if self.visited.get(&config.key(&self.ledger)) < Some(self.ledger.cost(config.crashed))
            {
                continue;
            }
            let absorbable =
                self.open.get(slot).class == Class::BlindWrite && !config.required.has(slot);
            if absorbable {
                self.emit(config, slot);
                if self.rules.breaks(WrongRule::NoForkAtReturn) {
                    continue;
                }
            }
            for one in &moves {
                if absorbable && self.rules.breaks(WrongRule::AbsorbedOnlyAtOnce) {
                    let own = self.open.get(slot).transition;
                    if !matches!(one, Move::Live { group } if self.open.movers[*group].transition == own)
                    {
                        continue;
                    }
                }
                let writes = self.table.class(self.transition_of(*one)) == Class::BlindWrite;
                if writes && last == Last::UnseenWrite {
                    continue;
                }
                self.try_move(&config, *one, slot)?;
            }
            self.meter.work(moves.len())?;
            if self.meter.expansions.is_multiple_of(1024) {
                self.account()?;
            }
        }
        Ok(())
    }

    fn moves(&self) -> Vec<Move> {
        let live = (0..self.open.movers.len()).map(|group| Move::Live { group });
        let begun = self.crashed.iter().enumerate().filter(|(_, class)| class.invoked > 0);
        let crashed = begun.map(|(at, class)| Move::Crashed {
            class: ClassId(u32::try_from(at).expect("interned as 32 bits")),
            twin: self.open.movers.iter().position(|live| live.transition == class.transition),
        });
        live.chain(crashed).collect()
    }

    fn transition_of(&self, one: Move) -> TransitionId {
        match one {
            Move::Live { group } => self.open.movers[group].transition,
            Move::Crashed { class, .. } => self.crashed[class.0 as usize].transition,
        }
    }

    fn try_move(&mut self, from: &Config<W>, one: Move, slot: usize) -> Result<(), Stop> {
        match one {
            Move::Live { group } => {
                let group = &self.open.movers[group];
                if let Some(next) = self.next_of(group, &from.used) {
                    let (transition, class) = (group.transition, group.class);
                    let op = self.open.get(next).op;
                    let mut config = *from;
                    config.used.insert(next);
                    config.required.remove(next);
                    self.use_now(config, transition, class, Choice::Live(op), slot);
                }
            }
            Move::Crashed { class: id, twin } => {
                let twin = twin.map(|group| &self.open.movers[group]);
                if twin.is_some_and(|live| live.earliest_unused(&from.used).is_some()) {
                    return Ok(());
                }
                let CrashedClass { transition, total, invoked } = self.crashed[id.0 as usize];
                let class = self.table.class(transition);
                let Some(after) = self.table.step(from.state, transition) else { return Ok(()) };
                // Without anything to absorb this would be the same configuration, only dearer.
                let futile =
                    from.required.is_empty() || self.rules.breaks(WrongRule::SkipNoOpCrashed);
                if after == from.state && futile {
                    return Ok(());
                }
                let late = self.rules.breaks(WrongRule::OverdraftAtTheEnd);
                let available = if late { total } else { invoked };
                if let Some(crashed) = self.ledger.use_one(from.crashed, id, available) {
                    let config = Config { crashed, ..*from };
                    self.use_now(config, transition, class, Choice::Crashed(id), slot);
                }
            }
        }
        Ok(())
    }

    fn next_of(&self, group: &Group<W>, used: &Words<W>) -> Option<usize> {
        if self.rules.breaks(WrongRule::LatestDeadlineFirst) {
            return group.latest_unused(used);
        }
        group.earliest_unused(used)
    }

    /// Lets a transition take effect, if it is legal, and then every observer that has become so.
    fn use_now(
        &mut self,
        mut config: Config<W>,
        transition: TransitionId,
        class: Class,
        choice: Choice,
        slot: usize,
    ) {
        let Some(after) = self.table.step(config.state, transition) else { return };
        self.meter.expansions += 1;
        config.state = after;
        if class == Class::BlindWrite {
            config.required = Words::EMPTY;
        }
        let legal = self.observers_of(after);
        let last = match class {
            Class::BlindWrite if legal.is_subset(&config.used) => Last::UnseenWrite,
            _ => Last::Other,
        };
        config.used = config.used.union(&legal);
        self.admit(config, slot, Some(choice), last);
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

    /// Queues a configuration, or settles it if it has used the returning operation, unless an
    /// equal one that costs no more was met before.
    fn admit(&mut self, mut config: Config<W>, slot: usize, choice: Option<Choice>, last: Last) {
        if config.used.has(slot) {
            let extend = |paths: &mut Paths, path: PathId, event| match choice {
                Some(choice) => paths.extend(path, choice, event),
                None => path,
            };
            if self.is_new_settled(&config, slot) {
                config.path = extend(&mut self.paths, config.path, self.event);
                self.emit(config, slot);
            }
            return;
        }
        let cost = self.ledger.cost(config.crashed);
        let key = config.key(&self.ledger);
        if self.visited.get(&key).is_none_or(|known| cost < known) {
            self.visited.put(key, cost);
            if let Some(choice) = choice {
                config.path = self.paths.extend(config.path, choice, self.event);
            }
            self.queue.push_back(Queued { config, last });
        }
    }

    fn is_new_settled(&self, config: &Config<W>, slot: usize) -> bool {
        let key = without(config, slot).key(&self.ledger);
        self.settled_at.get(&key).is_none_or(|at| {
            self.ledger.cost(config.crashed) < self.ledger.cost(self.settled[at].crashed)
        })
    }

    fn emit(&mut self, config: Config<W>, slot: usize) {
        if !self.is_new_settled(&config, slot) {
            return;
        }
        let config = without(&config, slot);
        let key = config.key(&self.ledger);
        match self.settled_at.get(&key) {
            Some(at) => self.settled[at] = config,
            None => {
                self.settled_at.put(key, self.settled.len());
                self.settled.push(config);
            }
        }
    }

    /// Books what the search occupies.
    fn account(&mut self) -> Result<(), Stop> {
        let config = size_of::<Config<W>>() as u64;
        let configs = self.configs.capacity() + self.settled.capacity() + self.queue.capacity();
        let own = config * configs as u64 + self.visited.bytes() + self.settled_at.bytes();
        let bytes = own + self.paths.bytes() + self.ledger.bytes() + self.table.bytes();
        Ok(self.meter.occupy(bytes)?)
    }
}

/// The configuration once the operation in `slot` has returned.
fn without<const W: usize>(config: &Config<W>, slot: usize) -> Config<W> {
    let mut config = *config;
    config.used.remove(slot);
    config.required.remove(slot);
    config
}
