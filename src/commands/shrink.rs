//! `checker shrink`: the smallest part of an invalid history that is still invalid.
//!
//! What is left is a history like any other, to be attached to a bug report and judged again by
//! anybody. What was left out is told with the reason why that cannot have made it invalid.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use checker::checks::Patience;
use checker::history::write_edn;
use checker::verdict::{Anomaly, Core};
use checker::{CheckOptions, History, Op, Process, Validity, Value, Verdict, shrink};

use super::analyze::{input, options};
use super::limits::Limits;
use crate::console::Console;
use crate::exit::{BadInput, Exit};
use crate::interrupt::Interrupt;

/// Find the smallest part of an invalid history that is still invalid
///
/// It leaves out only what cannot have made the history invalid, so that the rest is invalid for
/// the same reason, and writes the rest as a history. Exits with 1 where the history is invalid,
/// and with 0 where it is valid and there is nothing to shrink.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A history as `analyze` reads it; the folder of a run; `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where to write what is left, as EDN; standard output unless given
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Which key to take, as EDN; the one that went wrong first unless given
    #[arg(long, value_name = "EDN", value_parser = options::edn)]
    key: Option<Value>,
    #[command(flatten)]
    reading: options::Reading,
    #[command(flatten)]
    limits: Limits,
}

/// Shrinks a history.
///
/// # Errors
/// When the flags contradict each other, the history cannot be read, or the rest cannot be written.
pub fn run(args: &Args, console: &Console) -> anyhow::Result<Exit> {
    args.reading.validate()?;
    let interrupt = Interrupt::listen().context("listening for ctrl-c")?;
    let budget = args.limits.budget();
    let reading = args.reading.read(&input::locate(&args.file)?, &budget)?;
    if let Some(notice) = reading.notice {
        console.say(notice);
    }
    let history = reading.history;
    let readings = args.reading.readings(&history)?;
    let mut check = args.reading.check_options(args.limits.threads());
    check.patience = Patience(args.limits.deadline());
    let judge = || checker::check_readings(&history, &readings, &check, &budget);
    let (check, verdict) = console.while_showing(
        |elapsed| format!("shrinking {}, {} s", args.file.display(), elapsed.as_secs()),
        || interrupt.cancelling(&budget, judge),
    );
    if verdict.validity != Validity::Invalid {
        let nothing = format!("{}: nothing to shrink: {}\n", args.file.display(), verdict.summary);
        match args.output {
            Some(_) => console.result(nothing)?,
            None => console.say(nothing.trim_end()),
        }
        return Ok(verdict.validity.into());
    }
    let Some((anomaly, core)) = chosen(&verdict, args.key.as_ref())? else {
        console.error(format_args!("not shrunk: {}", verdict.summary));
        return Ok(Exit::Invalid);
    };
    let rest = Rest::new(&history, &check, &verdict, anomaly, core)?;
    match &args.output {
        Some(path) => {
            std::fs::write(path, rest.file())
                .with_context(|| BadInput(format!("{} cannot be written", path.display())))?;
            console.result(rest.account(Some(path)))?;
        }
        None => {
            console.result(rest.file())?;
            console.say(rest.account(None).trim_end());
        }
    }
    Ok(Exit::Invalid)
}

/// The violation to shrink: the first, or that of a key. `None` where there is no smaller part:
/// looking for it may have taken too long.
fn chosen<'v>(
    verdict: &'v Verdict,
    key: Option<&Value>,
) -> Result<Option<(&'v Anomaly, &'v Core)>, BadInput> {
    let same = |anomaly: &&Anomaly| {
        key.is_none_or(|key| {
            anomaly.key.as_ref().is_some_and(|one| one.canonical() == key.canonical())
        })
    };
    let mut of_key = verdict.anomalies.iter().filter(same).peekable();
    if let (None, Some(key)) = (of_key.peek(), key) {
        return Err(BadInput(format!("key {key} has no violation")));
    }
    Ok(of_key.find_map(|anomaly| Some((anomaly, anomaly.examination.core.as_ref()?))))
}

