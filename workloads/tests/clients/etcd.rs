//! The etcd client against answers that etcd gives, and against etcd itself where it is installed.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::server::{Act, Server, answer};
use checker::Value;
use workloads::clients::etcd::{DEFINITE_ERRORS, Etcd, Options, Reads, status};
use workloads::{Call, Client, Connect, Outcome, Reason, Route};

const HEADER: &str =
    r#""header":{"cluster_id":"1","member_id":"2","revision":"3","raft_term":"4"}"#;

fn read() -> Call {
    Call { f: "read", key: Some(1), value: Value::Nil }
}

fn write(value: i64) -> Call {
    Call { f: "write", key: Some(1), value: Value::Int(value) }
}

fn cas(expected: impl Into<Value>, new: i64) -> Call {
    Call { f: "cas", key: Some(1), value: Value::Vector(vec![expected.into(), Value::Int(new)]) }
}

fn add(element: i64) -> Call {
    Call::new("add", Value::Int(element))
}

fn mismatch() -> Outcome {
    Outcome::Fail(Reason::new(Reason::MISMATCH))
}

fn client(server: &Server) -> Box<dyn Client> {
    Etcd::new(vec![server.address], Options::default()).open(0, 0)
}

async fn outcome_of(call: Call, status: u16, body: &str) -> Outcome {
    let server = Server::start([Act::Say(answer(status, body))]).await;
    let outcome = client(&server).invoke(&call).await;
    assert_eq!(server.requests().len(), 1, "sent once");
    outcome
}

fn kind(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Ok(_) => "ok",
        Outcome::Fail(_) => "fail",
        Outcome::Info(_) => "info",
    }
}

