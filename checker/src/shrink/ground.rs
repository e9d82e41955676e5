//! What may be left out of a history: which operations can have seen what which others did.
//!
//! Three rules, each with its proof. *H* is the history, *L* a linearization of it; a rule is sound
//! if leaving something out of *H* and *L* alike leaves a linearization.
//!
//! **Observers** change no state, so the rest of *L* stands without them. Every model.
//!
//! **Effects.** Let every operation that is no observer lead to one known state, whatever was
//! there before: registers and locks are so, counters and queues are not. An operation R that
//! needs the state *p* took it from whoever last changed the state before it in *L*, and that is
//! one of R's *sources*: an operation that leads to *p*, began before R ended, and is not
//! *screened* from R, that is, no acknowledged effect B lies between them in real time (it ended
//! before B began, and B ended before R began). So if the sources of all that is kept are kept,
//! every kept operation finds the state that it found in *L*: the last change before it was by a
//! source of its own, which is kept, or there was none. Nothing else needs to be kept, however it
//! ended. (Operations that need one of several states have every unscreened effect as a source.)
//! For the reader's sake, an operation all of whose sources are screened keeps the latest one:
//! that 3 was written, and overwritten, tells more than that nobody can have written it.
//!
//! An operation that is made *blind*, a compare-and-set to a write of its new value, needs nothing
//! and has no sources. Every linearization allows that too.
//!
//! **Elements.** In a container that keeps its elements apart (a queue, a stack), everything about
//! one element can be left out: what happens to the others is unchanged by it. (A crashed removal
//! that may have taken any element stays; if it took one that is gone, it took none.)
//!
//! What none of these rules allows to go stays, whatever else is kept.
//!
//! Before all of these stands the **cut**: linearizability is closed under prefixes, so whatever
//! began after the first return that nothing allows is left out, and what was open then stays
//! open.

use rustc_hash::{FxHashMap, FxHashSet};

use super::Form;
use crate::linear::Occurrence;
use crate::model::{Class, Model, Requires};

/// Which of the rules hold for these operations of this model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    /// Observers and effects.
    Effects,
    /// Observers and elements.
    Elements,
    /// Observers only.
    Opaque,
}

/// What is kept, and in which form.
pub(crate) type Kept = std::collections::BTreeMap<usize, Form>;

/// A history up to its cut, with what depends on what.
pub(crate) struct Ground<'a, M: Model> {
    pub(crate) model: &'a M,
    pub(crate) all: &'a [Occurrence<M::Transition>],
    /// The last event that counts.
    pub(crate) cut: u32,
    pub(crate) nature: Nature,
    /// Operations that change the state, in order of invocation, by the state they lead to.
    producers: FxHashMap<M::State, Vec<usize>>,
    /// Of the acknowledged effects, in order of their returns: the return, and the latest
    /// invocation among those that returned until then.
    settled: Vec<(u32, u32)>,
    sources: FxHashMap<usize, Vec<usize>>,
    elements: FxHashMap<u64, Vec<usize>>,
}

