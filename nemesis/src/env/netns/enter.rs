//! Going inside: the current program re-executes itself in namespaces of its own.
//!
//! ```text
//!   launcher ── unshares user, mount, network and PID namespaces, forwards signals, passes the
//!      │        exit code on; it is what the shell started, and its death ends everything
//!      ▼
//!    init ───── PID 1 of the new PID namespace: mounts /proc and an empty /run, brings lo up, reaps
//!      │        orphans; when it dies the kernel kills whatever else lives in the namespace
//!      ▼
//!   tester ──── the same program with the same arguments, for which `enter()` returns
//! ```
//!
//! Healing by construction hangs on two bonds. Downwards: init asks for SIGKILL when its parent
//! dies, and also holds the reading end of a pipe that only the launcher writes to, since that
//! request alone has a gap between the fork and the call. Upwards: the launcher waits for init, and
//! init for the tester. So `kill -9` of any of the three ends all, and the kernel takes the
//! nodes (stopped ones too), interfaces, rules and mounts along, as nothing else refers to them.
//!
//! init and tester are two processes because PID 1 inherits orphans: reaping them in the tester
//! would race with everything there that waits for a child of its own. They live in a process
//! group of their own, so that a ctrl-c reaches the tester once, through the launcher, rather than
//! twice; nothing here reads the terminal, which is the only thing a background group may not do.
//!
//! Left out: standard input (the tester has none), job control (ctrl-z stops the launcher only), and
//! what the host keeps in /run, which is empty inside.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};

use rustix::mount::{MountFlags, MountPropagationFlags};
use rustix::process::{Pid, Signal, WaitOptions, getgid, getpid, getppid, getuid};
use rustix::thread::{CapabilitySet, UnshareFlags};
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};

use super::tools;

/// Tells a re-executed program which of the three processes it is.
pub(crate) const ROLE_VARIABLE: &str = "ORDEAL_NETNS_ROLE";

/// What the launcher exits with when the tester was killed rather than ended: "the tester itself
/// failed".
const KILLED: i32 = 255;

/// Why the program could not go inside.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// The kernel, or a container's profile, forbids making namespaces.
    #[error("cannot make namespaces of our own: {source}; {cure}", cure = super::support::NAMESPACE_CURE)]
    Forbidden {
        /// The kernel's answer.
        source: io::Error,
    },
    /// The namespaces exist, but could not be furnished.
    #[error("cannot {what} inside our own namespaces: {source}")]
    Setup {
        /// What failed.
        what: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// `ip` is absent, or refused.
    #[error(transparent)]
    Tool(#[from] tools::ToolError),
}

fn setup<E: Into<io::Error>>(what: &'static str) -> impl FnOnce(E) -> EnterError {
    move |source| EnterError::Setup { what, source: source.into() }
}

/// Continues the program inside mount, network and PID namespaces of its own (and a user namespace,
/// where it lacks the privilege to do without).
///
/// To be called first in `main`, before any thread exists: the kernel refuses a multi-threaded
/// process a user namespace. It returns inside; outside it ends the process with the exit code of
/// the one inside, or returns why that is not possible.
pub fn enter() -> Result<(), EnterError> {
    match std::env::var(ROLE_VARIABLE).as_deref() {
        // A leaked variable must not make an ordinary process believe that it is inside.
        Ok("init") if getpid() == Pid::INIT => exit(run_init()?),
        Ok("tester") if getppid() == Some(Pid::INIT) => Ok(()),
        _ => exit(run_launcher()?),
    }
}

/// Whether this process is inside namespaces made by [`enter`]: the tester, or the first process,
/// which runs the same program until it gets there.
pub fn inside() -> bool {
    match std::env::var(ROLE_VARIABLE).as_deref() {
        Ok("init") => getpid() == Pid::INIT,
        Ok("tester") => getppid() == Some(Pid::INIT),
        _ => false,
    }
}

fn exit(code: i32) -> Result<(), EnterError> {
    std::process::exit(code)
}

fn run_launcher() -> Result<i32, EnterError> {
    let (ids, program) = ((getuid(), getgid()), own_program()?);
    let own_user = !is_privileged();
    unshare(own_user).map_err(|source| EnterError::Forbidden { source })?;
    if own_user {
        map_to_root(ids.0.as_raw(), ids.1.as_raw()).map_err(setup("map the user to root"))?;
    }
    // What is mounted from here on is nobody else's.
    rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .map_err(setup("make mounts private"))?;

    // Threads are impossible from here on: the namespace for children already differs from ours.
    let runtime = single_threaded_runtime()?;
    runtime.block_on(async {
        let mut signals = Forwarded::install()?;
        let (liveness, held) = io::pipe().map_err(setup("make a pipe"))?;
        let mut init = again(program, "init");
        init.stdin(liveness).process_group(0);
        let mut init = init.spawn().map_err(setup("start the first process"))?;
        let pid = pid_of(init.id());
        let status = loop {
            match signals.next().await {
                // A process that is gone already is about to be noticed.
                Event::Forward(signal) => drop(rustix::process::kill_process(pid, signal)),
                Event::ChildChanged => {
                    let status = init.try_wait().map_err(setup("wait for the first process"))?;
                    if let Some(status) = status {
                        break status;
                    }
                }
            }
        };
        drop(held);
        Ok(code_of(status))
    })
}

fn run_init() -> Result<i32, EnterError> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(setup("follow the launcher"))?;
    furnish()?;
    let runtime = single_threaded_runtime()?;
    runtime.block_on(async {
        let mut signals = Forwarded::install()?;
        let mut liveness = tokio::net::unix::pipe::Receiver::from_owned_fd(
            rustix::io::fcntl_dupfd_cloexec(io::stdin(), 0)
                .map_err(setup("keep the liveness pipe"))?,
        )
        .map_err(setup("watch the liveness pipe"))?;
        let mut tester = again(own_program()?, "tester");
        tester.stdin(Stdio::null());
        let tester = tester.spawn().map_err(setup("start the tester"))?;
        let tester = pid_of(tester.id());
        let mut nothing = [0];
        loop {
            let event = tokio::select! {
                _ = liveness.read(&mut nothing) => return Ok(KILLED),
                event = signals.next() => event,
            };
            match event {
                Event::Forward(signal) => drop(rustix::process::kill_process(tester, signal)),
                Event::ChildChanged => {
                    if let Some(status) = reap(tester) {
                        return Ok(code_of(status));
                    }
                }
            }
        }
    })
}

