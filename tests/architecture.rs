//! The house rules that a compiler does not check: who may depend on whom, and what a source file
//! may look like. ARCHITECTURE.md gives the reasons; this test keeps it true.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const CRATES: [&str; 5] = ["checker", "verifier", "workloads", "nemesis", "sandbox"];

/// Lines of a source file before its tests.
const LINES_MAX: usize = 600;

#[test]
fn crates_depend_on_each_other_only_as_drawn() {
    assert_eq!(edges(""), set(&CRATES), "the root package wires all crates together");
    assert_eq!(edges("verifier"), set(&[]), "whoever checks a proof shares nothing with anybody");
    assert_eq!(edges("checker"), set(&["verifier"]), "verdicts depend on nothing that runs");
    let checker = names(&manifest("checker"), "dependencies");
    assert!(!checker.contains(&"verifier".to_owned()), "only its tests have proofs checked");
    assert_eq!(edges("workloads"), set(&["checker"]), "workloads know operations, nothing else");
    assert_eq!(edges("nemesis"), set(&[]), "faults know nothing of histories");
    assert_eq!(edges("sandbox"), set(&[]), "a system under test knows nothing of its tester");
}

#[test]
fn the_checker_neither_waits_nor_talks() {
    let manifest = manifest("checker");
    for section in ["dependencies", "build-dependencies"] {
        for name in names(&manifest, section) {
            assert!(
                !["tokio", "reqwest", "axum", "tracing", "async-trait"].contains(&name.as_str()),
                "checker must stay pure and synchronous, but depends on {name}"
            );
        }
    }
}

#[test]
fn no_source_file_is_too_long_to_read() {
    for (path, text) in sources().into_iter().filter(|(path, _)| !is_test(path)) {
        let lines = text.lines().take_while(|line| line.trim() != "mod tests {").count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines", path.display());
    }
}

#[test]
fn nothing_is_left_for_later_or_switched_off() {
    // Spelled apart, so that this file does not accuse itself.
    let banned = [
        concat!("#[", "ignore"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("(being", " written)"),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
    ];
    for (path, text) in sources() {
        for word in banned {
            assert!(!text.contains(word), "{} contains `{word}`", path.display());
        }
    }
}

#[test]
fn only_the_console_prints() {
    for (path, text) in sources() {
        let in_binary = path.starts_with(root().join("src"));
        let exempt = !in_binary || path.ends_with("src/console.rs");
        for macro_name in ["println!(", "eprintln!(", "print!(", "eprint!("] {
            assert!(exempt || !text.contains(macro_name), "{} prints", path.display());
        }
    }
}

#[test]
fn every_module_says_what_it_is() {
    for (path, text) in sources().into_iter().filter(|(path, _)| !is_test(path)) {
        assert!(text.starts_with("//!"), "{} starts without an essay", path.display());
    }
}

#[test]
fn what_needs_linux_is_told_in_few_places() {
    let told = [
        "nemesis/src/lib.rs",
        "src/cli.rs",
        "src/commands/mod.rs",
        "src/lib.rs",
        "src/memory.rs",
        "src/suite/mod.rs",
        "src/suite/night.rs",
    ];
    let word = concat!("target", "_os");
    let found: BTreeSet<PathBuf> = sources()
        .into_iter()
        .filter(|(_, text)| text.contains(word))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(found, told.iter().map(|path| root().join(path)).collect());
}

#[test]
fn no_module_is_a_grab_bag() {
    for (path, _) in sources() {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        assert!(!["util", "utils", "common", "helpers", "misc"].contains(&stem), "{stem}");
    }
}

/// Whether a file holds nothing but tests.
fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// The manifest of a member, or of the root package for the empty name.
fn manifest(member: &str) -> toml::Table {
    let path = root().join(member).join("Cargo.toml");
    let text = fs::read_to_string(&path).expect("every member has a manifest");
    text.parse().expect("cargo has read it before us")
}

fn names(manifest: &toml::Table, section: &str) -> Vec<String> {
    let table = manifest.get(section).and_then(toml::Value::as_table);
    table.map(|table| table.keys().cloned().collect()).unwrap_or_default()
}

/// The crates of the workspace that a member depends on, tests included, on whatever system.
fn edges(member: &str) -> BTreeSet<String> {
    let manifest = manifest(member);
    let targets = manifest.get("target").and_then(toml::Value::as_table).into_iter().flatten();
    let of_targets = targets.filter_map(|(_, table)| table.as_table());
    of_targets
        .chain([&manifest])
        .flat_map(|table| {
            ["dependencies", "dev-dependencies", "build-dependencies"]
                .map(|section| names(table, section))
        })
        .flatten()
        .filter(|name| CRATES.contains(&name.as_str()))
        .collect()
}

/// All Rust sources of the project with their text.
fn sources() -> Vec<(PathBuf, String)> {
    let folders = ["src", "tests", "benches"].map(|folder| root().join(folder));
    let members = CRATES.map(|member| root().join(member));
    let mut found = Vec::new();
    for folder in folders.iter().chain(&members) {
        collect(folder, &mut found);
    }
    assert!(found.len() > 10, "the sources are where this test looks for them");
    found
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.expect("a readable folder").path()) {
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file is text");
            found.push((path, text));
        }
    }
}
