//! What only hard histories meet, on easy ones: held against the definition.

use super::super::tests::{occurrences, spell};
use super::*;
use crate::exhaustive::{Case, Nil, is_linearizable};
use crate::generate::{Shape, random_case, random_shape, seeded};
use crate::model::{Register, Transition, ValueId};

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
