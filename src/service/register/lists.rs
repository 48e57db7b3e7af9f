//! Lists of designees and titles, and the export of all titles. Each page reads the register in
//! slices.

use std::sync::Arc;

use futures_util::stream;
use prost::Message as _;
use tokio_stream::Stream;
use tonic::Status;

use super::{RegisterApi, sight_of};
use crate::{
    ledger::{Ledger, Pace as _},
    limits::{PAGE_BYTES, PAGE_EVENTS_MAX, VIEWS_SLICE},
    protocol::{methods::Method, pb},
    register::{self, DesigneeIndex, Found, Sight, Wanted},
    service::{
        as_of::answered,
        call::Call,
        consistent::require_consistent,
        convert, filter,
        page::{PageToken, page_size},
        questions::Turn,
        room::Room,
        standing::Standing,
    },
};

/// Searches for titles, starting at a token, until there are enough.
async fn search(
    api: &RegisterApi,
    call: &Call,
    wanted: Wanted,
    token: PageToken,
    most: usize,
) -> Result<(Vec<Found>, Option<usize>), Status> {
    let sight = sight_of(&api.ledger, call)?;
    let slice = move |ledger: &Ledger, from, bounds| {
        let register = ledger.register();
        let seen = register.as_seen(sight.as_ref());
        seen.search(ledger.catalogues(), &wanted, token.as_of, from, bounds)
    };
    let count = |found: &Found| found.titles.len();
    api.in_slices(call, token.next, most + token.skipped(), count, slice).await
}

/// A designee that matches, and the place after it.
type Place = (DesigneeIndex, usize);

/// Searches for designees, starting at a token, until there are enough. Their titles are not kept.
async fn search_designees(
    api: &RegisterApi,
    call: &Call,
    (wanted, sight): (Wanted, Option<Arc<Sight>>),
    token: PageToken,
    most: usize,
) -> Result<(Vec<Place>, Option<usize>), Status> {
    let slice = move |ledger: &Ledger, from, bounds| {
        let register = ledger.register();
        let seen = register.as_seen(sight.as_ref());
        let found = seen.search(ledger.catalogues(), &wanted, token.as_of, from, bounds);
        (found.0.into_iter().map(|found| (found.index, found.next)).collect(), found.1)
    };
    api.in_slices(call, token.next, most, |_: &Place| 1, slice).await
}

pub(super) async fn designees(
    api: &RegisterApi,
    call: &Call,
    request: pb::ListDesigneesRequest,
) -> Result<pb::ListDesigneesResponse, Status> {
    let ledger = &*api.ledger;
    let wanted = filter::wanted(ledger.catalogues(), request.filter.clone())?;
    let size = page_size(request.page_size)?;
    let same = pb::ListDesigneesRequest { filter: request.filter.clone(), ..Default::default() };
    let token = PageToken::read(ledger, call, request.as_of, &request.page_token, &same).await?;
    let at = token.as_of;
    require_consistent("filter", &wanted, None, at.valid_on)?;
    let sight = sight_of(ledger, call)?;
    let wanted = (wanted, sight.clone());
    let (found, mut next) = search_designees(api, call, wanted, token, size).await?;
    let question = move |ledger: &Ledger, turn: &mut Turn| {
        let (mut designees, mut room) = (Vec::new(), Room::of_page());
        for (index, after) in found {
            let register = ledger.register();
            let seen = register.as_seen(sight.as_ref());
            let Some(view) = seen.view(ledger.catalogues(), index, at) else { continue };
            drop(register);
            let designee = convert::designee(view, ledger.catalogues(), false);
            if !room.takes(&designee) {
                // The first designee of a page fits, whatever it is.
                next = Some(after - 1);
                break;
            }
            designees.push(designee);
            if designees.len() % VIEWS_SLICE == 0 {
                turn.step()?;
            }
        }
        Ok((designees, next))
    };
    let (designees, next) = api.ask(call, question).await?;
    let next_page_token = next.map(|next| PageToken { next, ..token }.text(&same));
    Ok(pb::ListDesigneesResponse {
        designees,
        next_page_token: next_page_token.unwrap_or_default(),
        as_of: answered(ledger, at),
    })
}

