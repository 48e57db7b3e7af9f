//! Messages of the service as rows. Nothing here decides what a title is: a row repeats an answer.

use serde_json::Value as JsonValue;

use super::{
    MirrorError,
    schema::{NO_FIRST_DAY, NO_LAST_DAY},
};
use crate::{
    domain::CivilDate,
    lang::say,
    protocol::{
        json::{Json, fact_word},
        pb::{self, google::r#type::Date},
        time::pb_date,
    },
};

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// No value.
    Absent,
    /// A text, a day, an instant or JSON, as the text that the database reads.
    Text(String),
    /// An integer.
    Integer(i64),
    /// True or false.
    Boolean(bool),
}

/// A row, or the values by which rows are replaced.
pub type Row = Vec<Value>;

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// An unsigned number; those of the service fit.
pub fn number(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn maybe_number(value: Option<impl Into<u64>>) -> Value {
    value.map_or(Value::Absent, |value| number(value.into()))
}

fn day(date: Option<Date>) -> Value {
    date.map_or(Value::Absent, |date| Value::Text(iso(date)))
}

/// A day; the missing parts of a partial one are its first.
fn iso(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year, date.month.max(1), date.day.max(1))
}

fn first_day(date: Option<Date>) -> Value {
    Value::Text(date.map_or_else(|| NO_FIRST_DAY.to_owned(), iso))
}

fn last_day(date: Option<Date>) -> Value {
    Value::Text(date.map_or_else(|| NO_LAST_DAY.to_owned(), iso))
}

/// The last day that an answer can be for: everything on record has taken effect by then.
pub fn last_day_of_all() -> Date {
    pb_date(CivilDate::MAX)
}

/// The word for a value of an enum: `TITLE_STATUS_NOT_DESIGNATED` is `not-designated`. Empty for
/// the value that states nothing.
fn word(name: &str, prefix: &str) -> Value {
    let word = name.strip_prefix(prefix).unwrap_or(name);
    if word == "UNSPECIFIED" {
        return Value::Text(String::new());
    }
    Value::Text(word.to_ascii_lowercase().replace('_', "-"))
}

/// Where an event states something, by the names of the fields of its fact.
const PROGRAMME: &[&str] = &["programme", "fromProgramme"];
const REGION: &[&str] = &["region", "toRegion"];
const BATCH: &[&str] = &["batch"];
const ROUND: &[&str] = &["round"];

/// Position, commit and row of an event; `leaf` is the encoding of a RecordedEvent.
///
/// # Errors
/// [`MirrorError::Failed`] for an event that this version cannot read.
pub fn event(json: &Json, leaf: &[u8]) -> Result<(u64, Option<pb::Commit>, Row), MirrorError> {
    let unreadable = |why: &str| {
        MirrorError::Failed(say!(
            en: "an event cannot be read: {why}; use a newer version of tidu",
            zh: "有事件无法读取：{why}；请使用更新版本的 tidu"
        ))
    };
    let recorded = <pb::RecordedEvent as prost::Message>::decode(leaf)
        .map_err(|error| unreadable(&error.to_string()))?;
    let message = json.message("RecordedEvent", leaf).map_err(|e| unreadable(&e.to_string()))?;
    let kind = fact_word(&message).ok_or_else(|| unreadable("unknown kind"))?;
    let whole = serde_json::to_string(&message).map_err(|e| unreadable(&e.to_string()))?;
    let fields = serde_json::to_value(&message).map_err(|e| unreadable(&e.to_string()))?;
    let position = recorded.position.unwrap_or_default();
    let event = recorded.event.unwrap_or_default();
    let fact = stated(fields.get("event"));
    let region = match find(fact, REGION) {
        "" => fact.get("profile").map_or("", |profile| find(profile, &["registeredRegion"])),
        region => region,
    };
    let row = vec![
        number(position),
        recorded.recorded_time.map_or(Value::Absent, |time| Value::Text(time.to_string())),
        Value::Text(kind),
        text(&event.authority),
        text(find(fact, PROGRAMME)),
        text(region),
        text(&event.designee),
        day(event.effective_date),
        text(find(fact, BATCH)),
        text(find(fact, ROUND)),
        text(event.evidence.as_ref().map_or("", |evidence| evidence.document_number.as_str())),
        text(&recorded.recorded_by),
        Value::Boolean(false),
        Value::Text(whole),
    ];
    Ok((position, recorded.commit, row))
}

