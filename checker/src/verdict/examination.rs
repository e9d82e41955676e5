//! What else is known of a violation, once it is certain that it is one.
//!
//! A verdict is given first; all of this is found out afterwards, within a time of its own, so
//! that looking for an explanation never costs a verdict. Whatever is missing here was not found
//! out, and says nothing.

use crate::value::Value;

/// What was found out about one anomaly.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examination {
    /// The smallest part of the history, as far as anybody knows, that is still this violation.
    pub core: Option<Core>,
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
        }
    }
}
