//! Clusters that never form, and clusters that serve nothing: neither is a pass.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::place::Place;

/// Tells this test binary to be a member of a cluster: its command line, as etcd gets it.
const BE_A_MEMBER: &str = "ORDEAL_TEST_MEMBER";

/// Nobody leaves a member running for longer.
const MEMBER_LIVES: Duration = Duration::from_secs(120);

const ETCD: &str = "--system etcd --env local --nodes 3 --nemesis none --time-limit 2s";

#[test]
fn a_cluster_whose_members_die_at_once_is_reported_at_once() {
    let place = Place::new().with("ORDEAL_ETCD", "/bin/false");
    let began = Instant::now();
    let done = place.test(ETCD);
    assert!(began.elapsed() < Duration::from_secs(30), "it took {:?}", began.elapsed());
    done.assert_code(255);
    done.assert_says("died before the cluster had formed (exit status 1)");
    let results = place.latest().json("results.json");
    assert_ne!(results["axes"]["harness"]["word"], "ok", "{results:#}");
    place.assert_nothing_lives();
}

#[test]
fn waiting_for_a_cluster_that_never_forms_can_be_interrupted() {
    let place = Place::new();
    let sleeper = place.script("sleeper", "#!/bin/sh\nexec sleep 100\n");
    let place = place.with("ORDEAL_ETCD", sleeper);
    let mut running = place.start_test(ETCD);
    running.wait_until_it_says("starting 3 nodes");
    running.signal(Signal::INT);
    let done = running.finish();
    done.assert_code(255);
    done.assert_says("stopped before the cluster had formed");
    place.assert_nothing_lives();
}

#[test]
fn a_cluster_that_acknowledges_nothing_is_unknown_and_not_a_pass() {
    let place = Place::new();
    let myself = std::env::current_exe().expect("the test's own file");
    // The options that make the test harness run one test, which then is a member.
    let member = format!(
        "#!/bin/sh\n{BE_A_MEMBER}=\"$*\" exec '{}' --exact unformed::a_member_that_serves_nothing\n",
        myself.display()
    );
    let member = place.script("member", &member);
    let scenario = place.file("scenario.toml", "final-time-limit = '1s'\n");
    let place = place.with("ORDEAL_ETCD", member);
    let done = place.test(&format!("--scenario {scenario} {ETCD}"));
    done.assert_code(2);
    done.assert_says("UNKNOWN");
    done.assert_says("vacuous");
    let results = place.latest().json("results.json");
    assert_eq!(results["vacuous?"], true, "{results:#}");
    assert_eq!(results["stats"]["ok-count"], 0, "{results:#}");
    assert!(results["stats"]["count"].as_u64() > Some(10), "{results:#}");
    place.assert_nothing_lives();
}

#[test]
fn a_cluster_that_serves_nobody_until_it_is_healed_is_unknown_and_not_a_pass() {
    let place = Place::new();
    // So few operations that none is acknowledged before the kill, which takes a moment itself.
    let scenario = place.file(
        "scenario.toml",
        "nodes = 3\nrate = 4.0\ntime-limit = '3s'\n\
         [nemesis]\nkeep-up = 0\n\
         steps = [{ at_ms = 0, inject = { fault = 'kill', target = 'all' } }]\n",
    );
    let done = place.test(&format!("--scenario {scenario} --env local --seed 10"));
    done.assert_code(2);
    done.assert_says("vacuous");
    place.latest().assert_faults_are_proved();
    // It was healed, and then served: the pass that this must not become.
    assert!(place.latest().acknowledged() > 3);
}

/// Not a test by itself: what `a_cluster_that_acknowledges_nothing…` starts in place of etcd. It
/// says that it leads, and turns away whatever else it is asked.
#[test]
fn a_member_that_serves_nothing() {
    let Ok(options) = std::env::var(BE_A_MEMBER) else { return };
    let words: Vec<&str> = options.split(' ').collect();
    let at = words.iter().position(|word| *word == "--listen-client-urls").expect("an address");
    let address = words[at + 1].strip_prefix("http://").expect("a URL");
    let listener = TcpListener::bind(address).expect("the address is free");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || turn_away(stream));
        }
    });
    // Ended by the tester long before.
    std::thread::sleep(MEMBER_LIVES);
}

fn turn_away(mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    while let Some(path) = request(&mut reader) {
        let (status, body) = if path.ends_with("/maintenance/status") {
            let header = r#"{"member_id":"1","raft_term":"2"}"#;
            (
                "200 OK",
                format!(r#"{{"header":{header},"version":"0","leader":"1","raftTerm":"2"}}"#),
            )
        } else {
            ("503 Service Unavailable", r#"{"error":"etcdserver: no leader","code":14}"#.to_owned())
        };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// Reads a request to its end and returns its path; nothing when there is none any more.
fn request(reader: &mut impl BufRead) -> Option<String> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    first.split(' ').nth(1).map(str::to_owned)
}
