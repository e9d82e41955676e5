//! What was found, as Markdown.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// One promise, and whether it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) work: String,
    pub(crate) target: String,
    pub(crate) measured: String,
    pub(crate) met: Met,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    Yes,
    No,
    /// What it needs is not here.
    Skipped,
}

impl Met {
    pub(crate) fn of(met: bool) -> Met {
        if met { Met::Yes } else { Met::No }
    }

    fn word(self) -> &'static str {
        match self {
            Met::Yes => "yes",
            Met::No => "**no**",
            Met::Skipped => "skipped",
        }
    }
}

/// What was measured together.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    /// How it was measured, and how the right verdict is known.
    pub(crate) about: String,
    pub(crate) rows: Vec<Row>,
    /// Every single measurement, the names of the columns first.
    pub(crate) points: Vec<Vec<String>>,
}

impl Section {
    /// A section that needs the reference corpus, which is not here.
    pub(crate) fn skipped(title: &'static str, target: &str) -> Section {
        let measured = "no corpus here; set ORDEAL_CORPUS".to_owned();
        let row =
            Row { work: title.to_owned(), target: target.to_owned(), measured, met: Met::Skipped };
        Section { title, about: String::new(), rows: vec![row], points: Vec::new() }
    }

    /// Everything but the rows.
    pub(crate) fn details(&self) -> String {
        let mut text = format!("### {}\n\n", capitalised(self.title));
        if !self.about.is_empty() {
            for line in wrapped(&self.about) {
                text.push_str(&line);
                text.push('\n');
            }
            text.push('\n');
        }
        table(&self.points, &mut text);
        text
    }
}

/// The rows of all sections.
pub(crate) fn summary(sections: &[Section]) -> String {
    let mut cells = vec![["work", "target", "measured", "met"].map(str::to_owned).to_vec()];
    for row in sections.iter().flat_map(|section| &section.rows) {
        let (work, target) = (row.work.clone(), row.target.clone());
        cells.push(vec![work, target, row.measured.clone(), row.met.word().to_owned()]);
    }
    let mut text = String::new();
    table(&cells, &mut text);
    text
}

/// All of it: where, what, and the details.
pub(crate) fn report(machine: &str, sections: &[Section]) -> String {
    let mut text = String::new();
    for line in wrapped(&format!("Machine: {machine}.")) {
        text.push_str(&line);
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&summary(sections));
    for section in sections {
        text.push('\n');
        text.push_str(section.details().trim_end());
        text.push('\n');
    }
    text
}

/// What encloses the part of a file that is written by this command.
const MARKS: [&str; 2] = ["<!-- targets: begin -->\n", "<!-- targets: end -->\n"];

/// Replaces the part of a file between the marks.
pub(crate) fn replace(path: &Path, report: &str) -> Result<(), String> {
    let problem = |error: std::io::Error| format!("{}: {error}", path.display());
    let text = fs::read_to_string(path).map_err(problem)?;
    let replaced = replaced(&text, report)
        .ok_or_else(|| format!("{} has no {}", path.display(), MARKS.concat()))?;
    fs::write(path, replaced).map_err(problem)
}

fn replaced(text: &str, report: &str) -> Option<String> {
    let [begin, end] = MARKS;
    let (before, rest) = text.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some([before, begin, "\n", report, "\n", end, after].concat())
}

fn table(cells: &[Vec<String>], text: &mut String) {
    for (at, row) in cells.iter().enumerate() {
        let _ = writeln!(text, "| {} |", row.join(" | "));
        if at == 0 {
            let _ = writeln!(text, "|{}", "---|".repeat(row.len()));
        }
    }
}

fn capitalised(title: &str) -> String {
    let mut rest = title.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// The words in lines of at most 100 characters.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a first line");
        if !line.is_empty() && line.len() + word.len() >= 100 {
            lines.push(word.to_owned());
        } else {
            let gap = if line.is_empty() { "" } else { " " };
            let _ = write!(line, "{gap}{word}");
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let [begin, end] = MARKS;
        let text = format!("before\n{begin}old\n{end}after\n");
        let new = format!("before\n{begin}\nnew\n\n{end}after\n");
        assert_eq!(replaced(&text, "new\n").as_ref(), Some(&new));
        assert_eq!(replaced(&new, "new\n"), Some(new));
        assert_eq!(replaced("nothing marked", "new\n"), None);
    }
}
