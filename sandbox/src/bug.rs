//! The ways in which a node can be broken on purpose.
//!
//! Each variant is one real mistake at the place where such a mistake would live; the table in
//! the crate's documentation says where, and which fault brings it to light.

use std::fmt;
use std::str::FromStr;

/// One real way to get a replicated store wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bug {
    /// Any node answers reads from its own state.
    StaleRead,
    /// The leader answers before a quorum has the write.
    AckBeforeCommit,
    /// The log is written out lazily, so that a kill loses its tail.
    Amnesia,
    /// The vote is not persisted, so that a restarted node votes a second time in one term.
    ForgetVote,
    /// Compare and set are two steps.
    SplitCas,
    /// A forward that is sent again is applied again.
    DoubleApply,
    /// A leader serves reads without confirming that it still leads.
    LeaseRead,
    /// A time-out is reported as a definite failure.
    FailButApplied,
    /// A snapshot leaves the newest entries out.
    LossySnapshot,
}

/// No bug has the name that was asked for.
#[derive(Debug, thiserror::Error)]
#[error("unknown bug {name:?}; there are: {}", names())]
pub struct UnknownBug {
    name: String,
}

fn names() -> String {
    Bug::ALL.iter().map(|bug| bug.name()).collect::<Vec<_>>().join(", ")
}

impl Bug {
    /// Every bug, in the order of the documentation.
    pub const ALL: &[Self] = &[
        Self::StaleRead,
        Self::AckBeforeCommit,
        Self::Amnesia,
        Self::ForgetVote,
        Self::SplitCas,
        Self::DoubleApply,
        Self::LeaseRead,
        Self::FailButApplied,
        Self::LossySnapshot,
    ];

    /// The name by which it is switched on.
    pub fn name(self) -> &'static str {
        match self {
            Self::StaleRead => "stale-read",
            Self::AckBeforeCommit => "ack-before-commit",
            Self::Amnesia => "amnesia",
            Self::ForgetVote => "forget-vote",
            Self::SplitCas => "split-cas",
            Self::DoubleApply => "double-apply",
            Self::LeaseRead => "lease-read",
            Self::FailButApplied => "fail-but-applied",
            Self::LossySnapshot => "lossy-snapshot",
        }
    }

    /// What is wrong, in one clause.
    pub fn about(self) -> &'static str {
        match self {
            Self::StaleRead => "any node answers reads from its own state",
            Self::AckBeforeCommit => "the leader answers before a quorum has the write",
            Self::Amnesia => "the log is written out lazily, so a kill loses its tail",
            Self::ForgetVote => "the vote is not persisted, so a node votes twice in a term",
            Self::SplitCas => "compare and set are two steps",
            Self::DoubleApply => "a forwarded write that is sent again is applied again",
            Self::LeaseRead => "a leader serves reads without confirming that it still leads",
            Self::FailButApplied => "a time-out is reported as a definite failure",
            Self::LossySnapshot => "a snapshot leaves the newest entries out",
        }
    }

    /// The fault that brings it to light.
    pub fn shown_by(self) -> &'static str {
        match self {
            Self::StaleRead => "partition or pause of any node; often replication lag is enough",
            Self::AckBeforeCommit => "partition or kill of the leader",
            Self::Amnesia => "kill of the leader, or of a majority",
            Self::ForgetVote => {
                "partition of the leader; kill and restart of the other side, twice; heal"
            }
            Self::SplitCas => "none: concurrent compare-and-set of one key",
            Self::DoubleApply => "kill or pause of a majority, or kill of the leader",
            Self::LeaseRead => "partition or pause of the leader",
            Self::FailButApplied => "pause or kill of a majority, the leader not among them",
            Self::LossySnapshot => "kill and restart of all nodes, or of one that then leads",
        }
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Bug {
    type Err = UnknownBug;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|bug| bug.name() == name);
        found.copied().ok_or_else(|| UnknownBug { name: name.to_owned() })
    }
}
