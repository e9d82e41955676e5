//! The report: what somebody reads at three in the morning to learn whether the cluster is broken,
//! how, and what to do next.
//!
//! Everything is drawn from a history, its verdict and, if the history is of our own making, the
//! facts of the run. The history is arranged once (`scene`); four axes are computed from it
//! ([`Axes`]); and each file is one renderer that reads both. A renderer cannot change a verdict: it
//! runs after the verdict is final, and an error or a panic in one is a warning in the list that
//! [`write_all`] returns, while the other files are written all the same.
//!
//! Nothing here prints, and no page fetches anything: each opens from `file://` on a machine
//! without a network.

mod availability;
mod axes;
mod conflict;
mod fault;
mod independent;
mod lanes;
mod markup;
mod page;
mod picture;
mod plots;
mod record;
mod results;
mod scene;
mod text;
mod timeline;

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use checker::history::Ops;
use checker::history::write_edn;
use checker::{History, Op, Process, Verdict};

pub(crate) use axes::percent;
pub use axes::{Axes, Axis, Count, FaultReport, Level};
pub use fault::{Fault, Proof};
pub(crate) use markup::{escape, fill, plain, shortened};
pub(crate) use page::href;
pub use record::record;
pub(crate) use text::wrapped;
pub use text::{Colour, text};

use independent::Folders;
use scene::{Scene, anomalies};

/// What a report is about.
pub struct Input<'a> {
    /// Names the run or the file: the heading of every page.
    pub title: String,
    /// What happened.
    pub history: &'a History,
    /// What the checker says about it.
    pub verdict: &'a Verdict,
    /// How it came about; `None` for a history from elsewhere.
    pub run: Option<RunFacts>,
}

impl Input<'_> {
    /// The four axes.
    pub fn axes(&self) -> Axes {
        Axes::of(&Scene::new(self))
    }
}

/// What is known about a run beyond its history.
#[derive(Clone, Debug, Default)]
pub struct RunFacts {
    /// The command line as it was typed.
    pub command: String,
    /// The seed that everything was derived from.
    pub seed: u64,
    /// The version of Ordeal.
    pub version: String,
    /// The system under test, with its version.
    pub system: String,
    /// The environment, and why it was chosen.
    pub environment: String,
    /// When the run started, as people write it.
    pub started: String,
    /// The workload.
    pub workload: String,
    /// The names of the nodes, in order: process `p` is pinned to number `p mod nodes`.
    pub nodes: Vec<String>,
    /// How many workers there were.
    pub workers: usize,
    /// What this run did not test: power loss, clock skew, ….
    pub not_exercised: Vec<String>,
    /// What went wrong with the tester itself.
    pub harness_errors: Vec<String>,
    /// The nodes' log files, relative to the run's folder.
    pub log_files: Vec<String>,
    /// The command that does it again.
    pub reproduce: String,
    /// The command that judges the recorded history again.
    pub rejudge: String,
}

/// Writes every file of the report into `dir`, which is made if need be, and returns a sentence for each that could not be
/// written.
pub fn write_all(dir: &Path, input: &Input) -> Vec<String> {
    let mut warnings = Vec::new();
    // If this fails, so does every file, and each of them says why.
    let _ = std::fs::create_dir_all(dir);
    let arranged = guarded(|| {
        let scene = Scene::new(input);
        let axes = Axes::of(&scene);
        let folders = Folders::of(&scene);
        Ok((scene, axes, folders))
    });
    let (scene, axes, folders) = match arranged {
        Ok(arranged) => arranged,
        Err(error) => return vec![format!("the report was not written: {error:#}")],
    };
    let mut put = |name: &str, render: &dyn Fn() -> anyhow::Result<String>| {
        let rendered = guarded(render).and_then(|text| {
            std::fs::write(dir.join(name), &text)?;
            Ok(text)
        });
        rendered
            .inspect_err(|error| warnings.push(format!("{name} was not written: {error:#}")))
            .ok()
    };
    let results = || results::value(input.verdict, &axes);
    put("results.edn", &|| Ok(results::edn(&results())));
    put("results.json", &|| results::json(&results()));
    put("history.txt", &|| Ok(history_txt(input.history.ops())));
    put("timeline.html", &|| Ok(timeline::page(&input.title, &scene, &overlap(&axes))));
    let title = &input.title;
    let plots: Vec<String> = [
        put("latency-raw.svg", &|| plots::raw(title, &scene)),
        put("latency-quantiles.svg", &|| plots::quantiles(title, &scene)),
        put("rate.svg", &|| plots::rate(title, &scene)),
    ]
    .into_iter()
    .flatten()
    .collect();
    if let Some(first) = anomalies(input.verdict).iter().find(|one| picture::shows(&scene, one)) {
        put("violation.svg", &|| Ok(picture::picture(&scene, first).unwrap_or_default()));
    }
    put("report.html", &|| Ok(page::page(input, &scene, &axes, &plots, &folders)));
    let keys = guarded(|| Ok(folders.write(dir, input, &scene)));
    warnings.extend(keys.unwrap_or_else(|error| vec![format!("independent: {error:#}")]));
    warnings
}

/// A panic in a renderer, or in the library it draws with, is an error like any other.
fn guarded<T>(render: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    catch_unwind(AssertUnwindSafe(render))
        .unwrap_or_else(|_| Err(anyhow::anyhow!("the renderer panicked")))
}

/// How many operations met each fault.
fn overlap(axes: &Axes) -> Vec<u64> {
    axes.faults.iter().map(|report| report.during.all()).collect()
}

/// Events as EDN, one a line.
fn history_edn(ops: &[Op]) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(ops.len() * 96);
    for op in ops {
        write_edn(op, &mut out)?;
        out.push(b'\n');
    }
    Ok(out)
}

/// Events as Jepsen's `history.txt`: process, type, f, value and error between tabs.
fn history_txt(ops: Ops<'_>) -> String {
    let mut out = String::with_capacity(ops.len() * 48);
    for op in ops.iter() {
        let process = match &op.process {
            Process::Client(number) => number.to_string(),
            Process::Other(name) => name.to_string(),
        };
        let error = op.error.as_ref().map(|error| format!("\t{error}")).unwrap_or_default();
        let kind = op.kind.word();
        writeln!(out, "{process}\t:{kind}\t{}\t{}{error}", op.f, op.value())
            .expect("a String takes any text");
    }
    out
}

/// What the run did not test: what its runner says, or else what its history does not show.
fn not_exercised(input: &Input, axes: &Axes) -> Vec<String> {
    if let Some(run) = input.run.as_ref().filter(|run| !run.not_exercised.is_empty()) {
        return run.not_exercised.clone();
    }
    let shown = |family: &str| axes.faults.iter().any(|report| report.fault.family == family);
    if axes.faults.is_empty() {
        return vec!["any fault, as far as this history shows".to_owned()];
    }
    [("partition", "partitions"), ("kill", "kills"), ("pause", "pauses"), ("clock", "clock skew")]
        .into_iter()
        .filter(|(family, _)| !shown(family))
        .map(|(_, words)| words)
        .chain(["power loss", "disk faults", "packet loss and delay", "membership changes"])
        .map(str::to_owned)
        .collect()
}
