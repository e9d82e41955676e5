//! Watching a run while it goes on, so that its load can end at the first violation.
//!
//! The journal hands over every event as soon as nothing is missing below it, and a thread of its
//! own judges them ([`Monitor`]): neither workers nor the journal ever wait for it. What it finds
//! only ends the load. The verdict is still that of the whole history, judged afterwards as
//! always, with everything that a monitor cannot say.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use checker::history::Independent;
use checker::monitor::Keys;
use checker::{CheckOptions, Monitor, Op};

use super::stop::Stopper;

/// A monitor that lags behind is waited for so long: there is no load left to end.
const CATCHING_UP: Duration = Duration::from_secs(2);

/// A monitor at work.
pub(super) struct Watch {
    thread: JoinHandle<Option<String>>,
    /// The run has ended.
    over: Arc<AtomicBool>,
}

impl Watch {
    /// Starts to watch a run that will be judged by `checks`, and tells `stopper` of the first
    /// violation. Returns where the events go; `None` where only the whole history can be judged.
    pub(super) fn start(
        checks: &CheckOptions,
        stopper: Stopper,
    ) -> std::io::Result<Option<(Watch, Sender<Op>)>> {
        let keys = match checks.independent {
            Independent::Yes => Keys::Tuple,
            Independent::No => Keys::None,
            // Whether there are keys shows itself only in the whole history.
            Independent::Auto => return Ok(None),
        };
        let Ok(monitor) = Monitor::new(&checks.spec, keys) else { return Ok(None) };
        let (events, inbox) = channel();
        let over = Arc::new(AtomicBool::new(false));
        let is_over = over.clone();
        let watch = move || first_violation(monitor, &inbox, &stopper, &is_over);
        let thread = std::thread::Builder::new().name("monitor".into()).spawn(watch)?;
        Ok(Some((Watch { thread, over }, events)))
    }

    /// Waits until the journal is closed. The violation at which the load was ended, if it was.
    pub(super) fn finish(self) -> Option<String> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|_| {
            tracing::error!("the monitor panicked; the history is judged without it");
            None
        })
    }
}

fn first_violation(
    mut monitor: Monitor,
    inbox: &Receiver<Op>,
    stopper: &Stopper,
    over: &AtomicBool,
) -> Option<String> {
    let mut until = None;
    for op in inbox {
        let now = Instant::now();
        if over.load(Ordering::Relaxed) && now > *until.get_or_insert(now + CATCHING_UP) {
            tracing::warn!("the monitor lags too far behind; the history is judged without it");
            return None;
        }
        if let Err(error) = monitor.push(&op) {
            tracing::error!("no longer watched: {error}");
            return None;
        }
        if let Some(violation) = monitor.violations().first() {
            stopper.stop();
            return Some(violation.sentence.clone());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use checker::history::read_bytes;

    use super::*;

    #[test]
    fn the_load_is_ended_by_a_read_of_what_nobody_wrote_and_by_nothing_before() {
        let text = b"[0 :invoke :write [1 5]] [0 :ok :write [1 5]] [0 :invoke :read [1 nil]]
                     [0 :ok :read [1 5]] [0 :invoke :read [1 nil]] [0 :ok :read [1 6]]";
        let ops = read_bytes(text, checker::history::Format::Edn).unwrap();
        let checks = CheckOptions { independent: Independent::Yes, ..CheckOptions::default() };
        for (count, expected) in [(5, false), (6, true)] {
            let (stopper, stop) = Stopper::new();
            let (watch, events) = Watch::start(&checks, stopper).unwrap().unwrap();
            ops[..count].iter().for_each(|op| events.send(op.clone()).unwrap());
            drop(events);
            let found = watch.finish();
            assert_eq!((found.is_some(), stop.now()), (expected, expected), "{found:?}");
        }
    }
}
