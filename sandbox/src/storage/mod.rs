//! What survives a kill: one redb database a node.
//!
//! Every write is one transaction with immediate durability, that is, synced before it is
//! acknowledged to openraft, which in turn acknowledges nothing earlier. So `SIGKILL` loses
//! nothing, at any moment.
//!
//! Kept are the log, the vote, how far the log is known to be committed, how far it was purged,
//! and the latest snapshot with what it covers. The state machine itself lives in memory: after a
//! restart it is the snapshot plus the log up to `committed`. `committed` is synced *before*
//! entries are applied and clients answered. Without that, a leader that restarts into its own
//! term (openraft lets it) would serve reads from a state older than what it had acknowledged.
//!
//! One order matters between the two halves: a log may be purged only when the snapshot that
//! covers it is on disk. While a snapshot is installed, openraft asks for the purge without
//! waiting for the state machine, and a kill between the two would leave a hole that no restart
//! could close. [`Covered`] makes the purge wait.

mod disk;
mod log;
mod machine;

pub(crate) use disk::{Disk, DiskError};
pub(crate) use log::LogStore;
pub(crate) use machine::Machine;

use tokio::sync::watch;

/// The index up to which a snapshot on disk covers the log; 0 is the first entry, `None` no
/// snapshot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Covered(watch::Sender<Option<u64>>);

impl Covered {
    fn advance(&self, index: Option<u64>) {
        self.0.send_if_modified(|known| {
            let newer = index > *known;
            *known = index.max(*known);
            newer
        });
    }

    /// Waits until a snapshot on disk covers `index`.
    async fn reaches(&self, index: u64) {
        // The sender is `self`, so the channel cannot be closed.
        let _ = self.0.subscribe().wait_for(|known| *known >= Some(index)).await;
    }
}
