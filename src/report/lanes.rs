//! Which lane of the timeline a process is drawn in.
//!
//! A process that met an `info` retires, and `old + workers` takes its place, so `process mod
//! workers` is the worker. A run knows how many workers it had; a history from elsewhere does not
//! say, so the number is guessed from the successors and kept only if no lane would then have two
//! processes at once. Otherwise every process has a lane to itself.

use std::collections::{BTreeMap, BTreeSet};

use checker::history::Outcome;

use super::scene::Call;

/// Sets the lane of every call, and returns the names of the lanes.
pub(crate) fn assign(calls: &mut [Call], workers: Option<usize>) -> Vec<String> {
    let known = workers.and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0);
    if let Some(workers) = known.or_else(|| guess_workers(calls)) {
        let used: BTreeSet<u64> = calls.iter().map(|call| call.process % workers).collect();
        let lanes = number(used);
        for call in calls.iter_mut() {
            call.lane = lanes[&(call.process % workers)];
        }
        return lanes.keys().map(|worker| format!("worker {worker}")).collect();
    }
    let lanes = number(calls.iter().map(|call| call.process).collect());
    for call in calls.iter_mut() {
        call.lane = lanes[&call.process];
    }
    lanes.keys().map(|process| format!("process {process}")).collect()
}

/// Numbers what is in the set by its order.
fn number(set: BTreeSet<u64>) -> BTreeMap<u64, u32> {
    set.into_iter().zip(0..).collect()
}

/// The least number of workers that explains the processes, if one does.
fn guess_workers(calls: &[Call]) -> Option<u64> {
    let mut spans: BTreeMap<u64, (i64, i64, bool)> = BTreeMap::new();
    for call in calls {
        let end = call.end.unwrap_or(i64::MAX);
        let span = spans.entry(call.process).or_insert((call.start, end, false));
        span.1 = span.1.max(end);
        span.2 |= call.outcome == Outcome::Info;
    }
    let retired: Vec<u64> = spans.iter().filter(|(_, s)| s.2).map(|(p, _)| *p).collect();
    let first = *retired.first()?;
    let candidates =
        spans.keys().filter(|process| **process > first).map(|process| process - first);
    // A guess is cheap to check, but a foreign history may hold a process an operation.
    candidates.take(256).find(|workers| explains(*workers, &spans))
}

/// Whether with so many workers every successor begins after its predecessor retired.
fn explains(workers: u64, spans: &BTreeMap<u64, (i64, i64, bool)>) -> bool {
    spans.iter().all(|(process, (start, _, _))| {
        let Some(previous) = process.checked_sub(workers) else { return true };
        spans.get(&previous).is_some_and(|(_, end, retired)| *retired && end <= start)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(process: u64, start: i64, outcome: Outcome) -> Call {
        let end = Some(start + 1);
        Call {
            invoke: 0,
            completion: None,
            process,
            outcome,
            start,
            end,
            kind: 0,
            lane: 0,
            key: None,
        }
    }

    #[test]
    fn successors_of_retired_processes_share_their_lane() {
        let (ok, info) = (Outcome::Ok, Outcome::Info);
        let mut calls = vec![
            call(0, 0, ok),
            call(1, 1, info),
            call(2, 2, ok),
            call(4, 3, info),
            call(7, 9, ok),
        ];
        let lanes = assign(&mut calls, None);
        assert_eq!(lanes, ["worker 0", "worker 1", "worker 2"]);
        assert_eq!(calls.iter().map(|call| call.lane).collect::<Vec<_>>(), [0, 1, 2, 1, 1]);
    }

    #[test]
    fn processes_that_no_number_of_workers_explains_have_a_lane_each() {
        let mut calls =
            vec![call(3, 0, Outcome::Info), call(9, 0, Outcome::Ok), call(11, 0, Outcome::Ok)];
        assert_eq!(assign(&mut calls, None), ["process 3", "process 9", "process 11"]);
    }
}
