//! The mistakes that are easy to make in a procedure, by name.
//!
//! Each looks right at first sight. In tests a procedure can be told to make one of them, and a
//! generator that aims at it must then find a history that is judged wrongly: that keeps the
//! generators honest. Outside tests the switch does not exist.

/// A plausible mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WrongRule {
    /// A take must not begin before its put: both may be open at once, and the put come first.
    TakesBeginAfterPuts,
    /// An item that was never taken is no concern of those behind it.
    OnlyTakenItems,
    /// Takes that crashed are handed out in the order of the items, not of their deadlines.
    DeadlinesInAnyOrder,
    /// A lock is held from the invocation of its acquire on: nobody has it before the return.
    HeldWhenAsked,
    /// A token may be the same as the one before.
    EqualTokens,
    /// A gap takes the filler that began first, not the one that must return first.
    FirstBegunFills,
    /// Whoever waits for a gap and has a deadline can wait.
    WaitingHasTime,
    /// A crashed operation that has made one version is not exchanged for another one.
    NeverExchanged,
    /// A crashed operation can have made any version with its value, however late it began.
    CrashedBeforeTheyBegan,
    /// A crashed compare-and-set fits where its new value does.
    ExpectsNothing,
    /// Whoever saw a value may stand behind the addition that was made to it.
    ReadsBehindAdditions,
    /// Whoever found nothing asks nothing of takes that crashed.
    EmptiesDoNotWait,
    /// A stack parts where one item is certainly there.
    PartedWhereOneIs,
    /// An item is at the bottom if it was put in before, or taken out after, all others.
    BottomByEitherEnd,
    /// An item at the bottom is out as soon as its take begins.
    OutWhenAsked,
}

#[cfg(test)]
thread_local! {
    static MADE: std::cell::Cell<Option<WrongRule>> = const { std::cell::Cell::new(None) };
}

/// Whether to make this mistake: never, outside tests.
#[cfg(test)]
pub(super) fn makes(rule: WrongRule) -> bool {
    MADE.get() == Some(rule)
}

/// Whether to make this mistake: never, outside tests.
#[cfg(not(test))]
pub(super) fn makes(_rule: WrongRule) -> bool {
    false
}

/// Does something with procedures that make a mistake, or none.
#[cfg(test)]
pub(super) fn making<T>(rule: Option<WrongRule>, work: impl FnOnce() -> T) -> T {
    MADE.set(rule);
    let done = work();
    MADE.set(None);
    done
}
