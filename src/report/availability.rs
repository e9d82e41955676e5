//! When nothing was acknowledged although somebody asked.
//!
//! A gap between two acknowledgements counts only while operations were open or about to be: the
//! pause between the load and the final reads is the tester's, not the system's. Clients back off
//! for up to a second after quick failures, so a shorter silence does not end the demand.

use checker::history::Outcome;

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
        Gaps::sweep(events(scene), idle)
    }

    fn sweep(events: Vec<(i64, Option<Outcome>)>, idle: i64) -> Gaps {
        let mut gaps = Vec::new();
        let (mut open, mut since, mut quiet): (u64, Option<i64>, i64) = (0, None, 0);
        for (at, event) in events {
            match event {
                None => {
                    if open == 0 && since.is_none_or(|_| at - quiet > idle) {
                        gaps.extend(since.map(|from| (from, quiet)));
                        since = Some(at);
                    }
                    open += 1;
                }
                Some(outcome) => {
                    if outcome == Outcome::Ok {
                        gaps.extend(since.map(|from| (from, at)));
                        since = Some(at);
                    }
                    open = open.saturating_sub(1);
                    quiet = at;
                }
            }
        }
        gaps.extend(since.map(|from| (from, quiet.max(from))));
        Gaps { gaps }
    }

    /// Where the longest gap within an interval begins, and its length; zeros if there is none.
    pub(crate) fn longest_within(&self, from: i64, to: i64) -> (i64, i64) {
        let clipped = self.gaps.iter().map(|(a, b)| (*a.max(&from), *b.min(&to)));
        let lengths = clipped.filter(|(a, b)| a < b).map(|(a, b)| (a, b - a));
        lengths.max_by_key(|(_, length)| *length).unwrap_or((0, 0))
    }
}

/// Invocations (`None`) and completions of client operations in order of time.
fn events(scene: &Scene) -> Vec<(i64, Option<Outcome>)> {
    let mut events: Vec<(i64, usize, Option<Outcome>)> = Vec::with_capacity(scene.calls.len() * 2);
    for call in &scene.calls {
        events.push((call.start, call.invoke, None));
        if let (Some(end), Some(at)) = (call.end, call.completion) {
            events.push((end, at, Some(call.outcome)));
        }
    }
    events.sort_by_key(|(at, position, _)| (*at, *position));
    events.into_iter().map(|(at, _, event)| (at, event)).collect()
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
        let gaps = Gaps::sweep(events, IDLE_NS);
        assert_eq!(gaps.longest_within(i64::MIN, i64::MAX), (second, 5 * second + 1));
        assert_eq!(gaps.longest_within(4 * second, 10 * second), (4 * second, 2 * second + 1));
        assert_eq!(gaps.longest_within(20 * second, 30 * second), (0, 0));
    }
}
