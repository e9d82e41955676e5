//! The tool's own exam: every file under `histories/` has its verdict in its name.

use std::fs;
use std::path::{Path, PathBuf};

use checker::checks::{CheckOptions, CheckerSpec, SetReads};
use checker::history::read_path;
use checker::model::{ModelName, ModelOptions};
use checker::{Budget, Validity, Value, Verdict, check, infer_spec};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../histories")
}

fn judge(path: &str) -> Verdict {
    let history = read_path(&folder().join(path), None).expect("a readable history");
    let (folder, _) = path.split_once('/').expect("a folder and a file");
    let inferred = infer_spec(&history);
    // The folder names the model, as `--model` does; a compare-and-set register is a register, too.
    let spec = match ModelName::find(folder) {
        Some(model) if model != ModelName::Register => {
            let options = ModelOptions { init: init(path), ..ModelOptions::default() };
            CheckerSpec::Linearizable { model, options }
        }
        _ => inferred,
    };
    let options = CheckOptions { spec, ..CheckOptions::default() };
    check(&history, &options, &Budget::unlimited())
}

/// What the comment at the beginning of a history gives as `--init`.
fn init(path: &str) -> Option<Value> {
    let text = fs::read_to_string(folder().join(path)).expect("a readable file");
    let (_, init) = text.lines().next()?.split_once(" --init {")?;
    checker::edn::parse(format!("{{{init}").as_bytes()).ok()
}

fn all() -> Vec<String> {
    let mut paths = Vec::new();
    let models = ModelName::ALL.iter().map(|model| model.name());
    for workload in models.chain(["set"]) {
        for file in fs::read_dir(folder().join(workload)).expect("a folder") {
            let name = file.expect("an entry").file_name();
            paths.push(format!("{workload}/{}", name.to_string_lossy()));
        }
    }
    paths.sort();
    paths
}

#[test]
fn every_history_gets_the_verdict_in_its_name() {
    let paths = all();
    assert!(paths.len() > 15, "only {} histories", paths.len());
    for path in paths {
        let (_, file) = path.split_once('/').expect("a folder and a file");
        let verdict = judge(&path);
        assert!(
            file.starts_with(verdict.validity.word()),
            "{path} is {}: {}",
            verdict.validity.word(),
            verdict.summary
        );
        let text = fs::read_to_string(folder().join(&path)).expect("a readable file");
        assert!(text.starts_with("; "), "{path} does not say what it shows");
    }
}

#[test]
fn every_history_is_listed_in_the_readme() {
    let readme = fs::read_to_string(folder().join("README.md")).expect("a readme");
    for path in all() {
        assert!(readme.contains(&format!("`{path}`")), "{path} is not in histories/README.md");
    }
}

#[test]
fn violations_are_told_in_one_sentence_with_processes_values_and_times() {
    let sentence = |path: &str| judge(path).summary;
    assert_eq!(
        sentence("cas-register/invalid-stale-key.edn"),
        "stale read: process 7 read 3 from key 12 at 12.031-12.044 s, but 3 had been overwritten by 4 \
         (process 2, acknowledged at 12.020 s)"
    );
    assert_eq!(
        sentence("register/invalid-phantom-read.edn"),
        "phantom read: process 1 read 9 at 0.002-0.003 s, but nobody ever wrote 9"
    );
    assert_eq!(
        sentence("register/invalid-fail-that-happened.edn"),
        "phantom read: process 1 read 2 at 0.004-0.005 s, but 2 had only been written by an operation that \
         reported failure (process 0, reported as failed at 0.003 s): this :fail was observed: \
         it should have been :info"
    );
    assert_eq!(
        sentence("cas-register/invalid-lost-update.edn"),
        "lost update: process 1 replaced 1 by 3 at 0.003-0.005 s, but 1 was there only once and was also \
         replaced by 2 (process 0, acknowledged at 0.004 s)"
    );
    assert_eq!(
        sentence("set/invalid-lost.edn"),
        "lost: process 0 read the set at 0.004-0.005 s and missed 2, which had been added (process 1, \
         acknowledged at 0.003 s); no later read has it"
    );
}

#[test]
fn what_a_procedure_finds_is_told_with_the_values_that_exclude_each_other() {
    let sentence = |path: &str| judge(path).summary;
    assert_eq!(
        sentence("fifo-queue/invalid-overtaken.edn"),
        "out of order: 2 was put in after 1, and was dequeued before the dequeue of 1 began: \
         enqueue 1 (process 0, acknowledged at 0.001 s), enqueue 2 (process 0, acknowledged at \
         0.003 s), dequeue -> 2 (process 1, acknowledged at 0.005 s) and dequeue -> 1 (process 1, \
         acknowledged at 0.007 s)"
    );
    assert_eq!(
        sentence("fifo-queue/invalid-false-empty.edn"),
        "false empty: the queue was found empty, but 1 and 2 were in it, one after another, \
         all the time"
    );
    assert_eq!(
        sentence("unordered-queue/invalid-phantom.edn"),
        "phantom item: 2 was dequeued, but no enqueue can have put it there: dequeue -> 2 \
         (process 1, acknowledged at 0.003 s)"
    );
    assert_eq!(
        sentence("owner-mutex/invalid-held-twice.edn"),
        "held twice: process 1 acquired the lock at 0.002-0.003 s, while process 0, which had \
         acquired it at 0.000-0.001 s, released it only at 0.004-0.005 s"
    );
}

