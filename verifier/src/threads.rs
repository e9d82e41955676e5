//! Independent work, on as many threads as there are cores, where it takes longer than to start them.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

/// How many threads are worth starting; the system has to look that up in files.
pub(crate) fn cores() -> usize {
    static CORES: LazyLock<usize> =
        LazyLock::new(|| thread::available_parallelism().map_or(1, NonZero::get));
    *CORES
}

/// What the work makes of each item, in the order of the items.
pub(crate) fn map<T: Sync, R: Send>(
    is_worth_it: bool,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    if !is_worth_it {
        return items.iter().map(work).collect();
    }
    let mut done = Vec::with_capacity(items.len());
    each(items, work, |result| done.push(result));
    done
}

/// Takes what the work makes of each item, in the order of the items, while others are worked on.
pub(crate) fn each<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut take: impl FnMut(R),
) {
    let count = cores().min(items.len());
    if count < 2 {
        return items.iter().map(work).for_each(take);
    }
    let next = AtomicUsize::new(0);
    let (done, results) = mpsc::channel();
    let worker = |done: Sender<(usize, R)>| {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return };
            // Whoever does not listen any more has panicked, and says so.
            let _ = done.send((at, work(item)));
        }
    };
    thread::scope(|scope| {
        let worker = &worker;
        let threads: Vec<_> =
            (0..count).map(|_| done.clone()).map(|done| scope.spawn(|| worker(done))).collect();
        drop(done);
        in_order(results, &mut take);
        for thread in threads {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
}

fn in_order<R>(results: Receiver<(usize, R)>, take: &mut impl FnMut(R)) {
    let (mut early, mut next) = (BTreeMap::new(), 0);
    for (at, result) in results {
        early.insert(at, result);
        while let Some(result) = early.remove(&next) {
            take(result);
            next += 1;
        }
    }
}

/// Both, side by side.
pub(crate) fn both<A, B: Send>(
    is_worth_it: bool,
    one: impl FnOnce() -> A,
    other: impl FnOnce() -> B + Send,
) -> (A, B) {
    if !is_worth_it {
        return (one(), other());
    }
    thread::scope(|scope| {
        let other = scope.spawn(other);
        (one(), other.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        for count in [0, 1, 2, 1000] {
            let items: Vec<u64> = (0..count).collect();
            let squares: Vec<u64> = items.iter().map(|one| one * one).collect();
            assert_eq!(map(true, &items, |one| one * one), squares);
            assert_eq!(map(false, &items, |one| one * one), squares);
        }
    }

    #[test]
    #[should_panic(expected = "seven")]
    fn a_panic_is_passed_on() {
        map(true, &[1, 7, 3], |one| assert_ne!(*one, 7, "seven"));
    }
}
