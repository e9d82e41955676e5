//! The rules that are easy to get wrong, by name.
//!
//! Each of these mistakes looks like a harmless simplification, and each was once measured to give
//! wrong verdicts. In tests a search can be told to make one of them, and a directed generator
//! must then catch it: that keeps the generators honest. Outside tests the switch does not exist.

/// A plausible rule that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WrongRule {
    /// Take whatever leaves the *current* state unchanged at once, instead of observers only: a
    /// write of the present value may be needed later, to restore it.
    EagerNoOp,
    /// Among identical operations, let the one with the latest deadline go first.
    LatestDeadlineFirst,
    /// Compare configurations without the live writes they have used.
    IgnoreUsedWrites,
    /// At its return, try an absorbable write at once, but not after other operations.
    AbsorbedOnlyAtOnce,
    /// At its return, take an absorbable write as absorbed, and never make it visible.
    NoForkAtReturn,
    /// Compare uses of crashed operations with all that were ever invoked.
    OverdraftAtTheEnd,
    /// Drop unobserved crashed effects although failed compare-and-sets observe differences.
    DropEffectsDespiteDifferences,
    /// Skip crashed operations that leave the current state as it is: they absorb, too.
    SkipNoOpCrashed,
    /// Where work is shared out, go on only with what is met from then on.
    ForgetWaiting,
    /// Believe a death although configurations were dropped before it.
    TrustNarrowDeath,
    /// Take a change that had begun, but not ended, as one that screens what was before.
    ScreenByOpenWrites,
    /// Take whoever found the same state as one that screens it, too.
    ScreenBySameState,
    /// Take only acknowledged operations as sources.
    AcknowledgedSources,
    /// Leave out crashed operations that only other crashed ones observe.
    OnlySeenByAcknowledged,
    /// Compare zones with zones only: whatever is there at a moment fits anywhere.
    MomentsFitAnywhere,
    /// Let a zone last until the last return in it, not the last invocation.
    ZonesUntilLastReturn,
    /// Take the initial state for one that begins when it is first seen.
    InitialBeginsWhenSeen,
    /// Let only those that lead from state to state tell how far a chain is in time.
    OnlyProducersTellTime,
}

/// The rules of one search.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    #[cfg(test)]
    pub(crate) wrong: Option<WrongRule>,
}

impl Rules {
    /// Whether to make this mistake: never, outside tests.
    #[cfg(test)]
    pub(crate) fn breaks(self, rule: WrongRule) -> bool {
        self.wrong == Some(rule)
    }

    /// Whether to make this mistake: never, outside tests.
    #[cfg(not(test))]
    pub(crate) fn breaks(self, _rule: WrongRule) -> bool {
        false
    }
}
