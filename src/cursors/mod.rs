//! Cursors: named, durable positions in the log, in a store of their own.
//!
//! The store is apart from the log: a cursor can be lost and created again, an event cannot, and
//! neither may delay the other. One thread writes. It groups the changes that wait together into
//! one transaction with one sync, and answers a change when it is durable. After a failure it
//! acknowledges nothing until the next start. While the disk is nearly full, it refuses changes and
//! does not fail.
//!
//! This file decides what a change does to a cursor; `store.rs` keeps cursors. Neither knows what a
//! filter means.

mod positions;
mod store;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

pub use self::positions::Lags;
use self::{positions::Positions, store::Store};
use crate::{
    files,
    limits::{
        CURSOR_FILTERS_BYTES_MAX, CURSOR_GROUP_MAX, CURSOR_QUEUE_MAX, CURSOR_ROOM_BYTES,
        CURSORS_MAX, ID_BYTES_MAX,
    },
};

/// The state of a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CursorState {
    /// The subscriber has processed everything below this position.
    pub next_position: u64,
    /// The log to which the position belongs.
    pub log_id: Uuid,
    /// Microseconds since 1970.
    pub created_micros: i64,
    /// Microseconds since 1970; `None` if it never advanced.
    pub advanced_micros: Option<i64>,
}

/// A change of a cursor.
#[derive(Clone, Debug)]
pub enum Change {
    /// Creates it, with its encoded filter.
    Create(CursorState, Bytes),
    /// Moves it.
    Advance {
        /// Its new position.
        next_position: u64,
        /// The log to which that position belongs.
        log_id: Uuid,
        /// Allows a move backwards, or into this log from another one.
        force: bool,
        /// Microseconds since 1970.
        now_micros: i64,
    },
    /// Deletes it.
    Delete,
}

/// The reason why a change was not made, or a question not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// No cursor has this id.
    #[error("there is no cursor {0:?}")]
    NotFound(String),
    /// A cursor has this id.
    #[error("there is a cursor {0:?} already")]
    Exists(String),
    /// The cursor is past the position asked for.
    #[error("the cursor is at {current}; it moves backwards to {asked} only with force")]
    Backwards {
        /// Its position.
        current: u64,
        /// The position asked for.
        asked: u64,
    },
    /// The cursor belongs to another log.
    #[error("the cursor was made in the log {made_in}, not in this one; force moves it here")]
    OtherLog {
        /// The log to which it belongs.
        made_in: Uuid,
        /// This one.
        here: Uuid,
    },
    /// The store has its full number of cursors.
    #[error("there are {CURSORS_MAX} cursors; no more are allowed")]
    TooMany,
    /// The filters of all cursors would be too large together.
    #[error("the filters of all cursors would have more than {CURSOR_FILTERS_BYTES_MAX} bytes")]
    FiltersTooLarge,
    /// The queue of changes is full.
    #[error("the queue of cursor changes is full")]
    QueueFull,
    /// The store is closed, because the server is draining. Nothing was changed.
    #[error("the server is shutting down; nothing was changed")]
    Closed,
    /// The store failed.
    #[error("the store of cursors failed: {0}")]
    Failed(String),
}

type Reply = Result<CursorState, CursorError>;

struct Job {
    id: String,
    change: Change,
    reply: oneshot::Sender<Reply>,
}

/// True for an id that a cursor can have: 1 to 64 of `a-z`, `0-9`, `.`, `-` and `_`, a letter or
/// digit first.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= ID_BYTES_MAX
        && text.starts_with(plain)
        && text.chars().all(|c| plain(c) || matches!(c, '.' | '-' | '_'))
}

