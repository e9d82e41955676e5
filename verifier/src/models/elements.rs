//! Elements that come and go: `add`, `remove`, `contains`, and `read`, which returns all of them.
//!
//! *Leaving out.* An element is there or not, whatever becomes of the others, so what happens to
//! one may be left out where nobody asks for it. *Looking at some elements only:* of a legal order,
//! what happens to these, and what reads say of these, is a legal order.

use std::collections::BTreeSet;

use super::ids::Ids;
use super::{Asks, Model, Offers, no_function};
use crate::keys::Operation;
use crate::pairing::Outcome;
use crate::value::Value;

#[derive(Clone, Debug, Default)]
pub(crate) struct Elements {
    ids: Ids,
    /// Nothing else is looked at.
    only: Option<BTreeSet<u32>>,
}

/// What can happen to a set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// This was added; whether it was new, if that is known.
    Add(u32, Option<bool>),
    /// This was removed; whether it was there, if that is known.
    Remove(u32, Option<bool>),
    Contains(u32, bool),
    Read(BTreeSet<u32>),
}

impl Elements {
    fn is_looked_at(&self, id: u32) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&id))
    }

    fn meaning(&mut self, one: &Operation<'_>) -> Result<Option<Step>, String> {
        let known = answer(one.result).filter(|_| one.outcome == Outcome::Ok);
        Ok(match (one.f.name(), one.outcome) {
            (Some("add" | "remove" | "contains" | "read"), Outcome::Fail)
            | (Some("contains" | "read"), Outcome::Info) => None,
            (Some("add"), _) => Some(Step::Add(self.ids.of(one.argument), known)),
            (Some("remove"), _) => Some(Step::Remove(self.ids.of(one.argument), known)),
            (Some("contains"), _) => match known {
                Some(is_there) => Some(Step::Contains(self.ids.of(one.argument), is_there)),
                None => return Err(format!("op {}: {} is no answer", one.index, one.result)),
            },
            (Some("read"), _) => {
                let items = match one.result {
                    Value::Set(items) | Value::Vector(items) => &items[..],
                    Value::Nil => &[],
                    other => return Err(format!("op {}: {other} is no set", one.index)),
                };
                let ids: BTreeSet<u32> = items.iter().map(|item| self.ids.of(item)).collect();
                Some(Step::Read(ids.into_iter().filter(|id| self.is_looked_at(*id)).collect()))
            }
            _ => return Err(no_function(one)),
        })
    }
}

/// `true` and `false`, also behind the element, `[3 true]`.
fn answer(result: &Value) -> Option<bool> {
    match (result, result.items()) {
        (Value::Bool(answer), _) | (_, Some([_, Value::Bool(answer)])) => Some(*answer),
        _ => None,
    }
}

impl Model for Elements {
    type State = BTreeSet<u32>;
    type Step = Step;

    fn assumptions(&self) -> Vec<String> {
        vec!["the set is empty at first".to_owned()]
    }

    fn initial(&self) -> BTreeSet<u32> {
        BTreeSet::new()
    }

    fn look_at(&mut self, things: &[Value]) -> Result<(), String> {
        let only = things.iter().map(|thing| self.ids.of(thing)).collect();
        self.only = Some(only);
        Ok(())
    }

    fn read(&mut self, one: &Operation<'_>) -> Result<Option<Step>, String> {
        let step = self.meaning(one)?;
        Ok(step.filter(|step| match *step {
            Step::Add(id, _) | Step::Remove(id, _) | Step::Contains(id, _) => self.is_looked_at(id),
            Step::Read(_) => true,
        }))
    }

    fn advance(&self, state: &mut BTreeSet<u32>, step: &Step) -> bool {
        match step {
            Step::Add(id, known) => {
                let is_new = state.insert(*id);
                known.is_none_or(|known| known == is_new)
            }
            Step::Remove(id, known) => {
                let was_there = state.remove(id);
                known.is_none_or(|known| known == was_there)
            }
            Step::Contains(id, is_there) => state.contains(id) == *is_there,
            Step::Read(items) => items == state,
        }
    }

    fn asks(&self, step: &Step) -> Asks {
        match *step {
            Step::Add(id, _) | Step::Remove(id, _) | Step::Contains(id, _) => Asks::Only(vec![id]),
            Step::Read(_) => Asks::Everything,
        }
    }

    fn offers(&self, step: &Step) -> Offers {
        match *step {
            Step::Contains(..) | Step::Read(_) => Offers::Nothing,
            Step::Add(_, Some(false)) | Step::Remove(_, Some(false)) => Offers::Nothing,
            Step::Add(id, _) | Step::Remove(id, _) => Offers::Only(id),
        }
    }
}
