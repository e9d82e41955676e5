use std::fs;

use crate::binary::{Folder, INVALID, UNKNOWN, VACUOUS, VALID, checker, checker_reading, command};

#[test]
fn the_exit_code_is_the_verdict() {
    let folder = Folder::new();
    for (name, text, code, word) in [
        ("valid.edn", VALID, 0, "valid"),
        ("invalid.edn", INVALID, 1, "invalid"),
        ("unknown.edn", UNKNOWN, 2, "unknown"),
        ("empty.edn", "", 2, "unknown"),
        ("vacuous.edn", VACUOUS, 0, "vacuous"),
    ] {
        let done = checker(&["analyze", &folder.file(name, text)]);
        assert_eq!(done.code, code, "{name}: {done:?}");
        assert!(done.out.contains(word), "{name}: {done:?}");
        assert!(done.err.is_empty(), "{name}: {done:?}");
    }
}

#[test]
fn a_violation_that_cannot_be_printed_was_found_all_the_same() {
    let folder = Folder::new();
    for (text, code) in [(INVALID, 1), (VALID, 255)] {
        let full = fs::File::options().write(true).open("/dev/full").expect("a full device");
        let path = folder.file("history.edn", text);
        let done = command(&["analyze", &path]).stdout(full).output().expect("the binary runs");
        assert_eq!(done.status.code(), Some(code), "{done:?}");
        assert!(String::from_utf8_lossy(&done.stderr).contains("cannot be written"), "{done:?}");
    }
}

#[test]
fn a_vacuous_pass_is_unknown_to_whoever_rejects_it() {
    let folder = Folder::new();
    let done = checker(&["analyze", "--reject-vacuous", &folder.file("v.edn", VACUOUS)]);
    assert_eq!(done.code, 2, "{done:?}");
    let done = checker(&["analyze", "--reject-vacuous", &folder.file("ok.edn", VALID)]);
    assert_eq!(done.code, 0, "{done:?}");
    let done = checker(&["analyze", "--reject-vacuous", &folder.file("bad.edn", INVALID)]);
    assert_eq!(done.code, 1, "{done:?}");
}

#[test]
fn standard_input_is_read_for_a_dash() {
    assert_eq!(checker_reading(&["analyze", "-"], VALID.as_bytes()).code, 0);
    assert_eq!(checker_reading(&["analyze", "-"], INVALID.as_bytes()).code, 1);
}

#[test]
fn the_folder_of_a_run_stands_for_its_history() {
    let folder = Folder::new();
    folder.file("history.edn", INVALID);
    let path = folder.path("");
    assert_eq!(checker(&["analyze", &path.display().to_string()]).code, 1);
}

#[test]
fn json_and_edn_output_are_one_document_each() {
    let folder = Folder::new();
    for (text, json, edn) in [
        (VALID, serde_json::json!(true), ":valid? true"),
        (INVALID, serde_json::json!(false), ":valid? false"),
        (UNKNOWN, serde_json::json!("unknown"), ":valid? :unknown"),
    ] {
        let path = folder.file("h.edn", text);
        let done = checker(&["analyze", "--format", "json", &path]);
        let document: serde_json::Value = serde_json::from_str(&done.out).expect("JSON");
        assert_eq!(document["valid?"], json, "{}", done.out);

        let done = checker(&["analyze", "--format", "edn", &path]);
        assert!(done.out.contains(edn), "{}", done.out);
        checker::edn::parse(done.out.as_bytes()).expect("EDN");
    }
}

#[test]
fn the_initial_value_decides() {
    let text = "{:type :invoke, :process 0, :f :read, :value nil}\n\
                {:type :ok, :process 0, :f :read, :value 7}\n";
    let folder = Folder::new();
    let path = folder.file("h.edn", text);
    assert_eq!(checker(&["analyze", &path]).code, 1, "nothing ever wrote 7");
    assert_eq!(checker(&["analyze", "--init", "7", &path]).code, 0);
    assert_eq!(checker(&["analyze", "--init", "8", &path]).code, 1);
}

#[test]
fn nil_reads_are_read_as_told() {
    let text = "{:type :invoke, :process 0, :f :write, :value 1}\n\
                {:type :ok, :process 0, :f :write, :value 1}\n\
                {:type :invoke, :process 0, :f :read, :value nil}\n\
                {:type :ok, :process 0, :f :read, :value nil}\n";
    let folder = Folder::new();
    let path = folder.file("h.edn", text);
    assert_eq!(checker(&["analyze", &path]).code, 1, "a register does not forget");
    assert_eq!(checker(&["analyze", "--nil-reads", "unknown", &path]).code, 0);
    assert_eq!(checker(&["analyze", "--nil-reads", "value", &path]).code, 1);
    assert_eq!(checker(&["analyze", "--init", "0", &path]).code, 0);
}

