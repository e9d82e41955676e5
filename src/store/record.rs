//! What is kept of a finished run when its folder is not looked at: a line of `runs.jsonl`, and
//! `summary.json` in the folder itself.
//!
//! Nights are compared, and releases gated, by these records alone, so they hold figures rather
//! than words wherever somebody may want a threshold: what was acknowledged, which nodes met which
//! faults and how many operations overlapped them. What cannot be bounded (keys, faults of a long
//! night) is summed up. `docs/runs.md` documents the schema; entries may be added within a version,
//! and a reader ignores those that it does not know.

use checker::Validity;
use serde::{Deserialize, Serialize};

use crate::exit::Exit;

/// The schema of a record and its version.
pub const SCHEMA: &str = "ordeal-run/1";

/// One finished run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: String,
    /// Which run this is, in this store and for ever.
    pub id: String,
    /// The run's folder, relative to that of the file that the record stands in; empty when the
    /// tester died before it made one.
    pub folder: String,
    /// Which part of which suite it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suite: Option<InSuite>,
    /// When it began, RFC 3339.
    pub started: String,
    /// When its verdict was there.
    pub ended: String,
    /// The version of Ordeal.
    pub ordeal: String,
    /// The system under test.
    pub system: String,
    /// What the system said its version was.
    pub system_version: String,
    /// The knowingly broken variant of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bug: Option<String>,
    /// What the clients did.
    pub workload: String,
    /// The families of faults that were planned.
    pub planned: Vec<String>,
    /// The environment: `netns`, `local`, ….
    pub environment: String,
    /// How many nodes.
    pub nodes: u16,
    /// How many client workers.
    pub workers: u64,
    /// Where every random choice came from.
    pub seed: u64,
    /// What `checker test` exited with.
    pub exit: u8,
    /// What came of it.
    pub verdict: Outcome,
    /// Why it could not be decided: `vacuous`, `deadline`, ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The verdict in one sentence.
    pub sentence: String,
    /// Whether somebody wished it to stop before its end.
    pub interrupted: bool,
    /// The four axes.
    pub axes: Vec<AxisWord>,
    /// Client operations by outcome.
    pub operations: Tally,
    /// Keys by verdict.
    pub keys: Keys,
    /// Acknowledged operations that could change state.
    pub acknowledged_writes: u64,
    /// Acknowledged reads of a value that somebody wrote.
    pub reads_of_written_values: u64,
    /// From the first operation to the end of the last.
    pub load_ms: u64,
    /// The longest time during which operations were asked for and none was acknowledged.
    pub longest_gap_ms: u64,
    /// How long acknowledged operations took.
    pub latency: Latency,
    /// The faults by family.
    pub faults: Vec<UnderFault>,
    /// The faults by family and node.
    pub coverage: Vec<Coverage>,
    /// What cannot be, one a fingerprint.
    pub violations: Vec<Violation>,
    /// What went wrong with the tester itself.
    pub trouble: Vec<String>,
    /// The command that repeats the run with its seed and its faults.
    pub again: String,
    /// The command that judges what was recorded again.
    pub rejudge: String,
}

/// Where a run belongs in a suite.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct InSuite {
    /// The suite.
    pub name: String,
    /// Which night of it: the folder below the store, `nightly/20261121T020000.000Z`.
    pub night: String,
    /// The cell.
    pub cell: String,
    /// Which attempt at it, from 1.
    pub attempt: u32,
    /// How many cells the night was to have.
    pub cells: u64,
}

/// What came of a run. Ordered: the worst is the maximum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// No violation was found, and there was something to find one in.
    Valid,
    /// Undecided.
    Unknown,
    /// The tester itself failed, and found no violation before it did.
    #[default]
    Crashed,
    /// A violation was found.
    Invalid,
}

impl Outcome {
    /// Of a verdict, and of how the command that reached it ended.
    pub fn of(validity: Validity, exit: Exit) -> Outcome {
        match (validity, exit) {
            (Validity::Invalid, _) | (_, Exit::Invalid) => Outcome::Invalid,
            (_, Exit::Broken | Exit::BadInput) => Outcome::Crashed,
            (Validity::Unknown, _) | (_, Exit::Unknown) => Outcome::Unknown,
            (Validity::Valid, Exit::Valid) => Outcome::Valid,
        }
    }

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Valid => "valid",
            Outcome::Unknown => "unknown",
            Outcome::Crashed => "crashed",
            Outcome::Invalid => "invalid",
        }
    }
}

/// The word and the sentence of an axis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AxisWord {
    /// `safety`, `availability`, `harness` or `power`.
    pub name: String,
    /// One plain word.
    pub word: String,
    /// The figures behind it.
    pub sentence: String,
}

