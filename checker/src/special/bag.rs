//! A bag of different items: each item is on its own, but for whoever found nothing (see `cuts`,
//! and `unknown` for takes that crashed). `O(n log n)`.

use super::cuts::Cuts;
use super::lifetimes::{Lifetime, Lifetimes};
use crate::linear::{Answer, Occurrence, Pattern};
use crate::model::{ItemTransition, Items};

/// Decides the history of an unordered queue of different items.
pub(crate) fn unordered_queue(all: &[Occurrence<ItemTransition>], names: &Items) -> Answer {
    let mut lifetimes = match Lifetimes::of(all, names) {
        Err(answer) => return answer,
        Ok(lifetimes) => lifetimes,
    };
    if !lifetimes.unknown_takes.is_empty()
        && let Err(why) = lifetimes.explain_empties(all, Vec::new(), names)
    {
        return why.map_or(Answer::Inapplicable, Answer::Impossible);
    }
    match decide(all, &lifetimes.items, &lifetimes.empties, names) {
        Ok(order) => Answer::Order(order),
        Err(pattern) => Answer::Impossible(pattern),
    }
}

fn decide(
    all: &[Occurrence<ItemTransition>],
    items: &[Lifetime],
    empties: &[usize],
    names: &Items,
) -> Result<Vec<usize>, Pattern> {
    let cuts = Cuts::new(all, items, empties, names)?;
    let groups = (0..).zip(&cuts.groups).map(|(at, group)| in_order(group, cuts.begin(at)));
    let groups = groups.collect();
    Ok(cuts.joined(groups))
}

/// Puts at the earliest moments, takes at the earliest moments after them.
fn in_order(group: &[Lifetime], begin: u32) -> Vec<usize> {
    let mut operations: Vec<(u32, bool, usize)> = Vec::with_capacity(2 * group.len());
    for item in group {
        operations.push((item.put_from.max(begin), false, item.put));
        operations.extend(item.take.map(|take| (item.take_from.max(begin), true, take)));
    }
    operations.sort_unstable();
    operations.into_iter().map(|(_, _, at)| at).collect()
}
