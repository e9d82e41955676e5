//! Proof of *invalid* by an inductive frontier: for every return, a set of configurations that
//! holds all there can be, and in the end an empty one.
//!
//! # What a configuration stands for
//!
//! A *situation* is a state, together with which of the open operations have taken effect and how
//! many of the indeterminate ones of each *class* (those with the same step) have been used. A
//! configuration has a mark for every open operation that returns within the part: `x` it has
//! taken effect, `.` it has not, `?` either. It stands for all situations that fit its marks, and
//! covers everything that can do no more than one of these: with fewer observers done, or with
//! more of a *counted* class used. Classes that are not counted can be used without end as soon as
//! one member was invoked, which only weakens the history.
//!
//! # What is checked
//!
//! Given a set of configurations that covers every situation before the return of `o`, the
//! certificate names two sets: what is *tried*, in which `o` has not taken effect, and what is
//! *left*, in which it has. It is checked that whatever came in is covered by one of them, and
//! that each single legal step from anything tried leads to something that is covered by one of
//! them. It is not checked, and does not matter, whether configurations can really be reached: a
//! set that is too large is harder to bring down to nothing, not easier.
//!
//! # Why that is a proof
//!
//! Suppose that some covered situation has a legal continuation to the end of the part; take the
//! shortest. Steps can wait until a return needs them, so the next one is made at a return whose
//! operation has not taken effect, and starts from a situation that *tried* covers. Of operations
//! with the same step the one that returns first may go first, and indeterminate ones last (if the
//! continuation does otherwise, exchange the two: both had begun, and the later place is before
//! the earlier of the two returns). Dropping an observer, or using an indeterminate operation less,
//! keeps a continuation legal. So that next step is one of those that were checked, its result is
//! covered, and its continuation is shorter. At the end nothing is left to be covered: there is no
//! continuation, and so no order that explains the part.
//!
//! Nothing here knows of registers, absorption or the search that found the configurations. Cost:
//! for each configuration the steps that it allows, and for each of these the configurations of
//! one state.

use std::collections::HashMap;

use crate::models::{Model, Offers};
use crate::weaken::Weakened;

/// Whether an open operation has taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Not,
    Done,
    Either,
}

/// A configuration as a certificate has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// Position in the table of states.
    pub(crate) state: usize,
    /// A mark for each open operation that returns within the part, in order of invocation.
    pub(crate) marks: Vec<Mark>,
    /// For each counted class, how many were used.
    pub(crate) counts: Vec<u32>,
}

/// How a state is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StateName {
    /// The one before the first operation.
    Initial,
    /// By the model's own name for it.
    Text(String),
    /// The one to which the step of an operation leads from an earlier one.
    After(usize, u64),
}

/// What happens at one return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stage {
    /// The operation that returns.
    pub(crate) returns: u64,
    pub(crate) tried: Vec<Config>,
    pub(crate) left: Vec<Config>,
}

/// The whole proof.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frontier {
    pub(crate) states: Vec<StateName>,
    /// An indeterminate operation of each class that is counted.
    pub(crate) counted: Vec<u64>,
    pub(crate) start: Vec<Config>,
    pub(crate) stages: Vec<Stage>,
}

/// Makes sure that no order explains the history.
pub(crate) fn refute<M: Model>(
    model: &mut M,
    weakened: &Weakened<M::Step, M::State>,
    proof: &Frontier,
) -> Result<(), String> {
    let states = states(model, weakened, &proof.states)?;
    let mut replay = Replay::new(model, weakened, states, &proof.counted)?;
    let mut current = replay.start(&proof.start)?;
    for stage in &proof.stages {
        replay.invoke_until(stage.returns, &mut current)?;
        current = replay.stage(stage, &current)?;
    }
    match current.is_empty() {
        true => Ok(()),
        false => Err("its last set of configurations is not empty".to_owned()),
    }
}

