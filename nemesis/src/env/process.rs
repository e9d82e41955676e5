//! One node's process: started, signalled and reaped, for every environment alike.
//!
//! Each node has a *keeper*, a thread that spawns the node's process, waits for it, and then for
//! the next order. Three things hang on its being a thread of its own. The kernel's
//! parent-death signal follows the spawning thread, so it must live as long as the run. A child
//! inherits the network namespace of the thread that forks it, so a keeper that has moved into a
//! node's namespace needs no `ip netns exec`. And an exit is noticed at once, without polling.
//!
//! A process id may be reused as soon as its process is reaped. So the keeper waits without
//! reaping, and reaps under the lock under which everybody else signals.
//!
//! A node is its process group: signals go to all of it. When its first process ends, the keeper
//! kills what is left of the group, so "dead" means that nothing of the node runs. A program that
//! detaches itself into a session of its own is not followed.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout};

use crate::proc::Stat;

use super::{EnvError, Exit, Grace, Launch, NodeId, ProcessState, RUN_VARIABLE, RunId, StopSignal};

/// How long the kernel may take to deliver SIGKILL, SIGSTOP or SIGCONT on a busy machine. Longer
/// means that something is broken (a process stuck in the kernel, say).
const SIGNAL_LIMIT: Duration = Duration::from_secs(5);

/// How often the process table is read while waiting for a signal to show there.
const TABLE_INTERVAL: Duration = Duration::from_millis(2);

/// What the keeper knows. Everybody who signals does so while borrowing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Dead(Exit),
    Live(Pid),
}

struct Order {
    launch: Launch,
    reply: oneshot::Sender<io::Result<()>>,
}

/// A node's process, alive or not.
pub(crate) struct NodeProcess {
    node: NodeId,
    orders: mpsc::Sender<Order>,
    slot: watch::Receiver<Slot>,
    launch: Mutex<Option<Launch>>,
    /// Held while starting, so that the keeper never gets an order while its process lives.
    starting: tokio::sync::Mutex<()>,
}

