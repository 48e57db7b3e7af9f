//! Lists and counts of the register: a page at a time, a slice of the register at a time.

use std::sync::Arc;

use futures_util::stream;
use prost::Message as _;
use tokio_stream::Stream;
use tonic::Status;

use super::{
    convert, errors, filter,
    moment::{Asked, moment},
    page::{Place, page_size},
    register::{asked, stated_at},
};
use crate::{
    domain::{
        AuthorityCode,
        fault::{ParseError, Reason},
    },
    ledger::Ledger,
    limits::{
        BATCH_SLICE, GROUP_DIMENSIONS_MAX, GROUPS_MAX, PAGE_BYTES, PAGE_EVENTS_MAX,
        QUESTION_SLICE_DESIGNEES,
    },
    protocol::pb::{self, event::Fact},
    register::{Counting, Found, Group, MeasuresWanted, Stage, Wanted},
};

/// The place where a page begins: as the token says, or at the beginning.
async fn begin(
    ledger: &Ledger,
    asked: Asked,
    token: &str,
    request: &impl prost::Message,
) -> Result<Place, Status> {
    if token.is_empty() {
        return Ok(Place { moment: moment(ledger, asked).await?, next: 0, skip: 0 });
    }
    Place::parse(token, request, ledger.durable().size)
}

/// Runs a question that goes over the register where it delays nobody.
async fn off_the_loop<T: Send + 'static>(
    ledger: &Arc<Ledger>,
    question: impl FnOnce(&Ledger) -> T + Send + 'static,
) -> Result<T, Status> {
    let ledger = Arc::clone(ledger);
    let answered = tokio::task::spawn_blocking(move || question(&ledger)).await;
    answered.map_err(|error| Status::internal(error.to_string()))
}

