//! What is left of an invalid history is an invalid history, a small one, and one that anybody can
//! judge again.

mod support;

use std::path::Path;

use checker::history::{Independent, read_path, write_edn};
use checker::verdict::{Core, LeftOut};
use checker::{
    Budget, CheckOptions, CheckerSpec, History, Kind, Op, Process, SetReads, Validity, Value,
    Verdict, check, infer_spec, shrink,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use support::exhaustive::is_linearizable;
use support::generate::{random_case, random_shape, seeded};
use support::{case, corpus};

const SEED: u64 = 20_261_121;

fn core(verdict: &Verdict) -> &Core {
    verdict.anomalies[0].examination.core.as_ref().expect("an invalid history has a core")
}

/// The rest of a history, written and read again.
fn rest(history: &History, options: &CheckOptions, verdict: &Verdict) -> History {
    let key = verdict.anomalies[0].key.as_ref();
    let events = shrink::events(history, options.independent, key, core(verdict)).expect("keyed");
    let mut text = Vec::new();
    for op in &events {
        write_edn(op, &mut text).expect("memory takes it");
        text.push(b'\n');
    }
    checker::history::read(text.as_slice(), None).expect("a history like any other")
}

/// Judges a history and what is left of it, and gives the number of operations that are left.
fn shrunk(history: &History, options: &CheckOptions) -> usize {
    let verdict = check(history, options, &Budget::unlimited());
    assert_eq!(verdict.validity, Validity::Invalid, "{}", verdict.summary);
    let core = core(&verdict);
    assert!(core.minimal, "{}", verdict.summary);
    let left_out: u64 = core.left_out.iter().map(|(_, count)| count).sum();
    let all = core.operations.len() as u64 + left_out;
    assert_eq!(all, history.operations().len() as u64, "every operation is accounted for");
    let rest = rest(history, options, &verdict);
    assert_eq!(rest.operations().len(), core.operations.len());
    for op in rest.ops().iter() {
        let same =
            |one: &checker::history::OpRef<'_>| one.index == op.index && one.process == op.process;
        let was = history.ops().iter().find(same).expect("indices and processes stay");
        assert_eq!(was.time_ns, op.time_ns);
    }
    let independent = Independent::Auto;
    let again =
        check(&rest, &CheckOptions { independent, ..options.clone() }, &Budget::unlimited());
    assert_eq!(again.validity, Validity::Invalid, "what is left of {}", verdict.summary);
    rest.operations().len()
}

#[test]
fn what_is_left_of_random_histories_is_invalid_when_it_is_read_again() {
    let mut rng = seeded(SEED + 7);
    let mut judged = 0;
    while judged < 10_000 {
        let small = random_case(random_shape(&mut rng), &mut rng);
        let (history, options) = (case::history(&small), case::options(&small));
        if !is_linearizable(&small) {
            shrunk(&history, &options);
            judged += 1;
        }
    }
}

#[test]
fn our_own_histories_shrink_to_the_operations_that_matter() {
    for (path, expected) in [
        ("cas-register/invalid-crashed-cas-twice.edn", 4),
        ("cas-register/invalid-lost-update.edn", 3),
        ("cas-register/invalid-stale-key.edn", 3),
        ("register/invalid-back-and-forth.edn", 5),
        ("register/invalid-fail-that-happened.edn", 1),
        ("register/invalid-phantom-read.edn", 1),
        ("register/invalid-read-before-write.edn", 1),
        ("register/invalid-stale-read.edn", 3),
    ] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../histories");
        let history = read_path(&folder.join(path), None).expect("a readable history");
        let options = CheckOptions { spec: infer_spec(&history), ..CheckOptions::default() };
        assert_eq!(shrunk(&history, &options), expected, "{path}");
    }
}

#[test]
fn the_corpus_shrinks_to_a_handful_of_operations() {
    let Some(folder) = corpus::folder() else { return };
    let mut judged = 0;
    for entry in corpus::entries(&folder) {
        if entry.verdict == "invalid" {
            let left = shrunk(&entry.read(&folder), &entry.options());
            assert!(left <= 12, "{left} operations are left of {}", entry.file);
            judged += 1;
        }
    }
    assert!(judged > 10, "only {judged} invalid histories in the corpus");
}

