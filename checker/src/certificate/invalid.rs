//! From an invalid verdict on an object to a proof of it.

use super::Style;
use super::machine::Ground;
use super::refute::{Proof, Suspect};
use super::sets::{self, Evidence};
use crate::checks::object::{Object, Recorded};
use crate::checks::{CheckerSpec, SetReads};
use crate::history::Outcome;
use crate::linear::Occurrence;
use crate::model::{Model, ModelName, Register};
use crate::verdict::{self, Verdict};

/// Why an object is invalid.
pub(super) enum Refuted {
    /// No order explains a part of its history.
    Part(Proof),
    /// A read of a set shows it.
    Set(Evidence),
}

/// Looks for a proof; an error says why there is none.
pub(super) fn refuted(
    object: &Object<'_>,
    spec: &CheckerSpec,
    verdict: &Verdict,
    style: Style,
) -> Result<Refuted, String> {
    match spec {
        CheckerSpec::Set { reads } => set(object, *reads).map(Refuted::Set),
        CheckerSpec::Linearizable { model: name, options } => match name {
            ModelName::Register | ModelName::CasRegister => {
                let model = Register::new(*name, options);
                no_order(object, model, Ground::Values, verdict, style).map(Refuted::Part)
            }
            _ => Err(format!("the verifier has no rules for a {}", name.name())),
        },
    }
}

fn set(object: &Object<'_>, reads: SetReads) -> Result<Evidence, String> {
    sets::evidence(object, reads).ok_or_else(|| "no read shows it".to_owned())
}

fn no_order<M: Model>(
    object: &Object<'_>,
    mut model: M,
    ground: Ground,
    verdict: &Verdict,
    style: Style,
) -> Result<Proof, String> {
    let mut all = Vec::with_capacity(object.operations.len());
    let mut indices = Vec::with_capacity(object.operations.len());
    for recorded in &object.operations {
        let parsed = model.parse(&recorded.call()).map_err(|reason| reason.sentence())?;
        if let Some(transition) = parsed {
            all.push(occurrence(recorded, transition));
            indices.push(recorded.invoke().index);
        }
    }
    let position = |index: u64| indices.binary_search(&index).ok();
    let anomaly = verdict.anomalies.first();
    let failed = anomaly.and_then(|anomaly| anomaly.op);
    let until = failed.and_then(|failed| {
        let completion =
            |one: &&Recorded<'_>| one.completion().is_some_and(|op| op.index == failed);
        let one = object.operations.iter().find(completion)?;
        Some((number(one.operation.completion?), failed))
    });
    let named = named(verdict).into_iter().filter_map(position).collect();
    Suspect { model: &model, ground, all: &all, indices: &indices, until, named }.prove(style)
}

fn number(position: usize) -> u32 {
    u32::try_from(position).expect("fewer than 2^32 events")
}

fn occurrence<T>(recorded: &Recorded<'_>, transition: T) -> Occurrence<T> {
    let returned = match recorded.outcome() {
        Outcome::Info => None,
        Outcome::Ok | Outcome::Fail => recorded.operation.completion.map(number),
    };
    Occurrence { transition, invoked: number(recorded.invoked()), returned }
}

/// The operations that the verdict names, by the indices of their invocations.
fn named(verdict: &Verdict) -> Vec<u64> {
    let mut named: Vec<u64> = match &verdict.proof {
        Some(verdict::Proof::Pattern { operations, .. }) => operations.clone(),
        Some(verdict::Proof::Stuck { operation }) => vec![*operation],
        Some(verdict::Proof::Order(_)) | None => Vec::new(),
    };
    for anomaly in &verdict.anomalies {
        named.extend(anomaly.related.iter().map(|one| one.index));
        for step in &anomaly.argument {
            named.extend(step.through.iter().chain([&step.from, &step.to]));
        }
    }
    named.sort_unstable();
    named.dedup();
    named
}
