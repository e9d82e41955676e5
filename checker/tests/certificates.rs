//! Every verdict's certificate, held against the history by the verifier.

mod support;

use std::path::Path;

use checker::certificate::{Style, Subject, write};
use checker::history::{Format, History, read_path, write_edn};
use checker::{Budget, CheckOptions, Validity, Verdict, check, infer_spec};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use support::exhaustive::{Ask, Case, End, SmallOp, is_linearizable};
use support::generate::{random_case, random_shape, seeded};
use support::{case, corpus};
use verifier::{Claim, Refusal, Report, sha256, verify};

const SEED: u64 = 20_261_140;

/// The certificate of a verdict.
fn certificate(
    bytes: &[u8],
    notation: Option<Format>,
    style: Style,
    history: &History,
    options: &CheckOptions,
    verdict: &Verdict,
) -> Vec<u8> {
    let subject = Subject { sha256: sha256(bytes), notation, style };
    let mut certificate = Vec::new();
    write(&subject, history, options, verdict, &mut certificate).expect("memory takes it");
    certificate
}

fn written(history: &History) -> Vec<u8> {
    let mut bytes = Vec::new();
    for op in history.ops().iter() {
        write_edn(op, &mut bytes).expect("memory takes it");
        bytes.push(b'\n');
    }
    bytes
}

fn claim(validity: Validity) -> Claim {
    match validity {
        Validity::Valid => Claim::Valid,
        Validity::Unknown => Claim::Unknown,
        Validity::Invalid => Claim::Invalid,
    }
}

#[test]
fn every_random_history_is_proved() {
    let mut rng = seeded(SEED);
    for number in 0..30_000 {
        let style = if number % 2 == 0 { Style::Cheapest } else { Style::Frontier };
        let shape = random_shape(&mut rng);
        let small = random_case(shape, &mut rng);
        let (history, options) = (case::history(&small), case::options(&small));
        let verdict = check(&history, &options, &Budget::unlimited());
        let bytes = written(&history);
        let certificate =
            certificate(&bytes, Some(Format::Edn), style, &history, &options, &verdict);
        let report = verify(&bytes, &certificate);
        let expected = if is_linearizable(&small) { Validity::Valid } else { Validity::Invalid };
        assert_eq!(verdict.validity, expected, "{small:#?}");
        let proved = report.as_ref().map(Report::proved);
        assert_eq!(
            proved,
            Ok(claim(verdict.validity)),
            "history {number} of seed {SEED}: {report:?}\n{small:#?}\n{}",
            String::from_utf8_lossy(&certificate)
        );
    }
}

#[test]
fn every_history_of_the_corpus_is_proved() {
    let Some(folder) = corpus::folder() else {
        eprintln!("skipped: no corpus beside the project, and ORDEAL_CORPUS is not set");
        return;
    };
    for entry in corpus::entries(&folder) {
        let bytes = std::fs::read(folder.join(&entry.file)).expect("readable");
        let (history, options) = (entry.read(&folder), entry.options());
        let verdict = check(&history, &options, &Budget::unlimited());
        let style = Style::Cheapest;
        let notation = entry.is_log().then_some(Format::Log);
        let certificate = certificate(&bytes, notation, style, &history, &options, &verdict);
        let proved = verify(&bytes, &certificate).map(|report| report.proved());
        assert_eq!(proved, Ok(claim(verdict.validity)), "{}", entry.file);
    }
}

#[test]
fn another_history_is_refused() {
    let mut rng = seeded(SEED + 1);
    let shape = random_shape(&mut rng);
    let small = random_case(shape, &mut rng);
    let (history, options) = (case::history(&small), case::options(&small));
    let verdict = check(&history, &options, &Budget::unlimited());
    let mut bytes = written(&history);
    let style = Style::Cheapest;
    let certificate = certificate(&bytes, Some(Format::Edn), style, &history, &options, &verdict);
    bytes.push(b'\n');
    let refused = verify(&bytes, &certificate).expect_err("one byte more");
    assert!(matches!(refused, Refusal::DoesNotHold { .. }), "{refused}");
}

