//! Systems that are described in TOML give the same verdicts as those that are built in.

use std::path::PathBuf;

use crate::etcd;
use crate::place::{Place, skipped_without_netns};

#[test]
fn the_described_sandbox_is_valid() {
    let place = Place::new();
    let done =
        place.test("--system scenarios/systems/sandbox.toml --env local --time-limit 6s --seed 3");
    done.assert_code(0);
    let run = place.latest();
    run.assert_valid_and_not_vacuous();
    run.assert_faults_are_proved();
    assert!(run.text("system.toml").contains("sandbox-described"), "the description is kept");
    place.assert_nothing_lives();
}

#[test]
fn a_bug_of_the_described_sandbox_is_found() {
    assert_found(
        "--system scenarios/systems/sandbox.toml --bug stale-read --env local --nemesis partition",
    );
}

#[test]
fn described_etcd_is_valid_under_partitions_and_kills() {
    if skipped("described_etcd_is_valid_under_partitions_and_kills") {
        return;
    }
    etcd::assert_valid(
        "--system scenarios/systems/etcd.toml --env netns --nodes 3 --nemesis partition,kill \
         --time-limit 8s --seed 1",
    );
}

#[test]
fn serializable_reads_of_described_etcd_are_found_stale() {
    if skipped("serializable_reads_of_described_etcd_are_found_stale") {
        return;
    }
    assert_found(
        "--system scenarios/systems/etcd.toml --bug serializable-reads --env netns --nodes 3 \
         --nemesis partition",
    );
}

#[test]
fn the_example_of_the_documentation_runs() {
    let place = Place::new();
    let documentation = include_str!("../../docs/systems.md");
    let (_, rest) = documentation.split_once("```toml\n").expect("the example begins");
    let (example, _) = rest.split_once("```").expect("the example ends");
    let file = place.file("mine.toml", example);
    let done = place.test(&format!("--system {file} --env local --time-limit 5s --seed 2"));
    done.assert_code(0);
    place.latest().assert_valid_and_not_vacuous();
    assert!(place.path("store/mine-register/latest").exists(), "named after the file");
    place.assert_nothing_lives();
}

#[test]
fn clients_in_python_give_the_same_verdicts() {
    if find("python3").is_none() {
        return say_skipped("clients_in_python_give_the_same_verdicts", "no python3 here");
    }
    let place = Place::new();
    // Few interpreters: a busy machine takes seconds to start one, and each `info` costs one.
    let system =
        "--system examples/client/sandbox.toml --env local --nodes 3 --concurrency 1n --rate 50";
    let done =
        place.test(&format!("{system} --nemesis kill --targets one --time-limit 8s --seed 1"));
    done.assert_code(0);
    place.latest().assert_valid_and_not_vacuous();
    assert_found(&format!("{system} --bug stale-read --nemesis partition"));
    place.assert_nothing_lives();
}

#[test]
fn a_description_with_a_mistake_is_refused_before_anything_starts() {
    let place = Place::new();
    let file = place.file("mine.toml", "[system]\nname = 'mine'\nabout = 'x'\nlifetime = '1s'\n");
    let done = place.test(&format!("--system {file}"));
    done.assert_code(254);
    assert!(done.err.contains("mine.toml") && done.err.contains("line 4"), "{done}");
    assert!(done.err.contains("request-lifetime"), "{done}");
    assert!(!place.path("store").exists(), "nothing was started");
    let doctor = place.checker(&["doctor", "--system", &file]);
    doctor.assert_code(255);
    doctor.assert_says("mine.toml");
    let sound = place.checker(&["doctor", "--system", "scenarios/systems/sandbox.toml"]);
    assert!(sound.out.contains("sandbox-described"), "{sound}");
}

/// Within three seeds, as timing has its part in it.
fn assert_found(options: &str) {
    let place = Place::new();
    let mut said = String::new();
    for seed in 1..=3 {
        let done = place.test(&format!("{options} --time-limit 8s --seed {seed}"));
        if done.code() == Some(1) {
            // Where the first of the violations is another anomaly, a later one is a stale read.
            let said = done.out.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(said.contains("stale read: process"), "{done}");
            return;
        }
        done.assert_code(0);
        said = done.out;
    }
    panic!("not found in three runs; the last one said:\n{said}");
}

fn skipped(test: &str) -> bool {
    let is_here = find("etcd").is_some();
    if !is_here {
        say_skipped(test, "no etcd here (Debian: apt-get install etcd-server)");
    }
    !is_here || skipped_without_netns(test)
}

fn find(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|file| file.is_file())
}

#[expect(clippy::print_stdout, reason = "a test that was skipped says so")]
fn say_skipped(test: &str, reason: &str) {
    println!("skipped: {test}: {reason}");
}
