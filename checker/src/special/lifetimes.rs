//! The items of a queue, stack or bag, each with the two operations that put it in and took it
//! out, where no item was put in twice.

use rustc_hash::FxHashMap;

use super::wrong::{WrongRule, makes};
use super::{NEVER, pattern};
use crate::linear::{Answer, Occurrence, Pattern};
use crate::model::{ItemTransition, Items, ValueId};

/// What happened to one item. It was put in at a moment from `put_from` up to `put_until`, and
/// taken out at one from `take_from` up to `take_until` that is no earlier; both windows are as
/// narrow as these two operations alone make them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifetime {
    pub(super) item: ValueId,
    pub(super) put: usize,
    /// `None`: nobody is known to have taken it.
    pub(super) take: Option<usize>,
    pub(super) put_from: u32,
    pub(super) put_until: u32,
    pub(super) take_from: u32,
    pub(super) take_until: u32,
}

/// A whole history by items, in order of their first operations.
#[derive(Clone, Debug, Default)]
pub(super) struct Lifetimes {
    pub(super) items: Vec<Lifetime>,
    /// Acknowledged takes that found nothing.
    pub(super) empties: Vec<usize>,
    /// Takes of which nobody knows what they took, by invocation.
    pub(super) unknown_takes: Vec<usize>,
}

/// What is known of an item so far.
#[derive(Default)]
struct Operations {
    puts: Vec<usize>,
    takes: Vec<usize>,
}

impl Lifetime {
    fn new(
        item: ValueId,
        put: usize,
        take: Option<usize>,
        all: &[Occurrence<ItemTransition>],
    ) -> Lifetime {
        let until = |at: usize| all[at].returned.unwrap_or(NEVER);
        let put_from = all[put].invoked;
        let take_until = take.map_or(NEVER, until);
        Lifetime {
            item,
            put,
            take,
            put_from,
            put_until: until(put).min(take_until),
            take_from: take.map_or(NEVER, |at| all[at].invoked.max(put_from)),
            take_until,
        }
    }

    /// Whether there is a moment at which it is certainly there.
    pub(super) fn is_certain_for_a_while(&self) -> bool {
        self.put_until < self.take_from
    }

    pub(super) fn operations(&self) -> impl Iterator<Item = usize> + use<> {
        [self.put].into_iter().chain(self.take)
    }
}

impl Lifetimes {
    /// Sorts a history by items; `Err` where that is impossible or makes no sense.
    pub(super) fn of(
        all: &[Occurrence<ItemTransition>],
        items: &Items,
    ) -> Result<Lifetimes, Answer> {
        let mut lifetimes = Lifetimes::default();
        let mut order = Vec::new();
        let mut known: FxHashMap<ValueId, Operations> = FxHashMap::default();
        for (at, one) in all.iter().enumerate() {
            let (item, is_put) = match one.transition {
                ItemTransition::Put(item) => (item, true),
                ItemTransition::Take(item) => (item, false),
                ItemTransition::TakeSomething => {
                    lifetimes.unknown_takes.push(at);
                    continue;
                }
                ItemTransition::Empty => {
                    lifetimes.empties.push(at);
                    continue;
                }
            };
            let operations = known.entry(item).or_insert_with(|| {
                order.push(item);
                Operations::default()
            });
            if is_put { operations.puts.push(at) } else { operations.takes.push(at) }
        }
        lifetimes.unknown_takes.sort_by_key(|at| all[*at].invoked);
        for item in order {
            lifetimes.items.extend(lifetime(item, &known[&item], all, items)?);
        }
        Ok(lifetimes)
    }
}

/// The lifetime of an item, `None` if it need not have existed.
fn lifetime(
    item: ValueId,
    Operations { puts, takes }: &Operations,
    all: &[Occurrence<ItemTransition>],
    items: &Items,
) -> Result<Option<Lifetime>, Answer> {
    let impossible = |rule, operations: Vec<usize>, why: String| {
        Err(Answer::Impossible(pattern(rule, operations, why)))
    };
    let value = || items.value(item);
    let (taken, put) = (items.words.taken, items.words.put);
    match (puts.as_slice(), takes.as_slice()) {
        ([], [take, ..]) => {
            let why = format!("{} was {taken}, but no {put} can have put it there", value());
            impossible("phantom-item", vec![*take], why)
        }
        ([], []) | ([_, _, ..], _) => Err(Answer::Inapplicable),
        ([put], [first, second, ..]) => {
            let why = format!("{} was {taken} twice, and put there once", value());
            impossible("item-taken-twice", vec![*put, *first, *second], why)
        }
        ([one], [take]) if came_too_early(&all[*take], &all[*one]) => {
            let why = format!("{} was {taken} before its {put} began", value());
            impossible("item-taken-early", vec![*one, *take], why)
        }
        // Nobody saw it, and nobody knows whether it was there.
        ([put], []) if all[*put].returned.is_none() => Ok(None),
        ([put], takes) => Ok(Some(Lifetime::new(item, *put, takes.first().copied(), all))),
    }
}

/// Whether a take was over when the put began.
fn came_too_early(take: &Occurrence<ItemTransition>, put: &Occurrence<ItemTransition>) -> bool {
    let wrong = makes(WrongRule::TakesBeginAfterPuts) && take.invoked < put.invoked;
    wrong || take.returned.is_some_and(|end| end < put.invoked)
}

/// The items in a list, for a sentence.
pub(super) fn named<'a>(items: &Items, which: impl IntoIterator<Item = &'a Lifetime>) -> String {
    let names: Vec<String> =
        which.into_iter().map(|one| items.value(one.item).to_string()).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

/// What a procedure that knows nothing of takes with an unknown result makes of a history that
/// may have some: leaving them out is one way to explain the history; and what is impossible
/// although every item that one of them may have taken is left out, too, stays so.
pub(super) fn despite_unknown_takes(
    lifetimes: &Lifetimes,
    decide: impl Fn(&[Lifetime], &[usize]) -> Result<Vec<usize>, Option<Pattern>>,
) -> Answer {
    let answer = |result: Result<Vec<usize>, Option<Pattern>>| match result {
        Ok(order) => Answer::Order(order),
        Err(Some(pattern)) => Answer::Impossible(pattern),
        Err(None) => Answer::Inapplicable,
    };
    let without = answer(decide(&lifetimes.items, &lifetimes.empties));
    if lifetimes.unknown_takes.is_empty() || matches!(without, Answer::Order(_)) {
        return without;
    }
    let taken: Vec<Lifetime> =
        lifetimes.items.iter().filter(|one| one.take.is_some()).copied().collect();
    match answer(decide(&taken, &lifetimes.empties)) {
        Answer::Order(_) => Answer::Inapplicable,
        certain => certain,
    }
}
