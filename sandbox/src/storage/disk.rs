//! The database file: tables, encodings, transactions.

use std::ops::RangeBounds;
use std::path::Path;

use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Log entries by index, as JSON.
const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");
/// Everything of which there is one.
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// The database failed, or holds what this version cannot read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiskError {
    /// redb reported an error; the disk may be full, or gone.
    #[error("database: {0}")]
    Database(Box<redb::Error>),
    /// A record could not be encoded or decoded.
    #[error("record: {0}")]
    Record(#[from] serde_json::Error),
}

impl From<redb::Error> for DiskError {
    fn from(error: redb::Error) -> Self {
        Self::Database(Box::new(error))
    }
}

/// A node's database. Every `write` is durable when it returns.
#[derive(Debug)]
pub(crate) struct Disk {
    database: Database,
}

impl Disk {
    pub(crate) fn open(path: &Path) -> Result<Self, DiskError> {
        let database = Database::create(path).map_err(redb::Error::from)?;
        let disk = Self { database };
        // A table must exist before it can be read.
        disk.write(|_| Ok(()))?;
        Ok(disk)
    }

    /// Runs `change` as one transaction: all of it is on disk afterwards, or none.
    pub(crate) fn write(
        &self,
        change: impl FnOnce(&mut Change<'_>) -> Result<(), DiskError>,
    ) -> Result<(), DiskError> {
        self.commit(Durability::Immediate, change)
    }

    /// The same without the sync: everybody in this process sees the change, but it reaches the
    /// disk only with the next `write`. A kill takes it back, since the file still names the
    /// older root ([`crate::Bug::Amnesia`]).
    pub(crate) fn write_lazily(
        &self,
        change: impl FnOnce(&mut Change<'_>) -> Result<(), DiskError>,
    ) -> Result<(), DiskError> {
        self.commit(Durability::None, change)
    }

    fn commit(
        &self,
        durability: Durability,
        change: impl FnOnce(&mut Change<'_>) -> Result<(), DiskError>,
    ) -> Result<(), DiskError> {
        let mut transaction = self.database.begin_write().map_err(redb::Error::from)?;
        transaction.set_durability(durability).map_err(redb::Error::from)?;
        change(&mut Change::open(&transaction)?)?;
        transaction.commit().map_err(redb::Error::from)?;
        Ok(())
    }

    pub(crate) fn meta<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, DiskError> {
        let bytes = self.meta_bytes(name)?;
        bytes.map(|bytes| Ok(serde_json::from_slice(&bytes)?)).transpose()
    }

    fn meta_bytes(&self, name: &str) -> Result<Option<Vec<u8>>, DiskError> {
        let read = || -> Result<_, redb::Error> {
            let table = self.database.begin_read()?.open_table(META)?;
            Ok(table.get(name)?.map(|bytes| bytes.value().to_vec()))
        };
        Ok(read()?)
    }

    /// Two records as one transaction wrote them.
    pub(crate) fn meta_pair(
        &self,
        one: &str,
        other: &str,
    ) -> Result<Option<[Vec<u8>; 2]>, DiskError> {
        let read = || -> Result<_, redb::Error> {
            let table = self.database.begin_read()?.open_table(META)?;
            let record = |name| -> Result<Option<Vec<u8>>, redb::Error> {
                Ok(table.get(name)?.map(|bytes| bytes.value().to_vec()))
            };
            let (one, other) = (record(one)?, record(other)?);
            Ok(one.zip(other).map(|(one, other)| [one, other]))
        };
        Ok(read()?)
    }

    /// The log entries of a range of indices, in order.
    pub(crate) fn entries<T: DeserializeOwned>(
        &self,
        range: impl RangeBounds<u64>,
    ) -> Result<Vec<T>, DiskError> {
        let read = || -> Result<Vec<Vec<u8>>, redb::Error> {
            let table = self.database.begin_read()?.open_table(LOG)?;
            let rows = table.range(range)?;
            rows.map(|row| Ok(row?.1.value().to_vec())).collect()
        };
        read()?.iter().map(|bytes| Ok(serde_json::from_slice(bytes)?)).collect()
    }

    /// The entry with the greatest index.
    pub(crate) fn last_entry<T: DeserializeOwned>(&self) -> Result<Option<T>, DiskError> {
        let read = || -> Result<Option<Vec<u8>>, redb::Error> {
            let table = self.database.begin_read()?.open_table(LOG)?;
            Ok(table.last()?.map(|(_, bytes)| bytes.value().to_vec()))
        };
        read()?.map(|bytes| Ok(serde_json::from_slice(&bytes)?)).transpose()
    }
}

/// An open write transaction.
pub(crate) struct Change<'t> {
    log: redb::Table<'t, u64, &'static [u8]>,
    meta: redb::Table<'t, &'static str, &'static [u8]>,
}

impl<'t> Change<'t> {
    fn open(transaction: &'t WriteTransaction) -> Result<Self, DiskError> {
        let log = transaction.open_table(LOG).map_err(redb::Error::from)?;
        let meta = transaction.open_table(META).map_err(redb::Error::from)?;
        Ok(Self { log, meta })
    }

    pub(crate) fn meta<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, DiskError> {
        let Some(bytes) = self.meta.get(name).map_err(redb::Error::from)? else { return Ok(None) };
        Ok(Some(serde_json::from_slice(bytes.value())?))
    }

    pub(crate) fn put_meta(&mut self, name: &str, value: &impl Serialize) -> Result<(), DiskError> {
        self.put_meta_bytes(name, &serde_json::to_vec(value)?)
    }

    pub(crate) fn put_meta_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
        self.meta.insert(name, bytes).map_err(redb::Error::from)?;
        Ok(())
    }

    pub(crate) fn put_entry(&mut self, index: u64, entry: &[u8]) -> Result<(), DiskError> {
        self.log.insert(index, entry).map_err(redb::Error::from)?;
        Ok(())
    }

    pub(crate) fn remove_entries(&mut self, range: impl RangeBounds<u64>) -> Result<(), DiskError> {
        self.log.retain_in(range, |_, _| false).map_err(redb::Error::from)?;
        Ok(())
    }

    /// The first entry of a range.
    pub(crate) fn first_entry<T: DeserializeOwned>(
        &self,
        range: impl RangeBounds<u64>,
    ) -> Result<Option<T>, DiskError> {
        let mut rows = self.log.range(range).map_err(redb::Error::from)?;
        let Some(row) = rows.next() else { return Ok(None) };
        let (_, bytes) = row.map_err(redb::Error::from)?;
        Ok(Some(serde_json::from_slice(bytes.value())?))
    }
}
