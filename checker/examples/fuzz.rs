//! Compares the checker with exhaustive ones on random small histories.
//!
//! `cargo run --release -p checker --example fuzz -- --histories 1000000 --seed 1`
//!
//! compares the registers in all their readings, by every algorithm that applies to a history;
//!
//! `cargo run --release -p checker --example fuzz -- --model all --histories 1000000 --seed 1`
//!
//! every other model, or one that is named;
//!
//! `cargo run --release -p checker --example fuzz -- --through monitor --histories 1000000 --seed 1`
//!
//! what monitors say of registers and of every other model while a history grows, remembering and
//! counting exactly as little as may be. Prints the seed and what was compared; on a
//! disagreement the history, and exits with 1. Valid verdicts carry an order that the checker
//! verifies itself; unknown ones count as disagreement, but for monitors' on crashed operations.
#![expect(clippy::print_stdout, reason = "a command that reports to whoever runs it")]

#[path = "../tests/support/case.rs"]
mod case;
#[path = "../tests/support/compare.rs"]
mod compare;
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

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use checker::linear::Algorithm;
use checker::monitor::Keys;
use checker::verdict::Reason;
use checker::{Budget, CheckOptions, Op, Validity, Verdict, check};
use compare::WatchedCounts;
use exhaustive::Case;

fn main() -> ExitCode {
    let (mut histories, mut seed, mut model) = (100_000_u64, 1_u64, None);
    let mut through = run_models as fn(&str, u64, u64) -> ExitCode;
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        match (flag.as_str(), value.parse()) {
            ("--histories", Ok(number)) => histories = number,
            ("--seed", Ok(number)) => seed = number,
            ("--model", _) => model = Some(value),
            ("--through", _) if value == "monitor" => {
                through = run_monitors;
                model.get_or_insert("all".to_owned());
            }
            _ => {
                println!(
                    "usage: fuzz [--through monitor] [--model NAME|all] [--histories N] [--seed N]"
                );
                return ExitCode::from(254);
            }
        }
    }
    match model {
        None => run(histories, seed),
        Some(name) => through(&name, histories, seed),
    }
}

/// A line of a table for each model.
fn run_models(name: &str, histories: u64, seed: u64) -> ExitCode {
    println!(
        "| model | seed | histories | not linearizable | with crashed operations \
         | without search | of these impossible | disagreements | s |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for object in objects::all() {
        if name != "all" && name != object.model.name() {
            continue;
        }
        let started = Instant::now();
        match compare::compare(&object, histories, seed) {
            Ok(counts) => println!(
                "| `{}` | {seed} | {histories} | {} | {} | {} | {} | 0 | {:.0} |",
                object.model.name(),
                counts.not_linearizable,
                counts.with_crashes,
                counts.by_procedure,
                counts.impossible,
                started.elapsed().as_secs_f64()
            ),
            Err(disagreement) => {
                println!("{}: {}", object.model.name(), disagreement.told());
                return ExitCode::from(1);
            }
        }
    }
    ExitCode::SUCCESS
}

/// A line of a table for the registers and for each other model.
fn run_monitors(name: &str, histories: u64, seed: u64) -> ExitCode {
    println!(
        "| model | seed | histories | not linearizable | with crashed operations | undecided \
         | disagreements | s |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut all: Vec<(&str, Compare)> =
        vec![("cas-register", Box::new(move || compare_registers(histories, seed)))];
    for object in objects::all() {
        let model = object.model.name();
        let compare = move || compare::compare_watched(&object, histories, seed);
        all.push((model, Box::new(move || compare().map_err(|wrong| wrong.told()))));
    }
    for (model, compare) in all.iter().filter(|(model, _)| name == "all" || name == *model) {
        let started = Instant::now();
        match compare() {
            Ok(counts) => println!(
                "| `{model}` | {seed} | {histories} | {} | {} | {} | 0 | {:.0} |",
                counts.not_linearizable,
                counts.with_crashes,
                counts.undecided,
                started.elapsed().as_secs_f64()
            ),
            Err(told) => {
                println!("{model}: {told}");
                return ExitCode::from(1);
            }
        }
    }
    ExitCode::SUCCESS
}

/// Compares what monitors say of one model; else what is wrong.
type Compare = Box<dyn Fn() -> Result<WatchedCounts, String>>;

/// Monitors of registers, in all their readings.
fn compare_registers(histories: u64, seed: u64) -> Result<WatchedCounts, String> {
    let mut rng = generate::seeded(seed);
    let mut counts = WatchedCounts::default();
    for number in 0..histories {
        let shape = generate::random_shape(&mut rng);
        let case = generate::random_case(shape, &mut rng);
        let events: Vec<Op> = case::events(&case).into_iter().map(|(_, op)| op).collect();
        let (spec, care) = (case::options(&case).spec, compare::random_care(&mut rng));
        let verdict = compare::watched(&spec, Keys::None, care, &events);
        let linearizable = exhaustive::is_linearizable(&case);
        let crashed =
            case.ops.iter().any(|op| op.end.is_none_or(|(_, end)| end == exhaustive::End::Info));
        if !counts.agree(&verdict, linearizable, crashed) {
            return Err(format!("history {number}, {care:?}: {verdict:#?}\nof {case:#?}"));
        }
    }
    Ok(counts)
}

fn run(histories: u64, seed: u64) -> ExitCode {
    let started = Instant::now();
    println!("seed {seed}, {histories} histories");
    let mut rng = generate::seeded(seed);
    let mut tally = Tally::default();
    let (mut invalid, mut crashed, mut observing) = (0_u64, 0_u64, 0_u64);
    for number in 0..histories {
        let shape = generate::random_shape(&mut rng);
        let case = generate::random_case(shape, &mut rng);
        let expected = match exhaustive::is_linearizable(&case) {
            true => Validity::Valid,
            false => Validity::Invalid,
        };
        if let Err(verdict) = tally.compare(&case, expected, number) {
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
    println!("decided by each algorithm: {}", tally.told());
    ExitCode::SUCCESS
}

/// How many histories each algorithm has decided.
#[derive(Default)]
struct Tally(BTreeMap<&'static str, u64>);

/// Threads are dear beside histories as small as these.
const COMPETITION_EVERY: u64 = 32;

impl Tally {
    /// Judges a case by every algorithm; hands out a verdict that is wrong, or that names another
    /// operation than the first one. Only procedures without search may not apply.
    fn compare(
        &mut self,
        case: &Case,
        expected: Validity,
        number: u64,
    ) -> Result<(), Box<Verdict>> {
        let history = case::history(case);
        let mut named = None;
        for algorithm in Algorithm::ALL.iter().copied() {
            if algorithm == Algorithm::Competition && !number.is_multiple_of(COMPETITION_EVERY) {
                continue;
            }
            let options = CheckOptions { algorithm, ..case::options(case) };
            let verdict = check(&history, &options, &Budget::unlimited());
            let inapplicable = matches!(verdict.reason, Some(Reason::Missing(_)));
            if algorithm == Algorithm::Zones && inapplicable {
                continue;
            }
            let at = verdict.anomalies.first().map(|anomaly| anomaly.op);
            if verdict.validity != expected || *named.get_or_insert(at) != at {
                return Err(Box::new(verdict));
            }
            *self.0.entry(algorithm.name()).or_default() += 1;
        }
        Ok(())
    }

    fn told(&self) -> String {
        let counts: Vec<String> =
            self.0.iter().map(|(name, count)| format!("{name} {count}")).collect();
        counts.join(", ")
    }
}
