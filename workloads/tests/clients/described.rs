//! The client that a description makes: what it sends, and what it makes of every kind of answer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::server::{Act, Server, answer, answer_with};
use checker::Value;
use serde_json::json;
use workloads::clients::described::{Described, Function, Functions, Options, Redirects};
use workloads::{Call, Client, Connect, Outcome, Reason, Route};

fn read() -> Call {
    Call { f: "read", key: Some(1), value: Value::Nil }
}

fn write(value: i64) -> Call {
    Call { f: "write", key: Some(1), value: Value::Int(value) }
}

fn cas(old: impl Into<Value>, new: i64) -> Call {
    Call { f: "cas", key: Some(1), value: Value::Vector(vec![old.into(), Value::Int(new)]) }
}

fn functions() -> Functions {
    let described = json!({
        "read": {
            "request": "GET /kv/{key|url}",
            "headers": { "X-Process": "{process}" },
            "ok": { "status": 200 },
            "nil": { "status": 404 },
            "value": { "pointer": "/value" },
        },
        "write": {
            "request": "PUT /kv/{key}",
            "body": { "value": "{value}", "by": "{node}" },
            "ok": { "status": [200, 204] },
            "fail": [{ "json": { "/definite": true } }, { "contains": "read only" }],
            "info": { "json": { "/code": { "one-of": ["slow"] } } },
            "error": { "pointer": "/error" },
        },
        "cas": {
            "request": "POST /kv/{key}/cas?old={old}",
            "body": "{new|json}",
            "ok": { "status": "2xx", "matches": "^swapped$" },
            "mismatch": { "status": 412 },
        },
    });
    let function = |(f, it): (&String, &serde_json::Value)| {
        let function: Function = serde_json::from_value(it.clone()).expect("it is well-formed");
        (f.clone(), function)
    };
    described.as_object().expect("an object").iter().map(function).collect()
}

fn connect(endpoints: Vec<SocketAddr>, redirects: Redirects) -> Described {
    connect_with(endpoints, functions(), redirects)
}

fn connect_with(
    endpoints: Vec<SocketAddr>,
    functions: Functions,
    redirects: Redirects,
) -> Described {
    let options = Options {
        timeout: Duration::from_millis(500),
        route: Route::Pinned,
        key_prefix: "k".to_owned(),
        headers: BTreeMap::new(),
        redirects,
        status: None,
    };
    Described::new(endpoints, functions, options)
}

fn client(server: &Server) -> Box<dyn Client> {
    connect(vec![server.address], Redirects::Never).open(0, 3)
}

/// What one call comes to that is answered so, and what was sent.
async fn done(call: Call, status: u16, body: &str) -> (Outcome, String) {
    let server = Server::start([Act::Say(answer(status, body))]).await;
    let outcome = client(&server).invoke(&call).await;
    assert_eq!(server.requests().len(), 1, "sent once");
    (outcome, server.requests().remove(0))
}

async fn outcome_of(call: Call, status: u16, body: &str) -> Outcome {
    done(call, status, body).await.0
}

fn kind(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Ok(_) => "ok",
        Outcome::Fail(_) => "fail",
        Outcome::Info(_) => "info",
    }
}

