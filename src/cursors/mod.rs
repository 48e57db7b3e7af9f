//! Cursors: named, durable places in the log, in a store of their own.
//!
//! The store is redb in `DATA/cursors.redb`, apart from the log: a cursor can be lost and made again, an event cannot, and
//! neither may hold the other up. One thread makes changes, those that wait together in one transaction with one sync; a
//! change is answered when it is durable. After a failure nothing is acknowledged any more until the next start.
//!
//! This file knows positions and ids, not what a filter says.

use std::{
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
};

use bytes::Bytes;
use parking_lot::Mutex;
use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _,
    TableDefinition,
};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::{
    files,
    limits::{
        CURSOR_CACHE_BYTES, CURSOR_FILTERS_BYTES_MAX, CURSOR_GROUP_MAX, CURSOR_QUEUE_MAX,
        CURSORS_MAX, ID_BYTES_MAX,
    },
};

/// Place by id: position, log id, created and advanced in microseconds since 1970 (0: never advanced).
const PLACES: TableDefinition<'_, &str, (u64, u128, i64, i64)> = TableDefinition::new("places");
/// Encoded filter by id; the empty one has no entry.
const FILTERS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("filters");
/// Numbers by name.
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");
/// Bytes of all filters.
const FILTER_BYTES: &str = "filter bytes";
/// The format of the tables described here.
const FORMAT: &str = "format";
const FORMAT_NOW: u64 = 1;

/// Where a cursor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Everything below is done with.
    pub next_position: u64,
    /// The history in which the position counts.
    pub log_id: Uuid,
    /// Microseconds since 1970.
    pub created_micros: i64,
    /// Microseconds since 1970; none before the first time.
    pub advanced_micros: Option<i64>,
}

/// A change of a cursor.
#[derive(Clone, Debug)]
pub enum Change {
    /// Makes it, with its filter.
    Create(Place, Bytes),
    /// Moves it.
    Advance {
        /// Where to.
        next_position: u64,
        /// The history of that position.
        log_id: Uuid,
        /// Also backwards, or into this history from another one.
        force: bool,
        /// Microseconds since 1970.
        now_micros: i64,
    },
    /// Takes it away.
    Delete,
}

/// Why a change was not made, or a question not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// There is none of that id.
    #[error("there is no cursor {0:?}")]
    NotFound(String),
    /// There is one of that id.
    #[error("there is a cursor {0:?} already")]
    Exists(String),
    /// It stands further on.
    #[error("the cursor stands at {stands}; it moves backwards to {asked} only with force")]
    Backwards {
        /// Where it stands.
        stands: u64,
        /// Where it should have gone.
        asked: u64,
    },
    /// It was made in another history.
    #[error("the cursor was made in the log {made_in}, not in this one; force moves it here")]
    OtherLog {
        /// The history in which it was made.
        made_in: Uuid,
        /// This one.
        here: Uuid,
    },
    /// There are as many as there can be.
    #[error("there are {CURSORS_MAX} cursors; no more are allowed")]
    TooMany,
    /// The filters of all cursors are larger than they can be.
    #[error("the filters of all cursors would have more than {CURSOR_FILTERS_BYTES_MAX} bytes")]
    FiltersTooLarge,
    /// More changes wait than the store takes on.
    #[error("more changes of cursors are waiting than the server takes on")]
    QueueFull,
    /// The store is closed, and the server is going down. Nothing was changed.
    #[error("the server is going down; nothing was changed")]
    Closed,
    /// The store failed.
    #[error("the store of cursors failed: {0}")]
    Failed(String),
}

