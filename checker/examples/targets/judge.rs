//! Generated histories, each made and judged in a process of its own, so that the peak of its
//! memory is known.

use std::io::{self, BufWriter};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use checker::checks::Patience;
use checker::history::{Format, read};
use checker::model::ModelName;
use checker::{Budget, CheckOptions, CheckerSpec, History, check};

use super::simulate::{self, Shape};
use super::time::{self, Cost};

/// The first argument of the process that judges.
pub(crate) const MODE: &str = "--judge";

/// More is not worth waiting for: no target allows a fifth of it.
const DEADLINE: Duration = Duration::from_secs(60);
const MEMORY_BYTES: u64 = 4 << 30;
/// How long to repeat a measurement.
const ENOUGH: Duration = Duration::from_millis(300);

/// What became of a history.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) verdict: String,
    pub(crate) expansions: u64,
    /// Of checking alone: neither reading nor explaining.
    pub(crate) cost: Cost,
    /// Of the whole process, which holds the history.
    pub(crate) peak_mb: f64,
}

/// Has the history of this shape made and judged.
pub(crate) fn judge(this: &Path, shape: &[String]) -> Result<Judged, String> {
    let output = Command::new(this)
        .arg(MODE)
        .args(shape)
        .output()
        .map_err(|error| format!("{}: {error}", this.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse(&text).ok_or_else(|| {
        format!("{}: {text}{}", shape.join(" "), String::from_utf8_lossy(&output.stderr))
    })
}

fn parse(line: &str) -> Option<Judged> {
    let mut words = line.split_whitespace();
    let verdict = words.next()?.to_owned();
    let expansions = words.next()?.parse().ok()?;
    let mut number = || words.next()?.parse::<f64>().ok();
    let cost = Cost { cpu_ms: number()?, elapsed_ms: number()? };
    Some(Judged { verdict, expansions, cost, peak_mb: number()? })
}

/// The process that judges.
pub(crate) fn child(flags: &[String]) -> Result<(), String> {
    let shape = Shape::parse(flags)?;
    let history = history(&shape).map_err(|error| error.to_string())?;
    let model = if shape.cas { ModelName::CasRegister } else { ModelName::Register };
    let options =
        alone(CheckOptions { spec: CheckerSpec::linearizable(model), ..CheckOptions::default() });
    let (verdict, cost) = time::median(ENOUGH, || {
        let budget = Budget::unlimited().with_memory_bytes(MEMORY_BYTES);
        check(&history, &options, &budget.with_deadline(Instant::now() + DEADLINE))
    });
    let (word, expansions) = (verdict.validity.word(), verdict.stats.expansions);
    println!("{word} {expansions} {} {} {}", cost.cpu_ms, cost.elapsed_ms, peak_mb());
    Ok(())
}

/// The same options with nothing but the verdict to be found out.
pub(crate) fn alone(options: CheckOptions) -> CheckOptions {
    CheckOptions { patience: Patience(Duration::ZERO), ..options }
}

/// The history of this shape, which never exists as a text as a whole.
pub(crate) fn history(shape: &Shape) -> io::Result<History> {
    let (reader, writer) = io::pipe()?;
    let format = if shape.jsonl { Format::Jsonl } else { Format::Edn };
    std::thread::scope(|scope| {
        let written =
            scope.spawn(|| simulate::write(shape, BufWriter::with_capacity(1 << 20, writer)));
        let history = read(reader, Some(format)).map_err(io::Error::other);
        written.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        history
    })
}

/// The most memory that this process ever had, in MB; 0 where there is no `/proc`.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kib.unwrap_or_default() * 1024.0 / 1e6
}
