//! `checker analyze`: judges histories that Ordeal, Jepsen or anything else recorded.
//!
//! One history gets the whole explanation, several get one line each, which scripts can read:
//! path, TAB, verdict, TAB, detail. Every history is judged on its own with its own budget, so one
//! that cannot be read, or takes too long, costs the others nothing; the exit code is the worst of
//! all. The verdict is told when its proof has been verified (`certify`), and before any report is
//! drawn: drawing can fail, and may not change it.

mod certify;
pub(super) mod input;
pub(super) mod options;
mod render;
mod stream;
mod within;

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use checker::verdict::Reason;
use checker::{History, Verdict};

use super::limits::Limits;
use crate::console::Console;
use crate::exit::{BadInput, Exit, GaveUp};
use crate::interrupt::Interrupt;
use crate::report;
use render::Rendered;

/// Judge recorded histories
///
/// With one history the verdict is explained, with several there is one line each:
/// path, TAB, `valid`, `invalid` or `unknown`, TAB, detail.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Histories in EDN, JSON, JSON lines or Jepsen's log lines, plain, .gz or .zst; the folder of a run;
    /// `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How to print the verdict
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: render::Format,
    /// Exit with 2 where a valid verdict means nothing, since no acknowledged write was ever read
    #[arg(long)]
    reject_vacuous: bool,
    /// Write the report (pages, plots, results) into this folder; with several histories, into one
    /// folder each inside
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write the proof of the verdict into this file, for `checker verify`; needs a single history
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Judge while reading, in bounded memory, however long the history is: no report, no
    /// certificate, and a violation is only named, not explained; `-` may still be growing
    #[arg(long, conflicts_with_all = ["out", "certificate"])]
    stream: bool,
    #[command(flatten)]
    reading: options::Reading,
    #[command(flatten)]
    limits: Limits,
}

/// A history with what was found about it.
struct Judged {
    history: History,
    verdict: Verdict,
}

impl Judged {
    /// A history that would have cost too much to read.
    fn unread(gave_up: GaveUp) -> Judged {
        let history = History::from_ops(Vec::new()).expect("no operation contradicts another");
        let summary = format!("unknown: {}", gave_up.told);
        Judged {
            history,
            verdict: Verdict { summary, ..Verdict::undecided("none", gave_up.reason) },
        }
    }
}

/// Judges each of the files.
///
/// # Errors
/// When the flags contradict each other, or the only history cannot be read.
pub fn run(args: &Args, console: &Console) -> anyhow::Result<Exit> {
    args.reading.validate()?;
    if args.certificate.is_some() && args.files.len() > 1 {
        return Err(BadInput("--certificate is for one history, not several".to_owned()).into());
    }
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out)
            .with_context(|| BadInput(format!("--out {} cannot be made", out.display())))?;
    }
    let interrupt = Interrupt::listen().context("listening for ctrl-c")?;
    let bench = Bench { args, console, interrupt };
    match args.files.as_slice() {
        [only] if args.stream => bench.stream(only),
        _ if args.stream => {
            Err(BadInput("--stream is for one history, not several".to_owned()).into())
        }
        [only] => bench.explain(only),
        several => bench.list(several),
    }
}

/// Where judging happens: what was asked for, and whom to tell.
struct Bench<'a> {
    args: &'a Args,
    console: &'a Console,
    interrupt: Interrupt,
}

