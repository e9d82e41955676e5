//! The hard histories of the reference corpus, most of which no public checker decides.

use std::path::Path;
use std::time::Duration;

use checker::{Budget, CheckOptions, check};

use super::corpus::{self, Entry};
use super::table::{Met, Row, Section};
use super::{Bench, judge, process, time};

/// The most expansions that each may take: what the prototype took with which the algorithms were
/// found.
const EXPANSIONS_MAX: &[(&str, u64)] = &[
    ("ok-cas-P5-N10000-c5-v5", 141_564),
    ("ok-cas-P50-N100-c0-v5", 9_946),
    ("ok-cas-P50-N100-c0-vuniq", 33_983),
    ("ok-cas-P20-N1000-c5-vuniq", 80_734),
    ("ok-cas-P20-N10000-c0-v5", 402_180),
    ("ok-cas-P10-N100000-c0-v5", 709_255),
    ("ok-cas-P5-N1000-c50-vuniq", 84_260),
    ("ok-rw-P50-N1000-c0-vuniq", 9_728_110),
    ("bad-cas-P5-N100-c20-v5-phantom", 884),
    ("bad-cas-P20-N1000-c0-v5-stale", 54_235),
    ("bad-cas-P20-N1000-c5-v5-phantom", 47_858),
    ("bad-cas-P50-N1000-c10-vuniq-stale", 701_382),
    ("bad-rw-P10-N1000-c20-vuniq-stale", 83_743),
    ("bad-cas-P10-N1000-c5-v5-stale", 18_936),
    ("bad-cas-P5-N1000-c10-v5-stale", 10_710),
    ("bad-cas-P10-N10000-c0-v5-stale", 58_378),
    ("bad-cas-P5-N100000-c0-v5-stale", 176_944),
];

/// A whole process may take so many times what checking may take.
const PROCESS: f64 = 3.0;
const PROCESS_MB_MAX: f64 = 100.0;
/// For each history.
const ENOUGH: Duration = Duration::from_millis(500);
const PROCESSES: usize = 5;

const TITLE: &str = "every history of the corpus' `hard`";
const TARGET: &str = "right; expansions at most those of the prototype; checking on one core at \
                      most 25 ms (10,000 operations: 50, 100,000: 100); the whole process 3 × that \
                      and 100 MB";

/// Measures each of them.
pub(crate) fn measure(bench: &Bench) -> Result<Section, String> {
    let Some(folder) = &bench.corpus else { return Ok(Section::skipped(TITLE, TARGET)) };
    let entries = corpus::entries(folder);
    let hard: Vec<Found> = entries
        .iter()
        .filter(|entry| entry.file.starts_with("hard/"))
        .map(|entry| found(bench, folder, entry))
        .collect::<Result<_, _>>()?;
    let over = |what: fn(&Found) -> bool| hard.iter().filter(|one| what(one)).count();
    let late = hard.iter().filter(|one| one.ms > one.ms_max).map(|one| one.name.as_str());
    let late: Vec<&str> = late.collect();
    let measured = format!(
        "{} of {} right; over in expansions: {}, in time: {}{}{}, as a process in time: {}, in memory: {}",
        over(|one| one.right),
        hard.len(),
        over(|one| one.expansions > one.expansions_max),
        late.len(),
        if late.is_empty() { "" } else { ": " },
        late.join(", "),
        over(|one| one.process_ms > PROCESS * one.ms_max),
        over(|one| one.process_mb > PROCESS_MB_MAX),
    );
    let met = Met::of(hard.iter().all(Found::is_kept));
    let columns = ["history", "verdict", "expansions", "at most", "ms", "at most"];
    let columns = columns.into_iter().chain(["process ms", "at most", "MB", "kept"]);
    let mut points = vec![columns.map(str::to_owned).collect()];
    points.extend(hard.iter().map(Found::cells));
    Ok(Section {
        title: TITLE,
        about: format!(
            "Checking: processor time on one core, median of up to nine runs, without reading and \
             explaining. Process: `checker analyze`, which also explains, writes its certificate \
             and verifies it; median of {PROCESSES} runs, the smaller of elapsed and processor time; the \
             most memory of any. Verdicts are those of the corpus."
        ),
        rows: vec![Row { work: TITLE.to_owned(), target: TARGET.to_owned(), measured, met }],
        points,
    })
}

struct Found {
    name: String,
    verdict: &'static str,
    right: bool,
    expansions: u64,
    expansions_max: u64,
    ms: f64,
    ms_max: f64,
    process_ms: f64,
    process_mb: f64,
}

fn found(bench: &Bench, folder: &Path, entry: &Entry) -> Result<Found, String> {
    let history = entry.read(folder);
    let options = CheckOptions { threads: Some(1), ..judge::alone(entry.options()) };
    let (verdict, cost) = time::median(ENOUGH, || check(&history, &options, &Budget::unlimited()));
    let ended = process::analyze(bench, &folder.join(&entry.file), PROCESSES)?;
    let name = entry.file.trim_start_matches("hard/").trim_end_matches(".gz");
    let name = name.trim_end_matches(".edn").to_owned();
    let known = EXPANSIONS_MAX.iter().find(|(known, _)| *known == name);
    let code = if entry.verdict == "valid" { 0 } else { 1 };
    Ok(Found {
        expansions_max: known.ok_or_else(|| format!("{name} is new"))?.1,
        name,
        verdict: verdict.validity.word(),
        right: verdict.validity.word() == entry.verdict && ended.code == code,
        expansions: verdict.stats.expansions,
        ms: cost.cpu_ms,
        ms_max: match history.operations().len() {
            0..5_000 => 25.0,
            5_000..50_000 => 50.0,
            _ => 100.0,
        },
        process_ms: ended.cost.at_most_ms(),
        process_mb: ended.peak_mb,
    })
}

impl Found {
    fn is_kept(&self) -> bool {
        self.right
            && self.expansions <= self.expansions_max
            && self.ms <= self.ms_max
            && self.process_ms <= PROCESS * self.ms_max
            && self.process_mb <= PROCESS_MB_MAX
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            if self.right { self.verdict.to_owned() } else { format!("WRONG: {}", self.verdict) },
            self.expansions.to_string(),
            self.expansions_max.to_string(),
            format!("{:.1}", self.ms),
            self.ms_max.to_string(),
            format!("{:.0}", self.process_ms),
            (PROCESS * self.ms_max).to_string(),
            format!("{:.0}", self.process_mb),
            if self.is_kept() { "yes" } else { "**no**" }.to_owned(),
        ]
    }
}
