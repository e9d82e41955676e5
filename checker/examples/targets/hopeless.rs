//! A history that nobody can decide: it must end as *unknown*, in time and within its memory.

use super::Bench;
use super::easy::written;
use super::process::{self, Ended};
use super::simulate::Shape;
use super::table::{Met, Row, Section};

/// The exit code of *unknown*.
const UNKNOWN: i32 = 2;
/// How far beyond its limits a check may go.
const BEYOND: f64 = 1.1;
const DEADLINE_S: f64 = 10.0;
const MEMORY_MB: f64 = 1000.0;

/// Lets it run into either limit.
pub(crate) fn measure(bench: &Bench) -> Result<Section, String> {
    let shape = Shape {
        operations: 10_000,
        processes: 200,
        crashed: 3_000,
        values: Some(1_000),
        cas: true,
        ..Shape::default()
    };
    let file = written(bench, "hopeless.edn", &shape)?;
    let run = |deadline: String, memory: &str| -> Result<Ended, String> {
        let limits = ["--deadline", &deadline, "--memory", memory];
        let file = file.to_string_lossy();
        process::once(bench, ["analyze"].into_iter().chain(limits).chain([file.as_ref()]))
    };
    let in_time = run(format!("{DEADLINE_S}s"), "20GB")?;
    let in_memory = run("2m".to_owned(), &format!("{MEMORY_MB}MB"))?;
    let row = |limit: String, ended: Ended, is_kept: bool| Row {
        work: format!("a hopeless history, {limit}"),
        target: format!("exit code 2 within {BEYOND} × that"),
        measured: format!(
            "exit code {}, {:.2} s, {:.0} MB",
            ended.code,
            ended.cost.elapsed_ms / 1e3,
            ended.peak_mb
        ),
        met: Met::of(ended.code == UNKNOWN && is_kept),
    };
    Ok(Section {
        title: "a history built to be hopeless",
        about: "A compare-and-set register, 200 processes, 10,000 operations, 30 % crashed, 1,000 \
                values; whole processes of `checker analyze`."
            .to_owned(),
        rows: vec![
            row(
                format!("`--deadline {DEADLINE_S}s`"),
                in_time,
                in_time.cost.elapsed_ms <= DEADLINE_S * 1e3 * BEYOND,
            ),
            row(
                format!("`--memory {MEMORY_MB}MB`"),
                in_memory,
                in_memory.peak_mb <= MEMORY_MB * BEYOND,
            ),
        ],
        points: Vec::new(),
    })
}
