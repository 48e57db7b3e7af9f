//! Batches and their sub-lists.

use std::sync::Arc;

use tonic::Status;

use super::{RegisterApi, sight_of};
use crate::{
    domain::{AuthorityCode, event::BatchRef, fault::echo, kind::ProgrammeId},
    ledger::{Ledger, Pace as _},
    limits::QUESTION_SLICE_ENTRIES,
    protocol::pb::{self, ErrorReason},
    register::{BatchReading, BatchView},
    service::{
        as_of::{answered, resolve},
        call::Call,
        convert, errors, filter,
        page::{PageToken, page_size},
        questions::Turn,
        room::Room,
    },
};

pub(super) async fn batches(
    api: &RegisterApi,
    call: &Call,
    request: pb::ListBatchesRequest,
) -> Result<pb::ListBatchesResponse, Status> {
    let ledger = &*api.ledger;
    let catalogues = Arc::clone(ledger.catalogues());
    let programmes = filter::each("programmes", &request.programmes, |id| catalogues.find(id))?;
    let authorities = filter::each("authorities", &request.authorities, AuthorityCode::parse)?;
    let state = |number: i32| match pb::BatchState::try_from(number) {
        Ok(state) if state != pb::BatchState::Unspecified => Some(state),
        _ => None,
    };
    let states = filter::numbers("states", &request.states, state)?;
    let names = filter::each("batches", &request.batches, filter::batch_id)?;
    let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    let size = page_size(request.page_size)?;
    let same = pb::ListBatchesRequest {
        programmes: request.programmes.clone(),
        authorities: request.authorities.clone(),
        states: request.states.clone(),
        batches: request.batches.clone(),
        ..Default::default()
    };
    let token = PageToken::read(ledger, call, request.as_of, &request.page_token, &same).await?;
    let at = token.as_of;
    let wanted = move |programme: ProgrammeId, authority: AuthorityCode, batch: &str| {
        (programmes.is_empty() || programmes.contains(&programme))
            && (authorities.is_empty() || authorities.contains(&authority))
            && (names.is_empty() || names.iter().any(|name| name == batch))
    };
    let sight = sight_of(ledger, call)?;
    let question = move |ledger: &Ledger, turn: &mut Turn| {
        let (mut batches, mut next, mut room) = (Vec::new(), token.next, Room::of_page());
        loop {
            let register = ledger.register();
            let seen = register.as_seen(sight.as_ref());
            let found = seen.next_batch(next, at, QUESTION_SLICE_ENTRIES, &wanted);
            drop(register);
            let Some((after, reading)) = found else { return Ok((batches, None)) };
            let before = std::mem::replace(&mut next, after);
            turn.step()?;
            let Some(reading) = reading else { continue };
            let Some(view) = read(ledger, reading, turn)? else { continue };
            if states.is_empty() || states.contains(&convert::batch_state(view.state)) {
                let batch = convert::batch(&view, ledger.catalogues());
                if !room.takes(&batch) {
                    return Ok((batches, Some(before)));
                }
                batches.push(batch);
            }
            if batches.len() == size {
                return Ok((batches, Some(next)));
            }
        }
    };
    let (batches, next) = api.ask(call, question).await?;
    Ok(pb::ListBatchesResponse {
        batches,
        next_page_token: next
            .map(|next| PageToken { next, ..token }.text(&same))
            .unwrap_or_default(),
        as_of: answered(ledger, at),
    })
}

pub(super) async fn batch(
    api: &RegisterApi,
    call: &Call,
    request: pb::GetBatchRequest,
) -> Result<pb::GetBatchResponse, Status> {
    let ledger = &*api.ledger;
    filter::require_short("batch", &request.batch)?;
    let at = resolve(ledger, call, request.as_of).await?;
    let catalogues = ledger.catalogues();
    let found = catalogues.find(&request.programme);
    let programme =
        found.map_err(|breach| errors::bad_field("programme", &request.programme, breach))?;
    let authority = filter::optional_authority("authority", &request.authority)?;
    let authority = authority.unwrap_or(AuthorityCode::ministry());
    let name = request.batch.trim().to_owned();
    let batch = BatchRef { programme, authority, batch: name, sublist: None };
    let sight = sight_of(ledger, call)?;
    let question = move |ledger: &Ledger, turn: &mut Turn| {
        let register = ledger.register();
        let reading = register.as_seen(sight.as_ref()).read_batch(&batch, at, true);
        drop(register);
        reading.map_or(Ok(None), |reading| read(ledger, reading, turn))
    };
    let Some(view) = api.ask(call, question).await? else {
        let shown = format!("{} {}", echo(&request.programme), echo(&request.batch));
        let what = format!("batch {shown} of {}", authority.as_str());
        let redacted = ledger.register().redacted_positions(at.known_at);
        let reason = ErrorReason::BatchNotFound;
        return Err(errors::not_found(reason, &what, &request.batch, &redacted));
    };
    Ok(pb::GetBatchResponse {
        batch: Some(convert::batch(&view, catalogues)),
        sublists: view.sublists.iter().map(convert::sublist).collect(),
        as_of: answered(ledger, at),
    })
}

/// Reads a batch in slices; none if the caller may not know it.
fn read(
    ledger: &Ledger,
    mut reading: BatchReading,
    turn: &mut Turn,
) -> Result<Option<BatchView>, Status> {
    while reading.advance(&ledger.register(), QUESTION_SLICE_ENTRIES) {
        turn.step()?;
    }
    // Long sorts come here, while nobody waits for them.
    let read = reading.sum_up();
    Ok(read.shown(&ledger.register()))
}
