//! Reads filters of events and of titles: from names to the register's own types.

use std::sync::Arc;

use prost::Message as _;
use tonic::Status;

use super::{call::Call, convert, errors, questions::Questions};
use crate::{
    domain::{
        AuthorityCode, CivilDate, DesigneeId, DocumentNumber, IndustryCode, PartialDate,
        RegionCode,
        catalogue::Catalogues,
        fault::{Breach, Key, RuleId},
        kind::Kind,
        name::folded,
    },
    ledger::{Ledger, Pace, Unhurried},
    limits::{
        FILTER_DESIGNEES_MAX, FILTER_ODD_CODES_MAX, FILTER_VALUES_MAX, INLINE_WORK_BYTES_MAX,
        NAME_CHARS_MAX, QUESTION_SLICE_DESIGNEES, WRITTEN_TEXT_BYTES_MAX,
    },
    protocol::{event, pb, time::written},
    register::{EndCause, Interest, Wanted},
};

/// Reads a filter of events: a long one when it is its turn, because a watch-list takes a while.
///
/// # Errors
/// As for [`in_slices`].
pub(crate) async fn interest(
    ledger: &Arc<Ledger>,
    reading: &Questions,
    call: &Call,
    filter: Option<pb::EventFilter>,
) -> Result<Interest, Status> {
    let Some(filter) = filter else { return Ok(Interest::default()) };
    if is_short(&filter) {
        return at_once(ledger, &filter).await;
    }
    let ledger = Arc::clone(ledger);
    reading.ask(call, move |turn| in_slices(&ledger, &filter, turn)).await
}

/// True for a filter that is read where it arrives.
pub(crate) fn is_short(filter: &pb::EventFilter) -> bool {
    // Counting its bytes takes long for a long one.
    filter.designees.len() <= QUESTION_SLICE_DESIGNEES
        && filter.encoded_len() <= INLINE_WORK_BYTES_MAX
}

/// Reads a short filter.
pub(crate) async fn at_once(ledger: &Ledger, filter: &pb::EventFilter) -> Result<Interest, Status> {
    let mut interest = event_filter(ledger.catalogues(), filter, &mut Unhurried)?;
    let size = ledger.durable().size;
    while !ledger.register().cover(&mut interest, size, QUESTION_SLICE_DESIGNEES) {
        tokio::task::yield_now().await;
    }
    interest.shrink();
    Ok(interest)
}

/// Reads a filter in slices.
///
/// # Errors
/// An unknown name is an error; otherwise a stream would stay empty and look healthy.
pub(crate) fn in_slices(
    ledger: &Ledger,
    filter: &pb::EventFilter,
    pace: &mut dyn Pace,
) -> Result<Interest, Status> {
    let mut interest = event_filter(ledger.catalogues(), filter, pace)?;
    let size = ledger.durable().size;
    while !ledger.register().cover(&mut interest, size, QUESTION_SLICE_DESIGNEES) {
        pace.step()?;
    }
    interest.shrink();
    Ok(interest)
}

fn event_filter(
    catalogues: &Catalogues,
    filter: &pb::EventFilter,
    pace: &mut dyn Pace,
) -> Result<Interest, Status> {
    let programmes = each("filter.programmes", &filter.programmes, |id| catalogues.find(id))?;
    let authorities = each("filter.authorities", &filter.authorities, authority)?;
    let kinds = numbers("filter.kinds", &filter.kinds, Kind::from_number)?;
    let region = region("filter.region_under", &filter.region_under)?;
    let batches = each("filter.batches", &filter.batches, batch_id)?;

    let mut interest = Interest::default();
    programmes.into_iter().for_each(|programme| interest.programme(programme));
    authorities.into_iter().for_each(|authority| interest.authority(authority));
    kinds.into_iter().for_each(|kind| interest.kind(kind));
    region.into_iter().for_each(|region| interest.region_under(region));
    batches.into_iter().for_each(|batch| interest.batch(batch));
    let (field, designees) = ("filter.designees", &filter.designees);
    require_at_most(FILTER_DESIGNEES_MAX, field, designees.len())?;
    let mut odd = 0;
    for (i, text) in designees.iter().enumerate() {
        if i > 0 && i % QUESTION_SLICE_DESIGNEES == 0 {
            pace.step()?;
        }
        match DesigneeId::parse(text) {
            Ok(id) => interest.designee(id),
            Err(_) => {
                odd += 1;
                require_at_most(FILTER_ODD_CODES_MAX, "filter.designees (odd codes)", odd)?;
                let locals = read_entry(field, i, text, DesigneeId::of_odd_code)?;
                locals.for_each(|id| interest.designee(id));
            }
        }
    }
    Ok(interest)
}

