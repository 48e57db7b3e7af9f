//! Words for people: dates, statuses, events, errors.

use std::io::{self, Write as _};

use comfy_table::{ContentArrangement, LineStyle, Row, Table, TableStyle};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{CliError, ask::word};
use crate::{
    domain::PartialDate,
    protocol::pb::{self, event::Fact},
};

/// Writes a line to standard output.
pub(super) fn say(line: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").map_err(|e| CliError::Io("cannot print".to_owned(), e))
}

/// Writes a line to standard error. One that finds no room is lost: to end over it would hide what it was about.
pub(super) fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// True for errors that may pass when the call is repeated.
pub(super) fn is_passing(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled)
}

/// An error with its reason and the fields to blame.
pub(super) fn status(status: &Status) -> String {
    let details = status.get_error_details();
    let mut text = status.message().to_owned();
    if let Some(info) = details.error_info() {
        text = format!("{text} [{}]", info.reason);
        if let Some(rule) = info.metadata.get("rule").filter(|rule| !rule.is_empty()) {
            text = format!("{text}\n  rule: {rule}");
        }
    } else {
        text = format!("{text} [{:?}]", status.code());
    }
    text
}

/// A table for people.
pub(super) fn table<H: Into<Row>>(header: H) -> Table {
    let mut table = Table::new();
    let line = LineStyle::none().fill('─').junction('─');
    let style = TableStyle::new().header_separator(line).bottom_border(line);
    table.load_style(style).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    table
}

/// A status in a word: `not-designated`.
pub(super) fn title_status(status: pb::TitleStatus) -> String {
    word(status.as_str_name(), "TITLE_STATUS_")
}

/// The flags of a title in words.
pub(super) fn flags(title: &pb::Title) -> String {
    let flags: Vec<_> = title.flags().map(|flag| word(flag.as_str_name(), "TITLE_FLAG_")).collect();
    flags.join(" ")
}

/// An ISO date; empty if there is none.
pub(super) fn date(date: Option<&pb::Date>) -> String {
    let Some(pb::Date { year, month, day }) = date else { return String::new() };
    match (month, day) {
        (0, _) => format!("{year:04}"),
        (_, 0) => format!("{year:04}-{month:02}"),
        _ => format!("{year:04}-{month:02}-{day:02}"),
    }
}

/// Reads an ISO date from the command line.
pub(super) fn parse_date(text: &str) -> Result<pb::Date, String> {
    let date = PartialDate::parse_iso(text).map_err(|e| e.message)?;
    let (year, month, day) = date.parts();
    Ok(pb::Date { year, month, day })
}

/// An instant as local time in Shanghai, to the second.
pub(super) fn instant(timestamp: Option<&prost_types::Timestamp>) -> String {
    let read = timestamp.and_then(|t| jiff::Timestamp::new(t.seconds, t.nanos).ok());
    read.map_or_else(String::new, |instant| {
        let local = jiff::tz::Offset::constant(8).to_datetime(instant);
        format!("{} {:02}:{:02}:{:02}", local.date(), local.hour(), local.minute(), local.second())
    })
}

/// One event in one line.
pub(super) fn event(recorded: &pb::RecordedEvent) -> String {
    let position = recorded.position.unwrap_or_default();
    let Some(event) = &recorded.event else { return format!("{position:>7}") };
    let (what, detail) = fact(event.fact.as_ref());
    let day = date(event.effective_date.as_ref());
    let who =
        if event.designee.is_empty() { String::new() } else { format!("  {}", event.designee) };
    format!("{position:>7}  {day:<10}  {}  {what:<14}{who}  {detail}", event.authority)
}

fn fact(fact: Option<&Fact>) -> (&'static str, String) {
    let Some(fact) = fact else { return ("?", String::new()) };
    let name = |profile: &Option<pb::Profile>| {
        profile.as_ref().map(|profile| profile.name.clone()).unwrap_or_default()
    };
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
        Fact::SubjectEnded(_) => ("subject-ended", String::new()),
        Fact::InformationUpdated(f) => ("updated", f.year.to_string()),
        Fact::MajorChangeReported(f) => ("change-reported", date(f.occurred_on.as_ref())),
        Fact::PoolEntered(f) => ("pool-entered", format!("{}  {}", f.pool, name(&f.profile))),
        Fact::PoolLeft(f) => ("pool-left", f.pool.clone()),
        Fact::MeasuresIssued(f) => ("measures", format!("{} {}", f.programme, f.title)),
        Fact::MeasuresRepealed(f) => ("repealed", f.document_number.clone()),
        Fact::CompletenessDeclared(f) => ("complete", f.programme.clone()),
        Fact::CatalogueAdopted(f) => ("catalogue", f.version.clone()),
        Fact::EnvironmentAssessed(f) => ("assessed", format!("{} {}", f.region, f.year)),
    }
}

fn until(end: Option<&pb::Date>) -> String {
    end.map_or_else(String::new, |end| format!(" to {}", date(Some(end))))
}

fn repaired(position: Option<u64>, reason: &str) -> String {
    format!("position {}: {reason}", position.unwrap_or_default())
}
