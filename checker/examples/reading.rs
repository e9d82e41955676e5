//! Reads and judges one history and prints what each part took.
//!
//! `cargo run --release -p checker --example reading -- FILE`
#![expect(clippy::print_stdout, reason = "a command that reports to whoever runs it")]

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use checker::history::read_path;
use checker::{Budget, CheckOptions, check, infer_spec};

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        println!("which history?");
        return ExitCode::FAILURE;
    };
    let bytes = std::fs::metadata(&path).map_or(0, |file| file.len());
    let started = Instant::now();
    let history = match read_path(Path::new(&path), None) {
        Ok(history) => history,
        Err(error) => {
            println!("{path}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let reading = started.elapsed().as_secs_f64();
    let (events, operations) = (history.ops().len(), history.operations().len());
    println!(
        "read {operations} operations ({events} events) in {reading:.2} s: {:.0} MB/s, {:.2} million events/s",
        bytes as f64 / 1e6 / reading,
        events as f64 / 1e6 / reading,
    );
    println!("memory: {} MB at most, of them now {} MB", resident("VmHWM"), resident("VmRSS"));
    let started = Instant::now();
    let options = CheckOptions { spec: infer_spec(&history), ..CheckOptions::default() };
    let verdict = check(&history, &options, &Budget::unlimited());
    let judging = started.elapsed().as_secs_f64();
    println!(
        "judged in {judging:.2} s: {} ({}), {} expansions",
        verdict.validity.word(),
        verdict.summary,
        verdict.stats.expansions
    );
    println!(
        "in all {:.2} million operations/s, {:.0} bytes an operation at most",
        operations as f64 / 1e6 / (reading + judging),
        resident("VmHWM") as f64 * 1e6 / operations as f64,
    );
    ExitCode::SUCCESS
}

/// A figure of this process's memory, in MB; 0 where there is no `/proc`.
fn resident(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024 / 1_000_000
}
