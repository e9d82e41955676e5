//! Several registers, read and written together: transactions `[[:r k v] [:w k v] …]` that take
//! effect at once, their parts in this order.
//!
//! Of a transaction there matters what it found of every key before it wrote it, and what it left:
//! two transactions in which these are the same are the same step.
//!
//! *Leaving out.* A transaction that leaves nothing, or only what it found, is an observer.
//! *Looking at some keys only:* of a legal order, what transactions do to these keys, and found of
//! them, is a legal order.

use std::collections::{BTreeMap, BTreeSet};

use super::ids::Ids;
use super::{Asks, Model, Offers, no_function};
use crate::keys::Operation;
use crate::pairing::Outcome;
use crate::value::Value;

#[derive(Clone, Debug)]
pub(crate) struct Transactions {
    init: BTreeMap<Value, Value>,
    /// Keys and values.
    ids: Ids,
    /// What keys hold at first, where that is not nil.
    initial: BTreeMap<u32, u32>,
    only: Option<BTreeSet<u32>>,
}

/// A transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Step {
    finds: BTreeMap<u32, u32>,
    leaves: BTreeMap<u32, u32>,
    /// It read something else than it had read or written itself.
    contradicts_itself: bool,
}

/// What is found where nothing is.
const NIL: u32 = 0;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Read,
    Write,
}

type Part<'v> = (Deed, &'v Value, &'v Value);

fn parts(value: &Value, index: u64) -> Result<Vec<Part<'_>>, String> {
    let wrong = |what: &Value| format!("op {index}: {what} is no transaction");
    let one = |item| match Value::items(item) {
        Some([deed, key, value]) => match deed.name() {
            Some("r" | "read") => Ok((Deed::Read, key, value)),
            Some("w" | "write") => Ok((Deed::Write, key, value)),
            _ => Err(wrong(item)),
        },
        _ => Err(wrong(item)),
    };
    value.items().ok_or_else(|| wrong(value))?.iter().map(one).collect()
}

/// What was asked for; if that was acknowledged, with what was read.
fn done<'v>(one: &Operation<'v>) -> Result<Vec<Part<'v>>, String> {
    let asked = parts(one.argument, one.index)?;
    if one.outcome != Outcome::Ok {
        return Ok(asked);
    }
    let done = parts(one.result, one.index)?;
    let is_same = |((deed, key, value), (did, of, with)): (&Part<'_>, &Part<'_>)| {
        deed == did && key == of && (*deed == Deed::Read || value == with)
    };
    match asked.len() == done.len() && asked.iter().zip(&done).all(is_same) {
        true => Ok(done),
        false => Err(format!("op {}: it completes another transaction", one.index)),
    }
}

impl Transactions {
    pub(crate) fn new(init: &Value) -> Result<Transactions, String> {
        let mut transactions = Transactions {
            init: BTreeMap::new(),
            ids: Ids::default(),
            initial: BTreeMap::new(),
            only: None,
        };
        assert_eq!(transactions.ids.of(&Value::Nil), NIL, "it is the first");
        match init {
            Value::Nil => {}
            Value::Map(entries) => {
                for (key, value) in &entries[..] {
                    let (key_id, id) = (transactions.ids.of(key), transactions.ids.of(value));
                    transactions.initial.insert(key_id, id);
                    transactions.init.insert(key.clone(), value.clone());
                }
            }
            other => return Err(format!("registers with keys cannot start with {other}")),
        }
        Ok(transactions)
    }
}

impl Step {
    fn add(&mut self, deed: Deed, key: u32, value: u32) {
        let own = self.leaves.get(&key).or_else(|| self.finds.get(&key));
        match (deed, own) {
            (Deed::Write, _) => drop(self.leaves.insert(key, value)),
            (Deed::Read, None) => drop(self.finds.insert(key, value)),
            (Deed::Read, Some(own)) => self.contradicts_itself |= *own != value,
        }
    }
}

impl Model for Transactions {
    /// What keys hold; all of those that were written, or given at first.
    type State = BTreeMap<u32, u32>;
    type Step = Step;

    fn assumptions(&self) -> Vec<String> {
        let given: Vec<(Value, Value)> = self.init.clone().into_iter().collect();
        let initial = match given.is_empty() {
            true => "every key holds nil at first".to_owned(),
            false => format!("the keys hold {} at first, others nil", Value::Map(given.into())),
        };
        vec![initial, "a transaction happens at once or not at all".to_owned()]
    }

    fn initial(&self) -> BTreeMap<u32, u32> {
        self.initial.clone()
    }

    fn look_at(&mut self, things: &[Value]) -> Result<(), String> {
        let only = things.iter().map(|thing| self.ids.of(thing)).collect();
        self.only = Some(only);
        Ok(())
    }

    fn read(&mut self, one: &Operation<'_>) -> Result<Option<Step>, String> {
        match (one.f.name(), one.outcome) {
            (Some("txn"), Outcome::Fail) => return Ok(None),
            (Some("txn"), _) => {}
            _ => return Err(no_function(one)),
        }
        let mut step = Step::default();
        for (deed, key, value) in done(one)? {
            let (key, value) = (self.ids.of(key), self.ids.of(value));
            let is_seen = deed == Deed::Write || one.outcome == Outcome::Ok;
            if is_seen && self.only.as_ref().is_none_or(|only| only.contains(&key)) {
                step.add(deed, key, value);
            }
        }
        Ok((step != Step::default()).then_some(step))
    }

    fn advance(&self, state: &mut BTreeMap<u32, u32>, step: &Step) -> bool {
        let finds = |(key, value): (&u32, &u32)| state.get(key).unwrap_or(&NIL) == value;
        if step.contradicts_itself || !step.finds.iter().all(finds) {
            return false;
        }
        for (key, value) in &step.leaves {
            // Absent and nil are the same, and must be equal.
            match *value {
                NIL => state.remove(key),
                value => state.insert(*key, value),
            };
        }
        true
    }

    fn asks(&self, step: &Step) -> Asks {
        match step.finds.is_empty() {
            true => Asks::Only(Vec::new()),
            false => Asks::Everything,
        }
    }

    fn offers(&self, step: &Step) -> Offers {
        let is_found = |(key, value): (&u32, &u32)| step.finds.get(key) == Some(value);
        match step.contradicts_itself || step.leaves.iter().all(is_found) {
            true => Offers::Nothing,
            false => Offers::Everything,
        }
    }
}
