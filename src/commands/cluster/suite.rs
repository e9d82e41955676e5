//! `checker suite`: a night of runs, and its worst verdict as the exit code.

use std::path::PathBuf;

use anyhow::Result;

use crate::command_line::CommandLine;
use crate::console::Console;
use crate::exit::Exit;
use crate::report::Colour;
use crate::suite::play::{self, Played, table};
use crate::suite::{Cell, Night, Suite};

/// Run a matrix of systems, workloads, faults and seeds, one after the other
///
/// The same command goes on with a night that was interrupted: cells that are done are not run
/// again, one that was half-way is run anew. Results lie in `store/<suite>/latest/`; open its
/// `report.html` in the morning. Exits with the worst cell's code.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  checker suite scenarios/suites/sandbox.toml     a minute of the built-in sandbox
  checker suite scenarios/suites/nightly.toml     a night of etcd
  checker suite nightly.toml --list               what would be run
  checker gate store/nightly/latest               may it be shipped?")]
pub struct Args {
    /// What to run (see scenarios/README.md)
    #[arg(value_name = "SUITE.TOML")]
    suite: PathBuf,
    /// Begin a new night, even if the last one was interrupted
    #[arg(long)]
    fresh: bool,
    /// Whence the fresh seeds of a new night come; drawn, and written down, when absent
    #[arg(long)]
    seed: Option<u64>,
    /// Where runs are kept
    #[arg(long, value_name = "DIR", default_value = "store")]
    store: PathBuf,
    /// Print the cells, and run nothing
    #[arg(long)]
    list: bool,
}

/// Plays it.
///
/// # Errors
/// When the suite makes no sense, or the store cannot be written.
pub fn run(args: &Args, console: &Console) -> Result<Exit> {
    let suite = Suite::read(&args.suite)?;
    let seed = args.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    if args.list {
        let line = |cell: Cell| format!("{}\t{}\n", cell.id, cell.label());
        console.result(suite.cells(seed)?.into_iter().map(line).collect::<String>())?;
        return Ok(Exit::Valid);
    }
    let mut night = match resumed(args, &suite, console)? {
        Some(night) => night,
        None => Night::begin(&suite, &args.store, seed, CommandLine::current().to_string())?,
    };
    let plan = &night.plan;
    let folder = night.folder().display();
    console.say(format_args!(
        "{} · {} cells · seed {} · {folder}",
        plan.name,
        plan.cells.len(),
        plan.seed
    ));
    let played = play::play(&suite, &mut night, console)?;
    let colour = if console.colors() { Colour::Ansi } else { Colour::Never };
    console.result(table::summary(&night, colour))?;
    let mut exit = table::exit(&night);
    if played == Played::Interrupted {
        console.say("interrupted: the same command goes on");
        exit = exit.max(Exit::Unknown);
    }
    Ok(exit)
}

/// The night that was interrupted, if there is one to go on with.
fn resumed(args: &Args, suite: &Suite, console: &Console) -> Result<Option<Night>> {
    // Another seed asks for other cells.
    if args.fresh {
        return Ok(None);
    }
    match Night::resume(suite, &args.store)? {
        Ok(night) if args.seed.is_none_or(|seed| seed == night.plan.seed) => {
            let done = night.cells().filter(|(_, standing)| standing.is_done()).count();
            let all = night.plan.cells.len();
            console.say(format_args!(
                "going on with an interrupted night: {done} of {all} cells are done"
            ));
            Ok(Some(night))
        }
        Ok(_) => {
            console.say("a new night: the interrupted one has another seed");
            Ok(None)
        }
        Err(Some(why)) => {
            console.say(format_args!("a new night: the last one was interrupted, but {why}"));
            Ok(None)
        }
        Err(None) => Ok(None),
    }
}
