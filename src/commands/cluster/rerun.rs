//! `checker rerun`: the same seed and the same faults, so many times, and how often that showed the
//! same violation again.
//!
//! It is a night of its own, whose cells differ in nothing, so that it has a page, a table and can
//! be interrupted like any other; it counts neither for the gate nor for the trend. It promises
//! nothing: a seed fixes what clients ask for and what breaks when, while threads, disks and
//! networks of a live cluster fix the rest anew each time.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::command_line::CommandLine;
use crate::console::Console;
use crate::exit::{BadInput, Exit};
use crate::report::{Colour, plain};
use crate::scenario::Scenario;
use crate::store::{Manifest, Outcome, Record, runs};
use crate::suite::play::{self, Played, table};
use crate::suite::{Cell, Night, Suite};

/// Repeat a run with its seed and its recorded faults, and say how often it came out the same
///
/// A live cluster is not deterministic: the seed fixes what clients ask for and the schedule fixes
/// what breaks when, but nothing fixes how long each step takes. So the answer is a count, such as
/// "reproduced 7 of 10". Exits with the worst verdict of the repetitions.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  checker rerun store/latest
  checker rerun store/nightly/latest/<cell>/latest --times 20")]
pub struct Args {
    /// The folder of a run
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// How often
    #[arg(long, value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    times: u32,
    /// Where the repetitions are kept
    #[arg(long, value_name = "DIR", default_value = "store")]
    store: PathBuf,
}

/// What decides the repetitions of a run, beside its seed and schedule, is no option any more.
const SETTLED: [&str; 6] =
    ["--seed", "--schedule", "--test-count", "--store", "--name", "--scenario"];

/// Repeats it.
///
/// # Errors
/// When the folder holds no run that was judged, or the store cannot be written.
pub fn run(args: &Args, console: &Console) -> Result<Exit> {
    let first = runs::summary(&args.run)?.ok_or_else(|| {
        BadInput(format!("{}: no run that was judged (no summary.json)", args.run.display()))
    })?;
    let cells = cells(args)?;
    let suite = Suite { name: format!("rerun-{}", name(&first)), ..Suite::default() };
    let command = CommandLine::current().to_string();
    let origin = args.run.display().to_string();
    let mut night = Night::repeat(&suite, cells, &args.store, command, origin)?;
    console.say(format_args!("{} times seed {} · {}", args.times, first.seed, first.label()));
    let played = play::play(&suite, &mut night, console)?;
    let colour = if console.colors() { Colour::Ansi } else { Colour::Never };
    let repetitions: Vec<&Record> = night.records().iter().collect();
    let conclusion = conclusion(&first, &repetitions, args.times);
    let report = night.folder().join("report.html");
    let table = table::cells(&night, colour);
    console.result(format!("{table}\n{conclusion}\nReport      {}\n", report.display()))?;
    let cut = if played == Played::Interrupted { Exit::Unknown } else { Exit::Valid };
    Ok(table::exit(&night).max(cut))
}

fn name(first: &Record) -> String {
    let parts = [Some(first.system.clone()), first.bug.clone(), Some(first.workload.clone())];
    parts.into_iter().flatten().collect::<Vec<_>>().join("-")
}

fn cells(args: &Args) -> Result<Vec<Cell>> {
    let path = args.run.join("manifest.json");
    let read = || -> Result<Manifest> { Ok(serde_json::from_slice(&std::fs::read(&path)?)?) };
    let manifest = read().map_err(|e| BadInput(format!("{}: {e:#}", path.display())))?;
    let schedule = std::path::absolute(args.run.join("schedule.json"))
        .context("finding the recorded schedule")?;
    crate::runner::read_schedule(&schedule)?;
    (1..=args.times).map(|number| cell(&manifest, &schedule, number)).collect()
}

fn cell(manifest: &Manifest, schedule: &Path, number: u32) -> Result<Cell> {
    let id = format!("try-{number:03}");
    let scenario = Scenario { name: Some(id.clone()), ..manifest.scenario.clone() };
    // What no scenario holds (environment, limits, compose files) is in the command.
    let asked = CommandLine::parse(&manifest.command).without(&SETTLED);
    let flags = flags(asked.words()).iter().cloned();
    let replay = ["--schedule".to_owned(), schedule.to_string_lossy().into_owned()];
    Ok(Cell {
        id,
        system: scenario.system.clone(),
        bug: scenario.bug.clone(),
        workload: scenario.workload.clone(),
        nemesis: "recorded faults".into(),
        seed: manifest.seed,
        scenario: toml::to_string(&scenario).context("writing the scenario")?,
        env: None,
        args: flags.chain(replay).collect(),
    })
}

