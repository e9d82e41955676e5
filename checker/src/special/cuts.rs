//! Operations that found nothing, and what they do to everything else: each is a moment at which
//! the collection is empty, so that every item comes wholly before or wholly after it.
//!
//! An item is certainly there from `put_until` up to `take_from`. An operation that found nothing
//! fits at any moment that no item covers so, and *any* such moment will do: an item that is not
//! certainly there at it comes before it if `take_from` has passed and after it if `put_until` has
//! not; where both are so, it can be put in and taken out again at this very moment. So the first
//! uncovered moment is taken, and a violation is an operation whose whole interval is covered.

use super::lifetimes::{Lifetime, named};
use super::pattern;
use crate::linear::{Occurrence, Pattern};
use crate::model::{ItemTransition, Items};

/// A history, parted where the collection was empty.
pub(super) struct Cuts {
    /// The moments, in order.
    pub(super) moments: Vec<u32>,
    /// For each moment, the operations that found nothing at it, and the items that came and went.
    at: Vec<Vec<usize>>,
    /// The items between: one group more than there are moments.
    pub(super) groups: Vec<Vec<Lifetime>>,
}

impl Cuts {
    /// Parts a history; `Err` if an operation that found nothing cannot have.
    pub(super) fn new(
        all: &[Occurrence<ItemTransition>],
        items: &[Lifetime],
        empties: &[usize],
        names: &Items,
    ) -> Result<Cuts, Pattern> {
        let covered = Covered::new(items, Vec::new());
        let mut found: Vec<(u32, usize)> = Vec::with_capacity(empties.len());
        for empty in empties.iter().copied() {
            let moment = covered.first_free(all[empty].invoked);
            if all[empty].returned.is_some_and(|end| end <= moment) {
                return Err(never_empty(all, items, empty, names));
            }
            found.push((moment, empty));
        }
        found.sort_unstable();
        let mut moments: Vec<u32> = found.iter().map(|(moment, _)| *moment).collect();
        moments.dedup();
        let mut cuts = Cuts {
            at: vec![Vec::new(); moments.len()],
            groups: vec![Vec::new(); moments.len() + 1],
            moments,
        };
        for (moment, empty) in found {
            let cut = cuts.moments.partition_point(|other| *other < moment);
            cuts.at[cut].push(empty);
        }
        items.iter().for_each(|item| cuts.sort_in(item));
        Ok(cuts)
    }

    fn sort_in(&mut self, item: &Lifetime) {
        let after = self.moments.partition_point(|moment| *moment < item.take_from);
        match self.moments.get(after) {
            Some(moment) if *moment < item.put_until => self.at[after].extend(item.operations()),
            _ => self.groups[after].push(*item),
        }
    }

    /// The moment from which on a group happens.
    pub(super) fn begin(&self, group: usize) -> u32 {
        group.checked_sub(1).map_or(0, |cut| self.moments[cut])
    }

    /// Everything in order, given the order of each group.
    pub(super) fn joined(self, groups: Vec<Vec<usize>>) -> Vec<usize> {
        let mut at = self.at.into_iter();
        let mut order = Vec::new();
        for group in groups {
            order.extend(group);
            order.extend(at.next().into_iter().flatten());
        }
        order
    }
}

/// The moments at which something is certainly there: disjoint intervals that do not touch.
pub(super) struct Covered(Vec<(u32, u32)>);

impl Covered {
    /// The moments of items, and others.
    pub(super) fn new(items: &[Lifetime], mut intervals: Vec<(u32, u32)>) -> Covered {
        let certain = items.iter().filter(|one| one.is_certain_for_a_while());
        intervals.extend(certain.map(|one| (one.put_until, one.take_from)));
        intervals.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::new();
        for (begin, end) in intervals {
            match merged.last_mut() {
                Some((_, last)) if begin <= *last => *last = end.max(*last),
                _ => merged.push((begin, end)),
            }
        }
        Covered(merged)
    }

    /// The first moment from this one on at which nothing is certainly there.
    pub(super) fn first_free(&self, moment: u32) -> u32 {
        let after = self.0.partition_point(|(begin, _)| *begin <= moment);
        let covering = after.checked_sub(1).map(|at| self.0[at].1);
        covering.filter(|end| *end > moment).unwrap_or(moment)
    }
}

/// The fewest items that cover the whole interval of an operation that found nothing.
pub(super) fn never_empty(
    all: &[Occurrence<ItemTransition>],
    items: &[Lifetime],
    empty: usize,
    names: &Items,
) -> Pattern {
    let end = all[empty].returned.expect("an operation that found nothing was acknowledged");
    let mut sorted: Vec<&Lifetime> =
        items.iter().filter(|one| one.is_certain_for_a_while()).collect();
    sorted.sort_unstable_by_key(|one| one.put_until);
    let (mut moment, mut next) = (all[empty].invoked, 0);
    let mut chain: Vec<&Lifetime> = Vec::new();
    while moment < end {
        let mut furthest: Option<&Lifetime> = None;
        while let Some(one) = sorted.get(next).filter(|one| one.put_until <= moment) {
            if furthest.is_none_or(|other| other.take_from < one.take_from) {
                furthest = Some(one);
            }
            next += 1;
        }
        let one = furthest.expect("the interval is covered");
        moment = one.take_from;
        chain.push(one);
    }
    let operations = [empty].into_iter().chain(chain.iter().flat_map(|one| one.operations()));
    let noun = names.words.noun;
    let held = named(names, chain.iter().copied());
    let why = match chain.len() {
        1 => format!("the {noun} was found empty, but {held} was in it all the time"),
        _ => format!(
            "the {noun} was found empty, but {held} were in it, one after another, all the time"
        ),
    };
    pattern("false-empty", operations.collect(), why)
}
