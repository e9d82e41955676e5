//! What a decision rests on: the cells that were to be run, and what came of each.
//!
//! Of a store counts the last night of every suite in it, or, where there is none, every run.
//! Folders are believed over the store's `runs.jsonl`; a run whose folder has no summary was begun
//! and never judged, and is missing unless its suite ran it again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::exit::BadInput;
use crate::store::{Outcome, Record, runs};
use crate::suite::{Night, PLAN, folders, nights_of};

/// A cell, or a run that was made by hand.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// Its name: that of the cell, or the run's folder.
    pub name: String,
    /// Every attempt that was put on record, in order.
    pub attempts: Vec<Record>,
    /// Why there is none, if so.
    pub missing: String,
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
                if !evidence.is_new(path) {
                    continue;
                }
                evidence.add_records(runs::read(path)?, &path.display().to_string());
            } else if path.join(PLAN).is_file() {
                evidence.add_night(&Night::open(path)?);
            } else if path.join("manifest.json").is_file() {
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

    fn add_store(&mut self, store: &Path) -> Result<()> {
        let names = folders(store);
        let last = names.iter().filter_map(|name| nights_of(store, name).pop());
        let mut nights = last.map(|folder| Night::open(&folder)).collect::<Result<Vec<_>>>()?;
        nights.retain(|night| night.plan.repeats.is_none());
        for night in &nights {
            self.add_night(night);
        }
        if !nights.is_empty() {
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
        if before == self.cells.len() {
            // The folders may be gone while their records stay.
            self.add_records(runs::read_in(store)?, &store.display().to_string());
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
        let ended = night.plan.ended.as_ref();
        let missing = match ended.map(|ended| &ended.early) {
            None => "the night was interrupted before it was run".to_owned(),
            Some(Some(early)) => format!("it was left out: {early}"),
            Some(None) => "it has no record".to_owned(),
        };
        for cell in &night.plan.cells {
            let attempts = night.attempts(cell).cloned().collect();
            self.cells.push(Cell { name: cell.id.clone(), attempts, missing: missing.clone() });
        }
        self.from.push(night.folder().display().to_string());
    }

    fn add_run(&mut self, folder: &Path, name: &str) -> Result<()> {
        if !self.is_new(folder) {
            return Ok(());
        }
        let attempts: Vec<Record> = runs::summary(folder)?.into_iter().collect();
        let missing = "it has no summary.json: its tester died, or is not done".to_owned();
        self.cells.push(Cell { name: name.to_owned(), attempts, missing });
        if !self.from.iter().any(|from| from == name) {
            self.from.push(name.to_owned());
        }
        Ok(())
    }

    /// The last night of each suite among the records, or else all of them.
    fn add_records(&mut self, records: Vec<Record>, from: &str) {
        let mut nights: BTreeMap<String, String> = BTreeMap::new();
        for suite in records.iter().filter_map(|record| record.suite.as_ref()) {
            let last = nights.entry(suite.name.clone()).or_default();
            if suite.night > *last {
                *last = suite.night.clone();
            }
        }
        let before = self.cells.len();
        for record in records {
            let (name, night) = match &record.suite {
                Some(suite) if nights.get(&suite.name) != Some(&suite.night) => continue,
                Some(suite) => (suite.cell.clone(), suite.night.clone()),
                None if nights.is_empty() => (record.id.clone(), from.to_owned()),
                None => continue,
            };
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

fn same_night(one: &Option<crate::store::InSuite>, other: &Option<crate::store::InSuite>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.night == other.night,
        _ => false,
    }
}
