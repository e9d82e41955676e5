//! What must hold, as its owner writes it. The defaults are a file of their own, which is what
//! `--print-policy` prints; a test holds the two together.

use std::fmt;
use std::path::Path;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::exit::BadInput;
use crate::scenario::Span;

/// The default policy with its comments.
pub const DEFAULT: &str = include_str!("policy.toml");

/// What must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Was anything wrong?
    pub safety: Safety,
    /// What was served?
    pub availability: Availability,
    /// Could the runs have found something?
    pub power: Power,
    /// Did the tester itself work?
    pub harness: Harness,
    /// Is this about what is to be shipped?
    pub freshness: Freshness,
    /// Violations that are known.
    #[serde(rename = "waiver")]
    pub waivers: Vec<Waiver>,
}

/// Was anything wrong?
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Safety {
    /// So many runs may be undecided.
    pub unknown_runs: u64,
    /// Runs that only lacked time or memory are excused up to so many keys.
    pub unknown_keys: u64,
}

/// What was served, in every run?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Availability {
    /// At least this share of the operations that were asked for.
    pub acknowledged_percent: u64,
    /// At most so long without an acknowledgement although somebody asked.
    pub longest_gap: Span,
}

/// Could the runs have found something?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Power {
    /// At least so many in every run.
    pub acknowledged_writes: u64,
    /// At least so many in every run.
    pub reads_of_written_values: u64,
    /// Families that must have been in force, beside all that were planned.
    pub faults: Vec<String>,
    /// At least so many operations overlapped faults of each family.
    pub operations_under_fault: u64,
    /// Of a family whose faults end by themselves (restart, reset) so many that operations overlapped
    /// are enough, however few operations those were.
    pub brief_faults_met: u64,
    /// Of the operations under each family that lasts as long as planned, at least so many were
    /// acknowledged.
    pub acknowledged_under_fault: u64,
    /// So many runs may have met none of the faults that were planned for them.
    pub runs_without_fault: u64,
    /// Whether some fault must have struck a node that led.
    pub leader_hit: bool,
    /// At least so many different ones.
    pub seeds: u64,
    /// At least so many of load.
    pub hours: f64,
    /// At least this share of the operations under each fault that the baseline had.
    pub of_baseline_percent: u64,
}

/// Did the tester itself work?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Harness {
    /// So often may the tester have failed at one cell before it succeeded.
    pub retries: u64,
}

/// Is this about what is to be shipped?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Freshness {
    /// At most so long since a run ended.
    pub not_older_than: Span,
    /// Exactly this version of the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_version: Option<String>,
}

/// A violation that is known, and why it does not block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// Of which violation.
    pub fingerprint: String,
    /// Who answers for it.
    pub owner: String,
    /// Why it does not matter.
    pub reason: String,
    /// Its last day, UTC.
    pub expires: Day,
}

/// A day as people write it: `2027-01-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(pub Date);

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Day, String> {
        text.parse().map(Day).map_err(|_| format!("{text:?} is not a day: write \"2027-01-31\""))
    }
}

impl From<Day> for String {
    fn from(day: Day) -> String {
        day.to_string()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Default for Availability {
    fn default() -> Availability {
        Availability { acknowledged_percent: 25, longest_gap: Span::from_secs(120) }
    }
}

impl Default for Power {
    fn default() -> Power {
        Power {
            acknowledged_writes: 20,
            reads_of_written_values: 20,
            faults: Vec::new(),
            operations_under_fault: 20,
            brief_faults_met: 5,
            acknowledged_under_fault: 1,
            runs_without_fault: 0,
            leader_hit: true,
            seeds: 1,
            hours: 0.0,
            of_baseline_percent: 51,
        }
    }
}

impl Default for Harness {
    fn default() -> Harness {
        Harness { retries: 2 }
    }
}

impl Default for Freshness {
    fn default() -> Freshness {
        Freshness { not_older_than: Span::from_secs(36 * 60 * 60), system_version: None }
    }
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// [`BadInput`] with file, line and column; also when a waiver lacks its owner or its reason,
    /// or two are about the same violation.
    pub fn read(path: &Path) -> Result<Policy, BadInput> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| BadInput(format!("cannot read the policy {}: {e}", path.display())))?;
        Policy::parse(&text).map_err(|e| BadInput(format!("in the policy {}: {e}", path.display())))
    }

    fn parse(text: &str) -> Result<Policy, String> {
        let policy: Policy = toml::from_str(text).map_err(|error| error.to_string())?;
        if !policy.power.hours.is_finite() || policy.power.hours < 0.0 {
            return Err("power.hours: a number of hours, 0 for any".to_owned());
        }
        for (n, waiver) in policy.waivers.iter().enumerate() {
            let empty = |text: &str| text.trim().is_empty();
            if empty(&waiver.fingerprint) || empty(&waiver.owner) || empty(&waiver.reason) {
                return Err(format!("waiver {}: say whose it is, of what, and why", n + 1));
            }
            let same = |other: &Waiver| other.fingerprint == waiver.fingerprint;
            if policy.waivers[..n].iter().any(same) {
                return Err(format!("{} is waived twice", waiver.fingerprint));
            }
        }
        Ok(policy)
    }

    /// The waiver of a violation.
    pub(super) fn waiver(&self, fingerprint: &str) -> Option<&Waiver> {
        self.waivers.iter().find(|waiver| waiver.fingerprint == fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_policy_is_the_default_one() {
        assert_eq!(Policy::parse(DEFAULT).unwrap(), Policy::default());
    }

    #[test]
    fn a_waiver_has_an_owner_a_reason_and_an_end_and_is_the_only_one() {
        let waiver = "[[waiver]]\nfingerprint = 'f'\nowner = 'ada'\nreason = 'known'\n";
        assert!(Policy::parse(waiver).unwrap_err().contains("expires"));
        let whole = format!("{waiver}expires = '2027-01-31'\n");
        assert_eq!(Policy::parse(&whole).unwrap().waivers.len(), 1);
        assert!(Policy::parse(&format!("{whole}{whole}")).unwrap_err().contains("twice"));
        let unowned = whole.replace("ada", " ");
        assert!(Policy::parse(&unowned).unwrap_err().contains("whose"));
    }

    #[test]
    fn a_misspelled_entry_is_refused() {
        for hours in ["nan", "inf", "-1.0"] {
            let policy = format!("[power]\nhours = {hours}\n");
            assert!(Policy::parse(&policy).unwrap_err().contains("power.hours"));
        }
        assert!(Policy::parse("[safety]\nunknown-run = 1\n").unwrap_err().contains("unknown-run"));
    }
}
