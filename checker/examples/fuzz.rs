//! Compares the checker with an exhaustive one on random small histories.
//!
//! `cargo run --release -p checker --example fuzz -- --histories 1000000 --seed 1`
//!
//! Prints the seed and what was compared; on a disagreement the history, and exits with 1. Valid
//! verdicts carry an order that the checker verifies itself; unknown ones count as disagreement.
#![expect(clippy::print_stdout, reason = "a command that reports to whoever runs it")]

#[path = "../tests/support/case.rs"]
mod case;
#[path = "../tests/support/exhaustive.rs"]
mod exhaustive;
#[path = "../tests/support/generate.rs"]
mod generate;

use std::process::ExitCode;
use std::time::Instant;

use checker::{Budget, Validity, check};

fn main() -> ExitCode {
    let (mut histories, mut seed) = (100_000_u64, 1_u64);
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let number = arguments.next().and_then(|text| text.parse().ok());
        match (flag.as_str(), number) {
            ("--histories", Some(number)) => histories = number,
            ("--seed", Some(number)) => seed = number,
            _ => {
                println!("usage: fuzz [--histories N] [--seed N]");
                return ExitCode::from(254);
            }
        }
    }
    run(histories, seed)
}

fn run(histories: u64, seed: u64) -> ExitCode {
    let started = Instant::now();
    println!("seed {seed}, {histories} histories");
    let mut rng = generate::seeded(seed);
    let (mut invalid, mut crashed, mut observing) = (0_u64, 0_u64, 0_u64);
    for number in 0..histories {
        let shape = generate::random_shape(&mut rng);
        let case = generate::random_case(shape, &mut rng);
        let expected = match exhaustive::is_linearizable(&case) {
            true => Validity::Valid,
            false => Validity::Invalid,
        };
        let verdict = check(&case::history(&case), &case::options(&case), &Budget::unlimited());
        if verdict.validity != expected {
            println!("history {number}: {verdict:#?}\nexpected {expected:?} of {case:#?}");
            return ExitCode::from(1);
        }
        invalid += u64::from(expected == Validity::Invalid);
        crashed += u64::from(
            case.ops.iter().any(|op| op.end.is_none_or(|(_, end)| end == exhaustive::End::Info)),
        );
        observing += u64::from(case.observe_failed_cas);
    }
    println!(
        "{histories} histories agree: {invalid} not linearizable, {crashed} with crashed \
         operations, {observing} with failed cas read as observations; {:.1} s; seed {seed}",
        started.elapsed().as_secs_f64()
    );
    ExitCode::SUCCESS
}
