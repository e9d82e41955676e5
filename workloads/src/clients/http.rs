//! One request, sent at most once, over one connection.
//!
//! HTTP libraries try to be helpful: they retry what the server refused, follow redirects, go
//! through proxies, keep spare connections and unpack bodies. Each of these is something the
//! tester would do without the history saying so. [`Line::build`] switches off all that reqwest
//! has switches for. Two things have none:
//!
//! * *A second connection.* When a request comes before the pool has the last one's connection
//!   back, hyper dials a spare beside it. [`Dial`] stands where names are resolved, which is the
//!   first step of dialing, and lets each pool dial once; whoever needs a connection after that
//!   gets the first one back a moment later, or learns that it is gone ([`Redial`]), and then the
//!   request, which has not left, goes through a new pool. So a line has one connection at a time.
//! * *A request that was never started*, because the idle connection closed under it, is given
//!   back by hyper and sent on a new connection. It goes through the same door, and it is still
//!   sent once.
//!
//! After anything but a complete answer the pool is dropped, and with it the connection, so that a
//! late answer finds nobody. `tests/clients/misbehaving.rs` counts requests and connections on the
//! other side to prove all this.

use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub(crate) use reqwest::Method;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, LOCATION,
    TRANSFER_ENCODING,
};
use reqwest::{StatusCode, Version};
use tokio::time::{Instant, timeout_at};

use crate::Reason;

/// The largest answer that is read. A set's final read is the largest that is meant to come.
const LARGEST_ANSWER_BYTES: usize = 64 << 20;

/// How long a second dial waits for the first connection to come back.
const RETURN_MS: u64 = 50;

/// A request, built but not sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Option<Body>,
}

/// What a request carries.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Json(serde_json::Value),
    Text(String),
}

impl Request {
    /// A GET of `path`, which begins with a slash.
    pub(crate) fn get(path: impl Into<String>) -> Request {
        Request::new(Method::GET, path, None)
    }

    /// A PUT of a JSON body.
    pub(crate) fn put(path: impl Into<String>, body: serde_json::Value) -> Request {
        Request::new(Method::PUT, path, Some(Body::Json(body)))
    }

    /// A POST of a JSON body.
    pub(crate) fn post(path: impl Into<String>, body: serde_json::Value) -> Request {
        Request::new(Method::POST, path, Some(Body::Json(body)))
    }

    /// Any method of `path`, which begins with a slash.
    pub(crate) fn new(method: Method, path: impl Into<String>, body: Option<Body>) -> Request {
        Request { method, path: path.into(), headers: HeaderMap::new(), body }
    }

    /// The same with these header lines, which replace those that a request has by itself; nothing
    /// if one of them is no header line.
    pub(crate) fn with_headers(mut self, lines: &[(String, String)]) -> Option<Request> {
        for (name, value) in lines {
            let (name, value) = (name.parse::<HeaderName>().ok()?, value.parse().ok()?);
            self.headers.insert(name, value);
        }
        Some(self)
    }
}

/// A complete answer, whatever its status.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
    /// A length or chunks say where the body ends. Where only the end of the connection does (all
    /// of HTTP/1.0), half a body of a server that was killed looks like a whole one.
    pub(crate) is_delimited: bool,
}

impl Answer {
    /// The body as JSON, if it is.
    pub(crate) fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// Why there is no complete answer.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// Nothing was sent, so nothing can have happened.
    Unsent(Reason),
    /// The request may have left.
    Unanswered(Reason),
}

/// The way to one address: no connection before the first request, and one from then on.
pub(crate) struct Line {
    address: SocketAddr,
    connect_timeout: Duration,
    pool: Option<reqwest::Client>,
}

/// What the first attempt to send came to.
enum Sent {
    Answered(Answer),
    Troubled(Trouble),
    /// The old connection is gone, and the request still here.
    NotYet,
}

impl Line {
    /// A line to `address`. Connecting may take half of an operation's `timeout`, so that a
    /// connection that cannot be made is told from an answer that does not come.
    pub(crate) fn new(address: SocketAddr, timeout: Duration) -> Line {
        Line { address, connect_timeout: timeout / 2, pool: None }
    }

    /// Sends `request` once and reads the whole answer, until `deadline`.
    pub(crate) async fn send(
        &mut self,
        request: &Request,
        deadline: Instant,
    ) -> Result<Answer, Trouble> {
        let attempt = async {
            match self.attempt(request).await {
                // Whatever a fresh pool says is the answer: it has no old connection to lose.
                Sent::NotYet => self.attempt(request).await,
                sent => sent,
            }
        };
        let result = match timeout_at(deadline, attempt).await {
            Ok(Sent::Answered(answer)) => Ok(answer),
            Ok(Sent::Troubled(trouble)) => Err(trouble),
            Ok(Sent::NotYet) => Err(Trouble::Unsent(Reason::new(Reason::UNREACHABLE))),
            Err(_elapsed) => Err(Trouble::Unanswered(Reason::new(Reason::TIMEOUT))),
        };
        if result.is_err() {
            self.pool = None;
        }
        result
    }

