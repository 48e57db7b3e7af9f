//! `tidu check`: every error, warning and change that recording a list would cause.

use std::collections::BTreeMap;

use super::record::{self, Lists, RecordArgs};
use crate::{
    cli::{
        CliError,
        append::{AppendFailure, dry_run},
        args::Output,
        client::Client,
        print::{print_line, print_message, print_table, table, title_status},
    },
    import::ImportedRow,
    limits::NAMED_ROWS_MAX,
    protocol::pb,
};

/// `record` and `check` share their arguments, but not this.
pub(super) const HELP: &str = "\
Options and columns are those of `tidu record`; see `tidu record --help`. Nothing is recorded.
Exit codes: 0 if the list can be recorded, 3 if any row is rejected.

Example:
  tidu generate --rows 500 --to list.csv
  tidu check list.csv --authority 440000 --programme specialised-sme \\
    --batch 2026-1 --date 2026-03-01";

pub(super) async fn run(args: RecordArgs) -> Result<(), CliError> {
    let output = args.common.output;
    let Lists { lists, commit_size, server } = record::lists(args)?;
    let mut client = Client::connect(&server).await?;
    let mut rejected = 0;
    for (file, list) in &lists {
        if output == Output::Human {
            record::print_report(file, list)?;
        }
        let commits = record::commits(&list.rows, commit_size)?;
        if commits.len() > 1 && output == Output::Human {
            print_line("  each commit is checked as if the others had not been recorded")?;
        }
        for rows in commits {
            let answer = match dry_run(&mut client, rows).await {
                Ok(answer) => answer,
                Err(AppendFailure::Rejected(answer)) => *answer,
                Err(AppendFailure::Other(error)) => return Err(error),
            };
            rejected += answer.rejection_count;
            print_message(output, "AppendResponse", &answer, |answer| print(rows, answer))?;
        }
    }
    if rejected > 0 {
        return Err(CliError::Refused(format!("{rejected} rejections; nothing would be recorded")));
    }
    Ok(())
}

fn print(rows: &[ImportedRow], answer: &pb::AppendResponse) -> Result<(), CliError> {
    let count = rows.len();
    if answer.rejection_count > 0 {
        print_line("")?;
        print_line(&format!("{} errors in {count} rows:", answer.rejection_count))?;
        print_table(&record::rejections(rows, &answer.rejections))?;
        more(answer.rejections.len(), answer.rejection_count)?;
    } else {
        print_line("")?;
        print_line(&format!("no errors in {count} rows"))?;
    }
    warnings(rows, answer)?;
    changes(answer)
}

/// Prints the warnings by reason, with the first rows of each.
fn warnings(rows: &[ImportedRow], answer: &pb::AppendResponse) -> Result<(), CliError> {
    if answer.warnings.is_empty() {
        return print_line("no warnings");
    }
    let mut by_reason: BTreeMap<&str, Vec<&pb::Warning>> = BTreeMap::new();
    for warning in &answer.warnings {
        by_reason.entry(&warning.reason).or_default().push(warning);
    }
    print_line("")?;
    print_line(&format!("{} warnings, which never block:", answer.warning_count))?;
    let mut table = table(["reason", "count", "first", "rows"]);
    for (reason, found) in by_reason {
        let row = |warning: &&pb::Warning| {
            rows.get(warning.index as usize).map_or_else(String::new, |row| row.row.to_string())
        };
        let mut named: Vec<_> = found.iter().take(NAMED_ROWS_MAX).map(row).collect();
        if found.len() > NAMED_ROWS_MAX {
            named.push("…".to_owned());
        }
        let first = found.first().map_or("", |warning| &warning.message);
        table.add_row([reason, &found.len().to_string(), first, &named.join(" ")]);
    }
    print_table(&table)?;
    more(answer.warnings.len(), answer.warning_count)
}

/// Prints the changes, counted by programme and step.
fn changes(answer: &pb::AppendResponse) -> Result<(), CliError> {
    if answer.changes.is_empty() {
        return print_line("no title would change");
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
    print_line("")?;
    print_line(&format!(
        "{} titles would change, on the day each event takes effect:",
        answer.change_count
    ))?;
    let mut table = table(["programme", "authority", "from", "to", "titles"]);
    for ((programme, authority, before, after), count) in steps {
        table.add_row([programme, authority, &before, &after, &count.to_string()]);
    }
    print_table(&table)?;
    more(answer.changes.len(), answer.change_count)
}

fn more(shown: usize, count: u32) -> Result<(), CliError> {
    let more = usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(shown);
    if more > 0 { print_line(&format!("… and {more} more, not listed")) } else { Ok(()) }
}
