//! A frontier that watches a history while it grows.
//!
//! It is the same frontier, with three differences. Nobody will ask for the linearization, so
//! choices are not recorded. Crashed classes turn up one after the other and are never counted
//! exactly, since there is no second round: a death is still certain, for the abstraction only
//! admits too much, but a history whose every ending overdraws stays undecided. And whenever no
//! operation is open, all that matters of the past is a few states with what they used of crashed
//! operations, so everything else (transitions and states met, combinations of uses) is forgotten
//! then: memory is bounded by what is open and undecided.
//!
//! Between two events a monitor owns the model, so the frontier gives back its loan and rests.

use super::narrow::Narrow;
use super::{CrashedClass, Event, Frontier, Stop};
use crate::budget::Budget;
use crate::linear::antichain::Antichain;
use crate::linear::config::Config;
use crate::linear::crashed::{ClassId, Ledger};
use crate::linear::meter::{Limits, Meter};
use crate::linear::open::Open;
use crate::linear::path::Paths;
use crate::linear::rules::Rules;
use crate::linear::steps::Steps;
use crate::linear::table::{Memo, Table, Terms, TransitionId, Vocabulary};
use crate::linear::words::Words;
use crate::model::Model;
use crate::verdict::Reason;

/// What happens to one object, once the fate of the operation is known.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen<T> {
    /// An operation begins that will end at the moment `deadline`.
    Begins { op: u32, transition: T, deadline: u32 },
    /// An operation begins of which nothing more will be known.
    Crashes { transition: T },
    /// An operation ends.
    Ends { op: u32 },
}

/// Why watching cannot go on.
#[derive(Debug)]
pub(crate) enum Halt {
    /// This operation cannot have ended as it did: the history is not linearizable.
    Impossible { op: u32 },
    /// It would cost more than is allowed.
    Spent(Reason),
}

/// Two words for a configuration: more are open at once on one object in no ordinary test.
const WIDTH: usize = 2;
const OPEN_MAX: usize = Words::<WIDTH>::CAPACITY;

/// After so many events whatever was met since is worth forgetting; after so few in tests that
/// small histories are forgotten, too.
const RENEWAL_EVENTS: u32 = if cfg!(test) { 4 } else { 4096 };

/// The frontier of one object, between two events.
pub(crate) struct Watch<M: Model> {
    resting: Option<Resting<M>>,
    /// Events since the last renewal.
    young: u32,
    expansions: u64,
    largest_frontier: u64,
}

/// A frontier without its model and without its budget.
struct Resting<M: Model> {
    terms: Terms<M>,
    core: Core,
}

/// What does not depend on the kind of model.
struct Core {
    memo: Memo,
    ledger: Ledger,
    open: Open<WIDTH>,
    configs: Vec<Config<WIDTH>>,
    crashed: Vec<CrashedClass>,
    event: u32,
    watching: Vec<Option<Words<WIDTH>>>,
    steps: Steps,
}

/// What a frontier needs only while it is at work, lent to one after the other.
#[derive(Default)]
pub(crate) struct Scratch {
    antichains: Option<[Antichain<WIDTH>; 2]>,
    events: Vec<Event>,
}

type Awake<'v, 'b> = Frontier<'v, 'b, WIDTH>;

impl<M: Model> Watch<M> {
    pub(crate) fn new() -> Watch<M> {
        Watch { resting: None, young: 0, expansions: 0, largest_frontier: 0 }
    }

    /// Takes in what happened next, in order. Nothing may follow after an error.
    pub(crate) fn see(
        &mut self,
        model: &M,
        budget: &Budget,
        scratch: &mut Scratch,
        events: impl Iterator<Item = Seen<M::Transition>>,
    ) -> Result<(), Halt> {
        let Resting { terms, mut core } =
            self.resting.take().unwrap_or_else(|| Resting::begun(model));
        let mut vocabulary = Vocabulary::with_model(model, terms);
        scratch.events.clear();
        scratch.events.extend(events.map(|event| core.spelled(event, &mut vocabulary)));
        let memo = std::mem::take(&mut core.memo);
        let table = Table::with_vocabulary(&mut vocabulary, memo);
        let mut frontier = core.awake(table, Meter::new(Limits::of(budget)), scratch);
        let seen = scratch.events.iter().try_for_each(|event| frontier.see(*event));
        self.young =
            self.young.saturating_add(u32::try_from(scratch.events.len()).unwrap_or(u32::MAX));
        self.expansions += frontier.meter.expansions;
        self.largest_frontier = self.largest_frontier.max(frontier.meter.largest_frontier);
        let core = Core::rested(frontier, scratch);
        let quiescent = core.open.iter().next().is_none();
        let mut resting = Resting { terms: vocabulary.without_model(), core };
        if self.young >= RENEWAL_EVENTS && quiescent {
            self.young = 0;
            resting = resting.renewed(model);
        }
        self.resting = Some(resting);
        seen
    }

