//! CursorService: named positions in the log, their lag, and the streams started from them.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use parking_lot::Mutex;
use prost::Message as _;
use tonic::{Code, Status};

use super::{
    call::Call,
    creators::{Creators, Short},
    errors::{self, Limit},
    filter,
    intake::Budget,
    kept_filter::{self, CursorFilter, LongFilter, Shown},
    lag::{Lag, count_lag},
    page,
    questions::{Questions, Turn},
    room::Room,
};
use crate::{
    cursors::{Change, CursorError, CursorState, Cursors, StoredFilter, is_id},
    domain::fault::{Key, RuleId, echo},
    ledger::{AppendError, Ledger, run_blocking},
    limits::{
        CURSOR_CONNECTIONS_SHOWN_MAX, CURSOR_FILTERS_BYTES_MAX, CURSOR_QUEUE_MAX, CURSORS_MAX,
        ID_BYTES_MAX, INLINE_WORK_BYTES_MAX, QUEUE_RETRY_DELAY,
    },
    protocol::{
        pb::{self, ErrorReason},
        time::timestamp,
    },
    register::Interest,
};

/// The service.
#[derive(Clone)]
pub(crate) struct CursorApi {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) questions: Questions,
    /// The gate of long filters that are read.
    pub(crate) reading: Questions,
    pub(crate) streams: CursorStreams,
    pub(crate) creators: Creators,
}

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
    id: String,
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
        if let Some(of_cursor) = connections.get_mut(&self.id) {
            of_cursor.retain(|connection| !Arc::ptr_eq(connection, &self.connection));
            if of_cursor.is_empty() {
                connections.remove(&self.id);
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
        let (state, filter) = self.get(call, id).await?;
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
        connections.entry(id.to_owned()).or_default().push(Arc::clone(&connection));
        drop(connections);
        let connected = Connected { streams: self.clone(), id: id.to_owned(), connection };
        Ok(CursorStart { next_position: state.next_position, filter, connected })
    }

    /// The state of a cursor, and its filter unless that is long.
    async fn get(&self, call: &Call, id: &str) -> Result<(CursorState, CursorFilter), Status> {
        require_id_of_cursor(id)?;
        let (cursors, name) = (Arc::clone(&self.cursors), id.to_owned());
        let (state, filter) =
            read(move || cursors.find(&name, INLINE_WORK_BYTES_MAX as u64)).await?;
        let filter = match filter {
            StoredFilter::Read(filter) => CursorFilter::Read(kept_filter::decode(id, filter)?),
            StoredFilter::Long(bytes) => CursorFilter::Long(LongFilter {
                cursors: Arc::clone(&self.cursors),
                memory: Arc::clone(&self.memory),
                party: call.party,
                id: id.to_owned(),
                bytes,
            }),
        };
        Ok((state, filter))
    }

    /// The first streams of a cursor, and the number of all.
    fn connections(&self, id: &str) -> (Vec<pb::CursorConnection>, u32) {
        let message = |connection: &Arc<Connection>| pb::CursorConnection {
            remote_address: connection.peer.clone(),
            connect_time: Some(timestamp(connection.since_micros)),
            next_position: connection.next_position.load(Ordering::Relaxed),
        };
        let connections = self.connections.lock();
        let Some(of_cursor) = connections.get(id) else { return (Vec::new(), 0) };
        let shown = of_cursor.iter().take(CURSOR_CONNECTIONS_SHOWN_MAX).map(message).collect();
        (shown, u32::try_from(of_cursor.len()).unwrap_or(u32::MAX))
    }
}

impl CursorStreams {
    /// Why a cursor was not advanced; and if it is further on, who else follows it.
    fn not_advanced(&self, id: &str, caller: Option<SocketAddr>, error: CursorError) -> Status {
        let CursorError::Backwards { current, asked } = error else { return refused(error) };
        let caller = caller.map(|caller| caller.to_string()).unwrap_or_default();
        let mut others = self.connections(id).0.into_iter().map(|found| found.remote_address);
        let Some(other) = others.find(|other| *other != caller) else { return refused(error) };
        let text = format!("{error}; {other} follows it as well");
        let (asked, current) = (asked.to_string(), current.to_string());
        let metadata = [("value", asked), ("next_position", current), ("peer", other)];
        errors::status(Code::Aborted, ErrorReason::CursorBackwards, text, metadata)
    }
}

