//! The checker against the definition, on very many small random histories, and against the
//! reference corpus.

mod support;

use checker::{Budget, Validity, Verdict, check};
use rand::RngExt;
use support::exhaustive::{Case, End, SmallOp, is_linearizable};
use support::generate::{random_case, random_shape, seeded};
use support::{case, corpus};

const SEED: u64 = 20_261_121;

fn judge(small: &Case) -> Verdict {
    check(&case::history(small), &case::options(small), &Budget::unlimited())
}

fn expected(small: &Case) -> Validity {
    match is_linearizable(small) {
        true => Validity::Valid,
        false => Validity::Invalid,
    }
}

#[test]
fn random_small_histories_agree_with_the_exhaustive_checker() {
    let mut rng = seeded(SEED);
    let mut invalid = 0;
    for number in 0..120_000 {
        let shape = random_shape(&mut rng);
        let small = random_case(shape, &mut rng);
        let verdict = judge(&small);
        let expected = expected(&small);
        assert_eq!(
            verdict.validity, expected,
            "history {number} of seed {SEED}: {}\n{small:#?}",
            verdict.summary
        );
        if expected == Validity::Invalid {
            invalid += 1;
            assert_explained(&verdict, &small);
        }
    }
    assert!(invalid > 12_000, "only {invalid} of the histories were not linearizable");
}

/// A violation names an operation that exists, in a sentence, with states that exclude it.
fn assert_explained(verdict: &Verdict, small: &Case) {
    let [anomaly] = verdict.anomalies.as_slice() else {
        panic!("one object, one anomaly: {verdict:#?}");
    };
    assert!(anomaly.op.is_some(), "{small:#?}");
    assert!(anomaly.sentence.starts_with("process "), "{}", anomaly.sentence);
    assert_eq!(verdict.summary, anomaly.sentence);
    assert!(!anomaly.states.is_empty(), "{small:#?}");
}

/// What follows a violation cannot excuse it, so the operation that is named must be one at whose
/// return the history was already lost, and not before.
#[test]
fn the_operation_that_is_named_is_the_first_at_which_nothing_fits() {
    let mut rng = seeded(SEED + 1);
    for _ in 0..20_000 {
        let shape = random_shape(&mut rng);
        let small = random_case(shape, &mut rng);
        let verdict = judge(&small);
        let Some(anomaly) = verdict.anomalies.first() else { continue };
        let events = case::events(&small);
        let named = anomaly.op.and_then(|index| usize::try_from(index).ok()).expect("named");
        let moment = events[named].0;
        assert!(!is_linearizable(&until(&small, moment)), "{}\n{small:#?}", anomaly.sentence);
        assert!(is_linearizable(&until(&small, moment - 1)), "{}\n{small:#?}", anomaly.sentence);
    }
}

/// The history as it was known at a moment, but for what failed later, and so never was.
fn until(small: &Case, moment: u32) -> Case {
    let mut cut = small.clone();
    let fails_later = |op: &SmallOp| matches!(op.end, Some((end, End::Fail)) if end > moment);
    cut.ops.retain(|op| op.begin <= moment && !fails_later(op));
    for op in &mut cut.ops {
        op.end = op.end.filter(|(end, _)| *end <= moment);
    }
    cut
}

#[test]
fn a_small_budget_gives_unknown_and_never_a_wrong_verdict() {
    let mut rng = seeded(SEED + 2);
    for _ in 0..2_000 {
        let shape = random_shape(&mut rng);
        let small = random_case(shape, &mut rng);
        let budget = Budget::unlimited().with_memory_bytes(u64::from(rng.random_range(0..2_u32)));
        let verdict = check(&case::history(&small), &case::options(&small), &budget);
        assert!(
            verdict.validity == Validity::Unknown || verdict.validity == expected(&small),
            "{small:#?}"
        );
    }
    let cancelled = Budget::unlimited();
    cancelled.cancel();
    let shape = random_shape(&mut rng);
    let small = random_case(shape, &mut rng);
    let verdict = check(&case::history(&small), &case::options(&small), &cancelled);
    assert!(verdict.validity == Validity::Unknown || verdict.validity == expected(&small));
}

#[test]
fn every_history_of_the_corpus_gets_its_known_verdict() {
    let Some(folder) = corpus::folder() else {
        eprintln!("skipped: no corpus beside the project, and ORDEAL_CORPUS is not set");
        return;
    };
    let entries = corpus::entries(&folder);
    assert!(entries.len() > 100, "the corpus has only {} histories", entries.len());
    for entry in entries {
        let verdict = check(&entry.read(&folder), &entry.options(), &Budget::unlimited());
        assert_eq!(verdict.validity.word(), entry.verdict, "{}: {}", entry.file, verdict.summary);
    }
}
