//! A stack of different items, last in, first out.
//!
//! An item whose put and take can be done at one moment can be done so at any time, and concerns
//! nobody else. Every other item is certainly there from `put_until` up to `take_from`. Let `first`
//! be the earliest beginning of such an interval, `last` the latest end. If there is a moment
//! between at which no item is certainly there, the items before and behind it have nothing to do
//! with each other. If there is none, the stack is never empty in between, so one item is at the
//! bottom all the time: its put began before `first` and its take returned after `last`. An item
//! of which that is so may as well be that item; without it, the rest is looked at in the same
//! way. If there is no such item, no order is last in, first out.
//! After Abdulla, Grahn, Jonsson, Krishna and Om Swaroopa (*Efficient linearizability monitoring*,
//! PLDI 2025).
//!
//! `first` only grows and `last` only shrinks as items are removed and parted, so an item that has
//! become fit for the bottom on one side stays so, and three search trees make it `O(n log n)`.
//!
//! Of takes that crashed nobody knows what they took. If the history can be explained without them,
//! or is impossible without everything that one of them may have taken, that decides it. Else they
//! are handed out by deadlines (see `unknown`), which is a guess here: an earlier take is never
//! worse for one item, but may be missing for another. If that makes no order, the search decides.

use std::ops::Range;

use super::cuts::Cuts;
use super::lifetimes::{Lifetime, Lifetimes, despite_unknown_takes, named};
use super::tree::Tree;
use super::unknown::Deadline;
use super::wrong::{WrongRule, makes};
use super::{NEVER, pattern};
use crate::linear::{Answer, Occurrence, Pattern};
use crate::model::{ItemTransition, Items};

/// Decides the history of a stack of different items.
pub(crate) fn stack(all: &[Occurrence<ItemTransition>], names: &Items) -> Answer {
    let lifetimes = match Lifetimes::of(all, names) {
        Err(answer) => return answer,
        Ok(lifetimes) => lifetimes,
    };
    let without = despite_unknown_takes(&lifetimes, |items, empties| {
        decide(all, items, empties, names).map_err(Some)
    });
    match without {
        Answer::Inapplicable => guessed(lifetimes, all, names),
        certain => certain,
    }
}

/// Explains a history by takes that crashed, handed out to whatever must have been taken in the
/// order in which it must have been: what makes an order is one.
fn guessed(mut lifetimes: Lifetimes, all: &[Occurrence<ItemTransition>], names: &Items) -> Answer {
    let deadlines = buried(&lifetimes.items);
    match lifetimes.explain_empties(all, deadlines, names) {
        // Not even if it did not matter in which order they are taken.
        Err(Some(pattern)) => Answer::Impossible(pattern),
        Err(None) => Answer::Inapplicable,
        Ok(()) => decide(all, &lifetimes.items, &lifetimes.empties, names)
            .map_or(Answer::Inapplicable, Answer::Order),
    }
}

/// As many pairs of items are worth comparing.
const PAIRS_MAX: usize = 50_000_000;

/// Items of which nobody knows that they were taken, with the moment until which they must have
/// been: until then an item is out that was below them.
fn buried(items: &[Lifetime]) -> Vec<Deadline> {
    let mut left: Vec<usize> = (0..items.len()).filter(|at| items[*at].take.is_none()).collect();
    if left.len().saturating_mul(items.len()) > PAIRS_MAX {
        return Vec::new();
    }
    left.sort_unstable_by_key(|at| items[*at].put_from);
    let mut until: Vec<u32> = items.iter().map(|one| one.take_until).collect();
    for at in &left {
        let one = &items[*at];
        let is_below = |(other, _): &(&Lifetime, &u32)| {
            other.put_until < one.put_from && other.take_from > one.put_until
        };
        let below = items.iter().zip(&until).filter(is_below).map(|(_, until)| *until);
        until[*at] = below.min().unwrap_or(NEVER);
    }
    left.into_iter().map(|at| (until[at], at)).filter(|(until, _)| *until < NEVER).collect()
}

fn decide(
    all: &[Occurrence<ItemTransition>],
    items: &[Lifetime],
    empties: &[usize],
    names: &Items,
) -> Result<Vec<usize>, Pattern> {
    let cuts = Cuts::new(all, items, empties, names)?;
    let mut groups = Vec::with_capacity(cuts.groups.len());
    for (at, group) in (0..).zip(&cuts.groups) {
        let (lasting, passing): (Vec<_>, Vec<_>) =
            group.iter().copied().partition(Lifetime::is_certain_for_a_while);
        let order = nested(&lasting).map_err(|core| tangled(smallest(core), names))?;
        groups.push(with_passing(all, order, passing, cuts.begin(at)));
    }
    Ok(cuts.joined(groups))
}

