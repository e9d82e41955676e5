//! Judging a history that can be read in several ways.
//!
//! Every reading is asked. Where all agree, it does not matter which is meant, and the verdict is
//! that of the likeliest; where they do not, the history alone does not decide, so that nothing
//! but `unknown` is right, with what to say for a verdict. The likeliest is asked first, and alone
//! if it comes to nothing; each further reading costs what judging by it costs.

use std::time::Duration;

use super::infer::{Reading, Readings};
use super::{CheckOptions, CheckerSpec, Patience, check};
use crate::budget::Budget;
use crate::history::{History, Independent};
use crate::model::ModelName;
use crate::verdict::{Reason, Validity, Verdict};

/// Judges a history by every reading. Of `options`, all but the spec and the keys is used. Returns
/// the verdict, and the options under which it was reached.
pub fn check_readings(
    history: &History,
    readings: &Readings,
    options: &CheckOptions,
    budget: &Budget,
) -> (CheckOptions, Verdict) {
    let options = readings.likely(options.clone());
    let mut verdicts = vec![check(history, &options, budget)];
    if verdicts[0].validity != Validity::Unknown || is_misread(&verdicts[0]) {
        let others = readings.all[1..].iter().map(|Reading { spec, independent }| CheckOptions {
            spec: spec.clone(),
            independent: *independent,
            patience: Patience(Duration::ZERO),
            ..options.clone()
        });
        verdicts.extend(others.map(|options| check(history, &options, budget)));
    }
    let (place, verdict) = readings.settle(verdicts);
    let Reading { spec, independent } = readings.all[place].clone();
    (CheckOptions { spec, independent, ..options }, verdict)
}

/// Whether the model could not read the history, so that this was not meant.
fn is_misread(verdict: &Verdict) -> bool {
    matches!(verdict.reason, Some(Reason::BadValue(_) | Reason::UnknownFunction(_)))
}

impl Readings {
    /// The verdict, given that of each reading, in their order; the first alone if it is unknown.
    /// Comes with the place of the reading whose verdict it is.
    pub fn settle(&self, verdicts: Vec<Verdict>) -> (usize, Verdict) {
        let mut told: Vec<(usize, Verdict)> = verdicts.into_iter().enumerate().collect();
        if told.iter().any(|(_, verdict)| !is_misread(verdict)) {
            told.retain(|(_, verdict)| !is_misread(verdict));
        }
        let validity = told[0].1.validity;
        let depends = told.iter().any(|(_, one)| one.validity != validity);
        let (place, mut verdict) = match depends && validity != Validity::Unknown {
            true => (told[0].0, self.undecided(&told)),
            false => told.swap_remove(0),
        };
        verdict.assumptions.extend(self.inferred(place));
        if !depends && validity != Validity::Unknown {
            let same = |(place, _): &(usize, Verdict)| {
                format!("as {} the verdict is the same", self.name(*place))
            };
            told.sort_by_key(|(place, _)| *place);
            verdict.assumptions.extend(told.iter().filter(|(at, _)| *at != place).map(same));
        }
        (place, verdict)
    }

    /// That the model is a conclusion, and what from.
    fn inferred(&self, place: usize) -> Option<String> {
        let functions = self.functions.as_ref()?.join(", ");
        let name = model(&self.all[place].spec);
        Some(format!(
            "the model {name} was inferred (functions: {functions}); --model says another"
        ))
    }

    fn undecided(&self, told: &[(usize, Verdict)]) -> Verdict {
        let says = |(place, verdict): &(usize, Verdict)| {
            format!("as {} it is {}", self.name(*place), verdict.validity.word())
        };
        let flags = |(place, _): &(usize, Verdict)| self.flags(*place);
        let said: Vec<String> = told.iter().map(says).collect();
        let flags: Vec<String> = told.iter().map(flags).collect();
        let text = format!(
            "this history can be read in several ways, and the verdict depends on which is meant: \
             {}; say {}",
            said.join(", "),
            flags.join(", or ")
        );
        let first = &told[0].1;
        Verdict {
            validity: Validity::Unknown,
            summary: format!("unknown: {text}"),
            reason: Some(Reason::Ambiguous(text)),
            anomalies: Vec::new(),
            proof: None,
            parts: Vec::new(),
            ..first.clone()
        }
    }

    /// Whether it is open whether there are keys.
    fn keys_are_open(&self) -> bool {
        self.all.iter().any(|one| one.independent != self.all[0].independent)
    }

    fn name(&self, place: usize) -> String {
        let Reading { spec, independent } = &self.all[place];
        let several = if self.has_plenty(place) { " of more permits" } else { "" };
        let keys = match (self.keys_are_open(), independent) {
            (false, _) => "",
            (true, Independent::Yes) => " of independent keys",
            (true, _) => " without keys",
        };
        format!("{}{several}{keys}", model(spec))
    }

    /// Whether it stands for semaphores of any number of permits.
    fn has_plenty(&self, place: usize) -> bool {
        let semaphore = |spec: &CheckerSpec| match spec {
            CheckerSpec::Linearizable { model: ModelName::Semaphore, options } => {
                Some(options.init.is_some())
            }
            _ => None,
        };
        self.all.len() > 1 && semaphore(&self.all[place].spec) == Some(true)
    }

    /// What to say to have it read like this.
    fn flags(&self, place: usize) -> String {
        let Reading { spec, independent } = &self.all[place];
        let mut flags = Vec::new();
        if self.functions.is_some() {
            flags.push(format!("--model {}", model(spec)));
        }
        if self.has_plenty(place) {
            flags.push("--init PERMITS".to_owned());
        }
        if self.keys_are_open() {
            let word = if *independent == Independent::Yes { "yes" } else { "no" };
            flags.push(format!("--independent {word}"));
        }
        flags.join(" ")
    }
}

/// The name that `--model` takes.
fn model(spec: &CheckerSpec) -> &'static str {
    match spec {
        CheckerSpec::Linearizable { model, .. } => model.name(),
        CheckerSpec::Set { .. } => "set",
    }
}
