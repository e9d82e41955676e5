//! A night: the folder of one playing of a suite, its plan, and what has come of it so far.
//!
//! The plan is written whole before the first run and never changes but for its end, so that what
//! is missing can be told from what was never asked for. What came of the cells is the night's
//! `runs.jsonl`; the store's has the same lines, caught up with whenever the two differ.

#[cfg(target_os = "linux")]
mod begin;
mod lock;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::lock::lock;
use super::cell::{self, Cell};
use super::file::Suite;
use super::left;
use crate::exit::BadInput;
use crate::store::{InSuite, Outcome, Record, RunDir, runs, write_whole};

/// The schema of `suite.json` and its version.
const SCHEMA: &str = "ordeal-suite/1";

/// The plan's file in the night's folder.
pub(crate) const PLAN: &str = "suite.json";

/// What a night is to run; `suite.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    /// `ordeal-suite/1`.
    pub schema: String,
    /// The suite.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub about: Option<String>,
    /// The version of Ordeal.
    pub ordeal: String,
    /// When the night began, RFC 3339.
    pub started: String,
    /// Whence fresh seeds come.
    pub seed: u64,
    /// How the suite was asked for.
    pub command: String,
    /// How often a cell whose tester failed is run again.
    pub retries: u32,
    /// The run that this night repeats; such a night counts neither for a gate nor for the trend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<String>,
    /// When and why the night ended; absent while it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// What is to run, in this order.
    pub cells: Vec<Cell>,
}

/// The end of a night.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When.
    pub at: String,
    /// Why not every cell has been run, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early: Option<String>,
}

/// Where a cell stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Standing<'a> {
    /// It is to be run, for this attempt.
    Open(u32),
    /// It is done, with this result.
    Done(&'a Record),
}

impl Standing<'_> {
    /// Whether there is nothing left to do.
    pub fn is_done(&self) -> bool {
        matches!(self, Standing::Done(_))
    }
}

/// A cell with what came of it, as tables and pages show it.
pub struct Row<'a> {
    /// It.
    pub cell: &'a Cell,
    /// Its result; `None` if it has none.
    pub record: Option<&'a Record>,
    /// How often it was tried.
    pub attempts: usize,
}

impl Row<'_> {
    /// What its result is, if it has one.
    pub fn outcome(&self) -> Option<Outcome> {
        self.record.map(|record| record.verdict)
    }

    /// That in a word.
    pub fn word(&self) -> &'static str {
        self.outcome().map_or("not run", Outcome::word)
    }

    /// The worst is the greatest; what was not run is worse than what could not be decided.
    pub fn severity(&self) -> (Option<Outcome>, bool) {
        (self.outcome().or(Some(Outcome::Unknown)), self.record.is_none())
    }
}

/// A night.
#[derive(Debug)]
pub struct Night {
    /// What is to run.
    pub plan: Plan,
    folder: PathBuf,
    store: PathBuf,
    records: Vec<Record>,
    /// Held as long as the night is played; the kernel lets go of it however the player ends.
    lock: Option<File>,
}

impl Night {
    /// The last night of `suite`, if it was interrupted, is not too old, and was to run what the
    /// suite says now; or else why it is not gone on with.
    ///
    /// # Errors
    /// When somebody else plays it now, or its folder cannot be read.
    pub fn resume(suite: &Suite, store: &Path) -> Result<Result<Night, Option<String>>> {
        let Some(folder) = last_night(store, &suite.name) else { return Ok(Err(None)) };
        let lock = lock(&folder)?;
        let mut night = Night::open(&folder)?;
        if night.plan.ended.is_some() {
            return Ok(Err(None));
        }
        if night.age() > Some(suite.resume_within.0) {
            let ago = format!("it began more than {} ago", suite.resume_within);
            return Ok(Err(Some(ago)));
        }
        if cell::all(suite, night.plan.seed)? != night.plan.cells {
            return Ok(Err(Some("the suite has changed since".into())));
        }
        night.store = store.to_path_buf();
        night.lock = Some(lock);
        // It may have been killed before it could, and `latest` be the night before.
        RunDir::of_night(store, &suite.name, &folder)
            .lead()
            .context("cannot point `latest` at the night")?;
        night.adopt()?;
        night.catch_up()?;
        Ok(Ok(night))
    }

