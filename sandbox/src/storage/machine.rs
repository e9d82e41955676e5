//! The state machine as openraft sees it, and its snapshots.

use std::io::Cursor;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use openraft::storage::RaftStateMachine;
use openraft::{
    AnyError, EmptyNode, Entry, EntryPayload, LogId, OptionalSend, RaftSnapshotBuilder, Snapshot,
    SnapshotMeta, StorageError, StorageIOError, StoredMembership,
};

use super::{Covered, Disk, DiskError};
use crate::bug::Bug;
use crate::command::{NodeId, Replies, Types};
use crate::state::{Duplicates, State};

const META: &str = "snapshot-meta";
const DATA: &str = "snapshot-data";

/// How many entries apart the copies of a lossy machine are ([`Bug::LossySnapshot`]).
const COPY_EVERY: u64 = 128;

type Result<T> = std::result::Result<T, StorageError<NodeId>>;
type Meta = SnapshotMeta<NodeId, EmptyNode>;

/// The state, and the log entry up to which it includes everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Applied {
    pub(crate) last: Option<LogId<NodeId>>,
    pub(crate) membership: StoredMembership<NodeId, EmptyNode>,
    pub(crate) state: State,
}

/// The state machine of one node; clones share the state.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    disk: Arc<Disk>,
    covered: Covered,
    applied: Arc<RwLock<Applied>>,
    duplicates: Duplicates,
    /// The copy from which snapshots are cut when they are lossy ([`Bug::LossySnapshot`]).
    copy: Option<Arc<RwLock<State>>>,
}

impl Machine {
    /// The state machine as the latest snapshot left it.
    pub(crate) fn open(
        disk: Arc<Disk>,
        covered: Covered,
        bug: Option<Bug>,
    ) -> std::result::Result<Self, DiskError> {
        let mut applied = Applied::default();
        if let Some((meta, data)) = stored(&disk)? {
            covered.advance(meta.last_log_id.map(|id| id.index));
            applied = restored(&meta, &data)?;
        }
        let duplicates = match bug {
            Some(Bug::DoubleApply) => Duplicates::Applied,
            _ => Duplicates::Recognised,
        };
        let copy =
            (bug == Some(Bug::LossySnapshot)).then(|| Arc::new(RwLock::new(applied.state.clone())));
        let applied = Arc::new(RwLock::new(applied));
        Ok(Self { disk, covered, applied, duplicates, copy })
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Applied> {
        self.applied.read().expect("no holder of the lock panics")
    }

    /// Brings the copy of a lossy machine up to date.
    fn refresh_copy(&self, state: &State) {
        if let Some(copy) = &self.copy {
            *copy.write().expect("no holder of the lock panics") = state.clone();
        }
    }

    /// What a snapshot is made of. The lossy machine takes an older state for it, and signs it
    /// with the newest log id all the same.
    fn view(&self) -> Applied {
        let mut view = self.read().clone();
        if let Some(copy) = &self.copy {
            view.state = copy.read().expect("no holder of the lock panics").clone();
        }
        view
    }

    fn write(&self) -> RwLockWriteGuard<'_, Applied> {
        self.applied.write().expect("no holder of the lock panics")
    }

    /// Makes a snapshot the one on disk, unless a newer one already is: a snapshot may be
    /// installed from the leader while an older one is still being built.
    async fn store(&self, meta: Meta, data: Arc<Vec<u8>>) -> Result<()> {
        let signature = meta.signature();
        let index = meta.last_log_id.map(|id| id.index);
        let disk = Arc::clone(&self.disk);
        let written = tokio::task::spawn_blocking(move || {
            disk.write(|change| {
                let known: Option<Meta> = change.meta(META)?;
                if known.is_some_and(|known| known.last_log_id > meta.last_log_id) {
                    return Ok(());
                }
                change.put_meta(META, &meta)?;
                change.put_meta_bytes(DATA, &data)
            })
        });
        let failed = |error: AnyError| StorageIOError::write_snapshot(Some(signature), error);
        let written = written.await.map_err(|error| failed(AnyError::new(&error)));
        match written {
            Ok(Ok(())) => {
                self.covered.advance(index);
                Ok(())
            }
            Ok(Err(error)) => Err(StorageIOError::write(AnyError::new(&error)).into()),
            Err(error) => Err(error.into()),
        }
    }
}

