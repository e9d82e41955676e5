//! `trend.html`: what many nights say together.
//!
//! Verdicts over time, a row a cell and a column a night; violations by fingerprint, with the night
//! that saw each first and last; which node met which fault in which workload, and when last;
//! availability, latency and operations under faults as curves. Runs that were made by hand count
//! by the day.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use super::chart::{self, Series};
use super::{LEGEND, Page, boxed, counted, grouped, minute, report_of, table, words};
use crate::report::{escape, href};
use crate::store::{Outcome, Record};

/// So many of the last nights have a column.
const MOST_NIGHTS: usize = 30;
const MOST_FINGERPRINTS: usize = 50;
/// What runs are called that no suite made.
const BY_HAND: &str = "by hand";

/// Runs that belong together: those of a suite, or those made by hand.
struct Group<'a> {
    name: String,
    /// The nights, the oldest first.
    nights: BTreeMap<String, Vec<&'a Record>>,
}

/// The whole page. Links of runs whose folders are gone are left out.
pub(super) fn page(records: &[Record], store: &Path) -> String {
    let groups = groups(records);
    let mut body = String::new();
    for group in &groups {
        let _ = writeln!(body, "<section>\n<h2>{}</h2>", escape(&group.name));
        body += &verdicts(group, store);
        body += &curves(group);
        body += "</section>\n";
    }
    body += &fingerprints(records, store);
    body += &coverage(records);
    let nights: usize = groups.iter().map(|group| group.nights.len()).sum();
    let runs = counted(records.len(), "run", "runs");
    let first = records.first().map(|record| format!("since {} UTC", minute(&record.ended)));
    Page {
        title: "trend",
        verdict: None,
        headline: &format!("{runs} in {}", counted(nights, "night", "nights")),
        facts: &first.into_iter().collect::<Vec<_>>(),
        nav: &[("index.html".into(), "all runs")],
        body: &body,
    }
    .render()
}

fn groups(records: &[Record]) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<(bool, &str), Group> = BTreeMap::new();
    for record in records {
        let (name, night) = match &record.suite {
            Some(suite) => (suite.name.as_str(), suite.night.clone()),
            None => (BY_HAND, record.started.chars().take(10).collect()),
        };
        let new = || Group { name: name.to_owned(), nights: BTreeMap::new() };
        // Suites first, by their names.
        let group = groups.entry((name == BY_HAND, name)).or_insert_with(new);
        group.nights.entry(night).or_default().push(record);
    }
    groups.into_values().collect()
}

/// The cell of a record, as it is called every night.
fn cell(record: &Record) -> String {
    match &record.suite {
        Some(suite) => suite.cell.clone(),
        None => record.label(),
    }
}

/// When a night was, to the minute; its key ends in the folder's name, a compact time stamp.
fn date(night: &str, records: &[&Record]) -> String {
    records.first().map_or_else(|| night.to_owned(), |record| minute(&record.started))
}

fn verdicts(group: &Group, store: &Path) -> String {
    let skipped = group.nights.len().saturating_sub(MOST_NIGHTS);
    let nights: Vec<(&String, &Vec<&Record>)> = group.nights.iter().skip(skipped).collect();
    let cells: BTreeSet<String> =
        nights.iter().flat_map(|(_, records)| records.iter().map(|one| cell(one))).collect();
    // Day and time below each other: thirty nights are a wide table.
    let head = |(night, records): &(&String, &Vec<&Record>)| {
        escape(&date(night, records)).replacen(' ', "<br>", 1)
    };
    let heads: Vec<String> = nights.iter().map(head).collect();
    let mut columns = vec!["cell"];
    columns.extend(heads.iter().map(String::as_str));
    let row = |name: String| {
        let boxes = nights.iter().map(|(_, records)| {
            let of: Vec<&&Record> = records.iter().filter(|one| cell(one) == name).collect();
            // A later success does not undo a violation; it does undo a failure of the tester.
            let worst = of.iter().rfind(|one| one.verdict == Outcome::Invalid).or(of.last());
            match worst {
                Some(record) => {
                    let to = report_of(record).filter(|to| store.join(to).exists());
                    boxed(Some(record.verdict), to.as_deref(), &record.sentence)
                }
                None => boxed(None, None, "not run"),
            }
        });
        std::iter::once(escape(&name)).chain(boxes).collect()
    };
    let rows: Vec<Vec<String>> = cells.into_iter().map(row).collect();
    let grid = table(&columns, &rows).replace("<table>", "<table class=\"grid\">");
    format!("{grid}{LEGEND}")
}

