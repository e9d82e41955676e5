//! How a night begins: first everything is looked at that could be refused at three in the morning,
//! then its plan is written.

use std::path::Path;

use anyhow::{Context, Result};
use jiff::Timestamp;

use super::lock::lock;
use super::{Night, Plan, SCHEMA};
use crate::exit::BadInput;
use crate::store::{RunDir, runs};
use crate::suite::{Cell, Suite};
use crate::systems;

impl Night {
    /// Begins a night of `suite` below `store`.
    ///
    /// # Errors
    /// When a cell makes no sense, or the store cannot be written.
    pub fn begin(suite: &Suite, store: &Path, seed: u64, command: String) -> Result<Night> {
        let cells = suite.cells(seed)?;
        Night::of(suite, cells, store, (seed, command, None))
    }

    /// Begins a night of repetitions of one run, which lies at `origin`.
    ///
    /// # Errors
    /// As [`Night::begin`].
    pub fn repeat(
        suite: &Suite,
        cells: Vec<Cell>,
        store: &Path,
        command: String,
        origin: String,
    ) -> Result<Night> {
        let seed = cells.first().map_or(0, |cell| cell.seed);
        Night::of(suite, cells, store, (seed, command, Some(origin)))
    }

    fn of(
        suite: &Suite,
        cells: Vec<Cell>,
        store: &Path,
        (seed, command, repeats): (u64, String, Option<String>),
    ) -> Result<Night> {
        cells.iter().try_for_each(require)?;
        // Each record is to be added to it, which must not fail when the first cell has ended.
        runs::read_in(store)?;
        let folder = RunDir::create(store, &suite.name)
            .with_context(|| format!("cannot make the night's folder in {}", store.display()))?;
        let plan = Plan {
            schema: SCHEMA.into(),
            name: suite.name.clone(),
            about: suite.about.clone(),
            ordeal: env!("CARGO_PKG_VERSION").into(),
            started: Timestamp::now().to_string(),
            seed,
            command,
            retries: suite.retries,
            repeats,
            ended: None,
            cells,
        };
        let night = Night {
            plan,
            folder: folder.path().to_path_buf(),
            store: store.to_path_buf(),
            records: Vec::new(),
            lock: Some(lock(folder.path())?),
        };
        night.write_plan()?;
        folder.lead().context("cannot point `latest` at the night")?;
        Ok(night)
    }
}

/// Refuses now what `checker test` would refuse at three in the morning.
///
/// # Errors
/// [`BadInput`] with the cell's name.
fn require(cell: &Cell) -> Result<()> {
    let scenario = cell.scenario()?;
    // There the nodes are others', and counted when they are found.
    let brings_programs = matches!(cell.env.as_deref(), Some("docker" | "attach"));
    let fit = match brings_programs {
        true => scenario.validate_uncounted(),
        false => scenario.validate(),
    };
    let fit = fit.and_then(|()| match systems::find(&scenario)? {
        _ if brings_programs => Ok(()),
        system => system.require(),
    });
    Ok(fit.map_err(|error| BadInput(format!("cell {}: {error:#}", cell.id)))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_could_not_run_is_refused_before_anything_is_written() {
        let mut suite: Suite = toml::from_str("[[matrix]]\nsystem = ['oracle']\n").unwrap();
        suite.name = "t".into();
        let store = tempfile::tempdir().unwrap();
        let refused = Night::begin(&suite, store.path(), 1, String::new()).unwrap_err();
        assert!(format!("{refused:#}").contains("oracle"), "{refused:#}");
        assert_eq!(store.path().read_dir().unwrap().count(), 0);
    }
}
