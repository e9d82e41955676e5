//! What the generators promise: streams that a seed fixes, histories worth checking, and no
//! time wasted on nodes that are dead.

mod judged;
mod simulation;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use checker::Value;
use proptest::prelude::*;
use simulation::{Made, Simulation, healthy, refused};
use workloads::{ALL, Call, Context, Generator, Next, Outcome, Params, Reason, Workload, find};

const SECOND_NS: u64 = 1_000_000_000;

/// A call without what may depend on the run: the expected value of a compare-and-set.
fn masked(call: &Call) -> (&'static str, Option<i64>, Value) {
    let value = match &call.value {
        Value::Vector(pair) => pair[1].clone(),
        value => value.clone(),
    };
    (call.f, call.key, value)
}

fn named(name: &str) -> &'static Workload {
    find(name).expect("a workload of that name")
}

fn register(params: &Params, worker: usize) -> Box<dyn Generator> {
    (named("register").load)(params, worker)
}

/// A whole run of all workers, each against its own simulated node.
fn run(params: &Params) -> Vec<Made> {
    let worker = |worker| Simulation::new(worker, 7).run(register(params, worker), healthy);
    let mut made: Vec<Made> = (0..params.workers).flat_map(worker).collect();
    made.sort_by_key(|made| made.at_ns);
    made
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn of_two_runs_of_one_seed_one_is_a_prefix_of_the_other(
        seed: u64,
        workers in 1_usize..24,
        nodes in 1_usize..8,
        values in proptest::option::of(1_u32..6),
        rate_per_s in proptest::option::of(10.0..2000.0),
        ops_per_key in 1_u32..400,
        noise: [u64; 2],
    ) {
        let time_limit_ns = 3 * SECOND_NS;
        let shape = Params { seed, workers, nodes, time_limit_ns, ..Params::default() };
        let params = Params { values, rate_per_s, ops_per_key, ..shape };
        for workload in ALL {
            for worker in [0, workers / 2, workers - 1] {
                let calls = |noise| -> Vec<_> {
                    let load = (workload.load)(&params, worker);
                    let made = Simulation::new(worker, noise).run(load, simulation::noisy);
                    made.iter().map(|made| masked(&made.call)).collect()
                };
                let (one, other) = (calls(noise[0]), calls(noise[1]));
                let common = one.len().min(other.len());
                prop_assert_eq!(&one[..common], &other[..common]);
            }
        }
    }
}

#[test]
fn seeds_and_workers_differ() {
    let calls = |seed, worker| -> Vec<_> {
        let params = Params { seed, ..Params::default() };
        let made = Simulation::new(worker, 7).run(register(&params, worker), healthy);
        made.iter().map(|made| masked(&made.call)).collect()
    };
    assert_ne!(calls(1, 9), calls(2, 9));
    assert_ne!(calls(1, 9), calls(1, 8));
}

/// Whoever changes the streams on purpose changes this too: recorded seeds then mean other runs.
#[test]
fn the_stream_of_a_writer_is_what_it_always_was() {
    let params = Params { seed: 1, ..Params::default() };
    let made = Simulation::new(9, 7).run(register(&params, 9), healthy);
    let text: Vec<String> = made.iter().take(12).map(|made| simulation::text(&made.call)).collect();
    assert_eq!(text, GOLDEN);
}

const GOLDEN: [&str; 12] = [
    "write [0 10]",
    "read [0 nil]",
    "cas [0 [10 20]]",
    "read [0 nil]",
    "read [0 nil]",
    "cas [0 [20 30]]",
    "read [0 nil]",
    "write [0 40]",
    "read [0 nil]",
    "read [0 nil]",
    "cas [0 [40 50]]",
    "read [0 nil]",
];

#[test]
fn unique_values_are_written_once_in_a_run() {
    for workload in ALL {
        let params = Params { seed: 3, ..Params::default() };
        let mut seen = BTreeSet::new();
        for worker in 0..params.workers {
            let made = Simulation::new(worker, 7).run((workload.load)(&params, worker), healthy);
            for made in made.iter().filter(|made| made.call.mutates()) {
                let (_, _, Value::Int(value)) = masked(&made.call) else { panic!("an integer") };
                assert!(seen.insert(value), "{value} twice");
            }
        }
    }
}

