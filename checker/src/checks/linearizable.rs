//! Linearizability of one object: from recorded operations to a decision, and back to a verdict in
//! terms of what was recorded.

use super::company;
use super::explain::{self, Explanation};
use super::object::{Object, Recorded};
use super::sentence::titled;
use crate::budget::Budget;
use crate::history::Outcome;
use crate::linear::{
    Algorithm, Decision, Effort, Obstacle, Occurrence, Pattern, Possible, decide_with,
};
use crate::model::{Class, Model, ModelName, ModelOptions, ModelVisitor, Register};
use crate::verdict::{
    Anomaly, Examination, PossibleState, Proof, Reason, Related, Stats, Validity, Verdict,
};

/// Something to be done with a model, of whichever type it is; `explain` says why an operation
/// could not be placed.
pub(crate) trait WithModel {
    type Output;

    fn run<M: Model>(self, model: M, explain: fn(&Stuck<'_, '_, M>) -> Explanation)
    -> Self::Output;
}

/// Does it with the model of this name.
pub(crate) fn with_model<W: WithModel>(
    name: ModelName,
    options: &ModelOptions,
    with: W,
) -> W::Output {
    match name {
        ModelName::Register | ModelName::CasRegister => {
            with.run(Register::new(name, options), explain::register)
        }
        _ => name.with(options, Generally(with)),
    }
}

/// With nothing more to say about the model than any model has.
struct Generally<W>(W);

impl<W: WithModel> ModelVisitor for Generally<W> {
    type Output = W::Output;

    fn visit<M: Model>(self, model: M) -> W::Output {
        self.0.run(model, explain::general)
    }
}

/// Judges one object.
pub(crate) struct Judge<'a, 'h> {
    pub(crate) object: &'a Object<'h>,
    pub(crate) name: &'a str,
    pub(crate) algorithm: Algorithm,
    pub(crate) budget: &'a Budget,
}

impl WithModel for Judge<'_, '_> {
    type Output = Verdict;

    fn run<M: Model>(self, model: M, explain: fn(&Stuck<'_, '_, M>) -> Explanation) -> Verdict {
        judge_by(&self, model, explain)
    }
}

/// Judges one object by any model; `explain` says why an operation could not be placed.
fn judge_by<M: Model>(
    judge: &Judge<'_, '_>,
    mut model: M,
    explain: impl Fn(&Stuck<'_, '_, M>) -> Explanation,
) -> Verdict {
    let Judge { object, name, algorithm, budget } = *judge;
    let checker = format!("linearizable {name}");
    let mut stats = Stats::default();
    object.operations.iter().for_each(|one| stats.count(one.outcome()));
    let mut verdict = match Parsed::new(&mut model, object) {
        Err(reason) => Verdict::undecided(&checker, reason),
        Ok(parsed) => {
            let (decision, effort) = decide_with(&model, &parsed.occurrences, budget, algorithm);
            parsed.count(&mut stats, &model, effort);
            parsed.verdict(&checker, &model, explain, decision)
        }
    };
    verdict.stats = stats;
    verdict.assumptions = model.assumptions();
    verdict
}

/// An operation that could not be placed, with what there is to explain it by.
pub(crate) struct Stuck<'a, 'h, M: Model> {
    pub(crate) object: &'a Object<'h>,
    pub(crate) model: &'a M,
    /// What each operation of the object did, if the model has a meaning for it.
    pub(crate) meanings: &'a [Option<M::Transition>],
    pub(crate) failing: &'a Recorded<'h>,
    pub(crate) transition: &'a M::Transition,
    pub(crate) possible: &'a [Possible<M::State>],
    pub(crate) scope: Scope,
}

/// How much of the history it could not be placed in.
#[derive(Clone, Copy)]
pub(crate) enum Scope {
    /// All operations of the object.
    Whole,
    /// Those that are a violation by themselves.
    Core,
}

/// What a model made of the operations.
pub(crate) struct Parsed<'a, 'h, T> {
    pub(crate) object: &'a Object<'h>,
    /// For each operation, what it says about the object.
    pub(crate) meanings: Vec<Option<T>>,
    pub(crate) occurrences: Vec<Occurrence<T>>,
    /// For each occurrence, the recorded operation behind it.
    pub(crate) recorded: Vec<usize>,
}

