//! The part of a resting frontier that does not depend on the model: numbers only, of one width.
//!
//! A width is how many words tell apart what is open at once. The usual object needs one; an object
//! on which more is open grows wider and stays so.

use std::any::Any;

use rustc_hash::FxHashMap;

use super::{Care, Halt};
use crate::budget::Budget;
use crate::linear::antichain::Antichain;
use crate::linear::config::Config;
use crate::linear::crashed::{ClassId, Ledger};
use crate::linear::frontier::narrow::Narrow;
use crate::linear::frontier::{CrashedClass, Event, Frontier, Stop};
use crate::linear::meter::{Limits, Meter};
use crate::linear::open::Open;
use crate::linear::path::Paths;
use crate::linear::rules::Rules;
use crate::linear::steps::Steps;
use crate::linear::table::{Memo, StateId, Table, TransitionId};
use crate::linear::words::Words;
use crate::verdict::Reason;

/// What a frontier needs only while it is at work, lent to one after the other.
#[derive(Default)]
pub(crate) struct Scratch {
    /// [`Antichains`] of each width that was needed so far.
    antichains: Vec<Box<dyn Any + Send>>,
    pub(super) events: Vec<Event>,
}

type Antichains<const W: usize> = [Antichain<W>; 2];

/// What to work on, and by what means.
pub(super) struct Work<'w, 'v> {
    pub(super) table: Table<'v>,
    pub(super) care: &'w Care,
    pub(super) budget: &'w Budget,
    pub(super) scratch: &'w mut Scratch,
    pub(super) events: &'w [Event],
}

/// What came of it.
pub(super) struct Done {
    pub(super) result: Result<(), Halt>,
    pub(super) expansions: u64,
    pub(super) largest_frontier: u64,
}

/// A frontier at rest, of whichever width.
pub(super) trait Core {
    /// The class of crashed operations with this transition, and how its uses count if it is new.
    fn class_of(&mut self, transition: TransitionId, counting: Counting) -> ClassId;

    /// The transitions of open operations and of crashed classes.
    fn transitions(&self) -> Vec<TransitionId>;

    /// The states in which the object may be.
    fn states(&self) -> Vec<StateId>;

    /// How many operations are open at once, at most, until these events are over.
    fn open_after(&self, events: &[Event]) -> usize;

    /// How many can be.
    fn capacity(&self) -> usize;

    /// The same for so many at once.
    fn widened(self: Box<Self>, capacity: usize) -> Box<dyn Core + Send>;

    /// How many combinations of crashed operations are known.
    fn combinations(&self) -> usize;

    /// What the transition table knows.
    fn take_memo(&mut self) -> Memo;

    /// Takes in events.
    fn work(&mut self, work: Work<'_, '_>) -> Done;

    fn is_overdrawn(&self) -> bool;

    /// Forgets the combinations of crashed operations that no configuration has any more, and the
    /// classes of which all are used up.
    fn forget_uses(&mut self);

    /// Calls states and transitions otherwise.
    fn rename(
        &mut self,
        states: &FxHashMap<StateId, StateId>,
        transitions: &FxHashMap<TransitionId, TransitionId>,
    );
}

/// The widths that there are, by how many operations can be open at once; `None` for the first.
pub(super) fn widths(open: usize) -> Result<Option<usize>, Reason> {
    match open {
        0..=64 => Ok(None),
        65..=512 => Ok(Some(512)),
        513..=4096 => Ok(Some(4096)),
        more => {
            let what = "operations are open at once; no more than 4096 are supported";
            Err(Reason::Missing(format!("{more} {what}")))
        }
    }
}

/// A frontier before the first event.
pub(super) fn begun() -> Box<dyn Core + Send> {
    let (state, crashed, path) = (Table::INITIAL, Ledger::NOTHING, Paths::START);
    let (used, required) = (Words::EMPTY, Words::EMPTY);
    Box::new(Numbers::<1> {
        memo: Memo::default(),
        ledger: Ledger::tracking(Vec::new()),
        open: Open::new(),
        configs: vec![Config { state, crashed, used, required, path }],
        crashed: Vec::new(),
        countings: Vec::new(),
        class_ids: FxHashMap::default(),
        event: 0,
        watching: Vec::new(),
        steps: Steps::default(),
    })
}

/// See [`Core`].
struct Numbers<const W: usize> {
    memo: Memo,
    ledger: Ledger,
    open: Open<W>,
    configs: Vec<Config<W>>,
    crashed: Vec<CrashedClass>,
    /// How each of these classes is counted.
    countings: Vec<Counting>,
    class_ids: FxHashMap<TransitionId, ClassId>,
    event: u32,
    watching: Vec<Option<Words<W>>>,
    steps: Steps,
}

