//! What every environment must do. Each scenario starts from a fresh cluster and says in its name
//! what holds.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nemesis::env::{EnvError, Exit, Grace, ProcessState};
use nemesis::link::{Grudge, Link, NodeId};
use tokio::time::timeout;

use crate::cluster::{Cluster, Place};
use crate::executor::{
    a_whole_schedule_of_faults_is_proved_and_healed,
    every_disturbance_of_links_is_proved_or_refused_with_a_reason,
};

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);
const N3: NodeId = NodeId(3);

type Scenario = fn(&Cluster) -> Pin<Box<dyn Future<Output = ()> + '_>>;

macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        [$((stringify!($name), (|cluster| Box::pin($name(cluster))) as Scenario)),*]
    };
}

/// Runs every scenario whose name contains `filter`, and says how each went.
pub(crate) fn run_all(place: &Place, filter: &str) -> ExitCode {
    let all = scenarios![
        all_links_are_open_at_the_start,
        each_symmetric_cut_holds_exactly,
        each_one_way_cut_holds_exactly,
        a_one_way_cut_is_one_way_for_a_node_that_restarts_inside_it,
        a_new_cut_replaces_the_old_one,
        a_cut_survives_kill_and_start_of_a_node,
        a_node_that_restarts_inside_a_cut_is_never_heard,
        a_paused_node_keeps_connections_and_answers_after_resume,
        a_killed_node_is_dead_and_starts_again_with_the_same_launch,
        a_graceful_restart_is_told_apart_from_a_kill,
        a_node_that_ignores_its_signal_is_killed_when_patience_ends,
        a_paused_node_can_be_killed_and_stopped,
        a_node_that_exits_by_itself_is_noticed_with_its_status,
        a_nodes_children_are_paused_and_killed_with_it,
        wrong_orders_are_refused_with_a_reason,
        a_whole_schedule_of_faults_is_proved_and_healed,
        every_disturbance_of_links_is_proved_or_refused_with_a_reason,
    ];
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut passed = true;
    for (name, scenario) in all.into_iter().filter(|(name, _)| name.contains(filter)) {
        let began = Instant::now();
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(async {
                let cluster = Cluster::start(place, 3).await;
                scenario(&cluster).await;
                cluster.env.teardown().await.expect("teardown");
            });
        }));
        passed &= outcome.is_ok();
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("test {place}: {} ... {word} ({:.1?})", name.replace('_', " "), began.elapsed());
    }
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn isolate(node: NodeId) -> Grudge {
    let all = NodeId::cluster(3);
    Link::all(&all).filter(|link| link.from == node || link.to == node).collect()
}

async fn all_links_are_open_at_the_start(cluster: &Cluster) {
    cluster.assert_cut_exactly(&Grudge::none()).await;
}

async fn each_symmetric_cut_holds_exactly(cluster: &Cluster) {
    // Connections exist before the cut, and must stall as well as new ones.
    cluster.assert_cut_exactly(&Grudge::none()).await;
    for &node in cluster.env.nodes() {
        cluster.env.apply(&isolate(node)).await.expect("a cut");
        cluster.assert_cut_exactly(&isolate(node)).await;
        cluster.env.heal_network().await.expect("a heal");
        cluster.assert_cut_exactly(&Grudge::none()).await;
    }
}

async fn each_one_way_cut_holds_exactly(cluster: &Cluster) {
    for link in Link::all(cluster.env.nodes()) {
        let grudge = Grudge::from_iter([link]);
        cluster.env.apply(&grudge).await.expect("a cut");
        cluster.assert_cut_exactly(&grudge).await;
    }
    cluster.env.heal_network().await.expect("a heal");
    cluster.assert_cut_exactly(&Grudge::none()).await;
}

/// It knows nobody's hardware address any more: it has to ask for it, and needs the answer.
async fn a_one_way_cut_is_one_way_for_a_node_that_restarts_inside_it(cluster: &Cluster) {
    let grudge = Grudge::from_iter([Link::new(N1, N2)]);
    cluster.env.apply(&grudge).await.expect("a cut");
    cluster.env.kill(N2).await.expect("a kill");
    cluster.env.start_again(N2).await.expect("a start");
    cluster.ready(N2).await;
    cluster.assert_cut_exactly(&grudge).await;
    cluster.env.heal_network().await.expect("a heal");
    cluster.assert_cut_exactly(&Grudge::none()).await;
}