#[test]
fn what_the_search_proves_is_told_with_what_was_there_instead() {
    let sentence = |path: &str| judge(path).summary;
    assert_eq!(
        sentence("mutex/invalid-held-twice.edn"),
        "held twice: process 1 acquired the lock at 0.002-0.003 s, while process 0 had acquired \
         it at 0.000-0.001 s and nobody can have released it since"
    );
    assert_eq!(
        sentence("counter/invalid-lost-inc.edn"),
        "lost addition: the counter was at 1, but what had been added before makes it 2: inc \
         (process 1, acknowledged at 0.003 s) and read -> 1 (process 0, acknowledged at 0.005 s)"
    );
    assert_eq!(
        sentence("bank/invalid-overdrawn.edn"),
        "not linearizable: process 1 moved 8 from account 0 to account 1 at 0.001-0.003 s, but account 0 holds 2, in every \
         order of the operations until then; enough to exclude it: transfer {:from 0, :to 1, \
         :amount 8} (process 0, acknowledged at 0.002 s)"
    );
}

#[test]
fn models_are_inferred_where_the_functions_tell() {
    for (path, model) in [
        ("register/valid-concurrent-read.edn", "linearizable cas-register"),
        ("fifo-queue/invalid-twice.edn", "linearizable fifo-queue"),
        ("stack/valid-nested.edn", "linearizable stack"),
        ("set/valid-recovered.edn", "set"),
        ("bank/invalid-overdrawn.edn", "linearizable bank"),
        ("multi-register/valid-crashed-txn.edn", "linearizable multi-register"),
    ] {
        let history = read_path(&folder().join(path), None).expect("a readable history");
        assert_eq!(infer_spec(&history).name(), model, "{path}");
    }
}

#[test]
fn kinds_of_anomalies_have_stable_names() {
    for (path, kind) in [
        ("register/invalid-stale-read.edn", "stale-read"),
        ("register/invalid-phantom-read.edn", "phantom-read"),
        ("register/invalid-fail-that-happened.edn", "phantom-read"),
        ("register/invalid-read-before-write.edn", "phantom-read"),
        ("register/invalid-back-and-forth.edn", "stale-read"),
        ("cas-register/invalid-lost-update.edn", "lost-update"),
        ("cas-register/invalid-crashed-cas-twice.edn", "stale-read"),
        ("set/invalid-lost.edn", "lost"),
        ("set/invalid-stale.edn", "stale"),
        ("set/invalid-flicker.edn", "lost"),
        ("set/invalid-unexpected.edn", "unexpected"),
    ] {
        assert_eq!(judge(path).anomalies[0].kind, kind, "{path}: {}", judge(path).summary);
    }
}

#[test]
fn results_name_failing_keys_and_say_valid_in_jepsens_words() {
    let results = judge("cas-register/invalid-stale-key.edn").to_value();
    assert_eq!(results.get("valid?"), Some(&Value::Bool(false)));
    assert_eq!(results.get("failures"), Some(&Value::Vector(vec![Value::Int(12)])));
    assert_eq!(results.get("unknown-keys"), Some(&Value::Vector(Vec::new())));
    let Some(Value::Map(keys)) = results.get("results") else { panic!("{results}") };
    assert_eq!(keys[1].0, Value::Int(13));
    assert_eq!(keys[1].1.get("valid?"), Some(&Value::Bool(true)));
    let unknown = judge("set/unknown-no-final-read.edn").to_value();
    assert_eq!(unknown.get("valid?"), Some(&Value::keyword("unknown")));
    assert_eq!(unknown.get("cause"), Some(&Value::keyword("missing")));
}

#[test]
fn stale_reads_are_no_violation_where_reads_are_eventual() {
    let judge = |file: &str| {
        let history = read_path(&folder().join("set").join(file), None).expect("readable");
        let spec = CheckerSpec::Set { reads: SetReads::Eventual };
        let options = CheckOptions { spec, ..CheckOptions::default() };
        check(&history, &options, &Budget::unlimited()).validity
    };
    assert_eq!(judge("invalid-stale.edn"), Validity::Valid);
    assert_eq!(judge("invalid-lost.edn"), Validity::Invalid);
}

#[test]
fn a_history_that_could_not_have_shown_anything_is_called_vacuous() {
    assert!(judge("register/unknown-empty.edn").is_vacuous());
    assert!(judge("cas-register/invalid-lost-update.edn").is_vacuous());
    assert!(!judge("register/valid-concurrent-read.edn").is_vacuous());
    assert!(!judge("set/valid-recovered.edn").is_vacuous());
}