fn states<M: Model>(
    model: &mut M,
    weakened: &Weakened<M::Step, M::State>,
    names: &[StateName],
) -> Result<Vec<M::State>, String> {
    let mut states: Vec<M::State> = Vec::with_capacity(names.len());
    for name in names {
        let forgetful = |thing| weakened.is_asked(thing);
        let state = match name {
            StateName::Initial => model.forget_state(model.initial(), &forgetful),
            StateName::Text(text) => {
                let state = model.named(text)?;
                model.forget_state(state, &forgetful)
            }
            StateName::After(from, index) => {
                let from = states.get(*from).ok_or("a state is derived from a later one")?;
                let at = weakened.steps.binary_search_by_key(index, |one| one.index);
                let at = at.map_err(|_| format!("op {index} is not in the part"))?;
                let after = model.step(from, &weakened.steps[at].step);
                after.ok_or_else(|| format!("op {index} leads to no state from there"))?
            }
        };
        states.push(state);
    }
    Ok(states)
}

/// A class of indeterminate operations.
struct Class {
    /// A member, for its step.
    sample: usize,
    /// How many were invoked so far.
    invoked: u32,
    /// Its place among the counted classes.
    counted: Option<usize>,
}

/// A configuration with its state looked up.
#[derive(Clone)]
struct Situations<T> {
    state: T,
    marks: Vec<Mark>,
    counts: Vec<u32>,
}

struct Replay<'a, M: Model> {
    model: &'a M,
    weakened: &'a Weakened<M::Step, M::State>,
    states: Vec<M::State>,
    classes: Vec<Class>,
    class_of: HashMap<M::Step, usize>,
    counted: usize,
    /// Open operations that return within the part, in order of invocation.
    open: Vec<usize>,
    /// Events of the part that are still to come, the next one last: position and operation.
    events: Vec<(usize, usize)>,
}