#[tokio::test]
async fn only_errors_that_etcd_raises_before_raft_are_definite() {
    let error =
        |text: &str, code| format!(r#"{{"error":"{text}","message":"{text}","code":{code}}}"#);
    for (status, text, code) in [
        (503, "etcdserver: request timed out", 14),
        (503, "etcdserver: request timed out, possibly due to previous leader failure", 14),
        (503, "etcdserver: leader changed", 14),
        (500, "context deadline exceeded", 2),
        (503, "transport is closing", 14),
        (503, "etcdserver: server stopped", 14),
        (500, "unheard of", 2),
    ] {
        let outcome = outcome_of(write(1), status, &error(text, code)).await;
        assert_eq!(outcome, Outcome::Info(Reason::http(status).with_detail(text)));
        let outcome = outcome_of(read(), status, &error(text, code)).await;
        assert_eq!(outcome, Outcome::Fail(Reason::http(status).with_detail(text)));
    }
    for text in DEFINITE_ERRORS {
        assert_eq!(kind(&outcome_of(write(1), 503, &error(text, 14)).await), "fail", "{text}");
        let in_new_words = format!(r#"{{"code":14,"message":"{text}","details":[]}}"#);
        assert_eq!(kind(&outcome_of(write(1), 503, &in_new_words).await), "fail", "{text}");
    }
    assert_eq!(kind(&outcome_of(write(1), 400, &error("bad key", 3)).await), "fail");
    for body in ["", "{}", "gateway", r#"{"error":7}"#] {
        assert_eq!(kind(&outcome_of(write(1), 503, body).await), "info", "{body}");
    }
}

#[tokio::test]
async fn fields_that_are_left_out_are_false_zero_or_empty() {
    let header_only = format!("{{{HEADER}}}");
    assert_eq!(outcome_of(read(), 200, &header_only).await, Outcome::Ok(Value::Nil));
    assert_eq!(outcome_of(cas(1, 2), 200, &header_only).await, mismatch());
    assert_eq!(outcome_of(write(3), 200, &header_only).await, Outcome::Ok(Value::Int(3)));
    let empty = Outcome::Ok(Value::Vector(Vec::new()));
    assert_eq!(outcome_of(Call::new("read", Value::Nil), 200, &header_only).await, empty);
    // Without a header it is nobody's answer.
    assert_eq!(kind(&outcome_of(read(), 200, "{}").await), "fail");
    assert_eq!(kind(&outcome_of(cas(1, 2), 200, "{}").await), "info");
    assert_eq!(kind(&outcome_of(write(3), 200, "{}").await), "info");
    let odd = format!(r#"{{{HEADER},"succeeded":"perhaps"}}"#);
    assert_eq!(kind(&outcome_of(cas(1, 2), 200, &odd).await), "info");
}

#[tokio::test]
async fn serializable_reads_are_asked_for_only_where_they_are_wanted() {
    let server = Server::start([Act::Say(answer(200, &format!("{{{HEADER}}}")))]).await;
    for reads in [Reads::Linearizable, Reads::Serializable] {
        let options = Options { reads, ..Options::default() };
        Etcd::new(vec![server.address], options).open(0, 0).invoke(&read()).await;
    }
    let requests = server.requests();
    assert!(requests[0].ends_with(r#""serializable":false}"#), "{}", requests[0]);
    assert!(requests[1].ends_with(r#""serializable":true}"#), "{}", requests[1]);
}

/// One etcd node of our own on free ports; stopped when dropped.
struct Node {
    address: SocketAddr,
    _process: tokio::process::Child,
    _data: tempfile::TempDir,
}

impl Node {
    /// `None` where etcd is not installed.
    async fn start() -> Option<Node> {
        let program = Path::new("/usr/bin/etcd");
        if !program.exists() {
            return None;
        }
        let data = tempfile::tempdir().expect("a temporary directory");
        let (client, peer) = (free_address(), free_address());
        let (client_url, peer_url) = (format!("http://{client}"), format!("http://{peer}"));
        let process = tokio::process::Command::new(program)
            .arg("--data-dir")
            .arg(data.path())
            .args(["--listen-client-urls", &client_url, "--advertise-client-urls", &client_url])
            .args(["--listen-peer-urls", &peer_url, "--initial-advertise-peer-urls", &peer_url])
            .args(["--initial-cluster", &format!("default={peer_url}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("etcd can be started");
        let deadline = Instant::now() + Duration::from_secs(20);
        while !status(client, Duration::from_millis(500)).await.is_some_and(|node| node.leads()) {
            assert!(Instant::now() < deadline, "etcd did not come up");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Some(Node { address: client, _process: process, _data: data })
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("a bound socket has an address")
}

#[tokio::test]
async fn etcd_itself_understands_every_call() {
    let Some(node) = Node::start().await else {
        println!("skipped: etcd is not installed");
        return;
    };
    let leader = Options { route: Route::Leader, ..Options::default() };
    for options in [Options::default(), Options { key_prefix: "other".into(), ..leader }] {
        let mut client = Etcd::new(vec![node.address], options).open(0, 0);
        assert_eq!(client.invoke(&read()).await, Outcome::Ok(Value::Nil));
        assert_eq!(client.invoke(&cas(5, 6)).await, mismatch());
        let first = cas(Value::Nil, 1);
        assert_eq!(client.invoke(&first).await, Outcome::Ok(first.value.clone()));
        assert_eq!(client.invoke(&first).await, mismatch());
        assert_eq!(client.invoke(&write(2)).await, Outcome::Ok(Value::Int(2)));
        assert_eq!(client.invoke(&cas(1, 3)).await, mismatch());
        assert_eq!(client.invoke(&cas(2, 3)).await, Outcome::Ok(cas(2, 3).value));
        assert_eq!(client.invoke(&read()).await, Outcome::Ok(Value::Int(3)));

        let read_set = Call::new("read", Value::Nil);
        assert_eq!(client.invoke(&read_set).await, Outcome::Ok(Value::Vector(Vec::new())));
        for element in [7, -8, 7] {
            assert_eq!(client.invoke(&add(element)).await, Outcome::Ok(Value::Int(element)));
        }
        let Outcome::Ok(Value::Vector(mut elements)) = client.invoke(&read_set).await else {
            panic!("the set is read")
        };
        elements.sort_by_key(|element| matches!(element, Value::Int(7)));
        assert_eq!(elements, [Value::Int(-8), Value::Int(7)]);
    }
    let node = status(node.address, Duration::from_secs(2)).await.expect("a status");
    assert!(node.leads() && node.term > 0 && node.version.starts_with('3'));
}
