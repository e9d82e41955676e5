//! A list that is only appended to, and read as a whole.
//!
//! An append may return its place, as `{:offset 3}` or as a bare number other than what was
//! appended (which repeats the argument and says nothing).
//!
//! *Leaving out.* Every append shifts those behind it, so only reads are left out.

use super::ids::Ids;
use super::trie::{Node, ROOT, Trie};
use super::{Asks, Model, Offers, no_function};
use crate::keys::Operation;
use crate::pairing::Outcome;
use crate::value::Value;

#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    ids: Ids,
    read: Trie,
}

/// What a log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    len: u64,
    /// Which elements; `None` if they are no beginning of anything that was read.
    elements: Option<Node>,
}

/// What can happen to a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// This was appended, at this place if that is known.
    Append(u32, Option<u64>),
    Read(Node),
}

/// The place that an append returned.
fn place(argument: &Value, result: &Value) -> Option<u64> {
    match (result.entry("offset"), result) {
        (Some(Value::Int(place)), _) => u64::try_from(*place).ok(),
        (None, Value::Int(place)) if result != argument => u64::try_from(*place).ok(),
        _ => None,
    }
}

impl Model for Log {
    type State = State;
    type Step = Step;

    fn assumptions(&self) -> Vec<String> {
        vec!["the log is empty at first".to_owned()]
    }

    fn initial(&self) -> State {
        State { len: 0, elements: Some(ROOT) }
    }

    fn read(&mut self, one: &Operation<'_>) -> Result<Option<Step>, String> {
        Ok(match (one.f.name(), one.outcome) {
            (Some("append" | "read"), Outcome::Fail) | (Some("read"), Outcome::Info) => None,
            (Some("append"), outcome) => {
                let at = place(one.argument, one.result).filter(|_| outcome == Outcome::Ok);
                Some(Step::Append(self.ids.of(one.argument), at))
            }
            (Some("read"), Outcome::Ok) => {
                let items = match one.result {
                    Value::Vector(items) => &items[..],
                    Value::Nil => &[],
                    other => return Err(format!("op {}: {other} is no list", one.index)),
                };
                let items: Vec<u32> = items.iter().map(|item| self.ids.of(item)).collect();
                Some(Step::Read(self.read.insert(items)))
            }
            _ => return Err(no_function(one)),
        })
    }

    fn advance(&self, state: &mut State, step: &Step) -> bool {
        match *step {
            Step::Append(item, place) => {
                let fits = place.is_none_or(|place| place == state.len);
                state.elements = state.elements.and_then(|node| self.read.walk(node, [item]));
                state.len += 1;
                fits
            }
            Step::Read(node) => state.elements == Some(node),
        }
    }

    fn asks(&self, step: &Step) -> Asks {
        match step {
            Step::Append(_, None) => Asks::Only(Vec::new()),
            Step::Append(..) | Step::Read(_) => Asks::Everything,
        }
    }

    fn offers(&self, step: &Step) -> Offers {
        match step {
            Step::Append(..) => Offers::Everything,
            Step::Read(_) => Offers::Nothing,
        }
    }
}
