//! One event in one line, for people.

use super::{date, instant};
use crate::protocol::{
    event::kind_of,
    pb::{self, event::Fact},
};

/// An event in one line: position, day, authority, kind, designee and detail.
pub(crate) fn event_line(recorded: &pb::RecordedEvent) -> String {
    let position = recorded.position.unwrap_or_default();
    let Some(event) = &recorded.event else { return format!("{position:>7}") };
    let (what, detail) = event.fact.as_ref().map_or_else(|| ("?", String::new()), fact);
    let what = what.replace('_', "-");
    let day = date(event.effective_date.as_ref());
    let who =
        if event.designee.is_empty() { String::new() } else { format!("  {}", event.designee) };
    format!("{position:>7}  {day:<10}  {}  {what:<14}{who}  {detail}", event.authority)
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
    if columns_of(&line) + columns_of(&stamp) <= columns {
        line.insert_str(place, &stamp);
    }
    if !document.is_empty() && columns_of(&line) + 2 + columns_of(document) <= columns {
        line.push_str("  ");
        line.push_str(document);
    }
    line
}

/// The columns that a text takes on a terminal: two for each character of the scripts of East Asia.
fn columns_of(text: &str) -> usize {
    text.chars()
        .map(|c| if matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..) { 2 } else { 1 })
        .sum()
}

/// An event with its record: one line for each part that it has.
pub(crate) fn event_lines(recorded: &pb::RecordedEvent) -> Vec<String> {
    let event = recorded.event.clone().unwrap_or_default();
    let evidence = event.evidence.unwrap_or_default();
    let time = instant(recorded.recorded_time.as_ref());
    let approved = match recorded.approved_by.as_str() {
        "" => String::new(),
        approver => format!(", approved by {approver}"),
    };
    let mut lines = vec![
        event_line(recorded),
        format!("recorded      {time} by {}{approved}", recorded.recorded_by),
        commit(recorded.commit.as_ref(), &recorded.request_id),
    ];
    let joined = event.co_issuers.join(", ");
    let dated = |what: &str, day: Option<&pb::Date>| {
        day.map_or_else(String::new, |day| format!(", {what} {}", date(Some(day))))
    };
    let document = format!(
        "{}{}{}",
        evidence.document_number,
        dated("signed", evidence.document_date.as_ref()),
        dated("published", evidence.published_date.as_ref())
    );
    for (name, value) in [
        ("issued with", joined),
        ("document", document.trim_start_matches(", ").to_owned()),
        ("address", evidence.url),
        ("rule version", event.rule_version),
    ] {
        if !value.is_empty() {
            lines.push(format!("{name:<12}  {value}"));
        }
    }
    lines
}

fn commit(commit: Option<&pb::Commit>, request_id: &str) -> String {
    let pb::Commit { first_position, size } = commit.copied().unwrap_or_default();
    let first = first_position.unwrap_or_default();
    let last = first + u64::from(size.saturating_sub(1));
    let range = if size == 1 {
        format!("position {first}")
    } else {
        format!("positions {first} to {last}")
    };
    let id =
        if request_id.is_empty() { String::new() } else { format!(", request id {request_id}") };
    format!("commit        {range}{id}")
}

/// A withheld event with its record.
pub(crate) fn withheld_lines(withheld: &pb::Withheld) -> Vec<String> {
    vec![
        withheld_line(withheld),
        format!("recorded      {}", instant(withheld.recorded_time.as_ref())),
        commit(withheld.commit.as_ref(), &withheld.request_id),
    ]
}

/// Columns of a position.
const POSITION_COLUMNS: usize = 7;

/// A withheld event in one line.
pub(crate) fn withheld_line(withheld: &pb::Withheld) -> String {
    let position = withheld.position.unwrap_or_default();
    format!("{position:>7}  redacted    {}", withheld.reason)
}

