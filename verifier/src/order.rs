//! Proof of *valid*: an order in which the operations can have happened, one at a time.
//!
//! It is one if every acknowledged operation is in it once and each indeterminate one at most
//! once, if none comes after one that was invoked when it had already returned (it is enough to
//! look at the latest invocation so far), and if the model can take the steps, by one choice where
//! it leaves something open. Linear in the history, but for finding operations by their index: `O(n log n)`.

use crate::models::Model;
use crate::timed::{Timed, find};

/// Holds an order of operations, by their indices, against the definition.
pub(crate) fn verify<M: Model>(
    model: &M,
    steps: &[Timed<M::Step>],
    order: &[u64],
) -> Result<(), String> {
    let mut placed = vec![false; steps.len()];
    let mut latest_invocation = 0;
    let mut state = model.initial();
    let places = order.iter().map(|index| find(steps, *index)).collect::<Result<Vec<_>, _>>()?;
    let in_order: Vec<&M::Step> = places.iter().map(|at| &steps[*at].step).collect();
    let illegal = |index: u64| format!("op {index} is illegal where it stands");
    let choices = model.choices(&in_order).map_err(|place| illegal(order[place]))?;
    for (place, (index, at)) in order.iter().copied().zip(places).enumerate() {
        if std::mem::replace(&mut placed[at], true) {
            return Err(format!("op {index} is in the order twice"));
        }
        let one = &steps[at];
        latest_invocation = latest_invocation.max(one.invoked);
        if one.returned.is_some_and(|returned| returned < latest_invocation) {
            return Err(format!("op {index} stands behind one that began after it had returned"));
        }
        if !model.advance(&mut state, choices.get(&place).unwrap_or(&one.step)) {
            return Err(illegal(index));
        }
    }
    let left_out =
        steps.iter().zip(&placed).find(|(one, placed)| !**placed && one.returned.is_some());
    match left_out {
        Some((one, _)) => Err(format!("op {} was acknowledged and is not in the order", one.index)),
        None => Ok(()),
    }
}
