//! Containers to run the suite on, made with the `docker` program, and what holds of them alone.
//!
//! Their image is empty: this very program is mounted into it, and the libraries it is linked with.
//! What the environment needs of an image is nothing, and this shows it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::panic::AssertUnwindSafe;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nemesis::env::docker::{self, Docker, Project, Target};
use nemesis::env::{EnvError, EnvOptions, Environment, Exit, PeerAddresses, RunId};
use nemesis::faults::Surprise;
use nemesis::link::{Grudge, Link, NodeId};
use rustix::process::{Pid, Signal, kill_process};
use tokio::runtime::Runtime;

use crate::cluster::{Cluster, Place};
use crate::{executor, own_program};

const IMAGE: &str = "ordeal-conformance-empty";
const NODES: u16 = 3;
const LIMIT: Duration = Duration::from_secs(20);

/// Why there can be no containers here.
pub(crate) fn lacking() -> Option<String> {
    if !rustix::process::getuid().is_root() {
        return Some("cutting links between containers takes root".to_owned());
    }
    run(&["version", "--format", "{{.Server.Version}}"]).err()
}

fn run(args: &[&str]) -> Result<String, String> {
    let output = Command::new("docker").args(args).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("the program docker: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn must(args: &[&str]) -> String {
    run(args).unwrap_or_else(|error| panic!("docker {}: {error}", args.join(" ")))
}

/// A project of three nodes; gone when dropped.
pub(crate) struct Containers {
    pub(crate) project: String,
}

impl Containers {
    pub(crate) fn make() -> Containers {
        import_image();
        let project = format!("ordeal-test-{}", RunId::fresh());
        must(&["network", "create", &project]);
        let containers = Containers { project };
        let program = format!("{}:/node:ro", own_program().display());
        for number in 1..=NODES {
            let (name, project) = (containers.name(number), containers.project.as_str());
            let labels = [
                format!("com.docker.compose.project={project}"),
                format!("com.docker.compose.service=node{number}"),
            ];
            let mut args = vec!["run", "--detach", "--name", &name, "--network", project];
            args.extend(["--restart", "unless-stopped", "--volume", &program]);
            for label in &labels {
                args.extend(["--label", label]);
            }
            for folder in ["/usr:/usr:ro", "/lib:/lib:ro", "/lib64:/lib64:ro"] {
                args.extend(["--volume", folder]);
            }
            args.extend([IMAGE, "/node", "node", "0.0.0.0:2379", "0.0.0.0:2380"]);
            must(&args);
        }
        containers
    }

    fn name(&self, number: u16) -> String {
        format!("{}-{number}", self.project)
    }

    pub(crate) async fn open(&self) -> Docker {
        self.try_open().await.expect("docker")
    }

    async fn try_open(&self) -> Result<Docker, EnvError> {
        let run = RunId::fresh();
        let options = EnvOptions { nodes: NODES, run, peers: PeerAddresses::Advertised };
        Docker::open(&options, &find(&self.project).await).await
    }

    pub(crate) fn log(&self, node: NodeId) -> String {
        must(&["logs", &self.name(node.0)])
    }

    fn inspect(&self, node: NodeId, what: &str) -> String {
        must(&["inspect", "--format", what, &self.name(node.0)])
    }

    fn are_all_serving(&self) -> bool {
        NodeId::cluster(NODES)
            .into_iter()
            .all(|node| self.inspect(node, "{{.State.Running}} {{.State.Paused}}") == "true false")
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        for number in 1..=NODES {
            let _ = run(&["rm", "--force", "--volumes", &self.name(number)]);
        }
        let _ = run(&["network", "rm", &self.project]);
    }
}

async fn find(project: &str) -> Project {
    let target = Target { project: Some(project.to_owned()), ..Target::default() };
    docker::find(&target).await.expect("the project")
}

fn import_image() {
    if run(&["image", "inspect", IMAGE]).is_ok() {
        return;
    }
    let mut tar = Command::new("tar");
    tar.args(["-c", "--files-from", "/dev/null"]).stdout(Stdio::piped());
    let mut tar = tar.spawn().expect("tar");
    let archive = tar.stdout.take().expect("it is piped");
    let import = Command::new("docker").args(["import", "-", IMAGE]).stdin(archive).output();
    assert!(import.expect("docker").status.success(), "an empty image");
    tar.wait().expect("it is our child");
}

type Scenario = (&'static str, fn(&Arc<Containers>, &Runtime));

/// Runs what concerns containers only.
pub(crate) fn run_all(containers: &Arc<Containers>, filter: &str) -> ExitCode {
    let scenarios: [Scenario; 8] = [
        ("addresses that change places are followed by rules", |containers, runtime| {
            runtime.block_on(addresses_change_places(containers));
        }),
        ("a container killed by hand is a surprise and no fault", |containers, runtime| {
            runtime.block_on(killed_by_hand(containers));
        }),
        ("a restart policy is off during the run and back after it", |containers, runtime| {
            runtime.block_on(restart_policy(containers));
        }),
        ("a sweep leaves the run of a living tester alone", |containers, runtime| {
            runtime.block_on(sweep_beside_a_run(containers));
        }),
        ("what one of two networks passes passes", |containers, runtime| {
            runtime.block_on(two_networks(containers));
        }),
        ("a second run on the same nodes is refused", |containers, runtime| {
            runtime.block_on(second_run(containers));
        }),
        ("kill -9 of the tester leaves nothing", |containers, runtime| {
            let victim = Victim::start(containers);
            kill_process(victim.tester(), Signal::KILL).expect("it lives");
            runtime.block_on(nothing_is_left(containers, &victim.run));
        }),
        (
            "kill -9 of the tester and its hands leaves nothing after a sweep",
            |containers, runtime| {
                let mut victim = Victim::start(containers);
                kill_process(victim.hands(), Signal::KILL).expect("they live");
                kill_process(victim.tester(), Signal::KILL).expect("it lives");
                victim.child.wait().expect("it is our child");
                let healed = runtime.block_on(docker::sweep()).expect("a sweep");
                // Another run on this engine may have left something as well.
                let of_run = healed.iter().filter(|healed| healed.run.as_str() == victim.run);
                let did = of_run.flat_map(|healed| &healed.did).collect::<BTreeSet<_>>();
                assert_eq!(did.len(), 3, "a cut, a paused node, a dead one: {did:?}");
                runtime.block_on(nothing_is_left(containers, &victim.run));
            },
        ),
    ];
    let runtime = Runtime::new().expect("a runtime");
    let mut passed = true;
    for (name, scenario) in scenarios.into_iter().filter(|(name, _)| name.contains(filter)) {
        let began = Instant::now();
        let work = AssertUnwindSafe(|| scenario(containers, &runtime));
        let ok = std::panic::catch_unwind(work).is_ok();
        passed &= ok;
        let word = if ok { "ok" } else { "FAILED" };
        println!("test Docker: {name} ... {word} ({:.1?})", began.elapsed());
    }
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn started(containers: &Arc<Containers>) -> Cluster {
    Cluster::start(&Place::Docker(containers.clone()), NODES).await
}

/// Both are dead at the same time, and start in the other order: each takes the lowest address that
/// is free. Only n1 is cut off, before and after.
async fn addresses_change_places(containers: &Arc<Containers>) {
    let cluster = started(containers).await;
    let (n1, n2) = (NodeId(1), NodeId(2));
    let all = NodeId::cluster(NODES);
    let alone: Grudge = Link::all(&all).filter(|link| link.from == n1 || link.to == n1).collect();
    let before = (cluster.env.listen(n1), cluster.env.listen(n2));
    cluster.env.apply(&alone).await.expect("a cut");
    for node in [n1, n2] {
        cluster.env.kill(node).await.expect("a kill");
    }
    let dead = cluster.env.probe().await.expect("links can be measured");
    assert!(alone.links().all(|link| dead.state(link).is_some_and(|state| !state.is_open())));
    let order = if before.0.client < before.1.client { [n2, n1] } else { [n1, n2] };
    for node in order {
        cluster.env.start_again(node).await.expect("a start");
        cluster.ready(node).await;
    }
    let after = (cluster.env.listen(n1), cluster.env.listen(n2));
    assert_eq!(after, (before.1, before.0), "they have changed places");
    cluster.assert_cut_exactly(&alone).await;
    cluster.env.teardown().await.expect("teardown");
}

async fn killed_by_hand(containers: &Arc<Containers>) {
    let cluster = started(containers).await;
    let mut nemesis = executor::nemesis(&cluster, 1);
    assert_eq!(nemesis.surprises().await, []);
    must(&["kill", &containers.name(2)]);
    let surprise = Surprise { node: NodeId(2), exit: Exit::Signal(9) };
    assert_eq!(nemesis.surprises().await, [surprise]);
    let healed = nemesis.heal_all().await.expect("all healed");
    assert_eq!(healed.len(), 1, "it was started, as no fault's heal: {healed:?}");
    assert!(healed.iter().all(|evidence| evidence.heals.is_empty()), "{healed:?}");
    cluster.env.teardown().await.expect("teardown");
}

async fn restart_policy(containers: &Arc<Containers>) {
    let policy = || containers.inspect(NodeId(1), "{{.HostConfig.RestartPolicy.Name}}");
    assert_eq!(policy(), "unless-stopped");
    let environment = containers.open().await;
    assert_eq!(policy(), "no");
    environment.teardown().await.expect("teardown");
    assert_eq!(policy(), "unless-stopped");
}

async fn sweep_beside_a_run(containers: &Arc<Containers>) {
    let cluster = started(containers).await;
    let cut = Grudge::from_iter([Link::new(NodeId(1), NodeId(2))]);
    cluster.env.apply(&cut).await.expect("a cut");
    cluster.env.pause(NodeId(3)).await.expect("a pause");
    docker::sweep().await.expect("a sweep");
    assert!(cluster.env.state(NodeId(3)).await.expect("a state").is_paused());
    cluster.env.resume(NodeId(3)).await.expect("a resumption");
    cluster.ready(NodeId(3)).await;
    cluster.assert_cut_exactly(&cut).await;
    cluster.env.teardown().await.expect("teardown");
}

async fn second_run(containers: &Arc<Containers>) {
    let first = containers.open().await;
    first.pause(NodeId(3)).await.expect("a pause");
    let refused = containers.try_open().await.err().expect("a refusal").to_string();
    assert!(refused.contains("has") && refused.contains("wait for its end"), "{refused}");
    assert!(first.state(NodeId(3)).await.expect("a state").is_paused(), "it touched nothing");
    first.teardown().await.expect("teardown");
    assert_eq!(
        containers.inspect(NodeId(1), "{{.HostConfig.RestartPolicy.Name}}"),
        "unless-stopped"
    );
    containers.open().await.teardown().await.expect("it is free again");
}

/// A second network that all nodes are in, and a rule of somebody else's in the first one; both gone
/// when dropped.
struct Detour {
    network: String,
    table: String,
}

impl Detour {
    fn make(containers: &Containers) -> Detour {
        let network = format!("{}-detour", containers.project);
        must(&["network", "create", &network]);
        for number in 1..=NODES {
            must(&["network", "connect", &network, &containers.name(number)]);
        }
        Detour { network, table: format!("detour_{}", std::process::id()) }
    }

    fn drop_between(&self, from: &str, to: &str) {
        let rule = format!("ip saddr {from} ip daddr {to} drop");
        let hook = "{ type filter hook forward priority -200; }";
        for command in [
            format!("add table bridge {}", self.table),
            format!("add chain bridge {} forward {hook}", self.table),
            format!("add rule bridge {} forward {rule}", self.table),
        ] {
            let done = Command::new("nft").arg(command).status().expect("nft");
            assert!(done.success());
        }
    }
}

impl Drop for Detour {
    fn drop(&mut self) {
        let _ = Command::new("nft").args(["delete", "table", "bridge", &self.table]).status();
        if let Ok(inside) = run(&[
            "network",
            "inspect",
            "--format",
            "{{range .Containers}}{{.Name}} {{end}}",
            &self.network,
        ]) {
            for name in inside.split_whitespace() {
                let _ = run(&["network", "disconnect", "--force", &self.network, name]);
            }
        }
        let _ = run(&["network", "rm", &self.network]);
    }
}

/// Closed in one network, a link is open by the other; a cut closes both, and while an end of it starts
/// again too.
async fn two_networks(containers: &Arc<Containers>) {
    let detour = Detour::make(containers);
    let cluster = started(containers).await;
    let (n1, n2) = (NodeId(1), NodeId(2));
    let first =
        format!("{{{{(index .NetworkSettings.Networks \"{}\").IPAddress}}}}", containers.project);
    detour.drop_between(&containers.inspect(n1, &first), &containers.inspect(n2, &first));
    let seen = cluster.env.probe().await.expect("links can be measured");
    assert!(Link::all(&[n1, n2]).all(|link| seen.state(link).is_some_and(|state| state.is_open())));
    let cut = Grudge::from_iter([Link::new(n1, n2)]);
    cluster.env.apply(&cut).await.expect("a cut");
    cluster.assert_cut_exactly(&cut).await;
    cluster.env.kill(n2).await.expect("a kill");
    cluster.env.start_again(n2).await.expect("a start");
    cluster.ready(n2).await;
    cluster.assert_cut_exactly(&cut).await;
    cluster.env.teardown().await.expect("teardown");
}

/// A tester in another process, at its worst moment.
struct Victim {
    child: Child,
    /// The name of its run.
    run: String,
}

/// What it is asked to be; see [`victim`].
pub(crate) const VICTIM: &str = "docker-victim";

/// `docker-victim <project>`: cuts a link, pauses a node, kills another, and waits to be killed.
pub(crate) fn victim(project: &str) -> ExitCode {
    Runtime::new().expect("a runtime").block_on(async {
        let run = RunId::fresh();
        let peers = PeerAddresses::Advertised;
        let options = EnvOptions { nodes: NODES, run: run.clone(), peers };
        let environment = Docker::open(&options, &find(project).await).await.expect("docker");
        let cut = Grudge::from_iter([Link::new(NodeId(1), NodeId(2))]);
        environment.apply(&cut).await.expect("a cut");
        environment.pause(NodeId(2)).await.expect("a pause");
        environment.kill(NodeId(3)).await.expect("a kill");
        println!("{run} is ready");
        std::future::pending().await
    })
}

impl Victim {
    fn start(containers: &Containers) -> Victim {
        let mut child = Command::new(own_program())
            .args([VICTIM, &containers.project])
            .stdout(Stdio::piped())
            .spawn()
            .expect("a victim");
        let mut line = String::new();
        let output = child.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut line).expect("a pipe");
        let run = line.strip_suffix(" is ready\n").expect("it got so far").to_owned();
        assert!(!containers.are_all_serving());
        Victim { child, run }
    }

    fn tester(&self) -> Pid {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("ids are positive")
    }

    fn hands(&self) -> Pid {
        let tester = self.tester().as_raw_nonzero();
        let children = std::fs::read_to_string(format!("/proc/{tester}/task/{tester}/children"));
        let of_all_threads = || {
            let tasks = std::fs::read_dir(format!("/proc/{tester}/task")).expect("it lives");
            tasks.flatten().find_map(|task| {
                std::fs::read_to_string(task.path().join("children"))
                    .ok()
                    .filter(|it| !it.is_empty())
            })
        };
        let pid = children.ok().filter(|it| !it.is_empty()).or_else(of_all_threads);
        let pid = pid.expect("it has hands");
        pid.trim().parse().ok().and_then(Pid::from_raw).expect("one child")
    }
}

/// Nothing of this run: others may be under way with the same engine.
async fn nothing_is_left(containers: &Containers, run: &str) {
    let deadline = Instant::now() + LIMIT;
    let rules = || {
        let listed = Command::new("nft").args(["list", "tables", "bridge"]).output();
        String::from_utf8_lossy(&listed.expect("nft").stdout).contains(run)
    };
    let label = format!("label=ordeal.run={run}");
    let notes = || must(&["volume", "ls", "--quiet", "--filter", &label]);
    while !containers.are_all_serving() || rules() || !notes().is_empty() {
        let left = (containers.are_all_serving(), rules(), notes());
        assert!(Instant::now() < deadline, "serving, rules, notes: {left:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        containers.inspect(NodeId(1), "{{.HostConfig.RestartPolicy.Name}}"),
        "unless-stopped"
    );
}
