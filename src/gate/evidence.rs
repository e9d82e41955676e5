//! What a decision rests on: the cells that were to be run, and what came of each.
//!
//! Of a store counts the last night of every suite in it, or, where there is none, every run.
//! Folders are believed over the store's `runs.jsonl`; a run whose folder has no summary was begun
//! and never judged, and is missing unless its suite ran it again.
//!
//! A `runs.jsonl` beside its folders stands for them. Alone it holds what ended, and a night that was
//! begun after all of that and never ended a run is not in it: whether there is one is a *gap*, which
//! blocks as what is missing does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::last::{after, has_any, lost};
use crate::exit::BadInput;
use crate::store::runs::{RUNS, Summary};
use crate::store::{InSuite, Outcome, Record, runs};
use crate::suite::{Night, PLAN, folders, last_night};

/// A cell, or a run that was made by hand.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// Its name: that of the cell, or the run's folder.
    pub name: String,
    /// Every attempt that was put on record, in order.
    pub attempts: Vec<Record>,
    /// Why there is none, if so.
    pub missing: String,
    /// The faults that it was to have, as its suite spells them; nothing if none, or nobody knows.
    pub nemesis: Option<String>,
}

impl Cell {
    /// The attempt that stands: a violation if there ever was one, or else the last.
    pub fn result(&self) -> Option<&Record> {
        let found = self.attempts.iter().rfind(|record| record.verdict == Outcome::Invalid);
        found.or(self.attempts.last())
    }

    /// How often the tester failed at it.
    pub fn failures(&self) -> u64 {
        self.attempts.iter().filter(|record| record.verdict == Outcome::Crashed).count() as u64
    }
}

/// Everything that a decision rests on.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// What was to be run, and what came of it.
    pub cells: Vec<Cell>,
    /// What it was gathered from: `nightly/20261121T020000.000Z`.
    pub from: Vec<String>,
    /// What may have been begun and is not in it, a sentence each.
    pub gaps: Vec<String>,
    /// What was named and does not count, a sentence each.
    pub left_out: Vec<String>,
    /// The files and folders themselves: what is named twice counts once.
    pub(super) seen: BTreeSet<PathBuf>,
}

impl Evidence {
    /// Gathers it from stores, nights, folders of runs and `runs.jsonl` files.
    ///
    /// # Errors
    /// [`BadInput`] when a path is none of these, or holds what cannot be understood.
    pub fn gather<P: AsRef<Path>>(paths: &[P]) -> Result<Evidence> {
        let mut evidence = Evidence::default();
        for path in paths.iter().map(AsRef::as_ref) {
            if path.is_file() {
                evidence.add_file(path)?;
            } else if path.join(PLAN).is_file() {
                evidence.gaps.extend(after(path));
                evidence.add_night(&Night::open(path)?);
            } else if path.join("manifest.json").is_file() {
                evidence.gaps.extend(after(path));
                evidence.add_run(path, &path.display().to_string())?;
            } else if path.is_dir() {
                evidence.add_store(path)?;
            } else {
                return Err(BadInput(format!("{}: there is nothing", path.display())).into());
            }
        }
        Ok(evidence)
    }

    /// What stands, of every cell that has been run.
    pub fn results(&self) -> impl Iterator<Item = &Record> {
        self.cells.iter().filter_map(Cell::result)
    }

    /// The results that a judgement on the system can rest on.
    pub fn judged(&self) -> impl Iterator<Item = &Record> {
        self.results().filter(|record| record.verdict != Outcome::Crashed)
    }

