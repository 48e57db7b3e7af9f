//! Makes one event of one row. A province in a row is never the deciding authority.
//!
//! Facts about titles are in `title`, those about designees in `subject`, the others in
//! `framework`.

mod framework;
mod place;
mod subject;
mod title;

use super::{
    AuthorityOf,
    choices::{self, choose},
    columns::Column,
    error::{RowError, echo_on_one_line},
    fact_kinds::FactKind,
    fields::{Field, FieldSet},
    note::TableNotes,
    options::Options,
    row::RowReader,
    sheet::SheetRow,
    template::EXAMPLE,
    values::{self, Period},
};
use crate::{
    lang::{Both, both},
    protocol::pb::{self, event::Fact},
};

/// The authority that decides for the whole country. Its lists name the recommending authorities.
const MINISTRY: &str = "100000";

/// The settings and columns that all rows of a sheet share.
pub(super) struct Context<'a> {
    pub(super) options: &'a Options,
    pub(super) authority_of: AuthorityOf,
    pub(super) sheet: &'a str,
    pub(super) columns: &'a [Column],
    /// The fact of a row that has no cell for it, by the option or by a title.
    pub(super) fact: Option<FactKind>,
    /// The assumptions under which rows are read.
    pub(super) notes: TableNotes,
}

/// A row that was read.
#[derive(Debug)]
pub(super) struct ReadRow {
    /// The fact that it states; `None` if its cell is no kind of fact.
    pub(super) kind: Option<FactKind>,
    /// Needed fields for which the list has no column and the caller gave no value.
    pub(super) lacking: FieldSet,
    /// Fields with a cell that the fact does not take.
    pub(super) unused: FieldSet,
    /// The event, or all faults of the row. There are none, and no event, if only fields lack.
    pub(super) event: Result<Option<pb::Event>, Vec<RowError>>,
}

/// What the fact of a row is made of, beside its own columns.
struct Parts {
    names: Names,
    recommended_by: String,
    dates: Dates,
}

/// Reads a row.
pub(super) fn read(context: &Context<'_>, row: &SheetRow) -> ReadRow {
    let mut reader = RowReader::new(context, row);
    if reader.cell_text(Field::Row).starts_with(EXAMPLE) {
        let none = FieldSet::default();
        let event = Err(reader.example());
        return ReadRow { kind: None, lacking: none, unused: none, event };
    }
    let stated = reader.cell(Field::Fact).is_some();
    let kind = match reader.fact() {
        None if stated => None,
        kind => Some(kind.or(context.fact).unwrap_or(FactKind::Designated)),
    };
    // The other faults of a row without a known fact would follow from a guess.
    let event = kind.map(|kind| event(&mut reader, context, kind));
    let unused = kind.map_or(FieldSet::default(), |kind| reader.filled_beside(kind.takes()));
    let (lacking, errors) = reader.finish();
    let is_whole = errors.is_empty();
    let event = if is_whole { Ok(event.filter(|_| lacking.is_empty())) } else { Err(errors) };
    ReadRow { kind, lacking, unused, event }
}

fn event(reader: &mut RowReader<'_>, context: &Context<'_>, kind: FactKind) -> pb::Event {
    reader.require_batch_of(kind);
    let authority = reader.authority(Field::Authority).unwrap_or_default();
    if reader.text(Field::Authority).is_empty() {
        reader.missing(Field::Authority);
    }
    let dates = dates(reader, kind);
    let (mut recommended_by, mut designee) = (String::new(), String::new());
    let names = names(reader, kind);
    if kind.is_about_designee() {
        recommended_by = recommended(reader, &authority, context.authority_of);
        designee = identifier(reader, &names, &recommended_by, &authority);
    }
    let evidence = evidence(reader, kind);
    let effective_date = dates.effective;
    let fact = fact(reader, kind, Parts { names, recommended_by, dates });
    let rule_version = if kind.takes().has(Field::RuleVersion) {
        reader.text(Field::RuleVersion)
    } else {
        String::new()
    };
    pb::Event {
        authority,
        designee,
        effective_date,
        evidence: (evidence != pb::Evidence::default()).then_some(evidence),
        rule_version,
        fact: Some(fact),
        ..Default::default()
    }
}

