//! Interned states and transitions, and a transition table that is filled as the search asks.
//!
//! Nothing is closed over in advance: a state gets its number when it is first reached. Rows are
//! arrays for the low state numbers, where small value domains live entirely; beyond that a hash
//! map holds what was asked for, since with unique values the full table would be quadratic.

use rustc_hash::FxHashMap;

use crate::model::{Class, Model};

/// A state, by order of first visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StateId(pub(crate) u32);

/// A transition, by order of first mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TransitionId(pub(crate) u32);

const UNASKED: u32 = u32::MAX;
const ILLEGAL: u32 = u32::MAX - 1;
const ROW_STATES: usize = 1024;

/// The states and transitions of a model that one history has met, by number.
pub(crate) struct Vocabulary<'m, M: Model> {
    model: &'m M,
    terms: Terms<M>,
}

/// A vocabulary without the model, which its owner may need between two searches.
pub(crate) struct Terms<M: Model> {
    states: Vec<M::State>,
    state_ids: FxHashMap<M::State, StateId>,
    transitions: Vec<M::Transition>,
    transition_ids: FxHashMap<M::Transition, TransitionId>,
    classes: Vec<Class>,
    /// Roughly what the states occupy.
    bytes: u64,
}

impl<M: Model> Terms<M> {
    pub(crate) fn state(&self, id: StateId) -> &M::State {
        &self.states[id.0 as usize]
    }

    /// The transition of this number.
    pub(crate) fn transition(&self, id: TransitionId) -> &M::Transition {
        &self.transitions[id.0 as usize]
    }

