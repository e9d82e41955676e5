//! The rules about cells and their verdicts: what is missing, failed, vacuous, violated, undecided,
//! unavailable, or about something else than what is to be shipped.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::evidence::{Cell, Evidence};
use super::policy::{Availability, Freshness, Policy, Safety};
use super::{Effect, Finding};
use crate::report::percent;
use crate::store::{Outcome, Record, Violation};

/// A finding about some cells.
pub(super) fn finding(
    rule: &'static str,
    effect: Effect,
    sentence: String,
    cells: Vec<String>,
) -> Finding {
    Finding { rule, effect, sentence, cells, fingerprint: None }
}

/// All of them.
pub(super) fn all(evidence: &Evidence, policy: &Policy, now: Timestamp) -> Vec<Finding> {
    let about_all =
        |rule, effect| move |sentence: &String| finding(rule, effect, sentence.clone(), Vec::new());
    let mut gaps: Vec<Finding> =
        evidence.gaps.iter().map(about_all("missing", Effect::TooLittle)).collect();
    gaps.extend(evidence.left_out.iter().map(about_all("repeats", Effect::Note)));
    if evidence.cells.is_empty() {
        let sentence = "there is no run at all".to_owned();
        gaps.insert(0, finding("missing", Effect::TooLittle, sentence, Vec::new()));
        return gaps;
    }
    let mut findings = violations(evidence, policy, now);
    findings.extend(gaps);
    findings.extend(evidence.cells.iter().filter_map(missing));
    findings.extend(evidence.cells.iter().filter_map(|cell| failed(cell, policy.harness.retries)));
    findings.extend(evidence.cells.iter().filter_map(interrupted));
    findings.extend(evidence.cells.iter().filter_map(vacuous));
    findings.extend(undecided(evidence, &policy.safety));
    findings
        .extend(evidence.cells.iter().filter_map(|cell| unavailable(cell, &policy.availability)));
    findings.extend(stale(evidence, &policy.freshness, now));
    findings.extend(of_other_versions(evidence, &policy.freshness));
    findings.extend(broken_on_purpose(evidence));
    findings.extend(unused_waivers(evidence, policy));
    findings
}

fn missing(cell: &Cell) -> Option<Finding> {
    let sentence = format!("{} has no result: {}", cell.name, cell.missing);
    let missing = cell.attempts.is_empty();
    missing.then(|| finding("missing", Effect::TooLittle, sentence, vec![cell.name.clone()]))
}

fn failed(cell: &Cell, retries: u64) -> Option<Finding> {
    let result = cell.result()?;
    let failures = cell.failures();
    let times = if failures == 1 { "once".to_owned() } else { format!("{failures} times") };
    let cells = vec![cell.name.clone()];
    if result.verdict == Outcome::Crashed {
        let why = result.trouble.join("; ");
        let sentence =
            format!("{}: the tester failed {times}, and never succeeded: {why}", cell.name);
        return Some(finding("harness", Effect::TooLittle, sentence, cells));
    }
    let sentence = format!("{}: the tester failed {times} before it succeeded", cell.name);
    match failures {
        0 => None,
        few if few <= retries => Some(finding("harness", Effect::Note, sentence, cells)),
        _ => {
            let sentence = format!("{sentence}; at most {retries} are allowed");
            Some(finding("harness", Effect::TooLittle, sentence, cells))
        }
    }
}

/// Whatever was found until then: the rest of it was not run.
fn interrupted(cell: &Cell) -> Option<Finding> {
    let result = cell.result().filter(|record| record.verdict != Outcome::Crashed)?;
    let sentence = format!("{} was interrupted before its end", cell.name);
    result
        .interrupted
        .then(|| finding("harness", Effect::TooLittle, sentence, vec![cell.name.clone()]))
}

/// A violation that is waived makes up for it no more than anything else.
fn vacuous(cell: &Cell) -> Option<Finding> {
    let result = cell.result()?;
    let judged = result.verdict != Outcome::Crashed;
    let why = match (result.acknowledged_writes, result.reads_of_written_values) {
        (writes, reads) if writes == 0 || reads == 0 => {
            format!("{writes} writes acknowledged, {reads} reads of written values")
        }
        _ => "its load acknowledged no write, or no read, and what was done after it, with all faults \
              healed, does not count"
            .to_owned(),
    };
    let sentence = format!("{} is vacuous: {why}", cell.name);
    (judged && result.is_vacuous())
        .then(|| finding("vacuous", Effect::TooLittle, sentence, vec![cell.name.clone()]))
}

