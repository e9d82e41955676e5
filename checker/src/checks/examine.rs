//! What is found out about violations once all verdicts are there.
//!
//! Keys are looked at in the order in which they went wrong, each within what is left of one
//! allowance. Whatever fails here, even by a panic, leaves the verdicts as they are.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::core;
use super::explain::Explanation;
use super::linearizable::{Parsed, Stuck, WithModel};
use super::object::{Object, Source};
use crate::budget::Budget;
use crate::model::Model;
use crate::verdict::{Validity, Verdict};

/// Examines one invalid object.
pub(crate) struct Examine<'a, 'h> {
    pub(crate) object: &'a Object<'h>,
    pub(crate) verdict: &'a mut Verdict,
    /// How many operations there are on all keys together.
    pub(crate) all: usize,
    pub(crate) budget: &'a Budget,
}

impl WithModel for Examine<'_, '_> {
    type Output = ();

    fn run<M: Model>(self, mut model: M, _explain: fn(&Stuck<'_, '_, M>) -> Explanation) {
        let Ok(parsed) = Parsed::new(&mut model, self.object) else { return };
        let Some(proof) = &self.verdict.proof else { return };
        let related = self.verdict.anomalies.iter().flat_map(|one| &one.related);
        let named: Vec<u64> = related.map(|related| related.index).collect();
        let shrunk = core::find(&model, &parsed, proof, &named, self.budget);
        let Some(shrunk) = shrunk else { return };
        for anomaly in &mut self.verdict.anomalies {
            anomaly.examination.core = Some(core::told(&model, &parsed, &shrunk, self.all));
        }
    }
}

/// Lets `examine` look at every invalid verdict, the earliest violation first.
pub(crate) fn all<'h>(
    sources: &[Source<'h>],
    verdicts: &mut [Verdict],
    budget: &Budget,
    examine: impl Fn(&Object<'h>, &mut Verdict),
) {
    let mut invalid: Vec<(&Source<'h>, &mut Verdict)> = sources
        .iter()
        .zip(verdicts)
        .filter(|(_, verdict)| verdict.validity == Validity::Invalid)
        .collect();
    invalid.sort_by_key(|(_, verdict)| verdict.anomalies.first().and_then(|first| first.op));
    for (source, verdict) in invalid {
        if budget.spent().is_some() {
            return;
        }
        let before = verdict.clone();
        if catch_unwind(AssertUnwindSafe(|| examine(&source.object(), verdict))).is_err() {
            *verdict = before;
        }
    }
}
