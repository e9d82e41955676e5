//! Certifies random small histories, and has every proof verified, damaged, and tried on others.
//!
//! `cargo run --release -p checker --example certificates -- --model all --histories 100000 --seed 1`
//!
//! An exhaustive checker knows the truth. Every proof must be accepted; of what is made of it (a
//! certificate that is damaged, cut off, claims the opposite, has another hash or is about another
//! history) nothing may prove what is false. Prints a line of a table for each model; at the first
//! failure the history and the certificate, and exits with 1.
#![expect(clippy::print_stdout, reason = "a command that reports to whoever runs it")]

#[path = "../tests/support/case.rs"]
mod case;
#[path = "../tests/support/certified.rs"]
mod certified;
#[path = "../tests/support/certify.rs"]
mod certify;
#[path = "../tests/support/damage.rs"]
mod damage;
#[path = "../tests/support/exhaustive.rs"]
mod exhaustive;
#[path = "../tests/support/generate.rs"]
mod generate;
#[path = "../tests/support/objects.rs"]
mod objects;
#[path = "../tests/support/records.rs"]
mod records;
#[path = "../tests/support/small.rs"]
mod small;

use std::process::ExitCode;
use std::time::Instant;

use certify::Counts;

fn main() -> ExitCode {
    let (mut histories, mut seed, mut model) = (10_000_u64, 1_u64, "all".to_owned());
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        match (flag.as_str(), value.parse()) {
            ("--histories", Ok(number)) => histories = number,
            ("--seed", Ok(number)) => seed = number,
            ("--model", _) => model = value,
            _ => {
                println!(
                    "usage: certificates [--model NAME|registers|all] [--histories N] [--seed N]"
                );
                return ExitCode::from(254);
            }
        }
    }
    println!(
        "| model | seed | valid | invalid | of these by frontier | forgeries refused | true all the same | wrong | s |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let is_meant = |name: &str| model == "all" || model == name;
    let mut all = Vec::new();
    if is_meant("registers") {
        all.push(run("registers", seed, || certified::registers(histories, seed)));
    }
    for object in objects::all().iter().filter(|object| is_meant(object.model.name())) {
        let run = run(object.model.name(), seed, || certified::objects(object, histories, seed));
        all.push(run);
    }
    match !all.is_empty() && all.into_iter().all(|held| held) {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(1),
    }
}

/// A line of the table; `false` if something is wrong.
fn run(name: &str, seed: u64, certify: impl FnOnce() -> Result<Counts, String>) -> bool {
    let started = Instant::now();
    match certify() {
        Ok(Counts { valid, invalid, frontiers, refused, accepted }) => {
            let seconds = started.elapsed().as_secs_f64();
            println!(
                "| `{name}` | {seed} | {valid} | {invalid} | {frontiers} | {refused} | {accepted} \
                 | 0 | {seconds:.0} |"
            );
            true
        }
        Err(why) => {
            println!("{why}");
            false
        }
    }
}
