//! An inductive frontier, as a certificate has it: for each return, configurations that together
//! cover everything that can have happened, and none at the last.
//!
//! The search of [`crate::linear`] keeps its configurations in a form that suits it; this is a
//! plain one over the same idea, made to be checked by somebody else: open operations are marked
//! as done, not done, or *either*, and a configuration stands for all situations that fit. A blind
//! write that takes effect turns every other open blind write into *either*, for it may have
//! happened just before, unseen; observers that are legal are done at once. Both only make
//! configurations larger, so whoever checks them need not know why. Indeterminate operations are
//! classes that can be used without end, unless they are to be counted.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::machine::{Machine, StateId, StepId};
use crate::model::{Class, Model};

/// An operation of a weakened history.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// The index of its invocation.
    pub(super) index: u64,
    pub(super) step: StepId,
    pub(super) class: Class,
    pub(super) invoked: u32,
    /// Where it returns, if it does within the part.
    pub(super) returned: Option<u32>,
    /// Whether it was open when the part begins.
    pub(super) may_be_done: bool,
}

/// Whether an open operation has taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Mark {
    Not,
    Done,
    Either,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Config {
    pub(super) state: StateId,
    pub(super) marks: Vec<Mark>,
    pub(super) counts: Vec<u32>,
}

/// What happens at one return.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    /// Index of the operation that returns.
    pub(super) returns: u64,
    pub(super) tried: Vec<Config>,
    pub(super) left: Vec<Config>,
}

/// A frontier that ends in nothing.
#[derive(Clone, Debug)]
pub(super) struct Refutation {
    /// Indices of indeterminate operations whose classes are counted.
    pub(super) counted: Vec<u64>,
    pub(super) start: Vec<Config>,
    pub(super) stages: Vec<Stage>,
}

/// Whether indeterminate operations are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counting {
    Nothing,
    Everything,
}

/// What became of an attempt.
pub(super) enum Attempt {
    Refuted(Refutation),
    /// There is, or may be, an order.
    Survived,
    /// It would have taken more configurations than allowed.
    TooLarge,
}

/// Tries to bring a history down to nothing, in no more than `allowed` configurations.
pub(super) fn refute<M: Model>(
    machine: &mut Machine<'_, M>,
    pieces: &[Piece],
    starts: &[StateId],
    counting: Counting,
    allowed: usize,
) -> Attempt {
    let mut run = Run::new(machine, pieces, counting, allowed);
    let start = run.start(starts);
    let mut current = start.clone();
    let mut stages = Vec::new();
    while let Some((position, at)) = run.events.pop() {
        if pieces[at].returned != Some(position) {
            run.invoke(at, &mut current);
            continue;
        }
        let Some((stage, left)) = run.settle(at, &current) else { return Attempt::TooLarge };
        stages.push(stage);
        if left.is_empty() {
            let counted = run.counted();
            return Attempt::Refuted(Refutation { counted, start, stages });
        }
        current = left;
    }
    Attempt::Survived
}

/// Indeterminate operations with the same step.
struct CrashedClass {
    step: StepId,
    /// Index of the first member.
    sample: u64,
    class: Class,
    invoked: u32,
}

struct Run<'a, 'm, M: Model> {
    machine: &'a mut Machine<'m, M>,
    pieces: &'a [Piece],
    counting: Counting,
    allowed: usize,
    classes: Vec<CrashedClass>,
    class_of: FxHashMap<StepId, usize>,
    /// Open operations that return, in order of invocation.
    open: Vec<usize>,
    /// What is still to come, the next one last.
    events: Vec<(u32, usize)>,
}

impl<'a, 'm, M: Model> Run<'a, 'm, M> {
    fn new(
        machine: &'a mut Machine<'m, M>,
        pieces: &'a [Piece],
        counting: Counting,
        allowed: usize,
    ) -> Run<'a, 'm, M> {
        let mut run = Run {
            machine,
            pieces,
            counting,
            allowed,
            classes: Vec::new(),
            class_of: FxHashMap::default(),
            open: Vec::new(),
            events: Vec::new(),
        };
        for (at, piece) in pieces.iter().enumerate() {
            if piece.returned.is_none() && piece.class != Class::Observer {
                run.add_class(piece);
            }
            if piece.may_be_done {
                run.begin(at);
            } else {
                run.events.push((piece.invoked, at));
            }
            run.events.extend(piece.returned.map(|returned| (returned, at)));
        }
        run.events.sort_unstable_by(|a, b| b.cmp(a));
        run
    }