impl<'a, M: Model> Ground<'a, M> {
    pub(crate) fn new(
        model: &'a M,
        all: &'a [Occurrence<M::Transition>],
        cut: u32,
    ) -> Ground<'a, M> {
        let mut ground = Ground {
            model,
            all,
            cut,
            nature: Nature::Opaque,
            producers: FxHashMap::default(),
            settled: Vec::new(),
            sources: FxHashMap::default(),
            elements: FxHashMap::default(),
        };
        ground.nature = ground.nature();
        match ground.nature {
            Nature::Effects => ground.learn_effects(),
            Nature::Elements => ground.learn_elements(),
            Nature::Opaque => {}
        }
        ground
    }

    /// Everything that had begun by the cut, in order of invocation.
    pub(crate) fn begun(&self) -> Vec<usize> {
        let mut begun: Vec<usize> =
            (0..self.all.len()).filter(|at| self.all[*at].invoked < self.cut).collect();
        begun.sort_unstable_by_key(|at| self.all[*at].invoked);
        begun
    }

    /// What remains of an operation: its own transition, or what it does without its condition.
    pub(crate) fn transition(&self, at: usize, form: Form) -> M::Transition {
        let own = &self.all[at].transition;
        match form {
            Form::Whole => own.clone(),
            Form::Blind => {
                self.model.blind(own).expect("only what can be blind is made so").transition
            }
        }
    }

    /// The history that is left.
    pub(crate) fn history(&self, kept: &Kept) -> Vec<Occurrence<M::Transition>> {
        let of = |(at, form): (&usize, &Form)| Occurrence {
            transition: self.transition(*at, *form),
            invoked: self.all[*at].invoked,
            returned: self.returned(*at),
        };
        kept.iter().map(of).collect()
    }

    /// When it returned, if it had by the cut.
    pub(crate) fn returned(&self, at: usize) -> Option<u32> {
        self.all[at].returned.filter(|returned| *returned <= self.cut)
    }

    pub(crate) fn is_observer(&self, at: usize) -> bool {
        self.model.class(&self.all[at].transition) == Class::Observer
    }

    pub(crate) fn can_be_blind(&self, at: usize) -> bool {
        self.nature == Nature::Effects && self.model.blind(&self.all[at].transition).is_some()
    }

    fn nature(&self) -> Nature {
        let effects = |at: &usize| {
            self.is_observer(*at) || self.model.produces(&self.all[*at].transition).is_some()
        };
        let begun = self.begun();
        match begun.iter().all(effects) {
            true => Nature::Effects,
            false if begun.iter().any(|at| self.element(*at).is_some()) => Nature::Elements,
            false => Nature::Opaque,
        }
    }

    fn element(&self, at: usize) -> Option<u64> {
        self.model.element(&self.all[at].transition)
    }

    fn learn_effects(&mut self) {
        let effects: Vec<usize> =
            self.begun().into_iter().filter(|at| !self.is_observer(*at)).collect();
        for at in &effects {
            if let Some(state) = self.model.produces(&self.all[*at].transition) {
                self.producers.entry(state).or_default().push(*at);
            }
        }
        let returned = |at: &usize| Some((self.returned(*at)?, self.all[*at].invoked));
        self.settled = effects.iter().filter_map(returned).collect();
        self.settled.sort_unstable();
        let mut latest = 0;
        for (_, invoked) in &mut self.settled {
            latest = latest.max(*invoked);
            *invoked = latest;
        }
    }

    fn learn_elements(&mut self) {
        for at in self.begun() {
            if let Some(element) = self.element(at) {
                self.elements.entry(element).or_default().push(at);
            }
        }
    }

    /// Whoever may have left the state that this operation found.
    pub(crate) fn sources(&mut self, at: usize) -> &[usize] {
        if !self.sources.contains_key(&at) {
            let sources = self.find_sources(at);
            self.sources.insert(at, sources);
        }
        &self.sources[&at]
    }

    fn find_sources(&self, at: usize) -> Vec<usize> {
        if self.nature != Nature::Effects {
            return Vec::new();
        }
        let one = &self.all[at];
        let before = self.settled.partition_point(|(returned, _)| *returned < one.invoked);
        // Whatever ended before this began is screened: an effect lies between.
        let screen = before.checked_sub(1).map_or(0, |last| self.settled[last].1);
        let ended = self.returned(at).unwrap_or(self.cut);
        let before = |source: &usize| *source != at && self.all[*source].invoked < ended;
        let may_be_seen = |source: &usize| {
            before(source) && self.returned(*source).is_none_or(|returned| returned > screen)
        };
        let of = |producers: &Vec<usize>| -> Vec<usize> {
            producers.iter().copied().filter(may_be_seen).collect()
        };
        match self.model.requires(&one.transition) {
            Requires::Anything => Vec::new(),
            Requires::Some => self.producers.values().flat_map(of).collect(),
            Requires::Exactly(state) => {
                let Some(producers) = self.producers.get(&state) else { return Vec::new() };
                let sources = of(producers);
                let screened = producers.iter().copied().filter(before);
                let latest = screened.max_by_key(|source| self.returned(*source));
                if sources.is_empty() { latest.into_iter().collect() } else { sources }
            }
        }
    }

    /// Whether no rule ever allows an operation to be left out.
    fn must_stay(&self, at: usize) -> bool {
        !self.is_observer(at)
            && match self.nature {
                Nature::Effects => false,
                Nature::Elements => self.element(at).is_none(),
                Nature::Opaque => true,
            }
    }

    /// Adds what must be kept: whatever no rule allows to go, and with the operations that are kept
    /// their sources, blind where they can be, or the rest of their elements.
    pub(crate) fn complete(&mut self, kept: &mut Kept) {
        if self.nature != Nature::Effects {
            let begun = (0..self.all.len()).filter(|at| self.all[*at].invoked < self.cut);
            kept.extend(begun.filter(|at| self.must_stay(*at)).map(|at| (at, Form::Whole)));
        }
        let mut pending: Vec<usize> = kept.keys().copied().collect();
        while let Some(at) = pending.pop() {
            if kept.get(&at) != Some(&Form::Whole) {
                continue;
            }
            let needed = match self.nature {
                Nature::Effects => self.sources(at).to_vec(),
                Nature::Elements => self.siblings(at).to_vec(),
                Nature::Opaque => Vec::new(),
            };
            for other in needed {
                let form = if self.can_be_blind(other) { Form::Blind } else { Form::Whole };
                if let std::collections::btree_map::Entry::Vacant(place) = kept.entry(other) {
                    place.insert(form);
                    pending.push(other);
                }
            }
        }
    }

    /// Whether this may be kept alone.
    pub(crate) fn is_closed(&mut self, kept: &Kept) -> bool {
        let mut completed = kept.clone();
        self.complete(&mut completed);
        completed == *kept
    }

    fn siblings(&self, at: usize) -> &[usize] {
        self.element(at).and_then(|element| self.elements.get(&element)).map_or(&[], Vec::as_slice)
    }

    /// What is left of `kept` without these operations, and without what cannot stay when they go.
    /// `None` where nothing allows them to go.
    pub(crate) fn without(&mut self, kept: &Kept, gone: &[usize], spare: Spare) -> Option<Kept> {
        if gone.iter().any(|at| self.must_stay(*at)) {
            return None;
        }
        let mut kept = kept.clone();
        let mut pending: Vec<usize> = gone.to_vec();
        let mut out: FxHashSet<usize> = FxHashSet::default();
        while let Some(at) = pending.pop() {
            if kept.remove(&at).is_none() {
                continue;
            }
            out.insert(at);
            match self.nature {
                _ if self.is_observer(at) => {}
                Nature::Effects => self.dependants(&mut kept, at, spare, &mut pending),
                Nature::Elements => pending.extend_from_slice(self.siblings(at)),
                Nature::Opaque => return None,
            }
        }
        Some(kept)
    }

    /// Whoever may have seen the effect of `at` goes with it, or is made blind.
    fn dependants(&mut self, kept: &mut Kept, at: usize, spare: Spare, pending: &mut Vec<usize>) {
        let whole: Vec<usize> = kept
            .iter()
            .filter_map(|(other, form)| (*form == Form::Whole).then_some(*other))
            .collect();
        for other in whole {
            if !self.sources(other).contains(&at) {
                continue;
            }
            if spare == Spare::Blinded && self.can_be_blind(other) {
                kept.insert(other, Form::Blind);
            } else {
                pending.push(other);
            }
        }
    }
}

/// What becomes of an operation whose source is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spare {
    /// It is left out as well.
    Nothing,
    /// It is made blind, if it can be.
    Blinded,
}
