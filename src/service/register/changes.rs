//! The titles whose status differs between two moments.

use prost::Message as _;
use tonic::Status;

use super::{RegisterApi, sight_of};
use crate::{
    domain::fault::{Key, RuleId},
    ledger::Ledger,
    limits::{CHANGE_POSITIONS_MAX, PAGE_BYTES},
    protocol::{pb, time::pb_date},
    register::{self, AsOf, ChangeReason, Changed, EndCause, TitleView, Wanted},
    service::{
        as_of::{answered, resolve_field},
        call::Call,
        consistent::require_consistent,
        convert, errors, filter,
        page::{PageToken, foreign_token, page_size},
        room::first,
    },
};

pub(super) async fn list(
    api: &RegisterApi,
    call: &Call,
    request: pb::ListChangesRequest,
) -> Result<pb::ListChangesResponse, Status> {
    let ledger = &*api.ledger;
    let wanted = filter::wanted(ledger.catalogues(), request.filter.clone())?;
    let size = page_size(request.page_size)?;
    let (from, token, same) = moments(ledger, call, request).await?;
    // A title that matched at the beginning counts, so the first of the two days decides.
    require_consistent("filter", &wanted, None, from.valid_on)?;
    let (found, rest) = search(api, call, wanted, (from, token), size).await?;
    let (changes, cut) = page(ledger, found, token, size);
    let next = cut.or_else(|| rest.map(|next| PageToken { next, skip: 0, ..token }));
    Ok(pb::ListChangesResponse {
        changes,
        next_page_token: next.map(|token| text(from, token, &same)).unwrap_or_default(),
        from: answered(ledger, from),
        to: answered(ledger, token.as_of),
    })
}

/// The beginning, the page with the end, and the request to which its tokens belong.
async fn moments(
    ledger: &Ledger,
    call: &Call,
    request: pb::ListChangesRequest,
) -> Result<(AsOf, PageToken, pb::ListChangesRequest), Status> {
    let pb::ListChangesRequest { filter, from, to, page_token, .. } = request;
    let same = |from: AsOf| pb::ListChangesRequest {
        filter,
        from: Some(pb::AsOf {
            valid_on: Some(pb_date(from.valid_on)),
            known: Some(pb::as_of::Known::KnownAt(from.known_at)),
        }),
        ..Default::default()
    };
    if page_token.is_empty() {
        let from = resolve_field(ledger, call, "from", from).await?;
        let to = resolve_field(ledger, call, "to", to).await?;
        require_order(from, to)?;
        return Ok((from, PageToken { as_of: to, next: 0, skip: 0 }, same(from)));
    }
    let parts = page_token.split_once('~');
    let (first, rest) = parts.ok_or_else(|| foreign_token(&page_token))?;
    // The beginning is written as the moment of a first page, which belongs to no request.
    let nothing = pb::ListChangesRequest::default();
    let from = PageToken::read(ledger, call, None, first, &nothing).await?.as_of;
    let same = same(from);
    let token = PageToken::read(ledger, call, None, rest, &same).await?;
    require_order(from, token.as_of).map_err(|_| foreign_token(&page_token))?;
    Ok((from, token, same))
}

fn text(from: AsOf, token: PageToken, same: &pb::ListChangesRequest) -> String {
    let first = PageToken { as_of: from, next: 0, skip: 0 };
    format!("{}~{}", first.text(&pb::ListChangesRequest::default()), token.text(same))
}

/// Neither the day nor the log size of the end may be before that of the beginning.
fn require_order(from: AsOf, to: AsOf) -> Result<(), Status> {
    if to.valid_on < from.valid_on {
        let breach = RuleId::DateOrder.with(Key::From, from.valid_on);
        return Err(errors::bad_field("to.valid_on", &to.valid_on.to_string(), breach));
    }
    if to.known_at < from.known_at {
        let breach = RuleId::DateOrder.with(Key::From, from.known_at);
        return Err(errors::bad_field("to.known_at", &to.known_at.to_string(), breach));
    }
    Ok(())
}

/// Compares the two moments, starting at a token, until enough titles differ.
async fn search(
    api: &RegisterApi,
    call: &Call,
    wanted: Wanted,
    (from, token): (AsOf, PageToken),
    most: usize,
) -> Result<(Vec<Changed>, Option<usize>), Status> {
    let (moments, sight) = ((from, token.as_of), sight_of(&api.ledger, call)?);
    let slice = move |ledger: &Ledger, first, bounds| {
        let register = ledger.register();
        let seen = register.as_seen(sight.as_ref());
        seen.changes_between(ledger.catalogues(), &wanted, moments, first, bounds)
    };
    let count = |found: &Changed| found.titles.len();
    api.in_slices(call, token.next, most + token.skipped(), count, slice).await
}

/// As many changes as fit into a page, and the token of the first one that does not.
fn page(
    ledger: &Ledger,
    found: Vec<Changed>,
    token: PageToken,
    size: usize,
) -> (Vec<pb::StatusChange>, Option<PageToken>) {
    let (mut changes, mut bytes, mut skip) = (Vec::new(), 0, token.skip);
    for Changed { id, name, titles, next } in found {
        let skipped = std::mem::take(&mut skip);
        for (i, change) in titles.into_iter().enumerate().skip(skipped) {
            if changes.len() == size || bytes >= PAGE_BYTES {
                return (changes, Some(PageToken { next: next - 1, skip: i, ..token }));
            }
            let change = pb::StatusChange {
                designee: id.to_string(),
                name: name.clone(),
                ..status_change(ledger, change)
            };
            bytes += change.encoded_len();
            changes.push(change);
        }
    }
    (changes, None)
}

/// A change as a message, without its designee.
fn status_change(ledger: &Ledger, change: register::StatusChange) -> pb::StatusChange {
    let register::StatusChange { before, after, reason, positions } = change;
    let status = |view: Option<&TitleView>| {
        view.map_or(pb::TitleStatus::Unspecified, |view| convert::status_of(view.status)).into()
    };
    let (old, new) = (status(before.as_ref()), status(after.as_ref()));
    let end_cause = after.as_ref().and_then(|view| view.end_cause);
    let (positions, omitted_position_count) = first(positions, CHANGE_POSITIONS_MAX);
    let reason = match reason {
        ChangeReason::Fact => pb::ChangeReason::Fact,
        ChangeReason::Expiry => pb::ChangeReason::Expiry,
        ChangeReason::Rules => pb::ChangeReason::Rules,
    };
    let Some(shown) = after.or(before) else { return pb::StatusChange::default() };
    pb::StatusChange {
        programme: ledger.catalogues().id_of(shown.programme).to_owned(),
        authority: convert::code(Some(shown.authority)),
        item: shown.item,
        before: old,
        after: new,
        reason: reason.into(),
        positions,
        omitted_position_count,
        valid_from: shown.valid_from.map(pb_date),
        valid_to: shown.valid_to.map(pb_date),
        end_cause: end_cause.map_or(0, EndCause::number),
        ..Default::default()
    }
}
