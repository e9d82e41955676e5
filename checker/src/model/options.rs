//! What a history leaves open, and who reads it must decide.
//!
//! The defaults are the strict readings; a verdict names the ones that were used.

use super::Call;
use crate::value::Value;

/// What an acknowledged read of `nil` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NilReads {
    /// A value like any other, unless an initial value other than `nil` was given: then unknown.
    #[default]
    Auto,
    /// A value like any other.
    Value,
    /// Nothing: the result was not recorded (Knossos' reading).
    Unknown,
}

/// What a definitely failed compare-and-set says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FailedCas {
    /// Only that it did not happen.
    #[default]
    Drop,
    /// Where it failed by comparison (no `:error`, or one that names a mismatch): that at some
    /// point during the call the value was another one. A refused connection says nothing.
    Observe,
}

/// How to read a history; a model takes what concerns it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelOptions {
    /// The state before the first operation, where a model has a choice; `nil` unless given.
    pub init: Option<Value>,
    /// Reading of `nil`.
    pub nil_reads: NilReads,
    /// Reading of failed compare-and-sets.
    pub failed_cas: FailedCas,
}

impl ModelOptions {
    /// `nil_reads` with `Auto` resolved.
    pub fn nil_is_unknown(&self) -> bool {
        match self.nil_reads {
            NilReads::Auto => self.init.as_ref().is_some_and(|init| !init.is_nil()),
            NilReads::Value => false,
            NilReads::Unknown => true,
        }
    }

    /// Whether a failed compare-and-set says that the value was another one.
    pub(super) fn observes_failure(&self, call: &Call<'_>) -> bool {
        self.failed_cas == FailedCas::Observe && call.error.is_none_or(names_mismatch)
    }

    /// The reading of nil, in a sentence.
    pub(super) fn nil_reads_told(&self) -> &'static str {
        match self.nil_is_unknown() {
            true => "a read of nil says nothing",
            false => "a read of nil is a read of that value",
        }
    }

    /// The reading of failed compare-and-sets, in a sentence.
    pub(super) fn failed_cas_told(&self) -> &'static str {
        match self.failed_cas {
            FailedCas::Drop => "a failed cas says only that it did not happen",
            FailedCas::Observe => "a cas that failed by comparison saw another value",
        }
    }
}

/// Whether an `:error` says that the comparison failed, rather than the attempt: its text, or the
/// head of its vector, is one of the words that clients use for it.
fn names_mismatch(error: &Value) -> bool {
    const WORDS: &[&str] =
        &["mismatch", "did-not-match", "precondition-failed", "compare-failed", "cas-failed"];
    let head = error.items().and_then(<[Value]>::first).unwrap_or(error);
    head.name().is_some_and(|text| {
        let text = text.to_ascii_lowercase().replace([' ', '_'], "-");
        WORDS.iter().any(|word| text.contains(word))
    })
}
