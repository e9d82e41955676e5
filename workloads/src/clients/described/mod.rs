//! The client of a system that is described, not programmed: HTTP requests from templates, and
//! conditions that say what each answer means.
//!
//! | answer | read | everything else |
//! |---|---|---|
//! | meets `info` | fail | info |
//! | meets `mismatch` (compare-and-set) | – | fail: another value was there |
//! | meets `fail` | fail | fail: the description vouches that it never takes effect |
//! | meets `nil` | ok: nobody has written | ok |
//! | meets `ok` | ok, with the value that `value` finds; without one, fail | ok; info if it was given nothing, and `value` finds nothing |
//! | anything else | fail | info |
//! | no connection | fail | fail: nothing was sent |
//! | no complete answer in time | fail | info |
//!
//! The first line that applies decides. `ok` has no default: a 200 with an error inside is too
//! common. Everything is sent once, over one connection a process, as `http` says; a redirect is an answer
//! like any other, unless the description asks for reads to be sent on, once.

mod answer;
mod request;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use checker::Value;
use serde::Deserialize;
use serde_json::Value as Json;
use tokio::time::Instant;

pub use answer::{Condition, Conditions, Extract, Pattern, Pointer};
pub use request::{
    BodyTemplate, Headers, JsonTemplate, RequestLine, RequestLineError, UnsendableError,
};

use super::home::Home;
use super::http::{Answer, Line, Lines, Request, Trouble};
use super::json::to_json;
use crate::template::{Lookup, OfCall, OfEndpoint, Scope};
use crate::{Call, Client, Connect, Outcome, Reason, Route};
use answer::Seen;
use request::build;

/// What a compare-and-set is called whose expected value is nothing, where that needs another
/// request.
pub const CAS_NIL: &str = "cas-nil";

/// One function of a workload: what is sent, and what answers mean.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Function {
    request: RequestLine<OfCall>,
    #[serde(default)]
    headers: Headers<OfCall>,
    body: Option<BodyTemplate<OfCall>>,
    ok: Conditions,
    #[serde(default)]
    nil: Conditions,
    #[serde(default)]
    mismatch: Conditions,
    #[serde(default)]
    fail: Conditions,
    #[serde(default)]
    info: Conditions,
    value: Option<Extract>,
    error: Option<Extract>,
}

impl Function {
    /// Whether it says where the value is that was read.
    pub fn finds_values(&self) -> bool {
        self.value.is_some()
    }

    /// Whether an answer can mean that nobody has written.
    pub fn tells_of_nothing(&self) -> bool {
        !self.nil.is_empty()
    }

    /// Whether an answer can mean that another value was there.
    pub fn tells_of_mismatches(&self) -> bool {
        !self.mismatch.is_empty()
    }
}

/// The functions of one workload, by name.
pub type Functions = BTreeMap<String, Function>;

/// What happens when an answer redirects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Redirects {
    /// Nothing: it is an answer like any other.
    #[default]
    Never,
    /// A read is sent on, once an operation: it can be asked twice without harm.
    FollowReadsOnce,
}

/// How a member is asked how it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StatusRequest {
    request: RequestLine<OfEndpoint>,
    #[serde(default)]
    headers: Headers<OfEndpoint>,
    body: Option<BodyTemplate<OfEndpoint>>,
    /// What shows that it believes to lead.
    leads: Option<Conditions>,
    /// What shows that it knows of a leader; by default any answer with a status 2xx.
    has_leader: Option<Conditions>,
    term: Option<Extract>,
    version: Option<Extract>,
}

/// What a member said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Whether it believes that it leads.
    pub leads: bool,
    /// Whether it knows of a leader.
    pub has_leader: bool,
    /// Its term, if it says so; otherwise 0.
    pub term: u64,
    /// Its version, if it says so.
    pub version: Option<String>,
}

impl StatusRequest {
    /// Whether leaders can be told.
    pub fn finds_leaders(&self) -> bool {
        self.leads.is_some()
    }

    /// Asks; `None` if there is no answer within `timeout`, or one that is no success.
    pub async fn ask(&self, endpoint: SocketAddr, timeout: Duration) -> Option<Status> {
        let values = Endpoint(endpoint);
        let request = build(&self.request, &[&self.headers], self.body.as_ref(), &values).ok()?;
        let deadline = Instant::now() + timeout;
        let answer = Line::new(endpoint, 2 * timeout).send(&request, deadline).await.ok()?;
        let seen = Seen::of(&answer);
        let says = |conditions: &Option<Conditions>| conditions.as_ref().map(|it| it.hold(&seen));
        let is_success = Conditions::success().hold(&seen);
        is_success.then(|| Status {
            leads: says(&self.leads).unwrap_or(false),
            has_leader: says(&self.has_leader).unwrap_or(true),
            term: self.term.as_ref().and_then(|term| term.number(&seen)).unwrap_or(0),
            version: self.version.as_ref().and_then(|version| version.text(&seen)),
        })
    }
}

