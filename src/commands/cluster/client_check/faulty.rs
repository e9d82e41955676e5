//! What a client makes of endpoints that misbehave.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::Instant;
use workloads::clients::external::OPEN_WITHIN;
use workloads::{Call, Outcome};

use super::fake::{Fake, Manner, Nobody};
use super::{Finding, Subject};
use checker::Value;

/// How much longer than its time limit an operation may take on a busy machine.
const MARGIN: Duration = Duration::from_secs(2);

/// All cases, one after the other.
///
/// # Errors
/// When an endpoint of our own cannot be opened.
pub(super) async fn check(subject: &Subject) -> Result<Vec<Finding>> {
    let failed = "cannot open an endpoint on 127.0.0.1";
    let nobody = Nobody::open().context(failed)?;
    let mut findings = vec![
        refused_read(invoke(subject, nobody.address, &read(subject)).await),
        refused_write(invoke(subject, nobody.address, &write(subject)).await),
    ];
    for (case, manner) in [
        ("a write to a silent endpoint", Manner::Silent),
        ("a write to one that hangs up", Manner::HangsUp),
        ("a write to one that babbles", Manner::Babbles),
    ] {
        let fake = Fake::open(manner).await.context(failed)?;
        let done = invoke(subject, fake.address, &write(subject)).await;
        findings.push(lost_write(case, subject, &done, fake.asked()));
    }
    for (case, manner) in [
        ("a read from a silent endpoint", Manner::Silent),
        ("a read from one that hangs up", Manner::HangsUp),
        ("a read from one that babbles", Manner::Babbles),
    ] {
        let fake = Fake::open(manner).await.context(failed)?;
        let done = invoke(subject, fake.address, &read(subject)).await;
        findings.push(lost_read(case, subject, &done));
    }
    Ok(findings)
}

/// What a call came to, and how long it took.
struct Done {
    outcome: Outcome,
    took: Duration,
}

impl Done {
    fn says(&self) -> String {
        match &self.outcome {
            Outcome::Ok(value) => format!("ok {value}"),
            Outcome::Fail(reason) => format!("fail ({reason})"),
            Outcome::Info(reason) => format!("info ({reason})"),
        }
    }

    fn is_late(&self, subject: &Subject) -> bool {
        let starting = subject.program().map_or(Duration::ZERO, |_| OPEN_WITHIN);
        self.took > subject.timeout + starting + MARGIN
    }
}

async fn invoke(subject: &Subject, endpoint: SocketAddr, call: &Call) -> Done {
    let mut client = subject.connect(endpoint, "check-").open(0, 0);
    let began = Instant::now();
    let outcome = client.invoke(call).await;
    let took = began.elapsed();
    client.close().await;
    Done { outcome, took }
}

/// The first function of the workload that changes something, with an argument.
pub(super) fn write(subject: &Subject) -> Call {
    let functions = subject.workload.functions;
    let f = functions.iter().find(|f| **f != "read").copied().unwrap_or("write");
    Call { key: key(subject), ..Call::new(f, Value::Int(1)) }
}

pub(super) fn read(subject: &Subject) -> Call {
    Call { key: key(subject), ..Call::new("read", Value::Nil) }
}

/// Registers are many; a set is one.
fn key(subject: &Subject) -> Option<i64> {
    subject.workload.functions.contains(&"write").then_some(1)
}

fn refused_read(done: Done) -> Finding {
    const CASE: &str = "a read where nobody listens";
    match done.outcome {
        Outcome::Ok(_) => Finding::wrong(
            CASE,
            done.says(),
            "it read nothing: say fail when the connection is refused",
        ),
        _ => Finding::good(CASE, done.says()),
    }
}

fn refused_write(done: Done) -> Finding {
    const CASE: &str = "a write where nobody listens";
    match done.outcome {
        Outcome::Ok(_) => Finding::wrong(
            CASE,
            done.says(),
            "nothing was written: say fail when a fresh connection is refused",
        ),
        Outcome::Fail(_) => Finding::good(CASE, done.says()),
        Outcome::Info(_) => Finding::advice(
            CASE,
            done.says(),
            "a fresh connection that is refused has sent nothing: say fail, which keeps the process \
             and makes the history easier to judge",
        ),
    }
}

fn lost_write(case: &'static str, subject: &Subject, done: &Done, asked: usize) -> Finding {
    if asked > 1 {
        let what = format!("{}, sent {asked} times", done.says());
        return Finding::wrong(
            case,
            what,
            "an operation is sent at most once: switch off the library's retries",
        );
    }
    if done.is_late(subject) {
        let what = format!("{} after {:.1?}", done.says(), done.took);
        return Finding::wrong(case, what, "keep to the time limit, connecting included");
    }
    match (&done.outcome, asked) {
        (Outcome::Info(_) | Outcome::Fail(_), 0) => Finding::advice(
            case,
            format!("{}, and nothing arrived", done.says()),
            "the client did not ask: see what it says. (Where a member speaks first, that is right.)",
        ),
        (Outcome::Info(_), _) => Finding::good(case, done.says()),
        (Outcome::Fail(_), _) => Finding::wrong(
            case,
            done.says(),
            "the request had arrived and may take effect, now or later: say info",
        ),
        (Outcome::Ok(_), _) => Finding::wrong(
            case,
            done.says(),
            "nobody acknowledged it: say info unless the answer says that it succeeded",
        ),
    }
}

fn lost_read(case: &'static str, subject: &Subject, done: &Done) -> Finding {
    match &done.outcome {
        Outcome::Ok(_) => Finding::wrong(
            case,
            done.says(),
            "nobody answered: say fail unless the answer has the value",
        ),
        _ if done.is_late(subject) => {
            let what = format!("{} after {:.1?}", done.says(), done.took);
            Finding::wrong(case, what, "keep to the time limit, connecting included")
        }
        _ => Finding::good(case, done.says()),
    }
}