#[test]
fn a_failed_cas_is_an_observation_only_where_told() {
    let text = "{:type :invoke, :process 0, :f :write, :value 1}\n\
                {:type :ok, :process 0, :f :write, :value 1}\n\
                {:type :invoke, :process 0, :f :cas, :value [1 2]}\n\
                {:type :fail, :process 0, :f :cas, :value [1 2]}\n";
    let folder = Folder::new();
    let path = folder.file("h.edn", text);
    assert_eq!(checker(&["analyze", &path]).code, 0);
    assert_eq!(checker(&["analyze", "--failed-cas", "observe", &path]).code, 1);
}

#[test]
fn independent_keys_are_split_when_certain_or_told() {
    let text = "{:type :invoke, :process 0, :f :write, :value [:a 1]}\n\
                {:type :ok, :process 0, :f :write, :value [:a 1]}\n\
                {:type :invoke, :process 0, :f :read, :value [:b nil]}\n\
                {:type :ok, :process 0, :f :read, :value [:b nil]}\n";
    let folder = Folder::new();
    let path = folder.file("h.edn", text);
    assert_eq!(checker(&["analyze", &path]).code, 0, "two keys");
    assert_eq!(checker(&["analyze", "--independent", "yes", &path]).code, 0);
    assert_eq!(checker(&["analyze", "--independent", "no", &path]).code, 1, "one register");
}

#[test]
fn an_element_that_comes_late_is_forgiven_only_where_told() {
    let text = "{:type :invoke, :process 0, :f :add, :value 1}\n\
                {:type :ok, :process 0, :f :add, :value 1}\n\
                {:type :invoke, :process 1, :f :read, :value nil}\n\
                {:type :ok, :process 1, :f :read, :value #{}}\n\
                {:type :invoke, :process 1, :f :read, :value nil}\n\
                {:type :ok, :process 1, :f :read, :value #{1}}\n";
    let folder = Folder::new();
    let path = folder.file("h.edn", text);
    assert_eq!(checker(&["analyze", &path]).code, 1, "a stale read");
    assert_eq!(checker(&["analyze", "--set-reads", "eventual", &path]).code, 0);
}

#[test]
fn a_spent_budget_is_unknown_with_its_reason() {
    let folder = Folder::new();
    let path = folder.file("h.edn", hard_history());
    let done = checker(&["analyze", "--deadline", "1ms", &path]);
    assert_eq!(done.code, 2, "{done:?}");
    assert!(done.out.contains("deadline") || done.out.contains("time"), "{done:?}");
    let done = checker(&["analyze", "--memory", "1kB", &path]);
    assert_eq!(done.code, 2, "{done:?}");
    assert!(done.out.contains("memory"), "{done:?}");
}

#[test]
fn what_never_ends_is_unknown_once_it_has_taken_too_much() {
    for (flag, limit) in [("--memory", "64MB"), ("--deadline", "100ms")] {
        let done = checker(&["analyze", "--format", "edn", flag, limit, "/dev/zero"]);
        assert_eq!(done.code, 2, "{done:?}");
        assert!(done.out.contains(":valid? :unknown"), "{done:?}");
        assert!(done.out.contains(&format!("{flag} allows more")), "{done:?}");
    }
}

#[test]
fn the_report_is_written_where_told() {
    let folder = Folder::new();
    let path = folder.file("h.edn", INVALID);
    let out = folder.path("report");
    let done = checker(&["analyze", "--out", &out.display().to_string(), &path]);
    assert_eq!(done.code, 1, "{done:?}");
    for file in ["report.html", "timeline.html", "results.edn", "results.json"] {
        let text = fs::read_to_string(out.join(file)).expect(file);
        assert!(!text.is_empty(), "{file}");
    }
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_any_work() {
    let folder = Folder::new();
    let path = folder.file("h.edn", VALID);
    let done = checker(&["analyze", "--out", &format!("{path}/inside"), &path]);
    assert_eq!(done.code, 254, "{done:?}");
    assert!(done.out.is_empty() && done.err.contains("--out"), "{done:?}");
}

/// Writes and compare-and-sets of few values, all open at once and most of them crashed, with reads
/// between: no search decides it in a millisecond.
fn hard_history() -> String {
    let op = |kind: &str, process: usize, f: &str, value: String| {
        format!("{{:type :{kind}, :process {process}, :f :{f}, :value {value}}}\n")
    };
    let crashed =
        (0..600).map(|n| op("invoke", n, "cas", format!("[{} {}]", n % 97, (n * 31 + 7) % 97)));
    let invoked = (600..660).map(|n| op("invoke", n, "write", (n % 97).to_string()));
    let completed = (600..660).flat_map(|n| {
        [
            op("invoke", 999, "read", "nil".to_owned()),
            op("ok", 999, "read", (n * 41 % 97).to_string()),
            op("ok", n, "write", (n % 97).to_string()),
        ]
    });
    crashed.chain(invoked).chain(completed).collect()
}
