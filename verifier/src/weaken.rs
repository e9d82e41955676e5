//! Weakening a history: a smaller one that can be explained whenever the whole can.
//!
//! A proof of *invalid* is about a part of the history. It is a proof about the whole because the
//! part was obtained by these steps alone; in each of them, an order that explains the history
//! before the step explains the one after it.
//!
//! * **Until.** What was invoked after a moment is dropped, and what had not returned by then may
//!   or may not have happened. (Of an explaining order, take the beginning up to the last
//!   operation that had returned: nothing in it was invoked later.)
//! * **About.** Only what happens to some things, such as keys, is looked at (see the models).
//! * **From.** What had returned before a moment is dropped, and the object may then be in any
//!   state that the operations invoked before can have left. What was open at that moment may
//!   have happened before it. (Take away the beginning of the order up to the last operation that
//!   had returned.) Where the order of changes does not matter, it is known what had returned has
//!   left, and what was open comes behind it (see the models).
//! * **Keep.** Observers are dropped; operations that offer only what no kept one asks for (see the
//!   models); and, where changes overwrite each other, operations that whoever asks for what they
//!   offer cannot have seen: because it had returned before they began, or because another change
//!   certainly came in between.
//! * **As a write.** A conditional step becomes an unconditional one with the same result.
//! * **Forgetting** what no kept operation asks for.

use std::collections::{HashMap, HashSet};

use crate::models::{Asks, Before, Entry, Model, Offers};
use crate::timed::{Timed, find};
use crate::value::Value;

/// Which part of a history a proof is about, by indices of events and operations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    /// Nothing but these things is looked at; everything if `None`.
    pub(crate) about: Option<Vec<Value>>,
    /// The first event that is looked at; the whole beginning if `None`.
    pub(crate) from: Option<u64>,
    /// The last event that is looked at; the whole end if `None`.
    pub(crate) until: Option<u64>,
    /// The operations that are kept; all if `None`.
    pub(crate) keep: Option<Vec<u64>>,
    /// Those of them whose condition is waived.
    pub(crate) as_write: Vec<u64>,
}

/// A step of a weakened history.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept<S> {
    pub(crate) step: S,
    pub(crate) index: u64,
    pub(crate) invoked: usize,
    /// Position of the return, if it returned within the part.
    pub(crate) returned: Option<usize>,
    /// Whether it was open when the part begins, so that it may have happened before.
    pub(crate) may_be_done: bool,
}

/// What a proof of *invalid* is about.
#[derive(Clone, Debug)]
pub(crate) struct Weakened<S, T> {
    /// The steps that are left, in the order of their invocations.
    pub(crate) steps: Vec<Kept<S>>,
    /// The states in which the object can be at first.
    pub(crate) starts: Vec<T>,
    /// What they ask for; `None` if possibly everything.
    pub(crate) asked: Option<HashSet<u32>>,
}

impl<S, T> Weakened<S, T> {
    pub(crate) fn is_asked(&self, thing: u32) -> bool {
        self.asked.as_ref().is_none_or(|asked| asked.contains(&thing))
    }
}

/// The part of a history with everything forgotten that it does not ask for.
pub(crate) fn weaken<M: Model>(
    model: &M,
    all: &[Timed<M::Step>],
    part: &Part,
    position_of: &dyn Fn(u64) -> Option<usize>,
) -> Result<Weakened<M::Step, M::State>, String> {
    let position = |index: Option<u64>, otherwise: usize| match index {
        None => Ok(otherwise),
        Some(index) => position_of(index).ok_or_else(|| format!("there is no event {index}")),
    };
    let (from, until) = (position(part.from, 0)?, position(part.until, usize::MAX)?);
    let mut steps = Vec::new();
    let mut dropped = Vec::new();
    let kept = kept_positions(all, part)?;
    for (at, one) in all.iter().enumerate() {
        if one.invoked > until || one.returned.is_some_and(|returned| returned < from) {
            continue;
        }
        if kept.as_ref().is_some_and(|kept| !kept.contains(&at)) {
            dropped.push(one);
            continue;
        }
        let (step, may_be_done) = match one.invoked < from {
            false => (one.step.clone(), false),
            true => match model.open_at_entry(&one.step) {
                Entry::MayBeDone(step) => (step, true),
                Entry::StillToCome(step) => (step, false),
                Entry::Forgotten => continue,
            },
        };
        let returned = one.returned.filter(|returned| *returned <= until);
        let (index, invoked) = (one.index, one.invoked);
        steps.push(Kept { step, index, invoked, returned, may_be_done });
    }
    waive(model, &mut steps, &part.as_write)?;
    let asked = asked(model, &steps);
    let onlookers = Onlookers::new(model, all, &steps);
    for one in dropped {
        if !onlookers.miss(one) {
            return Err(format!("op {} cannot be left out: what it did may matter", one.index));
        }
    }
    let starts = starts(model, all, part, from)?;
    Ok(forgotten(model, Weakened { steps, starts, asked }))
}