struct Endpoint(SocketAddr);

impl Lookup for Endpoint {
    fn get(&self, name: &str) -> Json {
        match name {
            "host" => Json::from(self.0.ip().to_string()),
            "client_port" => Json::from(self.0.port()),
            _ => Json::from(self.0.to_string()),
        }
    }
}

/// A request of the tester itself, while a cluster is put together.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", bound = "S: Scope")]
pub struct Step<S: Scope> {
    request: RequestLine<S>,
    #[serde(default = "BTreeMap::new")]
    headers: Headers<S>,
    body: Option<BodyTemplate<S>>,
    /// What shows that it succeeded; by default any status 2xx.
    ok: Option<Conditions>,
}

impl Step<OfEndpoint> {
    /// Sends it once.
    ///
    /// # Errors
    /// What was answered instead, in a few words.
    pub async fn of_endpoint(&self, asked: SocketAddr, timeout: Duration) -> Result<(), String> {
        self.attempt(asked, &Endpoint(asked), timeout).await
    }
}

impl<S: Scope> Step<S> {
    /// Sends it once.
    ///
    /// # Errors
    /// What was answered instead, in a few words.
    pub async fn attempt(
        &self,
        endpoint: SocketAddr,
        values: &(dyn Lookup + Sync),
        timeout: Duration,
    ) -> Result<(), String> {
        let request = build(&self.request, &[&self.headers], self.body.as_ref(), values)
            .map_err(|error| error.to_string())?;
        let deadline = Instant::now() + timeout;
        match Line::new(endpoint, 2 * timeout).send(&request, deadline).await {
            Ok(answer) => {
                let seen = Seen::of(&answer);
                let ok = self.ok.clone().unwrap_or_else(Conditions::success).hold(&seen);
                if ok { Ok(()) } else { Err(heard(&seen).to_string()) }
            }
            Err(Trouble::Unsent(reason) | Trouble::Unanswered(reason)) => Err(reason.to_string()),
        }
    }
}

/// How clients behave.
#[derive(Clone, Debug)]
pub struct Options {
    /// The time limit of one operation, everything included.
    pub timeout: Duration,
    /// Which node a process talks to.
    pub route: Route,
    /// Goes before every key and names what has none, so that runs do not inherit from each other.
    pub key_prefix: String,
    /// Header lines of every request.
    pub headers: Headers<OfCall>,
    /// What happens when an answer redirects.
    pub redirects: Redirects,
    /// How a member is asked whether it leads, for [`Route::Leader`].
    pub status: Option<StatusRequest>,
}

/// Opens clients of one described cluster.
pub struct Described {
    endpoints: Arc<[SocketAddr]>,
    cluster: Arc<Cluster>,
}

struct Cluster {
    functions: Functions,
    options: Options,
}

impl Described {
    /// A cluster whose node `i + 1` serves clients at `endpoints[i]`, and which does `functions`.
    pub fn new(endpoints: Vec<SocketAddr>, functions: Functions, options: Options) -> Described {
        let cluster = Arc::new(Cluster { functions, options });
        Described { endpoints: endpoints.into(), cluster }
    }
}

impl Connect for Described {
    fn open(&self, node: usize, process: u64) -> Box<dyn Client> {
        let options = &self.cluster.options;
        let home = Home::new(&self.endpoints, node, options.route, options.timeout);
        let lines = Lines::new(home.endpoint(), options.timeout);
        Box::new(DescribedClient { cluster: Arc::clone(&self.cluster), home, process, lines })
    }
}

struct DescribedClient {
    cluster: Arc<Cluster>,
    home: Home,
    process: u64,
    lines: Lines,
}

#[async_trait]
impl Client for DescribedClient {
    async fn invoke(&mut self, call: &Call) -> Outcome {
        let cluster = Arc::clone(&self.cluster);
        let options = &cluster.options;
        let Some((function, request)) = self.request(&cluster, call) else {
            return Outcome::Fail(Reason::new(Reason::UNSUPPORTED));
        };
        let deadline = Instant::now() + options.timeout;
        let ask = |asked, until| leader_by(options.status.as_ref(), asked, until);
        let Some(address) = self.home.address(deadline, ask).await else {
            return Outcome::Fail(Reason::new(Reason::NO_LEADER));
        };
        let mut answer = self.lines.send(address, &request, deadline).await;
        if options.redirects == Redirects::FollowReadsOnce
            && !call.mutates()
            && let Ok(Answer { status: 301 | 302 | 307 | 308, location, .. }) = &answer
        {
            let Some(elsewhere) = location.as_deref().and_then(address_of) else {
                return Outcome::Fail(Reason::new(Reason::REDIRECT));
            };
            answer = self.lines.send(elsewhere, &request, deadline).await;
        }
        let outcome = outcome(call, function, answer);
        self.home.learn(&outcome);
        outcome
    }