/// Puts items that come and go at one moment between the others.
fn with_passing(
    all: &[Occurrence<ItemTransition>],
    order: Vec<usize>,
    mut passing: Vec<Lifetime>,
    mut moment: u32,
) -> Vec<usize> {
    passing.sort_unstable_by_key(|one| one.take_from);
    let mut passing = passing.into_iter().peekable();
    let mut joined = Vec::with_capacity(order.len() + 2 * passing.len());
    for at in order {
        moment = moment.max(all[at].invoked);
        while let Some(one) = passing.next_if(|one| one.take_from < moment) {
            joined.extend(one.operations());
        }
        joined.push(at);
    }
    joined.extend(passing.flat_map(|one| one.operations()));
    joined
}

/// What is left to do.
enum Work {
    /// Order the items of a window.
    Window(Window),
    /// This one leaves.
    Take(usize),
}

/// The items that are certainly there within some time only: a range of them by beginning, and the
/// same items as a range by end.
#[derive(Clone)]
struct Window {
    by_begin: Range<usize>,
    by_end: Range<usize>,
}

/// The puts and takes of items that are certainly there for a while, in order; `Err` is a set of
/// them that has none.
fn nested(items: &[Lifetime]) -> Result<Vec<usize>, Vec<Lifetime>> {
    let mut nest = Nest::new(items);
    let everything = Window { by_begin: 0..items.len(), by_end: 0..items.len() };
    let mut work = vec![Work::Window(everything)];
    let mut order = Vec::with_capacity(2 * items.len());
    while let Some(next) = work.pop() {
        let window = match next {
            Work::Take(item) => {
                order.extend(items[item].take);
                continue;
            }
            Work::Window(window) => window,
        };
        let Some((first, last)) = nest.extent(&window) else { continue };
        if let Some(bottom) = nest.bottom(&window, first, last) {
            order.push(items[bottom].put);
            work.extend([Work::Take(bottom), Work::Window(window)]);
        } else if let Some((before, behind)) = nest.part(&window, last) {
            work.extend([Work::Window(behind), Work::Window(before)]);
        } else {
            return Err(nest.left_in(&window));
        }
    }
    Ok(order)
}

/// The items that were not yet placed, in three orders.
struct Nest<'i> {
    items: &'i [Lifetime],
    by_begin: Vec<usize>,
    by_end: Vec<usize>,
    /// By beginning: the beginning of the put, until it was before `first`.
    puts: Tree,
    /// By end: the end of the take, negated, until it was after `last`.
    takes: Tree,
    /// By beginning, and from the last end to the first: 0 while the item is not placed.
    alive: Tree,
    alive_backwards: Tree,
    /// By end: how many items are certainly there at the moment at which this one need not be.
    there: Tree,
    /// In how many of two ways an item is fit for the bottom.
    fit: Vec<u8>,
    bottoms: Vec<usize>,
}

