//! Finding a proof that a history has no order, one that is cheap to check.
//!
//! Of an invalid history only little matters as a rule, so ever larger parts of it are tried, each
//! a sound weakening (`verifier/src/weaken.rs` says why), until one of them has no order either:
//!
//! 1. the core of the violation, where one was found (see [`crate::shrink`]);
//! 2. the operations that the verdict names as excluding each other, with everybody else who may
//!    have put there what they ask for, or who touched the same elements;
//! 3. everything until the operation that failed, if that is little;
//! 4. where the object consists of things that do not depend on each other, each of them, if that
//!    is not too much work (`things`);
//! 5. windows before the return that failed, each twice as long as the one before, with the object
//!    in any state at first (where states are values), or in the one that it must be in (where
//!    changes are sums);
//! 6. the whole history until that return, first with indeterminate operations without end, then
//!    with every one of them counted.
//!
//! A part of at most [`EXHAUSTIVE_MAX`] operations is its own proof, since every order can be
//! tried; a larger one comes with an inductive frontier (`frontier`).

use rustc_hash::FxHashSet;

use super::Style;
use super::frontier::{Attempt, Counting, Piece, Refutation, refute};
use super::machine::{Ground, Machine, Name, StateId};
use crate::linear::Occurrence;
use crate::model::{Class, Model, Requires};
use crate::value::Value;

/// So many operations can be tried in every order by whoever checks the proof.
pub(super) const EXHAUSTIVE_MAX: usize = 14;

/// Larger frontiers are not written: they would take longer to check than the search took.
pub(super) const CONFIGURATIONS_MAX: usize = 400_000;

/// Where using indeterminate operations without end may lead to states without end, an attempt
/// that does so gets this part of what is allowed.
const SHARE_WITHOUT_END: usize = 100;

/// The shortest window, in operations.
const WINDOW_MIN: usize = 4;

/// An object with what is known of why it is invalid.
pub(super) struct Suspect<'a, M: Model> {
    pub(super) model: &'a M,
    pub(super) ground: Ground,
    pub(super) all: &'a [Occurrence<M::Transition>],
    /// The indices of invocations.
    pub(super) indices: &'a [u64],
    /// The position of the return at which nothing fits, and its index.
    pub(super) until: Option<(u32, u64)>,
    /// The core of the violation.
    pub(super) core: Option<Core>,
    /// Operations that may exclude each other already, by position in `all`.
    pub(super) named: Vec<usize>,
}

/// A few operations, by position, that are a violation by themselves.
pub(super) struct Core {
    /// The position of the event with which they are, and its index.
    pub(super) until: (u32, u64),
    /// Those that are kept as they are.
    pub(super) whole: Vec<usize>,
    /// Those whose condition is waived.
    pub(super) blind: Vec<usize>,
}

/// A part of a history: see `verifier/src/weaken.rs`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// The things that are looked at.
    pub(super) about: Option<Vec<Value>>,
    /// Index of the first event that is looked at.
    pub(super) from: Option<u64>,
    /// Index of the last event that is looked at.
    pub(super) until: Option<u64>,
    /// Indices of the operations that are kept.
    pub(super) keep: Option<Vec<u64>>,
    /// Indices of those whose condition is waived.
    pub(super) as_write: Vec<u64>,
}

/// A proof that there is no order.
pub(super) enum Proof {
    /// Every order of the part can be tried.
    SubHistory(Part),
    /// An inductive frontier over the part, with the names of its states.
    Frontier(Part, Refutation, Vec<Name>),
}

/// Which operations are looked at, and how.
struct Selection {
    from: Option<u32>,
    until: Option<(u32, u64)>,
    /// By position; all that fall into the part if `None`.
    keep: Option<Vec<usize>>,
    waived: FxHashSet<usize>,
}

/// What is waived of operations that are only kept for others' sake.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waive {
    Conditions,
    Nothing,
}

/// How a part is going to be checked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Check {
    Exhaustively,
    ByFrontier(Counting),
}

impl Proof {
    /// The same proof, of a history of which only these things were looked at.
    pub(super) fn about(mut self, things: Option<&[Value]>) -> Proof {
        let (Proof::SubHistory(part) | Proof::Frontier(part, ..)) = &mut self;
        part.about = things.map(<[Value]>::to_vec);
        self
    }
}

