//! What is found out about violations once all verdicts are there.
//!
//! Keys are looked at in the order in which they went wrong, all within one allowance, of which no
//! single question may take more than a third. Whatever fails here, even by a panic, leaves the
//! verdicts as they are.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::explain::Explanation;
use super::linearizable::{Parsed, Stuck, WithModel};
use super::object::{Object, Source};
use super::strength::{self, Doubts};
use super::{core, fingerprint};
use crate::budget::Budget;
use crate::faults::in_force;
use crate::history::History;
use crate::model::Model;
use crate::verdict::{Validity, Verdict};

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

    fn run<M: Model>(self, mut model: M, _explain: fn(&Stuck<'_, '_, M>) -> Explanation) {
        let Ok(parsed) = Parsed::new(&mut model, self.object) else { return };
        let Some(proof) = &self.verdict.proof else { return };
        let doubts = Doubts::of(&mut model, &parsed);
        let related = self.verdict.anomalies.iter().flat_map(|one| &one.related);
        let named: Vec<u64> = related.map(|related| related.index).collect();
        let shrunk = core::find(&model, &parsed, proof, &named, &self.allowance.question());
        let shrunk = shrunk.as_ref();
        let strength = strength::find(&model, &parsed, &doubts, shrunk, &self.allowance.question());
        for anomaly in &mut self.verdict.anomalies {
            let examination = &mut anomaly.examination;
            examination.core = shrunk.map(|shrunk| core::told(&model, &parsed, shrunk, self.all));
            examination.strength = Some(strength.clone());
        }
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
