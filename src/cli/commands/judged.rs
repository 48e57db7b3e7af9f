//! The titles that a judged commit would change, for people.

use std::collections::BTreeMap;

use crate::{
    cli::{
        CliError,
        lists::print_more,
        print::{
            Cell, authority_cell, date, print_line, print_table, programme_cell, status_cell, table,
        },
    },
    domain::text::counted,
    lang::{say, word},
    limits::NAMED_ROWS_MAX,
    protocol::pb,
};

/// Prints the changes, counted by programme and step.
pub(super) fn print_changes(answer: &pb::AppendResponse) -> Result<(), CliError> {
    if answer.changes.is_empty() {
        return print_line(word!(en: "no title would change", zh: "不会有称号变动"));
    }
    print_line("")?;
    let count = answer.change_count;
    let titles = counted(count, "title");
    print_line(&say!(
        en: "{titles} would change, on the day each event takes effect:",
        zh: "将有 {count} 个称号变动，自各事件生效之日起："
    ))?;
    if answer.changes.len() <= NAMED_ROWS_MAX {
        return print_each(answer);
    }
    let mut steps: BTreeMap<(&str, &str, i32, i32), u32> = BTreeMap::new();
    for change in &answer.changes {
        let pb::TitleChange { programme, authority, before, after, .. } = change;
        *steps.entry((programme, authority, *before, *after)).or_default() += 1;
    }
    let [programme, authority, from, to] = headings();
    let mut table = table([programme, authority, from, to, word!(en: "titles", zh: "称号数")]);
    for ((programme, authority, before, after), count) in steps {
        let [before, after] = [before, after].map(status);
        let count = Cell::from(u64::from(count));
        table.add_row([programme_cell(programme), authority_cell(authority), before, after, count]);
    }
    print_table(&table)?;
    print_more(answer.changes.len(), answer.change_count)
}

/// The columns that both tables have. People alone read them.
fn headings() -> [&'static str; 4] {
    [
        word!(en: "programme", zh: "认定项目"),
        word!(en: "authority", zh: "认定机构"),
        word!(en: "from", zh: "原状态"),
        word!(en: "to", zh: "新状态"),
    ]
}

/// Prints a few changes one by one.
fn print_each(answer: &pb::AppendResponse) -> Result<(), CliError> {
    let [programme, authority, from, to] = headings();
    let (designee, last) =
        (word!(en: "designee", zh: "认定对象"), word!(en: "last day", zh: "有效期届满"));
    let mut table = table([designee, programme, authority, from, to, last]);
    for change in &answer.changes {
        table.add_row([
            Cell::from(&change.designee),
            programme_cell(&change.programme),
            authority_cell(&change.authority),
            status(change.before),
            status(change.after),
            date(change.valid_to.as_ref()).into(),
        ]);
    }
    print_table(&table)?;
    print_more(answer.changes.len(), answer.change_count)
}

/// A status by its number; there is none before the first fact of a title.
fn status(number: i32) -> Cell {
    match pb::TitleStatus::try_from(number).unwrap_or_default() {
        pb::TitleStatus::Unspecified => "–".into(),
        status => status_cell(status),
    }
}
