//! `tidu check`: what would become of a list, in full, without recording anything.

use std::collections::BTreeMap;

use super::{
    CliError, Output,
    client::Client,
    json::Json,
    record::{self, Failure, RecordArgs},
    text::{self, say, title_status},
};
use crate::{import::ImportedRow, protocol::pb};

/// Rows of a kind of warning that are named.
const NAMED_ROWS: usize = 8;

pub(super) async fn run(args: RecordArgs) -> Result<(), CliError> {
    let output = args.common.output;
    let (lists, commit_size, common) = record::lists(args)?;
    let mut client = Client::connect(&common).await?;
    let mut rejected = 0;
    for (file, list) in &lists {
        if output == Output::Human {
            record::report(file, list)?;
        }
        let commits = record::commits(&list.rows, commit_size)?;
        if commits.len() > 1 && output == Output::Human {
            say("  each commit is checked as if the others had not been recorded")?;
        }
        for rows in commits {
            let answer = match record::commit(&mut client, rows, true).await {
                Ok(answer) => answer,
                Err(Failure::Rejected(answer)) => *answer,
                Err(Failure::Other(error)) => return Err(error),
            };
            rejected += answer.rejected_count;
            match output {
                Output::Json => say(&Json::new()?.line("AppendResponse", &answer)?)?,
                Output::Human => tell(rows, &answer)?,
            }
        }
    }
    if rejected > 0 {
        return Err(CliError::Refused(format!("{rejected} rejections; nothing would be recorded")));
    }
    Ok(())
}

fn tell(rows: &[ImportedRow], answer: &pb::AppendResponse) -> Result<(), CliError> {
    let count = rows.len();
    if answer.rejected_count > 0 {
        say(&format!("\n{} errors in {count} rows:", answer.rejected_count))?;
        say(&record::rejections(rows, &answer.rejections).to_string())?;
        more(answer.rejections.len(), answer.rejected_count)?;
    } else {
        say(&format!("\nno errors in {count} rows"))?;
    }
    warnings(rows, &answer.warnings)?;
    changes(answer)
}

/// Warnings by reason, with the first rows of each.
fn warnings(rows: &[ImportedRow], warnings: &[pb::Warning]) -> Result<(), CliError> {
    if warnings.is_empty() {
        return say("no warnings");
    }
    let mut by_reason: BTreeMap<&str, Vec<&pb::Warning>> = BTreeMap::new();
    for warning in warnings {
        by_reason.entry(&warning.reason).or_default().push(warning);
    }
    say(&format!("\n{} warnings, which never block:", warnings.len()))?;
    let mut table = text::table(["reason", "count", "first", "rows"]);
    for (reason, found) in by_reason {
        let row = |warning: &&pb::Warning| {
            rows.get(warning.index as usize).map_or_else(String::new, |row| row.row.to_string())
        };
        let mut named: Vec<_> = found.iter().take(NAMED_ROWS).map(row).collect();
        if found.len() > NAMED_ROWS {
            named.push("…".to_owned());
        }
        let first = found.first().map_or("", |warning| &warning.message);
        table.add_row([reason, &found.len().to_string(), first, &named.join(" ")]);
    }
    say(&table.to_string())
}

/// What would change, counted by programme and step.
fn changes(answer: &pb::AppendResponse) -> Result<(), CliError> {
    if answer.changes.is_empty() {
        return say("no title would change");
    }
    let mut steps: BTreeMap<(&str, &str, String, String), u32> = BTreeMap::new();
    for change in &answer.changes {
        let status = |status: pb::TitleStatus| match status {
            pb::TitleStatus::Unspecified => "–".to_owned(),
            status => title_status(status),
        };
        let step = (status(change.before()), status(change.after()));
        *steps.entry((&change.programme, &change.authority, step.0, step.1)).or_default() += 1;
    }
    say(&format!(
        "\n{} titles would change, on the day each event takes effect:",
        answer.changed_count
    ))?;
    let mut table = text::table(["programme", "authority", "from", "to", "titles"]);
    for ((programme, authority, before, after), count) in steps {
        table.add_row([programme, authority, &before, &after, &count.to_string()]);
    }
    say(&table.to_string())?;
    more(answer.changes.len(), answer.changed_count)
}

fn more(shown: usize, count: u32) -> Result<(), CliError> {
    let more = usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(shown);
    if more > 0 { say(&format!("… and {more} more, not listed")) } else { Ok(()) }
}
