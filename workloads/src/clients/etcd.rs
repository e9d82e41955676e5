//! The client of etcd, through the JSON gateway of its v3 API.
//!
//! A register is a key whose value is the JSON text of what was written; a set is a key an element
//! under a common prefix, read as a range. Keys and values travel in base64. The gateway leaves
//! out fields that are false, zero or empty: a transaction whose comparison failed has no
//! `succeeded`, a range that found nothing no `kvs`. What it never leaves out is `header`, so an
//! answer without one is not etcd's.
//!
//! How its answers map to outcomes:
//!
//! | answer | read | put, transaction |
//! |---|---|---|
//! | 200 | ok | ok; `mismatch` fails a transaction that found another value |
//! | an error of [`DEFINITE_ERRORS`], an invalid argument | fail | fail |
//! | `etcdserver: request timed out`, `leader changed`, `context deadline exceeded`, any other | fail | info |
//! | no connection | fail | fail: nothing was sent |
//! | no complete answer in time | fail | info |
//!
//! The status code alone says nothing: 503 is both a request that was turned away and one that was
//! proposed and may yet be committed. etcd's own time limit is 7 s; a shorter one here keeps a
//! process from spending a whole partition on one operation.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use checker::Value;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::home::Home;
use super::http::{Answer, Line, Lines, Request, Trouble};
use super::json::{from_json, to_json};
use crate::{Call, Client, Connect, Outcome, Reason, Route};

/// Errors after which a request certainly has no effect, since etcd raises them before it hands
/// the proposal to Raft, or Raft says that it ignored it. Each is raised in one place:
/// `processInternalRaftRequestOnce` (too many requests, too large), the interceptor that runs
/// before any handler (no leader, not capable), and Raft's documented `ErrProposalDropped`.
pub const DEFINITE_ERRORS: &[&str] = &[
    "etcdserver: no leader",
    "etcdserver: not capable",
    "etcdserver: request is too large",
    "etcdserver: too many requests",
    "raft proposal dropped",
];

/// gRPC's `INVALID_ARGUMENT`: the request was refused as it was read.
const INVALID_ARGUMENT: u64 = 3;

/// What reads ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reads {
    /// The latest value; the node asks the leader whether it has it.
    #[default]
    Linearizable,
    /// Whatever the node has. Stale by design: a test that uses them must be found invalid.
    Serializable,
}

/// How clients behave.
#[derive(Clone, Debug)]
pub struct Options {
    /// The time limit of one operation, everything included.
    pub timeout_ms: u64,
    /// Which node a process talks to.
    pub route: Route,
    /// Goes before every key and names the set, so that runs do not inherit from each other.
    pub key_prefix: String,
    /// What reads ask for.
    pub reads: Reads,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            timeout_ms: 1_000,
            route: Route::Pinned,
            key_prefix: "k".to_owned(),
            reads: Reads::Linearizable,
        }
    }
}

/// Opens clients of one etcd cluster.
pub struct Etcd {
    endpoints: Arc<[SocketAddr]>,
    options: Arc<Options>,
}

impl Etcd {
    /// A cluster whose node `i + 1` serves clients at `endpoints[i]`.
    pub fn new(endpoints: Vec<SocketAddr>, options: Options) -> Etcd {
        Etcd { endpoints: endpoints.into(), options: Arc::new(options) }
    }
}

impl Connect for Etcd {
    fn open(&self, node: usize, _process: u64) -> Box<dyn Client> {
        let timeout = Duration::from_millis(self.options.timeout_ms);
        let home = Home::new(&self.endpoints, node, self.options.route, timeout);
        let lines = Lines::new(home.endpoint(), timeout);
        Box::new(EtcdClient { options: Arc::clone(&self.options), home, lines })
    }
}

struct EtcdClient {
    options: Arc<Options>,
    home: Home,
    lines: Lines,
}

#[async_trait]
impl Client for EtcdClient {
    async fn invoke(&mut self, call: &Call) -> Outcome {
        let Some(request) = request(&self.options, call) else {
            return Outcome::Fail(Reason::new(Reason::UNSUPPORTED));
        };
        let deadline = Instant::now() + Duration::from_millis(self.options.timeout_ms);
        let Some(address) = self.home.address(deadline, leader_by).await else {
            return Outcome::Fail(Reason::new(Reason::NO_LEADER));
        };
        let outcome = outcome(call, self.lines.send(address, &request, deadline).await);
        self.home.learn(&outcome);
        outcome
    }

    async fn close(&mut self) {
        self.lines.close();
    }
}

/// This member, if it says that it leads.
async fn leader_by(asked: SocketAddr, until: Instant) -> Option<SocketAddr> {
    read_status(asked, until).await.filter(Status::leads).map(|_| asked)
}

fn request(options: &Options, call: &Call) -> Option<Request> {
    let prefix = &options.key_prefix;
    let serializable = options.reads == Reads::Serializable;
    let Some(key) = call.key else { return set_request(prefix, serializable, call) };
    let key = BASE64.encode(format!("{prefix}{key}"));
    Some(match (call.f, &call.value) {
        ("read", _) => range(json!({ "key": key, "serializable": serializable })),
        ("write", value) => put(json!({ "key": key, "value": encode(value)? })),
        ("cas", Value::Vector(pair)) => {
            let [expected, new] = pair.as_slice() else { return None };
            let put = json!({ "requestPut": { "key": key, "value": encode(new)? } });
            let body = json!({ "compare": [comparison(&key, expected)?], "success": [put] });
            Request::post("/v3/kv/txn", body)
        }
        _ => return None,
    })
}

