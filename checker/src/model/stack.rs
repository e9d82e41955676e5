//! A stack: what was put in last comes out first.

use super::items::{Items, STACK};
use super::{Call, Class, ItemTransition, Model, Requires, ValueId};
use crate::linear::{Answer, Occurrence};
use crate::special;
use crate::value::Value;
use crate::verdict::Reason;

/// The model `stack`.
#[derive(Clone, Debug)]
pub struct Stack {
    items: Items,
}

impl Default for Stack {
    fn default() -> Stack {
        Stack { items: Items::new(STACK) }
    }
}

impl Model for Stack {
    /// The items, the one that comes out next last.
    type State = Vec<ValueId>;
    type Transition = ItemTransition;

    fn initial(&self) -> Vec<ValueId> {
        Vec::new()
    }

    fn parse(&mut self, call: &Call<'_>) -> Result<Option<ItemTransition>, Reason> {
        self.items.parse(call)
    }

    fn step(&self, state: &Vec<ValueId>, transition: &ItemTransition) -> Option<Vec<ValueId>> {
        let rest = || state.split_last().map(|(_, rest)| rest.to_vec());
        match *transition {
            ItemTransition::Put(item) => Some(state.iter().copied().chain([item]).collect()),
            ItemTransition::Take(item) if state.last() == Some(&item) => rest(),
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
        self.items.refusal(*transition, state.last().copied(), "the top")
    }

    fn procedure(&self, all: &[Occurrence<ItemTransition>]) -> Answer {
        special::stack(all, &self.items)
    }

    fn assumptions(&self) -> Vec<String> {
        vec!["the stack is empty at first".to_owned()]
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