impl NodeProcess {
    /// A keeper for `node`. It first runs `prepare` on its own thread (to move into a network
    /// namespace, say); what that returns is handed out.
    pub(crate) fn new<T: Send + 'static>(
        node: NodeId,
        run: &RunId,
        prepare: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<(NodeProcess, T), EnvError> {
        let failed =
            |source| EnvError::Io { what: format!("prepare the thread of {node}"), source };
        let (orders, inbox) = mpsc::channel();
        let (slot_tx, slot) = watch::channel(Slot::Dead(Exit::NeverStarted));
        let (ready_tx, ready) = mpsc::sync_channel(1);
        let run = run.clone();
        std::thread::Builder::new()
            .name(format!("keeper-{node}"))
            .spawn(move || {
                let prepared = prepare();
                let go_on = prepared.is_ok();
                if ready_tx.send(prepared).is_ok() && go_on {
                    keep(&run, &inbox, &slot_tx);
                }
            })
            .map_err(failed)?;
        let prepared = ready
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("the thread panicked")))
            .map_err(failed)?;
        let (launch, starting) = (Mutex::new(None), tokio::sync::Mutex::new(()));
        Ok((NodeProcess { node, orders, slot, launch, starting }, prepared))
    }

    /// Starts it, and remembers how.
    pub(crate) async fn start(&self, launch: &Launch) -> Result<(), EnvError> {
        *self.launch.lock().unwrap_or_else(PoisonError::into_inner) = Some(launch.clone());
        self.start_again().await
    }

    /// Starts it as it was started before.
    pub(crate) async fn start_again(&self) -> Result<(), EnvError> {
        let launch = self.launch.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let launch = launch.ok_or(EnvError::NeverStarted(self.node))?;
        let what = format!("start {} of {}", launch.program.display(), self.node);
        let failed = |source| EnvError::Io { what, source };

        let _one_at_a_time = self.starting.lock().await;
        // One that has just died may still have to be collected, which takes the keeper a moment.
        let dying = self.state().is_dead();
        if !(dying && self.died_within(SIGNAL_LIMIT).await) {
            return Err(EnvError::AlreadyRunning(self.node));
        }
        let (reply, answer) = oneshot::channel();
        let gone = || io::Error::other("the thread that keeps it has ended");
        if self.orders.send(Order { launch, reply }).is_err() {
            return Err(failed(gone()));
        }
        answer.await.unwrap_or_else(|_| Err(gone())).map_err(failed)
    }

    /// Asks it to stop; kills it when its patience is over. How it ended shows which it was.
    pub(crate) async fn stop(&self, grace: Grace) -> Result<(), EnvError> {
        let signal = match grace.signal {
            StopSignal::Term => Signal::TERM,
            StopSignal::Interrupt => Signal::INT,
        };
        // Stopped processes keep the signal pending; continuing them delivers it.
        if !self.signal(signal)? || !self.signal(Signal::CONT)? {
            return Ok(());
        }
        if self.died_within(grace.patience).await {
            return Ok(());
        }
        tracing::warn!(node = %self.node, patience = ?grace.patience, "did not stop, killing it");
        self.kill().await
    }

    /// SIGKILL, and waits until it is dead.
    pub(crate) async fn kill(&self) -> Result<(), EnvError> {
        if !self.signal(Signal::KILL)? || self.died_within(SIGNAL_LIMIT).await {
            return Ok(());
        }
        let what = format!("the death of {}", self.node);
        Err(EnvError::TimedOut { what, after: SIGNAL_LIMIT })
    }

    /// SIGSTOP, and waits until the process table says so.
    pub(crate) async fn pause(&self) -> Result<(), EnvError> {
        if !self.signal(Signal::STOP)? {
            return Err(EnvError::NotRunning(self.node));
        }
        self.reaches("the pause", |state| !state.is_running()).await
    }

    /// SIGCONT, and waits until the process table says so.
    pub(crate) async fn resume(&self) -> Result<(), EnvError> {
        if !self.signal(Signal::CONT)? {
            return Ok(());
        }
        self.reaches("the resumption", |state| !state.is_paused()).await
    }

    /// What the process table says.
    pub(crate) fn state(&self) -> ProcessState {
        match *self.slot.borrow() {
            Slot::Dead(exit) => ProcessState::Dead { exit },
            Slot::Live(leader) => {
                let pid = leader.as_raw_nonzero().get().unsigned_abs();
                let members = group_members(leader);
                if members.is_empty() {
                    // It has died, and the keeper has not yet got round to collecting it.
                    ProcessState::Dead { exit: Exit::Unknown }
                } else if members.iter().all(|member| member.stopped) {
                    ProcessState::Paused { pid }
                } else {
                    ProcessState::Running { pid }
                }
            }
        }
    }

    /// Its live processes.
    pub(crate) fn pids(&self) -> Vec<u32> {
        match *self.slot.borrow() {
            Slot::Dead(_) => Vec::new(),
            Slot::Live(leader) => group_members(leader).iter().map(|member| member.pid).collect(),
        }
    }

    /// Signals the whole group; whether there was one.
    fn signal(&self, signal: Signal) -> Result<bool, EnvError> {
        // The borrow is what keeps the keeper from reaping, and so the id from being reused.
        let slot = self.slot.borrow();
        let Slot::Live(leader) = *slot else { return Ok(false) };
        match rustix::process::kill_process_group(leader, signal) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::SRCH) => Ok(false),
            Err(errno) => Err(EnvError::Io {
                what: format!("send {signal:?} to {}", self.node),
                source: errno.into(),
            }),
        }
    }

    async fn died_within(&self, limit: Duration) -> bool {
        let mut slot = self.slot.clone();
        // An error says that the keeper is gone, which it never is while its process lives.
        timeout(limit, slot.wait_for(|slot| matches!(slot, Slot::Dead(_)))).await.is_ok()
    }

    async fn reaches(
        &self,
        what: &str,
        reached: impl Fn(ProcessState) -> bool,
    ) -> Result<(), EnvError> {
        let deadline = Instant::now() + SIGNAL_LIMIT;
        while !reached(self.state()) {
            if Instant::now() > deadline {
                let what = format!("{what} of {}", self.node);
                return Err(EnvError::TimedOut { what, after: SIGNAL_LIMIT });
            }
            tokio::time::sleep(TABLE_INTERVAL).await;
        }
        Ok(())
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        // The keeper collects it and then ends, as nobody can give it another order.
        if let Err(error) = self.signal(Signal::KILL) {
            tracing::error!(node = %self.node, %error, "may still be running");
        }
    }
}

