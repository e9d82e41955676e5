//! Which algorithm decides a history.
//!
//! What needs no search goes first: the model's own procedure, then zones. What is left is usually
//! little work for the frontier, and anything else would cost more than it gains. Only when the
//! frontier has taken [`ALONE_EXPANSIONS`] steps and some ([`hard`]) is it worth looking for what
//! nobody can have left there, and for times that tell equal values apart; then for a linearization
//! with a few configurations at a time, which finds one where there are very many.
//!
//! What is still open is raced: the whole frontier, on all processors, beside the depth-first
//! search. They have one deadline, one account of memory, and the first that decides stops the
//! other, which looks up every few thousand steps, in the middle of a return as well. The
//! depth-first search remembers much more than the frontier does; so it may use half of the memory
//! and no more, and the frontier goes on alone when that is spent.

use super::algorithm::Algorithm;
use super::apart::{self, Apart};
use super::meter::Limits;
use super::rules::Rules;
use super::sources::Sources;
use super::zones::{self, Zones};
use super::{
    Answer, Decision, Effort, Obstacle, Occurrence, Pattern, exhaustive, parts, reduce, search,
    verify_order, wgl,
};
use crate::budget::Budget;
use crate::model::Model;
use crate::verdict::Reason;

type Outcome<M> = (Decision<<M as Model>::State>, Effort);

/// Decides whether `all` has a linearization from the model's initial state.
pub fn decide<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    budget: &Budget,
) -> (Decision<M::State>, Effort) {
    decide_with(model, all, budget, Algorithm::Auto)
}

/// The same by an algorithm of the caller's choice; unknown where it does not apply.
pub fn decide_with<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    budget: &Budget,
    algorithm: Algorithm,
) -> (Decision<M::State>, Effort) {
    let whole = |model: &M, all: &[_]| decide_whole(model, all, budget, algorithm);
    // By the definition there are no parts.
    let by_definition = algorithm == Algorithm::Exhaustive;
    let in_parts = if by_definition { None } else { parts::decide(model, all, whole) };
    let Some((decision, effort)) = in_parts else { return whole(model, all) };
    (confirmed(model, all, decision), effort)
}

fn decide_whole<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    budget: &Budget,
    algorithm: Algorithm,
) -> Outcome<M> {
    let rules = Rules::default();
    let limits = Limits::of(budget);
    let kept = || reduce::relevant(model, all, rules);
    let (decision, effort) = match algorithm {
        Algorithm::Auto => auto(model, all, budget),
        Algorithm::Zones => {
            let kept = kept();
            without_search(model, all, &kept, budget).unwrap_or_else(|why| {
                let sources = Sources::new(model, all, &kept, rules);
                sources.and_then(|one| by_sources(model, all, &kept, &one, budget)).unwrap_or_else(
                    || (Decision::Undecided(Reason::Missing(why)), Effort::default()),
                )
            })
        }
        Algorithm::Frontier => search::search(model, all, &kept(), limits, rules),
        Algorithm::Wgl => wgl::search(model, all, &kept(), limits),
        Algorithm::Competition => compete(model, all, &kept(), budget),
        Algorithm::Exhaustive => exhaustive::search(model, all, limits),
    };
    (confirmed(model, all, decision), effort)
}

/// As many steps the frontier may take alone, whatever the history is: some ten milliseconds.
const ALONE_EXPANSIONS: u64 = 200_000;
/// And as many more for each operation: long histories are no harder for being long.
const ALONE_EXPANSIONS_EACH: u64 = 20;

fn auto<M: Model>(model: &M, all: &[Occurrence<M::Transition>], budget: &Budget) -> Outcome<M> {
    let rules = Rules::default();
    let kept = reduce::relevant(model, all, rules);
    if let Ok(decided) = without_search(model, all, &kept, budget) {
        return decided;
    }
    let expansions_max = ALONE_EXPANSIONS + ALONE_EXPANSIONS_EACH * kept.len() as u64;
    let alone = Limits { expansions_max, ..Limits::of(budget) };
    let (decision, first) = search::search(model, all, &kept, alone, rules);
    match decision {
        Decision::Undecided(Reason::Cancelled) if budget.spent().is_none() => {
            let (decision, effort) = hard(model, all, &kept, budget);
            (decision, effort.after(first))
        }
        decided => (decided, first),
    }
}

/// How many configurations a narrow frontier keeps, and how many the next ones.
const NARROW: [usize; 3] = [4, 16, 64];
/// As many steps each may take, and as many more for each operation: about a second.
const NARROW_EXPANSIONS: u64 = 2_000_000;
const NARROW_EXPANSIONS_EACH: u64 = 200;

/// Decides what is not done in a moment: by who can have left what, by a few configurations at a
/// time, and in the end by all of them.
fn hard<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    kept: &[usize],
    budget: &Budget,
) -> Outcome<M> {
    if let Some(sources) = Sources::new(model, all, kept, Rules::default()) {
        if let Some(obstacle) = sources.thin_air(kept) {
            return (Decision::Stuck(obstacle), Effort::default());
        }
        if let Some(decided) = by_sources(model, all, kept, &sources, budget) {
            return decided;
        }
    }
    let mut effort = Effort::default();
    for configs_max in NARROW {
        let expansions_max = NARROW_EXPANSIONS + NARROW_EXPANSIONS_EACH * kept.len() as u64;
        let narrow = Limits { configs_max, expansions_max, ..Limits::of(budget) };
        let (decision, own) = search::search(model, all, kept, narrow, Rules::default());
        effort = own.after(effort);
        let is_open = matches!(decision, Decision::Undecided(Reason::Cancelled));
        if !is_open || budget.spent().is_some() {
            return (decision, effort);
        }
    }
    let (decision, own) = compete(model, all, kept, budget);
    (decision, own.after(effort))
}