fn authority(code: &str) -> Result<AuthorityCode, Breach> {
    if code.is_empty() {
        return Err(RuleId::FieldRequired.into());
    }
    AuthorityCode::parse(code)
}

/// Refuses a text that is longer than any on record, before work is done for it.
pub(crate) fn require_short(field: &str, text: &str) -> Result<(), Status> {
    short(text).map(drop).map_err(|breach| errors::bad_field(field, text, breach))
}

fn short(text: &str) -> Result<&str, Breach> {
    if text.len() > WRITTEN_TEXT_BYTES_MAX {
        let breach = RuleId::TextLength.with(Key::Count, text.len());
        return Err(breach.with(Key::Limit, WRITTEN_TEXT_BYTES_MAX));
    }
    Ok(text)
}

/// The id of a batch, which need not exist yet.
pub(crate) fn batch_id(text: &str) -> Result<&str, Breach> {
    match short(text)?.trim() {
        "" => Err(RuleId::FieldRequired.into()),
        id => Ok(id),
    }
}

/// Reads a filter of titles, the field `filter` of a request.
pub(crate) fn wanted(
    catalogues: &Catalogues,
    filter: Option<pb::TitleFilter>,
) -> Result<Wanted, Status> {
    filter.map_or_else(|| Ok(Wanted::default()), |filter| wanted_in("filter", catalogues, &filter))
}

/// Reads a filter of titles, the field `parent` of a request.
pub(crate) fn wanted_in(
    parent: &str,
    catalogues: &Catalogues,
    filter: &pb::TitleFilter,
) -> Result<Wanted, Status> {
    let at = |field: &str| format!("{parent}.{field}");
    let flag = |number: i32| {
        let known = pb::TitleFlag::try_from(number).is_ok_and(|f| f != pb::TitleFlag::Unspecified);
        u8::try_from(number).ok().filter(|_| known)
    };
    let ground = |number: i32| pb::RevocationGround::try_from(number).ok().and_then(event::ground);
    let code = AuthorityCode::parse;
    let text = |text: &str| Ok(short(text)?.trim().to_owned());
    let (from, to) = (filter.valid_to_from, filter.valid_to_to);
    Ok(Wanted {
        programmes: each(&at("programmes"), &filter.programmes, |id| catalogues.find(id))?,
        authorities: each(&at("authorities"), &filter.authorities, code)?,
        recommended_by: each(&at("recommended_by"), &filter.recommended_by, code)?,
        responsible: each(&at("responsible_authorities"), &filter.responsible_authorities, code)?,
        region_under: region(&at("region_under"), &filter.region_under)?,
        statuses: numbers(&at("statuses"), &filter.statuses, convert::status_from)?,
        batches: each(&at("batches"), &filter.batches, text)?,
        rounds: each(&at("rounds"), &filter.rounds, text)?,
        industries: each(&at("industries"), &filter.industries, IndustryCode::parse)?,
        flags: numbers(&at("flags"), &filter.flags, flag)?,
        name_prefix: name_prefix(&at("name_prefix"), &filter.name_prefix)?,
        document: document(&at("document_number"), &filter.document_number)?,
        sealed_only: filter.sealed_only,
        valid_to_from: day(&at("valid_to_from"), from, PartialDate::first_day)?,
        valid_to_to: day(&at("valid_to_to"), to, PartialDate::last_day)?,
        end_causes: numbers(&at("end_causes"), &filter.end_causes, EndCause::from_number)?,
        items: each(&at("items"), &filter.items, text)?,
        grounds: numbers(&at("grounds"), &filter.grounds, ground)?,
        listed_in: each(&at("listed_in"), &filter.listed_in, |id| Ok(batch_id(id)?.to_owned()))?,
    })
}

/// Reads the beginning of a name, folded.
fn name_prefix(field: &str, text: &str) -> Result<String, Status> {
    require_short(field, text)?;
    let prefix = folded(text);
    let length = prefix.chars().count();
    if length > NAME_CHARS_MAX {
        let breach = RuleId::NameLength.with(Key::Count, length).with(Key::Limit, NAME_CHARS_MAX);
        return Err(errors::bad_field(field, text, breach));
    }
    Ok(prefix)
}

/// Reads a document number; an empty text stays empty.
fn document(field: &str, text: &str) -> Result<String, Status> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let number = DocumentNumber::parse(text);
    let number = number.map_err(|breach| errors::bad_field(field, text, breach))?;
    Ok(number.as_str().to_owned())
}

