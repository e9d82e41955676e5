//! Every wrong rule that `rules` names must be caught by a generator that aims at it, and by a
//! small history that it once gave a wrong verdict on.
//!
//! Histories are spelled one operation after another, `W0 1-5` for a write of 0 that begins at 1
//! and ends at 5, `C01` for a compare-and-set, `R0` for a read, `Rn` for one of nil, `?` instead
//! of the end for an operation that crashed, `!` behind it for one that failed by comparison.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::meter::Limits;
use super::rules::{Rules, WrongRule};
use super::zones::{self, Zones};
use super::{Decision, Occurrence, reduce, search, verify_order};
use crate::budget::Budget;
use crate::exhaustive::{Ask, Case, Cause, End, Nil, SmallOp, is_linearizable};
use crate::generate::{Shape, random_case, random_shape, seeded};
use crate::model::{Model, ModelName, ModelOptions, Register, Transition, ValueId};
use crate::value::Value;
use crate::verdict::Reason;

/// The case as the search takes it, without the product's parsing.
pub(super) fn occurrences(case: &Case) -> (Register, Vec<Occurrence<Transition>>) {
    let options = ModelOptions { init: case.init.map(Value::Int), ..Default::default() };
    let mut model = Register::new(ModelName::CasRegister, &options);
    let mut occurrences = Vec::new();
    for op in &case.ops {
        let (end, how) = op.end.map_or((None, End::Info), |(end, how)| (Some(end), how));
        let mut number = |value: Option<i64>| model.intern(&value.map_or(Value::Nil, Value::Int));
        let transition = match (op.ask, how) {
            (Ask::Read, End::Ok) => Transition::Read(number(op.read)),
            (Ask::Write(value), End::Ok | End::Info) => Transition::Write(number(Some(value))),
            (Ask::Cas(old, new), End::Ok | End::Info) => {
                Transition::Cas(number(Some(old)), number(Some(new)))
            }
            (Ask::Cas(old, _), End::Fail)
                if case.observe_failed_cas && op.cause != Cause::Refused =>
            {
                Transition::Differs(number(Some(old)))
            }
            _ => continue,
        };
        let returned = end.filter(|_| how != End::Info);
        occurrences.push(Occurrence { transition, invoked: op.begin, returned });
    }
    (model, occurrences)
}

/// What a frontier of no more than so many configurations says, with this mistake or none.
fn searched(case: &Case, configs_max: usize, wrong: Option<WrongRule>) -> Decision<ValueId> {
    let (model, all) = occurrences(case);
    let rules = Rules { wrong };
    let kept = reduce::relevant(&model, &all, rules);
    let unlimited = Budget::unlimited();
    let limits = Limits { configs_max, ..Limits::of(&unlimited) };
    search::search(&model, &all, &kept, limits, rules).0
}

/// Whether the search, with this mistake or none, agrees with the definition. Without a mistake it
/// finds an order that is one, unless it keeps too few configurations.
fn agrees(case: &Case, wrong: Option<WrongRule>) -> bool {
    [usize::MAX, 1].into_iter().all(|configs_max| match searched(case, configs_max, wrong) {
        Decision::Undecided(Reason::Cancelled) if configs_max < usize::MAX => true,
        Decision::Linearizable { order } if wrong.is_none() => {
            let (model, all) = occurrences(case);
            is_linearizable(case) && verify_order(&model, &all, &order).is_ok()
        }
        Decision::Undecided(_) if wrong.is_none() => false,
        // An order that cannot be rebuilt would be caught, but only after the search was wrong.
        Decision::Linearizable { .. } | Decision::Undecided(_) => is_linearizable(case),
        Decision::Stuck(_) | Decision::Impossible(_) => !is_linearizable(case),
    })
}

/// How many histories to try: more than usual for a record in `docs/fuzzing.md`.
pub(super) fn histories(usual: u32) -> u32 {
    let asked = std::env::var("ORDEAL_FUZZ_HISTORIES").ok().and_then(|count| count.parse().ok());
    asked.unwrap_or(usual)
}

