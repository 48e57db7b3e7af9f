//! The store of cursors: redb in `DATA/cursors.redb`. The only file that names redb.

use std::{io, path::Path};

use bytes::Bytes;
use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _,
    TableDefinition, backends::FileBackend,
};
use uuid::Uuid;

use super::{
    Change, CursorError, CursorState, Job, Reply, StoredFilter, Usage, decide, examine::Unchanged,
};
use crate::{
    files,
    limits::{CURSOR_CACHE_BYTES, FILTER_REQUEST_BYTES_MAX},
};

/// State by id: position, log id, created and advanced in microseconds since 1970 (0: never
/// advanced).
const STATES: TableDefinition<'_, &str, (u64, u128, i64, i64)> = TableDefinition::new("places");
/// Encoded filter by id; the empty one has no entry.
const FILTERS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("filters");
/// Length of the filter by id, of those that have one. It tells the memory that a filter takes
/// before it is read.
const LENGTHS: TableDefinition<'_, &str, u64> = TableDefinition::new("filter lengths");
/// Numbers by name.
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");
/// Bytes of all filters.
const FILTER_BYTES: &str = "filter bytes";
/// The format of the tables described here.
const FORMAT: &str = "format";
const FORMAT_NOW: u64 = 1;

pub(super) struct Store {
    database: Database,
    /// Each filter has its length in the table.
    knows_lengths: bool,
}

impl Store {
    /// Opens the store at `path` in `directory`, or begins one.
    pub(super) fn open(directory: &Path, path: &Path) -> Result<Self, CursorError> {
        let opened = || {
            if !path.exists() {
                begin(directory, path)?;
            }
            open_database(path)
        };
        let database = opened().map_err(failed)?;
        Ok(Self { database, knows_lengths: false })
    }

    /// Opens a store that stays as it is, and checks every page.
    pub(super) fn examine(unchanged: Unchanged) -> Result<Self, CursorError> {
        let opened = || -> Result<_, redb::Error> {
            let mut builder = Database::builder();
            builder.set_cache_size(CURSOR_CACHE_BYTES);
            let mut database = builder.create_with_backend(unchanged)?;
            database.check_integrity()?;
            Ok(database)
        };
        Ok(Self { database: opened().map_err(failed)?, knows_lengths: false })
    }

    /// Refuses a store that another version wrote.
    pub(super) fn require_known_format(&self) -> Result<(), CursorError> {
        let read = || -> Result<_, redb::Error> {
            let numbers = self.database.begin_read()?.open_table(NUMBERS)?;
            Ok(numbers.get(FORMAT)?.map(|format| format.value()))
        };
        let found = read().map_err(failed)?;
        if found == Some(FORMAT_NOW) {
            return Ok(());
        }
        let detail = format!("has format {found:?}, this version reads {FORMAT_NOW}");
        Err(CursorError::Failed(detail))
    }

    /// Notes the lengths of filters that a version without them has kept.
    pub(super) fn note_lengths(&mut self) -> Result<(), CursorError> {
        let note = || -> Result<_, redb::Error> {
            let write = self.database.begin_write()?;
            {
                let filters = write.open_table(FILTERS)?;
                if write.open_table(LENGTHS)?.len()? == filters.len()? {
                    return Ok(());
                }
                write.delete_table(LENGTHS)?;
                let mut lengths = write.open_table(LENGTHS)?;
                for entry in filters.iter()? {
                    let (id, filter) = entry?;
                    lengths.insert(id.value(), filter.value().len() as u64)?;
                }
            }
            Ok(write.commit()?)
        };
        note().map_err(failed)?;
        self.knows_lengths = true;
        Ok(())
    }

    /// The state of a cursor, if it exists, and its encoded filter, if that has at most `most`
    /// bytes.
    pub(super) fn get(
        &self,
        id: &str,
        most: u64,
    ) -> Result<Option<(CursorState, StoredFilter)>, CursorError> {
        let find = || -> Result<_, redb::Error> {
            let read = self.database.begin_read()?;
            let state = read.open_table(STATES)?.get(id)?.map(|state| decode(state.value()));
            let Some(state) = state else { return Ok(None) };
            let length = match self.knows_lengths {
                true => read.open_table(LENGTHS)?.get(id)?.map_or(0, |length| length.value()),
                false => FILTER_REQUEST_BYTES_MAX as u64,
            };
            if length > most {
                return Ok(Some((state, StoredFilter::Long(length))));
            }
            let filter = read.open_table(FILTERS)?.get(id)?;
            let filter = filter.map(|filter| Bytes::copy_from_slice(filter.value()));
            Ok(Some((state, StoredFilter::Read(filter.unwrap_or_default()))))
        };
        find().map_err(failed)
    }

