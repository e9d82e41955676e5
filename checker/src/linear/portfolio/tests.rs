//! What only hard histories meet, on easy ones: held against the definition.

use super::super::tests::{occurrences, parse, spell};
use super::*;
use crate::exhaustive::{Case, Nil, is_linearizable};
use crate::generate::{Shape, random_case, random_shape, seeded};
use crate::model::{Call, Class, Register, Requires, Transition, ValueId};
use crate::value::Value;

type All = [Occurrence<Transition>];

/// Every order of the history, as another search would tell it.
fn by_definition(model: &Register, all: &All) -> Decision<ValueId> {
    exhaustive::search(model, all, Limits::of(&Budget::unlimited())).0
}

/// Holds a decision against the definition; whether it is a violation.
fn is_rightly_refused(
    model: &Register,
    all: &All,
    decision: &Decision<ValueId>,
    case: &Case,
) -> bool {
    match decision {
        Decision::Linearizable { order } => {
            assert!(is_linearizable(case), "{}", spell(case));
            assert_eq!(verify_order(model, all, order), Ok(()), "{}", spell(case));
            false
        }
        Decision::Stuck(_) | Decision::Impossible(_) => {
            assert!(!is_linearizable(case), "{}", spell(case));
            true
        }
        Decision::Undecided(reason) => panic!("{reason:?} on {}", spell(case)),
    }
}

/// A search stops at the same operation as one that tries every order, and in states that every
/// order reaches, too.
fn assert_stuck_alike(searched: &Decision<ValueId>, defined: &Decision<ValueId>, case: &Case) {
    let (Decision::Stuck(searched), Decision::Stuck(defined)) = (searched, defined) else {
        panic!("{searched:?} and {defined:?} on {}", spell(case));
    };
    assert_eq!(searched.at, defined.at, "{}", spell(case));
    let states: Vec<ValueId> = defined.possible.iter().map(|one| one.state).collect();
    assert!(!searched.possible.is_empty(), "{}", spell(case));
    for one in &searched.possible {
        assert!(states.contains(&one.state), "{searched:?} and {defined:?} on {}", spell(case));
    }
}

#[test]
fn what_only_hard_histories_meet_agrees_with_the_definition_on_easy_ones() {
    let mut rng = seeded(20_261_130);
    let mut refused = 0;
    for _ in 0..10_000 {
        let shape = Shape { nil: Nil::Value, ..random_shape(&mut rng) };
        let case = random_case(shape, &mut rng);
        let (model, all) = occurrences(&case);
        let kept = reduce::relevant(&model, &all, Rules::default());
        let unlimited = Budget::unlimited();
        let (hard, _) = hard(&model, &all, &kept, &unlimited);
        let (competed, _) = compete(&model, &all, &kept, &unlimited);
        let (depth_first, _) = wgl::search(&model, &all, &kept, Limits::of(&unlimited));
        let is_refused = is_rightly_refused(&model, &all, &hard, &case);
        let defined = by_definition(&model, &all);
        for searched in [competed, depth_first] {
            if is_rightly_refused(&model, &all, &searched, &case) {
                assert_stuck_alike(&searched, &defined, &case);
            }
        }
        refused += u32::from(is_refused);
    }
    assert!(refused > 1_000, "only {refused} of the histories were refused");
}

/// A register whose own procedure proposes the operations in the order in which they came.
struct Hasty(Register);

impl Model for Hasty {
    type State = ValueId;
    type Transition = Transition;

    fn initial(&self) -> ValueId {
        self.0.initial()
    }

    fn parse(&mut self, call: &Call<'_>) -> Result<Option<Transition>, Reason> {
        self.0.parse(call)
    }

    fn step(&self, state: &ValueId, transition: &Transition) -> Option<ValueId> {
        self.0.step(state, transition)
    }

    fn class(&self, transition: &Transition) -> Class {
        self.0.class(transition)
    }

    fn requires(&self, transition: &Transition) -> Requires<ValueId> {
        self.0.requires(transition)
    }

