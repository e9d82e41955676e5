//! The pages of nights that never were: what they say, and that a hostile value stays text.

use std::fs;
use std::path::Path;

use super::*;
use crate::store::{Coverage, InSuite, Keys, Latency, RUN_SCHEMA, Tally, UnderFault, Violation};
use crate::suite::{Cell, Plan};

const HOSTILE: &str = "</title><img src=x onerror=alert(1)>'\"{{body}}";

fn cell(id: &str) -> Cell {
    Cell {
        id: id.into(),
        system: "etcd".into(),
        bug: None,
        workload: "register".into(),
        nemesis: id.into(),
        seed: 7,
        scenario: String::new(),
        env: None,
        args: Vec::new(),
    }
}

fn record(night: &str, cell: &str, verdict: Outcome, sentence: &str) -> Record {
    let violations = match verdict {
        Outcome::Invalid => vec![Violation {
            fingerprint: Some("f1".into()),
            kind: "stale-read".into(),
            sentence: sentence.into(),
            count: 1,
        }],
        _ => Vec::new(),
    };
    Record {
        schema: RUN_SCHEMA.into(),
        id: format!("{night}/{cell}/1"),
        folder: format!("{cell}/20261121T020000.000Z"),
        suite: Some(InSuite {
            name: "nightly".into(),
            night: night.into(),
            cell: cell.into(),
            attempt: 1,
            cells: 4,
        }),
        started: "2026-11-21T02:00:00Z".into(),
        ended: "2026-11-21T02:01:00Z".into(),
        system: "etcd".into(),
        system_version: "3.5.1".into(),
        workload: "register".into(),
        seed: 7,
        verdict,
        sentence: sentence.into(),
        operations: Tally { all: 12_000, ok: 11_000, fail: 600, info: 400 },
        keys: Keys { all: 9, ..Keys::default() },
        acknowledged_writes: 4_000,
        reads_of_written_values: 6_000,
        latency: Latency { p50_ms: 1.5, p95_ms: 9.0, p99_ms: 31.0, max_ms: 900.0 },
        faults: vec![UnderFault {
            fault: "kill".into(),
            proved: 3,
            operations: 700,
            ..UnderFault::default()
        }],
        coverage: vec![Coverage {
            fault: "kill".into(),
            node: "n1".into(),
            times: 3,
            operations: 700,
        }],
        violations,
        again: "checker test --seed 7".into(),
        rejudge: "checker analyze h.edn".into(),
        ..Record::default()
    }
}

/// A store with one night: a violation with a picture, the same one again, a valid cell, and one
/// that was not run.
fn store(sentence: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let store = tempfile::tempdir().unwrap();
    let name = "nightly/20261121T020000.000Z";
    let night = store.path().join(name);
    fs::create_dir_all(&night).unwrap();
    let plan = Plan {
        schema: "ordeal-suite/1".into(),
        name: "nightly".into(),
        about: Some(sentence.into()),
        ordeal: "0.1.0".into(),
        started: "2026-11-21T02:00:00Z".into(),
        seed: 7,
        command: "checker suite nightly.toml".into(),
        retries: 1,
        repeats: None,
        ended: None,
        cells: ["kill", "pause", "none", "partition"].map(cell).into(),
    };
    fs::write(night.join("suite.json"), serde_json::to_string(&plan).unwrap()).unwrap();
    for (cell, verdict) in
        [("none", Outcome::Valid), ("kill", Outcome::Invalid), ("pause", Outcome::Invalid)]
    {
        let record = record(name, cell, verdict, sentence);
        let run = night.join(&record.folder);
        fs::create_dir_all(&run).unwrap();
        fs::write(run.join("report.html"), "").unwrap();
        if cell == "kill" {
            fs::write(run.join("violation.svg"), "<svg id=\"drawn\"></svg>\n").unwrap();
        }
        runs::append(&night, &record).unwrap();
        runs::append(store.path(), &record.seen_from(name)).unwrap();
    }
    let run = store.path().join("by-hand/20261120T020000.000Z");
    fs::create_dir_all(&run).unwrap();
    fs::write(run.join("manifest.json"), "{}").unwrap();
    let record = Record { suite: None, ..record("", "x", Outcome::Valid, sentence) };
    fs::write(run.join("summary.json"), serde_json::to_string(&record).unwrap()).unwrap();
    (store, night)
}

fn drawn(sentence: &str) -> [String; 3] {
    let (store, folder) = store(sentence);
    let night = Night::open(&folder).unwrap();
    let mut warnings = of_night(&night);
    warnings.extend(of_store(store.path()));
    assert_eq!(warnings, Vec::<String>::new());
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    [
        read(&folder.join("report.html")),
        read(&store.path().join("index.html")),
        read(&store.path().join("trend.html")),
    ]
}

#[test]
fn the_night_tells_the_worst_first_each_violation_once_and_what_was_not_run() {
    let [night, ..] = drawn("a stale read");
    assert!(night.contains(
        "Of 4 cells 2 show a violation, 1 was not run; 1 is valid (still under way, or cut short)"
    ));
    assert_eq!(night.matches("<article").count(), 1, "one fingerprint is one card");
    assert!(night.contains("The same also in <a href=\"./pause/"), "{night}");
    assert!(night.contains("id=\"drawn\""), "the picture is taken in");
    assert!(night.contains("checker test --seed 7") && night.contains("checker analyze h.edn"));
    assert!(night.contains("--times 10"));
    assert!(night.contains("<td class=\"n\">–</td>"), "what was not run has no figures: {night}");
    assert!(!night.contains("without any fault"), "the valid cell was to have none");
}

#[test]
fn a_cell_that_passed_without_the_fault_it_is_about_is_pointed_out() {
    let (_store, folder) = store("a stale read");
    let mut record = record("nightly/20261121T020000.000Z", "partition", Outcome::Valid, "");
    record.faults.clear();
    runs::append(&folder, &record).unwrap();
    assert_eq!(of_night(&Night::open(&folder).unwrap()), Vec::<String>::new());
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("2 are valid, 1 of them without any fault in force"), "{page}");
    assert!(page.contains("<span class=\"word\">none</span>"), "{page}");
}

#[test]
fn index_and_trend_link_to_what_is_there() {
    let [_, index, trend] = drawn("a stale read");
    assert!(index.contains("href=\"./nightly/20261121T020000.000Z/report.html\""), "{index}");
    assert!(index.contains("2 invalid, 1 valid, 1 not run"), "{index}");
    let run = "href=\"./nightly/20261121T020000.000Z/kill/20261121T020000.000Z/report.html\"";
    assert!(trend.contains(run), "{trend}");
    assert!(trend.contains("<code>f1</code>"), "{trend}");
}

#[test]
fn whatever_a_record_says_stays_text() {
    for page in drawn(HOSTILE) {
        assert!(!page.contains("<img") && page.contains("&lt;img"), "{page}");
        assert!(!page.contains("src=x onerror=alert(1)>"), "{page}");
    }
}

#[test]
fn numbers_have_their_thousands_apart() {
    assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
}
