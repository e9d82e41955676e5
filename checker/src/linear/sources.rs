//! Who can have put there what an operation found, told by time.
//!
//! Where every operation that changes the state leads to one known state, whoever needs the state
//! *v* found it left by the last change before. That was an operation that leads to *v*, that began
//! before the needy one ended, and that is not *screened* from it: between them lies entirely (it
//! began when the source had ended, and ended when the needy one began) neither an acknowledged
//! change, since that would be a later change in every order, nor anybody acknowledged who found
//! another state than *v*, since then there was one. Where *v* is the initial state, nobody is a
//! source, too, as long as no such operation lies before.
//!
//! Finding the sources of all operations costs `O(n log n)`, and of each as much more as it has; one
//! that never returned has all later ones of the same state looked at.

use rustc_hash::FxHashMap;

use super::reduce::is_traceable;
use super::rules::{Rules, WrongRule};
use super::{Obstacle, Occurrence, Pattern};
use crate::model::{Class, Model, Requires};

/// Who may have left a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// Nobody: it is as at first.
    Initial,
    /// This operation, by position in the input.
    Operation(usize),
}

/// An operation that leads to a state.
struct Producer {
    at: usize,
    invoked: u32,
    /// `u32::MAX` if nobody knows.
    returned: u32,
    /// The latest return among this one and those before it.
    latest_return: u32,
}

impl Producer {
    fn is_ok(&self) -> bool {
        self.returned < u32::MAX
    }
}

/// The sources of all operations of a history.
pub(super) struct Sources<'a, M: Model> {
    model: &'a M,
    all: &'a [Occurrence<M::Transition>],
    initial: M::State,
    /// For each state, in order of invocation.
    producers: FxHashMap<M::State, Vec<Producer>>,
    /// Of the acknowledged operations, in order of their returns: the return, and who screens.
    screens: Vec<(u32, Screens<M::State>)>,
    rules: Rules,
}

/// The latest invocations among those who returned until some moment.
#[derive(Clone, Debug)]
struct Screens<S> {
    /// Of a change.
    change: Option<u32>,
    /// Of observers that found some state, the latest first, and of those that found another one.
    seen: [Option<(u32, S)>; 2],
}

impl<S: Clone + PartialEq> Screens<S> {
    const NOBODY: Screens<S> = Screens { change: None, seen: [None, None] };

    /// A change returned.
    fn add_change(&mut self, invoked: u32) {
        self.change = self.change.max(Some(invoked));
    }

    /// An observer of this state returned.
    fn add_observer(&mut self, invoked: u32, found: &S) {
        let [first, second] = &mut self.seen;
        let is_later = |than: &Option<(u32, S)>| than.as_ref().is_none_or(|one| one.0 < invoked);
        if first.as_ref().is_some_and(|(_, state)| state == found) {
            if is_later(first) {
                *first = Some((invoked, found.clone()));
            }
        } else if is_later(first) {
            *second = first.replace((invoked, found.clone()));
        } else if is_later(second) {
            *second = Some((invoked, found.clone()));
        }
    }

    /// The latest invocation of whoever screens sources of this state.
    fn of(&self, state: &S) -> Option<u32> {
        let other = self.seen.iter().flatten().find(|(_, found)| found != state);
        self.change.max(other.map(|(invoked, _)| *invoked))
    }

    fn latest(&self) -> Option<u32> {
        self.change.max(self.seen[0].as_ref().map(|(invoked, _)| *invoked))
    }
}

