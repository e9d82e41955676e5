//! What clients make of servers that misbehave, counted on the servers' side: every call is one
//! request on one connection, whatever comes back.

use std::time::{Duration, Instant};

use crate::server::{Act, Server, answer, answer_with};
use checker::Value;
use workloads::clients::sandbox::{Options, Sandbox};
use workloads::{Call, Client, Connect, Outcome, Reason, Route};

const TIMEOUT_MS: u64 = 300;

fn read() -> Call {
    Call { f: "read", key: Some(1), value: Value::Nil }
}

fn write(value: i64) -> Call {
    Call { f: "write", key: Some(1), value: Value::Int(value) }
}

fn cas(expected: i64, new: i64) -> Call {
    let pair = vec![Value::Int(expected), Value::Int(new)];
    Call { f: "cas", key: Some(1), value: Value::Vector(pair) }
}

fn add(element: i64) -> Call {
    Call { f: "add", key: None, value: Value::Int(element) }
}

fn options() -> Options {
    Options { timeout_ms: TIMEOUT_MS, ..Options::default() }
}

fn client(server: &Server) -> Box<dyn Client> {
    Sandbox::new(vec![server.address], options()).open(0, 0)
}

fn word(outcome: &Outcome) -> (&'static str, String) {
    match outcome {
        Outcome::Ok(value) => ("ok", format!("{value:?}")),
        Outcome::Fail(reason) => ("fail", reason.word().to_owned()),
        Outcome::Info(reason) => ("info", reason.word().to_owned()),
    }
}

/// Performs a write and a read, each by a new client against a new server that acts so, and checks
/// how they end: the write `info`, the read `fail`, for the same reason and after one request each.
async fn leaves_writes_unknown(act: Act, reason: &str) {
    for (call, kind) in [(write(1), "info"), (read(), "fail"), (add(1), "info")] {
        let server = Server::start([act.clone()]).await;
        let outcome = client(&server).invoke(&call).await;
        assert_eq!(word(&outcome), (kind, reason.to_owned()), "{act:?}");
        assert_eq!(server.requests().len(), 1, "{act:?}: sent once");
        assert_eq!(server.connections(), 1, "{act:?}: one connection");
        assert!(server.comes_to_open(0).await, "{act:?}: the connection is dropped");
    }
}

#[tokio::test]
async fn a_server_that_closes_before_it_answers_leaves_writes_unknown() {
    leaves_writes_unknown(Act::Close, Reason::RESET).await;
}

#[tokio::test]
async fn a_server_that_resets_leaves_writes_unknown() {
    leaves_writes_unknown(Act::Reset, Reason::RESET).await;
}

#[tokio::test]
async fn a_server_that_never_answers_leaves_writes_unknown() {
    leaves_writes_unknown(Act::Ignore, Reason::TIMEOUT).await;
}

