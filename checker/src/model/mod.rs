//! Sequential specifications: what one object does when nothing runs beside anything else.
//!
//! A [`Model`] turns recorded operations into *transitions*, steps them over states, and declares
//! what kind of transition each is. The search exploits these declarations (see
//! [`crate::linear`]), so a wrong one is a wrong verdict: they are never inferred from the part of
//! the transition table that happens to be built, and a property test holds every model to them
//! over all its states.
//!
//! A transition carries everything that decides legality: function, arguments *and* what was
//! observed. Whether the operation was acknowledged or crashed is not part of it, so that the
//! search can recognise a crashed operation as the twin of a live one.

mod bank;
mod counter;
mod fifo_queue;
mod items;
mod keyed;
mod log;
mod map;
mod multi_register;
mod mutable_set;
mod names;
mod options;
mod owner_mutex;
mod power_set;
mod register;
mod semaphore;
mod stack;
mod unordered_queue;
mod values;
mod versioned_register;

use std::collections::BTreeMap;
use std::hash::Hash;

pub use bank::{Bank, BankTransition};
pub use counter::{Counter, CounterTransition};
pub use fifo_queue::FifoQueue;
pub use items::ItemTransition;
pub(crate) use items::Items;
pub use log::{Log, LogState, LogTransition};
pub use map::{Held, Map, MapTransition};
pub use multi_register::{MultiRegister, Transaction};
pub use mutable_set::{MutableSet, SetTransition};
pub use names::{ModelName, ModelVisitor};
pub use options::{FailedCas, ModelOptions, NilReads};
pub use owner_mutex::{LockState, LockTransition, OwnerMutex};
pub use power_set::{Nondeterministic, PowerSet};
pub use register::{Register, Transition};
pub use semaphore::{Semaphore, SemaphoreTransition};
pub use stack::Stack;
pub use unordered_queue::{Bag, UnorderedQueue};
pub use values::{ValueId, Values};
pub use versioned_register::{Versioned, VersionedRegister, VersionedTransition};

use crate::history::Outcome;
use crate::linear::{Answer, Occurrence};
use crate::value::Value;
use crate::verdict::Reason;

/// One recorded operation on one object, as a model reads it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Who did it: a number of its own for every logically single-threaded client.
    pub process: u64,
    /// What was done.
    pub f: &'a Value,
    /// The key that it was done to, where that is known beside the values: an entry `:key`, or nil
    /// where keys are told apart. `None`: the values name it, if there are keys.
    pub key: Option<&'a Value>,
    /// The value of the invocation.
    pub argument: &'a Value,
    /// The value of the completion; nil without one.
    pub result: &'a Value,
    /// Why it failed or is unknown.
    pub error: Option<&'a Value>,
    /// How it ended.
    pub outcome: Outcome,
}

/// What a transition may do to a state, over *all* states of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Wherever it is legal, it leaves the state as it is.
    Observer,
    /// It is legal everywhere and always leads to the same state.
    BlindWrite,
    /// Anything else, such as compare-and-set.
    Conditional,
}

/// In which states a transition is legal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requires<S> {
    /// In every state.
    Anything,
    /// In exactly this one.
    Exactly(S),
    /// In some, and no single state describes them.
    Some,
}

/// A transition without its condition, see [`Model::blind`].
#[derive(Clone, Debug, PartialEq)]
pub struct Blind<T> {
    /// It.
    pub transition: T,
    /// The function of an operation that does this, …
    pub f: Value,
    /// … and its argument.
    pub argument: Value,
}

/// What a history is about, as far as that is known before it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Keys are told apart: one of them.
    OneKey,
    /// Everything, on whatever keys there will be.
    AnyKeys,
}

/// What has to be heard of before a crashed operation is worth trying, see [`Model::awaits`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Awaits<S, T> {
    /// Nothing: it may matter at once.
    Nothing,
    /// An operation that is legal in exactly this state, or of which that is not known.
    State(S),
    /// This transition.
    Transition(T),
}

