//! The long tables that CI has no time for, as Markdown: how often a correct store passes, how soon
//! each bug is found, what etcd does. Run it from the repository's root after
//! `cargo build --release`; its results are kept under `docs/`.
//!
//! ```text
//! cargo run --release --example measure -- valid --env local --seeds 20 --jobs 4
//! cargo run --release --example measure -- bugs --scenario directed --seeds 10
//! cargo run --release --example measure -- etcd --seeds 20 -- --nemesis partition,kill,pause
//! cargo run --release --example measure -- kill9 --seeds 20
//! ```
#![expect(clippy::print_stdout, reason = "a program that prints a table")]

#[path = "../tests/run/kill9.rs"]
mod kill9;
#[path = "measure/moments.rs"]
mod moments;
#[path = "../tests/run/processes.rs"]
mod processes;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use anyhow::{Context, Result};
use checker::{Budget, CheckOptions};
use clap::{Parser, ValueEnum};
use ordeal::report::{Input, Proof};

#[derive(Parser)]
struct Args {
    /// Which table
    table: Table,
    /// How many seeds, from `first-seed` on
    #[arg(long, default_value_t = 10)]
    seeds: u64,
    #[arg(long, default_value_t = 1)]
    first_seed: u64,
    /// How many runs at the same time
    #[arg(long, default_value_t = 4)]
    jobs: usize,
    /// Of `bugs`: at most so many runs a seed, with seed, seed + 1000, …
    #[arg(long, default_value_t = 5)]
    runs: u64,
    /// Of `bugs`: the scenario of each bug, or random faults with the defaults of `checker test`
    #[arg(long, default_value = "directed")]
    scenario: Faults,
    /// Only these bugs
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    #[arg(long, default_value = "auto")]
    env: String,
    #[arg(long, default_value = "target/release/checker")]
    checker: PathBuf,
    /// Where the runs are kept
    #[arg(long, default_value = "store/measure")]
    store: PathBuf,
    /// Further arguments of `checker test`
    #[arg(last = true)]
    rest: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Table {
    /// The sandbox without a bug: all valid, none vacuous
    Valid,
    /// Runs until each bug is found
    Bugs,
    /// etcd
    Etcd,
    /// `kill -9` of the tester at as many random moments as there are seeds: what it leaves behind
    Kill9,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Faults {
    Directed,
    Random,
}

/// One run of `checker test`, and what came of it.
struct Outcome {
    code: Option<i32>,
    headline: String,
    folder: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let seeds: Vec<u64> = (args.first_seed..args.first_seed + args.seeds).collect();
    match args.table {
        Table::Valid => plain(&args, &seeds, &["--time-limit", "15s"]),
        Table::Etcd => plain(&args, &seeds, &["--system", "etcd", "--time-limit", "60s"]),
        Table::Bugs => bugs(&args, &seeds),
        Table::Kill9 => moments::table(&args.checker, args.seeds, args.first_seed),
    }
}

/// One run of `checker test` with this seed.
fn test(args: &Args, seed: u64, options: &[&str]) -> Result<Outcome> {
    let output = Command::new(&args.checker)
        .arg("test")
        .args(options)
        .args(["--env", &args.env, "--seed", &seed.to_string(), "--store"])
        .arg(&args.store)
        .args(&args.rest)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", args.checker.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    let headline = text.lines().next().or(said.lines().last()).unwrap_or_default().to_owned();
    let folder = text.lines().find_map(|line| line.strip_prefix("Files ")).map(|f| f.trim().into());
    Ok(Outcome { code: output.status.code(), headline, folder })
}

/// A row a seed, then what the faults of all runs met.
fn plain(args: &Args, seeds: &[u64], options: &[&str]) -> Result<()> {
    let outcomes = side_by_side(args.jobs, seeds, |&seed| test(args, seed, options))?;
    println!("| seed | exit | verdict |\n|---|---|---|");
    let mut met: BTreeMap<String, (u64, u64, u64)> = BTreeMap::new();
    let mut codes: BTreeMap<i32, u64> = BTreeMap::new();
    for (seed, outcome) in seeds.iter().zip(&outcomes) {
        let code = outcome.code.unwrap_or(-1);
        *codes.entry(code).or_default() += 1;
        println!("| {seed} | {code} | {} |", outcome.headline.replace('|', "\\|"));
        if let Some(folder) = &outcome.folder {
            faults_met(folder, &mut met)?;
        }
    }
    let codes: Vec<String> = codes.iter().map(|(code, n)| format!("{n} × exit {code}")).collect();
    println!("\n{} runs: {}\n", seeds.len(), codes.join(", "));
    println!("| fault | proved | met by operations | operations |\n|---|---|---|---|");
    for (family, (proved, with_operations, operations)) in &met {
        println!("| {family} | {proved} | {with_operations} | {operations} |");
    }
    Ok(())
}

/// Adds up, by kind of fault: proved ones, those that operations overlapped, and how many did.
fn faults_met(folder: &Path, met: &mut BTreeMap<String, (u64, u64, u64)>) -> Result<()> {
    let history = checker::history::read_path(&folder.join("history.edn"), None)?;
    let options = CheckOptions::default();
    let verdict = checker::check(&history, &options, &Budget::unlimited());
    let input = Input { title: String::new(), history: &history, verdict: &verdict, run: None };
    for report in input.axes().faults {
        if report.fault.proof == Proof::Held {
            let row = met.entry(report.fault.family.to_string()).or_default();
            row.0 += 1;
            row.1 += u64::from(report.during.all() > 0);
            row.2 += report.during.all();
        }
    }
    Ok(())
}

/// How many runs each bug takes until it is found, for each seed.
fn bugs(args: &Args, seeds: &[u64]) -> Result<()> {
    let all: Vec<&str> = sandbox::Bug::ALL.iter().map(|bug| bug.name()).collect();
    let wanted = |bug: &&str| args.only.is_empty() || args.only.iter().any(|o| o == *bug);
    let work: Vec<(&str, u64)> = (all.into_iter().filter(wanted))
        .flat_map(|bug| seeds.iter().map(move |&seed| (bug, seed)))
        .collect();
    let found = side_by_side(args.jobs, &work, |&(bug, seed)| runs_until_found(args, bug, seed))?;
    println!("| bug | worst | runs until found, by seed | first words |\n|---|---|---|---|");
    for row in work.iter().zip(&found).collect::<Vec<_>>().chunks(seeds.len()) {
        let bug = row[0].0.0;
        let runs: Vec<String> = row.iter().map(|(_, (n, _))| word(*n)).collect();
        let worst = row.iter().map(|(_, (n, _))| n.unwrap_or(u64::MAX)).max();
        let said = row.iter().find_map(|(_, (n, said))| n.map(|_| said.as_str())).unwrap_or("");
        let worst = word(worst.filter(|n| *n < u64::MAX));
        println!("| `{bug}` | {worst} | {} | {} |", runs.join(" "), said.replace('|', "\\|"));
    }
    Ok(())
}

fn word(runs: Option<u64>) -> String {
    runs.map_or("–".to_owned(), |n| n.to_string())
}

fn runs_until_found(args: &Args, bug: &str, seed: u64) -> Result<(Option<u64>, String)> {
    let file = format!("scenarios/bugs/{bug}.toml");
    let options = match args.scenario {
        Faults::Directed => vec!["--scenario", &file],
        Faults::Random => vec!["--bug", bug, "--time-limit", "30s"],
    };
    for run in 1..=args.runs {
        let outcome = test(args, seed + 1000 * (run - 1), &options)?;
        if outcome.code == Some(1) {
            return Ok((Some(run), outcome.headline));
        }
        if outcome.code != Some(0) {
            // Neither found nor passed: to be looked at, not to be hidden in a count.
            println!(
                "<!-- {bug} seed {seed} run {run}: {:?} {} -->",
                outcome.code, outcome.headline
            );
        }
    }
    Ok((None, String::new()))
}

/// Runs `work` on each item, `jobs` at a time, and returns the results in order.
fn side_by_side<I: Sync, R: Send>(
    jobs: usize,
    items: &[I],
    work: impl Fn(&I) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let (done, results) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            let (done, next, work) = (done.clone(), &next, &work);
            scope.spawn(move || {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(i) else { return };
                    if done.send((i, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
    });
    let mut results: Vec<(usize, Result<R>)> = results.into_iter().collect();
    results.sort_by_key(|(i, _)| *i);
    results.into_iter().map(|(_, result)| result).collect()
}