    fn produces(&self, transition: &Transition) -> Option<ValueId> {
        self.0.produces(transition)
    }

    fn describe(&self, state: &ValueId) -> Value {
        self.0.describe(state)
    }

    fn refusal(&self, state: &ValueId, transition: &Transition) -> String {
        self.0.refusal(state, transition)
    }

    fn procedure(&self, all: &[Occurrence<Transition>]) -> Answer {
        Answer::Order((0..all.len()).collect())
    }
}

/// A wrong proposal costs a search and never a verdict, valid ones and violations alike.
#[test]
fn an_order_that_is_none_is_not_believed_and_the_others_decide() {
    let mut rng = seeded(20_261_201);
    let (mut wrong, mut refused) = (0, 0);
    for _ in 0..2_000 {
        let shape = Shape { nil: Nil::Value, ..random_shape(&mut rng) };
        let case = random_case(shape, &mut rng);
        let (register, all) = occurrences(&case);
        let hasty = Hasty(register);
        let (decision, _) = decide(&hasty, &all, &Budget::unlimited());
        refused += u32::from(is_rightly_refused(&hasty.0, &all, &decision, &case));
        let order: Vec<usize> = (0..all.len()).collect();
        wrong += u32::from(verify_order(&hasty.0, &all, &order).is_err());
    }
    assert!(wrong > 1_000 && refused > 200, "{wrong} wrong proposals, {refused} refused");
}

/// Where values are unique a violation is named without search: at the operation at which every
/// order ends, and in states that orders reach.
#[test]
fn a_violation_that_zones_find_is_told_where_every_order_ends() {
    let mut rng = seeded(20_261_202);
    let (mut named, mut unnamed, mut several) = (0, 0, 0);
    for _ in 0..6_000 {
        let shape = Shape { nil: Nil::Value, unique: true, ..random_shape(&mut rng) };
        let case = random_case(shape, &mut rng);
        let (model, all) = occurrences(&case);
        let kept = reduce::relevant(&model, &all, Rules::default());
        let unlimited = Budget::unlimited();
        let Zones::Impossible(pattern) = zones::decide(&model, &all, &kept, Rules::default())
        else {
            continue;
        };
        let defined = by_definition(&model, &all);
        match zones::earliest(&model, &all, pattern.clone()) {
            None => unnamed += 1,
            Some(obstacle) => {
                named += 1;
                assert_stuck_alike(&Decision::Stuck(obstacle), &defined, &case);
            }
        }
        let (told, _) = refuted(&model, &all, &kept, pattern, &unlimited);
        if let Decision::Stuck(Obstacle { possible, pattern, .. }) = &told {
            assert!(pattern.is_some(), "{}", spell(&case));
            several += u32::from(possible.len() > 1);
            assert_stuck_alike(&told, &defined, &case);
        }
    }
    assert!(named > 500 && named > 20 * unnamed, "{named} were named, {unnamed} not");
    assert!(several > 20, "{several} with several states");
}

/// What needs no search is decided without: unique values, and those that times tell apart.
#[test]
fn zones_alone_decide_unique_values_and_those_that_times_tell_apart() {
    let decided = |text: &str| {
        let (model, all) = occurrences(&parse(text));
        let (decision, effort) = decide_with(&model, &all, &Budget::unlimited(), Algorithm::Zones);
        (matches!(decision, Decision::Linearizable { .. }), is_decided(&(decision, effort)))
    };
    assert_eq!(decided("init 0, W1 1-2, R1 3-4"), (true, true));
    assert_eq!(decided("init 0, W1 1-2, R0 3-4"), (false, true));
    assert_eq!(decided("init 0, W1 1-2, R1 3-4, W2 5-6, W1 7-8, R1 9-10"), (true, true));
    assert_eq!(decided("init 0, W1 1-2, R1 3-4, W2 5-6, R1 7-8, W1 9-10"), (false, true));
    assert_eq!(decided("init 0, W1 1-9, W2 2-10, W1 3-11, R1 4-12, R2 5-13"), (false, false));
}