const BASE: Shape = Shape {
    cas: true,
    operations: (3, 8),
    processes: 4,
    values: 2,
    unique: false,
    crash_rate: 0.0,
    bend_rate: 0.3,
    read_rate: 0.3,
    nil: Nil::Value,
    observe_failed_cas: false,
    init: Some(0),
};

/// What each mistake needs to show.
fn aimed_at(rule: WrongRule) -> Shape {
    match rule {
        WrongRule::EagerNoOp | WrongRule::NoForkAtReturn => Shape { cas: false, ..BASE },
        WrongRule::LatestDeadlineFirst
        | WrongRule::IgnoreUsedWrites
        | WrongRule::TrustNarrowDeath => BASE,
        WrongRule::ForgetWaiting => Shape { operations: (5, 10), ..BASE },
        WrongRule::ScreenByOpenWrites
        | WrongRule::ScreenBySameState
        | WrongRule::AcknowledgedSources
        | WrongRule::OnlySeenByAcknowledged
        | WrongRule::MomentsFitAnywhere
        | WrongRule::ZonesUntilLastReturn
        | WrongRule::InitialBeginsWhenSeen
        | WrongRule::OnlyProducersTellTime => unreachable!("it is no rule of the search"),
        WrongRule::AbsorbedOnlyAtOnce => Shape { operations: (4, 9), ..BASE },
        WrongRule::OverdraftAtTheEnd => Shape {
            cas: false,
            processes: 2,
            operations: (6, 9),
            crash_rate: 0.4,
            read_rate: 0.5,
            bend_rate: 0.6,
            ..BASE
        },
        WrongRule::DropEffectsDespiteDifferences => {
            Shape { crash_rate: 0.4, observe_failed_cas: true, ..BASE }
        }
        WrongRule::SkipNoOpCrashed => {
            Shape { crash_rate: 0.3, operations: (4, 7), values: 3, bend_rate: 0.1, ..BASE }
        }
    }
}

const ALL: [WrongRule; 10] = [
    WrongRule::EagerNoOp,
    WrongRule::LatestDeadlineFirst,
    WrongRule::IgnoreUsedWrites,
    WrongRule::AbsorbedOnlyAtOnce,
    WrongRule::NoForkAtReturn,
    WrongRule::OverdraftAtTheEnd,
    WrongRule::DropEffectsDespiteDifferences,
    WrongRule::SkipNoOpCrashed,
    WrongRule::ForgetWaiting,
    WrongRule::TrustNarrowDeath,
];

/// Takes operations away for as long as the mistake still shows.
fn smallest(mut case: Case, rule: WrongRule) -> Case {
    'smaller: loop {
        for at in 0..case.ops.len() {
            let mut less = case.clone();
            less.ops.remove(at);
            if !agrees(&less, Some(rule)) {
                case = less;
                continue 'smaller;
            }
        }
        return case;
    }
}

#[test]
fn the_search_agrees_with_the_definition_where_zones_would_have_answered_first() {
    let mut rng = seeded(20_261_122);
    for _ in 0..histories(40_000) {
        let shape = Shape { nil: Nil::Value, ..random_shape(&mut rng) };
        let case = random_case(shape, &mut rng);
        assert!(agrees(&case, None), "{}", spell(&case));
    }
}

#[test]
fn a_search_tells_what_it_took() {
    let case = parse("init 0, W1 1-5, W0 2-6, R1 7-8");
    let (model, all) = occurrences(&case);
    let kept = [0, 1, 2];
    let unlimited = Budget::unlimited();
    let (_, effort) = search::search(&model, &all, &kept, Limits::of(&unlimited), Rules::default());
    assert_eq!(effort.rounds, 1);
    assert!((1..10).contains(&effort.expansions), "{effort:?}");
    assert!((1..10).contains(&effort.largest_frontier), "{effort:?}");
}