    /// A file of records: what lies beside it knows more.
    fn add_file(&mut self, path: &Path) -> Result<()> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        if path.file_name().is_some_and(|name| name == RUNS) {
            if parent.join(PLAN).is_file() {
                self.add_night(&Night::open(parent)?);
                return Ok(());
            }
            if folders(parent).iter().any(|name| has_any(&parent.join(name))) {
                return self.add_store(parent);
            }
        }
        self.add_records(path, runs::read(path)?);
        Ok(())
    }

    fn add_store(&mut self, store: &Path) -> Result<()> {
        let names = folders(store);
        let mut any = false;
        for name in &names {
            let last = last_night(store, name);
            self.gaps.extend(lost(&store.join(name), last.as_deref()));
            if let Some(folder) = last {
                self.add_night(&Night::open(&folder)?);
                any = true;
            }
        }
        let records = runs::read_in(store)?;
        let gone = of_nights_without_folder(store, &records);
        if any || !gone.is_empty() {
            if !gone.is_empty() {
                self.add_records(&store.join(RUNS), gone);
            }
            return Ok(());
        }
        let before = self.cells.len();
        for name in &names {
            for run in folders(&store.join(name)) {
                let folder = store.join(name).join(&run);
                if folder.join("manifest.json").is_file() {
                    self.add_run(&folder, &format!("{name}/{run}"))?;
                }
            }
        }
        if before == self.cells.len() && !records.is_empty() {
            // The folders may be gone while their records stay.
            self.add_records(&store.join(RUNS), records);
        }
        Ok(())
    }

    fn is_new(&mut self, path: &Path) -> bool {
        self.seen.insert(path.canonicalize().unwrap_or_else(|_| path.to_owned()))
    }

    fn add_night(&mut self, night: &Night) {
        if !self.is_new(night.folder()) {
            return;
        }
        let folder = night.folder().display().to_string();
        if let Some(run) = &night.plan.repeats {
            let sentence =
                format!("{folder} repeats {run}, and repetitions count for nothing here");
            self.left_out.push(sentence);
            return;
        }
        let ended = night.plan.ended.as_ref();
        let missing = match ended.map(|ended| &ended.early) {
            None => "the night was interrupted before it was run".to_owned(),
            Some(Some(early)) => format!("it was left out: {early}"),
            Some(None) => "it has no record".to_owned(),
        };
        for cell in &night.plan.cells {
            self.cells.push(Cell {
                name: cell.id.clone(),
                attempts: night.attempts(cell).cloned().collect(),
                missing: missing.clone(),
                nemesis: cell.plans_faults().then(|| cell.nemesis.clone()),
            });
        }
        self.add_unplanned(night, &folder);
        self.from.push(folder);
    }

    /// Records of which the night's plan says nothing: what they found counts all the same.
    fn add_unplanned(&mut self, night: &Night, folder: &str) {
        let planned: BTreeSet<&str> =
            night.plan.cells.iter().map(|cell| cell.id.as_str()).collect();
        let mut unplanned: BTreeMap<&str, Vec<Record>> = BTreeMap::new();
        for record in night.records() {
            let name = record.suite.as_ref().map_or(&record.id, |suite| &suite.cell).as_str();
            if record.suite.is_none() || !planned.contains(name) {
                unplanned.entry(name).or_default().push(record.clone());
            }
        }
        for (name, attempts) in unplanned {
            self.gaps.push(format!(
                "{folder} has a record of {name}, of which its plan says nothing: they are not of one \
                 night"
            ));
            self.cells.push(Cell { name: name.to_owned(), attempts, ..Cell::default() });
        }
    }

    fn add_run(&mut self, folder: &Path, name: &str) -> Result<()> {
        if !self.is_new(folder) {
            return Ok(());
        }
        let (attempts, missing) = match runs::look(folder)? {
            Summary::Whole(record) => (vec![*record], String::new()),
            Summary::Torn(why) => (Vec::new(), format!("its record is torn: {why}")),
            Summary::None => {
                let missing = "it has no summary.json: its tester died, or is not done";
                (Vec::new(), missing.to_owned())
            }
        };
        self.cells.push(Cell { name: name.to_owned(), attempts, missing, nemesis: None });
        if !self.from.iter().any(|from| from == name) {
            self.from.push(name.to_owned());
        }
        Ok(())
    }

    /// The last night of each suite among the records, or else all of them.
    fn add_records(&mut self, file: &Path, records: Vec<Record>) {
        if !self.is_new(file) {
            return;
        }
        let from = file.display().to_string();
        self.gaps.push(format!(
            "{from} alone tells of runs that ended, and not whether a night or run was begun after \
             them: give the store with its folders, or the folder of the night"
        ));
        let nights = last_nights(&records);
        let before = self.cells.len();
        let mut known = BTreeSet::new();
        for record in records {
            let (name, night) = match &record.suite {
                Some(suite) if nights.get(&suite.name) != Some(&suite.night) => continue,
                Some(suite) => (suite.cell.clone(), suite.night.clone()),
                None if nights.is_empty() => (record.id.clone(), from.clone()),
                None => continue,
            };
            // Files that were put together may say a thing twice.
            if !record.id.is_empty() && !known.insert(record.id.clone()) {
                continue;
            }
            if !self.from.contains(&night) {
                self.from.push(night);
            }
            let same = |cell: &&mut Cell| {
                let suite = cell.attempts.first().map(|first| &first.suite);
                cell.name == name && suite.is_some_and(|suite| same_night(suite, &record.suite))
            };
            match self.cells[before..].iter_mut().find(same) {
                Some(cell) => cell.attempts.push(record),
                None => self.cells.push(Cell { name, attempts: vec![record], ..Cell::default() }),
            }
        }
        self.count_missing(before, &nights);
    }

    /// A file of records knows how many cells a night was to have, though not which.
    fn count_missing(&mut self, before: usize, nights: &BTreeMap<String, String>) {
        for (suite, night) in nights {
            let of_night: Vec<&Record> = self.cells[before..]
                .iter()
                .filter_map(|cell| cell.attempts.first())
                .filter(|record| record.suite.as_ref().is_some_and(|one| one.night == *night))
                .collect();
            let known = of_night.len() as u64;
            let planned = of_night.iter().filter_map(|record| record.suite.as_ref());
            let planned = planned.map(|suite| suite.cells).max().unwrap_or(0);
            for n in known..planned {
                let missing = "it has no record".to_owned();
                let name = format!("{suite}, cell {} of {planned}", n + 1);
                self.cells.push(Cell { name, missing, ..Cell::default() });
            }
        }
    }
}

/// The last night of each suite among the records, by the suite's name.
fn last_nights(records: &[Record]) -> BTreeMap<String, String> {
    let mut nights: BTreeMap<String, String> = BTreeMap::new();
    for suite in records.iter().filter_map(|record| record.suite.as_ref()) {
        let last = nights.entry(suite.name.clone()).or_default();
        if suite.night > *last {
            *last = suite.night.clone();
        }
    }
    nights
}

/// The records of nights that are newer than any of their suite of which a store has the folder.
fn of_nights_without_folder(store: &Path, records: &[Record]) -> Vec<Record> {
    let mut gone = last_nights(records);
    gone.retain(|suite, night| {
        let last = last_night(store, suite);
        Path::new(night).file_name() > last.as_deref().and_then(Path::file_name)
    });
    let is_gone = |record: &&Record| {
        (record.suite.as_ref()).is_some_and(|suite| gone.get(&suite.name) == Some(&suite.night))
    };
    records.iter().filter(is_gone).cloned().collect()
}

fn same_night(one: &Option<InSuite>, other: &Option<InSuite>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.night == other.night,
        _ => false,
    }
}
