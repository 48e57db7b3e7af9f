//! The framework around titles: pools, measures, assessments, authorities.

use std::collections::BTreeSet;

use tonic::Status;

use super::{RegisterApi, sight_of, stated_here};
use crate::{
    domain::{AuthorityCode, BodyCode, PartialDate, Region, RegionCode},
    ledger::{Ledger, Pace as _},
    limits::{QUESTION_SLICE_ENTRIES, QUESTION_SLICE_LEAVES},
    protocol::{
        pb::{self, event::Fact},
        time::pb_date,
    },
    register::{AssessmentsReading, MeasureView, MeasuresReading, MeasuresWanted, PoolView},
    service::{
        as_of::answered,
        call::Call,
        convert, filter,
        page::{PageToken, page_size},
        questions::Turn,
        room::Room,
    },
};

pub(super) async fn pools(
    api: &RegisterApi,
    call: &Call,
    request: pb::ListPoolsRequest,
) -> Result<pb::ListPoolsResponse, Status> {
    let ledger = &*api.ledger;
    let authorities = filter::each("authorities", &request.authorities, AuthorityCode::parse)?;
    let size = page_size(request.page_size)?;
    let same = pb::ListPoolsRequest { authorities: request.authorities, ..Default::default() };
    let token = PageToken::read(ledger, call, request.as_of, &request.page_token, &same).await?;
    let at = token.as_of;
    let sight = sight_of(ledger, call)?;
    let question = move |ledger: &Ledger, turn: &mut Turn| {
        let register = ledger.register();
        let mut reading = register.as_seen(sight.as_ref()).read_pools(&authorities, at);
        drop(register);
        while reading.advance(&ledger.register(), QUESTION_SLICE_ENTRIES) {
            turn.step()?;
        }
        let mut pools = reading.views(&ledger.register());
        pools.sort_unstable();
        Ok(pools)
    };
    let pools = api.ask(call, question).await?;
    let mut having: Vec<AuthorityCode> = pools.iter().map(|pool| pool.authority).collect();
    having.dedup();
    let pool = |pool: &PoolView| pb::Pool {
        authority: convert::code(Some(pool.authority)),
        pool: pool.pool.clone(),
        entry_count: pool.entries,
    };
    Ok(pb::ListPoolsResponse {
        pools: pools.iter().skip(token.next).take(size).map(pool).collect(),
        next_page_token: token.text_after(size, pools.len(), &same),
        entry_count: pools.iter().map(|pool| pool.entries).sum(),
        authority_count: count(having.len()),
        as_of: answered(ledger, at),
    })
}

pub(super) async fn measures(
    api: &RegisterApi,
    call: &Call,
    request: pb::ListMeasuresRequest,
) -> Result<pb::ListMeasuresResponse, Status> {
    let ledger = &*api.ledger;
    let catalogues = ledger.catalogues();
    let wanted = MeasuresWanted {
        authorities: filter::each("authorities", &request.authorities, AuthorityCode::parse)?,
        programmes: filter::each("programmes", &request.programmes, |id| catalogues.find(id))?,
        bodies: filter::each("bodies", &request.bodies, BodyCode::parse)?,
        in_force_only: request.in_force_only,
    };
    let asked = wanted.authorities.clone();
    let instrument = |number: i32| match pb::Instrument::try_from(number) {
        Ok(instrument) if instrument != pb::Instrument::Unspecified => Some(number),
        _ => None,
    };
    let instruments = filter::numbers("instruments", &request.instruments, instrument)?;
    let size = page_size(request.page_size)?;
    let same = pb::ListMeasuresRequest {
        authorities: request.authorities.clone(),
        programmes: request.programmes.clone(),
        instruments: request.instruments.clone(),
        bodies: request.bodies.clone(),
        in_force_only: request.in_force_only,
        ..Default::default()
    };
    let token = PageToken::read(ledger, call, request.as_of, &request.page_token, &same).await?;
    let at = token.as_of;
    let sight = sight_of(ledger, call)?;
    let within = sight.clone();
    let question = move |ledger: &Ledger, turn: &mut Turn| {
        let mut reading = MeasuresReading::new(wanted, at).within(within);
        while reading.advance(&ledger.register(), QUESTION_SLICE_ENTRIES) {
            turn.step()?;
        }
        let read = reading.sum_up();
        let views = read.views(&ledger.register());
        MeasuresPage::read(ledger, views, (token.next, size, &instruments), turn)
    };
    let MeasuresPage { measures, total, mut issuers, .. } = api.ask(call, question).await?;
    issuers.remove(&AuthorityCode::ministry());
    let is_asked = |authority: &AuthorityCode| {
        (asked.is_empty() || asked.contains(authority))
            && sight.as_ref().is_none_or(|sight| sight.shows_issuer(*authority))
    };
    let without = AuthorityCode::all()
        .filter(|authority| is_asked(authority) && !authority.is_ministry())
        .filter(|authority| !issuers.contains(authority));
    let authorities_without = without.map(|authority| authority.as_str().to_owned()).collect();
    let next_page_token = token.text_after(measures.len(), total, &same);
    Ok(pb::ListMeasuresResponse {
        measures,
        next_page_token,
        total_size: count(total),
        provincial_authority_count: count(issuers.len()),
        authorities_without,
        as_of: answered(ledger, at),
    })
}

