//! The hands: a small process on the engine's own machine that does what only that machine's root
//! can do. It changes the packet filter between the containers, sends datagrams from inside their
//! network namespaces, and looks at the process table.
//!
//! It is this very program under another name ([`COMMAND`]): a child of the tester where the tester
//! is root on that machine, else a container of the tester's image with that machine's network and
//! process ids, for the length of one run. It reads orders from standard input and answers on
//! standard output, a line of JSON each. The nodes' images need nothing, and get nothing.
//!
//! It outlives the tester, however that dies: the end of its input without `Release` means
//! that the tester is gone, and then it heals what the run did, by the notes the run kept with the
//! engine. `checker heal` does the same for when both were killed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, Write};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;

use rustix::thread::LinkNameSpaceType;
use serde::{Deserialize, Serialize};

use super::notes::{Notes, Tester};
use super::rules;
use crate::env::RunId;
use crate::env::datagrams::{Pair, Prober};
use crate::env::netns::tools;
use crate::link::LinkState;
use crate::proc::Stat;

/// The hidden subcommand that runs it.
pub const COMMAND: &str = "docker-hands";

/// One end of the links that are measured: a process in the namespace, and the address there.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) pid: u32,
    pub(crate) address: Ipv4Addr,
}

/// What the tester asks for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// From now on healing this run is the hands' business.
    Hold { run: RunId },
    /// Runs a script of the packet filter.
    Filter { script: String },
    /// Shows a table of the packet filter; nothing if it is not there.
    List { table: String },
    /// The names of the tables that are ours.
    Tables,
    /// Measures directions between ends, named by their positions.
    Probe { ends: Vec<End>, pairs: Vec<Pair> },
    /// Which of these testers live; nothing of those that cannot be seen from here.
    Alive { testers: Vec<Tester> },
    /// The live processes of a container.
    Processes { container: String },
    /// The run ended in good order: nothing is left to heal.
    Release,
}

/// What they answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    Done,
    Listed(String),
    /// In the order of the pairs: the latency in ns of an open one, nothing for a closed one. A pair
    /// with an end that is gone is missing.
    Probed(Vec<(Pair, Option<u64>)>),
    Alive(Vec<Option<bool>>),
    Processes(Vec<u32>),
    Failed(String),
}

/// Serves orders until there are no more; then heals, unless released. What is returned goes to the
/// process's own log: nobody else listens by then.
///
/// # Errors
/// When standard output is gone, or healing failed.
pub fn serve() -> io::Result<()> {
    let mut held = None;
    let mut output = io::stdout();
    for line in io::stdin().lock().lines() {
        let order = line.and_then(|line| Ok(serde_json::from_str(&line)?));
        let reply = match order {
            Ok(Order::Hold { run }) => {
                held = Some(run);
                Reply::Done
            }
            Ok(Order::Release) => {
                held = None;
                Reply::Done
            }
            Ok(order) => obey(order).unwrap_or_else(|error| Reply::Failed(error.to_string())),
            Err(error) => Reply::Failed(error.to_string()),
        };
        let mut text = serde_json::to_vec(&reply)?;
        text.push(b'\n');
        // A tester that does not read any more is dead, which the end of the input will say too.
        if output.write_all(&text).and_then(|()| output.flush()).is_err() {
            break;
        }
    }
    held.map_or(Ok(()), |run| heal(&run))
}

/// What the tester cannot do any more. The rules first, as they are what hurts most; and if they
/// cannot be removed, nodes are resumed and started all the same.
fn heal(run: &RunId) -> io::Result<()> {
    let removed = filter(&rules::removal(&rules::table(run)));
    let undone = undo(run);
    removed.and(undone)
}

/// Undoes what is noted with the engine.
fn undo(run: &RunId) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let notes = Notes::of_run(run).map_err(io::Error::other)?;
        notes.undo().await.map_err(io::Error::other).map(drop)
    })
}

fn obey(order: Order) -> io::Result<Reply> {
    Ok(match order {
        Order::Hold { .. } | Order::Release => Reply::Done,
        Order::Filter { script } => {
            filter(&script)?;
            Reply::Done
        }
        Order::List { table } => Reply::Listed(list(&table)?),
        Order::Tables => Reply::Listed(tables()?),
        Order::Probe { ends, pairs } => Reply::Probed(probe(&ends, &pairs)?),
        Order::Alive { testers } => Reply::Alive(testers.iter().map(is_alive).collect()),
        Order::Processes { container } => Reply::Processes(processes_of(&container)),
    })
}

