//! A cluster that something else runs, whose nodes are killed, paused and restarted by commands.

use std::time::Duration;

use rustix::process::Signal;

use crate::managed::Managed;
use crate::place::wait_for;

const ATTACH: &str = "
[attach]
start = '{folder}/manager start {node}'
stop = '{folder}/manager stop {node}'
kill = '{folder}/manager kill {node}'
pause = '{folder}/manager pause {node}'
resume = '{folder}/manager resume {node}'
state = '{folder}/manager state {node}'
";

#[test]
fn a_managed_cluster_is_killed_paused_and_restarted_by_commands_and_valid() {
    let managed = Managed::start("");
    for seed in 1..=2 {
        // Fewer clients than a cluster of the default size would need.
        let options = format!("{} --concurrency 4", managed.options(ATTACH));
        let done = managed.place.test(&format!("{options} --time-limit 8s --seed {seed}"));
        done.assert_code(0);
        let run = managed.place.latest();
        run.assert_valid_and_not_vacuous();
        run.assert_faults_are_proved();
        assert!(run.text("history.edn").contains("the command `state`"), "that is the proof");
        done.assert_says("no partition: the nodes are run by something else");
        assert!(done.out.contains("partition: the nodes are run by something else"), "{done}");
    }
}

#[test]
fn without_commands_a_managed_cluster_is_tested_without_faults() {
    let managed = Managed::start("--bug split-cas");
    // At the usual rate no two compare-and-sets may meet, and then nothing is lost.
    let options = format!("{} --rate 1000 --time-limit 5s --seed 1", managed.options(""));
    let done = managed.place.test(&options);
    done.assert_code(1);
    // Mostly a lost update; which anomaly shows first depends on who meets whom.
    assert!(done.out.starts_with("INVALID"), "{done}");
    for fault in ["kill", "pause", "restart", "partition"] {
        done.assert_says(&format!("no {fault}: the nodes are run by something else"));
    }
}

#[test]
fn what_a_killed_tester_did_to_nodes_is_undone_by_heal() {
    let managed = Managed::start("");
    let scenario =
        "[nemesis]\nsteps = [{ at_ms = 0, inject = { fault = 'pause', target = 'one' } }]\n";
    let scenario = managed.place.file("pause.toml", scenario);
    let options = format!("{} --scenario {scenario}", managed.options(ATTACH));
    let running = managed.place.start_test(&format!("{options} --time-limit 60s --seed 1"));
    let paused = || -> Option<String> {
        (1..=3).map(|n| format!("n{n}")).find(|node| managed.state(node).starts_with("paused"))
    };
    let node = wait_for("a paused node", Duration::from_secs(60), paused);
    running.signal(Signal::KILL);
    running.finish();
    let heal = managed.place.checker(&["heal"]);
    heal.assert_code(0);
    assert!(heal.out.contains(&format!("resume {node}: done")), "{heal}");
    assert!(managed.state(&node).starts_with("running"), "{node} is {}", managed.state(&node));
}
