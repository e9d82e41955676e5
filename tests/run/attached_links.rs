//! A cluster on hosts of its own that something else runs: here each host is a network namespace, and
//! its links are cut by commands, as docs/systems.md tells people to.

use std::process::{Command, Output};
use std::time::Duration;

use rustix::process::Signal;

use crate::managed::{At, Managed};
use crate::place::{Place, is_root, skipped_without_netns, wait_for};

/// Makes three hosts, and a place for the tester that reaches them all.
const LAB: &str = r#"#!/bin/sh -e
hub=$1-hub
ip netns add "$hub"
ip -n "$hub" link add lab type bridge
ip -n "$hub" addr add 10.99.7.254/24 dev lab
ip -n "$hub" link set lab up
for n in 1 2 3; do
    host=$1-n$n
    ip netns add "$host"
    ip -n "$hub" link add "to-n$n" type veth peer name eth0 netns "$host"
    ip -n "$hub" link set "to-n$n" master lab up
    ip -n "$host" addr add "10.99.7.$n/24" dev eth0
    ip -n "$host" link set eth0 up
    ip -n "$host" link set lo up
done
"#;

const ATTACH: &str = "
[attach]
cut = 'ip netns exec LAB-{node} iptables -w -A INPUT -s {other_host} -j DROP'
heal = 'ip netns exec LAB-{node} iptables -w -F INPUT'
reach = '''ip netns exec LAB-{other} timeout 1 bash -c ': < /dev/tcp/{host}/{client_port}' '''
";

/// The hosts with their members, which end first.
struct Lab {
    managed: Managed,
    hosts: Hosts,
}

/// The namespaces of this name.
struct Hosts(String);

impl Hosts {
    fn ip(args: &[&str]) -> Output {
        Command::new("ip").args(args).output().expect("the program ip")
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for host in ["hub", "n1", "n2", "n3"] {
            Hosts::ip(&["netns", "del", &format!("{}-{host}", self.0)]);
        }
    }
}

impl Lab {
    fn start(test: &str) -> Lab {
        let name = format!("ordeal-{test}-{}", std::process::id());
        let mut place = Place::new();
        let checker = env!("CARGO_BIN_EXE_checker");
        let inside = format!("#!/bin/sh\nexec ip netns exec {name}-hub {checker} \"$@\"\n");
        place.run_by(place.script("inside", &inside));
        let script = place.script("lab", LAB);
        let hosts = Hosts(name);
        let made = Command::new(script).arg(&hosts.0).output().expect("the script runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let member = |number: u16| At {
            client: format!("10.99.7.{number}:2379"),
            peer: format!("10.99.7.{number}:2380"),
            inside: format!("ip netns exec {}-n{number}", hosts.0),
        };
        Lab { managed: Managed::start_at(place, &[1, 2, 3].map(member), ""), hosts }
    }

    fn options(&self) -> String {
        self.managed.options(&ATTACH.replace("LAB", &self.hosts.0))
    }

    /// How many cuts there are.
    fn cuts(&self) -> usize {
        let of = |number: u16| {
            let host = format!("{}-n{number}", self.hosts.0);
            let rules = Hosts::ip(&["netns", "exec", &host, "iptables", "-w", "-S"]).stdout;
            String::from_utf8_lossy(&rules).matches("DROP").count()
        };
        (1..=3).map(of).sum()
    }
}

fn skipped(test: &str) -> bool {
    skipped_without_netns(test) || !is_root()
}

#[test]
fn links_are_cut_and_healed_by_commands_and_that_is_proved() {
    if skipped("links are cut and healed by commands") {
        return;
    }
    let lab = Lab::start("cut");
    let faults = "--nemesis partition --nemesis-interval 2s --time-limit 5s --seed 1";
    lab.managed.place.test(&format!("{} {faults}", lab.options())).assert_code(0);
    let run = lab.managed.place.latest();
    run.assert_valid_and_not_vacuous();
    run.assert_faults_are_proved();
    assert!(run.text("history.edn").contains("the command `reach`"), "that is the proof");
    assert_eq!(lab.cuts(), 0);
}

#[test]
fn links_that_a_killed_tester_cut_are_opened_by_heal() {
    if skipped("links that a killed tester cut are opened by heal") {
        return;
    }
    let lab = Lab::start("heal");
    let place = &lab.managed.place;
    let scenario = "[nemesis]\nsteps = [{ at_ms = 0, \
                    inject = { fault = 'partition', topology = 'one' } }]\n";
    let scenario = place.file("cut.toml", scenario);
    let options = format!("{} --scenario {scenario} --time-limit 60s --seed 1", lab.options());
    let running = place.start_test(&options);
    wait_for("a cut", Duration::from_secs(60), || (lab.cuts() > 0).then_some(()));
    running.signal(Signal::KILL);
    running.finish();
    let heal = place.checker(&["heal"]);
    heal.assert_code(0);
    assert_eq!(lab.cuts(), 0, "{heal}");
}
