//! The argument behind a violation: operations each of which must come before the next, and the
//! last before the first.
//!
//! A register's history in which the values that matter were written once can be argued about
//! without any search. Three relations hold in *every* order that a correct register could have
//! produced:
//!
//! | relation | A must come before B because |
//! |---|---|
//! | real time | A had ended when B began |
//! | reads-from | B saw a value that only A can have written |
//! | must-precede | the other way round, somebody who saw a value written once would have seen another one |
//!
//! A circle of these is a proof that needs no faith in the checker. [`facts`] knows what each
//! operation saw and left behind, which of them certainly took effect, and who alone can have
//! written a value; [`candidates`] picks the few operations that may exclude the failing one;
//! [`circle`] is the graph over these and finds its cheapest cycle; [`words`] tells it.
//!
//! Only what is certain becomes an edge. Where values repeat, or where it takes more than the few
//! operations picked here, there is no argument, and the sentence about the search stands alone.

mod candidates;
mod circle;
mod facts;
mod words;

use self::facts::Facts;
use super::object::{Object, Recorded};
use crate::model::{Register, Transition};
use crate::verdict::Because;

/// The circle that excludes `failing`, or nothing where none is certain. `named` are the
/// operations that the sentence mentions, by the index of their invocation: they come first.
pub(crate) fn argue(
    object: &Object<'_>,
    model: &Register,
    meanings: &[Option<Transition>],
    failing: &Recorded<'_>,
    named: &[u64],
) -> Vec<Because> {
    let find = |index: u64| object.operations.iter().position(|one| one.index() == index);
    let Some(at) = find(failing.index()) else { return Vec::new() };
    let named: Vec<usize> = named.iter().filter_map(|index| find(*index)).collect();
    // What began after the failing operation had ended cannot matter to it, unless it is the
    // write that should have come first.
    [failing.ended(), usize::MAX]
        .into_iter()
        .find_map(|until| {
            let facts = Facts::until(object, model, meanings, until);
            let sets = candidates::sets(&facts, at, &named);
            let circle = sets.iter().find_map(|set| circle::cheapest(&facts, set))?;
            Some(circle.iter().map(|step| words::because(&facts, step)).collect())
        })
        .unwrap_or_default()
}