async fn a_new_cut_replaces_the_old_one(cluster: &Cluster) {
    cluster.env.apply(&isolate(N1)).await.expect("a cut");
    let bridge = Grudge::from_iter([Link::new(N2, N3), Link::new(N3, N2)]);
    cluster.env.apply(&bridge).await.expect("a cut");
    cluster.assert_cut_exactly(&bridge).await;
    cluster.env.heal_network().await.expect("a heal");
    cluster.env.heal_network().await.expect("healing twice is harmless");
    cluster.assert_cut_exactly(&Grudge::none()).await;
}

async fn a_cut_survives_kill_and_start_of_a_node(cluster: &Cluster) {
    cluster.env.apply(&isolate(N2)).await.expect("a cut");
    cluster.env.kill(N2).await.expect("a kill");
    cluster.env.start_again(N2).await.expect("a start");
    cluster.ready(N2).await;
    cluster.assert_cut_exactly(&isolate(N2)).await;
}

/// Not even with its first breath: another node calls it without a pause all the while.
async fn a_node_that_restarts_inside_a_cut_is_never_heard(cluster: &Cluster) {
    cluster.env.apply(&isolate(N2)).await.expect("a cut");
    let caller = cluster.clone();
    let calling = tokio::spawn(async move {
        let mut calls = 0;
        loop {
            calls += 1;
            if caller.hears(Link::new(N1, N2)).await {
                return calls;
            }
        }
    });
    for _ in 0..3 {
        cluster.env.restart(N2, Grace::default()).await.expect("a restart");
        cluster.ready(N2).await;
        cluster.env.kill(N2).await.expect("a kill");
        cluster.env.start_again(N2).await.expect("a start");
        cluster.ready(N2).await;
    }
    assert!(!calling.is_finished(), "it was heard in call {:?}", calling.await);
    cluster.assert_cut_exactly(&isolate(N2)).await;
    cluster.env.heal_network().await.expect("a heal");
    timeout(Duration::from_secs(20), calling).await.expect("heard").expect("no panic");
}

async fn a_paused_node_keeps_connections_and_answers_after_resume(cluster: &Cluster) {
    let before = cluster.request(N1, "pid").await;
    cluster.env.pause(N1).await.expect("a pause");
    assert!(cluster.env.state(N1).await.expect("a state").is_paused());
    assert_eq!(cluster.request(N1, "pid").await, None, "a paused node does not answer");
    assert!(!cluster.hears(Link::new(N2, N1)).await);
    // Links are measured without the nodes' help.
    let matrix = cluster.env.probe().await.expect("links can be measured");
    assert!(matrix.links.values().all(|state| state.is_open()));

    cluster.env.resume(N1).await.expect("a resumption");
    assert!(cluster.env.state(N1).await.expect("a state").is_running());
    cluster.ready(N1).await;
    assert_eq!(cluster.request(N1, "pid").await, before, "it is the same process");
    cluster.env.resume(N1).await.expect("resuming a running node does nothing");
}

async fn a_killed_node_is_dead_and_starts_again_with_the_same_launch(cluster: &Cluster) {
    let ready = cluster.log(N3).matches("ready").count();
    let pids = cluster.env.pids(N3).await;
    assert_eq!(pids.len(), 1);
    cluster.env.kill(N3).await.expect("a kill");
    let state = cluster.env.state(N3).await.expect("a state");
    assert_eq!(state, ProcessState::Dead { exit: Exit::Signal(9) });
    assert!(!std::fs::exists(format!("/proc/{}", pids[0])).expect("a process table"), "reaped");
    assert!(cluster.env.pids(N3).await.is_empty());
    cluster.env.kill(N3).await.expect("killing the dead does nothing");

    cluster.env.start_again(N3).await.expect("a start");
    cluster.ready(N3).await;
    assert_ne!(cluster.env.pids(N3).await, pids);
    assert_eq!(cluster.log(N3).matches("ready").count(), ready + 1, "the log is appended to");
    cluster.assert_cut_exactly(&Grudge::none()).await;
}

async fn a_graceful_restart_is_told_apart_from_a_kill(cluster: &Cluster) {
    let stopped = || cluster.log(N1).matches("stopped gracefully").count();
    let before = stopped();
    cluster.env.stop(N1, Grace::default()).await.expect("a stop");
    let state = cluster.env.state(N1).await.expect("a state");
    assert_eq!(state, ProcessState::Dead { exit: Exit::Code(0) });
    cluster.env.stop(N1, Grace::default()).await.expect("stopping the dead does nothing");
    cluster.env.start_again(N1).await.expect("a start");
    cluster.ready(N1).await;
    cluster.env.restart(N1, Grace::default()).await.expect("a restart");
    cluster.ready(N1).await;
    assert_eq!(stopped(), before + 2);
}