/// A proof that does not fit must be refused; one that still holds must tell the truth.
fn assert_true_if_accepted(small: &Case, bytes: &[u8], certificate: &[u8]) -> bool {
    let Ok(report) = verify(bytes, certificate) else { return false };
    let truth = if is_linearizable(small) { Claim::Valid } else { Claim::Invalid };
    assert!(
        report.proved() == truth || report.proved() == Claim::Unknown,
        "{report:?}\n{small:#?}\n{}",
        String::from_utf8_lossy(certificate)
    );
    true
}

/// A certificate, with another history's hash.
fn about(bytes: &[u8], certificate: &[u8], other: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(certificate).replace(&sha256(bytes), &sha256(other));
    text.into_bytes()
}

/// The same history, but for one result, outcome or moment.
fn bent(small: &Case, rng: &mut ChaCha8Rng) -> Case {
    let mut bent = small.clone();
    let at = rng.random_range(0..bent.ops.len());
    let value = rng.random_range(0..4);
    let moment = |op: &SmallOp| op.end.map_or(op.begin, |(end, _)| end);
    let latest = bent.ops.iter().map(moment).max().unwrap_or(0);
    let op = &mut bent.ops[at];
    match (rng.random_range(0..6), op.ask) {
        (0, Ask::Read) => op.read = Some(value),
        (0, Ask::Write(_)) => op.ask = Ask::Write(value),
        (0, Ask::Cas(old, _)) => op.ask = Ask::Cas(old, value),
        (1, Ask::Cas(_, new)) => op.ask = Ask::Cas(value, new),
        (2, _) => op.end = op.end.map(|(end, _)| (end, End::Info)),
        (3, _) => op.end = op.end.map(|(end, _)| (end, End::Ok)),
        // Later than anything else: its interval is wider, and other moments stay free.
        (4, _) => op.end = op.end.map(|(_, how)| (latest + 1, how)),
        _ => drop(bent.ops.remove(at)),
    }
    // An indeterminate process does nothing more, and one that ends late has done nothing since.
    for (number, op) in bent.ops.iter_mut().enumerate() {
        op.process = number as u64;
    }
    bent
}

#[test]
fn the_proof_of_one_history_shows_nothing_false_about_another() {
    let mut rng = seeded(SEED + 2);
    let mut accepted = [0_u32; 2];
    for number in 0..60_000 {
        let style = if number % 2 == 0 { Style::Cheapest } else { Style::Frontier };
        let shape = random_shape(&mut rng);
        let small = random_case(shape, &mut rng);
        let (history, options) = (case::history(&small), case::options(&small));
        let verdict = check(&history, &options, &Budget::unlimited());
        let bytes = written(&history);
        let proof = certificate(&bytes, Some(Format::Edn), style, &history, &options, &verdict);
        let other = bent(&small, &mut rng);
        let other_bytes = written(&case::history(&other));
        let proof = about(&bytes, &proof, &other_bytes);
        let invalid = usize::from(verdict.validity == Validity::Invalid);
        accepted[invalid] += u32::from(assert_true_if_accepted(&other, &other_bytes, &proof));
    }
    assert!(accepted.iter().all(|count| *count > 500), "hardly any was accepted: {accepted:?}");
}

