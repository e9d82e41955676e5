//! Steps in time: what a model makes of the operations on one object.

use crate::keys::Object;
use crate::models::Model;
use crate::pairing::Outcome;

/// A step with the time in which it happened, if it did.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Timed<S> {
    pub(crate) step: S,
    /// The index of the operation's invocation: its name in certificates.
    pub(crate) index: u64,
    /// Position of the invocation in the history.
    pub(crate) invoked: usize,
    /// Position of the completion; `None` if nobody knows whether it took effect, or when.
    pub(crate) returned: Option<usize>,
}

/// The steps of an object, in the order of their invocations, and so of their indices.
pub(crate) fn steps<M: Model>(
    model: &mut M,
    object: &Object<'_>,
) -> Result<Vec<Timed<M::Step>>, String> {
    let mut steps = Vec::new();
    for one in object.operations() {
        let Some(step) = model.read(&one)? else { continue };
        let returned = match one.outcome {
            Outcome::Ok | Outcome::Fail => one.completed.map(|(position, _)| position),
            Outcome::Info => None,
        };
        steps.push(Timed { step, index: one.index, invoked: one.invoked, returned });
    }
    Ok(steps)
}

/// The step of the operation with this index.
pub(crate) fn find<S>(steps: &[Timed<S>], index: u64) -> Result<usize, String> {
    let found = steps.binary_search_by_key(&index, |one| one.index);
    found.map_err(|_| format!("op {index} is no operation on this object that could matter"))
}
