//! Whatever bytes there are where a scenario, a suite, a policy or the description of a system
//! should be: reading them never panics, and an error says in which file, where in it, and what
//! would be right there.

use std::path::Path;

use ordeal::gate::Policy;
use ordeal::scenario::Scenario;
use ordeal::suite::Suite;
use ordeal::systems::described::Described;
use proptest::prelude::*;

/// A reader, files that it reads, and what comes of a file: an error as people see it.
struct Reader {
    name: &'static str,
    seeds: &'static [&'static str],
    read: fn(&Path) -> Result<(), String>,
}

const READERS: [Reader; 4] = [
    Reader {
        name: "scenario",
        seeds: &["scenarios/set.toml", "scenarios/nightly.toml", "scenarios/bugs/stale-read.toml"],
        read: |path| {
            let scenario = Scenario::read(path).map_err(|error| format!("{error:#}"))?;
            // What it asks for may be impossible, and is refused without a place: flags ask, too.
            drop(scenario.validate());
            scenario.store_name();
            Ok(())
        },
    },
    Reader {
        name: "suite",
        seeds: &["scenarios/suites/sandbox.toml", "scenarios/suites/nightly.toml"],
        read: |path| {
            let suite = Suite::read(path).map_err(|error| format!("{error:#}"))?;
            drop(suite.cells(1));
            Ok(())
        },
    },
    Reader {
        name: "policy",
        seeds: &["src/gate/policy.toml"],
        read: |path| Policy::read(path).map(drop).map_err(|error| format!("{error:#}")),
    },
    Reader {
        name: "description",
        seeds: &["scenarios/systems/etcd.toml", "scenarios/systems/sandbox.toml"],
        read: |path| Described::read(path).map(drop).map_err(|error| format!("{error:#}")),
    },
];

/// What is done to the bytes of a file, at places that are taken modulo its length.
#[derive(Clone, Debug)]
enum Damage {
    Change(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    /// A line goes, and comes again elsewhere.
    MoveLine(usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let words = prop::sample::select(&[
        "\"",
        "[",
        "]",
        "[[",
        "=",
        "\n",
        "0",
        "-1",
        "99999999999999999999",
        "nan",
        "1e999",
        "{",
        "}",
        "''",
        "true",
        "\u{0}",
        "é",
        "#",
        "\n[system]\n",
        "${",
        "}}",
        "'(?'",
        "\n[[matrix]]\n",
        "1d",
        "0s",
        "18446744073709551615s",
        "18446744073709551615",
    ]);
    let bytes = prop_oneof![
        words.prop_map(|word| word.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 1..4),
    ];
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Damage::Change(at, byte)),
        (any::<usize>(), bytes).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (any::<usize>(), 1..40_usize).prop_map(|(at, count)| Damage::Remove(at, count)),
        (any::<usize>(), any::<usize>()).prop_map(|(from, to)| Damage::MoveLine(from, to)),
    ]
}

fn damaged(mut text: Vec<u8>, all: &[Damage]) -> Vec<u8> {
    for one in all {
        let length = text.len().max(1);
        match one {
            Damage::Change(at, byte) => {
                if let Some(place) = text.get_mut(at % length) {
                    *place = *byte;
                }
            }
            Damage::Insert(at, bytes) => {
                let at = (at % length).min(text.len());
                text.splice(at..at, bytes.iter().copied());
            }
            Damage::Remove(at, count) => {
                let at = (at % length).min(text.len());
                text.drain(at..(at + count).min(text.len()));
            }
            Damage::MoveLine(from, to) => {
                let mut lines: Vec<Vec<u8>> =
                    text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                let line = lines.remove(from % lines.len());
                lines.insert(to % (lines.len() + 1), line);
                text = lines.join(&b'\n');
            }
        }
    }
    text
}

/// Reads the bytes; what is said of them must be of use.
fn read(reader: &Reader, bytes: &[u8]) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("read.toml");
    std::fs::write(&path, bytes).expect("it can be written");
    let Err(told) = (reader.read)(&path) else { return Ok(()) };
    let says_file = told.contains(&path.display().to_string()) && told.contains(reader.name);
    prop_assert!(says_file, "no file: {told}");
    // A position, a table, or that it is no text at all.
    let places = ["line ", "[", "UTF-8", "waive", "missing field"];
    prop_assert!(places.iter().any(|place| told.contains(place)), "no place: {told}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_are_read_or_refused_with_their_place(
        seed in any::<prop::sample::Index>(),
        damages in prop::collection::vec(damage(), 1..6),
    ) {
        for reader in &READERS {
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read(root.join(seed.get(reader.seeds))).expect("it is ours");
            read(reader, &damaged(text, &damages))?;
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused_with_their_place(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        text in "\\PC{0,200}",
    ) {
        for reader in &READERS {
            read(reader, &bytes)?;
            read(reader, text.as_bytes())?;
        }
    }
}

#[test]
fn our_own_files_are_read_and_usual_mistakes_are_told_with_their_cure() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for reader in &READERS {
        for seed in reader.seeds {
            (reader.read)(&root.join(seed)).unwrap_or_else(|told| panic!("{seed}: {told}"));
        }
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("wrong.toml");
        for (wrong, cure) in [("no-such-entry = 1\n", "expected"), ("= 1\n", "line 1")] {
            std::fs::write(&path, wrong).expect("it can be written");
            let told = (reader.read)(&path).expect_err("it is wrong");
            assert!(told.contains(cure), "{} of {wrong:?}: {told}", reader.name);
        }
    }
}
