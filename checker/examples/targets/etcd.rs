//! The logs of an old etcd, which every published checker is measured with.

use std::path::Path;
use std::time::Duration;

use checker::{Budget, CheckOptions, check};

use super::table::{Met, Row, Section};
use super::{Bench, corpus, judge, process, time};

const TITLE: &str = "the 102 etcd logs in one process";
const TARGET: &str = "right; at most 20,016 expansions and 10 ms of checking in all";
const EXPANSIONS_MAX: u64 = 20_016;
const MS_MAX: f64 = 10.0;
const ENOUGH: Duration = Duration::from_secs(1);

/// Measures them all together.
pub(crate) fn measure(bench: &Bench) -> Result<Section, String> {
    let Some(folder) = &bench.corpus else { return Ok(Section::skipped(TITLE, TARGET)) };
    let entries = corpus::entries(folder);
    let logs = entries.iter().filter(|entry| entry.is_log());
    let logs: Vec<_> = logs
        .map(|entry| {
            let options = CheckOptions { threads: Some(1), ..judge::alone(entry.options()) };
            (entry.read(folder), options, entry.verdict.as_str())
        })
        .collect();
    let ((right, expansions), cost) = time::median(ENOUGH, || {
        logs.iter().fold((0, 0), |(right, expansions), (history, options, known)| {
            let verdict = check(history, options, &Budget::unlimited());
            let is_right = verdict.validity.word() == *known;
            (right + usize::from(is_right), expansions + verdict.stats.expansions)
        })
    });
    let whole = process::once(bench, arguments(folder)?)?;
    let measured =
        format!("{right} of {} right; {expansions} expansions, {:.1} ms", logs.len(), cost.cpu_ms);
    let met = right == logs.len() && expansions <= EXPANSIONS_MAX && cost.cpu_ms <= MS_MAX;
    Ok(Section {
        title: TITLE,
        about: format!(
            "Read with `--failed-cas observe`; verdicts are those of the corpus, which has one for \
             {} of them. Processor time on one core, median of up to nine passes over all. The \
             whole process with all 102 files, explanations and verified certificates: {:.0} ms, \
             {:.0} MB.",
            logs.len(),
            whole.cost.at_most_ms(),
            whole.peak_mb
        ),
        rows: vec![Row {
            work: TITLE.to_owned(),
            target: TARGET.to_owned(),
            measured,
            met: Met::of(met),
        }],
        points: Vec::new(),
    })
}

fn arguments(folder: &Path) -> Result<Vec<String>, String> {
    let logs = folder.join("porcupine/jepsen");
    let listed =
        std::fs::read_dir(&logs).map_err(|error| format!("{}: {error}", logs.display()))?;
    let mut files: Vec<String> = listed
        .filter_map(|entry| Some(entry.ok()?.path().to_string_lossy().into_owned()))
        .filter(|file| file.ends_with(".log"))
        .collect();
    files.sort();
    let fixed = ["analyze", "--failed-cas", "observe"].map(str::to_owned);
    Ok(fixed.into_iter().chain(files).collect())
}
