//! Prints a history of a key-value store that is linearizable, or has one read that is certainly
//! wrong, for measuring: as long as wanted, since nothing of it is kept.
//!
//! `cargo run --release -p checker --example generate -- --operations 10000000 --keys 1000`
//!
//! | flag | meaning | unless given |
//! |---|---|---|
//! | `--operations` | invocations | 100,000 |
//! | `--keys` | independent registers; 1: values are not pairs | 1 |
//! | `--processes` | clients at once, idle a tenth of the time | 10 |
//! | `--values` | different values a key; `unique`: each written once | 5 |
//! | `--crashed` | operations that end in `:info` | 0 |
//! | `--workload` | `register` or `cas-register` | `register` |
//! | `--lie` | one wrong read late in it: `none`, `stale` or `phantom` | `none` |
//! | `--event-ns` | time between two events, in nanoseconds | 1000 |
//! | `--format` | `edn` or `jsonl` | `edn` |
//! | `--seed` | of all that is random | 1 |
#![expect(clippy::print_stderr, reason = "a command that reports to whoever runs it")]

mod simulate;

use std::io::{self, BufWriter};
use std::process::ExitCode;

use simulate::Shape;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let shape = match Shape::parse(&arguments) {
        Ok(shape) => shape,
        Err(problem) => {
            eprintln!("{problem}; see the beginning of examples/generate.rs");
            return ExitCode::FAILURE;
        }
    };
    match simulate::write(&shape, BufWriter::with_capacity(1 << 20, io::stdout().lock())) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read it has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
