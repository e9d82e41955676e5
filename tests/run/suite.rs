//! `checker suite`: however often it is interrupted, a night comes to the same table, and no cell is
//! run twice to its end.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value as Json;

use crate::place::{Done, Place, Running, wait_for};

/// One node and no faults, so that each has one possible verdict: the table must not depend on how
/// busy the machine is.
const THREE_CELLS: &str = "\
name = 'three'
[set]
env = 'local'
nodes = 1
time-limit = '1s'
[[matrix]]
workload = ['register', 'set']
nemesis = ['none']
seeds = [1]
[[matrix]]
workload = ['register']
nemesis = ['none']
seeds = [2]
";

#[test]
fn interrupted_three_times_a_suite_comes_to_the_same_table_and_runs_no_cell_twice_to_its_end() {
    let place = Place::new();
    let file = place.file("three.toml", THREE_CELLS);
    let undisturbed = start(&place, &file, "undisturbed");

    let running = start_and_wait_for_cell(&place, &file, 1);
    running.signal(Signal::INT);
    let done = running.finish();
    done.assert_code(2);
    done.assert_says("interrupted: the same command goes on");

    let mut running = start_and_wait_for_cell(&place, &file, 2);
    running.child().kill().expect("it is ours");
    drop(running);
    // The run that it had under way is told by the kernel to stop, and may be past its load: what goes
    // on before that run has ended finds no record yet and runs the cell once more, to its end.
    crate::processes::wait_until_none(&store(&place, "disturbed"), Duration::from_secs(60))
        .unwrap_or_else(|alive| panic!("still alive: {}", crate::kill9::named(&alive)));

    let running = start_and_wait_for_cell(&place, &file, 3);
    running.signal(Signal::TERM);
    running.finish();

    let done = place.checker(&["suite", &file, "--store", &store(&place, "disturbed")]);
    done.assert_says("going on with an interrupted night");
    let undisturbed = undisturbed.finish();
    assert_eq!(verdicts(&done), verdicts(&undisturbed), "{done}\n{undisturbed}");
    assert_eq!(verdicts(&done).len(), 3, "{done}");
    assert_eq!(done.code(), undisturbed.code());

    let night = night(&place);
    assert_eq!(ids(&night.join("runs.jsonl")).len(), 3);
    assert_eq!(ids(&night.join("runs.jsonl")), ids(&place.path("disturbed/runs.jsonl")));
    for cell in cells(&night) {
        let whole = summaries(&cell).into_iter().filter(|one| one["interrupted"] == false);
        assert_eq!(whole.count(), 1, "{}", cell.display());
    }
    // A night that has ended is not gone on with.
    let nights = fs::read_dir(place.path("disturbed/three")).expect("the suite's folder");
    assert_eq!(nights.filter(|one| is_night(&one.as_ref().expect("a folder").path())).count(), 1);
    place.assert_nothing_lives();
}

#[test]
fn a_cell_whose_tester_fails_is_tried_again_as_often_as_the_suite_says() {
    let place = Place::new();
    let file = place.file(
        "slow.toml",
        "cell-limit = '300ms'\nretries = 1\n[set]\nenv = 'local'\nnodes = 1\n\
         time-limit = '60s'\n[[matrix]]\nnemesis = ['none']\nseeds = [1]\n",
    );
    let done = place.checker(&["suite", &file, "--store", &store(&place, "store")]);
    done.assert_code(255);
    done.assert_says("it was ended after 0 s");
    let runs = fs::read_to_string(place.path("store/runs.jsonl")).expect("both are on record");
    assert_eq!(runs.lines().count(), 2);
    place.assert_nothing_lives();
}

