//! A night's `report.html`: what somebody reads in the morning, the worst first.
//!
//! Each result that is not valid has a card: its sentence, the picture of its violation, and what
//! to type next. Cells that show the same violation, by its fingerprint, share a card. Below come
//! all cells as a grid and as a table, and which node met which fault.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{LEGEND, Page, boxed, grouped, minute, report_of, table, words};
use crate::command_line::CommandLine;
use crate::report::{escape, href, percent};
use crate::store::{Outcome, Record};
use crate::suite::{Night, Row};

/// So many cards are drawn with a picture, and so many in all; the table has every cell.
const MOST_PICTURES: usize = 10;
const MOST_CARDS: usize = 50;

/// Whether a cell passed without what it was to pass under: such a pass says little.
fn is_faultless(row: &Row) -> bool {
    row.cell.nemesis != "none"
        && row.record.is_some_and(|one| one.verdict == Outcome::Valid && proved(one) == 0)
}

/// The whole page.
pub(super) fn page(night: &Night) -> String {
    let mut rows = night.rows();
    let grid = grid(&rows);
    rows.sort_by_key(|row| Reverse(row.severity()));
    let worst = rows.iter().map(|row| row.outcome().unwrap_or(Outcome::Unknown)).max();
    let body = [
        cards(&rows, night),
        format!("<section>\n<h2>Cells</h2>\n{grid}{}</section>\n", cells(&rows)),
        coverage(&rows),
        again(night),
        whence(),
    ]
    .concat();
    Page {
        title: &format!("{}, {}", night.plan.name, minute(&night.plan.started)),
        verdict: Some(worst.map_or("unknown", Outcome::word)),
        headline: &headline(&rows, night),
        facts: &facts(night),
        nav: &[("../../trend.html".into(), "trend"), ("../../index.html".into(), "all runs")],
        body: &body,
    }
    .render()
}

/// The night in one sentence.
fn headline(rows: &[Row], night: &Night) -> String {
    let count =
        |outcome: Option<Outcome>| rows.iter().filter(|row| row.outcome() == outcome).count();
    let say = |count: usize, one: &str, many: &str| {
        format!("{count} {}", if count == 1 { one } else { many })
    };
    let parts = [
        (count(Some(Outcome::Invalid)), "shows a violation", "show a violation"),
        (count(Some(Outcome::Crashed)), "lost its tester", "lost their tester"),
        (count(Some(Outcome::Unknown)), "is undecided", "are undecided"),
        (count(None), "was not run", "were not run"),
    ];
    let parts: Vec<String> = (parts.into_iter())
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| say(count, one, many))
        .collect();
    let valid = say(count(Some(Outcome::Valid)), "is valid", "are valid");
    let all = rows.len();
    let mut text = match &parts[..] {
        [] => format!("All {all} cells are valid"),
        parts => format!("Of {all} cells {}; {valid}", parts.join(", ")),
    };
    let faultless = rows.iter().filter(|row| is_faultless(row)).count();
    if faultless > 0 {
        let _ = write!(text, ", {faultless} of them without any fault in force");
    }
    match &night.plan.ended {
        None => text.push_str(" (still under way, or cut short)"),
        Some(ended) => {
            let early = ended.early.iter().map(|why| format!(" (ended early: {why})"));
            text.extend(early);
        }
    }
    text
}

fn facts(night: &Night) -> Vec<String> {
    let plan = &night.plan;
    let mut systems: Vec<String> = (night.records().iter())
        .filter(|record| !record.system_version.is_empty())
        .map(|record| format!("{} {}", record.system, record.system_version))
        .collect();
    systems.sort();
    systems.dedup();
    let ended = plan.ended.as_ref().map(|ended| format!("ended {} UTC", minute(&ended.at)));
    let mut facts: Vec<String> = plan.about.iter().cloned().collect();
    facts.extend(systems);
    facts.push(format!("began {} UTC", minute(&plan.started)));
    facts.extend(ended);
    facts.extend([format!("seed {}", plan.seed), format!("Ordeal {}", plan.ordeal)]);
    facts
}

