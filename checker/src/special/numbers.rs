//! A number that grows, or shrinks, by amounts of which some are known with the value that they
//! were added to: fetch-and-add, add-and-fetch, and a counter with reads.
//!
//! As long as no amount has the other sign, the number never comes back to a value that it has
//! left, so values are places: an addition that knows what it was added to takes it from one
//! place to another, and everybody who saw a value stands at its place. Places that nobody is
//! known to have led to were left to additions that do not know their place: those that crashed,
//! and all of a plain counter. If these add the same each, it is known how many of them stand in
//! each gap; any of them will do, and what is left to check is time (see `line`).
//!
//! A violation is told here where it is one whatever else happened: two operations that cannot
//! both have found what they did, or in that order; or one that saw more than had begun to be
//! added, or less than had been added when it began. Others are combinations of several such
//! bounds and left to the search, like different amounts that have to fill a gap, which is a
//! subset-sum. Where every addition knows its place, zones know more. `O(n log n)`.

use super::line::{Clash, Place, line_up};
use super::pattern;
use super::wrong::{WrongRule, makes};
use crate::linear::{Answer, Occurrence, Pattern};
use crate::model::CounterTransition;

/// Decides the history of a number to which nothing of the other sign is added.
pub(crate) fn numbers(all: &[Occurrence<CounterTransition>], initial: i64) -> Answer {
    let order = Numbers::of(all, initial).ok_or(Answer::Inapplicable).and_then(|numbers| {
        let places = numbers.places()?;
        line_up(all, &places, &numbers.fillers).map_err(|clash| numbers.told(clash))
    });
    order.map_or_else(|answer| answer, Answer::Order)
}

/// An acknowledged operation that knows what it found, and what it left. Values are negated where
/// the number shrinks.
#[derive(Clone, Copy, Debug)]
struct Known {
    at: usize,
    found: i128,
    left: i128,
}

struct Numbers<'a> {
    all: &'a [Occurrence<CounterTransition>],
    /// -1 where the number shrinks.
    sign: i128,
    initial: i128,
    /// By place.
    known: Vec<Known>,
    /// Additions that do not know their place, …
    fillers: Vec<usize>,
    /// … and what each of them adds, if it is the same.
    each: Option<i128>,
}

impl<'a> Numbers<'a> {
    /// `None` where there is no such line of places.
    fn of(all: &'a [Occurrence<CounterTransition>], initial: i64) -> Option<Numbers<'a>> {
        let sign = all.iter().map(|one| amount(&one.transition).signum()).find(|sign| *sign != 0);
        let sign = sign.unwrap_or(1);
        let initial = i128::from(initial) * sign;
        let mut numbers =
            Numbers { all, sign, initial, known: Vec::new(), fillers: Vec::new(), each: None };
        let mut most = initial;
        for (at, one) in all.iter().enumerate() {
            let added = amount(&one.transition) * sign;
            if added < 0 {
                return None;
            }
            most += added;
            match (one.transition, one.returned) {
                (CounterTransition::Add(0, None) | CounterTransition::Read(_), None) => {}
                (CounterTransition::Add(0, None), Some(_))
                | (CounterTransition::Add(_, Some(_)), None) => return None,
                (CounterTransition::Add(_, None), _) => numbers.fillers.push(at),
                (CounterTransition::Add(_, Some(found)) | CounterTransition::Read(found), _) => {
                    let found = i128::from(found) * sign;
                    numbers.known.push(Known { at, found, left: found + added });
                }
            }
        }
        // Sums wrap around: then a value is no place.
        let most = i64::try_from(most * sign);
        if most.is_err() || numbers.fillers.is_empty() {
            return None;
        }
        let behind = makes(WrongRule::ReadsBehindAdditions);
        numbers.known.sort_unstable_by_key(|one| {
            let left = if behind { -one.left } else { one.left };
            (one.found, left, all[one.at].invoked)
        });
        let first = amount(&all[numbers.fillers[0]].transition) * sign;
        let alike = |at: &usize| amount(&all[*at].transition) * sign == first;
        numbers.each = numbers.fillers.iter().all(alike).then_some(first);
        Some(numbers)
    }

    /// Everybody who knows it at his place, and the gaps.
    fn places(&self) -> Result<Vec<Place>, Answer> {
        let mut places = Vec::with_capacity(self.all.len());
        let (mut reached, mut gaps) = (self.initial, 0);
        let mut before: Option<Known> = None;
        for one in self.known.iter().copied() {
            let missing = one.found - reached;
            if missing < 0 {
                return Err(Answer::Impossible(self.passed(before, one)));
            }
            if missing > 0 {
                let each = self.each.ok_or(Answer::Inapplicable)?;
                gaps += missing / each;
                // Before as many places are made as somebody may have dreamt of.
                if missing % each != 0 || gaps > self.fillers.len() as i128 {
                    return Err(self.out_of_bounds());
                }
                places.extend((0..missing / each).map(|_| Place::Gap));
            }
            places.push(Place::Of(one.at));
            reached = one.left;
            before = Some(one).filter(|one| one.left > one.found).or(before);
        }
        Ok(places)
    }

    /// Why a line of places is wrong in time.
    fn told(&self, clash: Clash) -> Answer {
        let known = |at: usize| self.known.iter().copied().find(|one| one.at == at);
        let Clash::Late { first, second } = clash else { return self.out_of_bounds() };
        match (known(first), known(second)) {
            (Some(first), Some(second)) => Answer::Impossible(self.late(first, second)),
            _ => self.out_of_bounds(),
        }
    }

    /// A value, for people.
    fn name(&self, value: i128) -> i128 {
        value * self.sign
    }

    /// Somebody found a value that the number had left, or jumped over.
    fn passed(&self, before: Option<Known>, one: Known) -> Pattern {
        let found = self.name(one.found);
        let Some(before) = before else {
            let (start, goes) = (self.name(self.initial), self.goes());
            let why = format!("the counter started at {start} and only {goes}, but was at {found}");
            return pattern("value-before-the-first", vec![one.at], why);
        };
        let (from, to) = (self.name(before.found), self.name(before.left));
        let (rule, why) = match before.found == one.found {
            true => ("added-to-twice", format!("two additions both found the counter at {from}")),
            false => (
                "value-never-there",
                format!("an addition took the counter from {from} to {to}, past {found}"),
            ),
        };
        pattern(rule, vec![before.at, one.at], why)
    }

    fn goes(&self) -> &'static str {
        if self.sign > 0 { "grows" } else { "shrinks" }
    }

