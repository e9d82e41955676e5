//! A run as a record: what `runs.jsonl` keeps of it, computed from the same scene and axes as every
//! page, so that no figure of a night differs from the report it leads to.
//!
//! Violations are read from the results as they are stored, not from the verdict, and grouped by
//! their fingerprint.

use checker::history::Outcome as Ending;
use checker::{Validity, Value};

use super::availability::Gaps;
use super::axes::{Axes, FaultReport};
use super::fault::Proof;
use super::results;
use super::scene::{Clock, Scene, name_of};
use super::{Input, RunFacts};
use crate::store::{
    AxisWord, Coverage, Keys, Latency, RUN_SCHEMA, Record, Tally, UnderFault, Violation,
};

/// So many violations without a common fingerprint are kept; more say nothing new.
const MOST_VIOLATIONS: usize = 50;

/// What the history and its verdict say of the run. What only its runner knows (how it was called,
/// when it ended, its exit code) is the caller's to add.
pub fn record(input: &Input) -> Record {
    let scene = Scene::new(input);
    let axes = Axes::of(&scene);
    let verdict = input.verdict;
    let (acknowledged_writes, reads_of_written_values) =
        (verdict.stats.acknowledged_writes, verdict.stats.reads_of_written_values);
    let total = axes.total();
    Record {
        schema: RUN_SCHEMA.to_owned(),
        reason: verdict.reason.as_ref().map(|reason| reason.word().to_owned()),
        sentence: axes.safety.sentence.clone(),
        axes: axes.all().map(axis).to_vec(),
        operations: Tally { all: total.all(), ok: total.ok, fail: total.fail, info: total.info },
        keys: keys(input),
        acknowledged_writes,
        reads_of_written_values,
        load_ms: load_ms(&scene),
        longest_gap_ms: longest_gap_ms(&scene),
        latency: latency(&scene),
        faults: families(&axes.faults),
        coverage: coverage(&axes.faults),
        violations: violations(&results::value(verdict, &axes)),
        ..of_facts(input.run.as_ref())
    }
}

fn of_facts(run: Option<&RunFacts>) -> Record {
    let Some(run) = run else { return Record::default() };
    Record {
        started: run.started.clone(),
        ordeal: run.version.clone(),
        workload: run.workload.clone(),
        workers: run.workers as u64,
        seed: run.seed,
        trouble: run.harness_errors.clone(),
        again: run.reproduce.clone(),
        rejudge: run.rejudge.clone(),
        ..Record::default()
    }
}

fn axis(axis: &super::Axis) -> AxisWord {
    AxisWord {
        name: axis.name.to_owned(),
        word: axis.word.to_owned(),
        sentence: axis.sentence.clone(),
    }
}

fn keys(input: &Input) -> Keys {
    let verdict = input.verdict;
    let count = |validity: Validity| {
        let alone = u64::from(verdict.parts.is_empty() && verdict.validity == validity);
        let parts = verdict.parts.iter().filter(|part| part.verdict.validity == validity);
        alone + parts.count() as u64
    };
    Keys {
        all: verdict.parts.len().max(1) as u64,
        unknown: count(Validity::Unknown),
        invalid: count(Validity::Invalid),
    }
}

/// Milliseconds of a history's time; nothing of a history without a clock.
fn ms(scene: &Scene, ns: i64) -> u64 {
    match scene.clock {
        Clock::Nanoseconds => u64::try_from(ns / 1_000_000).unwrap_or(0),
        Clock::Events => 0,
    }
}

fn load_ms(scene: &Scene) -> u64 {
    let (first, last) = scene.load();
    ms(scene, last - first)
}

fn longest_gap_ms(scene: &Scene) -> u64 {
    ms(scene, Gaps::of(scene).longest_within(i64::MIN, i64::MAX).1)
}

fn latency(scene: &Scene) -> Latency {
    let acknowledged = scene.spans().filter(|span| span.outcome == Ending::Ok);
    let mut took: Vec<i64> = acknowledged.filter_map(|span| Some(span.end? - span.start)).collect();
    took.sort_unstable();
    if took.is_empty() || scene.clock == Clock::Events {
        return Latency::default();
    }
    let at = |permille: usize| millis(took[(took.len() - 1) * permille / 1000]);
    Latency { p50_ms: at(500), p95_ms: at(950), p99_ms: at(990), max_ms: at(1000) }
}

/// With three decimals, which is more than anybody reads.
#[expect(clippy::cast_precision_loss, reason = "a latency is no more than hours")]
fn millis(ns: i64) -> f64 {
    (ns / 1_000) as f64 / 1_000.0
}