/// A page of instruments, and the sums over all that match.
struct MeasuresPage {
    measures: Vec<pb::Measure>,
    total: usize,
    issuers: BTreeSet<AuthorityCode>,
    room: Room,
    is_full: bool,
}

impl MeasuresPage {
    /// Reads the words of instruments. The title of one is only in its event, and so is its kind.
    fn read(
        ledger: &Ledger,
        views: Vec<MeasureView>,
        (first, size, kinds): (usize, usize, &[i32]),
        turn: &mut Turn,
    ) -> Result<Self, Status> {
        let mut page = Self {
            measures: Vec::new(),
            total: 0,
            issuers: BTreeSet::new(),
            room: Room::of_page(),
            is_full: false,
        };
        let mut read = 0;
        for view in views {
            let is_shown = page.total >= first && page.measures.len() < size && !page.is_full;
            if !is_shown && kinds.is_empty() {
                page.issuers.extend(view.authority);
                page.total += 1;
                continue;
            }
            read += 1;
            if read % QUESTION_SLICE_LEAVES == 0 {
                turn.step()?;
            }
            let fact = stated_here(ledger, view.position)?;
            let Some(Fact::MeasuresIssued(issued)) = fact else { continue };
            if !(kinds.is_empty() || kinds.contains(&issued.instrument)) {
                continue;
            }
            page.issuers.extend(view.authority);
            page.total += 1;
            if is_shown {
                page.add(measure(view, issued));
            }
        }
        Ok(page)
    }

    fn add(&mut self, measure: pb::Measure) {
        self.is_full = !self.room.takes(&measure);
        if !self.is_full {
            self.measures.push(measure);
        }
    }
}

/// An instrument as a message, from its row and its event.
fn measure(view: MeasureView, issued: pb::MeasuresIssued) -> pb::Measure {
    pb::Measure {
        authority: convert::code(view.authority),
        programme: issued.programme,
        instrument: issued.instrument,
        title: issued.title,
        issuer_name: issued.issuer_name,
        document_number: view.document,
        in_force_from: Some(pb_date(view.in_force_from)),
        in_force_to: view.in_force_to.map(pb_date),
        in_force: view.in_force,
        position: view.position,
        repeal_position: view.repeal,
        issuing_bodies: issued.issuing_bodies,
        amends: issued.amends,
        amended_by_positions: view.amended_by,
    }
}

