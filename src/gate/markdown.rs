//! The decision as Markdown, as the check page of a pull request shows it.

use std::fmt::Write as _;

use super::text::{about, figures};
use super::{Cell, Decision, Finding};
use crate::report::plain;
use crate::store::Outcome;

/// GitHub shows a megabyte; this many rows are far below.
const MOST_ROWS: usize = 200;

/// The page.
pub fn markdown(decision: &Decision) -> String {
    let mark = if decision.ships() { "✅" } else { "⛔" };
    let mut out = format!("## {mark} {}\n\n{}\n\n", decision.headline(), inline(&about(decision)));
    let findings: Vec<&Finding> = decision.reasons().chain(decision.notes()).collect();
    if !findings.is_empty() {
        out.push_str("| rule | |\n|---|---|\n");
    }
    for finding in findings.iter().take(MOST_ROWS) {
        let _ = writeln!(out, "| {} | {} |", finding.rule, inline(&finding.sentence));
    }
    out.push_str("\n| what it rests on | |\n|---|---|\n");
    for (name, sentence) in figures(&decision.figures) {
        let _ = writeln!(out, "| {name} | {} |", inline(&sentence));
    }
    let told = |cell: &&Cell| cell.result().is_some_and(|one| one.verdict != Outcome::Valid);
    for cell in decision.evidence.cells.iter().filter(told).take(MOST_ROWS) {
        out.push_str(&again(cell));
    }
    out
}

/// What to type next about a cell.
fn again(cell: &Cell) -> String {
    let Some(record) = cell.result() else { return String::new() };
    let commands = [&record.again, &record.rejudge].map(|command| plain(command));
    let commands: Vec<&str> =
        commands.iter().map(String::as_str).filter(|command| !command.is_empty()).collect();
    let (name, word) = (inline(&cell.name), record.verdict.word());
    format!(
        "\n<details><summary>{name}: {word}</summary>\n\n{}\n\n```sh\n{}\n```\n\n</details>\n",
        inline(&record.sentence),
        commands.join("\n").replace("```", "'''")
    )
}

/// Text that is neither markup nor a column of its own: it may come from somebody else's history.
fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '@' | '!' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_value_is_neither_a_column_nor_a_link_nor_an_element() {
        let text = inline("a | [x](http://y) <img> `z` @all");
        assert_eq!(text, "a \\| \\[x\\](http://y) &lt;img&gt; \\`z\\` \\@all");
    }
}
