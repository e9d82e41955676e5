//! Running `ip`, `iptables` and `nft`: the only place that starts programs which are not nodes.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::env::EnvError;

/// Why a command did not do its work.
#[derive(Debug, thiserror::Error)]
#[error("`{command}` failed: {detail}")]
pub struct ToolError {
    /// The command line.
    pub command: String,
    /// What it printed, or how it ended.
    pub detail: String,
}

impl From<ToolError> for EnvError {
    fn from(error: ToolError) -> EnvError {
        EnvError::Command { command: error.command, detail: error.detail }
    }
}

/// Where administrators' programs are; an ordinary user's PATH often lacks these folders.
const SYSTEM_FOLDERS: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

/// The full path of a program.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(SYSTEM_FOLDERS.iter().map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

/// Runs a command to its end.
pub(crate) fn run(argv: &[&str]) -> Result<(), ToolError> {
    run_batch(argv, "")
}

/// Runs a command and returns what it printed.
pub(crate) fn output(argv: &[&str]) -> Result<String, ToolError> {
    piped(argv, "")
}

/// Runs a command that reads its work from standard input. What it printed is in the error, with the
/// offending line where it names one.
pub(crate) fn run_batch(argv: &[&str], input: &str) -> Result<(), ToolError> {
    piped(argv, input).map(drop)
}

fn piped(argv: &[&str], input: &str) -> Result<String, ToolError> {
    let failed = |detail: String| ToolError { command: argv.join(" "), detail };
    let program = find(argv[0]).ok_or_else(|| failed("no such program".to_owned()))?;
    let mut child = Command::new(program)
        .args(&argv[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    // A command that fails early closes its input; its message says more than our broken pipe.
    // The pipe is dropped here, which ends the input.
    let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        written.map_err(|error| failed(error.to_string()))?;
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let message = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    Err(failed(if message.is_empty() { output.status.to_string() } else { message }))
}