/// A certificate with a number changed, or something of a list left out, doubled or exchanged.
fn damaged(certificate: &[u8], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let text = String::from_utf8_lossy(certificate).into_owned();
    let body = text.find('\n').map_or(0, |end| end + 1);
    let commas: Vec<usize> =
        text.match_indices(',').map(|(at, _)| at).filter(|at| *at > body).collect();
    let marks: Vec<usize> =
        text.match_indices(['.', 'x', '?']).map(|(at, _)| at).filter(|at| *at > body).collect();
    let digits: Vec<usize> = text
        .match_indices(|c: char| c.is_ascii_digit())
        .map(|(at, _)| at)
        .filter(|at| *at > body)
        .collect();
    let mut damaged = text.clone();
    let one = |places: &[usize], rng: &mut ChaCha8Rng| {
        (!places.is_empty()).then(|| places[rng.random_range(0..places.len())])
    };
    match rng.random_range(0..4) {
        0 => {
            if let Some(at) = one(&marks, rng) {
                let mark = [".", "x", "?"][rng.random_range(0..3)];
                damaged.replace_range(at..=at, mark);
            }
        }
        1 => {
            if let Some(at) = one(&digits, rng) {
                damaged.replace_range(at..=at, &rng.random_range(0..10).to_string());
            }
        }
        // Whole elements: what stands between two commas goes, or comes twice.
        kind => {
            let position = rng.random_range(0..commas.len().max(1));
            if let (Some(from), Some(to)) = (commas.get(position), commas.get(position + 1)) {
                let element = text[*from..*to].to_owned();
                match kind {
                    2 => damaged.replace_range(from..to, ""),
                    _ => damaged.insert_str(*from, &element),
                }
            }
        }
    }
    damaged.into_bytes()
}

#[test]
fn a_damaged_certificate_shows_nothing_false() {
    let mut rng = seeded(SEED + 3);
    let (mut refused, mut accepted) = (0_u32, 0_u32);
    for number in 0..60_000 {
        let style = if number % 2 == 0 { Style::Cheapest } else { Style::Frontier };
        let shape = random_shape(&mut rng);
        let small = random_case(shape, &mut rng);
        let (history, options) = (case::history(&small), case::options(&small));
        let verdict = check(&history, &options, &Budget::unlimited());
        let bytes = written(&history);
        let proof = certificate(&bytes, Some(Format::Edn), style, &history, &options, &verdict);
        let claimed_valid = String::from_utf8_lossy(&proof).replace("invalid", "valid");
        let claimed_invalid = claimed_valid.replace("valid", "invalid");
        assert_true_if_accepted(&small, &bytes, claimed_valid.as_bytes());
        assert_true_if_accepted(&small, &bytes, claimed_invalid.as_bytes());
        match assert_true_if_accepted(&small, &bytes, &damaged(&proof, &mut rng)) {
            true => accepted += 1,
            false => refused += 1,
        }
    }
    assert!(refused > 20_000 && accepted > 1_000, "{refused} refused, {accepted} accepted");
}

/// Models that the verifier has no rules for yet: it says so, and proves nothing.
const WITHOUT_RULES: [&str; 9] = [
    "add-and-fetch",
    "bank",
    "counter",
    "fetch-and-add",
    "log",
    "map",
    "multi-register",
    "mutable-set",
    "versioned-register",
];

/// Every history of ours is proved, and read by the verifier without its name.
#[test]
fn every_history_of_the_exam_is_proved() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../histories");
    let mut proved = 0;
    for model in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("one")) {
        let Ok(files) = std::fs::read_dir(model.path()) else { continue };
        for path in files.map(|file| file.expect("one").path()) {
            let bytes = std::fs::read(&path).expect("readable");
            let history = read_path(&path, None).expect("a history");
            let options = CheckOptions { spec: infer_spec(&history), ..CheckOptions::default() };
            let verdict = check(&history, &options, &Budget::unlimited());
            for style in [Style::Cheapest, Style::Frontier] {
                let proof = certificate(&bytes, None, style, &history, &options, &verdict);
                let report = verify(&bytes, &proof);
                let claims = report.as_ref().map(Report::proved);
                let of = |model: &&str| verdict.checker == format!("linearizable {model}");
                let expected = match WITHOUT_RULES.iter().any(of) {
                    true => Claim::Unknown,
                    false => claim(verdict.validity),
                };
                assert_eq!(claims, Ok(expected), "{} {report:?}", path.display());
            }
            proved += 1;
        }
    }
    assert!(proved > 15, "only {proved} histories");
}
