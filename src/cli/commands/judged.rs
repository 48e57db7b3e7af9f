//! The judgement of a commit for people: rejections, warnings, and the titles that would change.
//!
//! `unit` is the place that the number of a row names: a row of a list, or an event of the log.

use std::collections::BTreeMap;

use crate::{
    cli::{
        CliError,
        print::{Table, date, print_line, print_table, table, title_status},
    },
    import::ImportedRow,
    limits::NAMED_ROWS_MAX,
    protocol::pb,
};

/// Prints the rejections of a trial.
pub(super) fn print_rejections(
    rows: &[ImportedRow],
    unit: &str,
    answer: &pb::AppendResponse,
) -> Result<(), CliError> {
    print_table(&rejections(rows, unit, &answer.rejections))?;
    more(answer.rejections.len(), answer.rejection_count)
}

/// Rejections as a table.
pub(super) fn rejections(rows: &[ImportedRow], unit: &str, rejections: &[pb::Rejection]) -> Table {
    let row = |index: u32| rows.get(index as usize);
    let mut table = table([unit, "designee", "field", "reason", "fault"]);
    for rejection in rejections {
        let field = rejection.field.split_once("].").map_or("", |(_, field)| field);
        // Many messages name the value themselves.
        let value = if rejection.message.contains(&rejection.value) {
            String::new()
        } else {
            format!("{}: ", rejection.value)
        };
        table.add_row([
            row(rejection.index).map_or(String::new(), |row| row.row.to_string()),
            row(rejection.index).map_or(String::new(), |row| row.event.designee.clone()),
            field.to_owned(),
            rejection.reason.clone(),
            format!("{value}{}", rejection.message),
        ]);
    }
    table
}

/// Prints the warnings by reason, with the first rows of each.
pub(super) fn print_warnings(
    rows: &[ImportedRow],
    unit: &str,
    answer: &pb::AppendResponse,
) -> Result<(), CliError> {
    if answer.warnings.is_empty() {
        return print_line("no warnings");
    }
    let mut by_reason: BTreeMap<&str, Vec<&pb::Warning>> = BTreeMap::new();
    for warning in &answer.warnings {
        by_reason.entry(&warning.reason).or_default().push(warning);
    }
    print_line("")?;
    print_line(&format!("{} warnings, which never block:", answer.warning_count))?;
    let mut table = table(["reason", "count", "first", &format!("{unit}s")]);
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
pub(super) fn print_changes(answer: &pb::AppendResponse) -> Result<(), CliError> {
    if answer.changes.is_empty() {
        return print_line("no title would change");
    }
    print_line("")?;
    let titles = if answer.change_count == 1 { "title" } else { "titles" };
    print_line(&format!(
        "{} {titles} would change, on the day each event takes effect:",
        answer.change_count
    ))?;
    if answer.changes.len() <= NAMED_ROWS_MAX {
        return print_each(answer);
    }
    let mut steps: BTreeMap<(&str, &str, String, String), u32> = BTreeMap::new();
    for change in &answer.changes {
        let step = (status(change.before()), status(change.after()));
        *steps.entry((&change.programme, &change.authority, step.0, step.1)).or_default() += 1;
    }
    let mut table = table(["programme", "authority", "from", "to", "titles"]);
    for ((programme, authority, before, after), count) in steps {
        table.add_row([programme, authority, &before, &after, &count.to_string()]);
    }
    print_table(&table)?;
    more(answer.changes.len(), answer.change_count)
}

/// Prints a few changes one by one.
fn print_each(answer: &pb::AppendResponse) -> Result<(), CliError> {
    let mut table = table(["designee", "programme", "authority", "from", "to", "last day"]);
    for change in &answer.changes {
        table.add_row([
            &change.designee,
            &change.programme,
            &change.authority,
            &status(change.before()),
            &status(change.after()),
            &date(change.valid_to.as_ref()),
        ]);
    }
    print_table(&table)?;
    more(answer.changes.len(), answer.change_count)
}

fn status(status: pb::TitleStatus) -> String {
    match status {
        pb::TitleStatus::Unspecified => "–".to_owned(),
        status => title_status(status),
    }
}

fn more(shown: usize, count: u32) -> Result<(), CliError> {
    let more = usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(shown);
    if more > 0 { print_line(&format!("… and {more} more, not listed")) } else { Ok(()) }
}
