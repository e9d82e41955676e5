//! `checker gate`: ship, or do not ship, and why.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use jiff::Timestamp;

use crate::console::Console;
use crate::exit::{BadInput, Exit};
use crate::gate::{self, Decision, Evidence, Policy};
use crate::report::Colour;

/// Say whether a release may ship, and each reason why not in one line
///
/// Judges nights of `checker suite` and runs of `checker test` by what they left in the store.
/// Exits with 0 to ship, 1 when a violation blocks, 2 when there is too little to ship on: a run
/// that is undecided, vacuous, missing, stale or weak. Appends to $GITHUB_STEP_SUMMARY when set.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  checker gate store/nightly/latest                        the last night, by the default policy
  checker gate --print-policy >gate.toml                   a policy to begin with
  checker gate store --policy gate.toml --junit gate.xml
  checker gate store --baseline releases/3.5/runs.jsonl    as strong as the release before?")]
pub struct Args {
    /// Stores, nights, folders of runs, or runs.jsonl files; of a store the last night of every
    /// suite counts
    #[arg(value_name = "STORE|RUNS", required_unless_present = "print_policy")]
    paths: Vec<PathBuf>,
    /// What must hold; a default that is right for most
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Runs of the release before, to compare the strength of the test with
    #[arg(long, value_name = "STORE|RUNS")]
    baseline: Vec<PathBuf>,
    /// Every run must be of this version of the system
    #[arg(long, value_name = "VERSION")]
    system_version: Option<String>,
    /// How to print the decision
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Also write JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Print the default policy, with comments, and do nothing else
    #[arg(long)]
    print_policy: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One screen for a person
    #[default]
    Text,
    /// Everything, for programs (docs/gate.md)
    Json,
    /// As the check page of a pull request shows it
    Markdown,
}

/// Decides.
///
/// # Errors
/// When policy or runs cannot be read, or an output cannot be written.
pub fn run(args: &Args, console: &Console) -> Result<Exit> {
    if args.print_policy {
        console.result(gate::DEFAULT_POLICY)?;
        return Ok(Exit::Valid);
    }
    let mut policy = args.policy.as_deref().map(Policy::read).transpose()?.unwrap_or_default();
    if args.system_version.is_some() {
        policy.freshness.system_version.clone_from(&args.system_version);
    }
    let evidence = Evidence::gather(&args.paths)?;
    let baseline = match &args.baseline[..] {
        [] => None,
        paths => Some(Evidence::gather(paths).context("the baseline")?),
    };
    let decision = gate::decide(evidence, policy, baseline.as_ref(), Timestamp::now());
    let colour = if console.colors() { Colour::Ansi } else { Colour::Never };
    console.result(match args.format {
        Format::Text => gate::text(&decision, colour),
        Format::Json => gate::json(&decision).context("writing JSON")?,
        Format::Markdown => gate::markdown(&decision),
    })?;
    if let Some(path) = &args.junit {
        std::fs::write(path, gate::junit(&decision))
            .map_err(|error| BadInput(format!("--junit {}: {error}", path.display())))?;
    }
    step_summary(&decision, console);
    Ok(decision.exit())
}

/// Appends to the page that GitHub shows for a step. Failing to is no reason to hold a release up,
/// nor to let it go.
fn step_summary(decision: &Decision, console: &Console) {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return;
    };
    if let Err(error) = append(Path::new(&path), &gate::markdown(decision)) {
        console.say(format_args!("warning: $GITHUB_STEP_SUMMARY: {error}"));
    }
}

fn append(path: &Path, text: &str) -> std::io::Result<()> {
    File::options().create(true).append(true).open(path)?.write_all(text.as_bytes())
}
