//! One run, from an empty folder to a history: the only place where clients and faults meet.
//!
//! A run is a row of phases, each with a deadline and a reason to fail of its own:
//!
//! 1. *ready*: members start on empty data; all of them know a leader.
//! 2. *initial reads*: what the clients will find before anybody wrote is read and recorded.
//! 3. *load with faults*: workers play their generators while the nemesis plays its schedule.
//! 4. *heal*: every fault is healed, and proved healed.
//! 5. *recovery*: every node acknowledges a write; then a wait longer than the time-outs of client
//!    and server together, since a resumed node still serves what was queued.
//! 6. *final reads*: by new processes, pinned to each node, retried as new operations.
//! 7. *stop*: members stop gracefully; the journal is closed and becomes `history.edn`.
//!
//! What goes wrong with the tester is collected as *trouble* and never hides the history: whatever
//! was recorded is written and judged. Ctrl-c ends the load and goes on with heal and stop; a second
//! one is obeyed at once, which the environments survive by construction or by `checker heal`.

mod cluster;
mod endpoints;
mod faults;
mod pace;
mod phases;
mod progress;
pub mod recorder;
pub mod stop;
mod watch;
pub mod worker;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use checker::CheckOptions;
use checker::history::History;
use jiff::Timestamp;
use nemesis::env::{Decision, EnvOptions, Environment, RunId};
use nemesis::schedule::{Action, FaultKind, Schedule};
use tokio::signal::unix::{Signal, SignalKind, signal};
use workloads::Params;

use crate::command_line::CommandLine;
use crate::console::{self, Console};
use crate::exit::BadInput;
use crate::report::RunFacts;
use crate::scenario::Scenario;
use crate::store::{Manifest, RunDir};
use crate::systems::System;
use cluster::Cluster;
use recorder::{Journal, Recorded, Recorder};
use stop::{Stop, Stopper};
use watch::Watch;

/// Everything that decides a run.
pub struct Plan {
    /// System, workload, load and faults.
    pub scenario: Scenario,
    /// Where every random choice comes from.
    pub seed: u64,
    /// The scenario's system.
    pub system: Arc<dyn System>,
    /// Where its nodes live, and why there.
    pub env: Decision,
    /// The folder of all runs.
    pub store: PathBuf,
    /// Faults to replay; otherwise they come from the scenario and the seed.
    pub schedule: Option<Schedule>,
    /// How the run was asked for.
    pub command: CommandLine,
    /// When the load ends.
    pub until: Until,
}

/// When the load of a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// When its time is up.
    TimeLimit,
    /// At the first violation, if there is one before.
    Violation,
}

/// A run that has ended, to be judged.
pub struct Finished {
    /// Its folder.
    pub folder: RunDir,
    /// What it is called in reports.
    pub title: String,
    /// What clients and nemesis did.
    pub history: History,
    /// How the workload wants to be judged.
    pub checks: CheckOptions,
    /// What reports tell of the run.
    pub facts: RunFacts,
    /// What was run, as data.
    pub manifest: Manifest,
    /// The families of faults that were planned.
    pub planned: Vec<FaultKind>,
    /// What went wrong with the tester itself.
    pub trouble: Vec<String>,
    /// What has to be known before a pass means anything, and is not.
    pub missing: Vec<String>,
    /// Whether the load itself acknowledged no write, or no read. What recovery and final reads
    /// did afterwards, with all faults healed, does not make up for that.
    pub idle: bool,
    /// Whether somebody wished it to stop.
    pub interrupted: bool,
}

/// Plays a plan.
///
/// # Errors
/// When there is no history to judge: the store cannot be written, or the environment cannot be
/// made. Everything else is in [`Finished::trouble`].
pub fn run(plan: &Plan, console: &Console) -> Result<Finished> {
    let folder = RunDir::create(&plan.store, &plan.scenario.store_name())
        .with_context(|| format!("cannot make a run's folder in {}", plan.store.display()))?;
    console::log_to(&folder.join("checker.log")).context("cannot write the log")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(play(plan, folder, console))
}

async fn play(plan: &Plan, folder: RunDir, console: &Console) -> Result<Finished> {
    let scenario = &plan.scenario;
    let options =
        EnvOptions { nodes: scenario.nodes, run: RunId::fresh(), peers: plan.system.peers() };
    let why = plan.env.why();
    console.say(format_args!("seed {} · {} · {why}", plan.seed, scenario.store_name()));
    let (stopper, stop) = Stopper::new();
    // Before there is anything to undo.
    stop_on_signals(stopper, console).context("listening for ctrl-c")?;
    let env = nemesis::env::open(&plan.env, &options).await?;
    let finished = play_in(plan, env.clone(), folder, stop, console).await;
    if finished.is_err() {
        // Of a run that was refused half-way nothing stays for others to sweep. Why it was refused
        // is worth more to the user than whether this went well.
        if let Err(error) = env.teardown().await {
            tracing::warn!("removing the environment: {error}");
        }
    }
    finished
}

