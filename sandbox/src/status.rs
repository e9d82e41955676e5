//! `GET /status`: what a node believes.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use openraft::ServerState;
use serde::Serialize;

use crate::command::NodeId;
use crate::node::Node;

/// How long to wait for Raft's own task, which may be busy with the disk.
const PATIENCE: Duration = Duration::from_millis(200);

/// A node's view of itself and the cluster. It may be out of date: a leader cut off from all
/// others goes on believing that it leads.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    node: NodeId,
    role: &'static str,
    term: u64,
    leader: Option<NodeId>,
    last_applied: Option<u64>,
    /// `null` if Raft did not answer in time.
    commit: Option<u64>,
    snapshot: Option<u64>,
    purged: Option<u64>,
    membership: Vec<NodeId>,
    bug: Option<&'static str>,
    version: &'static str,
}

pub(crate) async fn status(State(node): State<Arc<Node>>) -> Json<Status> {
    let committed = node.raft.with_raft_state(|state| state.committed.map(|id| id.index));
    let commit = tokio::time::timeout(PATIENCE, committed).await;
    let metrics = node.raft.metrics().borrow().clone();
    Json(Status {
        node: node.config.id,
        role: role(metrics.state),
        term: metrics.current_term,
        leader: metrics.current_leader,
        last_applied: metrics.last_applied.map(|id| id.index),
        commit: commit.ok().and_then(Result::ok).flatten(),
        snapshot: metrics.snapshot.map(|id| id.index),
        purged: metrics.purged.map(|id| id.index),
        membership: metrics.membership_config.voter_ids().collect(),
        bug: node.config.bug.map(crate::Bug::name),
        version: env!("CARGO_PKG_VERSION"),
    })
}

fn role(state: ServerState) -> &'static str {
    match state {
        ServerState::Learner => "learner",
        ServerState::Follower => "follower",
        ServerState::Candidate => "candidate",
        ServerState::Leader => "leader",
        ServerState::Shutdown => "shutdown",
    }
}