    /// A night to be looked at.
    ///
    /// # Errors
    /// [`BadInput`] when it cannot be read.
    pub fn open(folder: &Path) -> Result<Night> {
        let plan = read_plan(folder)?;
        let records = runs::read_in(folder)?;
        let folder = folder.to_path_buf();
        Ok(Night { plan, store: folder.clone(), folder, records, lock: None })
    }

    /// The lock, for a child to hold as well: a suite that is killed leaves a run that heals and
    /// judges, and while it does nobody goes on with the night.
    pub(super) fn held_lock(&self) -> Option<&File> {
        self.lock.as_ref()
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The store that it lies in.
    pub fn store(&self) -> &Path {
        &self.store
    }

    /// Every attempt that has ended, in that order.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The attempts at a cell that have ended.
    pub fn attempts(&self, cell: &Cell) -> impl Iterator<Item = &Record> {
        let of = move |record: &&Record| {
            record.suite.as_ref().is_some_and(|suite| suite.cell == cell.id)
        };
        self.records.iter().filter(of)
    }

    /// Where a cell stands. A violation is never tried again; a tester that failed is.
    pub fn standing(&self, cell: &Cell) -> Standing<'_> {
        let attempts: Vec<&Record> = self.attempts(cell).collect();
        let tried = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
        match attempts.iter().max_by_key(|record| record.verdict == Outcome::Invalid) {
            Some(found) if found.verdict == Outcome::Invalid => Standing::Done(found),
            Some(_) => match attempts.last() {
                Some(last) if last.verdict != Outcome::Crashed => Standing::Done(last),
                Some(last) if tried > self.plan.retries => Standing::Done(last),
                _ => Standing::Open(tried + 1),
            },
            None => Standing::Open(1),
        }
    }

    /// Each cell with where it stands, in the order of the plan.
    pub fn cells(&self) -> impl Iterator<Item = (&Cell, Standing<'_>)> {
        self.plan.cells.iter().map(|cell| (cell, self.standing(cell)))
    }

    /// Each cell with what came of it, in the order of the plan.
    pub fn rows(&self) -> Vec<Row<'_>> {
        let row = |(cell, standing)| {
            let record = match standing {
                Standing::Done(record) => Some(record),
                Standing::Open(_) => None,
            };
            Row { cell, record, attempts: self.attempts(cell).count() }
        };
        self.cells().map(row).collect()
    }

    /// Puts an attempt on record, in the night's folder and in the store's.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, cell: &Cell, record: Record) -> Result<()> {
        let attempt = u32::try_from(self.attempts(cell).count() + 1).unwrap_or(u32::MAX);
        let night = self.name();
        let record = Record {
            id: format!("{night}/{}/{attempt}", cell.id),
            suite: Some(InSuite {
                name: self.plan.name.clone(),
                night,
                cell: cell.id.clone(),
                attempt,
                cells: self.plan.cells.len() as u64,
            }),
            ..record
        };
        runs::append(&self.folder, &record).context("cannot write the night's runs.jsonl")?;
        self.records.push(record);
        self.catch_up()
    }

    /// Ends it.
    ///
    /// # Errors
    /// When the plan cannot be written.
    pub fn end(&mut self, early: Option<String>) -> Result<()> {
        self.plan.ended = Some(Ended { at: Timestamp::now().to_string(), early });
        self.write_plan()
    }

    /// Its name in the store: `nightly/20261121T020000.000Z`.
    fn name(&self) -> String {
        let inside = self.folder.strip_prefix(&self.store).unwrap_or(&self.folder);
        inside.to_string_lossy().into_owned()
    }

    fn write_plan(&self) -> Result<()> {
        let mut text = serde_json::to_string_pretty(&self.plan)?;
        text.push('\n');
        write_whole(&self.folder.join(PLAN), text.as_bytes())
            .with_context(|| format!("cannot write {PLAN} in {}", self.folder.display()))
    }

    fn age(&self) -> Option<Duration> {
        let started: Timestamp = self.plan.started.parse().ok()?;
        Timestamp::now().duration_since(started).try_into().ok()
    }

    /// Takes over runs that ended while nobody was left to put them on record.
    fn adopt(&mut self) -> Result<()> {
        for cell in self.plan.cells.clone() {
            for (folder, record) in left_behind(&self.folder, &cell)? {
                let known = self.records.iter().any(|record| record.folder == folder);
                // Half a run that already showed a violation has shown it.
                let whole = !record.interrupted || record.verdict == Outcome::Invalid;
                let open = !self.standing(&cell).is_done();
                if whole && !known && (open || record.verdict == Outcome::Invalid) {
                    self.add(&cell, record.seen_from(&folder))?;
                }
            }
        }
        Ok(())
    }

    /// Appends to the store's `runs.jsonl` what it lacks of the night.
    fn catch_up(&self) -> Result<()> {
        if self.plan.repeats.is_some() {
            return Ok(());
        }
        let known: BTreeSet<String> =
            runs::read_in(&self.store)?.into_iter().map(|record| record.id).collect();
        for record in self.records.iter().filter(|record| !known.contains(&record.id)) {
            runs::append(&self.store, &record.clone().seen_from(&self.name()))
                .context("cannot write the store's runs.jsonl")?;
        }
        Ok(())
    }
}

