//! A frontier that watches a history while it grows.
//!
//! It is the same frontier, with four differences. Nobody will ask for the linearization, so
//! choices are not recorded. Crashed classes turn up one after the other: each is counted exactly
//! from its first operation on, and when that gets dear they all become abstract for good (`numbers`),
//! since there is no second round; a death is certain either way, for the abstraction only admits too
//! much, but a history whose every ending overdraws stays undecided. A crashed operation that
//! nobody can have noticed yet is left aside until somebody may (`asleep`). And what no open
//! operation, crashed class or configuration names any more is forgotten now and then (`renewal`),
//! so memory is bounded by what is open and undecided, not by what has happened.
//!
//! Between two events a monitor owns the model, so the frontier gives back its loan and rests.

mod asleep;
mod numbers;
mod renewal;
#[cfg(test)]
mod tests;

pub(crate) use numbers::Scratch;

use super::Event;
use crate::budget::Budget;
use crate::linear::table::{Table, Terms, Vocabulary};
use crate::model::Model;
use crate::verdict::Reason;
use asleep::Asleep;
use numbers::{Core, Counting, Work, begun, widths};

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

/// How much trouble is taken over one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Care {
    /// What is known no longer is forgotten after so many new states and transitions.
    pub terms: usize,
    /// Crashed operations are counted exactly up to so many configurations, …
    pub exact_configurations: usize,
    /// … and so many steps of the search at one moment.
    pub exact_expansions: u64,
    /// The search gives up after so many steps at one moment.
    pub expansions: u64,
}

impl Default for Care {
    fn default() -> Care {
        Care {
            terms: 128,
            exact_configurations: 1024,
            exact_expansions: 200_000,
            expansions: 5_000_000,
        }
    }
}

/// The frontier of one object, between two events.
pub(crate) struct Watch<M: Model> {
    resting: Option<Resting<M>>,
    expansions: u64,
    largest_frontier: u64,
}

/// A frontier without its model and without its budget.
struct Resting<M: Model> {
    terms: Terms<M>,
    core: Box<dyn Core + Send>,
    asleep: Asleep<M>,
    /// What was left at the last renewal.
    kept: Size,
}

/// What there is to forget.
#[derive(Clone, Copy, Default)]
struct Size {
    terms: usize,
    bytes: u64,
}

impl<M: Model> Watch<M> {
    pub(crate) fn new() -> Watch<M> {
        Watch { resting: None, expansions: 0, largest_frontier: 0 }
    }

    /// Takes in what happened next, in order. Nothing may follow after an error.
    pub(crate) fn see(
        &mut self,
        model: &mut M,
        care: &Care,
        budget: &Budget,
        scratch: &mut Scratch,
        seen: impl Iterator<Item = Seen<M::Transition>>,
    ) -> Result<(), Halt> {
        let mut resting = self.resting.take().unwrap_or_else(|| Resting::begun(model));
        let mut events = std::mem::take(&mut scratch.events);
        events.clear();
        let mut vocabulary = Vocabulary::with_model(&*model, resting.terms);
        let (core, asleep) = (&mut *resting.core, &mut resting.asleep);
        let mut speller = Speller { model, vocabulary: &mut vocabulary, core, asleep, events };
        seen.for_each(|one| speller.spell(one));
        let events = speller.events;
        if let Some(wider) = widths(resting.core.open_after(&events)).map_err(Halt::Spent)?
            && wider > resting.core.capacity()
        {
            resting.core = resting.core.widened(wider);
        }
        let table = Table::with_vocabulary(&mut vocabulary, resting.core.take_memo());
        let work = Work { table, care, budget, scratch, events: &events };
        let done = resting.core.work(work);
        self.expansions += done.expansions;
        self.largest_frontier = self.largest_frontier.max(done.largest_frontier);
        resting.terms = vocabulary.without_model();
        scratch.events = events;
        if resting.is_worth_renewing(care) {
            resting = resting.renewed(model);
        }
        self.resting = Some(resting);
        done.result
    }

    /// Whether every way to the end so far used a crashed operation more often than it was begun.
    pub(crate) fn is_overdrawn(&self) -> bool {
        self.resting.as_ref().is_some_and(|resting| resting.core.is_overdrawn())
    }

    /// Legal successors generated, and the most configurations at once.
    pub(crate) fn effort(&self) -> (u64, u64) {
        (self.expansions, self.largest_frontier)
    }

    /// How many states and transitions are known.
    #[cfg(test)]
    pub(crate) fn terms(&self) -> usize {
        self.resting.as_ref().map_or(0, |resting| resting.size().terms)
    }
}

/// Puts what was seen into the numbers of the search.
struct Speller<'s, 'm, M: Model> {
    model: &'m M,
    vocabulary: &'s mut Vocabulary<'m, M>,
    core: &'s mut (dyn Core + Send),
    asleep: &'s mut Asleep<M>,
    events: Vec<Event>,
}

impl<M: Model> Speller<'_, '_, M> {
    fn spell(&mut self, seen: Seen<M::Transition>) {
        match seen {
            Seen::Begins { op, transition, deadline } => {
                self.wake(&transition);
                let transition = self.vocabulary.intern(&transition);
                self.events.push(Event::Invoke { op, transition, deadline });
            }
            Seen::Crashes { transition } => {
                if !self.lay_down(&transition) {
                    self.crash(&transition);
                    self.wake(&transition);
                }
            }
            Seen::Ends { op } => self.events.push(Event::Return { op }),
        }
    }

    fn crash(&mut self, transition: &M::Transition) {
        let counting = match self.model.produces(transition) {
            None => Counting::Endless,
            Some(_) => Counting::Exact,
        };
        let class = self.core.class_of(self.vocabulary.intern(transition), counting);
        self.events.push(Event::Crash { class });
    }

    fn wake(&mut self, begun: &M::Transition) {
        for woken in self.asleep.hear(self.model, begun) {
            self.crash(&woken);
        }
    }

    /// Whether a crashed operation can be left aside. Some of the operations that are compared with
    /// it may have ended, which does no harm.
    fn lay_down(&mut self, crashed: &M::Transition) -> bool {
        let begun = self.events.iter().filter_map(|event| match event {
            Event::Invoke { transition, .. } => Some(*transition),
            Event::Crash { .. } | Event::Return { .. } => None,
        });
        let heard = self.core.transitions().into_iter().chain(begun);
        let heard = heard.map(|id| self.vocabulary.transition(id));
        self.asleep.lay_down(self.model, crashed, heard)
    }
}

impl<M: Model> Resting<M> {
    fn begun(model: &M) -> Resting<M> {
        Resting {
            terms: Vocabulary::new(model).without_model(),
            core: begun(),
            asleep: Asleep::default(),
            kept: Size::default(),
        }
    }

    fn size(&self) -> Size {
        let terms = self.terms.len() + self.core.combinations();
        Size { terms: terms + self.asleep.len(), bytes: self.terms.bytes() }
    }

    /// Renewing costs as much as is kept, so as much and more must have come since.
    fn is_worth_renewing(&self, care: &Care) -> bool {
        let (size, kept) = (self.size(), self.kept);
        size.terms > care.terms + 2 * kept.terms || size.bytes > FORGETTABLE_BYTES + 4 * kept.bytes
    }
}

/// A few long states are worth as much as many short ones.
const FORGETTABLE_BYTES: u64 = 1 << 15;