/// How often a class was used …
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counting {
    /// … tells configurations apart, and always will: ever more uses lead to ever new states.
    Endless,
    /// … tells them apart as long as that is cheap.
    Exact,
    /// … is only noted.
    Abstract,
}

impl<const W: usize> Numbers<W> {
    fn awake<'v, 'b>(
        &mut self,
        table: Table<'v>,
        meter: Meter<'b>,
        [waiting, settled]: Antichains<W>,
    ) -> Frontier<'v, 'b, W> {
        Frontier {
            table,
            ledger: std::mem::replace(&mut self.ledger, Ledger::tracking(Vec::new())),
            paths: Paths::forgotten(),
            open: std::mem::replace(&mut self.open, Open::new()),
            configs: std::mem::take(&mut self.configs),
            meter,
            crashed: std::mem::take(&mut self.crashed),
            rules: Rules::default(),
            event: self.event,
            watching: std::mem::take(&mut self.watching),
            steps: std::mem::take(&mut self.steps),
            waiting,
            settled,
            shards: Vec::new(),
            narrow: Narrow::new(),
        }
    }

    fn rest(&mut self, frontier: Frontier<'_, '_, W>, scratch: &mut Scratch) {
        let Frontier { table, ledger, open, configs, crashed, event, watching, steps, .. } =
            frontier;
        scratch.antichains.push(Box::new([frontier.waiting, frontier.settled]));
        (self.memo, self.ledger, self.open) = (table.without_vocabulary(), ledger, open);
        (self.configs, self.crashed, self.event) = (configs, crashed, event);
        (self.watching, self.steps) = (watching, steps);
    }

    /// Lets the frontier have the events; when exact counting gets too dear, it ends.
    fn feed(
        &mut self,
        frontier: &mut Frontier<'_, '_, W>,
        events: &[Event],
        care: &Care,
    ) -> Result<(), Stop> {
        let mut may_abstract = self.countings.contains(&Counting::Exact);
        frontier.meter.allow(if may_abstract { care.exact_expansions } else { care.expansions });
        let mut at = 0;
        while let Some(event) = events.get(at) {
            let before = frontier.event;
            let pushed = frontier.push(*event);
            at += usize::from(frontier.event > before);
            let dear = match pushed {
                Err(Stop::Spent(Reason::Cancelled)) if may_abstract => true,
                Err(Stop::Spent(Reason::Cancelled)) => return Err(too_dear(care)),
                Err(stop) => return Err(stop),
                Ok(()) => may_abstract && frontier.configs.len() > care.exact_configurations,
            };
            if dear {
                self.count_no_longer(frontier);
                may_abstract = false;
                frontier.meter.allow(care.expansions);
            }
        }
        Ok(())
    }

    /// From here on classes that need not be counted exactly are not.
    fn count_no_longer(&mut self, frontier: &mut Frontier<'_, '_, W>) {
        for counting in &mut self.countings {
            if *counting == Counting::Exact {
                *counting = Counting::Abstract;
            }
        }
        let mut ledger = Ledger::tracking(tracked(&self.countings));
        for config in &mut frontier.configs {
            let same = |class| Some((class, 0));
            config.crashed = ledger.adopt(&frontier.ledger, config.crashed, same);
        }
        frontier.ledger = ledger;
    }

    fn begin_steps(&mut self) {
        self.steps = Steps::default();
        for (class, known) in self.crashed.iter().enumerate().filter(|(_, one)| one.invoked > 0) {
            self.steps.begin(ClassId::numbered(class), known.transition);
        }
    }

    /// How many uses of a class every configuration has made that has made one.
    fn spent(&self, class: ClassId) -> u32 {
        let uses = |config: &Config<W>| {
            let counts = self.ledger.counts(config.crashed);
            let known = counts.binary_search_by_key(&class, |(class, _)| *class);
            known.map_or(0, |at| counts[at].1)
        };
        self.configs.iter().map(uses).min().unwrap_or(0)
    }
}

fn tracked(countings: &[Counting]) -> Vec<ClassId> {
    let is_tracked = |(_, counting): &(usize, &Counting)| **counting != Counting::Abstract;
    let tracked = countings.iter().enumerate().filter(is_tracked);
    tracked.map(|(class, _)| ClassId::numbered(class)).collect()
}

fn too_dear(care: &Care) -> Stop {
    let steps = care.expansions;
    let text = format!("more than {steps} steps of the search at one moment of one object");
    Stop::Spent(Reason::Missing(text))
}

impl<const W: usize> Core for Numbers<W> {
    fn class_of(&mut self, transition: TransitionId, counting: Counting) -> ClassId {
        let fresh = ClassId::numbered(self.crashed.len());
        let class = *self.class_ids.entry(transition).or_insert(fresh);
        if class == fresh {
            self.crashed.push(CrashedClass { transition, total: u32::MAX, invoked: 0 });
            self.countings.push(counting);
            self.ledger.track(class);
        }
        class
    }