impl CursorError {
    #[allow(clippy::needless_pass_by_value)] // it is what map_err takes
    fn failed(error: redb::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

type Reply = Result<Place, CursorError>;

struct Job {
    id: String,
    change: Change,
    reply: oneshot::Sender<Reply>,
}

/// True for an id that a cursor can have: 1 to 64 of `a-z`, `0-9`, `.`, `-` and `_`, a letter or digit first.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= ID_BYTES_MAX
        && text.starts_with(plain)
        && text.chars().all(|c| plain(c) || matches!(c, '.' | '-' | '_'))
}

/// The store.
pub struct Cursors {
    store: Arc<Database>,
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Cursors {
    /// Opens the store of a data directory, or begins one. The caller has the directory for itself.
    ///
    /// # Errors
    /// [`CursorError::Failed`] with the path.
    pub fn open(directory: &Path) -> Result<Self, CursorError> {
        let path = directory.join("cursors.redb");
        let opened = || {
            if !path.exists() {
                begin(directory, &path)?;
            }
            open_store(&path)
        };
        let opened = opened().map_err(CursorError::failed).and_then(Self::over);
        opened.map_err(|error| {
            let remedy = "if it cannot be repaired, move it away: cursors must be made again then";
            CursorError::Failed(format!("{}: {error}; {remedy}", path.display()))
        })
    }

    /// Serves an open store.
    fn over(store: Database) -> Result<Self, CursorError> {
        let found = format_of(&store).map_err(CursorError::failed)?;
        if found != Some(FORMAT_NOW) {
            let detail = format!("has format {found:?}, this version reads {FORMAT_NOW}");
            return Err(CursorError::Failed(detail));
        }
        let store = Arc::new(store);
        let (queue, jobs) = mpsc::channel(CURSOR_QUEUE_MAX);
        let of_writer = Arc::clone(&store);
        let writer = thread::Builder::new()
            .name("tidu-cursors".into())
            .spawn(move || write(&of_writer, jobs))
            .map_err(|e| CursorError::Failed(format!("start its thread: {e}")))?;
        Ok(Self { store, queue: Mutex::new(Some(queue)), writer: Mutex::new(Some(writer)) })
    }

    /// Makes a change. It is durable when this gives the place the cursor has then, or had last.
    ///
    /// # Errors
    /// [`CursorError`]. After [`CursorError::Failed`] it is not known whether the change was made.
    pub async fn change(&self, id: &str, change: Change) -> Reply {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.lock().clone().ok_or(CursorError::Closed)?;
        let ended = || CursorError::Failed("its thread has ended".to_owned());
        let job = Job { id: id.to_owned(), change, reply };
        queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CursorError::QueueFull,
            mpsc::error::TrySendError::Closed(_) => ended(),
        })?;
        drop(queue);
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Where a cursor stands, and its filter.
    ///
    /// # Errors
    /// [`CursorError::NotFound`], [`CursorError::Failed`].
    pub fn get(&self, id: &str) -> Result<(Place, Bytes), CursorError> {
        let find = || -> Result<_, redb::Error> {
            let read = self.store.begin_read()?;
            let place = read.open_table(PLACES)?.get(id)?.map(|place| decode(place.value()));
            let filter = read.open_table(FILTERS)?.get(id)?;
            let filter = filter.map(|filter| Bytes::copy_from_slice(filter.value()));
            Ok(place.map(|place| (place, filter.unwrap_or_default())))
        };
        find().map_err(CursorError::failed)?.ok_or_else(|| CursorError::NotFound(id.to_owned()))
    }

    /// Cursors in the order of their ids, from `from` on, at most `most`.
    ///
    /// # Errors
    /// [`CursorError::Failed`].
    pub fn list(&self, from: &str, most: usize) -> Result<Vec<(String, Place)>, CursorError> {
        let find = || -> Result<_, redb::Error> {
            let places = self.store.begin_read()?.open_table(PLACES)?;
            let mut found = Vec::new();
            for entry in places.range(from..)?.take(most) {
                let (id, place) = entry?;
                found.push((id.value().to_owned(), decode(place.value())));
            }
            Ok(found)
        };
        find().map_err(CursorError::failed)
    }

