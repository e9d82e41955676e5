//! The line that says that something is happening, and what.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::pace::Pace;
use super::recorder::Recorder;
use crate::console::Console;

/// How often the line is redrawn.
const EVERY: Duration = Duration::from_millis(500);

/// The fault in force, as the nemesis names it; shared with the progress line.
#[derive(Clone, Default)]
pub(super) struct InForce(Arc<Mutex<String>>);

impl InForce {
    /// Replaces what is in force; empty for nothing.
    pub(super) fn set(&self, what: impl Into<String>) {
        *self.0.lock().expect("nobody panics while holding it") = what.into();
    }

    fn get(&self) -> String {
        self.0.lock().expect("nobody panics while holding it").clone()
    }
}

/// Draws until it is aborted: operations a second by outcome, the fault in force, time left.
pub(super) async fn draw(console: Console, recorder: Recorder, faults: InForce, pace: Pace) {
    let mut line = console.progress();
    if !line.is_shown() {
        return;
    }
    let totals = |r: &Recorder| {
        let counts = r.counts();
        [&counts.ok, &counts.fail, &counts.info].map(|c| c.load(Ordering::Relaxed))
    };
    let mut before = totals(&recorder);
    let mut tick = tokio::time::interval(EVERY);
    loop {
        tick.tick().await;
        let now = totals(&recorder);
        let per_s = |i: usize| (now[i] - before[i]) as f64 / EVERY.as_secs_f64();
        let left = pace.left().as_secs();
        let fault = faults.get();
        line.set(format_args!(
            "{left:>3} s left · {:.0} ok/s {:.0} fail/s {:.0} info/s · {}",
            per_s(0),
            per_s(1),
            per_s(2),
            if fault.is_empty() { "calm" } else { &fault },
        ));
        before = now;
    }
}