async fn play_in(
    plan: &Plan,
    env: Arc<dyn Environment>,
    folder: RunDir,
    stop: Stop,
    console: &Console,
) -> Result<Finished> {
    let scenario = &plan.scenario;
    let workload = workloads::find(&scenario.workload)
        .ok_or_else(|| BadInput(format!("no workload {:?}", scenario.workload)))?;
    let schedule = faults::schedule(plan, env.as_ref())?;
    for left_out in &schedule.left_out {
        console.say(format_args!("no {}: {}", left_out.what, left_out.reason));
    }
    folder.write_json("schedule.json", &schedule).context("cannot write schedule.json")?;
    let mut manifest = described(plan, env.as_ref());
    folder.write_json("manifest.json", &manifest).context("cannot write manifest.json")?;
    if let Some(description) = plan.system.description() {
        std::fs::write(folder.join("system.toml"), description)
            .context("cannot write system.toml")?;
    }

    let (violated, violation) = Stopper::new();
    let checks = (workload.checker)(&params(plan));
    let (recorder, journal, watch) = open_journal(plan, &checks, &folder, violated, console)?;
    let bug = scenario.bug.clone();
    let cluster = Cluster::new(plan.system.clone(), env, &folder, bug, plan.seed)?;
    let mut run = phases::Run {
        scenario,
        params: params(plan),
        workload,
        cluster,
        recorder,
        stop,
        violation,
        console,
        trouble: Vec::new(),
        missing: Vec::new(),
        load: phases::Load::default(),
    };
    manifest.system_version = run.play(&schedule).await;
    let phases::Run { mut trouble, missing, load, recorder, cluster, stop, .. } = run;
    drop((recorder, cluster));
    let Recorded { history, unwritten } = journal.finish().context("the journal broke")?;
    let ended_by = watch.and_then(Watch::finish);
    // A disk that is full is our trouble; what was seen of the system is judged all the same.
    trouble.extend(unwritten.map(|error| format!("history.jsonl is incomplete: {error}")));
    let kept = folder.write_history(&history);
    trouble.extend(kept.err().map(|error| format!("history.edn could not be written: {error}")));
    let described = folder.write_json("manifest.json", &manifest);
    trouble.extend(described.err().map(|error| format!("manifest.json is out of date: {error}")));
    Ok(Finished {
        title: scenario.store_name(),
        checks,
        facts: RunFacts {
            not_exercised: not_exercised(&schedule, ended_by.as_deref()),
            ..facts(plan, &manifest, &schedule, &folder, &trouble)
        },
        planned: FaultKind::ALL.into_iter().filter(|kind| plans(&schedule, kind)).collect(),
        manifest,
        folder,
        history,
        trouble,
        missing,
        idle: load.is_idle(),
        interrupted: stop.now(),
    })
}

/// What is known of the run before it begins.
fn described(plan: &Plan, env: &dyn Environment) -> Manifest {
    Manifest {
        version: env!("CARGO_PKG_VERSION").into(),
        seed: plan.seed,
        command: plan.command.to_string(),
        scenario: plan.scenario.clone(),
        started: Timestamp::now().to_string(),
        environment: plan.env.why().to_owned(),
        system_version: String::new(),
        nodes: (env.nodes().iter())
            .map(|&n| (n.to_string(), env.client_endpoint(n).to_string()))
            .collect(),
    }
}

/// Opens the journal of a run, and has it watched if that was asked for.
fn open_journal(
    plan: &Plan,
    checks: &CheckOptions,
    folder: &RunDir,
    violated: Stopper,
    console: &Console,
) -> Result<(Recorder, Journal, Option<Watch>)> {
    let watch = match plan.until {
        Until::TimeLimit => None,
        Until::Violation => Watch::start(checks, violated).context("cannot watch the run")?,
    };
    if plan.until == Until::Violation && watch.is_none() {
        console.say("only the whole history can be judged here: no violation will end the load");
    }
    let (watch, watcher) = watch.unzip();
    let (recorder, journal) = Recorder::start_watched(&folder.join("history.jsonl"), watcher)
        .context("cannot write history.jsonl")?;
    Ok((recorder, journal, watch))
}

fn params(plan: &Plan) -> Params {
    let scenario = &plan.scenario;
    Params {
        seed: plan.seed,
        workers: scenario.workers(),
        nodes: usize::from(scenario.nodes),
        rate_per_s: (scenario.rate > 0.0).then_some(scenario.rate),
        ops_per_key: scenario.ops_per_key,
        values: scenario.values,
        // Its pace ends the load; this is when that is at the latest.
        time_limit_ns: u64::try_from(pace::longest(scenario.time_limit.0).as_nanos())
            .unwrap_or(u64::MAX),
        ..Params::default()
    }
}