impl<'a, M: Model> Replay<'a, M> {
    fn new(
        model: &'a M,
        weakened: &'a Weakened<M::Step, M::State>,
        states: Vec<M::State>,
        counted: &[u64],
    ) -> Result<Replay<'a, M>, String> {
        let mut replay = Replay {
            model,
            weakened,
            states,
            classes: Vec::new(),
            class_of: HashMap::new(),
            counted: counted.len(),
            open: Vec::new(),
            events: Vec::new(),
        };
        for (at, one) in weakened.steps.iter().enumerate() {
            if one.may_be_done {
                replay.invoke(at);
            } else {
                replay.events.push((one.invoked, at));
            }
            replay.events.extend(one.returned.map(|returned| (returned, at)));
        }
        replay.events.sort_unstable_by(|a, b| b.cmp(a));
        for (place, index) in counted.iter().enumerate() {
            replay.count(place, *index)?;
        }
        Ok(replay)
    }

    fn count(&mut self, place: usize, index: u64) -> Result<(), String> {
        let at = self.weakened.steps.binary_search_by_key(&index, |one| one.index);
        let at = at.map_err(|_| format!("op {index} is counted, but it is not in the part"))?;
        let class = self.class(at);
        match self.classes[class].counted.replace(place) {
            None => Ok(()),
            Some(_) => Err(format!("the class of op {index} is counted twice")),
        }
    }

    /// The class of an operation's step.
    fn class(&mut self, at: usize) -> usize {
        let fresh = self.classes.len();
        let class = *self.class_of.entry(self.weakened.steps[at].step.clone()).or_insert(fresh);
        if class == fresh {
            self.classes.push(Class { sample: at, invoked: 0, counted: None });
        }
        class
    }

    /// An operation begins; `true` if it will return within the part.
    fn invoke(&mut self, at: usize) -> bool {
        let returns = self.weakened.steps[at].returned.is_some();
        if returns {
            self.open.push(at);
        } else {
            let class = self.class(at);
            self.classes[class].invoked += 1;
        }
        returns
    }

    fn look_up(&self, config: &Config, open: usize) -> Result<Situations<M::State>, String> {
        let state = self.states.get(config.state).ok_or("a configuration has no such state")?;
        let mut counts = config.counts.clone();
        if counts.is_empty() {
            counts = vec![0; self.counted];
        }
        if config.marks.len() != open || counts.len() != self.counted {
            return Err(format!(
                "a configuration has not as many marks as there are open operations ({open}), or counts as there are classes ({})",
                self.counted
            ));
        }
        Ok(Situations { state: state.clone(), marks: config.marks.clone(), counts })
    }

    /// Whatever may hold when the part begins must be covered.
    fn start(&self, start: &[Config]) -> Result<Vec<Situations<M::State>>, String> {
        let start = self.cover(start, self.open.clone())?;
        for state in &self.weakened.starts {
            let marks = vec![Mark::Either; self.open.len()];
            let any = Situations { state: state.clone(), marks, counts: vec![0; self.counted] };
            if !start.covers(self, &any) {
                return Err("a state in which the part may begin is not covered".to_owned());
            }
        }
        Ok(start.into_configs())
    }

    fn cover(&self, configs: &[Config], open: Vec<usize>) -> Result<Cover<M::State>, String> {
        let mut by_state: HashMap<M::State, Vec<Situations<M::State>>> = HashMap::new();
        for config in configs {
            let one = self.look_up(config, open.len())?;
            by_state.entry(one.state.clone()).or_default().push(one);
        }
        Ok(Cover { by_state, open })
    }

    /// Lets operations begin until `returns` is the next to return.
    fn invoke_until(
        &mut self,
        returns: u64,
        current: &mut [Situations<M::State>],
    ) -> Result<(), String> {
        while let Some((position, at)) = self.events.pop() {
            let one = &self.weakened.steps[at];
            if one.returned == Some(position) {
                return match one.index == returns {
                    true => Ok(()),
                    false => Err(format!("op {} returns before op {returns}", one.index)),
                };
            }
            if self.invoke(at) {
                current.iter_mut().for_each(|one| one.marks.push(Mark::Not));
            }
        }
        Err(format!("op {returns} does not return any more"))
    }

    /// Checks one return; what is left is what comes next.
    fn stage(
        &mut self,
        stage: &Stage,
        current: &[Situations<M::State>],
    ) -> Result<Vec<Situations<M::State>>, String> {
        let returning = |at: &usize| self.weakened.steps[*at].index == stage.returns;
        let slot = self.open.iter().position(returning).ok_or("nothing returns there")?;
        let mut open_after = self.open.clone();
        open_after.remove(slot);
        let tried = self.cover(&stage.tried, self.open.clone())?;
        let left = self.cover(&stage.left, open_after.clone())?;
        let lost = |what: &str| Err(format!("at the return of op {}, {what}", stage.returns));
        for one in current {
            if !self.is_covered(one, slot, &tried, &left) {
                return lost("something that was left before is neither tried nor left");
            }
        }
        for one in tried.configs() {
            if one.marks[slot] != Mark::Not {
                return lost("a configuration is tried although the operation may be done");
            }
            for after in self.successors(one) {
                if !self.is_covered(&after, slot, &tried, &left) {
                    return lost("a legal step leads to something that is neither tried nor left");
                }
            }
        }
        self.open = open_after;
        Ok(left.into_configs())
    }

    /// Whether the situations in which the returning operation has taken effect are covered by
    /// what is left, and the others by what is tried; an observer may as well count as done.
    fn is_covered(
        &self,
        one: &Situations<M::State>,
        slot: usize,
        tried: &Cover<M::State>,
        left: &Cover<M::State>,
    ) -> bool {
        let observer = self.is_observer(self.open[slot]);
        let is_left = left.covers(self, &without(one, slot));
        let is_tried = || tried.covers(self, &not_done(one, slot));
        match one.marks[slot] {
            Mark::Done => is_left,
            Mark::Not => (observer && is_left) || is_tried(),
            Mark::Either => is_left && (observer || is_tried()),
        }
    }

    fn is_observer(&self, at: usize) -> bool {
        self.model.offers(&self.weakened.steps[at].step) == Offers::Nothing
    }

    /// Everything to which one step leads.
    fn successors(&self, from: &Situations<M::State>) -> Vec<Situations<M::State>> {
        let mut successors = Vec::new();
        let mut by_deadline: Vec<usize> = (0..self.open.len()).collect();
        by_deadline.sort_by_key(|slot| self.weakened.steps[self.open[*slot]].returned);
        // For every step met, the marks once all open operations of this step so far are done;
        // none where one of them certainly is not and so must go first.
        let mut twins: HashMap<&M::Step, Option<Vec<Mark>>> = HashMap::new();
        for slot in by_deadline {
            let step = &self.weakened.steps[self.open[slot]].step;
            let marks = twins.entry(step).or_insert_with(|| Some(from.marks.clone()));
            let Some(done) = marks else { continue };
            if from.marks[slot] == Mark::Done {
                continue;
            }
            done[slot] = Mark::Done;
            if let Some(state) = self.model.step(&from.state, step) {
                let counts = from.counts.clone();
                successors.push(Situations { state, marks: done.clone(), counts });
            }
            if from.marks[slot] == Mark::Not {
                *marks = None;
            }
        }
        for class in self.classes.iter().filter(|class| class.invoked > 0) {
            let step = &self.weakened.steps[class.sample].step;
            let marks = twins.get(step).map_or(Some(&from.marks), Option::as_ref);
            if let Some(marks) = marks
                && let Some(state) = self.model.step(&from.state, step)
                && let Some(counts) = spend(&from.counts, class)
            {
                successors.push(Situations { state, marks: marks.clone(), counts });
            }
        }
        successors
    }
}

