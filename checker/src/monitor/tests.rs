//! The monitor against the definition and against the offline checker. Here it forgets what is past
//! at once, so that small histories meet that, too.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::case;
use crate::exhaustive::{Case, is_linearizable};
use crate::generate::{Shape, random_case, random_shape, seeded};
use crate::history::Independent;
use crate::op::Op;
use crate::{CheckOptions, check};

const SEED: u64 = 20_261_122;

fn monitored(spec: &CheckerSpec, keys: Keys, events: &[Op]) -> Verdict {
    monitored_with(Care { terms: 4, ..Care::default() }, spec, keys, events)
}

fn monitored_with(care: Care, spec: &CheckerSpec, keys: Keys, events: &[Op]) -> Verdict {
    let mut monitor = Monitor::new(spec, keys).expect("registers can be watched").with_care(care);
    for event in events {
        monitor.push(event).unwrap_or_else(|error| panic!("{error}: {events:#?}"));
    }
    monitor.finish()
}

fn events(small: &Case) -> Vec<Op> {
    case::events(small).into_iter().map(|(_, op)| op).collect()
}

#[test]
fn random_small_histories_agree_with_the_exhaustive_checker() {
    let mut rng = seeded(SEED);
    let mut invalid = 0;
    for number in 0..100_000 {
        let small = random_case(random_shape(&mut rng), &mut rng);
        let verdict = monitored(&case::options(&small).spec, Keys::None, &events(&small));
        let expected = is_linearizable(&small);
        match verdict.validity {
            Validity::Valid => assert!(expected, "{number}: {small:#?}"),
            Validity::Invalid => assert!(!expected, "{number}: {}\n{small:#?}", verdict.summary),
            Validity::Unknown => panic!("{number}: {}\n{small:#?}", verdict.summary),
        }
        invalid += usize::from(verdict.validity == Validity::Invalid);
    }
    assert!(invalid > 10_000, "only {invalid} of the histories were not linearizable");
}

/// Where counting crashed operations exactly ends at once, some histories stay undecided, and no
/// verdict is wrong: neither a violation missed nor one told that is none.
#[test]
fn where_exact_counting_ends_nothing_is_said_that_is_wrong() {
    let mut rng = seeded(SEED + 4);
    let (mut valid, mut invalid, mut unknown) = (0, 0, 0);
    for number in 0..30_000 {
        let shape = Shape { crash_rate: 0.4, ..random_shape(&mut rng) };
        // Few values, so that it matters how often one of them was written.
        let few = Shape { cas: false, values: 2, unique: false, processes: 2, ..shape };
        let few = Shape { operations: (6, 10), read_rate: 0.6, bend_rate: 0.8, ..few };
        let small = random_case(if number % 2 == 0 { shape } else { few }, &mut rng);
        let (terms, exact_configurations) = (rng.random_range(0..9), rng.random_range(0..4));
        let care = Care { terms, exact_configurations, ..Care::default() };
        let spec = case::options(&small).spec;
        let verdict = monitored_with(care, &spec, Keys::None, &events(&small));
        let expected = is_linearizable(&small);
        match verdict.validity {
            Validity::Valid => assert!(expected, "{number}: {small:#?}"),
            Validity::Invalid => assert!(!expected, "{number}: {}\n{small:#?}", verdict.summary),
            Validity::Unknown => assert!(!expected, "{number}: {}\n{small:#?}", verdict.summary),
        }
        match verdict.validity {
            Validity::Valid => valid += 1,
            Validity::Invalid => invalid += 1,
            Validity::Unknown => unknown += 1,
        }
    }
    let told = format!("{valid} valid, {invalid} invalid, {unknown} unknown");
    assert!(valid > 5_000 && invalid > 3_000 && unknown > 20, "{told}");
}

#[test]
fn without_crashed_operations_it_speaks_up_at_the_first_impossible_return() {
    let mut rng = seeded(SEED + 1);
    let mut spoken = 0;
    while spoken < 5_000 {
        let mut shape = random_shape(&mut rng);
        shape.crash_rate = 0.0;
        let small = random_case(shape, &mut rng);
        if small.ops.iter().any(|op| op.end.is_none()) {
            continue;
        }
        let options = case::options(&small);
        let offline = check(&case::history(&small), &options, &Budget::unlimited());
        let online = monitored(&options.spec, Keys::None, &events(&small));
        let named = |verdict: &Verdict| verdict.anomalies.first().and_then(|one| one.op);
        assert_eq!(named(&online), named(&offline), "{small:#?}");
        spoken += usize::from(named(&online).is_some());
    }
}

