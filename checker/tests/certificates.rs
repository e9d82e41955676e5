//! Every verdict's certificate, held against the history by the verifier.

#[path = "support/case.rs"]
mod case;
#[path = "support/certified.rs"]
mod certified;
#[path = "support/certify.rs"]
mod certify;
#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/damage.rs"]
mod damage;
#[path = "support/exhaustive.rs"]
mod exhaustive;
#[path = "support/generate.rs"]
mod generate;
#[path = "support/objects.rs"]
mod objects;
#[path = "support/place.rs"]
mod place;
#[path = "support/records.rs"]
mod records;
#[path = "support/small.rs"]
mod small;

use std::path::Path;

use checker::certificate::{Style, Subject, write};
use checker::checks::CheckerSpec;
use checker::history::{Format, History, read, read_path};
use checker::model::{ModelName, ModelOptions};
use checker::{Budget, CheckOptions, Validity, Value, Verdict, check, infer_spec};
use verifier::{Claim, Report, sha256, verify};

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

fn claim(validity: Validity) -> Claim {
    match validity {
        Validity::Valid => Claim::Valid,
        Validity::Unknown => Claim::Unknown,
        Validity::Invalid => Claim::Invalid,
    }
}

#[test]
fn every_random_history_of_a_register_is_proved_and_nothing_false() {
    let counts = certified::registers(40_000, SEED).unwrap_or_else(|why| panic!("{why}"));
    assert!(counts.accepted > 5_000 && counts.frontiers > 2_000, "{counts:?}");
}

#[test]
fn every_random_history_of_another_model_is_proved_and_nothing_false() {
    for object in objects::all() {
        let counts = certified::objects(&object, 4_000, SEED).unwrap_or_else(|why| panic!("{why}"));
        let model = object.model.name();
        assert!(counts.accepted > 200 && counts.frontiers > 20, "{model}: {counts:?}");
    }
}

/// What a crashed dequeue took is open, and following every choice would take 2^64 steps.
#[test]
fn dequeues_of_which_nobody_knows_are_proved_by_one_choice() {
    let enqueue = |item: u64| format!("[0 :invoke :enqueue {item}] [0 :ok :enqueue {item}]");
    let crash = |process: u64| format!("[{process} :invoke :dequeue nil]");
    let nothing = "[0 :invoke :dequeue nil] [0 :ok :dequeue nil]".to_owned();
    let events = (1..=64).map(enqueue).chain((1..=64).map(crash)).chain([nothing]);
    let text = format!("[{}]", events.collect::<String>());
    let history = read(text.as_bytes(), Some(Format::Edn)).expect("readable");
    let (model, options) = (ModelName::UnorderedQueue, ModelOptions::default());
    let spec = CheckerSpec::Linearizable { model, options };
    let options = CheckOptions { spec, ..CheckOptions::default() };
    let verdict = check(&history, &options, &Budget::unlimited());
    assert_eq!(verdict.validity, Validity::Valid, "{}", verdict.summary);
    let (bytes, edn) = (text.as_bytes(), Some(Format::Edn));
    let proof = certificate(bytes, edn, Style::Cheapest, &history, &options, &verdict);
    let report = verify(bytes, &proof).expect("it holds");
    assert_eq!(report.proved(), Claim::Valid);
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

/// What the comment at the beginning of a history gives as `--init`.
fn init(history: &[u8]) -> Option<Value> {
    let text = String::from_utf8_lossy(history);
    let (_, init) = text.lines().next()?.split_once(" --init {")?;
    checker::edn::parse(format!("{{{init}").as_bytes()).ok()
}

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
            let spec = match infer_spec(&history) {
                CheckerSpec::Linearizable { model, .. } => {
                    let options = ModelOptions { init: init(&bytes), ..ModelOptions::default() };
                    CheckerSpec::Linearizable { model, options }
                }
                spec => spec,
            };
            let options = CheckOptions { spec, ..CheckOptions::default() };
            let verdict = check(&history, &options, &Budget::unlimited());
            for style in [Style::Cheapest, Style::Frontier] {
                let proof = certificate(&bytes, None, style, &history, &options, &verdict);
                let report = verify(&bytes, &proof);
                let claims = report.as_ref().map(Report::proved);
                assert_eq!(claims, Ok(claim(verdict.validity)), "{} {report:?}", path.display());
            }
            proved += 1;
        }
    }
    assert!(proved > 15, "only {proved} histories");
}
