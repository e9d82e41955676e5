//! How late a run is, since a scenario may have a fault wait for the cluster (`after_ok`).
//!
//! What a moment on the clock is good for depends on what the cluster has done by then, and that on
//! the machine: a starved one may not have written its first snapshot when the fault that was to hit
//! the third one comes. So a step can wait until so much was acknowledged; what is planned after it,
//! the end of the load too, is then later by as much.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

/// Waiting makes a load at most so many times longer; a cluster that serves nobody shall not be
/// waited for all night.
const LATE_AT_MOST: u32 = 3;

/// Between two looks at what was acknowledged.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The longest for which a load can last that is planned to last for `limit`.
pub(super) fn longest(limit: Duration) -> Duration {
    limit.saturating_mul(LATE_AT_MOST + 1)
}

/// The time of one load; copies share it.
#[derive(Clone)]
pub(super) struct Pace {
    began: Instant,
    limit: Duration,
    late_ns: Arc<AtomicU64>,
}

impl Pace {
    /// A load that begins now and is planned to last for `limit`.
    pub(super) fn begin(limit: Duration) -> Pace {
        Pace { began: Instant::now(), limit, late_ns: Arc::default() }
    }

    /// How much of it is left, as it stands.
    pub(super) fn left(&self) -> Duration {
        (self.limit + self.late()).saturating_sub(self.began.elapsed())
    }

    /// Returns when the time has come for what was planned for then.
    pub(super) async fn due(&self, at: Duration) {
        sleep_until(self.began + at + self.late()).await;
    }

    /// Returns when there is enough, or no more time to be late.
    pub(super) async fn until(&self, is_enough: impl Fn() -> bool) {
        let (since, before) = (Instant::now(), self.late());
        while !is_enough() && self.late() < self.limit * LATE_AT_MOST {
            sleep(LOOK_EVERY).await;
            let late = (before + since.elapsed()).min(self.limit * LATE_AT_MOST);
            self.late_ns
                .store(u64::try_from(late.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// Returns when the load is over.
    pub(super) async fn over(&self) {
        while !self.left().is_zero() {
            sleep(self.left()).await;
        }
    }

    fn late(&self) -> Duration {
        Duration::from_nanos(self.late_ns.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(40);

    #[tokio::test]
    async fn what_is_waited_for_makes_everything_after_it_later() {
        let pace = Pace::begin(LIMIT);
        let looks = AtomicU64::new(0);
        pace.until(|| looks.fetch_add(1, Ordering::Relaxed) == 2).await;
        let late = pace.late();
        assert!(late >= LOOK_EVERY * 2, "{late:?}");
        pace.due(LIMIT / 2).await;
        assert!(pace.began.elapsed() >= late + LIMIT / 2);
        pace.over().await;
        assert!(pace.began.elapsed() >= late + LIMIT);
    }

    #[tokio::test]
    async fn a_run_that_waits_for_nothing_is_not_late() {
        let pace = Pace::begin(LIMIT);
        pace.until(|| true).await;
        assert_eq!(pace.late(), Duration::ZERO);
        assert!(pace.left() <= LIMIT);
    }

    #[tokio::test]
    async fn a_cluster_that_never_serves_is_not_waited_for_for_ever() {
        let pace = Pace::begin(LIMIT);
        pace.until(|| false).await;
        assert_eq!(pace.late(), LIMIT * LATE_AT_MOST);
        pace.over().await;
        assert!(pace.began.elapsed() >= longest(LIMIT));
    }
}
