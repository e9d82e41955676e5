//! `index.html`: everything that a store holds, the newest first.
//!
//! It is drawn from the folders that are there, so that no link leads nowhere, and not from
//! `runs.jsonl`, which remembers more.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use super::{Page, counted, minute, report_of, table, words};
use crate::report::{escape, href};
use crate::store::{Outcome, runs};
use crate::suite::{Night, PLAN, Standing, folders};

/// More are not looked at in one page; the folders are there all the same.
const MOST_ROWS: usize = 500;

/// A night, or a run that was made by hand.
struct Entry {
    /// Its folder's name, which is the time at which it began.
    time: String,
    folder: String,
    outcome: Option<Outcome>,
    word: String,
    what: String,
    sentence: String,
    /// Whether it has a report to look at.
    report: bool,
}

/// The whole page.
pub(super) fn page(store: &Path) -> Result<String> {
    let mut entries = Vec::new();
    for name in folders(store) {
        for time in folders(&store.join(&name)) {
            entries.extend(entry(store, &name, &time));
        }
    }
    entries.sort_by(|a, b| (&b.time, &b.folder).cmp(&(&a.time, &a.folder)));
    let all = entries.len();
    let rows: Vec<Vec<String>> = entries.iter().take(MOST_ROWS).map(row).collect();
    let columns = ["when (UTC)", "what", "verdict", "in short"];
    let mut body = table(&columns, &rows);
    if all > MOST_ROWS {
        // Writing to a String cannot fail.
        let _ = writeln!(body, "<p>… and {} older ones.</p>", all - MOST_ROWS);
    }
    if all == 0 {
        body = "<p>Nothing has been run yet: <code>checker test</code> is a beginning.</p>".into();
    }
    let page = Page {
        title: "runs",
        verdict: None,
        headline: &counted(all, "run or night", "runs and nights"),
        facts: &[],
        nav: &[("trend.html".into(), "trend")],
        body: &body,
    };
    Ok(page.render())
}

fn row(entry: &Entry) -> Vec<String> {
    let what = escape(&entry.what);
    let class = entry.outcome.map_or("", Outcome::word);
    vec![
        when(&entry.time),
        match entry.report {
            true => {
                format!("<a href=\"{}\">{what}</a>", href(&format!("{}/report.html", entry.folder)))
            }
            false => format!("<a href=\"{}\">{what}</a>", href(&format!("{}/", entry.folder))),
        },
        format!("<span class=\"word {class}\">{}</span>", escape(&entry.word)),
        words(&entry.sentence),
    ]
}

/// A folder's name, `20261121T020000.000Z`, as a time.
fn when(name: &str) -> String {
    let digits: String = name.chars().filter(char::is_ascii_digit).collect();
    match (digits.get(..8), digits.get(8..12)) {
        (Some(day), Some(time)) => {
            let (year, rest) = day.split_at(4);
            let (month, day) = rest.split_at(2);
            let (hour, minute) = time.split_at(2);
            format!("{year}-{month}-{day} {hour}:{minute}")
        }
        _ => escape(&minute(name)),
    }
}

fn entry(store: &Path, name: &str, time: &str) -> Option<Entry> {
    let folder = format!("{name}/{time}");
    let path = store.join(&folder);
    let entry = Entry {
        time: time.to_owned(),
        report: path.join("report.html").is_file(),
        folder,
        outcome: None,
        word: "?".into(),
        what: name.to_owned(),
        sentence: String::new(),
    };
    if path.join(PLAN).is_file() {
        return Some(of_night(&path, entry));
    }
    if !path.join("manifest.json").is_file() {
        return None;
    }
    Some(match runs::summary(&path) {
        Ok(Some(record)) => Entry {
            outcome: Some(record.verdict),
            word: record.verdict.word().into(),
            what: format!("{name}: {}, seed {}", record.label(), record.seed),
            report: entry.report && report_of(&record).is_some(),
            sentence: record.sentence,
            ..entry
        },
        Ok(None) => Entry {
            word: "no verdict".into(),
            sentence: "under way, or its tester died".into(),
            ..entry
        },
        Err(error) => Entry { sentence: error.to_string(), ..entry },
    })
}

fn of_night(path: &Path, entry: Entry) -> Entry {
    let night = match Night::open(path) {
        Ok(night) => night,
        Err(error) => return Entry { sentence: format!("{error:#}"), ..entry },
    };
    let outcomes: Vec<Option<Outcome>> = (night.cells())
        .map(|(_, standing)| match standing {
            Standing::Done(record) => Some(record.verdict),
            Standing::Open(_) => None,
        })
        .collect();
    let worst = outcomes.iter().map(|one| one.unwrap_or(Outcome::Unknown)).max();
    let count = |outcome: Option<Outcome>| outcomes.iter().filter(|one| **one == outcome).count();
    let counts = [Outcome::Invalid, Outcome::Crashed, Outcome::Unknown, Outcome::Valid];
    let counts = counts.map(|one| (count(Some(one)), one.word()));
    let counts: Vec<String> = (counts.into_iter().chain([(count(None), "not run")]))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    Entry {
        outcome: worst,
        word: worst.map_or("unknown", Outcome::word).into(),
        what: format!("{}: a night of {} cells", night.plan.name, outcomes.len()),
        sentence: counts.join(", "),
        ..entry
    }
}
