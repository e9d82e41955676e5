//! The decision on one screen, for a person.

use std::fmt::Write as _;

use super::{Decision, Effect, Figures, Finding};
use crate::report::{Colour, Level, percent, plain, shortened};

/// So many reasons are listed; the worst come first, and JSON has them all.
const MOST_REASONS: usize = 15;
/// So many notes.
const MOST_NOTES: usize = 5;
/// A sentence is one line of a wide terminal.
const LETTERS: usize = 240;

/// The screen.
pub fn text(decision: &Decision, colour: Colour) -> String {
    let level = if decision.ships() { Level::Good } else { Level::Bad };
    let headline = colour.paint(level, decision.headline());
    let mut out = format!("{headline}  {}\n", plain(&about(decision)));
    let reasons: Vec<&Finding> = decision.reasons().collect();
    list(&mut out, &reasons, MOST_REASONS, colour);
    let notes: Vec<&Finding> = decision.notes().collect();
    list(&mut out, &notes, MOST_NOTES, colour);
    let _ = writeln!(out, "\nWhat it rests on");
    for (name, sentence) in figures(&decision.figures) {
        let _ = writeln!(out, "  {name:<13} {sentence}");
    }
    out
}

/// What was tested, and whence that is known.
pub(super) fn about(decision: &Decision) -> String {
    let systems: Vec<&str> = decision.figures.systems.iter().map(String::as_str).collect();
    let systems = if systems.is_empty() { "nothing".to_owned() } else { systems.join(", ") };
    match &decision.evidence.from[..] {
        [] => systems,
        [one] => format!("{systems} · {one}"),
        [first, rest @ ..] => format!("{systems} · {first} and {} more", rest.len()),
    }
}

fn list(out: &mut String, findings: &[&Finding], most: usize, colour: Colour) {
    if !findings.is_empty() {
        out.push('\n');
    }
    for finding in findings.iter().take(most) {
        let level = match finding.effect {
            Effect::Note => Level::Good,
            Effect::TooLittle => Level::Warn,
            Effect::Violation => Level::Bad,
        };
        let rule = if finding.effect == Effect::Note { "note" } else { finding.rule };
        let pad = " ".repeat(13_usize.saturating_sub(rule.len()));
        let sentence = shortened(plain(&finding.sentence), LETTERS);
        let _ = writeln!(out, "  {}{pad} {sentence}", colour.paint(level, rule));
    }
    if findings.len() > most {
        let _ = writeln!(out, "  … and {} more (--format json has all)", findings.len() - most);
    }
}

/// The figures by axis, in a sentence each.
pub(super) fn figures(figures: &Figures) -> Vec<(&'static str, String)> {
    let counts = [
        ("valid", figures.valid),
        ("invalid", figures.invalid),
        ("unknown", figures.unknown),
        ("crashed", figures.crashed),
        ("missing", figures.missing),
    ];
    let counts = counts.iter().filter(|(_, count)| *count > 0);
    let counts: Vec<String> = counts.map(|(word, count)| format!("{count} {word}")).collect();
    let runs = if counts.is_empty() { "no run".to_owned() } else { counts.join(", ") };
    vec![
        ("safety", format!("{runs} of {} planned", figures.cells)),
        ("availability", availability(figures)),
        ("power", power(figures)),
        ("faults", faults(figures)),
        ("harness", harness(figures.failures)),
    ]
}

fn availability(figures: &Figures) -> String {
    let share = percent(figures.acknowledged, figures.operations);
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let gap_s = figures.longest_gap_ms as f64 / 1000.0;
    let all = figures.operations;
    format!("{share} of {all} operations acknowledged, longest gap {gap_s:.1} s")
}

fn power(figures: &Figures) -> String {
    let seeds = if figures.seeds == 1 { "seed" } else { "seeds" };
    format!(
        "{} acknowledged writes, {} reads of written values, {} {seeds}, {:.2} hours of load",
        figures.acknowledged_writes, figures.reads_of_written_values, figures.seeds, figures.hours
    )
}

fn faults(figures: &Figures) -> String {
    let family = |(name, under): (&String, &super::power::UnderFault)| {
        let (proved, operations) = (under.proved, under.operations);
        format!("{name} {proved} times over {operations} operations")
    };
    let leader: u64 = figures.faults.values().map(|under| under.leader).sum();
    let mut all: Vec<String> = figures.faults.iter().map(family).collect();
    if all.is_empty() {
        return "none".into();
    }
    all.push(format!("a leader {leader} times"));
    all.join(", ")
}

fn harness(failures: u64) -> String {
    match failures {
        0 => "no tester failed".into(),
        1 => "a tester failed once".into(),
        many => format!("testers failed {many} times"),
    }
}
