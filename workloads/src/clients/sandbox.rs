//! The client of the sandbox, Ordeal's own replicated store.
//!
//! How its answers map to outcomes:
//!
//! | answer | read | write, cas, add |
//! |---|---|---|
//! | 200 with the body that belongs to it | ok | ok; `mismatch` fails a cas that found another value |
//! | 200 with another body | fail | info |
//! | 307, to a read | asked there once | info |
//! | 4xx, 5xx with `"definite": true` | fail | fail: the sandbox vouches that it never took effect |
//! | 4xx, 5xx otherwise | fail | info |
//! | no connection | fail | fail: nothing was sent |
//! | no complete answer in time | fail | info |
//!
//! A follower does not serve reads but says who leads. That redirect is followed here, by this
//! client and at most once an operation: a read can be asked twice without harm, and it is one
//! operation that ends with one answer. Nothing else is ever asked twice.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use checker::Value;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::home::Home;
use super::http::{Answer, Line, Lines, Request, Trouble};
use super::json::{from_json, to_json};
use crate::{Call, Client, Connect, Outcome, Reason, Route};

/// How clients behave.
#[derive(Clone, Debug)]
pub struct Options {
    /// The time limit of one operation, everything included. Longer than the sandbox's own of one
    /// second: what it says when that has passed is part of what is tested.
    pub timeout_ms: u64,
    /// Which node a process talks to.
    pub route: Route,
    /// Goes before every key and names the set, so that runs do not inherit from each other.
    pub key_prefix: String,
}

impl Default for Options {
    fn default() -> Options {
        Options { timeout_ms: 1_500, route: Route::Pinned, key_prefix: "k".to_owned() }
    }
}

/// Opens clients of one sandbox cluster.
pub struct Sandbox {
    endpoints: Arc<[SocketAddr]>,
    options: Arc<Options>,
}

impl Sandbox {
    /// A cluster whose node `i + 1` serves clients at `endpoints[i]`.
    pub fn new(endpoints: Vec<SocketAddr>, options: Options) -> Sandbox {
        Sandbox { endpoints: endpoints.into(), options: Arc::new(options) }
    }
}

impl Connect for Sandbox {
    fn open(&self, node: usize, _process: u64) -> Box<dyn Client> {
        let timeout = Duration::from_millis(self.options.timeout_ms);
        let home = Home::new(&self.endpoints, node, self.options.route, timeout);
        let lines = Lines::new(home.endpoint(), timeout);
        let (endpoints, options) = (Arc::clone(&self.endpoints), Arc::clone(&self.options));
        Box::new(SandboxClient { endpoints, options, home, lines })
    }
}

struct SandboxClient {
    endpoints: Arc<[SocketAddr]>,
    options: Arc<Options>,
    home: Home,
    lines: Lines,
}

#[async_trait]
impl Client for SandboxClient {
    async fn invoke(&mut self, call: &Call) -> Outcome {
        let Some(request) = self.request(call) else {
            return Outcome::Fail(Reason::new(Reason::UNSUPPORTED));
        };
        let deadline = Instant::now() + Duration::from_millis(self.options.timeout_ms);
        let endpoints = &self.endpoints;
        let ask = |asked, until| leader_by(endpoints, asked, until);
        let Some(address) = self.home.address(deadline, ask).await else {
            return Outcome::Fail(Reason::new(Reason::NO_LEADER));
        };
        let mut answer = self.lines.send(address, &request, deadline).await;
        if let (Ok(Answer { status: 307, location, .. }), false) = (&answer, call.mutates()) {
            let Some(leader) = location.as_deref().and_then(address_of) else {
                return Outcome::Fail(Reason::new(Reason::REDIRECT));
            };
            answer = self.lines.send(leader, &request, deadline).await;
        }
        let outcome = outcome(call, answer);
        self.home.learn(&outcome);
        outcome
    }

    async fn close(&mut self) {
        self.lines.close();
    }
}