impl<'a, M: Model> Sources<'a, M> {
    /// `None` where it is not known of every operation what it needs and what it leaves.
    pub(super) fn new(
        model: &'a M,
        all: &'a [Occurrence<M::Transition>],
        kept: &[usize],
        rules: Rules,
    ) -> Option<Sources<'a, M>> {
        let mut producers: FxHashMap<M::State, Vec<Producer>> = FxHashMap::default();
        let mut ended = Vec::new();
        for at in kept.iter().copied() {
            let one = &all[at];
            if !is_traceable(model, &one.transition) {
                return None;
            }
            ended.extend(one.returned.map(|returned| (returned, at)));
            if model.class(&one.transition) == Class::Observer {
                continue;
            }
            let invoked = one.invoked;
            let returned = one.returned.unwrap_or(u32::MAX);
            if let Some(state) = model.produces(&one.transition) {
                let producer = Producer { at, invoked, returned, latest_return: 0 };
                producers.entry(state).or_default().push(producer);
            }
        }
        for producers in producers.values_mut() {
            producers.sort_unstable_by_key(|one| one.invoked);
            let mut latest = 0;
            for one in producers {
                latest = one.returned.max(latest);
                one.latest_return = latest;
            }
        }
        ended.sort_unstable();
        let mut until = Screens::NOBODY;
        let screens = ended.into_iter().map(|(returned, at)| {
            let one = &all[at];
            match (model.class(&one.transition), model.requires(&one.transition)) {
                (Class::Observer, Requires::Exactly(found)) => {
                    until.add_observer(one.invoked, &found);
                }
                (Class::Observer, Requires::Anything | Requires::Some) => {}
                (Class::BlindWrite | Class::Conditional, _) => until.add_change(one.invoked),
            }
            (returned, until.clone())
        });
        let screens = screens.collect();
        Some(Sources { model, all, initial: model.initial(), producers, screens, rules })
    }

    /// The sources of an operation; none if it needs no state.
    pub(super) fn of(&self, at: usize) -> impl Iterator<Item = Source> + '_ {
        let one = &self.all[at];
        let needed = match self.model.requires(&one.transition) {
            Requires::Exactly(state) => Some(state),
            Requires::Anything | Requires::Some => None,
        };
        let screen = needed.as_ref().and_then(|state| self.screen(one.invoked, state));
        let is_initial = screen.is_none() && needed.as_ref() == Some(&self.initial);
        let producers =
            needed.and_then(|state| self.producers.get(&state)).map_or(&[][..], Vec::as_slice);
        let ended = one.returned.unwrap_or(u32::MAX);
        let begun = producers.partition_point(|producer| producer.invoked < ended);
        // Nobody before one whose predecessors are all screened can be a source.
        producers[..begun]
            .iter()
            .rev()
            .take_while(move |one| screen.is_none_or(|screen| one.latest_return > screen))
            .filter(move |one| one.at != at && screen.is_none_or(|screen| one.returned > screen))
            .filter(move |one| !self.rules.breaks(WrongRule::AcknowledgedSources) || one.is_ok())
            .map(|one| Source::Operation(one.at))
            .chain(is_initial.then_some(Source::Initial))
    }

    /// Whether an operation needs a state, as opposed to taking any.
    pub(super) fn needs_one(&self, at: usize) -> bool {
        self.model.requires(&self.all[at].transition) != Requires::Anything
    }

    /// The first acknowledged operation that found what nobody can have left there, with those
    /// that prove it.
    pub(super) fn thin_air(&self, kept: &[usize]) -> Option<Obstacle<M::State>> {
        let acknowledged = kept.iter().copied().filter(|at| self.all[*at].returned.is_some());
        let without =
            acknowledged.filter(|at| self.needs_one(*at) && self.of(*at).next().is_none());
        let at = without.min_by_key(|at| self.all[*at].returned)?;
        let one = &self.all[at];
        let Requires::Exactly(state) = self.model.requires(&one.transition) else { return None };
        let producers = self.producers.get(&state).map_or(&[][..], Vec::as_slice);
        let begun = producers.iter().filter(|other| Some(other.invoked) < one.returned);
        let mut operations: Vec<usize> = begun.map(|other| other.at).collect();
        if let Some(screen) = self.screen(one.invoked, &state) {
            let screens = |at: &usize| self.all[*at].invoked == screen;
            operations.extend(kept.iter().copied().find(screens));
        }
        operations.push(at);
        operations.sort_unstable();
        operations.dedup();
        let state = self.model.describe(&state);
        let why = format!("{state} was found after everything that leads to it had been replaced");
        let pattern = Pattern { rule: "replaced-before", operations, why };
        Some(Obstacle { at, possible: Vec::new(), pattern: Some(pattern) })
    }

    /// What ended before this is screened from whoever needs `state` and began at `begun`.
    fn screen(&self, begun: u32, state: &M::State) -> Option<u32> {
        // Only a wrong rule takes those that had not ended yet.
        let before = match self.rules.breaks(WrongRule::ScreenByOpenWrites) {
            true => self.screens.partition_point(|(_, until)| until.latest() < Some(begun)),
            false => self.screens.partition_point(|(returned, _)| *returned < begun),
        };
        let until = &self.screens[before.checked_sub(1)?].1;
        match self.rules.breaks(WrongRule::ScreenBySameState) {
            true => until.latest(),
            false => until.of(state),
        }
    }
}

#[cfg(test)]
mod tests;
