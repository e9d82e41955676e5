use std::fs;
use std::path::Path;
use std::process::Output;

use crate::binary::{checker, command};

/// A run that nothing can be said against, as `checker test` leaves it.
fn put_run(store: &Path, name: &str, verdict: &str) {
    let ended = jiff::Timestamp::now();
    let run = store.join("by-hand").join(name);
    fs::create_dir_all(&run).expect("a folder");
    fs::write(run.join("manifest.json"), "{}").expect("a manifest");
    let record = serde_json::json!({
        "schema": "ordeal-run/1", "id": name, "folder": ".", "ended": ended.to_string(),
        "system": "etcd", "system-version": "3.5.1", "workload": "register", "planned": ["kill"],
        "verdict": verdict, "sentence": "as the test has it", "exit": 0,
        "operations": {"all": 900, "ok": 900}, "keys": {"all": 1},
        "acknowledged-writes": 300, "reads-of-written-values": 300, "load-ms": 60000,
        "faults": [{"fault": "kill", "injected": 2, "proved": 2, "operations": 90, "ok": 60, "leader": 1}],
    });
    fs::write(run.join("summary.json"), record.to_string()).expect("a summary");
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[test]
fn the_gate_says_it_on_every_channel() {
    let place = tempfile::tempdir().expect("a folder");
    let store = place.path().join("store");
    put_run(&store, "1", "valid");
    let run = |format: &str| {
        let output = command(&["gate", "--format", format, "--junit"])
            .arg(place.path().join("gate.xml"))
            .arg(&store)
            .env("GITHUB_STEP_SUMMARY", place.path().join("step.md"))
            .output();
        output.expect("the binary starts")
    };
    let good = run("text");
    assert_eq!(good.status.code(), Some(0), "{}", out(&good));
    assert!(out(&good).starts_with("SHIP  etcd 3.5.1"), "{}", out(&good));
    put_run(&store, "2", "invalid");
    let bad = run("json");
    assert_eq!(bad.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_str(&out(&bad)).expect("JSON");
    assert_eq!((&json["ship"], &json["exit"]), (&false.into(), &1.into()));
    let page = fs::read_to_string(place.path().join("step.md")).expect("the summary of the step");
    assert!(page.contains("✅ SHIP") && page.contains("⛔ DO NOT SHIP"), "{page}");
    let xml = fs::read_to_string(place.path().join("gate.xml")).expect("JUnit");
    assert!(xml.contains("tests=\"2\" failures=\"1\" errors=\"0\""), "{xml}");
}

#[test]
fn an_empty_store_does_not_ship_and_none_at_all_is_a_mistake() {
    let store = tempfile::tempdir().expect("a folder");
    let empty = checker(&["gate", store.path().to_str().expect("a plain path")]);
    assert_eq!(empty.code, 2, "{empty:?}");
    assert!(empty.out.contains("there is no run at all"), "{empty:?}");
    assert_eq!(checker(&["gate", "/nowhere/at/all"]).code, 254);
    assert_eq!(checker(&["gate"]).code, 254);
}

#[test]
fn the_printed_policy_can_be_used_as_it_is() {
    let place = tempfile::tempdir().expect("a folder");
    let printed = checker(&["gate", "--print-policy"]);
    assert_eq!(printed.code, 0, "{printed:?}");
    let file = place.path().join("gate.toml");
    fs::write(&file, printed.out).expect("the policy");
    put_run(place.path(), "1", "valid");
    let run = |file: &Path| {
        let output = command(&["gate", "--policy"]).arg(file).arg(place.path()).output();
        output.expect("the binary starts").status.code()
    };
    assert_eq!(run(&file), Some(0));
    fs::write(&file, "[safety]\nunknown-run = 1\n").expect("a policy with a mistake");
    assert_eq!(run(&file), Some(254));
}
