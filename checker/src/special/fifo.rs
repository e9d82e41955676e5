//! A queue of different items, first in, first out.
//!
//! Item `a` must come before `b` if its put had returned when that of `b` began, or its take when
//! that of `b` began. Both relations are interval orders, and a circle of them always contains one
//! of two items: `a` is certainly in the queue from before `b` came until after `b` left. So a
//! history is a queue's exactly if there is no such pair, no item is taken that was not put in (see
//! `lifetimes`), and nobody finds nothing while something is certainly there (see `cuts`).
//! After Henzinger, Sezgin and Vafeiadis (*Aspect-oriented linearizability proofs*, 2013).
//!
//! An order follows: any linear extension of the relation, puts and takes each at the earliest
//! moment that this order leaves them. No take is late: had one that must come after it begun
//! when it had returned, the two items would be the other way round.
//!
//! **Takes that crashed.** An item that was never taken although a later one was must have been
//! taken by one of them. `a` needs one that began before the first take returned of an item that
//! came after `a`; these deadlines are ordered like the takes' beginnings, so the first fits the
//! first, and so on; whoever found nothing has deadlines as well (see `unknown`). `O(n log n)`.

use super::cuts::Cuts;
use super::lifetimes::{Lifetime, Lifetimes};
use super::unknown::Deadline;
use super::wrong::{WrongRule, makes};
use super::{NEVER, pattern};
use crate::linear::{Answer, Occurrence, Pattern};
use crate::model::{ItemTransition, Items};

/// Decides the history of a queue of different items.
pub(crate) fn fifo_queue(all: &[Occurrence<ItemTransition>], names: &Items) -> Answer {
    let mut lifetimes = match Lifetimes::of(all, names) {
        Err(answer) => return answer,
        Ok(lifetimes) => lifetimes,
    };
    if !lifetimes.unknown_takes.is_empty()
        && let Err(why) = explain_unknown_takes(&mut lifetimes, all, names)
    {
        return why.map_or(Answer::Inapplicable, Answer::Impossible);
    }
    match decide(all, &lifetimes.items, &lifetimes.empties, names) {
        Ok(order) => Answer::Order(order),
        Err(why) => why.map_or(Answer::Inapplicable, Answer::Impossible),
    }
}

/// An order, or why there is none; `Err(None)` would be a mistake in the proof above.
fn decide(
    all: &[Occurrence<ItemTransition>],
    items: &[Lifetime],
    empties: &[usize],
    names: &Items,
) -> Result<Vec<usize>, Option<Pattern>> {
    if let Some((first, second)) = overtaken(items) {
        return Err(Some(overtaking(names, first, second)));
    }
    let cuts = Cuts::new(all, items, empties, names)?;
    let groups: Option<Vec<Vec<usize>>> = (0..)
        .zip(&cuts.groups)
        .map(|(at, group)| Some(in_order(&extension(group)?, cuts.begin(at))))
        .collect();
    Ok(cuts.joined(groups.ok_or(None)?))
}

/// Two items of which the first must come before the second, and the other way round.
fn overtaken(items: &[Lifetime]) -> Option<(&Lifetime, &Lifetime)> {
    let mut by_put_until: Vec<&Lifetime> = items.iter().collect();
    by_put_until.sort_unstable_by_key(|one| one.put_until);
    let mut by_put_from: Vec<&Lifetime> = items.iter().collect();
    by_put_from.sort_unstable_by_key(|one| one.put_from);
    let mut there = by_put_until.into_iter().peekable();
    let mut longest: Option<&Lifetime> = None;
    for second in by_put_from {
        while let Some(first) = there.next_if(|first| first.put_until < second.put_from) {
            let ignored = makes(WrongRule::OnlyTakenItems) && first.take.is_none();
            if !ignored && longest.is_none_or(|other| other.take_from < first.take_from) {
                longest = Some(first);
            }
        }
        if let Some(first) = longest.filter(|first| second.take_until < first.take_from) {
            return Some((first, second));
        }
    }
    None
}

fn overtaking(names: &Items, first: &Lifetime, second: &Lifetime) -> Pattern {
    let (a, b) = (names.value(first.item), names.value(second.item));
    let taken = names.words.taken;
    let fate = match first.take {
        Some(_) => format!("before the {} of {a} began", names.words.take),
        None => format!("and {a} never was"),
    };
    let why = format!("{b} was put in after {a}, and was {taken} {fate}");
    let operations = first.operations().chain(second.operations()).collect();
    pattern("out-of-order", operations, why)
}

