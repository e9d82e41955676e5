//! A store without a bug: valid, with proof, and everything about the run is kept.

use std::fs;

use crate::place::{Done, Place, exists, is_root, skipped_without_netns};
use crate::stored::Stored;

/// The layout that `src/store` documents.
const FILES: [&str; 13] = [
    "history.jsonl",
    "history.edn",
    "history.txt",
    "results.edn",
    "results.json",
    "report.html",
    "timeline.html",
    "latency-raw.svg",
    "latency-quantiles.svg",
    "rate.svg",
    "manifest.json",
    "checker.log",
    "schedule.json",
];

#[test]
fn on_loopback_a_correct_store_is_valid_and_all_about_the_run_is_kept() {
    let place = Place::new();
    let done = place.test("--env local --time-limit 6s --seed 3");
    assert_valid_with_proof(&place, &done);
    assert_complete(&place.latest());
    assert_links_lead_to_the_same_run(&place);
    assert_both_spellings_hold_the_same_history(&place.latest());

    let folder = place.latest().folder().display().to_string();
    let again = place.checker(&["analyze", &folder]);
    again.assert_code(0);
    again.assert_says("VALID");
    place.assert_nothing_lives();
}

#[test]
fn in_network_namespaces_a_correct_store_is_valid() {
    let test = "in_network_namespaces_a_correct_store_is_valid";
    if skipped_without_netns(test) {
        return;
    }
    let place = Place::new();
    let done = place.test("--env netns --time-limit 6s --seed 4");
    assert_valid_with_proof(&place, &done);
    assert_complete(&place.latest());
    place.assert_nothing_lives();
}

#[test]
fn an_ordinary_user_needs_no_privilege_for_network_namespaces() {
    let test = "an_ordinary_user_needs_no_privilege_for_network_namespaces";
    if !is_root() {
        println!("skipped: {test}: the other tests are run by an ordinary user already");
        return;
    }
    if skipped_without_netns(test) {
        return;
    }
    let place = Place::of_nobody();
    let done = place.test("--env netns --time-limit 6s --seed 5");
    if done.code() == Some(254) && done.err.contains("not allowed here") {
        println!("skipped: {test}: {}", done.err.trim());
        return;
    }
    assert_valid_with_proof(&place, &done);
    let owner = fs::metadata(place.latest().path("history.edn")).expect("it is there");
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&owner), 65_534);
    place.assert_nothing_lives();
}

#[test]
fn a_set_of_a_correct_store_is_valid() {
    let place = Place::new();
    let done = place.test("--workload set --env local --time-limit 5s --seed 6");
    assert_valid_with_proof(&place, &done);
    let read_by: Vec<u64> = (place.latest().events().iter())
        .filter(|event| event["f"] == "read" && event["type"] == "ok")
        .filter_map(|event| event["process"].as_u64())
        .map(|process| process % 10 % 5)
        .collect();
    for node in 0..5 {
        assert!(read_by.contains(&node), "no read through n{}", node + 1);
    }
}

fn assert_valid_with_proof(place: &Place, done: &Done) {
    done.assert_code(0);
    done.assert_says("VALID");
    place.latest().assert_valid_and_not_vacuous();
    place.latest().assert_faults_are_proved();
}

fn assert_complete(run: &Stored) {
    for name in FILES {
        let size = fs::metadata(run.path(name)).map(|file| file.len());
        assert!(size.is_ok_and(|size| size > 0), "{name} is absent or empty");
    }
    for node in 1..=5 {
        let log = run.text(&format!("n{node}/node.log"));
        assert!(!log.is_empty(), "n{node} has no log");
        assert!(!exists(&run.path(&format!("n{node}/data"))), "the data of n{node} was kept");
    }
    let keys = run.json("results.json")["results"].as_object().expect("results by key").clone();
    assert!(!keys.is_empty());
    for key in keys.keys() {
        for name in ["history.edn", "results.edn"] {
            let path = format!("independent/{key}/{name}");
            assert!(exists(&run.path(&path)), "{path} is absent");
        }
    }
    let manifest = run.json("manifest.json");
    assert!(manifest["seed"].is_u64() && manifest["scenario"].is_object(), "{manifest:#}");
    assert_eq!(manifest["nodes"].as_array().map(Vec::len), Some(5));
}

fn assert_links_lead_to_the_same_run(place: &Place) {
    let resolve = |name: &str| fs::canonicalize(place.path(name)).expect("a link that leads on");
    let latest = resolve("store/latest");
    assert_eq!(resolve("store/current"), latest);
    assert_eq!(resolve("store/sandbox-register/latest"), latest);
    assert!(fs::symlink_metadata(place.path("store/latest")).is_ok_and(|it| it.is_symlink()));
}

fn assert_both_spellings_hold_the_same_history(run: &Stored) {
    let read = |name: &str| {
        let history = checker::history::read_path(&run.path(name), None);
        history.unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let (edn, jsonl) = (read("history.edn"), read("history.jsonl"));
    assert!(edn.ops().len() > 100, "{} events", edn.ops().len());
    assert_eq!(edn.ops(), jsonl.ops());
}