/// Decides where times tell apart whoever leads to the same state.
fn by_sources<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    kept: &[usize],
    sources: &Sources<'_, M>,
    budget: &Budget,
) -> Option<Outcome<M>> {
    match apart::decide(model, all, kept, sources) {
        Apart::Order(order) => proposed(model, all, order),
        Apart::Stuck(obstacle) => Some(with_states(model, all, kept, obstacle, budget)),
        Apart::Ambiguous => None,
    }
}

/// What an order says that was found without search: nothing, if it is none.
fn proposed<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    order: Vec<usize>,
) -> Option<Outcome<M>> {
    verify_order(model, all, &order).ok()?;
    Some((Decision::Linearizable { order }, Effort::default()))
}

/// Decides by the model's own procedure or by zones; says why not, where neither applies.
fn without_search<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    kept: &[usize],
    budget: &Budget,
) -> Result<Outcome<M>, String> {
    match model.procedure(all) {
        Answer::Impossible(pattern) => {
            return Ok((Decision::Impossible(pattern), Effort::default()));
        }
        Answer::Order(order) => {
            if let Some(decided) = proposed(model, all, order) {
                return Ok(decided);
            }
        }
        Answer::Inapplicable => {}
    }
    match zones::decide(model, all, kept, Rules::default()) {
        Zones::Impossible(pattern) => Ok(refuted(model, all, kept, pattern, budget)),
        Zones::Order(order) => proposed(model, all, order)
            .ok_or_else(|| "zones proposed an order that is none".to_owned()),
        Zones::Inapplicable(reason) => {
            Err(format!("no procedure without search applies: {reason}"))
        }
    }
}

/// Frontier and depth-first search side by side.
fn compete<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    kept: &[usize],
    budget: &Budget,
) -> Outcome<M> {
    let (for_frontier, for_wgl) = (budget.child(), budget.child());
    let depth = Limits {
        bytes_max: budget.memory_bytes().map_or(WGL_BYTES_MAX, |bytes| bytes / 2),
        ..Limits::of(&for_wgl)
    };
    std::thread::scope(|scope| {
        let second = scope.spawn(|| {
            let outcome = wgl::search(model, all, kept, depth);
            if is_decided(&outcome) {
                for_frontier.cancel();
            }
            outcome
        });
        let limits = Limits::of(&for_frontier);
        let first = search::search(model, all, kept, limits, Rules::default());
        if is_decided(&first) {
            for_wgl.cancel();
        }
        let second = second.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        match is_decided(&first) || !is_decided(&second) {
            true => (first.0, first.1.after(second.1)),
            false => (second.0, second.1.after(first.1)),
        }
    })
}

/// Where nobody said how much memory there is.
const WGL_BYTES_MAX: u64 = 2 << 30;

fn is_decided<S>(outcome: &(Decision<S>, Effort)) -> bool {
    !matches!(outcome.0, Decision::Undecided(_))
}

/// As much work is put into telling all states that a refuted history could have been in.
const STATES_EXPANSIONS_MAX: u64 = 20_000;

/// What is known of a violation that zones found: where it first shows and, if a search of that
/// moment is cheap, every state that was possible there.
fn refuted<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    kept: &[usize],
    pattern: Pattern,
    budget: &Budget,
) -> Outcome<M> {
    let Some(obstacle) = zones::earliest(model, all, pattern.clone()) else {
        return (Decision::Impossible(pattern), Effort::default());
    };
    with_states(model, all, kept, obstacle, budget)
}

/// The same obstacle with every state that was possible there, if a search finds them cheaply.
fn with_states<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    kept: &[usize],
    obstacle: Obstacle<M::State>,
    budget: &Budget,
) -> Outcome<M> {
    let limited = Limits { expansions_max: STATES_EXPANSIONS_MAX, ..Limits::of(budget) };
    let (decision, effort) = search::search(model, all, kept, limited, Rules::default());
    let decision = match decision {
        Decision::Stuck(known) if known.at == obstacle.at => {
            Decision::Stuck(Obstacle { pattern: obstacle.pattern, ..known })
        }
        Decision::Linearizable { .. } => {
            Decision::Undecided(Reason::Failed("self-check: zones and search disagree".to_owned()))
        }
        _ => Decision::Stuck(obstacle),
    };
    (decision, effort)
}

/// A linearization that does not pass the verifier is no verdict.
fn confirmed<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    decision: Decision<M::State>,
) -> Decision<M::State> {
    match decision {
        Decision::Linearizable { order } => match verify_order(model, all, &order) {
            Ok(()) => Decision::Linearizable { order },
            Err(error) => Decision::Undecided(Reason::Failed(format!("self-check: {error}"))),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests;
