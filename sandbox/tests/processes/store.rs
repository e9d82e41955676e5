//! The correct store.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Cluster, eventually};

#[tokio::test]
async fn clusters_of_one_two_five_and_seven_nodes_form_and_serve() {
    for nodes in [1, 2, 5, 7] {
        let cluster = Cluster::formed(nodes, None).await;
        cluster.write(nodes, "k", json!(nodes)).await;
        assert_eq!(cluster.read("/kv/k").await, json!(nodes));
        let members: Vec<_> = cluster.nodes();
        assert_eq!(cluster.status(1).await["membership"], json!(members));
    }
}

#[tokio::test]
async fn every_node_takes_every_operation() {
    let cluster = Cluster::formed(3, None).await;
    assert_eq!(cluster.read("/kv/never").await, Value::Null);
    for node in cluster.nodes() {
        cluster.write(node, "k", json!(node)).await;
        assert_eq!(cluster.read("/kv/k").await, json!(node));

        let wrong = cluster.post(node, "/kv/k/cas", json!({ "expected": "x", "new": 0 })).await;
        assert_eq!(wrong.body, json!({ "swapped": false, "value": node }));
        let right = cluster.post(node, "/kv/k/cas", json!({ "expected": node, "new": 70 })).await;
        assert_eq!(right.body, json!({ "swapped": true, "value": 70 }));
        assert_eq!(cluster.read("/kv/k").await, json!(70));

        let added = cluster.post(node, "/set/s/add", json!({ "element": node })).await;
        assert_eq!(added.status, StatusCode::OK);
    }
    assert_eq!(cluster.read("/set/s").await, json!([1, 2, 3]));
}

#[tokio::test]
async fn followers_redirect_readers_to_the_leaders_client_address() {
    let cluster = Cluster::formed(3, None).await;
    let leader = cluster.agreed().await;
    for follower in cluster.others(leader) {
        for path in ["/kv/some%20key", "/set/s"] {
            let answer = cluster.get(follower, path).await;
            assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT);
            let address = cluster.addresses(leader).client;
            assert_eq!(answer.location, Some(format!("http://{address}{path}")));
            assert_eq!(answer.body["definite"], true);
        }
    }
}

#[tokio::test]
async fn nonsense_is_refused_for_certain() {
    let cluster = Cluster::formed(1, None).await;
    let answer = cluster.post(1, "/kv/k/cas", json!({ "new": 1 })).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.body["definite"], true);
    let answer = cluster.get(1, "/nothing/here").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.body["definite"], true);
}

#[tokio::test]
async fn killing_every_node_loses_nothing_acknowledged() {
    let mut cluster = Cluster::formed(3, None).await;
    for round in 0..3 {
        for number in 0..20 {
            let node = 1 + number % 3;
            cluster.write(node, &format!("k{number}"), json!([round, number])).await;
        }
        for node in cluster.nodes() {
            cluster.kill(node);
        }
        for node in cluster.nodes() {
            cluster.start(node);
        }
        cluster.agreed().await;
        for number in 0..20 {
            let value = cluster.read(&format!("/kv/k{number}")).await;
            assert_eq!(value, json!([round, number]));
        }
    }
}

#[tokio::test]
async fn a_lagging_follower_catches_up_by_snapshot_and_all_recover_from_theirs() {
    let mut cluster = Cluster::formed(3, None).await;
    let leader = cluster.agreed().await;
    let laggard = cluster.others(leader)[0];
    cluster.kill(laggard);
    for number in 0..700 {
        cluster.write(leader, &format!("k{}", number % 10), json!(number)).await;
    }
    eventually("the log is compacted", async || {
        cluster.status(leader).await["purged"].as_u64() > Some(300)
    })
    .await;
    cluster.start(laggard);
    eventually("the laggard catches up", async || {
        let applied = cluster.status(laggard).await["last_applied"].as_u64();
        applied.is_some() && applied == cluster.status(leader).await["last_applied"].as_u64()
    })
    .await;
    assert!(cluster.log(laggard).contains("installed a snapshot"));

    // Now the laggard's copy must carry the cluster together with one other.
    for node in cluster.nodes() {
        cluster.kill(node);
    }
    cluster.start(laggard);
    cluster.start(leader);
    cluster.agreed().await;
    for key in 0..10 {
        assert_eq!(cluster.read(&format!("/kv/k{key}")).await, json!(690 + key));
    }
}

