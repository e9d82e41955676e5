//! What queues, stacks and bags have in common: items that are put in and taken out again.
//!
//! | function | says |
//! |---|---|
//! | put, ok or info | this item is in |
//! | take, ok with an item | it was there, at the place where this discipline takes, and is out |
//! | take, ok with `nil` or `:empty` | there was nothing |
//! | take, info | something may have been taken; nobody knows what |
//!
//! What failed did not happen, and that a take failed because there was nothing is not believed
//! unless it is reported as an acknowledged take of nothing.

use super::{Call, ValueId, Values};
use crate::history::Outcome;
use crate::value::Value;
use crate::verdict::Reason;

/// What can happen to a collection of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemTransition {
    /// This was put in.
    Put(ValueId),
    /// This was taken out.
    Take(ValueId),
    /// Something was taken out, and nobody knows what.
    TakeSomething,
    /// There was nothing to take.
    Empty,
}

impl ItemTransition {
    /// The item: with its puts and takes left out, the rest is what it was.
    pub(crate) fn element(self) -> Option<u64> {
        match self {
            ItemTransition::Put(item) | ItemTransition::Take(item) => Some(u64::from(item.0)),
            ItemTransition::TakeSomething | ItemTransition::Empty => None,
        }
    }
}

/// How a kind of collection calls what is done to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ItemWords {
    /// `enqueue`
    pub(crate) put: &'static str,
    /// `dequeue`
    pub(crate) take: &'static str,
    /// `dequeued`
    pub(crate) taken: &'static str,
    /// `queue`
    pub(crate) noun: &'static str,
}

pub(crate) const QUEUE: ItemWords =
    ItemWords { put: "enqueue", take: "dequeue", taken: "dequeued", noun: "queue" };
pub(crate) const STACK: ItemWords =
    ItemWords { put: "push", take: "pop", taken: "popped", noun: "stack" };

/// The items of one collection, as its operations name them.
#[derive(Clone, Debug)]
pub(crate) struct Items {
    pub(crate) words: ItemWords,
    values: Values,
}

impl Items {
    pub(crate) fn new(words: ItemWords) -> Items {
        Items { words, values: Values::default() }
    }

    pub(crate) fn parse(&mut self, call: &Call<'_>) -> Result<Option<ItemTransition>, Reason> {
        let f = call.f.name().unwrap_or_default();
        if f != self.words.put && f != self.words.take {
            return Err(Reason::UnknownFunction(call.f.to_string()));
        }
        Ok(match call.outcome {
            Outcome::Fail => None,
            Outcome::Ok | Outcome::Info if f == self.words.put => {
                let item = if call.argument.is_nil() { call.result } else { call.argument };
                Some(ItemTransition::Put(self.values.intern(item)))
            }
            Outcome::Info => Some(ItemTransition::TakeSomething),
            Outcome::Ok if says_empty(call.result) => Some(ItemTransition::Empty),
            Outcome::Ok => Some(ItemTransition::Take(self.values.intern(call.result))),
        })
    }

    /// Forgets what is neither in one of these collections nor put there or taken.
    pub(crate) fn forget<'a>(
        &mut self,
        held: impl Iterator<Item = &'a mut Vec<ValueId>>,
        transitions: &'a mut [ItemTransition],
    ) {
        let mut names: Vec<&mut ValueId> = held.flatten().collect();
        for transition in transitions {
            match transition {
                ItemTransition::Put(item) | ItemTransition::Take(item) => names.push(item),
                ItemTransition::TakeSomething | ItemTransition::Empty => {}
            }
        }
        self.values.retain(names);
    }

    pub(crate) fn value(&self, id: ValueId) -> &Value {
        self.values.value(id)
    }

    pub(crate) fn describe(&self, items: &[ValueId]) -> Value {
        Value::Vector(items.iter().map(|id| self.value(*id).clone()).collect())
    }

    /// Why a transition is illegal where `next` is what would be taken.
    pub(crate) fn refusal(
        &self,
        transition: ItemTransition,
        next: Option<ValueId>,
        end: &str,
    ) -> String {
        let ItemWords { put, take, taken, noun } = self.words;
        match (transition, next) {
            (ItemTransition::Put(_), _) => format!("{put} is always legal"),
            (ItemTransition::Take(item), None) => {
                format!("{taken} {}, but the {noun} is empty", self.value(item))
            }
            (ItemTransition::Take(item), Some(next)) => {
                format!("{taken} {}, but {end} is {}", self.value(item), self.value(next))
            }
            (ItemTransition::TakeSomething, _) => format!("{take} finds the {noun} empty"),
            (ItemTransition::Empty, Some(next)) => {
                format!("found the {noun} empty, but it holds {}", self.value(next))
            }
            (ItemTransition::Empty, None) => format!("the {noun} is empty"),
        }
    }
}

fn says_empty(result: &Value) -> bool {
    result.is_nil() || matches!(result, Value::Keyword(word) if **word == *"empty")
}
