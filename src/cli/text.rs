//! Words for people: dates, statuses, events, errors.

use std::io::{self, Write as _};

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::CliError;
use crate::{
    domain::{PartialDate, event::Kind},
    pb::{self, event::Fact},
};

/// Writes a line to standard output.
pub(super) fn say(line: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").map_err(|e| CliError::Io("cannot print".to_owned(), e))
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

/// Reads the name of a kind from the command line.
pub(super) fn parse_kind(text: &str) -> Result<i32, String> {
    let kind = Kind::from_name(text).ok_or_else(|| {
        let names: Vec<_> = Kind::all().map(|kind| kind.name().replace('_', "-")).collect();
        format!("is no kind of event; there are {}", names.join(", "))
    })?;
    Ok(i32::from(kind.number()))
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
        _ => ("other", String::new()),
    }
}

fn until(end: Option<&pb::Date>) -> String {
    end.map_or_else(String::new, |end| format!(" to {}", date(Some(end))))
}

fn repaired(position: Option<u64>, reason: &str) -> String {
    format!("position {}: {reason}", position.unwrap_or_default())
}

/// The filter flags of several commands.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct FilterArgs {
    /// Only events that concern this programme (may be repeated)
    #[arg(long = "programme", value_name = "ID")]
    pub(super) programmes: Vec<String>,
    /// Only events that concern this authority (may be repeated)
    #[arg(long = "authority", value_name = "CODE")]
    pub(super) authorities: Vec<String>,
    /// Only events of this kind, such as designated or review-passed (may be repeated)
    #[arg(long = "kind", value_name = "KIND", value_parser = parse_kind)]
    pub(super) kinds: Vec<i32>,
}

impl FilterArgs {
    pub(super) fn filter(&self) -> Option<pb::Filter> {
        let Self { programmes, authorities, kinds } = self.clone();
        Some(pb::Filter { programmes, authorities, kinds })
    }
}