impl<'a, 'h, T: Clone> Parsed<'a, 'h, T> {
    pub(crate) fn new<M>(model: &mut M, object: &'a Object<'h>) -> Result<Parsed<'a, 'h, T>, Reason>
    where
        M: Model<Transition = T>,
    {
        let count = object.operations.len();
        let mut parsed = Parsed {
            object,
            meanings: Vec::with_capacity(count),
            occurrences: Vec::with_capacity(count),
            recorded: Vec::with_capacity(count),
        };
        for (at, recorded) in object.operations.iter().enumerate() {
            let meaning = model.parse(&recorded.call())?;
            if let Some(transition) = meaning.clone() {
                parsed.occurrences.push(occurrence(recorded, transition));
                parsed.recorded.push(at);
            }
            parsed.meanings.push(meaning);
        }
        Ok(parsed)
    }

    /// Counts what there was to see, and what it took.
    fn count<M: Model<Transition = T>>(&self, stats: &mut Stats, model: &M, effort: Effort) {
        for (one, at) in self.occurrences.iter().zip(&self.recorded) {
            if self.object.operations[*at].outcome() == Outcome::Ok {
                let changes = model.class(&one.transition) != Class::Observer;
                stats.acknowledged_writes += u64::from(changes);
                stats.reads_of_written_values += u64::from(model.shows_effect(&one.transition));
            }
        }
        stats.expansions = effort.expansions;
        stats.largest_frontier = effort.largest_frontier;
    }

    pub(crate) fn recorded(&self, at: usize) -> &'a Recorded<'h> {
        &self.object.operations[self.recorded[at]]
    }

    /// Index of the invocation of an occurrence.
    pub(crate) fn index(&self, at: usize) -> u64 {
        self.recorded(at).index()
    }

    /// The occurrence whose invocation has this index.
    pub(crate) fn position(&self, index: u64) -> Option<usize> {
        (0..self.occurrences.len()).find(|at| self.index(*at) == index)
    }

    fn verdict<M: Model<Transition = T>>(
        &self,
        checker: &str,
        model: &M,
        explain: impl Fn(&Stuck<'_, '_, M>) -> Explanation,
        decision: Decision<M::State>,
    ) -> Verdict {
        match decision {
            Decision::Undecided(reason) => Verdict::undecided(checker, reason),
            Decision::Linearizable { order } => self.valid(checker, &order),
            Decision::Stuck(obstacle) => {
                let proof = match &obstacle.pattern {
                    Some(pattern) => self.exclusion(pattern),
                    None => Proof::Stuck { operation: self.index(obstacle.at) },
                };
                invalid(checker, self.stuck(model, explain, &obstacle), proof)
            }
            Decision::Impossible(pattern) => {
                invalid(checker, self.impossible(&pattern), self.exclusion(&pattern))
            }
        }
    }

    fn valid(&self, checker: &str, order: &[usize]) -> Verdict {
        Verdict {
            checker: checker.to_owned(),
            validity: Validity::Valid,
            reason: None,
            summary: format!(
                "{} operations have a linearization of {} steps",
                self.object.operations.len(),
                order.len()
            ),
            anomalies: Vec::new(),
            assumptions: Vec::new(),
            stats: Stats::default(),
            proof: Some(Proof::Order(order.iter().map(|at| self.index(*at)).collect())),
            parts: Vec::new(),
        }
    }

    fn exclusion(&self, pattern: &Pattern) -> Proof {
        let operations = pattern.operations.iter().map(|at| self.index(*at)).collect();
        Proof::Pattern { rule: pattern.rule, operations }
    }

