//! Each broken variant misbehaves, and in the way its table row says.

use reqwest::StatusCode;
use sandbox::Bug;
use serde_json::json;

use crate::support::{Cluster, eventually};

/// A cluster of three whose leader cannot reach a quorum: its followers are stopped. A value
/// `"before"` was written to key `k`.
async fn leader_without_quorum(bug: Option<Bug>) -> (Cluster, usize) {
    let cluster = Cluster::formed(3, bug).await;
    let leader = cluster.agreed().await;
    cluster.write(leader, "k", json!("before")).await;
    for follower in cluster.others(leader) {
        cluster.signal(follower, "STOP");
    }
    (cluster, leader)
}

#[tokio::test]
async fn stale_read_lets_followers_answer() {
    let cluster = Cluster::formed(3, Some(Bug::StaleRead)).await;
    let leader = cluster.agreed().await;
    for follower in cluster.others(leader) {
        assert_eq!(cluster.get(follower, "/kv/k").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn lease_read_lets_a_leader_without_quorum_answer() {
    let (cluster, leader) = leader_without_quorum(Some(Bug::LeaseRead)).await;
    assert_eq!(cluster.get(leader, "/kv/k").await.body["value"], json!("before"));
}

#[tokio::test]
async fn ack_before_commit_acknowledges_without_quorum_what_is_then_lost() {
    let (mut cluster, leader) = leader_without_quorum(Some(Bug::AckBeforeCommit)).await;
    let answer = cluster.put(leader, "k", json!("lost")).await;
    assert_eq!(answer.status, StatusCode::OK);
    cluster.kill(leader);
    for follower in cluster.others(leader) {
        cluster.signal(follower, "CONT");
    }
    assert_eq!(cluster.read("/kv/k").await, json!("before"));
}

#[tokio::test]
async fn fail_but_applied_calls_a_time_out_definite() {
    let (cluster, leader) = leader_without_quorum(Some(Bug::FailButApplied)).await;
    let answer = cluster.put(leader, "k", json!("after")).await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(answer.body["definite"], true);
}

#[tokio::test]
async fn amnesia_loses_acknowledged_writes_to_a_kill() {
    let mut cluster = Cluster::formed(3, Some(Bug::Amnesia)).await;
    let mut round = 0;
    eventually("an acknowledged write is lost", async || {
        round += 1;
        cluster.write(1, "k", json!(round)).await;
        for node in cluster.nodes() {
            cluster.kill(node);
        }
        for node in cluster.nodes() {
            cluster.start(node);
        }
        cluster.agreed().await;
        cluster.read("/kv/k").await != json!(round)
    })
    .await;
}

#[tokio::test]
async fn forget_vote_goes_back_to_a_term_it_voted_in() {
    let mut cluster = Cluster::formed(3, Some(Bug::ForgetVote)).await;
    cluster.write(1, "k", json!(1)).await;
    let term = cluster.status(1).await["term"].as_u64().expect("a term");
    for node in cluster.nodes() {
        cluster.kill(node);
    }
    // Alone it cannot be elected, but it can ask for votes: in the same term again.
    cluster.start(1);
    eventually("the restarted node is a candidate", async || {
        cluster.status(1).await["role"] == "candidate"
    })
    .await;
    assert!(cluster.status(1).await["term"].as_u64() <= Some(term));
}

#[tokio::test]
async fn split_cas_lets_two_swap_from_one_value() {
    let cluster = Cluster::formed(3, Some(Bug::SplitCas)).await;
    let leader = cluster.agreed().await;
    let mut round = 0;
    eventually("two swaps from one value succeed", async || {
        round += 1;
        let key = format!("k{round}");
        cluster.write(leader, &key, json!(0)).await;
        let path = format!("/kv/{key}/cas");
        let swap = |new| cluster.post(leader, &path, json!({ "expected": 0, "new": new }));
        let (one, other) = tokio::join!(swap(1), swap(2));
        one.body["swapped"] == true && other.body["swapped"] == true
    })
    .await;
}

#[tokio::test]
async fn lossy_snapshot_forgets_the_newest_entries() {
    let mut cluster = Cluster::formed(1, Some(Bug::LossySnapshot)).await;
    for number in 0..300 {
        cluster.write(1, &format!("k{number}"), json!(number)).await;
    }
    eventually("a snapshot is taken", async || cluster.status(1).await["snapshot"].is_u64()).await;
    cluster.kill(1);
    cluster.start(1);
    cluster.agreed().await;
    let mut lost = 0;
    for number in 0..300 {
        lost += u32::from(cluster.read(&format!("/kv/k{number}")).await.is_null());
    }
    assert!(lost > 0);
}
