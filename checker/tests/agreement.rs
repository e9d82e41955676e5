//! The checker against the definition, on very many small random histories, and against the
//! reference corpus.

mod metamorphic;
mod support;

use checker::verdict::Anomaly;
use checker::{Budget, Validity, Verdict, check};
use rand::RngExt;
use support::exhaustive::{Ask, Case, End, SmallOp, is_linearizable};
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
    assert!(anomaly.sentence.contains(": process "), "{}", anomaly.sentence);
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

/// Each specific sentence names operations that exclude each other: whoever wrote the value that
/// was read, and what came after them. These alone must be a violation already.
#[test]
fn operations_named_as_excluding_each_other_do() {
    let mut rng = seeded(SEED + 3);
    let mut told = [0_u32; 3];
    for _ in 0..40_000 {
        let shape = random_shape(&mut rng);
        let small = random_case(shape, &mut rng);
        let verdict = judge(&small);
        let Some(anomaly) = verdict.anomalies.first() else { continue };
        let kinds = ["phantom-read", "stale-read", "lost-update"];
        let Some(kind) = kinds.iter().position(|kind| *kind == anomaly.kind) else { continue };
        // These are about the core, which is held against the definition elsewhere.
        if anomaly.examination.core_explains {
            continue;
        }
        told[kind] += 1;
        let named = named_operations(&small, anomaly);
        assert!(!is_linearizable(&named), "{}\n{small:#?}\n{named:#?}", anomaly.sentence);
    }
    assert!(told.iter().all(|count| *count > 20), "too few of a kind were met: {told:?}");
}

/// The failing operation, everything about the value that it saw, and the other operations that
/// the explanation names; what these did besides is left out.
fn named_operations(small: &Case, anomaly: &Anomaly) -> Case {
    let events = case::events(small);
    let moment = |index: u64| events[usize::try_from(index).expect("small")].0;
    let failing_end = anomaly.op.map(moment);
    let related: Vec<u32> = anomaly.related.iter().map(|one| moment(one.index)).collect();
    let is_failing = |op: &SmallOp| op.end.map(|(end, _)| end) == failing_end;
    let failing = small.ops.iter().find(|op| is_failing(op)).expect("named by its completion");
    let seen = match failing.ask {
        Ask::Cas(old, _) => Some(old),
        _ => failing.read,
    };
    let mut named = small.clone();
    named.ops.retain_mut(|op| {
        let ended_ok = matches!(op.end, Some((_, End::Ok)));
        match op.ask {
            _ if is_failing(op) => true,
            Ask::Read if ended_ok && op.read == seen => true,
            // A witness shows that another value was there: as if it had written it.
            Ask::Read if ended_ok && related.contains(&op.begin) => {
                op.ask = op.read.map_or(Ask::Read, Ask::Write);
                true
            }
            Ask::Write(new) => Some(new) == seen || related.contains(&op.begin),
            // Whatever a compare-and-set needed is not part of the claim, unless it is the value.
            Ask::Cas(old, new) => {
                if Some(old) != seen {
                    op.ask = Ask::Write(new);
                }
                let consumes = Some(old) == seen && ended_ok;
                let failed = matches!(op.end, Some((_, End::Fail)));
                !failed && (consumes || Some(new) == seen || related.contains(&op.begin))
            }
            Ask::Read => false,
        }
    });
    named
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
