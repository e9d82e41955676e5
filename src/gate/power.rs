//! Whether the runs together could have found something: what was acknowledged and read back, which
//! faults were in force and how many operations met them, how many seeds and hours there were.
//!
//! A partition lasts as long as the schedule says, so too few operations within it mean too little
//! load. A graceful restart lasts as long as the system takes to be back, and a reset no time at all:
//! with operations counted, a system would seem tested the less the sooner it is back. What these are
//! to find (state that does not outlive a process, answers that are lost with a connection) shows by
//! what was done before and after each, so of them it is enough that several were met by load.

use std::collections::{BTreeMap, BTreeSet};

use nemesis::schedule::FaultKind;
use serde::Serialize;

use super::evidence::{Cell, Evidence};
use super::policy::Power;
use super::rules::finding;
use super::{Effect, Finding};
use crate::store::{Outcome, Record};

/// What the rules are held against, over all runs that were judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Figures {
    /// What was to be run.
    pub cells: u64,
    /// Of these, by verdict.
    pub valid: u64,
    /// Undecided.
    pub unknown: u64,
    /// With a violation.
    pub invalid: u64,
    /// Whose tester never succeeded.
    pub crashed: u64,
    /// Without a result.
    pub missing: u64,
    /// How often a tester failed, later successes included.
    pub failures: u64,
    /// Acknowledged operations that could change state.
    pub acknowledged_writes: u64,
    /// Acknowledged reads of a value that somebody wrote.
    pub reads_of_written_values: u64,
    /// Client operations.
    pub operations: u64,
    /// Of these, acknowledged.
    pub acknowledged: u64,
    /// The longest time without an acknowledgement in any run.
    pub longest_gap_ms: u64,
    /// Different ones.
    pub seeds: u64,
    /// Of load.
    pub hours: f64,
    /// Faults by family.
    pub faults: BTreeMap<String, UnderFault>,
    /// Operations that overlapped a fault, by workload and family.
    pub under_faults: BTreeMap<String, u64>,
    /// Faults that end by themselves and that an operation overlapped, by workload and family.
    pub brief_faults_met: BTreeMap<String, u64>,
    /// The systems with the versions they gave.
    pub systems: BTreeSet<String>,
    /// When the last run ended.
    pub ended: String,
}

/// Faults of one family over all runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct UnderFault {
    /// In how many runs it was planned.
    pub planned: u64,
    /// How many were proved in force.
    pub proved: u64,
    /// How many at least one operation overlapped.
    pub met: u64,
    /// Operations that overlapped one.
    pub operations: u64,
    /// Of these, acknowledged.
    pub acknowledged: u64,
    /// Whether some fault may have left a majority of the nodes alone, which then goes on serving.
    pub spares_a_majority: bool,
    /// How many are known to have struck a node that led.
    pub leader: u64,
}

impl Figures {
    pub(super) fn of(evidence: &Evidence) -> Figures {
        let mut figures = Figures { cells: evidence.cells.len() as u64, ..Figures::default() };
        let mut seeds = BTreeSet::new();
        let mut load_ms = 0_u64;
        for cell in &evidence.cells {
            figures.failures += cell.failures();
            *match cell.result().map(|record| record.verdict) {
                Some(Outcome::Valid) => &mut figures.valid,
                Some(Outcome::Unknown) => &mut figures.unknown,
                Some(Outcome::Invalid) => &mut figures.invalid,
                Some(Outcome::Crashed) => &mut figures.crashed,
                None => &mut figures.missing,
            } += 1;
        }
        for record in evidence.judged() {
            seeds.insert(record.seed);
            count(&mut load_ms, record.load_ms);
            figures.add(record);
        }
        figures.seeds = seeds.len() as u64;
        #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
        let hours = load_ms as f64 / 3_600_000.0;
        figures.hours = hours;
        figures
    }

    fn add(&mut self, record: &Record) {
        count(&mut self.acknowledged_writes, record.acknowledged_writes);
        count(&mut self.reads_of_written_values, record.reads_of_written_values);
        count(&mut self.operations, record.operations.all);
        count(&mut self.acknowledged, record.operations.ok);
        self.longest_gap_ms = self.longest_gap_ms.max(record.longest_gap_ms);
        self.ended = self.ended.clone().max(record.ended.clone());
        self.systems.insert(format!("{} {}", record.system, record.system_version));
        for family in &record.planned {
            self.faults.entry(family.clone()).or_default().planned += 1;
        }
        for under in &record.faults {
            let all = self.faults.entry(under.fault.clone()).or_default();
            count(&mut all.proved, under.proved);
            count(&mut all.met, under.met);
            count(&mut all.operations, under.operations);
            count(&mut all.acknowledged, under.ok);
            all.spares_a_majority |= spares_a_majority(record, under);
            count(&mut all.leader, under.leader);
            let of_workload = format!("{} during {}", record.workload, under.fault);
            count(self.under_faults.entry(of_workload.clone()).or_default(), under.operations);
            if is_brief(&under.fault) {
                count(self.brief_faults_met.entry(of_workload).or_default(), under.met);
            }
        }
    }
}