/// In one transaction: all of it, or nothing.
fn filter(script: &str) -> io::Result<()> {
    tools::run_batch(&["nft", "-f", "-"], script).map_err(io::Error::other)
}

fn list(table: &str) -> io::Result<String> {
    if !tables()?.lines().any(|line| line == table) {
        return Ok(String::new());
    }
    tools::output(&["nft", "list", "table", "bridge", table]).map_err(io::Error::other)
}

fn tables() -> io::Result<String> {
    let all = tools::output(&["nft", "list", "tables", "bridge"]).map_err(io::Error::other)?;
    let ours = all.lines().filter_map(|line| line.strip_prefix("table bridge "));
    let ours = ours.filter(|name| name.starts_with(rules::TABLE_PREFIX));
    Ok(ours.map(|name| format!("{name}\n")).collect())
}

fn probe(ends: &[End], pairs: &[Pair]) -> io::Result<Vec<(Pair, Option<u64>)>> {
    let mut sockets = Vec::new();
    let mut positions = BTreeMap::new();
    for (number, &end) in ends.iter().enumerate() {
        // An end that died since it was looked at is not measured.
        if let Ok(socket) = socket_inside(end) {
            positions.insert(number, sockets.len());
            sockets.push(socket);
        }
    }
    let inside: BTreeMap<Pair, Pair> = pairs
        .iter()
        .filter_map(|pair| Some(((*positions.get(&pair.0)?, *positions.get(&pair.1)?), *pair)))
        .collect();
    let prober = Prober::new(sockets)?;
    let measured = prober.measure(inside.keys().copied());
    Ok(measured
        .pairs
        .into_iter()
        .map(|(pair, state)| {
            let latency = match state {
                LinkState::Open { latency } => Some(saturating_ns(latency)),
                LinkState::Closed => None,
            };
            (inside[&pair], latency)
        })
        .collect())
}

fn saturating_ns(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A socket in the network namespace of a process; it stays there, whichever thread uses it.
fn socket_inside(end: End) -> io::Result<UdpSocket> {
    let enter_and_bind = move || {
        let namespace = File::open(format!("/proc/{}/ns/net", end.pid))?;
        let kind = Some(LinkNameSpaceType::Network);
        rustix::thread::move_into_link_name_space(namespace.as_fd(), kind)?;
        let socket = UdpSocket::bind(SocketAddr::from((end.address, 0)))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    };
    // The thread ends here: none carries a foreign namespace into other work.
    std::thread::spawn(enter_and_bind).join().expect("it does not panic")
}

/// The kernel's number for the first process-id namespace, from which all processes are seen.
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";

/// Whether a tester lives, which may be in a process-id namespace below this one.
fn is_alive(tester: &Tester) -> Option<bool> {
    if tester.boot != crate::registry::boot().ok()? {
        return Some(false);
    }
    let here = crate::registry::pid_namespace().ok()?;
    if tester.pid_namespace == here {
        return Some(tester.identity.is_alive());
    }
    let found = all_pids().any(|pid| is_tester(pid, tester));
    (found || here == FIRST_PID_NAMESPACE).then_some(found)
}

fn is_tester(pid: u32, tester: &Tester) -> bool {
    let is_in = |namespace: &str| {
        fs::read_link(format!("/proc/{pid}/ns/pid"))
            .is_ok_and(|link| link.to_string_lossy() == namespace)
    };
    let started = Stat::read(pid).filter(|stat| !stat.is_dead()).map(|stat| stat.start_ticks());
    started == Some(tester.identity.start_ticks)
        && is_in(&tester.pid_namespace)
        && innermost_id(pid) == Some(tester.identity.pid)
}

/// What a process is called in the process-id namespace that it is in.
fn innermost_id(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    ids.split_whitespace().last()?.parse().ok()
}

/// By the control group: whoever a container's processes start is in it too, and cannot leave.
fn processes_of(container: &str) -> Vec<u32> {
    let belongs = |pid: &u32| {
        fs::read_to_string(format!("/proc/{pid}/cgroup")).is_ok_and(|it| it.contains(container))
            && Stat::read(*pid).is_some_and(|stat| !stat.is_dead())
    };
    all_pids().filter(belongs).collect()
}

/// Whether this process sees the container's processes: it is on the engine's own machine, in no
/// process-id namespace of its own.
pub(crate) fn sees(container: &str, pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/cgroup")).is_ok_and(|it| it.contains(container))
}

fn all_pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}
