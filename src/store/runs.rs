//! `runs.jsonl`: one finished run a line, appended and never rewritten.
//!
//! A line is written by one call, so that several testers may share a store. A machine that loses
//! its power may tear the last line off; a reader drops it, and the next writer begins a new line
//! behind it. Any other line that cannot be read is an error with its place, since a gate that
//! skips what it does not understand would skip a violation.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::record::{Record, SCHEMA};
use crate::exit::BadInput;

/// The file's name, in a store and in the folder of a night.
pub const RUNS: &str = "runs.jsonl";

/// Appends a run to `runs.jsonl` in `folder`, and has it on the disk.
///
/// # Errors
/// When it cannot be written.
pub fn append(folder: &Path, record: &Record) -> io::Result<()> {
    let mut file = File::options().create(true).read(true).append(true).open(folder.join(RUNS))?;
    let mut line = serde_json::to_string(record)?;
    line.push('\n');
    if is_torn(&mut file)? {
        line.insert(0, '\n');
    }
    file.write_all(line.as_bytes())?;
    file.sync_data()
}

fn is_torn(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Reads every run of a `runs.jsonl`, in the order in which they ended.
///
/// # Errors
/// [`BadInput`], with the line, when the file cannot be read or holds what this version of Ordeal
/// does not understand.
pub fn read(path: &Path) -> Result<Vec<Record>, BadInput> {
    let bad = |what: String| BadInput(format!("{}: {what}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
    // A line may be torn inside a letter.
    let text = String::from_utf8_lossy(&bytes);
    let whole = text.ends_with('\n');
    let lines: Vec<(usize, &str)> = text.lines().enumerate().collect();
    let mut records = Vec::new();
    for (n, line) in &lines {
        if line.trim().is_empty() {
            continue;
        }
        match parse(line) {
            Ok(record) => records.push(record),
            // Torn off: the run's own folder still has what it said.
            Err(Unreadable::Json(_)) if n + 1 == lines.len() && !whole => {}
            // Torn off earlier, and gone on behind.
            Err(Unreadable::Json(error)) if error.is_eof() => {}
            Err(error) => return Err(bad(format!("line {}: {error}", n + 1))),
        }
    }
    Ok(records)
}

/// Reads `runs.jsonl` in a folder; none there is no run.
///
/// # Errors
/// As [`read`].
pub fn read_in(folder: &Path) -> Result<Vec<Record>, BadInput> {
    let path = folder.join(RUNS);
    if path.exists() { read(&path) } else { Ok(Vec::new()) }
}

/// What a run left in its own folder.
#[derive(Debug)]
pub(crate) enum Summary {
    /// It never got so far.
    None,
    /// Its record.
    Whole(Box<Record>),
    /// Something that is no record: a disk or a power supply failed. Why, in a sentence.
    Torn(String),
}

/// Reads the record that a run left in its own folder; nothing if it never got so far.
///
/// # Errors
/// [`BadInput`] when it is there and cannot be understood.
pub fn summary(folder: &Path) -> Result<Option<Record>, BadInput> {
    match look(folder)? {
        Summary::None => Ok(None),
        Summary::Whole(record) => Ok(Some(*record)),
        Summary::Torn(why) => Err(BadInput(why)),
    }
}

/// Looks for the record that a run left in its own folder.
///
/// # Errors
/// [`BadInput`] when it cannot be read, or is of another version.
pub(crate) fn look(folder: &Path) -> Result<Summary, BadInput> {
    let path = folder.join("summary.json");
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Summary::None),
        Err(error) => return Err(BadInput(format!("{}: {error}", path.display()))),
    };
    // A file may be torn inside a letter.
    match parse(&String::from_utf8_lossy(&bytes)) {
        Ok(record) => Ok(Summary::Whole(Box::new(record))),
        Err(error @ Unreadable::Json(_)) => {
            Ok(Summary::Torn(format!("{}: {error}", path.display())))
        }
        Err(error) => Err(BadInput(format!("{}: {error}", path.display()))),
    }
}

/// Why a record was not understood.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    /// It is no JSON, or lacks what a record has.
    #[error("no record of a run: {0}")]
    Json(#[from] serde_json::Error),
    /// Another version, or something else.
    #[error("its schema is {0:?}, and this version of checker reads {SCHEMA:?}")]
    Schema(String),
}

fn parse(text: &str) -> Result<Record, Unreadable> {
    let record: Record = serde_json::from_str(text)?;
    if record.schema == SCHEMA { Ok(record) } else { Err(Unreadable::Schema(record.schema)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str) -> Record {
        Record { schema: SCHEMA.into(), id: id.into(), ..Record::default() }
    }

    #[test]
    fn what_was_appended_is_read_back_in_order() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read_in(folder.path()).unwrap().is_empty());
        for id in ["a", "b"] {
            append(folder.path(), &record(id)).unwrap();
        }
        assert_eq!(read_in(folder.path()).unwrap(), [record("a"), record("b")]);
    }

    #[test]
    fn a_torn_last_line_is_dropped_and_does_not_take_the_next_one_along() {
        let folder = tempfile::tempdir().unwrap();
        append(folder.path(), &record("a")).unwrap();
        let path = folder.path().join(RUNS);
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{whole}{}", &whole[..whole.len() / 2])).unwrap();
        assert_eq!(read(&path).unwrap(), [record("a")]);
        append(folder.path(), &record("b")).unwrap();
        assert_eq!(read(&path).unwrap(), [record("a"), record("b")]);
    }

    #[test]
    fn what_is_not_understood_is_an_error_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(RUNS);
        std::fs::write(&path, "{\"schema\":\"ordeal-run/9\"}\n").unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains("ordeal-run/9"), "{error}");
        std::fs::write(&path, "nonsense\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("line 1"));
    }
}
