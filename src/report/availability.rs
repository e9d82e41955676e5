//! When nothing was acknowledged although somebody asked.
//!
//! A gap between two acknowledgements counts only while operations were open or about to be: the
//! pause between the load and the final reads is the tester's, not the system's. Clients back off
//! for up to a second after quick failures, so a shorter silence does not end the demand.

use checker::Kind;
use checker::history::Outcome;
use rayon::prelude::*;

use super::scene::{Clock, Scene};

/// A silence of the clients that is longer than this ends the demand.
const IDLE_NS: i64 = 1_500_000_000;

/// Times without an acknowledged operation while there was demand, in order.
pub(crate) struct Gaps {
    gaps: Vec<(i64, i64)>,
}

impl Gaps {
    /// One sweep over the history.
    pub(crate) fn of(scene: &Scene) -> Gaps {
        let idle = if scene.clock == Clock::Events { i64::MAX } else { IDLE_NS };
        let keep = if scene.faults.is_empty() { Keep::Longest } else { Keep::All };
        let mut sweep = Sweep::new(idle, keep);
        events(scene, |at, event| sweep.event(at, event));
        sweep.finish()
    }

    /// Where the longest gap within an interval begins, and its length; zeros if there is none.
    pub(crate) fn longest_within(&self, from: i64, to: i64) -> (i64, i64) {
        let clipped = self.gaps.iter().map(|(a, b)| (*a.max(&from), *b.min(&to)));
        let lengths = clipped.filter(|(a, b)| a < b).map(|(a, b)| (a, b - a));
        lengths.max_by_key(|(_, length)| *length).unwrap_or((0, 0))
    }
}

/// Which gaps to keep: there is one an acknowledgement, and who has no fault to look into asks for
/// the longest only.
#[derive(PartialEq, Eq)]
enum Keep {
    All,
    Longest,
}

/// A sweep over the events of a history in order of time.
struct Sweep {
    /// A silence of the clients that is longer than this ends the demand.
    idle: i64,
    keep: Keep,
    gaps: Vec<(i64, i64)>,
    /// How many operations are open.
    open: u64,
    /// Since when nothing was acknowledged although somebody asked.
    since: Option<i64>,
    /// When the last operation ended.
    quiet: i64,
}

impl Sweep {
    fn new(idle: i64, keep: Keep) -> Sweep {
        Sweep { idle, keep, gaps: Vec::new(), open: 0, since: None, quiet: 0 }
    }

    fn event(&mut self, at: i64, event: Option<Outcome>) {
        match event {
            None => {
                if self.open == 0 && self.since.is_none_or(|_| at - self.quiet > self.idle) {
                    self.ends(self.quiet);
                    self.since = Some(at);
                }
                self.open += 1;
            }
            Some(outcome) => {
                if outcome == Outcome::Ok {
                    self.ends(at);
                    self.since = Some(at);
                }
                self.open = self.open.saturating_sub(1);
                self.quiet = at;
            }
        }
    }

    /// The silence that may be under way ends.
    fn ends(&mut self, at: i64) {
        let Some(from) = self.since else { return };
        let gap = (from, at.max(from));
        match self.gaps.last_mut() {
            Some(longest) if self.keep == Keep::Longest => {
                if gap.1 - gap.0 >= longest.1 - longest.0 {
                    *longest = gap;
                }
            }
            _ => self.gaps.push(gap),
        }
    }

    fn finish(mut self) -> Gaps {
        self.ends(self.quiet);
        Gaps { gaps: self.gaps }
    }
}

/// Invocations (`None`) and completions of client operations in order of time, as a clock that never
/// went back has them already.
fn events(scene: &Scene, mut take: impl FnMut(i64, Option<Outcome>)) {
    let ops = scene.history.ops();
    let all = (1..ops.len()).into_par_iter();
    let in_order =
        all.map(|at| (scene.time(at - 1), scene.time(at))).all(|(one, next)| one <= next);
    if in_order {
        for (position, kind) in ops.of_clients() {
            take(scene.time(position), ending(kind));
        }
        return;
    }
    let mut events: Vec<(i64, usize, Option<Outcome>)> = Vec::new();
    for (operation, span) in scene.history.operations().iter().zip(scene.spans()) {
        events.push((span.start, operation.invoke, None));
        if let (Some(end), Some(at)) = (span.end, operation.completion) {
            events.push((end, at, Some(span.outcome)));
        }
    }
    events.sort_unstable_by_key(|(at, position, _)| (*at, *position));
    events.into_iter().for_each(|(at, _, event)| take(at, event));
}

fn ending(kind: Kind) -> Option<Outcome> {
    match kind {
        Kind::Invoke => None,
        Kind::Ok => Some(Outcome::Ok),
        Kind::Fail => Some(Outcome::Fail),
        Kind::Info => Some(Outcome::Info),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_of_the_clients_is_not_unavailability_but_silence_of_the_system_is() {
        let (ok, fail) = (Some(Outcome::Ok), Some(Outcome::Fail));
        let second = 1_000_000_000;
        // Acknowledged at 1 s; refused from 2 s to 6 s with back-offs; silent until 60 s; acknowledged.
        let mut events = vec![(0, None), (second, ok)];
        for n in 2..=6 {
            events.extend([(n * second, None), (n * second + 1, fail)]);
        }
        events.extend([(60 * second, None), (61 * second, ok)]);
        let swept = |keep| {
            let mut sweep = Sweep::new(IDLE_NS, keep);
            events.iter().for_each(|(at, event)| sweep.event(*at, *event));
            sweep.finish()
        };
        let gaps = swept(Keep::All);
        for gaps in [&gaps, &swept(Keep::Longest)] {
            assert_eq!(gaps.longest_within(i64::MIN, i64::MAX), (second, 5 * second + 1));
        }
        assert_eq!(gaps.longest_within(4 * second, 10 * second), (4 * second, 2 * second + 1));
        assert_eq!(gaps.longest_within(20 * second, 30 * second), (0, 0));
    }
}
