//! Pages about more than one run: a night's `report.html`, and the store's `index.html` and
//! `trend.html`.
//!
//! They look like the report of a run, whose style sheet they share, and like it they are static:
//! no script, no server, links relative, so that a store can be copied, mailed or put behind any
//! web server. What they show comes from plans and records; of a run's folder only the picture of
//! its violation is taken in. A page that cannot be drawn is a warning and never a verdict, and it
//! replaces its predecessor by rename, so that nobody ever opens half a page.

mod chart;
mod index;
mod night;
mod trend;

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::report::{escape, fill, href, shortened};
use crate::store::{Outcome, Record, runs};
use crate::suite::Night;

/// A sentence that is longer is cut; the run's own report has it all.
const MOST_LETTERS: usize = 1_000;

/// Draws the page of a night; a sentence if that failed.
pub fn of_night(night: &Night) -> Vec<String> {
    let mut warnings = Vec::new();
    put(&mut warnings, night.folder(), "report.html", || Ok(night::page(night)));
    warnings
}

/// Draws the pages of a store; a sentence for each that failed.
pub fn of_store(store: &Path) -> Vec<String> {
    let mut warnings = Vec::new();
    put(&mut warnings, store, "index.html", || index::page(store));
    put(&mut warnings, store, "trend.html", || Ok(trend::page(&runs::read_in(store)?, store)));
    warnings
}

fn put(
    warnings: &mut Vec<String>,
    folder: &Path,
    name: &str,
    render: impl FnOnce() -> Result<String>,
) {
    let rendered = catch_unwind(AssertUnwindSafe(render))
        .unwrap_or_else(|_| bail!("the renderer panicked"))
        .and_then(|text| write(folder, name, &text));
    if let Err(error) = rendered {
        warnings.push(format!("{name} was not written: {error:#}"));
    }
}

fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    // Several testers may share a store, and each draws its pages.
    let fresh = folder.join(format!(".{name}-{}", std::process::id()));
    std::fs::write(&fresh, text)
        .and_then(|()| std::fs::rename(&fresh, folder.join(name)))
        .with_context(|| format!("in {}", folder.display()))
}

/// What every page has.
struct Page<'a> {
    title: &'a str,
    /// The word on top and its colour; none on pages that have no verdict.
    verdict: Option<&'a str>,
    headline: &'a str,
    facts: &'a [String],
    /// Links to other pages: where to, and their name.
    nav: &'a [(String, &'a str)],
    /// HTML.
    body: &'a str,
}

impl Page<'_> {
    fn render(&self) -> String {
        let verdict = self.verdict.unwrap_or_default();
        let badge = match verdict {
            "" => String::new(),
            word => format!("<b class=\"verdict\">{word}</b>"),
        };
        let nav: String = self
            .nav
            .iter()
            .map(|(to, name)| format!("<a href=\"{}\">{name}</a>", href(to)))
            .collect();
        let css =
            concat!(include_str!("../report/assets/report.css"), include_str!("assets/pages.css"));
        fill(
            include_str!("assets/page.html"),
            &[
                ("title", &escape(self.title)),
                ("css", css),
                ("verdict", self.verdict.unwrap_or("plain")),
                ("badge", &badge),
                ("headline", &escape(self.headline)),
                ("facts", &escape(&self.facts.join(" · "))),
                ("nav", &nav),
                ("body", self.body),
            ],
        )
    }
}

/// A sentence as HTML.
fn words(text: &str) -> String {
    escape(&shortened(text.to_owned(), MOST_LETTERS))
}

/// A verdict as a small box that leads to its report: the mark says it without colour.
fn boxed(outcome: Option<Outcome>, to: Option<&str>, hint: &str) -> String {
    let (class, mark) = match outcome {
        Some(Outcome::Valid) => ("valid", "✓"),
        Some(Outcome::Unknown) => ("unknown", "?"),
        Some(Outcome::Crashed) => ("crashed", "!"),
        Some(Outcome::Invalid) => ("invalid", "✗"),
        None => ("none", "·"),
    };
    let hint = escape(hint);
    match to {
        Some(to) => {
            format!("<a class=\"box {class}\" href=\"{}\" title=\"{hint}\">{mark}</a>", href(to))
        }
        None => format!("<span class=\"box {class}\" title=\"{hint}\">{mark}</span>"),
    }
}

/// What the marks in boxes mean.
const LEGEND: &str = "<p class=\"soft\">✓ valid, ✗ a violation, ? undecided, ! the tester failed, \
                      · not run</p>\n";

/// The report of a run, relative to the page that shows its record; nothing if the tester died
/// before it made a folder.
fn report_of(record: &Record) -> Option<String> {
    (!record.folder.is_empty()).then(|| format!("{}/report.html", record.folder))
}

/// A moment to the minute.
fn minute(time: &str) -> String {
    let text: String = time.chars().take(16).collect();
    text.replace('T', " ")
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 night`, `2,000 nights`.
fn counted(number: usize, one: &str, many: &str) -> String {
    let what = if number == 1 { one } else { many };
    format!("{} {what}", grouped(number as u64))
}

/// The rows of a table with its head; the names of columns that hold numbers begin with `#`.
fn table(columns: &[&str], rows: &[Vec<String>]) -> String {
    let class = |column: &str| if column.starts_with('#') { " class=\"n\"" } else { "" };
    let mut out = String::from("<div class=\"scroll\"><table><tr>");
    for column in columns {
        let _ = write!(out, "<th{}>{}</th>", class(column), column.trim_start_matches('#'));
    }
    out.push_str("</tr>\n");
    for row in rows {
        out.push_str("<tr>");
        for (column, cell) in columns.iter().zip(row) {
            let _ = write!(out, "<td{}>{cell}</td>", class(column));
        }
        out.push_str("</tr>\n");
    }
    out + "</table></div>\n"
}

#[cfg(test)]
mod tests;
