//! The report as text and as files: what it says, and that no history is too small to draw.

#[path = "report/sample.rs"]
mod sample;

use std::path::{Path, PathBuf};

use checker::verdict::{Anomaly, PossibleState, Related};
use checker::{History, Kind, Op, Process, Validity, Value, Verdict};
use ordeal::report::{Colour, Input, Proof, RunFacts, text, write_all};

const FILES: [&str; 8] = [
    "timeline.html",
    "report.html",
    "latency-raw.svg",
    "latency-quantiles.svg",
    "rate.svg",
    "history.txt",
    "results.edn",
    "results.json",
];

fn folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report").join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("the test folder is ours");
    dir
}

/// Renders everything and returns the text for a terminal.
fn render(name: &str, history: &History, verdict: &Verdict, run: Option<RunFacts>) -> String {
    let input = Input { title: name.to_owned(), history, verdict, run };
    let dir = folder(name);
    assert_eq!(write_all(&dir, &input), Vec::<String>::new(), "{name}");
    for file in FILES {
        assert!(dir.join(file).exists(), "{name}: {file}");
    }
    let text = text(&input, &input.axes(), Some(&dir), Colour::Never);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
    text
}

fn op(index: u64, time_ns: i64, kind: Kind, f: &str, value: Value) -> Op {
    let (process, f) = (Process::Client(0), Value::keyword(f));
    Op { index, time_ns, process, kind, f, value, error: None, extra: Vec::new() }
}

fn first_op_fails(op: u64) -> Verdict {
    let sentence = "the very first operation read 3, which nobody wrote".to_owned();
    let state = PossibleState {
        state: Value::Nil,
        linearized: vec![],
        pending: vec![],
        why: "read 3, but the register holds nil".to_owned(),
    };
    let anomaly = Anomaly {
        kind: "phantom-read".to_owned(),
        key: None,
        sentence: sentence.clone(),
        op: Some(op),
        related: vec![Related { index: 999, role: "is not in this history".to_owned() }],
        argument: Vec::new(),
        states: vec![state],
        examination: checker::verdict::Examination::default(),
    };
    let unknown = sample::empty();
    Verdict {
        validity: Validity::Invalid,
        reason: None,
        summary: sentence,
        anomalies: vec![anomaly],
        ..unknown
    }
}

#[test]
fn the_summary_begins_with_the_verdict_and_its_sentence_and_ends_with_the_seed() {
    for operations in [1_000, 10_000] {
        let sample = sample::invalid(operations, &Value::Int);
        let name = format!("{operations}");
        let text = render(&name, &sample.history, &sample.verdict, Some(sample::facts()));
        println!("{text}");
        assert!(text.starts_with("INVALID  stale read: process"), "{text}");
        assert!(text.trim_end().ends_with("Seed        7 (Ordeal 0.1.0)"), "{text}");
        for axis in ["safety", "availability", "harness", "power"] {
            assert!(text.contains(&format!("\n  {axis} ")), "{axis}: {text}");
        }
        assert!(text.contains("power loss, clock skew"), "{text}");
    }
}

#[test]
fn colour_codes_come_only_when_asked_for() {
    let sample = sample::invalid(1_000, &Value::Int);
    let (history, verdict) = (&sample.history, &sample.verdict);
    let input = Input { title: "colour".to_owned(), history, verdict, run: None };
    let coloured = text(&input, &input.axes(), None, Colour::Ansi);
    assert!(coloured.starts_with("\x1b[1;31mINVALID\x1b[0m  stale read"), "{coloured}");
}

#[test]
fn an_empty_history_renders() {
    let history = History::from_ops(Vec::new()).expect("nothing is well-formed");
    let text = render("empty", &history, &sample::empty(), None);
    assert!(text.starts_with("UNKNOWN  there was no client operation"), "{text}");
    assert!(text.contains("vacuous"), "{text}");
}