/// Runs that were not decided and are not vacuous, which is told apart.
fn undecided(evidence: &Evidence, safety: &Safety) -> Option<Finding> {
    let unknown: Vec<(&Cell, &Record)> = (evidence.cells.iter())
        .filter_map(|cell| Some((cell, cell.result()?)))
        .filter(|(_, record)| record.verdict == Outcome::Unknown && !record.is_vacuous())
        .collect();
    let only_slow =
        |record: &Record| matches!(record.reason.as_deref(), Some("deadline" | "memory"));
    // Whatever is undecided is at least one object.
    let slow_keys = (unknown.iter().filter(|(_, one)| only_slow(one)))
        .fold(0_u64, |keys, (_, one)| keys.saturating_add(one.keys.unknown.max(1)));
    let excused = slow_keys <= safety.unknown_keys;
    let counted: Vec<_> =
        unknown.iter().filter(|(_, record)| !(excused && only_slow(record))).collect();
    let (first, record) = counted.first().or(unknown.first().as_ref())?;
    let sentence = format!(
        "{} of {} runs are undecided ({} keys), at most {} are allowed; {}: {}",
        counted.len(),
        evidence.cells.len(),
        (unknown.iter()).fold(0_u64, |keys, (_, one)| keys.saturating_add(one.keys.unknown)),
        safety.unknown_runs,
        first.name,
        record.sentence
    );
    let few = counted.len() as u64 <= safety.unknown_runs;
    let effect = if few { Effect::Note } else { Effect::TooLittle };
    let cells = unknown.iter().map(|(cell, _)| cell.name.clone()).collect();
    Some(finding("unknown", effect, sentence, cells))
}

fn unavailable(cell: &Cell, availability: &Availability) -> Option<Finding> {
    let result = cell.result().filter(|record| record.verdict != Outcome::Crashed)?;
    let (ok, all) = (result.operations.ok, result.operations.all);
    let gap_s = result.longest_gap_ms / 1000;
    let longest = availability.longest_gap;
    let cells = vec![cell.name.clone()];
    let block = |sentence| Some(finding("availability", Effect::TooLittle, sentence, cells));
    let acknowledged = u128::from(ok) * 100;
    if all == 0 || acknowledged < u128::from(all) * u128::from(availability.acknowledged_percent) {
        let least = availability.acknowledged_percent;
        let share = percent(ok, all);
        return block(format!("{}: only {share} acknowledged, less than {least} %", cell.name));
    }
    if u128::from(result.longest_gap_ms) > longest.0.as_millis() {
        return block(format!(
            "{}: nothing acknowledged for {gap_s} s, more than {longest}",
            cell.name
        ));
    }
    None
}

/// Where a violation was seen.
#[derive(Default)]
struct Seen {
    cells: BTreeSet<String>,
    count: u64,
    sentence: String,
}

/// Violations by fingerprint; one without a fingerprint is one of its cell and kind.
fn violations(evidence: &Evidence, policy: &Policy, now: Timestamp) -> Vec<Finding> {
    let mut known: BTreeMap<String, Seen> = BTreeMap::new();
    let mut findings = Vec::new();
    for cell in &evidence.cells {
        for record in cell.attempts.iter().filter(|one| one.verdict == Outcome::Invalid) {
            for violation in &record.violations {
                match &violation.fingerprint {
                    Some(print) => note(known.entry(print.clone()).or_default(), cell, violation),
                    None => findings.push(unwaivable(cell, &violation.sentence, &violation.kind)),
                }
            }
            if record.violations.is_empty() {
                findings.push(unwaivable(cell, &record.sentence, "violation"));
            }
        }
    }
    let by_print = known.into_iter().map(|(print, seen)| judged(print, &seen, policy, now));
    findings.extend(by_print);
    findings
}

fn note(seen: &mut Seen, cell: &Cell, violation: &Violation) {
    seen.cells.insert(cell.name.clone());
    seen.count = seen.count.saturating_add(violation.count);
    if seen.sentence.is_empty() {
        seen.sentence = violation.sentence.clone();
    }
}

fn unwaivable(cell: &Cell, sentence: &str, kind: &str) -> Finding {
    let sentence = if sentence.is_empty() { kind } else { sentence };
    let sentence = format!("new, without a fingerprint, in {}: {sentence}", cell.name);
    finding("violation", Effect::Violation, sentence, vec![cell.name.clone()])
}