/// A sequential specification of one object.
pub trait Model: Send + Sync + 'static {
    /// What the object holds.
    type State: Clone + Eq + Hash + Send + 'static;
    /// One thing that can happen to it, with what was observed of it.
    type Transition: Clone + Eq + Hash + Send + Sync + 'static;

    /// The state before the first operation.
    fn initial(&self) -> Self::State;

    /// What a recorded operation says about the object. `None`: nothing, because it certainly did
    /// not happen, or because whether it did makes no difference.
    fn parse(&mut self, call: &Call<'_>) -> Result<Option<Self::Transition>, Reason>;

    /// The state afterwards, or `None` where the transition is illegal.
    fn step(&self, state: &Self::State, transition: &Self::Transition) -> Option<Self::State>;

    /// The kind of transition.
    fn class(&self, transition: &Self::Transition) -> Class;

    /// The states in which it is legal.
    fn requires(&self, transition: &Self::Transition) -> Requires<Self::State>;

    /// The state it leads to, where that is always the same one and it is not an observer.
    fn produces(&self, transition: &Self::Transition) -> Option<Self::State>;

    /// A state, for people.
    fn describe(&self, state: &Self::State) -> Value;

    /// Why a transition is illegal in a state: `read 3, but the register holds 4`. What was done,
    /// and behind `, but ` what speaks against it: sentences are made of these two.
    fn refusal(&self, state: &Self::State, transition: &Self::Transition) -> String;

    /// Decides a whole history without search, where this model has a procedure that applies
    /// exactly. An order is held against the definition before anybody believes it; a pattern is
    /// believed, so it must be a violation by itself.
    fn procedure(&self, all: &[Occurrence<Self::Transition>]) -> Answer {
        let _ = all;
        Answer::Inapplicable
    }

    /// Transitions, in the order in which they happened, of which some leave open what they did:
    /// at which places, and what they can have done. Whoever holds an order against the definition
    /// follows one choice rather than all, of which there may be too many. `Err` is the place of one
    /// for which nothing is left. Where nothing is said the transition is taken as it is.
    fn choices(
        &self,
        order: &[&Self::Transition],
    ) -> Result<BTreeMap<usize, Self::Transition>, usize> {
        let _ = order;
        Ok(BTreeMap::new())
    }

    /// Whether an acknowledged transition shows that another operation took effect. A history
    /// without one could hardly have shown a violation.
    fn shows_effect(&self, transition: &Self::Transition) -> bool {
        self.step(&self.initial(), transition).is_none()
    }

    /// The readings under which this model judges, a sentence each.
    fn assumptions(&self) -> Vec<String> {
        Vec::new()
    }

    /// What does the same to the object wherever it happens, and is legal everywhere: a
    /// compare-and-set that took place, without its condition, is a write. `None` where there is
    /// no such transition, or where this is one already.
    fn blind(&self, transition: &Self::Transition) -> Option<Blind<Self::Transition>> {
        let _ = transition;
        None
    }

    /// Where changes are sums, whose order does not matter: the state that these leave. `None`
    /// where they are not.
    fn sum<'t>(&self, changes: impl Iterator<Item = &'t Self::Transition>) -> Option<Self::State>
    where
        Self::Transition: 't,
    {
        let _ = changes;
        None
    }

    /// The change that a transition makes, with nothing observed; `None` if it makes none.
    fn unobserved(&self, transition: &Self::Transition) -> Option<Self::Transition> {
        Some(transition.clone())
    }

    /// The element of a container that a transition is about, where everything about one element
    /// can be left out of a history without a trace: both operations of a value of a queue.
    fn element(&self, transition: &Self::Transition) -> Option<u64> {
        let _ = transition;
        None
    }

    /// The only part of the object that a transition depends on and changes, where the object is
    /// made of parts that know nothing of each other: a key of a map. `None` where there are no
    /// parts, or the transition is about several.
    fn part(&self, transition: &Self::Transition) -> Option<u64> {
        let _ = transition;
        None
    }

    /// The same specification for histories that are about one part only, if it can say more of
    /// these. A state of it is a state of the whole in which all other parts are as at first.
    fn alone(&self, part: u64) -> Option<Self>
    where
        Self: Sized,
    {
        let _ = part;
        None
    }

    /// Prepares for a history that is still growing ([`crate::monitor`]): from now on neither a step
    /// nor the kind of a transition may depend on what else was parsed, for it is taken before the
    /// rest is known.
    ///
    /// # Errors
    ///
    /// Why only a whole history can be judged.
    fn go_online(&mut self, scope: Scope) -> Result<(), Reason> {
        let _ = scope;
        Ok(())
    }

    /// Forgets every value that none of these states and transitions names, and renames the rest in
    /// them, so that what is kept of a history without end does not grow with it. Names keep their
    /// order.
    fn forget(&mut self, states: &mut [Self::State], transitions: &mut [Self::Transition]) {
        let _ = (states, transitions);
    }

    /// Roughly how many bytes a state takes.
    fn footprint(&self, state: &Self::State) -> usize {
        size_of_val(state)
    }

    /// Until what begins a crashed transition can be left aside, because a linearization that has it
    /// earlier has a twin that has it later or not at all.
    ///
    /// What leads to one state is seen by nobody but who needs that state: this holds as long as of
    /// every other operation it is known in which single state it is legal and where it leads.
    fn awaits(&self, crashed: &Self::Transition) -> Awaits<Self::State, Self::Transition> {
        self.produces(crashed).map_or(Awaits::Nothing, Awaits::State)
    }
}
