//! The tester dies, in whatever way, and nothing of the run is left: no process (paused ones
//! included), no namespace, no interface, no rule. And it ends in an orderly way when told so, once.

use std::io::{BufRead, BufReader};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::panic::AssertUnwindSafe;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nemesis::env::{EnvChoice, netns};
use nemesis::link::{Grudge, Link, NodeId};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::signal::unix::{SignalKind, signal};

use crate::cluster::{Cluster, Place};

/// What an orderly end exits with, so that it cannot be mistaken for anything else.
const ORDERLY: u8 = 7;
const INTERRUPTED_TWICE: u8 = 8;

/// "At once", for a busy machine.
const AT_ONCE: Duration = Duration::from_secs(3);

/// `victim <environment> <token>`: a tester in the middle of its worst moment (a node cut off, another
/// one paused), waiting to be killed. The token is in the command line of every process it starts.
pub(crate) fn victim(environment: &str, token: &str) -> ExitCode {
    let choice = environment.parse().expect("an environment");
    nemesis::env::prepare(choice).expect("the suite found it to be possible");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut interrupts = signal(SignalKind::interrupt()).expect("a signal handler");
        let place = if choice == EnvChoice::Netns { Place::Netns } else { Place::Local };
        let cluster = Cluster::start_with(&place, 3, &[token]).await;
        let cut = [Link::new(NodeId(1), NodeId(2)), Link::new(NodeId(1), NodeId(3))];
        cluster.env.apply(&Grudge::from_iter(cut)).await.expect("a cut");
        cluster.env.pause(NodeId(2)).await.expect("a pause");
        println!("ready");
        interrupts.recv().await;
        let twice =
            tokio::time::timeout(Duration::from_millis(200), interrupts.recv()).await.is_ok();
        cluster.env.teardown().await.expect("teardown");
        ExitCode::from(if twice { INTERRUPTED_TWICE } else { ORDERLY })
    })
}

