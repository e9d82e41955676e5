//! The checker's readers beside the verifier's, which were written apart: what the one takes for a
//! history, the other must take for the same one. And readers of certificates and of compressed
//! files, held against bytes that nobody should send. `PROPTEST_CASES=100000` searches longer,
//! `PROPTEST_RNG_SEED=2` elsewhere.

#[path = "support/place.rs"]
mod place;
#[path = "support/strategies.rs"]
mod strategies;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use checker::certificate::{Style, Subject, write};
use checker::history::{Format, History, Outcome, read, write_edn, write_jsonl};
use checker::{Budget, CheckOptions, Kind, Op, Process, Value, check, edn, infer_spec};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use strategies::{nearly_history, op, value};
use verifier::{Reading, Refusal, sha256};

const FORMATS: [(Option<Format>, &str); 5] = [
    (None, "auto"),
    (Some(Format::Edn), "edn"),
    (Some(Format::Jsonl), "json"),
    (Some(Format::Json), "json"),
    (Some(Format::Log), "log"),
];

/// Whether the EDN of the one is the value of the other.
fn is_same(theirs: &str, ours: &Value) -> bool {
    edn::parse(theirs.as_bytes()).is_ok_and(|theirs| theirs.canonical() == ours.canonical())
}

/// Reads in both ways; whether it is a history. What the checker cannot read, nobody judges.
fn agree(bytes: &[u8], (format, notation): (Option<Format>, &str)) -> bool {
    let theirs = verifier::read(bytes, notation);
    let Ok(history) = read(bytes, format) else { return false };
    let theirs = match theirs {
        // The checker minds a key that is there twice only where it is spelled in the same way.
        Err(why) if why.to_string().contains("no key twice") => return false,
        theirs => theirs.unwrap_or_else(|why| panic!("{notation}: {why}")),
    };
    assert_eq!(theirs.len(), history.operations().len(), "{notation}");
    for (one, theirs) in history.operations().iter().zip(&theirs) {
        assert_same(&history, &one, theirs);
    }
    true
}

fn assert_same(history: &History, one: &checker::history::Operation, theirs: &Reading) {
    let invocation = history.invocation(one);
    let completion = history.completion(one);
    let outcome = match one.outcome {
        Outcome::Ok => "ok",
        Outcome::Fail => "fail",
        Outcome::Info => "info",
    };
    let (ours, told) = (
        (invocation.index, one.process, outcome, one.invoke, one.completion),
        (theirs.index, theirs.process, theirs.outcome, theirs.invoked, theirs.completed),
    );
    assert_eq!(ours, told);
    let same = |theirs: Option<&String>, ours: Option<&Value>, what: &str| {
        let fits = match (theirs, ours) {
            (Some(theirs), Some(ours)) => is_same(theirs, ours),
            (None, None) => true,
            _ => false,
        };
        assert!(fits, "op {}, {what}: {theirs:?}, but we read {ours:?}", invocation.index);
    };
    let is_key = |name: &Value| matches!(name, Value::Keyword(name) if **name == *"key");
    let key = invocation.extra.iter().find_map(|(name, key)| is_key(name).then_some(key));
    same(Some(&theirs.f), Some(invocation.f), "f");
    same(theirs.key.as_ref(), key, "key");
    same(Some(&theirs.argument), Some(invocation.value()), "argument");
    same(theirs.result.as_ref(), completion.as_ref().map(|event| event.value()), "result");
    same(theirs.error.as_ref(), completion.as_ref().and_then(|event| event.error), "error");
}

/// Random events, put in such an order of kinds that they are a history.
fn history() -> impl Strategy<Value = Vec<Op>> {
    let event = (op(), 0..3_u64, prop_oneof![3 => value(), 2 => (0..3_i64).prop_map(Value::Int)]);
    vec(event, 1..12).prop_map(|drafts| {
        let mut running: Vec<(u64, Option<Value>)> =
            (0..3).map(|process| (process, None)).collect();
        let mut events = Vec::new();
        for (index, (mut op, worker, value)) in drafts.into_iter().enumerate() {
            let (process, open) = &mut running[worker as usize];
            op.index = index as u64;
            op.value = value;
            op.extra.retain(|(name, _)| *name != Value::keyword("key"));
            op.process = Process::Client(*process);
            match open.take() {
                None => {
                    op.kind = Kind::Invoke;
                    *open = Some(op.f.clone());
                }
                Some(f) => {
                    op.f = f;
                    if op.kind == Kind::Invoke {
                        op.kind = Kind::Info;
                    }
                    if op.kind == Kind::Info {
                        *process += 3;
                    }
                }
            }
            events.push(op);
        }
        events
    })
}

