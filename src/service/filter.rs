//! Filters: from names to what the register asks, of events and of titles.

use tonic::Status;

use super::{convert, errors};
use crate::{
    domain::{
        AuthorityCode, DesigneeId, DocumentNumber, IndustryCode, RegionCode,
        catalogue::Catalogue,
        fault::{Fault, ParseError, Reason},
        kind::Kind,
        name::folded,
    },
    ledger::Ledger,
    limits::{FILTER_DESIGNEES_MAX, FILTER_VALUES_MAX, NAME_CHARS_MAX, QUESTION_SLICE_DESIGNEES},
    protocol::{
        event::{Fields, Need, Source},
        pb,
    },
    register::{Interest, Wanted},
};

/// Reads a filter. What is not known is an error, never a stream that stays empty and looks healthy.
pub(crate) async fn interest(
    ledger: &Ledger,
    filter: Option<pb::Filter>,
) -> Result<Interest, Status> {
    let Some(filter) = filter else { return Ok(Interest::default()) };
    let mut interest = read(ledger, filter)?;
    while !interest.cover(&ledger.register(), QUESTION_SLICE_DESIGNEES) {
        tokio::task::yield_now().await;
    }
    Ok(interest)
}

fn read(ledger: &Ledger, mut filter: pb::Filter) -> Result<Interest, Status> {
    let mut interest = Interest::default();
    let counts = [
        ("filter.programmes", filter.programmes.len()),
        ("filter.authorities", filter.authorities.len()),
        ("filter.kinds", filter.kinds.len()),
    ];
    for (field, count) in counts {
        bounded(field, count)?;
    }
    for (i, id) in filter.programmes.iter().enumerate() {
        let found = ledger.catalogue().find(id);
        let field = format!("filter.programmes[{i}]");
        interest.programme(found.map_err(|error| errors::bad_field(&field, id, &error))?);
    }
    let mut fields = Fields::new(ledger.catalogue(), Source::Caller, 0);
    for (i, code) in filter.authorities.iter_mut().enumerate() {
        let field = format!("filter.authorities[{i}]");
        if let Some(authority) = fields.authority(&field, code, Need::Required) {
            interest.authority(authority);
        }
    }
    if let Some(fault) = fields.finish().0.into_iter().next() {
        return Err(first_fault(fault));
    }
    for (i, number) in filter.kinds.into_iter().enumerate() {
        let kind = Kind::from_number(number).ok_or_else(|| {
            let message = "is not a kind of this version's protocol";
            let error = ParseError::new(Reason::EnumUnknown, message, "");
            errors::bad_field(&format!("filter.kinds[{i}]"), &number.to_string(), &error)
        })?;
        interest.kind(kind);
    }
    if let Some(region) = region("filter.region_under", &filter.region_under)? {
        interest.region_under(region);
    }
    for batch in each("filter.batches", &filter.batches, batch_id)? {
        interest.batch(batch);
    }
    let count = filter.designees.len();
    if count > FILTER_DESIGNEES_MAX {
        let limit = FILTER_DESIGNEES_MAX;
        return Err(errors::over_limit("filter.designees", count, limit, "entries"));
    }
    for (i, id) in filter.designees.iter().enumerate() {
        let parsed = DesigneeId::parse(id);
        let field = || format!("filter.designees[{i}]");
        interest.designee(parsed.map_err(|error| errors::bad_field(&field(), id, &error))?);
    }
    Ok(interest)
}

/// The id of a batch, which need not exist yet.
fn batch_id(text: &str) -> Result<&str, ParseError> {
    match text.trim() {
        "" => Err(ParseError::new(Reason::FieldRequired, "is empty", "")),
        id => Ok(id),
    }
}

fn first_fault(fault: Fault) -> Status {
    let error = ParseError::new(fault.reason, fault.message, "");
    errors::bad_field(&fault.field, &fault.value, &error)
}