/// The figures of each night as curves.
fn curves(group: &Group) -> String {
    let skipped = group.nights.len().saturating_sub(MOST_NIGHTS);
    let nights: Vec<(String, &Vec<&Record>)> = (group.nights.iter().skip(skipped))
        .map(|(night, records)| (date(night, records), records))
        .collect();
    if nights.len() < 2 {
        return "<p class=\"soft\">Curves appear with the second night.</p>\n".to_owned();
    }
    let dates: Vec<&str> = nights.iter().map(|(date, _)| date.as_str()).collect();
    let of = |figure: fn(&[&Record]) -> f64| -> Vec<f64> {
        nights.iter().map(|(_, records)| figure(records)).collect()
    };
    let charts = [
        chart::lines("acknowledged, %", &dates, &[Series::new("all operations", of(acknowledged))]),
        chart::lines(
            "latency, ms (the worst run)",
            &dates,
            &[
                Series::new("p50", of(|all| worst(all, |one| one.latency.p50_ms))),
                Series::new("p99", of(|all| worst(all, |one| one.latency.p99_ms))),
            ],
        ),
        chart::lines(
            "longest time without an acknowledgement, s",
            &dates,
            &[Series::new("the worst run", of(|all| worst(all, gap_s)))],
        ),
        chart::lines(
            "operations that overlapped a fault",
            &dates,
            &[Series::new("all runs", of(|all| sum(all, Record::under_faults)))],
        ),
    ];
    let figures: String = charts.iter().map(|svg| format!("<figure>{svg}</figure>\n")).collect();
    format!("<div class=\"charts\">\n{figures}</div>\n")
}

fn acknowledged(records: &[&Record]) -> f64 {
    let (ok, all) = (sum(records, |one| one.operations.ok), sum(records, |one| one.operations.all));
    100.0 * ok / all.max(1.0)
}

#[expect(clippy::cast_precision_loss, reason = "a point of a curve")]
fn gap_s(record: &Record) -> f64 {
    record.longest_gap_ms as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "a point of a curve")]
fn sum(records: &[&Record], of: impl Fn(&Record) -> u64) -> f64 {
    records.iter().map(|record| of(record)).sum::<u64>() as f64
}

fn worst(records: &[&Record], of: impl Fn(&Record) -> f64) -> f64 {
    records.iter().map(|record| of(record)).fold(0.0, f64::max)
}

/// Violations that share a fingerprint, or a kind where there is none.
fn fingerprints(records: &[Record], store: &Path) -> String {
    let mut seen: BTreeMap<String, Vec<(&Record, &str)>> = BTreeMap::new();
    for record in records {
        for violation in &record.violations {
            let print = violation.fingerprint.clone();
            let print = print.unwrap_or_else(|| format!("{} (no fingerprint)", violation.kind));
            seen.entry(print).or_default().push((record, &violation.sentence));
        }
    }
    let mut seen: Vec<(String, Vec<(&Record, &str)>)> = seen.into_iter().collect();
    seen.sort_by_key(|(_, of)| Reverse(of.last().map(|(last, _)| last.started.clone())));
    let rows: Vec<Vec<String>> = seen
        .into_iter()
        .take(MOST_FINGERPRINTS)
        .filter_map(|(print, records)| {
            let ((first, _), (last, sentence)) = (records.first()?, records.last()?);
            let link = report_of(last).filter(|to| store.join(to).exists());
            let sentence = words(sentence);
            Some(vec![
                format!("<code>{}</code>", escape(&print)),
                minute(&first.started),
                minute(&last.started),
                records.len().to_string(),
                link.map_or(sentence.clone(), |to| {
                    format!("<a href=\"{}\">{sentence}</a>", href(&to))
                }),
            ])
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let columns = ["fingerprint", "first seen", "last seen", "#runs", "the last time"];
    format!("<section>\n<h2>Violations</h2>\n{}</section>\n", table(&columns, &rows))
}

/// What a node met of a fault.
#[derive(Default)]
pub(super) struct Covered {
    pub(super) times: u64,
    pub(super) operations: u64,
    last: String,
}

/// By workload, fault and node.
pub(super) fn covered(records: &[&Record]) -> BTreeMap<(String, String, String), Covered> {
    let mut all: BTreeMap<_, Covered> = BTreeMap::new();
    for record in records {
        for one in &record.coverage {
            let key = (record.workload.clone(), one.fault.clone(), one.node.clone());
            let covered = all.entry(key).or_default();
            covered.times += one.times;
            covered.operations += one.operations;
            covered.last = covered.last.clone().max(record.started.clone());
        }
    }
    all
}

fn coverage(records: &[Record]) -> String {
    let covered = covered(&records.iter().collect::<Vec<_>>());
    if covered.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = covered
        .into_iter()
        .map(|((workload, fault, node), one)| {
            vec![
                escape(&workload),
                escape(&fault),
                escape(&node),
                minute(&one.last),
                one.times.to_string(),
                grouped(one.operations),
            ]
        })
        .collect();
    let columns = ["workload", "fault", "node", "last", "#times", "#operations that overlapped it"];
    format!(
        "<section>\n<h2>Which node met which fault</h2>\n{}</section>\n",
        table(&columns, &rows)
    )
}