    fn add_class(&mut self, piece: &Piece) {
        let fresh = self.classes.len();
        if *self.class_of.entry(piece.step).or_insert(fresh) == fresh {
            let Piece { step, index: sample, class, .. } = *piece;
            self.classes.push(CrashedClass { step, sample, class, invoked: 0 });
        }
    }

    fn counted(&self) -> Vec<u64> {
        match self.counting {
            Counting::Nothing => Vec::new(),
            Counting::Everything => self.classes.iter().map(|class| class.sample).collect(),
        }
    }

    fn start(&mut self, starts: &[StateId]) -> Vec<Config> {
        let counts = vec![0; self.counted().len()];
        let marks = vec![Mark::Either; self.open.len()];
        starts
            .iter()
            .map(|state| Config { state: *state, marks: marks.clone(), counts: counts.clone() })
            .collect()
    }

    /// An operation begins; `true` if it returns within the part.
    fn begin(&mut self, at: usize) -> bool {
        let piece = &self.pieces[at];
        if piece.returned.is_some() {
            self.open.push(at);
            return true;
        }
        if let Some(class) = self.class_of.get(&piece.step) {
            self.classes[*class].invoked += 1;
        }
        false
    }

    fn invoke(&mut self, at: usize, current: &mut [Config]) {
        if !self.begin(at) {
            return;
        }
        for config in current {
            config.marks.push(Mark::Not);
            self.observe(config);
        }
    }

    /// Marks every open observer that is legal as done.
    fn observe(&mut self, config: &mut Config) {
        for (slot, at) in self.open.iter().enumerate() {
            let piece = &self.pieces[*at];
            if piece.class == Class::Observer
                && config.marks[slot] != Mark::Done
                && self.machine.after(config.state, piece.step, piece.index).is_some()
            {
                config.marks[slot] = Mark::Done;
            }
        }
    }

    /// Lets one operation return; `None` if that takes too many configurations.
    fn settle(&mut self, at: usize, current: &[Config]) -> Option<(Stage, Vec<Config>)> {
        let slot = self.open.iter().position(|open| *open == at).expect("it began before");
        let observers: Vec<bool> =
            self.open.iter().map(|at| self.pieces[*at].class == Class::Observer).collect();
        let mut observers_after = observers.clone();
        observers_after.remove(slot);
        let (mut tried, mut left) = (Cover::new(observers), Cover::new(observers_after));
        let mut queue: VecDeque<Config> = VecDeque::new();
        for config in current {
            admit(config.clone(), slot, &mut tried, &mut left, &mut queue);
        }
        while let Some(config) = queue.pop_front() {
            if !tried.holds(&config) {
                continue;
            }
            for after in self.successors(&config) {
                admit(after, slot, &mut tried, &mut left, &mut queue);
            }
            self.allowed = self.allowed.checked_sub(1)?;
        }
        self.open.remove(slot);
        let left = left.into_sorted();
        let stage = Stage {
            returns: self.pieces[at].index,
            tried: tried.into_sorted(),
            left: left.clone(),
        };
        Some((stage, left))
    }