fn families(faults: &[FaultReport]) -> Vec<UnderFault> {
    let mut families: Vec<UnderFault> = Vec::new();
    for report in faults {
        let fault = &report.fault;
        let at = families.iter().position(|family| family.fault == fault.family);
        let at = at.unwrap_or_else(|| {
            families.push(UnderFault { fault: fault.family.clone(), ..UnderFault::default() });
            families.len() - 1
        });
        let family = &mut families[at];
        family.injected += 1;
        family.proved += u64::from(fault.proof == Proof::Held);
        let healed = fault.healed_at.is_some() && fault.heal_proof != Proof::Refuted;
        family.healed += u64::from(healed);
        family.leader += u64::from(fault.hit_leader() == Some(true));
        family.leader_known += u64::from(fault.hit_leader().is_some());
        // What did not take hold met nobody.
        if fault.proof != Proof::Refuted {
            family.met += u64::from(report.during.all() > 0);
            family.operations += report.during.all();
            family.ok += report.during.ok;
        }
    }
    families
}

fn coverage(faults: &[FaultReport]) -> Vec<Coverage> {
    let mut rows: std::collections::BTreeMap<(&str, &str), Coverage> = Default::default();
    for report in faults.iter().filter(|report| report.fault.proof != Proof::Refuted) {
        let fault = &report.fault;
        for node in &fault.nodes {
            let row = rows.entry((&fault.family, node)).or_default();
            row.times += 1;
            row.operations += report.during.all();
        }
    }
    rows.into_iter()
        .map(|((fault, node), row)| Coverage { fault: fault.into(), node: node.into(), ..row })
        .collect()
}

/// The violations of stored results, their own and those of their keys, one a fingerprint.
fn violations(results: &Value) -> Vec<Violation> {
    let of_keys = match results.get("results") {
        Some(Value::Map(keys)) => keys.iter().map(|(_, result)| result).collect(),
        _ => Vec::new(),
    };
    let mut found: Vec<Violation> = Vec::new();
    for result in std::iter::once(results).chain(of_keys) {
        for anomaly in result.get("anomalies").and_then(Value::items).unwrap_or_default() {
            let text = |name: &str| anomaly.get(name).map(name_of).unwrap_or_default();
            let fingerprint = Some(text("fingerprint")).filter(|text| !text.is_empty());
            let (kind, sentence) = (text("type"), text("sentence"));
            let same = |seen: &&mut Violation| {
                seen.fingerprint == fingerprint && (fingerprint.is_some() || seen.kind == kind)
            };
            match found.iter_mut().find(same) {
                Some(seen) => seen.count += 1,
                None => found.push(Violation { fingerprint, kind, sentence, count: 1 }),
            }
        }
    }
    if found.len() > MOST_VIOLATIONS {
        // Without a fingerprint, so that nobody can waive what is not even listed.
        let rest = found.split_off(MOST_VIOLATIONS);
        let sentence = format!("{} further kinds of violations", rest.len());
        let count = rest.iter().map(|one| one.count).sum();
        found.push(Violation { fingerprint: None, kind: "further".into(), sentence, count });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anomaly(kind: &str, fingerprint: Option<&str>) -> Value {
        let mut map = vec![(Value::keyword("type"), Value::keyword(kind))];
        map.extend(fingerprint.map(|print| (Value::keyword("fingerprint"), Value::string(print))));
        Value::Map(map)
    }

    fn results(anomalies: Vec<Value>) -> Value {
        Value::Map(vec![(Value::keyword("anomalies"), Value::Vector(anomalies))])
    }

    #[test]
    fn violations_of_all_keys_are_grouped_by_fingerprint_and_those_without_by_kind() {
        let of_key = results(vec![anomaly("stale-read", Some("f1")), anomaly("lost", None)]);
        let mut all = match results(vec![anomaly("stale-read", Some("f2"))]) {
            Value::Map(entries) => entries,
            other => unreachable!("a map was made: {other}"),
        };
        let keys = vec![(Value::Int(1), of_key.clone()), (Value::Int(2), of_key)];
        all.push((Value::keyword("results"), Value::Map(keys)));
        let found = violations(&Value::Map(all));
        let brief: Vec<(Option<&str>, &str, u64)> = found
            .iter()
            .map(|one| (one.fingerprint.as_deref(), one.kind.as_str(), one.count))
            .collect();
        assert_eq!(
            brief,
            [(Some("f2"), "stale-read", 1), (Some("f1"), "stale-read", 2), (None, "lost", 2)]
        );
    }
}
