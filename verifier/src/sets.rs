//! Proofs about sets to which elements are added and from which nothing is taken.
//!
//! *Valid* needs no proof beyond the history: every read is held against what must be in it and
//! what may be, in time linear in what was read. *Invalid* is shown by one element and one read:
//! `unexpected` if nobody can have added it before the read ended; `missing` if the read does not
//! have it although a *witness* (an acknowledged add of it, or an acknowledged read that has it)
//! had ended when the read began.

use std::collections::{HashMap, HashSet};

use crate::keys::{Object, Operation};
use crate::pairing::Outcome;
use crate::value::Value;

/// Which reads must show everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    Every,
    /// Only the last one that began after the last acknowledged add had ended.
    Final,
}

/// Why a set is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    Unexpected { element: Value, read: u64 },
    Missing { element: Value, read: u64, witness: u64 },
}

struct Sets<'a, 'h> {
    /// When an element may first be there: when an add of it that did not fail was invoked.
    possible: HashMap<&'h Value, usize>,
    /// Acknowledged adds with their elements and ends.
    added: Vec<(&'a Operation<'h>, &'h Value, usize)>,
    /// Acknowledged reads with their elements and ends, by their ends.
    reads: Vec<(&'a Operation<'h>, &'h [Value], usize)>,
}

impl<'a, 'h> Sets<'a, 'h> {
    fn of(operations: &'a [Operation<'h>]) -> Result<Sets<'a, 'h>, String> {
        let mut sets = Sets { possible: HashMap::new(), added: Vec::new(), reads: Vec::new() };
        for one in operations {
            match one.f.name() {
                Some("add") => sets.add(one),
                Some("read") => sets.read(one)?,
                _ => return Err(format!("op {}: a set has no function {}", one.index, one.f)),
            }
        }
        sets.reads.sort_by_key(|(_, _, ended)| *ended);
        Ok(sets)
    }

    fn add(&mut self, one: &'a Operation<'h>) {
        let element = if one.argument.is_nil() { one.result } else { one.argument };
        if one.outcome != Outcome::Fail {
            self.possible.entry(element).or_insert(one.invoked);
        }
        self.added.extend(acknowledged(one).map(|ended| (one, element, ended)));
    }

    fn read(&mut self, one: &'a Operation<'h>) -> Result<(), String> {
        let Some(ended) = acknowledged(one) else { return Ok(()) };
        let elements: &[Value] = match one.result {
            Value::Set(items) | Value::Vector(items) => items,
            Value::Nil => &[],
            other => return Err(format!("op {}: {other} is no set", one.index)),
        };
        self.reads.push((one, elements, ended));
        Ok(())
    }

    /// The last read that began after every acknowledged add had ended.
    fn final_read(&self) -> Option<&(&'a Operation<'h>, &'h [Value], usize)> {
        let last_add = self.added.iter().map(|(_, _, ended)| *ended).max();
        self.reads.iter().rev().find(|(read, _, _)| last_add.is_none_or(|at| read.invoked > at))
    }

    fn read_at(&self, index: u64) -> Result<&(&'a Operation<'h>, &'h [Value], usize), String> {
        let found = self.reads.iter().find(|(read, _, _)| read.index == index);
        found.ok_or_else(|| format!("op {index} is no acknowledged read"))
    }
}

/// When an operation was acknowledged, if it was.
fn acknowledged(one: &Operation<'_>) -> Option<usize> {
    one.completed.filter(|_| one.outcome == Outcome::Ok).map(|(position, _)| position)
}

/// Makes sure that nothing is missing or unexpected.
pub(crate) fn verify(object: &Object<'_>, reads: Reads) -> Result<(), String> {
    let operations: Vec<Operation<'_>> = object.operations().collect();
    let sets = Sets::of(&operations)?;
    for (read, elements, ended) in &sets.reads {
        let unexpected = |one: &&Value| sets.possible.get(one).is_none_or(|at| at >= ended);
        if let Some(element) = elements.iter().find(unexpected) {
            return Err(format!("read {} has {element}, which nobody can have added", read.index));
        }
    }
    let (last, _, _) = sets.final_read().ok_or("no read began after the last acknowledged add")?;
    let mut known: HashMap<&Value, usize> = HashMap::new();
    let added = sets.added.iter().map(|(_, element, ended)| (*element, *ended));
    let seen =
        sets.reads.iter().flat_map(|(_, items, ended)| items.iter().map(|one| (one, *ended)));
    for (element, at) in added.chain(seen) {
        known.entry(element).and_modify(|first| *first = at.min(*first)).or_insert(at);
    }
    let mut known: Vec<(&Value, usize)> = known.into_iter().collect();
    known.sort_unstable_by_key(|(_, at)| *at);
    for (read, elements, _) in &sets.reads {
        if reads == Reads::Final && read.index != last.index {
            continue;
        }
        let there: HashSet<&Value> = elements.iter().collect();
        let must = known.iter().take_while(|(_, at)| *at < read.invoked);
        if let Some((element, _)) = must.clone().find(|(element, _)| !there.contains(element)) {
            return Err(format!("read {} misses {element}", read.index));
        }
    }
    Ok(())
}

/// Makes sure that the evidence shows what it is said to show.
pub(crate) fn refute(object: &Object<'_>, reads: Reads, evidence: &Evidence) -> Result<(), String> {
    let operations: Vec<Operation<'_>> = object.operations().collect();
    let sets = Sets::of(&operations)?;
    match evidence {
        Evidence::Unexpected { element, read } => {
            let (_, elements, ended) = sets.read_at(*read)?;
            let possible = sets.possible.get(element).is_some_and(|at| at < ended);
            match elements.contains(element) && !possible {
                true => Ok(()),
                false => Err(format!("{element} in read {read} is nothing unexpected")),
            }
        }
        Evidence::Missing { element, read, witness } => {
            let (reader, elements, _) = sets.read_at(*read)?;
            if reads == Reads::Final
                && sets.final_read().is_none_or(|(last, _, _)| last.index != *read)
            {
                return Err(format!("read {read} is not the final one"));
            }
            let known = sets.witness(*witness, element)?;
            match known < reader.invoked && !elements.contains(element) {
                true => Ok(()),
                false => Err(format!("read {read} need not have {element}, or has it")),
            }
        }
    }
}

impl Sets<'_, '_> {
    /// When the operation had shown that the element is there.
    fn witness(&self, index: u64, element: &Value) -> Result<usize, String> {
        let mut adds = self.added.iter();
        let added = adds.find(|(one, added, _)| one.index == index && *added == element);
        if let Some((_, _, ended)) = added {
            return Ok(*ended);
        }
        if let Ok((_, elements, ended)) = self.read_at(index)
            && elements.contains(element)
        {
            return Ok(*ended);
        }
        Err(format!("op {index} does not show that {element} is there"))
    }
}

impl Reads {
    /// The reading in words.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Reads::Every => "every read shows what was acknowledged before it began",
            Reads::Final => "only the final read must be complete",
        }
    }
}
