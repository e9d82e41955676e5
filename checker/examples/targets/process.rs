//! Whole processes: what the command costs from its start to its end.
//!
//! The kernel tells what processor time and memory *all* ended children took, so each measured
//! process is the only child of one that does nothing else: this command again, with [`MODE`].

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};

use super::Bench;
use super::machine;
use super::time::{Cost, cpu_ms, middle};

/// The first argument of the process between.
pub(crate) const MODE: &str = "--process";

/// What a process was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) cost: Cost,
    pub(crate) peak_mb: f64,
}

/// Builds the command, so that what is measured is what is in the working tree.
pub(crate) fn build() -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--bin", "checker"])
        .current_dir(machine::root())
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if built.success() { Ok(()) } else { Err("the command cannot be built".to_owned()) }
}

/// Where it is then.
pub(crate) fn built() -> PathBuf {
    machine::root().join("target/release/checker")
}

/// Runs `checker` with these arguments once.
pub(crate) fn once(
    bench: &Bench,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<Ended, String> {
    let output = Command::new(&bench.this)
        .arg(MODE)
        .arg(bench.checker()?)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{}: {error}", bench.this.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match numbers[..] {
        #[expect(clippy::cast_possible_truncation, reason = "an exit code")]
        [code, cpu_ms, elapsed_ms, peak_mb] => {
            Ok(Ended { code: code as i32, cost: Cost { cpu_ms, elapsed_ms }, peak_mb })
        }
        _ => Err(format!("no measurement: {text}")),
    }
}

/// The medians of some runs of `checker analyze` on a file, and the most memory of any.
pub(crate) fn analyze(bench: &Bench, file: &Path, runs: usize) -> Result<Ended, String> {
    let file = file.as_os_str();
    let all: Vec<Ended> = (0..runs)
        .map(|_| once(bench, [OsStr::new("analyze"), file]))
        .collect::<Result<_, String>>()?;
    let costs: Vec<Cost> = all.iter().map(|ended| ended.cost).collect();
    let peak_mb = all.iter().map(|ended| ended.peak_mb).fold(0.0, f64::max);
    let code = all.first().map_or(0, |ended| ended.code);
    Ok(Ended { code, cost: middle(&costs), peak_mb })
}

/// The process between: runs a command, prints exit code, processor and elapsed time, memory.
pub(crate) fn child(command: &[String]) -> Result<(), String> {
    let (program, arguments) = command.split_first().ok_or("which command?")?;
    let started = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| format!("{program}: {error}"))?;
    let elapsed_ms = started.elapsed().as_secs_f64() * 1e3;
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| error.to_string())?;
    let peak_mb = usage.max_rss() as f64 * 1024.0 / 1e6;
    let code = status.code().unwrap_or(-1);
    println!("{code} {} {elapsed_ms} {peak_mb}", cpu_ms(UsageWho::RUSAGE_CHILDREN));
    Ok(())
}
