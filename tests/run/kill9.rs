//! `kill -9` of a run at a moment, and what the process table says afterwards. Shared by the tests
//! and by `examples/measure.rs kill9`, which tries more moments than a test has time for.

use std::collections::BTreeSet;
use std::io;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::processes::{self, Process};

/// How long the kernel may take to end a namespace on a busy machine; usually milliseconds.
const AT_ONCE: Duration = Duration::from_secs(10);

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Victim {
    /// The process that the shell started. In `local` it is the tester itself.
    Launcher,
    /// The tester inside the namespaces of `netns`; the launcher, as long as there is none.
    Tester,
}

/// What was there when the blow fell.
pub(crate) struct Killed {
    /// The run's processes, the victim among them.
    pub(crate) alive: Vec<Process>,
    /// The namespaces that they lived in, other than ours.
    pub(crate) namespaces: BTreeSet<String>,
    at: Instant,
}

/// `count` moments drawn from `seed`, in milliseconds below `within_ms`.
pub(crate) fn moments_ms(seed: u64, count: usize, within_ms: u64) -> Vec<u64> {
    // SplitMix64 (Steele, Lea and Flood 2014): a few well-mixed numbers need no more.
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    (0..count).map(|_| next() % within_ms).collect()
}

/// Kills `victim` of the run `child`, whose processes are known by `mark`, so long after its start.
///
/// # Errors
/// When the child cannot be waited for.
pub(crate) fn kill(
    child: &mut Child,
    mark: &str,
    victim: Victim,
    moment_ms: u64,
) -> io::Result<Killed> {
    // Not a wait for something: the moment is the experiment.
    thread::sleep(Duration::from_millis(moment_ms));
    let alive = processes::of(mark);
    let namespaces = processes::own_namespaces(&alive);
    let at = Instant::now();
    let inner = alive.iter().find(|process| process.is_inner_tester());
    match inner.filter(|_| victim == Victim::Tester).and_then(pid) {
        // It may have ended between our look and the blow, which is as good as dying of it.
        Some(tester) => drop(kill_process(tester, Signal::KILL)),
        None => child.kill()?,
    }
    child.wait()?;
    Ok(Killed { alive, namespaces, at })
}

impl Killed {
    /// Waits until nothing is left of the run: no process, and nobody in any of its namespaces,
    /// with which their interfaces, rules and mounts are gone too. Returns how long after the
    /// blow that was seen.
    ///
    /// # Errors
    /// What is left after ten seconds, in words.
    pub(crate) fn gone(&self, mark: &str) -> Result<Duration, String> {
        processes::wait_until_none(mark, AT_ONCE).map_err(|left| named(&left))?;
        processes::wait_until_released(&self.namespaces, AT_ONCE)
            .map_err(|left| format!("processes {left:?} hold one of {:?}", self.namespaces))?;
        Ok(self.at.elapsed())
    }
}

/// Processes in words.
pub(crate) fn named(processes: &[Process]) -> String {
    let name = |process: &Process| {
        let state = if process.stopped { ", stopped" } else { "" };
        format!("process {}{state}: {}", process.pid, process.command)
    };
    processes.iter().map(name).collect::<Vec<_>>().join("; ")
}

fn pid(process: &Process) -> Option<Pid> {
    i32::try_from(process.pid).ok().and_then(Pid::from_raw)
}
