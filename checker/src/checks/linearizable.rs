//! Linearizability of one object: from recorded operations to a search, and back to a verdict in
//! terms of what was recorded.

use std::collections::HashSet;

use super::explain::Explainer;
use super::merge::undecided;
use super::object::Object;
use super::sentence::titled;
use crate::budget::Budget;
use crate::history::Outcome;
use crate::linear::{Decision, Effort, Obstacle, Occurrence, decide};
use crate::model::{
    Class, FailedCas, Model, ModelName, Register, RegisterOptions, Transition, ValueId,
};
use crate::value::Value;
use crate::verdict::{Anomaly, PossibleState, Reason, Stats, Validity, Verdict};

/// What a model made of the operations.
struct Parsed {
    occurrences: Vec<Occurrence<Transition>>,
    /// For each occurrence, the recorded operation behind it.
    recorded: Vec<usize>,
}

pub(crate) fn judge(
    object: &Object<'_>,
    name: ModelName,
    options: &RegisterOptions,
    budget: &Budget,
) -> Verdict {
    let checker = format!("linearizable {}", name.name());
    let mut model = Register::new(name, options);
    let mut verdict = match parse(&mut model, object) {
        Err(reason) => undecided(&checker, reason),
        Ok(parsed) => {
            let (decision, effort) = decide(&model, &parsed.occurrences, budget);
            let mut verdict = verdict(&checker, object, &model, &parsed, decision);
            record_effort(&mut verdict.stats, effort);
            verdict
        }
    };
    count(&mut verdict.stats, object, &model);
    verdict.assumptions = assumptions(options, name);
    verdict
}

fn parse(model: &mut Register, object: &Object<'_>) -> Result<Parsed, Reason> {
    let mut parsed = Parsed { occurrences: Vec::new(), recorded: Vec::new() };
    let position = |at: usize| u32::try_from(at).expect("fewer than 2^32 events");
    for (at, recorded) in object.operations.iter().enumerate() {
        let Some(transition) = model.parse(&recorded.call())? else { continue };
        let returned = match recorded.outcome() {
            Outcome::Info => None,
            Outcome::Ok | Outcome::Fail => recorded.operation.completion.map(position),
        };
        let invoked = position(recorded.invoked());
        parsed.occurrences.push(Occurrence { transition, invoked, returned });
        parsed.recorded.push(at);
    }
    Ok(parsed)
}

fn verdict(
    checker: &str,
    object: &Object<'_>,
    model: &Register,
    parsed: &Parsed,
    decision: Decision<ValueId>,
) -> Verdict {
    match decision {
        Decision::Undecided(reason) => undecided(checker, reason),
        Decision::Linearizable { order } => Verdict {
            checker: checker.to_owned(),
            validity: Validity::Valid,
            reason: None,
            summary: format!(
                "{} operations have a linearization of {} steps",
                object.operations.len(),
                order.len()
            ),
            anomalies: Vec::new(),
            assumptions: Vec::new(),
            stats: Stats::default(),
            parts: Vec::new(),
        },
        Decision::Stuck(obstacle) => {
            let anomaly = anomaly(object, model, parsed, &obstacle);
            Verdict {
                checker: checker.to_owned(),
                validity: Validity::Invalid,
                reason: None,
                summary: anomaly.sentence.clone(),
                anomalies: vec![anomaly],
                assumptions: Vec::new(),
                stats: Stats::default(),
                parts: Vec::new(),
            }
        }
    }
}

fn anomaly(
    object: &Object<'_>,
    model: &Register,
    parsed: &Parsed,
    obstacle: &Obstacle<ValueId>,
) -> Anomaly {
    let failing = &object.operations[parsed.recorded[obstacle.at]];
    let transition = &parsed.occurrences[obstacle.at].transition;
    let index = |at: &usize| object.operations[parsed.recorded[*at]].invoke.index;
    let mut states: Vec<PossibleState> = obstacle
        .possible
        .iter()
        .map(|one| PossibleState {
            state: model.describe(&one.state),
            linearized: one.linearized.iter().map(index).collect(),
            pending: one.pending.iter().map(index).collect(),
            why: why(model, &one.state, transition),
        })
        .collect();
    states.sort_by_cached_key(|one| (one.state.to_string(), one.linearized.len()));
    let explainer = Explainer::new(object, model, failing);
    let explanation = explainer.explain(transition, &obstacle.possible);
    Anomaly {
        kind: explanation.kind.to_owned(),
        key: object.key.clone(),
        sentence: titled(explanation.kind, &explanation.sentence),
        op: failing.completion.map(|op| op.index),
        related: explanation.related,
        argument: explanation.argument,
        states,
    }
}

/// Why the operation does not fit, even with everything that is pending.
fn why(model: &Register, state: &ValueId, transition: &Transition) -> String {
    match model.step(state, transition) {
        None => model.refusal(state, transition),
        // Legal here would have been taken here, unless the operation began later than this.
        Some(_) => "it fits, but not once everything that returned earlier has taken effect".into(),
    }
}

fn record_effort(stats: &mut Stats, effort: Effort) {
    stats.expansions = effort.expansions;
    stats.largest_frontier = effort.largest_frontier;
}

/// Counts what there was to judge.
fn count(stats: &mut Stats, object: &Object<'_>, model: &Register) {
    let mut model = model.clone();
    let mut written: HashSet<String> = HashSet::new();
    let mut reads: Vec<&Value> = Vec::new();
    for recorded in &object.operations {
        stats.count(recorded.outcome());
        let may_write = recorded.outcome() != Outcome::Fail;
        let acknowledged = recorded.outcome() == Outcome::Ok;
        let Ok(Some(transition)) = model.parse(&recorded.call()) else { continue };
        let changes = model.class(&transition) != Class::Observer;
        stats.acknowledged_writes += u64::from(changes && acknowledged);
        if may_write && let Some(value) = model.produces(&transition) {
            written.insert(model.value(value).canonical().to_string());
        }
        if acknowledged && recorded.invoke.f.name() == Some("read") {
            reads.push(recorded.result);
        }
    }
    let power = reads.iter().filter(|value| written.contains(&value.canonical().to_string()));
    stats.reads_of_written_values = power.count() as u64;
}

fn assumptions(options: &RegisterOptions, name: ModelName) -> Vec<String> {
    let init = options.init.as_ref().unwrap_or(&Value::Nil);
    let nil = match options.nil_is_unknown() {
        true => "a read of nil says nothing",
        false => "a read of nil is a read of that value",
    };
    let mut assumptions = vec![format!("the initial value is {init}"), nil.to_owned()];
    if name == ModelName::CasRegister {
        let failed = match options.failed_cas {
            FailedCas::Drop => "a failed cas says only that it did not happen",
            FailedCas::Observe => "a cas that failed by comparison saw another value",
        };
        assumptions.push(failed.to_owned());
    }
    assumptions
}