/// All cursors of a data directory.
pub struct Cursors {
    store: Arc<Store>,
    /// Follows the store: a change is durable before it is noted here.
    ///
    /// Lock order: no lock is taken while this one is held.
    positions: Arc<Mutex<Positions>>,
    /// `None` once closed.
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Cursors {
    /// Opens the store of a data directory, or begins one. The caller must hold the directory's
    /// lock.
    ///
    /// # Errors
    /// [`CursorError::Failed`] with the path.
    pub fn open(directory: &Path) -> Result<Self, CursorError> {
        let path = directory.join("cursors.redb");
        let disk = Some(directory.to_path_buf());
        Store::open(directory, &path).and_then(|store| Self::over(store, disk)).map_err(|error| {
            let remedy = "if it cannot be repaired, move it away: cursors must be made again then";
            CursorError::Failed(format!("{}: {error}; {remedy}", path.display()))
        })
    }

    /// Serves an open store, whose disk is that of a directory.
    fn over(store: Store, disk: Option<PathBuf>) -> Result<Self, CursorError> {
        store.require_known_format()?;
        let mut positions = Positions::default();
        store.list("", usize::MAX)?.iter().for_each(|(id, state)| positions.set(id, state));
        let (store, positions) = (Arc::new(store), Arc::new(Mutex::new(positions)));
        let (queue, jobs) = mpsc::channel(CURSOR_QUEUE_MAX);
        let (of_writer, noted) = (Arc::clone(&store), Arc::clone(&positions));
        let writer = thread::Builder::new()
            .name("tidu-cursors".into())
            .spawn(move || write(&of_writer, &noted, disk.as_deref(), jobs))
            .map_err(|e| CursorError::Failed(format!("start its thread: {e}")))?;
        let (queue, writer) = (Mutex::new(Some(queue)), Mutex::new(Some(writer)));
        Ok(Self { store, positions, queue, writer })
    }

    /// Makes a change. When this returns a state, the change is durable; the state is the new one
    /// or, after a deletion, the last one.
    ///
    /// # Errors
    /// [`CursorError`]. After [`CursorError::Failed`] the outcome is unknown.
    pub async fn change(&self, id: &str, change: Change) -> Result<CursorState, CursorError> {
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

    /// The state of a cursor, and its encoded filter.
    ///
    /// # Errors
    /// [`CursorError::NotFound`], [`CursorError::Failed`].
    pub fn get(&self, id: &str) -> Result<(CursorState, Bytes), CursorError> {
        self.store.get(id)?.ok_or_else(|| CursorError::NotFound(id.to_owned()))
    }

    /// The number of cursors.
    ///
    /// # Errors
    /// [`CursorError::Failed`].
    pub fn count(&self) -> Result<u64, CursorError> {
        self.store.count()
    }

    /// How far the cursors are behind the end of a log of this size, with at most `most` of the
    /// slowest. Reads no disk.
    #[must_use]
    pub fn lags(&self, log_id: Uuid, size: u64, most: usize) -> Lags {
        self.positions.lock().lags(log_id, size, most)
    }

    /// At most `limit` cursors in the order of their ids, starting at `from`.
    ///
    /// # Errors
    /// [`CursorError::Failed`].
    pub fn list(
        &self,
        from: &str,
        limit: usize,
    ) -> Result<Vec<(String, CursorState)>, CursorError> {
        self.store.list(from, limit)
    }

    /// Accepts no more changes, and waits until the queued ones are finished.
    pub fn close(&self) {
        self.queue.lock().take();
        if let Some(writer) = self.writer.lock().take() {
            // A writer that panicked has acknowledged only what is durable.
            let _ = writer.join();
        }
    }
}

/// Makes changes, group by group, until the queue closes or the store fails.
fn write(
    store: &Store,
    positions: &Mutex<Positions>,
    disk: Option<&Path>,
    mut jobs: mpsc::Receiver<Job>,
) {
    while let Some(job) = jobs.blocking_recv() {
        let mut group = vec![job];
        while let Some(job) = jobs.try_recv().ok().filter(|_| group.len() < CURSOR_GROUP_MAX) {
            group.push(job);
        }
        // Nothing is known against a disk that does not answer, and the write finds out.
        let free = disk.and_then(|disk| files::free_bytes(disk).ok());
        if let Err(full) = require_room(free.unwrap_or(u64::MAX)) {
            refuse(group, &full);
            continue;
        }
        let outcome = store.write(&group);
        let failed = outcome.as_ref().err().cloned();
        let answers = outcome.unwrap_or_default();
        note(positions, &group, &answers);
        for (i, job) in group.into_iter().enumerate() {
            let answer = answers.get(i).cloned().or_else(|| failed.clone().map(Err));
            // A caller that went away misses its answer; its change remains.
            let _ = answer.map(|answer| job.reply.send(answer));
        }
        if let Some(error) = failed {
            tracing::error!(%error, "cursors cannot be changed until the next start");
            jobs.close();
            while let Some(job) = jobs.blocking_recv() {
                refuse([job], &error);
            }
            return;
        }
    }
}

/// Notes the positions after changes that are durable.
fn note(positions: &Mutex<Positions>, group: &[Job], answers: &[Reply]) {
    let mut positions = positions.lock();
    for (job, answer) in group.iter().zip(answers) {
        match (answer, &job.change) {
            (Ok(_), Change::Delete) => positions.remove(&job.id),
            (Ok(state), Change::Create(..) | Change::Advance { .. }) => {
                positions.set(&job.id, state);
            }
            (Err(_), _) => {}
        }
    }
}

fn refuse(jobs: impl IntoIterator<Item = Job>, error: &CursorError) {
    for job in jobs {
        let _ = job.reply.send(Err(error.clone()));
    }
}

/// Refuses changes while the disk is nearly full. A store that has met a full disk takes no more of
/// them until the next start; a refused group changes nothing, and the next may find room.
fn require_room(free: u64) -> Result<(), CursorError> {
    if free >= CURSOR_ROOM_BYTES {
        return Ok(());
    }
    let detail = format!(
        "the disk is nearly full: {free} bytes are free, and cursors change only with \
         {CURSOR_ROOM_BYTES}; nothing was changed"
    );
    Err(CursorError::Failed(detail))
}

/// The size of the store.
#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    cursors: u64,
    /// Bytes of all filters.
    filter_bytes: u64,
}

/// Decides a change. The state is the cursor's new one or, for a deletion, its last one.
fn decide(id: &str, change: &Change, found: Option<CursorState>, usage: Usage) -> Reply {
    let missing = || CursorError::NotFound(id.to_owned());
    match change {
        Change::Create(..) if found.is_some() => Err(CursorError::Exists(id.to_owned())),
        Change::Create(..) if usage.cursors >= CURSORS_MAX => Err(CursorError::TooMany),
        Change::Create(_, filter)
            if usage.filter_bytes + filter.len() as u64 > CURSOR_FILTERS_BYTES_MAX =>
        {
            Err(CursorError::FiltersTooLarge)
        }
        Change::Create(state, _) => Ok(*state),
        Change::Delete => found.ok_or_else(missing),
        Change::Advance { next_position: asked, log_id, force, now_micros } => {
            let state = found.ok_or_else(missing)?;
            if !force && state.log_id != *log_id {
                return Err(CursorError::OtherLog { made_in: state.log_id, here: *log_id });
            }
            if !force && *asked < state.next_position {
                let current = state.next_position;
                return Err(CursorError::Backwards { current, asked: *asked });
            }
            Ok(CursorState {
                next_position: *asked,
                log_id: *log_id,
                advanced_micros: Some(*now_micros),
                ..state
            })
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods)]

    use std::sync::atomic::Ordering;

    use super::{store::tests::Failing, *};

    fn state(next_position: u64) -> CursorState {
        let (log_id, created_micros) = (Uuid::from_u128(7), 1);
        CursorState { next_position, log_id, created_micros, advanced_micros: None }
    }

    fn to(next_position: u64, force: bool) -> Change {
        Change::Advance { next_position, log_id: Uuid::from_u128(7), force, now_micros: 2 }
    }

    #[tokio::test]
    async fn a_cursor_moves_forwards_and_survives() {
        let dir = tempfile::tempdir().unwrap();
        let cursors = Cursors::open(dir.path()).unwrap();
        let filter = Bytes::from_static(b"filter");
        cursors.change("bank", Change::Create(state(3), filter.clone())).await.unwrap();
        let again = cursors.change("bank", Change::Create(state(0), Bytes::new())).await;
        assert_eq!(again, Err(CursorError::Exists("bank".into())));
        assert_eq!(cursors.change("bank", to(9, false)).await.unwrap().next_position, 9);
        assert_eq!(cursors.change("bank", to(9, false)).await.unwrap().next_position, 9);
        let back = cursors.change("bank", to(8, false)).await;
        assert_eq!(back, Err(CursorError::Backwards { current: 9, asked: 8 }));
        let slowest = |cursors: &Cursors| cursors.lags(Uuid::from_u128(7), 10, 9).slowest;
        assert_eq!(slowest(&cursors), [(9, "bank".into())]);
        cursors.close();
        drop(cursors);

        let cursors = Cursors::open(dir.path()).unwrap();
        let (found, kept) = cursors.get("bank").unwrap();
        assert_eq!((found.next_position, kept), (9, filter));
        assert_eq!(slowest(&cursors), [(9, "bank".into())], "also after a start");
        assert_eq!(cursors.change("bank", to(2, true)).await.unwrap().next_position, 2);
        cursors.change("bank", Change::Delete).await.unwrap();
        assert_eq!(cursors.get("bank"), Err(CursorError::NotFound("bank".into())));
        assert_eq!(cursors.list("", 10).unwrap(), []);
        assert_eq!(cursors.lags(Uuid::from_u128(7), 10, 9), Lags::default());
    }

    #[tokio::test]
    async fn nothing_is_acknowledged_after_a_failed_sync() {
        let backend = Failing::default();
        let fails = Arc::clone(&backend.fails);
        let cursors = Cursors::over(Store::over(backend), None).unwrap();
        cursors.change("a", Change::Create(state(1), Bytes::new())).await.unwrap();
        fails.store(true, Ordering::SeqCst);
        for _ in 0..3 {
            let refused = cursors.change("a", to(5, false)).await;
            assert!(matches!(refused, Err(CursorError::Failed(_))), "{refused:?}");
            // Even if later syncs succeed: the content of the disk is unknown.
            fails.store(false, Ordering::SeqCst);
        }
    }

    #[test]
    fn cursors_stay_as_they_are_on_a_full_disk() {
        assert_eq!(require_room(CURSOR_ROOM_BYTES), Ok(()));
        let refused = require_room(CURSOR_ROOM_BYTES - 1).unwrap_err();
        assert!(refused.to_string().contains("nothing was changed"), "{refused}");
    }

    #[test]
    fn a_full_store_takes_no_cursor() {
        let full = Usage { cursors: CURSORS_MAX, filter_bytes: 0 };
        let create = Change::Create(state(0), Bytes::from_static(b"f"));
        assert_eq!(decide("a", &create, None, full), Err(CursorError::TooMany));
        let full = Usage { cursors: 0, filter_bytes: CURSOR_FILTERS_BYTES_MAX };
        assert_eq!(decide("a", &create, None, full), Err(CursorError::FiltersTooLarge));
        let other = Change::Advance {
            next_position: 9,
            log_id: Uuid::from_u128(8),
            force: false,
            now_micros: 2,
        };
        let refused = decide("a", &other, Some(state(1)), Usage::default());
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