fn evidence(reader: &mut RowReader<'_>, kind: FactKind) -> pb::Evidence {
    let documents: &[Field] =
        if kind == FactKind::Designated { &[Field::DesignationDocument] } else { &[] };
    let document = reader.first_cell_of(Field::Document, documents).unwrap_or(Field::Document);
    pb::Evidence {
        document_number: reader.text(document),
        document_date: reader.date(Field::DocumentDate),
        published_date: reader.date(Field::PublishedDate),
        url: reader.text(Field::Url),
        row: reader.parse(Field::Row, values::row_number).unwrap_or_default(),
        ..Default::default()
    }
}

/// Sends a row to the reader of its fact.
fn fact(reader: &mut RowReader<'_>, kind: FactKind, parts: Parts) -> Fact {
    match kind {
        FactKind::Designated => title::designated(reader, parts),
        FactKind::Notice => title::notice(reader, parts),
        FactKind::ReviewPassed => title::review_passed(reader, &parts),
        FactKind::ReviewFailed => title::review_failed(reader),
        FactKind::Revoked => title::revoked(reader),
        FactKind::ObjectionRaised => title::objection_raised(reader),
        FactKind::ObjectionResolved => title::objection_resolved(reader),
        FactKind::NoticeWithdrawn => title::notice_withdrawn(reader),
        FactKind::ReviewOpened => title::review_opened(reader),
        FactKind::RevocationProposed => title::revocation_proposed(reader),
        FactKind::Surrendered => title::surrendered(reader),
        FactKind::Reinstated => title::reinstated(reader),
        FactKind::TitleTransferred => title::transferred(reader, &parts),
        FactKind::TitleConverted => title::converted(reader, &parts),
        FactKind::CreationListed => title::creation_listed(reader, parts),
        FactKind::CreationAssessed => title::creation_assessed(reader),
        FactKind::RectificationOrdered => title::rectification_ordered(reader),
        FactKind::SupportGranted => title::support_granted(reader),
        FactKind::Renamed => subject::renamed(reader, parts.names),
        FactKind::Relocated => subject::relocated(reader),
        FactKind::Restructured => subject::restructured(reader),
        FactKind::IdentifierChanged => subject::identifier_changed(reader),
        FactKind::SubjectEnded => subject::ended(reader),
        FactKind::InformationUpdated => subject::information_updated(reader),
        FactKind::MajorChangeReported => subject::major_change_reported(reader),
        FactKind::PoolEntered => subject::pool_entered(reader, parts.names),
        FactKind::PoolLeft => subject::pool_left(reader),
        FactKind::BatchOpened => framework::batch_opened(reader),
        FactKind::BatchSealed => framework::batch_sealed(reader),
        FactKind::MeasuresIssued => framework::measures_issued(reader),
        FactKind::MeasuresRepealed => framework::measures_repealed(reader),
        FactKind::EnvironmentAssessed => framework::environment_assessed(reader),
        FactKind::CompletenessDeclared => framework::completeness_declared(reader),
    }
}

/// The names in a row. Only a renaming has two.
struct Names {
    /// The name under which the log knows the designee.
    known: String,
    /// The name after a renaming.
    new: String,
}

fn names(reader: &RowReader<'_>, kind: FactKind) -> Names {
    let name = reader.cell_text(Field::Name);
    if kind != FactKind::Renamed {
        return Names { known: name, new: String::new() };
    }
    let or_name = |text: String| if text.is_empty() { name.clone() } else { text };
    let (old, new) = (reader.cell_text(Field::OldName), reader.cell_text(Field::NewName));
    // A list may give one of the two in its plain name column.
    match (old.is_empty(), new.is_empty()) {
        (true, true) => Names { known: old, new },
        _ => Names { known: or_name(old), new: or_name(new) },
    }
}

/// The recommending authority. In a list of the ministry the province is that authority. In a list
/// of a province it may be any place, and is then ignored.
fn recommended(reader: &mut RowReader<'_>, authority: &str, authority_of: AuthorityOf) -> String {
    if reader.cell(Field::RecommendedBy).is_some() {
        return reader.authority(Field::RecommendedBy).unwrap_or_default();
    }
    let province = reader.cell_text(Field::Province);
    if !province.is_empty() && (authority == MINISTRY || authority_of(&province).is_some()) {
        return reader.authority(Field::Province).unwrap_or_default();
    }
    reader.authority(Field::RecommendedBy).unwrap_or_default()
}

