//! Clients that are programs: what comes of the things that they do and should not.

use std::net::SocketAddr;
use std::time::Duration;

use checker::Value;
use workloads::clients::external::{External, Options, Program};
use workloads::{Call, Client, Connect, Outcome, Reason};

const OPENED: &str = r#"read line; echo '{"id":0,"type":"ok","protocol":1}'"#;

fn read() -> Call {
    Call { f: "read", key: Some(1), value: Value::Nil }
}

fn all() -> Call {
    Call::new("read", Value::Nil)
}

fn write(value: i64) -> Call {
    Call { f: "write", key: Some(1), value: Value::Int(value) }
}

/// A client that is this shell script, once it has been opened.
fn client(after_opening: &str) -> Box<dyn Client> {
    scripted(&format!("{OPENED}\n{after_opening}"))
}

fn scripted(script: &str) -> Box<dyn Client> {
    of_words(["sh", "-c", script].map(str::to_owned).to_vec())
}

fn of_words(words: Vec<String>) -> Box<dyn Client> {
    let program = Program { words, dir: ".".into() };
    let options = Options {
        timeout: Duration::from_millis(700),
        key_prefix: "k".to_owned(),
        workload: "register".to_owned(),
    };
    let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
    External::new(program, vec![nobody], options).open(0, 3)
}

fn word(outcome: &Outcome) -> (&'static str, String) {
    match outcome {
        Outcome::Ok(value) => ("ok", value.to_string()),
        Outcome::Fail(reason) => ("fail", reason.word().to_owned()),
        Outcome::Info(reason) => ("info", reason.word().to_owned()),
    }
}

/// Answers the next request so, then stays.
fn says(reply: &str) -> String {
    format!("read line; echo '{reply}'; read line")
}

#[tokio::test]
async fn answers_are_taken_as_they_are_meant() {
    for (reply, call, expected) in [
        (r#"{"id":1,"type":"ok","value":7}"#, read(), ("ok", "7")),
        (r#"{"id":1,"type":"ok","value":null}"#, read(), ("ok", "nil")),
        (r#"{"id":1,"type":"ok","value":[1,2]}"#, all(), ("ok", "[1 2]")),
        (r#"{"id":1,"type":"ok"}"#, write(5), ("ok", "5")),
        (r#"{"id":1,"type":"ok","value":4}"#, write(5), ("ok", "5")),
        (r#"{"id":1,"type":"fail","error":"mismatch"}"#, write(5), ("fail", "mismatch")),
        (r#"{"id":1,"type":"fail"}"#, write(5), ("fail", "unexplained")),
        (r#"{"id":1,"type":"info","error":"It broke."}"#, write(5), ("info", "client-says")),
        (r#"{"id":1,"type":"info"}"#, read(), ("fail", "unexplained")),
    ] {
        let outcome = client(&says(reply)).invoke(&call).await;
        assert_eq!(word(&outcome), (expected.0, expected.1.to_owned()), "{reply}");
    }
}

#[tokio::test]
async fn what_is_no_answer_leaves_a_write_open_and_fails_a_read() {
    for reply in [
        "nonsense",
        r#"{"id":1}"#,
        r#"{"id":1,"type":"maybe"}"#,
        r#"{"id":1,"type":"ok","valu":7}"#,
        r#"{"id":2,"type":"ok","value":7}"#,
    ] {
        let said = word(&client(&says(reply)).invoke(&write(5)).await);
        assert_eq!(said, ("info", Reason::GARBAGE.to_owned()), "{reply}");
        assert_eq!(word(&client(&says(reply)).invoke(&read()).await).0, "fail", "{reply}");
    }
    let list = r#"{"id":1,"type":"ok","value":[7]}"#;
    for reply in [r#"{"id":1,"type":"ok"}"#, r#"{"id":1,"type":"ok","value":"7"}"#, list] {
        let said = word(&client(&says(reply)).invoke(&read()).await);
        assert_eq!(said, ("fail", Reason::GARBAGE.to_owned()), "{reply}");
    }
}

#[tokio::test]
async fn a_child_that_dies_or_is_silent_leaves_a_write_open() {
    let died = client("read line; echo 'out of luck' >&2; exit 3").invoke(&write(5)).await;
    assert_eq!(word(&died), ("info", Reason::CLIENT_DIED.to_owned()));
    assert!(format!("{died:?}").contains("exit status: 3"), "{died:?}");
    let silent = client("read line; read line").invoke(&write(5)).await;
    assert_eq!(word(&silent), ("info", Reason::TIMEOUT.to_owned()));
    let silent = client("read line; read line").invoke(&read()).await;
    assert_eq!(word(&silent), ("fail", Reason::TIMEOUT.to_owned()));
}

#[tokio::test]
async fn a_program_that_was_never_told_did_nothing() {
    let absent = of_words(vec!["/no/such/program".to_owned()]).invoke(&write(5)).await;
    assert_eq!(word(&absent), ("fail", Reason::NO_CLIENT.to_owned()));
    for script in ["exit 1", r#"read line; echo '{"id":0,"type":"ok","protocol":2}'; read line"#] {
        let refused = scripted(script).invoke(&write(5)).await;
        assert_eq!(word(&refused), ("fail", Reason::NO_CLIENT.to_owned()), "{script}");
    }
}

#[tokio::test]
async fn a_late_answer_is_not_taken_for_the_next_one() {
    let late = r#"read line
        echo '{"id":0,"type":"ok","value":6}'
        echo '{"id":1,"type":"ok","value":7}'
        read line"#;
    assert_eq!(word(&client(late).invoke(&read()).await), ("ok", "7".to_owned()));
}

#[tokio::test]
async fn after_a_child_has_died_the_next_operation_has_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen").display().to_string();
    // Dies of its first request the first time it is started, and answers the second time.
    let mut client = client(&format!(
        "read line; test -e {seen} || {{ touch {seen}; exit 1; }}; \
         echo '{{\"id\":1,\"type\":\"ok\",\"value\":7}}'; read line"
    ));
    assert_eq!(word(&client.invoke(&read()).await).0, "fail");
    assert_eq!(word(&client.invoke(&read()).await), ("ok", "7".to_owned()));
    client.close().await;
}
