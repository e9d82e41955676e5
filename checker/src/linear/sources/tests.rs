//! Sources are held against their definition, and so is whoever tells writers apart by them; every
//! wrong rule about them must be caught. Histories are spelled as in `linear/tests.rs`.

use std::collections::BTreeSet;

use super::*;
use crate::budget::Budget;
use crate::exhaustive::{Case, Nil, is_linearizable};
use crate::generate::{Shape, random_case, random_shape, seeded};
use crate::linear::apart::{self, Apart};
use crate::linear::rules::{Rules, WrongRule};
use crate::linear::tests::{histories, occurrences, parse, spell};
use crate::linear::{Algorithm, Decision, decide_with, reduce, verify_order};
use crate::model::{Register, Transition};

/// Whether telling writers apart by time, with this mistake or none, agrees with the definition;
/// and whether it says anything.
fn tells_apart_rightly(case: &Case, wrong: Option<WrongRule>) -> (bool, bool) {
    let (model, all) = occurrences(case);
    let kept = reduce::relevant(&model, &all, Rules::default());
    let Some(sources) = Sources::new(&model, &all, &kept, Rules { wrong }) else {
        return (true, false);
    };
    if let Some(obstacle) = sources.thin_air(&kept) {
        let few = obstacle.pattern.expect("it is told by whom").operations;
        let few: Vec<_> = few.into_iter().map(|at| all[at].clone()).collect();
        let proved = matches!(
            decide_with(&model, &few, &Budget::unlimited(), Algorithm::Exhaustive).0,
            Decision::Stuck(_)
        );
        if !proved || is_linearizable(case) {
            return (false, true);
        }
    }
    match apart::decide(&model, &all, &kept, &sources) {
        Apart::Ambiguous => (true, false),
        Apart::Order(order) => (verify_order(&model, &all, &order).is_ok(), true),
        Apart::Stuck(_) => (!is_linearizable(case), true),
    }
}

/// Values that repeat, but not often.
fn repeating(rng: &mut rand_chacha::ChaCha8Rng) -> Shape {
    let values = rand::RngExt::random_range(rng, 2..6);
    Shape { nil: Nil::Value, unique: false, values, ..random_shape(rng) }
}

#[test]
fn writers_told_apart_by_time_agree_with_the_definition() {
    let mut rng = seeded(20_261_127);
    let (mut said, count) = (0, histories(60_000));
    for _ in 0..count {
        let case = random_case(repeating(&mut rng), &mut rng);
        let (agrees, speaks) = tells_apart_rightly(&case, None);
        assert!(agrees, "{}", spell(&case));
        said += u32::from(speaks);
    }
    assert!(said > count / 10, "{said}");
}

/// Who can have left the state that an operation needs, nobody being `None`, and how many others
/// lead there, but are screened: told by looking at everybody.
fn sources_by_definition(
    model: &Register,
    all: &[Occurrence<Transition>],
    at: usize,
) -> Option<(BTreeSet<Option<usize>>, usize)> {
    let Requires::Exactly(needed) = model.requires(&all[at].transition) else { return None };
    let shows_another = |one: &Occurrence<Transition>| {
        model.produces(&one.transition).is_some()
            || model.requires(&one.transition) != Requires::Exactly(needed)
    };
    // Whether another state was there between a moment and the operation.
    let is_screened = |left: Option<u32>| {
        all.iter().any(|one| {
            shows_another(one)
                && left.is_none_or(|left| left < one.invoked)
                && one.returned.is_some_and(|returned| returned < all[at].invoked)
        })
    };
    let ended = all[at].returned.unwrap_or(u32::MAX);
    let leads_there = |other: &usize| {
        let one = &all[*other];
        *other != at && model.produces(&one.transition) == Some(needed) && one.invoked < ended
    };
    let is_hidden = |at: &usize| all[*at].returned.is_some_and(|left| is_screened(Some(left)));
    let (hidden, open): (Vec<usize>, Vec<usize>) =
        (0..all.len()).filter(leads_there).partition(is_hidden);
    let is_initial = needed == model.initial() && !is_screened(None);
    let open = open.into_iter().map(Some).chain(is_initial.then_some(None));
    Some((open.collect(), hidden.len()))
}

#[test]
fn sources_are_those_who_lead_there_and_whom_nobody_screens() {
    let mut rng = seeded(20_261_130);
    let (mut screened, mut nobody) = (0, 0);
    for _ in 0..10_000 {
        let case = random_case(repeating(&mut rng), &mut rng);
        let (model, all) = occurrences(&case);
        let kept: Vec<usize> = (0..all.len()).collect();
        let Some(sources) = Sources::new(&model, &all, &kept, Rules::default()) else { continue };
        let mut is_thin_air = false;
        for at in kept.iter().copied() {
            let Some((defined, hidden)) = sources_by_definition(&model, &all, at) else { continue };
            let told = sources.of(at).map(|source| match source {
                Source::Initial => None,
                Source::Operation(other) => Some(other),
            });
            assert_eq!(told.collect::<BTreeSet<_>>(), defined, "of {at} in {}", spell(&case));
            is_thin_air |= defined.is_empty() && all[at].returned.is_some();
            screened += hidden;
        }
        assert_eq!(sources.thin_air(&kept).is_some(), is_thin_air, "{}", spell(&case));
        nobody += u32::from(is_thin_air);
    }
    assert!(screened > 200 && nobody > 500, "{screened} were screened, {nobody} found nobody's");
}

/// People are told everybody who could have left the state and by whom it had been replaced, and
/// nobody else: not who began too late, and not whom nobody had to replace.
#[test]
fn what_nobody_can_have_left_is_told_with_who_led_there_and_what_replaced_it() {
    let of = |text: &str| {
        let (model, all) = occurrences(&parse(text));
        let kept: Vec<usize> = (0..all.len()).collect();
        let sources = Sources::new(&model, &all, &kept, Rules::default()).expect("all is known");
        let obstacle = sources.thin_air(&kept).expect("nobody can have left it");
        (obstacle.at, obstacle.pattern.expect("it is told by whom").operations)
    };
    let text = "init 0, W1 1-2, W1 3-4, W3 5-6, W2 7-8, R1 9-10, W1 11-12, R2 13-14";
    assert_eq!(of(text), (4, vec![0, 1, 3, 4]));
    assert_eq!(of("init 0, R1 1-2, W1 3-4"), (0, vec![0]));
    // The initial state was replaced, too.
    assert_eq!(of("init 0, W1 1-2, R0 3-4, R0 5-6"), (1, vec![0, 1]));
}

#[test]
fn each_wrong_way_to_tell_writers_apart_is_caught() {
    let wrong_ways = [
        WrongRule::ScreenByOpenWrites,
        WrongRule::ScreenBySameState,
        WrongRule::AcknowledgedSources,
    ];
    for wrong in wrong_ways {
        let mut rng = seeded(20_261_128);
        let caught = (0..100_000).find_map(|_| {
            let case = random_case(repeating(&mut rng), &mut rng);
            (!tells_apart_rightly(&case, Some(wrong)).0).then(|| spell(&case))
        });
        println!("{wrong:?}: {}", caught.unwrap_or_else(|| panic!("{wrong:?} was not caught")));
    }
}
