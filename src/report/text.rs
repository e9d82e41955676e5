//! The report for a terminal: the verdict in its first line, what to do next in its last.
//!
//! A hundred columns, because that is what a window beside a browser has at three in the morning,
//! and no colour codes unless they are asked for, because the other reader is a log file.

use std::path::Path;

use checker::verdict::{Anomaly, Because};

use super::axes::{Axes, Count, FaultReport, Level};
use super::markup::{plain, shortened};
use super::scene::{anomalies, clock_of};
use super::{Input, not_exercised};

const COLUMNS: usize = 100;

/// Whether colour codes may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// Text only.
    #[default]
    Never,
    /// ANSI codes around the words that matter.
    Ansi,
}

impl Colour {
    pub(crate) fn paint(self, level: Level, text: &str) -> String {
        let code = match level {
            Level::Good => "32",
            Level::Warn => "33",
            Level::Bad => "31",
        };
        self.wrap(&format!("1;{code}"), text)
    }

    fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        match self {
            Colour::Never => text.to_owned(),
            Colour::Ansi => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}

/// The summary for a terminal. `dir` is where the files are, if they were written.
pub fn text(input: &Input, axes: &Axes, dir: Option<&Path>, colour: Colour) -> String {
    let mut page = Page { out: String::new(), colour };
    page.headline(input, axes);
    page.axes(axes);
    page.counts(&axes.counts);
    page.faults(&axes.faults, input);
    page.rest(input, axes, dir);
    page.out
}

struct Page {
    out: String,
    colour: Colour,
}

impl Page {
    /// `text` after `head`, wrapped, continued under its own beginning.
    fn paragraph(&mut self, head: &str, width: usize, text: &str) {
        let visible = head.chars().count();
        let head = format!("{head}{}", " ".repeat(width.saturating_sub(visible)));
        self.painted(&head, width.max(visible), text);
    }

    /// The same where `head` holds colour codes and is `width` wide without them.
    fn painted(&mut self, head: &str, width: usize, text: &str) {
        for (n, line) in wrapped(&plain(text), COLUMNS - width).into_iter().enumerate() {
            let lead = if n == 0 { head.to_owned() } else { " ".repeat(width) };
            self.line(&format!("{lead}{line}"));
        }
    }

