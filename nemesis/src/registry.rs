//! Which runs are on this machine, so that what a killed tester left behind can be swept.
//!
//! In `netns` healing holds by construction: the kernel takes nodes, links and rules away with the
//! tester. Where faults outlive the tester, each run keeps one file here, written before its first
//! node is spawned and rewritten as nodes come: who the tester is, which processes are its nodes,
//! which directories it made. [`Registry::sweep`] undoes what belongs to runs whose tester is dead
//! and touches nothing else: several runs may share a machine.
//!
//! *Dead* is decided by process id and start time, read in the same process-id namespace and since
//! the same boot; a record from another namespace says nothing about processes seen from here and
//! is left alone. A node is found by its recorded identity, and also by the run's name in its
//! process environment ([`crate::env::RUN_VARIABLE`], which its own children inherit): the tester
//! may die between spawning a node and writing it down.
//!
//! Where nodes are run by something else the record has debts instead: what was done to them, with
//! the user's command that undoes it. They outlive a reboot of this machine, and are paid by a sweep.
//!
//! Files are replaced by rename, so a reader sees a whole record or none. Sweeps exclude each other
//! by a lock on the directory's lock file; the kernel drops it with the sweeper.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::env::{NodeId, RUN_VARIABLE, RunId};
use crate::proc::Identity;

/// How long a killed process may take to disappear; a disk that hangs can hold it for a while.
const DEATH_PATIENCE: Duration = Duration::from_secs(5);

/// How long a command that undoes something may take, and how often it is looked at.
const UNDO_PATIENCE: Duration = Duration::from_secs(20);
const UNDO_LOOK_EVERY: Duration = Duration::from_millis(20);

/// Why the registry did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Somebody else could put records there, and have processes killed in our name.
    #[error("{path:?} cannot hold the registry of runs: {reason}")]
    UnsafeDirectory {
        /// Where.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file or directory could not be read or written.
    #[error("{what} {path:?}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A record is not one of ours, or is damaged.
    #[error("{path:?} is not a record of a run: {source}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
    /// A directory is removed by a sweep only if the run's name is in its own.
    #[error("{path:?} does not carry the name of run {run}, so no sweep would remove it")]
    ForeignDirectory {
        /// Which directory.
        path: PathBuf,
        /// Whose it was said to be.
        run: RunId,
    },
    /// What a dead run owed could not be done.
    #[error("`{command}`, which undoes what run {run} did, failed: {detail}")]
    Undo {
        /// The command.
        command: String,
        /// Whose.
        run: RunId,
        /// How it ended.
        detail: String,
    },
    /// A process of a dead run could not be killed.
    #[error("process {pid} of run {run} could not be killed: {source}")]
    Kill {
        /// Which process.
        pid: u32,
        /// Whose.
        run: RunId,
        /// What the system said.
        source: io::Error,
    },
}

fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RegistryError {
    let path = path.to_owned();
    move |source| RegistryError::Io { what, path, source }
}

/// What one run has on this machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    run: RunId,
    boot: String,
    pid_namespace: String,
    tester: Identity,
    nodes: BTreeMap<NodeId, Identity>,
    directories: Vec<PathBuf>,
    /// Where nodes are somebody else's: what has to be undone, and the shell command that does so.
    #[serde(default)]
    debts: BTreeMap<String, String>,
}

/// The directory with one file a run, for one user.
#[derive(Clone, Debug)]
pub struct Registry {
    dir: PathBuf,
}

impl Registry {
    /// The registry of this user: `$XDG_RUNTIME_DIR/ordeal`, else `ordeal-<uid>` among the
    /// temporary files. The variable may be inherited from somebody else (`sudo`, `setpriv`), and
    /// counts only if that directory is the user's own.
    pub fn of_user() -> Result<Registry, RegistryError> {
        let user = rustix::process::geteuid().as_raw();
        let is_own = |dir: &PathBuf| {
            dir.is_absolute() && fs::metadata(dir).is_ok_and(|it| it.is_dir() && it.uid() == user)
        };
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(is_own);
        Registry::at(match runtime {
            Some(runtime) => runtime.join("ordeal"),
            None => std::env::temp_dir().join(format!("ordeal-{user}")),
        })
    }

