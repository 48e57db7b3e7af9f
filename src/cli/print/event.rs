//! One event for people: in one line, or with its record in several.

use unicode_width::UnicodeWidthStr as _;

use super::{
    codes::{authorities_cell, authority_cell},
    date,
    facts::fact,
    instant,
};
use crate::{
    lang::{say, word},
    protocol::pb,
};

/// Columns of a position.
const POSITION_COLUMNS: usize = 7;
/// Columns of the name of an authority.
const AUTHORITY_COLUMNS: usize = 16;
/// Columns of the word for a fact.
const WORD_COLUMNS: usize = 14;
/// Columns of a heading in the record of an event.
const HEADING_COLUMNS: usize = 12;

/// An event in one line: position, day, authority, kind, designee and detail.
pub(crate) fn event_line(recorded: &pb::RecordedEvent) -> String {
    let position = recorded.position.unwrap_or_default();
    let Some(event) = &recorded.event else { return format!("{position:>7}") };
    let (what, detail) = event.fact.as_ref().map_or_else(|| ("?".to_owned(), String::new()), fact);
    let day = date(event.effective_date.as_ref());
    let who =
        if event.designee.is_empty() { String::new() } else { format!("  {}", event.designee) };
    let authority = padded(&issuer(&event.authority), AUTHORITY_COLUMNS);
    let what = padded(&what, WORD_COLUMNS);
    let line = format!("{position:>7}  {day:<10}  {authority}  {what}{who}  {detail}");
    line.trim_end().to_owned()
}

/// The name of an authority, or of the service, which states facts about the log.
fn issuer(code: &str) -> String {
    match code {
        "service" => word!(en: "service", zh: "本系统").to_owned(),
        code => authority_cell(code).human().to_owned(),
    }
}

/// A text with spaces up to a number of columns.
fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(text.width())))
}

/// An event in one line with its recorder, its recorded time and its document, as far as they fit
/// into a number of columns.
pub(crate) fn event_line_within(recorded: &pb::RecordedEvent, columns: usize) -> String {
    let mut line = event_line(recorded);
    let evidence = recorded.event.as_ref().and_then(|event| event.evidence.as_ref());
    let document = evidence.map_or("", |evidence| &evidence.document_number);
    let place = recorded.position.map_or(0, |at| at.to_string().len()).max(POSITION_COLUMNS);
    let time = instant(recorded.recorded_time.as_ref());
    let stamp = format!("  {time:<19}  {:<9}", recorded.recorded_by);
    if line.width() + stamp.width() <= columns {
        line.insert_str(place, &stamp);
    }
    if !document.is_empty() && line.width() + 2 + document.width() <= columns {
        line.push_str("  ");
        line.push_str(document);
    }
    line
}

/// An event with its record: one line for each part that it has.
pub(crate) fn event_lines(recorded: &pb::RecordedEvent) -> Vec<String> {
    let event = recorded.event.clone().unwrap_or_default();
    let evidence = event.evidence.unwrap_or_default();
    let mut lines = vec![
        event_line(recorded),
        headed(word!(en: "recorded", zh: "记录"), &record(recorded)),
        commit(recorded.commit.as_ref(), &recorded.request_id),
    ];
    let joined = authorities_cell(event.co_issuers.iter().map(String::as_str));
    let document = document(&evidence);
    for (name, value) in [
        (word!(en: "issued with", zh: "联合发布"), joined.human()),
        (word!(en: "document", zh: "文件"), &document),
        (word!(en: "address", zh: "网址"), &evidence.url),
        (word!(en: "rule version", zh: "规则版本"), &event.rule_version),
    ] {
        if !value.is_empty() {
            lines.push(headed(name, value));
        }
    }
    lines
}

fn headed(heading: &str, text: &str) -> String {
    format!("{}  {text}", padded(heading, HEADING_COLUMNS))
}

/// When and by whom an event was recorded.
fn record(recorded: &pb::RecordedEvent) -> String {
    let (time, by) = (instant(recorded.recorded_time.as_ref()), &recorded.recorded_by);
    match recorded.approved_by.as_str() {
        "" => say!(en: "{time} by {by}", zh: "{time}，由 {by} 记录"),
        approver => say!(
            en: "{time} by {by}, approved by {approver}",
            zh: "{time}，由 {by} 记录，{approver} 批准"
        ),
    }
}

/// An instant as programs read it: `2026-03-01T01:00:00Z`.
pub(crate) fn utc(timestamp: Option<&prost_types::Timestamp>) -> String {
    let read = timestamp.and_then(|t| jiff::Timestamp::new(t.seconds, t.nanos).ok());
    read.map_or_else(String::new, |instant| instant.to_string())
}

/// A document with its days.
pub(crate) fn document(evidence: &pb::Evidence) -> String {
    let signed = evidence.document_date.as_ref().map(|day| date(Some(day)));
    let published = evidence.published_date.as_ref().map(|day| date(Some(day)));
    let parts = [
        Some(evidence.document_number.clone()).filter(|number| !number.is_empty()),
        signed.map(|day| say!(en: "signed {day}", zh: "{day} 成文")),
        published.map(|day| say!(en: "published {day}", zh: "{day} 发布")),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    parts.join(word!(en: ", ", zh: "，"))
}

fn commit(commit: Option<&pb::Commit>, request_id: &str) -> String {
    let pb::Commit { first_position, size } = commit.copied().unwrap_or_default();
    let first = first_position.unwrap_or_default();
    let last = first + u64::from(size.saturating_sub(1));
    let range = if size == 1 {
        say!(en: "position {first}", zh: "位置 {first}")
    } else {
        say!(en: "positions {first} to {last}", zh: "位置 {first} 至 {last}")
    };
    let id = match request_id {
        "" => String::new(),
        id => say!(en: ", request id {id}", zh: "，请求编号 {id}"),
    };
    headed(word!(en: "commit", zh: "提交"), &format!("{range}{id}"))
}

/// A withheld event with its record.
pub(crate) fn withheld_lines(withheld: &pb::Withheld) -> Vec<String> {
    let time = instant(withheld.recorded_time.as_ref());
    vec![
        withheld_line(withheld),
        headed(word!(en: "recorded", zh: "记录"), &time),
        commit(withheld.commit.as_ref(), &withheld.request_id),
    ]
}

/// The reason of a place whose event is kept from every reader.
const WITHHELD: &str = "withheld";

/// A withheld event in one line.
pub(crate) fn withheld_line(withheld: &pb::Withheld) -> String {
    let position = withheld.position.unwrap_or_default();
    match withheld.reason.as_str() {
        WITHHELD => {
            let withheld = word!(en: "withheld", zh: "不予展示");
            format!("{position:>7}  {withheld}")
        }
        reason => {
            let redacted = word!(en: "redacted    ", zh: "已抹除：");
            format!("{position:>7}  {redacted}{reason}").trim_end().to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::pb::event::Fact;

    #[test]
    fn a_fact_without_words_of_its_own_has_the_name_of_its_kind() {
        let fact = Some(Fact::SubjectEnded(pb::SubjectEnded::default()));
        let event = pb::Event { authority: "440000".to_owned(), fact, ..Default::default() };
        let recorded =
            pb::RecordedEvent { position: Some(3), event: Some(event), ..Default::default() };
        let line = event_line(&recorded);
        assert!(line.ends_with("  440000 Guangdong  subject-ended"), "{line}");
    }
}