/// A key that was never written has no value to compare, only the lack of a creation.
fn comparison(key: &str, expected: &Value) -> Option<Json> {
    Some(match expected {
        Value::Nil => {
            json!({ "key": key, "target": "CREATE", "result": "EQUAL", "createRevision": "0" })
        }
        expected => {
            let value = encode(expected)?;
            json!({ "key": key, "target": "VALUE", "result": "EQUAL", "value": value })
        }
    })
}

fn set_request(name: &str, serializable: bool, call: &Call) -> Option<Request> {
    Some(match call.f {
        "read" => {
            let first = BASE64.encode(format!("{name}/"));
            // The byte after the slash is a zero: the end of everything that begins with `name/`.
            let end = BASE64.encode(format!("{name}0"));
            range(json!({ "key": first, "rangeEnd": end, "serializable": serializable }))
        }
        "add" => {
            let element = to_json(&call.value)?;
            let key = BASE64.encode(format!("{name}/{element}"));
            put(json!({ "key": key, "value": encode(&call.value)? }))
        }
        _ => return None,
    })
}

fn range(body: Json) -> Request {
    Request::post("/v3/kv/range", body)
}

fn put(body: Json) -> Request {
    Request::post("/v3/kv/put", body)
}

fn encode(value: &Value) -> Option<String> {
    Some(BASE64.encode(to_json(value)?.to_string()))
}

fn decode(pair: &Json) -> Option<Value> {
    let bytes = BASE64.decode(pair.get("value")?.as_str()?).ok()?;
    from_json(&serde_json::from_slice(&bytes).ok()?)
}

fn outcome(call: &Call, answer: Result<Answer, Trouble>) -> Outcome {
    match answer {
        Err(Trouble::Unsent(reason)) => Outcome::Fail(reason),
        Err(Trouble::Unanswered(reason)) => Outcome::unanswered(call, reason),
        Ok(answer) if answer.status == 200 => success(call, &answer)
            .unwrap_or_else(|| Outcome::unanswered(call, Reason::new(Reason::GARBAGE))),
        Ok(answer) => refusal(call, &answer),
    }
}

/// The outcome of a 200 whose body is as it should be.
fn success(call: &Call, answer: &Answer) -> Option<Outcome> {
    let body = answer.json()?;
    body.get("header")?.as_object()?;
    let found = body.get("kvs").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    Some(match (call.f, call.key) {
        ("read", None) => {
            Outcome::Ok(Value::Vector(found.iter().map(decode).collect::<Option<_>>()?))
        }
        ("read", Some(_)) => Outcome::Ok(match found.first() {
            Some(pair) => decode(pair)?,
            None => Value::Nil,
        }),
        ("cas", _) if body.get("succeeded").is_none_or(|succeeded| *succeeded == json!(false)) => {
            Outcome::Fail(Reason::new(Reason::MISMATCH))
        }
        ("cas", _) if body["succeeded"] != json!(true) => return None,
        _ => Outcome::Ok(call.value.clone()),
    })
}

fn refusal(call: &Call, answer: &Answer) -> Outcome {
    let reason = Reason::http(answer.status);
    let Some(body) = answer.json() else { return Outcome::unanswered(call, reason) };
    // Versions differ in which of the two they use; some have both.
    let text = ["error", "message"].iter().find_map(|field| body.get(field)?.as_str());
    let Some(text) = text else { return Outcome::unanswered(call, reason) };
    let invalid = body.get("code").and_then(Json::as_u64) == Some(INVALID_ARGUMENT);
    let definite = answer.status >= 400 && (invalid || DEFINITE_ERRORS.contains(&text));
    let reason = reason.with_detail(text);
    if definite { Outcome::Fail(reason) } else { Outcome::unanswered(call, reason) }
}

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The node that answers, by etcd's own number for it.
    pub member: u64,
    /// Who leads, as far as this node knows.
    pub leader: Option<u64>,
    /// Its term.
    pub term: u64,
    /// Its version, such as `3.4.23`.
    pub version: String,
}

impl Status {
    /// Whether this node believes that it leads. A deposed one may for a while.
    pub fn leads(&self) -> bool {
        self.leader == Some(self.member)
    }

    fn parse(body: &Json) -> Option<Status> {
        // 64-bit numbers are strings, and zero is left out.
        let number = |field: &Json| field.as_str().map_or(Some(0), |text| text.parse::<u64>().ok());
        Some(Status {
            member: number(body.get("header")?.get("member_id")?)?,
            leader: number(&body["leader"]).filter(|leader| *leader != 0),
            term: number(&body["raftTerm"])?,
            version: body.get("version")?.as_str()?.to_owned(),
        })
    }
}

/// Asks the node at `endpoint` how it is, over a connection of its own; `None` if it does not say
/// so within `timeout`.
pub async fn status(endpoint: SocketAddr, timeout: Duration) -> Option<Status> {
    read_status(endpoint, Instant::now() + timeout).await
}

async fn read_status(endpoint: SocketAddr, deadline: Instant) -> Option<Status> {
    let time = deadline.saturating_duration_since(Instant::now());
    let request = Request::post("/v3/maintenance/status", json!({}));
    let answer = Line::new(endpoint, 2 * time).send(&request, deadline).await.ok()?;
    if answer.status == 200 { Status::parse(&answer.json()?) } else { None }
}
