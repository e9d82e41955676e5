//! The wish to stop: ctrl-c, SIGTERM, or the end of a phase.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Tells every [`Stop`] of its making to stop.
#[derive(Clone)]
pub struct Stopper {
    flag: Arc<AtomicBool>,
    wake: Arc<watch::Sender<bool>>,
}

/// Cheap to clone; knows whether to stop, and can wait for it.
///
/// The flag is beside the channel because workers look at it before every operation, and the
/// channel would have them all take one lock.
#[derive(Clone)]
pub struct Stop {
    flag: Arc<AtomicBool>,
    woken: watch::Receiver<bool>,
}

impl Stopper {
    /// A pair that belongs together.
    pub fn new() -> (Stopper, Stop) {
        let flag = Arc::new(AtomicBool::new(false));
        let (wake, woken) = watch::channel(false);
        (Stopper { flag: flag.clone(), wake: Arc::new(wake) }, Stop { flag, woken })
    }

    /// Stops.
    pub fn stop(&self) {
        self.flag.store(true, Ordering::Release);
        self.wake.send_replace(true);
    }
}

impl Stop {
    /// Whether to stop now.
    pub fn now(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }

    /// Returns when it is time to stop; never, when nobody is left who could say so.
    pub async fn wait(&mut self) {
        if self.woken.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
