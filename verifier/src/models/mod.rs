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
//! * where a history is entered in the middle, [`Model::entered`] names every state that the
//!   operations before can have left, and [`Model::open_at_entry`] says what becomes of those that
//!   were open;
//! * where only some *things* (elements, keys) are looked at ([`Model::look_at`]), what operations
//!   do to others, and say of them, is not there.

mod bank;
mod counter;
mod elements;
mod ids;
mod items;
mod locks;
mod log;
mod map;
mod register;
mod transactions;
mod trie;
mod versioned;

use std::collections::HashMap;
use std::hash::Hash;

pub(crate) use bank::Bank;
pub(crate) use counter::{Counter, Returns};
pub(crate) use elements::Elements;
pub(crate) use items::{Bag, Next, Row};
pub(crate) use locks::{OwnerMutex, Permits, Tokens};
pub(crate) use log::Log;
pub(crate) use map::Map;
pub(crate) use register::{Readings, Register};
pub(crate) use transactions::Transactions;
pub(crate) use versioned::Versioned;

use crate::keys::Operation;
use crate::value::Value;

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

/// An operation that was invoked before a part begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before<'a, S> {
    pub(crate) step: &'a S,
    /// Whether it had also returned.
    pub(crate) returned: bool,
}

/// What becomes of an operation that is open when a part begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry<S> {
    /// It may have happened before; if not, it is this.
    MayBeDone(S),
    /// It is taken to happen within the part, as this.
    StillToCome(S),
    /// It says nothing.
    Forgotten,
}

/// A sequential specification of one object.
pub(crate) trait Model: Clone + Sync {
    type State: Clone + Eq + Hash;
    type Step: Clone + Eq + Hash;

    /// The readings that this model rests on, a sentence each.
    fn assumptions(&self) -> Vec<String>;

    /// The state before the first operation.
    fn initial(&self) -> Self::State;

    /// Lets only these things be seen of all operations that are read from now on.
    fn look_at(&mut self, things: &[Value]) -> Result<(), String> {
        let _ = things;
        Err("this model has no things that can be looked at alone".to_owned())
    }

    /// What an operation did. `None`: nothing that matters; an error: it makes no sense. All
    /// operations of a history are read before the first step is taken.
    fn read(&mut self, operation: &Operation<'_>) -> Result<Option<Self::Step>, String>;

    /// Takes a step; `false` if it is illegal there, and then the state is any.
    fn advance(&self, state: &mut Self::State, step: &Self::Step) -> bool;

    /// Of steps in the order in which they were taken, those that leave open what they did: at which
    /// places, and what each can have done. Where there is more than one way, one that explains most.
    /// An error is the place of one for which nothing is left.
    fn choices(&self, order: &[&Self::Step]) -> Result<HashMap<usize, Self::Step>, usize> {
        let _ = order;
        Ok(HashMap::new())
    }

    /// The state afterwards; `None` where the step is illegal.
    fn step(&self, state: &Self::State, step: &Self::Step) -> Option<Self::State> {
        let mut after = state.clone();
        self.advance(&mut after, step).then_some(after)
    }

    /// What the step depends on.
    fn asks(&self, step: &Self::Step) -> Asks;

    /// What the step changes. Steps may be left out if no remaining step asks for what they offer.
    fn offers(&self, step: &Self::Step) -> Offers;

    /// Whether a step that asks for a thing finds what the last change before it left: every
    /// change leaves one state, whatever was there before, and that state is what it offers.
    fn overwrites(&self) -> bool {
        false
    }

    /// A step that is legal wherever this one is and does the same, and asks for nothing.
    fn weakened(&self, step: &Self::Step) -> Option<Self::Step> {
        let _ = step;
        None
    }

    /// Every state in which the object can be once all of these that had returned have taken
    /// effect, and of the others, those that may be done by then; `None` if there is no list.
    fn entered(&self, before: &[Before<'_, Self::Step>]) -> Option<Vec<Self::State>> {
        let _ = before;
        None
    }

    /// What becomes of an operation that is open when the part begins.
    fn open_at_entry(&self, step: &Self::Step) -> Entry<Self::Step> {
        Entry::MayBeDone(step.clone())
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

/// Puts the state after a step in its place; `false` if there is none.
fn replace<T>(state: &mut T, after: Option<T>) -> bool {
    match after {
        Some(after) => {
            *state = after;
            true
        }
        None => false,
    }
}

fn no_function(one: &Operation<'_>) -> String {
    format!("op {}: the model has no function {}", one.index, one.f)
}