    /// Everything to which one step leads, as wide as it may be.
    fn successors(&mut self, from: &Config) -> Vec<Config> {
        let mut successors = Vec::new();
        let mut by_deadline: Vec<usize> = (0..self.open.len()).collect();
        by_deadline.sort_by_key(|slot| self.pieces[self.open[*slot]].returned);
        // For each step, the marks once all its operations so far are done; none where one of them
        // certainly is not, and so goes first.
        let mut twins: FxHashMap<StepId, Option<Vec<Mark>>> = FxHashMap::default();
        for slot in by_deadline {
            let piece = &self.pieces[self.open[slot]];
            let (step, index, class) = (piece.step, piece.index, piece.class);
            let marks = twins.entry(step).or_insert_with(|| Some(from.marks.clone()));
            let Some(done) = marks else { continue };
            if from.marks[slot] == Mark::Done {
                continue;
            }
            done[slot] = Mark::Done;
            let done = done.clone();
            if from.marks[slot] == Mark::Not {
                *marks = None;
            }
            if let Some(state) = self.machine.after(from.state, step, index) {
                let config = Config { state, marks: done, counts: from.counts.clone() };
                successors.push(self.widened(config, class, Some(slot)));
            }
        }
        for number in 0..self.classes.len() {
            let CrashedClass { step, sample, class, invoked } = self.classes[number];
            let marks = twins.get(&step).map_or(Some(&from.marks), Option::as_ref);
            let Some(marks) = marks.filter(|_| invoked > 0) else { continue };
            let mut counts = from.counts.clone();
            if self.counting == Counting::Everything {
                counts[number] += 1;
                if counts[number] > invoked {
                    continue;
                }
            }
            if let Some(state) = self.machine.after(from.state, step, sample) {
                let config = Config { state, marks: marks.clone(), counts };
                successors.push(self.widened(config, class, None));
            }
        }
        successors
    }

    /// After a blind write every other open one may have happened just before it; whatever can be
    /// observed now has been.
    fn widened(&mut self, mut config: Config, class: Class, taken: Option<usize>) -> Config {
        if class == Class::BlindWrite {
            for (slot, at) in self.open.iter().enumerate() {
                let other = Some(slot) != taken && config.marks[slot] == Mark::Not;
                if other && self.pieces[*at].class == Class::BlindWrite {
                    config.marks[slot] = Mark::Either;
                }
            }
        }
        self.observe(&mut config);
        config
    }
}

/// Takes a configuration in, on either side of the return.
fn admit(
    config: Config,
    slot: usize,
    tried: &mut Cover,
    left: &mut Cover,
    queue: &mut VecDeque<Config>,
) {
    let mark = config.marks[slot];
    if mark != Mark::Not {
        let mut done = config.clone();
        done.marks.remove(slot);
        left.insert(done);
    }
    if mark != Mark::Done {
        let mut not = config;
        not.marks[slot] = Mark::Not;
        if tried.insert(not.clone()) {
            queue.push_back(not);
        }
    }
}

/// Configurations none of which covers another one.
struct Cover {
    by_state: FxHashMap<StateId, Vec<Config>>,
    /// Which of the open operations are observers.
    observers: Vec<bool>,
}

impl Cover {
    fn new(observers: Vec<bool>) -> Cover {
        Cover { by_state: FxHashMap::default(), observers }
    }

    /// Takes it in, unless it is covered already, and drops what it covers.
    fn insert(&mut self, config: Config) -> bool {
        let observers = &self.observers;
        let known = self.by_state.entry(config.state).or_default();
        if known.iter().any(|one| covers(observers, one, &config)) {
            return false;
        }
        known.retain(|one| !covers(observers, &config, one));
        known.push(config);
        true
    }

    fn holds(&self, config: &Config) -> bool {
        self.by_state.get(&config.state).is_some_and(|known| known.contains(config))
    }

    fn into_sorted(self) -> Vec<Config> {
        let mut configs: Vec<Config> = self.by_state.into_values().flatten().collect();
        configs.sort_unstable();
        configs
    }
}

/// Whether `one`, of the same state as `other`, stands for all that `other` stands for, or for
/// what can do at least as much.
fn covers(observers: &[bool], one: &Config, other: &Config) -> bool {
    let fits = |(observer, (one, other)): (&bool, (&Mark, &Mark))| match (one, other) {
        (Mark::Either, _) | (Mark::Done, Mark::Done) | (Mark::Not, Mark::Not) => true,
        (Mark::Done, _) => *observer,
        (Mark::Not, _) => false,
    };
    one.counts.iter().zip(&other.counts).all(|(one, other)| one <= other)
        && observers.iter().zip(one.marks.iter().zip(&other.marks)).all(fits)
}