/// Refuses an id that no cursor can have, before it is looked up.
fn require_id_of_cursor(id: &str) -> Result<(), Status> {
    if is_id(id) { Ok(()) } else { Err(refused(CursorError::NotFound(echo(id)))) }
}

/// Reads the store on a blocking thread, so that it delays no other call.
async fn read<T: Send + 'static>(
    question: impl FnOnce() -> Result<T, CursorError> + Send + 'static,
) -> Result<T, Status> {
    run_blocking(question).await?.map_err(refused)
}

/// True if the position of a cursor has no meaning in this log.
fn has_changed(ledger: &Ledger, state: &CursorState) -> bool {
    state.log_id != ledger.log_id() || state.next_position > ledger.durable().size
}

impl CursorApi {
    pub(super) async fn create_cursor(
        &self,
        call: Call,
        request: pb::CreateCursorRequest,
    ) -> Result<pb::CreateCursorResponse, Status> {
        let pb::CreateCursorRequest { cursor_id: id, filter, next_position } = request;
        if !is_id(&id) {
            let breach = RuleId::CursorIdForm.with(Key::Limit, ID_BYTES_MAX);
            return Err(errors::bad_field("cursor_id", &id, breach));
        }
        let size = self.ledger.durable().size;
        if next_position > size {
            return Err(errors::beyond_log("next_position", next_position, size));
        }
        if let Some(low) = self.ledger.disk_low() {
            return Err(errors::refusal(AppendError::DiskLow(low)));
        }
        let filter = filter.unwrap_or_default();
        let kept = self.streams.cursors.usage();
        let reserved = self.creators.reserve(call.party, filter.encoded_len() as u64, kept);
        let reserved = reserved.map_err(too_many)?;
        let (encoded, interest, filter) = self.read_filter(&call, filter).await?;
        let state = CursorState {
            next_position,
            log_id: self.ledger.log_id(),
            created_micros: self.ledger.now_micros(),
            advanced_micros: None,
        };
        let (name, memory) = (id.clone(), call.memory.clone());
        let made = Box::new(move || {
            reserved.made(&name);
            // As long as the change waits, its memory counts.
            drop(memory);
        });
        let change = Change::Create(state, encoded);
        let created = self.streams.cursors.change_then(&id, change, made).await;
        let mut cursor = self.cursor(id, created.map_err(refused)?);
        let lag = self.lag(&call, interest, cursor.next_position, cursor.log_size).await?;
        filter.describe(&mut cursor);
        lag.describe(&mut cursor);
        Ok(pb::CreateCursorResponse { cursor: Some(cursor) })
    }

    /// Reads the filter of a new cursor: its encoded form, the interest, and how it is shown.
    async fn read_filter(
        &self,
        call: &Call,
        filter: pb::EventFilter,
    ) -> Result<(Bytes, Interest, Shown), Status> {
        if filter::is_short(&filter) {
            let interest = filter::at_once(&self.ledger, &filter).await?;
            return Ok((filter.encode_to_vec().into(), interest, Shown::of(filter)));
        }
        let ledger = Arc::clone(&self.ledger);
        let question = move |turn: &mut Turn| {
            let interest = filter::in_slices(&ledger, &filter, turn)?;
            Ok((filter.encode_to_vec().into(), interest, Shown::of(filter)))
        };
        self.reading.ask(call, question).await
    }

    pub(super) async fn get_cursor(
        &self,
        call: Call,
        request: pb::GetCursorRequest,
    ) -> Result<pb::GetCursorResponse, Status> {
        let cursor = self.whole(&call, request.cursor_id).await?;
        Ok(pb::GetCursorResponse { cursor: Some(cursor) })
    }