impl<'i> Nest<'i> {
    fn new(items: &'i [Lifetime]) -> Nest<'i> {
        let mut by_begin: Vec<usize> = (0..items.len()).collect();
        by_begin.sort_unstable_by_key(|at| items[*at].put_until);
        let mut by_end: Vec<usize> = (0..items.len()).collect();
        by_end.sort_unstable_by_key(|at| (items[*at].take_from, *at));
        let nothing = || by_end.iter().map(|_| 0);
        let mut nest = Nest {
            puts: Tree::new(by_begin.iter().map(|at| i64::from(items[*at].put_from))),
            takes: Tree::new(by_end.iter().map(|at| match makes(WrongRule::OutWhenAsked) {
                true => -i64::from(items[*at].take_from),
                false => -i64::from(items[*at].take_until),
            })),
            alive: Tree::new(nothing()),
            alive_backwards: Tree::new(nothing()),
            there: Tree::new(nothing()),
            fit: vec![0; items.len()],
            bottoms: Vec::new(),
            items,
            by_begin,
            by_end,
        };
        (0..items.len()).for_each(|item| nest.there.add(nest.covers(item), 1));
        nest
    }

    /// The places by end at whose moments an item is certainly there.
    fn covers(&self, item: usize) -> Range<usize> {
        let Lifetime { put_until, take_from, .. } = self.items[item];
        let place = |moment| self.by_end.partition_point(|at| self.items[*at].take_from < moment);
        place(put_until)..place(take_from)
    }

    /// The earliest beginning and the latest end in a window; `None` if it is empty.
    fn extent(&self, window: &Window) -> Option<(u32, u32)> {
        let count = self.items.len();
        let Range { start, end } = window.by_end;
        let first = self.alive.first_at_most(window.by_begin.clone(), 0)?;
        let last = self.alive_backwards.first_at_most(count - end..count - start, 0)?;
        let (first, last) = (self.by_begin[first], self.by_end[count - 1 - last]);
        Some((self.items[first].put_until, self.items[last].take_from))
    }

    /// Takes an item out of a window that may be at the bottom of the rest all the time.
    fn bottom(&mut self, window: &Window, first: u32, last: u32) -> Option<usize> {
        while let Some(place) = self.puts.first_at_most(window.by_begin.clone(), i64::from(first)) {
            self.puts.add(place..place + 1, Tree::OUT);
            self.becomes_fit(self.by_begin[place]);
        }
        while let Some(place) = self.takes.first_at_most(window.by_end.clone(), -i64::from(last)) {
            self.takes.add(place..place + 1, Tree::OUT);
            self.becomes_fit(self.by_end[place]);
        }
        let item = self.bottoms.pop()?;
        self.remove(item);
        Some(item)
    }

    fn becomes_fit(&mut self, item: usize) {
        self.fit[item] += 1;
        let ways = if makes(WrongRule::BottomByEitherEnd) { 1 } else { 2 };
        if self.fit[item] == ways {
            self.bottoms.push(item);
        }
    }

    fn remove(&mut self, item: usize) {
        let Lifetime { put_until, take_from, .. } = self.items[item];
        let begin = self.by_begin.partition_point(|at| self.items[*at].put_until < put_until);
        let end =
            self.by_end.partition_point(|at| (self.items[*at].take_from, *at) < (take_from, item));
        let backwards = self.items.len() - 1 - end;
        self.alive.add(begin..begin + 1, Tree::OUT);
        self.alive_backwards.add(backwards..backwards + 1, Tree::OUT);
        self.there.add(self.covers(item), -1);
        self.there.add(end..end + 1, Tree::OUT);
    }

    /// Parts a window at a moment at which nothing in it is certainly there.
    fn part(&self, window: &Window, last: u32) -> Option<(Window, Window)> {
        let before_last = self.by_end.partition_point(|at| self.items[*at].take_from < last);
        let within = window.by_end.start..window.by_end.end.min(before_last);
        let others = if makes(WrongRule::PartedWhereOneIs) { 1 } else { 0 };
        let place = self.there.first_at_most(within, others)?;
        let moment = self.items[self.by_end[place]].take_from;
        let middle = self.by_begin.partition_point(|at| self.items[*at].put_until <= moment);
        let before = Window {
            by_begin: window.by_begin.start..middle.min(window.by_begin.end),
            by_end: window.by_end.start..place + 1,
        };
        let behind = Window {
            by_begin: middle.max(window.by_begin.start)..window.by_begin.end,
            by_end: place + 1..window.by_end.end,
        };
        Some((before, behind))
    }

    fn left_in(&self, window: &Window) -> Vec<Lifetime> {
        let mut left = Vec::new();
        let mut from = window.by_begin.start;
        while let Some(place) = self.alive.first_at_most(from..window.by_begin.end, 0) {
            left.push(self.items[self.by_begin[place]]);
            from = place + 1;
        }
        left
    }
}

/// More items than this are not worth the time it takes to find out which of them matter.
const SHRUNK_MAX: usize = 256;

/// As few as possible of items that exclude each other: leaving one out of a stack's history,
/// with its put and its take, leaves a stack's history.
fn smallest(mut core: Vec<Lifetime>) -> Vec<Lifetime> {
    let mut at = 0;
    while at < core.len() && core.len() <= SHRUNK_MAX {
        let mut fewer = core.clone();
        fewer.remove(at);
        match nested(&fewer) {
            Err(fewer) => (core, at) = (fewer, 0),
            Ok(_) => at += 1,
        }
    }
    core
}

fn tangled(core: Vec<Lifetime>, names: &Items) -> Pattern {
    let why = format!(
        "no order of the {} and {} operations of {} is last in, first out",
        names.words.put,
        names.words.take,
        named(names, &core)
    );
    pattern("out-of-order", core.iter().flat_map(Lifetime::operations).collect(), why)
}
