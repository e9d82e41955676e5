//! The store: one folder a run, laid out as Jepsen's, so that people find what they know.
//!
//! ```text
//! store/<name>/<yyyyMMdd'T'HHmmss.SSSZ>/
//!     manifest.json   what was run: version, seed, arguments, scenario
//!     system.toml     the file that describes the system, if one does
//!     schedule.json   the planned faults; replayable
//!     history.jsonl   the journal, written while the test runs
//!     history.edn     the same, for Jepsen's tools; written before the analysis
//!     results.edn results.json report.html timeline.html …    written after it
//!     summary.json    the run as a record (docs/runs.md); written last
//!     checker.log     the tester's own log
//!     n1/ n2/ …       what the nodes left: logs (their data is in a temporary folder)
//! store/<name>/latest   store/latest   store/current          symlinks
//! store/runs.jsonl      a record a line of every run that ended
//! store/<suite>/<time>/ a night of `checker suite`: suite.json, report.html, runs.jsonl, and
//!                       <cell>/<time>/ for each of its runs
//! ```
//!
//! Order matters: history first, then results, the report last, so that whatever fails loses
//! nothing that came before it.

mod manifest;
mod record;
pub mod runs;
mod salvage;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use checker::History;
use jiff::Timestamp;

pub use manifest::Manifest;
pub use record::{
    AxisWord, Coverage, InSuite, Keys, Latency, Outcome, Record, SCHEMA as RUN_SCHEMA, Tally,
    UnderFault, Violation,
};
pub(crate) use salvage::salvaged;

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct RunDir {
    path: PathBuf,
    root: PathBuf,
    name: String,
}

impl RunDir {
    /// Makes `root/<name>/<time>/` and points `root/current` at it. A name is made safe as a file
    /// name; two runs that start in the same millisecond get different folders.
    ///
    /// # Errors
    /// When a folder or link cannot be made.
    pub fn create(root: &Path, name: &str) -> io::Result<RunDir> {
        let name = safe_name(name);
        let parent = root.join(&name);
        fs::create_dir_all(&parent)?;
        let path = loop {
            let candidate =
                parent.join(Timestamp::now().strftime("%Y%m%dT%H%M%S%.3fZ").to_string());
            match fs::create_dir(&candidate) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                other => break other.map(|()| candidate)?,
            }
        };
        let run = RunDir { path, root: root.to_path_buf(), name };
        run.point(&root.join("current"))?;
        Ok(run)
    }

    /// The folder of a night that was begun before.
    pub(crate) fn of_night(root: &Path, name: &str, path: &Path) -> RunDir {
        RunDir { path: path.to_path_buf(), root: root.to_path_buf(), name: safe_name(name) }
    }

    /// The store that it lies in.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder relative to the store, which no other run of it has: `<name>/<time>`.
    pub fn id(&self) -> String {
        let inside = self.path.strip_prefix(&self.root).unwrap_or(&self.path);
        inside.to_string_lossy().into_owned()
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file or folder inside.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes `history.edn`.
    ///
    /// # Errors
    /// When it cannot be written whole.
    pub fn write_history(&self, history: &History) -> io::Result<()> {
        let mut out = BufWriter::new(fs::File::create(self.join("history.edn"))?);
        for op in history.ops().iter() {
            checker::history::write_edn(op, &mut out)?;
            out.write_all(b"\n")?;
        }
        out.flush()
    }

    /// Writes a JSON file for people and programs, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_json(&self, name: &str, content: &impl serde::Serialize) -> io::Result<()> {
        let mut text = serde_json::to_string_pretty(content)?;
        text.push('\n');
        write_whole(&self.join(name), text.as_bytes())
    }

    /// Points `latest` (of the store and of the name) at this run: it has a verdict now.
    ///
    /// # Errors
    /// When a link cannot be made.
    pub fn finish(&self) -> io::Result<()> {
        self.point(&self.root.join("latest"))?;
        self.lead()
    }

    /// Points the `latest` of its name at this folder, which is a night's: nobody must take the
    /// night before for it when it breaks off.
    ///
    /// # Errors
    /// When the link cannot be made.
    pub fn lead(&self) -> io::Result<()> {
        self.point(&self.root.join(&self.name).join("latest"))
    }

    /// Makes or moves a relative symlink; by rename, so that a reader never finds it missing.
    fn point(&self, link: &Path) -> io::Result<()> {
        let parent = link.parent().expect("links lie inside the store");
        let target = self.path.strip_prefix(parent).expect("runs lie below the link's folder");
        let fresh = parent.join(format!(".link-{}", std::process::id()));
        let _ = fs::remove_file(&fresh);
        symlink(target, &fresh)?;
        fs::rename(&fresh, link)
    }
}

/// Writes a file of which no half is ever found, whoever is killed meanwhile and whatever power fails:
/// others decide by what is in it, and what was torn off could be the violation.
///
/// # Errors
/// When it cannot be written; what was there before is there still.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let fresh = path.with_file_name(format!(".{name}-{}", std::process::id()));
    let written = fs::File::create(&fresh)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_data()))
        .and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        // Why it failed is worth more than that this may fail as well.
        let _ = fs::remove_file(&fresh);
    }
    written
}

/// Letters, digits, `.`, `-` and `_` stay; all else becomes `-`; never empty, hidden or a parent.
pub(crate) fn safe_name(name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' })
        .collect();
    let safe = safe.trim_start_matches('.');
    if safe.is_empty() { "run".into() } else { safe.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latest_moves_to_the_run_that_finished_last_and_current_to_the_one_that_started_last() {
        let root = tempfile::tempdir().unwrap();
        let a = RunDir::create(root.path(), "x").unwrap();
        let b = RunDir::create(root.path(), "x").unwrap();
        assert_ne!(a.path(), b.path());
        a.finish().unwrap();
        let resolve = |link: &str| fs::canonicalize(root.path().join(link)).unwrap();
        assert_eq!(resolve("latest"), fs::canonicalize(a.path()).unwrap());
        assert_eq!(resolve("x/latest"), fs::canonicalize(a.path()).unwrap());
        assert_eq!(resolve("current"), fs::canonicalize(b.path()).unwrap());
    }

    #[test]
    fn a_file_is_written_whole_or_not_at_all_and_leaves_nothing_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("summary.json");
        fs::write(&path, "old").unwrap();
        // Whoever has the old file open goes on reading the old file: it was not written over.
        let mut old = fs::File::open(&path).unwrap();
        write_whole(&path, b"new").unwrap();
        let mut text = String::new();
        io::Read::read_to_string(&mut old, &mut text).unwrap();
        assert_eq!((text.as_str(), fs::read_to_string(&path).unwrap().as_str()), ("old", "new"));
        fs::create_dir(root.path().join("folder")).unwrap();
        assert!(write_whole(&root.path().join("folder"), b"no file").is_err());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_hostile_name_stays_inside_the_store() {
        assert_eq!(safe_name("../../etc/passwd"), "-..-etc-passwd");
        assert_eq!(safe_name(".."), "run");
        assert_eq!(safe_name("étcd <b>"), "-tcd--b-");
    }
}