/// The processes of all nodes.
pub(crate) struct Processes(Vec<NodeProcess>);

impl FromIterator<NodeProcess> for Processes {
    fn from_iter<I: IntoIterator<Item = NodeProcess>>(processes: I) -> Processes {
        Processes(processes.into_iter().collect())
    }
}

impl Processes {
    /// The process of a node.
    pub(crate) fn of(&self, node: NodeId) -> Result<&NodeProcess, EnvError> {
        self.0.iter().find(|process| process.node == node).ok_or(EnvError::NoSuchNode(node))
    }

    /// Kills what lives. Goes on after an error, and returns the first.
    pub(crate) async fn kill_all(&self) -> Result<(), EnvError> {
        let mut result = Ok(());
        for process in &self.0 {
            result = result.and(process.kill().await);
        }
        result
    }
}

/// The keeper's life: an order, the process's whole life, the next order.
fn keep(run: &RunId, inbox: &mpsc::Receiver<Order>, slot: &watch::Sender<Slot>) {
    for Order { launch, reply } in inbox {
        let spawned = spawn(run, &launch);
        let child = match spawned {
            Ok(child) => child,
            Err(error) => {
                let _ = reply.send(Err(error));
                continue;
            }
        };
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("ids are positive");
        slot.send_replace(Slot::Live(pid));
        // Nobody waits for the answer any more: the process lives all the same, and is known.
        let _ = reply.send(Ok(()));
        see_out(child, pid, slot);
    }
}

/// Waits for the end of `child`, takes the rest of its group along, and publishes how it ended.
fn see_out(mut child: Child, pid: Pid, slot: &watch::Sender<Slot>) {
    let without_reaping = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while let Err(rustix::io::Errno::INTR) =
        rustix::process::waitid(WaitId::Pid(pid), without_reaping)
    {}
    slot.send_modify(|slot| {
        // The zombie still holds the id, so the group cannot be somebody else's.
        let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        *slot = Slot::Dead(child.wait().map_or(Exit::Unknown, exit_of));
    });
}

fn exit_of(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => Exit::Unknown,
    }
}

fn spawn(run: &RunId, launch: &Launch) -> io::Result<Child> {
    let log: File = OpenOptions::new().append(true).create(true).open(&launch.log)?;
    let mut command = Command::new(&launch.program);
    command
        .args(&launch.args)
        .current_dir(&launch.dir)
        .env(RUN_VARIABLE, run.as_str())
        .env_remove(super::netns::ROLE_VARIABLE)
        .envs(launch.env.iter().map(|(name, value)| (name, value)))
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    die_with_this_thread(&mut command);
    command.spawn()
}

/// Has the kernel kill the child when the thread that spawns it ends, however the tester dies.
fn die_with_this_thread(command: &mut Command) {
    let tester = rustix::process::getpid();
    let ask = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // The tester may have died between the fork and the request; its death is then over.
        if rustix::process::getppid() == Some(tester) {
            Ok(())
        } else {
            Err(io::Error::other("the tester has died"))
        }
    };
    #[expect(unsafe_code, reason = "what runs between fork and exec must be safe to run there")]
    // SAFETY: `ask` makes two system calls and takes no lock; it allocates only if the tester has
    // died, when nobody is left to mind.
    unsafe {
        command.pre_exec(ask)
    };
}

/// One live process of a node.
struct Member {
    pid: u32,
    stopped: bool,
}

/// The live processes of a group, from the process table.
fn group_members(leader: Pid) -> Vec<Member> {
    let group = leader.as_raw_nonzero().get();
    let Ok(table) = std::fs::read_dir("/proc") else { return Vec::new() };
    table
        .filter_map(|entry| {
            let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = Stat::read(pid)?;
            let belongs = stat.group() == group && !stat.is_dead();
            belongs.then(|| Member { pid, stopped: stat.is_stopped() })
        })
        .collect()
}