pub(super) async fn titles(
    api: &RegisterApi,
    call: &Call,
    request: pb::ListTitlesRequest,
) -> Result<pb::ListTitlesResponse, Status> {
    let ledger = &*api.ledger;
    let mut wanted = filter::wanted(ledger.catalogues(), request.filter.clone())?;
    let size = page_size(request.page_size)?;
    let same = pb::ListTitlesRequest { filter: request.filter.clone(), ..Default::default() };
    let token = PageToken::read(ledger, call, request.as_of, &request.page_token, &same).await?;
    let at = token.as_of;
    require_consistent("filter", &wanted, None, at.valid_on)?;
    if wanted.statuses.is_empty() && wanted.wants_any_designee() {
        // Otherwise a designee without titles would match.
        wanted.statuses = register::Status::LISTED.to_vec();
    }
    let (found, rest) = search(api, call, wanted, token, size).await?;
    let (mut titles, mut bytes, mut skip) = (Vec::new(), 0, token.skip);
    let mut next = rest.map(|next| PageToken { next, skip: 0, ..token });
    'page: for Found { id, name, region, titles: views, next: after, .. } in found {
        let count = views.len();
        for (i, view) in views.into_iter().enumerate().skip(std::mem::take(&mut skip)) {
            if titles.len() == size || bytes >= PAGE_BYTES {
                next = Some(PageToken { next: after - 1, skip: i, ..token });
                break 'page;
            }
            let title = pb::DesigneeTitle {
                designee: id.to_string(),
                name: name.clone(),
                region: region.map(|region| region.to_string()).unwrap_or_default(),
                title: Some(convert::title(view, ledger.catalogues())),
            };
            bytes += title.encoded_len();
            titles.push(title);
            if i + 1 == count && (titles.len() == size || bytes >= PAGE_BYTES) {
                next = Some(PageToken { next: after, skip: 0, ..token });
                break 'page;
            }
        }
    }
    Ok(pb::ListTitlesResponse {
        titles,
        next_page_token: next.map(|token| token.text(&same)).unwrap_or_default(),
        as_of: answered(ledger, at),
    })
}

/// Streams all titles as consecutive pages of [`titles`], all of one moment.
pub(super) async fn export(
    api: &RegisterApi,
    call: Call,
    request: pb::ExportRegisterRequest,
) -> Result<impl Stream<Item = Result<pb::ExportRegisterResponse, Status>> + Send + use<>, Status> {
    struct Export {
        api: RegisterApi,
        call: Call,
        request: pb::ListTitlesRequest,
        page: pb::ListTitlesResponse,
        standing: Standing,
        title_count: u64,
        /// True until the last message was sent.
        goes_on: bool,
    }
    let pb::ExportRegisterRequest { filter, as_of } = request;
    let page_size = i32::try_from(PAGE_EVENTS_MAX).unwrap_or(i32::MAX);
    let request = pb::ListTitlesRequest { filter, as_of, page_size, page_token: String::new() };
    // A bad request is an error of the call, before the stream begins.
    let page = titles(api, &call, request.clone()).await?;
    // The stream keeps nothing of the request's memory.
    let call = Call { memory: None, ..call };
    let standing = Standing::of(&call, Method::ExportRegister, api.ledger.now_micros());
    let api = api.clone();
    let begun = Export { api, call, request, page, standing, title_count: 0, goes_on: true };
    Ok(stream::try_unfold(begun, |mut export| async move {
        if !export.goes_on {
            return Ok(None);
        }
        export.standing.require()?;
        let page = std::mem::take(&mut export.page);
        export.title_count += page.titles.len() as u64;
        export.goes_on = !page.next_page_token.is_empty();
        if export.goes_on {
            export.request.page_token = page.next_page_token;
            export.page = titles(&export.api, &export.call, export.request.clone()).await?;
        }
        let message = pb::ExportRegisterResponse {
            titles: page.titles,
            next_position: page.as_of.as_ref().map_or(0, pb::AnswerAsOf::known_at),
            log_id: export.api.ledger.log_id().to_string(),
            as_of: page.as_of,
            complete: !export.goes_on,
            title_count: export.title_count,
        };
        Ok(Some((message, export)))
    }))
}
