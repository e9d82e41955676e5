//! One direction of a link: may bytes pass, how late, and how many have.
//!
//! Bytes are handed to the kernel while the gate's state is borrowed, and whoever changes the state
//! waits for such borrows to end. So once a cut has been applied not one byte more passes, and the
//! counter proves it.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// What is done to one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GateState {
    /// Neither bytes nor new connections pass.
    pub(crate) cut: bool,
    /// Bytes do not pass; new connections do.
    pub(crate) stalled: bool,
    /// Bytes pass this much later than they came.
    pub(crate) delay: Duration,
    /// How often connections have been reset. Only ever grows.
    pub(crate) resets: u64,
}

impl GateState {
    fn holds_bytes(self) -> bool {
        self.cut || self.stalled
    }
}

/// One direction of a link, passed by all its connections, whoever dialed them.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: watch::Sender<GateState>,
    passed_bytes: AtomicU64,
    connections: AtomicU64,
}

impl Gate {
    /// Changes what is done to this direction. When this returns, it is so.
    pub(crate) fn change(&self, change: impl FnOnce(&mut GateState)) {
        self.state.send_modify(change);
    }

    /// How much later bytes pass at the moment.
    pub(crate) fn delay(&self) -> Duration {
        self.state.borrow().delay
    }

    /// How many bytes have ever passed.
    pub(crate) fn passed_bytes(&self) -> u64 {
        self.passed_bytes.load(Ordering::Acquire)
    }

    /// How many connections of nodes use this direction at the moment.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Acquire)
    }

    /// Counts a connection for as long as the result lives.
    pub(crate) fn count_connection(&self) -> Counted<'_> {
        self.connections.fetch_add(1, Ordering::AcqRel);
        Counted(self)
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.state.borrow().cut
    }

    /// Waits until the direction is not cut.
    pub(crate) async fn uncut(&self) {
        self.until(|state| !state.cut).await;
    }

    /// Waits until connections are reset, from the time of the call on, whenever it is awaited.
    pub(crate) fn reset(&self) -> impl Future<Output = ()> + '_ {
        let before = self.state.borrow().resets;
        self.until(move |state| state.resets != before)
    }

    /// Waits until what came at `arrived` may pass.
    pub(crate) async fn due(&self, arrived: Instant) {
        let mut changes = self.state.subscribe();
        loop {
            let state = *changes.borrow_and_update();
            let due = arrived + state.delay;
            if !state.holds_bytes() && due <= Instant::now() {
                return;
            }
            tokio::select! {
                // The sender is `self`: it outlives this wait.
                _ = changes.changed() => {}
                () = sleep_until(due), if !state.holds_bytes() => {}
            }
        }
    }

    /// Lets bytes pass into `sink`, as many as it takes; `WouldBlock` if it takes none, or none may.
    pub(crate) fn pass(&self, sink: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
        let state = self.state.borrow();
        if state.holds_bytes() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = sink.try_write(bytes)?;
        self.passed_bytes.fetch_add(count as u64, Ordering::AcqRel);
        Ok(count)
    }

    async fn until(&self, reached: impl Fn(&GateState) -> bool) {
        // An error would say that the sender, which is `self`, is gone.
        let _ = self.state.subscribe().wait_for(reached).await;
    }
}

/// A connection that is being counted.
pub(crate) struct Counted<'a>(&'a Gate);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::AcqRel);
    }
}
