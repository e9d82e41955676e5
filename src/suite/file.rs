//! `suite.toml`: what a suite runs, as its author writes it.
//!
//! A matrix is the product of its axes. What every cell has in common is `set`: the entries of a
//! scenario, and three of its own (`scenario`, a file whose entries lie below these; `env`; and
//! `args`, further flags of `checker test`). `set` is laid over the defaults of `checker test` from
//! the whole suite over the matrix and the axes to the overrides that match the cell, later over
//! earlier. `scenarios/suites/` has examples with every entry.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Table;

use super::cell::{self, Cell};
use crate::exit::BadInput;
use crate::scenario::Span;

/// A suite.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Suite {
    /// The folder below the store; by default the name of the file.
    pub name: String,
    /// What it is for.
    pub about: Option<String>,
    /// No cell begins that would end later than this, counted over all sessions of the night.
    pub time_limit: Option<Span>,
    /// After so many cells with a violation no other begins.
    pub violations: Option<u32>,
    /// How often a cell whose tester failed is run again.
    pub retries: u32,
    /// A cell is ended after this long, as a failure of the tester; by default its time limit and
    /// twenty minutes.
    pub cell_limit: Option<Span>,
    /// A night that was interrupted is resumed if it began no longer ago than this.
    pub resume_within: Span,
    /// What every cell has.
    pub set: Table,
    /// Faults with a name, as `[nemesis]` of a scenario has them; the axis may name them.
    pub nemesis: BTreeMap<String, Table>,
    /// The cells: products of axes, one behind the other.
    pub matrix: Vec<Matrix>,
    /// What is different for some cells.
    #[serde(rename = "override")]
    pub overrides: Vec<Override>,
    /// Where the file lies: paths in it are relative to there.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// A product of axes. An axis that is left out has the one value that `set` says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Matrix {
    /// Begins the names of its cells; needed where two would have the same.
    pub name: Option<String>,
    /// Systems under test.
    pub system: Vec<String>,
    /// Knowingly broken variants.
    pub bug: Vec<String>,
    /// What clients do.
    pub workload: Vec<String>,
    /// What breaks: kinds separated by commas, `all`, `none`, or a name under `[nemesis]`.
    pub nemesis: Vec<String>,
    /// These seeds.
    pub seeds: Vec<u64>,
    /// So many seeds that no night had before.
    pub fresh_seeds: Option<u32>,
    /// What its cells have.
    pub set: Table,
}

/// What is different for the cells that match every list given here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Override {
    /// Of these systems.
    pub system: Vec<String>,
    /// With these bugs.
    pub bug: Vec<String>,
    /// With these workloads.
    pub workload: Vec<String>,
    /// With these faults, as the axis spells them.
    pub nemesis: Vec<String>,
    /// What they have.
    pub set: Table,
    /// Why they are left out, if they are.
    pub skip: Option<String>,
}

impl Default for Suite {
    fn default() -> Suite {
        Suite {
            name: String::new(),
            about: None,
            time_limit: None,
            violations: None,
            retries: 1,
            cell_limit: None,
            resume_within: Span(Duration::from_secs(12 * 60 * 60)),
            set: Table::new(),
            nemesis: BTreeMap::new(),
            matrix: Vec::new(),
            overrides: Vec::new(),
            folder: PathBuf::new(),
        }
    }
}

impl Suite {
    /// Reads a suite.
    ///
    /// # Errors
    /// [`BadInput`] with file, line and column.
    pub fn read(path: &Path) -> Result<Suite, BadInput> {
        let bad = |what: String| BadInput(format!("in the suite {}: {what}", path.display()));
        let text = std::fs::read_to_string(path)
            .map_err(|e| BadInput(format!("cannot read the suite {}: {e}", path.display())))?;
        let mut suite: Suite = toml::from_str(&text).map_err(|e| bad(e.to_string()))?;
        suite.folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        if suite.name.is_empty() {
            let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            suite.name = stem.unwrap_or_else(|| "suite".into());
        }
        if suite.matrix.is_empty() {
            return Err(bad("it has no [[matrix]], so there is nothing to run".into()));
        }
        Ok(suite)
    }

    /// What a night with this seed runs, in this order.
    ///
    /// # Errors
    /// [`BadInput`] when an entry means nothing, or two cells have one name.
    pub fn cells(&self, night: u64) -> anyhow::Result<Vec<Cell>> {
        cell::all(self, night)
    }
}
