//! Keys with values: `get`, `put`, `append`, `cas [expected new]` and `delete`.
//!
//! A key that is missing reads as nil or as the empty string. A string that is no beginning of
//! anything that somebody read, or expected, is *unread*, whatever it is: until the next put, no
//! `get` and no `cas` is legal.
//!
//! *Leaving out.* Every operation asks for its key and changes nothing else, so what happens to a
//! key may be left out where nobody asks for it. *Looking at some keys only:* of a legal order,
//! what happens to these is a legal order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ids::Ids;
use super::trie::{Node, ROOT, Trie};
use super::{Asks, Model, Offers, no_function};
use crate::keys::Operation;
use crate::pairing::Outcome;
use crate::value::Value;

#[derive(Clone, Debug)]
pub(crate) struct Map {
    nil_unknown: bool,
    init: Value,
    initial: Content,
    /// Keys, strings and other values.
    ids: Ids,
    /// Every string that somebody read, or expected, by its bytes.
    read: Trie,
    only: Option<BTreeSet<u32>>,
}

/// What somebody says of a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Content {
    Nothing,
    Text(Arc<str>),
    Other(u32),
}

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Held {
    Nothing,
    Text(Node),
    Other(u32),
    Unread,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Change {
    Get(Content),
    Put(Content),
    Append(Arc<str>),
    Cas(Content, Content),
}

/// What can happen to a map.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Step {
    key: u32,
    change: Change,
}

fn symbols(text: &str) -> impl Iterator<Item = u32> {
    text.bytes().map(u32::from)
}

impl Map {
    pub(crate) fn new(nil_unknown: bool, init: Value) -> Map {
        let mut map = Map {
            nil_unknown,
            init: init.clone(),
            initial: Content::Nothing,
            ids: Ids::default(),
            read: Trie::default(),
            only: None,
        };
        map.initial = map.content(&init);
        map
    }

    fn content(&mut self, value: &Value) -> Content {
        match value {
            Value::Nil => Content::Nothing,
            Value::Str(text) if text.is_empty() => Content::Nothing,
            Value::Str(text) => Content::Text(text.clone()),
            other => Content::Other(self.ids.of(other)),
        }
    }

    /// The same, of something that a key must hold for the operation to be legal.
    fn seen(&mut self, value: &Value) -> Content {
        let content = self.content(value);
        if let Content::Text(text) = &content {
            self.read.insert(symbols(text));
        }
        content
    }

    fn held(&self, content: &Content) -> Held {
        match content {
            Content::Nothing => Held::Nothing,
            Content::Text(text) => {
                self.read.walk(ROOT, symbols(text)).map_or(Held::Unread, Held::Text)
            }
            Content::Other(id) => Held::Other(*id),
        }
    }

    fn appended(&self, held: Held, text: &str) -> Option<Held> {
        let from = match held {
            Held::Other(_) => return None,
            Held::Unread => return Some(Held::Unread),
            _ if text.is_empty() => return Some(held),
            Held::Nothing => ROOT,
            Held::Text(node) => node,
        };
        Some(self.read.walk(from, symbols(text)).map_or(Held::Unread, Held::Text))
    }

    fn change(
        &mut self,
        one: &Operation<'_>,
        argument: &Value,
        result: &Value,
    ) -> Result<Option<Change>, String> {
        Ok(match (one.f.name(), one.outcome) {
            (
                Some("get" | "read" | "put" | "write" | "append" | "cas" | "delete"),
                Outcome::Fail,
            )
            | (Some("get" | "read"), Outcome::Info) => None,
            (Some("get" | "read"), Outcome::Ok) => {
                let silent = result.is_nil() && self.nil_unknown;
                (!silent).then(|| Change::Get(self.seen(result)))
            }
            (Some("put" | "write"), _) => Some(Change::Put(self.content(argument))),
            (Some("delete"), _) => Some(Change::Put(Content::Nothing)),
            (Some("append"), _) => match argument {
                Value::Str(text) => Some(Change::Append(text.clone())),
                other => return Err(format!("op {}: {other} is no string", one.index)),
            },
            (Some("cas"), _) => match argument.items() {
                Some([old, new]) => Some(Change::Cas(self.seen(old), self.content(new))),
                _ => return Err(format!("op {}: cas needs [expected new]", one.index)),
            },
            _ => return Err(no_function(one)),
        })
    }
}

impl Model for Map {
    /// What keys hold, without those that hold what they held at first.
    type State = BTreeMap<u32, Held>;
    type Step = Step;

    fn assumptions(&self) -> Vec<String> {
        let initial = match &self.initial {
            Content::Nothing => "every key is missing at first".to_owned(),
            _ => format!("every key holds {} at first", self.init),
        };
        let nil = match self.nil_unknown {
            true => "a get of nil says nothing",
            false => "a get of nil, or of an empty string, found nothing",
        };
        let cas = "a failed cas says only that it did not happen";
        vec![initial, nil.to_owned(), cas.to_owned()]
    }

    fn initial(&self) -> BTreeMap<u32, Held> {
        BTreeMap::new()
    }

    fn look_at(&mut self, things: &[Value]) -> Result<(), String> {
        let only = things.iter().map(|thing| self.ids.of(thing)).collect();
        self.only = Some(only);
        Ok(())
    }

    fn read(&mut self, one: &Operation<'_>) -> Result<Option<Step>, String> {
        let no_pair = || format!("op {}: its value is no pair of a key and a value", one.index);
        let (key, argument, result) = match (one.key, one.argument.items(), one.outcome) {
            (Some(key), ..) => (key, one.argument, one.result),
            (None, Some([key, argument]), Outcome::Ok) => match one.result.items() {
                Some([_, result]) => (key, argument, result),
                _ => return Err(no_pair()),
            },
            (None, Some([key, argument]), _) => (key, argument, &Value::Nil),
            (None, ..) => return Err(no_pair()),
        };
        let key = self.ids.of(key);
        if self.only.as_ref().is_some_and(|only| !only.contains(&key)) {
            return Ok(None);
        }
        let change = self.change(one, argument, result)?;
        Ok(change.map(|change| Step { key, change }))
    }

    fn advance(&self, state: &mut BTreeMap<u32, Held>, step: &Step) -> bool {
        let initial = self.held(&self.initial);
        let holds = state.get(&step.key).copied().unwrap_or(initial);
        let becomes = match &step.change {
            Change::Get(seen) => return holds == self.held(seen),
            Change::Put(new) => self.held(new),
            Change::Append(text) => match self.appended(holds, text) {
                Some(becomes) => becomes,
                None => return false,
            },
            Change::Cas(old, new) if holds == self.held(old) => self.held(new),
            Change::Cas(..) => return false,
        };
        match becomes == initial {
            true => state.remove(&step.key),
            false => state.insert(step.key, becomes),
        };
        true
    }

    fn asks(&self, step: &Step) -> Asks {
        Asks::Only(vec![step.key])
    }

    fn offers(&self, step: &Step) -> Offers {
        match &step.change {
            Change::Get(_) => Offers::Nothing,
            Change::Cas(old, new) if old == new => Offers::Nothing,
            Change::Append(text) if text.is_empty() => Offers::Nothing,
            Change::Put(_) | Change::Append(_) | Change::Cas(..) => Offers::Only(step.key),
        }
    }
}
