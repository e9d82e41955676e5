//! `checker test`: the main job, end to end.

mod keep;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use checker::verdict::Reason;
use checker::{CheckOptions, Verdict};
use nemesis::env::EnvChoice;
use nemesis::registry::Registry;
use nemesis::schedule::{FaultKind, Target};
use nemesis::topology::Topology;

use super::attached::Attached;
use super::compose::{Brought, Containers, Nodes};
use crate::command_line::CommandLine;
use crate::commands::limits::Limits;
use crate::console::Console;
use crate::exit::{BadInput, Exit};
use crate::interrupt::Interrupt;
use crate::pages;
use crate::report;
use crate::runner::{self, Finished, Plan, Until};
use crate::scenario::{Concurrency, Route, Scenario, Span};
use crate::suite::play::parent;
use crate::systems;

/// Put a cluster through faults, record what its clients saw, and judge it
///
/// Without flags: five nodes of the built-in sandbox, ten clients on independent registers, and
/// partitions, kills, pauses and restarts drawn from the seed. Nothing needs to be installed.
/// Everything is kept in `store/latest/`; open its `report.html`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  checker test                                    the sandbox as it should be: valid, exit 0
  checker test --bug stale-read                   broken on purpose: invalid, exit 1
  checker test --system etcd --nemesis partition,kill --time-limit 60s
  checker test --system ./mine.toml               a system of your own, described in a file
  checker test --scenario scenarios/bugs/amnesia.toml --seed 7
  checker test --seed 7 --schedule store/latest/schedule.json   the same faults again")]
pub struct Args {
    /// Read settings from a TOML file; flags override it
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// The system under test: a name (see `checker list`), or the path of a TOML file that
    /// describes one (see docs/systems.md)
    #[arg(long, value_name = "NAME|FILE")]
    system: Option<String>,
    /// A knowingly broken variant of the system (see `checker list`)
    #[arg(long, value_name = "NAME")]
    bug: Option<String>,
    /// Read from whichever member is asked, stale or not (etcd): the same as
    /// `--bug serializable-reads`
    #[arg(long, conflicts_with = "bug")]
    serializable_reads: bool,
    /// What the clients do (see `checker list`)
    #[arg(long, short)]
    workload: Option<String>,
    /// How many nodes, 1 to 7; with `--env docker` also which services, with commas between them
    #[arg(long)]
    nodes: Option<Nodes>,
    /// How many client workers: a number, or a multiple of the nodes
    #[arg(long, value_name = "2n")]
    concurrency: Option<Concurrency>,
    /// Operations a second over all workers; 0 for as fast as they can
    #[arg(long, short)]
    rate: Option<f64>,
    /// How long load and faults last
    #[arg(long, value_name = "60s")]
    time_limit: Option<Span>,
    /// How long a client waits for an answer
    #[arg(long, value_name = "1s")]
    timeout: Option<Span>,
    /// Operations on a key before its workers move on
    #[arg(long, value_name = "N")]
    ops_per_key: Option<u32>,
    /// Draw values from so many instead of making each unique
    #[arg(long, value_name = "N")]
    values: Option<u32>,
    /// Whether a process stays with its node or asks the leader
    #[arg(long)]
    route: Option<Route>,
    /// Kinds of faults, comma-separated: partition, kill, pause, restart, …; or `all`, `none`
    #[arg(long, value_name = "LIST")]
    nemesis: Option<String>,
    /// Whom kills, pauses and restarts hit: one, minority, majority, primaries, all
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    targets: Option<Vec<Target>>,
    /// Partition topologies to draw from (see `checker list`)
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    partitions: Option<Vec<Topology>>,
    /// From the beginning of one fault to that of the next, about
    #[arg(long, value_name = "10s")]
    nemesis_interval: Option<Span>,
    /// How much of that is calm, about
    #[arg(long, value_name = "2s")]
    nemesis_stable_period: Option<Span>,
    /// Where the nodes live: auto, netns, local, docker, attach
    #[arg(long, default_value = "auto")]
    env: EnvChoice,
    #[command(flatten)]
    containers: Containers,
    #[command(flatten)]
    attached: Attached,
    /// Where every random choice comes from; drawn, and printed, when absent
    #[arg(long)]
    seed: Option<u64>,
    /// Replay the faults of an earlier run: its `schedule.json`
    #[arg(long, value_name = "FILE")]
    schedule: Option<PathBuf>,
    /// Run so many times, with seed, seed + 1, …; stop at the first violation
    #[arg(long, value_name = "N", default_value_t = 1)]
    test_count: u32,
    /// The folder below `store/`
    #[arg(long)]
    name: Option<String>,
    /// Where runs are kept
    #[arg(long, value_name = "DIR", default_value = "store")]
    store: PathBuf,
    /// Judge while the test runs, and end the load at the first violation
    #[arg(long)]
    stop_on_violation: bool,
    /// Let a run pass whose clients read nothing that was ever written
    #[arg(long)]
    allow_vacuous: bool,
    #[command(flatten)]
    limits: Limits,
}

