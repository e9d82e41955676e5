use std::io::Write as _;

use crate::binary::{Folder, VALID, checker, checker_reading};

/// Asserts that a file is refused with its name and everything that `says` names.
fn refused(folder: &Folder, name: &str, content: impl AsRef<[u8]>, says: &[&str]) {
    let path = folder.file(name, content);
    let done = checker(&["analyze", &path]);
    assert_eq!(done.code, 254, "{name}: {done:?}");
    assert!(done.out.is_empty(), "{name}: {done:?}");
    for word in says.iter().copied().chain([name]) {
        assert!(done.err.contains(word), "{name}, {word}: {done:?}");
    }
    assert!(done.err.len() < 1000, "{name}: an error is read by people: {done:?}");
}

#[test]
fn a_syntax_error_names_line_and_column() {
    let folder = Folder::new();
    refused(&folder, "open.edn", "{:type :invoke\n  :process [0", &["line 2"]);
    refused(&folder, "odd.edn", format!("{VALID}{{:type}}\n"), &["line 5"]);
    refused(
        &folder,
        "bad.jsonl",
        "{\"type\":\"invoke\",\"process\":0,\"f\":\"read\"}\n{\"type\":",
        &["line 2"],
    );
    refused(&folder, "bad.json", "[{\"type\":\"invoke\"", &["line 1"]);
}

#[test]
fn a_wrong_type_names_its_place() {
    let folder = Folder::new();
    refused(&folder, "type.edn", "{:type :maybe, :process 0, :f :read}", &["line 1"]);
    refused(&folder, "number.edn", "42", &["line 1"]);
    refused(&folder, "string.json", "\"history\"", &[]);
    refused(&folder, "nested.json", "[[1, 2], [3]]", &[]);
}

#[test]
fn a_pairing_error_names_both_lines() {
    let folder = Folder::new();
    let twice = "{:type :invoke, :process 0, :f :read, :value nil}\n\
                 \n\
                 {:type :invoke, :process 0, :f :read, :value nil}\n";
    refused(&folder, "twice.edn", twice, &["process 0", "line 1", "line 3"]);
    let orphan = format!("{VALID}{{:type :ok, :process 9, :f :read, :value 1}}\n");
    refused(&folder, "orphan.edn", orphan, &["process 9", "line 5"]);
    let back = "{:type :invoke, :process 0, :f :read, :value nil}\n\
                {:type :info, :process 0, :f :read, :value nil}\n\
                {:type :invoke, :process 0, :f :read, :value nil}\n";
    refused(&folder, "back.edn", back, &["process 0", "line 2", "line 3"]);
}

#[test]
fn damaged_compression_is_refused() {
    let folder = Folder::new();
    let whole = gzip(VALID.repeat(50).as_bytes());
    refused(&folder, "cut.edn.gz", &whole[..whole.len() / 2], &[]);
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    refused(&folder, "flipped.edn.gz", flipped, &[]);
}

#[test]
fn compression_is_recognised_by_content_whatever_the_name() {
    let folder = Folder::new();
    let packed = gzip(VALID.as_bytes());
    for (name, content) in
        [("a.edn.gz", &packed[..]), ("b.edn", &packed[..]), ("c.edn.gz", VALID.as_bytes())]
    {
        assert_eq!(checker(&["analyze", &folder.file(name, content)]).code, 0, "{name}");
    }
    assert_eq!(checker_reading(&["analyze", "-"], &packed).code, 0);
}

#[test]
fn garbage_is_refused_without_a_panic() {
    let folder = Folder::new();
    let garbage: Vec<u8> =
        (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for extension in ["edn", "json", "jsonl", "log", "bin"] {
        refused(&folder, &format!("garbage.{extension}"), &garbage, &[]);
    }
}

#[test]
fn huge_nesting_is_refused_rather_than_overflowing_the_stack() {
    let folder = Folder::new();
    let deep = "[".repeat(1_000_000);
    refused(&folder, "deep.edn", format!("{{:type :invoke, :value {deep}"), &["line 1"]);
    refused(&folder, "deep.json", &deep, &[]);
    refused(&folder, "deep.jsonl", format!("{{\"type\":\"invoke\",\"value\":{deep}"), &[]);
}

#[test]
fn a_missing_file_and_a_folder_without_a_history_are_bad_input() {
    let folder = Folder::new();
    let missing = folder.path("missing.edn").display().to_string();
    let done = checker(&["analyze", &missing]);
    assert_eq!(done.code, 254, "{done:?}");
    assert!(done.err.contains("missing.edn"), "{done:?}");

    let done = checker(&["analyze", &folder.path("").display().to_string()]);
    assert_eq!(done.code, 254, "{done:?}");
    assert!(done.err.contains("history.edn"), "{done:?}");
}

#[test]
fn an_empty_file_is_unknown_and_not_a_pass() {
    let folder = Folder::new();
    for name in ["empty.edn", "empty.jsonl", "empty.log"] {
        assert_eq!(checker(&["analyze", &folder.file(name, "")]).code, 2, "{name}");
    }
    assert_eq!(checker(&["analyze", &folder.file("empty.json", "[]")]).code, 2);
    assert_eq!(checker_reading(&["analyze", "-"], b"").code, 2);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory takes every write");
    encoder.finish().expect("memory takes every write")
}
