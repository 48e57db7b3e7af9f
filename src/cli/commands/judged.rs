//! The titles that a judged commit would change, for people.

use std::collections::BTreeMap;

use crate::{
    cli::{
        CliError,
        lists::print_more,
        print::{date, print_line, print_table, table, title_status},
    },
    domain::text::counted,
    limits::NAMED_ROWS_MAX,
    protocol::pb,
};

/// Prints the changes, counted by programme and step.
pub(super) fn print_changes(answer: &pb::AppendResponse) -> Result<(), CliError> {
    if answer.changes.is_empty() {
        return print_line("no title would change");
    }
    print_line("")?;
    print_line(&format!(
        "{} would change, on the day each event takes effect:",
        counted(answer.change_count, "title")
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
    print_more(answer.changes.len(), answer.change_count)
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
    print_more(answer.changes.len(), answer.change_count)
}

fn status(status: pb::TitleStatus) -> String {
    match status {
        pb::TitleStatus::Unspecified => "–".to_owned(),
        status => title_status(status),
    }
}
