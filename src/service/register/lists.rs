//! Lists of designees and titles, and the export of all titles: a page at a time, a slice of the register at a time.

use std::sync::Arc;

use futures_util::stream;
use prost::Message as _;
use tokio_stream::Stream;
use tonic::Status;

use super::over_register;
use crate::{
    ledger::Ledger,
    limits::{PAGE_BYTES, PAGE_EVENTS_MAX, QUESTION_SLICE_DESIGNEES},
    protocol::pb,
    register::{Found, Wanted},
    service::{
        convert, filter,
        moment::{Asked, asked},
        page::{Place, page_size},
    },
};

/// Searches designees from a place on until there are enough, letting the writer in between.
async fn search(
    ledger: &Arc<Ledger>,
    wanted: Wanted,
    place: Place,
    most: usize,
) -> Result<(Vec<Found>, Option<usize>), Status> {
    let searched = over_register(ledger, move |ledger| {
        let (mut found, mut next) = (Vec::new(), Some(place.next));
        while let Some(from) = next.filter(|_| found.len() < most) {
            let bounds = (most - found.len(), QUESTION_SLICE_DESIGNEES);
            let register = ledger.register();
            let (more, after) =
                register.search(ledger.catalogue(), &wanted, place.moment, from, bounds);
            drop(register);
            found.extend(more);
            next = after;
        }
        (found, next)
    })
    .await;
    Ok(searched?)
}

pub(super) async fn designees(
    ledger: &Arc<Ledger>,
    request: pb::ListDesigneesRequest,
) -> Result<pb::ListDesigneesResponse, Status> {
    let wanted = filter::wanted(ledger.catalogue(), request.filter.clone())?;
    let size = page_size(request.page_size)?;
    let same = pb::ListDesigneesRequest { filter: request.filter.clone(), ..Default::default() };
    let place = Place::begin(ledger, asked!(request), &request.page_token, &same).await?;
    let at = place.moment;
    let (found, mut next) = search(ledger, wanted, place, size).await?;
    let (mut designees, mut bytes) = (Vec::new(), 0);
    for found in found {
        let view = ledger.register().view(ledger.catalogue(), found.index, at);
        let designee = convert::designee(view, ledger.catalogue(), 0);
        bytes += designee.encoded_len();
        designees.push(designee);
        if bytes >= PAGE_BYTES {
            next = Some(found.next);
            break;
        }
    }
    let token = next.map(|next| Place { next, ..place }.token(&same));
    Ok(pb::ListDesigneesResponse {
        designees,
        next_page_token: token.unwrap_or_default(),
        as_of: Some(convert::pb_date(at.valid_on)),
        known_at: at.known_at,
    })
}

pub(super) async fn titles(
    ledger: &Arc<Ledger>,
    request: pb::ListTitlesRequest,
) -> Result<pb::ListTitlesResponse, Status> {
    let mut wanted = filter::wanted(ledger.catalogue(), request.filter.clone())?;
    let size = page_size(request.page_size)?;
    let same = pb::ListTitlesRequest { filter: request.filter.clone(), ..Default::default() };
    let place = Place::begin(ledger, asked!(request), &request.page_token, &same).await?;
    let at = place.moment;
    if wanted.statuses.is_empty() && wanted.wants_any_designee() {
        // A designee without titles is no title.
        wanted.statuses = crate::register::Status::all().collect();
    }
    let (found, rest) = search(ledger, wanted, place, size).await?;
    let (mut titles, mut bytes, mut skip) = (Vec::new(), 0, place.skip);
    let mut next = rest.map(|next| Place { next, skip: 0, ..place });
    'page: for Found { id, name, region, titles: views, next: after, .. } in found {
        let count = views.len();
        for (i, view) in views.into_iter().enumerate().skip(std::mem::take(&mut skip)) {
            if titles.len() == size || bytes >= PAGE_BYTES {
                next = Some(Place { next: after - 1, skip: i, ..place });
                break 'page;
            }
            let title = pb::DesigneeTitle {
                designee: id.to_string(),
                name: name.clone(),
                region: region.map(|region| region.to_string()).unwrap_or_default(),
                title: Some(convert::title(view, ledger.catalogue())),
            };
            bytes += title.encoded_len();
            titles.push(title);
            if i + 1 == count && (titles.len() == size || bytes >= PAGE_BYTES) {
                next = Some(Place { next: after, skip: 0, ..place });
                break 'page;
            }
        }
    }
    Ok(pb::ListTitlesResponse {
        titles,
        next_page_token: next.map(|place| place.token(&same)).unwrap_or_default(),
        as_of: Some(convert::pb_date(at.valid_on)),
        known_at: at.known_at,
    })
}

/// All titles, as the pages of [`titles`] one after the other: they are of one moment.
pub(super) async fn export(
    ledger: &Arc<Ledger>,
    request: pb::ExportRegisterRequest,
) -> Result<impl Stream<Item = Result<pb::ExportRegisterResponse, Status>> + Send + use<>, Status> {
    struct Export {
        ledger: Arc<Ledger>,
        request: pb::ListTitlesRequest,
        page: pb::ListTitlesResponse,
        title_count: u64,
        /// The next message is the first, or follows one that was not the last.
        goes_on: bool,
    }
    let pb::ExportRegisterRequest { filter, as_of, known_at, known_at_time } = request;
    let page_size = i32::try_from(PAGE_EVENTS_MAX).unwrap_or(i32::MAX);
    let page_token = String::new();
    let request =
        pb::ListTitlesRequest { filter, as_of, known_at, known_at_time, page_size, page_token };
    // What is wrong with the request is said before the stream begins.
    let page = titles(ledger, request.clone()).await?;
    let ledger = Arc::clone(ledger);
    let begun = Export { ledger, request, page, title_count: 0, goes_on: true };
    Ok(stream::try_unfold(begun, |mut export| async move {
        if !export.goes_on {
            return Ok(None);
        }
        let page = std::mem::take(&mut export.page);
        export.title_count += page.titles.len() as u64;
        export.goes_on = !page.next_page_token.is_empty();
        if export.goes_on {
            export.request.page_token = page.next_page_token;
            export.page = titles(&export.ledger, export.request.clone()).await?;
        }
        let message = pb::ExportRegisterResponse {
            titles: page.titles,
            next_position: page.known_at,
            log_id: export.ledger.log_id().to_string(),
            as_of: page.as_of,
            complete: !export.goes_on,
            title_count: export.title_count,
        };
        Ok(Some((message, export)))
    }))
}