/// Reads a day; a partial date is the day of it that `side` gives.
fn day(
    field: &str,
    date: Option<pb::Date>,
    side: impl Fn(PartialDate) -> CivilDate,
) -> Result<Option<CivilDate>, Status> {
    let Some(date) = date else { return Ok(None) };
    let pb::Date { year, month, day } = date;
    match PartialDate::parse_parts(year, month, day) {
        Ok(date) => Ok(Some(side(date))),
        Err(breach) => Err(errors::bad_field(field, &written(date), breach)),
    }
}

/// Reads every entry of a field; the first bad one is the error.
pub(crate) fn each<'a, T>(
    field: &str,
    texts: &'a [String],
    parse: impl Fn(&'a str) -> Result<T, Breach>,
) -> Result<Vec<T>, Status> {
    require_bounded(field, texts.len())?;
    texts.iter().enumerate().map(|(i, text)| read_entry(field, i, text, &parse)).collect()
}

fn read_entry<'a, T>(
    field: &str,
    i: usize,
    text: &'a str,
    parse: impl Fn(&'a str) -> Result<T, Breach>,
) -> Result<T, Status> {
    parse(text).map_err(|breach| errors::bad_field(&format!("{field}[{i}]"), text, breach))
}

/// As [`each`], for enum values; `parse` knows those of this version.
pub(crate) fn numbers<T>(
    field: &str,
    numbers: &[i32],
    parse: impl Fn(i32) -> Option<T>,
) -> Result<Vec<T>, Status> {
    require_bounded(field, numbers.len())?;
    let read = |(i, number): (usize, &i32)| {
        parse(*number).ok_or_else(|| errors::unknown_enum(&format!("{field}[{i}]"), *number))
    };
    numbers.iter().enumerate().map(read).collect()
}

/// Refuses a field with too many entries.
pub(crate) fn require_bounded(field: &str, count: usize) -> Result<(), Status> {
    require_at_most(FILTER_VALUES_MAX, field, count)
}

fn require_at_most(most: usize, field: &str, count: usize) -> Result<(), Status> {
    if count > most {
        return Err(errors::over_limit(field, count, most, "entries"));
    }
    Ok(())
}

/// Reads an authority; an empty text means `None`.
pub(crate) fn optional_authority(field: &str, text: &str) -> Result<Option<AuthorityCode>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    AuthorityCode::parse(text).map(Some).map_err(|breach| errors::bad_field(field, text, breach))
}

/// Reads a region; an empty text means `None`.
pub(crate) fn region(field: &str, text: &str) -> Result<Option<RegionCode>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    RegionCode::parse(text).map(Some).map_err(|breach| errors::bad_field(field, text, breach))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::ledger::GivenUp;

    /// Counts the slices, up to the last one.
    struct Steps(usize);

    impl Pace for Steps {
        fn step(&mut self) -> Result<(), GivenUp> {
            self.0 = self.0.checked_sub(1).ok_or(GivenUp)?;
            Ok(())
        }
    }

    fn of_designees(count: usize) -> pb::EventFilter {
        let designees = (0..count).map(|n| format!("local:330000/{n}")).collect();
        pb::EventFilter { designees, ..Default::default() }
    }

    #[test]
    fn a_long_filter_is_read_in_slices() {
        assert!(is_short(&of_designees(QUESTION_SLICE_DESIGNEES)));
        assert!(!is_short(&of_designees(QUESTION_SLICE_DESIGNEES + 1)));
        let of_bytes = |bytes: usize| pb::EventFilter {
            batches: vec!["b".repeat(bytes - 4)],
            ..Default::default()
        };
        assert_eq!(of_bytes(INLINE_WORK_BYTES_MAX).encoded_len(), INLINE_WORK_BYTES_MAX);
        assert!(is_short(&of_bytes(INLINE_WORK_BYTES_MAX)));
        assert!(!is_short(&of_bytes(INLINE_WORK_BYTES_MAX + 1)));

        let catalogues = Catalogues::built_in();
        let mut steps = Steps((FILTER_DESIGNEES_MAX - 1) / QUESTION_SLICE_DESIGNEES);
        let longest = of_designees(FILTER_DESIGNEES_MAX);
        event_filter(&catalogues, &longest, &mut steps).unwrap();
        assert_eq!(steps.0, 0);
        // Its caller goes.
        event_filter(&catalogues, &longest, &mut steps).unwrap_err();
        let longer = of_designees(FILTER_DESIGNEES_MAX + 1);
        event_filter(&catalogues, &longer, &mut Steps(usize::MAX)).unwrap_err();
    }
}