    fn late(&self, first: Known, second: Known) -> Pattern {
        let rule = match self.all[first.at].transition {
            CounterTransition::Read(_) => "stale-read",
            CounterTransition::Add(..) => "counter-went-back",
        };
        let why = format!(
            "the counter was at {} for an operation that began after another one had ended, \
             with the counter at {}",
            self.name(first.found),
            self.name(second.left)
        );
        pattern(rule, vec![first.at, second.at], why)
    }

    /// Somebody who saw what cannot have been there, whatever else happened; the first to return.
    fn out_of_bounds(&self) -> Answer {
        let additions = || (0..self.all.len()).map(|at| (at, amount(&self.all[at].transition)));
        let begun = additions().map(|(at, added)| (self.all[at].invoked, added * self.sign, at));
        let begun = Sums::of(begun);
        let ended = additions()
            .filter_map(|(at, added)| Some((self.all[at].returned?, added * self.sign, at)));
        let ended = Sums::of(ended);
        let mut in_time: Vec<&Known> = self.known.iter().collect();
        in_time.sort_unstable_by_key(|one| self.all[one.at].returned);
        let wrong = in_time.into_iter().find_map(|one| {
            let (invoked, returned) = (self.all[one.at].invoked, self.all[one.at].returned?);
            let (most, _) = begun.before(returned);
            let (least, last) = ended.before(invoked);
            // What it added itself had begun, too.
            if one.left - self.initial > most {
                return Some(self.too_large(one, most));
            }
            (one.found - self.initial < least).then(|| self.lost(one, least, last))
        });
        wrong.map_or(Answer::Inapplicable, Answer::Impossible)
    }

    fn too_large(&self, one: &Known, most: i128) -> Pattern {
        let others = most - (one.left - one.found);
        let why = format!(
            "the counter was at {}, but everything else that had begun to be added by then makes \
             it {}",
            self.name(one.found),
            self.name(self.initial + others)
        );
        pattern("value-too-large", vec![one.at], why)
    }

    fn lost(&self, one: &Known, least: i128, last: Option<usize>) -> Pattern {
        let why = format!(
            "the counter was at {}, but what had been added before makes it {}",
            self.name(one.found),
            self.name(self.initial + least)
        );
        pattern("lost-addition", last.into_iter().chain([one.at]).collect(), why)
    }
}

fn amount(transition: &CounterTransition) -> i128 {
    match *transition {
        CounterTransition::Add(amount, _) => i128::from(amount),
        CounterTransition::Read(_) => 0,
    }
}

/// What is added up to a moment.
struct Sums {
    /// By moment: with everything before, and who was the last.
    sums: Vec<(u32, i128, usize)>,
}

impl Sums {
    fn of(additions: impl Iterator<Item = (u32, i128, usize)>) -> Sums {
        let mut sums: Vec<(u32, i128, usize)> =
            additions.filter(|(_, added, _)| *added > 0).collect();
        sums.sort_unstable();
        let mut sum = 0;
        for (_, added, _) in &mut sums {
            sum += *added;
            *added = sum;
        }
        Sums { sums }
    }

    fn before(&self, moment: u32) -> (i128, Option<usize>) {
        let after = self.sums.partition_point(|(at, ..)| *at < moment);
        let last = after.checked_sub(1).map(|last| self.sums[last]);
        last.map_or((0, None), |(_, sum, at)| (sum, Some(at)))
    }
}
