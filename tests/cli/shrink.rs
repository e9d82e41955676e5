use std::fs;

use crate::binary::{Folder, INVALID, UNKNOWN, VALID, checker, checker_reading};

#[test]
fn what_is_left_is_judged_invalid_and_the_rest_is_accounted_for() {
    let folder = Folder::new();
    let late = "{:index 6, :time 70, :type :invoke, :process 1, :f :read, :value nil}\n\
                {:index 7, :time 80, :type :ok, :process 1, :f :read, :value 2}\n";
    let path = folder.file("h.edn", format!("{INVALID}{late}"));
    let out = folder.path("rest.edn").display().to_string();
    let done = checker(&["shrink", &path, "-o", &out]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.out.contains("3 of 4 operations are left"), "{done:?}");
    assert!(done.out.contains("1 that began after the violation was complete"), "{done:?}");
    let rest = fs::read_to_string(&out).expect("it was written");
    assert_eq!(rest.lines().filter(|line| line.starts_with("{:index")).count(), 6, "{rest}");
    assert!(rest.starts_with("; stale read: "), "{rest}");
    assert_eq!(checker(&["analyze", &out]).code, 1);
}

#[test]
fn the_history_goes_to_standard_output_and_the_account_to_people() {
    let done = checker_reading(&["shrink", "-"], INVALID.as_bytes());
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.err.contains("3 of 3 operations are left"), "{done:?}");
    assert_eq!(checker_reading(&["analyze", "-"], done.out.as_bytes()).code, 1);
}

#[test]
fn what_is_not_invalid_is_not_shrunk() {
    let folder = Folder::new();
    for (text, code) in [(VALID, 0), (UNKNOWN, 2)] {
        let done = checker(&["shrink", &folder.file("h.edn", text)]);
        assert_eq!(done.code, code, "{done:?}");
        assert!(done.out.is_empty() && done.err.contains("nothing to shrink"), "{done:?}");
    }
}

#[test]
fn a_key_is_chosen_by_its_name() {
    let op = |kind: &str, process: u32, f: &str, value: &str| {
        format!("{{:type :{kind}, :process {process}, :f :{f}, :value {value}}}\n")
    };
    let stale = |process: u32, key: &str| {
        let read = |kind, value: &str| op(kind, process, "read", &format!("[{key} {value}]"));
        read("invoke", "nil") + &read("ok", "7")
    };
    let folder = Folder::new();
    let path = folder.file("h.edn", stale(0, ":a") + &stale(1, ":b"));
    let done = checker(&["shrink", "--key", ":b", &path]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.out.contains(":key :b") && !done.out.contains(":key :a"), "{done:?}");
    let done = checker(&["shrink", "--key", ":c", &path]);
    assert_eq!(done.code, 254, "{done:?}");
    assert!(done.err.contains("key :c has no violation"), "{done:?}");
}

#[test]
fn a_set_is_invalid_without_being_shrunk() {
    let text = "{:type :invoke, :process 0, :f :add, :value 1}\n\
                {:type :ok, :process 0, :f :add, :value 1}\n\
                {:type :invoke, :process 1, :f :read, :value nil}\n\
                {:type :ok, :process 1, :f :read, :value #{}}\n";
    let done = checker_reading(&["shrink", "-"], text.as_bytes());
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.out.is_empty() && done.err.contains("not shrunk"), "{done:?}");
}
