//! What is certain about single operations and values, as of a moment.

use rustc_hash::FxHashMap;

use super::super::object::{Object, Recorded};
use crate::model::{Model, Register, Transition, ValueId};

/// Where a value must have come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// It was there at the start, and nobody can have written it.
    Initial,
    /// Only this operation can have written it.
    Only(usize),
}

/// An object's operations, by their position in it.
pub(crate) struct Facts<'a, 'h> {
    object: &'a Object<'h>,
    pub(crate) model: &'a Register,
    meanings: &'a [Option<Transition>],
    until: usize,
    writers: FxHashMap<ValueId, Vec<usize>>,
    /// Of an operation that certainly took effect, an acknowledged one that shows it, possibly by
    /// way of others: itself where it was acknowledged.
    witnesses: Vec<Option<usize>>,
}

impl<'a, 'h> Facts<'a, 'h> {
    /// What can be known from the events up to a position in the history.
    pub(crate) fn until(
        object: &'a Object<'h>,
        model: &'a Register,
        meanings: &'a [Option<Transition>],
        until: usize,
    ) -> Facts<'a, 'h> {
        let mut facts = Facts {
            object,
            model,
            meanings,
            until,
            writers: FxHashMap::default(),
            witnesses: vec![None; object.operations.len()],
        };
        for at in 0..object.operations.len() {
            if let Some(value) = facts.makes(at) {
                facts.writers.entry(value).or_default().push(at);
            }
        }
        facts.learn_what_took_effect();
        facts
    }

    /// Acknowledged operations took effect, and so did whoever alone can have written what one of
    /// these saw.
    fn learn_what_took_effect(&mut self) {
        let mut sure: Vec<usize> = self.all().filter(|at| self.ended(*at).is_some()).collect();
        sure.iter().for_each(|at| self.witnesses[*at] = Some(*at));
        while let Some(at) = sure.pop() {
            let source = self.sees(at).and_then(|value| self.source(value));
            if let Some(Source::Only(writer)) = source
                && self.witnesses[writer].is_none()
            {
                self.witnesses[writer] = Some(at);
                sure.push(writer);
            }
        }
    }

    /// Every operation that had begun and says something.
    pub(crate) fn all(&self) -> impl Iterator<Item = usize> + use<> {
        let known: Vec<usize> =
            (0..self.meanings.len()).filter(|at| self.meaning(*at).is_some()).collect();
        known.into_iter()
    }

    pub(crate) fn operation(&self, at: usize) -> &'a Recorded<'h> {
        &self.object.operations[at]
    }

    pub(crate) fn meaning(&self, at: usize) -> Option<Transition> {
        self.meanings[at].filter(|_| self.began(at) < self.until)
    }

    pub(crate) fn began(&self, at: usize) -> usize {
        self.object.operations[at].invoked()
    }

    /// When it was acknowledged, if it was by then.
    pub(crate) fn ended(&self, at: usize) -> Option<usize> {
        self.object.operations[at].acknowledged().filter(|end| *end <= self.until)
    }

    /// Who shows that an operation took effect.
    pub(crate) fn witness(&self, at: usize) -> Option<usize> {
        self.witnesses[at]
    }

    /// The value that must have been there when it took effect.
    pub(crate) fn sees(&self, at: usize) -> Option<ValueId> {
        match self.meaning(at)? {
            Transition::Read(value) | Transition::Cas(value, _) => Some(value),
            Transition::Write(_) | Transition::Differs(_) => None,
        }
    }

    /// The value that it put there.
    pub(crate) fn makes(&self, at: usize) -> Option<ValueId> {
        self.model.produces(&self.meaning(at)?)
    }

    /// Whether the value, written once, was not there yet or no longer when this took effect.
    pub(crate) fn excludes(&self, at: usize, value: ValueId) -> bool {
        let (sees, makes) = (self.sees(at), self.makes(at));
        (sees.is_some() || makes.is_some()) && sees != Some(value) && makes != Some(value)
    }

    /// Whether it replaced the value by another one.
    pub(crate) fn consumes(&self, at: usize, value: ValueId) -> bool {
        self.sees(at) == Some(value) && self.makes(at).is_some()
    }

    /// Where the value must have come from, if there is only one possibility.
    pub(crate) fn source(&self, value: ValueId) -> Option<Source> {
        let writers = self.writers.get(&value).map_or(&[][..], Vec::as_slice);
        match (self.model.initial() == value, writers) {
            (true, []) => Some(Source::Initial),
            (false, [only]) => Some(Source::Only(*only)),
            _ => None,
        }
    }

    /// Whether one had ended when the other began.
    pub(crate) fn in_real_time(&self, first: usize, second: usize) -> bool {
        self.ended(first).is_some_and(|end| end < self.began(second))
    }

    /// Whether the second saw what only the first can have written.
    pub(crate) fn read_from(&self, first: usize, second: usize) -> bool {
        let source = self.sees(second).and_then(|value| self.source(value));
        first != second && source == Some(Source::Only(first))
    }
}
