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

mod at_rest;
mod examine;
pub mod key;
mod positions;
mod store;
#[cfg(test)]
mod tests;

use std::{
    ops::{AddAssign, SubAssign},
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

pub use self::{
    at_rest::{StoredCursor, copy, make},
    examine::examine,
    positions::Lags,
};
use self::{positions::Positions, store::Store};
use crate::{
    files,
    limits::{
        CURSOR_FILTER_ROOM_FACTOR, CURSOR_FILTERS_BYTES_MAX, CURSOR_GROUP_FILTERS_BYTES,
        CURSOR_GROUP_MAX, CURSOR_QUEUE_MAX, CURSOR_ROOM_BYTES, CURSORS_MAX, ID_BYTES_MAX,
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

/// Called once a change is durable, before its caller is answered and also if that has gone.
/// Dropped if the change is not made.
pub type OnMade = Box<dyn FnOnce() + Send>;

struct Job {
    id: String,
    change: Change,
    made: OnMade,
    reply: oneshot::Sender<Reply>,
}

impl Job {
    fn filter_bytes(&self) -> usize {
        match &self.change {
            Change::Create(_, filter) => filter.len(),
            Change::Advance { .. } | Change::Delete => 0,
        }
    }
}

/// The encoded filter of a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredFilter {
    /// It was read.
    Read(Bytes),
    /// It has more bytes than were asked for: so many.
    Long(u64),
}

/// The size of the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Number of cursors.
    pub cursors: u64,
    /// Bytes of all filters.
    pub filter_bytes: u64,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, more: Self) {
        self.cursors += more.cursors;
        self.filter_bytes += more.filter_bytes;
    }
}

impl SubAssign for Usage {
    fn sub_assign(&mut self, less: Self) {
        self.cursors -= less.cursors;
        self.filter_bytes -= less.filter_bytes;
    }
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

/// All cursors of a data directory, by their [keys](key).
pub struct Cursors {
    store: Arc<Store>,
    /// Follows the store: a change is durable before it is noted here.
    ///
    /// Lock order: no lock is taken while this one is held.
    positions: Arc<Mutex<Positions>>,
    /// What is durable.
    usage: Arc<Mutex<Usage>>,
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
    fn over(mut store: Store, disk: Option<PathBuf>) -> Result<Self, CursorError> {
        store.require_known_format()?;
        if require_room(free_bytes(disk.as_deref()), 0).is_ok() {
            store.note_lengths()?;
        }
        let mut positions = Positions::default();
        store.list("", usize::MAX)?.iter().for_each(|(id, state)| positions.set(id, state));
        let usage = Arc::new(Mutex::new(store.usage()?));
        let (store, positions) = (Arc::new(store), Arc::new(Mutex::new(positions)));
        let (queue, jobs) = mpsc::channel(CURSOR_QUEUE_MAX);
        let writer = Writer {
            store: Arc::clone(&store),
            usage: Arc::clone(&usage),
            positions: Arc::clone(&positions),
            disk,
        };
        let writer = thread::Builder::new()
            .name("tidu-cursors".into())
            .spawn(move || writer.run(jobs))
            .map_err(|e| CursorError::Failed(format!("start its thread: {e}")))?;
        let (queue, writer) = (Mutex::new(Some(queue)), Mutex::new(Some(writer)));
        Ok(Self { store, usage, positions, queue, writer })
    }

    /// Makes a change. When this returns a state, the change is durable; the state is the new one
    /// or, after a deletion, the last one.
    ///
    /// # Errors
    /// [`CursorError`]. After [`CursorError::Failed`] the outcome is unknown.
    pub async fn change(&self, id: &str, change: Change) -> Result<CursorState, CursorError> {
        self.change_then(id, change, Box::new(|| {})).await
    }

    /// As [`Cursors::change`], with something to do when it is made. A change that is queued is
    /// made even if the future is dropped.
    ///
    /// # Errors
    /// As for [`Cursors::change`].
    pub async fn change_then(
        &self,
        id: &str,
        change: Change,
        made: OnMade,
    ) -> Result<CursorState, CursorError> {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.lock().clone().ok_or(CursorError::Closed)?;
        let ended = || CursorError::Failed("its thread has ended".to_owned());
        let job = Job { id: id.to_owned(), change, made, reply };
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
        match self.find(id, u64::MAX)? {
            (state, StoredFilter::Read(filter)) => Ok((state, filter)),
            (_, StoredFilter::Long(bytes)) => {
                Err(CursorError::Failed(format!("a filter has {bytes} bytes")))
            }
        }
    }