/// Runs what concerns the death of a tester, for each environment that is possible here.
pub(crate) fn run_all(filter: &str) -> ExitCode {
    let mut scenarios: Vec<(&str, fn())> = vec![
        ("local: kill -9 of the tester leaves no node", local_killed),
        ("local: one interrupt ends it in an orderly way", || interrupted(EnvChoice::Local)),
    ];
    if netns::probe_support().is_ok() {
        scenarios.extend([
            ("netns: kill -9 of the launcher leaves nothing", launcher_killed as fn()),
            ("netns: kill -9 of the first process inside leaves nothing", init_killed),
            ("netns: kill -9 of the tester inside leaves nothing", tester_killed),
            ("netns: kill -9 at any moment of the start leaves nothing", killed_while_starting),
            ("netns: one interrupt arrives once, and the exit code comes out", || {
                interrupted(EnvChoice::Netns);
            }),
        ]);
    }
    let mut passed = true;
    for (name, scenario) in scenarios.into_iter().filter(|(name, _)| name.contains(filter)) {
        let began = Instant::now();
        let ok = std::panic::catch_unwind(AssertUnwindSafe(scenario)).is_ok();
        passed &= ok;
        let word = if ok { "ok" } else { "FAILED" };
        println!("test {name} ... {word} ({:.1?})", began.elapsed());
    }
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn local_killed() {
    assert_eq!(ends(EnvChoice::Local, Role::Launcher).signal(), Some(9));
}

fn launcher_killed() {
    assert_eq!(ends(EnvChoice::Netns, Role::Launcher).signal(), Some(9));
}

fn init_killed() {
    assert_eq!(ends(EnvChoice::Netns, Role::Init).code(), Some(255), "the tester itself failed");
}

fn tester_killed() {
    assert_eq!(ends(EnvChoice::Netns, Role::Tester).code(), Some(255), "the tester itself failed");
}

#[derive(Clone, Copy)]
enum Role {
    Launcher,
    Init,
    Tester,
}

fn ends(choice: EnvChoice, role: Role) -> ExitStatus {
    let mut run = Run::start(choice);
    run.wait_until_ready();
    let init = || run.child_of(run.launcher());
    let whom = match role {
        Role::Launcher => run.launcher(),
        Role::Init => init(),
        Role::Tester => run.child_of(init()),
    };
    kill_process(whom, Signal::KILL).expect("it lives");
    run.assert_gone()
}

fn killed_while_starting() {
    for moment in 0..10 {
        let run = Run::start(EnvChoice::Netns);
        // Not a wait for something: the point is to hit any stage of the start.
        std::thread::sleep(Duration::from_millis(15 * moment));
        kill_process(run.launcher(), Signal::KILL).expect("it is not reaped");
        run.assert_gone();
    }
}

fn interrupted(choice: EnvChoice) {
    let mut run = Run::start(choice);
    run.wait_until_ready();
    // What a terminal does on ctrl-c: the signal goes to the foreground group.
    kill_process_group(run.launcher(), Signal::INT).expect("it lives");
    assert_eq!(run.assert_gone().code(), Some(i32::from(ORDERLY)));
}

/// A victim, seen from outside.
struct Run {
    token: String,
    /// Of the victim's own temporary files, which it does not live to remove.
    _folder: tempfile::TempDir,
    child: Child,
}

impl Run {
    fn start(choice: EnvChoice) -> Run {
        let environment = format!("{choice:?}").to_lowercase();
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let nanos = since_epoch.expect("a clock after 1970").as_nanos();
        let token = format!("victim-{}-{nanos}", std::process::id());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let child = Command::new(std::env::current_exe().expect("a path"))
            .args(["victim", &environment, &token])
            .env("TMPDIR", folder.path())
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a victim");
        Run { token, _folder: folder, child }
    }

    fn wait_until_ready(&mut self) {
        let mut line = String::new();
        let output = self.child.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut line).expect("a pipe");
        assert_eq!(line, "ready\n");
        assert!(self.processes().len() >= 4, "the tester and three nodes are seen from outside");
    }

    fn launcher(&self) -> Pid {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("ids are positive")
    }

    fn child_of(&self, parent: Pid) -> Pid {
        let is_child = |pid: &Pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let fields = stat.rsplit_once(") ").map(|(_, fields)| fields.to_owned());
            let fields = fields.unwrap_or_default();
            fields.split(' ').nth(1) == Some(parent.to_string().as_str())
        };
        self.processes().into_iter().find(is_child).expect("it has a child")
    }

    /// Live processes with the token in their command line.
    fn processes(&self) -> Vec<Pid> {
        std::fs::read_dir("/proc")
            .expect("a process table")
            .filter_map(|entry| {
                let pid = entry.ok()?.file_name().to_str()?.parse().ok().and_then(Pid::from_raw)?;
                let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
                String::from_utf8_lossy(&command).contains(&self.token).then_some(pid)
            })
            .collect()
    }

    fn assert_gone(mut self) -> ExitStatus {
        let deadline = Instant::now() + AT_ONCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                break status;
            }
            assert!(Instant::now() < deadline, "it did not end: {:?}", self.processes());
            // Between two looks; the deadline bounds it.
            std::thread::sleep(Duration::from_millis(5));
        };
        while !self.processes().is_empty() {
            assert!(Instant::now() < deadline, "left behind: {:?}", self.processes());
            // Between two looks; the deadline bounds it.
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_machine_is_clean();
        status
    }
}

/// Nothing of ours ever was outside the namespaces.
fn assert_machine_is_clean() {
    let interfaces = std::fs::read_dir("/sys/class/net").expect("a list of interfaces");
    for interface in interfaces.flatten() {
        let name = interface.file_name().to_string_lossy().into_owned();
        assert!(name != "ordeal" && !name.starts_with("ve-n"), "interface {name}");
    }
    let mounts = std::fs::read_to_string("/proc/self/mounts").expect("a list of mounts");
    assert!(!mounts.contains("/run/netns/n1"), "a named network namespace");
    if rustix::process::getuid().is_root() {
        let rules = Command::new("iptables-save").output().expect("iptables is installed").stdout;
        assert!(!String::from_utf8_lossy(&rules).contains("ORDEAL"), "rules");
    }
}