    async fn close(&mut self) {
        self.lines.close();
    }
}

impl DescribedClient {
    /// What to send; nothing if the description has no such function, or not for such a value.
    fn request<'a>(&self, cluster: &'a Cluster, call: &Call) -> Option<(&'a Function, Request)> {
        let (key, node) = (name_of(&cluster.options.key_prefix, call), self.home.number());
        let values = Values::of(call, key, self.process, node)?;
        let apart = (call.f == "cas" && values.old.is_null())
            .then(|| cluster.functions.get(CAS_NIL))
            .flatten();
        let function = apart.or_else(|| cluster.functions.get(call.f))?;
        let headers = [&cluster.options.headers, &function.headers];
        let request = build(&function.request, &headers, function.body.as_ref(), &values).ok()?;
        Some((function, request))
    }
}

/// This member, if it says that it leads, and the description says how.
async fn leader_by(
    status: Option<&StatusRequest>,
    asked: SocketAddr,
    until: Instant,
) -> Option<SocketAddr> {
    let left = until.saturating_duration_since(Instant::now());
    status?.ask(asked, left).await.filter(|status| status.leads).map(|_| asked)
}

/// The name under which the system knows what a call is about.
pub(super) fn name_of(prefix: &str, call: &Call) -> String {
    call.key.map_or_else(|| prefix.to_owned(), |key| format!("{prefix}{key}"))
}

/// The variables of one call.
struct Values {
    key: Json,
    value: Json,
    old: Json,
    new: Json,
    process: Json,
    node: Json,
}

impl Values {
    fn of(call: &Call, key: String, process: u64, node: usize) -> Option<Values> {
        let (value, old, new) = match &call.value {
            Value::Vector(pair) => match pair.as_slice() {
                [old, new] => (Json::Null, to_json(old)?, to_json(new)?),
                _ => return None,
            },
            value => (to_json(value)?, Json::Null, Json::Null),
        };
        let node = Json::from(format!("n{node}"));
        Some(Values { key: key.into(), value, old, new, process: process.into(), node })
    }
}

impl Lookup for Values {
    fn get(&self, name: &str) -> Json {
        let value = match name {
            "key" => &self.key,
            "old" => &self.old,
            "new" => &self.new,
            "process" => &self.process,
            "node" => &self.node,
            _ => &self.value,
        };
        value.clone()
    }
}

fn outcome(call: &Call, function: &Function, answer: Result<Answer, Trouble>) -> Outcome {
    match answer {
        Err(Trouble::Unsent(reason)) => Outcome::Fail(reason),
        Err(Trouble::Unanswered(reason)) => Outcome::unanswered(call, reason),
        Ok(answer) => judged(call, function, &Seen::of(&answer)),
    }
}

/// The table at the head of this file.
fn judged(call: &Call, function: &Function, seen: &Seen<'_>) -> Outcome {
    let Function { ok, nil, mismatch, fail, info, value, .. } = function;
    let reason = || match function.error.as_ref().and_then(|error| error.text(seen)) {
        Some(said) => Reason::http(seen.answer.status).with_detail(said),
        None => heard(seen),
    };
    if info.hold(seen) {
        return Outcome::unanswered(call, reason());
    }
    if mismatch.hold(seen) {
        return Outcome::Fail(Reason::new(Reason::MISMATCH));
    }
    if fail.hold(seen) {
        return Outcome::Fail(reason());
    }
    if nil.hold(seen) {
        return Outcome::Ok(Value::Nil);
    }
    if !ok.hold(seen) {
        return Outcome::unanswered(call, reason());
    }
    // What an operation was given it cannot have got back as something else.
    let value = value.as_ref().filter(|_| call.value == Value::Nil);
    match value.map(|value| value.value(call, seen)) {
        None => Outcome::Ok(call.value.clone()),
        Some(Ok(value)) => Outcome::Ok(value),
        Some(Err(why)) => Outcome::unanswered(call, Reason::new(Reason::GARBAGE).with_detail(why)),
    }
}

/// An answer in a few words, for people.
fn heard(seen: &Seen<'_>) -> Reason {
    let reason = Reason::http(seen.answer.status);
    match seen.text().trim() {
        "" => reason,
        text => reason.with_detail(text),
    }
}

/// The address in a redirect such as `http://127.0.0.1:4001/kv/k1`.
fn address_of(location: &str) -> Option<SocketAddr> {
    let rest = location.strip_prefix("http://")?;
    rest.split('/').next()?.parse().ok()
}
