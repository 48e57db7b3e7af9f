//! The members of a cultivation pool.

use tonic::Status;

use super::{RegisterApi, sight_of};
use crate::{
    domain::fault::{RuleId, echo},
    ledger::{Ledger, Pace as _},
    limits::{QUESTION_SLICE_ENTRIES, VIEWS_SLICE},
    protocol::{
        pb::{self, ErrorReason},
        time::pb_date,
    },
    register::MemberView,
    service::{
        as_of::answered,
        call::Call,
        errors, filter,
        page::{PageToken, page_size},
        questions::Turn,
        room::Room,
    },
};

pub(super) async fn list(
    api: &RegisterApi,
    call: &Call,
    request: pb::ListPoolMembersRequest,
) -> Result<pb::ListPoolMembersResponse, Status> {
    let ledger = &*api.ledger;
    let pb::ListPoolMembersRequest { authority: code, pool, include_left, .. } = &request;
    let authority = filter::optional_authority("authority", code)?;
    let authority =
        authority.ok_or_else(|| errors::bad_field("authority", "", RuleId::FieldRequired))?;
    let pool = filter::batch_id(pool)
        .map_err(|breach| errors::bad_field("pool", &request.pool, breach))?
        .to_owned();
    let size = page_size(request.page_size)?;
    let same = pb::ListPoolMembersRequest {
        authority: code.clone(),
        pool: request.pool.clone(),
        include_left: *include_left,
        ..Default::default()
    };
    let with_left = *include_left;
    let token = PageToken::read(ledger, call, request.as_of, &request.page_token, &same).await?;
    let at = token.as_of;
    let sight = sight_of(ledger, call)?;
    let question = move |ledger: &Ledger, turn: &mut Turn| {
        let register = ledger.register();
        let reading = register.as_seen(sight.as_ref()).read_members(authority, &pool, at);
        drop(register);
        let Some(mut reading) = reading else { return Ok(None) };
        while reading.advance(&ledger.register(), QUESTION_SLICE_ENTRIES) {
            turn.step()?;
        }
        let subjects = reading.subjects(with_left);
        let (mut members, mut room) = (Vec::new(), Room::of_page());
        let shown = subjects.get(token.next..).unwrap_or_default();
        'page: for some in
            shown.get(..size.min(shown.len())).unwrap_or_default().chunks(VIEWS_SLICE)
        {
            let register = ledger.register();
            let seen = register.as_seen(sight.as_ref());
            let views = seen.members(ledger.catalogues(), &reading, some);
            drop(register);
            for view in views {
                let member = convert_member(view);
                // The first member of a page fits, whatever it is.
                if !room.takes(&member) {
                    break 'page;
                }
                members.push(member);
            }
            turn.step()?;
        }
        let next = token.next + members.len();
        Ok(Some((members, Some(next).filter(|next| *next < subjects.len()))))
    };
    let Some((members, next)) = api.ask(call, question).await? else {
        let what = format!("pool {} of {}", echo(&request.pool), authority.as_str());
        let redacted = ledger.register().redacted_positions(at.known_at);
        let reason = ErrorReason::PoolNotFound;
        return Err(errors::not_found(reason, &what, &request.pool, &redacted));
    };
    Ok(pb::ListPoolMembersResponse {
        members,
        next_page_token: next
            .map(|next| PageToken { next, ..token }.text(&same))
            .unwrap_or_default(),
        as_of: answered(ledger, at),
    })
}

fn convert_member(view: MemberView) -> pb::PoolMember {
    pb::PoolMember {
        designee: view.id.to_string(),
        name: view.name,
        entered_on: view.entered_on.map(pb_date),
        left_on: view.left_on.map(pb_date),
    }
}
