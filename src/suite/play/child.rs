//! One attempt at a cell: `checker test` in a process of its own, and what it left in the store.
//!
//! The child has a process group of its own, so that a ctrl-c at the terminal reaches it once,
//! through us, and it can heal and judge. It is told to stop when the cell's time is up, and killed
//! when it does not obey; both are failures of the tester. Should the suite itself be killed, the
//! kernel tells the child (see [`follow_parent`](super::parent::follow_parent)).

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};
use tokio::time::{Instant, interval, sleep_until};

use super::parent::PARENT_VARIABLE;
use crate::console::Progress;
use crate::exit::Exit;
use crate::store::{Outcome, Record};
use crate::suite::{Cell, folders, left};

/// What a run may take beyond its load: forming, recovery and final reads, judging for ten minutes.
const BEYOND_THE_LOAD: Duration = Duration::from_secs(20 * 60);

/// How long a child that was told to stop may heal and judge.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often the live line is drawn.
const REDRAW: Duration = Duration::from_millis(500);

/// The signals that ask a suite to stop, and how often they have.
pub(super) struct Stops {
    streams: [Signals; 3],
    /// How often somebody asked.
    pub(super) asked: u32,
}

impl Stops {
    pub(super) fn listen() -> io::Result<Stops> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = kinds.map(signal);
        Ok(Stops { streams: [interrupt?, terminate?, hangup?], asked: 0 })
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.streams;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        self.asked += 1;
    }
}

/// Where a cell is to be run.
pub(super) struct Place<'a> {
    /// The night's folder.
    pub(super) night: &'a Path,
    /// Its name, for the child.
    pub(super) name: &'a str,
    /// What says that the night is played, for the child to hold as well.
    pub(super) lock: Option<&'a File>,
    /// How long an attempt may take, if the suite says so.
    pub(super) limit: Option<Duration>,
}

/// How an attempt ended.
pub(super) struct Ran {
    /// What is to be put on record.
    pub(super) record: Record,
    /// Whether it was cut short because the suite was, and is to be run anew.
    pub(super) half: bool,
}

/// Runs a cell once. `live` says what to show after so long.
pub(super) async fn run(
    cell: &Cell,
    place: &Place<'_>,
    stops: &mut Stops,
    progress: &mut Progress,
    live: impl Fn(Duration) -> String,
) -> Result<Ran> {
    let folder = place.night.join(&cell.id);
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(folder.join("scenario.toml"), &cell.scenario))
        .with_context(|| format!("cannot write the scenario into {}", folder.display()))?;
    let before = folders(&folder);
    let started = Timestamp::now();
    let output = folder.join(format!("output-{}.txt", before.len() + 1));
    let mut child = start(cell, place, &output)?;
    let limit = place.limit.unwrap_or(cell.scenario()?.time_limit.0 + BEYOND_THE_LOAD);
    let end = wait(&mut child, limit, stops, progress, live).await?;
    let run = folders(&folder).into_iter().find(|name| !before.contains(name));
    let left = Left { cell, place, run, end, started, output };
    let record = left.record()?;
    let half = stops.asked > 0 && record.verdict != Outcome::Invalid && !left.is_whole(&record);
    Ok(Ran { record, half })
}

/// Starts `checker test`, with everything that it says in one file.
fn start(cell: &Cell, place: &Place, output: &Path) -> Result<Child> {
    let program = std::env::current_exe().context("cannot find the program itself")?;
    let said =
        File::create(output).with_context(|| format!("cannot write {}", output.display()))?;
    // It reads nothing; an open file that it inherits is how it holds the lock.
    let held = match place.lock {
        Some(lock) => Stdio::from(lock.try_clone().context("cannot share the night's lock")?),
        None => Stdio::null(),
    };
    let mut command = Command::new(program);
    command.arg("test").arg("--scenario").arg(place.night.join(&cell.id).join("scenario.toml"));
    command.args(["--seed", &cell.seed.to_string()]);
    command.args(cell.env.iter().flat_map(|env| ["--env", env]));
    command.args(&cell.args).arg("--store").arg(place.night);
    command
        .env(PARENT_VARIABLE, place.name)
        .process_group(0)
        .stdin(held)
        .stdout(said.try_clone().context("cannot share the file for its output")?)
        .stderr(said)
        .kill_on_drop(true)
        .spawn()
        .context("cannot start `checker test`")
}

/// How a child ended.
struct End {
    status: ExitStatus,
    /// Whether its time was up.
    overran: Option<Duration>,
}