/// The fact of an event or, for a correction, that of its replacement.
fn stated(event: Option<&JsonValue>) -> &JsonValue {
    let fields = event.and_then(JsonValue::as_object);
    let fact = fields
        .into_iter()
        .flatten()
        .find(|(name, value)| value.is_object() && *name != "evidence" && *name != "effectiveDate");
    let Some((_, fact)) = fact else { return &JsonValue::Null };
    match fact.get("replacement") {
        Some(replacement) => stated(Some(replacement)),
        None => fact,
    }
}

/// The first of some fields that is a text.
fn find<'a>(fact: &'a JsonValue, names: &[&str]) -> &'a str {
    names.iter().find_map(|name| fact.get(name)?.as_str()).unwrap_or("")
}

/// The row of a place whose content is withheld.
pub fn withheld(place: &pb::Withheld) -> (u64, Row) {
    let position = place.position.unwrap_or_default();
    let time = place.recorded_time.as_ref();
    let nothing = || Value::Text(String::new());
    let row = vec![
        number(position),
        time.map_or(Value::Absent, |time| Value::Text(time.to_string())),
        nothing(),
        nothing(),
        nothing(),
        nothing(),
        nothing(),
        Value::Absent,
        nothing(),
        nothing(),
        nothing(),
        nothing(),
        Value::Boolean(true),
        Value::Absent,
    ];
    (position, row)
}

/// The row of an identifier.
pub fn identifier(subject: &str, identifier: &str, known_at: u64) -> Row {
    vec![text(identifier), text(subject), number(known_at)]
}

/// The row of a subject over some days.
pub fn designee(subject: &str, stretch: &pb::DesigneeStretch, known_at: u64) -> Row {
    vec![
        text(subject),
        first_day(stretch.from_date),
        last_day(stretch.to_date),
        text(&stretch.designee),
        text(&stretch.name),
        text(&stretch.region),
        Value::Boolean(stretch.region_inferred),
        text(&stretch.industry),
        text(&stretch.responsible_authority),
        day(stretch.ended_on),
        number(known_at),
    ]
}

/// The row of a title over some days.
pub fn title(subject: &str, stretch: &pb::TitleStretch, known_at: u64) -> Row {
    let unstated = pb::Title::default();
    let title = stretch.title.as_ref().unwrap_or(&unstated);
    vec![
        text(subject),
        text(&title.programme),
        text(&title.authority),
        text(&title.item),
        first_day(stretch.from_date),
        last_day(stretch.to_date),
        word(title.status().as_str_name(), "TITLE_STATUS_"),
        day(title.valid_from),
        day(title.valid_to),
        Value::Boolean(title.valid_to_inferred),
        text(&title.batch),
        text(&title.sublist),
        text(&title.round),
        text(&title.recommended_by),
        text(&title.rule_version),
        word(title.end_cause().as_str_name(), "END_CAUSE_"),
        day(title.ended_on),
        maybe_number(title.ended_position),
        word(title.ground().as_str_name(), "REVOCATION_GROUND_"),
        day(title.ban_until),
        Value::Boolean(title.ban_until_inferred),
        text(&title.successor),
        text(&title.converted_to),
        day(title.rectify_by),
        number(known_at),
    ]
}

/// The rows of a batch and of its sub-lists.
pub fn batch(answer: &pb::GetBatchResponse, known_at: u64) -> Vec<Row> {
    let Some(batch) = &answer.batch else { return Vec::new() };
    let row = |sublist: &str, state: pb::BatchState, counts, declared, sealed_on, own: bool| {
        let counts: pb::BatchCounts = counts;
        let declared: pb::DeclaredCounts = declared;
        vec![
            text(&batch.programme),
            text(&batch.authority),
            text(&batch.batch),
            text(sublist),
            word(state.as_str_name(), "BATCH_STATE_"),
            day(batch.opened_on.filter(|_| own)),
            day(sealed_on),
            text(if own { &batch.document_number } else { "" }),
            number(counts.noticed),
            number(counts.designated),
            number(counts.supplements),
            number(counts.reviewed),
            number(counts.reviewed_supplements),
            number(counts.not_designated),
            number(counts.recommended),
            number(counts.reviews_noticed),
            maybe_number(declared.designated),
            maybe_number(declared.reviewed),
            number(known_at),
        ]
    };
    let (counts, declared) = (batch.counts.unwrap_or_default(), batch.declared.unwrap_or_default());
    let whole = row("", batch.state(), counts, declared, batch.sealed_on, true);
    let sublists = answer.sublists.iter().map(|sublist| {
        let counts = sublist.counts.unwrap_or_default();
        let declared = sublist.declared.unwrap_or_default();
        row(&sublist.sublist, sublist.state(), counts, declared, sublist.sealed_on, false)
    });
    std::iter::once(whole).chain(sublists).collect()
}