/// Reads a filter of titles.
pub(crate) fn wanted(
    catalogue: &Catalogue,
    filter: Option<pb::TitleFilter>,
) -> Result<Wanted, Status> {
    let Some(filter) = filter else { return Ok(Wanted::default()) };
    let pb::TitleFilter { region_under, name_prefix, document_number, sealed_only, .. } = &filter;
    let name_prefix = folded(name_prefix);
    if name_prefix.chars().count() > NAME_CHARS_MAX {
        let message = format!("has more than {NAME_CHARS_MAX} characters");
        let error = ParseError::new(Reason::FieldInvalid, message, "");
        return Err(errors::bad_field("filter.name_prefix", &filter.name_prefix, &error));
    }
    let document = match document_number.as_str() {
        "" => String::new(),
        text => DocumentNumber::parse(text)
            .map_err(|error| errors::bad_field("filter.document_number", text, &error))?
            .as_str()
            .to_owned(),
    };
    let status = |number: i32| convert::status_from(number).ok_or_else(|| unknown_value("status"));
    let flag = |number: i32| {
        let known = pb::TitleFlag::try_from(number).is_ok_and(|f| f != pb::TitleFlag::Unspecified);
        let number = u8::try_from(number).ok().filter(|_| known);
        number.ok_or_else(|| unknown_value("flag"))
    };
    let authority = |text: &str| AuthorityCode::parse(text);
    Ok(Wanted {
        programmes: each("filter.programmes", &filter.programmes, |id| catalogue.find(id))?,
        authorities: each("filter.authorities", &filter.authorities, authority)?,
        recommended_by: each("filter.recommended_by", &filter.recommended_by, authority)?,
        responsible: each(
            "filter.responsible_authorities",
            &filter.responsible_authorities,
            authority,
        )?,
        region_under: region("filter.region_under", region_under)?,
        statuses: numbers("filter.statuses", &filter.statuses, status)?,
        batches: each("filter.batches", &filter.batches, |id| Ok(id.trim().to_owned()))?,
        rounds: each("filter.rounds", &filter.rounds, |id| Ok(id.trim().to_owned()))?,
        industries: each("filter.industries", &filter.industries, IndustryCode::parse)?,
        flags: numbers("filter.flags", &filter.flags, flag)?,
        name_prefix,
        document,
        sealed_only: *sealed_only,
    })
}

fn unknown_value(what: &str) -> ParseError {
    let message = format!("is not a {what} of this version's protocol");
    ParseError::new(Reason::EnumUnknown, message, "")
}

/// Reads every entry of a field; the first bad one is the error.
pub(crate) fn each<'a, T>(
    field: &str,
    texts: &'a [String],
    parse: impl Fn(&'a str) -> Result<T, ParseError>,
) -> Result<Vec<T>, Status> {
    bounded(field, texts.len())?;
    let read = |(i, text): (usize, &'a String)| {
        parse(text).map_err(|error| errors::bad_field(&format!("{field}[{i}]"), text, &error))
    };
    texts.iter().enumerate().map(read).collect()
}

/// As [`each`], of enum values.
pub(crate) fn numbers<T>(
    field: &str,
    numbers: &[i32],
    parse: impl Fn(i32) -> Result<T, ParseError>,
) -> Result<Vec<T>, Status> {
    bounded(field, numbers.len())?;
    let read = |(i, number): (usize, &i32)| {
        let field = format!("{field}[{i}]");
        parse(*number).map_err(|error| errors::bad_field(&field, &number.to_string(), &error))
    };
    numbers.iter().enumerate().map(read).collect()
}

pub(crate) fn bounded(field: &str, count: usize) -> Result<(), Status> {
    if count > FILTER_VALUES_MAX {
        return Err(errors::over_limit(field, count, FILTER_VALUES_MAX, "entries"));
    }
    Ok(())
}

/// A region, or none for the empty text.
pub(crate) fn region(field: &str, text: &str) -> Result<Option<RegionCode>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    RegionCode::parse(text).map(Some).map_err(|error| errors::bad_field(field, text, &error))
}