pub(super) async fn assessments(
    api: &RegisterApi,
    call: &Call,
    request: pb::ListAssessmentsRequest,
) -> Result<pb::ListAssessmentsResponse, Status> {
    let ledger = &*api.ledger;
    let under = filter::region("region_under", &request.region_under)?;
    filter::require_bounded("years", request.years.len())?;
    let years: Vec<u16> = request.years.iter().filter_map(|y| u16::try_from(*y).ok()).collect();
    let size = page_size(request.page_size)?;
    let same = pb::ListAssessmentsRequest {
        region_under: request.region_under.clone(),
        years: request.years.clone(),
        ..Default::default()
    };
    let token = PageToken::read(ledger, call, request.as_of, &request.page_token, &same).await?;
    let at = token.as_of;
    let no_such_year = years.is_empty() && !request.years.is_empty();
    let sight = sight_of(ledger, call)?;
    let question = move |ledger: &Ledger, turn: &mut Turn| {
        if no_such_year {
            return Ok((Vec::new(), 0, 0));
        }
        let mut reading = AssessmentsReading::new(under, years, at).within(sight);
        while reading.advance(&ledger.register(), QUESTION_SLICE_ENTRIES) {
            turn.step()?;
        }
        let views = reading.views();
        let (mut assessments, mut examined, total) = (Vec::new(), 0, views.len());
        let mut room = Room::of_page();
        for view in views.into_iter().skip(token.next).take(size) {
            if examined % QUESTION_SLICE_LEAVES == 0 {
                turn.step()?;
            }
            let fact = stated_here(ledger, view.position)?;
            if let Some(Fact::EnvironmentAssessed(stated)) = fact {
                let assessment = pb::Assessment {
                    authority: convert::code(view.authority),
                    assessment: Some(stated),
                    position: view.position,
                };
                if !room.takes(&assessment) {
                    break;
                }
                assessments.push(assessment);
            }
            examined += 1;
        }
        Ok((assessments, examined, total))
    };
    let (assessments, examined, total) = api.ask(call, question).await?;
    let next_page_token = token.text_after(examined, total, &same);
    Ok(pb::ListAssessmentsResponse { assessments, next_page_token, as_of: answered(ledger, at) })
}

/// The number of items in a list, for an answer.
fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}

/// The authorities: the ministry and the provincial-level ones.
pub(super) fn authorities() -> Vec<pb::Authority> {
    let authorities = AuthorityCode::all().map(|code| {
        let info = code.info();
        pb::Authority {
            code: code.as_str().to_owned(),
            name: info.name.to_owned(),
            name_en: info.name_en.to_owned(),
            kind: info.kind.as_str().to_owned(),
            excluded_from: info.excluded_from.map_or("", |a| a.as_str()).to_owned(),
        }
    });
    authorities.collect()
}

/// The bodies that issue instruments.
pub(super) fn bodies() -> Vec<pb::Body> {
    let bodies = BodyCode::all().map(|code| {
        let info = code.info();
        let names = info.names.iter().map(|name| pb::BodyName {
            name: name.name.to_owned(),
            short_name: name.short_name.to_owned(),
            name_en: name.name_en.to_owned(),
            from_date: name.from.map(month),
            to_date: name.to.map(month),
        });
        pb::Body {
            code: code.as_str().to_owned(),
            names: names.collect(),
            successor: info.successor.map_or("", BodyCode::as_str).to_owned(),
        }
    });
    bodies.collect()
}

fn month(date: PartialDate) -> pb::Date {
    let (year, month, day) = date.parts();
    pb::Date { year, month, day }
}

/// The regions of the table; the corps is an authority and not one of them.
pub(super) fn regions() -> Vec<pb::Region> {
    let regions = Region::all().iter().filter_map(|region| {
        let place = RegionCode::parse(region.code).ok()?;
        let authority = AuthorityCode::all().find(|authority| authority.region() == Some(place));
        Some(pb::Region {
            code: region.code.to_owned(),
            name: region.name.to_owned(),
            name_en: region.name_en.to_owned(),
            kind: region.kind.to_owned(),
            parent: region.parent.to_owned(),
            iso_code: region.iso_code.to_owned(),
            authority: convert::code(authority),
        })
    });
    regions.collect()
}