    /// The registry in this directory, which is made if absent and refused if anybody else could
    /// write to it.
    pub fn at(dir: impl Into<PathBuf>) -> Result<Registry, RegistryError> {
        let dir = dir.into();
        match DirBuilder::new().mode(0o700).create(&dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(io_error("creating", &dir)(error));
            }
            _ => {}
        }
        // Not following links: a link in a shared temporary directory may be anybody's.
        let found = fs::symlink_metadata(&dir).map_err(io_error("looking at", &dir))?;
        let reason = if !found.is_dir() {
            "it is not a directory"
        } else if found.uid() != rustix::process::geteuid().as_raw() {
            "it belongs to another user"
        } else if found.mode() & 0o077 != 0 {
            "other users have access to it"
        } else {
            return Ok(Registry { dir });
        };
        Err(RegistryError::UnsafeDirectory { path: dir, reason })
    }

    /// Writes this run down, with the calling process as its tester. To be done before anything is
    /// spawned or made that would have to be swept.
    pub fn enlist(&self, run: &RunId) -> Result<Enlisted, RegistryError> {
        let record = Record {
            run: run.clone(),
            boot: boot()?,
            pid_namespace: pid_namespace()?,
            tester: Identity::of_self().ok_or_else(|| RegistryError::Io {
                what: "reading",
                path: "/proc/self/stat".into(),
                source: io::ErrorKind::NotFound.into(),
            })?,
            nodes: BTreeMap::new(),
            directories: Vec::new(),
            debts: BTreeMap::new(),
        };
        let enlisted =
            Enlisted { path: self.dir.join(format!("{run}.json")), record: Mutex::new(record) };
        enlisted.write(&enlisted.lock())?;
        Ok(enlisted)
    }

    /// Kills and removes what belongs to runs whose tester is dead, and says what it did: one entry
    /// a run. A run of which something could not be undone stays enlisted for the next sweep.
    pub fn sweep(&self) -> Result<Vec<Swept>, RegistryError> {
        let lock_path = self.dir.join("lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(io_error("opening", &lock_path))?;
        flock(&lock, FlockOperation::LockExclusive)
            .map_err(|errno| io_error("locking", &lock_path)(errno.into()))?;

        let here = (boot()?, pid_namespace()?);
        let mut swept = Vec::new();
        for path in self.record_paths()? {
            let record = match read_record(&path) {
                Ok(Some(record)) => record,
                // Its run ended between the listing and the reading.
                Ok(None) => continue,
                Err(error) => {
                    swept.push(Swept::unreadable(error));
                    continue;
                }
            };
            swept.extend(sweep_run(&record, &path, (&here.0, &here.1)));
        }
        Ok(swept)
    }

    fn record_paths(&self) -> Result<Vec<PathBuf>, RegistryError> {
        let entries = fs::read_dir(&self.dir).map_err(io_error("listing", &self.dir))?;
        let mut paths: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .collect();
        paths.sort();
        Ok(paths)
    }
}

/// This run's entry. Dropping it leaves the record for a sweep: only [`Enlisted::strike`], after
/// everything is gone, takes it out.
#[derive(Debug)]
pub struct Enlisted {
    path: PathBuf,
    record: Mutex<Record>,
}

impl Enlisted {
    /// A node is this process now.
    pub fn node_is(&self, node: NodeId, pid: u32) -> Result<(), RegistryError> {
        let mut record = self.lock();
        match Identity::of(pid) {
            Some(identity) => record.nodes.insert(node, identity),
            // Dead before it could be looked at: nothing to sweep.
            None => record.nodes.remove(&node),
        };
        self.write(&record)
    }

    /// The run makes this directory, to be removed if the tester does not live to do so. Its name
    /// must contain the run's, which keeps a damaged record from removing anything else.
    pub fn owns_directory(&self, directory: &Path) -> Result<(), RegistryError> {
        let mut record = self.lock();
        if !carries_name(directory, &record.run) {
            let run = record.run.clone();
            return Err(RegistryError::ForeignDirectory { path: directory.to_owned(), run });
        }
        record.directories.push(directory.to_owned());
        self.write(&record)
    }

    /// The run is about to do something that this shell command undoes, should the tester not live
    /// to do so.
    pub fn owe(&self, what: &str, command: &str) -> Result<(), RegistryError> {
        let mut record = self.lock();
        record.debts.insert(what.to_owned(), command.to_owned());
        self.write(&record)
    }

    /// That has been undone.
    pub fn settle(&self, what: &str) -> Result<(), RegistryError> {
        let mut record = self.lock();
        if record.debts.remove(what).is_none() {
            return Ok(());
        }
        self.write(&record)
    }

    /// What has not been undone.
    pub fn owing(&self) -> Vec<String> {
        self.lock().debts.keys().cloned().collect()
    }

    /// Nothing of the run is left: takes it out of the registry. Idempotent.
    pub fn strike(&self) -> Result<(), RegistryError> {
        let _record = self.lock();
        remove_file(&self.path)
    }

