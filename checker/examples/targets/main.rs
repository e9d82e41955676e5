//! Measures everything that the checker promises, and says what it keeps.
//!
//! `cargo run --release -p checker --example targets [-- FLAG… ROW…]`
//!
//! Without rows all of them, which takes some ten minutes; `--write` puts what it found into
//! `docs/benchmarks.md`. `--store FOLDER` takes the history of a real run for `felt`. Rows: see
//! [`ROWS`]. The histories of the reference corpus are looked for in `$ORDEAL_CORPUS` and beside
//! the project; without them their rows are skipped, and say so. Whole processes are those of
//! `target/release/checker`, which is built first unless `--as-built` says not to.
//!
//! # What a time is
//!
//! Medians of several runs. The machine may be busy, so where a target is a time, what counts is
//! the smaller one of elapsed and processor time (of all threads): an idle machine would not take
//! longer than either. Where the target says *one core*, it is processor time.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command that reports")]

#[path = "../../tests/support/corpus.rs"]
mod corpus;
mod easy;
mod etcd;
mod felt;
mod hard;
mod harder;
mod hopeless;
mod judge;
mod kv;
mod machine;
#[path = "../../tests/support/place.rs"]
mod place;
mod process;
mod scaling;
#[path = "../simulate/mod.rs"]
mod simulate;
mod table;
#[cfg(test)]
mod tests;
mod time;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use table::Section;

type Measure = fn(&Bench) -> Result<Section, String>;

/// The rows, by the names under which they can be asked for.
const ROWS: &[(&str, Measure)] = &[
    ("hard", hard::measure),
    ("harder", harder::measure),
    ("etcd", etcd::measure),
    ("kv", kv::measure),
    ("length", scaling::length),
    ("crashes", scaling::crashes),
    ("concurrency", scaling::concurrency),
    ("easy", easy::measure),
    ("hopeless", hopeless::measure),
    ("felt", felt::measure),
];

/// What rows measure with.
struct Bench {
    /// This command, for measuring in a process of its own.
    this: PathBuf,
    /// The command that people use, once it is built.
    checker: OnceCell<PathBuf>,
    corpus: Option<PathBuf>,
    /// A real run.
    store: Option<PathBuf>,
    /// For histories that have to be files.
    folder: tempfile::TempDir,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        Some((mode, rest)) if mode == judge::MODE => judge::child(rest),
        Some((mode, rest)) if mode == process::MODE => process::child(rest),
        _ => run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), String> {
    let (mut rows, mut write, mut as_built, mut store) = (Vec::new(), false, false, None);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--write" => write = true,
            "--as-built" => as_built = true,
            "--store" => store = arguments.next().map(PathBuf::from),
            name => rows.push(*row(name).ok_or_else(|| format!("there is no row {name}"))?),
        }
    }
    let rows = if rows.is_empty() { ROWS.to_vec() } else { rows };
    let bench = Bench::new(store, as_built)?;
    let mut sections = Vec::new();
    for (name, measure) in rows {
        eprintln!("measuring {name}");
        let section = measure(&bench)?;
        println!("{}", section.details());
        println!("{}", table::summary(std::slice::from_ref(&section)));
        sections.push(section);
    }
    let report = table::report(&machine::describe(), &sections);
    println!("{}", table::summary(&sections));
    if write {
        table::replace(&machine::root().join("docs/benchmarks.md"), &report)
    } else {
        Ok(())
    }
}

fn row(name: &str) -> Option<&'static (&'static str, Measure)> {
    ROWS.iter().find(|(known, _)| *known == name)
}

impl Bench {
    fn new(store: Option<PathBuf>, as_built: bool) -> Result<Bench, String> {
        let this = std::env::current_exe().map_err(|error| format!("this command: {error}"))?;
        let folder = tempfile::tempdir_in(machine::root().join("target"))
            .map_err(|error| format!("a folder for histories: {error}"))?;
        let checker = OnceCell::new();
        if as_built {
            checker.get_or_init(process::built);
        }
        Ok(Bench { this, checker, corpus: corpus::folder(), store, folder })
    }

    /// The command to be measured.
    fn checker(&self) -> Result<&Path, String> {
        if self.checker.get().is_none() {
            process::build()?;
        }
        Ok(self.checker.get_or_init(process::built))
    }
}
