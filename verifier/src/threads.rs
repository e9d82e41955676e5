//! Independent work, on as many threads as there are cores, where it takes longer than to start them.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{LazyLock, Mutex};
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
    each(cores().min(items.len()), items.iter(), work, |result| done.push(result));
    done
}

/// Takes what the work makes of each item, in the order of the items, while others are worked on by
/// so many threads. The items come from an iterator that one thread at a time asks for the next one.
pub(crate) fn each<T: Send, R: Send>(
    count: usize,
    items: impl Iterator<Item = T> + Send,
    work: impl Fn(T) -> R + Sync,
    mut take: impl FnMut(R),
) {
    if count < 2 {
        return items.map(work).for_each(take);
    }
    let items = Mutex::new(items.enumerate());
    // Whoever is far ahead waits.
    let (done, results) = mpsc::sync_channel(2 * count);
    let worker = |done: SyncSender<(usize, R)>| {
        loop {
            // Whoever panicked in there says so himself.
            let Ok(Some((at, item))) = items.lock().map(|mut items| items.next()) else { return };
            // Whoever does not listen any more has panicked, too.
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
