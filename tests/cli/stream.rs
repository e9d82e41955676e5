//! `analyze --stream`.

use std::fs;

use crate::binary::{Folder, INVALID, UNKNOWN, VACUOUS, VALID, checker, checker_reading};

#[test]
fn our_own_histories_get_the_same_verdict_while_they_are_read() {
    let mut streamed = 0;
    for folder in fs::read_dir("histories").expect("our histories") {
        let folder = folder.expect("a readable folder").path();
        let name = folder.file_name().and_then(|name| name.to_str()).expect("ASCII").to_owned();
        if !folder.is_dir() || name == "set" {
            continue;
        }
        for entry in fs::read_dir(&folder).expect("a folder of histories") {
            let path = entry.expect("a readable folder").path();
            let path = path.to_str().expect("names are ASCII");
            let whole = checker(&["analyze", "--model", &name, path]);
            let stream = checker(&["analyze", "--model", &name, "--stream", path]);
            assert_eq!(stream.code, whole.code, "{path}: {stream:?}");
            streamed += 1;
        }
    }
    assert!(streamed > 30, "only {streamed} histories");
}

#[test]
fn what_is_guessed_is_said_and_the_operation_that_cannot_be_placed_is_named() {
    let done = checker_reading(&["analyze", "--stream", "-"], INVALID.as_bytes());
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.err.contains("linearizable cas-register, one object"), "{done:?}");
    let sentence = "INVALID  not linearizable: process 1 did read, which returned 1 (operation 4)";
    assert!(done.out.starts_with(sentence), "{done:?}");
    let told = ["--model", "register", "--independent", "no"];
    let done =
        checker_reading(&[&["analyze", "--stream", "-"], &told[..]].concat(), VALID.as_bytes());
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{done:?}");
}

#[test]
fn keys_are_told_apart_and_a_thousand_events_do_not_show_in_the_verdict() {
    let write = |key: usize, n: usize| {
        ["invoke", "ok"].map(|kind| {
            format!("{{:process {key}, :type :{kind}, :f :write, :value [{key} {n}]}}\n")
        })
    };
    let read = |key: usize, n: usize| {
        let event = |kind: &str, value: &str| {
            format!("{{:process {key}, :type :{kind}, :f :read, :value [{key} {value}]}}\n")
        };
        [event("invoke", "nil"), event("ok", &n.to_string())]
    };
    let text: String =
        (0..6_000).flat_map(|n| [write(n % 7, n), read(n % 7, n)].concat()).collect();
    let done = checker_reading(&["analyze", "--stream", "-"], text.as_bytes());
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.contains("12000 operations on 7 keys are valid"), "{done:?}");
    let stale = text + &read(3, 1).concat();
    let done = checker_reading(&["analyze", "--stream", "-"], stale.as_bytes());
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.out.contains("which returned 1 on key 3 (operation 24000)"), "{done:?}");
}

#[test]
fn flags_and_readings_mean_what_they_mean_elsewhere() {
    let folder = Folder::new();
    let code = |flags: &[&str], text: &str| {
        let path = folder.file("history.edn", text);
        let done = checker(&[&["analyze", "--stream", &path], flags].concat());
        assert!(done.code != 254 || done.err.contains(&path), "{done:?}");
        done.code
    };
    assert_eq!(code(&[], UNKNOWN), 2);
    assert_eq!(code(&[], ""), 2);
    assert_eq!(code(&["--reject-vacuous"], VACUOUS), 2);
    assert_eq!(code(&["--format", "json"], INVALID), 1);
    assert_eq!(code(&["--init", "7"], VALID), 0);
    assert_eq!(code(&["--independent", "yes"], VALID), 254);
    assert_eq!(code(&["--model", "set"], VALID), 254);
    assert_eq!(code(&[], "{:process 0, :type :ok, :f :read}"), 254);
    assert_eq!(code(&[], "{:process 0, :type :invoke, :f"), 254);
    let path = folder.file("history.edn", VALID);
    let done = checker(&["analyze", "--stream", "--model", "set", &path]);
    assert!(done.err.contains("needs the whole history (what a set has lost"), "{done:?}");
    assert_eq!(checker(&["analyze", "--stream", &path, &path]).code, 254);
    assert_eq!(checker(&["analyze", "--stream", "--out", "x", &path]).code, 254);
}
