//! Judges long histories of every model but the registers, which `targets` knows.
//!
//! `cargo run --release -p checker --example long -- --model all --operations 10000 --seed 1`
//!
//! Each model is played by fifty processes, of whose operations about a hundred crash, once as it
//! should be and once bent at twenty places; with different values and with few (of numbers that
//! are added to: with equal amounts, and with any). Prints a line of a table for each:
//! the processor time of checking alone, the median of up to nine runs.
#![expect(clippy::print_stdout, reason = "a command that reports to whoever runs it")]

#[path = "../tests/support/objects.rs"]
mod objects;
#[path = "../tests/support/records.rs"]
mod records;
#[path = "../tests/support/small.rs"]
#[expect(dead_code, reason = "long histories are not tried out in every way")]
mod small;
#[path = "targets/time.rs"]
#[expect(dead_code, reason = "the measuring of targets")]
mod time;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use checker::checks::{CheckOptions, CheckerSpec};
use checker::history::Independent;
use checker::model::ModelName;
use checker::{Budget, History, check};
use small::{End, Object, Shape, SmallOp, bend, random_history, seeded};

/// A model that needs longer is told as unknown.
const PATIENCE: Duration = Duration::from_secs(20);
const BENDS: usize = 20;
const CRASHED: f64 = 100.0;

fn main() -> ExitCode {
    let (mut operations, mut seed, mut model) = (10_000_u32, 1_u64, "all".to_owned());
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        match (flag.as_str(), value.parse()) {
            ("--operations", Ok(number)) => operations = u32::try_from(number).unwrap_or(u32::MAX),
            ("--seed", Ok(number)) => seed = number,
            ("--model", _) => model = value,
            _ => {
                println!("usage: long [--model NAME|all] [--operations N] [--seed N]");
                return ExitCode::from(254);
            }
        }
    }
    println!(
        "| model | values | history | crashed | verdict | expansions | largest frontier | ms |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for object in objects::all() {
        if model == "all" || model == object.model.name() {
            [true, false].into_iter().for_each(|unique| measure(&object, operations, unique, seed));
        }
    }
    ExitCode::SUCCESS
}

/// Two lines of the table.
fn measure(object: &Object, operations: u32, unique: bool, seed: u64) {
    let mut rng = seeded(seed);
    // A client has two chances to crash in each operation, see `small`.
    let crash_rate = CRASHED / f64::from(operations) / 1.2;
    let operations = operations as usize;
    let shape = Shape { operations, processes: 50, unique, crash_rate, bend_rate: 0.0 };
    let mut ops = random_history(object, shape, &mut rng);
    judge(object, &ops, unique, "as it should be");
    if object.model == ModelName::MutableSet {
        // A read of everything ties all elements to each other.
        ops.retain(|op| op.ask.f != "read");
        judge(object, &ops, unique, "without reads of the whole set");
    }
    (0..BENDS).for_each(|_| bend(object, &mut ops, &mut rng));
    judge(object, &ops, unique, "bent");
}

fn judge(object: &Object, ops: &[SmallOp], unique: bool, how: &str) {
    let history = History::from_ops(small::events(ops)).expect("the simulation pairs its events");
    let spec = CheckerSpec::Linearizable { model: object.model, options: object.options.clone() };
    let options = CheckOptions { spec, independent: Independent::No, ..CheckOptions::default() };
    let (verdict, cost) = time::median(Duration::from_secs(2), || {
        check(&history, &options, &Budget::unlimited().with_deadline(Instant::now() + PATIENCE))
    });
    let crashed = ops.iter().filter(|op| op.end.is_none_or(|(_, end)| end == End::Info)).count();
    println!(
        "| `{}` | {} | {how} | {crashed} | {} | {} | {} | {:.1} |",
        object.model.name(),
        if unique { "unique" } else { "few" },
        verdict.validity.word(),
        verdict.stats.expansions,
        verdict.stats.largest_frontier,
        cost.cpu_ms
    );
}