#[tokio::test]
async fn requests_are_made_of_the_calls() {
    assert_eq!(done(read(), 404, "").await.1, "get /kv/k1 http/1.1");
    let sent = done(write(5), 204, "").await.1;
    assert_eq!(sent, r#"put /kv/k1 http/1.1 {"value":5,"by":"n1"}"#);
    assert_eq!(done(cas(5, 6), 412, "").await.1, "post /kv/k1/cas?old=5 http/1.1 6");
}

#[tokio::test]
async fn what_the_description_does_not_map_fails_a_read_and_leaves_the_rest_open() {
    for (status, body) in [(500, ""), (302, ""), (200, "no json"), (200, r#"{"other": 1}"#)] {
        assert_eq!(kind(&outcome_of(read(), status, body).await), "fail", "{status} {body}");
    }
    for (status, body) in [(500, ""), (202, ""), (404, r#"{"definite": false}"#)] {
        assert_eq!(kind(&outcome_of(write(5), status, body).await), "info", "{status} {body}");
    }
    assert_eq!(kind(&outcome_of(cas(5, 6), 200, "swapped not").await), "info");
}

#[tokio::test]
async fn each_kind_of_answer_comes_to_what_the_description_says() {
    assert_eq!(outcome_of(read(), 200, r#"{"value": 7}"#).await, Outcome::Ok(Value::Int(7)));
    assert_eq!(outcome_of(read(), 200, r#"{"value": null}"#).await, Outcome::Ok(Value::Nil));
    assert_eq!(outcome_of(read(), 404, "").await, Outcome::Ok(Value::Nil));
    assert_eq!(outcome_of(write(5), 200, "").await, Outcome::Ok(Value::Int(5)));
    let refused = outcome_of(write(5), 503, r#"{"definite": true, "error": "no leader"}"#).await;
    assert_eq!(refused, Outcome::Fail(Reason::http(503).with_detail("no leader")));
    assert_eq!(kind(&outcome_of(write(5), 500, "read only mode").await), "fail");
    let slow = outcome_of(write(5), 200, r#"{"code": "slow", "definite": true}"#).await;
    assert_eq!(kind(&slow), "info", "`info` comes first, then `fail`, and `ok` last");
    let swapped = outcome_of(cas(5, 6), 200, "swapped").await;
    assert_eq!(swapped, Outcome::Ok(cas(5, 6).value));
    let other = outcome_of(cas(5, 6), 412, "").await;
    assert_eq!(other, Outcome::Fail(Reason::new(Reason::MISMATCH)));
}

#[tokio::test]
async fn a_text_is_never_taken_for_the_number_that_was_written() {
    let outcome = outcome_of(read(), 200, r#"{"value": "7"}"#).await;
    let Outcome::Fail(reason) = outcome else { panic!("{outcome:?}") };
    assert_eq!(reason.word(), Reason::GARBAGE);
    assert!(reason.to_string().contains("decode = [\"int\"]"), "{reason}");
}

/// A function that reads bare numbers, as their answers' only content.
fn bare() -> Functions {
    let described = json!({
        "request": "GET /kv/{key}",
        "ok": { "status": 200 },
        "nil": { "status": 200, "body": "" },
        "value": { "decode": ["int"] },
    });
    let read = serde_json::from_value(described).expect("it is well-formed");
    Functions::from([("read".to_owned(), read)])
}

/// What a read comes to that is answered with these bytes, after which the server is gone.
async fn last_words(functions: Functions, bytes: &str) -> Outcome {
    let server = Server::start([Act::SayAndClose(bytes.to_owned())]).await;
    let client = connect_with(vec![server.address], functions, Redirects::Never);
    client.open(0, 0).invoke(&read()).await
}

#[tokio::test]
async fn half_a_number_is_never_taken_for_a_whole_one() {
    for version in ["1.0", "1.1"] {
        for body in ["12", ""] {
            let cut = format!("HTTP/{version} 200 OK\r\n\r\n{body}");
            let outcome = last_words(bare(), &cut).await;
            let Outcome::Fail(reason) = outcome else { panic!("{cut:?}: {outcome:?}") };
            assert!(reason.to_string().contains("may be cut off"), "{cut:?}: {reason}");
        }
    }
    let whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n12";
    assert_eq!(last_words(bare(), whole).await, Outcome::Ok(Value::Int(12)));
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n12\r\n0\r\n\r\n";
    assert_eq!(last_words(bare(), chunks).await, Outcome::Ok(Value::Int(12)));
    let object = "HTTP/1.0 200 OK\r\n\r\n{\"value\": 7}";
    assert_eq!(last_words(functions(), object).await, Outcome::Ok(Value::Int(7)));
    let status_alone = "HTTP/1.0 404 Not Found\r\n\r\n";
    assert_eq!(last_words(functions(), status_alone).await, Outcome::Ok(Value::Nil));
}

#[tokio::test]
async fn what_no_register_holds_is_not_read_from_one_and_nothing_is_no_set() {
    for body in [r#"{"value": [7]}"#, r#"{"value": []}"#] {
        assert_eq!(kind(&outcome_of(read(), 200, body).await), "fail", "{body}");
    }
    let all = Call::new("read", Value::Nil);
    for body in [r#"{"value": null}"#, r#"{"value": 7}"#, r#"{"value": [7, null]}"#] {
        assert_eq!(kind(&outcome_of(all.clone(), 200, body).await), "fail", "{body}");
    }
    let read = outcome_of(all, 200, r#"{"value": [7, 8]}"#).await;
    assert_eq!(read, Outcome::Ok(Value::Vector(vec![7.into(), 8.into()])));
}

#[tokio::test]
async fn nothing_is_sent_for_what_cannot_be_said() {
    let server = Server::start([Act::Say(answer(200, "swapped"))]).await;
    for call in [cas(Value::Nil, 6), Call::new("add", Value::Int(1))] {
        let outcome = client(&server).invoke(&call).await;
        assert_eq!(outcome, Outcome::Fail(Reason::new(Reason::UNSUPPORTED)));
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn no_answer_is_open_and_no_connection_is_a_failure() {
    let server = Server::start([Act::Ignore]).await;
    assert_eq!(kind(&client(&server).invoke(&write(5)).await), "info");
    assert_eq!(kind(&client(&server).invoke(&read()).await), "fail");
    let mut nobody = connect(vec![Server::nobody().await], Redirects::Never).open(0, 0);
    let refused = nobody.invoke(&write(5)).await;
    assert_eq!(refused, Outcome::Fail(Reason::new(Reason::REFUSED)));
}

#[tokio::test]
async fn reads_are_sent_on_once_if_that_is_asked_for_and_nothing_else_is() {
    let leader = Server::start([Act::Say(answer(200, r#"{"value": 7}"#))]).await;
    let location = format!("location: http://{}/kv/k1\r\n", leader.address);
    let follower = Server::start([Act::Say(answer_with(307, &location, ""))]).await;
    let follow = connect(vec![follower.address], Redirects::FollowReadsOnce);
    assert_eq!(follow.open(0, 0).invoke(&read()).await, Outcome::Ok(Value::Int(7)));
    assert_eq!(kind(&follow.open(0, 0).invoke(&write(5)).await), "info");
    assert_eq!(kind(&client(&follower).invoke(&read()).await), "fail");
    assert_eq!(leader.requests().len(), 1);
}
