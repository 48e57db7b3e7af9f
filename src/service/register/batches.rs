//! Batches and their sub-lists.

use std::sync::Arc;

use tonic::Status;

use super::RegisterApi;
use crate::{
    domain::{AuthorityCode, event::BatchRef},
    ledger::{Ledger, Pace as _},
    limits::BATCH_SLICE,
    protocol::pb::{self, ErrorReason},
    service::{
        as_of::{answered, resolve},
        call::Call,
        convert, errors, filter,
        page::{PageToken, page_size},
        questions::Turn,
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
    let size = page_size(request.page_size)?;
    let same = pb::ListBatchesRequest {
        programmes: request.programmes.clone(),
        authorities: request.authorities.clone(),
        states: request.states.clone(),
        ..Default::default()
    };
    let token = PageToken::read(ledger, request.as_of, &request.page_token, &same).await?;
    let at = token.as_of;
    let question = move |ledger: &Ledger, turn: &mut Turn| {
        let (mut batches, mut next) = (Vec::new(), token.next);
        loop {
            let register = ledger.register();
            let slice: Vec<_> = register.batches(next, at).take(BATCH_SLICE).collect();
            drop(register);
            if slice.is_empty() {
                return Ok((batches, None));
            }
            for (after, view) in slice {
                next = after;
                let fits = (programmes.is_empty() || programmes.contains(&view.programme))
                    && (authorities.is_empty() || authorities.contains(&view.authority))
                    && (states.is_empty() || states.contains(&convert::batch_state(view.state)));
                if fits {
                    batches.push(convert::batch(&view, ledger.catalogues()));
                }
                if batches.len() == size {
                    return Ok((batches, Some(next)));
                }
            }
            turn.step()?;
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
    _call: &Call,
    request: pb::GetBatchRequest,
) -> Result<pb::GetBatchResponse, Status> {
    let ledger = &*api.ledger;
    let at = resolve(ledger, request.as_of).await?;
    let catalogues = ledger.catalogues();
    let found = catalogues.find(&request.programme);
    let programme =
        found.map_err(|breach| errors::bad_field("programme", &request.programme, breach))?;
    let authority = filter::optional_authority("authority", &request.authority)?;
    let authority = authority.unwrap_or(AuthorityCode::ministry());
    let name = request.batch.trim().to_owned();
    let batch = BatchRef { programme, authority, batch: name, sublist: None };
    let register = ledger.register();
    let view = register.batch(&batch, at, true).ok_or_else(|| {
        let shown = format!("{} {}", request.programme, request.batch);
        let what = format!("batch {shown} of {}", authority.as_str());
        let redacted = register.redacted_positions(at.known_at);
        errors::not_found(ErrorReason::BatchNotFound, &what, &request.batch, &redacted)
    })?;
    drop(register);
    Ok(pb::GetBatchResponse {
        batch: Some(convert::batch(&view, catalogues)),
        sublists: view.sublists.iter().map(convert::sublist).collect(),
        as_of: answered(ledger, at),
    })
}
