//! What is found out about violations once all verdicts are there.
//!
//! Keys are looked at in the order in which they went wrong, all within one allowance, of which no
//! single question may take more than a third. Whatever fails here, even by a panic, leaves the
//! verdicts as they are.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::explain::{self, Explanation};
use super::linearizable::{Parsed, Scope, Stuck, WithModel};
use super::object::{Object, Recorded, Source};
use super::remedy::{self, Failing};
use super::sentence::titled;
use super::strength::{self, Doubts};
use super::{QUICKLY_DECIDED, company, core, fingerprint};
use crate::budget::Budget;
use crate::cores;
use crate::faults::in_force;
use crate::history::History;
use crate::model::Model;
use crate::shrink::Shrunk;
use crate::verdict::{Anomaly, Validity, Verdict};

/// Examines one invalid object.
pub(crate) struct Examine<'a, 'h> {
    pub(crate) object: &'a Object<'h>,
    pub(crate) verdict: &'a mut Verdict,
    /// How many operations there are on all keys together.
    pub(crate) all: usize,
    pub(crate) allowance: &'a Allowance,
}

/// What explaining may cost.
pub(crate) struct Allowance {
    /// Altogether.
    pub(crate) budget: Budget,
    /// For one question about one violation.
    pub(crate) patience: Duration,
}

impl Allowance {
    fn question(&self) -> Budget {
        self.budget.within(self.patience)
    }
}

impl WithModel for Examine<'_, '_> {
    type Output = ();

    fn run<M: Model>(self, mut model: M, explain: fn(&Stuck<'_, '_, M>) -> Explanation) {
        let Ok(parsed) = Parsed::new(&mut model, self.object) else { return };
        let Some(proof) = &self.verdict.proof else { return };
        let doubts = Doubts::of(&mut model, &parsed);
        let related = self.verdict.anomalies.iter().flat_map(|one| &one.related);
        let named: Vec<u64> = related.map(|related| related.index).collect();
        let shrunk = core::find(&model, &parsed, proof, &named, &self.allowance.question());
        let shrunk = shrunk.as_ref();
        let Verdict { anomalies, summary, .. } = self.verdict;
        for anomaly in anomalies.iter_mut() {
            let told = *summary == anomaly.sentence;
            anomaly.examination.core =
                shrunk.map(|shrunk| core::told(&model, &parsed, shrunk, self.all));
            if let Some(shrunk) = shrunk {
                by_core(&model, &parsed, shrunk, explain, anomaly);
                company::tell(&parsed, shrunk, anomaly);
            }
            if told {
                summary.clone_from(&anomaly.sentence);
            }
        }
        let failing: Vec<Failing<M::Transition>> =
            anomalies.iter().map(|one| Failing::of(&mut model, &parsed, one)).collect();
        let question = || self.allowance.question();
        let others = |failing: &Failing<M::Transition>| {
            let find = |shrunk| remedy::others(&model, &parsed, shrunk, failing, &question());
            shrunk.map(find).unwrap_or_default()
        };
        // Both are decisions about the whole history, and neither asks for the other's answer.
        let (strength, others): (_, Vec<Vec<String>>) = cores::both(
            parsed.occurrences.len() > QUICKLY_DECIDED,
            || strength::find(&model, &parsed, &doubts, shrunk, &question()),
            || failing.iter().map(others).collect(),
        );
        for (anomaly, others) in anomalies.iter_mut().zip(others) {
            anomaly.examination.strength = Some(strength.clone());
            if shrunk.is_some() {
                let failures = remedy::failures(&model, &parsed, &doubts, anomaly, &question());
                let told = failures.into_iter().chain(others).take(remedy::TOLD_MAX);
                anomaly.examination.remedies = told.collect();
            }
        }
    }
}

/// Explains a violation by its core, where the whole history was too much.
fn by_core<M: Model>(
    model: &M,
    parsed: &Parsed<'_, '_, M::Transition>,
    shrunk: &Shrunk,
    explain: fn(&Stuck<'_, '_, M>) -> Explanation,
    anomaly: &mut Anomaly,
) {
    let general = anomaly.kind == explain::GENERAL;
    if !(general || anomaly.argument.is_empty()) {
        return;
    }
    let (object, meanings) = core::object(model, parsed, shrunk);
    let ended = |one: &&Recorded<'_>| one.completion().map(|op| op.index) == anomaly.op;
    let Some(failing) = object.operations.iter().find(ended) else { return };
    let Some(at) = parsed.position(failing.index()) else { return };
    let transition = &parsed.occurrences[at].transition;
    let (object, meanings, possible) = (&object, &meanings, &[]);
    let scope = Scope::Core;
    let stuck = Stuck { object, model, meanings, failing, transition, possible, scope };
    let found = explain(&stuck);
    if general && found.kind != explain::GENERAL {
        found.kind.clone_into(&mut anomaly.kind);
        anomaly.sentence = titled(found.kind, &found.sentence);
        anomaly.related = found.related;
        anomaly.examination.core_explains = true;
    }
    if anomaly.argument.is_empty() {
        anomaly.examination.argument = found.argument;
    }
}

/// Lets `examine` look at every invalid verdict, the earliest violation first, and gives each
/// anomaly its fingerprint.
pub(crate) fn all<'h>(
    history: &History,
    sources: &[Source<'h>],
    verdicts: &mut [Verdict],
    allowance: &Allowance,
    examine: impl Fn(&Object<'h>, &mut Verdict),
) {
    let mut invalid: Vec<(&Source<'h>, &mut Verdict)> = sources
        .iter()
        .zip(verdicts)
        .filter(|(_, verdict)| verdict.validity == Validity::Invalid)
        .collect();
    invalid.sort_by_key(|(_, verdict)| verdict.anomalies.first().and_then(|first| first.op));
    let faults = if invalid.is_empty() { Vec::new() } else { in_force(history.ops()) };
    for (source, verdict) in invalid {
        if allowance.budget.spent().is_none() {
            let before = verdict.clone();
            if catch_unwind(AssertUnwindSafe(|| examine(&source.object(), verdict))).is_err() {
                *verdict = before;
            }
        }
        for anomaly in &mut verdict.anomalies {
            let fingerprint = fingerprint::of(&verdict.checker, anomaly, history, &faults);
            anomaly.examination.fingerprint = fingerprint;
        }
    }
}