fn lines(ops: &[Op], line: impl Fn(&Op, &mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    for op in ops {
        line(op, &mut bytes);
        bytes.push(b'\n');
    }
    bytes
}

/// A history in every notation.
fn spelled(ops: &[Op]) -> [(Vec<u8>, usize); 4] {
    let edn = lines(ops, |op, out| write_edn(op, out).expect("memory takes it"));
    let jsonl = lines(ops, |op, out| write_jsonl(op, out).expect("memory takes it"));
    let array = [b"[", &jsonl[..jsonl.len() - 1], b"]"].concat();
    let array = String::from_utf8(array).expect("text").replace("}\n{", "},\n{").into_bytes();
    let log = lines(ops, |op, out| {
        let Process::Client(process) = op.process else { unreachable!("clients only") };
        let kind = ["invoke", "ok", "fail", "info"][op.kind as usize];
        let error = op.error.as_ref().map(|error| format!("\t{error}")).unwrap_or_default();
        write!(out, "{process}\t:{kind}\t{}\t{}{error}", op.f, op.value).expect("memory takes it");
    });
    [(edn, 1), (jsonl, 2), (array, 3), (log, 4)]
}

/// A change to a text.
#[derive(Clone, Debug)]
enum Edit {
    Replace(u8),
    Insert(u8),
    Remove,
    Double(usize),
}

fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, Edit)>> {
    // A control character ends a word for the one reader and not for the other.
    let plain = |byte: u8| if byte.is_ascii_control() { b' ' } else { byte };
    let byte = || {
        prop_oneof![
            any::<u8>().prop_map(plain),
            prop::sample::select(b"{}[]()\"\\:,;#_ \n\t019-.eNM/~nil".to_vec())
        ]
    };
    let edit = prop_oneof![
        byte().prop_map(Edit::Replace),
        byte().prop_map(Edit::Insert),
        Just(Edit::Remove),
        (1..40_usize).prop_map(Edit::Double),
    ];
    vec((any::<prop::sample::Index>(), edit), 1..4)
}

fn edited(mut bytes: Vec<u8>, edits: &[(prop::sample::Index, Edit)]) -> Vec<u8> {
    for (at, edit) in edits {
        if bytes.is_empty() {
            break;
        }
        let at = at.index(bytes.len());
        match *edit {
            Edit::Replace(byte) => bytes[at] = byte,
            Edit::Insert(byte) => bytes.insert(at, byte),
            Edit::Remove => drop(bytes.remove(at)),
            Edit::Double(length) => {
                let piece = bytes[at..(at + length).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// The certificate of whatever verdict there is.
fn certificate(bytes: &[u8], format: Format) -> Option<Vec<u8>> {
    let history = read(bytes, Some(format)).ok()?;
    let options = CheckOptions { spec: infer_spec(&history), ..CheckOptions::default() };
    let verdict = check(&history, &options, &Budget::unlimited());
    let subject =
        Subject { sha256: sha256(bytes), notation: Some(format), style: Style::default() };
    let mut certificate = Vec::new();
    write(&subject, &history, &options, &verdict, &mut certificate).expect("memory takes it");
    Some(certificate)
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_121),
        ..ProptestConfig::default()
    })]

    #[test]
    fn both_read_the_same_history_in_every_notation(ops in history()) {
        for (bytes, number) in spelled(&ops) {
            prop_assert!(agree(&bytes, FORMATS[number]), "{}", String::from_utf8_lossy(&bytes));
            agree(&bytes, FORMATS[0]);
            prop_assert!(agree(&gzipped(&bytes), FORMATS[number]));
            prop_assert!(agree(&zstd(&bytes), FORMATS[number]));
        }
    }

    #[test]
    fn both_read_the_same_of_what_somebody_has_been_at(ops in history(), edits in edits()) {
        for (bytes, _) in spelled(&ops) {
            let bytes = edited(bytes, &edits);
            for format in FORMATS {
                agree(&bytes, format);
            }
        }
    }

    #[test]
    fn both_read_the_same_of_near_misses(bytes in nearly_history()) {
        for format in FORMATS {
            agree(&bytes, format);
        }
    }

    #[test]
    fn compressed_files_that_somebody_has_been_at_are_refused_or_the_same(
        ops in history(), edits in edits(),
    ) {
        let [(edn, _), ..] = spelled(&ops);
        for packed in [gzipped(&edn), zstd(&edn)] {
            agree(&edited(packed, &edits), FORMATS[1]);
        }
    }

    #[test]
    fn a_certificate_that_somebody_has_been_at_is_refused_or_still_true(
        ops in history(), edits in edits(), noise in vec(any::<u8>(), 0..100),
    ) {
        let [(bytes, _), ..] = spelled(&ops);
        if let Some(certificate) = certificate(&bytes, Format::Edn) {
            let honest = verifier::verify(&bytes, &certificate).expect("it is ours").proved();
            if let Ok(report) = verifier::verify(&bytes, &edited(certificate, &edits)) {
                let proved = report.proved();
                prop_assert!(proved == honest || proved == verifier::Claim::Unknown || honest == verifier::Claim::Unknown);
            }
        }
        let refused = matches!(verifier::verify(&bytes, &noise), Err(Refusal::Unreadable { .. }));
        prop_assert!(refused);
    }
}

/// Every file in a folder and those below.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("one")) {
        match entry.path() {
            path if path.is_dir() => files(&path, found),
            path => found.push(path),
        }
    }
}

#[test]
fn both_read_the_same_of_every_history_there_is() {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../histories"), &mut found);
    if let Some(folder) = place::folder() {
        files(&folder, &mut found);
    }
    let mut histories = 0;
    for path in found {
        let bytes = std::fs::read(&path).expect("readable");
        let of_path = Format::of_path(&path);
        let named = FORMATS.iter().position(|(format, _)| *format == of_path).unwrap_or(0);
        histories += u32::from(agree(&bytes, FORMATS[named]));
    }
    assert!(histories > 40, "only {histories} histories");
}
