//! Many verdicts into one: the worst wins, numbers add up, nothing is forgotten.

use super::sentence::alternatives;
use crate::value::Value;
use crate::verdict::{Part, Stats, Validity, Verdict};

/// The verdict on all keys together.
pub(crate) fn merged(
    checker: &str,
    keys: impl Iterator<Item = Value>,
    verdicts: Vec<Verdict>,
) -> Verdict {
    let parts: Vec<Part> = keys.zip(verdicts).map(|(key, verdict)| Part { key, verdict }).collect();
    let validity = parts.iter().map(|part| part.verdict.validity).max();
    let validity = validity.unwrap_or(Validity::Unknown);
    let unknown = parts.iter().find_map(|part| part.verdict.reason.clone());
    let mut anomalies: Vec<_> =
        parts.iter().flat_map(|part| part.verdict.anomalies.iter().cloned()).collect();
    anomalies.sort_by_key(|anomaly| anomaly.op);
    let mut stats = Stats::default();
    parts.iter().for_each(|part| stats.add(&part.verdict.stats));
    let mut assumptions: Vec<String> = Vec::new();
    for assumption in parts.iter().flat_map(|part| &part.verdict.assumptions) {
        if !assumptions.contains(assumption) {
            assumptions.push(assumption.clone());
        }
    }
    assumptions.push("each key is an object of its own".to_owned());
    Verdict {
        checker: checker.to_owned(),
        validity,
        reason: unknown.filter(|_| validity == Validity::Unknown),
        summary: summary(validity, &parts, &stats),
        anomalies,
        assumptions,
        stats,
        proof: None,
        parts,
    }
}

fn summary(validity: Validity, parts: &[Part], stats: &Stats) -> String {
    let of = |wanted: Validity| -> Vec<&Part> {
        parts.iter().filter(|part| part.verdict.validity == wanted).collect()
    };
    let named = |parts: &[&Part]| -> String {
        alternatives(&parts.iter().map(|part| part.key.to_string()).collect::<Vec<_>>())
            .replace(" or ", " and ")
    };
    let (invalid, unknown) = (of(Validity::Invalid), of(Validity::Unknown));
    let undecided = match unknown.len() {
        0 => String::new(),
        count => format!("; {count} undecided"),
    };
    match (validity, invalid.first(), unknown.first()) {
        (Validity::Invalid, Some(first), _) if invalid.len() == 1 => {
            format!("{}{undecided}", first.verdict.summary)
        }
        (Validity::Invalid, Some(first), _) => format!(
            "{} of {} keys are invalid ({}){undecided}; first: {}",
            invalid.len(),
            parts.len(),
            named(&invalid),
            first.verdict.summary
        ),
        (Validity::Unknown, _, Some(first)) => format!(
            "{} of {} keys are undecided ({}); first: {}",
            unknown.len(),
            parts.len(),
            named(&unknown),
            first.verdict.summary
        ),
        _ => format!("{} operations on {} keys are valid", stats.operations, parts.len()),
    }
}
