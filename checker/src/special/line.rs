//! Operations that stand in a line: each has its place, but for a few that may fill a gap.
//!
//! A line is right exactly if nobody in it began after somebody behind it had returned. So in
//! going along it, whoever comes next must have begun before the first return among all that are
//! still to come: the *deadline*, which only grows. A gap takes, of the fillers that began before the
//! deadline, the one that must return first, one that crashed last: in any right line that does it
//! otherwise the two can be exchanged. If there is none, too few operations had begun before the
//! deadline for the place that whoever returned then has. `O(n log n)`.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::NEVER;
use super::wrong::{WrongRule, makes};
use crate::linear::Occurrence;

/// One place of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// This operation's.
    Of(usize),
    /// Any filler's.
    Gap,
}

/// Why a line is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clash {
    /// One operation must come before another that had returned when it began.
    Late { first: usize, second: usize },
    /// Too few operations had begun before this one returned.
    Unfilled { before: usize },
}

/// The order in which a line happens, fillers that must happen and found no gap at its end.
pub(super) fn line_up<T>(
    all: &[Occurrence<T>],
    places: &[Place],
    fillers: &[usize],
) -> Result<Vec<usize>, Clash> {
    let mut line = Line::new(all, places, fillers);
    let mut order = Vec::with_capacity(places.len() + fillers.len());
    for (number, place) in places.iter().enumerate() {
        let (deadline, last) = line.deadline(number);
        match place {
            Place::Of(at) if all[*at].invoked >= deadline => {
                return Err(Clash::Late { first: *at, second: last });
            }
            Place::Of(at) => order.push(*at),
            Place::Gap => match line.fill(deadline) {
                Some(at) => order.push(at),
                None => return Err(Clash::Unfilled { before: last }),
            },
        }
    }
    let mut rest: Vec<usize> = line.waiting.into_iter().map(|(_, at)| at).collect();
    rest.sort_unstable_by_key(|at| all[*at].invoked);
    order.extend(rest);
    Ok(order)
}

struct Line<'a, T> {
    all: &'a [Occurrence<T>],
    /// For each place, the first return from it on, and whose.
    returns: Vec<(u32, usize)>,
    /// Fillers that are not placed and must be, by return.
    waiting: BTreeSet<(u32, usize)>,
    /// Fillers by invocation, the last first, that cannot be next yet, …
    later: Vec<usize>,
    /// … and those that can, by return.
    ready: BinaryHeap<Reverse<(u32, usize)>>,
}

impl<'a, T> Line<'a, T> {
    fn new(all: &'a [Occurrence<T>], places: &[Place], fillers: &[usize]) -> Line<'a, T> {
        let mut returns = vec![(NEVER, 0); places.len()];
        let mut first = (NEVER, 0);
        for (known, place) in returns.iter_mut().zip(places).rev() {
            if let Place::Of(at) = place {
                first = first.min((all[*at].returned.unwrap_or(NEVER), *at));
            }
            *known = first;
        }
        let mut later = fillers.to_vec();
        later.sort_unstable_by_key(|at| Reverse(all[*at].invoked));
        let must = fillers.iter().filter_map(|at| Some((all[*at].returned?, *at)));
        Line { all, returns, waiting: must.collect(), later, ready: BinaryHeap::new() }
    }

    fn deadline(&self, place: usize) -> (u32, usize) {
        let waiting = self.waiting.first().copied().unwrap_or((NEVER, 0));
        if makes(WrongRule::WaitingHasTime) {
            return self.returns[place];
        }
        self.returns[place].min(waiting)
    }

    fn fill(&mut self, deadline: u32) -> Option<usize> {
        while let Some(at) = self.later.pop_if(|at| self.all[*at].invoked < deadline) {
            let first = match makes(WrongRule::FirstBegunFills) {
                true => self.all[at].invoked,
                false => self.all[at].returned.unwrap_or(NEVER),
            };
            self.ready.push(Reverse((first, at)));
        }
        let Reverse((_, filler)) = self.ready.pop()?;
        self.waiting.remove(&(self.all[filler].returned.unwrap_or(NEVER), filler));
        Some(filler)
    }
}