/// What follows `test`, which is no value of an option: a Compose project may be called so.
fn flags(words: &[String]) -> &[String] {
    let is_command = |pair: &[String]| pair[1] == "test" && !pair[0].starts_with('-');
    words.windows(2).position(is_command).map_or(&[], |at| &words[at + 2..])
}

/// How often it came out the same.
fn conclusion(first: &Record, again: &[&Record], times: u32) -> String {
    let same = again.iter().filter(|one| is_same(first, one)).count();
    let mut out = match first.verdict {
        Outcome::Invalid => format!("reproduced {same} of {times}"),
        other => format!("{} again {same} of {times}", other.word()),
    };
    let count = |outcome: Outcome| {
        again.iter().filter(|one| one.verdict == outcome && !is_same(first, one)).count()
    };
    let others = [
        (count(Outcome::Invalid), "another violation"),
        (count(Outcome::Unknown), "undecided"),
        (count(Outcome::Crashed), "the tester failed"),
        (count(Outcome::Valid), "valid"),
    ];
    for (count, what) in others.iter().filter(|(count, _)| *count > 0) {
        let _ = write!(out, ", {what} {count}");
    }
    let _ = write!(
        out,
        "\nFirst run: {}\nSeed and faults were the same; the timing of a live cluster never is, so \
         this is a frequency, and 0 would not mean that it is gone.\n",
        plain(&first.sentence)
    );
    out
}

/// Whether a repetition shows what the first run showed: a violation with the same fingerprint, or
/// of the same kind where there is none.
fn is_same(first: &Record, again: &Record) -> bool {
    let shares = || {
        first.violations.iter().any(|one| {
            again.violations.iter().any(|other| match (&one.fingerprint, &other.fingerprint) {
                (Some(one), Some(other)) => one == other,
                _ => one.kind == other.kind,
            })
        })
    };
    first.verdict == again.verdict && (first.verdict != Outcome::Invalid || shares())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Violation;

    fn run_of(verdict: Outcome, violation: Option<(&str, &str)>) -> Record {
        let violations = violation.map(|(kind, print)| Violation {
            kind: kind.into(),
            fingerprint: (!print.is_empty()).then(|| print.into()),
            ..Violation::default()
        });
        Record { verdict, violations: violations.into_iter().collect(), ..Record::default() }
    }

    #[test]
    fn only_the_same_violation_counts_as_reproduced() {
        let first = run_of(Outcome::Invalid, Some(("stale-read", "f1")));
        let again = [
            run_of(Outcome::Invalid, Some(("stale-read", "f1"))),
            run_of(Outcome::Invalid, Some(("stale-read", "f2"))),
            run_of(Outcome::Invalid, Some(("stale-read", ""))),
            run_of(Outcome::Valid, None),
            run_of(Outcome::Crashed, None),
        ];
        let told = conclusion(&first, &again.iter().collect::<Vec<_>>(), 5);
        let expected = "reproduced 2 of 5, another violation 1, the tester failed 1, valid 1\n";
        assert!(told.starts_with(expected), "{told}");
        assert!(told.contains("the timing of a live cluster never is"), "{told}");
    }

    #[test]
    fn flags_begin_behind_the_command_however_the_program_is_called() {
        let after = |line: &str| flags(CommandLine::parse(line).words()).join(" ");
        assert_eq!(after("checker test --env local"), "--env local");
        assert_eq!(after("docker compose -p test run --rm checker test --nodes 3"), "--nodes 3");
        assert_eq!(after("checker test"), "");
    }

    #[test]
    fn a_valid_run_is_said_to_be_valid_again_and_never_reproduced() {
        let first = run_of(Outcome::Valid, None);
        let again = [run_of(Outcome::Valid, None), run_of(Outcome::Invalid, Some(("lost", "")))];
        let told = conclusion(&first, &again.iter().collect::<Vec<_>>(), 2);
        assert!(told.starts_with("valid again 1 of 2, another violation 1\n"), "{told}");
    }
}