impl SandboxClient {
    fn request(&self, call: &Call) -> Option<Request> {
        let prefix = &self.options.key_prefix;
        let Some(key) = call.key else { return set_request(prefix, call) };
        let path = format!("/kv/{prefix}{key}");
        Some(match (call.f, &call.value) {
            ("read", _) => Request::get(path),
            ("write", value) => Request::put(path, json!({ "value": to_json(value)? })),
            ("cas", Value::Vector(pair)) => {
                let [expected, new] = pair.as_slice() else { return None };
                let body = json!({ "expected": to_json(expected)?, "new": to_json(new)? });
                Request::post(path + "/cas", body)
            }
            _ => return None,
        })
    }
}

/// Whom this member believes to lead.
async fn leader_by(
    endpoints: &[SocketAddr],
    asked: SocketAddr,
    until: Instant,
) -> Option<SocketAddr> {
    let leader = read_status(asked, until).await?.leader?;
    endpoints.get(usize::try_from(leader).ok()?.checked_sub(1)?).copied()
}

fn set_request(name: &str, call: &Call) -> Option<Request> {
    Some(match call.f {
        "read" => Request::get(format!("/set/{name}")),
        "add" => {
            let body = json!({ "element": to_json(&call.value)? });
            Request::post(format!("/set/{name}/add"), body)
        }
        _ => return None,
    })
}

fn outcome(call: &Call, answer: Result<Answer, Trouble>) -> Outcome {
    match answer {
        Err(Trouble::Unsent(reason)) => Outcome::Fail(reason),
        Err(Trouble::Unanswered(reason)) => Outcome::unanswered(call, reason),
        Ok(answer) if answer.status == 200 => success(call, &answer)
            .unwrap_or_else(|| Outcome::unanswered(call, Reason::new(Reason::GARBAGE))),
        Ok(answer) if answer.status == 307 && !call.mutates() => {
            Outcome::Fail(Reason::new(Reason::REDIRECT).with_detail("redirected twice"))
        }
        Ok(answer) => refusal(call, &answer),
    }
}

/// The outcome of a 200 whose body is as it should be.
fn success(call: &Call, answer: &Answer) -> Option<Outcome> {
    let body = answer.json()?;
    match call.f {
        "read" => Some(Outcome::Ok(from_json(body.get("value")?)?)),
        "cas" => Some(match body.get("swapped")?.as_bool()? {
            true => Outcome::Ok(call.value.clone()),
            false => Outcome::Fail(Reason::new(Reason::MISMATCH)),
        }),
        _ => body.is_object().then(|| Outcome::Ok(call.value.clone())),
    }
}

/// The body of an answer that is no success.
#[derive(Deserialize)]
struct Refusal {
    error: String,
    definite: bool,
}

fn refusal(call: &Call, answer: &Answer) -> Outcome {
    let reason = Reason::http(answer.status);
    match serde_json::from_slice::<Refusal>(&answer.body) {
        Ok(refusal) if refusal.definite && answer.status >= 400 => {
            Outcome::Fail(reason.with_detail(refusal.error))
        }
        Ok(refusal) => Outcome::unanswered(call, reason.with_detail(refusal.error)),
        Err(_) => Outcome::unanswered(call, reason),
    }
}

/// The address in a redirect such as `http://127.0.0.1:4001/kv/k1`.
fn address_of(location: &str) -> Option<SocketAddr> {
    let rest = location.strip_prefix("http://")?;
    rest.split('/').next()?.parse().ok()
}

/// What a node says of itself; more than this is in its answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Status {
    /// The node that answers, counted from 1.
    pub node: u64,
    /// `leader`, `follower`, ….
    pub role: String,
    /// Its term.
    pub term: u64,
    /// Who leads, as far as this node knows.
    pub leader: Option<u64>,
}

/// Asks the node at `endpoint` how it is, over a connection of its own; `None` if it does not say
/// so within `timeout`.
pub async fn status(endpoint: SocketAddr, timeout: Duration) -> Option<Status> {
    read_status(endpoint, Instant::now() + timeout).await
}

async fn read_status(endpoint: SocketAddr, deadline: Instant) -> Option<Status> {
    let time = deadline.saturating_duration_since(Instant::now());
    let answer =
        Line::new(endpoint, 2 * time).send(&Request::get("/status"), deadline).await.ok()?;
    serde_json::from_slice(&answer.body).ok().filter(|_| answer.status == 200)
}
