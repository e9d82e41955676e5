//! The Raft log and the vote.

use std::fmt::Debug;
use std::ops::RangeBounds;
use std::sync::{Arc, Weak};
use std::time::Duration;

use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{
    AnyError, Entry, LeaderId, LogId, LogState, OptionalSend, RaftLogId, RaftLogReader,
    StorageError, StorageIOError, Vote,
};

use super::disk::Change;
use super::{Covered, Disk, DiskError};
use crate::bug::Bug;
use crate::command::{NodeId, Types};

const VOTE: &str = "vote";
const COMMITTED: &str = "committed";
const PURGED: &str = "purged";

/// How much of the lazy log a kill may take ([`Bug::Amnesia`]).
const LAZY_SYNC: Duration = Duration::from_secs(1);

type Result<T> = std::result::Result<T, StorageError<NodeId>>;

/// The log of one node; clones share the database.
#[derive(Clone, Debug)]
pub(crate) struct LogStore {
    disk: Arc<Disk>,
    covered: Covered,
    bug: Option<Bug>,
}

impl LogStore {
    /// Must be called inside a tokio runtime.
    pub(crate) fn new(disk: Arc<Disk>, covered: Covered, bug: Option<Bug>) -> Self {
        if bug == Some(Bug::Amnesia) {
            tokio::spawn(sync_now_and_then(Arc::downgrade(&disk)));
        }
        Self { disk, covered, bug }
    }

    /// Writes durably, on a thread where it may block.
    async fn write(
        &self,
        change: impl FnOnce(&mut Change<'_>) -> std::result::Result<(), DiskError> + Send + 'static,
    ) -> Result<()> {
        let disk = Arc::clone(&self.disk);
        let lazy = self.bug == Some(Bug::Amnesia);
        let written = tokio::task::spawn_blocking(move || {
            if lazy { disk.write_lazily(change) } else { disk.write(change) }
        });
        written.await.map_err(write_error)?.map_err(write_error)
    }

    /// Where a node takes its vote from that did not write it down ([`Bug::ForgetVote`]): its log
    /// shows that there was a leader in the term of the last entry, and says nothing of whom the
    /// node voted for in that term. So it starts in the term before, free to vote once more.
    async fn guess_vote(&mut self) -> Result<Option<Vote<NodeId>>> {
        let last = self.get_log_state().await?.last_log_id;
        Ok(last.map(|last| Vote {
            leader_id: LeaderId { term: last.leader_id.term.saturating_sub(1), voted_for: None },
            committed: false,
        }))
    }
}

/// The lazy log's flush. It ends with the log.
async fn sync_now_and_then(disk: Weak<Disk>) {
    let mut ticks = tokio::time::interval(LAZY_SYNC);
    loop {
        ticks.tick().await;
        let Some(disk) = disk.upgrade() else { return };
        let synced = tokio::task::spawn_blocking(move || disk.write(|_| Ok(()))).await;
        if !matches!(synced, Ok(Ok(()))) {
            tracing::error!(?synced, "the lazy log cannot be synced");
        }
    }
}

fn write_error(error: impl std::error::Error + 'static) -> StorageError<NodeId> {
    StorageIOError::write_logs(AnyError::new(&error)).into()
}

fn read_error(error: impl std::error::Error + 'static) -> StorageError<NodeId> {
    StorageIOError::read_logs(AnyError::new(&error)).into()
}

impl RaftLogReader<Types> for LogStore {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry<Types>>> {
        self.disk
            .entries((range.start_bound().cloned(), range.end_bound().cloned()))
            .map_err(read_error)
    }
}

impl RaftLogStorage<Types> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<Types>> {
        let purged: Option<LogId<NodeId>> = self.disk.meta(PURGED).map_err(read_error)?;
        let last: Option<Entry<Types>> = self.disk.last_entry().map_err(read_error)?;
        Ok(LogState {
            last_purged_log_id: purged,
            last_log_id: last.map(|entry| entry.log_id).or(purged),
        })
    }

    async fn get_log_reader(&mut self) -> Self::LogReader {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote<NodeId>) -> Result<()> {
        if self.bug == Some(Bug::ForgetVote) {
            return Ok(());
        }
        let vote = *vote;
        self.write(move |change| change.put_meta(VOTE, &vote)).await
    }

    async fn read_vote(&mut self) -> Result<Option<Vote<NodeId>>> {
        if self.bug == Some(Bug::ForgetVote) {
            return self.guess_vote().await;
        }
        self.disk.meta(VOTE).map_err(read_error)
    }

    async fn save_committed(&mut self, committed: Option<LogId<NodeId>>) -> Result<()> {
        self.write(move |change| change.put_meta(COMMITTED, &committed)).await
    }

    async fn read_committed(&mut self) -> Result<Option<LogId<NodeId>>> {
        Ok(self.disk.meta::<Option<_>>(COMMITTED).map_err(read_error)?.flatten())
    }

    async fn append<I>(&mut self, entries: I, callback: LogFlushed<Types>) -> Result<()>
    where
        I: IntoIterator<Item = Entry<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries = entries
            .into_iter()
            .map(|entry| Ok((entry.get_log_id().index, serde_json::to_vec(&entry)?)))
            .collect::<std::result::Result<Vec<_>, serde_json::Error>>()
            .map_err(write_error)?;
        self.write(move |change| {
            entries.iter().try_for_each(|(index, bytes)| change.put_entry(*index, bytes))
        })
        .await?;
        callback.log_io_completed(Ok(()));
        Ok(())
    }

    async fn truncate(&mut self, since: LogId<NodeId>) -> Result<()> {
        self.write(move |change| change.remove_entries(since.index..)).await
    }

    async fn purge(&mut self, upto: LogId<NodeId>) -> Result<()> {
        self.covered.reaches(upto.index).await;
        self.write(move |change| {
            change.remove_entries(..=upto.index)?;
            // Entries behind an installed snapshot may be left from an older leader. They do not
            // continue what the snapshot holds, so they must not look like the log's end.
            let next: Option<Entry<Types>> = change.first_entry(upto.index + 1..)?;
            if next.is_some_and(|entry| entry.log_id.leader_id < upto.leader_id) {
                change.remove_entries(upto.index + 1..)?;
            }
            change.put_meta(PURGED, &upto)
        })
        .await
    }
}