/// No sum of records, whoever wrote them, may wrap into a small one.
fn count(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

/// All rules about power. Of nothing at all is told elsewhere.
pub(super) fn rules(evidence: &Evidence, figures: &Figures, power: &Power) -> Vec<Finding> {
    if evidence.judged().next().is_none() {
        return Vec::new();
    }
    let mut findings = weak_runs(evidence, power);
    findings.extend(without_fault(evidence, power.runs_without_fault));
    let weak = |sentence: String| finding("weak", Effect::TooLittle, sentence, Vec::new());
    let required = figures.faults.iter().filter(|(_, under)| under.planned > 0);
    let required = required.map(|(family, _)| family).chain(&power.faults);
    for family in required.collect::<BTreeSet<_>>() {
        findings.extend(weak_family(family, figures, power).map(weak));
    }
    let proved = figures.faults.values().any(|under| under.proved > 0);
    if !proved {
        findings.push(weak("no fault was in force in any run".into()));
    }
    if power.leader_hit && proved && figures.faults.values().all(|under| under.leader == 0) {
        findings.push(weak("no fault is known to have struck a node that led".into()));
    }
    if figures.seeds < power.seeds {
        let (seeds, least) = (figures.seeds, power.seeds);
        findings.push(weak(format!("seeds tried: {seeds}, fewer than {least}")));
    }
    if figures.hours < power.hours {
        let (hours, least) = (figures.hours, power.hours);
        findings.push(weak(format!("{hours:.2} hours of load, fewer than {least}")));
    }
    findings
}

fn weak_runs(evidence: &Evidence, power: &Power) -> Vec<Finding> {
    let mut findings = Vec::new();
    for cell in &evidence.cells {
        let Some(record) = cell.result() else { continue };
        if record.is_vacuous() || record.verdict == Outcome::Crashed {
            continue; // Told already, and worse.
        }
        for (what, is, least) in [
            ("writes were acknowledged", record.acknowledged_writes, power.acknowledged_writes),
            (
                "reads returned a written value",
                record.reads_of_written_values,
                power.reads_of_written_values,
            ),
        ] {
            if is < least {
                let sentence = format!("{}: only {is} {what}, fewer than {least}", cell.name);
                let cells = vec![cell.name.clone()];
                findings.push(finding("weak", Effect::TooLittle, sentence, cells));
            }
        }
    }
    findings
}

/// Whether faults of this family last as long as the system likes, and not as the schedule says.
fn is_brief(family: &str) -> bool {
    let kind = FaultKind::ALL.into_iter().find(|kind| kind.word() == family);
    kind.is_some_and(|kind| kind.healed_by().is_none())
}

/// Whether some fault of a run may have left a majority alone. How many nodes each struck is known in
/// sum; of faults of links, which have a node at either end, nothing follows from it.
fn spares_a_majority(record: &Record, under: &crate::store::UnderFault) -> bool {
    if !matches!(under.fault.as_str(), "kill" | "pause") {
        return record.nodes != 1 && record.nodes != 2;
    }
    let rows = record.coverage.iter().filter(|row| row.fault == under.fault);
    let struck: u64 = rows.map(|row| row.times).sum();
    let too_many = u64::from(record.nodes.saturating_sub(1) / 2) + 1;
    struck < under.proved.saturating_mul(too_many)
}

/// Cells of which no planned fault was in force while somebody asked for something: other cells'
/// faults do not make up for that. What ends by itself need not overlap an operation, see above.
fn without_fault(evidence: &Evidence, most: u64) -> Vec<Finding> {
    let cells = evidence.cells.iter().filter_map(|cell| Some((cell, cell.result()?)));
    let idle: Vec<(&Cell, &Record)> = cells
        .filter(|(_, record)| record.verdict != Outcome::Crashed)
        .filter(|(cell, record)| cell.nemesis.is_some() || !record.planned.is_empty())
        .filter(|(_, record)| !record.faults.iter().any(met))
        .collect();
    let few = idle.len() as u64 <= most;
    let effect = if few { Effect::Note } else { Effect::TooLittle };
    let told = |(cell, record): (&Cell, &Record)| {
        let planned = cell.nemesis.clone().unwrap_or_else(|| record.planned.join(","));
        let proved: u64 = record.faults.iter().map(|under| under.proved).sum();
        let name = &cell.name;
        let what = match proved {
            0 => format!("no fault was in force though {planned} was planned"),
            _ => format!("no operation met any of its {proved} faults ({planned})"),
        };
        let sentence = format!("{name}: {what}: give it more time or load, or plan none for it");
        finding("weak", effect, sentence, vec![name.clone()])
    };
    idle.into_iter().map(told).collect()
}

fn met(under: &crate::store::UnderFault) -> bool {
    under.proved > 0 && (under.operations > 0 || is_brief(&under.fault))
}

fn weak_family(family: &str, figures: &Figures, power: &Power) -> Option<String> {
    let Some(under) = figures.faults.get(family) else {
        return Some(format!("{family} was never in force, and the policy requires it"));
    };
    let UnderFault { planned, proved, met, operations, acknowledged, .. } = under;
    if *proved == 0 {
        let runs = if *planned == 1 { "run" } else { "runs" };
        return Some(format!("{family} was planned in {planned} {runs} and never in force"));
    }
    let least = power.operations_under_fault;
    let served = power.acknowledged_under_fault;
    if !is_brief(family)
        && under.spares_a_majority
        && *operations >= least
        && *acknowledged < served
    {
        return Some(format!(
            "of {operations} operations that overlapped a {family} {acknowledged} were acknowledged, \
             fewer than {served}: the service was down whenever it was in force"
        ));
    }
    if *operations >= least || (is_brief(family) && *met >= power.brief_faults_met) {
        return None;
    }
    let few = format!("only {operations} operations overlapped a {family}, fewer than {least}");
    let or = format!(", and only {met} of {proved} met any, fewer than {}", power.brief_faults_met);
    Some(if is_brief(family) { few + &or } else { few })
}
