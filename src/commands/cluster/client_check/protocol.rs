//! Whether a program keeps to the protocol of JSON lines; see `docs/client-protocol.md`.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use workloads::clients::external::{
    Broken, OPEN_WITHIN, Opening, PROTOCOL, Program, Reply, ReplyKind, Session,
};

use super::fake::{Fake, Manner, Nobody};
use super::{Finding, Subject};

/// How long a program is watched that should say nothing.
const WATCH: Duration = Duration::from_millis(300);

/// All cases; after a failed start there are no others.
///
/// # Errors
/// When an endpoint of our own cannot be opened.
pub(super) async fn check(program: &Program, subject: &Subject) -> Result<Vec<Finding>> {
    let failed = "cannot open an endpoint on 127.0.0.1";
    let nobody = Nobody::open().context(failed)?;
    let silent = Fake::open(Manner::Silent).await.context(failed)?;
    let checked = Checked { program, subject };
    let mut findings = Vec::new();
    match checked.start(nobody.address).await {
        Err(broken) => return Ok(vec![not_opened(&broken)]),
        Ok(session) => {
            findings.push(Finding::good("open", format!("ok, protocol {PROTOCOL}")));
            findings.extend(checked.manners(session).await);
        }
    }
    if let Ok(session) = checked.start(nobody.address).await {
        findings.push(end_of_input(session).await);
    }
    if let Ok(session) = checked.start(silent.address).await {
        findings.push(checked.gives_up(session).await);
    }
    Ok(findings)
}

struct Checked<'a> {
    program: &'a Program,
    subject: &'a Subject,
}

impl Checked<'_> {
    async fn start(&self, endpoint: std::net::SocketAddr) -> Result<Session, Broken> {
        let opening = Opening {
            node: 0,
            endpoints: vec![endpoint],
            process: 0,
            workload: self.subject.workload.name.to_owned(),
        };
        Session::start(self.program, &opening, self.told_ms(), OPEN_WITHIN).await
    }

    fn told_ms(&self) -> u64 {
        u64::try_from(self.subject.timeout.as_millis()).unwrap_or(u64::MAX)
    }

    fn invocation(&self, f: &str) -> serde_json::Value {
        let timeout_ms = self.told_ms();
        json!({ "type": "invoke", "f": f, "key": "check-1", "value": null, "timeout_ms": timeout_ms })
    }

    /// What it does with what it does not know, and whether it says only what it was asked.
    async fn manners(&self, mut session: Session) -> Vec<Finding> {
        let within = self.subject.timeout + OPEN_WITHIN;
        let asked = session.ask(self.invocation("no-such-function"), within).await;
        let mut findings = vec![unknown_function(&asked)];
        if asked.is_err() {
            return findings;
        }
        let mut newer = self.invocation("read");
        newer["of-a-later-version"] = json!(true);
        match session.ask(newer, within).await {
            Ok(_) => findings.push(Finding::good("an entry that it does not know", "passed over")),
            Err(broken) => {
                findings.push(Finding::wrong(
                    "an entry that it does not know",
                    broken.to_string(),
                    "pass over entries of a request that you do not know: later versions have more",
                ));
                return findings;
            }
        }
        findings.push(match session.says_more(WATCH).await {
            None => Finding::good("standard output", "answers and nothing else"),
            Some(line) => Finding::wrong(
                "standard output",
                format!("unasked: {line}"),
                "one line for each request and nothing else; words for people go to standard error",
            ),
        });
        findings.push(match session.close().await {
            true => Finding::good("close", "it ends"),
            false => Finding::wrong("close", "it does not end", "exit when told to close"),
        });
        findings
    }

    /// Whether it keeps to the time limit that it is told, by itself.
    async fn gives_up(&self, mut session: Session) -> Finding {
        const CASE: &str = "its own time limit";
        const CURE: &str = "answer info by yourself when timeout_ms has passed: a client that is \
                            silent is killed and started again, which costs time";
        let within = self.subject.timeout * 2 + Duration::from_secs(1);
        match session.ask(self.invocation("read"), within).await {
            Ok(Reply { kind, .. }) if kind != ReplyKind::Ok => {
                Finding::good(CASE, format!("{kind:?} from a silent endpoint").to_lowercase())
            }
            Ok(_) => Finding::wrong(CASE, "ok from a silent endpoint", "nothing was read"),
            Err(broken) => Finding::advice(CASE, broken.to_string(), CURE),
        }
    }
}

fn not_opened(broken: &Broken) -> Finding {
    const CASE: &str = "open";
    let cure = match broken {
        Broken::NotStarted { .. } => "give the command as you would type it, after --",
        Broken::Died { .. } => "run it by hand and paste the line of docs/client-protocol.md",
        Broken::Silent(_) => "answer every line by a line, and flush standard output after each",
        Broken::Garbage { .. } => {
            "answer {\"id\": 0, \"type\": \"open\", …} by {\"id\": 0, \"type\": \"ok\", \
             \"protocol\": 1}, in one line"
        }
    };
    Finding::wrong(CASE, broken.to_string(), cure)
}

fn unknown_function(asked: &Result<Reply, Broken>) -> Finding {
    const CASE: &str = "a function that it does not know";
    const CURE: &str = "answer {\"type\": \"fail\", \"error\": \"unsupported\"} and go on";
    match asked {
        Ok(Reply { kind: ReplyKind::Fail, .. }) => Finding::good(CASE, "fail"),
        Ok(Reply { kind: ReplyKind::Info, .. }) => Finding::advice(CASE, "info", CURE),
        Ok(_) => Finding::wrong(CASE, "ok", CURE),
        Err(broken) => Finding::wrong(CASE, broken.to_string(), CURE),
    }
}

async fn end_of_input(session: Session) -> Finding {
    const CASE: &str = "the end of its input";
    match session.end_of_input().await {
        true => Finding::good(CASE, "it ends"),
        false => Finding::wrong(
            CASE,
            "it does not end",
            "exit when standard input ends, or it outlives a tester that was killed",
        ),
    }
}