    /// Takes no more changes and finishes those that wait.
    pub fn close(&self) {
        self.queue.lock().take();
        if let Some(writer) = self.writer.lock().take() {
            // A writer that panicked has answered nobody, so nothing was acknowledged in vain.
            let _ = writer.join();
        }
    }
}

/// Makes an empty store and gives it its name when it is on the disk: a power loss must not leave half a store under the
/// name that the next start reads.
fn begin(directory: &Path, path: &Path) -> Result<(), redb::Error> {
    let begun = directory.join("cursors.redb.new");
    files::remove_durably(&begun)?;
    let store = open_store(&begun)?;
    let write = store.begin_write()?;
    {
        write.open_table(PLACES)?;
        write.open_table(FILTERS)?;
        let mut numbers = write.open_table(NUMBERS)?;
        numbers.insert(FORMAT, FORMAT_NOW)?;
    }
    write.commit()?;
    drop(store);
    files::sync(&begun)?;
    Ok(files::rename_durably(&begun, path)?)
}

fn open_store(path: &Path) -> Result<Database, redb::Error> {
    let mut builder = Database::builder();
    builder.set_cache_size(CURSOR_CACHE_BYTES);
    Ok(builder.create(path)?)
}

fn format_of(store: &Database) -> Result<Option<u64>, redb::Error> {
    let numbers = store.begin_read()?.open_table(NUMBERS)?;
    Ok(numbers.get(FORMAT)?.map(|format| format.value()))
}

/// Makes changes, group by group, until the queue closes or the store fails.
fn write(store: &Database, mut jobs: mpsc::Receiver<Job>) {
    while let Some(job) = jobs.blocking_recv() {
        let mut group = vec![job];
        while let Some(job) = jobs.try_recv().ok().filter(|_| group.len() < CURSOR_GROUP_MAX) {
            group.push(job);
        }
        let outcome = write_group(store, &group).map_err(CursorError::failed);
        let failed = outcome.as_ref().err().cloned();
        let answers = outcome.unwrap_or_default();
        for (i, job) in group.into_iter().enumerate() {
            let answer = answers.get(i).cloned().or_else(|| failed.clone().map(Err));
            // A caller that went away misses its answer; the change stands.
            let _ = answer.map(|answer| job.reply.send(answer));
        }
        if let Some(error) = failed {
            tracing::error!(%error, "cursors cannot be changed until the next start");
            jobs.close();
            while let Some(job) = jobs.blocking_recv() {
                let _ = job.reply.send(Err(error.clone()));
            }
            return;
        }
    }
}

/// One transaction; its answers hold when this gives them.
fn write_group(store: &Database, group: &[Job]) -> Result<Vec<Reply>, redb::Error> {
    let write = store.begin_write()?;
    let mut answers = Vec::with_capacity(group.len());
    {
        let mut places = write.open_table(PLACES)?;
        let mut filters = write.open_table(FILTERS)?;
        let mut numbers = write.open_table(NUMBERS)?;
        for Job { id, change, .. } in group {
            let id = id.as_str();
            let found = places.get(id)?;
            let found = found.map(|place| decode(place.value()));
            let bytes = numbers.get(FILTER_BYTES)?;
            let bytes = bytes.map_or(0, |bytes| bytes.value());
            let room = Room { cursors: places.len()?, bytes };
            let decided = decide(id, change, found, room);
            if let Ok(place) = &decided {
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
                        places.remove(id)?;
                    }
                    Change::Create(..) | Change::Advance { .. } => {}
                }
                if !matches!(change, Change::Delete) {
                    places.insert(id, encode(place))?;
                }
            }
            answers.push(decided);
        }
    }
    write.commit()?;
    Ok(answers)
}

/// What is there.
#[derive(Clone, Copy, Debug, Default)]
struct Room {
    cursors: u64,
    /// Of all filters.
    bytes: u64,
}

/// What becomes of a cursor: its place after the change, or, deleted, its last one.
fn decide(id: &str, change: &Change, found: Option<Place>, room: Room) -> Reply {
    let missing = || CursorError::NotFound(id.to_owned());
    match change {
        Change::Create(..) if found.is_some() => Err(CursorError::Exists(id.to_owned())),
        Change::Create(..) if room.cursors >= CURSORS_MAX => Err(CursorError::TooMany),
        Change::Create(_, filter)
            if room.bytes + filter.len() as u64 > CURSOR_FILTERS_BYTES_MAX =>
        {
            Err(CursorError::FiltersTooLarge)
        }
        Change::Create(place, _) => Ok(*place),
        Change::Delete => found.ok_or_else(missing),
        Change::Advance { next_position: asked, log_id, force, now_micros } => {
            let place = found.ok_or_else(missing)?;
            if !force && place.log_id != *log_id {
                return Err(CursorError::OtherLog { made_in: place.log_id, here: *log_id });
            }
            if !force && *asked < place.next_position {
                let stands = place.next_position;
                return Err(CursorError::Backwards { stands, asked: *asked });
            }
            Ok(Place {
                next_position: *asked,
                log_id: *log_id,
                advanced_micros: Some(*now_micros),
                ..place
            })
        }
    }
}

fn encode(place: &Place) -> (u64, u128, i64, i64) {
    let Place { next_position, log_id, created_micros, advanced_micros } = *place;
    (next_position, log_id.as_u128(), created_micros, advanced_micros.unwrap_or(0))
}

