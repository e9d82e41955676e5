//! A night in a terminal: a row as each cell ends, and the table at the end, worst first.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::time::Duration;

use crate::exit::Exit;
use crate::report::{Colour, Level, percent, plain, wrapped};
use crate::store::{Outcome, Record};
use crate::suite::{Cell, Night, Row};

/// So many results that are not valid are told in full; the report has all of them.
const MOST_TOLD: usize = 10;

fn level(row: &Row) -> Level {
    match row.outcome() {
        Some(Outcome::Valid) => Level::Good,
        Some(Outcome::Unknown) | None => Level::Warn,
        Some(Outcome::Crashed | Outcome::Invalid) => Level::Bad,
    }
}

fn rows(night: &Night) -> Vec<Row<'_>> {
    let mut rows = night.rows();
    rows.sort_by_key(|row| Reverse(row.severity()));
    rows
}

/// What a night exits with: its worst cell. A cell that was not run is undecided.
pub fn exit(night: &Night) -> Exit {
    let of = |record: &Record| match record.verdict {
        Outcome::Valid => Exit::Valid,
        Outcome::Unknown => Exit::Unknown,
        Outcome::Crashed => Exit::Broken,
        Outcome::Invalid => Exit::Invalid,
    };
    let exits = rows(night).into_iter().map(|row| row.record.map_or(Exit::Unknown, of));
    exits.max().unwrap_or(Exit::Unknown)
}

/// The line that is said when a cell has ended.
pub(super) fn row(number: usize, all: usize, cell: &Cell, record: &Record) -> String {
    let mut line = format!(
        "{number:>3} of {all}  {:<8} {}   {} operations, {} under faults",
        record.verdict.word(),
        cell.label(),
        record.operations.all,
        record.under_faults()
    );
    let told = record.trouble.last().filter(|_| record.verdict == Outcome::Crashed);
    let told = told.or(Some(&record.sentence)).filter(|_| record.verdict != Outcome::Valid);
    if let Some(sentence) = told {
        let _ = write!(line, "\n           {}", plain(sentence));
    }
    line
}

/// The table alone, the worst cell first.
pub fn cells(night: &Night, colour: Colour) -> String {
    let rows = rows(night);
    let mut out = format!("\n{}: {}\n\n", night.plan.name, counts(&rows));
    let width = rows.iter().map(|row| row.cell.label().chars().count()).max().unwrap_or(0);
    let _ = writeln!(
        out,
        "  verdict  {:<width$}  {:>10}  {:>7}  {:>12}  tries",
        "cell", "operations", "ok", "under faults"
    );
    for row in &rows {
        let (all, ok, under) = row.record.map_or(Default::default(), |record| {
            let tally = record.operations;
            (tally.all, percent(tally.ok, tally.all), record.under_faults())
        });
        let word = colour.paint(level(row), row.word());
        let pad = " ".repeat(8_usize.saturating_sub(row.word().len()));
        let label = row.cell.label();
        let _ = writeln!(
            out,
            "  {word}{pad} {label:<width$}  {all:>10}  {ok:>7}  {under:>12}  {:>5}",
            row.attempts
        );
    }
    out
}

/// The whole table, and what is worth reading before breakfast.
pub fn summary(night: &Night, colour: Colour) -> String {
    let mut out = cells(night, colour);
    let rows = rows(night);
    if let Some(early) = night.plan.ended.as_ref().and_then(|ended| ended.early.as_ref()) {
        let _ = writeln!(out, "\nIt ended early: {early}.");
    }
    let bad = rows.iter().filter(|row| level(row) != Level::Good && row.record.is_some());
    for row in bad.take(MOST_TOLD) {
        tell(&mut out, row, night, colour);
    }
    let _ = writeln!(out, "\nReport      {}", night.folder().join("report.html").display());
    out
}

fn counts(rows: &[Row]) -> String {
    let mut words: Vec<(&str, usize)> = Vec::new();
    for row in rows {
        match words.iter_mut().find(|(word, _)| *word == row.word()) {
            Some((_, count)) => *count += 1,
            None => words.push((row.word(), 1)),
        }
    }
    let counts: Vec<String> = words.iter().map(|(word, count)| format!("{count} {word}")).collect();
    format!("{} of {} cells", counts.join(", "), rows.len())
}

fn tell(out: &mut String, row: &Row, night: &Night, colour: Colour) {
    let Some(record) = row.record else { return };
    let word = row.word().to_uppercase();
    let _ = writeln!(out, "\n{}  {}", colour.paint(level(row), &word), row.cell.label());
    let sentences = std::iter::once(&record.sentence).chain(&record.trouble);
    for line in sentences.flat_map(|sentence| wrapped(&plain(sentence), 96)) {
        let _ = writeln!(out, "  {line}");
    }
    if !record.folder.is_empty() {
        let report = night.folder().join(&record.folder).join("report.html");
        let _ = writeln!(out, "  report       {}", report.display());
    }
    for (what, command) in [("again", &record.again), ("judge again", &record.rejudge)] {
        if !command.is_empty() {
            let _ = writeln!(out, "  {what:<12} {command}");
        }
    }
}

/// Minutes and seconds.
pub(super) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}