#[test]
fn a_run_is_repeated_with_its_seed_and_faults_and_only_counted() {
    let place = Place::new();
    let load = "--env local --nodes 3 --bug stale-read --rate 1000 --time-limit 2s --nemesis none";
    // Whether it shows in so short a run depends on the machine; it is repeated either way.
    drop(place.test(&format!("{load} --seed 5")));
    let run = place.path("store/latest").display().to_string();
    let done = place.checker(&["rerun", &run, "--times", "2", "--store", &store(&place, "store")]);
    done.assert_says("of 2");
    done.assert_says("the timing of a live cluster never is");
    let again = fs::canonicalize(place.path("store/rerun-sandbox-stale-read-register/latest"));
    let again = again.expect("a night of repetitions");
    let manifests: Vec<Json> = (cells(&again).iter().flat_map(|cell| folders(cell)))
        .map(|run| fs::read(run.join("manifest.json")).expect("a manifest"))
        .map(|bytes| serde_json::from_slice(&bytes).expect("JSON"))
        .collect();
    assert_eq!(manifests.len(), 2);
    for manifest in &manifests {
        assert_eq!(manifest["seed"], 5);
        assert_eq!(manifest["scenario"]["bug"], "stale-read");
        let command = manifest["command"].as_str().expect("a command");
        assert!(command.contains("--schedule") && command.contains("--env local"), "{command}");
    }
    // Repetitions are no evidence about a release.
    assert_eq!(ids(&place.path("store/runs.jsonl")).len(), 1);
}

#[test]
fn a_suite_that_cannot_be_meant_is_refused_before_anything_runs() {
    let place = Place::new();
    let file = place.file("wrong.toml", "[[matrix]]\nsystem = ['oracle']\n");
    let done = place.checker(&["suite", &file, "--store", &store(&place, "store")]);
    done.assert_code(254);
    done.assert_says("no system \"oracle\"");
    assert!(!place.path("store").exists());
}

fn store(place: &Place, name: &str) -> String {
    place.path(name).display().to_string()
}

fn start(place: &Place, file: &str, name: &str) -> Running {
    place.start_checker(&["suite", file, "--store", &store(place, name)])
}

/// A session of the disturbed night whose cell of this number has been asked to do something.
fn start_and_wait_for_cell(place: &Place, file: &str, number: usize) -> Running {
    let running = start(place, file, "disturbed");
    let known = running_cells(place).len();
    wait_for("the cell is under way", Duration::from_secs(60), || {
        let cells = running_cells(place);
        (cells.len() > known && ended(place) + 1 == number).then_some(())
    });
    running
}

/// The journals of all runs so far.
fn running_cells(place: &Place) -> Vec<PathBuf> {
    let Some(night) = latest(place) else { return Vec::new() };
    let runs = cells(&night).into_iter().flat_map(|cell| folders(&cell));
    let begun = |run: &PathBuf| fs::metadata(run.join("history.jsonl")).is_ok_and(|m| m.len() > 0);
    runs.filter(begun).collect()
}

fn ended(place: &Place) -> usize {
    latest(place).map_or(0, |night| ids(&night.join("runs.jsonl")).len())
}

fn night(place: &Place) -> PathBuf {
    latest(place).expect("a night")
}

fn latest(place: &Place) -> Option<PathBuf> {
    fs::canonicalize(place.path("disturbed/three/latest")).ok()
}

fn is_night(path: &Path) -> bool {
    !path.is_symlink() && path.join("suite.json").exists()
}

fn cells(night: &Path) -> Vec<PathBuf> {
    folders(night)
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.is_dir() && !path.is_symlink()).collect()
}

fn summaries(cell: &Path) -> Vec<Json> {
    let read = |run: PathBuf| fs::read(run.join("summary.json")).ok();
    let bytes = folders(cell).into_iter().filter_map(read);
    bytes.map(|bytes| serde_json::from_slice(&bytes).expect("JSON")).collect()
}

fn ids(runs: &Path) -> Vec<String> {
    let text = fs::read_to_string(runs).unwrap_or_default();
    let record = |line: &str| serde_json::from_str::<Json>(line).expect("a record a line");
    text.lines().map(|line| record(line)["suite"]["cell"].to_string()).collect()
}

/// The lines of the table without its figures, which no two nights share.
fn verdicts(done: &Done) -> Vec<String> {
    let rows = done.out.lines().filter(|line| line.contains(" · seed "));
    let row = |line: &str| {
        let (cell, _) = line.split_once(" · seed ").expect("filtered");
        cell.trim().to_owned()
    };
    rows.filter(|line| line.starts_with("  ")).map(row).collect()
}
