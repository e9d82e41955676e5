//! What a client reads and writes at a member of a real cluster, under keys of its own.

use std::net::SocketAddr;

use checker::Value;
use workloads::{Call, Client, Outcome, Reason};

use super::faulty::{read, write};
use super::{Finding, Subject};

/// Plays the workload's functions once, in an order in which each answer is known.
pub(super) async fn check(subject: &Subject, endpoint: SocketAddr) -> Vec<Finding> {
    let prefix = format!("check-{:08x}-", rand::random::<u32>());
    let mut client = subject.connect(endpoint, &prefix).open(0, 0);
    let functions = subject.workload.functions;
    let findings = if functions.contains(&"write") {
        register(client.as_mut(), subject).await
    } else if functions.contains(&"add") {
        set(client.as_mut(), subject).await
    } else {
        Vec::new()
    };
    client.close().await;
    findings
}

const READS: &str = "look at where the value is found in the answer, and how it is decoded";
const WRITES: &str = "look at what is sent, and at which answers are ok";

async fn register(client: &mut dyn Client, subject: &Subject) -> Vec<Finding> {
    let cas = |old: i64, new: i64| {
        let value = Value::Vector(vec![Value::Int(old), Value::Int(new)]);
        Call { value, ..Call { f: "cas", ..write(subject) } }
    };
    let read = read(subject);
    let mut findings = vec![
        reads(client, "a key that nobody wrote", &read, &Value::Nil).await,
        succeeds(client, "a write of 1", &write(subject)).await,
        reads(client, "what was written", &read, &Value::Int(1)).await,
    ];
    if subject.workload.functions.contains(&"cas") {
        findings.push(succeeds(client, "a compare-and-set of 1 to 2", &cas(1, 2)).await);
        findings.push(mismatches(client, "another of 1 to 3", &cas(1, 3)).await);
        findings.push(reads(client, "what was set", &read, &Value::Int(2)).await);
    }
    let other = Call { key: Some(2), ..read };
    findings.push(reads(client, "another key", &other, &Value::Nil).await);
    findings
}

async fn set(client: &mut dyn Client, subject: &Subject) -> Vec<Finding> {
    let read = read(subject);
    let two = Call { value: Value::Int(2), ..write(subject) };
    let elements =
        |elements: &[i64]| Value::Vector(elements.iter().copied().map(Value::Int).collect());
    vec![
        reads(client, "a set that nobody added to", &read, &elements(&[])).await,
        succeeds(client, "an addition of 1", &write(subject)).await,
        succeeds(client, "an addition of 2", &two).await,
        reads(client, "what was added", &read, &elements(&[1, 2])).await,
    ]
}

async fn reads(
    client: &mut dyn Client,
    case: &'static str,
    call: &Call,
    expected: &Value,
) -> Finding {
    match client.invoke(call).await {
        Outcome::Ok(value) if sorted(&value) == sorted(expected) => {
            Finding::good(case, format!("ok {value}"))
        }
        Outcome::Ok(value) => {
            Finding::wrong(case, format!("ok {value}, and {expected} is right"), READS)
        }
        Outcome::Fail(reason) | Outcome::Info(reason) => {
            Finding::wrong(case, format!("not read: {reason}"), READS)
        }
    }
}

/// A set has no order.
fn sorted(value: &Value) -> Value {
    let Value::Vector(items) = value else { return value.clone() };
    let mut items = items.clone();
    items.sort_by_key(ToString::to_string);
    Value::Vector(items)
}

async fn succeeds(client: &mut dyn Client, case: &'static str, call: &Call) -> Finding {
    match client.invoke(call).await {
        Outcome::Ok(_) => Finding::good(case, "ok"),
        Outcome::Fail(reason) => Finding::wrong(case, format!("fail ({reason})"), WRITES),
        Outcome::Info(reason) => Finding::wrong(case, format!("info ({reason})"), WRITES),
    }
}

async fn mismatches(client: &mut dyn Client, case: &'static str, call: &Call) -> Finding {
    match client.invoke(call).await {
        Outcome::Fail(reason) if reason.word() == Reason::MISMATCH => {
            Finding::good(case, "fail (mismatch)")
        }
        Outcome::Fail(reason) => Finding::advice(
            case,
            format!("fail ({reason})"),
            "call it mismatch: the member is healthy, and its clients need not back off",
        ),
        Outcome::Info(reason) => Finding::advice(
            case,
            format!("info ({reason})"),
            "the system says that it did not swap: map that to mismatch, or every miss costs a process",
        ),
        Outcome::Ok(_) => Finding::wrong(
            case,
            "ok",
            "it found another value and says that it swapped: look at what the answer says of that",
        ),
    }
}