#[test]
fn a_history_whose_first_and_only_operation_fails_renders() {
    for (name, times) in [("single", [0, 0]), ("single-without-times", [-1, -1])] {
        let read = |kind, time, index, value| op(index, time, kind, "read", value);
        let ops = vec![
            read(Kind::Invoke, times[0], 0, Value::Nil),
            read(Kind::Ok, times[1], 1, Value::Int(3)),
        ];
        let history = History::from_ops(ops).expect("well-formed");
        let text = render(name, &history, &first_op_fails(1), None);
        assert!(text.starts_with("INVALID  the very first"), "{text}");
    }
}

#[test]
fn a_single_invocation_without_completion_renders() {
    let history = History::from_ops(vec![op(7, 5, Kind::Invoke, "write", Value::Int(1))])
        .expect("well-formed");
    let text = render("unfinished", &history, &sample::empty(), None);
    assert!(text.contains("none of 1 client operations was acknowledged"), "{text}");
}

#[test]
fn a_fault_that_was_not_proved_or_not_healed_fails_the_harness_and_not_the_safety() {
    let sample = sample::invalid(1_000, &Value::Int);
    let mut ops = sample.history.ops().to_vec();
    let resume = |op: &Op| op.f.name() == Some("resume");
    ops.retain(|op| !resume(op));
    let history = History::from_ops(ops).expect("well-formed");
    let verdict = Verdict { validity: Validity::Valid, anomalies: vec![], ..sample.verdict };
    let title = "unhealed".to_owned();
    let input = Input { title, history: &history, verdict: &verdict, run: Some(sample::facts()) };
    let axes = input.axes();
    assert_eq!((axes.safety.word, axes.harness.word), ("valid", "failed"));
    assert!(
        axes.harness.sentence.contains("1 of 3 faults not healed"),
        "{}",
        axes.harness.sentence
    );
    assert_eq!(axes.faults[0].fault.proof, Proof::Held);
    assert_eq!(axes.faults[0].fault.hit_leader(), Some(true));
    assert!(axes.faults.iter().all(|report| report.during.all() > 0));
}

#[test]
fn a_history_from_jepsen_has_faults_by_name_without_proofs() {
    let nemesis = |index, time_ns, f: &str, value: &str| Op {
        process: Process::nemesis(),
        ..op(index, time_ns, Kind::Info, f, Value::string(value))
    };
    let ops = vec![
        nemesis(0, 10, "start-partition", "majority"),
        nemesis(1, 20, "start-partition", "isolated"),
        op(2, 30, Kind::Invoke, "write", Value::Int(1)),
        op(3, 40, Kind::Ok, "write", Value::Int(1)),
        nemesis(4, 50, "stop-partition", ""),
        nemesis(5, 60, "stop-partition", "healed"),
    ];
    let history = History::from_ops(ops).expect("well-formed");
    let verdict = sample::empty();
    let input = Input { title: "jepsen".into(), history: &history, verdict: &verdict, run: None };
    let [report] = &input.axes().faults[..] else { panic!("one fault") };
    let fault = &report.fault;
    assert_eq!((&*fault.family, fault.proof), ("partition", Proof::None));
    assert_eq!([fault.start, fault.inner_start, fault.inner_end, fault.end], [10, 20, 50, 60]);
    assert_eq!(report.during.ok, 1);
}

#[test]
fn a_folder_that_cannot_be_written_is_a_warning_a_file_and_nothing_worse() {
    let sample = sample::invalid(1_000, &Value::Int);
    let (history, verdict) = (&sample.history, &sample.verdict);
    let input = Input { title: "nowhere".to_owned(), history, verdict, run: None };
    let warnings = write_all(Path::new("/proc/no-such-folder"), &input);
    assert!(warnings.len() >= FILES.len(), "{warnings:?}");
    assert!(warnings.iter().any(|warning| warning.starts_with("report.html was not written")));
}