/// Operations by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// All of them.
    pub all: u64,
    /// Acknowledged.
    pub ok: u64,
    /// Certainly not done.
    pub fail: u64,
    /// Nobody knows.
    pub info: u64,
}

/// Keys by verdict; a history that was not split is one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Keys {
    /// All of them.
    pub all: u64,
    /// Undecided.
    pub unknown: u64,
    /// Violated.
    pub invalid: u64,
}

/// Quantiles of a duration, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Latency {
    /// The median.
    pub p50_ms: f64,
    /// The slowest twentieth begins here.
    pub p95_ms: f64,
    /// The slowest hundredth begins here.
    pub p99_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

/// Faults of one family, and the operations that met them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct UnderFault {
    /// `partition`, `kill`, ….
    pub fault: String,
    /// How many were injected.
    pub injected: u64,
    /// Of these, proved in force.
    pub proved: u64,
    /// Of these, healed, and not refuted to be.
    pub healed: u64,
    /// Of these, overlapped by at least one operation while certainly in force.
    pub met: u64,
    /// Operations that overlapped one, summed over the faults.
    pub operations: u64,
    /// Of these, acknowledged.
    pub ok: u64,
    /// How many are known to have struck a node that led.
    pub leader: u64,
    /// Of how many it is known whether they did.
    pub leader_known: u64,
}

/// One family of faults on one node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Coverage {
    /// `partition`, `kill`, ….
    pub fault: String,
    /// The node.
    pub node: String,
    /// How often it struck the node.
    pub times: u64,
    /// Operations that overlapped one of these.
    pub operations: u64,
}

/// One thing that no correct system could have done, however often it was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Violation {
    /// What is the same about it in other runs; absent when nobody computed one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// `stale-read`, `lost`, ….
    pub kind: String,
    /// The first one in words.
    pub sentence: String,
    /// How many of the run share the fingerprint, or the kind where there is none.
    pub count: u64,
}

impl Record {
    /// Whether nothing that was acknowledged was ever read back: a pass then means nothing.
    pub fn is_vacuous(&self) -> bool {
        self.reason.as_deref() == Some("vacuous")
            || self.acknowledged_writes == 0
            || self.reads_of_written_values == 0
    }

    /// Operations that overlapped a fault, summed over faults.
    pub fn under_faults(&self) -> u64 {
        self.faults.iter().map(|family| family.operations).sum()
    }

    /// System, variant, workload and faults, as people name a run.
    pub fn label(&self) -> String {
        let system = match &self.bug {
            Some(bug) => format!("{} with {bug}", self.system),
            None => self.system.clone(),
        };
        let faults =
            if self.planned.is_empty() { "no faults".into() } else { self.planned.join(", ") };
        [system, self.workload.clone(), faults].join(" · ")
    }

    /// The record as it stands in a file that lies elsewhere: `prefix` leads from there to here.
    #[must_use]
    pub fn seen_from(mut self, prefix: &str) -> Record {
        if !self.folder.is_empty() {
            let folder = self.folder.trim_start_matches("./").trim_end_matches('.');
            self.folder = match (prefix, folder) {
                (prefix, "") => prefix.to_owned(),
                ("", folder) => folder.to_owned(),
                (prefix, folder) => format!("{prefix}/{folder}"),
            };
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_outranks_a_broken_tester_and_that_outranks_unknown() {
        assert_eq!(Outcome::of(Validity::Invalid, Exit::Broken), Outcome::Invalid);
        assert_eq!(Outcome::of(Validity::Valid, Exit::Broken), Outcome::Crashed);
        assert_eq!(Outcome::of(Validity::Unknown, Exit::Unknown), Outcome::Unknown);
        assert_eq!(Outcome::of(Validity::Valid, Exit::Valid), Outcome::Valid);
        assert!(Outcome::Invalid > Outcome::Crashed && Outcome::Crashed > Outcome::Unknown);
    }

    #[test]
    fn a_folder_is_relative_to_the_file_it_is_written_in() {
        let here = Record { folder: ".".into(), ..Record::default() };
        assert_eq!(here.clone().seen_from("x/1").folder, "x/1");
        let cell = Record { folder: "cell/1".into(), ..Record::default() };
        assert_eq!(cell.clone().seen_from("night/2").folder, "night/2/cell/1");
        assert_eq!(cell.seen_from("").folder, "cell/1");
        assert_eq!(Record::default().seen_from("x").folder, "");
    }

    #[test]
    fn what_was_never_read_back_is_vacuous_whatever_the_verdict_says() {
        let mut record = Record { acknowledged_writes: 3, ..Record::default() };
        assert!(record.is_vacuous());
        record.reads_of_written_values = 1;
        assert!(!record.is_vacuous());
        record.reason = Some("vacuous".into());
        assert!(record.is_vacuous());
    }
}
