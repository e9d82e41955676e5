//! What else is known of a violation, once it is certain that it is one.
//!
//! A verdict is given first; all of this is found out afterwards, within a time of its own, so
//! that looking for an explanation never costs a verdict. Whatever is missing here was not found
//! out, and says nothing.

use std::fmt;

use super::Because;
use crate::value::Value;

/// What was found out about one anomaly.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examination {
    /// The smallest part of the history, as far as anybody knows, that is still this violation.
    pub core: Option<Core>,
    /// The argument among the operations of the core, a circle as in
    /// [`Anomaly::argument`](super::Anomaly::argument), where the whole history has none that is
    /// certain: there a value may have been written more often, by operations that cannot matter.
    pub argument: Vec<Because>,
    /// Whether the kind and the sentence are those of the core, since all that was known of the
    /// whole history was that there is no order.
    pub core_explains: bool,
    /// How much of it rests on failures having been definite; `None` where that was not found out.
    pub strength: Option<Strength>,
    /// Single changes, each of which would have made the whole history legal, the most plausible
    /// first: `if write 4 (process 2), which was acknowledged, had not taken effect`.
    pub remedies: Vec<String>,
    /// What it has in common with violations of other runs: `cas-register/stale-read/partition`.
    /// Model, kind, and the kinds of faults that it met; never a key or a value.
    pub fingerprint: String,
}

/// How much of a violation rests on failures having been definite.
#[derive(Clone, Debug, PartialEq)]
pub struct Strength {
    /// How many operations failed that could have changed the state.
    pub doubted: u64,
    /// Of these, a smallest set that must have been definite: with these trusted and all others
    /// doubted it is still a violation, with one of them less it is none. Where there are many,
    /// only some of them ([`Extent::AtLeast`]). `None` where time ran out before that was known.
    pub depends_on: Option<Vec<Doubt>>,
    /// Whether `depends_on` is all of it.
    pub extent: Extent,
}

/// How much of what a violation depends on is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    All,
    /// Failures each of which makes the history legal if it alone is doubted; there may be more.
    AtLeast,
}

/// A failure that must have been definite.
#[derive(Clone, Debug, PartialEq)]
pub struct Doubt {
    /// Index of the invocation.
    pub index: u64,
    /// Index of the completion that says so.
    pub completion: Option<u64>,
    /// Why it failed.
    pub error: Option<Value>,
}

impl Strength {
    /// The sentence for a person: `invalid even if all 412 definite failures are doubted`.
    pub fn sentence(&self) -> String {
        let Some(depends_on) = &self.depends_on else {
            return "whether it depends on failures having been definite was not determined".into();
        };
        match (self.doubted, depends_on.as_slice()) {
            (0, _) => "no failure is involved: none of them could have changed anything".to_owned(),
            (1, []) => "invalid even if the only definite failure is doubted".to_owned(),
            (all, []) => format!("invalid even if all {all} definite failures are doubted"),
            (1, [only]) => format!("depends on the only definite failure: {only}"),
            (all, depends_on) => format!(
                "depends on {}{} of {all} definite failures: {}",
                if self.extent == Extent::AtLeast { "at least " } else { "" },
                depends_on.len(),
                listed(depends_on)
            ),
        }
    }
}

/// The first few, and how many more.
fn listed(doubts: &[Doubt]) -> String {
    const NAMED_MAX: usize = 5;
    let named = doubts.iter().take(NAMED_MAX).map(Doubt::to_string);
    let named = named.collect::<Vec<_>>().join(", ");
    match doubts.len().checked_sub(NAMED_MAX) {
        None | Some(0) => named,
        Some(more) => format!("{named} and {more} more"),
    }
}

impl fmt::Display for Doubt {
    /// `#881 (HTTP 503)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.completion.unwrap_or(self.index))?;
        match &self.error {
            Some(error) => match error.name() {
                Some(name) => write!(f, " ({name})"),
                None => write!(f, " ({error})"),
            },
            None => Ok(()),
        }
    }
}

/// A few operations that are a violation by themselves, and of the whole history: see
/// [`crate::shrink`].
#[derive(Clone, Debug, PartialEq)]
pub struct Core {
    /// They, in order of invocation.
    pub operations: Vec<CoreOperation>,
    /// Position of the event with which the violation was complete.
    pub cut: usize,
    /// How many operations were left out for which reason; reasons that did not occur are absent.
    pub left_out: Vec<(LeftOut, u64)>,
    /// Whether no single operation can be left out as well.
    pub minimal: bool,
    /// Whether every order of the operations was tried, rather than searched.
    pub exhaustive: bool,
}

/// An operation of a [`Core`].
#[derive(Clone, Debug, PartialEq)]
pub struct CoreOperation {
    /// Index of its invocation.
    pub index: u64,
    /// Whether its completion counts.
    pub end: CoreEnd,
    /// What it is kept as, function and argument, where that is less than what it was: a
    /// compare-and-set as a write.
    pub instead: Option<(Value, Value)>,
    /// What it is kept as having returned, where that is less: of a set that was read, one element.
    pub seen: Option<Value>,
}

/// What is kept of the end of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CoreEnd {
    /// Its completion.
    Kept,
    /// Nothing: it had not completed when the violation was complete.
    Open,
}

/// Why operations do not belong to a [`Core`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeftOut {
    /// They are about other keys.
    OtherKeys,
    /// They say nothing: they failed, or nobody knows what they saw.
    Silent,
    /// They began after the violation was complete.
    Later,
    /// They change nothing.
    Observers,
    /// Nothing that is kept can have seen what they did.
    Unseen,
    /// They concern an element of which nothing is kept.
    OtherElements,
    /// They did again what one of those that are kept did, and nothing undoes it.
    Again,
}

impl LeftOut {
    /// The word that stands for it in results.
    pub fn word(self) -> &'static str {
        match self {
            LeftOut::OtherKeys => "other-keys",
            LeftOut::Silent => "silent",
            LeftOut::Later => "later",
            LeftOut::Observers => "observers",
            LeftOut::Unseen => "unseen",
            LeftOut::OtherElements => "other-elements",
            LeftOut::Again => "again",
        }
    }

    /// Why that is sound, for a person.
    pub fn sentence(self) -> &'static str {
        match self {
            LeftOut::OtherKeys => "are about other keys, and each key is an object of its own",
            LeftOut::Silent => "failed or never returned, and say nothing about the object",
            LeftOut::Later => "began after the violation was complete",
            LeftOut::Observers => "changed nothing: whatever order there is stands without them",
            LeftOut::Unseen => "left nothing that one of those that are kept can have seen",
            LeftOut::OtherElements => "are about other elements, which happen to each on its own",
            LeftOut::Again => "did again what is kept, and nothing undoes it",
        }
    }
}
