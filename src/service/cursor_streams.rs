//! Streams that are started from cursors.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use tonic::{Code, Status};

use super::{
    call::Call,
    cursor_errors::refused,
    errors,
    intake::Budget,
    kept_filter::{self, CursorFilter, LongFilter},
};
use crate::{
    cursors::{
        CursorError, CursorState, Cursors, StoredFilter, is_id,
        key::{id_of, key_of},
    },
    domain::{access::Role, fault::echo},
    ledger::{Ledger, run_blocking},
    limits::{CURSOR_CONNECTIONS_SHOWN_MAX, INLINE_WORK_BYTES_MAX},
    protocol::{
        pb::{self, ErrorReason},
        time::timestamp,
    },
};

/// Cursors, and the streams started from each.
#[derive(Clone)]
pub(crate) struct CursorStreams {
    pub(crate) cursors: Arc<Cursors>,
    /// The memory of all requests, and of the filters that they read.
    memory: Arc<Budget>,
    connections: Arc<Mutex<HashMap<String, Vec<Arc<Connection>>>>>,
}

/// A stream started from a cursor.
struct Connection {
    peer: String,
    since_micros: i64,
    next_position: AtomicU64,
}

/// Keeps a stream in the list of its cursor until dropped.
pub(crate) struct Connected {
    streams: CursorStreams,
    key: String,
    connection: Arc<Connection>,
}

impl Connected {
    /// Records that everything below was handed to the connection.
    pub(crate) fn note(&self, next_position: u64) {
        self.connection.next_position.store(next_position, Ordering::Relaxed);
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut connections = self.streams.connections.lock();
        if let Some(of_cursor) = connections.get_mut(&self.key) {
            of_cursor.retain(|connection| !Arc::ptr_eq(connection, &self.connection));
            if of_cursor.is_empty() {
                connections.remove(&self.key);
            }
        }
    }
}

/// The start of a stream from a cursor.
pub(crate) struct CursorStart {
    pub(crate) next_position: u64,
    pub(crate) filter: CursorFilter,
    pub(crate) connected: Connected,
}

impl CursorStreams {
    pub(crate) fn new(cursors: Arc<Cursors>, memory: Arc<Budget>) -> Self {
        Self { cursors, memory, connections: Arc::default() }
    }

    /// Starts a stream from a cursor.
    pub(crate) async fn start(
        &self,
        ledger: &Ledger,
        id: &str,
        call: &Call,
    ) -> Result<CursorStart, Status> {
        require_id_of_cursor(id)?;
        let key = key_of(call.principal(), id);
        let (state, filter) = self.get(call, &key).await?;
        if has_changed(ledger, &state) {
            let text = "the cursor was made in another log, or is past the end of this one; \
                        AdvanceCursor with force sets its position in this one";
            let metadata = [
                ("log_id", ledger.log_id().to_string()),
                ("expected", state.log_id.to_string()),
                ("next_position", state.next_position.to_string()),
            ];
            let (code, reason) = (Code::FailedPrecondition, ErrorReason::LogIdMismatch);
            return Err(errors::status(code, reason, text, metadata));
        }
        let connection = Arc::new(Connection {
            peer: call.peer.map(|peer| peer.to_string()).unwrap_or_default(),
            since_micros: ledger.now_micros(),
            next_position: AtomicU64::new(state.next_position),
        });
        let mut connections = self.connections.lock();
        connections.entry(key.clone()).or_default().push(Arc::clone(&connection));
        drop(connections);
        let connected = Connected { streams: self.clone(), key, connection };
        Ok(CursorStart { next_position: state.next_position, filter, connected })
    }

    /// The state of the cursor with a key, and its filter unless that is long.
    pub(super) async fn get(
        &self,
        call: &Call,
        key: &str,
    ) -> Result<(CursorState, CursorFilter), Status> {
        let (cursors, name) = (Arc::clone(&self.cursors), key.to_owned());
        let (state, filter) =
            read(move || cursors.find(&name, INLINE_WORK_BYTES_MAX as u64)).await?;
        let filter = match filter {
            StoredFilter::Read(filter) => {
                CursorFilter::Read(kept_filter::decode(id_of(key), filter)?)
            }
            StoredFilter::Long(bytes) => CursorFilter::Long(LongFilter {
                cursors: Arc::clone(&self.cursors),
                memory: Arc::clone(&self.memory),
                party: call.party,
                key: key.to_owned(),
                bytes,
            }),
        };
        Ok((state, filter))
    }

    /// The first streams of a cursor, and the number of all. Only some callers learn where from.
    pub(super) fn connections(
        &self,
        key: &str,
        shows_peers: bool,
    ) -> (Vec<pb::CursorConnection>, u32) {
        let message = |connection: &Arc<Connection>| pb::CursorConnection {
            remote_address: if shows_peers { connection.peer.clone() } else { String::new() },
            connect_time: Some(timestamp(connection.since_micros)),
            next_position: connection.next_position.load(Ordering::Relaxed),
        };
        let connections = self.connections.lock();
        let Some(of_cursor) = connections.get(key) else { return (Vec::new(), 0) };
        let shown = of_cursor.iter().take(CURSOR_CONNECTIONS_SHOWN_MAX).map(message).collect();
        (shown, u32::try_from(of_cursor.len()).unwrap_or(u32::MAX))
    }
}

impl CursorStreams {
    /// Why a cursor was not advanced; and if it is further on, who else follows it.
    pub(super) fn not_advanced(&self, key: &str, call: &Call, error: CursorError) -> Status {
        let CursorError::Backwards { current, asked } = error else { return refused(error) };
        let caller = call.peer.map(|caller| caller.to_string()).unwrap_or_default();
        let connections = self.connections(key, sees_all_cursors(call)).0;
        let mut others = connections.into_iter().map(|found| found.remote_address);
        let other = others.find(|other| !other.is_empty() && *other != caller);
        let Some(other) = other else { return refused(error) };
        let text = format!("{error}; {other} follows it as well");
        let (asked, current) = (asked.to_string(), current.to_string());
        let metadata = [("value", asked), ("next_position", current), ("peer", other)];
        errors::status(Code::Aborted, ErrorReason::CursorBackwards, text, metadata)
    }
}

/// True for those who see the cursors of all principals, and the peers of their streams.
pub(super) fn sees_all_cursors(call: &Call) -> bool {
    call.rights().roles.any(&[Role::Operator, Role::Auditor])
}

/// Refuses an id that no cursor can have, before it is looked up.
pub(super) fn require_id_of_cursor(id: &str) -> Result<(), Status> {
    if is_id(id) { Ok(()) } else { Err(refused(CursorError::NotFound(echo(id)))) }
}

/// Reads the store on a blocking thread, so that it delays no other call.
pub(super) async fn read<T: Send + 'static>(
    question: impl FnOnce() -> Result<T, CursorError> + Send + 'static,
) -> Result<T, Status> {
    run_blocking(question).await?.map_err(refused)
}

/// True if the position of a cursor has no meaning in this log.
pub(super) fn has_changed(ledger: &Ledger, state: &CursorState) -> bool {
    state.log_id != ledger.log_id() || state.next_position > ledger.durable().size
}