/// What a violation with a fingerprint does: a waiver holds through its last day.
fn judged(print: String, seen: &Seen, policy: &Policy, now: Timestamp) -> Finding {
    let cells: Vec<String> = seen.cells.iter().cloned().collect();
    let where_ = match &cells[..] {
        [one] => one.clone(),
        [first, ..] => format!("{} cells ({first}, …)", cells.len()),
        [] => "no cell".to_owned(),
    };
    let what = format!("{print} in {where_}: {}", seen.sentence);
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let (effect, sentence) = match policy.waiver(&print) {
        None => (Effect::Violation, format!("new: {what}")),
        Some(waiver) if waiver.expires.0 < today => {
            let (owner, expired) = (&waiver.owner, waiver.expires);
            (Effect::Violation, format!("the waiver of {owner} expired on {expired}: {what}"))
        }
        Some(waiver) => {
            let (owner, until, why) = (&waiver.owner, waiver.expires, &waiver.reason);
            (Effect::Note, format!("waived by {owner} until {until} ({why}): {what}"))
        }
    };
    let rule = if effect == Effect::Note { "waived" } else { "violation" };
    Finding { fingerprint: Some(print), ..finding(rule, effect, sentence, cells) }
}

fn unused_waivers(evidence: &Evidence, policy: &Policy) -> Vec<Finding> {
    let seen: BTreeSet<&str> = (evidence.cells.iter())
        .flat_map(|cell| &cell.attempts)
        .flat_map(|record| &record.violations)
        .filter_map(|violation| violation.fingerprint.as_deref())
        .collect();
    let unused = policy.waivers.iter().filter(|waiver| !seen.contains(waiver.fingerprint.as_str()));
    unused
        .map(|waiver| {
            let (print, owner) = (&waiver.fingerprint, &waiver.owner);
            let sentence = format!("the waiver of {owner} for {print} was not needed");
            finding("waived", Effect::Note, sentence, Vec::new())
        })
        .collect()
}

fn stale(evidence: &Evidence, freshness: &Freshness, now: Timestamp) -> Option<Finding> {
    let most = freshness.not_older_than;
    let is_old = |record: &Record| match record.ended.parse::<Timestamp>() {
        Ok(ended) => {
            let age = std::time::Duration::try_from(now.duration_since(ended));
            // One that ends in the future was written by a clock that is not ours: not old.
            age.is_ok_and(|age| age > most.0)
        }
        Err(_) => true,
    };
    let old: Vec<(&Cell, &Record)> = (evidence.cells.iter())
        .filter_map(|cell| Some((cell, cell.result()?)))
        .filter(|(_, record)| is_old(record))
        .collect();
    let (_, oldest) = old.iter().min_by_key(|(_, record)| &record.ended)?;
    let sentence = format!(
        "{} of {} runs ended more than {most} ago, the oldest on {}",
        old.len(),
        evidence.cells.len(),
        oldest.ended
    );
    let cells = old.iter().map(|(cell, _)| cell.name.clone()).collect();
    Some(finding("stale", Effect::TooLittle, sentence, cells))
}

/// What was tested must be what is shipped, and one thing.
fn of_other_versions(evidence: &Evidence, freshness: &Freshness) -> Vec<Finding> {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for record in evidence.judged() {
        versions.entry(&record.system).or_default().insert(&record.system_version);
    }
    let mut findings = Vec::new();
    for (system, versions) in versions {
        let list = versions.iter().copied().collect::<Vec<_>>().join(", ");
        let sentence = match &freshness.system_version {
            Some(wanted) if versions.iter().any(|version| version != wanted) => {
                format!("the runs are of {system} {list}, not {wanted}")
            }
            None if versions.len() > 1 => {
                format!("the runs are of {} versions of {system}: {list}", versions.len())
            }
            _ => continue,
        };
        findings.push(finding("stale", Effect::TooLittle, sentence, Vec::new()));
    }
    findings
}

/// A run of a system that was broken on purpose, and looked right: it says nothing of what is shipped.
fn broken_on_purpose(evidence: &Evidence) -> Option<Finding> {
    let cells = evidence.cells.iter().filter_map(|cell| Some((cell, cell.result()?)));
    let broken: Vec<(&Cell, &str)> = cells
        .filter(|(_, record)| matches!(record.verdict, Outcome::Valid | Outcome::Unknown))
        .filter_map(|(cell, record)| Some((cell, record.bug.as_deref()?)))
        .collect();
    let (first, bug) = broken.first()?;
    let sentence = format!(
        "{} of {} runs are of a system that was broken on purpose, and found nothing ({}: {bug}): \
         they say nothing of what is to be shipped",
        broken.len(),
        evidence.cells.len(),
        first.name
    );
    let cells = broken.iter().map(|(cell, _)| cell.name.clone()).collect();
    Some(finding("broken", Effect::TooLittle, sentence, cells))
}