    async fn attempt(&mut self, request: &Request) -> Sent {
        let pool = match &self.pool {
            Some(pool) => pool.clone(),
            None => match self.build() {
                Ok(pool) => self.pool.insert(pool).clone(),
                Err(error) => {
                    let reason = Reason::new(Reason::UNREACHABLE).with_detail(root(&error));
                    return Sent::Troubled(Trouble::Unsent(reason));
                }
            },
        };
        let url = format!("http://{NODE}:{}{}", self.address.port(), request.path);
        let mut builder =
            pool.request(request.method.clone(), url).header(HOST, self.address.to_string());
        builder = match &request.body {
            None => builder,
            Some(Body::Json(body)) => {
                builder.header(CONTENT_TYPE, "application/json").body(body.to_string())
            }
            Some(Body::Text(text)) => {
                builder.header(CONTENT_TYPE, "text/plain; charset=utf-8").body(text.clone())
            }
        };
        match builder.headers(request.headers.clone()).send().await {
            Ok(response) => self.read(response).await,
            Err(error) if error.is_dns() => {
                self.pool = None;
                Sent::NotYet
            }
            Err(error) => Sent::Troubled(no_answer(&error)),
        }
    }

    async fn read(&mut self, mut response: reqwest::Response) -> Sent {
        let headers = response.headers();
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let location = text(LOCATION).map(str::to_owned);
        let closes = text(CONNECTION).is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let is_chunked = text(TRANSFER_ENCODING).is_some_and(|coding| coding.ends_with("chunked"))
            && response.version() == Version::HTTP_11;
        let is_delimited = headers.contains_key(CONTENT_LENGTH)
            || is_chunked
            || matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= LARGEST_ANSWER_BYTES => {
                    body.extend_from_slice(&chunk);
                }
                Ok(None) => break,
                Ok(Some(_)) => return unanswered(Reason::new(Reason::GARBAGE)),
                Err(_) => return unanswered(Reason::new(Reason::TRUNCATED)),
            }
        }
        if closes {
            self.pool = None;
        }
        let status = response.status().as_u16();
        drop(response);
        // Gives the connection the chance to be back in its pool before the next request asks.
        tokio::task::yield_now().await;
        Sent::Answered(Answer { status, location, body, is_delimited })
    }

    fn build(&self) -> reqwest::Result<reqwest::Client> {
        let dial = Dial { address: self.address, used: AtomicBool::new(false) };
        reqwest::Client::builder()
            .dns_resolver(Arc::new(dial))
            .connect_timeout(self.connect_timeout)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(None)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .referer(false)
            .http1_only()
            .tcp_nodelay(true)
            .build()
    }
}

/// The lines of one process: one to each address that it talks to at present.
pub(crate) struct Lines {
    home: SocketAddr,
    timeout: Duration,
    open: Vec<Line>,
}

impl Lines {
    /// No connection yet; `home` is the node that the process is pinned to.
    pub(crate) fn new(home: SocketAddr, timeout: Duration) -> Lines {
        Lines { home, timeout, open: Vec::new() }
    }

    /// Sends `request` to `address`, over the line to it.
    pub(crate) async fn send(
        &mut self,
        address: SocketAddr,
        request: &Request,
        deadline: Instant,
    ) -> Result<Answer, Trouble> {
        let known = self.open.iter().position(|line| line.address == address);
        let index = known.unwrap_or_else(|| {
            // Besides the own node, the last one that a call was sent on to is enough.
            self.open.retain(|line| line.address == self.home);
            self.open.push(Line::new(address, self.timeout));
            self.open.len() - 1
        });
        self.open[index].send(request, deadline).await
    }

    /// Closes them all.
    pub(crate) fn close(&mut self) {
        self.open.clear();
    }
}

/// The host in every URL. It is no address, so that dialing has to ask [`Dial`] for one.
const NODE: &str = "node";

/// Lets a pool dial its address, once.
struct Dial {
    address: SocketAddr,
    used: AtomicBool,
}

/// A pool wanted a second connection.
#[derive(Debug, thiserror::Error)]
#[error("the connection was lost while idle")]
struct Redial;

impl Resolve for Dial {
    fn resolve(&self, _name: Name) -> Resolving {
        let again = self.used.swap(true, Ordering::Relaxed);
        // The port of the URL wins over this one, and is the same.
        let address = self.address;
        Box::pin(async move {
            if again {
                tokio::time::sleep(Duration::from_millis(RETURN_MS)).await;
                return Err(Redial.into());
            }
            Ok(Box::new(std::iter::once(address)) as Addrs)
        })
    }
}

fn unanswered(reason: Reason) -> Sent {
    Sent::Troubled(Trouble::Unanswered(reason))
}

/// Why no answer began. Only a connection that was never made proves that nothing was sent.
fn no_answer(error: &reqwest::Error) -> Trouble {
    let root = root(error);
    if error.is_connect() {
        let reason = match io_kind(error) {
            Some(io::ErrorKind::ConnectionRefused) => Reason::new(Reason::REFUSED),
            _ if error.is_timeout() => Reason::new(Reason::CONNECT_TIMEOUT),
            _ => Reason::new(Reason::UNREACHABLE).with_detail(root),
        };
        return Trouble::Unsent(reason);
    }
    // hyper's own words for an answer that cannot be parsed all say so; the choice of the word is
    // all that hangs on it.
    let reason = if io_kind(error).is_none() && root.contains("invalid") {
        Reason::new(Reason::GARBAGE).with_detail(root)
    } else {
        Reason::new(Reason::RESET)
    };
    Trouble::Unanswered(reason)
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    causes(error).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind)
}

fn root(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}
