//! One seed, two runs: the same load and the same faults, however far each gets; and two runs at
//! the same time do not disturb each other.

use std::collections::BTreeMap;
use std::thread;

use serde_json::Value as Json;

use crate::place::Place;
use crate::stored::Stored;

const WORKERS: u64 = 10;
const NODES: u64 = 5;

/// What a worker asked for, with the expected value of a compare-and-set left out, since it is what
/// the worker last saw.
type Asked = Vec<(String, Json, Json)>;

#[test]
fn two_runs_of_one_seed_at_the_same_time_agree_and_do_not_disturb_each_other() {
    let run = || {
        let place = Place::new();
        place.test("--env local --time-limit 6s --seed 11").assert_code(0);
        place.latest().assert_valid_and_not_vacuous();
        place.latest().assert_faults_are_proved();
        place
    };
    let (one, other) = thread::scope(|scope| {
        let (one, other) = (scope.spawn(run), scope.spawn(run));
        (one.join().expect("valid"), other.join().expect("valid"))
    });
    let (one, other) = (one.latest(), other.latest());
    assert_eq!(one.text("schedule.json"), other.text("schedule.json"));
    let (one, other) = (asked(&one), asked(&other));
    let mut compared = 0;
    for worker in 0..WORKERS {
        let (one, other) = (&one[&worker], &other[&worker]);
        let both = one.len().min(other.len());
        assert_eq!(one[..both], other[..both], "worker {worker}");
        compared += both;
    }
    assert!(compared > 50, "only {compared} operations could be compared");
}

#[test]
fn recorded_faults_are_replayed() {
    let place = Place::new();
    place.test("--env local --nodes 3 --time-limit 4s --seed 12").assert_code(0);
    let recorded = place.latest().text("schedule.json");
    let file = place.file("recorded.json", &recorded);
    let options = format!("--env local --nodes 3 --time-limit 4s --seed 13 --schedule {file}");
    place.test(&options).assert_code(0);
    assert_eq!(place.latest().json("manifest.json")["seed"], 13);
    assert_eq!(place.latest().text("schedule.json"), recorded);
    place.latest().assert_faults_are_proved();
}

/// What each worker asked for during the load.
fn asked(run: &Stored) -> BTreeMap<u64, Asked> {
    let mut by_worker: BTreeMap<u64, Vec<Json>> = BTreeMap::new();
    for event in run.events() {
        if let Some(process) = event["process"].as_u64() {
            by_worker.entry(process % WORKERS).or_default().push(event);
        }
    }
    by_worker.into_iter().map(|(worker, events)| (worker, asked_in_load(worker, &events))).collect()
}

/// The first workers first read once, until it succeeds; that is not part of the load. Recovery and
/// final reads follow it, and are done by processes that nobody was before: one that follows an
/// operation whose end is known, or that skips its predecessor's number.
fn asked_in_load(worker: u64, events: &[Json]) -> Asked {
    let first = match events.iter().position(|event| event["type"] == "ok") {
        Some(read) if worker < NODES => read + 1,
        _ => 0,
    };
    let mut asked = Asked::new();
    let mut last = &Json::Null;
    for event in &events[first..] {
        let number = |event: &Json| event["process"].as_u64();
        if let (Some(old), Some(new)) = (number(last), number(event)) {
            let retired = last["type"] == "info" && new == old + WORKERS;
            if new != old && !retired {
                break;
            }
        }
        if event["type"] == "invoke" {
            let (key, value) = (&event["value"][0], &event["value"][1]);
            let new = if event["f"] == "cas" { &value[1] } else { value };
            let f = event["f"].as_str().expect("a name");
            asked.push((f.to_owned(), key.clone(), new.clone()));
        }
        last = event;
    }
    asked
}
