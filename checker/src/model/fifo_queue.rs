//! A queue: what was put in first comes out first.

use super::items::{Items, QUEUE};
use super::{Call, Class, ItemTransition, Model, Requires, ValueId};
use crate::linear::{Answer, Occurrence};
use crate::special;
use crate::value::Value;
use crate::verdict::Reason;

/// The model `fifo-queue`.
#[derive(Clone, Debug)]
pub struct FifoQueue {
    items: Items,
}

impl Default for FifoQueue {
    fn default() -> FifoQueue {
        FifoQueue { items: Items::new(QUEUE) }
    }
}

impl Model for FifoQueue {
    /// The items, the one that comes out next first.
    type State = Vec<ValueId>;
    type Transition = ItemTransition;

    fn initial(&self) -> Vec<ValueId> {
        Vec::new()
    }

    fn parse(&mut self, call: &Call<'_>) -> Result<Option<ItemTransition>, Reason> {
        self.items.parse(call)
    }

    fn step(&self, state: &Vec<ValueId>, transition: &ItemTransition) -> Option<Vec<ValueId>> {
        let rest = || state.get(1..).map(<[ValueId]>::to_vec);
        match *transition {
            ItemTransition::Put(item) => Some(state.iter().copied().chain([item]).collect()),
            ItemTransition::Take(item) if state.first() == Some(&item) => rest(),
            ItemTransition::TakeSomething => rest(),
            ItemTransition::Empty if state.is_empty() => Some(Vec::new()),
            ItemTransition::Take(_) | ItemTransition::Empty => None,
        }
    }

    fn class(&self, transition: &ItemTransition) -> Class {
        match transition {
            ItemTransition::Empty => Class::Observer,
            _ => Class::Conditional,
        }
    }

    fn requires(&self, transition: &ItemTransition) -> Requires<Vec<ValueId>> {
        match transition {
            ItemTransition::Put(_) => Requires::Anything,
            ItemTransition::Empty => Requires::Exactly(Vec::new()),
            ItemTransition::Take(_) | ItemTransition::TakeSomething => Requires::Some,
        }
    }

    fn produces(&self, _: &ItemTransition) -> Option<Vec<ValueId>> {
        None
    }

    fn describe(&self, state: &Vec<ValueId>) -> Value {
        self.items.describe(state)
    }

    fn refusal(&self, state: &Vec<ValueId>, transition: &ItemTransition) -> String {
        self.items.refusal(*transition, state.first().copied(), "the head")
    }

    fn procedure(&self, all: &[Occurrence<ItemTransition>]) -> Answer {
        special::fifo_queue(all, &self.items)
    }

    fn assumptions(&self) -> Vec<String> {
        vec!["the queue is empty at first".to_owned()]
    }
    fn element(&self, transition: &ItemTransition) -> Option<u64> {
        transition.element()
    }

    fn forget(&mut self, states: &mut [Vec<ValueId>], transitions: &mut [ItemTransition]) {
        self.items.forget(states.iter_mut(), transitions);
    }

    fn footprint(&self, state: &Vec<ValueId>) -> usize {
        size_of_val(state) + size_of_val(state.as_slice())
    }
}
