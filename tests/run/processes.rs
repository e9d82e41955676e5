//! What lives on this machine, read from the process table: whose it is, and in which namespaces.
//!
//! A process is known by what its command line contains: the folder of its run, which no other run
//! has. One that is dead but not yet waited for has no command line, and counts as gone.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Tells, inside `netns`, the tester from its launcher and from the first process of its namespace.
const ROLE: &str = "ORDEAL_NETNS_ROLE=tester";

/// A process that is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its number, as seen from here.
    pub(crate) pid: u32,
    /// Its command line.
    pub(crate) command: String,
    /// Whether a signal had stopped it when we looked.
    pub(crate) stopped: bool,
}

impl Process {
    /// Whether it is a run's tester inside namespaces of its own (nodes inherit its environment).
    pub(crate) fn is_inner_tester(&self) -> bool {
        let environment = fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default();
        let is_tester = environment.split(|byte| *byte == 0).any(|entry| entry == ROLE.as_bytes());
        is_tester && self.command.contains(" test ")
    }

    /// The namespaces that it lives in.
    pub(crate) fn namespaces(&self) -> BTreeSet<String> {
        namespaces(&format!("/proc/{}", self.pid))
    }
}

/// All processes whose command line contains `mark`.
pub(crate) fn of(mark: &str) -> Vec<Process> {
    let with_mark = |pid| {
        let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        let stopped = state(pid)? == 'T';
        command.contains(mark).then_some(Process { pid, command, stopped })
    };
    all().into_iter().filter_map(with_mark).collect()
}

/// Waits until no process with this mark is left.
///
/// # Errors
/// Those that are left when the time is over.
pub(crate) fn wait_until_none(mark: &str, within: Duration) -> Result<Duration, Vec<Process>> {
    wait_until_empty(within, || of(mark))
}

/// Waits until no process lives in any of these namespaces, hence until the kernel has let go of
/// them with their interfaces, rules and mounts.
///
/// # Errors
/// The processes that hold one when the time is over.
pub(crate) fn wait_until_released(
    these: &BTreeSet<String>,
    within: Duration,
) -> Result<Duration, Vec<u32>> {
    // One that is dead is only yet to be waited for, by whoever inherited it.
    let is_dead = |pid| state(pid).is_none_or(|state| "ZX".contains(state));
    let lives_in = |pid| !namespaces(&format!("/proc/{pid}")).is_disjoint(these);
    let holds = |pid: &u32| lives_in(*pid) && !is_dead(*pid);
    wait_until_empty(within, || all().into_iter().filter(holds).collect())
}

/// The namespaces of these processes that are not ours.
pub(crate) fn own_namespaces(processes: &[Process]) -> BTreeSet<String> {
    let ours = namespaces("/proc/self");
    processes.iter().flat_map(Process::namespaces).filter(|it| !ours.contains(it)).collect()
}

fn wait_until_empty<T>(
    within: Duration,
    mut remaining: impl FnMut() -> Vec<T>,
) -> Result<Duration, Vec<T>> {
    let began = Instant::now();
    loop {
        let left = remaining();
        if left.is_empty() {
            return Ok(began.elapsed());
        }
        if began.elapsed() > within {
            return Err(left);
        }
        // Between two looks; `within` bounds it.
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn all() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The letter of the process table: `R`unning, `S`leeping, s`T`opped, `Z`ombie, ….
fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // It comes after the name, which is in brackets and may contain any.
    stat.rsplit(')').next()?.trim_start().chars().next()
}

/// `net:[4026531840]` and its kin; none of a process that is gone or somebody else's.
fn namespaces(process: &str) -> BTreeSet<String> {
    ["mnt", "net", "pid", "user"]
        .iter()
        .filter_map(|kind| fs::read_link(Path::new(process).join("ns").join(kind)).ok())
        .map(|link| link.display().to_string())
        .collect()
}