#[test]
fn small_domains_are_kept_to() {
    let params = Params { values: Some(5), ..Params::default() };
    let made = run(&params);
    let written: BTreeSet<i64> = made
        .iter()
        .filter(|made| made.call.mutates())
        .map(|made| match masked(&made.call).2 {
            Value::Int(value) => value,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(written, (0..5).collect());
}

#[test]
fn at_default_parameters_every_key_is_worth_checking() {
    let made = run(&Params { seed: 5, ..Params::default() });
    let rate = made.len() as f64 / 15.0;
    assert!((400.0..600.0).contains(&rate), "{rate} calls a second");
    let mut keys: BTreeMap<i64, Vec<&Made>> = BTreeMap::new();
    for made in &made {
        keys.entry(made.call.key.unwrap()).or_default().push(made);
    }
    assert!(keys.len() >= 15, "{} keys", keys.len());
    // The last keys are cut off by the time limit.
    for (key, made) in keys.iter().take(keys.len() - 3) {
        let count = |f| made.iter().filter(|made| made.call.f == f).count();
        assert!(count("read") > 60 && count("write") > 15 && count("cas") > 10, "key {key}");
        let matched = made.iter().filter(|made| made.call.f == "cas" && made.is_ok()).count();
        assert!(matched > 0, "key {key}: some compare-and-set matches");
        let last_mutation = made.iter().rposition(|made| made.call.mutates()).unwrap();
        assert!(last_mutation + 1 < made.len(), "key {key}: read after its last write");
        let lived_ns = made[made.len() - 1].at_ns - made[0].at_ns;
        assert!(lived_ns > SECOND_NS / 2, "key {key}: lived {lived_ns} ns");
        let workers: BTreeSet<usize> = made.iter().map(|made| made.worker).collect();
        assert_eq!(workers.len(), 10, "key {key}: every worker takes part");
    }
}

#[test]
fn readers_do_not_run_ahead_of_writers_however_fast_reads_are() {
    let params = Params { rate_per_s: None, ..Params::default() };
    let slow_writes = |simulation: &mut Simulation, call: &Call| {
        let (outcome, took_ns) = healthy(simulation, call);
        (outcome, if call.mutates() { 20 * took_ns } else { took_ns })
    };
    let worker = |worker| Simulation::new(worker, 7).run(register(&params, worker), slow_writes);
    let made: Vec<Made> = (0..params.workers).flat_map(worker).collect();
    let mut first_write_ns: BTreeMap<Option<i64>, u64> = BTreeMap::new();
    for made in made.iter().filter(|made| made.call.f == "write") {
        let first_ns = first_write_ns.entry(made.call.key).or_insert(u64::MAX);
        *first_ns = made.at_ns.min(*first_ns);
    }
    let is_after =
        |made: &&Made| first_write_ns.get(&made.call.key).is_some_and(|at| made.at_ns > *at);
    let reads = made.iter().filter(|made| made.call.f == "read");
    let (all, after) = (reads.clone().count(), reads.filter(is_after).count());
    assert!(after * 10 > all * 8, "{after} of {all} reads find something");
}

#[test]
fn what_can_crash_on_a_key_is_capped_by_worker() {
    let params =
        Params { ops_per_key: 4000, mutations_per_key: 8, rate_per_s: None, ..Params::default() };
    let mut mutations: BTreeMap<(usize, Option<i64>), u32> = BTreeMap::new();
    for made in run(&params).iter().filter(|made| made.call.mutates()) {
        *mutations.entry((made.worker, made.call.key)).or_default() += 1;
    }
    assert_eq!(mutations.values().max(), Some(&8));
}

#[test]
fn a_dead_node_does_not_eat_the_budget() {
    for workload in ALL {
        let params = Params { rate_per_s: None, ..Params::default() };
        let calls = Simulation::new(9, 7).run((workload.load)(&params, 9), refused).len();
        assert!((15..25).contains(&calls), "{calls} calls in 15 s");
    }
}

#[test]
fn a_compare_and_set_expects_what_its_worker_saw_last_in_that_key() {
    let params = Params { seed: 2, ..Params::default() };
    let made = Simulation::new(9, 7).run(register(&params, 9), healthy);
    let mut seen: BTreeMap<i64, Value> = BTreeMap::new();
    let mut compared = 0;
    for made in &made {
        let key = made.call.key.unwrap();
        if let ("cas", Value::Vector(pair)) = (made.call.f, &made.call.value) {
            assert_eq!(Some(&pair[0]), seen.get(&key));
            compared += 1;
        }
        match (&made.outcome, made.call.f) {
            (Outcome::Ok(Value::Vector(pair)), "cas") => seen.insert(key, pair[1].clone()),
            (Outcome::Ok(value), _) => seen.insert(key, value.clone()),
            _ => None,
        };
    }
    assert!(compared > 50);
}

#[test]
fn final_reads_are_tried_as_new_operations_until_they_succeed() {
    let params = Params::default();
    let mut attempts = 0;
    let reads = (named("set").final_reads)(&params, 0, 0).unwrap();
    let made = Simulation::new(0, 7).run(reads, |_, call| {
        attempts += 1;
        let outcome = match attempts {
            1 => Outcome::Fail(Reason::new(Reason::REFUSED)),
            2 => Outcome::Fail(Reason::new(Reason::TIMEOUT)),
            _ => Outcome::Ok(call.value.clone()),
        };
        (outcome, 1_000_000)
    });
    assert_eq!(made.len(), 3);
    assert!(made[1].at_ns - made[0].at_ns >= 50_000_000, "with a wait between");

    let reads = (named("set").final_reads)(&params, 0, 0).unwrap();
    let made = Simulation::new(0, 7).run(reads, refused);
    assert!(made.len() < 100 && !made.iter().any(Made::is_ok), "given up in the end");

    let reads = (named("register").final_reads)(&params, 0, 7).unwrap();
    let made = Simulation::new(0, 7).run(reads, healthy);
    let keys: Vec<i64> = made.iter().filter_map(|made| made.call.key).collect();
    assert_eq!(keys, (0..7).collect::<Vec<_>>());
}

#[test]
fn every_key_is_read_at_the_end_and_the_youngest_ones_through_every_node() {
    let params = Params::default();
    let mut read = vec![0; 200];
    for node in 0..params.nodes {
        let reads = (named("register").final_reads)(&params, node, 200).unwrap();
        let made = Simulation::new(0, 7).run(reads, healthy);
        made.iter().filter_map(|made| made.call.key).for_each(|key| read[key as usize] += 1);
    }
    assert!(read[..200 - 64].iter().all(|times| *times == 1), "{read:?}");
    assert!(read[200 - 64..].iter().all(|times| *times == params.nodes), "{read:?}");
}

/// The recorder is to sustain 200,000 operations a second, so a call may not cost more than a
/// fraction of 5 µs; it costs about 0.2 µs. The bound leaves room for a loaded machine.
#[test]
fn a_call_costs_next_to_nothing() {
    const CALLS: u32 = 200_000;
    let limit_ns = if cfg!(debug_assertions) { 50_000 } else { 2_000 };
    let params = Params { rate_per_s: None, time_limit_ns: u64::MAX, ..Params::default() };
    let mut generator = register(&params, 9);
    let cx = Context { now_ns: 0, worker: 9, process: 9 };
    let started = Instant::now();
    for _ in 0..CALLS {
        let Next::Call(call) = generator.next(&cx) else { panic!("a call") };
        let outcome = Outcome::Ok(Value::Int(1));
        generator.observe(&cx, &call, &outcome);
    }
    let cost_ns = started.elapsed().as_nanos() / u128::from(CALLS);
    println!("{cost_ns} ns a call");
    assert!(cost_ns < limit_ns, "{cost_ns} ns a call");
}
