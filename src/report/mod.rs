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

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use checker::history::{OpRef, Ops, write_edn, write_log};
use checker::{History, Verdict};
use rayon::prelude::*;

pub(crate) use axes::percent;
pub use axes::{Axes, Axis, Count, FaultReport, Level};
pub use fault::{Fault, Proof};
pub(crate) use markup::{escape, fill, plain, shortened};
pub(crate) use page::href;
pub use record::record;
pub(crate) use text::wrapped;
pub use text::{Colour, text};

use crate::store::write_whole;
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
/// written. Files are rendered side by side, on as many threads as there are cores.
pub fn write_all(dir: &Path, input: &Input) -> Vec<String> {
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
    let report = Report { dir, input, scene, axes, folders };
    // First, and whole: drawing may take more memory or time than there is, and what was found stands.
    let results = report.results();
    let ((log, pages), keys) =
        rayon::join(|| rayon::join(|| report.log(), || report.pages()), || report.keys());
    [results, log, pages, keys].concat()
}

/// A report that is being written.
struct Report<'a> {
    dir: &'a Path,
    input: &'a Input<'a>,
    scene: Scene<'a>,
    axes: Axes,
    folders: Folders,
}

type Render<'a> = (&'a str, &'a (dyn Fn() -> anyhow::Result<String> + Sync));

impl Report<'_> {
    /// What is for programs. Returns what went wrong, as all of these do.
    fn results(&self) -> Vec<String> {
        let results = || results::value(self.input.verdict, &self.axes);
        let renderers: [Render; 2] = [
            ("results.edn", &|| Ok(results::edn(&results()))),
            ("results.json", &|| results::json(&results())),
        ];
        self.put(&renderers).1
    }

    /// The log.
    fn log(&self) -> Vec<String> {
        let log = guarded(|| history_txt(self.input.history.ops(), &self.dir.join(HISTORY_TXT)));
        log.err().map(|error| not_written(HISTORY_TXT, &error)).into_iter().collect()
    }

    /// What is for people.
    fn pages(&self) -> Vec<String> {
        let (title, scene) = (&self.input.title, &self.scene);
        let (plots, warnings) = self.put(&[
            ("latency-raw.svg", &|| plots::raw(title, scene)),
            ("latency-quantiles.svg", &|| plots::quantiles(title, scene)),
            ("rate.svg", &|| plots::rate(title, scene)),
        ]);
        let found = anomalies(self.input.verdict);
        let first = found.iter().find(|one| picture::shows(scene, one));
        let violation =
            || Ok(first.and_then(|first| picture::picture(scene, first)).unwrap_or_default());
        let timeline = || Ok(timeline::page(title, scene, &overlap(&self.axes)));
        let page = || Ok(page::page(self.input, scene, &self.axes, &plots, &self.folders));
        let mut renderers: Vec<Render> = vec![("timeline.html", &timeline), ("report.html", &page)];
        renderers.extend(first.map(|_| -> Render { ("violation.svg", &violation) }));
        [warnings, self.put(&renderers).1].concat()
    }

    /// The folders of the keys.
    fn keys(&self) -> Vec<String> {
        let keys = guarded(|| Ok(self.folders.write(self.dir, self.input, &self.scene)));
        keys.unwrap_or_else(|error| vec![format!("independent: {error:#}")])
    }

    /// Writes some files; returns those that were written, and what went wrong.
    fn put(&self, renderers: &[Render]) -> (Vec<String>, Vec<String>) {
        let put = |(name, render): &Render| {
            let rendered = guarded(render).and_then(|text| {
                write_whole(&self.dir.join(name), text.as_bytes())?;
                Ok(text)
            });
            rendered.map_err(|error| not_written(name, &error))
        };
        let all: Vec<Result<String, String>> = renderers.par_iter().map(put).collect();
        let (mut written, mut warnings) = (Vec::new(), Vec::new());
        for one in all {
            match one {
                Ok(text) => written.push(text),
                Err(warning) => warnings.push(warning),
            }
        }
        (written, warnings)
    }
}

fn not_written(name: &str, error: &anyhow::Error) -> String {
    format!("{name} was not written: {error:#}")
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
fn history_edn(ops: &[OpRef<'_>]) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(ops.len() * 96);
    for op in ops {
        write_edn(*op, &mut out)?;
        out.push(b'\n');
    }
    Ok(out)
}

const HISTORY_TXT: &str = "history.txt";

/// Events as Jepsen's `history.txt`.
fn history_txt(ops: Ops<'_>, file: &Path) -> anyhow::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
    for op in ops.iter() {
        write_log(op, &mut out)?;
    }
    Ok(out.flush()?)
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
