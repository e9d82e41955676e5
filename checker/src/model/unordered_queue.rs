//! A queue that promises no order: what was put in comes out, once.
//!
//! Of a dequeue that crashed nobody knows what it took, so from one state it leads to as many as
//! there are different items; see [`PowerSet`].

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::items::{Items, QUEUE};
use super::{Awaits, Call, ItemTransition, Nondeterministic, PowerSet, ValueId};
use crate::linear::{Answer, Occurrence};
use crate::special;
use crate::value::Value;
use crate::verdict::Reason;

/// The model `unordered-queue`.
pub type UnorderedQueue = PowerSet<Bag>;

/// What it is made of.
#[derive(Clone, Debug)]
pub struct Bag {
    items: Items,
}

impl Default for Bag {
    fn default() -> Bag {
        Bag { items: Items::new(QUEUE) }
    }
}

impl Nondeterministic for Bag {
    /// The items, sorted.
    type State = Vec<ValueId>;
    type Transition = ItemTransition;

    fn initial(&self) -> Vec<Vec<ValueId>> {
        vec![Vec::new()]
    }

    fn parse(&mut self, call: &Call<'_>) -> Result<Option<ItemTransition>, Reason> {
        self.items.parse(call)
    }

    fn steps(&self, state: &Vec<ValueId>, transition: &ItemTransition) -> Vec<Vec<ValueId>> {
        let without = |at: usize| {
            let mut rest = state.clone();
            rest.remove(at);
            rest
        };
        match *transition {
            ItemTransition::Put(item) => {
                let mut after = state.clone();
                after.insert(state.partition_point(|other| *other <= item), item);
                vec![after]
            }
            ItemTransition::Take(item) => {
                state.binary_search(&item).map(without).into_iter().collect()
            }
            ItemTransition::TakeSomething => (0..state.len()).map(without).collect(),
            ItemTransition::Empty if state.is_empty() => vec![Vec::new()],
            ItemTransition::Empty => Vec::new(),
        }
    }

    fn describe(&self, state: &Vec<ValueId>) -> Value {
        self.items.describe(state)
    }

    fn refusal(&self, state: &Vec<ValueId>, transition: &ItemTransition) -> String {
        match (transition, state.as_slice()) {
            (ItemTransition::Take(item), [_, _, ..]) => {
                let (item, held) = (self.items.value(*item), self.describe(state));
                format!("dequeued {item}, but the queue holds only {held}")
            }
            _ => self.items.refusal(*transition, state.first().copied(), "the only item"),
        }
    }

    fn procedure(&self, all: &[Occurrence<ItemTransition>]) -> Answer {
        special::unordered_queue(all, &self.items)
    }

    /// Who took something took what nobody takes by its name: there, any will do, and the first is
    /// taken. Of equal items the latest are those taken by name, which leaves the earliest to be
    /// taken by anybody.
    fn choices(&self, order: &[&ItemTransition]) -> Result<BTreeMap<usize, ItemTransition>, usize> {
        let mut untaken: FxHashMap<ValueId, Vec<usize>> = FxHashMap::default();
        for (place, transition) in order.iter().enumerate() {
            match **transition {
                ItemTransition::Put(item) => untaken.entry(item).or_default().push(place),
                ItemTransition::Take(item) => {
                    untaken.get_mut(&item).and_then(Vec::pop).ok_or(place)?;
                }
                ItemTransition::TakeSomething | ItemTransition::Empty => {}
            }
        }
        let mut untaken: Vec<(usize, ValueId)> = untaken
            .into_iter()
            .flat_map(|(item, places)| places.into_iter().map(move |place| (place, item)))
            .collect();
        untaken.sort_unstable();
        let mut untaken = untaken.into_iter();
        let somebody = |(_, transition): &(usize, &&ItemTransition)| {
            matches!(transition, ItemTransition::TakeSomething)
        };
        let takes = order.iter().enumerate().filter(somebody).map(|(place, _)| {
            let (_, item) = untaken.next().filter(|(put, _)| *put < place).ok_or(place)?;
            Ok((place, ItemTransition::Take(item)))
        });
        takes.collect()
    }

    fn assumptions(&self) -> Vec<String> {
        vec!["the queue is empty at first".to_owned()]
    }

    fn element(&self, transition: &ItemTransition) -> Option<u64> {
        transition.element()
    }

    fn forget(&mut self, states: &mut [Vec<Vec<ValueId>>], transitions: &mut [ItemTransition]) {
        self.items.forget(states.iter_mut().flatten(), transitions);
    }

    fn footprint(&self, state: &Vec<ValueId>) -> usize {
        size_of_val(state) + size_of_val(state.as_slice())
    }

    /// An item that nobody takes hides nothing, and that one is gone is seen by nobody but who
    /// finds nothing.
    fn awaits(&self, crashed: &ItemTransition) -> Awaits<Vec<Vec<ValueId>>, ItemTransition> {
        match *crashed {
            ItemTransition::Put(item) => Awaits::Transition(ItemTransition::Take(item)),
            ItemTransition::TakeSomething => Awaits::Transition(ItemTransition::Empty),
            ItemTransition::Take(_) | ItemTransition::Empty => Awaits::Nothing,
        }
    }
}