/// Without reads nothing but the `:key` entries tells a key from half a compare-and-set.
#[test]
fn the_key_survives_where_no_read_is_left() {
    let text = "{:type :invoke, :process 0, :f :read, :value [5 nil]}
                {:type :ok, :process 0, :f :read, :value [5 nil]}
                {:type :invoke, :process 0, :f :write, :value [5 1]}
                {:type :ok, :process 0, :f :write, :value [5 1]}
                {:type :invoke, :process 1, :f :cas, :value [5 [1 2]]}
                {:type :invoke, :process 2, :f :cas, :value [5 [1 3]]}
                {:type :ok, :process 1, :f :cas, :value [5 [1 2]]}
                {:type :ok, :process 2, :f :cas, :value [5 [1 3]]}
                {:type :invoke, :process 2, :f :write, :value [6 1]}";
    let history = checker::history::read(text.as_bytes(), None).expect("readable");
    let options = CheckOptions { spec: infer_spec(&history), ..CheckOptions::default() };
    assert_eq!(shrunk(&history, &options), 3);
    let verdict = check(&history, &options, &Budget::unlimited());
    assert_eq!(verdict.anomalies[0].key, Some(Value::Int(5)));
    assert_eq!(core(&verdict).left_out, [(LeftOut::OtherKeys, 1), (LeftOut::Observers, 1)]);
}

/// A set that loses elements now and then, and shows some that nobody added.
fn random_set_history(rng: &mut ChaCha8Rng) -> History {
    let (mut events, mut held) = (Vec::<Op>::new(), Vec::<i64>::new());
    let mut open: [Option<(&str, i64)>; 3] = [None; 3];
    for _ in 0..rng.random_range(4..24) {
        let process = rng.random_range(0..open.len());
        let (kind, f, value) = match open[process].take() {
            None => {
                let f = if rng.random_bool(0.5) { "add" } else { "read" };
                let element = rng.random_range(0..4);
                open[process] = Some((f, element));
                (Kind::Invoke, f, if f == "add" { Value::Int(element) } else { Value::Nil })
            }
            Some(("add", element)) => {
                let kind = [Kind::Ok, Kind::Ok, Kind::Info, Kind::Fail][rng.random_range(0..4)];
                held.extend((kind == Kind::Ok || rng.random_bool(0.3)).then_some(element));
                (kind, "add", Value::Int(element))
            }
            Some((f, _)) => {
                let mut seen = held.clone();
                seen.retain(|_| rng.random_bool(0.9));
                seen.extend(rng.random_bool(0.05).then_some(9));
                seen.sort_unstable();
                seen.dedup();
                (Kind::Ok, f, Value::Set(seen.into_iter().map(Value::Int).collect()))
            }
        };
        let index = events.len() as u64;
        events.push(Op {
            index,
            time_ns: i64::try_from(index).expect("few events"),
            // Whoever does not know what became of an operation goes on under another name.
            process: Process::Client(process as u64),
            kind,
            f: Value::keyword(f),
            value,
            error: None,
            extra: Vec::new(),
        });
        if kind == Kind::Info {
            events
                .iter_mut()
                .filter(|op| op.process == Process::Client(process as u64))
                .for_each(|op| op.process = Process::Client(100 + index));
        }
    }
    History::from_ops(events).expect("every process does one thing at a time")
}

#[test]
fn of_a_set_no_operation_is_left_without_which_it_would_be_the_same_violation() {
    let mut rng = seeded(SEED + 8);
    let (mut kinds, mut judged) = (std::collections::BTreeMap::<String, u32>::new(), 0);
    while judged < 3_000 {
        let history = random_set_history(&mut rng);
        let reads = match rng.random_bool(0.5) {
            true => SetReads::Linearizable,
            false => SetReads::Eventual,
        };
        let spec = CheckerSpec::Set { reads };
        let options = CheckOptions { spec, independent: Independent::No, ..Default::default() };
        let verdict = check(&history, &options, &Budget::unlimited());
        if verdict.validity != Validity::Invalid {
            continue;
        }
        let kind = |verdict: &Verdict| verdict.anomalies.first().map(|one| one.kind.clone());
        let events = shrink::events(&history, Independent::No, None, core(&verdict)).expect("one");
        let judge = |events: Vec<Op>| {
            let rest = History::from_ops(events).expect("whole operations");
            check(&rest, &options, &Budget::unlimited())
        };
        let all = history.ops().iter().map(|op| op.to_op()).collect::<Vec<_>>();
        assert_eq!(kind(&judge(events.clone())), kind(&verdict), "{events:#?} of {all:#?}");
        let begun = events.iter().filter(|op| op.kind == Kind::Invoke);
        for gone in begun.map(|op| (op.index, op.process.clone())) {
            let end = events.iter().find(|op| op.process == gone.1 && op.index > gone.0);
            let end = end.map(|op| op.index);
            let mut less = events.clone();
            less.retain(|op| op.index != gone.0 && Some(op.index) != end);
            assert_ne!(kind(&judge(less)), kind(&verdict), "without {gone:?}: {events:#?}");
        }
        shrunk(&history, &options);
        *kinds.entry(kind(&verdict).expect("it has one")).or_default() += 1;
        judged += 1;
    }
    assert!(kinds.len() == 3 && kinds.values().all(|count| *count > 50), "{kinds:?}");
}
