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

/// Adds of 1 and 2, and reads of the given sets one after another.
fn set_history(reads: &[&str]) -> String {
    let op = |process: usize, f: &str, argument: &str, result: &str| {
        format!(
            "{{:type :invoke, :process {process}, :f :{f}, :value {argument}}}\n\
             {{:type :ok, :process {process}, :f :{f}, :value {result}}}\n"
        )
    };
    let adds = op(0, "add", "1", "1") + &op(1, "add", "2", "2");
    adds + &reads.iter().map(|seen| op(2, "read", "nil", seen)).collect::<String>()
}

#[test]
fn of_a_set_the_operations_are_left_that_show_the_element() {
    let cases: [(&[&str], &str, &str, usize); 3] = [
        (&["#{1 2}", "#{1}"], "; lost: ", "of 4 operations are left", 2),
        (&["#{1}", "#{1 2}"], "; stale: ", "of 4 operations are left", 3),
        (&["#{1 2 3}", "#{1 2 3}"], "; unexpected: ", "of 4 operations are left", 1),
    ];
    for (reads, title, account, left) in cases {
        let done = checker_reading(&["shrink", "-"], set_history(reads).as_bytes());
        assert_eq!(done.code, 1, "{done:?}");
        assert!(done.err.contains(account) && done.out.starts_with(title), "{done:?}");
        assert_eq!(done.out.matches(":type :invoke").count(), left, "{done:?}");
        // Without an add nothing tells that it is a set.
        assert!(done.out.contains("checker analyze --model set"), "{done:?}");
        let again = checker_reading(&["shrink", "--model", "set", "-"], done.out.as_bytes());
        assert_eq!(again.code, 1, "{again:?}");
        assert!(again.out.starts_with(title), "another violation: {again:?}");
        assert!(again.err.contains(&format!("{left} of {left} operations are left")), "{again:?}");
    }
}
