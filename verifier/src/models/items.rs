//! Items that are put in and taken out again: queues, stacks, and queues that promise no order.
//!
//! *Leaving out.* Everything about one item may be left out together, so an operation asks for its
//! item and offers it: strike all operations on it from a legal order, and what is next to come
//! out is, for every other one, what it was. A take that crashed may have taken any item, so it is
//! never left out; if it took one that is gone, it took none. Finding nothing is an observation
//! that only becomes easier.
//!
//! A queue without order does not say what a crashed take took, so its state is the set of all
//! collections that there may be.

use std::collections::{BTreeSet, HashMap};

use super::{Asks, Model, Offers};
use crate::keys::Operation;
use crate::pairing::Outcome;
use crate::value::Value;

/// What comes out next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Discipline {
    FirstInFirstOut,
    LastInFirstOut,
    Any,
}

/// What can happen to a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Put(u32),
    Take(u32),
    TakeSomething,
    FindNothing,
}

#[derive(Clone, Debug)]
pub(crate) struct Items {
    discipline: Discipline,
    ids: HashMap<Value, u32>,
}

impl Items {
    pub(crate) fn new(discipline: Discipline) -> Items {
        Items { discipline, ids: HashMap::new() }
    }

    fn id(&mut self, value: &Value) -> u32 {
        let fresh = u32::try_from(self.ids.len()).expect("fewer than 2^32 values");
        *self.ids.entry(value.clone()).or_insert(fresh)
    }

    /// All collections that a step can leave of one.
    fn steps(&self, held: &[u32], step: Step) -> Vec<Vec<u32>> {
        let without = |at: usize| [&held[..at], &held[at + 1..]].concat();
        let next: Vec<usize> = match self.discipline {
            Discipline::FirstInFirstOut => (0..held.len().min(1)).collect(),
            Discipline::LastInFirstOut => (held.len().saturating_sub(1)..held.len()).collect(),
            Discipline::Any => (0..held.len()).collect(),
        };
        match step {
            Step::Put(item) => {
                let mut after = [held, &[item]].concat();
                if self.discipline == Discipline::Any {
                    after.sort_unstable();
                }
                vec![after]
            }
            Step::Take(item) => {
                next.into_iter().find(|at| held[*at] == item).map(without).into_iter().collect()
            }
            Step::TakeSomething => next.into_iter().map(without).collect(),
            Step::FindNothing if held.is_empty() => vec![Vec::new()],
            Step::FindNothing => Vec::new(),
        }
    }
}

fn says_empty(result: &Value) -> bool {
    result.is_nil() || *result == Value::Keyword("empty".into())
}

impl Model for Items {
    type State = BTreeSet<Vec<u32>>;
    type Step = Step;

    fn assumptions(&self) -> Vec<String> {
        let empty = match self.discipline {
            Discipline::LastInFirstOut => "the stack is empty at first",
            Discipline::FirstInFirstOut | Discipline::Any => "the queue is empty at first",
        };
        vec![empty.to_owned()]
    }

    fn initial(&self) -> BTreeSet<Vec<u32>> {
        [Vec::new()].into()
    }

    fn read(&mut self, one: &Operation<'_>) -> Result<Option<Step>, String> {
        let (put, take) = match self.discipline {
            Discipline::LastInFirstOut => ("push", "pop"),
            Discipline::FirstInFirstOut | Discipline::Any => ("enqueue", "dequeue"),
        };
        let puts = match one.f.name() {
            Some(f) if f == put => true,
            Some(f) if f == take => false,
            _ => return Err(format!("op {}: the model has no function {}", one.index, one.f)),
        };
        Ok(match one.outcome {
            Outcome::Fail => None,
            Outcome::Ok | Outcome::Info if puts => {
                let item = if one.argument.is_nil() { one.result } else { one.argument };
                Some(Step::Put(self.id(item)))
            }
            Outcome::Info => Some(Step::TakeSomething),
            Outcome::Ok if says_empty(one.result) => Some(Step::FindNothing),
            Outcome::Ok => Some(Step::Take(self.id(one.result))),
        })
    }

    fn step(&self, state: &BTreeSet<Vec<u32>>, step: &Step) -> Option<BTreeSet<Vec<u32>>> {
        let after: BTreeSet<Vec<u32>> =
            state.iter().flat_map(|held| self.steps(held, *step)).collect();
        (!after.is_empty()).then_some(after)
    }

    fn asks(&self, step: &Step) -> Asks {
        match *step {
            Step::Put(item) | Step::Take(item) => Asks::Only(vec![item]),
            Step::TakeSomething | Step::FindNothing => Asks::Only(Vec::new()),
        }
    }

    fn offers(&self, step: &Step) -> Offers {
        match *step {
            Step::Put(item) | Step::Take(item) => Offers::Only(item),
            Step::TakeSomething => Offers::Everything,
            // It narrows down what there may be, but no more than that.
            Step::FindNothing => Offers::Nothing,
        }
    }

    fn overwrites(&self) -> bool {
        false
    }
}
