//! From an invalid verdict on an object to a proof of it.

use super::Style;
use super::machine::Ground;
use super::refute::{CONFIGURATIONS_MAX, Core, Proof, Suspect};
use super::sets::{self, Evidence};
use super::things::{Kind, candidates};
use crate::checks::explain::Explanation;
use crate::checks::linearizable::{Stuck, WithModel, with_model};
use crate::checks::object::{Object, Recorded};
use crate::checks::{CheckerSpec, SetReads};
use crate::history::Outcome;
use crate::linear::Occurrence;
use crate::model::Model;
use crate::value::Value;
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
    let (model, options) = match spec {
        CheckerSpec::Set { reads } => return set(object, *reads).map(Refuted::Set),
        CheckerSpec::Linearizable { model, options } => (*model, options),
    };
    let ground = Ground::of(model);
    let search = |things: Option<(Kind, &[Value])>, effort| {
        let no_order = |until| NoOrder { object, ground, verdict, things, effort, until };
        let proof = with_model(model, options, no_order(Until::Failed))?;
        // What excludes each other may have been over before it was impossible.
        let again = failed(verdict).is_some() && proof.is_none();
        if again { with_model(model, options, no_order(Until::End)) } else { Ok(proof) }
    };
    if style == Style::Cheapest
        && let Some(proof) = search(None, Effort::Few)?
    {
        return Ok(Refuted::Part(proof));
    }
    for (kind, things) in candidates(object, model, failed(verdict)) {
        let effort = Effort::All(style, CONFIGURATIONS_PER_THING);
        if let Some(proof) = search(Some((kind, &things)), effort)? {
            return Ok(Refuted::Part(proof));
        }
    }
    let proof = search(None, Effort::All(style, CONFIGURATIONS_MAX))?;
    proof
        .map(Refuted::Part)
        .ok_or_else(|| format!("a proof would take more than {CONFIGURATIONS_MAX} configurations"))
}

fn set(object: &Object<'_>, reads: SetReads) -> Result<Evidence, String> {
    sets::evidence(object, reads).ok_or_else(|| "no read shows it".to_owned())
}

/// How hard to look.
#[derive(Clone, Copy)]
enum Effort {
    /// For a few operations, of which every order can be tried.
    Few,
    /// In all there is, in no more than so many configurations.
    All(Style, usize),
}

/// How much of the history to look at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// Everything until the operation failed that the verdict names.
    Failed,
    /// Everything.
    End,
}

/// What looking at one thing alone may take: its history is as a rule short, or simple.
const CONFIGURATIONS_PER_THING: usize = CONFIGURATIONS_MAX / 4;

/// The search for a proof that there is no order.
struct NoOrder<'a, 'h> {
    object: &'a Object<'h>,
    ground: Ground,
    verdict: &'a Verdict,
    /// What to look at, if not at everything.
    things: Option<(Kind, &'a [Value])>,
    effort: Effort,
    until: Until,
}

impl WithModel for NoOrder<'_, '_> {
    type Output = Result<Option<Proof>, String>;

    fn run<M: Model>(
        self,
        mut model: M,
        _: fn(&Stuck<'_, '_, M>) -> Explanation,
    ) -> Result<Option<Proof>, String> {
        let operations = &self.object.operations;
        let (mut all, mut indices) = (Vec::new(), Vec::new());
        for recorded in operations {
            let parsed = match self.things {
                None => model.parse(&recorded.call()),
                Some((kind, things)) => match kind.says(recorded, things) {
                    Some(said) => model.parse(&said.call(recorded)),
                    None => continue,
                },
            };
            if let Some(transition) = parsed.map_err(|reason| reason.sentence())? {
                all.push(occurrence(recorded, transition));
                indices.push(recorded.index());
            }
        }
        let position = |index: u64| indices.binary_search(&index).ok();
        let core = self.core(&position);
        let failed = failed(self.verdict).filter(|_| self.until == Until::Failed);
        let until = failed.and_then(|at| self.end(|_, index| index == at));
        let named = named(self.verdict).into_iter().filter_map(position).collect();
        let suspect = Suspect {
            model: &model,
            ground: self.ground,
            all: &all,
            indices: &indices,
            until,
            core,
            named,
        };
        let proof = match self.effort {
            Effort::Few => suspect.prove_by_few(),
            Effort::All(style, allowed) => suspect.prove_by_all(style, allowed),
        };
        Ok(proof.map(|proof| proof.about(self.things.map(|(_, things)| things))))
    }
}

/// The completion at which nothing fits any more, by its index.
fn failed(verdict: &Verdict) -> Option<u64> {
    verdict.anomalies.first().and_then(|anomaly| anomaly.op)
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