/// The runs of a cell that left something to put on record, with their folders relative to the
/// night's, in the order in which they began.
fn left_behind(night: &Path, cell: &Cell) -> Result<Vec<(String, Record)>> {
    let mut found = Vec::new();
    for name in folders(&night.join(&cell.id)) {
        if let Some(record) = left::record(cell, &night.join(&cell.id).join(&name))? {
            found.push((format!("{}/{name}", cell.id), record));
        }
    }
    Ok(found)
}

/// The real folders in a folder, by name; links are not followed.
pub(crate) fn folders(parent: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(is_folder)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// The folders of a suite's nights, the oldest first.
pub fn nights_of(store: &Path, suite: &str) -> Vec<PathBuf> {
    let parent = store.join(crate::store::safe_name(suite));
    let nights = folders(&parent).into_iter().map(|name| parent.join(name));
    nights.filter(|night| night.join(PLAN).is_file()).collect()
}

/// The folder of a suite's last night. A night of repetitions is none, though a suite may have its
/// name; a night whose plan cannot be read may be one, and its reader will say what is wrong with it.
pub fn last_night(store: &Path, suite: &str) -> Option<PathBuf> {
    let is_one = |folder: &PathBuf| read_plan(folder).map_or(true, |plan| plan.repeats.is_none());
    nights_of(store, suite).into_iter().rev().find(is_one)
}

fn read_plan(folder: &Path) -> Result<Plan, BadInput> {
    let path = folder.join(PLAN);
    let read = || -> Result<Plan> { Ok(serde_json::from_slice(&fs::read(&path)?)?) };
    let plan = read().map_err(|e| BadInput(format!("{}: {e:#}", path.display())))?;
    if plan.schema != SCHEMA {
        let what = format!("its schema is {:?}, not {SCHEMA:?}", plan.schema);
        return Err(BadInput(format!("{}: {what}", path.display())));
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn night(store: &Path) -> Night {
        let mut suite: Suite =
            toml::from_str("[[matrix]]\nnemesis = ['none']\nseeds = [1]\n").unwrap();
        suite.name = "t".into();
        let plan = Plan {
            schema: SCHEMA.into(),
            name: suite.name.clone(),
            about: None,
            ordeal: String::new(),
            started: Timestamp::now().to_string(),
            seed: 1,
            command: String::new(),
            retries: 1,
            repeats: None,
            ended: None,
            cells: suite.cells(1).unwrap(),
        };
        let folder = store.join("t/20261121T020000.000Z");
        fs::create_dir_all(&folder).unwrap();
        Night { plan, folder, store: store.into(), records: Vec::new(), lock: None }
    }

    fn adopted(name: &str, text: &str) -> (Outcome, bool) {
        let store = tempfile::tempdir().unwrap();
        let mut night = night(store.path());
        let cell = night.plan.cells[0].clone();
        let run = night.folder.join(&cell.id).join("20261121T020001.000Z");
        fs::create_dir_all(&run).unwrap();
        fs::write(run.join(name), text).unwrap();
        night.adopt().unwrap();
        let record = night.records().first().expect("it is put on record");
        (record.verdict, night.standing(&cell).is_done())
    }

    #[test]
    fn a_torn_record_is_a_failure_of_the_tester_and_the_cell_is_run_again() {
        for torn in ["", "{\"schema\": \"ordeal-run/1\", \"verdict\": \"va"] {
            assert_eq!(adopted("summary.json", torn), (Outcome::Crashed, false), "{torn:?}");
        }
    }

    #[test]
    fn a_violation_whose_tester_died_while_it_drew_stands() {
        let results = "{\"valid?\": false, \"anomalies\": [{\"type\": \"lost\"}]}";
        assert_eq!(adopted("results.json", results), (Outcome::Invalid, true));
    }
}