fn facts(
    plan: &Plan,
    manifest: &Manifest,
    schedule: &Schedule,
    folder: &RunDir,
    trouble: &[String],
) -> RunFacts {
    let scenario = &manifest.scenario;
    let bug = scenario.bug.as_ref().map(|bug| format!(" --bug {bug}")).unwrap_or_default();
    RunFacts {
        command: manifest.command.clone(),
        seed: manifest.seed,
        version: manifest.version.clone(),
        system: format!("{} {}{bug}", scenario.system, manifest.system_version),
        environment: manifest.environment.clone(),
        started: manifest.started.clone(),
        workload: scenario.workload.clone(),
        nodes: manifest.nodes.iter().map(|(name, _)| name.clone()).collect(),
        workers: scenario.workers(),
        not_exercised: not_exercised(schedule, None),
        harness_errors: trouble.to_vec(),
        log_files: manifest.nodes.iter().map(|(name, _)| format!("{name}/node.log")).collect(),
        reproduce: reproduce(&plan.command, plan.seed, &folder.join("schedule.json")).to_string(),
        rejudge: CommandLine::of_checker(["analyze"])
            .with([folder.join("history.edn").to_string_lossy()])
            .to_string(),
    }
}

/// The command again, with this seed and these faults, once.
fn reproduce(command: &CommandLine, seed: u64, schedule: &Path) -> CommandLine {
    let replaced = ["--seed", "--schedule", "--test-count"];
    let seed = seed.to_string();
    let schedule = schedule.to_string_lossy();
    command.clone().without(&replaced).with(["--seed", &seed, "--schedule", &schedule])
}

/// What a pass of this run says nothing about.
fn not_exercised(schedule: &Schedule, ended_by: Option<&str>) -> Vec<String> {
    let ended = ended_by.map(|violation| {
        format!("the rest of the load, which ended at the first violation ({violation})")
    });
    let missing = FaultKind::DEFAULT.into_iter().filter(|kind| !plans(schedule, kind));
    let impossible = schedule.left_out.iter().map(|out| format!("{}: {}", out.what, out.reason));
    let never = [
        "power loss (a kill loses nothing that the kernel holds)",
        "clock skew",
        "slow, full or failing disks",
        "packet loss and reordering",
        "membership changes",
    ];
    let never = never.into_iter().map(str::to_owned);
    let missing = missing.map(|kind| format!("{kind} faults"));
    ended.into_iter().chain(missing).chain(impossible).chain(never).collect()
}

/// Whether a schedule has faults of a kind.
fn plans(schedule: &Schedule, kind: &FaultKind) -> bool {
    schedule.steps.iter().any(|step| match &step.action {
        Action::Inject(fault) => fault.kind() == *kind,
        Action::Heal(_) => false,
    })
}

/// Reads a schedule that an earlier run saved.
///
/// # Errors
/// [`BadInput`] when it cannot be read.
pub fn read_schedule(path: &Path) -> Result<Schedule> {
    let read = || -> Result<Schedule> { Ok(serde_json::from_slice(&std::fs::read(path)?)?) };
    Ok(read().map_err(|e| BadInput(format!("the schedule {}: {e:#}", path.display())))?)
}

/// From here on the first signal ends the load, and the second everything.
fn stop_on_signals(stopper: Stopper, console: &Console) -> io::Result<()> {
    let console = *console;
    // One listener for both: a signal between two listeners would be lost.
    let mut signals = Signals::listen()?;
    tokio::spawn(async move {
        signals.next().await;
        console.say("stopping: healing, then judging what there is (once more to abort)");
        stopper.stop();
        signals.next().await;
        console.error("aborted; `checker heal` removes what may be left");
        std::process::exit(i32::from(crate::exit::Exit::Broken.code()));
    });
    Ok(())
}

/// What people and CI systems send to end a process.
struct Signals([Signal; 3]);

impl Signals {
    fn listen() -> io::Result<Signals> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = kinds.map(signal);
        Ok(Signals([interrupt?, terminate?, hangup?]))
    }

    async fn next(&mut self) {
        let Signals([interrupt, terminate, hangup]) = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_to_reproduce_a_run_has_its_seed_its_faults_and_no_count() {
        let asked = "checker test --seed 1 --bug amnesia --test-count=5 --schedule old.json";
        let again = reproduce(&CommandLine::of(asked.split(' ')), 3, Path::new("s/schedule.json"));
        assert_eq!(
            again.to_string(),
            "checker test --bug amnesia --seed 3 --schedule s/schedule.json"
        );
    }

    #[test]
    fn what_looks_like_an_option_inside_a_quoted_word_stays() {
        let asked = CommandLine::of(["checker", "test", "--name", "a --seed b"]);
        let again = reproduce(&asked, 3, Path::new("my store/schedule.json"));
        assert_eq!(
            again.to_string(),
            "checker test --name 'a --seed b' --seed 3 --schedule 'my store/schedule.json'"
        );
    }
}