fn stored(disk: &Disk) -> std::result::Result<Option<(Meta, Vec<u8>)>, DiskError> {
    // Both are always written by one transaction. Should a newer snapshot land between the two
    // reads, the data would not belong to the meta: hence both are read by one transaction, too.
    let Some([meta, data]) = disk.meta_pair(META, DATA)? else { return Ok(None) };
    Ok(Some((serde_json::from_slice(&meta)?, data)))
}

fn restored(meta: &Meta, data: &[u8]) -> std::result::Result<Applied, serde_json::Error> {
    Ok(Applied {
        last: meta.last_log_id,
        membership: meta.last_membership.clone(),
        state: serde_json::from_slice(data)?,
    })
}

fn read_error(error: impl std::error::Error + 'static) -> StorageError<NodeId> {
    StorageIOError::read(AnyError::new(&error)).into()
}

impl RaftStateMachine<Types> for Machine {
    type SnapshotBuilder = Builder;

    async fn applied_state(
        &mut self,
    ) -> Result<(Option<LogId<NodeId>>, StoredMembership<NodeId, EmptyNode>)> {
        let applied = self.read();
        Ok((applied.last, applied.membership.clone()))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<Replies>>
    where
        I: IntoIterator<Item = Entry<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut applied = self.write();
        let applied = &mut *applied;
        let apply = |entry: Entry<Types>| {
            if entry.log_id.index.is_multiple_of(COPY_EVERY) {
                self.refresh_copy(&applied.state);
            }
            applied.last = Some(entry.log_id);
            match entry.payload {
                EntryPayload::Blank => Replies(Vec::new()),
                EntryPayload::Membership(membership) => {
                    applied.membership = StoredMembership::new(Some(entry.log_id), membership);
                    Replies(Vec::new())
                }
                EntryPayload::Normal(batch) => {
                    let commands = batch.0.into_iter();
                    let duplicates = self.duplicates;
                    Replies(commands.map(|c| applied.state.apply(c, duplicates)).collect())
                }
            }
        };
        Ok(entries.into_iter().map(apply).collect())
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        Builder { machine: self.clone(), view: self.view() }
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<Cursor<Vec<u8>>>> {
        Ok(Box::new(Cursor::new(Vec::new())))
    }

    async fn install_snapshot(
        &mut self,
        meta: &Meta,
        snapshot: Box<Cursor<Vec<u8>>>,
    ) -> Result<()> {
        let data = Arc::new(snapshot.into_inner());
        let installed = restored(meta, &data).map_err(read_error)?;
        // First the disk: what a client may see must survive a kill.
        self.store(meta.clone(), data).await?;
        self.refresh_copy(&installed.state);
        *self.write() = installed;
        tracing::info!(upto = ?meta.last_log_id.map(|id| id.index), "installed a snapshot");
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot<Types>>> {
        let stored = stored(&self.disk).map_err(read_error)?;
        Ok(stored.map(|(meta, data)| Snapshot { meta, snapshot: Box::new(Cursor::new(data)) }))
    }
}

/// Writes one view of the state as a snapshot, while the machine goes on.
#[derive(Debug)]
pub(crate) struct Builder {
    machine: Machine,
    view: Applied,
}

impl RaftSnapshotBuilder<Types> for Builder {
    async fn build_snapshot(&mut self) -> Result<Snapshot<Types>> {
        let index = self.view.last.map(|id| id.index);
        let meta = SnapshotMeta {
            last_log_id: self.view.last,
            last_membership: self.view.membership.clone(),
            // Names a transfer, so two different snapshots must not share it. The state is a
            // function of the log, hence equal log ids mean equal snapshots.
            snapshot_id: self.view.last.map_or_else(|| "empty".to_owned(), |id| id.to_string()),
        };
        let data = Arc::new(serde_json::to_vec(&self.view.state).map_err(read_error)?);
        self.machine.store(meta.clone(), Arc::clone(&data)).await?;
        tracing::info!(upto = ?index, bytes = data.len(), "took a snapshot");
        let snapshot = Box::new(Cursor::new(data.to_vec()));
        Ok(Snapshot { meta, snapshot })
    }
}
