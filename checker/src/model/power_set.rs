//! Specifications that leave something open, as models that know every possibility.
//!
//! A non-deterministic specification leads from one state to several: a bag gives out any of its
//! items, a lease may or may not have run out. The power-set construction makes it deterministic:
//! the state is the *set* of states in which the object may be, a step goes from all of them to
//! all that follow, and a transition is illegal where nothing follows. (Porcupine's
//! `NondeterministicModel.ToModel`; states that are equal are one state, or sets would grow with
//! every way of reaching them.)
//!
//! A trap: an operation that only observes changes the set. It rules out the states in which it
//! would have been illegal, so it may not be taken as soon as it is legal, as observers are:
//! `{A, B}` becomes `{A}`, and what follows from `B` is lost. Here it is an observer only where it
//! is legal in every state.

use std::collections::BTreeMap;
use std::hash::Hash;

use super::{Awaits, Call, Class, Model, Requires, Scope};
use crate::linear::{Answer, Occurrence};
use crate::value::Value;
use crate::verdict::Reason;

/// A sequential specification whose steps may lead to several states. As [`Model`], but for:
pub trait Nondeterministic: Send + Sync + 'static {
    /// What the object holds. Ordered, so that a set of states has one spelling.
    type State: Clone + Ord + Hash + Send + 'static;
    /// One thing that can happen to it, with what was observed of it.
    type Transition: Clone + Eq + Hash + Send + Sync + 'static;

    /// The states in which it may be before the first operation; at least one.
    fn initial(&self) -> Vec<Self::State>;

    /// See [`Model::parse`].
    fn parse(&mut self, call: &Call<'_>) -> Result<Option<Self::Transition>, Reason>;

    /// The states afterwards; none where the transition is illegal.
    fn steps(&self, state: &Self::State, transition: &Self::Transition) -> Vec<Self::State>;

    /// Whether the transition is legal everywhere and leaves every state as it is.
    fn says_nothing(&self, transition: &Self::Transition) -> bool {
        let _ = transition;
        false
    }

    /// A state, for people.
    fn describe(&self, state: &Self::State) -> Value;

    /// Why a transition is illegal in a state.
    fn refusal(&self, state: &Self::State, transition: &Self::Transition) -> String;

    /// See [`Model::procedure`].
    fn procedure(&self, all: &[Occurrence<Self::Transition>]) -> Answer {
        let _ = all;
        Answer::Inapplicable
    }

    /// See [`Model::choices`].
    ///
    /// # Errors
    ///
    /// The place of one for which nothing is left.
    fn choices(
        &self,
        order: &[&Self::Transition],
    ) -> Result<BTreeMap<usize, Self::Transition>, usize> {
        let _ = order;
        Ok(BTreeMap::new())
    }

    /// See [`Model::assumptions`].
    fn assumptions(&self) -> Vec<String> {
        Vec::new()
    }

    /// See [`Model::element`].
    fn element(&self, transition: &Self::Transition) -> Option<u64> {
        let _ = transition;
        None
    }

    /// See [`Model::go_online`].
    ///
    /// # Errors
    ///
    /// Why only a whole history can be judged.
    fn go_online(&mut self, scope: Scope) -> Result<(), Reason> {
        let _ = scope;
        Ok(())
    }

    /// See [`Model::forget`].
    fn forget(&mut self, states: &mut [Vec<Self::State>], transitions: &mut [Self::Transition]) {
        let _ = (states, transitions);
    }

    /// See [`Model::footprint`].
    fn footprint(&self, state: &Self::State) -> usize {
        size_of_val(state)
    }

    /// See [`Model::awaits`].
    fn awaits(&self, crashed: &Self::Transition) -> Awaits<Vec<Self::State>, Self::Transition> {
        let _ = crashed;
        Awaits::Nothing
    }
}

/// The model that a non-deterministic specification gives rise to.
#[derive(Clone, Debug, Default)]
pub struct PowerSet<N>(pub N);

impl<N: Nondeterministic> Model for PowerSet<N> {
    /// Sorted, each state once.
    type State = Vec<N::State>;
    type Transition = N::Transition;

    fn initial(&self) -> Vec<N::State> {
        sorted(self.0.initial())
    }

    fn parse(&mut self, call: &Call<'_>) -> Result<Option<N::Transition>, Reason> {
        self.0.parse(call)
    }

    fn step(&self, states: &Vec<N::State>, transition: &N::Transition) -> Option<Vec<N::State>> {
        let after = sorted(states.iter().flat_map(|state| self.0.steps(state, transition)));
        (!after.is_empty()).then_some(after)
    }

    fn class(&self, transition: &N::Transition) -> Class {
        match self.0.says_nothing(transition) {
            true => Class::Observer,
            false => Class::Conditional,
        }
    }

    fn requires(&self, transition: &N::Transition) -> Requires<Vec<N::State>> {
        match self.0.says_nothing(transition) {
            true => Requires::Anything,
            false => Requires::Some,
        }
    }

    fn produces(&self, _: &N::Transition) -> Option<Vec<N::State>> {
        None
    }

    fn describe(&self, states: &Vec<N::State>) -> Value {
        match states.as_slice() {
            [state] => self.0.describe(state),
            states => Value::Set(states.iter().map(|state| self.0.describe(state)).collect()),
        }
    }

    fn refusal(&self, states: &Vec<N::State>, transition: &N::Transition) -> String {
        let mut refusals: Vec<String> =
            states.iter().map(|state| self.0.refusal(state, transition)).collect();
        refusals.dedup();
        refusals.join("; or ")
    }

    fn procedure(&self, all: &[Occurrence<N::Transition>]) -> Answer {
        self.0.procedure(all)
    }

    fn choices(&self, order: &[&N::Transition]) -> Result<BTreeMap<usize, N::Transition>, usize> {
        self.0.choices(order)
    }

    fn assumptions(&self) -> Vec<String> {
        self.0.assumptions()
    }

    fn element(&self, transition: &N::Transition) -> Option<u64> {
        self.0.element(transition)
    }

    fn go_online(&mut self, scope: Scope) -> Result<(), Reason> {
        self.0.go_online(scope)
    }

    fn forget(&mut self, states: &mut [Vec<N::State>], transitions: &mut [N::Transition]) {
        self.0.forget(states, transitions);
    }

    fn footprint(&self, states: &Vec<N::State>) -> usize {
        size_of_val(states) + states.iter().map(|state| self.0.footprint(state)).sum::<usize>()
    }

    fn awaits(&self, crashed: &N::Transition) -> Awaits<Vec<N::State>, N::Transition> {
        self.0.awaits(crashed)
    }
}

fn sorted<S: Ord>(states: impl IntoIterator<Item = S>) -> Vec<S> {
    let mut states: Vec<S> = states.into_iter().collect();
    states.sort_unstable();
    states.dedup();
    states
}
