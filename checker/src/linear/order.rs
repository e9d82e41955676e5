//! From the choices of a surviving configuration to a linearization order.
//!
//! The search records only which operations took effect visibly. Replaying the history with these
//! choices gives the rest: an observer stands at the first moment at which it was legal, a write
//! that returned without having been made visible stands just before a write that hid it, and a
//! crashed class is spent in order of invocation.

use super::Occurrence;
use super::path::Choice;
use super::search::Plan;
use crate::model::{Class, Model};

/// The order of occurrences that `choices` stand for; `None` if they stand for none, which would
/// be an error in the search.
pub(crate) fn rebuild<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    plan: &Plan,
    choices: &[(u32, Choice)],
) -> Option<Vec<usize>> {
    let mut replay = Replay {
        model,
        all,
        state: model.initial(),
        order: Vec::new(),
        placed: vec![false; all.len()],
        open: Vec::new(),
        watching: Vec::new(),
        hidden: Vec::new(),
    };
    let mut spent = vec![0_usize; plan.crashed_members.len()];
    let mut choices = choices.iter().copied().peekable();
    for (event, begins, at) in plan.steps() {
        if begins {
            replay.begin(at);
            continue;
        }
        while let Some((_, choice)) = choices.next_if(|(chosen_at, _)| *chosen_at == event) {
            let chosen = match choice {
                Choice::Live(op) => op as usize,
                Choice::Crashed(class) => {
                    let next = &mut spent[class.0 as usize];
                    *next += 1;
                    *plan.crashed_members[class.0 as usize].get(*next - 1)?
                }
            };
            replay.take(chosen)?;
        }
        replay.end(at)?;
    }
    Some(replay.finish())
}

struct Replay<'a, M: Model> {
    model: &'a M,
    all: &'a [Occurrence<M::Transition>],
    state: M::State,
    order: Vec<usize>,
    placed: Vec<bool>,
    /// Open operations; of each unplaced write, the place of the last write that could hide it.
    open: Vec<(usize, Option<usize>)>,
    /// Open observers that are not legal yet.
    watching: Vec<usize>,
    /// Hidden writes: the place in `order` of the write that hides it, and the hidden one.
    hidden: Vec<(usize, usize)>,
}

impl<M: Model> Replay<'_, M> {
    fn class(&self, at: usize) -> Class {
        self.model.class(&self.all[at].transition)
    }

    fn begin(&mut self, at: usize) {
        if self.all[at].returned.is_some() {
            self.open.push((at, None));
            if self.class(at) == Class::Observer {
                self.watching.push(at);
                self.observe_from(self.watching.len() - 1);
            }
        }
    }

    /// Lets an operation take effect.
    fn take(&mut self, at: usize) -> Option<()> {
        self.state = self.model.step(&self.state, &self.all[at].transition)?;
        if self.class(at) == Class::BlindWrite {
            let place = self.order.len();
            self.open.iter_mut().for_each(|(_, hidden_by)| *hidden_by = Some(place));
        }
        self.place(at);
        self.observe_from(0);
        Some(())
    }

    /// Places those of the observers from number `first` that are legal now.
    fn observe_from(&mut self, first: usize) {
        let mut next = first;
        while let Some(at) = self.watching.get(next).copied() {
            if self.model.step(&self.state, &self.all[at].transition).is_some() {
                self.watching.remove(next);
                self.place(at);
            } else {
                next += 1;
            }
        }
    }

    fn end(&mut self, at: usize) -> Option<()> {
        let position = self.open.iter().position(|(open, _)| *open == at)?;
        let (_, hidden_by) = self.open.swap_remove(position);
        if !self.placed[at] {
            if self.class(at) != Class::BlindWrite {
                return None;
            }
            self.hidden.push((hidden_by?, at));
        }
        Some(())
    }

    fn place(&mut self, at: usize) {
        self.placed[at] = true;
        self.order.push(at);
    }

    fn finish(mut self) -> Vec<usize> {
        self.hidden.sort_by_key(|(place, _)| *place);
        let mut hidden = self.hidden.into_iter().peekable();
        let mut order = Vec::with_capacity(self.order.len() + hidden.len());
        for (place, at) in self.order.into_iter().enumerate() {
            while let Some((_, before)) = hidden.next_if(|(hidden_by, _)| *hidden_by == place) {
                order.push(before);
            }
            order.push(at);
        }
        order
    }
}
