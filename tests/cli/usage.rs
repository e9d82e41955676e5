use std::process::Stdio;

use crate::binary::{Folder, INVALID, checker, command};

#[test]
fn help_and_version_are_no_errors() {
    for args in [&["--help"][..], &["--version"], &["analyze", "--help"], &["help", "list"]] {
        let done = checker(args);
        assert_eq!(done.code, 0, "{args:?}: {done:?}");
        assert!(!done.out.is_empty() && done.err.is_empty(), "{args:?}: {done:?}");
    }
}

#[test]
fn bad_usage_is_254_and_says_what_is_wrong_on_standard_error() {
    for (args, named) in [
        (&[][..], "Usage"),
        (&["bogus"], "bogus"),
        (&["analyze"], "FILE"),
        (&["analyze", "--bogus", "-"], "--bogus"),
        (&["analyze", "--deadline", "60", "-"], "write 60s"),
        (&["analyze", "--memory", "lots", "-"], "--memory"),
        (&["analyze", "--threads", "0", "-"], "--threads"),
        (&["analyze", "--init", "{:a", "-"], "--init"),
        (&["analyze", "--init", "1", "--model", "set", "-"], "--init"),
        (&["analyze", "--model", "abacus", "-"], "abacus"),
        (&["analyze", "--format", "xml", "-"], "xml"),
        (&["completions", "klingon"], "klingon"),
    ] {
        let done = checker(args);
        assert_eq!(done.code, 254, "{args:?}: {done:?}");
        assert!(done.err.contains(named) && done.out.is_empty(), "{args:?}: {done:?}");
    }
}

#[test]
fn a_reader_that_goes_away_early_changes_neither_verdict_nor_manners() {
    let folder = Folder::new();
    let invalid = folder.file("stale.edn", INVALID);
    for (args, code) in [(vec!["list"], 0), (vec!["analyze", &invalid], 1)] {
        let mut child = command(&args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert!(output.stderr.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
