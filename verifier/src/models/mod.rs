//! Sequential specifications, written a second time.
//!
//! A model here says what a recorded operation means ([`Model::read`]) and what it does
//! ([`Model::step`]); further, in three small declarations, which weakenings of a history are
//! sound for it. They are proved in the model's own words, since a proof of a violation rests on
//! them:
//!
//! * an **observer** leaves every state as it is, wherever it is legal, so a history that can be
//!   explained can still be explained without it;
//! * an operation may be **left out** if whatever it changes is nothing that a remaining one asks
//!   for ([`Model::asks`], [`Model::offers`]), or, where every change **overwrites** what was there
//!   before ([`Model::overwrites`]), if it was overwritten before anybody who is left could look;
//! * where a history is entered in the middle, [`Model::states_after`] names every state that the
//!   operations before can have left.

mod items;
mod locks;
mod register;

use std::hash::Hash;

pub(crate) use items::{Discipline, Items};
pub(crate) use locks::{OwnerMutex, Permits, Tokens};
pub(crate) use register::{Readings, Register};

use crate::keys::Operation;

/// What a step depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// Of the things that other steps may change, these.
    Only(Vec<u32>),
    /// Possibly all of them.
    Everything,
}

/// What a step changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offers {
    /// Nothing, in any state: it is an observer.
    Nothing,
    /// Something that only steps notice that ask for this thing.
    Only(u32),
    /// Possibly everything.
    Everything,
}

/// A sequential specification of one object.
pub(crate) trait Model {
    type State: Clone + Eq + Hash;
    type Step: Clone + Eq + Hash;

    /// The readings that this model rests on, a sentence each.
    fn assumptions(&self) -> Vec<String>;

    /// The state before the first operation.
    fn initial(&self) -> Self::State;

    /// What an operation did. `None`: nothing that matters; an error: it makes no sense.
    fn read(&mut self, operation: &Operation<'_>) -> Result<Option<Self::Step>, String>;

    /// The state afterwards; `None` where the step is illegal.
    fn step(&self, state: &Self::State, step: &Self::Step) -> Option<Self::State>;

    /// What the step depends on.
    fn asks(&self, step: &Self::Step) -> Asks;

    /// What the step changes. Steps may be left out if no remaining step asks for what they offer.
    fn offers(&self, step: &Self::Step) -> Offers;

    /// Whether a step that asks for a thing finds what the last change before it left: every
    /// change leaves one state, whatever was there before, and that state is what it offers.
    fn overwrites(&self) -> bool;

    /// A step that is legal wherever this one is and does the same, and asks for nothing.
    fn weakened(&self, step: &Self::Step) -> Option<Self::Step> {
        let _ = step;
        None
    }

    /// Every state that some of these steps can have left, in any order, the initial one included;
    /// `None` if there is no list of them.
    fn states_after(&self, steps: &[Self::Step]) -> Option<Vec<Self::State>> {
        let _ = steps;
        None
    }

    /// Forgets everything about a state that steps which ask only for what is `asked` cannot tell
    /// apart.
    fn forget_state(&self, state: Self::State, asked: &dyn Fn(u32) -> bool) -> Self::State {
        let _ = asked;
        state
    }

    /// The step over such forgetful states.
    fn forget(&self, step: Self::Step, asked: &dyn Fn(u32) -> bool) -> Self::Step {
        let _ = asked;
        step
    }

    /// The state that a certificate names by this text, if states have names.
    fn named(&mut self, name: &str) -> Result<Self::State, String> {
        Err(format!("this model's states have no names such as {name}"))
    }
}
