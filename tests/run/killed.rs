//! `kill -9` at any moment: nothing stays behind.
//!
//! Twenty moments an environment are tried by `examples/measure.rs kill9`, whose results are in
//! `docs/kill9.md`; here a few, so that it stays so.

use std::fs;

use crate::kill9::{self, Killed, Victim, moments_ms};
use crate::place::{Place, skipped_without_netns};

/// A run that outlives every test, so that the kill is what ends it; faults come early and often.
const OPTIONS: &str = "--time-limit 600s --nemesis-interval 2s --nemesis-stable-period 500ms";

/// Late enough for faults to be in force in some of them.
const WITHIN_MS: u64 = 6_000;

#[test]
fn in_network_namespaces_nothing_outlives_the_launcher() {
    assert_nothing_is_left_in_netns("launcher", Victim::Launcher);
}

#[test]
fn in_network_namespaces_nothing_outlives_the_tester_inside() {
    assert_nothing_is_left_in_netns("tester", Victim::Tester);
}

#[test]
fn on_loopback_nothing_outlives_the_tester_once_it_is_healed() {
    for moment_ms in moments_ms(7, 3, WITHIN_MS) {
        let place = Place::new();
        let killed = strike(&place, "local", Victim::Launcher, moment_ms);
        place.checker(&["heal"]).assert_code(0);
        let gone = killed.gone(&place.mark());
        assert!(gone.is_ok(), "after {moment_ms} ms: {gone:?}");
        assert_nothing_is_registered(&place);
        let again = place.checker(&["heal"]);
        again.assert_code(0);
        again.assert_says("nothing to heal");
    }
}

fn assert_nothing_is_left_in_netns(seed: &str, victim: Victim) {
    if skipped_without_netns("in_network_namespaces_nothing_outlives_…") {
        return;
    }
    for moment_ms in moments_ms(seed.len() as u64, 2, WITHIN_MS) {
        let place = Place::new();
        let killed = strike(&place, "netns", victim, moment_ms);
        let gone = killed.gone(&place.mark());
        assert!(gone.is_ok(), "after {moment_ms} ms: {gone:?}");
        assert_nothing_is_registered(&place);
    }
}

fn strike(place: &Place, env: &str, victim: Victim, moment_ms: u64) -> Killed {
    let mut running = place.start_test(&format!("--env {env} --seed {moment_ms} {OPTIONS}"));
    let killed = kill9::kill(running.child(), &place.mark(), victim, moment_ms);
    let killed = killed.expect("it is our child");
    assert!(!killed.alive.is_empty(), "it ended before {moment_ms} ms");
    killed
}

/// What a sweep would look at: records of runs, and folders of theirs.
fn assert_nothing_is_registered(place: &Place) {
    for folder in ["registry/ordeal", "tmp"] {
        let entries = fs::read_dir(place.path(folder)).into_iter().flatten().flatten();
        let left: Vec<_> =
            entries.map(|entry| entry.file_name()).filter(|name| name != "lock").collect();
        assert!(left.is_empty(), "{left:?} in {folder}");
    }
}