/// Searches designees from a place on until there are enough, letting the writer in between.
async fn search(
    ledger: &Arc<Ledger>,
    wanted: Wanted,
    place: Place,
    most: usize,
) -> Result<(Vec<Found>, Option<usize>), Status> {
    off_the_loop(ledger, move |ledger| {
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
    .await
}

pub(super) async fn designees(
    ledger: &Arc<Ledger>,
    request: pb::ListDesigneesRequest,
) -> Result<pb::ListDesigneesResponse, Status> {
    let wanted = filter::wanted(ledger.catalogue(), request.filter.clone())?;
    let size = page_size(request.page_size)?;
    let same = pb::ListDesigneesRequest { filter: request.filter.clone(), ..Default::default() };
    let place = begin(ledger, asked!(request), &request.page_token, &same).await?;
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
        as_of: Some(convert::pb_date(at.as_of)),
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
    let place = begin(ledger, asked!(request), &request.page_token, &same).await?;
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
        as_of: Some(convert::pb_date(at.as_of)),
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

pub(super) async fn count(
    ledger: &Arc<Ledger>,
    request: pb::CountTitlesRequest,
) -> Result<pb::CountTitlesResponse, Status> {
    let wanted = filter::wanted(ledger.catalogue(), request.filter.clone())?;
    let unknown = |field: &str, number: i32| {
        let message = "is not a value of this version's protocol";
        let error = ParseError::new(Reason::EnumUnknown, message, "");
        errors::bad_field(field, &number.to_string(), &error)
    };
    let unit = pb::CountUnit::try_from(request.unit).map_err(|_| unknown("unit", request.unit))?;
    let stage = pb::CountStage::try_from(request.stage);
    let stage = match stage.map_err(|_| unknown("stage", request.stage))? {
        pb::CountStage::Unspecified | pb::CountStage::Standing => Stage::Standing,
        pb::CountStage::Recommended => Stage::Recommended,
        pb::CountStage::Noticed => Stage::Noticed,
        pb::CountStage::EverDesignated => Stage::EverDesignated,
        pb::CountStage::Reviewed => Stage::Reviewed,
    };
    let groups = groups(&request.group_by)?;
    let at = moment(ledger, asked!(request)).await?;
    let mut counting = Counting::new(wanted, at, stage, groups);
    counting.by_designee = unit == pb::CountUnit::Designees;
    let by_designee = counting.by_designee;
    let (counting, groups) = off_the_loop(ledger, move |ledger| {
        let catalogue = ledger.catalogue();
        while counting.advance(&ledger.register(), catalogue, QUESTION_SLICE_DESIGNEES)
            && counting.group_count() <= GROUPS_MAX
        {}
        let groups = counting.groups(&ledger.register(), catalogue);
        (counting, groups)
    })
    .await?;
    if groups.len() > GROUPS_MAX {
        return Err(errors::over_limit("group_by", groups.len(), GROUPS_MAX, "groups"));
    }
    let group = |(keys, count): (Vec<String>, u64)| pb::CountedGroup { keys, count };
    Ok(pb::CountTitlesResponse {
        groups: groups.into_iter().map(group).collect(),
        total: counting.total(),
        unit: if by_designee { pb::CountUnit::Designees } else { pb::CountUnit::Titles }.into(),
        stage: match stage {
            Stage::Recommended => pb::CountStage::Recommended,
            Stage::Noticed => pb::CountStage::Noticed,
            Stage::EverDesignated => pb::CountStage::EverDesignated,
            Stage::Reviewed => pb::CountStage::Reviewed,
            Stage::Standing => pb::CountStage::Standing,
        }
        .into(),
        as_of: Some(convert::pb_date(at.as_of)),
        known_at: at.known_at,
    })
}

fn groups(numbers: &[i32]) -> Result<Vec<Group>, Status> {
    use pb::CountGroup as G;
    if numbers.len() > GROUP_DIMENSIONS_MAX {
        return Err(errors::over_limit("group_by", numbers.len(), GROUP_DIMENSIONS_MAX, "entries"));
    }
    let read = |number: i32| {
        Ok(match G::try_from(number) {
            Ok(G::Programme) => Group::Programme,
            Ok(G::Authority) => Group::Authority,
            Ok(G::ResponsibleAuthority) => Group::Responsible,
            Ok(G::RecommendedBy) => Group::RecommendedBy,
            Ok(G::Region) => Group::Region,
            Ok(G::Status) => Group::Status,
            Ok(G::Cohort) => Group::Cohort,
            Ok(G::Round) => Group::Round,
            Ok(G::Industry) => Group::Industry,
            Ok(G::Unspecified) | Err(_) => {
                let message = "is not a value of this version's protocol";
                return Err(ParseError::new(Reason::EnumUnknown, message, ""));
            }
        })
    };
    let groups = filter::numbers("group_by", numbers, read)?;
    for (i, group) in groups.iter().enumerate() {
        if groups.iter().take(i).any(|other| other == group) {
            let error = ParseError::new(Reason::FieldInvalid, "stands twice", "");
            return Err(errors::bad_field(&format!("group_by[{i}]"), "", &error));
        }
    }
    Ok(groups)
}

pub(super) async fn batches(
    ledger: &Arc<Ledger>,
    request: pb::ListBatchesRequest,
) -> Result<pb::ListBatchesResponse, Status> {
    let catalogue = Arc::clone(ledger.catalogue());
    let programmes = filter::each("programmes", &request.programmes, |id| catalogue.find(id))?;
    let authorities = filter::each("authorities", &request.authorities, AuthorityCode::parse)?;
    let state = |number: i32| match pb::BatchState::try_from(number) {
        Ok(state) if state != pb::BatchState::Unspecified => Ok(state),
        _ => {
            let message = "is not a value of this version's protocol";
            Err(ParseError::new(Reason::EnumUnknown, message, ""))
        }
    };
    let states = filter::numbers("states", &request.states, state)?;
    let size = page_size(request.page_size)?;
    let same = pb::ListBatchesRequest {
        programmes: request.programmes.clone(),
        authorities: request.authorities.clone(),
        states: request.states.clone(),
        ..Default::default()
    };
    let place = begin(ledger, asked!(request), &request.page_token, &same).await?;
    let at = place.moment;
    let (batches, next) = off_the_loop(ledger, move |ledger| {
        let (mut batches, mut next) = (Vec::new(), place.next);
        loop {
            let register = ledger.register();
            let slice: Vec<_> = register.batches(next, at).take(BATCH_SLICE).collect();
            drop(register);
            if slice.is_empty() {
                return (batches, None);
            }
            for (after, view) in slice {
                next = after;
                let fits = (programmes.is_empty() || programmes.contains(&view.programme))
                    && (authorities.is_empty() || authorities.contains(&view.authority))
                    && (states.is_empty() || states.contains(&convert::batch_state(view.state)));
                if fits {
                    batches.push(convert::batch(&view, ledger.catalogue()));
                }
                if batches.len() == size {
                    return (batches, Some(next));
                }
            }
        }
    })
    .await?;
    Ok(pb::ListBatchesResponse {
        batches,
        next_page_token: next.map(|next| Place { next, ..place }.token(&same)).unwrap_or_default(),
        as_of: Some(convert::pb_date(at.as_of)),
        known_at: at.known_at,
    })
}

pub(super) async fn pools(
    ledger: &Arc<Ledger>,
    request: &pb::ListPoolsRequest,
) -> Result<pb::ListPoolsResponse, Status> {
    let authorities = filter::each("authorities", &request.authorities, AuthorityCode::parse)?;
    let at = moment(ledger, asked!(request)).await?;
    let pools =
        off_the_loop(ledger, move |ledger| ledger.register().pools(&authorities, at)).await?;
    if pools.len() > GROUPS_MAX {
        return Err(errors::over_limit("authorities", pools.len(), GROUPS_MAX, "pools"));
    }
    let mut having: Vec<AuthorityCode> = pools.iter().map(|pool| pool.authority).collect();
    having.dedup();
    Ok(pb::ListPoolsResponse {
        entries: pools.iter().map(|pool| pool.entries).sum(),
        authorities: u32::try_from(having.len()).unwrap_or(u32::MAX),
        pools: pools
            .into_iter()
            .map(|pool| pb::PoolSummary {
                authority: convert::code(Some(pool.authority)),
                pool: pool.pool,
                entries: pool.entries,
            })
            .collect(),
        as_of: Some(convert::pb_date(at.as_of)),
        known_at: at.known_at,
    })
}

pub(super) async fn measures(
    ledger: &Arc<Ledger>,
    request: pb::ListMeasuresRequest,
) -> Result<pb::ListMeasuresResponse, Status> {
    let catalogue = ledger.catalogue();
    let wanted = MeasuresWanted {
        authorities: filter::each("authorities", &request.authorities, AuthorityCode::parse)?,
        programmes: filter::each("programmes", &request.programmes, |id| catalogue.find(id))?,
        in_force_only: request.in_force_only,
    };
    let instrument = |number: i32| match pb::Instrument::try_from(number) {
        Ok(instrument) if instrument != pb::Instrument::Unspecified => Ok(number),
        _ => {
            let message = "is not a value of this version's protocol";
            Err(ParseError::new(Reason::EnumUnknown, message, ""))
        }
    };
    let instruments = filter::numbers("instruments", &request.instruments, instrument)?;
    let size = page_size(request.page_size)?;
    let same = pb::ListMeasuresRequest {
        authorities: request.authorities.clone(),
        programmes: request.programmes.clone(),
        instruments: request.instruments.clone(),
        in_force_only: request.in_force_only,
        ..Default::default()
    };
    let place = begin(ledger, asked!(request), &request.page_token, &same).await?;
    let at = place.moment;
    let views = ledger.register().measures(&wanted, at);
    // The words of an instrument stand in its event; instruments are few.
    let mut measures = Vec::new();
    for view in views {
        let fact = stated_at(ledger, view.position).await?;
        let Some(Fact::MeasuresIssued(issued)) = fact else { continue };
        if !(instruments.is_empty() || instruments.contains(&issued.instrument)) {
            continue;
        }
        measures.push(pb::MeasureSummary {
            authority: convert::code(Some(view.authority)),
            programme: issued.programme,
            instrument: issued.instrument,
            title: issued.title,
            issuer_name: issued.issuer_name,
            document_number: view.document,
            in_force_from: Some(convert::pb_date(view.in_force_from)),
            in_force_to: view.in_force_to.map(convert::pb_date),
            in_force: view.in_force,
            position: view.position,
            repeal_position: view.repeal,
        });
    }
    let mut issuers: Vec<String> = measures.iter().map(|m| m.authority.clone()).collect();
    issuers.sort();
    issuers.dedup();
    issuers.retain(|code| *code != AuthorityCode::ministry().as_str());
    let count = |items: usize| u32::try_from(items).unwrap_or(u32::MAX);
    let (total, next_page_token) =
        (measures.len(), next_token(&place, size, measures.len(), &same));
    Ok(pb::ListMeasuresResponse {
        measures: measures.into_iter().skip(place.next).take(size).collect(),
        next_page_token,
        total: count(total),
        provincial_authorities: count(issuers.len()),
        as_of: Some(convert::pb_date(at.as_of)),
        known_at: at.known_at,
    })
}

pub(super) async fn assessments(
    ledger: &Arc<Ledger>,
    request: pb::ListAssessmentsRequest,
) -> Result<pb::ListAssessmentsResponse, Status> {
    let under = filter::region("region_under", &request.region_under)?;
    filter::bounded("years", request.years.len())?;
    let years: Vec<u16> = request.years.iter().filter_map(|y| u16::try_from(*y).ok()).collect();
    let size = page_size(request.page_size)?;
    let same = pb::ListAssessmentsRequest {
        region_under: request.region_under.clone(),
        years: request.years.clone(),
        ..Default::default()
    };
    let place = begin(ledger, asked!(request), &request.page_token, &same).await?;
    let at = place.moment;
    let no_such_year = years.is_empty() && !request.years.is_empty();
    let views =
        if no_such_year { Vec::new() } else { ledger.register().assessments(under, &years, at) };
    let next_page_token = next_token(&place, size, views.len(), &same);
    let mut assessments = Vec::new();
    for view in views.into_iter().skip(place.next).take(size) {
        if let Some(Fact::EnvironmentAssessed(stated)) = stated_at(ledger, view.position).await? {
            assessments.push(pb::AssessmentSummary {
                authority: convert::code(Some(view.authority)),
                assessment: Some(stated),
                position: view.position,
            });
        }
    }
    Ok(pb::ListAssessmentsResponse {
        assessments,
        next_page_token,
        as_of: Some(convert::pb_date(at.as_of)),
        known_at: at.known_at,
    })
}

/// The token after a page of a list that is at hand as a whole.
fn next_token(place: &Place, size: usize, total: usize, same: &impl prost::Message) -> String {
    let next = place.next.saturating_add(size);
    if next < total { Place { next, ..*place }.token(same) } else { String::new() }
}
