//! Running the real binary, and small histories to run it on.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A write that is read back.
pub(crate) const VALID: &str = "\
{:index 0, :time 10, :type :invoke, :process 0, :f :write, :value 1}
{:index 1, :time 20, :type :ok, :process 0, :f :write, :value 1}
{:index 2, :time 30, :type :invoke, :process 1, :f :read, :value nil}
{:index 3, :time 40, :type :ok, :process 1, :f :read, :value 1}
";

/// A read that misses a write which was acknowledged before it began.
pub(crate) const INVALID: &str = "\
{:index 0, :time 10, :type :invoke, :process 0, :f :write, :value 1}
{:index 1, :time 20, :type :ok, :process 0, :f :write, :value 1}
{:index 2, :time 30, :type :invoke, :process 0, :f :write, :value 2}
{:index 3, :time 40, :type :ok, :process 0, :f :write, :value 2}
{:index 4, :time 50, :type :invoke, :process 1, :f :read, :value nil}
{:index 5, :time 60, :type :ok, :process 1, :f :read, :value 1}
";

/// An operation that no model knows.
pub(crate) const UNKNOWN: &str = "\
{:index 0, :time 10, :type :invoke, :process 0, :f :frobnicate, :value 1}
{:index 1, :time 20, :type :ok, :process 0, :f :frobnicate, :value 1}
";

/// Nothing that was written was ever read.
pub(crate) const VACUOUS: &str = "\
{:index 0, :time 10, :type :invoke, :process 0, :f :write, :value 1}
{:index 1, :time 20, :type :ok, :process 0, :f :write, :value 1}
";

/// How a run of the binary ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the binary with nothing on its standard input.
pub(crate) fn checker(args: &[&str]) -> Done {
    checker_reading(args, b"")
}

/// Runs the binary with `input` on its standard input.
pub(crate) fn checker_reading(args: &[&str], input: &[u8]) -> Done {
    let mut child = command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // It may end without reading; that is for the assertions to judge.
    let _ = child.stdin.take().expect("piped").write_all(input);
    let output = child.wait_with_output().expect("it ends");
    Done {
        code: output.status.code().expect("it exits, rather than dying of a signal"),
        out: String::from_utf8(output.stdout).expect("output is text"),
        err: String::from_utf8(output.stderr).expect("errors are text"),
    }
}

/// The binary, undisturbed by the environment of whoever runs the tests.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_checker"));
    command.args(args).env_remove("ORDEAL_LOG").env_remove("RUST_BACKTRACE");
    command
}

/// A folder with histories, gone at the end of the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a temporary folder"))
    }

    /// Writes a file and gives its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, content).expect("the file is written");
        path.display().to_string()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}
