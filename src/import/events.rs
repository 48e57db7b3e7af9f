//! Makes one event of one row. A province in a row is never the deciding authority.

use super::{
    AuthorityOf,
    columns::Column,
    error::RowError,
    fields::Field,
    options::{FactKind, Options},
    row::RowReader,
    sheet::SheetRow,
    values,
};
use crate::protocol::pb::{self, event::Fact};

/// The authority that decides for the whole country. Its lists name the recommending authorities.
const MINISTRY: &str = "100000";

/// The settings and columns that all rows of a sheet share.
pub(super) struct Context<'a> {
    pub(super) options: &'a Options,
    pub(super) authority_of: AuthorityOf,
    pub(super) sheet: &'a str,
    pub(super) columns: &'a [Column],
}

/// The event of a row, or all faults of the row.
pub(super) fn event(context: &Context<'_>, row: &SheetRow) -> Result<pb::Event, Vec<RowError>> {
    let mut reader = RowReader::new(context, row);
    let kind = match reader.parse(Field::Fact, values::fact) {
        Some(kind) => kind,
        None => context.options.fact.unwrap_or(FactKind::Designated),
    };
    let authority = reader.authority(Field::Authority).unwrap_or_default();
    if reader.text(Field::Authority).is_empty() {
        reader.missing(Field::Authority, "deciding authority");
    }
    let recommended_by = recommended_by(&mut reader, &authority, context.authority_of);
    let names = names(&reader, kind);
    let designee = designee(&mut reader, &names, &recommended_by, &authority);
    let dates = dates(&mut reader, kind);
    let row_number = reader.parse(Field::Row, row_number).unwrap_or_default();
    let evidence = pb::Evidence {
        document_number: reader.text(Field::Document),
        document_date: reader.date(Field::DocumentDate),
        published_date: reader.date(Field::PublishedDate),
        url: reader.text(Field::Url),
        row: row_number,
        ..Default::default()
    };
    let fact = fact(&mut reader, kind, names, recommended_by, &dates);
    let event = pb::Event {
        authority,
        designee,
        effective_date: dates.effective,
        evidence: (evidence != pb::Evidence::default()).then_some(evidence),
        rule_version: reader.text(Field::RuleVersion),
        fact: Some(fact),
        ..Default::default()
    };
    reader.finish(event)
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
fn recommended_by(
    reader: &mut RowReader<'_>,
    authority: &str,
    authority_of: AuthorityOf,
) -> String {
    if reader.cell(Field::RecommendedBy).is_some() {
        return reader.authority(Field::RecommendedBy).unwrap_or_default();
    }
    let province = reader.cell_text(Field::Province);
    if !province.is_empty() && (authority == MINISTRY || authority_of(&province).is_some()) {
        return reader.authority(Field::Province).unwrap_or_default();
    }
    reader.authority(Field::RecommendedBy).unwrap_or_default()
}

fn designee(
    reader: &mut RowReader<'_>,
    names: &Names,
    recommended_by: &str,
    authority: &str,
) -> String {
    let has_code_cell = reader.cell(Field::Designee).is_some();
    let code = reader.code();
    if has_code_cell {
        return code;
    }
    if names.known.is_empty() {
        reader.lacks(Field::Name, "the row has neither a name nor a code");
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
    let (first, last) = reader.validity();
    let stated = |reader: &RowReader<'_>, field| reader.cell(field).is_some();
    let mut effective = match first {
        Some(first) if !stated(reader, Field::Date) => Some(first),
        _ => reader.date(Field::Date),
    };
    let valid_to = match last {
        Some(last) if !stated(reader, Field::ValidTo) => Some(last),
        _ => reader.date(Field::ValidTo),
    };
    let is_notice = kind == FactKind::Notice;
    let mut notice_from = reader.date(Field::NoticeFrom).filter(|_| is_notice);
    let notice_to = reader.date(Field::NoticeTo).filter(|_| is_notice);
    if is_notice {
        // A notice takes effect on its first day, so either date supplies the other.
        notice_from = notice_from.or(effective);
        effective = effective.or(notice_from);
    }
    let has_text = !reader.text(Field::Date).is_empty() || stated(reader, Field::Validity);
    if effective.is_none() && !has_text {
        reader.missing(Field::Date, "date");
    }
    Dates { effective, valid_to, notice_from, notice_to }
}

fn row_number(text: &str) -> Result<u32, String> {
    values::chinese_number(text).ok_or_else(|| {
        format!(
            "{} is not a row number; --column ignore=HEADER leaves it out",
            super::error::echo_on_one_line(text)
        )
    })
}

fn fact(
    reader: &mut RowReader<'_>,
    kind: FactKind,
    names: Names,
    recommended_by: String,
    dates: &Dates,
) -> Fact {
    if kind == FactKind::Renamed {
        if names.known.is_empty() || names.new.is_empty() {
            reader.lacks(Field::NewName, "a renaming needs a column 更名前 and a column 更名后");
        }
        let (old_name, new_name) = (names.known, names.new);
        return Fact::Renamed(pb::Renamed { old_name, new_name, simple: true });
    }
    let programme = reader.required(Field::Programme, "programme", values::programme);
    let item = reader.text(Field::Item);
    match kind {
        FactKind::Notice => {
            let batch = reader.required(Field::Batch, "batch", values::batch);
            Fact::NoticeOpened(pb::NoticeOpened {
                programme,
                item,
                batch,
                sublist: reader.authority(Field::Sublist).unwrap_or_default(),
                purpose: pb::NoticePurpose::New.into(),
                scope: pb::NoticeScope::Decision.into(),
                notice_from: dates.notice_from,
                notice_to: dates.notice_to,
                recommended_by,
                profile: Some(profile(reader, names.known)),
                supplement: is_supplement(reader),
            })
        }
        FactKind::ReviewPassed | FactKind::ReviewFailed => review(reader, kind, programme, dates),
        FactKind::Revoked => {
            let reason = reader.parse(Field::Reason, values::reason);
            if reader.text(Field::Reason).is_empty() {
                reader.missing(Field::Reason, "ground of the revocation");
            }
            let ground = reason.map_or(pb::RevocationGround::Unspecified, |reason| reason.ground);
            let ban_until = reader.date(Field::BanUntil);
            let ground = ground.into();
            let revoked = pb::Revoked { programme, item, ground, ban_until, ..Default::default() };
            Fact::Revoked(revoked)
        }
        FactKind::Designated | FactKind::Renamed => {
            let batch = reader.required(Field::Batch, "batch", values::batch);
            Fact::Designated(pb::Designated {
                programme,
                item,
                batch,
                sublist: reader.authority(Field::Sublist).unwrap_or_default(),
                valid_to: dates.valid_to,
                recommended_by,
                profile: Some(profile(reader, names.known)),
                supplement: is_supplement(reader),
                ..Default::default()
            })
        }
    }
}

fn review(reader: &mut RowReader<'_>, kind: FactKind, programme: String, dates: &Dates) -> Fact {
    let item = reader.text(Field::Item);
    // The cohort. The server takes it from the title if the list does not state it.
    let batch = reader.parse(Field::Batch, values::batch).unwrap_or_default();
    let round = reader.required(Field::Round, "review round", |text| Ok(text.to_owned()));
    if kind == FactKind::ReviewPassed {
        let valid_to = dates.valid_to;
        return Fact::ReviewPassed(pb::ReviewPassed {
            programme,
            item,
            batch,
            round,
            valid_to,
            supplement: is_supplement(reader),
            ..Default::default()
        });
    }
    let cause = |text: &str| {
        let cause = values::reason(text)?.cause;
        cause
            .ok_or_else(|| "a review fails as 未达到标准 or 未提交复核; this is neither".to_owned())
    };
    let found = reader.parse(Field::Reason, cause);
    if reader.text(Field::Reason).is_empty() {
        reader.missing(Field::Reason, "cause of the failure");
    }
    let cause = found.unwrap_or(pb::ReviewFailureCause::Unspecified).into();
    let supplement = is_supplement(reader);
    Fact::ReviewFailed(pb::ReviewFailed { programme, item, batch, round, cause, supplement })
}

/// Whether the row is published after its batch or round was sealed.
fn is_supplement(reader: &mut RowReader<'_>) -> bool {
    reader.parse(Field::Supplement, values::yes_or_no).unwrap_or_default()
}

fn profile(reader: &mut RowReader<'_>, name: String) -> pb::Profile {
    let size = reader.parse(Field::Size, values::size);
    pb::Profile {
        name,
        name_en: reader.text(Field::NameEn),
        kind: pb::DesigneeKind::Unspecified.into(),
        registered_region: reader.text(Field::Region),
        industry: reader.text(Field::Industry),
        size_class: size.unwrap_or(pb::SizeClass::Unspecified).into(),
        main_product: String::new(),
    }
}