/// Two writes of one value that are open at once are tried in one order only, and a crashed one after
/// a live one; but each can take effect, with something else in between.
#[test]
fn of_identical_operations_that_are_open_at_once_each_can_take_effect() {
    for spelled in [
        "init 0, W1 1-20, W1 2-21, R1 3-4, W2 5-6, R1 7-8",
        "init 0, W1 1-20, W1 2-?, R1 3-4, W2 5-6, R1 7-8",
        // Met when the first has long returned.
        "init 0, W1 1-4, W1 5-21, W2 6-7, R1 8-9",
        "init 0, W1 1-4, W1 5-?, W2 6-7, R1 8-9",
        "init 0, W1 1-20, W1 5-21, W2 6-7, R1 8-9",
        "init 0, W1 1-20, W1 5-?, W2 6-7, R1 8-9",
        // Begun when the first, which is still open, was seen.
        "init 0, W1 1-20, R1 2-3, W1 4-21, W2 5-6, R1 7-8",
        "init 0, W1 1-20, R1 2-3, W1 4-?, W2 5-6, R1 7-8",
        "init 0, C01 1-20, R1 2-3, W0 4-5, C01 6-21, R1 7-8",
    ] {
        let (model, all) = occurrences(&parse(spelled));
        for algorithm in [Algorithm::Wgl, Algorithm::Frontier, Algorithm::Exhaustive] {
            let (decision, _) = decide_with(&model, &all, &Budget::unlimited(), algorithm);
            assert!(matches!(decision, Decision::Linearizable { .. }), "{algorithm:?}, {spelled}");
        }
    }
}

#[test]
fn every_order_is_tried_of_sixty_four_operations_and_of_no_more() {
    for count in [63, 64, 65, 66] {
        let (model, _) = occurrences(&parse("init 0"));
        let read = Transition::Read(model.initial());
        let at =
            |at: u32| Occurrence { transition: read, invoked: 2 * at, returned: Some(2 * at + 1) };
        let all: Vec<_> = (0..count).map(at).collect();
        match by_definition(&model, &all) {
            Decision::Linearizable { .. } => assert!(count <= 64),
            Decision::Undecided(Reason::Missing(_)) => assert!(count > 64),
            other => panic!("{other:?} of {count}"),
        }
    }
}

/// Beside a state every algorithm names the operations that were open there, those that have taken
/// effect and those that have not: none that had ended, none that began later, and no crashed one.
#[test]
fn the_operations_that_were_open_are_named_beside_a_state() {
    // The one that comes first in the input begins last.
    let spelled = "init 0, W8 8-9, W1 1-20, R1 2-5, C56 3-21, C57 4-?, R2 6-7";
    let (model, all) = occurrences(&parse(spelled));
    let named = |by: &str, obstacle: &Obstacle<ValueId>| {
        let [one] = &obstacle.possible[..] else { panic!("{by}: {obstacle:?}") };
        let mut pending = one.pending.clone();
        pending.sort_unstable();
        assert_eq!(
            (obstacle.at, &one.linearized[..], &pending[..]),
            (5, &[1][..], &[3, 5][..]),
            "{by}"
        );
    };
    for algorithm in [Algorithm::Exhaustive, Algorithm::Wgl, Algorithm::Frontier, Algorithm::Zones]
    {
        let (decision, _) = decide_with(&model, &all, &Budget::unlimited(), algorithm);
        let Decision::Stuck(obstacle) = decision else { panic!("{algorithm:?}: {decision:?}") };
        named(algorithm.name(), &obstacle);
    }
    let kept = reduce::relevant(&model, &all, Rules::default());
    let Zones::Impossible(pattern) = zones::decide(&model, &all, &kept, Rules::default()) else {
        panic!("2 was never written");
    };
    let obstacle = zones::earliest(&model, &all, pattern).expect("it shows where 2 is read");
    named("where it shows", &obstacle);
    assert_eq!(obstacle.pattern.map(|pattern| pattern.operations), Some(vec![5]));
}

