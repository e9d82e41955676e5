//! How much of a violation rests on failures having been definite.
//!
//! The commonest false alarm is a client that reports `:fail` for something that happened all the
//! same: a refused connection that was none, a time-out taken for a rejection. So a violation is
//! judged once more with every failure that could have changed the state *doubted*, that is, read
//! as `:info`. If it remains, no mistake of that kind explains it. If not, it depends on some of
//! the failures, and a smallest set of these is looked for: with them trusted and all others
//! doubted it is still a violation, with one of them less it is none.
//!
//! Trusting more never makes a history legal, so delta debugging finds such a set: a logarithm of
//! decisions where it is small. Thousands of doubted failures would be thousands of crashed
//! operations, though, so a decision about all of them is the last resort:
//!
//! 1. The core of the violation, with what its operations may have seen now, is a violation still:
//!    then so is the whole. Only failures that leave a state which somebody in the core found can
//!    spoil that, and usually there are few.
//! 2. Doubting only some failures, the last ones that leave such a state, makes the history legal:
//!    then doubting more does.
//! 3. Otherwise everything is judged.
//!
//! A violation that depends on each of several failures needs no longer list: from then on it is said
//! that there are at least so many.

use rustc_hash::{FxHashMap, FxHashSet};

use super::linearizable::{Parsed, occurrence};
use crate::budget::Budget;
use crate::history::Outcome;
use crate::linear::{Decision, Occurrence, decide};
use crate::model::{Call, Class, Model, Requires};
use crate::shrink::{Form, Shrunk, is_violation_within};
use crate::verdict::{Doubt, Extent, Strength};

/// So many failures on each of which a violation depends are enough to know.
const ENOUGH: usize = 5;

/// Failures that say something, or could have changed the state, as they would be read if nobody
/// trusted them.
pub(crate) struct Doubts<T> {
    failures: Vec<Failure<T>>,
}

struct Failure<T> {
    /// Position in the object.
    at: usize,
    /// What it may have done, if it was not definite.
    doubted: Option<Occurrence<T>>,
}

impl<T: Clone> Doubts<T> {
    /// All of an object.
    pub(crate) fn of<M: Model<Transition = T>>(
        model: &mut M,
        parsed: &Parsed<'_, '_, T>,
    ) -> Doubts<T> {
        let mut failures = Vec::new();
        for (at, recorded) in parsed.object.operations.iter().enumerate() {
            if recorded.outcome() != Outcome::Fail {
                continue;
            }
            let call = Call { outcome: Outcome::Info, ..recorded.call() };
            let doubted = model.parse(&call).ok().flatten();
            let doubted = doubted.filter(|one| model.class(one) != Class::Observer);
            if doubted.is_some() || parsed.meanings[at].is_some() {
                let optional =
                    |transition| Occurrence { returned: None, ..occurrence(recorded, transition) };
                failures.push(Failure { at, doubted: doubted.map(optional) });
            }
        }
        Doubts { failures }
    }

    /// Them, by position in the object.
    pub(crate) fn all(&self) -> Vec<usize> {
        self.failures.iter().map(|one| one.at).collect()
    }

    /// The history in which only these are doubted.
    pub(crate) fn doubting_only(
        &self,
        parsed: &Parsed<'_, '_, T>,
        doubted: &[usize],
    ) -> Vec<Occurrence<T>> {
        let doubted: FxHashSet<usize> = doubted.iter().copied().collect();
        self.history(parsed, |at| doubted.contains(&at)).0
    }

    /// The history in which the failures are doubted but for these.
    fn trusting(
        &self,
        parsed: &Parsed<'_, '_, T>,
        trusted: &[usize],
    ) -> (Vec<Occurrence<T>>, Vec<usize>) {
        let trusted: FxHashSet<usize> = trusted.iter().copied().collect();
        self.history(parsed, |at| !trusted.contains(&at))
    }

    /// The history in which some failures are doubted, by position in the object, each occurrence
    /// with its own position there.
    fn history(
        &self,
        parsed: &Parsed<'_, '_, T>,
        is_doubted: impl Fn(usize) -> bool,
    ) -> (Vec<Occurrence<T>>, Vec<usize>) {
        let mut doubted = self.failures.iter().filter(|one| is_doubted(one.at)).peekable();
        let mut history = Vec::with_capacity(parsed.recorded.len() + self.failures.len());
        // Both are in the order of the object.
        for (at, said) in parsed.recorded.iter().zip(&parsed.occurrences) {
            let mut is_doubted = false;
            while let Some(failure) = doubted.next_if(|one| one.at <= *at) {
                is_doubted |= failure.at == *at;
                history.extend(failure.doubted.clone().map(|one| (failure.at, one)));
            }
            if !is_doubted {
                history.push((*at, said.clone()));
            }
        }
        history.extend(doubted.filter_map(|one| Some((one.at, one.doubted.clone()?))));
        let (positions, history) = history.into_iter().unzip();
        (history, positions)
    }
}

