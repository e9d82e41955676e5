//! Pieces that say when: they delay calls or end the stream, and never change what is asked.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{Context, Generator, Next};
use crate::{Call, Outcome};

/// Spreads one worker's calls over time: gaps are uniform between nothing and twice the mean, so
/// that workers that start together do not stay in step.
pub struct Paced<G> {
    inner: G,
    rng: ChaCha8Rng,
    longest_gap_ns: u64,
    due_ns: Option<u64>,
    held: Option<Call>,
    hurried: &'static [&'static str],
}

impl<G: Generator> Paced<G> {
    /// One of `workers` that make `rate_per_s` calls a second together; `None` leaves `inner` as
    /// fast as it is.
    pub fn new(rate_per_s: Option<f64>, workers: usize, rng: ChaCha8Rng, inner: G) -> Paced<G> {
        let mean_gap_s = rate_per_s.map_or(0.0, |rate| workers as f64 / rate.max(1e-6));
        let longest_gap_ns = (2.0 * mean_gap_s * 1e9) as u64;
        Paced { inner, rng, longest_gap_ns, due_ns: None, held: None, hurried: &[] }
    }

    /// Calls of these functions follow the one before at once. They take their gap afterwards, so
    /// that the rate stays what was asked for.
    #[must_use]
    pub fn hurrying(mut self, functions: &'static [&'static str]) -> Paced<G> {
        self.hurried = functions;
        self
    }

    fn gap_ns(&mut self) -> u64 {
        self.rng.random_range(0..=self.longest_gap_ns)
    }
}

impl<G: Generator> Generator for Paced<G> {
    fn next(&mut self, cx: &Context) -> Next {
        if self.longest_gap_ns == 0 {
            return self.inner.next(cx);
        }
        let call = match self.held.take() {
            Some(call) => call,
            None => match self.inner.next(cx) {
                Next::Call(call) => call,
                other => return other,
            },
        };
        let due_ns = match self.due_ns {
            Some(due_ns) => due_ns,
            None => cx.now_ns + self.gap_ns(),
        };
        if cx.now_ns < due_ns && !self.hurried.contains(&call.f) {
            self.due_ns = Some(due_ns);
            self.held = Some(call);
            return Next::Wait { until_ns: due_ns };
        }
        // A worker that fell behind, because an operation took long, does not catch up in a burst.
        self.due_ns = Some(due_ns.max(cx.now_ns) + self.gap_ns());
        Next::Call(call)
    }

    fn observe(&mut self, cx: &Context, call: &Call, outcome: &Outcome) {
        self.inner.observe(cx, call, outcome);
    }
}

/// Waits after calls that came to nothing, ever longer until one succeeds.
///
/// A dead node refuses connections in microseconds. Without this a worker pinned to it would burn
/// through thousands of calls, keys and processes while the others get on with a few.
pub struct BackOff<G> {
    inner: G,
    misses: u32,
    asked_ns: u64,
    resume_ns: u64,
}

impl<G: Generator> BackOff<G> {
    /// The first wait; each further one is twice as long.
    pub const SHORTEST_NS: u64 = 50_000_000;
    /// The longest wait.
    pub const LONGEST_NS: u64 = 1_000_000_000;

    /// Wraps `inner`.
    pub fn new(inner: G) -> BackOff<G> {
        BackOff { inner, misses: 0, asked_ns: 0, resume_ns: 0 }
    }

    fn delay_ns(&self) -> u64 {
        // More than ten doublings are beyond the longest wait anyway.
        (Self::SHORTEST_NS << self.misses.min(10)).min(Self::LONGEST_NS)
    }
}

impl<G: Generator> Generator for BackOff<G> {
    fn next(&mut self, cx: &Context) -> Next {
        if cx.now_ns < self.resume_ns {
            return Next::Wait { until_ns: self.resume_ns };
        }
        self.asked_ns = cx.now_ns;
        self.inner.next(cx)
    }

    fn observe(&mut self, cx: &Context, call: &Call, outcome: &Outcome) {
        if outcome.is_healthy() {
            self.misses = 0;
        } else {
            // Counted from the invocation: a call that took its whole time limit waited enough.
            self.resume_ns = self.asked_ns + self.delay_ns();
            self.misses += 1;
        }
        self.inner.observe(cx, call, outcome);
    }
}

/// Ends at a time, whatever is left. A call in flight then is still completed by the runner.
pub struct TimeLimit<G> {
    inner: G,
    until_ns: u64,
}

impl<G> TimeLimit<G> {
    /// `inner`, but nothing from `until_ns` on.
    pub fn new(until_ns: u64, inner: G) -> TimeLimit<G> {
        TimeLimit { inner, until_ns }
    }
}

impl<G: Generator> Generator for TimeLimit<G> {
    fn next(&mut self, cx: &Context) -> Next {
        if cx.now_ns >= self.until_ns {
            return Next::Done;
        }
        match self.inner.next(cx) {
            Next::Wait { until_ns } if until_ns >= self.until_ns => Next::Done,
            next => next,
        }
    }

    fn observe(&mut self, cx: &Context, call: &Call, outcome: &Outcome) {
        self.inner.observe(cx, call, outcome);
    }
}
