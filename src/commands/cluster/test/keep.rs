//! What stays of a run when nobody looks at its folder: its record, in `summary.json` and, unless
//! a suite does so itself, in the store's `runs.jsonl`.
//!
//! It comes last: a folder with a `summary.json` is a run that was judged and reported on, and one
//! without is a run that is under way or whose tester died.

use anyhow::{Context, Result};
use checker::verdict::Reason;
use jiff::Timestamp;

use crate::exit::Exit;
use crate::report;
use crate::runner::Finished;
use crate::store::{Outcome, Record, runs};
use crate::suite::play::parent;

/// Keeps the record of a run that ended like this.
pub(super) fn keep(finished: &Finished, input: &report::Input, exit: Exit) -> Result<()> {
    let record = record(finished, input, exit);
    let inside = Record { folder: ".".into(), ..record.clone() };
    finished.folder.write_json("summary.json", &inside).context("cannot write summary.json")?;
    if parent::is_parent() {
        return Ok(());
    }
    let store = finished.folder.root();
    runs::append(store, &record).context("cannot write runs.jsonl")
}

fn record(finished: &Finished, input: &report::Input, exit: Exit) -> Record {
    let manifest = &finished.manifest;
    let environment = manifest.environment.split([',', ':', ' ']).next().unwrap_or_default();
    let id = finished.folder.id();
    Record {
        folder: id.clone(),
        id,
        ended: Timestamp::now().to_string(),
        system: manifest.scenario.system.clone(),
        system_version: manifest.system_version.clone(),
        bug: manifest.scenario.bug.clone(),
        planned: finished.planned.iter().map(|kind| kind.word().to_owned()).collect(),
        environment: environment.to_owned(),
        nodes: manifest.scenario.nodes,
        exit: exit.code(),
        verdict: Outcome::of(input.verdict.validity, exit),
        interrupted: finished.interrupted || input.verdict.reason == Some(Reason::Cancelled),
        ..report::record(input)
    }
}
