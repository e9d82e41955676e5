//! A model as numbers: states and steps interned, with everything forgotten that nobody asks for.
//!
//! Where every operation asks for one state at most, all states that nobody asks for may be taken
//! for one, *other*; and a conditional operation may be told to do what it does without its
//! condition. Both only weaken a history, and both make steps equal that were not, which keeps
//! frontiers small.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::model::{Class, Model, ModelName, Requires};

/// The number of a state.
pub(super) type StateId = u32;

/// The number of a step.
pub(super) type StepId = u32;

/// What an operation does.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Step<S, T> {
    /// It leads to one state, from one state or from any.
    Leads { from: Option<S>, to: S },
    /// Whatever the model says.
    Other(T),
}

/// How a certificate names a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// By the model's description, as EDN.
    Text(String),
    /// The one before the first operation.
    Initial,
    /// The one to which an operation leads from another state.
    After(StateId, u64),
}

/// What can be left out or forgotten, and where a history may be entered: what the models of
/// whoever checks the proof allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    /// States are values, which operations ask for and put there: registers.
    Values,
    /// Operations ask for what another one leaves: locks.
    Locks,
    /// Everything about one item can be left out together: queues and stacks.
    Items,
    /// States are sums of the changes, in whatever order.
    Sums,
    /// Nothing is known.
    Opaque,
}

impl Ground {
    pub(super) fn of(model: ModelName) -> Ground {
        match model {
            ModelName::Register | ModelName::CasRegister => Ground::Values,
            ModelName::Mutex | ModelName::OwnerMutex => Ground::Locks,
            ModelName::FifoQueue | ModelName::UnorderedQueue | ModelName::Stack => Ground::Items,
            ModelName::Counter | ModelName::FetchAndAdd | ModelName::AddAndFetch => Ground::Sums,
            _ => Ground::Opaque,
        }
    }

    /// Whether the core of a violation is found by rules that can be checked.
    pub(super) fn has_cores(self) -> bool {
        matches!(self, Ground::Values | Ground::Locks | Ground::Items)
    }
}

/// See the module.
pub(super) struct Machine<'m, M: Model> {
    model: &'m M,
    ground: Ground,
    /// The states that somebody asks for; `None` if possibly all.
    asked: Option<FxHashSet<M::State>>,
    states: Vec<M::State>,
    names: Vec<Name>,
    state_ids: FxHashMap<M::State, StateId>,
    other: Option<StateId>,
    steps: Vec<Step<M::State, M::Transition>>,
    step_ids: FxHashMap<Step<M::State, M::Transition>, StepId>,
    results: FxHashMap<(StateId, StepId), Option<StateId>>,
}

impl<'m, M: Model> Machine<'m, M> {
    /// A machine for histories in which these transitions are kept, some without their condition.
    pub(super) fn new<'t>(
        model: &'m M,
        ground: Ground,
        kept: impl Iterator<Item = (&'t M::Transition, bool)>,
    ) -> Machine<'m, M>
    where
        M::Transition: 't,
    {
        let mut asked = (ground == Ground::Values).then(FxHashSet::default);
        for (transition, waived) in kept {
            match model.requires(transition) {
                Requires::Anything => {}
                Requires::Exactly(_) if waived => {}
                Requires::Exactly(state) => {
                    asked.iter_mut().for_each(|asked| {
                        asked.insert(state.clone());
                    });
                }
                Requires::Some => asked = None,
            }
        }
        Machine {
            model,
            ground,
            asked,
            states: Vec::new(),
            names: Vec::new(),
            state_ids: FxHashMap::default(),
            other: None,
            steps: Vec::new(),
            step_ids: FxHashMap::default(),
            results: FxHashMap::default(),
        }
    }

    /// Whether an operation may be left out while the others are kept.
    pub(super) fn may_leave_out(&self, transition: &M::Transition) -> bool {
        if self.model.class(transition) == Class::Observer {
            return true;
        }
        match (&self.asked, self.model.produces(transition)) {
            (Some(asked), Some(state)) => !asked.contains(&state),
            _ => false,
        }
    }

    pub(super) fn names(&self) -> &[Name] {
        &self.names
    }

    pub(super) fn initial(&mut self) -> StateId {
        self.state(self.model.initial(), Name::Initial)
    }

    /// The number of a state that has a name of its own.
    pub(super) fn named(&mut self, state: M::State) -> StateId {
        self.state(state, Name::Initial)
    }

    /// The number of the state that an operation leaves wherever it is legal, if there is one.
    pub(super) fn left_by(&mut self, transition: &M::Transition) -> Option<StateId> {
        let state = self.model.produces(transition)?;
        Some(self.state(state, Name::Initial))
    }

    fn state(&mut self, state: M::State, name: Name) -> StateId {
        let is_asked = self.asked.as_ref().is_none_or(|asked| asked.contains(&state));
        if !is_asked && let Some(other) = self.other {
            return other;
        }
        if let Some(known) = self.state_ids.get(&state) {
            return *known;
        }
        let id = StateId::try_from(self.states.len()).expect("fewer than 2^32 states");
        self.names.push(match self.ground {
            Ground::Values | Ground::Sums => Name::Text(self.model.describe(&state).to_string()),
            _ => name,
        });
        if !is_asked {
            self.other = Some(id);
        }
        self.states.push(state.clone());
        self.state_ids.insert(state, id);
        id
    }

    /// The number of the step that a transition is, perhaps without its condition.
    pub(super) fn step_of(&mut self, transition: &M::Transition, waived: bool) -> StepId {
        let step = self.meaning(transition, waived);
        let fresh = StepId::try_from(self.steps.len()).expect("fewer than 2^32 steps");
        let id = *self.step_ids.entry(step.clone()).or_insert(fresh);
        if id == fresh {
            self.steps.push(step);
        }
        id
    }

    fn meaning(
        &mut self,
        transition: &M::Transition,
        waived: bool,
    ) -> Step<M::State, M::Transition> {
        let other = || Step::Other(transition.clone());
        let observes = self.model.class(transition) == Class::Observer;
        if self.ground != Ground::Values || (observes && !waived) {
            return other();
        }
        let from = match self.model.requires(transition) {
            Requires::Anything => None,
            Requires::Exactly(_) if waived => None,
            Requires::Exactly(state) => Some(state),
            Requires::Some => return other(),
        };
        let Some(to) = self.model.produces(transition) else { return other() };
        let to = self.state(to, Name::Initial);
        Step::Leads { from, to: self.states[to as usize].clone() }
    }

    /// The state after a step of the operation with this index; `None` where it is illegal.
    pub(super) fn after(&mut self, from: StateId, step: StepId, index: u64) -> Option<StateId> {
        if let Some(known) = self.results.get(&(from, step)) {
            return *known;
        }
        let state = &self.states[from as usize];
        let after = match &self.steps[step as usize] {
            Step::Leads { from: Some(needed), .. } if needed != state => None,
            Step::Leads { to, .. } => Some(to.clone()),
            Step::Other(transition) => self.model.step(state, transition),
        };
        let after = after.map(|state| self.state(state, Name::After(from, index)));
        self.results.insert((from, step), after);
        after
    }
}
