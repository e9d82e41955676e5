//! A cluster that something else runs: here a shell script, as a service manager would.

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::place::{Place, wait_for};

/// Does to one node what the tester asks for.
const MANAGER: &str = r#"#!/bin/sh
# manager COMMAND NODE
cd "$(dirname "$0")" || exit 1
pid=$(cat "$2.pid" 2>/dev/null)
case $1 in
start) setsid $(cat "$2.command") >> "$2.log" 2>&1 < /dev/null & echo $! > "$2.pid" ;;
stop) kill "$pid" ;;
kill) kill -9 "$pid" ;;
pause) kill -STOP "$pid" ;;
resume) kill -CONT "$pid" ;;
state)
    case $(cut -d ' ' -f 3 "/proc/$pid/stat" 2>/dev/null) in
    T) echo paused "$pid" ;;
    '' | Z | X) echo dead ;;
    *) echo running "$pid" ;;
    esac ;;
esac
"#;

const ATTACH: &str = "
[attach]
start = '{folder}/manager start {node}'
stop = '{folder}/manager stop {node}'
kill = '{folder}/manager kill {node}'
pause = '{folder}/manager pause {node}'
resume = '{folder}/manager resume {node}'
state = '{folder}/manager state {node}'
";

/// Three members of the sandbox that nobody but the manager starts and stops.
struct Managed {
    place: Place,
    nodes: String,
}

impl Managed {
    fn start(bug: &str) -> Managed {
        let place = Place::new();
        place.script("manager", MANAGER);
        let free = || {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            (listener.local_addr().expect("it is bound").to_string(), listener)
        };
        let ports: Vec<_> = (0..3).map(|_| (free(), free())).collect();
        let ports: Vec<(String, String)> =
            ports.into_iter().map(|((client, _), (peer, _))| (client, peer)).collect();
        let mut nodes = String::new();
        for (own, (client, peer)) in ports.iter().enumerate() {
            let number = own + 1;
            let data = place.path(&format!("data-{number}")).display().to_string();
            let mut command = format!(
                "{} sandbox-node --id {number} --client {client} --peer {peer} --data {data} {bug}",
                env!("CARGO_BIN_EXE_checker")
            );
            for (other, (client, peer)) in ports.iter().enumerate().filter(|(n, _)| *n != own) {
                let number = other + 1;
                command.extend([" --member ", &number.to_string(), "=", peer, ",", client]);
            }
            place.file(&format!("n{number}.command"), &command);
            nodes.extend([" --node n", &number.to_string(), "=", client]);
        }
        let managed = Managed { place, nodes };
        managed.all("start");
        managed
    }

    /// The manager's command for every node.
    fn all(&self, command: &str) {
        for number in 1..=3 {
            let manager = Command::new(self.place.path("manager"))
                .args([command, &format!("n{number}")])
                .output();
            assert!(manager.is_ok(), "the manager runs");
        }
    }

    /// What is said of a node.
    fn state(&self, node: &str) -> String {
        let manager = self.place.path("manager");
        let output = Command::new(manager).args(["state", node]).output();
        String::from_utf8_lossy(&output.expect("the manager runs").stdout).into_owned()
    }

    /// Options for a description without `[process]`, and with these commands.
    fn options(&self, attach: &str) -> String {
        let described = include_str!("../../scenarios/systems/sandbox.toml");
        let (head, rest) = described.split_once("[process]").expect("it starts members");
        let (_, tail) = rest.split_once("[ready]").expect("it has more");
        let file = self.place.file("mine.toml", &format!("{head}{attach}\n[ready]{tail}"));
        format!("--system {file} --env attach{}", self.nodes)
    }
}

impl Drop for Managed {
    fn drop(&mut self) {
        self.all("kill");
    }
}

#[test]
fn a_managed_cluster_is_killed_paused_and_restarted_by_commands_and_valid() {
    let managed = Managed::start("");
    for seed in 1..=2 {
        let done = managed
            .place
            .test(&format!("{} --time-limit 8s --seed {seed}", managed.options(ATTACH)));
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
    let done = managed.place.test(&format!("{} --time-limit 5s --seed 1", managed.options("")));
    done.assert_code(1);
    assert!(done.out.contains("lost update"), "{done}");
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