/// What is not valid, one card a violation.
fn cards(rows: &[Row], night: &Night) -> String {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<&Row>> = Vec::new();
    for row in rows.iter().filter(|row| row.record.is_some_and(|one| one.verdict != Outcome::Valid))
    {
        let print = row.record.and_then(|one| one.violations.first()?.fingerprint.as_deref());
        match print.and_then(|print| seen.get(print)) {
            Some(&group) => groups[group].push(row),
            None => {
                seen.extend(print.map(|print| (print, groups.len())));
                groups.push(vec![row]);
            }
        }
    }
    if groups.is_empty() {
        return String::new();
    }
    let mut out = String::from("<section>\n<h2>What to look at first</h2>\n");
    for (n, group) in groups.iter().take(MOST_CARDS).enumerate() {
        card(&mut out, group, night, n < MOST_PICTURES);
    }
    if groups.len() > MOST_CARDS {
        let _ =
            writeln!(out, "<p>… and {} more in the table below.</p>", groups.len() - MOST_CARDS);
    }
    out + "</section>\n"
}

fn card(out: &mut String, group: &[&Row], night: &Night, with_picture: bool) {
    let [first, others @ ..] = group else { return };
    let Some(record) = first.record else { return };
    let word = first.word();
    let _ = writeln!(
        out,
        "<article class=\"{word}\">\n<h3><b class=\"verdict {word}\">{word}</b>{}</h3>",
        escape(&first.cell.label())
    );
    let print = record.violations.first().and_then(|one| one.fingerprint.as_ref());
    if let Some(print) = print {
        let _ = writeln!(out, "<p class=\"soft\">fingerprint <code>{}</code></p>", escape(print));
    }
    let picture = if with_picture { picture(night, record) } else { None };
    match &picture {
        // The picture has the sentence as its headline.
        Some(svg) => {
            let _ = writeln!(out, "<figure>{svg}</figure>");
        }
        None => {
            let _ = writeln!(out, "<p>{}</p>", words(&record.sentence));
        }
    }
    for trouble in &record.trouble {
        let _ = writeln!(out, "<p>{}</p>", words(trouble));
    }
    also(out, others);
    links(out, record);
    commands(out, record, night);
    out.push_str("</article>\n");
}

/// The picture of the run's first violation.
fn picture(night: &Night, record: &Record) -> Option<String> {
    let path = night.folder().join(&record.folder).join("violation.svg");
    let found = record.verdict == Outcome::Invalid && !record.folder.is_empty();
    let svg = std::fs::read_to_string(path).ok().filter(|_| found)?;
    // Ours, or nothing: the page must stay one.
    let svg = svg.trim();
    (svg.starts_with("<svg") && svg.ends_with("</svg>") && !svg.contains("<script"))
        .then(|| svg.to_owned())
}

fn also(out: &mut String, others: &[&Row]) {
    if others.is_empty() {
        return;
    }
    let link = |row: &&Row| match row.record.and_then(report_of) {
        Some(to) => format!("<a href=\"{}\">{}</a>", href(&to), escape(&row.cell.label())),
        None => escape(&row.cell.label()),
    };
    let others: Vec<String> = others.iter().map(link).collect();
    let _ = writeln!(out, "<p>The same also in {}</p>", others.join("; "));
}

fn links(out: &mut String, record: &Record) {
    if record.folder.is_empty() {
        return;
    }
    let pages = ["report.html", "timeline.html", "checker.log"];
    let links = pages.map(|page| {
        format!("<a href=\"{}\">{page}</a>", href(&format!("{}/{page}", record.folder)))
    });
    let _ = writeln!(out, "<p>{}</p>", links.join(" · "));
}

/// What to type next.
fn commands(out: &mut String, record: &Record, night: &Night) {
    let folder = night.folder().join(&record.folder);
    let rerun = CommandLine::of_checker(["rerun"])
        .with([folder.to_string_lossy()])
        .with(["--times", "10"])
        .to_string();
    let rerun = if record.folder.is_empty() { "" } else { &rerun };
    out.push_str("<div class=\"do\">\n");
    for (what, command) in [
        ("run it again", &*record.again),
        ("ten times", rerun),
        ("judge it again", &record.rejudge),
    ] {
        if !command.is_empty() {
            let _ = writeln!(out, "<span>{what}</span><pre>{}</pre>", escape(command));
        }
    }
    out.push_str("</div>\n");
}

