//! A step that waits for the cluster (`after_ok`).

use crate::place::Place;

/// At 200 operations a second, longer than the load is planned to last.
const AFTER_OK: usize = 300;

#[test]
fn a_step_waits_for_acknowledgements_and_the_load_for_the_step() {
    let place = Place::new();
    let scenario = place.file(
        "waiting.toml",
        &format!(
            "time-limit = '1s'\nrate = 200.0\n[nemesis]\n\
             steps = [{{ at_ms = 500, after_ok = {AFTER_OK}, inject = {{ fault = 'pause', target = 'one' }} }}]\n"
        ),
    );
    let done = place.test(&format!("--env local --seed 5 --scenario {scenario}"));
    done.assert_code(0);
    let run = place.latest();
    run.assert_faults_are_proved();
    let events = run.events();
    let injected = events.iter().position(|event| event["process"] == "nemesis");
    let before = &events[..injected.expect("the step was played")];
    let acknowledged = before.iter().filter(|event| event["type"] == "ok").count();
    assert!(acknowledged >= AFTER_OK, "{acknowledged} acknowledged before the pause");
}
