//! The HTTP interface of both ports.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use openraft::error::{InstallSnapshotError, RaftError};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse,
    VoteRequest, VoteResponse,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::command::{Command, NodeId, Op, Reply, Types};
use crate::failure::{Failure, redirect};
use crate::forward::{self, Answer};
use crate::node::Node;
use crate::status;

type Shared = State<Arc<Node>>;
type Body<T> = Result<Json<T>, JsonRejection>;
type RaftAnswer<T, E = openraft::error::Infallible> = Json<Result<T, RaftError<NodeId, E>>>;

/// What clients are served.
pub(crate) fn client_router(node: Arc<Node>) -> Router {
    Router::new()
        .route("/kv/{key}", get(read_key).put(write_key))
        .route("/kv/{key}/cas", post(compare_and_set))
        .route("/set/{name}", get(read_set))
        .route("/set/{name}/add", post(add_to_set))
        .route("/status", get(status::status))
        .fallback(unknown_path)
        .with_state(node)
}

/// What other nodes are served.
pub(crate) fn peer_router(node: Arc<Node>) -> Router {
    Router::new()
        .route("/raft/append", post(append))
        .route("/raft/vote", post(vote))
        .route("/raft/snapshot", post(snapshot))
        .route(forward::PATH, post(forwarded))
        // The sender bounds its messages: entries a message, bytes a snapshot chunk.
        .layer(DefaultBodyLimit::disable())
        .with_state(node)
}

#[derive(Deserialize)]
struct Write {
    value: Value,
}

#[derive(Deserialize)]
struct CompareAndSet {
    expected: Value,
    new: Value,
}

#[derive(Deserialize)]
struct Add {
    element: Value,
}

fn body<T>(body: Body<T>) -> Result<T, Failure> {
    let Json(body) = body.map_err(|rejection| Failure::Malformed(rejection.body_text()))?;
    Ok(body)
}

async fn read_key(State(node): Shared, Path(key): Path<String>, uri: Uri) -> Response {
    let read = node.read(|state| json!({ "value": state.value(&key) })).await;
    read_response(&node, uri.path(), read)
}

async fn read_set(State(node): Shared, Path(name): Path<String>, uri: Uri) -> Response {
    let read = node.read(|state| json!({ "value": state.elements(&name) })).await;
    read_response(&node, uri.path(), read)
}

/// Followers send readers to the leader, if they know one. It is a client's matter to follow.
fn read_response(node: &Node, path: &str, read: Result<Value, Failure>) -> Response {
    match read {
        Ok(value) => Json(value).into_response(),
        Err(Failure::NotLeader { leader: Some(leader) }) if leader != node.config.id => {
            match node.config.peers.get(&leader) {
                Some(peer) => redirect(leader, &format!("http://{}{path}", peer.client)),
                None => Failure::NotLeader { leader: Some(leader) }.into_response(),
            }
        }
        Err(failure) => failure.into_response(),
    }
}

async fn write_key(
    State(node): Shared,
    Path(key): Path<String>,
    request: Body<Write>,
) -> Result<Json<Value>, Failure> {
    let Write { value } = body(request)?;
    submit(&node, Op::Write { key, value }).await
}

async fn compare_and_set(
    State(node): Shared,
    Path(key): Path<String>,
    request: Body<CompareAndSet>,
) -> Result<Json<Value>, Failure> {
    let CompareAndSet { expected, new } = body(request)?;
    submit(&node, Op::Cas { key, expected, new }).await
}

async fn add_to_set(
    State(node): Shared,
    Path(set): Path<String>,
    request: Body<Add>,
) -> Result<Json<Value>, Failure> {
    let Add { element } = body(request)?;
    submit(&node, Op::Add { set, element }).await
}

async fn submit(node: &Arc<Node>, op: Op) -> Result<Json<Value>, Failure> {
    match node.submit(op).await? {
        Reply::Done => Ok(Json(json!({ "ok": true }))),
        Reply::Cas { swapped, value } => Ok(Json(json!({ "swapped": swapped, "value": value }))),
        // Its issuer is this very request, so it cannot be settled; but a broken variant may
        // well say so, and then nobody knows what an earlier copy did.
        Reply::Expired => Err(Failure::Unknown("the operation expired".into())),
    }
}

async fn unknown_path(uri: Uri) -> Response {
    let body = json!({ "error": format!("no such path: {}", uri.path()), "definite": true });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

async fn append(
    State(node): Shared,
    Json(request): Json<AppendEntriesRequest<Types>>,
) -> Result<RaftAnswer<AppendEntriesResponse<NodeId>>, StatusCode> {
    if node.follows_rival_of(&request.vote).await {
        return Err(StatusCode::CONFLICT);
    }
    Ok(Json(node.raft.append_entries(request).await))
}

async fn vote(
    State(node): Shared,
    Json(request): Json<VoteRequest<NodeId>>,
) -> RaftAnswer<VoteResponse<NodeId>> {
    Json(node.raft.vote(request).await)
}

async fn snapshot(
    State(node): Shared,
    Json(request): Json<InstallSnapshotRequest<Types>>,
) -> Result<RaftAnswer<InstallSnapshotResponse<NodeId>, InstallSnapshotError>, StatusCode> {
    if node.follows_rival_of(&request.vote).await {
        return Err(StatusCode::CONFLICT);
    }
    Ok(Json(node.raft.install_snapshot(request).await))
}

async fn forwarded(State(node): Shared, Json(command): Json<Command>) -> Json<Answer> {
    Json(node.accept(command).await)
}
