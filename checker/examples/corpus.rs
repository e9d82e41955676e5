//! Judges the reference corpus and prints, for each history, the verdict and what it took.
//!
//! `cargo run --release -p checker --example corpus [-- FOLDER]`
//!
//! Looks in the folder given, `$ORDEAL_CORPUS`, or `../shared/corpus`. Times are for checking
//! alone, without reading the file, on one thread. Exits with 1 on a wrong verdict.
#![expect(clippy::print_stdout, reason = "a command that reports to whoever runs it")]

#[path = "../tests/support/corpus.rs"]
mod corpus;
#[path = "../tests/support/place.rs"]
mod place;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use checker::{Budget, check};

fn main() -> ExitCode {
    let folder = std::env::args().nth(1).map(PathBuf::from).or_else(corpus::folder);
    let Some(folder) = folder else {
        println!("no corpus here; set ORDEAL_CORPUS");
        return ExitCode::SUCCESS;
    };
    println!(
        "{:<42} {:>8} {:>10} {:>12} {:>9} {:>10}",
        "history", "ops", "verdict", "expansions", "frontier", "ms"
    );
    let mut wrong = 0;
    let mut logs = (0_u64, 0.0_f64);
    for entry in corpus::entries(&folder) {
        let history = entry.read(&folder);
        let started = Instant::now();
        let verdict = check(&history, &entry.options(), &Budget::unlimited());
        let ms = started.elapsed().as_secs_f64() * 1e3;
        let word = verdict.validity.word();
        if word != entry.verdict {
            wrong += 1;
            println!("WRONG: {} should be {}", entry.file, entry.verdict);
        }
        if entry.is_log() && word == entry.verdict {
            logs = (logs.0 + verdict.stats.expansions, logs.1 + ms);
            continue;
        }
        let name = entry.file.rsplit('/').next().unwrap_or_default();
        let stats = &verdict.stats;
        println!(
            "{name:<42} {:>8} {word:>10} {:>12} {:>9} {ms:>10.2}",
            stats.operations, stats.expansions, stats.largest_frontier
        );
    }
    println!(
        "{:<42} {:>8} {:>10} {:>12} {:>9} {:>10.2}",
        "the etcd logs together", "", "", logs.0, "", logs.1
    );
    ExitCode::from(u8::from(wrong > 0))
}