async fn wait(
    child: &mut Child,
    limit: Duration,
    stops: &mut Stops,
    progress: &mut Progress,
    live: impl Fn(Duration) -> String,
) -> Result<End> {
    let begun = Instant::now();
    let mut redraw = interval(REDRAW);
    let mut deadline = begun + limit;
    let mut told = 0;
    let mut overran = None;
    loop {
        tokio::select! {
            status = child.wait() => {
                let status = status.context("cannot wait for `checker test`")?;
                return Ok(End { status, overran });
            }
            () = stops.next() => {
                told += 1;
                // It obeys the second at once, and nobody asks a third time in vain.
                tell(child, if told > 2 { Signal::KILL } else { Signal::TERM });
                deadline = deadline.min(Instant::now() + PATIENCE);
            }
            () = sleep_until(deadline) => {
                let first = told == 0 && overran.is_none();
                tell(child, if first { Signal::TERM } else { Signal::KILL });
                if told == 0 {
                    overran = Some(limit);
                }
                deadline = Instant::now() + PATIENCE;
            }
            _ = redraw.tick(), if progress.is_shown() => progress.set(live(begun.elapsed())),
        }
    }
}

fn tell(child: &Child, signal: Signal) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    // One that has ended already is about to be noticed.
    if let Some(pid) = pid {
        let _ = kill_process(pid, signal);
    }
}

/// What an attempt has left behind.
struct Left<'a> {
    cell: &'a Cell,
    place: &'a Place<'a>,
    /// The run's folder within the cell's, if it got so far.
    run: Option<String>,
    end: End,
    started: Timestamp,
    output: PathBuf,
}

impl Left<'_> {
    /// Its record: the one that it wrote, or one that says that it did not.
    fn record(&self) -> Result<Record> {
        let folder = self.run.as_ref().map(|run| format!("{}/{run}", self.cell.id));
        let path = folder.as_ref().map(|folder| self.place.night.join(folder));
        let left = path.map(|path| left::record(self.cell, &path)).transpose()?.flatten();
        let mut record = left.unwrap_or_else(|| self.without_summary());
        record.folder = folder.unwrap_or_default();
        let by_code = match self.end.status.code().and_then(|code| u8::try_from(code).ok()) {
            Some(0) => Outcome::Valid,
            Some(1) => Outcome::Invalid,
            Some(2) => Outcome::Unknown,
            _ => Outcome::Crashed,
        };
        record.verdict = record.verdict.max(by_code);
        // What stopped before its end, and not because of us, is no result either.
        if record.interrupted || self.end.overran.is_some() {
            record.verdict = record.verdict.max(Outcome::Crashed);
        }
        if record.verdict == Outcome::Crashed {
            record.trouble.push(self.how_it_ended());
        }
        Ok(record)
    }

    /// Whether the run came to its own end although the suite was asked to stop.
    fn is_whole(&self, record: &Record) -> bool {
        !record.interrupted && record.verdict != Outcome::Crashed
    }

    fn without_summary(&self) -> Record {
        let code = self.end.status.code().and_then(|code| u8::try_from(code).ok());
        Record {
            started: self.started.to_string(),
            exit: code.unwrap_or(Exit::Broken.code()),
            sentence: format!("there is no verdict: {}", self.last_words()),
            again: self.again(),
            ..left::without(self.cell)
        }
    }

    fn how_it_ended(&self) -> String {
        match (&self.end.overran, self.end.status.code()) {
            (Some(limit), _) => format!("it was ended after {} s", limit.as_secs()),
            (None, Some(code)) => format!("`checker test` exited with {code}"),
            (None, None) => format!("`checker test` was killed ({})", self.end.status),
        }
    }

    /// The last line that it said.
    fn last_words(&self) -> String {
        let said = std::fs::read(&self.output).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
        last.unwrap_or("it said nothing").to_owned()
    }

    fn again(&self) -> String {
        let scenario = self.place.night.join(&self.cell.id).join("scenario.toml");
        let mut words = vec!["test".to_owned(), "--scenario".into()];
        words.push(scenario.to_string_lossy().into_owned());
        words.extend(["--seed".into(), self.cell.seed.to_string()]);
        words.extend(self.cell.env.iter().flat_map(|env| ["--env".into(), env.clone()]));
        words.extend(self.cell.args.iter().cloned());
        crate::command_line::CommandLine::of_checker(words).to_string()
    }
}
