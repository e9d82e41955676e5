//! Every history of the corpus of foreign histories can be read, written and read again.
//!
//! The corpus lies beside the project (`$ORDEAL_CORPUS`, or else `../shared/corpus`); where it is
//! absent these tests say so and pass.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use checker::History;
use checker::history::{Format, Independent, read, read_path, split, write_edn, write_jsonl};

fn corpus(folder: &str) -> Vec<PathBuf> {
    let root = std::env::var_os("ORDEAL_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"),
        PathBuf::from,
    );
    let Ok(entries) = std::fs::read_dir(root.join(folder)) else {
        // Straight to the descriptor: the test harness hides what passing tests print.
        let message = format!("SKIPPED: no corpus at {}\n", root.join(folder).display());
        std::io::stderr().write_all(message.as_bytes()).expect("stderr takes it");
        return Vec::new();
    };
    let is_history = |path: &PathBuf| path.extension().is_some_and(|end| end != "tsv");
    let mut paths: Vec<_> =
        entries.map(|entry| entry.expect("a readable folder").path()).filter(is_history).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{folder} is empty");
    paths
}

fn load(path: &Path) -> History {
    read_path(path, None).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn written(history: &History, format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    for op in history.ops().iter() {
        match format {
            Format::Edn => write_edn(op, &mut out),
            _ => write_jsonl(op, &mut out),
        }
        .expect("memory takes it");
        out.push(b'\n');
    }
    out
}

#[test]
fn every_history_is_the_same_after_a_round_trip_through_every_format() {
    for folder in ["porcupine/jepsen", "porcupine/kv", "hard"] {
        for path in corpus(folder) {
            let history = load(&path);
            // One of the etcd runs never got to its load.
            let loaded = !path.ends_with("etcd_095.log");
            assert_eq!(!history.operations().is_empty(), loaded, "{}", path.display());
            for format in [Format::Edn, Format::Jsonl] {
                let again = read(written(&history, format).as_slice(), None).unwrap();
                assert!(again.ops() == history.ops(), "{} as {format:?}", path.display());
                assert_eq!(again.operations(), history.operations());
            }
        }
    }
}

#[test]
fn registers_are_not_split_and_key_entries_are() {
    for path in [corpus("porcupine/jepsen"), corpus("hard")].concat() {
        let history = load(&path);
        assert!(split(&history, Independent::Auto).unwrap().is_none(), "{}", path.display());
    }
    for path in corpus("porcupine/kv") {
        let history = load(&path);
        let keys = split(&history, Independent::Auto).unwrap().expect("every operation has a :key");
        assert!(keys.len() <= 10, "{}", path.display());
        let operations: usize = keys.iter().map(|key| key.len()).sum();
        assert_eq!(operations, history.operations().len());
    }
}
