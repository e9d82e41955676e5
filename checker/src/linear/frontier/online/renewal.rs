//! Forgetting what is named no longer.

use rustc_hash::FxHashMap;

use super::Resting;
use crate::linear::frontier::online::asleep::{Asleep, Sleeper};
use crate::linear::table::{StateId, TransitionId, Vocabulary};
use crate::model::{Awaits, Model};

/// What is still named, and by which numbers it went.
struct Named<M: Model> {
    state_ids: Vec<StateId>,
    transition_ids: Vec<TransitionId>,
    /// Of these numbers, and then what sleepers wait for.
    states: Vec<M::State>,
    /// Of these numbers, and then sleepers and what they wait for.
    transitions: Vec<M::Transition>,
}

impl<M: Model> Resting<M> {
    /// The same without the states, transitions, values and combinations that nothing names.
    pub(super) fn renewed(mut self, model: &mut M) -> Resting<M> {
        self.core.forget_uses();
        let mut named = self.named();
        let sleepers = std::mem::take(&mut self.asleep).emptied();
        let waits: Vec<Awaited> = sleepers.into_iter().map(|sleeper| named.put(sleeper)).collect();
        model.forget(&mut named.states, &mut named.transitions);
        let mut asleep = Asleep::default();
        for wait in waits.into_iter().rev() {
            asleep.put_back(named.take(wait));
        }
        let mut vocabulary = Vocabulary::new(&*model);
        let states: FxHashMap<StateId, StateId> = (named.state_ids.iter().copied())
            .zip(named.states.into_iter().map(|state| vocabulary.intern_state(state)))
            .collect();
        let transitions: FxHashMap<TransitionId, TransitionId> =
            (named.transition_ids.iter().copied())
                .zip(named.transitions.iter().map(|one| vocabulary.intern(one)))
                .collect();
        self.core.rename(&states, &transitions);
        self.terms = vocabulary.without_model();
        self.asleep = asleep;
        self.kept = self.size();
        self
    }

    fn named(&self) -> Named<M> {
        let state_ids = self.core.states();
        let mut transition_ids = self.core.transitions();
        transition_ids.sort_unstable();
        transition_ids.dedup();
        let states = state_ids.iter().map(|id| self.terms.state(*id).clone()).collect();
        let transitions =
            transition_ids.iter().map(|id| self.terms.transition(*id).clone()).collect();
        Named { state_ids, transition_ids, states, transitions }
    }
}

/// For what a sleeper waits; it itself is among the names.
enum Awaited {
    State,
    Transition,
}

impl<M: Model> Named<M> {
    fn put(&mut self, (awaited, sleeper): Sleeper<M>) -> Awaited {
        let kind = match awaited {
            Awaits::State(state) => {
                self.states.push(state);
                Awaited::State
            }
            Awaits::Transition(transition) => {
                self.transitions.push(transition);
                Awaited::Transition
            }
            Awaits::Nothing => unreachable!("who waits for nothing does not sleep"),
        };
        self.transitions.push(sleeper);
        kind
    }

    /// What was put last.
    fn take(&mut self, kind: Awaited) -> Sleeper<M> {
        let put = "it was put there";
        let sleeper = self.transitions.pop().expect(put);
        let awaited = match kind {
            Awaited::State => Awaits::State(self.states.pop().expect(put)),
            Awaited::Transition => Awaits::Transition(self.transitions.pop().expect(put)),
        };
        (awaited, sleeper)
    }
}