/// A frontier of a few configurations drops, dies and goes back in most of these histories, and what
/// it finds is right. It finds nearly every order that there is, and a crashed operation too few or too
/// many for it is no violation.
#[test]
fn a_narrow_frontier_that_goes_back_agrees_with_the_definition() {
    let mut rng = seeded(20_261_129);
    let count = histories(10_000);
    let (mut found, mut missed, mut refuted) = (0_u32, 0_u32, 0_u32);
    for number in 0..count {
        let shape = match number % 2 {
            0 => Shape { nil: Nil::Value, ..random_shape(&mut rng) },
            _ => Shape { operations: (8, 12), processes: 6, values: 3, crash_rate: 0.1, ..BASE },
        };
        let case = random_case(shape, &mut rng);
        for configs_max in 1..=3 {
            let is_right = match searched(&case, configs_max, None) {
                Decision::Linearizable { .. } => {
                    found += 1;
                    is_linearizable(&case)
                }
                Decision::Stuck(_) => {
                    refuted += 1;
                    !is_linearizable(&case)
                }
                Decision::Undecided(Reason::Cancelled) => {
                    missed += u32::from(is_linearizable(&case));
                    true
                }
                Decision::Impossible(_) | Decision::Undecided(_) => false,
            };
            assert!(is_right, "{configs_max} of {}", spell(&case));
        }
    }
    println!("{found} found, {missed} missed, {refuted} refuted");
    assert!(found > 300 * missed && refuted > count / 10, "{found}, {missed}, {refuted}");
}

/// With unique values zones decide alone: as the definition does, and on a violation they name
/// operations that are one by themselves.
#[test]
fn zones_agree_with_the_definition_and_name_what_is_a_violation_by_itself() {
    let mut rng = seeded(20_261_125);
    let mut told: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..60_000 {
        let shape = Shape { nil: Nil::Value, unique: true, ..random_shape(&mut rng) };
        let case = random_case(shape, &mut rng);
        let (model, all) = occurrences(&case);
        let kept = reduce::relevant(&model, &all, Rules::default());
        match zones::decide(&model, &all, &kept, Rules::default()) {
            Zones::Inapplicable(_) => {}
            Zones::Order(order) => {
                assert!(is_linearizable(&case), "{}", spell(&case));
                assert_eq!(verify_order(&model, &all, &order), Ok(()), "{}", spell(&case));
            }
            Zones::Impossible(pattern) => {
                assert!(!is_linearizable(&case), "{}", spell(&case));
                *told.entry(pattern.rule).or_default() += 1;
                let few: Vec<_> = pattern.operations.iter().map(|at| all[*at].clone()).collect();
                let these: Vec<usize> = (0..few.len()).collect();
                let unlimited = Budget::unlimited();
                let limits = Limits::of(&unlimited);
                let (decision, _) = search::search(&model, &few, &these, limits, Rules::default());
                let text = spell(&case);
                assert!(matches!(decision, Decision::Stuck(_)), "{pattern:?} of {text}");
            }
        }
    }
    println!("{told:?}");
    assert!(told.len() == 5 && told.values().all(|count| *count > 20), "{told:?}");
}

/// A violation is told by all the operations that tie its two ends, and by the states in between.
#[test]
fn zones_name_the_operations_that_exclude_each_other_and_their_states() {
    for (text, rule, operations, why) in [
        (
            "init 0, W1 1-2, C12 3-20, C23 4-21, C34 5-6, R1 7-8",
            "out-of-order",
            vec![4, 1, 2, 3],
            "4 can only have come of 1, but was there before an operation on 1 began",
        ),
        (
            "init 0, W1 1-2, C12 3-4, C13 5-6",
            "replaced-twice",
            vec![1, 2, 0],
            "1 was there only once and was replaced twice",
        ),
        (
            "init 0, W1 1-2, W2 3-4, R1 5-6, R2 7-8",
            "zones",
            vec![0, 2, 1, 3],
            "1 and 2 were each there before and after the other",
        ),
    ] {
        let (model, all) = occurrences(&parse(text));
        let kept = reduce::relevant(&model, &all, Rules::default());
        let Zones::Impossible(pattern) = zones::decide(&model, &all, &kept, Rules::default())
        else {
            panic!("{text} is a violation");
        };
        assert_eq!((pattern.rule, pattern.operations), (rule, operations), "{text}");
        assert_eq!(pattern.why, why, "{text}");
    }
}