/// How strong a violation is, as far as the budget goes.
pub(crate) fn find<M: Model>(
    model: &M,
    parsed: &Parsed<'_, '_, M::Transition>,
    doubts: &Doubts<M::Transition>,
    core: Option<&Shrunk>,
    budget: &Budget,
) -> Strength {
    let likely = core.map(|core| likely(model, parsed, doubts, core)).unwrap_or_default();
    let trial = Trial { model, parsed, doubts, core, likely, budget };
    let doubt = |at: usize| {
        let recorded = &parsed.object.operations[at];
        Doubt {
            index: recorded.index(),
            completion: recorded.completion().map(|op| op.index),
            error: recorded.completion().and_then(|op| op.error.cloned()),
        }
    };
    let (depends_on, extent) = trial.depends_on().unzip();
    Strength {
        doubted: doubts.failures.len() as u64,
        depends_on: depends_on.map(|depends_on| depends_on.into_iter().map(doubt).collect()),
        extent: extent.unwrap_or(Extent::All),
    }
}

struct Trial<'a, 'o, 'h, M: Model> {
    model: &'a M,
    parsed: &'a Parsed<'o, 'h, M::Transition>,
    doubts: &'a Doubts<M::Transition>,
    core: Option<&'a Shrunk>,
    /// Failures that leave a state which somebody in the core found.
    likely: Vec<usize>,
    budget: &'a Budget,
}

fn likely<M: Model>(
    model: &M,
    parsed: &Parsed<'_, '_, M::Transition>,
    doubts: &Doubts<M::Transition>,
    core: &Shrunk,
) -> Vec<usize> {
    let whole = core.kept.iter().filter(|(_, form)| *form == Form::Whole);
    let needs =
        whole.filter_map(|(at, _)| match model.requires(&parsed.occurrences[*at].transition) {
            Requires::Exactly(state) => Some(state),
            Requires::Anything | Requires::Some => None,
        });
    let needed: FxHashSet<M::State> = needs.collect();
    let leaves = |one: &&Failure<M::Transition>| {
        one.doubted.as_ref().is_some_and(|one| {
            one.invoked < core.cut
                && model.produces(&one.transition).is_some_and(|state| needed.contains(&state))
        })
    };
    doubts.failures.iter().filter(leaves).map(|one| one.at).collect()
}