/// The counts after one more use of a class, if there is one to be used.
fn spend(counts: &[u32], class: &Class) -> Option<Vec<u32>> {
    let mut counts = counts.to_vec();
    if let Some(place) = class.counted {
        counts[place] += 1;
        if counts[place] > class.invoked {
            return None;
        }
    }
    Some(counts)
}

fn without<T: Clone>(one: &Situations<T>, slot: usize) -> Situations<T> {
    let mut one = one.clone();
    one.marks.remove(slot);
    one
}

fn not_done<T: Clone>(one: &Situations<T>, slot: usize) -> Situations<T> {
    let mut one = one.clone();
    one.marks[slot] = Mark::Not;
    one
}

/// A set of configurations over the same open operations.
struct Cover<T> {
    by_state: HashMap<T, Vec<Situations<T>>>,
    open: Vec<usize>,
}

impl<T: Clone + Eq + std::hash::Hash> Cover<T> {
    fn configs(&self) -> impl Iterator<Item = &Situations<T>> {
        self.by_state.values().flatten()
    }

    fn into_configs(self) -> Vec<Situations<T>> {
        self.by_state.into_values().flatten().collect()
    }

    fn covers<M: Model<State = T>>(&self, replay: &Replay<'_, M>, one: &Situations<T>) -> bool {
        let same_state = self.by_state.get(&one.state).into_iter().flatten();
        let mut candidates = same_state
            .filter(|other| other.counts.iter().zip(&one.counts).all(|(other, one)| other <= one));
        candidates.any(|other| {
            self.open.iter().zip(other.marks.iter().zip(&one.marks)).all(
                |(at, (other, one))| match (other, one) {
                    (Mark::Either, _) => true,
                    (Mark::Done, Mark::Done) | (Mark::Not, Mark::Not) => true,
                    (Mark::Done, _) => replay.is_observer(*at),
                    (Mark::Not, _) => false,
                },
            )
        })
    }
}
