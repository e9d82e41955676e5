//! The core of a violation, in terms of the history: see [`crate::shrink`].

use super::linearizable::Parsed;
use super::object::Object;
use crate::budget::Budget;
use crate::history::Outcome;
use crate::model::Model;
use crate::shrink::{Form, Shrunk, Why, shrink_from};
use crate::verdict::{Core, CoreEnd, CoreOperation, LeftOut, Proof};

/// The smallest part of an object's operations that is still a violation, as far as the budget
/// goes. `named` are operations that the sentence mentions.
pub(crate) fn find<M: Model>(
    model: &M,
    parsed: &Parsed<'_, '_, M::Transition>,
    proof: &Proof,
    named: &[u64],
    budget: &Budget,
) -> Option<Shrunk> {
    let violation = match proof {
        Proof::Order(_) => return None,
        Proof::Pattern { operations, .. } => operations.as_slice(),
        Proof::Stuck { operation } => std::slice::from_ref(operation),
    };
    let positions = |indices: &[u64]| -> Vec<usize> {
        indices.iter().filter_map(|index| parsed.position(*index)).collect()
    };
    shrink_from(model, &parsed.occurrences, &positions(violation), &positions(named), budget)
}

/// The same as a reader of the history knows it. `all` is how many operations there are on all
/// keys together.
pub(crate) fn told<M: Model>(
    model: &M,
    parsed: &Parsed<'_, '_, M::Transition>,
    shrunk: &Shrunk,
    all: usize,
) -> Core {
    let operation = |(at, form): &(usize, Form)| {
        let one = &parsed.occurrences[*at];
        let blind = match form {
            Form::Whole => None,
            Form::Blind => model.blind(&one.transition),
        };
        CoreOperation {
            index: parsed.index(*at),
            end: match one.returned {
                Some(returned) if returned > shrunk.cut => CoreEnd::Open,
                _ => CoreEnd::Kept,
            },
            instead: blind.map(|blind| (blind.f, blind.argument)),
            seen: None,
        }
    };
    let (of_object, said) = (parsed.object.operations.len(), parsed.occurrences.len());
    let mut left_out = vec![
        (LeftOut::OtherKeys, (all - of_object) as u64),
        (LeftOut::Silent, (of_object - said) as u64),
    ];
    for (why, reason) in [
        (Why::Later, LeftOut::Later),
        (Why::Observer, LeftOut::Observers),
        (Why::Unseen, LeftOut::Unseen),
        (Why::OtherElement, LeftOut::OtherElements),
    ] {
        let count = shrunk.left_out.iter().filter(|(_, one)| *one == why).count();
        left_out.push((reason, count as u64));
    }
    left_out.retain(|(_, count)| *count > 0);
    Core {
        operations: shrunk.kept.iter().map(operation).collect(),
        cut: shrunk.cut as usize,
        left_out,
        minimal: shrunk.minimal,
        exhaustive: shrunk.proof == crate::shrink::Proof::Exhaustive,
    }
}

/// The core as an object of its own, with what each of its operations did.
pub(crate) fn object<'h, M: Model>(
    model: &M,
    parsed: &Parsed<'_, 'h, M::Transition>,
    shrunk: &Shrunk,
) -> (Object<'h>, Vec<Option<M::Transition>>) {
    let mut meanings = Vec::new();
    let mut operations = Vec::new();
    for (at, form) in &shrunk.kept {
        let one = &parsed.occurrences[*at];
        let blind = model.blind(&one.transition).filter(|_| *form == Form::Blind);
        meanings.push(Some(blind.map_or_else(|| one.transition.clone(), |blind| blind.transition)));
        let mut recorded = parsed.recorded(*at).clone();
        if one.returned.is_some_and(|returned| returned > shrunk.cut) {
            recorded.operation.outcome = Outcome::Info;
        }
        operations.push(recorded);
    }
    (Object { key: parsed.object.key.clone(), operations }, meanings)
}