    pub(super) async fn list_cursors(
        &self,
        _call: Call,
        request: pb::ListCursorsRequest,
    ) -> Result<pb::ListCursorsResponse, Status> {
        let size = page::page_size(request.page_size)?;
        let from = match request.page_token.as_str() {
            "" => String::new(),
            token if is_id(token) => token.to_owned(),
            token => return Err(page::foreign_token(token)),
        };
        let cursors = Arc::clone(&self.streams.cursors);
        let found = read(move || cursors.list(&from, size + 1)).await?;
        let (mut answer, mut room) = (pb::ListCursorsResponse::default(), Room::of_page());
        for (id, state) in found {
            let cursor = self.cursor(id, state);
            // The one after the page is the token of the next page.
            if answer.cursors.len() == size || !room.takes(&cursor) {
                answer.next_page_token = cursor.cursor_id;
                break;
            }
            answer.cursors.push(cursor);
        }
        Ok(answer)
    }

    pub(super) async fn advance_cursor(
        &self,
        call: Call,
        request: pb::AdvanceCursorRequest,
    ) -> Result<pb::AdvanceCursorResponse, Status> {
        let pb::AdvanceCursorRequest { cursor_id: id, next_position, log_id, force } = request;
        require_id_of_cursor(&id)?;
        errors::require_log(self.ledger.log_id(), &log_id)?;
        let size = self.ledger.durable().size;
        if next_position > size {
            return Err(errors::beyond_log("next_position", next_position, size));
        }
        let change = Change::Advance {
            next_position,
            log_id: self.ledger.log_id(),
            force,
            now_micros: self.ledger.now_micros(),
        };
        let (cursors, name) = (Arc::clone(&self.streams.cursors), id.clone());
        // Its filter is not read.
        let state = move || cursors.find(&name, 0).map(|(state, _)| state);
        let before = if force { read(state).await.ok() } else { None };
        let changed = self.streams.cursors.change(&id, change).await;
        let state = changed.map_err(|error| self.streams.not_advanced(&id, call.peer, error))?;
        let next_position = state.next_position;
        if let Some(before) = before {
            tell_of_force(&call, &id, &before, &state);
        }
        Ok(pb::AdvanceCursorResponse { next_position, log_size: size })
    }

    pub(super) async fn delete_cursor(
        &self,
        _call: Call,
        request: pb::DeleteCursorRequest,
    ) -> Result<pb::DeleteCursorResponse, Status> {
        let id = request.cursor_id;
        require_id_of_cursor(&id)?;
        let (creators, name) = (self.creators.clone(), id.clone());
        let deleted = Box::new(move || creators.deleted(&name));
        let change = self.streams.cursors.change_then(&id, Change::Delete, deleted);
        change.await.map_err(refused)?;
        Ok(pb::DeleteCursorResponse {})
    }
}

/// Tells of a cursor that was moved backwards, or here from another log: its subscriber gets events
/// again, or misses some.
fn tell_of_force(call: &Call, id: &str, before: &CursorState, now: &CursorState) {
    macro_rules! tell {
        ($text:literal) => {
            tracing::warn!(
                cursor = %id,
                principal = %call.caller().principal_name(),
                peer = %call.caller().peer_text(),
                from_position = before.next_position,
                next_position = now.next_position,
                from_log = %before.log_id,
                $text
            )
        };
    }
    if before.log_id != now.log_id {
        tell!("a cursor was moved to another log");
    } else if now.next_position < before.next_position {
        tell!("a cursor was moved backwards");
    }
}

impl CursorApi {
    /// A cursor with its filter and lag.
    async fn whole(&self, call: &Call, id: String) -> Result<pb::Cursor, Status> {
        let (state, filter) = self.streams.get(call, &id).await?;
        let mut cursor = self.cursor(id, state);
        let (from, size) = (cursor.next_position, cursor.log_size);
        let (filter, lag) = match filter {
            CursorFilter::Read(filter) => {
                let read =
                    filter::interest(&self.ledger, &self.reading, call, Some(filter.clone()));
                let lag = self.lag(call, read.await?, from, size).await?;
                (Shown::of(filter), lag)
            }
            CursorFilter::Long(long) => {
                // All at once, so that nothing of it is kept while it waits.
                let ledger = Arc::clone(&self.ledger);
                let sight = call.sight(&self.ledger);
                let question = move |turn: &mut Turn| {
                    let (filter, _counted) = long.read()?;
                    let interest = filter::in_slices(&ledger, &filter, turn)?;
                    let filter = Shown::of(filter);
                    Ok((filter, count_lag(&ledger, (&interest, &sight), from, size, turn)?))
                };
                let (filter, lag) = self.questions.ask(call, question).await?;
                (filter, self.dated(lag).await?)
            }
        };
        filter.describe(&mut cursor);
        lag.describe(&mut cursor);
        Ok(cursor)
    }

