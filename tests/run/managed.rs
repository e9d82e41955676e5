//! Three members of the sandbox that nobody but a manager starts and stops: a shell script, as a
//! service manager would.

use std::net::TcpListener;
use std::process::Command;

use crate::place::Place;

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

/// Where a member serves clients and other members.
pub(crate) struct At {
    pub(crate) client: String,
    pub(crate) peer: String,
    /// What its command begins with, to get to where these addresses are.
    pub(crate) inside: String,
}

/// The members, in a place of their own.
pub(crate) struct Managed {
    pub(crate) place: Place,
    nodes: String,
}

impl Managed {
    /// On free ports of this machine.
    pub(crate) fn start(bug: &str) -> Managed {
        let free = || {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            (listener.local_addr().expect("it is bound").to_string(), listener)
        };
        let bound: Vec<_> = (0..3).map(|_| (free(), free())).collect();
        let members: Vec<At> = (bound.into_iter())
            .map(|((client, _), (peer, _))| At { client, peer, inside: String::new() })
            .collect();
        Managed::start_at(Place::new(), &members, bug)
    }

    /// At these addresses.
    pub(crate) fn start_at(place: Place, members: &[At], bug: &str) -> Managed {
        place.script("manager", MANAGER);
        let listed = members.iter().enumerate().map(|(n, at)| (n + 1, at));
        let mut nodes = String::new();
        for (number, At { client, peer, inside }) in listed.clone() {
            let data = place.path(&format!("data-{number}")).display().to_string();
            let mut command = format!(
                "{inside} {} sandbox-node --id {number} --client {client} --peer {peer} \
                 --data {data} {bug}",
                env!("CARGO_BIN_EXE_checker")
            );
            for (other, At { client, peer, .. }) in listed.clone().filter(|(n, _)| *n != number) {
                command.extend([" --member ", &other.to_string(), "=", peer, ",", client]);
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
    pub(crate) fn state(&self, node: &str) -> String {
        let manager = self.place.path("manager");
        let output = Command::new(manager).args(["state", node]).output();
        String::from_utf8_lossy(&output.expect("the manager runs").stdout).into_owned()
    }

    /// Options for a description without `[process]`, and with these commands.
    pub(crate) fn options(&self, attach: &str) -> String {
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