/// The events of several histories as those of one with keys, mixed at random.
fn mixed(cases: &[Case], keys: Keys, rng: &mut ChaCha8Rng) -> Vec<Op> {
    let mut queues: Vec<Vec<Op>> = cases.iter().map(events).collect();
    queues.iter_mut().for_each(|queue| queue.reverse());
    let mut all = Vec::new();
    while queues.iter().any(|queue| !queue.is_empty()) {
        let key = rng.random_range(0..queues.len());
        let Some(mut event) = queues[key].pop() else { continue };
        if let Process::Client(process) = &mut event.process {
            *process = *process * 10 + key as u64;
        }
        let key = Value::Int(key as i64);
        match keys {
            Keys::None => {}
            Keys::Tuple => event.value = Value::Vector(vec![key, event.value]),
            Keys::Entry => event.extra.push((Value::keyword("key"), key)),
        }
        event.index = all.len() as u64;
        all.push(event);
    }
    all
}

#[test]
fn keys_are_watched_apart_and_agree_with_the_offline_checker() {
    let mut rng = seeded(SEED + 2);
    for number in 0..3_000 {
        let shape = random_shape(&mut rng);
        let cases: Vec<Case> = (0..3).map(|_| random_case(shape, &mut rng)).collect();
        let keys = if number % 2 == 0 { Keys::Tuple } else { Keys::Entry };
        let all = mixed(&cases, keys, &mut rng);
        let spec = CheckerSpec::Linearizable {
            model: ModelName::CasRegister,
            options: match case::options(&cases[0]).spec {
                CheckerSpec::Linearizable { options, .. } => options,
                CheckerSpec::Set { .. } => ModelOptions::default(),
            },
        };
        let online = monitored(&spec, keys, &all);
        let options =
            CheckOptions { spec, independent: Independent::Yes, ..CheckOptions::default() };
        let history = crate::History::from_ops(all).expect("well-formed");
        let offline = check(&history, &options, &Budget::unlimited());
        if online.validity != Validity::Unknown {
            assert_eq!(online.validity, offline.validity, "{number}: {cases:#?}");
        }
        let counts = |stats: &Stats| (stats.operations, stats.ok, stats.fail, stats.info);
        assert_eq!(counts(&online.stats), counts(&offline.stats));
    }
}

#[test]
fn what_pairing_refuses_is_refused_with_the_same_words() {
    let mut rng = seeded(SEED + 3);
    let mut refused = 0;
    for _ in 0..5_000 {
        let mut all = events(&random_case(random_shape(&mut rng), &mut rng));
        let at = rng.random_range(0..all.len());
        match rng.random_range(0..4) {
            0 => drop(all.remove(at)),
            1 => all[at].process = Process::Client(rng.random_range(0..3)),
            2 => all[at].index = rng.random_range(0..10),
            _ => all[at].f = Value::keyword("write"),
        }
        let spec = CheckerSpec::linearizable(ModelName::CasRegister);
        let mut monitor = Monitor::new(&spec, Keys::None).expect("registers can be watched");
        let online = all.iter().try_for_each(|event| monitor.push(event));
        let offline = crate::History::from_ops(all).map(drop);
        assert_eq!(online, offline.clone().map_err(MonitorError::Malformed));
        refused += usize::from(offline.is_err());
    }
    assert!(refused > 1_000, "only {refused} were malformed");
}

#[test]
fn a_completion_of_another_key_is_refused_and_one_without_says_nothing() {
    let text = "[[0 :invoke :read [1 nil]] [1 :invoke :write [2 5]] [1 :info :write :timeout]
                 [0 :ok :read [2 5]]]";
    let history = crate::history::read(text.as_bytes(), None).expect("well-formed");
    let spec = CheckerSpec::linearizable(ModelName::Register);
    let mut monitor = Monitor::new(&spec, Keys::Tuple).expect("registers can be watched");
    let pushed = history.ops().iter().try_for_each(|op| monitor.push(op));
    assert_eq!(pushed, Err(MonitorError::NoKey(NoKey { index: 3 })));
}
