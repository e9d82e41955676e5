//! `checker doctor`: what this machine can and cannot do, and how to get what is missing.
//!
//! Each line is one finding of `probes`, tried rather than guessed where trying is harmless. The
//! exit code answers one question: can the default `checker test` run here? It needs only the
//! `local` environment, so a machine without namespaces, etcd or a browser is still fit.

mod probes;

use crate::commands::cluster::columns;
use crate::console::Console;
use crate::exit::Exit;
use crate::systems;

/// Say what this machine can and cannot do, and how to get it
///
/// Exits with 0 when the default `checker test` can run here, with 255 when it cannot.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Look at this system too: its description, if it has one, and its program
    #[arg(long, value_name = "NAME|FILE")]
    system: Option<String>,
}

/// How a finding bears on the tester's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// There, and in order.
    Ready,
    /// Not there, or not as it should be; the default test runs without it.
    Lacking,
    /// Without this the default test cannot run.
    Fatal,
}

/// What was found about one thing.
#[derive(Debug)]
struct Finding {
    topic: &'static str,
    state: State,
    what: String,
    /// What it is wanted for, and how to get it.
    cure: Option<String>,
}

impl Finding {
    fn ready(topic: &'static str, what: impl Into<String>) -> Finding {
        Finding { topic, state: State::Ready, what: what.into(), cure: None }
    }

    fn lacking(topic: &'static str, what: impl Into<String>, cure: impl Into<String>) -> Finding {
        Finding { topic, state: State::Lacking, what: what.into(), cure: Some(cure.into()) }
    }

    fn fatal(topic: &'static str, what: impl Into<String>, cure: impl Into<String>) -> Finding {
        Finding { topic, state: State::Fatal, what: what.into(), cure: Some(cure.into()) }
    }
}

/// Probes the machine and prints what was found.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(args: &Args, console: &Console) -> anyhow::Result<Exit> {
    let mut findings = probes::all();
    findings.extend(args.system.as_deref().map(system));
    let fit = findings.iter().all(|finding| finding.state != State::Fatal);
    let mut text = table(&findings);
    text.push_str(if fit {
        "\n`checker test` can run here.\n"
    } else {
        "\n`checker test` cannot run here: see the lines marked `!!`.\n"
    });
    console.result(text)?;
    Ok(if fit { Exit::Valid } else { Exit::Broken })
}

/// A system that was asked for by name or path; without it the test that is meant cannot run.
fn system(asked: &str) -> Finding {
    const TOPIC: &str = "system";
    let found = systems::named(asked).and_then(|system| {
        system.require()?;
        Ok(format!("{}: {}", system.name(), system.about()))
    });
    match found {
        Ok(what) => Finding::ready(TOPIC, what),
        Err(error) => Finding::fatal(TOPIC, asked, format!("{error:#}")),
    }
}

/// One line a finding, its cure indented below.
fn table(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.topic.len()).max().unwrap_or(0) + 6;
    let mut text = String::new();
    for Finding { topic, state, what, cure } in findings {
        let mark = match state {
            State::Ready => "ok",
            State::Lacking => "--",
            State::Fatal => "!!",
        };
        columns::beside(&mut text, &format!("{mark}  {topic}"), width, what);
        if let Some(cure) = cure {
            columns::beside(&mut text, "", width, cure);
        }
    }
    text
}