    fn write(&self, record: &Record) -> Result<(), RegistryError> {
        let scratch = self.path.with_extension("tmp");
        let text = serde_json::to_vec(record).expect("a record has only text for keys");
        File::create(&scratch)
            .and_then(|mut file| file.write_all(&text))
            .map_err(io_error("writing", &scratch))?;
        fs::rename(&scratch, &self.path).map_err(io_error("replacing", &self.path))
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        // The record is replaced field by field and valid at every point.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a sweep did to what one run left behind.
#[derive(Debug, Default)]
pub struct Swept {
    /// Whose remains; nothing if its record could not be read.
    pub run: Option<RunId>,
    /// Processes that were killed: the node, where it was written down, and the process id.
    pub killed: Vec<(Option<NodeId>, u32)>,
    /// Directories that were removed.
    pub removed: Vec<PathBuf>,
    /// What was undone by a command of the user's: `resume n1`.
    pub undone: Vec<String>,
    /// What could not be undone.
    pub errors: Vec<RegistryError>,
}

impl Swept {
    fn unreadable(error: RegistryError) -> Swept {
        Swept { errors: vec![error], ..Swept::default() }
    }

    fn undo(&mut self, run: &RunId, what: &str, command: &str) {
        match undo(command) {
            Ok(()) => self.undone.push(what.to_owned()),
            Err(detail) => {
                let (command, run) = (command.to_owned(), run.clone());
                self.errors.push(RegistryError::Undo { command, run, detail });
            }
        }
    }

    fn kill(&mut self, run: &RunId, node: Option<NodeId>, process: Identity) {
        let outcome = process.kill().map_err(io::Error::from).and_then(|()| {
            let gone = process.wait_until_gone(DEATH_PATIENCE);
            if gone { Ok(()) } else { Err(io::ErrorKind::TimedOut.into()) }
        });
        match outcome {
            Ok(()) => self.killed.push((node, process.pid)),
            Err(source) => {
                self.errors.push(RegistryError::Kill {
                    pid: process.pid,
                    run: run.clone(),
                    source,
                });
            }
        }
    }
}

/// Nothing, if the run lives or is not ours to judge.
fn sweep_run(record: &Record, path: &Path, here: (&str, &str)) -> Option<Swept> {
    let same_boot = record.boot == here.0;
    if same_boot && (record.pid_namespace != here.1 || record.tester.is_alive()) {
        return None;
    }
    let mut swept = Swept { run: Some(record.run.clone()), ..Swept::default() };
    // After a reboot the identities mean nothing, and nothing of them can be alive.
    if same_boot {
        for (&node, process) in record.nodes.iter().filter(|(_, process)| process.is_alive()) {
            swept.kill(&record.run, Some(node), *process);
        }
        for process in processes_of(&record.run) {
            swept.kill(&record.run, None, process);
        }
    }
    // Elsewhere nothing ended with this machine.
    for (what, command) in &record.debts {
        swept.undo(&record.run, what, command);
    }
    for directory in record.directories.iter().filter(|dir| carries_name(dir, &record.run)) {
        match fs::remove_dir_all(directory) {
            Ok(()) => swept.removed.push(directory.clone()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => swept.errors.push(io_error("removing", directory)(error)),
        }
    }
    if swept.errors.is_empty()
        && let Err(error) = remove_file(path)
    {
        swept.errors.push(error);
    }
    Some(swept)
}

/// Runs a command of the user's, for a while; says how it ended if not well.
fn undo(command: &str) -> Result<(), String> {
    let said = |error: io::Error| error.to_string();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = shell.spawn().map_err(said)?;
    let deadline = Instant::now() + UNDO_PATIENCE;
    loop {
        match child.try_wait().map_err(said)? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(status.to_string()),
            None if Instant::now() >= deadline => {
                child.kill().and_then(|()| child.wait()).map_err(said)?;
                return Err(format!("not done within {UNDO_PATIENCE:?}"));
            }
            // Between two looks; the deadline bounds it.
            None => std::thread::sleep(UNDO_LOOK_EVERY),
        }
    }
}

/// Live processes with the run's name in the environment they were started with.
fn processes_of(run: &RunId) -> Vec<Identity> {
    let wanted = format!("{RUN_VARIABLE}={run}");
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
                environment.split(|&byte| byte == 0).any(|entry| entry == wanted.as_bytes())
            })
        })
        .filter_map(Identity::of)
        .collect()
}

fn carries_name(directory: &Path, run: &RunId) -> bool {
    let name = directory.file_name().and_then(|name| name.to_str());
    let run = run.as_str();
    directory.is_absolute() && !run.is_empty() && name.is_some_and(|name| name.contains(run))
}

fn read_record(path: &Path) -> Result<Option<Record>, RegistryError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("reading", path)(error)),
    };
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|source| RegistryError::Unreadable { path: path.to_owned(), source })
}

fn remove_file(path: &Path) -> Result<(), RegistryError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io_error("removing", path)(error))
        }
        _ => Ok(()),
    }
}

/// Process ids and start times count from here.
pub(crate) fn boot() -> Result<String, RegistryError> {
    let path = Path::new("/proc/sys/kernel/random/boot_id");
    let text = fs::read_to_string(path).map_err(io_error("reading", path))?;
    Ok(text.trim().to_owned())
}

/// Which numbering of processes this is: `pid:[4026531836]`.
pub(crate) fn pid_namespace() -> Result<String, RegistryError> {
    let path = Path::new("/proc/self/ns/pid");
    let target = fs::read_link(path).map_err(io_error("reading", path))?;
    Ok(target.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests;
