//! The gate: may it be shipped, and if not, why not?
//!
//! [`Evidence`] is gathered from nights and runs, a [`Policy`] says what must hold, and [`decide`]
//! lists what does not, a sentence each. Three rules no policy can soften: a run that read back
//! nothing it had written proves nothing, a cell that was planned and has no result is no pass, and
//! a violation blocks unless somebody has put a name and a date behind its fingerprint.
//!
//! Two kinds of reasons are kept apart, as everywhere: a *violation* (exit 1) says that the system
//! is wrong, *too little* (exit 2) says that nobody knows. Left out: statistics over many nights.
//! Whether a bug that shows in one night of ten is gone cannot be told from one night, and this
//! does not pretend to.

mod baseline;
mod evidence;
mod json;
mod junit;
mod last;
mod markdown;
mod policy;
mod power;
mod rules;
mod text;

use jiff::Timestamp;
use serde::Serialize;

pub use evidence::{Cell, Evidence};
pub use json::json;
pub use junit::junit;
pub use markdown::markdown;
pub use policy::{DEFAULT as DEFAULT_POLICY, Policy, Waiver};
pub use power::Figures;
pub use text::text;

use crate::exit::Exit;

/// What a finding does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Something to know about.
    Note,
    /// There is too little to ship on.
    TooLittle,
    /// The system is wrong.
    Violation,
}

/// One thing that holds against shipping, or is worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    /// Which rule: `violation`, `vacuous`, `missing`, ….
    pub rule: &'static str,
    /// What it does.
    pub effect: Effect,
    /// One sentence.
    pub sentence: String,
    /// The cells that it is about; empty when it is about all of them together.
    pub cells: Vec<String>,
    /// The fingerprint of the violation, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What it rests on.
    pub evidence: Evidence,
    /// What had to hold.
    pub policy: Policy,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// The figures that the rules were held against.
    pub figures: Figures,
}

impl Decision {
    /// Whether nothing holds against shipping.
    pub fn ships(&self) -> bool {
        self.findings.iter().all(|finding| finding.effect == Effect::Note)
    }

    /// 0 to ship, 1 for a violation, 2 for too little.
    pub fn exit(&self) -> Exit {
        match self.findings.iter().map(|finding| finding.effect).max() {
            None | Some(Effect::Note) => Exit::Valid,
            Some(Effect::TooLittle) => Exit::Unknown,
            Some(Effect::Violation) => Exit::Invalid,
        }
    }

    /// What holds against shipping.
    pub fn reasons(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.effect != Effect::Note)
    }

    /// What is worth knowing besides.
    pub fn notes(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.effect == Effect::Note)
    }

    /// The two words that everybody waits for.
    pub fn headline(&self) -> &'static str {
        if self.ships() { "SHIP" } else { "DO NOT SHIP" }
    }
}

/// Holds the evidence against the policy. `baseline` is that of the release before.
pub fn decide(
    evidence: Evidence,
    policy: Policy,
    baseline: Option<&Evidence>,
    now: Timestamp,
) -> Decision {
    let figures = Figures::of(&evidence);
    let mut findings = rules::all(&evidence, &policy, now);
    findings.extend(power::rules(&evidence, &figures, &policy.power));
    if let Some(baseline) = baseline {
        findings.extend(baseline::rules(&figures, baseline, &policy.power));
    }
    // The worst first, and otherwise in the order in which the rules are read.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.effect));
    Decision { evidence, policy, findings, figures }
}

#[cfg(test)]
mod tests;