impl Bench<'_> {
    /// The whole verdict on one history.
    fn explain(&self, path: &Path) -> anyhow::Result<Exit> {
        let judged = self.judge(path)?;
        let found = Exit::from(judged.verdict.validity);
        self.interrupt.found(found);
        let input = report_input(path, &judged);
        let rendered = match self.args.format {
            render::Format::Text => {
                let axes = input.axes();
                let colour = match self.console.colors() {
                    true => report::Colour::Ansi,
                    false => report::Colour::Never,
                };
                report::text(&input, &axes, self.args.out.as_deref(), colour)
            }
            format => render::document(format, None, Rendered::Verdict(&judged.verdict)),
        };
        let shown = self.shown(self.console.result(rendered));
        if let Some(out) = &self.args.out {
            self.write_report(out, &input);
        }
        Ok(found.max(shown))
    }

    /// The verdict on one history that is not kept.
    fn stream(&self, path: &Path) -> anyhow::Result<Exit> {
        let name = path.display();
        let budget = self.args.limits.budget();
        let judge = || stream::Stream::new(&self.args.reading, &budget).judge(path);
        let streamed = self
            .console
            .while_showing(
                |elapsed| format!("judging {name} while reading, {} s", elapsed.as_secs()),
                || self.interrupt.cancelling(&budget, judge),
            )
            .with_context(|| name.to_string())?;
        if let Some(guessed) = streamed.guessed {
            self.console.say(guessed);
        }
        let mut verdict = streamed.verdict;
        if self.args.reject_vacuous && verdict.is_vacuous() {
            verdict.doubt(Reason::Vacuous);
        }
        let rendered = match self.args.format {
            render::Format::Text => stream::text(&verdict),
            format => render::document(format, None, Rendered::Verdict(&verdict)),
        };
        Ok(Exit::from(verdict.validity).max(self.shown(self.console.result(rendered))))
    }

    /// A line a history.
    fn list(&self, paths: &[PathBuf]) -> anyhow::Result<Exit> {
        let mut worst = Exit::Valid;
        for (position, path) in paths.iter().enumerate() {
            worst = worst.max(match self.judge(path) {
                Ok(judged) => {
                    let found = Exit::from(judged.verdict.validity);
                    // Those that are still to be judged will then never be.
                    self.interrupt.found(worst.max(found).max(Exit::Unknown));
                    let shown = self.print_item(path, Rendered::Verdict(&judged.verdict));
                    if let Some(out) = &self.args.out {
                        let folder = out.join(folder_name(position, path));
                        self.write_report(&folder, &report_input(path, &judged));
                    }
                    found.max(shown)
                }
                Err(error) => {
                    let shown = self.print_item(path, Rendered::Unreadable(&format!("{error:#}")));
                    Exit::of_error(&error).max(shown)
                }
            });
        }
        Ok(worst)
    }

    fn print_item(&self, path: &Path, rendered: Rendered<'_>) -> Exit {
        let name = path.to_string_lossy();
        let text = match self.args.format {
            render::Format::Text => render::line(&name, &rendered),
            format => render::document(format, Some(&name), rendered),
        };
        self.shown(self.console.result(text))
    }

    /// A verdict that cannot be printed is our failure, and stands all the same.
    fn shown(&self, printed: io::Result<()>) -> Exit {
        match printed {
            Ok(()) => Exit::Valid,
            Err(error) => {
                self.console.error(format_args!("standard output cannot be written: {error}"));
                Exit::Broken
            }
        }
    }

    /// Reads one history and checks it within its budget.
    fn judge(&self, path: &Path) -> anyhow::Result<Judged> {
        let name = path.display();
        let source = input::locate(path)?;
        let budget = self.args.limits.budget();
        let reading = self.console.while_showing(
            |elapsed| format!("reading {name}, {} s", elapsed.as_secs()),
            || self.args.reading.read(&source, &budget),
        );
        let reading = match reading.map_err(anyhow::Error::downcast) {
            Ok(reading) => reading,
            Err(Ok(gave_up)) => return Ok(Judged::unread(gave_up)),
            Err(Err(error)) => return Err(error),
        };
        if let Some(notice) = reading.notice {
            self.console.say(notice);
        }
        let history = reading.history;
        let readings = self.args.reading.readings(&history)?;
        let check = self.args.reading.check_options(self.args.limits.threads());
        let count = history.operations().len();
        let judge = || checker::check_readings(&history, &readings, &check, &budget);
        let (check, mut verdict) = self.console.while_showing(
            |elapsed| format!("judging {name}: {count} operations, {} s", elapsed.as_secs()),
            || self.interrupt.cancelling(&budget, judge),
        );
        let judged = certify::Judged { history: &history, options: &check, verdict: &verdict };
        let origin =
            certify::Origin::new(&source, reading.piped.as_deref(), self.args.reading.format());
        let certified = self.console.while_showing(
            |elapsed| format!("verifying the verdict on {name}, {} s", elapsed.as_secs()),
            || origin.certify(&judged, self.args.certificate.as_deref()),
        )?;
        if let Some(notice) = certified.notice {
            self.console.say(notice);
        }
        verdict.assumptions.extend(certified.unverified);
        if self.args.reject_vacuous && verdict.is_vacuous() {
            verdict.doubt(Reason::Vacuous);
        }
        Ok(Judged { history, verdict })
    }

    /// Draws the report; whatever fails is a warning, since the verdict stands.
    fn write_report(&self, folder: &Path, input: &report::Input<'_>) {
        if let Err(error) = std::fs::create_dir_all(folder) {
            self.console.error(format_args!("no report in {}: {error}", folder.display()));
            return;
        }
        for warning in report::write_all(folder, input) {
            self.console.say(format_args!("checker: warning: {warning}"));
        }
    }
}

fn report_input<'a>(path: &Path, judged: &'a Judged) -> report::Input<'a> {
    report::Input {
        title: path.display().to_string(),
        history: &judged.history,
        verdict: &judged.verdict,
        run: None,
    }
}

/// Histories of different runs often share a name (`history.edn`), so their position leads.
fn folder_name(position: usize, path: &Path) -> String {
    let stem = path.file_name().unwrap_or_default().to_string_lossy();
    let safe: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
    format!("{:03}-{safe}", position + 1)
}