/// The mistakes of zones and chains, and of what is left out before them.
const OF_ZONES: [WrongRule; 5] = [
    WrongRule::OnlySeenByAcknowledged,
    WrongRule::MomentsFitAnywhere,
    WrongRule::ZonesUntilLastReturn,
    WrongRule::InitialBeginsWhenSeen,
    WrongRule::OnlyProducersTellTime,
];

/// Whether zones, with this mistake or none, see a violation; `None` if they say nothing.
fn seen_by_zones(case: &Case, wrong: Option<WrongRule>) -> Option<bool> {
    let (model, all) = occurrences(case);
    let rules = Rules { wrong };
    let kept = reduce::relevant(&model, &all, rules);
    match zones::decide(&model, &all, &kept, rules) {
        Zones::Inapplicable(_) => None,
        Zones::Order(_) => Some(false),
        Zones::Impossible(_) => Some(true),
    }
}

/// Whether a mistake makes zones miss a violation, or see one that is none.
fn misleads_zones(case: &Case, rule: WrongRule) -> bool {
    let right = seen_by_zones(case, None);
    assert!(right.is_none_or(|seen| seen != is_linearizable(case)), "{}", spell(case));
    right.is_some() && seen_by_zones(case, Some(rule)) != right
}

#[test]
fn each_wrong_way_to_compare_zones_is_caught() {
    for rule in OF_ZONES {
        let mut rng = seeded(20_261_129);
        let caught = (0..100_000).find_map(|number| {
            let crash_rate = rand::RngExt::random_range(&mut rng, 0.0..0.5);
            let shape = Shape { unique: true, operations: (3, 8), crash_rate, ..BASE };
            let case = random_case(shape, &mut rng);
            misleads_zones(&case, rule).then_some((number, case))
        });
        let (number, mut case) = caught.unwrap_or_else(|| panic!("{rule:?} was not caught"));
        let mut at = 0;
        while at < case.ops.len() {
            let mut less = case.clone();
            less.ops.remove(at);
            match misleads_zones(&less, rule) {
                true => (case, at) = (less, 0),
                false => at += 1,
            }
        }
        println!("{rule:?}: history {number}: {}", spell(&case));
    }
}

/// What is shared out among threads is the same for any number of them: verdict, order, counts.
#[test]
fn the_number_of_threads_changes_nothing() {
    let pool = |threads| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads")
    };
    let pools = [1, 2, 5].map(pool);
    let mut rng = seeded(20_261_126);
    let mut largest = 0;
    for _ in 0..150 {
        let shape =
            Shape { operations: (30, 40), processes: 12, crash_rate: 0.1, values: 3, ..BASE };
        let (model, all) = occurrences(&random_case(shape, &mut rng));
        let kept: Vec<usize> = (0..all.len()).collect();
        let unlimited = Budget::unlimited();
        let judge =
            || search::search(&model, &all, &kept, Limits::of(&unlimited), Rules::default());
        let told: Vec<String> =
            pools.iter().map(|pool| format!("{:?}", pool.install(judge))).collect();
        assert!(told.iter().all(|one| *one == told[0]), "{told:#?}");
        largest = judge().1.largest_frontier.max(largest);
    }
    assert!(largest > 20, "only {largest} configurations at once");
}

