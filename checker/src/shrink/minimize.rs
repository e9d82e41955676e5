//! The way to a small violation: from the cut backwards, then in ever smaller pieces.
//!
//! A violation is a matter of the moment, as a rule: what happened long before it matters only for
//! the state it left. So the first attempt keeps the last few operations before the cut and what
//! these need (blind, where that is possible, so that the need ends there), the next one twice as
//! many, until what is kept is a violation. That finds the neighbourhood in a hundred thousand
//! operations in a dozen small trials. What remains is taken apart by delta debugging: halves,
//! quarters, … single operations, each with everything that depends on it, until no single one can
//! go.

use super::ground::{Ground, Kept, Spare};
use super::{Form, Why};
use crate::budget::Budget;
use crate::linear::{Decision, decide};
use crate::model::Model;

/// The first attempt keeps so many operations before the cut.
const FIRST_WINDOW: usize = 4;

/// A search for a small violation.
pub(crate) struct Minimizer<'a, M: Model> {
    pub(crate) ground: Ground<'a, M>,
    budget: &'a Budget,
    pub(crate) trials: u64,
    /// Whether a trial ended without a verdict, so that more might be left out than was.
    pub(crate) undecided: bool,
}

impl<'a, M: Model> Minimizer<'a, M> {
    pub(crate) fn new(ground: Ground<'a, M>, budget: &'a Budget) -> Minimizer<'a, M> {
        Minimizer { ground, budget, trials: 0, undecided: false }
    }

    /// A small violation, or `None` where not even everything up to the cut is known to be one.
    pub(crate) fn minimize(&mut self, violation: &[usize], named: &[usize]) -> Option<Kept> {
        let mut kept = self.neighbourhood(violation, named)?;
        self.take_apart(&mut kept);
        Some(kept)
    }

    fn is_violation(&mut self, kept: &Kept) -> bool {
        if self.budget.spent().is_some() {
            self.undecided = true;
            return false;
        }
        self.trials += 1;
        match decide(self.ground.model, &self.ground.history(kept), self.budget).0 {
            Decision::Linearizable { .. } => false,
            Decision::Undecided(_) => {
                self.undecided = true;
                false
            }
            _ => true,
        }
    }

    /// Whether these, with what they need, are a violation.
    pub(crate) fn is_violation_with(&mut self, operations: &[(usize, Form)]) -> bool {
        let mut kept: Kept = operations.iter().copied().collect();
        self.ground.complete(&mut kept);
        self.is_violation(&kept)
    }

    /// What is named, or the smallest window before the cut, that is a violation with what it needs.
    fn neighbourhood(&mut self, violation: &[usize], named: &[usize]) -> Option<Kept> {
        let begun = self.ground.begun();
        let named: Kept = violation
            .iter()
            .chain(named)
            .filter(|at| self.ground.all[**at].invoked < self.ground.cut)
            .map(|at| (*at, Form::Whole))
            .collect();
        let mut window = 0;
        loop {
            let first = begun.len().saturating_sub(window);
            let mut attempt: Kept = begun[first..].iter().map(|at| (*at, Form::Whole)).collect();
            attempt.extend(named.iter().map(|(at, form)| (*at, *form)));
            self.ground.complete(&mut attempt);
            if self.is_violation(&attempt) {
                return Some(attempt);
            }
            if first == 0 || self.undecided {
                return None;
            }
            window = FIRST_WINDOW.max(2 * window);
        }
    }

    /// Leaves out ever smaller pieces, and at last single operations until none can go.
    fn take_apart(&mut self, kept: &mut Kept) {
        let mut piece = kept.len() / 2;
        while piece > 1 {
            self.pass(kept, piece);
            piece /= 2;
        }
        while self.pass(kept, 1) {}
    }

    /// Tries to leave out each piece; whether anything was.
    fn pass(&mut self, kept: &mut Kept, piece: usize) -> bool {
        let mut less = false;
        let order: Vec<usize> = kept.keys().copied().collect();
        for gone in order.chunks(piece) {
            if self.budget.spent().is_some() {
                self.undecided = true;
                return false;
            }
            if !gone.iter().any(|at| kept.contains_key(at)) {
                continue;
            }
            for spare in [Spare::Nothing, Spare::Blinded] {
                let Some(rest) = self.ground.without(kept, gone, spare) else { continue };
                if rest.len() < kept.len() && self.is_violation(&rest) {
                    *kept = rest;
                    less = true;
                    break;
                }
            }
        }
        less
    }

    /// Why everything else could be left out.
    pub(crate) fn reasons(&self, kept: &Kept) -> Vec<(usize, Why)> {
        let ground = &self.ground;
        let reason = |at: usize| match () {
            () if ground.all[at].invoked >= ground.cut => Why::Later,
            () if ground.is_observer(at) => Why::Observer,
            () => match ground.nature {
                super::ground::Nature::Elements => Why::OtherElement,
                _ => Why::Unseen,
            },
        };
        let left_out = (0..ground.all.len()).filter(|at| !kept.contains_key(at));
        left_out.map(|at| (at, reason(at))).collect()
    }
}
