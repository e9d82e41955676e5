//! From a path to a history.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use checker::history::{Format, Independent, ReadError, read, recover, split};
use checker::{Budget, History};

use super::within::{Spent, Within};
use crate::exit::BadInput;

/// Where a history comes from.
pub(in crate::commands) enum Source {
    /// A file, or standard input for `-`.
    File(PathBuf),
    /// What a run whose tester died left of its journal.
    Journal(PathBuf),
}

/// A history, and what whoever judges it should know about its reading.
pub(in crate::commands) struct Reading {
    pub(in crate::commands) history: History,
    pub(in crate::commands) notice: Option<String>,
    /// The bytes, where they came through a pipe and cannot be read again.
    pub(in crate::commands) piped: Option<Vec<u8>>,
}

/// What `path` stands for: itself, or the history in the folder of a run.
pub(in crate::commands) fn locate(path: &Path) -> anyhow::Result<Source> {
    if !path.is_dir() {
        return Ok(Source::File(path.to_owned()));
    }
    let held = |name: &str| Some(path.join(name)).filter(|file| file.is_file());
    let whole = held("history.edn").or_else(|| held("history.edn.gz")).map(Source::File);
    let source = whole.or_else(|| held("history.jsonl").map(Source::Journal));
    let none = || BadInput(format!("{}: a folder without a history.edn", path.display()));
    source.ok_or_else(|| none().into())
}

/// Reads a history within a budget; every failure names the file and, where there is one, the place
/// in it.
pub(in crate::commands) fn load(
    source: &Source,
    format: Option<Format>,
    independent: Independent,
    budget: &Budget,
) -> anyhow::Result<Reading> {
    let reading = match source {
        Source::File(path) => file(path, format, budget).with_context(|| name(path)),
        Source::Journal(path) => journal(path, budget).with_context(|| name(path)),
    }?;
    // A flag that contradicts the history is the caller's mistake, not a verdict.
    if independent == Independent::Yes
        && let Err(error) = split(&reading.history, independent)
    {
        return Err(BadInput(format!("--independent yes: {error}")).into());
    }
    Ok(reading)
}

fn file(path: &Path, format: Option<Format>, budget: &Budget) -> anyhow::Result<Reading> {
    let format = format.or_else(|| Format::of_path(path));
    if path != Path::new("-") && path.metadata().is_ok_and(|file| file.is_file()) {
        let input = Within::new(File::open(path).map_err(unreadable)?, budget);
        let history = read(input, format).map_err(failed)?;
        return Ok(Reading { history, notice: None, piped: None });
    }
    let piped = pipe(path, budget).map_err(unreadable)?;
    let history = read(piped.as_slice(), format).map_err(failed)?;
    Ok(Reading { history, notice: None, piped: Some(piped) })
}

/// Everything that comes through a pipe: its proof is about these bytes, which come only once.
fn pipe(path: &Path, budget: &Budget) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match path == Path::new("-") {
        true => Within::new(io::stdin().lock(), budget).read_to_end(&mut bytes)?,
        false => Within::new(File::open(path)?, budget).read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}

fn journal(path: &Path, budget: &Budget) -> anyhow::Result<Reading> {
    let input = Within::new(File::open(path).map_err(unreadable)?, budget);
    let recovered = recover(BufReader::new(input)).map_err(unreadable)?;
    let notice = format!(
        "{}: the tester died before it wrote a history; judging the {} events of its journal \
         up to the first gap ({} behind it, {} damaged lines left out)",
        path.display(),
        recovered.ops.len(),
        recovered.behind_gap,
        recovered.damaged_lines,
    );
    let history = History::from_ops(recovered.ops).map_err(|error| BadInput(error.to_string()))?;
    Ok(Reading { history, notice: Some(notice), piped: None })
}

fn unreadable(error: io::Error) -> anyhow::Error {
    failed(ReadError::Io(error))
}

fn failed(error: ReadError) -> anyhow::Error {
    let gave_up = match &error {
        ReadError::Io(error) => Spent::ended(error),
        _ => None,
    };
    match gave_up {
        Some(gave_up) => gave_up.into(),
        None => BadInput(error.to_string()).into(),
    }
}

fn name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".into() } else { path.display().to_string() }
}