#[tokio::test]
async fn without_a_quorum_nothing_is_served_and_outcomes_stay_open() {
    let cluster = Cluster::formed(3, None).await;
    cluster.write(1, "k", json!("before")).await;
    let leader = cluster.agreed().await;
    for follower in cluster.others(leader) {
        cluster.signal(follower, "STOP");
    }
    let write = cluster.put(leader, "k", json!("meanwhile")).await;
    assert_eq!(write.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(write.body["definite"], false);
    assert!(!cluster.get(leader, "/kv/k").await.status.is_success());
    for follower in cluster.others(leader) {
        cluster.signal(follower, "CONT");
    }
    // The entry is in the leader's log, so it takes effect after all, if nobody else was elected.
    let value = cluster.read("/kv/k").await;
    assert!(value == json!("meanwhile") || value == json!("before"), "{value}");
}

#[tokio::test]
async fn a_paused_leader_serves_no_old_value_when_it_resumes() {
    let cluster = Cluster::formed(3, None).await;
    cluster.write(1, "k", json!("old")).await;
    let deposed = cluster.agreed().await;
    cluster.signal(deposed, "STOP");
    let successor = cluster.others(deposed)[0];
    cluster.write(successor, "k", json!("new")).await;
    cluster.signal(deposed, "CONT");
    let read = cluster.get(deposed, "/kv/k").await;
    assert!(!read.status.is_success() || read.body["value"] == json!("new"), "{read:?}");
    cluster.write(deposed, "k", json!("newest")).await;
    assert_eq!(cluster.read("/kv/k").await, json!("newest"));
}

#[tokio::test]
async fn a_signal_stops_a_node_with_a_banner() {
    let mut cluster = Cluster::formed(1, None).await;
    for signal in ["TERM", "INT"] {
        assert!(cluster.log(1).contains("ordeal sandbox node 1 starting"));
        cluster.signal(1, signal);
        assert!(cluster.stopped(1).await.success());
        assert!(cluster.log(1).contains(&format!("ordeal sandbox node 1 stopping: SIG{signal}")));
        cluster.start(1);
        cluster.agreed().await;
    }
}

#[tokio::test]
async fn a_node_listens_on_its_two_addresses_and_nowhere_else() {
    let cluster = Cluster::formed(3, None).await;
    cluster.write(2, "k", json!(1)).await;
    for node in cluster.nodes() {
        let given = cluster.addresses(node);
        let expected = BTreeSet::from([given.client, given.peer].map(|address| hex(&address)));
        assert_eq!(listening(cluster.pid(node)), expected);
    }
}

/// An address as `/proc/net/tcp` spells it: the bytes of the IP address reversed.
fn hex(address: &std::net::SocketAddr) -> String {
    let std::net::IpAddr::V4(ip) = address.ip() else { panic!("IPv4 only") };
    format!("{:08X}:{:04X}", u32::from_le_bytes(ip.octets()), address.port())
}

/// The local addresses of all sockets of a process that may receive from anybody.
fn listening(pid: u32) -> BTreeSet<String> {
    let links = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("the process runs");
    let targets = links.filter_map(|link| std::fs::read_link(link.ok()?.path()).ok());
    let sockets: BTreeSet<String> = targets
        .filter_map(|target| {
            let target = target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(target.to_owned())
        })
        .collect();
    let mut found = BTreeSet::new();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let text = std::fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for row in text.lines().skip(1) {
            let fields: Vec<_> = row.split_whitespace().collect();
            let open = table.starts_with("udp") || fields[3] == "0A";
            if open && sockets.contains(fields[9]) {
                found.insert(fields[1].to_owned());
            }
        }
    }
    found
}
