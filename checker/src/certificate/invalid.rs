//! From an invalid verdict on an object to a proof of it.

use super::Style;
use super::machine::Ground;
use super::refute::{Core, Proof, Suspect};
use super::sets::{self, Evidence};
use crate::checks::explain::Explanation;
use crate::checks::linearizable::{Stuck, WithModel, with_model};
use crate::checks::object::{Object, Recorded};
use crate::checks::{CheckerSpec, SetReads};
use crate::history::Outcome;
use crate::linear::Occurrence;
use crate::model::Model;
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
        CheckerSpec::Linearizable { model, options } => {
            let ground = match model.name() {
                "register" | "cas-register" => Ground::Values,
                _ => Ground::Opaque,
            };
            with_model(*model, options, NoOrder { object, ground, verdict, style })
                .map(Refuted::Part)
        }
    }
}

fn set(object: &Object<'_>, reads: SetReads) -> Result<Evidence, String> {
    sets::evidence(object, reads).ok_or_else(|| "no read shows it".to_owned())
}

/// The search for a proof that there is no order.
struct NoOrder<'a, 'h> {
    object: &'a Object<'h>,
    ground: Ground,
    verdict: &'a Verdict,
    style: Style,
}

impl WithModel for NoOrder<'_, '_> {
    type Output = Result<Proof, String>;

    fn run<M: Model>(
        self,
        mut model: M,
        _: fn(&Stuck<'_, '_, M>) -> Explanation,
    ) -> Result<Proof, String> {
        let operations = &self.object.operations;
        let (mut all, mut indices) = (Vec::new(), Vec::new());
        for recorded in operations {
            let parsed = model.parse(&recorded.call()).map_err(|reason| reason.sentence())?;
            if let Some(transition) = parsed {
                all.push(occurrence(recorded, transition));
                indices.push(recorded.invoke().index);
            }
        }
        let position = |index: u64| indices.binary_search(&index).ok();
        let core = self.core(&position);
        let failed = self.verdict.anomalies.first().and_then(|anomaly| anomaly.op);
        let named = named(self.verdict).into_iter().filter_map(position).collect();
        let until = failed.and_then(|failed| self.end(|_, index| index == failed));
        let suspect = Suspect {
            model: &model,
            ground: self.ground,
            all: &all,
            indices: &indices,
            until,
            core,
            named,
        };
        suspect.prove(self.style)
    }
}

impl NoOrder<'_, '_> {
    /// The position and index of the completion that is meant.
    fn end(&self, is_meant: impl Fn(usize, u64) -> bool) -> Option<(u32, u64)> {
        self.object.operations.iter().find_map(|one| {
            let (at, index) = (one.operation.completion?, one.completion()?.index);
            is_meant(at, index).then_some((number(at), index))
        })
    }

    /// The core of the violation, if one was found.
    fn core(&self, position: &dyn Fn(u64) -> Option<usize>) -> Option<Core> {
        let core = self.verdict.anomalies.first()?.examination.core.as_ref()?;
        let until = self.end(|at, _| at == core.cut)?;
        let (mut whole, mut blind) = (Vec::new(), Vec::new());
        for one in &core.operations {
            let at = position(one.index)?;
            if one.instead.is_some() { blind.push(at) } else { whole.push(at) }
        }
        Some(Core { until, whole, blind })
    }
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