fn kept_positions<S>(all: &[Timed<S>], part: &Part) -> Result<Option<HashSet<usize>>, String> {
    let Some(keep) = &part.keep else { return Ok(None) };
    keep.iter().map(|index| find(all, *index)).collect::<Result<_, _>>().map(Some)
}

fn waive<M: Model>(model: &M, steps: &mut [Kept<M::Step>], as_write: &[u64]) -> Result<(), String> {
    for index in as_write {
        let at = steps.binary_search_by_key(index, |one| one.index);
        let one = at.map(|at| &mut steps[at]);
        let one = one.map_err(|_| format!("op {index} is waived, but it is not kept"))?;
        let weaker = model.weakened(&one.step);
        one.step = weaker.ok_or_else(|| format!("op {index} has no condition to waive"))?;
    }
    Ok(())
}

/// What the steps ask for; `None` if possibly everything.
fn asked<M: Model>(model: &M, steps: &[Kept<M::Step>]) -> Option<HashSet<u32>> {
    let mut things = HashSet::new();
    for one in steps {
        match model.asks(&one.step) {
            Asks::Only(some) => things.extend(some),
            Asks::Everything => return None,
        }
    }
    Some(things)
}

/// The operations that are kept, and might notice that another one is missing.
struct Onlookers<'a, M: Model> {
    model: &'a M,
    /// Those that ask for a thing, and those that may ask for any.
    by_thing: HashMap<u32, Vec<&'a Kept<M::Step>>>,
    for_everything: Vec<&'a Kept<M::Step>>,
    /// Of changes by invocation: this, and the earliest return of it and all later ones.
    changes: Vec<(usize, usize)>,
}

impl<'a, M: Model> Onlookers<'a, M> {
    fn new(model: &'a M, all: &[Timed<M::Step>], steps: &'a [Kept<M::Step>]) -> Onlookers<'a, M> {
        let is_change = |one: &&Timed<M::Step>| model.offers(&one.step) != Offers::Nothing;
        let mut changes: Vec<(usize, usize)> = all
            .iter()
            .filter(is_change)
            .filter_map(|one| Some((one.invoked, one.returned?)))
            .collect();
        let mut earliest = usize::MAX;
        for (_, returned) in changes.iter_mut().rev() {
            earliest = earliest.min(*returned);
            *returned = earliest;
        }
        let mut onlookers =
            Onlookers { model, by_thing: HashMap::new(), for_everything: Vec::new(), changes };
        steps.iter().for_each(|kept| onlookers.add(kept));
        onlookers
    }

    fn add(&mut self, kept: &'a Kept<M::Step>) {
        match self.model.asks(&kept.step) {
            Asks::Everything => self.for_everything.push(kept),
            Asks::Only(things) => {
                for thing in things {
                    self.by_thing.entry(thing).or_default().push(kept);
                }
            }
        }
    }

    /// Whether nobody notices that this one is left out.
    fn miss(&self, one: &Timed<M::Step>) -> bool {
        let thing = match self.model.offers(&one.step) {
            Offers::Nothing => return true,
            Offers::Everything => return false,
            Offers::Only(thing) => thing,
        };
        let asking = self.by_thing.get(&thing).into_iter().flatten().chain(&self.for_everything);
        let mut asking = asking.copied();
        match self.model.overwrites() {
            true => asking.all(|kept| self.is_hidden(one, kept)),
            false => asking.next().is_none(),
        }
    }

    /// Whether the kept one had returned before the other began, or another change lies between.
    fn is_hidden(&self, one: &Timed<M::Step>, kept: &Kept<M::Step>) -> bool {
        let too_late = kept.returned.is_some_and(|returned| returned < one.invoked);
        let between = || {
            let after = one.returned?;
            let later = self.changes.partition_point(|(invoked, _)| *invoked <= after);
            self.changes.get(later).filter(|(_, earliest)| *earliest < kept.invoked)
        };
        too_late || between().is_some()
    }
}

fn starts<M: Model>(
    model: &M,
    all: &[Timed<M::Step>],
    part: &Part,
    from: usize,
) -> Result<Vec<M::State>, String> {
    if part.from.is_none() {
        return Ok(vec![model.initial()]);
    }
    let before: Vec<Before<'_, M::Step>> = all
        .iter()
        .take_while(|one| one.invoked < from)
        .map(|one| Before { step: &one.step, returned: one.returned.is_some_and(|at| at < from) })
        .collect();
    let none = || "this model cannot be entered in the middle of a history".to_owned();
    model.entered(&before).ok_or_else(none)
}

fn forgotten<M: Model>(
    model: &M,
    mut weakened: Weakened<M::Step, M::State>,
) -> Weakened<M::Step, M::State> {
    let asked = weakened.asked.clone();
    let is_asked = |thing: u32| asked.as_ref().is_none_or(|asked| asked.contains(&thing));
    for one in &mut weakened.steps {
        one.step = model.forget(one.step.clone(), &is_asked);
    }
    let mut distinct = HashSet::new();
    for state in std::mem::take(&mut weakened.starts) {
        let state = model.forget_state(state, &is_asked);
        if distinct.insert(state.clone()) {
            weakened.starts.push(state);
        }
    }
    weakened
}
