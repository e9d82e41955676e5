//! The test that every linearization order must pass before anybody is told.
//!
//! It shares nothing with the search but the model's `step` and what it chooses where it leaves
//! something open: no reductions, no interning, no
//! classes. An order is right if it holds every acknowledged operation once and each crashed one
//! at most once, if no operation comes after one that was invoked when it had already returned,
//! and if the model can take the steps. Linear in the history.

use thiserror::Error;

use super::Occurrence;
use crate::model::Model;

/// Why an order is not a linearization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OrderError {
    /// An acknowledged operation is not in it.
    #[error("operation {0} was acknowledged and is missing from the order")]
    Missing(usize),
    /// An operation is in it more than once, or does not exist.
    #[error("operation {0} occurs twice in the order, or does not exist")]
    Repeated(usize),
    /// An operation comes after one that began when it had already ended.
    #[error("operation {0} comes too late in the order for the time at which it returned")]
    TooLate(usize),
    /// The model refuses it where it stands.
    #[error("operation {0} is illegal at its place in the order")]
    Illegal(usize),
}

/// Holds an order of occurrences (by their position in `all`) against the definition.
pub fn verify_order<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    order: &[usize],
) -> Result<(), OrderError> {
    let mut placed = vec![false; all.len()];
    let mut latest_invocation = None;
    let transitions: Vec<&M::Transition> =
        order.iter().filter_map(|at| Some(&all.get(*at)?.transition)).collect();
    let choices = model.choices(&transitions).map_err(|place| OrderError::Illegal(order[place]))?;
    let mut state = model.initial();
    for (place, at) in order.iter().copied().enumerate() {
        if at >= all.len() || std::mem::replace(&mut placed[at], true) {
            return Err(OrderError::Repeated(at));
        }
        let one = &all[at];
        latest_invocation = latest_invocation.max(Some(one.invoked));
        if one.returned.is_some_and(|returned| Some(returned) <= latest_invocation) {
            return Err(OrderError::TooLate(at));
        }
        let transition = choices.get(&place).unwrap_or(&one.transition);
        state = model.step(&state, transition).ok_or(OrderError::Illegal(at))?;
    }
    let missing = (0..all.len()).find(|at| !placed[*at] && all[*at].returned.is_some());
    missing.map_or(Ok(()), |at| Err(OrderError::Missing(at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Outcome;
    use crate::model::{Call, ModelName, ModelOptions, Register};
    use crate::value::Value;

    fn history() -> (Register, Vec<Occurrence<<Register as Model>::Transition>>) {
        let mut model = Register::new(ModelName::Register, &ModelOptions::default());
        let mut parse = |f: &str, value: i64, invoked, returned: Option<u32>| {
            let (f, value) = (Value::keyword(f), Value::Int(value));
            let outcome = if returned.is_some() { Outcome::Ok } else { Outcome::Info };
            let (argument, result, error) = (&value, &value, None);
            let call = Call { process: 0, f: &f, key: None, argument, result, error, outcome };
            let transition = model.parse(&call).expect("known").expect("matters");
            Occurrence { transition, invoked, returned }
        };
        let all = vec![
            parse("write", 1, 0, Some(3)),
            parse("write", 2, 1, None),
            parse("read", 2, 2, Some(5)),
            parse("read", 1, 6, Some(7)),
        ];
        (model, all)
    }

    #[test]
    fn a_linearization_passes_and_every_kind_of_damage_is_named() {
        let (model, all) = history();
        let verify = |order: &[usize]| verify_order(&model, &all, order);
        assert_eq!(verify(&[1, 2, 0, 3]), Ok(()));
        assert_eq!(verify(&[1, 2, 0]), Err(OrderError::Missing(3)));
        assert_eq!(verify(&[1, 2, 0, 1, 3]), Err(OrderError::Repeated(1)));
        assert_eq!(verify(&[1, 2, 9]), Err(OrderError::Repeated(9)));
        assert_eq!(verify(&[1, 2, 4]), Err(OrderError::Repeated(4)));
        assert_eq!(verify(&[0, 3, 1, 2]), Err(OrderError::TooLate(2)));
        assert_eq!(verify(&[0, 2, 1, 3]), Err(OrderError::Illegal(2)));
    }
}
