//! What a run left in its folder, as the record of its cell, however it ended.
//!
//! A record that is there and is none (a power supply failed) is a failure of the tester, never a run
//! that did not take place: it may have been anything. And a violation that was found stands, though
//! its tester died before it could put it on record.

use std::path::Path;

use jiff::Timestamp;

use super::cell::Cell;
use crate::exit::{BadInput, Exit};
use crate::store::runs::{Summary, look};
use crate::store::{Outcome, RUN_SCHEMA, Record, salvaged};

/// The record of the run in `folder`; nothing if it left neither a record nor a violation.
///
/// # Errors
/// [`BadInput`] when its record cannot be read, or is of another version.
pub(super) fn record(cell: &Cell, folder: &Path) -> Result<Option<Record>, BadInput> {
    let torn = match look(folder)? {
        Summary::Whole(record) => return Ok(Some(*record)),
        Summary::Torn(why) => Some(why),
        Summary::None => None,
    };
    let trouble: Vec<String> = torn.into_iter().collect();
    if let Some(found) = salvaged(folder) {
        return Ok(Some(Record {
            exit: Exit::Invalid.code(),
            verdict: Outcome::Invalid,
            sentence: found.sentence,
            violations: found.violations,
            trouble,
            ..without(cell)
        }));
    }
    let sentence = "there is no verdict: the record that the run left is torn".to_owned();
    let torn = !trouble.is_empty();
    Ok(torn.then(|| Record { sentence, trouble, ..without(cell) }))
}

/// The record of a run of which nothing is known but what it was to be.
pub(super) fn without(cell: &Cell) -> Record {
    let now = Timestamp::now().to_string();
    Record {
        schema: RUN_SCHEMA.into(),
        started: now.clone(),
        ended: now,
        ordeal: env!("CARGO_PKG_VERSION").into(),
        system: cell.system.clone(),
        bug: cell.bug.clone(),
        workload: cell.workload.clone(),
        seed: cell.seed,
        exit: Exit::Broken.code(),
        verdict: Outcome::Crashed,
        ..Record::default()
    }
}
