//! Where and when it was measured: figures mean nothing without.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let beneath = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    fs::canonicalize(beneath).unwrap_or_else(|_| beneath.into())
}

/// One sentence with processor, memory, kernel, date, commit and load.
pub(crate) fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = read("/proc/loadavg");
    let load: Vec<&str> = load.split_whitespace().take(3).collect();
    format!(
        "{cores} cores ({}), {} GiB, Linux {}; {} UTC, commit `{}`; load at the end {}",
        field("/proc/cpuinfo", "model name"),
        memory_gib(),
        read("/proc/sys/kernel/osrelease").trim(),
        output("date", &["-u", "+%Y-%m-%d %H:%M"]),
        commit(),
        load.join(" ")
    )
}

fn commit() -> String {
    let hash = output("git", &["rev-parse", "--short=7", "HEAD"]);
    // What this command itself writes does not count as a change.
    let changed = output("git", &["status", "--porcelain", "--", ".", ":!docs/benchmarks.md"]);
    if changed.is_empty() { hash } else { format!("{hash} and changes") }
}

fn memory_gib() -> u64 {
    let kib = field("/proc/meminfo", "MemTotal");
    let kib: u64 = kib.trim_end_matches(" kB").parse().unwrap_or_default();
    (kib + (1 << 19)) >> 20
}

/// The value of the first line `name: value`.
fn field(path: &str, name: &str) -> String {
    let text = read(path);
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.find(|(key, _)| key.trim() == name).map_or_else(String::new, |(_, v)| v.trim().to_owned())
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(root()).output();
    output.map_or_else(|_| String::new(), |o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
}