impl<M: Model> Suspect<'_, M> {
    /// Looks for a proof by a few operations, of which every order can be tried.
    pub(super) fn prove_by_few(&self) -> Option<Proof> {
        let mut named = self.core_selection().into_iter().chain(self.named_selections());
        let proof = named.find_map(|selection| self.exhaustively(&selection));
        proof.or_else(|| self.exhaustively(&self.selection(None, None)))
    }

    /// Looks for a proof by all there is, in no more than so many configurations.
    pub(super) fn prove_by_all(&self, style: Style, allowed: usize) -> Option<Proof> {
        let whole = self.selection(None, None);
        let without_end = match self.ground {
            Ground::Values => Some(allowed),
            Ground::Locks | Ground::Opaque => Some(allowed / SHARE_WITHOUT_END),
            Ground::Items | Ground::Sums => None,
        };
        let without_end = || self.by_frontier(&whole, Counting::Nothing, without_end?);
        self.in_windows(style, allowed)
            .or_else(without_end)
            .or_else(|| self.by_frontier(&whole, Counting::Everything, allowed))
    }

    fn selection(&self, from: Option<u32>, keep: Option<Vec<usize>>) -> Selection {
        Selection { from, until: self.until, keep, waived: FxHashSet::default() }
    }

    fn until(&self) -> u32 {
        self.until.map_or(u32::MAX, |(position, _)| position)
    }

    fn core_selection(&self) -> Option<Selection> {
        let core = self.core.as_ref().filter(|_| self.ground.has_cores())?;
        let mut keep = [core.whole.as_slice(), &core.blind].concat();
        keep.sort_unstable();
        let waived = core.blind.iter().copied().collect();
        Some(Selection { from: None, until: Some(core.until), keep: Some(keep), waived })
    }

    /// The named operations with what must be kept beside them.
    fn named_selections(&self) -> Vec<Selection> {
        match self.ground {
            _ if self.named.is_empty() => Vec::new(),
            Ground::Values => {
                [Waive::Conditions, Waive::Nothing].map(|waive| self.with_writers(waive)).into()
            }
            _ => vec![self.with_elements()],
        }
    }

    /// The named operations with whoever may have put there what they ask for.
    fn with_writers(&self, waive: Waive) -> Selection {
        let mut keep = self.named.clone();
        let mut waived = FxHashSet::default();
        while keep.len() <= EXHAUSTIVE_MAX {
            let machine = self.machine(keep.iter().map(|at| (*at, waived.contains(at))));
            let missing = (0..self.all.len()).find(|at| {
                let one = &self.all[*at];
                one.invoked <= self.until()
                    && !keep.contains(at)
                    && !machine.may_leave_out(&one.transition)
            });
            let Some(missing) = missing else { break };
            keep.push(missing);
            let requires = self.model.requires(&self.all[missing].transition);
            if waive == Waive::Conditions && requires != Requires::Anything {
                waived.insert(missing);
            }
        }
        keep.sort_unstable();
        Selection { waived, ..self.selection(None, Some(keep)) }
    }

    /// Everything about the elements that are named, and whatever is about no element.
    fn with_elements(&self) -> Selection {
        let element = |at: &usize| self.model.element(&self.all[*at].transition);
        let named: FxHashSet<u64> = self.named.iter().filter_map(element).collect();
        let observes = |at: &usize| self.model.class(&self.all[*at].transition) == Class::Observer;
        let keep = (0..self.all.len()).filter(|at| match element(at) {
            Some(element) => named.contains(&element),
            None => self.named.contains(at) || !observes(at),
        });
        self.selection(None, Some(keep.collect()))
    }

    /// Windows that end with the return that failed.
    fn in_windows(&self, style: Style, allowed: usize) -> Option<Proof> {
        let counting = match self.ground {
            Ground::Values => Counting::Nothing,
            Ground::Sums => Counting::Everything,
            Ground::Locks | Ground::Items | Ground::Opaque => return None,
        };
        let in_time = self.all.iter().filter(|one| one.invoked <= self.until());
        let invocations: Vec<u32> = in_time.map(|one| one.invoked).collect();
        let mut length = WINDOW_MIN;
        while length < invocations.len() {
            let from = Some(invocations[invocations.len() - length]);
            let selection = self.selection(from, None);
            let proof = match style {
                Style::Frontier => None,
                Style::Cheapest => self.exhaustively(&selection),
            };
            let proof = proof.or_else(|| self.by_frontier(&selection, counting, allowed));
            if proof.is_some() {
                return proof;
            }
            length *= 2;
        }
        None
    }

    fn exhaustively(&self, selection: &Selection) -> Option<Proof> {
        if self.looked_at(selection).take(EXHAUSTIVE_MAX + 1).count() > EXHAUSTIVE_MAX {
            return None;
        }
        let (attempt, _) = self.attempt(selection, Check::Exhaustively, CONFIGURATIONS_MAX);
        match attempt {
            Attempt::Refuted(_) => Some(Proof::SubHistory(self.part(selection))),
            Attempt::Survived | Attempt::TooLarge => None,
        }
    }

    fn by_frontier(
        &self,
        selection: &Selection,
        counting: Counting,
        allowed: usize,
    ) -> Option<Proof> {
        let (attempt, names) = self.attempt(selection, Check::ByFrontier(counting), allowed);
        match attempt {
            Attempt::Refuted(refutation) => {
                Some(Proof::Frontier(self.part(selection), refutation, names))
            }
            Attempt::Survived | Attempt::TooLarge => None,
        }
    }

    fn part(&self, selection: &Selection) -> Part {
        let index = |at: &usize| self.indices[*at];
        let until = selection.until.map(|(_, index)| index);
        let from = selection.from.map(|from| {
            let at = self.all.partition_point(|one| one.invoked < from);
            index(&at)
        });
        let mut as_write: Vec<u64> = selection.waived.iter().map(index).collect();
        as_write.sort_unstable();
        Part {
            about: None,
            from,
            until,
            keep: selection.keep.as_ref().map(|keep| keep.iter().map(index).collect()),
            as_write,
        }
    }

    /// The operations that fall into a part, by position.
    fn looked_at<'s>(&'s self, selection: &'s Selection) -> impl Iterator<Item = usize> + 's {
        let from = selection.from.unwrap_or(0);
        let until = selection.until.map_or(u32::MAX, |(position, _)| position);
        let all = 0..self.all.len();
        all.filter(move |at| {
            let one = &self.all[*at];
            let kept = selection.keep.as_ref().is_none_or(|keep| keep.contains(at));
            kept && one.invoked <= until && one.returned.is_none_or(|end| end >= from)
        })
    }

    fn machine(&self, kept: impl Iterator<Item = (usize, bool)>) -> Machine<'_, M> {
        let kept = kept.map(|(at, waived)| (&self.all[at].transition, waived));
        Machine::new(self.model, self.ground, kept)
    }

    fn attempt(&self, selection: &Selection, check: Check, allowed: usize) -> (Attempt, Vec<Name>) {
        let kept: Vec<usize> = self.looked_at(selection).collect();
        let waived = |at: &usize| selection.waived.contains(at);
        let mut machine = self.machine(kept.iter().map(|at| (*at, waived(at))));
        let starts = self.starts(selection, &mut machine);
        let pieces: Vec<Piece> =
            kept.iter().filter_map(|at| self.piece(*at, selection, check, &mut machine)).collect();
        let counting = match check {
            Check::Exhaustively => Counting::Everything,
            Check::ByFrontier(counting) => counting,
        };
        let attempt = refute(&mut machine, &pieces, &starts, counting, allowed);
        (attempt, machine.names().to_vec())
    }

    /// The states in which a part can begin.
    fn starts(&self, selection: &Selection, machine: &mut Machine<'_, M>) -> Vec<StateId> {
        let Some(from) = selection.from else { return vec![machine.initial()] };
        let before = self.all.iter().take_while(|one| one.invoked < from);
        if self.ground == Ground::Sums {
            let returned = before.filter(|one| one.returned.is_some_and(|end| end < from));
            let sum = self.model.sum(returned.map(|one| &one.transition));
            return vec![machine.named(sum.expect("this ground has sums"))];
        }
        let mut starts = vec![machine.initial()];
        let changes = before.filter(|one| self.model.class(&one.transition) != Class::Observer);
        starts.extend(changes.filter_map(|one| machine.left_by(&one.transition)));
        starts.sort_unstable();
        starts.dedup();
        starts
    }

    /// An operation as it stands in a part; `None` if it says nothing there.
    fn piece(
        &self,
        at: usize,
        selection: &Selection,
        check: Check,
        machine: &mut Machine<'_, M>,
    ) -> Option<Piece> {
        let one = &self.all[at];
        let until = selection.until.map_or(u32::MAX, |(position, _)| position);
        let returned = one.returned.filter(|end| *end <= until);
        let open_before = selection.from.is_some_and(|from| one.invoked < from);
        let waived = selection.waived.contains(&at);
        let unobserved;
        let (transition, may_be_done) = match (open_before, self.ground) {
            (true, Ground::Sums) => {
                unobserved = self.model.unobserved(&one.transition)?;
                (&unobserved, false)
            }
            _ => (&one.transition, open_before),
        };
        Some(Piece {
            index: self.indices[at],
            step: machine.step_of(transition, waived),
            class: if waived { Class::BlindWrite } else { self.model.class(transition) },
            invoked: one.invoked,
            // Whoever tries every order takes what may be done as indeterminate.
            returned: returned.filter(|_| check != Check::Exhaustively || !may_be_done),
            may_be_done,
        })
    }
}