fn identifier(
    reader: &mut RowReader<'_>,
    names: &Names,
    recommended_by: &str,
    authority: &str,
) -> String {
    if let Some(code) = reader.code(authority) {
        return code;
    }
    if names.known.is_empty() {
        reader.lacks(
            Field::Name,
            Both::word("the row has neither a name nor a code", "该行既没有名称，也没有代码"),
        );
        return String::new();
    }
    let by = if recommended_by.is_empty() { authority } else { recommended_by };
    format!("provisional:{by}/{}", names.known)
}

/// The dates of a row. A column with a range supplies those that have no column of their own.
struct Dates {
    effective: Option<pb::Date>,
    valid_to: Option<pb::Date>,
    notice_from: Option<pb::Date>,
    notice_to: Option<pb::Date>,
}

fn dates(reader: &mut RowReader<'_>, kind: FactKind) -> Dates {
    let takes = kind.takes();
    let has_period = takes.has(Field::Validity);
    let period = if has_period { reader.validity() } else { Period::default() };
    let effective = reader.first_cell_of(Field::Date, kind.days());
    let mut effective = match (effective, period.first) {
        (None, Some(first)) => Some(first.date),
        (None, None) => reader.date(Field::Date),
        (Some(field), _) => reader.date(field),
    };
    let valid_to = match reader.last_of(&period, effective) {
        Some(last) if reader.cell(Field::ValidTo).is_none() => Some(last),
        _ if takes.has(Field::ValidTo) => reader.date(Field::ValidTo),
        _ => None,
    };
    let is_notice = takes.has(Field::NoticeFrom);
    let (mut notice_from, mut notice_to) = (None, None);
    if is_notice {
        (notice_from, notice_to) = (reader.date(Field::NoticeFrom), reader.date(Field::NoticeTo));
        // A notice takes effect on its first day, so either date supplies the other.
        notice_from = notice_from.or(effective);
        effective = effective.or(notice_from);
    }
    let has_text = !reader.text(Field::Date).is_empty()
        || reader.first_cell_of(Field::Date, kind.days()).is_some()
        // A fault of this column has been told.
        || has_period && reader.cell(Field::Validity).is_some() && period == Period::default();
    if effective.is_none() && !has_text {
        reader.missing(Field::Date);
    }
    Dates { effective, valid_to, notice_from, notice_to }
}

fn profile(reader: &mut RowReader<'_>, name: String) -> pb::Profile {
    let size = reader.parse(Field::Size, values::size);
    let kind = reader.parse(Field::SubjectKind, |text| choose(choices::SUBJECT_KINDS, text));
    pb::Profile {
        name,
        name_en: reader.text(Field::NameEn),
        kind: kind.unwrap_or(pb::DesigneeKind::Unspecified).into(),
        registered_region: place::region(reader),
        industry: reader.text(Field::Industry),
        size_class: size.unwrap_or(pb::SizeClass::Unspecified).into(),
        main_product: reader.text(Field::MainProduct),
    }
}

/// A text that the record keeps as an identifier.
fn id(text: &str) -> Result<String, Both> {
    Ok(text.to_owned())
}

fn year(text: &str) -> Result<u32, Both> {
    let digits = text.trim().trim_end_matches('度').trim_end_matches('年');
    let year = digits.parse().ok().filter(|_| digits.len() == 4);
    year.ok_or_else(|| {
        both!(
            en: "{0} is not a year; write 2026",
            zh: "“{0}”不是年份；请写成 2026",
            echo_on_one_line(text)
        )
    })
}

fn count(text: &str) -> Result<u32, Both> {
    let digits = text.trim().trim_end_matches(['家', '户', '个']);
    let count = digits.parse().ok();
    count.ok_or_else(|| {
        both!(
            en: "{0} is not a number of rows; write 25",
            zh: "“{0}”不是行数；请写成 25",
            echo_on_one_line(text)
        )
    })
}