    /// How many states and transitions there are.
    pub(crate) fn len(&self) -> usize {
        self.states.len() + self.transitions.len()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl<'m, M: Model> Vocabulary<'m, M> {
    pub(crate) fn new(model: &'m M) -> Vocabulary<'m, M> {
        let terms = Terms {
            states: Vec::new(),
            state_ids: FxHashMap::default(),
            transitions: Vec::new(),
            transition_ids: FxHashMap::default(),
            classes: Vec::new(),
            bytes: 0,
        };
        let mut vocabulary = Vocabulary { model, terms };
        vocabulary.intern_state(model.initial());
        vocabulary
    }

    pub(crate) fn state(&self, id: StateId) -> &M::State {
        self.terms.state(id)
    }

    pub(crate) fn intern(&mut self, transition: &M::Transition) -> TransitionId {
        let Terms { transitions, transition_ids, classes, .. } = &mut self.terms;
        if let Some(id) = transition_ids.get(transition) {
            return *id;
        }
        let id = TransitionId(small(transitions.len()));
        transitions.push(transition.clone());
        classes.push(self.model.class(transition));
        transition_ids.insert(transition.clone(), id);
        id
    }

    /// The transition of this number.
    pub(crate) fn transition(&self, id: TransitionId) -> &M::Transition {
        self.terms.transition(id)
    }

    /// All transitions, in order.
    pub(crate) fn transitions(&self) -> impl Iterator<Item = TransitionId> + use<M> {
        (0..small(self.terms.transitions.len())).map(TransitionId)
    }

    pub(crate) fn intern_state(&mut self, state: M::State) -> StateId {
        let Terms { states, state_ids, bytes, .. } = &mut self.terms;
        if let Some(id) = state_ids.get(&state) {
            return *id;
        }
        let id = StateId(small(states.len()));
        *bytes += 32 + 2 * self.model.footprint(&state) as u64;
        states.push(state.clone());
        state_ids.insert(state, id);
        id
    }

    /// Gives the model back.
    pub(crate) fn without_model(self) -> Terms<M> {
        self.terms
    }

    /// Goes on with the model that it was about before.
    pub(crate) fn with_model(model: &'m M, terms: Terms<M>) -> Vocabulary<'m, M> {
        Vocabulary { model, terms }
    }
}

/// A model as the search knows it: numbers only, so that the search is compiled once and not once
/// a model.
trait Steps {
    fn step(&mut self, from: StateId, transition: TransitionId) -> Option<StateId>;
    fn states(&self) -> usize;
    fn bytes(&self) -> u64;
}

impl<M: Model> Steps for Vocabulary<'_, M> {
    fn step(&mut self, from: StateId, transition: TransitionId) -> Option<StateId> {
        let (state, transition) = (self.state(from), self.transition(transition));
        self.model.step(state, transition).map(|state| self.intern_state(state))
    }

    fn states(&self) -> usize {
        self.terms.states.len()
    }

    fn bytes(&self) -> u64 {
        self.terms.bytes
    }
}

/// The steps of a model that one search has asked for.
pub(crate) struct Table<'v> {
    model: &'v mut dyn Steps,
    classes: Vec<Class>,
    rows: Vec<Vec<u32>>,
    beyond: FxHashMap<(TransitionId, StateId), u32>,
    cells: usize,
}

impl<'v> Table<'v> {
    /// The state before the first operation.
    pub(crate) const INITIAL: StateId = StateId(0);

    /// A table of the transitions that are in `vocabulary` now.
    pub(crate) fn new<M: Model>(vocabulary: &'v mut Vocabulary<'_, M>) -> Table<'v> {
        let classes = vocabulary.terms.classes.clone();
        Table {
            rows: vec![Vec::new(); classes.len()],
            classes,
            model: vocabulary,
            beyond: FxHashMap::default(),
            cells: 0,
        }
    }

    pub(crate) fn class(&self, id: TransitionId) -> Class {
        self.classes[id.0 as usize]
    }

    pub(crate) fn states(&self) -> usize {
        self.model.states()
    }

    /// Roughly what the table occupies.
    pub(crate) fn bytes(&self) -> u64 {
        (self.cells * 4 + self.beyond.capacity() * 16) as u64 + self.model.bytes()
    }

    /// The state after `transition`, or `None` where it is illegal.
    pub(crate) fn step(&mut self, from: StateId, transition: TransitionId) -> Option<StateId> {
        let known = match self.rows[transition.0 as usize].get(from.0 as usize) {
            Some(cell) => *cell,
            None if (from.0 as usize) < ROW_STATES => UNASKED,
            None => self.beyond.get(&(transition, from)).copied().unwrap_or(UNASKED),
        };
        match known {
            UNASKED => self.ask_model(from, transition),
            ILLEGAL => None,
            state => Some(StateId(state)),
        }
    }

    fn ask_model(&mut self, from: StateId, transition: TransitionId) -> Option<StateId> {
        let next = self.model.step(from, transition);
        let cell = next.map_or(ILLEGAL, |state| state.0);
        let column = from.0 as usize;
        if column < ROW_STATES {
            let row = &mut self.rows[transition.0 as usize];
            self.cells += (column + 1).saturating_sub(row.len());
            row.resize(row.len().max(column + 1), UNASKED);
            row[column] = cell;
        } else {
            self.beyond.insert((transition, from), cell);
        }
        next
    }
}

/// What a table knows, without the vocabulary that it asks.
#[derive(Default)]
pub(crate) struct Memo {
    classes: Vec<Class>,
    rows: Vec<Vec<u32>>,
    beyond: FxHashMap<(TransitionId, StateId), u32>,
    cells: usize,
}

impl<'v> Table<'v> {
    /// Gives the vocabulary back.
    pub(crate) fn without_vocabulary(self) -> Memo {
        Memo { classes: self.classes, rows: self.rows, beyond: self.beyond, cells: self.cells }
    }

    /// Goes on with the same vocabulary, to which transitions may have been added.
    pub(crate) fn with_vocabulary<M: Model>(
        vocabulary: &'v mut Vocabulary<'_, M>,
        memo: Memo,
    ) -> Table<'v> {
        let Memo { mut classes, mut rows, beyond, cells } = memo;
        classes.extend_from_slice(&vocabulary.terms.classes[classes.len()..]);
        rows.resize(classes.len(), Vec::new());
        Table { model: vocabulary, classes, rows, beyond, cells }
    }
}

/// A length as a 32-bit number; memory is spent long before it does not fit.
fn small(length: usize) -> u32 {
    u32::try_from(length).ok().filter(|id| *id < ILLEGAL).expect("fewer than 2^32 - 2 entries")
}
