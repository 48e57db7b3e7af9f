//! The store of cursors: redb in `DATA/cursors.redb`. The only file that names redb.

use std::{io, path::Path};

use bytes::Bytes;
use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _,
    TableDefinition, backends::FileBackend,
};
use uuid::Uuid;

use super::{Change, CursorError, CursorState, Job, Reply, Usage, decide};
use crate::{files, limits::CURSOR_CACHE_BYTES};

/// State by id: position, log id, created and advanced in microseconds since 1970 (0: never
/// advanced).
const STATES: TableDefinition<'_, &str, (u64, u128, i64, i64)> = TableDefinition::new("places");
/// Encoded filter by id; the empty one has no entry.
const FILTERS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("filters");
/// Numbers by name.
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");
/// Bytes of all filters.
const FILTER_BYTES: &str = "filter bytes";
/// The format of the tables described here.
const FORMAT: &str = "format";
const FORMAT_NOW: u64 = 1;

pub(super) struct Store(Database);

impl Store {
    /// Opens the store at `path` in `directory`, or begins one.
    pub(super) fn open(directory: &Path, path: &Path) -> Result<Self, CursorError> {
        let opened = || {
            if !path.exists() {
                begin(directory, path)?;
            }
            open_database(path)
        };
        opened().map(Self).map_err(failed)
    }

    /// Refuses a store that another version wrote.
    pub(super) fn require_known_format(&self) -> Result<(), CursorError> {
        let read = || -> Result<_, redb::Error> {
            let numbers = self.0.begin_read()?.open_table(NUMBERS)?;
            Ok(numbers.get(FORMAT)?.map(|format| format.value()))
        };
        let found = read().map_err(failed)?;
        if found == Some(FORMAT_NOW) {
            return Ok(());
        }
        let detail = format!("has format {found:?}, this version reads {FORMAT_NOW}");
        Err(CursorError::Failed(detail))
    }

    /// The state and the encoded filter of a cursor, if it exists.
    pub(super) fn get(&self, id: &str) -> Result<Option<(CursorState, Bytes)>, CursorError> {
        let find = || -> Result<_, redb::Error> {
            let read = self.0.begin_read()?;
            let state = read.open_table(STATES)?.get(id)?.map(|state| decode(state.value()));
            let filter = read.open_table(FILTERS)?.get(id)?;
            let filter = filter.map(|filter| Bytes::copy_from_slice(filter.value()));
            Ok(state.map(|state| (state, filter.unwrap_or_default())))
        };
        find().map_err(failed)
    }

    /// The number of cursors.
    pub(super) fn count(&self) -> Result<u64, CursorError> {
        let count =
            || -> Result<_, redb::Error> { Ok(self.0.begin_read()?.open_table(STATES)?.len()?) };
        count().map_err(failed)
    }

    /// At most `limit` cursors in the order of their ids, starting at `from`.
    pub(super) fn list(
        &self,
        from: &str,
        limit: usize,
    ) -> Result<Vec<(String, CursorState)>, CursorError> {
        let find = || -> Result<_, redb::Error> {
            let states = self.0.begin_read()?.open_table(STATES)?;
            let mut found = Vec::new();
            for entry in states.range(from..)?.take(limit) {
                let (id, state) = entry?;
                found.push((id.value().to_owned(), decode(state.value())));
            }
            Ok(found)
        };
        find().map_err(failed)
    }

    /// Decides and makes the changes of a group in one transaction. Its answers are true only once
    /// this returns them, because then they are durable.
    pub(super) fn write(&self, group: &[Job]) -> Result<Vec<Reply>, CursorError> {
        self.write_group(group).map_err(failed)
    }