/// Runs it, once or `--test-count` times.
///
/// # Errors
/// When the arguments make no sense, or the tester itself fails before there is a run to judge.
pub fn run(args: &Args, console: &Console) -> Result<Exit> {
    parent::follow_parent().context("following the suite that runs this test")?;
    let mut scenario = args.settle()?;
    let attached = args.attached.nodes(args.env)?;
    scenario.nodes = attached.as_ref().map_or(scenario.nodes, |attached| attached.count());
    // Containers are counted when they are found, and validated once more.
    let uncounted = args.env == EnvChoice::Docker && args.nodes.is_none();
    let fit = if uncounted { scenario.validate_uncounted() } else { scenario.validate() };
    fit.map_err(|e| BadInput(e.to_string()))?;
    let system = systems::find(&scenario).map_err(|e| BadInput(format!("{e:#}")))?;
    let brought = match args.env {
        EnvChoice::Docker => {
            let nodes = args.nodes.as_ref();
            Some(args.containers.bring(nodes, system.as_ref(), &scenario, console)?)
        }
        _ => None,
    };
    scenario.nodes = brought.as_ref().map_or(scenario.nodes, Brought::nodes);
    scenario.validate().map_err(|e| BadInput(e.to_string()))?;
    if brought.is_none() && attached.is_none() {
        system.require().map_err(|e| BadInput(format!("{e:#}")))?;
    }
    let replay = args.schedule.as_deref().map(runner::read_schedule).transpose()?;
    sweep(console)?;
    // From here on we may be another process, inside namespaces of this run's own.
    let env = match (&brought, &attached) {
        (Some(brought), _) => brought.decision(),
        (None, Some(attached)) => attached.decision(system.as_ref())?,
        (None, None) => nemesis::env::prepare(args.env).map_err(|e| BadInput(e.to_string()))?,
    };

    let first = args.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    let mut worst = Exit::Valid;
    for count in 0..args.test_count.max(1) {
        let seed = first.wrapping_add(u64::from(count));
        let plan = Plan {
            scenario: scenario.clone(),
            seed,
            system: Arc::clone(&system),
            env: env.clone(),
            store: args.store.clone(),
            schedule: replay.clone(),
            command: parent::command(CommandLine::current()),
            until: if args.stop_on_violation { Until::Violation } else { Until::TimeLimit },
        };
        let finished = runner::run(&plan, console)?;
        let (exit, go_on) = conclude(&finished, args, console)?;
        worst = worst.max(exit);
        if !go_on {
            break;
        }
    }
    Ok(worst)
}

/// Heals what runs of dead testers left behind on this machine.
fn sweep(console: &Console) -> Result<()> {
    if nemesis::env::netns::inside() {
        return Ok(()); // The launcher did it, where there is something to see.
    }
    let registry = Registry::of_user().context("opening the registry of runs")?;
    for swept in registry.sweep().context("sweeping what killed runs left behind")? {
        console.say(super::heal::describe(&swept).trim_end());
    }
    Ok(())
}

/// Judges a run and reports on it. Says too whether further runs make sense: not after a
/// violation, and not when somebody wished to stop.
fn conclude(finished: &Finished, args: &Args, console: &Console) -> Result<(Exit, bool)> {
    let mut verdict = judge(finished, args, console)?;
    if !args.allow_vacuous && verdict.is_vacuous() {
        verdict.doubt(Reason::Vacuous);
    }
    if !args.allow_vacuous && finished.idle {
        verdict.doubt(Reason::IdleLoad);
    }
    if !finished.missing.is_empty() {
        verdict.doubt(Reason::Missing(finished.missing.join("; ")));
    }
    let mut exit = Exit::from(verdict.validity);
    if !finished.trouble.is_empty() {
        exit = exit.max(Exit::Broken);
    }
    let input = report::Input {
        title: finished.title.clone(),
        history: &finished.history,
        verdict: &verdict,
        run: Some(finished.facts.clone()),
    };
    // What was found stands, whether or not it can be shown.
    exit = exit.max(shown(publish(finished, &input, console), console));
    exit = exit.max(shown(keep::keep(finished, &input, exit), console));
    if !parent::is_parent() {
        draw_store(finished.folder.root(), console);
    }
    let cancelled = matches!(verdict.reason, Some(Reason::Cancelled));
    Ok((exit, exit != Exit::Invalid && !cancelled && !finished.interrupted))
}

/// Draws the pages of the store anew; that this fails concerns nobody's verdict.
fn draw_store(store: &Path, console: &Console) {
    for warning in pages::of_store(store) {
        console.say(format_args!("warning: {warning}"));
    }
}

/// What a result that could not be written makes of the exit.
fn shown(written: Result<()>, console: &Console) -> Exit {
    match written {
        Ok(()) => Exit::Valid,
        Err(error) => {
            console.error(format_args!("{error:#}"));
            Exit::Broken
        }
    }
}