    /// Whether every way to the end so far used a crashed operation more often than it was begun.
    pub(crate) fn is_overdrawn(&self) -> bool {
        self.resting.as_ref().is_some_and(|Resting { core, .. }| {
            let overdrawn = |config: &Config<WIDTH>| core.ledger.cost(config.crashed).overdrawn;
            core.configs.iter().all(overdrawn)
        })
    }

    /// Legal successors generated, and the most configurations at once.
    pub(crate) fn effort(&self) -> (u64, u64) {
        (self.expansions, self.largest_frontier)
    }
}

impl<M: Model> Resting<M> {
    fn begun(model: &M) -> Resting<M> {
        Resting { terms: Vocabulary::new(model).without_model(), core: Core::begun() }
    }

    /// The same frontier without anything that no longer matters; nothing may be open.
    fn renewed(self, model: &M) -> Resting<M> {
        let old = Vocabulary::with_model(model, self.terms);
        let (mut new, mut core) = (Vocabulary::new(model), Core::begun());
        for class in &self.core.crashed {
            let transition = new.intern(old.transition(class.transition));
            let id = core.class_of(transition);
            core.steps.begin(id, transition);
            core.crashed[id.0 as usize].invoked = class.invoked;
        }
        let carried = |config: &Config<WIDTH>| Config {
            state: new.intern_state(old.state(config.state).clone()),
            crashed: core.ledger.adopt(&self.core.ledger, config.crashed),
            ..*config
        };
        core.configs = self.core.configs.iter().map(carried).collect();
        Resting { terms: new.without_model(), core }
    }
}

impl Core {
    fn begun() -> Core {
        let (state, crashed, path) = (Table::INITIAL, Ledger::NOTHING, Paths::START);
        let (used, required) = (Words::EMPTY, Words::EMPTY);
        Core {
            memo: Memo::default(),
            ledger: Ledger::tracking(Vec::new()),
            open: Open::new(),
            configs: vec![Config { state, crashed, used, required, path }],
            crashed: Vec::new(),
            event: 0,
            watching: Vec::new(),
            steps: Steps::default(),
        }
    }

    /// An event in the numbers of the search.
    fn spelled<M: Model>(
        &mut self,
        event: Seen<M::Transition>,
        vocabulary: &mut Vocabulary<'_, M>,
    ) -> Event {
        match event {
            Seen::Begins { op, transition, deadline } => {
                Event::Invoke { op, transition: vocabulary.intern(&transition), deadline }
            }
            Seen::Crashes { transition } => {
                Event::Crash { class: self.class_of(vocabulary.intern(&transition)) }
            }
            Seen::Ends { op } => Event::Return { op },
        }
    }

    fn class_of(&mut self, transition: TransitionId) -> ClassId {
        let known = self.crashed.iter().position(|class| class.transition == transition);
        let at = known.unwrap_or_else(|| {
            self.crashed.push(CrashedClass { transition, total: u32::MAX, invoked: 0 });
            self.crashed.len() - 1
        });
        ClassId(u32::try_from(at).expect("memory is spent before"))
    }

    fn awake<'v, 'b>(
        self,
        table: Table<'v>,
        meter: Meter<'b>,
        scratch: &mut Scratch,
    ) -> Awake<'v, 'b> {
        let spare = scratch.antichains.take();
        let [waiting, settled] = spare.unwrap_or_else(|| [Antichain::new(), Antichain::new()]);
        Frontier {
            table,
            ledger: self.ledger,
            paths: Paths::forgotten(),
            open: self.open,
            configs: self.configs,
            meter,
            crashed: self.crashed,
            rules: Rules::default(),
            event: self.event,
            watching: self.watching,
            steps: self.steps,
            waiting,
            settled,
            shards: Vec::new(),
            narrow: Narrow::new(),
        }
    }

    fn rested(frontier: Awake<'_, '_>, scratch: &mut Scratch) -> Core {
        scratch.antichains = Some([frontier.waiting, frontier.settled]);
        Core {
            memo: frontier.table.without_vocabulary(),
            ledger: frontier.ledger,
            open: frontier.open,
            configs: frontier.configs,
            crashed: frontier.crashed,
            event: frontier.event,
            watching: frontier.watching,
            steps: frontier.steps,
        }
    }
}

impl Awake<'_, '_> {
    fn see(&mut self, event: Event) -> Result<(), Halt> {
        if matches!(event, Event::Invoke { .. }) && self.open.iter().count() == OPEN_MAX {
            let text = format!("more than {OPEN_MAX} operations are open at once");
            return Err(Halt::Spent(Reason::Failed(text)));
        }
        self.push(event).map_err(|stop| match stop {
            Stop::Dead { op } => Halt::Impossible { op },
            Stop::Spent(reason) => Halt::Spent(reason),
        })
    }
}