async fn a_node_that_ignores_its_signal_is_killed_when_patience_ends(cluster: &Cluster) {
    cluster.request(N2, "stubborn").await.expect("an answer");
    let patience = Duration::from_millis(200);
    let began = Instant::now();
    cluster.env.stop(N2, Grace { patience, ..Grace::default() }).await.expect("a stop");
    assert!(began.elapsed() >= patience, "it was given its time");
    let state = cluster.env.state(N2).await.expect("a state");
    assert_eq!(state, ProcessState::Dead { exit: Exit::Signal(9) });
}

async fn a_paused_node_can_be_killed_and_stopped(cluster: &Cluster) {
    cluster.env.pause(N1).await.expect("a pause");
    cluster.env.kill(N1).await.expect("a kill");
    assert!(cluster.env.state(N1).await.expect("a state").is_dead());
    cluster.env.pause(N2).await.expect("a pause");
    cluster.env.stop(N2, Grace::default()).await.expect("a stop");
    let state = cluster.env.state(N2).await.expect("a state");
    assert_eq!(state, ProcessState::Dead { exit: Exit::Code(0) });
}

async fn a_node_that_exits_by_itself_is_noticed_with_its_status(cluster: &Cluster) {
    assert_eq!(cluster.request(N1, "exit").await, None);
    let deadline = Instant::now() + Duration::from_secs(5);
    while !cluster.env.state(N1).await.expect("a state").is_dead() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    cluster.env.start_again(N1).await.expect("the dead can be started");
    cluster.ready(N1).await;
    cluster.request(N1, "exit").await;
    cluster.env.stop(N1, Grace::default()).await.expect("it has stopped already");
    let state = cluster.env.state(N1).await.expect("a state");
    assert_eq!(state, ProcessState::Dead { exit: Exit::Code(3) });
}

async fn a_nodes_children_are_paused_and_killed_with_it(cluster: &Cluster) {
    let before = cluster.env.pids(N1).await;
    cluster.request(N1, "child").await.expect("an answer");
    let now = cluster.env.pids(N1).await;
    let child = now.into_iter().find(|pid| !before.contains(pid)).expect("one more process");
    let stat = || std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
    let is_stopped = || stat().contains(" T ") || is_frozen(child);
    cluster.env.pause(N1).await.expect("a pause");
    assert!(is_stopped(), "{}", stat());
    cluster.env.resume(N1).await.expect("a resumption");
    assert!(!is_stopped(), "{}", stat());
    cluster.env.kill(N1).await.expect("a kill");
    let deadline = Instant::now() + Duration::from_secs(5);
    // It may be reaped between two looks.
    let mut last = stat();
    while !(last.is_empty() || last.contains(" Z ")) {
        assert!(Instant::now() < deadline, "{last}");
        tokio::time::sleep(Duration::from_millis(5)).await;
        last = stat();
    }
}

/// By its control group, of either version.
fn is_frozen(pid: u32) -> bool {
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    groups.lines().any(|line| {
        let path = |controller: &str| line.split_once(controller).map(|(_, path)| path);
        let read = |file: String| std::fs::read_to_string(file).unwrap_or_default();
        let first = path(":freezer:")
            .map(|path| read(format!("/sys/fs/cgroup/freezer{path}/freezer.state")));
        let second = path("0::").map(|path| read(format!("/sys/fs/cgroup{path}/cgroup.events")));
        first.is_some_and(|state| state.contains("FROZEN"))
            || second.is_some_and(|events| events.contains("frozen 1"))
    })
}

async fn wrong_orders_are_refused_with_a_reason(cluster: &Cluster) {
    let again = cluster.env.start_again(N1).await;
    assert!(matches!(again, Err(EnvError::AlreadyRunning(N1))), "{again:?}");
    let nobody = cluster.env.kill(NodeId(9)).await;
    assert!(matches!(nobody, Err(EnvError::NoSuchNode(NodeId(9)))), "{nobody:?}");
    cluster.env.kill(N1).await.expect("a kill");
    let dead = cluster.env.pause(N1).await;
    assert!(matches!(dead, Err(EnvError::NotRunning(N1))), "{dead:?}");

    if cluster.env.brings_programs() {
        return;
    }
    let mut launch = cluster.launch(N1, &[]);
    launch.program = "/nonexistent/program".into();
    let missing = cluster.env.start(N1, &launch).await.expect_err("there is no such program");
    assert!(missing.to_string().contains("/nonexistent/program"), "{missing}");
    assert!(cluster.env.state(N1).await.expect("a state").is_dead());
}
