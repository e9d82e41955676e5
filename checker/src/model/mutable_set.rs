//! A set to which elements are added, from which they are removed, and which is asked for one of
//! them or read as a whole. (The checker `set` is about sets that only grow, and says which
//! elements were lost.)
//!
//! Adding and removing may return whether that changed anything; nothing is made of any other
//! result.

use super::{Call, Class, Model, Requires, ValueId, Values};
use crate::history::Outcome;
use crate::value::Value;
use crate::verdict::Reason;

/// The model `mutable-set`.
#[derive(Clone, Debug, Default)]
pub struct MutableSet {
    values: Values,
}

/// What can happen to a set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SetTransition {
    /// This was added; whether it was new, if that is known.
    Add(ValueId, Option<bool>),
    /// This was removed; whether it was there, if that is known.
    Remove(ValueId, Option<bool>),
    /// Whether this is in it.
    Contains(ValueId, bool),
    /// This was read, sorted.
    Read(Vec<ValueId>),
}

impl MutableSet {
    fn read(&mut self, result: &Value) -> Result<SetTransition, Reason> {
        let items: &[Value] = match result {
            Value::Set(items) | Value::Vector(items) | Value::List(items) => items,
            Value::Nil => &[],
            other => {
                return Err(Reason::BadValue(format!("a read must return a set, got {other}")));
            }
        };
        let mut items: Vec<ValueId> = items.iter().map(|item| self.values.intern(item)).collect();
        items.sort_unstable();
        items.dedup();
        Ok(SetTransition::Read(items))
    }

    fn set(&self, items: &[ValueId]) -> Value {
        Value::Set(items.iter().map(|id| self.values.value(*id).clone()).collect())
    }
}

/// `true` and `false`, also behind the element, `[3 true]`.
fn answer(result: &Value) -> Option<bool> {
    match (result, result.items()) {
        (Value::Bool(answer), _) | (_, Some([_, Value::Bool(answer)])) => Some(*answer),
        _ => None,
    }
}

impl Model for MutableSet {
    /// The elements, sorted.
    type State = Vec<ValueId>;
    type Transition = SetTransition;

    fn initial(&self) -> Vec<ValueId> {
        Vec::new()
    }

    fn parse(&mut self, call: &Call<'_>) -> Result<Option<SetTransition>, Reason> {
        let known = if call.outcome == Outcome::Ok { answer(call.result) } else { None };
        match (call.f.name(), call.outcome) {
            (Some("add" | "remove" | "contains" | "read"), Outcome::Fail)
            | (Some("contains" | "read"), Outcome::Info) => Ok(None),
            (Some("add"), _) => {
                Ok(Some(SetTransition::Add(self.values.intern(call.argument), known)))
            }
            (Some("remove"), _) => {
                Ok(Some(SetTransition::Remove(self.values.intern(call.argument), known)))
            }
            (Some("contains"), _) => match known {
                Some(is_there) => {
                    Ok(Some(SetTransition::Contains(self.values.intern(call.argument), is_there)))
                }
                None => {
                    let text = format!("contains must return true or false, got {}", call.result);
                    Err(Reason::BadValue(text))
                }
            },
            (Some("read"), _) => self.read(call.result).map(Some),
            _ => Err(Reason::UnknownFunction(call.f.to_string())),
        }
    }

    fn step(&self, state: &Vec<ValueId>, transition: &SetTransition) -> Option<Vec<ValueId>> {
        let find = |item: &ValueId| state.binary_search(item);
        let mut after = state.clone();
        match transition {
            SetTransition::Add(item, known) => match (find(item), known) {
                (Ok(_), Some(true)) | (Err(_), Some(false)) => return None,
                (Ok(_), _) => {}
                (Err(at), _) => after.insert(at, *item),
            },
            SetTransition::Remove(item, known) => match (find(item), known) {
                (Ok(_), Some(false)) | (Err(_), Some(true)) => return None,
                (Ok(at), _) => drop(after.remove(at)),
                (Err(_), _) => {}
            },
            SetTransition::Contains(item, is_there) if find(item).is_ok() != *is_there => {
                return None;
            }
            SetTransition::Read(items) if items != state => return None,
            SetTransition::Contains(..) | SetTransition::Read(_) => {}
        }
        Some(after)
    }

    fn class(&self, transition: &SetTransition) -> Class {
        match transition {
            SetTransition::Contains(..)
            | SetTransition::Read(_)
            | SetTransition::Add(_, Some(false))
            | SetTransition::Remove(_, Some(false)) => Class::Observer,
            SetTransition::Add(..) | SetTransition::Remove(..) => Class::Conditional,
        }
    }

    fn requires(&self, transition: &SetTransition) -> Requires<Vec<ValueId>> {
        match transition {
            SetTransition::Add(_, None) | SetTransition::Remove(_, None) => Requires::Anything,
            SetTransition::Read(items) => Requires::Exactly(items.clone()),
            _ => Requires::Some,
        }
    }

    fn produces(&self, _: &SetTransition) -> Option<Vec<ValueId>> {
        None
    }

    fn describe(&self, state: &Vec<ValueId>) -> Value {
        self.set(state)
    }

    fn refusal(&self, state: &Vec<ValueId>, transition: &SetTransition) -> String {
        let held = self.set(state);
        let (did, item) = match transition {
            SetTransition::Read(items) => {
                return format!("read {}, but the set holds {held}", self.set(items));
            }
            SetTransition::Add(item, Some(true)) => ("added, as a new element,", item),
            SetTransition::Add(item, _) => ("added, as one that was there,", item),
            SetTransition::Remove(item, Some(true)) => ("removed", item),
            SetTransition::Remove(item, _) => ("found nothing to remove of", item),
            SetTransition::Contains(item, true) => ("found", item),
            SetTransition::Contains(item, false) => ("missed", item),
        };
        format!("{did} {}, but the set holds {held}", self.values.value(*item))
    }

    fn shows_effect(&self, transition: &SetTransition) -> bool {
        match transition {
            SetTransition::Read(items) => !items.is_empty(),
            SetTransition::Contains(_, is_there) => *is_there,
            SetTransition::Add(_, known) => *known == Some(false),
            SetTransition::Remove(_, known) => *known == Some(true),
        }
    }

    fn part(&self, transition: &SetTransition) -> Option<u64> {
        match transition {
            SetTransition::Add(item, _)
            | SetTransition::Remove(item, _)
            | SetTransition::Contains(item, _) => Some(item.0.into()),
            SetTransition::Read(_) => None,
        }
    }

    fn assumptions(&self) -> Vec<String> {
        vec!["the set is empty at first".to_owned()]
    }

    fn forget(&mut self, states: &mut [Vec<ValueId>], transitions: &mut [SetTransition]) {
        let mut names: Vec<&mut ValueId> = states.iter_mut().flatten().collect();
        for transition in transitions {
            match transition {
                SetTransition::Add(item, _)
                | SetTransition::Remove(item, _)
                | SetTransition::Contains(item, _) => names.push(item),
                SetTransition::Read(items) => names.extend(items),
            }
        }
        self.values.retain(names);
    }

    fn footprint(&self, state: &Vec<ValueId>) -> usize {
        size_of_val(state) + size_of_val(state.as_slice())
    }
}
