//! What can be tried from each state at one moment.
//!
//! The configurations of a frontier share few states, so the transitions that are legal in a state
//! are looked up once a return and state, not once a configuration. Which classes of crashed
//! operations are legal where changes only when a class begins, and is kept over the whole search.

use super::crashed::ClassId;
use super::open::Group;
use super::table::{StateId, Table, TransitionId};
use crate::model::Class;

/// Who lets a transition take effect.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mover {
    /// The next member of a group of open operations.
    Live { group: usize },
    /// A crashed operation, unless the open group that is its twin has an unused member.
    Crashed { class: ClassId, twin: Option<usize> },
}

/// A legal step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) mover: Mover,
    pub(crate) class: Class,
    pub(crate) after: StateId,
}

/// The legal steps from each state.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    /// Where those of a state are, and in which return they were put there.
    places: Vec<(u64, usize, usize)>,
    steps: Vec<Step>,
    moment: u64,
    /// For each transition, the open group that it is, and when it was that.
    groups: Vec<(u64, usize)>,
    begun: Vec<(ClassId, TransitionId)>,
    crashed: Vec<CrashedSteps>,
}

/// The legal steps of crashed operations from one state.
#[derive(Clone, Debug, Default)]
struct CrashedSteps {
    /// As many of the classes that have begun were looked at.
    looked_at: usize,
    steps: Vec<(ClassId, TransitionId, StateId)>,
}

impl Steps {
    /// The first operation of a crashed class begins.
    pub(crate) fn begin(&mut self, class: ClassId, transition: TransitionId) {
        self.begun.push((class, transition));
    }

    /// The crashed classes that have begun, in this order.
    pub(crate) fn begun(&self) -> Vec<ClassId> {
        self.begun.iter().map(|(class, _)| *class).collect()
    }

    /// Another return, with these groups open.
    pub(crate) fn renew<const W: usize>(&mut self, movers: &[Group<W>]) {
        self.moment += 1;
        self.steps.clear();
        if self.begun.is_empty() {
            return;
        }
        for (number, group) in movers.iter().enumerate() {
            *entry(&mut self.groups, group.transition.0 as usize) = (self.moment, number);
        }
    }

    /// Where the steps from `state` are.
    pub(crate) fn from<const W: usize>(
        &mut self,
        state: StateId,
        movers: &[Group<W>],
        table: &mut Table<'_>,
    ) -> std::ops::Range<usize> {
        let (moment, start, end) = *entry(&mut self.places, state.0 as usize);
        if moment == self.moment {
            return start..end;
        }
        let start = self.steps.len();
        for (group, open) in movers.iter().enumerate() {
            if let Some(after) = table.step(state, open.transition) {
                self.steps.push(Step { mover: Mover::Live { group }, class: open.class, after });
            }
        }
        if !self.begun.is_empty() {
            self.add_crashed(state, table);
        }
        let end = self.steps.len();
        self.places[state.0 as usize] = (self.moment, start, end);
        start..end
    }

    fn add_crashed(&mut self, state: StateId, table: &mut Table<'_>) {
        let known = entry(&mut self.crashed, state.0 as usize);
        for (class, transition) in &self.begun[known.looked_at..] {
            if let Some(after) = table.step(state, *transition) {
                known.steps.push((*class, *transition, after));
            }
        }
        known.looked_at = self.begun.len();
        for (class, transition, after) in &known.steps {
            let group = self.groups.get(transition.0 as usize);
            let twin = group.filter(|(moment, _)| *moment == self.moment).map(|(_, group)| *group);
            let mover = Mover::Crashed { class: *class, twin };
            self.steps.push(Step { mover, class: table.class(*transition), after: *after });
        }
    }

    /// Where the steps from `state` are, if it was asked before in this return.
    pub(crate) fn known(&self, state: StateId) -> Option<std::ops::Range<usize>> {
        let (moment, start, end) = *self.places.get(state.0 as usize)?;
        (moment == self.moment).then_some(start..end)
    }

    pub(crate) fn get(&self, at: usize) -> Step {
        self.steps[at]
    }

    pub(crate) fn bytes(&self) -> u64 {
        let places = self.places.capacity() * size_of::<(u64, usize, usize)>();
        let crashed = self.crashed.capacity() * size_of::<CrashedSteps>();
        let steps = self.steps.capacity() * size_of::<Step>();
        (places + crashed + steps + self.groups.capacity() * size_of::<(u64, usize)>()) as u64
    }
}

/// The entry at `at`, which comes to be if it is not there.
fn entry<T: Clone + Default>(entries: &mut Vec<T>, at: usize) -> &mut T {
    if entries.len() <= at {
        entries.resize(at + 1, T::default());
    }
    &mut entries[at]
}
