//! The client that is a program of the user's own, in any language: one child a process, which is
//! told on its standard input what to do and says on its standard output what came of it. The
//! protocol is in `docs/client-protocol.md`.
//!
//! | what happens | read | everything else |
//! |---|---|---|
//! | it answers `ok` | ok, with the value it gives | ok |
//! | it answers `fail` | fail | fail: the program vouches that it never takes effect |
//! | it answers `info` | fail | info |
//! | it cannot be started, or not opened | fail | fail: it was never told |
//! | it ends, is silent, or says what is no answer | fail | info; it is killed, and started again for the next |
//!
//! A child is told a somewhat shorter time limit than the one it is held to, so that it can say by
//! itself that there was no answer.

mod session;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use checker::Value;
use serde_json::{Value as Json, json};

pub use session::{Broken, Opening, PROTOCOL, Program, Reply, ReplyKind, Session};

use super::described::name_of;
use super::json::{can_be_read, from_json, readable, to_json};
use crate::{Call, Client, Connect, Outcome, Reason};

/// How long a program may take to start and to open: an interpreter on a busy machine.
pub const OPEN_WITHIN: Duration = Duration::from_secs(10);

/// Opens clients that are programs.
pub struct External {
    shared: Arc<Shared>,
}

struct Shared {
    program: Program,
    endpoints: Vec<SocketAddr>,
    options: Options,
}

/// How clients behave.
#[derive(Clone, Debug)]
pub struct Options {
    /// The time limit of one operation, once its program is there.
    pub timeout: Duration,
    /// Goes before every key and names what has none, so that runs do not inherit from each other.
    pub key_prefix: String,
    /// What will be asked.
    pub workload: String,
}

impl Options {
    /// The time limit that the program is told.
    fn told_ms(&self) -> u64 {
        let told = self.timeout - self.timeout / 8;
        u64::try_from(told.as_millis()).unwrap_or(u64::MAX)
    }
}

impl External {
    /// Clients of a cluster whose node `i + 1` serves at `endpoints[i]`.
    pub fn new(program: Program, endpoints: Vec<SocketAddr>, options: Options) -> External {
        External { shared: Arc::new(Shared { program, endpoints, options }) }
    }
}

impl Connect for External {
    fn open(&self, node: usize, process: u64) -> Box<dyn Client> {
        let shared = Arc::clone(&self.shared);
        let opening = Opening {
            node: node % shared.endpoints.len(),
            endpoints: shared.endpoints.clone(),
            process,
            workload: shared.options.workload.clone(),
        };
        Box::new(ExternalClient { shared, opening, session: None })
    }
}

struct ExternalClient {
    shared: Arc<Shared>,
    opening: Opening,
    session: Option<Session>,
}

#[async_trait]
impl Client for ExternalClient {
    async fn invoke(&mut self, call: &Call) -> Outcome {
        let Some(request) = request(&self.shared.options, call) else {
            return Outcome::Fail(Reason::new(Reason::UNSUPPORTED));
        };
        let mut session = match self.session().await {
            Ok(session) => session,
            Err(broken) => {
                let reason = Reason::new(Reason::NO_CLIENT).with_detail(broken.to_string());
                return Outcome::Fail(reason);
            }
        };
        let timeout = self.shared.options.timeout;
        match session.ask(request, timeout).await {
            Ok(reply) => {
                self.session = Some(session);
                outcome(call, &reply)
            }
            // The session is dropped here, and its child killed with it.
            Err(broken) => Outcome::unanswered(call, reason_of(&broken)),
        }
    }

    async fn close(&mut self) {
        if let Some(session) = self.session.take() {
            session.close().await;
        }
    }
}

impl ExternalClient {
    /// The child that is there, or a new one.
    async fn session(&mut self) -> Result<Session, Broken> {
        if let Some(mut session) = self.session.take()
            && session.is_alive()
        {
            return Ok(session);
        }
        let Shared { program, options, .. } = self.shared.as_ref();
        Session::start(program, &self.opening, options.told_ms(), OPEN_WITHIN).await
    }
}

fn request(options: &Options, call: &Call) -> Option<Json> {
    Some(json!({
        "type": "invoke",
        "f": call.f,
        "key": name_of(&options.key_prefix, call),
        "value": argument(&call.value)?,
        "timeout_ms": options.told_ms(),
    }))
}

fn argument(value: &Value) -> Option<Json> {
    match value {
        Value::Vector(items) => items.iter().map(argument).collect::<Option<_>>().map(Json::Array),
        value => to_json(value),
    }
}

fn outcome(call: &Call, reply: &Reply) -> Outcome {
    let reason = || match &reply.error {
        Some(error) => Reason::said(error),
        None => Reason::new(Reason::UNEXPLAINED),
    };
    match reply.kind {
        ReplyKind::Fail => Outcome::Fail(reason()),
        ReplyKind::Info => Outcome::unanswered(call, reason()),
        // What an operation was given it cannot have got back as something else.
        ReplyKind::Ok if call.value != Value::Nil => Outcome::Ok(call.value.clone()),
        ReplyKind::Ok => match reply.value.as_ref().and_then(from_json) {
            Some(value) if can_be_read(call, &value) => Outcome::Ok(value),
            _ => {
                let why = format!("an ok {} needs a value: {}", call.f, readable(call));
                Outcome::unanswered(call, Reason::new(Reason::GARBAGE).with_detail(why))
            }
        },
    }
}

fn reason_of(broken: &Broken) -> Reason {
    match broken {
        Broken::Silent(_) => Reason::new(Reason::TIMEOUT),
        Broken::Garbage { .. } => Reason::new(Reason::GARBAGE).with_detail(broken.to_string()),
        _ => Reason::new(Reason::CLIENT_DIED).with_detail(broken.to_string()),
    }
}
