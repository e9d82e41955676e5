//! Final reads.

use std::collections::VecDeque;

use super::{Context, Generator, Next};
use crate::{Call, Outcome};

/// Makes each call until it succeeds, every attempt a new operation of the history: retrying inside
/// a client would hide what happened. A call that never succeeds is given up after a number of
/// attempts, and the checker then finds the read missing. Put a [`BackOff`](super::BackOff) around.
pub struct UntilOk {
    calls: VecDeque<Call>,
    attempts: u32,
    misses: u32,
}

impl UntilOk {
    /// Each of `calls` in turn, with at most `attempts` attempts.
    pub fn new(attempts: u32, calls: impl IntoIterator<Item = Call>) -> UntilOk {
        UntilOk { calls: calls.into_iter().collect(), attempts, misses: 0 }
    }
}

impl Generator for UntilOk {
    fn next(&mut self, _cx: &Context) -> Next {
        self.calls.front().cloned().map_or(Next::Done, Next::Call)
    }

    fn observe(&mut self, _cx: &Context, _call: &Call, outcome: &Outcome) {
        self.misses += 1;
        if matches!(outcome, Outcome::Ok(_)) || self.misses >= self.attempts {
            self.calls.pop_front();
            self.misses = 0;
        }
    }
}