#[tokio::test]
async fn half_an_answer_is_no_answer() {
    let whole = answer(200, r#"{"value":1}"#);
    let head_only = whole[..20].to_owned();
    let half_body = whole[..whole.len() - 3].to_owned();
    leaves_writes_unknown(Act::SayAndClose(head_only.clone()), Reason::RESET).await;
    leaves_writes_unknown(Act::SayAndClose(half_body.clone()), Reason::TRUNCATED).await;
    leaves_writes_unknown(Act::Say(head_only), Reason::TIMEOUT).await;
    leaves_writes_unknown(Act::Say(half_body), Reason::TIMEOUT).await;
}

#[tokio::test]
async fn an_answer_that_drips_in_too_slowly_is_no_answer() {
    let started = Instant::now();
    leaves_writes_unknown(Act::Drip(answer(200, r#"{"value":1}"#)), Reason::TIMEOUT).await;
    let limit = Duration::from_millis(3 * TIMEOUT_MS + 1_500);
    assert!(started.elapsed() < limit, "the time limit covers the whole answer");
}

#[tokio::test]
async fn garbage_is_no_answer() {
    leaves_writes_unknown(Act::SayAndClose("SSH-2.0-x\r\n\r\n".into()), Reason::GARBAGE).await;
    for body in ["", "null", "[1]", "{", r#""value""#] {
        for (call, kind) in [(write(1), "info"), (read(), "fail"), (cas(1, 2), "info")] {
            let server = Server::start([Act::Say(answer(200, body))]).await;
            let outcome = client(&server).invoke(&call).await;
            assert_eq!(word(&outcome), (kind, Reason::GARBAGE.to_owned()), "{body}");
            assert_eq!(server.requests().len(), 1);
        }
    }
    let server = Server::start([Act::Say(answer(200, r#"{"swapped":"yes"}"#))]).await;
    assert_eq!(word(&client(&server).invoke(&cas(1, 2)).await).0, "info");
}

#[tokio::test]
async fn nobody_listening_fails_for_certain() {
    let address = Server::nobody().await;
    for call in [read(), write(1), cas(1, 2), add(1)] {
        let outcome = Sandbox::new(vec![address], options()).open(0, 0).invoke(&call).await;
        assert_eq!(word(&outcome), ("fail", Reason::REFUSED.to_owned()));
    }
}

#[tokio::test]
async fn an_error_is_a_failure_only_where_the_system_vouches_for_it() {
    for (body, kind) in [
        (r#"{"error":"no quorum","definite":false}"#, "info"),
        (r#"{"error":"not started","definite":true}"#, "fail"),
        (r#"{"error":"says nothing"}"#, "info"),
        ("<html>", "info"),
        ("", "info"),
    ] {
        for status in [400, 404, 408, 429, 500, 502, 503, 504] {
            let server = Server::start([Act::Say(answer(status, body))]).await;
            let outcome = client(&server).invoke(&write(1)).await;
            assert_eq!(word(&outcome), (kind, format!("http-{status}")), "{body}");
            let outcome = client(&server).invoke(&read()).await;
            assert_eq!(word(&outcome), ("fail", format!("http-{status}")), "{body}");
            assert_eq!(server.requests().len(), 2, "nothing is retried");
        }
    }
}

#[tokio::test]
async fn an_error_says_in_the_history_what_the_system_said() {
    let body = r#"{"error":"no quorum","definite":false}"#;
    let server = Server::start([Act::Say(answer(503, body))]).await;
    let Outcome::Info(reason) = client(&server).invoke(&write(1)).await else { panic!("info") };
    let expected = vec![Value::keyword("http-503"), Value::string("no quorum")];
    assert_eq!(reason.to_value(), Value::Vector(expected));
}

#[tokio::test]
async fn a_late_answer_is_never_taken_for_the_next_one() {
    let late = TIMEOUT_MS + 100;
    let server = Server::start([
        Act::SayLate(late, answer(200, r#"{"value":111}"#)),
        Act::SayLate(150, answer(200, r#"{"value":222}"#)),
    ])
    .await;
    let mut client = client(&server);
    assert_eq!(word(&client.invoke(&read()).await).1, Reason::TIMEOUT);
    assert_eq!(client.invoke(&read()).await, Outcome::Ok(Value::Int(222)));
    assert_eq!((server.requests().len(), server.connections()), (2, 2));
}

#[tokio::test]
async fn a_second_answer_to_one_request_is_never_taken_for_the_next_one() {
    let twice = answer(200, r#"{"value":1}"#).repeat(2);
    let next = answer(200, r#"{"value":2}"#);
    let server = Server::start([Act::Say(twice), Act::Say(next)]).await;
    let mut client = client(&server);
    assert_eq!(client.invoke(&read()).await, Outcome::Ok(Value::Int(1)));
    assert_eq!(client.invoke(&read()).await, Outcome::Ok(Value::Int(2)));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_redirected_read_goes_on_once_and_a_redirected_write_not_at_all() {
    let leader = Server::start([Act::Say(answer(200, r#"{"value":7}"#))]).await;
    let location = format!("location: http://{}/kv/k1\r\n", leader.address);
    let follower = Server::start([Act::Say(answer_with(307, &location, ""))]).await;
    let mut client = client(&follower);
    assert_eq!(client.invoke(&read()).await, Outcome::Ok(Value::Int(7)));
    assert_eq!(client.invoke(&read()).await, Outcome::Ok(Value::Int(7)));
    assert_eq!((follower.requests().len(), leader.requests().len()), (2, 2));
    assert_eq!((follower.connections(), leader.connections()), (1, 1), "both are kept");
    assert_eq!(word(&client.invoke(&write(1)).await), ("info", "http-307".to_owned()));
    assert_eq!((follower.requests().len(), leader.requests().len()), (3, 2));
}

#[tokio::test]
async fn redirects_in_a_loop_end_after_one() {
    let server = Server::start([Act::Ignore]).await;
    let location = format!("location: http://{}/kv/k1\r\n", server.address);
    server.set_script([Act::Say(answer_with(307, &location, ""))]);
    let outcome = client(&server).invoke(&read()).await;
    assert_eq!(word(&outcome), ("fail", Reason::REDIRECT.to_owned()));
    assert_eq!(server.requests().len(), 2);
    for location in ["", "location: nowhere\r\n", "location: http://example.invalid/kv/k1\r\n"] {
        server.set_script([Act::Say(answer_with(307, location, ""))]);
        let outcome = client(&server).invoke(&read()).await;
        assert_eq!(word(&outcome), ("fail", Reason::REDIRECT.to_owned()), "{location}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_process_has_one_connection_for_all_its_calls() {
    const CALLS: i64 = 500;
    let server = Server::start([Act::Say(answer(200, r#"{"value":1}"#))]).await;
    let mut client = client(&server);
    for value in 0..CALLS {
        let call = if value % 2 == 0 { write(value) } else { read() };
        assert!(matches!(client.invoke(&call).await, Outcome::Ok(_)));
    }
    assert_eq!(server.requests().len(), CALLS as usize, "each call is one request");
    assert_eq!(server.most_open(), 1, "never two connections at once");
    assert_eq!(server.connections(), 1);
    client.close().await;
    assert!(server.comes_to_open(0).await);
}

#[tokio::test]
async fn a_connection_that_was_lost_while_idle_is_replaced_before_anything_is_sent() {
    let server = Server::start([Act::SayAndClose(answer(200, "{}"))]).await;
    let mut client = client(&server);
    for value in 0..5 {
        assert!(server.comes_to_open(0).await);
        assert_eq!(client.invoke(&write(value)).await, Outcome::Ok(Value::Int(value)));
    }
    assert_eq!((server.requests().len(), server.connections()), (5, 5));
    assert_eq!(server.most_open(), 1);
}

#[tokio::test]
async fn two_processes_share_no_connection() {
    let server = Server::start([Act::Say(answer(200, "{}"))]).await;
    let cluster = Sandbox::new(vec![server.address], options());
    let (mut one, mut other) = (cluster.open(0, 0), cluster.open(0, 10));
    for value in 0..10 {
        one.invoke(&write(value)).await;
        other.invoke(&write(value)).await;
    }
    assert_eq!((server.requests().len(), server.connections()), (20, 2));
}

/// The environment of a process cannot be changed safely while threads run, so another test of this
/// file runs in a child whose environment names a proxy.
#[tokio::test]
async fn a_proxy_in_the_environment_is_not_used() {
    let proxy = Server::start([Act::Close]).await;
    let url = format!("http://{}", proxy.address);
    let this_file = std::env::current_exe().expect("the path of this test program");
    let mut child = tokio::process::Command::new(this_file);
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        child.env(name, &url);
    }
    child
        .args(["--exact", "misbehaving::calls_become_the_requests_of_the_sandbox"])
        .kill_on_drop(true);
    let output = child.output().await.expect("this test program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
async fn calls_become_the_requests_of_the_sandbox() {
    let server = Server::start([Act::Say(answer(200, r#"{"swapped":true,"value":[3,1]}"#))]).await;
    let mut client = client(&server);
    assert_eq!(client.invoke(&write(3)).await, Outcome::Ok(Value::Int(3)));
    assert_eq!(client.invoke(&cas(3, 4)).await, Outcome::Ok(cas(3, 4).value));
    assert_eq!(client.invoke(&add(5)).await, Outcome::Ok(Value::Int(5)));
    let elements = vec![Value::Int(3), Value::Int(1)];
    let read_set = Call { key: None, ..read() };
    assert_eq!(client.invoke(&read_set).await, Outcome::Ok(Value::Vector(elements)));
    let expected = [
        r#"put /kv/k1 http/1.1 {"value":3}"#,
        r#"post /kv/k1/cas http/1.1 {"expected":3,"new":4}"#,
        r#"post /set/k/add http/1.1 {"element":5}"#,
        "get /set/k http/1.1",
    ];
    assert_eq!(server.requests(), expected);
    server.set_script([Act::Say(answer(200, r#"{"swapped":false}"#))]);
    assert_eq!(word(&client.invoke(&cas(1, 2)).await), ("fail", Reason::MISMATCH.to_owned()));
}

#[tokio::test]
async fn by_the_leader_route_calls_go_to_whom_the_nodes_name() {
    let status = r#"{"node":1,"role":"follower","term":2,"leader":2}"#;
    let follower = Server::start([Act::Say(answer(200, status))]).await;
    let leader = Server::start([Act::Say(answer(200, r#"{"value":1}"#))]).await;
    let options = Options { route: Route::Leader, ..options() };
    let mut client =
        Sandbox::new(vec![follower.address, leader.address], options.clone()).open(0, 0);
    for value in 0..3 {
        assert_eq!(client.invoke(&write(value)).await, Outcome::Ok(Value::Int(value)));
    }
    assert_eq!((follower.requests().len(), leader.requests().len()), (1, 3));
    leader.set_script([Act::Say(answer(503, "{}")), Act::Say(answer(200, "{}"))]);
    assert_eq!(word(&client.invoke(&write(9)).await).0, "info");
    assert_eq!(word(&client.invoke(&write(9)).await).0, "ok");
    assert_eq!(follower.requests().len(), 2, "asked again after trouble");

    let mut alone = Sandbox::new(vec![Server::nobody().await], options).open(0, 0);
    assert_eq!(word(&alone.invoke(&read()).await), ("fail", Reason::NO_LEADER.to_owned()));
}
