//! What verifying a certificate shows.

use thiserror::Error;

use crate::certificate::Claim;

/// Why a certificate proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The history or the certificate makes no sense.
    #[error("{file} cannot be read: {why}")]
    Unreadable {
        /// `the history` or `the certificate`.
        file: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// They can be read, and the one does not prove anything about the other.
    #[error("the proof{} does not hold: {why}", .key.as_ref().map(|key| format!(" for {key}")).unwrap_or_default())]
    DoesNotHold {
        /// The object whose proof it is, where objects are told apart.
        key: Option<String>,
        /// Where it breaks.
        why: String,
    },
}

/// How a claim stands after verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is proved, by a proof of this kind.
    Proved(String),
    /// There is nothing to prove, or no rule to prove it by; why.
    Unproved(String),
}

/// What is known of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyReport {
    /// The key as EDN; `None` where objects are not told apart.
    pub key: Option<String>,
    /// What the certificate claims.
    pub claim: Claim,
    /// Whether that is proved.
    pub standing: Standing,
}

/// What verifying a certificate shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What the certificate claims of the whole history.
    pub claim: Claim,
    /// The checker with its model.
    pub checker: String,
    /// What is believed and not proved, a sentence each.
    pub assumptions: Vec<String>,
    /// The objects, in the order of their first operations.
    pub keys: Vec<KeyReport>,
    /// How many operations clients did.
    pub operations: usize,
}

impl Report {
    /// What is proved of the whole history: *invalid* if that is proved of one object, *valid* if
    /// it is proved of all of them, and else nothing.
    pub fn proved(&self) -> Claim {
        let proved = |one: &KeyReport| match one.standing {
            Standing::Proved(_) => one.claim,
            Standing::Unproved(_) => Claim::Unknown,
        };
        self.keys.iter().map(proved).max().unwrap_or(Claim::Unknown)
    }
}
