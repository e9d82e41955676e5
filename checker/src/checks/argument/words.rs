//! The steps of a circle in words.

use super::super::sentence::process;
use super::circle::{Step, Why};
use super::facts::{Facts, Source};
use crate::model::{Transition, ValueId};
use crate::verdict::Because;

/// A step as it is told.
pub(crate) fn because(facts: &Facts<'_, '_>, step: &Step) -> Because {
    let index = |at: usize| facts.operation(at).index();
    let words = Words { facts };
    let mut sentence = format!(
        "{} comes before {}: {}",
        words.name(step.from),
        words.name(step.to),
        words.reason(step)
    );
    if let Some(shown) = words.shown_by(step) {
        sentence = format!("{sentence}; that it took effect shows {}", words.name(shown));
    }
    Because {
        from: index(step.from),
        to: index(step.to),
        relation: step.why.relation(),
        through: step.through.iter().copied().map(index).collect(),
        sentence,
    }
}

struct Words<'f, 'a, 'h> {
    facts: &'f Facts<'a, 'h>,
}

impl Words<'_, '_, '_> {
    /// `write 2 (process 0)`.
    fn name(&self, at: usize) -> String {
        let what = match self.facts.meaning(at) {
            Some(Transition::Read(value)) => format!("read {}", self.value(value)),
            Some(Transition::Write(value)) => format!("write {}", self.value(value)),
            Some(Transition::Cas(old, new)) => {
                format!("cas {} {}", self.value(old), self.value(new))
            }
            Some(Transition::Differs(_)) | None => "operation".to_owned(),
        };
        format!("{what} ({})", process(self.facts.operation(at).invoke()))
    }

    fn value(&self, value: ValueId) -> String {
        self.facts.model.value(value).to_string()
    }

    fn reason(&self, step: &Step) -> String {
        match &step.why {
            Why::Ended => {
                let (end, begin) = self.moments(step.from, step.to);
                format!("it ended {end}, and the other began {begin}")
            }
            Why::Saw(value) => format!("only it wrote {}, which the other saw", self.value(*value)),
            Why::Overwritten { value, path } => format!(
                "it saw {}, which was written once, and {}",
                self.value(*value),
                self.path(step, path)
            ),
            Why::Earlier { value, path } => format!(
                "{}, and {} was written once, so nothing else was there in between",
                self.path(step, path),
                self.value(*value)
            ),
            Why::Replaced { value, source: Source::Only(_) } => {
                format!(
                    "it saw {}, which the other replaced and which was written once",
                    self.value(*value)
                )
            }
            Why::Replaced { value, source: Source::Initial } | Why::AtStart { value } => {
                format!(
                    "it saw {}, which was there at the start and never written",
                    self.value(*value)
                )
            }
        }
    }

    /// How one came before the other by way of others, as part of a step's reason. Whoever saw
    /// what the one before wrote is told together with what it then came before.
    fn path(&self, step: &Step, path: &[usize]) -> String {
        let name = |at: usize| self.name_beside(step, at);
        let saw = |first: usize, second: usize| {
            let value = self.facts.sees(second).filter(|_| self.facts.read_from(first, second))?;
            Some(format!("saw {}", self.value(value)))
        };
        let mut clauses = Vec::new();
        let mut seen = String::new();
        for pair in path.windows(2) {
            let (first, second) = (pair[0], pair[1]);
            if let Some(saw) = saw(first, second) {
                if Some(&second) == path.last() {
                    clauses.push(format!("{} {saw}", name(second)));
                }
                seen = format!("{saw} and ");
                continue;
            }
            let (end, begin) = self.moments(first, second);
            clauses.push(format!(
                "{} {seen}ended {end} before {} began {begin}",
                name(first),
                name(second)
            ));
            seen.clear();
        }
        clauses.join(", ")
    }

    /// Two operations may read alike: the one that is not the step's own is then another one.
    fn name_beside(&self, step: &Step, at: usize) -> String {
        let name = self.name(at);
        let own = at == step.from || at == step.to;
        match [step.from, step.to].iter().any(|one| self.name(*one) == name) && !own {
            true => format!("another {name}"),
            false => name,
        }
    }

    /// Who shows that the first operation took effect, where nothing else in the sentence does.
    fn shown_by(&self, step: &Step) -> Option<usize> {
        let replaced_or_overwritten = matches!(
            step.why,
            Why::Overwritten { .. } | Why::Replaced { .. } | Why::AtStart { .. }
        );
        let witness = self.facts.witness(step.from)?;
        (replaced_or_overwritten && witness != step.from).then_some(witness)
    }

    /// When the one ended and when the other began, with as many digits as tell them apart.
    fn moments(&self, first: usize, second: usize) -> (String, String) {
        let end = self.facts.operation(first).completion();
        let begin = self.facts.operation(second).invoke();
        let end_ns = end.map_or(-1, |op| op.time_ns);
        if end_ns < 0 || begin.time_ns <= end_ns {
            let end = end.map_or(0, |op| op.index);
            return (format!("(event {end})"), format!("(event {})", begin.index));
        }
        let digits = [3, 6, 9]
            .into_iter()
            .find(|digits| seconds(end_ns, *digits) != seconds(begin.time_ns, *digits));
        let at = |time_ns| format!("at {} s", seconds(time_ns, digits.unwrap_or(9)));
        (at(end_ns), at(begin.time_ns))
    }
}

/// Nanoseconds as seconds with so many decimals, rounded.
fn seconds(time_ns: i64, decimals: u32) -> String {
    let unit = 10_i64.pow(9 - decimals);
    let units = (time_ns + unit / 2) / unit;
    let whole = 10_i64.pow(decimals);
    format!("{}.{:0width$}", units / whole, units % whole, width = decimals as usize)
}