    fn line(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    fn heading(&mut self, name: &str) {
        let name = self.colour.bold(name);
        self.line("");
        self.line(&name);
    }

    fn headline(&mut self, input: &Input, axes: &Axes) {
        let word = axes.safety.word.to_uppercase();
        let head = format!("{}  ", self.colour.paint(axes.safety.level, &word));
        self.painted(&head, word.len() + 2, &shortened(axes.safety.sentence.clone(), 600));
        let anomalies = anomalies(input.verdict);
        let told = anomalies.iter().find(|a| axes.safety.sentence.ends_with(&a.sentence));
        let lines = told.map(|told| argument(told).into_iter().chain(examination(told)));
        for line in lines.into_iter().flatten() {
            self.paragraph("", word.len() + 2, &shortened(line, 400));
        }
        for anomaly in anomalies.iter().filter(|a| a.sentence != axes.safety.sentence).take(3) {
            self.paragraph("  -", 4, &shortened(anomaly.sentence.clone(), 400));
        }
        if anomalies.len() > 4 {
            self.line(&format!("    … {} violations in all", anomalies.len()));
        }
    }

    fn axes(&mut self, axes: &Axes) {
        self.line("");
        for axis in axes.all() {
            let word = self.colour.paint(axis.level, axis.word);
            let pad = " ".repeat(10_usize.saturating_sub(axis.word.len()));
            let head = format!("  {:<14}{word}{pad}", axis.name);
            self.painted(&head, 26.max(16 + axis.word.len()), axis.brief());
        }
    }

    fn counts(&mut self, counts: &[Count]) {
        self.heading("Operations            all        ok      fail      info");
        for count in counts {
            let f = if count.f.is_empty() { "all" } else { &count.f };
            let f = shortened(plain(f), 14);
            self.line(&format!(
                "  {f:<14}{:>9} {:>9} {:>9} {:>9}",
                count.all(),
                count.ok,
                count.fail,
                count.info
            ));
        }
    }

    fn faults(&mut self, faults: &[FaultReport], input: &Input) {
        self.heading(&format!("Faults ({})", faults.len()));
        if faults.is_empty() {
            self.line("  none");
        }
        let clock = clock_of(input.history);
        for report in faults.iter().take(MOST_FAULTS) {
            let fault = &report.fault;
            let when = format!("{}..{}", clock.moment(fault.start), clock.moment(fault.end));
            let head = format!("  {when:<22} ");
            let gap = match report.longest_gap {
                0 => String::new(),
                gap => format!(", {} without an acknowledgement", clock.span(gap)),
            };
            let what = format!(
                "{} {}: {}; {} operations overlapped it, {} ok{gap}",
                fault.family,
                shortened(fault.what.clone(), 120),
                fault.proof_words(),
                report.during.all(),
                report.during.ok,
            );
            self.paragraph(&head, 25, &what);
        }
        if faults.len() > MOST_FAULTS {
            self.line(&format!("  … and {} more: see report.html", faults.len() - MOST_FAULTS));
        }
    }

    fn rest(&mut self, input: &Input, axes: &Axes, dir: Option<&Path>) {
        self.heading("Not exercised");
        let missing = not_exercised(input, axes);
        self.paragraph(
            "",
            2,
            &if missing.is_empty() { "-".to_owned() } else { missing.join(", ") },
        );
        if !input.verdict.assumptions.is_empty() {
            self.heading("Assumptions");
            for assumption in &input.verdict.assumptions {
                self.paragraph("  -", 4, assumption);
            }
        }
        self.line("");
        if let Some(dir) = dir {
            self.paragraph("Files", 12, &dir.display().to_string());
            let first = "report.html (all on one page), timeline.html, results.edn, history.txt";
            self.paragraph("", 12, first);
        }
        let Some(run) = input.run.as_ref() else { return };
        self.paragraph("Again", 12, &run.reproduce);
        self.paragraph("Judge again", 12, &run.rejudge);
        self.paragraph("Seed", 12, &format!("{} (Ordeal {})", run.seed, run.version));
    }
}

/// A long night has hundreds; the terminal shows the first, the page shows all.
const MOST_FAULTS: usize = 20;

/// The circle behind a violation, a step a line, and what follows from it; nothing where there is
/// none.
pub(crate) fn argument(anomaly: &Anomaly) -> Vec<String> {
    let circle = circle(anomaly);
    let steps = circle.iter().zip(1..);
    let mut lines: Vec<String> =
        steps.map(|(step, number)| format!("{number}. {}", step.sentence)).collect();
    match lines.len() {
        0 => {}
        1 | 2 => lines.push("No order has both.".to_owned()),
        all => lines.push(format!("No order has all {all}.")),
    }
    if anomaly.argument.is_empty()
        && let Some(core) = anomaly.examination.core.as_ref().filter(|_| !lines.is_empty())
    {
        let all = core.operations.len();
        lines.insert(0, format!("Of all operations only {all} matter, and among these:"));
    }
    lines
}

/// The circle of the history, or else that of the few operations that matter.
pub(crate) fn circle(anomaly: &Anomaly) -> &[Because] {
    match anomaly.argument.as_slice() {
        [] => &anomaly.examination.argument,
        circle => circle,
    }
}

/// What else was found out about a violation, a line each.
pub(crate) fn examination(anomaly: &Anomaly) -> Vec<String> {
    let found = &anomaly.examination;
    let strength = found.strength.as_ref().filter(|strength| strength.doubted > 0);
    let strength = strength.map(|strength| format!("Strength: {}.", strength.sentence()));
    let legal = (found.remedies.iter()).map(|remedy| format!("It would be legal {remedy}."));
    let fingerprint = Some(&found.fingerprint).filter(|print| !print.is_empty());
    let fingerprint = fingerprint.map(|print| format!("Fingerprint: {print}"));
    legal.chain(strength).chain(fingerprint).collect()
}

/// Breaks text at spaces; a word that is longer than a line is broken where it must be.
pub(crate) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut length = 0;
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        for (n, piece) in letters.chunks(columns.max(1)).enumerate() {
            let room = length + usize::from(length > 0) + piece.len() <= columns;
            if n > 0 || !room {
                lines.push(String::new());
                length = 0;
            }
            let line = lines.last_mut().expect("there is always a line");
            if length > 0 {
                line.push(' ');
            }
            line.extend(piece);
            length = line.chars().count();
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn text_is_broken_at_spaces_and_long_words_where_they_must_be() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrapped("", 7), [""]);
    }
}
