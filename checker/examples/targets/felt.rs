//! What somebody waits for at the end of a run: verdict, explanation, report.

use std::path::Path;

use super::Bench;
use super::easy::written;
use super::process::{self, Ended};
use super::simulate::{Lie, Shape};
use super::table::{Met, Row, Section};

const MS_MAX: f64 = 5000.0;
const TITLE: &str = "felt speed";

/// As many operations as twenty workers do in an hour at 300 a second, the pace of the nightly scenario.
const OPERATIONS: usize = 1_080_000;
const HOUR_NS: u64 = 3_600_000_000_000;

/// Measures generated runs, valid and not, and a real one if there is one.
pub(crate) fn measure(bench: &Bench) -> Result<Section, String> {
    let mut rows = Vec::new();
    for (lie, what) in [(None, "valid"), (Some(Lie::Stale), "one stale read")] {
        let shape = Shape {
            operations: OPERATIONS,
            keys: OPERATIONS / 320,
            processes: 20,
            crashed: OPERATIONS / 20,
            values: None,
            cas: true,
            lie,
            event_ns: HOUR_NS / (2 * OPERATIONS as u64),
            jsonl: true,
            ..Shape::default()
        };
        let file = written(bench, "history.jsonl", &shape)?;
        let code = i32::from(lie.is_some());
        rows.push(row(what, &reported(bench, &file)?, Some(code)));
    }
    match &bench.store {
        Some(store) => rows.push(row("a real run", &reported(bench, store)?, None)),
        None => rows.push(Row {
            work: format!("{TITLE}: a real run"),
            target: "at most 5 s".to_owned(),
            measured: "none given; `--store FOLDER`".to_owned(),
            met: Met::Skipped,
        }),
    }
    Ok(Section {
        title: TITLE,
        about: format!(
            "From the file to verdict, explanation, verified certificate and report: `checker analyze \
             --out DIR`, the smaller of elapsed and processor time. Reading is included, which \
             `checker test` has no need for. Generated: an hour of {OPERATIONS} operations on \
             keys of 320 operations, unique values, 20 clients, 5 % `:info`."
        ),
        rows,
        points: Vec::new(),
    })
}

fn reported(bench: &Bench, history: &Path) -> Result<Ended, String> {
    let out = bench.folder.path().join("report");
    process::once(
        bench,
        ["analyze".as_ref(), history.as_os_str(), "--out".as_ref(), out.as_os_str()],
    )
}

fn row(what: &str, ended: &Ended, code: Option<i32>) -> Row {
    let Ended { cost, peak_mb, .. } = ended;
    let ms = cost.at_most_ms();
    Row {
        work: format!("{TITLE}: {what}"),
        target: "at most 5 s".to_owned(),
        measured: format!(
            "exit code {}, {:.1} s elapsed, {:.1} s of processor time, {peak_mb:.0} MB",
            ended.code,
            cost.elapsed_ms / 1e3,
            cost.cpu_ms / 1e3
        ),
        met: Met::of(code.is_none_or(|code| code == ended.code) && ms <= MS_MAX),
    }
}