/// A word for the fact, and its detail. A fact that is not listed is shown by the name of its kind.
fn fact(fact: &Fact) -> (&'static str, String) {
    match fact {
        Fact::NoticeOpened(f) => {
            ("notice", format!("{} batch {}  {}", f.programme, f.batch, name(&f.profile)))
        }
        Fact::Designated(f) => {
            let until = until(f.valid_to.as_ref());
            (
                "designated",
                format!("{} batch {}{until}  {}", f.programme, f.batch, name(&f.profile)),
            )
        }
        Fact::ReviewPassed(f) => {
            let until = until(f.valid_to.as_ref());
            ("review-passed", format!("{} round {}{until}", f.programme, f.round))
        }
        Fact::ReviewFailed(f) => ("review-failed", format!("{} round {}", f.programme, f.round)),
        Fact::Revoked(f) => ("revoked", f.programme.clone()),
        Fact::Renamed(f) => ("renamed", format!("{} → {}", f.old_name, f.new_name)),
        Fact::Corrected(f) => ("corrected", repaired(f.position, &f.reason)),
        Fact::Annulled(f) => ("annulled", repaired(f.position, &f.reason)),
        Fact::BatchOpened(f) => ("batch-opened", format!("{} batch {}", f.programme, f.batch)),
        Fact::BatchSealed(f) => ("batch-sealed", format!("{} batch {}", f.programme, f.batch)),
        Fact::ObjectionRaised(f) => ("objection", format!("{} batch {}", f.programme, f.batch)),
        Fact::ObjectionResolved(f) => {
            ("objection-resolved", format!("{} batch {}", f.programme, f.batch))
        }
        Fact::NoticeWithdrawn(f) => {
            ("notice-withdrawn", format!("{} batch {}", f.programme, f.batch))
        }
        Fact::ReviewOpened(f) => ("review-opened", format!("{} round {}", f.programme, f.round)),
        Fact::RevocationProposed(f) => ("revocation-proposed", f.programme.clone()),
        Fact::Surrendered(f) => ("surrendered", f.programme.clone()),
        Fact::Reinstated(f) => ("reinstated", f.programme.clone()),
        Fact::TitleTransferred(f) => ("transferred", format!("{} → {}", f.programme, f.successor)),
        Fact::TitleConverted(f) => {
            ("converted", format!("{} → {}", f.from_programme, f.to_programme))
        }
        Fact::CreationListed(f) => {
            ("creation-listed", format!("{} batch {}  {}", f.programme, f.batch, name(&f.profile)))
        }
        Fact::CreationAssessed(f) => {
            let result = if f.passed { "passed" } else { "not passed" };
            ("creation-assessed", format!("{} {result}", f.programme))
        }
        Fact::RectificationOrdered(f) => {
            ("rectification", format!("{}{}", f.programme, until(f.due.as_ref())))
        }
        Fact::SupportGranted(f) => ("support", format!("{} {} {}", f.programme, f.scheme, f.round)),
        Fact::Relocated(f) => ("relocated", format!("{} → {}", f.from_authority, f.to_authority)),
        Fact::Restructured(f) => ("restructured", f.successors.join(", ")),
        Fact::IdentifierChanged(f) => ("identifier", format!("→ {}", f.new_designee)),
        Fact::InformationUpdated(f) => ("updated", f.year.to_string()),
        Fact::MajorChangeReported(f) => ("change-reported", date(f.occurred_on.as_ref())),
        Fact::PoolEntered(f) => ("pool-entered", format!("{}  {}", f.pool, name(&f.profile))),
        Fact::PoolLeft(f) => ("pool-left", f.pool.clone()),
        Fact::MeasuresIssued(f) => ("measures", format!("{} {}", f.programme, f.title)),
        Fact::MeasuresRepealed(f) => ("repealed", f.document_number.clone()),
        Fact::CompletenessDeclared(f) => ("complete", f.programme.clone()),
        Fact::CatalogueAdopted(f) => ("catalogue", f.version.clone()),
        Fact::EnvironmentAssessed(f) => ("assessed", format!("{} {}", f.region, f.year)),
        other => (kind_of(other).name(), String::new()),
    }
}

fn name(profile: &Option<pb::Profile>) -> String {
    profile.as_ref().map(|profile| profile.name.clone()).unwrap_or_default()
}

fn until(end: Option<&pb::Date>) -> String {
    end.map_or_else(String::new, |end| format!(" to {}", date(Some(end))))
}

fn repaired(position: Option<u64>, reason: &str) -> String {
    format!("position {}: {reason}", position.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_without_words_of_its_own_has_the_name_of_its_kind() {
        let fact = Some(Fact::SubjectEnded(pb::SubjectEnded::default()));
        let event = pb::Event { authority: "440000".to_owned(), fact, ..Default::default() };
        let recorded =
            pb::RecordedEvent { position: Some(3), event: Some(event), ..Default::default() };
        assert!(event_line(&recorded).contains("  440000  subject-ended "));
    }
}
