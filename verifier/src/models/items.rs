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

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::ids::Ids;
use super::{Asks, Model, Offers, no_function};
use crate::keys::Operation;
use crate::pairing::Outcome;
use crate::value::Value;

/// Which item comes out next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    First,
    Last,
}

/// What can happen to a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Put(u32),
    Take(u32),
    TakeSomething,
    FindNothing,
}

fn read(
    ids: &mut Ids,
    one: &Operation<'_>,
    [put, take]: [&str; 2],
) -> Result<Option<Step>, String> {
    let puts = match one.f.name() {
        Some(f) if f == put => true,
        Some(f) if f == take => false,
        _ => return Err(no_function(one)),
    };
    Ok(match one.outcome {
        Outcome::Fail => None,
        Outcome::Ok | Outcome::Info if puts => {
            let item = if one.argument.is_nil() { one.result } else { one.argument };
            Some(Step::Put(ids.of(item)))
        }
        Outcome::Info => Some(Step::TakeSomething),
        Outcome::Ok if says_empty(one.result) => Some(Step::FindNothing),
        Outcome::Ok => Some(Step::Take(ids.of(one.result))),
    })
}

fn says_empty(result: &Value) -> bool {
    result.is_nil() || *result == Value::Keyword("empty".into())
}

fn asks(step: Step) -> Asks {
    match step {
        Step::Put(item) | Step::Take(item) => Asks::Only(vec![item]),
        Step::TakeSomething | Step::FindNothing => Asks::Only(Vec::new()),
    }
}

fn offers(step: Step) -> Offers {
    match step {
        Step::Put(item) | Step::Take(item) => Offers::Only(item),
        Step::TakeSomething => Offers::Everything,
        // It narrows down what there may be, but no more than that.
        Step::FindNothing => Offers::Nothing,
    }
}

/// Items in a row: a queue or a stack.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    next: Next,
    ids: Ids,
}

impl Row {
    pub(crate) fn new(next: Next) -> Row {
        Row { next, ids: Ids::default() }
    }
}

impl Model for Row {
    type State = VecDeque<u32>;
    type Step = Step;

    fn assumptions(&self) -> Vec<String> {
        let empty = match self.next {
            Next::First => "the queue is empty at first",
            Next::Last => "the stack is empty at first",
        };
        vec![empty.to_owned()]
    }

    fn initial(&self) -> VecDeque<u32> {
        VecDeque::new()
    }

    fn read(&mut self, one: &Operation<'_>) -> Result<Option<Step>, String> {
        let names = match self.next {
            Next::First => ["enqueue", "dequeue"],
            Next::Last => ["push", "pop"],
        };
        read(&mut self.ids, one, names)
    }

    fn advance(&self, held: &mut VecDeque<u32>, step: &Step) -> bool {
        let take = |held: &mut VecDeque<u32>| match self.next {
            Next::First => held.pop_front(),
            Next::Last => held.pop_back(),
        };
        match *step {
            Step::Put(item) => {
                held.push_back(item);
                true
            }
            Step::Take(item) => take(held) == Some(item),
            Step::TakeSomething => take(held).is_some(),
            Step::FindNothing => held.is_empty(),
        }
    }

    fn asks(&self, step: &Step) -> Asks {
        asks(*step)
    }

    fn offers(&self, step: &Step) -> Offers {
        offers(*step)
    }
}

/// How often each item is there.
type Held = BTreeMap<u32, u32>;

/// A queue without order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bag {
    ids: Ids,
}

fn take(held: &mut Held, item: u32) -> bool {
    match held.get_mut(&item) {
        None => return false,
        Some(1) => drop(held.remove(&item)),
        Some(count) => *count -= 1,
    }
    true
}

/// All collections that a step can leave of one.
fn after(mut held: Held, step: Step) -> Vec<Held> {
    let fits = match step {
        Step::TakeSomething => {
            let without = |item: &u32| {
                let mut rest = held.clone();
                take(&mut rest, *item);
                rest
            };
            return held.keys().map(without).collect();
        }
        Step::Put(item) => {
            *held.entry(item).or_default() += 1;
            true
        }
        Step::Take(item) => take(&mut held, item),
        Step::FindNothing => held.is_empty(),
    };
    if fits { vec![held] } else { Vec::new() }
}

impl Model for Bag {
    type State = BTreeSet<Held>;
    type Step = Step;

    fn assumptions(&self) -> Vec<String> {
        vec!["the queue is empty at first".to_owned()]
    }

    fn initial(&self) -> BTreeSet<Held> {
        [Held::new()].into()
    }

    fn read(&mut self, one: &Operation<'_>) -> Result<Option<Step>, String> {
        read(&mut self.ids, one, ["enqueue", "dequeue"])
    }

    fn advance(&self, state: &mut BTreeSet<Held>, step: &Step) -> bool {
        let before = std::mem::take(state);
        state.extend(before.into_iter().flat_map(|held| after(held, *step)));
        !state.is_empty()
    }

    /// Whoever took something took an item that nobody takes by its name. There, one is as good as
    /// another, so the one that was put in first is taken. Of equal items those put in last are the
    /// ones that are taken by name.
    fn choices(&self, order: &[&Step]) -> Result<HashMap<usize, Step>, usize> {
        let mut spare: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (place, step) in order.iter().enumerate() {
            match **step {
                Step::Put(item) => spare.entry(item).or_default().push(place),
                Step::Take(item) => {
                    spare.get_mut(&item).and_then(Vec::pop).ok_or(place)?;
                }
                Step::TakeSomething | Step::FindNothing => {}
            }
        }
        let spare: BTreeMap<usize, u32> = spare
            .iter()
            .flat_map(|(item, places)| places.iter().map(|place| (*place, *item)))
            .collect();
        let mut spare = spare.into_iter();
        let mut chosen = HashMap::new();
        for (place, step) in order.iter().enumerate() {
            if let Step::TakeSomething = step {
                let (put, item) = spare.next().ok_or(place)?;
                if put > place {
                    return Err(place);
                }
                chosen.insert(place, Step::Take(item));
            }
        }
        Ok(chosen)
    }

    fn asks(&self, step: &Step) -> Asks {
        asks(*step)
    }

    fn offers(&self, step: &Step) -> Offers {
        offers(*step)
    }
}