/// Checks the history; ctrl-c makes it unknown, as it does in `analyze`.
fn judge(finished: &Finished, args: &Args, console: &Console) -> Result<Verdict> {
    let budget = args.limits.budget();
    let checks = CheckOptions { threads: args.limits.threads(), ..finished.checks.clone() };
    let interrupt = Interrupt::listen().context("listening for ctrl-c")?;
    let count = finished.history.operations().len();
    Ok(console.while_showing(
        |elapsed| format!("judging {count} operations, {} s", elapsed.as_secs()),
        || interrupt.cancelling(&budget, || checker::check(&finished.history, &checks, &budget)),
    ))
}

/// Writes results and report, then prints the summary and the seed.
fn publish(finished: &Finished, input: &report::Input, console: &Console) -> Result<()> {
    let folder = finished.folder.path();
    for warning in report::write_all(folder, input) {
        console.say(format_args!("warning: {warning}"));
    }
    finished.folder.finish().context("cannot point store/latest at the run")?;
    let colour = if console.colors() { report::Colour::Ansi } else { report::Colour::Never };
    console.result(report::text(input, &input.axes(), Some(folder), colour))?;
    Ok(())
}

impl Args {
    /// Defaults, then the scenario file, then the flags.
    fn settle(&self) -> Result<Scenario> {
        let mut s = match &self.scenario {
            Some(path) => Scenario::read(path).map_err(|e| BadInput(format!("{e:#}")))?,
            None => Scenario::default(),
        };
        set(&mut s.system, self.system.clone());
        set(&mut s.workload, self.workload.clone());
        set(&mut s.nodes, self.nodes.as_ref().map(Nodes::count));
        set(&mut s.concurrency, self.concurrency);
        set(&mut s.rate, self.rate);
        set(&mut s.time_limit, self.time_limit);
        set(&mut s.timeout, self.timeout);
        set(&mut s.ops_per_key, self.ops_per_key);
        set(&mut s.route, self.route);
        set(&mut s.nemesis.targets, self.targets.clone());
        set(&mut s.nemesis.partitions, self.partitions.clone());
        s.nemesis.interval = self.nemesis_interval.or(s.nemesis.interval);
        s.nemesis.stable_period = self.nemesis_stable_period.or(s.nemesis.stable_period);
        s.values = self.values.or(s.values);
        s.name = self.name.clone().or(s.name);
        s.bug = self.bug.clone().or(s.bug);
        if self.serializable_reads {
            s.bug = Some(systems::SERIALIZABLE_READS.to_owned());
        }
        if let Some(list) = &self.nemesis {
            // Naming kinds asks for random faults, whatever steps the file lists.
            s.nemesis.steps.clear();
            s.nemesis.faults = kinds(list)?;
        }
        Ok(s)
    }
}

/// `all`, `none`, or a list of kinds.
fn kinds(list: &str) -> Result<Vec<FaultKind>> {
    match list {
        "none" => Ok(Vec::new()),
        "all" => Ok(FaultKind::DEFAULT.to_vec()),
        list => list
            .split(',')
            .map(|kind| kind.trim().parse().map_err(|e| BadInput(format!("--nemesis: {e}")).into()))
            .collect(),
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn settled(flags: &[&str]) -> Scenario {
        let words = std::iter::once("test").chain(flags.iter().copied());
        Line::try_parse_from(words).unwrap().args.settle().unwrap()
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("short.toml");
        let text = "nodes = 3\ntime-limit = '7s'\nbug = 'amnesia'\n[nemesis]\nfaults = ['kill']\n";
        std::fs::write(&file, text).unwrap();
        let scenario = settled(&["--scenario", file.to_str().unwrap(), "--nodes", "1"]);
        assert_eq!(scenario.nodes, 1);
        assert_eq!(scenario.time_limit, Span(Duration::from_secs(7)));
        assert_eq!(scenario.bug.as_deref(), Some("amnesia"));
        assert_eq!(scenario.nemesis.faults, [FaultKind::Kill]);
        assert_eq!(scenario.timeout, Scenario::default().timeout);
    }

    #[test]
    fn kinds_of_faults_are_a_list_or_all_or_none() {
        assert_eq!(
            settled(&["--nemesis", "kill, pause"]).nemesis.faults,
            [FaultKind::Kill, FaultKind::Pause]
        );
        assert_eq!(settled(&["--nemesis", "all"]).nemesis.faults, FaultKind::DEFAULT);
        assert!(settled(&["--nemesis", "none"]).nemesis.faults.is_empty());
    }

    #[test]
    fn serializable_reads_are_a_bug_by_another_name() {
        let scenario = settled(&["--system", "etcd", "--serializable-reads"]);
        assert_eq!(scenario.bug.as_deref(), Some(systems::SERIALIZABLE_READS));
    }
}
