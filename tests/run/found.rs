//! A store with a bug: found by its directed scenario, and the first sentence says what is wrong.

use serde_json::Value as Json;

use crate::place::Place;

#[test]
fn a_node_that_answers_from_its_own_state_is_found_and_called_stale() {
    assert_found("stale-read", "10s", "stale read: process");
}

#[test]
fn a_compare_and_set_in_two_steps_is_found_and_called_a_lost_update() {
    assert_found("split-cas", "6s", "lost update: process");
}

#[test]
fn whoever_asks_for_it_gets_the_load_ended_at_the_first_violation() {
    let place = Place::new();
    let mut said = String::new();
    for seed in 1..=3 {
        let options = format!(
            "--scenario scenarios/bugs/stale-read.toml --env local --time-limit 20s --seed {seed} \
             --stop-on-violation"
        );
        let done = place.test(&options);
        if done.code() == Some(0) {
            said = done.out;
            continue;
        }
        done.assert_code(1);
        let words: Vec<&str> = done.out.split_whitespace().collect();
        let sentence =
            "the rest of the load, which ended at the first violation (not linearizable:";
        assert!(words.join(" ").contains(sentence), "{done}");
        return;
    }
    panic!("stale-read was not found in three runs; the last one said:\n{said}");
}

/// Within three seeds, as timing has its part in it; each seed is a run of its own.
fn assert_found(bug: &str, time_limit: &str, sentence: &str) {
    let place = Place::new();
    let mut said = String::new();
    for seed in 1..=3 {
        let options = format!(
            "--scenario scenarios/bugs/{bug}.toml --env local --time-limit {time_limit} --seed {seed}"
        );
        let done = place.test(&options);
        if done.code() == Some(0) {
            said = done.out;
            continue;
        }
        done.assert_code(1);
        assert!(done.out.starts_with("INVALID"), "{done}");
        let run = place.latest();
        let results = run.json("results.json");
        assert_eq!(results["valid?"], false);
        // Many keys may fail at once, each with a sentence; the first one is the headline.
        let failed = results["failures"].as_array().expect("the keys that failed").iter();
        let sentences: Vec<&Json> =
            failed.map(|key| &results["results"][key.to_string()]["summary"]).collect();
        let said = |it: &&&Json| it.as_str().is_some_and(|it| it.starts_with(sentence));
        assert!(sentences.iter().any(|it| said(&it)), "{sentences:#?}");
        let first = sentences[0].as_str().expect("a sentence");
        assert!(results["summary"].as_str().is_some_and(|it| it.contains(first)), "{results:#}");
        let history = run.path("history.edn").display().to_string();
        place.checker(&["analyze", &history]).assert_code(1);
        return;
    }
    panic!("{bug} was not found in three runs; the last one said:\n{said}");
}
