//! Ctrl-c: what is broken is healed, what there is is judged, nothing is left.

use std::time::Duration;

use rustix::process::Signal;

use crate::place::{Place, Running, skipped_without_netns, wait_for};

/// Longer than any test waits: only the signal can end it.
const LONG: &str = "time-limit = '600s'\n";

const FAULTS: &str = "\
[nemesis]
steps = [
  { at_ms = 300, inject = { fault = 'partition', topology = 'one' } },
  { at_ms = 400, inject = { fault = 'pause', target = 'one' } },
]
";

#[test]
fn on_loopback_ctrl_c_heals_and_judges_what_there_is() {
    assert_heals_and_judges("local");
}

#[test]
fn in_network_namespaces_ctrl_c_heals_and_judges_what_there_is() {
    let test = "in_network_namespaces_ctrl_c_heals_and_judges_what_there_is";
    if !skipped_without_netns(test) {
        assert_heals_and_judges("netns");
    }
}

#[test]
fn a_second_ctrl_c_is_obeyed_at_once() {
    let place = Place::new();
    let mut running = start_and_wait_for_faults(&place, "local");
    running.signal(Signal::INT);
    running.wait_until_it_says("once more to abort");
    running.signal(Signal::INT);
    let done = running.finish();
    done.assert_code(255);
    done.assert_says("aborted");
    place.checker(&["heal"]).assert_code(0);
    place.assert_nothing_lives();
}

fn assert_heals_and_judges(env: &str) {
    let place = Place::new();
    let running = start_and_wait_for_faults(&place, env);
    running.signal(Signal::INT);
    let done = running.finish();
    let run = place.latest();
    // What was seen is judged, but nobody read every node once more: not a pass.
    done.assert_code(2);
    done.assert_says("UNKNOWN");
    done.assert_says("interrupted");
    let results = run.json("results.json");
    assert_eq!(results["valid?"], "unknown");
    assert!(results["stats"]["ok-count"].as_u64() > Some(40), "{results:#}");
    run.assert_faults_are_proved();
    assert_eq!(run.deeds().iter().filter(|deed| deed.id.is_some()).count(), 2);
    assert!(done.out.contains("Files"), "{done}");
    place.assert_nothing_lives();
}

/// A run in which two faults are in force and many operations were acknowledged.
fn start_and_wait_for_faults(place: &Place, env: &str) -> Running {
    let scenario = place.file("scenario.toml", &format!("{LONG}{FAULTS}"));
    let running = place.start_test(&format!("--scenario {scenario} --env {env} --seed 9"));
    wait_for("two faults in force, and operations", Duration::from_secs(60), || {
        let run = place.current();
        let faults = run.deeds().iter().filter(|deed| deed.id.is_some() && deed.held).count();
        (faults == 2 && run.acknowledged() > 40).then_some(())
    });
    running
}
