use crate::binary::{Folder, INVALID, UNKNOWN, VALID, checker};

#[test]
fn each_file_is_one_line_of_three_fields() {
    let folder = Folder::new();
    let files = [
        folder.file("a.edn", VALID),
        folder.file("b.edn", INVALID),
        folder.file("c.edn", UNKNOWN),
        folder.file("d.edn", "{:type :nonsense}"),
        folder.path("absent.edn").display().to_string(),
    ];
    let args: Vec<&str> = ["analyze"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let done = checker(&args);
    assert_eq!(done.code, 1, "the worst wins: {done:?}");
    let lines: Vec<Vec<&str>> = done.out.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(lines.len(), files.len(), "{done:?}");
    for (line, file) in lines.iter().zip(&files) {
        assert_eq!(line.len(), 3, "{line:?}");
        assert_eq!(line[0], file);
    }
    let words: Vec<&str> = lines.iter().map(|line| line[1]).collect();
    assert_eq!(words, ["valid", "invalid", "unknown", "unknown", "unknown"]);
    assert!(lines[3][2].contains("unreadable"), "{lines:?}");
    assert!(lines[0][2].ends_with("(linearizable cas-register)"), "who judged is said: {lines:?}");
}

#[test]
fn the_worst_of_several_decides_the_exit_code() {
    let folder = Folder::new();
    let valid = folder.file("valid.edn", VALID);
    let invalid = folder.file("invalid.edn", INVALID);
    let unknown = folder.file("unknown.edn", UNKNOWN);
    let broken = folder.file("broken.edn", "{:type");
    for (files, code) in [
        ([&valid, &valid], 0),
        ([&valid, &unknown], 2),
        ([&broken, &unknown], 254),
        ([&broken, &valid], 254),
        ([&broken, &invalid], 1),
        ([&invalid, &unknown], 1),
    ] {
        let done = checker(&["analyze", files[0], files[1]]);
        assert_eq!(done.code, code, "{files:?}: {done:?}");
    }
}

#[test]
fn several_documents_are_one_a_line() {
    let folder = Folder::new();
    let files = [folder.file("a.edn", VALID), folder.file("b.edn", "{:type")];
    let done = checker(&["analyze", "--format", "json", &files[0], &files[1]]);
    assert_eq!(done.code, 254, "{done:?}");
    let documents: Vec<serde_json::Value> =
        done.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(documents.len(), 2, "{done:?}");
    assert_eq!(documents[0]["path"], files[0].as_str());
    assert_eq!(documents[0]["valid?"], true);
    assert_eq!(documents[1]["valid?"], "unknown");
    assert!(documents[1]["error"].as_str().is_some_and(|error| error.contains("line 1")));
}

#[test]
fn tabs_and_line_breaks_in_a_path_do_not_break_the_table() {
    let folder = Folder::new();
    let odd = folder.file("odd\tname\n.edn", VALID);
    let done = checker(&["analyze", &odd, &odd]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(done.out.lines().count(), 2, "{done:?}");
    assert!(done.out.lines().all(|line| line.split('\t').count() == 3), "{done:?}");
}

#[test]
fn each_history_gets_a_report_of_its_own() {
    let folder = Folder::new();
    let files = [folder.file("a.edn", VALID), folder.file("b.edn", INVALID)];
    let out = folder.path("reports");
    let done = checker(&["analyze", "--out", &out.display().to_string(), &files[0], &files[1]]);
    assert_eq!(done.code, 1, "{done:?}");
    for name in ["001-a-edn", "002-b-edn"] {
        assert!(out.join(name).join("report.html").is_file(), "{name}");
    }
}
