//! Proofs about one object and a sequential specification of it.

use crate::certificate::{Claim, Line, Proof};
use crate::keys::Object;
use crate::models::Model;
use crate::report::Standing;
use crate::text::Events;
use crate::verify::mismatch;
use crate::weaken::{Part, Weakened, weaken};
use crate::{exhaustive, frontier, order, timed};

/// A model of whatever kind, as a judge of proofs.
pub(crate) trait Specification: Sync {
    /// The readings that it rests on, a sentence each.
    fn assumptions(&self) -> Vec<String>;

    /// Checks what a line says of an object.
    fn standing(
        &self,
        events: &Events,
        object: &Object<'_>,
        line: &Line,
    ) -> Result<Standing, String>;
}

impl<M: Model> Specification for M {
    fn assumptions(&self) -> Vec<String> {
        Model::assumptions(self)
    }

    fn standing(
        &self,
        events: &Events,
        object: &Object<'_>,
        line: &Line,
    ) -> Result<Standing, String> {
        let proved = |what: String| Ok(Standing::Proved(what));
        match (line.claim, &line.proof) {
            (Claim::Valid, Proof::Order(order)) => {
                let mut model = self.clone();
                let steps = timed::steps(&mut model, object)?;
                order::verify(&model, &steps, order)?;
                proved(format!("an order of {} operations", order.len()))
            }
            (Claim::Invalid, Proof::SubHistory(range)) => {
                exhaustive::affordable(range.keep.as_ref().map_or(0, Vec::len))?;
                let mut model = self.clone();
                let part = part(&mut model, events, object, range)?;
                exhaustive::refute(&model, &part)?;
                proved(format!("no order of {} operations", part.steps.len()))
            }
            (Claim::Invalid, Proof::Frontier(range, proof)) => {
                let mut model = self.clone();
                let part = part(&mut model, events, object, range)?;
                frontier::refute(&mut model, &part, proof)?;
                proved(format!(
                    "an inductive frontier over {} operations and {} returns",
                    part.steps.len(),
                    proof.stages.len()
                ))
            }
            _ => Err(mismatch(line.claim)),
        }
    }
}

/// The part of an object's history that a proof is about, read by a model that has read nothing yet.
fn part<M: Model>(
    model: &mut M,
    events: &Events,
    object: &Object<'_>,
    part: &Part,
) -> Result<Weakened<M::Step, M::State>, String> {
    if let Some(things) = &part.about {
        model.look_at(things)?;
    }
    let steps = timed::steps(model, object)?;
    weaken(model, &steps, part, &|index| events.position(index))
}