/// Reaps whoever has died; the status, if the tester is among them.
fn reap(tester: Pid) -> Option<ExitStatus> {
    while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
        if pid == tester {
            return Some(ExitStatus::from_raw(status.as_raw()));
        }
    }
    None
}

/// What a program expects of a system, as far as the kernel starts it empty.
fn furnish() -> Result<(), EnterError> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    rustix::mount::mount("proc", "/proc", "proc", flags, None).map_err(setup("mount /proc"))?;
    // `ip netns` keeps its names there, and the host's /run is not ours to write to.
    rustix::mount::mount("tmpfs", "/run", "tmpfs", flags, None).map_err(setup("mount /run"))?;
    tools::run_batch(&["ip", "-batch", "-"], "link set lo up\n")?;
    Ok(())
}

pub(crate) fn is_privileged() -> bool {
    let needed = CapabilitySet::SYS_ADMIN | CapabilitySet::NET_ADMIN;
    rustix::thread::capabilities(None).is_ok_and(|sets| sets.effective.contains(needed))
}

fn unshare(own_user: bool) -> io::Result<()> {
    let mut flags = UnshareFlags::NEWNS | UnshareFlags::NEWNET | UnshareFlags::NEWPID;
    flags.set(UnshareFlags::NEWUSER, own_user);
    #[expect(unsafe_code, reason = "unsafe only for shared descriptor tables, which stay shared")]
    // SAFETY: `UnshareFlags::FILES`, the one flag with a condition, is not among them.
    unsafe { rustix::thread::unshare_unsafe(flags) }?;
    Ok(())
}

/// One mapping suffices, as all files the run touches belong to the user who started it.
fn map_to_root(user: u32, group: u32) -> io::Result<()> {
    std::fs::write("/proc/self/uid_map", format!("0 {user} 1\n"))?;
    // An unprivileged process may map its group only once it has given `setgroups` up.
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/gid_map", format!("0 {group} 1\n"))
}

fn own_program() -> Result<OsString, EnterError> {
    let path = std::env::current_exe().map_err(setup("find the program itself"))?;
    Ok(path.into_os_string())
}

/// This program once more, with the same arguments.
fn again(program: OsString, role: &str) -> Command {
    let mut args = std::env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = args.next() {
        command.arg0(name);
    }
    command.args(args).env(ROLE_VARIABLE, role);
    command
}

fn code_of(status: ExitStatus) -> i32 {
    status.code().unwrap_or(KILLED)
}

fn pid_of(id: u32) -> Pid {
    i32::try_from(id).ok().and_then(Pid::from_raw).expect("the kernel's process ids are positive")
}

fn single_threaded_runtime() -> Result<tokio::runtime::Runtime, EnterError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(setup("start an event loop"))
}

enum Event {
    Forward(Signal),
    ChildChanged,
}

/// The signals that end a run in an orderly way, and the one that says a child has ended.
struct Forwarded {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    child: tokio::signal::unix::Signal,
}

impl Forwarded {
    fn install() -> Result<Forwarded, EnterError> {
        let listen = |kind| signal(kind).map_err(setup("listen for signals"));
        Ok(Forwarded {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
            child: listen(SignalKind::child())?,
        })
    }

    async fn next(&mut self) -> Event {
        tokio::select! {
            _ = self.child.recv() => Event::ChildChanged,
            _ = self.interrupt.recv() => Event::Forward(Signal::INT),
            _ = self.terminate.recv() => Event::Forward(Signal::TERM),
            _ = self.hangup.recv() => Event::Forward(Signal::HUP),
        }
    }
}
