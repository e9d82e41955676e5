//! Crashed operations that nobody can have noticed yet.
//!
//! A crashed write of a value that no operation has read or expected so far could be left out of
//! everything that happened, and if somebody reads the value later, it may as well have taken
//! effect only then: between the two nobody needed another state than the one without it, or the
//! write would have been overwritten and its trace lost. So it is left aside, *asleep*, until an
//! operation begins that could notice it ([`Model::awaits`]). It costs the search nothing until
//! then; a test of many hours with unique values has thousands of them.
//!
//! The argument wants to know of every operation in which single state it is legal, and where it
//! leads. So an operation of which that is not known, such as a failed compare-and-set taken as an
//! observation, wakes all that wait for states; and so does a crashed one that is awake itself.

use rustc_hash::FxHashMap;

use crate::linear::reduce::is_traceable;
use crate::model::{Awaits, Model, Requires};

/// What it waits for, and itself.
pub(super) type Sleeper<M> =
    (Awaits<<M as Model>::State, <M as Model>::Transition>, <M as Model>::Transition);

/// See the module.
pub(super) struct Asleep<M: Model> {
    for_state: FxHashMap<M::State, Vec<M::Transition>>,
    for_transition: FxHashMap<M::Transition, Vec<M::Transition>>,
    len: usize,
}

impl<M: Model> Default for Asleep<M> {
    fn default() -> Asleep<M> {
        let (for_state, for_transition) = (FxHashMap::default(), FxHashMap::default());
        Asleep { for_state, for_transition, len: 0 }
    }
}

impl<M: Model> Asleep<M> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Lays a crashed operation to sleep, unless one of those `heard` could notice it.
    pub(super) fn lay_down<'h>(
        &mut self,
        model: &M,
        crashed: &M::Transition,
        mut heard: impl Iterator<Item = &'h M::Transition>,
    ) -> bool
    where
        M: 'h,
    {
        let sleepers = match model.awaits(crashed) {
            Awaits::Nothing => return false,
            Awaits::State(state) => {
                if heard.any(|one| may_need(model, one, &state)) {
                    return false;
                }
                self.for_state.entry(state).or_default()
            }
            Awaits::Transition(awaited) => {
                if heard.any(|one| *one == awaited) {
                    return false;
                }
                self.for_transition.entry(awaited).or_default()
            }
        };
        sleepers.push(crashed.clone());
        self.len += 1;
        true
    }

    /// What is woken by an operation that begins, or by a crashed one that is awake from now on.
    pub(super) fn hear(&mut self, model: &M, begun: &M::Transition) -> Vec<M::Transition> {
        let mut woken = Vec::new();
        if self.len == 0 {
            return woken;
        }
        self.wake(model, begun, &mut woken);
        let mut at = 0;
        while at < woken.len() && self.len > 0 {
            let one: M::Transition = woken[at].clone();
            self.wake(model, &one, &mut woken);
            at += 1;
        }
        woken
    }

    fn wake(&mut self, model: &M, begun: &M::Transition, woken: &mut Vec<M::Transition>) {
        let before = woken.len();
        woken.extend(self.for_transition.remove(begun).into_iter().flatten());
        if !self.for_state.is_empty() {
            if !is_traceable(model, begun) {
                woken.extend(self.for_state.drain().flat_map(|(_, sleepers)| sleepers));
            } else if let Requires::Exactly(state) = model.requires(begun) {
                woken.extend(self.for_state.remove(&state).into_iter().flatten());
            }
        }
        self.len -= woken.len() - before;
    }

    /// Everything that sleeps, with what it waits for.
    pub(super) fn emptied(self) -> Vec<Sleeper<M>> {
        let each = |(state, sleepers): (M::State, Vec<M::Transition>)| {
            sleepers.into_iter().map(move |one| (Awaits::State(state.clone()), one))
        };
        let other = |(awaited, sleepers): (M::Transition, Vec<M::Transition>)| {
            sleepers.into_iter().map(move |one| (Awaits::Transition(awaited.clone()), one))
        };
        let states = self.for_state.into_iter().flat_map(each);
        states.chain(self.for_transition.into_iter().flat_map(other)).collect()
    }

    pub(super) fn put_back(&mut self, (awaited, crashed): Sleeper<M>) {
        let sleepers = match awaited {
            Awaits::Nothing => return,
            Awaits::State(state) => self.for_state.entry(state).or_default(),
            Awaits::Transition(awaited) => self.for_transition.entry(awaited).or_default(),
        };
        sleepers.push(crashed);
        self.len += 1;
    }
}

/// Whether an operation may notice that an object is in this state.
fn may_need<M: Model>(model: &M, one: &M::Transition, state: &M::State) -> bool {
    match model.requires(one) {
        Requires::Exactly(needed) if needed == *state => true,
        _ => !is_traceable(model, one),
    }
}
