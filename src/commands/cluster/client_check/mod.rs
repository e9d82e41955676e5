//! `checker client-check`: whether a client does what verdicts rest on, before a cluster is tested
//! with it.
//!
//! A verdict is worth what the clients' outcomes are worth: a `fail` that took effect after all, or
//! a request that is sent twice, makes a correct system look broken or a broken one correct. The
//! cases here are of three kinds. Endpoints of our own refuse, stay silent, hang up and talk
//! nonsense, and it is seen what the client makes of that and how often it sends (`faulty`). A program
//! that speaks JSON lines is also held to its protocol (`protocol`). With `--endpoint`, a member of a
//! real cluster is written to and read (`live`).

mod fake;
mod faulty;
mod live;
mod protocol;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use workloads::clients::external::{External, Options, Program};
use workloads::{Connect, Route, Workload};

use crate::commands::cluster::columns;
use crate::console::Console;
use crate::exit::{BadInput, Exit};
use crate::host_port::HostPort;
use crate::scenario::{Scenario, Span};
use crate::systems::{self, System, Terms};

/// Check that a client can be trusted: what it says when an endpoint refuses, is silent or lies
///
/// Takes a system (its client is checked), or after `--` the command of a program that speaks
/// JSON lines (docs/client-protocol.md). Nothing has to run: endpoints that misbehave are ours. With
/// `--endpoint` the client also writes to and reads from a real member, under keys of its own.
///
/// Exits with 0 if nothing is wrong, with 1 if something is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  checker client-check -- python3 examples/client/sandbox_client.py
  checker client-check --system ./mine.toml
  checker client-check --system ./mine.toml --endpoint 127.0.0.1:2379")]
pub struct Args {
    /// The system whose client is checked: a name, or the path of a description
    #[arg(long, value_name = "NAME|FILE", required_unless_present = "command")]
    system: Option<String>,
    /// A program that speaks JSON lines
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "system")]
    command: Vec<String>,
    /// What it is asked to do (see `checker list`)
    #[arg(long, short, default_value = "register")]
    workload: String,
    /// A member of a real cluster, to be written to and read
    #[arg(long, value_name = "HOST:PORT")]
    endpoint: Option<HostPort>,
    /// How long the client waits for an answer
    #[arg(long, value_name = "1s", default_value = "1s")]
    timeout: Span,
}

/// What came of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    case: &'static str,
    state: State,
    /// What was seen.
    what: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Good,
    /// Not wrong, but worth a change.
    Advice(&'static str),
    /// Verdicts would be wrong, or the test could not run; with what to do.
    Wrong(&'static str),
}

impl Finding {
    fn good(case: &'static str, what: impl Into<String>) -> Finding {
        Finding { case, state: State::Good, what: what.into() }
    }

    fn advice(case: &'static str, what: impl Into<String>, cure: &'static str) -> Finding {
        Finding { case, state: State::Advice(cure), what: what.into() }
    }

    fn wrong(case: &'static str, what: impl Into<String>, cure: &'static str) -> Finding {
        Finding { case, state: State::Wrong(cure), what: what.into() }
    }
}

/// A client that is checked.
struct Subject {
    workload: &'static Workload,
    timeout: Duration,
    kind: Kind,
}

enum Kind {
    /// The client of a system.
    System(Arc<dyn System>),
    /// A program by itself.
    Program(Program),
}

impl Subject {
    fn of(args: &Args) -> Result<Subject> {
        let workload = workloads::find(&args.workload).with_context(|| {
            let names: Vec<&str> = workloads::ALL.iter().map(|workload| workload.name).collect();
            format!("no workload {:?}; there is: {}", args.workload, names.join(", "))
        })?;
        let kind = match &args.system {
            Some(system) => {
                let (system, workload) = (system.clone(), args.workload.clone());
                let scenario = Scenario { system, workload, ..Scenario::default() };
                Kind::System(systems::find(&scenario)?)
            }
            None => Kind::Program(Program { words: args.command.clone(), dir: ".".into() }),
        };
        Ok(Subject { workload, timeout: args.timeout.0, kind })
    }

    /// Clients that talk to `endpoint`, with keys that begin so.
    fn connect(&self, endpoint: SocketAddr, key_prefix: &str) -> Arc<dyn Connect> {
        match &self.kind {
            Kind::System(system) => {
                let terms = Terms {
                    timeout: self.timeout,
                    route: Route::Pinned,
                    bug: None,
                    workload: self.workload.name.to_owned(),
                    key_prefix: key_prefix.to_owned(),
                };
                system.connect(&[endpoint], &terms)
            }
            Kind::Program(program) => {
                let options = Options {
                    timeout: self.timeout,
                    key_prefix: key_prefix.to_owned(),
                    workload: self.workload.name.to_owned(),
                };
                Arc::new(External::new(program.clone(), vec![endpoint], options))
            }
        }
    }

    /// The program, if the client is one.
    fn program(&self) -> Option<Program> {
        match &self.kind {
            Kind::System(system) => system.client_program(),
            Kind::Program(program) => Some(program.clone()),
        }
    }
}

/// Plays all cases and prints what came of them.
///
/// # Errors
/// When there is nothing to check, or no endpoint of our own can be opened.
pub fn run(args: &Args, console: &Console) -> Result<Exit> {
    let subject = Subject::of(args).map_err(|error| BadInput(format!("{error:#}")))?;
    let endpoint = args.endpoint.as_ref().map(HostPort::resolve).transpose();
    let endpoint = endpoint.map_err(|error| BadInput(format!("--endpoint: {error}")))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let findings = runtime.block_on(all(&subject, endpoint))?;
    let is_sound = findings.iter().all(|finding| !matches!(finding.state, State::Wrong(_)));
    let mut text = table(&findings);
    text.push_str(match (is_sound, endpoint) {
        (true, Some(_)) => "\nThis client can be trusted with a test.\n",
        (true, None) => "\nNothing is wrong so far; --endpoint HOST:PORT also writes and reads.\n",
        (false, _) => "\nVerdicts of this client would mean nothing: see the lines marked `!!`.\n",
    });
    console.result(text)?;
    Ok(if is_sound { Exit::Valid } else { Exit::Invalid })
}

async fn all(subject: &Subject, endpoint: Option<SocketAddr>) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if let Some(program) = subject.program() {
        findings.extend(protocol::check(&program, subject).await?);
        if findings.iter().any(|finding| matches!(finding.state, State::Wrong(_))) {
            return Ok(findings); // What does not keep to the protocol cannot be asked anything.
        }
    }
    findings.extend(faulty::check(subject).await?);
    if let Some(endpoint) = endpoint {
        findings.extend(live::check(subject, endpoint).await);
    }
    Ok(findings)
}

/// One line a finding, its cure indented below.
fn table(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.case.len()).max().unwrap_or(0) + 6;
    let mut text = String::new();
    for Finding { case, state, what } in findings {
        let (mark, cure) = match state {
            State::Good => ("ok", None),
            State::Advice(cure) => ("--", Some(cure)),
            State::Wrong(cure) => ("!!", Some(cure)),
        };
        columns::beside(&mut text, &format!("{mark}  {case}"), width, what);
        if let Some(cure) = cure {
            columns::beside(&mut text, "", width, cure);
        }
    }
    text
}