    /// The number of cursors, and the bytes of their filters.
    pub(super) fn usage(&self) -> Result<Usage, CursorError> {
        let read = || -> Result<_, redb::Error> {
            let read = self.database.begin_read()?;
            let bytes = read.open_table(NUMBERS)?.get(FILTER_BYTES)?;
            let filter_bytes = bytes.map_or(0, |bytes| bytes.value());
            Ok(Usage { cursors: read.open_table(STATES)?.len()?, filter_bytes })
        };
        read().map_err(failed)
    }

    /// At most `limit` cursors in the order of their ids, starting at `from`.
    pub(super) fn list(
        &self,
        from: &str,
        limit: usize,
    ) -> Result<Vec<(String, CursorState)>, CursorError> {
        let find = || -> Result<_, redb::Error> {
            let states = self.database.begin_read()?.open_table(STATES)?;
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
    pub(super) fn write(&self, group: &[Job]) -> Result<(Vec<Reply>, Usage), CursorError> {
        let answers = self.write_group(group).map_err(failed)?;
        Ok((answers, self.usage()?))
    }

    fn write_group(&self, group: &[Job]) -> Result<Vec<Reply>, redb::Error> {
        let write = self.database.begin_write()?;
        let mut answers = Vec::with_capacity(group.len());
        {
            let mut states = write.open_table(STATES)?;
            let mut filters = write.open_table(FILTERS)?;
            let mut lengths = write.open_table(LENGTHS)?;
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
                            let length = filter.len() as u64;
                            filters.insert(id, filter.as_ref())?;
                            lengths.insert(id, length)?;
                            numbers.insert(FILTER_BYTES, bytes + length)?;
                        }
                        Change::Delete => {
                            let filter = filters.remove(id)?;
                            let freed = filter.map_or(0, |filter| filter.value().len() as u64);
                            let bytes = bytes.saturating_sub(freed);
                            numbers.insert(FILTER_BYTES, bytes)?;
                            lengths.remove(id)?;
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

impl redb::StorageBackend for Unchanged {
    fn len(&self) -> Result<u64, io::Error> {
        Ok(Self::len(self))
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        Self::read(self, offset, out)
    }
    fn set_len(&self, length: u64) -> Result<(), io::Error> {
        Self::set_len(self, length);
        Ok(())
    }
    fn sync_data(&self) -> Result<(), io::Error> {
        Ok(())
    }
    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        Self::write(self, offset, data);
        Ok(())
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
        write.open_table(LENGTHS)?;
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
            Self { database, knows_lengths: false }
        }
    }

    fn create(id: &str, filter: &'static [u8]) -> Job {
        let state = CursorState {
            next_position: 0,
            log_id: Uuid::from_u128(7),
            created_micros: 1,
            advanced_micros: None,
        };
        let (reply, _) = tokio::sync::oneshot::channel();
        let change = Change::Create(state, Bytes::from_static(filter));
        Job { id: id.to_owned(), change, made: Box::new(|| {}), reply }
    }

    #[test]
    fn lengths_of_filters_that_an_older_version_kept_are_noted() {
        let mut store = Store::over(Failing::default());
        let group = [create("a", b"twelve bytes"), create("b", b"")];
        store.write(&group).unwrap();
        let write = store.database.begin_write().unwrap();
        write.delete_table(LENGTHS).unwrap();
        write.commit().unwrap();
        // As long as they are unknown, a filter may have any length.
        let unknown = StoredFilter::Long(FILTER_REQUEST_BYTES_MAX as u64);
        assert_eq!(store.get("a", 12).unwrap().unwrap().1, unknown);
        let whole = StoredFilter::Read(Bytes::from_static(b"twelve bytes"));
        assert_eq!(store.get("a", u64::MAX).unwrap().unwrap().1, whole);
        store.note_lengths().unwrap();
        assert_eq!(store.get("a", 11).unwrap().unwrap().1, StoredFilter::Long(12));
        assert_eq!(store.get("a", 12).unwrap().unwrap().1, whole);
        assert_eq!(store.get("b", 0).unwrap().unwrap().1, StoredFilter::Read(Bytes::new()));
    }
}