/// The items in an order in which they can have come and gone.
///
/// An item may be next when no other one must come before it: when its put began before any of
/// the rest must be in, and its take before any of the rest must be out.
fn extension(items: &[Lifetime]) -> Option<Vec<&Lifetime>> {
    let sorted = |key: fn(&Lifetime) -> u32| {
        let mut sorted: Vec<usize> = (0..items.len()).collect();
        sorted.sort_unstable_by_key(|at| key(&items[*at]));
        sorted
    };
    let mut puts = Side::new(sorted(|one| one.put_from), sorted(|one| one.put_until));
    let mut takes = Side::new(sorted(|one| one.take_from), sorted(|one| one.take_until));
    let mut placed = vec![false; items.len()];
    let mut half_ready = vec![false; items.len()];
    let mut ready: Vec<usize> = Vec::new();
    let mut order = Vec::with_capacity(items.len());
    while order.len() < items.len() {
        let begun = puts.begun(&placed, |at| items[at].put_from, |at| items[at].put_until);
        let gone = takes.begun(&placed, |at| items[at].take_from, |at| items[at].take_until);
        for at in begun.into_iter().chain(gone) {
            if std::mem::replace(&mut half_ready[at], true) {
                ready.push(at);
            }
        }
        let next = ready.pop()?;
        placed[next] = true;
        order.push(&items[next]);
    }
    Some(order)
}

/// One of the two intervals of every item.
struct Side {
    by_begin: Vec<usize>,
    by_end: Vec<usize>,
    begun: usize,
    ended: usize,
}

impl Side {
    fn new(by_begin: Vec<usize>, by_end: Vec<usize>) -> Side {
        Side { by_begin, by_end, begun: 0, ended: 0 }
    }

    /// The items whose interval begins before the first end among those not yet placed; each is
    /// handed out once.
    fn begun(
        &mut self,
        placed: &[bool],
        begin: impl Fn(usize) -> u32,
        end: impl Fn(usize) -> u32,
    ) -> Vec<usize> {
        while self.by_end.get(self.ended).is_some_and(|at| placed[*at]) {
            self.ended += 1;
        }
        let first_end = self.by_end.get(self.ended).map_or(NEVER, |at| end(*at));
        let from = self.begun;
        while self.by_begin.get(self.begun).is_some_and(|at| begin(*at) <= first_end) {
            self.begun += 1;
        }
        self.by_begin[from..self.begun].to_vec()
    }
}

/// The operations of items in this order, each at the earliest moment.
fn in_order(items: &[&Lifetime], begin: u32) -> Vec<usize> {
    let mut operations: Vec<(u32, bool, usize, usize)> = Vec::with_capacity(2 * items.len());
    let (mut put_at, mut taken_at) = (begin, begin);
    for (place, item) in items.iter().enumerate() {
        put_at = put_at.max(item.put_from);
        operations.push((put_at, false, place, item.put));
        if let Some(take) = item.take {
            taken_at = taken_at.max(item.take_from).max(put_at);
            operations.push((taken_at, true, place, take));
        }
    }
    operations.sort_unstable();
    operations.into_iter().map(|(_, _, _, at)| at).collect()
}

/// Gives every item that must have been taken to a take of which nobody knows what it took; `Err`
/// if there are not enough of them in time.
fn explain_unknown_takes(
    lifetimes: &mut Lifetimes,
    all: &[Occurrence<ItemTransition>],
    names: &Items,
) -> Result<(), Option<Pattern>> {
    let mut overtaken = lifetimes.deadlines();
    if !makes(WrongRule::DeadlinesInAnyOrder) {
        overtaken.sort_unstable();
    }
    let deadlines: Vec<Deadline> = overtaken.iter().map(|(until, at, _)| (*until, *at)).collect();
    lifetimes.clone().hand_out(all, &deadlines).map_err(|place| {
        let (_, at, behind) = overtaken[place];
        overtaking(names, &lifetimes.items[at], &lifetimes.items[behind])
    })?;
    lifetimes.explain_empties(all, deadlines, names)
}

impl Lifetimes {
    /// Items that somebody must have taken: until when, which, and which one behind it was taken.
    fn deadlines(&self) -> Vec<(u32, usize, usize)> {
        let mut by_put_from: Vec<usize> = (0..self.items.len()).collect();
        by_put_from.sort_unstable_by_key(|at| std::cmp::Reverse(self.items[*at].put_from));
        let left = (0..self.items.len()).filter(|at| self.items[*at].take.is_none());
        let mut left: Vec<usize> = left.collect();
        left.sort_unstable_by_key(|at| std::cmp::Reverse(self.items[*at].put_until));
        let mut behind = by_put_from.into_iter().peekable();
        let mut first_gone: Option<usize> = None;
        let mut deadlines = Vec::new();
        for at in left {
            let put_until = self.items[at].put_until;
            while let Some(other) = behind.next_if(|other| self.items[*other].put_from > put_until)
            {
                let until = self.items[other].take_until;
                if until < first_gone.map_or(NEVER, |known| self.items[known].take_until) {
                    first_gone = Some(other);
                }
            }
            deadlines.extend(first_gone.map(|other| (self.items[other].take_until, at, other)));
        }
        deadlines
    }
}
