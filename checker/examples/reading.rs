//! Reads and judges one history and prints what each part took.
//!
//! `cargo run --release -p checker --example reading -- FILE [--algorithm NAME] [--threads N] [--whole]`
//!
//! `--whole` takes the history as one object. Nobody waits for explanations here.
#![expect(clippy::print_stdout, reason = "a command that reports to whoever runs it")]

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use checker::checks::Patience;
use checker::history::{Independent, read_path};
use checker::linear::Algorithm;
use checker::{Budget, CheckOptions, check, infer_spec};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(path) = arguments.first() else {
        println!("which history?");
        return ExitCode::FAILURE;
    };
    let bytes = std::fs::metadata(path).map_or(0, |file| file.len());
    let started = Instant::now();
    let history = match read_path(Path::new(path), None) {
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
    let given = |flag: &str| {
        arguments.iter().position(|one| one == flag).and_then(|at| arguments.get(at + 1))
    };
    let algorithm = given("--algorithm").and_then(|name| Algorithm::parse(name));
    let is_whole = arguments.iter().any(|one| one == "--whole");
    let options = CheckOptions {
        spec: infer_spec(&history),
        algorithm: algorithm.unwrap_or_default(),
        threads: given("--threads").and_then(|threads| threads.parse().ok()),
        independent: if is_whole { Independent::No } else { Independent::Auto },
        patience: Patience(Duration::ZERO),
    };
    let verdict = check(&history, &options, &Budget::unlimited());
    let judging = started.elapsed().as_secs_f64();
    println!(
        "judged in {judging:.3} s: {} ({:.80}), {} expansions, largest frontier {}",
        verdict.validity.word(),
        verdict.summary,
        verdict.stats.expansions,
        verdict.stats.largest_frontier
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