    /// The state of a cursor, and its encoded filter if that has at most `most` bytes.
    ///
    /// # Errors
    /// As for [`Cursors::get`].
    pub fn find(&self, id: &str, most: u64) -> Result<(CursorState, StoredFilter), CursorError> {
        self.store.get(id, most)?.ok_or_else(|| CursorError::NotFound(key::id_of(id).to_owned()))
    }

    /// The number of cursors, and the bytes of their filters.
    #[must_use]
    pub fn usage(&self) -> Usage {
        *self.usage.lock()
    }

    /// How far the cursors are behind the end of a log of this size, with at most `most` of the
    /// slowest. Reads no disk.
    #[must_use]
    pub fn lags(&self, log_id: Uuid, size: u64, most: usize) -> Lags {
        self.positions.lock().lags(log_id, size, most)
    }

    /// At most `limit` cursors in the order of their keys, starting at `from`.
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

/// The thread that makes changes.
struct Writer {
    store: Arc<Store>,
    usage: Arc<Mutex<Usage>>,
    positions: Arc<Mutex<Positions>>,
    disk: Option<PathBuf>,
}

impl Writer {
    /// Makes changes, group by group, until the queue closes or the store fails.
    fn run(self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(job) = jobs.blocking_recv() {
            let group = group(job, &mut jobs);
            let group = refuse_for_room(group, free_bytes(self.disk.as_deref()));
            if group.is_empty() {
                continue;
            }
            if let Err(error) = self.write(group) {
                tracing::error!(%error, "cursors cannot be changed until the next start");
                jobs.close();
                while let Some(job) = jobs.blocking_recv() {
                    refuse([job], &error);
                }
                return;
            }
        }
    }

    fn write(&self, group: Vec<Job>) -> Result<(), CursorError> {
        let (answers, usage) = match self.store.write(&group) {
            Ok(written) => written,
            Err(error) => {
                refuse(group, &error);
                return Err(error);
            }
        };
        *self.usage.lock() = usage;
        note(&self.positions, &group, &answers);
        for (job, answer) in group.into_iter().zip(answers) {
            if answer.is_ok() {
                (job.made)();
            }
            // A caller that went away misses its answer; its change remains.
            let _ = job.reply.send(answer);
        }
        Ok(())
    }
}

/// The changes that are made together: those that wait, up to a number and to bytes of filters.
fn group(first: Job, jobs: &mut mpsc::Receiver<Job>) -> Vec<Job> {
    let mut bytes = first.filter_bytes();
    let mut group = vec![first];
    while group.len() < CURSOR_GROUP_MAX && bytes < CURSOR_GROUP_FILTERS_BYTES {
        let Ok(job) = jobs.try_recv() else { break };
        bytes += job.filter_bytes();
        group.push(job);
    }
    group
}

/// Refuses the changes for which the disk has no room; gives the others.
fn refuse_for_room(group: Vec<Job>, free: u64) -> Vec<Job> {
    let bytes: usize = group.iter().map(Job::filter_bytes).sum();
    let Err(full) = require_room(free, bytes) else { return group };
    let (filters, others): (Vec<_>, Vec<_>) =
        group.into_iter().partition(|job| job.filter_bytes() > 0);
    refuse(filters, &full);
    let Err(full) = require_room(free, 0) else { return others };
    refuse(others, &full);
    Vec::new()
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

/// Free bytes of a disk. Nothing is known against one that does not answer, and the write finds
/// out.
fn free_bytes(disk: Option<&Path>) -> u64 {
    disk.and_then(|disk| files::free_bytes(disk).ok()).unwrap_or(u64::MAX)
}

/// Refuses changes while the disk is nearly full. A store that has met a full disk takes no more of
/// them until the next start; a refused group changes nothing, and the next may find room.
fn require_room(free: u64, filter_bytes: usize) -> Result<(), CursorError> {
    let needed = CURSOR_ROOM_BYTES + CURSOR_FILTER_ROOM_FACTOR * filter_bytes as u64;
    if free >= needed {
        return Ok(());
    }
    let detail = format!(
        "the disk is nearly full: {free} bytes are free, and cursors change only with {needed}; \
         nothing was changed"
    );
    Err(CursorError::Failed(detail))
}

/// Decides a change. The state is the cursor's new one or, for a deletion, its last one.
fn decide(id: &str, change: &Change, found: Option<CursorState>, usage: Usage) -> Reply {
    let id = key::id_of(id);
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