impl<M: Model> Trial<'_, '_, '_, M> {
    /// The failures that must have been definite, or some that must where there are many.
    fn depends_on(&self) -> Option<(Vec<usize>, Extent)> {
        let none = Some((Vec::new(), Extent::All));
        if self.doubts.failures.is_empty() || self.core_remains(&[]) {
            return none;
        }
        if self.is_last_enough() {
            if let Some(equal) = self.many_equal() {
                return Some((equal, Extent::AtLeast));
            }
        } else if self.is_violation_without_core(&[], 4)? {
            return none;
        }
        let enough = match self.core_remains(&self.likely) {
            true => self.likely.clone(),
            false => self.doubts.all(),
        };
        let mut depends_on = self.indispensable(&enough)?;
        if depends_on.len() >= ENOUGH {
            depends_on.sort_unstable();
            return Some((depends_on, Extent::AtLeast));
        }
        let rest = enough.into_iter().filter(|at| !depends_on.contains(at)).collect();
        depends_on.extend(self.smallest(&depends_on, rest)?);
        depends_on.sort_unstable();
        Some((depends_on, Extent::All))
    }

    /// Whether doubting the last likely failure alone makes the history legal.
    fn is_last_enough(&self) -> bool {
        self.likely.last().is_some_and(|last| self.remains_doubting(&[*last]) == Some(false))
    }

    /// Enough indispensable failures, if the last likely one is and so many before it are equal to it
    /// ([`Self::indispensable`] says why): the usual violation of a long history, told by a single
    /// decision.
    fn many_equal(&self) -> Option<Vec<usize>> {
        let last = self.doubts.failures.iter().find(|one| Some(&one.at) == self.likely.last())?;
        let kind = &last.doubted.as_ref()?.transition;
        let is_equal = |one: &&Failure<M::Transition>| {
            one.at <= last.at && one.doubted.as_ref().is_some_and(|one| one.transition == *kind)
        };
        let failures = self.doubts.failures.iter().filter(is_equal);
        let equal: Vec<usize> = failures.map(|one| one.at).take(ENOUGH).collect();
        (equal.len() == ENOUGH).then_some(equal)
    }

    /// Of these, the failures of which each makes the history legal if it alone is doubted. What a
    /// crashed operation may do, one that began before and would do the same may do as well: so of
    /// equal failures the earliest are indispensable.
    fn indispensable(&self, failures: &[usize]) -> Option<Vec<usize>> {
        let mut numbers: FxHashMap<&M::Transition, usize> = FxHashMap::default();
        let mut equal: Vec<Vec<usize>> = Vec::new();
        let failures: FxHashSet<usize> = failures.iter().copied().collect();
        for one in &self.doubts.failures {
            if let Some(doubted) = one.doubted.as_ref().filter(|_| failures.contains(&one.at)) {
                let number = *numbers.entry(&doubted.transition).or_insert(equal.len());
                equal.resize_with(equal.len().max(number + 1), Vec::new);
                equal[number].push(one.at);
            }
        }
        let mut found = Vec::new();
        self.collect_indispensable(&equal, &mut found)?;
        Some(found)
    }

    /// Adds the indispensable ones among these kinds of equal failures. Usually few kinds have any,
    /// and doubting the earliest of many at once tells that none of them has.
    fn collect_indispensable(&self, kinds: &[Vec<usize>], found: &mut Vec<usize>) -> Option<()> {
        let earliest: Vec<usize> = kinds.iter().map(|members| members[0]).collect();
        if kinds.is_empty() || found.len() >= ENOUGH || self.remains_doubting(&earliest)? {
            return Some(());
        }
        match kinds {
            [members] => found.extend_from_slice(&members[..self.indispensable_of(members)?]),
            _ => {
                let (left, right) = kinds.split_at(kinds.len() / 2);
                self.collect_indispensable(left, found)?;
                self.collect_indispensable(right, found)?;
            }
        }
        Some(())
    }

    /// How many of these equal failures, of which the first is, are indispensable: seldom many, and
    /// not counted beyond what is enough.
    fn indispensable_of(&self, members: &[usize]) -> Option<usize> {
        let mut from = 1;
        let mut to = 2;
        while to <= members.len() && !self.remains_doubting(&members[to - 1..to])? {
            from = to;
            to *= 2;
            if from >= ENOUGH {
                return Some(from);
            }
        }
        to = to.min(members.len() + 1) - 1;
        while from < to {
            let middle = usize::midpoint(from, to);
            match self.remains_doubting(&members[middle..=middle])? {
                false => from = middle + 1,
                true => to = middle,
            }
        }
        Some(from)
    }

    /// Whether it is a violation if only these failures are doubted.
    fn remains_doubting(&self, doubted: &[usize]) -> Option<bool> {
        self.decided(&self.doubts.doubting_only(self.parsed, doubted))
    }

    /// Whether it is a violation if only these failures are trusted.
    fn is_violation(&self, trusted: &[usize]) -> Option<bool> {
        if self.core_remains(trusted) {
            return Some(true);
        }
        self.is_violation_without_core(trusted, 1)
    }

    /// The same where the core does not tell: first by so `few` of the likely failures, and four times
    /// as many again and again.
    fn is_violation_without_core(&self, trusted: &[usize], mut few: usize) -> Option<bool> {
        let trusted_set: FxHashSet<usize> = trusted.iter().copied().collect();
        let doubted = |at: &&usize| !trusted_set.contains(at);
        let suspects: Vec<usize> = self.likely.iter().filter(doubted).copied().collect();
        while few < 4 * suspects.len() {
            let some = &suspects[suspects.len().saturating_sub(few)..];
            if self.remains_doubting(some) == Some(false) {
                return Some(false);
            }
            few *= 4;
        }
        self.decided(&self.doubts.trusting(self.parsed, trusted).0)
    }

    /// Whether the core, with what its operations may have seen now, is a violation still.
    fn core_remains(&self, trusted: &[usize]) -> bool {
        let Some(core) = self.core else { return false };
        let (history, positions) = self.doubts.trusting(self.parsed, trusted);
        let place = |(at, form): &(usize, Form)| {
            Some((positions.binary_search(&self.parsed.recorded[*at]).ok()?, *form))
        };
        let kept: Option<Vec<(usize, Form)>> = core.kept.iter().map(place).collect();
        kept.is_some_and(|kept| {
            is_violation_within(self.model, &history, core.cut, &kept, self.budget)
        })
    }

    fn decided(&self, history: &[Occurrence<M::Transition>]) -> Option<bool> {
        match decide(self.model, history, self.budget).0 {
            Decision::Linearizable { .. } => Some(false),
            Decision::Stuck(_) | Decision::Impossible(_) => Some(true),
            Decision::Undecided(_) => None,
        }
    }

    /// Fewest of `more` that must be trusted besides `sure`: ever smaller pieces are doubted as
    /// well, as long as a violation remains.
    fn smallest(&self, sure: &[usize], mut more: Vec<usize>) -> Option<Vec<usize>> {
        let mut piece = more.len().max(1);
        loop {
            let before = more.len();
            let mut from = 0;
            while from < more.len() {
                let to = (from + piece).min(more.len());
                let rest: Vec<usize> = more[..from].iter().chain(&more[to..]).copied().collect();
                let trusted: Vec<usize> = sure.iter().chain(&rest).copied().collect();
                match self.is_violation(&trusted)? {
                    true => more = rest,
                    false => from = to,
                }
            }
            if piece == 1 && more.len() == before {
                return Some(more);
            }
            piece = piece.div_ceil(2);
        }
    }
}