/// Reads of the initial value that are open from the beginning to the end change no verdict, but
/// they occupy the first slots, so that everything else happens in words beyond the first.
#[test]
fn hundreds_of_operations_open_at_once_change_no_verdict() {
    let mut rng = seeded(20_261_123);
    for (idle, histories) in [(60, 2_000), (70, 2_000), (140, 1_000), (600, 200), (4_200, 5)] {
        for _ in 0..histories {
            let case = random_case(Shape { crash_rate: 0.2, bend_rate: 0.8, ..BASE }, &mut rng);
            let (model, small) = occurrences(&case);
            let shift = |moment: u32| moment + idle;
            let end = 10_000;
            let initial = Transition::Read(model.initial());
            let idlers = (0..idle).map(|at| (initial, at, Some(end + at)));
            let shifted = small
                .iter()
                .map(|one| (one.transition, shift(one.invoked), one.returned.map(shift)));
            let all: Vec<Occurrence<Transition>> = idlers
                .chain(shifted)
                .map(|(transition, invoked, returned)| Occurrence { transition, invoked, returned })
                .collect();
            let (decision, _) = super::decide(&model, &all, &Budget::unlimited());
            match decision {
                Decision::Linearizable { .. } => assert!(is_linearizable(&case)),
                Decision::Stuck(_) | Decision::Impossible(_) => {
                    assert!(!is_linearizable(&case));
                }
                Decision::Undecided(reason) => panic!("{reason:?} on {}", spell(&case)),
            }
        }
    }
}

#[test]
fn more_operations_at_once_than_a_configuration_holds_are_no_verdict() {
    let count = u32::try_from(search::OPEN_MAX).expect("a small number") + 1;
    let (model, _) = occurrences(&parse("init 0"));
    let read = Transition::Read(model.initial());
    let at = |at| Occurrence { transition: read, invoked: at, returned: Some(count + at) };
    let all: Vec<_> = (0..count).map(at).collect();
    let kept: Vec<usize> = (0..all.len()).collect();
    let unlimited = Budget::unlimited();
    let (decision, _) =
        search::search(&model, &all, &kept, Limits::of(&unlimited), Rules::default());
    let Decision::Undecided(reason) = decision else { panic!("{decision:?}") };
    let told = reason.sentence();
    assert!(told.contains("32769 operations are open at once"), "{told}");
}

/// A history that no search finishes: the budget ends it, soon after it is spent.
#[test]
fn a_search_that_explodes_ends_with_its_budget() {
    let shape =
        Shape { processes: 400, operations: (1200, 1200), values: 6, bend_rate: 0.0, ..BASE };
    let (model, all) = occurrences(&random_case(shape, &mut seeded(20_261_124)));
    let started = Instant::now();
    let deadline = Budget::unlimited().with_deadline(started + Duration::from_millis(100));
    let (decision, _) = super::decide(&model, &all, &deadline);
    assert!(matches!(decision, Decision::Undecided(Reason::Deadline)), "{decision:?}");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    let memory = Budget::unlimited().with_memory_bytes(4 << 20);
    let (decision, _) = super::decide(&model, &all, &memory);
    assert!(matches!(decision, Decision::Undecided(Reason::Memory)), "{decision:?}");
}

#[test]
fn every_wrong_rule_is_caught_by_a_generator_that_aims_at_it() {
    for rule in ALL {
        let mut rng = seeded(20_261_121);
        let caught = (0..400_000).find_map(|number| {
            let case = random_case(aimed_at(rule), &mut rng);
            assert!(agrees(&case, None), "{}", spell(&case));
            (!agrees(&case, Some(rule))).then_some((number, case))
        });
        let (number, case) = caught.unwrap_or_else(|| panic!("{rule:?} was not caught"));
        println!("{rule:?}: history {number}: {}", spell(&smallest(case, rule)));
    }
}

