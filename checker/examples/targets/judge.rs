//! Generated histories, each made and judged in a process of its own, so that the peak of its
//! memory is known.

use std::io::{self, BufWriter};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use checker::checks::Patience;
use checker::history::{Format, read};
use checker::model::ModelName;
use checker::{Budget, CheckOptions, CheckerSpec, History, check};
use nix::sys::resource::UsageWho;

use super::simulate::{self, Shape};
use super::time::{self, Cost, cpu_ms};

/// The first argument of the process that judges.
pub(crate) const MODE: &str = "--judge";

const MEMORY_BYTES: u64 = 4 << 30;
/// How often to look how much processor time was used.
const LOOK: Duration = Duration::from_millis(10);
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

/// Has the history of this shape made and judged; it is unknown after so many milliseconds of
/// processor time, since the machine may be busy.
pub(crate) fn judge(this: &Path, shape: &[String], cpu_ms_max: f64) -> Result<Judged, String> {
    let output = Command::new(this)
        .args([MODE, &cpu_ms_max.to_string()])
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
pub(crate) fn child(arguments: &[String]) -> Result<(), String> {
    let (most, flags) = arguments.split_first().ok_or("how long?")?;
    let cpu_ms_max: f64 = most.parse().map_err(|_| format!("{most} are no milliseconds"))?;
    let shape = Shape::parse(flags)?;
    let history = history(&shape).map_err(|error| error.to_string())?;
    let model = if shape.cas { ModelName::CasRegister } else { ModelName::Register };
    let spec = CheckerSpec::linearizable(model);
    let options = alone(CheckOptions { spec, ..CheckOptions::default() });
    let (verdict, cost) = time::median(ENOUGH, || {
        let budget = Budget::unlimited().with_memory_bytes(MEMORY_BYTES);
        within(cpu_ms_max, &budget, || check(&history, &options, &budget))
    });
    let (word, expansions) = (verdict.validity.word(), verdict.stats.expansions);
    println!("{word} {expansions} {} {} {}", cost.cpu_ms, cost.elapsed_ms, peak_mb());
    Ok(())
}

/// Does `work`, and spends its budget once so much processor time was used.
fn within<T>(cpu_ms_max: f64, budget: &Budget, work: impl FnOnce() -> T) -> T {
    let until = cpu_ms(UsageWho::RUSAGE_SELF) + cpu_ms_max;
    let (done, ended) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                if cpu_ms(UsageWho::RUSAGE_SELF) > until {
                    budget.cancel();
                }
            }
        });
        let result = work();
        drop(done);
        result
    })
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
