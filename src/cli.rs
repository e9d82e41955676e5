//! The command line: parsing, dispatch, and the way from a result to an exit code.
//!
//! Each subcommand is one file in [`commands`] that owns its arguments (`Args`) and its `run`; this
//! file only knows their names. What clap decides by itself is corrected here: a usage error would
//! exit with 2, which reads as "unknown", so it becomes 254.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::commands;
use crate::console::{self, Chatter, Color, Console};
use crate::exit::Exit;

/// Puts a replicated system through faults, records what its clients saw, and proves whether that
/// was linearizable.
///
/// Exit codes of every command: 0 valid, 1 invalid, 2 unknown, 254 bad arguments or unreadable
/// input, 255 the tester itself failed. Of several outcomes the worst wins: 1, then 255, 254, 2, 0.
#[derive(Debug, Parser)]
#[command(name = "checker", version, max_term_width = 100)]
pub struct Cli {
    /// When to colour the output
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,
    /// Say nothing on standard error but errors
    #[arg(long, short, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(target_os = "linux")]
    #[command(flatten)]
    Cluster(commands::cluster::Command),
    Gate(commands::gate::Args),
    Serve(commands::serve::Args),
    Analyze(commands::analyze::Args),
    Verify(commands::verify::Args),
    Shrink(commands::shrink::Args),
    Completions(commands::completions::Args),
    Man(commands::man::Args),
}

impl Command {
    fn run(self, console: &Console) -> anyhow::Result<Exit> {
        match self {
            #[cfg(target_os = "linux")]
            Command::Cluster(command) => command.run(console),
            Command::Gate(args) => commands::gate::run(&args, console),
            Command::Serve(args) => commands::serve::run(&args, console),
            Command::Analyze(args) => commands::analyze::run(&args, console),
            Command::Verify(args) => commands::verify::run(&args, console),
            Command::Shrink(args) => commands::shrink::run(&args, console),
            Command::Completions(args) => commands::completions::run(&args, console),
            Command::Man(args) => commands::man::run(&args, console),
        }
    }
}

/// Parses `args` (the program's name first), runs the command and says what went wrong.
pub fn main(args: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return explain_usage(&error),
    };
    let chatter = if cli.quiet { Chatter::Quiet } else { Chatter::Normal };
    let console = Console::new(cli.color, chatter);
    console::init_logging(cli.color);
    console::init_panics();
    guarded(&console, || cli.command.run(&console))
}

/// Runs a command and turns whatever comes of it into an exit, a panic of ours included.
fn guarded(console: &Console, command: impl FnOnce() -> anyhow::Result<Exit>) -> Exit {
    match catch_unwind(AssertUnwindSafe(command)) {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => {
            console.error(format_args!("{error:#}"));
            Exit::of_error(&error)
        }
        Err(_) => {
            console.error("this is a bug in Ordeal, and says nothing about the system under test");
            Exit::Broken
        }
    }
}

/// Help and version were asked for, everything else is a mistake of the caller.
fn explain_usage(error: &clap::Error) -> Exit {
    let exit = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Valid,
        _ => Exit::BadInput,
    };
    // Nobody is left to tell when the terminal is gone.
    let _ = error.print();
    exit
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::exit::BadInput;

    #[test]
    fn the_definitions_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_panic_means_that_the_tester_is_broken() {
        let console = Console::new(Color::Never, Chatter::Quiet);
        assert_eq!(guarded(&console, || panic!("on purpose")), Exit::Broken);
        assert_eq!(guarded(&console, || Err(BadInput("no".into()).into())), Exit::BadInput);
        assert_eq!(guarded(&console, || Ok(Exit::Unknown)), Exit::Unknown);
    }
}
