//! The Raft log and the vote.

use std::fmt::Debug;
use std::ops::RangeBounds;
use std::sync::Arc;

use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{
    AnyError, Entry, LogId, LogState, OptionalSend, RaftLogId, RaftLogReader, StorageError,
    StorageIOError, Vote,
};

use super::disk::Change;
use super::{Covered, Disk, DiskError};
use crate::command::{NodeId, Types};

const VOTE: &str = "vote";
const COMMITTED: &str = "committed";
const PURGED: &str = "purged";

type Result<T> = std::result::Result<T, StorageError<NodeId>>;

/// The log of one node; clones share the database.
#[derive(Clone, Debug)]
pub(crate) struct LogStore {
    disk: Arc<Disk>,
    covered: Covered,
}

impl LogStore {
    pub(crate) fn new(disk: Arc<Disk>, covered: Covered) -> Self {
        Self { disk, covered }
    }

    /// Writes durably, on a thread where it may block.
    async fn write(
        &self,
        change: impl FnOnce(&mut Change<'_>) -> std::result::Result<(), DiskError> + Send + 'static,
    ) -> Result<()> {
        let disk = Arc::clone(&self.disk);
        let written = tokio::task::spawn_blocking(move || disk.write(change)).await;
        written.map_err(write_error)?.map_err(write_error)
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
        let vote = *vote;
        self.write(move |change| change.put_meta(VOTE, &vote)).await
    }

    async fn read_vote(&mut self) -> Result<Option<Vote<NodeId>>> {
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