    fn cursor(&self, id: String, state: CursorState) -> pb::Cursor {
        let log_size = self.ledger.durable().size;
        let (connections, connection_count) = self.streams.connections(&id);
        pb::Cursor {
            next_position: state.next_position.min(log_size),
            log_id: state.log_id.to_string(),
            create_time: Some(timestamp(state.created_micros)),
            advance_time: state.advanced_micros.map(timestamp),
            log_changed: has_changed(&self.ledger, &state),
            connections,
            connection_count,
            log_size,
            cursor_id: id,
            ..Default::default()
        }
    }

    async fn lag(
        &self,
        call: &Call,
        interest: Interest,
        from: u64,
        size: u64,
    ) -> Result<Lag, Status> {
        let (mut lag, sight) = (Lag::default(), call.sight(&self.ledger));
        if interest.wants_all() && !sight.hides() {
            lag.events = size - from;
            lag.first = (from < size).then_some(from);
        } else if from < size {
            let ledger = Arc::clone(&self.ledger);
            let question =
                move |turn: &mut Turn| count_lag(&ledger, (&interest, &sight), from, size, turn);
            lag = self.questions.ask(call, question).await?;
        }
        self.dated(lag).await
    }

    /// A lag with its age.
    async fn dated(&self, mut lag: Lag) -> Result<Lag, Status> {
        if let Some(first) = lag.first {
            let recorded = self.ledger.recorded_micros(first).await?;
            lag.micros = self.ledger.now_micros().saturating_sub(recorded).max(0);
        }
        Ok(lag)
    }
}

/// One more cursor would be more than a caller may make.
fn too_many(short: Short) -> Status {
    let (limit, unit) = match short {
        Short::Cursors(limit) => (limit, "cursors"),
        Short::Bytes(limit) => (limit, "bytes"),
    };
    let text = format!(
        "this caller may keep {limit} {unit} of cursors and their filters; delete some, or leave \
         the others to the next"
    );
    errors::exhausted(text, Limit { limit, unit, ..Limit::default() })
}

pub(super) fn refused(error: CursorError) -> Status {
    let text = error.to_string();
    match error {
        CursorError::NotFound(id) => {
            let metadata = [("value", echo(&id))];
            errors::status(Code::NotFound, ErrorReason::CursorNotFound, text, metadata)
        }
        CursorError::Exists(id) => {
            let metadata = [("value", id)];
            errors::status(Code::AlreadyExists, ErrorReason::CursorExists, text, metadata)
        }
        CursorError::Backwards { current, asked } => {
            let metadata = [("value", asked.to_string()), ("next_position", current.to_string())];
            errors::status(Code::Aborted, ErrorReason::CursorBackwards, text, metadata)
        }
        CursorError::OtherLog { made_in, here } => {
            let metadata = [("log_id", here.to_string()), ("expected", made_in.to_string())];
            errors::status(Code::FailedPrecondition, ErrorReason::LogIdMismatch, text, metadata)
        }
        CursorError::TooMany => {
            let limit = CURSORS_MAX;
            errors::exhausted(text, Limit { limit, unit: "cursors", ..Limit::default() })
        }
        CursorError::FiltersTooLarge => {
            let limit = CURSOR_FILTERS_BYTES_MAX;
            errors::exhausted(text, Limit { limit, unit: "bytes", ..Limit::default() })
        }
        CursorError::QueueFull => {
            let (limit, retry) = (CURSOR_QUEUE_MAX as u64, Some(QUEUE_RETRY_DELAY));
            errors::queue_full(text, Limit { limit, unit: "changes", retry, ..Limit::default() })
        }
        CursorError::Closed => errors::draining(),
        CursorError::Failed(detail) => {
            let metadata = [("detail", detail)];
            errors::status(Code::Unavailable, ErrorReason::CursorStoreFailed, text, metadata)
        }
    }
}