/// The smallest history on which each mistake was seen to give a wrong verdict.
const SMALLEST: [(WrongRule, &str); 10] = [
    (WrongRule::EagerNoOp, "init 0, W0 2-15, W1 4-10, R0 16-19"),
    (WrongRule::LatestDeadlineFirst, "init 0, C01 1-9, C01 7-22, W0 10-26"),
    (WrongRule::IgnoreUsedWrites, "init 0, C01 1-7, C10 6-10, W1 9-15, R1 11-28"),
    (WrongRule::IgnoreUsedWrites, "init 0, W0 1-5, C01 2-3, R0 6-7"),
    (WrongRule::AbsorbedOnlyAtOnce, "init 0, W1 1-11, W1 5-7, C10 8-33, C10 15-18"),
    (WrongRule::NoForkAtReturn, "init 0, W1 1-16, W0 5-7, R0 8-12, R1 15-19"),
    (
        WrongRule::OverdraftAtTheEnd,
        "init 0, W1 3-?, R1 4-11, W0 6-8, R1 9-15, R0 12-16, W1 17-?, R1 18-21",
    ),
    (WrongRule::DropEffectsDespiteDifferences, "init 0, W1 7-?, C01 12-15!"),
    (WrongRule::ForgetWaiting, "init 0, C01 2-14, W0 7-16, W1 9-27, C01 12-15"),
    (WrongRule::SkipNoOpCrashed, "init 0, W1 2-14, C02 4-13, W0 5-?, C22 17-23"),
];

#[test]
fn the_smallest_history_for_each_wrong_rule_is_judged_rightly_without_it() {
    for (rule, text) in SMALLEST {
        let case = parse(text);
        assert_eq!(spell(&case), text);
        assert!(agrees(&case, None), "{text}");
        assert!(!agrees(&case, Some(rule)), "{rule:?} gives no wrong verdict on {text}");
    }
}

pub(super) fn parse(text: &str) -> Case {
    let number = |digit: char| digit.to_digit(10).map(i64::from);
    let mut words = text.split(", ");
    let init = words.next().and_then(|word| word.chars().last()).and_then(number);
    let op = |(process, word): (u64, &str)| {
        let (ask, times) = word.split_once(' ').expect("an operation and its times");
        let mut letters = ask.chars();
        let kind = letters.next();
        let values: Vec<Option<i64>> = letters.map(number).collect();
        let ask = match (kind, values.as_slice()) {
            (Some('R'), _) => Ask::Read,
            (Some('W'), [Some(value)]) => Ask::Write(*value),
            (Some('C'), [Some(old), Some(new)]) => Ask::Cas(*old, *new),
            _ => panic!("not an operation: {word}"),
        };
        let (begin, end) = times.split_once('-').expect("begin and end");
        let how = if end.ends_with('!') { End::Fail } else { End::Ok };
        SmallOp {
            process,
            ask,
            begin: begin.parse().expect("a moment"),
            end: end.trim_end_matches('!').parse().ok().map(|end| (end, how)),
            read: values.first().copied().flatten(),
            cause: Cause::None,
        }
    };
    let ops = (0..).zip(words).map(op).collect();
    Case { ops, init, nil: Nil::Value, observe_failed_cas: text.contains('!') }
}

pub(super) fn spell(case: &Case) -> String {
    let number = |value: Option<i64>| value.map_or("n".to_owned(), |value| value.to_string());
    let mut words = vec![format!("init {}", number(case.init))];
    for op in &case.ops {
        let ask = match op.ask {
            Ask::Read => format!("R{}", number(op.read)),
            Ask::Write(value) => format!("W{value}"),
            Ask::Cas(old, new) => format!("C{old}{new}"),
        };
        let end = match op.end {
            None | Some((_, End::Info)) => "?".to_owned(),
            Some((end, End::Ok)) => end.to_string(),
            Some((end, End::Fail)) => format!("{end}!"),
        };
        words.push(format!("{ask} {}-{end}", op.begin));
    }
    words.join(", ")
}