/// What is left, and what is to be said about it.
struct Rest<'a> {
    events: Vec<Op>,
    /// How many operations there were.
    all: usize,
    verdict: &'a Verdict,
    anomaly: &'a Anomaly,
    core: &'a Core,
}

impl<'a> Rest<'a> {
    fn new(
        history: &History,
        check: &CheckOptions,
        verdict: &'a Verdict,
        anomaly: &'a Anomaly,
        core: &'a Core,
    ) -> anyhow::Result<Rest<'a>> {
        let events = shrink::events(history, check.independent, anomaly.key.as_ref(), core)
            .context("splitting by key, which checking did before")?;
        Ok(Rest { events, all: history.operations().len(), verdict, anomaly, core })
    }

    /// The model, as `--model` takes it.
    fn model(&self) -> &str {
        self.verdict.checker.strip_prefix("linearizable ").unwrap_or(&self.verdict.checker)
    }

    /// The history, with a head of comments.
    fn file(&self) -> String {
        let mut out = Vec::new();
        for line in self.account(None).lines() {
            out.extend_from_slice(format!("; {line}").trim_end().as_bytes());
            out.push(b'\n');
        }
        for op in &self.events {
            write_edn(op, &mut out).expect("a Vec takes any bytes");
            out.push(b'\n');
        }
        String::from_utf8(out).expect("EDN is text")
    }

    /// What is left, what is not, and why that is sound.
    fn account(&self, written: Option<&Path>) -> String {
        // Writing to a String cannot fail, here and below.
        let mut out = String::new();
        let _ = writeln!(out, "{}", self.anomaly.sentence);
        let _ = writeln!(
            out,
            "\n{} of {} operations are left, and are a violation by themselves{}:",
            self.core.operations.len(),
            self.all,
            if self.core.exhaustive { " (every order was tried)" } else { "" }
        );
        for kept in &self.core.operations {
            let _ = writeln!(out, "  {}", self.operation(kept.index));
        }
        if !self.core.left_out.is_empty() {
            let _ = writeln!(out, "\nLeft out, since it cannot have made the history invalid:");
        }
        for (reason, count) in &self.core.left_out {
            let _ = writeln!(out, "  {count:>6} that {}", reason.sentence());
        }
        if !self.core.minimal {
            let _ =
                writeln!(out, "\nTime ran out before every operation was tried: see --deadline.");
        }
        let path = written.map(|path| format!(" {}", path.display())).unwrap_or_default();
        let _ = writeln!(
            out,
            "\nJudge what is left: checker analyze --model {}{path}, with the same --init, \
             --nil-reads and --failed-cas",
            self.model()
        );
        out
    }

    /// One operation in a line: who, what, when.
    fn operation(&self, index: u64) -> String {
        let Some(at) = self.events.iter().position(|op| op.index == index) else {
            return format!("operation {index}");
        };
        let begin = &self.events[at];
        let end = self.events[at + 1..].iter().find(|op| op.process == begin.process);
        let who = match &begin.process {
            Process::Client(number) => format!("process {number}"),
            Process::Other(name) => format!("process {name}"),
        };
        let result = end.filter(|op| op.value != begin.value).map(|op| format!(" -> {}", op.value));
        let f = begin.f.name().map_or_else(|| begin.f.to_string(), str::to_owned);
        let argument = match begin.value.is_nil() {
            true => String::new(),
            false => format!(" {}", begin.value),
        };
        let outcome = end.map_or("never completed", |op| op.kind.word());
        format!(
            "{who:<12} {:<24} {outcome:<15} {}",
            format!("{f}{argument}{}", result.unwrap_or_default()),
            when(begin, end)
        )
    }
}

/// The operation's indices in the history, with times where there are any.
fn when(begin: &Op, end: Option<&Op>) -> String {
    let moment = |op: &Op| match op.time_ns {
        #[expect(clippy::cast_precision_loss, reason = "three decimals are shown")]
        time if time >= 0 => format!("{:.3} s (event {})", time as f64 / 1e9, op.index),
        _ => format!("event {}", op.index),
    };
    match end {
        Some(end) => format!("{} to {}", moment(begin), moment(end)),
        None => format!("from {} on", moment(begin)),
    }
}
