//! Every verdict's certificate, held against the history by the verifier.

mod support;

use checker::certificate::{Subject, write};
use checker::history::{Format, History, write_edn};
use checker::{Budget, CheckOptions, Validity, Verdict, check};
use support::exhaustive::is_linearizable;
use support::generate::{random_case, random_shape, seeded};
use support::{case, corpus};
use verifier::{Claim, Refusal, Report, sha256, verify};

const SEED: u64 = 20_261_140;

/// The certificate of a verdict.
fn certificate(
    bytes: &[u8],
    notation: Option<Format>,
    history: &History,
    options: &CheckOptions,
    verdict: &Verdict,
) -> Vec<u8> {
    let subject = Subject { sha256: sha256(bytes), notation };
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
fn every_valid_random_history_is_proved() {
    let mut rng = seeded(SEED);
    for number in 0..30_000 {
        let shape = random_shape(&mut rng);
        let small = random_case(shape, &mut rng);
        let (history, options) = (case::history(&small), case::options(&small));
        let verdict = check(&history, &options, &Budget::unlimited());
        let bytes = written(&history);
        let certificate = certificate(&bytes, Some(Format::Edn), &history, &options, &verdict);
        let report = verify(&bytes, &certificate);
        if !is_linearizable(&small) {
            continue;
        }
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
fn every_valid_history_of_the_corpus_is_proved() {
    let Some(folder) = corpus::folder() else {
        eprintln!("skipped: no corpus beside the project, and ORDEAL_CORPUS is not set");
        return;
    };
    for entry in corpus::entries(&folder) {
        let bytes = std::fs::read(folder.join(&entry.file)).expect("readable");
        let (history, options) = (entry.read(&folder), entry.options());
        let verdict = check(&history, &options, &Budget::unlimited());
        let notation = entry.is_log().then_some(Format::Log);
        let certificate = certificate(&bytes, notation, &history, &options, &verdict);
        if verdict.validity != Validity::Valid {
            continue;
        }
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
    let certificate = certificate(&bytes, Some(Format::Edn), &history, &options, &verdict);
    bytes.push(b'\n');
    let refused = verify(&bytes, &certificate).expect_err("one byte more");
    assert!(matches!(refused, Refusal::DoesNotHold { .. }), "{refused}");
}