    fn write_group(&self, group: &[Job]) -> Result<Vec<Reply>, redb::Error> {
        let write = self.0.begin_write()?;
        let mut answers = Vec::with_capacity(group.len());
        {
            let mut states = write.open_table(STATES)?;
            let mut filters = write.open_table(FILTERS)?;
            let mut numbers = write.open_table(NUMBERS)?;
            for Job { id, change, .. } in group {
                let id = id.as_str();
                let found = states.get(id)?;
                let found = found.map(|state| decode(state.value()));
                let bytes = numbers.get(FILTER_BYTES)?;
                let bytes = bytes.map_or(0, |bytes| bytes.value());
                let usage = Usage { cursors: states.len()?, filter_bytes: bytes };
                let decided = decide(id, change, found, usage);
                if let Ok(state) = &decided {
                    match change {
                        Change::Create(_, filter) if !filter.is_empty() => {
                            filters.insert(id, filter.as_ref())?;
                            let bytes = bytes + filter.len() as u64;
                            numbers.insert(FILTER_BYTES, bytes)?;
                        }
                        Change::Delete => {
                            let filter = filters.remove(id)?;
                            let freed = filter.map_or(0, |filter| filter.value().len() as u64);
                            let bytes = bytes.saturating_sub(freed);
                            numbers.insert(FILTER_BYTES, bytes)?;
                            states.remove(id)?;
                        }
                        Change::Create(..) | Change::Advance { .. } => {}
                    }
                    if !matches!(change, Change::Delete) {
                        states.insert(id, encode(state))?;
                    }
                }
                answers.push(decided);
            }
        }
        write.commit()?;
        Ok(answers)
    }
}

/// Makes an empty store and renames it when it is on the disk. A power loss must not leave half a
/// store under the name that the next start reads.
fn begin(directory: &Path, path: &Path) -> Result<(), redb::Error> {
    let begun = directory.join("cursors.redb.new");
    files::remove_durably(&begun)?;
    let database = open_database(&begun)?;
    create_tables(&database)?;
    drop(database);
    files::sync(&begun)?;
    Ok(files::rename_durably(&begun, path)?)
}

fn create_tables(database: &Database) -> Result<(), redb::Error> {
    let write = database.begin_write()?;
    {
        write.open_table(STATES)?;
        write.open_table(FILTERS)?;
        let mut numbers = write.open_table(NUMBERS)?;
        numbers.insert(FORMAT, FORMAT_NOW)?;
    }
    Ok(write.commit()?)
}

fn open_database(path: &Path) -> Result<Database, redb::Error> {
    let mut builder = Database::builder();
    builder.set_cache_size(CURSOR_CACHE_BYTES);
    let file = match files::open_to_change(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => files::create(path)?,
        opened => opened?,
    };
    Ok(builder.create_with_backend(FileBackend::new(file)?)?)
}

#[allow(clippy::needless_pass_by_value)] // it is what map_err takes
fn failed(error: redb::Error) -> CursorError {
    CursorError::Failed(error.to_string())
}

fn encode(state: &CursorState) -> (u64, u128, i64, i64) {
    let CursorState { next_position, log_id, created_micros, advanced_micros } = *state;
    (next_position, log_id.as_u128(), created_micros, advanced_micros.unwrap_or(0))
}

fn decode((next_position, log_id, created_micros, advanced): (u64, u128, i64, i64)) -> CursorState {
    let advanced_micros = Some(advanced).filter(|micros| *micros != 0);
    CursorState { next_position, log_id: Uuid::from_u128(log_id), created_micros, advanced_micros }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods)]

    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use super::*;

    /// A store in memory whose syncs fail once they are told to.
    #[derive(Debug, Default)]
    pub(in crate::cursors) struct Failing {
        memory: redb::backends::InMemoryBackend,
        pub(in crate::cursors) fails: Arc<AtomicBool>,
    }

    impl redb::StorageBackend for Failing {
        fn len(&self) -> Result<u64, io::Error> {
            self.memory.len()
        }
        fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
            self.memory.read(offset, out)
        }
        fn set_len(&self, len: u64) -> Result<(), io::Error> {
            self.memory.set_len(len)
        }
        fn sync_data(&self) -> Result<(), io::Error> {
            match self.fails.load(Ordering::SeqCst) {
                true => Err(io::Error::other("injected")),
                false => self.memory.sync_data(),
            }
        }
        fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
            self.memory.write(offset, data)
        }
    }

    impl Store {
        /// An empty store on a backend.
        pub(in crate::cursors) fn over(backend: Failing) -> Self {
            let database = Database::builder().create_with_backend(backend).unwrap();
            create_tables(&database).unwrap();
            Self(database)
        }
    }
}