fn decode((next_position, log_id, created_micros, advanced): (u64, u128, i64, i64)) -> Place {
    let advanced_micros = Some(advanced).filter(|micros| *micros != 0);
    Place { next_position, log_id: Uuid::from_u128(log_id), created_micros, advanced_micros }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods)]

    use std::{
        io,
        sync::atomic::{AtomicBool, Ordering},
    };

    use super::*;

    /// A store in memory whose syncs fail once they are told to.
    #[derive(Debug, Default)]
    struct Failing {
        memory: redb::backends::InMemoryBackend,
        fails: Arc<AtomicBool>,
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

    fn place(next_position: u64) -> Place {
        let (log_id, created_micros) = (Uuid::from_u128(7), 1);
        Place { next_position, log_id, created_micros, advanced_micros: None }
    }

    fn to(next_position: u64, force: bool) -> Change {
        Change::Advance { next_position, log_id: Uuid::from_u128(7), force, now_micros: 2 }
    }

    #[tokio::test]
    async fn a_cursor_moves_forwards_and_survives() {
        let dir = tempfile::tempdir().unwrap();
        let cursors = Cursors::open(dir.path()).unwrap();
        let filter = Bytes::from_static(b"filter");
        cursors.change("bank", Change::Create(place(3), filter.clone())).await.unwrap();
        let again = cursors.change("bank", Change::Create(place(0), Bytes::new())).await;
        assert_eq!(again, Err(CursorError::Exists("bank".into())));
        assert_eq!(cursors.change("bank", to(9, false)).await.unwrap().next_position, 9);
        assert_eq!(cursors.change("bank", to(9, false)).await.unwrap().next_position, 9);
        let back = cursors.change("bank", to(8, false)).await;
        assert_eq!(back, Err(CursorError::Backwards { stands: 9, asked: 8 }));
        cursors.close();
        drop(cursors);

        let cursors = Cursors::open(dir.path()).unwrap();
        let (found, kept) = cursors.get("bank").unwrap();
        assert_eq!((found.next_position, kept), (9, filter));
        assert_eq!(cursors.change("bank", to(2, true)).await.unwrap().next_position, 2);
        cursors.change("bank", Change::Delete).await.unwrap();
        assert_eq!(cursors.get("bank"), Err(CursorError::NotFound("bank".into())));
        assert_eq!(cursors.list("", 10).unwrap(), []);
    }

    #[tokio::test]
    async fn nothing_is_acknowledged_after_a_failed_sync() {
        let backend = Failing::default();
        let fails = Arc::clone(&backend.fails);
        let store = Database::builder().create_with_backend(backend).unwrap();
        let write = store.begin_write().unwrap();
        write.open_table(PLACES).unwrap();
        write.open_table(FILTERS).unwrap();
        write.open_table(NUMBERS).unwrap().insert(FORMAT, FORMAT_NOW).unwrap();
        write.commit().unwrap();
        let cursors = Cursors::over(store).unwrap();
        cursors.change("a", Change::Create(place(1), Bytes::new())).await.unwrap();
        fails.store(true, Ordering::SeqCst);
        for _ in 0..3 {
            let refused = cursors.change("a", to(5, false)).await;
            assert!(matches!(refused, Err(CursorError::Failed(_))), "{refused:?}");
            // Also when syncs come back: what the disk holds is not known.
            fails.store(false, Ordering::SeqCst);
        }
    }

    #[test]
    fn full_is_said() {
        let full = Room { cursors: CURSORS_MAX, bytes: 0 };
        let create = Change::Create(place(0), Bytes::from_static(b"f"));
        assert_eq!(decide("a", &create, None, full), Err(CursorError::TooMany));
        let full = Room { cursors: 0, bytes: CURSOR_FILTERS_BYTES_MAX };
        assert_eq!(decide("a", &create, None, full), Err(CursorError::FiltersTooLarge));
        let other = Change::Advance {
            next_position: 9,
            log_id: Uuid::from_u128(8),
            force: false,
            now_micros: 2,
        };
        let refused = decide("a", &other, Some(place(1)), Room::default());
        let (made_in, here) = (Uuid::from_u128(7), Uuid::from_u128(8));
        assert_eq!(refused, Err(CursorError::OtherLog { made_in, here }));
    }

    #[test]
    fn ids_are_plain() {
        for good in ["a", "bank-7", "0.x_y"] {
            assert!(is_id(good), "{good}");
        }
        for bad in ["", "-a", "A", "a b", "a/b", &"a".repeat(65)] {
            assert!(!is_id(bad), "{bad}");
        }
    }
}