    /// The violation at which the search got stuck.
    fn stuck<M: Model<Transition = T>>(
        &self,
        model: &M,
        explain: impl Fn(&Stuck<'_, '_, M>) -> Explanation,
        obstacle: &Obstacle<M::State>,
    ) -> Anomaly {
        let failing = self.recorded(obstacle.at);
        let transition = &self.occurrences[obstacle.at].transition;
        let indices = |ats: &[usize]| ats.iter().map(|at| self.index(*at)).collect();
        let state = |one: &Possible<M::State>| PossibleState {
            state: model.describe(&one.state),
            linearized: indices(&one.linearized),
            pending: indices(&one.pending),
            why: why(model, &one.state, transition),
        };
        let mut states: Vec<PossibleState> = obstacle.possible.iter().map(state).collect();
        states.sort_by_cached_key(|one| (one.state.to_string(), one.linearized.len()));
        let mut explanation = explain(&Stuck {
            object: self.object,
            model,
            meanings: &self.meanings,
            failing,
            transition,
            possible: &obstacle.possible,
            scope: Scope::Whole,
        });
        if let Some(pattern) = &obstacle.pattern {
            self.name_pattern(pattern, obstacle.at, &mut explanation);
        }
        Anomaly {
            kind: explanation.kind.to_owned(),
            key: self.object.key.clone(),
            sentence: titled(
                explanation.kind,
                &format!("{}{}", explanation.sentence, explanation.instead),
            ),
            op: failing.completion().map(|op| op.index),
            related: explanation.related,
            argument: explanation.argument,
            states,
            examination: Examination::default(),
        }
    }

    /// Adds the operations that exclude each other, where the explanation knows no better ones.
    fn name_pattern(&self, pattern: &Pattern, failing: usize, explanation: &mut Explanation) {
        if explanation.kind != explain::GENERAL {
            return;
        }
        explanation.instead = format!(": {}", pattern.why);
        for at in pattern.operations.iter().filter(|at| **at != failing).take(RELATED_MAX) {
            let index = self.index(*at);
            if explanation.related.iter().all(|one| one.index != index) {
                explanation.related.push(Related { index, role: EXCLUDES.to_owned() });
            }
        }
    }

    /// The violation that a special procedure found.
    fn impossible(&self, pattern: &Pattern) -> Anomaly {
        let last = pattern.operations.iter().filter_map(|at| self.recorded(*at).completion());
        let role = || EXCLUDES.to_owned();
        let these: Vec<&Recorded<'_>> =
            pattern.operations.iter().map(|at| self.recorded(*at)).collect();
        let key = self.object.key.as_ref();
        let sentence = company::sentence(pattern.rule, &pattern.why, key, &these);
        let related =
            pattern.operations.iter().map(|at| Related { index: self.index(*at), role: role() });
        Anomaly {
            kind: pattern.rule.to_owned(),
            key: self.object.key.clone(),
            sentence: titled(pattern.rule, &sentence),
            op: last.map(|op| op.index).max(),
            related: related.collect(),
            argument: Vec::new(),
            states: Vec::new(),
            examination: Examination::default(),
        }
    }
}

/// What an operation of a pattern does there.
pub(crate) const EXCLUDES: &str = "excludes the others";
/// More operations than this help nobody to understand a violation.
const RELATED_MAX: usize = 12;

pub(crate) fn occurrence<T>(recorded: &Recorded<'_>, transition: T) -> Occurrence<T> {
    let position = |at: usize| u32::try_from(at).expect("fewer than 2^32 events");
    let returned = match recorded.outcome() {
        Outcome::Info => None,
        Outcome::Ok | Outcome::Fail => recorded.operation.completion.map(position),
    };
    Occurrence { transition, invoked: position(recorded.invoked()), returned }
}

fn invalid(checker: &str, anomaly: Anomaly, proof: Proof) -> Verdict {
    Verdict {
        checker: checker.to_owned(),
        validity: Validity::Invalid,
        reason: None,
        summary: anomaly.sentence.clone(),
        anomalies: vec![anomaly],
        assumptions: Vec::new(),
        stats: Stats::default(),
        proof: Some(proof),
        parts: Vec::new(),
    }
}

/// Why the operation does not fit, even with everything that is pending.
fn why<M: Model>(model: &M, state: &M::State, transition: &M::Transition) -> String {
    match model.step(state, transition) {
        None => model.refusal(state, transition),
        // Legal here would have been taken here, unless the operation began later than this.
        Some(_) => "it fits, but not once everything that returned earlier has taken effect".into(),
    }
}