    fn transitions(&self) -> Vec<TransitionId> {
        let open = self.open.iter().map(|(_, op)| op.transition);
        open.chain(self.crashed.iter().map(|class| class.transition)).collect()
    }

    fn states(&self) -> Vec<StateId> {
        let mut states: Vec<StateId> = self.configs.iter().map(|config| config.state).collect();
        states.sort_unstable();
        states.dedup();
        states
    }

    fn open_after(&self, events: &[Event]) -> usize {
        let mut open = self.open.len();
        let mut most = open;
        for event in events {
            match event {
                Event::Invoke { .. } => open += 1,
                Event::Return { .. } => open -= 1,
                Event::Crash { .. } => {}
            }
            most = most.max(open);
        }
        most
    }

    fn capacity(&self) -> usize {
        Words::<W>::CAPACITY
    }

    fn widened(self: Box<Self>, capacity: usize) -> Box<dyn Core + Send> {
        match capacity {
            512 => Box::new(widened::<W, 8>(*self)),
            _ => Box::new(widened::<W, 64>(*self)),
        }
    }

    fn combinations(&self) -> usize {
        self.ledger.len()
    }

    fn take_memo(&mut self) -> Memo {
        std::mem::take(&mut self.memo)
    }

    fn work(&mut self, work: Work<'_, '_>) -> Done {
        let Work { table, care, budget, scratch, events } = work;
        let spare = scratch.antichains.iter().position(|spare| spare.is::<Antichains<W>>());
        let spare = spare.and_then(|at| scratch.antichains.swap_remove(at).downcast().ok());
        let antichains = spare.map_or_else(|| [Antichain::new(), Antichain::new()], |spare| *spare);
        let mut frontier = self.awake(table, Meter::new(Limits::of(budget)), antichains);
        let result = self.feed(&mut frontier, events, care);
        let (expansions, largest_frontier) =
            (frontier.meter.expansions, frontier.meter.largest_frontier);
        self.rest(frontier, scratch);
        let result = result.map_err(|stop| match stop {
            Stop::Dead { op } => Halt::Impossible { op },
            Stop::Spent(reason) => Halt::Spent(reason),
        });
        Done { result, expansions, largest_frontier }
    }

    fn is_overdrawn(&self) -> bool {
        self.configs.iter().all(|config| self.ledger.cost(config.crashed).overdrawn)
    }

    fn forget_uses(&mut self) {
        let (crashed, countings) =
            (std::mem::take(&mut self.crashed), std::mem::take(&mut self.countings));
        let mut renamed: Vec<Option<(ClassId, u32)>> = Vec::with_capacity(crashed.len());
        for (class, (mut known, counting)) in crashed.into_iter().zip(countings).enumerate() {
            let spent = match counting {
                Counting::Abstract => 0,
                Counting::Exact | Counting::Endless => self.spent(ClassId::numbered(class)),
            };
            known.invoked -= spent;
            if known.invoked == 0 {
                renamed.push(None);
                continue;
            }
            renamed.push(Some((ClassId::numbered(self.crashed.len()), spent)));
            self.crashed.push(known);
            self.countings.push(counting);
        }
        let mut ledger = Ledger::tracking(tracked(&self.countings));
        for config in &mut self.configs {
            let renamed = |class: ClassId| renamed[class.0 as usize];
            config.crashed = ledger.adopt(&self.ledger, config.crashed, renamed);
        }
        self.ledger = ledger;
    }

    fn rename(
        &mut self,
        states: &FxHashMap<StateId, StateId>,
        transitions: &FxHashMap<TransitionId, TransitionId>,
    ) {
        self.configs.iter_mut().for_each(|config| config.state = states[&config.state]);
        self.open.rename(|transition| transitions[&transition]);
        self.class_ids.clear();
        for (class, known) in self.crashed.iter_mut().enumerate() {
            known.transition = transitions[&known.transition];
            self.class_ids.insert(known.transition, ClassId::numbered(class));
        }
        self.memo = Memo::default();
        self.watching = Vec::new();
        self.configs.shrink_to_fit();
        self.begin_steps();
    }
}

fn widened<const W: usize, const V: usize>(old: Numbers<W>) -> Numbers<V> {
    let config = |one: Config<W>| Config {
        state: one.state,
        crashed: one.crashed,
        used: one.used.widened(),
        required: one.required.widened(),
        path: one.path,
    };
    Numbers {
        memo: old.memo,
        ledger: old.ledger,
        open: old.open.widened(),
        configs: old.configs.into_iter().map(config).collect(),
        crashed: old.crashed,
        countings: old.countings,
        class_ids: old.class_ids,
        event: old.event,
        watching: Vec::new(),
        steps: old.steps,
    }
}
