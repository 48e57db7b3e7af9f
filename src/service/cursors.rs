//! CursorService: named positions in the log, their lag, and the streams started from them.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;
use tonic::Status;

use super::{
    arrival::Named,
    call::Call,
    creators::Creators,
    cursor_errors::{refused, too_many},
    cursor_streams::{CursorStreams, has_changed, read, require_id_of_cursor, sees_all_cursors},
    entitled::not_entitled,
    errors, filter,
    kept_filter::{CursorFilter, Shown},
    lag::{Lag, count_lag},
    page,
    questions::{Questions, Turn},
    room::Room,
};
use crate::{
    cursors::{
        Change, CursorError, CursorState, is_id,
        key::{id_of, is_key, key_of, keys_of, owner_of},
    },
    domain::{
        Principal,
        access::{Rights, Role, Unseen},
        fault::{Key, RuleId},
    },
    ledger::{AppendError, Ledger},
    limits::ID_BYTES_MAX,
    protocol::{pb, time::timestamp},
    register::{Interest, Sight},
};

/// The owner of the cursors that were made before there were principals.
const ANONYMOUS: &str = "anonymous";

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
        let named = Named { field: "next_position", position: next_position };
        named.within(&self.ledger, &call).await?;
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
        let key = key_of(call.principal(), &id);
        let (name, memory) = (key.clone(), call.memory.clone());
        let made = Box::new(move || {
            reserved.made(&name);
            // As long as the change waits, its memory counts.
            drop(memory);
        });
        let change = Change::Create(state, encoded);
        let created = self.streams.cursors.change_then(&key, change, made).await;
        let mut cursor = self.cursor(&call, &key, created.map_err(refused)?);
        let (sight, from) = (call.sight(&self.ledger), cursor.next_position);
        let lag = self.lag(&call, (interest, sight), from, cursor.log_size).await?;
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
        require_id_of_cursor(&request.cursor_id)?;
        let key = named(&call, &request.owner, &request.cursor_id)?;
        let cursor = self.whole(&call, &key).await?;
        Ok(pb::GetCursorResponse { cursor: Some(cursor) })
    }

    pub(super) async fn list_cursors(
        &self,
        call: Call,
        request: pb::ListCursorsRequest,
    ) -> Result<pb::ListCursorsResponse, Status> {
        let size = page::page_size(request.page_size)?;
        let all = if sees_all_cursors(&call) { &Principal::ANONYMOUS } else { call.principal() };
        let (first, end) = keys_of(all);
        let from = match request.page_token.as_str() {
            "" => first,
            token if is_key(token) && token >= first.as_str() => token.to_owned(),
            token => return Err(page::foreign_token(token)),
        };
        let cursors = Arc::clone(&self.streams.cursors);
        let found = read(move || cursors.list(&from, size + 1)).await?;
        let is_listed = |(key, _): &(String, _)| end.as_ref().is_none_or(|end| key < end);
        let (mut answer, mut room) = (pb::ListCursorsResponse::default(), Room::of_page());
        for (key, state) in found.into_iter().take_while(is_listed) {
            let cursor = self.cursor(&call, &key, state);
            // The one after the page is the token of the next page.
            if answer.cursors.len() == size || !room.takes(&cursor) {
                answer.next_page_token = key;
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
        let named = Named { field: "next_position", position: next_position };
        let size = named.within(&self.ledger, &call).await?;
        let change = Change::Advance {
            next_position,
            log_id: self.ledger.log_id(),
            force,
            now_micros: self.ledger.now_micros(),
        };
        let key = key_of(call.principal(), &id);
        let (cursors, name) = (Arc::clone(&self.streams.cursors), key.clone());
        // Its filter is not read.
        let state = move || cursors.find(&name, 0).map(|(state, _)| state);
        let before = if force { read(state).await.ok() } else { None };
        let changed = self.streams.cursors.change(&key, change).await;
        let state = changed.map_err(|error| self.streams.not_advanced(&key, &call, error))?;
        let next_position = state.next_position;
        if let Some(before) = before {
            tell_of_force(&call, &id, &before, &state);
        }
        Ok(pb::AdvanceCursorResponse { next_position, log_size: size })
    }

    pub(super) async fn delete_cursor(
        &self,
        call: Call,
        request: pb::DeleteCursorRequest,
    ) -> Result<pb::DeleteCursorResponse, Status> {
        require_id_of_cursor(&request.cursor_id)?;
        let key = named(&call, &request.owner, &request.cursor_id)?;
        let is_own = key == key_of(call.principal(), &request.cursor_id);
        if !is_own && !call.rights().has(Role::Operator) {
            let at = [("field", "owner".to_owned()), ("value", request.owner)];
            let text = "only an operator deletes the cursor of another principal";
            return Err(not_entitled(call.name(), "delete", text, at));
        }
        let (creators, name) = (self.creators.clone(), key.clone());
        let deleted = Box::new(move || creators.deleted(&name));
        let change = self.streams.cursors.change_then(&key, Change::Delete, deleted);
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

/// The key of the cursor that a request names, of the caller or of another owner. To most callers
/// another's does not exist.
fn named(call: &Call, owner: &str, id: &str) -> Result<String, Status> {
    if owner.is_empty() || owner.as_bytes() == call.principal().name() {
        return Ok(key_of(call.principal(), id));
    }
    let not_found = || refused(CursorError::NotFound(id.to_owned()));
    let owner = Principal::named(owner).filter(|_| sees_all_cursors(call));
    owner.map(|owner| key_of(&owner, id)).ok_or_else(not_found)
}

impl CursorApi {
    /// What a stream from a cursor would deliver, as far as the caller may know of it, too.
    fn sight_of(&self, call: &Call, key: &str) -> Sight {
        let own = call.sight(&self.ledger);
        let owner = owner_of(key).and_then(Principal::named);
        let (Some(owner), Some(access)) = (owner, &call.access) else { return own };
        // An owner who is gone would get nothing.
        let nothing = Rights { unseen: Unseen::Hidden, ..Rights::default() };
        let policy = access.policy();
        let rights = policy.rights_of(&owner).map_or(&nothing, |rights| rights);
        own.and(&Sight::of(rights, self.ledger.catalogues()))
    }

    /// A cursor with its filter and lag.
    async fn whole(&self, call: &Call, key: &str) -> Result<pb::Cursor, Status> {
        let (state, filter) = self.streams.get(call, key).await?;
        let (mut cursor, sight) = (self.cursor(call, key, state), self.sight_of(call, key));
        let (from, size) = (cursor.next_position, cursor.log_size);
        let (filter, lag) = match filter {
            CursorFilter::Read(filter) => {
                let read =
                    filter::interest(&self.ledger, &self.reading, call, Some(filter.clone()));
                let lag = self.lag(call, (read.await?, sight), from, size).await?;
                (Shown::of(filter), lag)
            }
            CursorFilter::Long(long) => {
                // All at once, so that nothing of it is kept while it waits.
                let ledger = Arc::clone(&self.ledger);
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

    fn cursor(&self, call: &Call, key: &str, state: CursorState) -> pb::Cursor {
        let log_size = self.ledger.durable().size;
        let sees_all = sees_all_cursors(call);
        let (connections, connection_count) = self.streams.connections(key, sees_all);
        let is_open = call.access.as_ref().is_none_or(|access| access.policy().is_open());
        let owner = match owner_of(key) {
            Some(owner) if sees_all => owner,
            None if sees_all && !is_open => ANONYMOUS,
            _ => "",
        };
        pb::Cursor {
            next_position: state.next_position.min(log_size),
            log_id: state.log_id.to_string(),
            create_time: Some(timestamp(state.created_micros)),
            advance_time: state.advanced_micros.map(timestamp),
            log_changed: has_changed(&self.ledger, &state),
            connections,
            connection_count,
            log_size,
            cursor_id: id_of(key).to_owned(),
            owner: owner.to_owned(),
            ..Default::default()
        }
    }

    async fn lag(
        &self,
        call: &Call,
        (interest, sight): (Interest, Sight),
        from: u64,
        size: u64,
    ) -> Result<Lag, Status> {
        let mut lag = Lag::default();
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