/// So many writes of different values that are open at once, each with a read of its own, which
/// are open at once, too.
fn writes_that_are_all_read(
    count: u32,
    from: u32,
    model: &mut Register,
) -> Vec<Occurrence<Transition>> {
    let write = |at| (at, Transition::Write as fn(ValueId) -> Transition, at, 3 * count + at);
    let read = |at| (at, Transition::Read as fn(ValueId) -> Transition, count + at, 2 * count + at);
    let both = (0..count).map(write).chain((0..count).map(read));
    both.map(|(value, deed, invoked, returned)| Occurrence {
        transition: deed(model.intern(&Value::Int(i64::from(100 + value)))),
        invoked: from + invoked,
        returned: Some(from + returned),
    })
    .collect()
}

/// The frontier alone would need every combination of these writes; times tell who left what.
#[test]
fn what_the_frontier_does_not_decide_in_a_moment_is_handed_on() {
    let repeated = parse("init 0, W1 1-2, R1 3-4, W2 5-6, W1 7-8, R1 9-10");
    let (mut model, mut all) = occurrences(&repeated);
    all.extend(writes_that_are_all_read(18, 20, &mut model));
    let (decision, effort) = decide(&model, &all, &Budget::unlimited());
    assert!(matches!(decision, Decision::Linearizable { .. }), "{decision:?}");
    assert!(effort.expansions > ALONE_EXPANSIONS, "{effort:?}");
}

/// Two of these writes leave the same, so times do not tell; a few configurations find an order.
#[test]
fn what_times_do_not_tell_apart_is_decided_with_few_configurations() {
    let ambiguous = parse("init 0, W1 1-9, W2 2-10, W1 3-11, R1 4-12, R2 5-13");
    let (mut model, mut all) = occurrences(&ambiguous);
    all.extend(writes_that_are_all_read(18, 20, &mut model));
    let kept = reduce::relevant(&model, &all, Rules::default());
    let (decision, effort) = hard(&model, &all, &kept, &Budget::unlimited());
    assert!(matches!(decision, Decision::Linearizable { .. }), "{decision:?}");
    assert!(effort.rounds == 1 && effort.expansions < 100_000, "{effort:?}");
}

/// Depth first these are put in order one by one, which takes memory for what is open at each end.
#[test]
fn depth_first_search_has_memory_to_spend_whether_or_not_a_budget_names_it() {
    let (mut model, _) = occurrences(&parse("init 0"));
    let all = writes_that_are_all_read(300, 1, &mut model);
    let kept: Vec<usize> = (0..all.len()).collect();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let unlimited = Budget::unlimited().with_deadline(deadline);
    for budget in [unlimited.clone(), unlimited.with_memory_bytes(1 << 30)] {
        let (decision, _) = compete(&model, &all, &kept, &budget);
        assert!(matches!(decision, Decision::Linearizable { .. }), "{decision:?}");
    }
}

#[test]
fn a_depth_first_search_ends_when_its_memory_is_spent() {
    let (mut model, _) = occurrences(&parse("init 0"));
    let mut all = writes_that_are_all_read(12, 1, &mut model);
    all.truncate(12);
    let transition = Transition::Read(model.intern(&Value::Int(7)));
    all.push(Occurrence { transition, invoked: 20, returned: Some(21) });
    let kept: Vec<usize> = (0..all.len()).collect();
    let unlimited = Budget::unlimited();
    let with = |bytes_max| {
        wgl::search(&model, &all, &kept, Limits { bytes_max, ..Limits::of(&unlimited) }).0
    };
    let ended = with(1 << 19);
    assert!(matches!(ended, Decision::Undecided(Reason::Memory)), "{ended:?}");
    let stuck = with(1 << 24);
    assert!(matches!(stuck, Decision::Stuck(_)), "{stuck:?}");
}