/// All cells at a glance: what is run down, its seeds across.
fn grid(rows: &[Row]) -> String {
    let mut lines: Vec<(String, String)> = Vec::new();
    for row in rows {
        let label = row.cell.label();
        let (what, _) = label.rsplit_once(" · ").unwrap_or((&label, ""));
        let to = row.record.and_then(report_of);
        let hint = format!("{}: {}", row.cell.label(), row.word());
        let mark = boxed(row.outcome(), to.as_deref(), &hint);
        match lines.iter_mut().find(|(known, _)| known == what) {
            Some((_, marks)) => {
                marks.push(' ');
                marks.push_str(&mark);
            }
            None => lines.push((what.to_owned(), mark)),
        }
    }
    let rows: Vec<Vec<String>> =
        lines.into_iter().map(|(what, marks)| vec![escape(&what), marks]).collect();
    let grid = table(&["what", "seeds"], &rows).replace("<table>", "<table class=\"grid\">");
    format!("{grid}{LEGEND}")
}

fn cells(rows: &[Row]) -> String {
    let row = |row: &Row| {
        let (word, label) = (row.word(), escape(&row.cell.label()));
        let mut cells = vec![
            format!("<span class=\"word {}\">{word}</span>", word.replace(' ', "-")),
            match row.record.and_then(report_of) {
                Some(to) => format!("<a href=\"{}\">{label}</a>", href(&to)),
                None => label,
            },
        ];
        cells.extend(figures(row));
        cells
    };
    let columns = [
        "verdict",
        "cell",
        "#operations",
        "#ok",
        "#longest gap",
        "#p99",
        "#faults",
        "#operations under faults",
        "#tries",
    ];
    table(&columns, &rows.iter().map(row).collect::<Vec<_>>())
}

/// What a cell came to; dashes where it was not run, since nothing is not zero.
fn figures(row: &Row) -> [String; 7] {
    let Some(record) = row.record else { return ["–"; 7].map(str::to_owned) };
    let tally = record.operations;
    let faults = match is_faultless(row) {
        true => "<span class=\"word\">none</span>".to_owned(),
        false => proved(record).to_string(),
    };
    [
        grouped(tally.all),
        percent(tally.ok, tally.all),
        format!("{} s", seconds(record.longest_gap_ms)),
        format!("{:.1} ms", record.latency.p99_ms),
        faults,
        grouped(record.under_faults()),
        row.attempts.to_string(),
    ]
}

/// How many faults were proved in force.
fn proved(record: &Record) -> u64 {
    record.faults.iter().map(|one| one.proved).sum()
}

#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
fn seconds(ms: u64) -> String {
    format!("{:.1}", ms as f64 / 1000.0)
}

/// Which node met which fault in which workload.
fn coverage(rows: &[Row]) -> String {
    let records: Vec<&Record> = rows.iter().filter_map(|row| row.record).collect();
    let covered = super::trend::covered(&records);
    if covered.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = covered
        .into_iter()
        .map(|((workload, fault, node), seen)| {
            let times = seen.times.to_string();
            vec![escape(&workload), escape(&fault), escape(&node), times, grouped(seen.operations)]
        })
        .collect();
    let columns = ["workload", "fault", "node", "#times", "#operations that overlapped it"];
    format!(
        "<section>\n<h2>Which node met which fault</h2>\n{}</section>\n",
        table(&columns, &rows)
    )
}

/// Commands name files as they were seen from where the suite was started. In a container that says
/// nothing to its reader.
fn whence() -> String {
    match std::env::current_dir() {
        Ok(folder) if !CommandLine::is_elsewhere() => {
            let folder = escape(&folder.to_string_lossy());
            format!("<p class=\"soft\">Commands are to be typed in <code>{folder}</code>.</p>\n")
        }
        _ => String::new(),
    }
}

fn again(night: &Night) -> String {
    let gate =
        CommandLine::of_checker(["gate"]).with([night.folder().to_string_lossy()]).to_string();
    format!(
        "<section>\n<h2>Next</h2>\n<p>The whole night again, or on from where it stopped:</p>\n\
         <pre>{}</pre>\n<p>May it be shipped?</p>\n<pre>{}</pre>\n</section>\n",
        escape(&night.plan.command),
        escape(&gate)
    )
}
