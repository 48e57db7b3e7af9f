//! Faults, warnings and notes for people: one line for one cause, with the ranges of its rows.

use std::{collections::HashMap, hash::Hash};

use super::parts::{Place, Rows, Unit, as_fault};
use crate::{
    cli::{
        CliError,
        print::{Cell, Heading, Table, Tone, escaped, print_line, print_table, reason_cell, table},
    },
    domain::text::counted,
    import::{ImportError, RowError},
    lang::{say, word},
    limits::SHOWN_FAULTS_MAX,
    protocol::pb,
};

const FAULTS: [Heading; 4] = [
    Heading::new("rows", "rows", "行"),
    Heading::new("column", "column", "列"),
    Heading::new("value", "value", "内容"),
    Heading::new("message", "fault", "错误"),
];

/// Groups items by a key, in the order in which the keys come.
pub(super) fn grouped<'a, T, K>(
    items: impl IntoIterator<Item = &'a T>,
    key: impl Fn(&'a T) -> K,
) -> Vec<(K, Vec<&'a T>)>
where
    K: Clone + Eq + Hash,
{
    let mut groups: Vec<(K, Vec<&T>)> = Vec::new();
    let mut known = HashMap::new();
    for item in items {
        let key = key(item);
        let index = *known.entry(key.clone()).or_insert(groups.len());
        match groups.get_mut(index) {
            Some((_, same)) => same.push(item),
            None => groups.push((key, vec![item])),
        }
    }
    groups
}

/// Places in words, by file and sheet: `rows 3 to 402`, `名单, row 3; 附件, rows 5 and 7`. Files are
/// named if `names_files`.
pub(super) fn places<'a>(
    places: impl IntoIterator<Item = Place<'a>>,
    unit: Unit,
    names_files: bool,
) -> String {
    let places: Vec<Place<'_>> = places.into_iter().collect();
    let sheets = grouped(&places, |place| (place.file, place.sheet));
    let sheet = |((file, sheet), of): ((&str, &str), Vec<&Place<'_>>)| {
        let rows: Vec<u32> = of.iter().map(|place| place.row).collect();
        let file = if names_files { file } else { "" };
        let comma = word!(en: ", ", zh: "，");
        let names: String = [file, sheet]
            .into_iter()
            .filter(|name| !name.is_empty())
            .map(|name| format!("{name}{comma}"))
            .collect();
        format!("{names}{}", unit.in_words(&rows))
    };
    let sheets: Vec<_> = sheets.into_iter().map(sheet).collect();
    sheets.join(word!(en: "; ", zh: "；"))
}

/// Prints the rejections of a trial: those of one cause in one line, at most `most` lines.
pub(crate) fn print_rejections(
    rows: &Rows<'_>,
    answer: &pb::AppendResponse,
    most: usize,
) -> Result<(), CliError> {
    let names_files = rows.files().len() > 1;
    let causes = grouped(&answer.rejections, |fault| {
        let place = rows.place(fault.index);
        let sheet = place.map_or(("", ""), |place| (place.file, place.sheet));
        (sheet, rows.column(fault.index, &fault.field), &fault.reason, said(rows, fault))
    });
    let mut table = table([
        rows.unit.heading(),
        Heading::new("column", "column", "列"),
        Heading::new("designee", "designee", "认定对象").drops(2),
        Heading::new("reason", "reason", "原因码").drops(1),
        Heading::new("message", "fault", "错误"),
    ]);
    for ((_, column, reason, said), faults) in causes.iter().take(most) {
        let at = faults.iter().filter_map(|fault| rows.place(fault.index));
        let named = places(at, rows.unit, names_files);
        let index = faults.first().map_or(0, |fault| fault.index);
        let designee = match faults.as_slice() {
            [_] => rows.get(index).map_or("", |(_, row)| row.event.designee.as_str()),
            _ => "",
        };
        let field = faults.first().map_or("", |fault| field_of(fault));
        let column = if column.is_empty() { field } else { column };
        let cells = [named.as_str(), column, designee, reason].map(Cell::from);
        table.add_row(cells.into_iter().chain([Cell::from(said).tone(Tone::Bad)]));
    }
    print_table(&table)?;
    let shown: usize = causes.iter().take(most).map(|(_, faults)| faults.len()).sum();
    print_more(shown, answer.rejection_count)
}

/// The field of a fault inside its event.
fn field_of(fault: &pb::Rejection) -> &str {
    fault.field.split_once("].").map_or("", |(_, field)| field)
}

/// The message of a fault with its value. Many messages name the value themselves.
fn said(rows: &Rows<'_>, fault: &pb::Rejection) -> String {
    let (message, value) = (rows.message(fault), &fault.value);
    if message.contains(value) {
        return message;
    }
    say!(en: "{value}: {message}", zh: "{value}：{message}")
}

/// The warnings of one reason.
struct Warned<'a> {
    reason: &'a str,
    /// Number of all, listed or not.
    count: u32,
    first: String,
    places: String,
}

/// The warnings by reason, the most frequent first.
fn warned<'a>(rows: &Rows<'_>, answer: &'a pb::AppendResponse) -> Vec<Warned<'a>> {
    let names_files = rows.files().len() > 1;
    let by_reason = grouped(&answer.warnings, |warning| warning.reason.as_str());
    let mut listed: HashMap<&str, Vec<&pb::Warning>> = by_reason.into_iter().collect();
    // A server of an earlier version counts only all of them together.
    let mut counts: Vec<(&str, u32)> =
        answer.warning_counts.iter().map(|of| (of.reason.as_str(), of.count)).collect();
    if counts.is_empty() {
        let number = |found: &Vec<_>| u32::try_from(found.len()).unwrap_or(u32::MAX);
        counts = listed.iter().map(|(reason, found)| (*reason, number(found))).collect();
        counts.sort_unstable();
    }
    let of = |(reason, count): (&'a str, u32)| {
        let found = listed.remove(reason).unwrap_or_default();
        let at = found.iter().filter_map(|warning| rows.place(warning.index));
        let mut places = places(at, rows.unit, names_files);
        let listed = u32::try_from(found.len()).unwrap_or(u32::MAX);
        if count > listed && !found.is_empty() {
            let more = count - listed;
            places.push_str(&say!(en: " and {more} more", zh: "，另有 {more} 处"));
        }
        let first =
            found.first().map_or_else(String::new, |warning| rows.message(&as_fault(warning)));
        Warned { reason, count, first, places }
    };
    counts.into_iter().map(of).collect()
}

/// Prints the warnings as a table.
pub(crate) fn print_warnings(rows: &Rows<'_>, answer: &pb::AppendResponse) -> Result<(), CliError> {
    if answer.warning_count == 0 {
        return print_line(word!(en: "no warnings", zh: "没有警告"));
    }
    print_line("")?;
    let count = answer.warning_count;
    let (warnings, block) =
        (counted(count, "warning"), if count == 1 { "blocks" } else { "block" });
    print_line(&say!(
        en: "{warnings}, which never {block}:",
        zh: "{count} 条警告（不影响记录）："
    ))?;
    let mut table = table([
        Heading::new("reason", "reason", "警告"),
        Heading::new("count", "count", "数量"),
        Heading::new("first", "first", "第一条"),
        rows.unit.heading(),
    ]);
    for Warned { reason, count, first, places } in warned(rows, answer) {
        let first = Cell::from(first).tone(Tone::Warning);
        let reason = reason_cell(reason);
        table.add_row([reason, count.to_string().into(), first, places.into()]);
    }
    print_table(&table)
}

/// The warnings, one line for each reason: success is short.
pub(crate) fn warning_lines(rows: &Rows<'_>, answer: &pb::AppendResponse) -> Vec<String> {
    let line = |Warned { reason, count, first, places }: Warned<'_>| {
        let warnings = counted(count, "warning");
        say!(
            en: "  {warnings} [{reason}], {places}: {first}",
            zh: "  {count} 条警告 [{reason}]，{places}：{first}"
        )
    };
    warned(rows, answer).into_iter().map(line).collect()
}

/// Says how many are not shown.
pub(crate) fn print_more(shown: usize, count: u32) -> Result<(), CliError> {
    let more = usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(shown);
    if more == 0 {
        return Ok(());
    }
    print_line(&say!(en: "… and {more} more, not listed", zh: "……另有 {more} 处，没有列出"))
}

/// The faults of a file for people: its name, and one line for each cause.
pub(crate) fn faults_of_file(file: &str, error: &ImportError) -> String {
    let ImportError::Rows(faults) = error else { return error.to_string() };
    let causes = grouped(faults, |fault: &RowError| {
        (fault.sheet.as_str(), fault.column.as_str(), fault.value.as_str(), &fault.message)
    });
    let mut table: Table = table(FAULTS);
    for ((_, column, value, message), same) in causes.iter().take(SHOWN_FAULTS_MAX) {
        let at = same.iter().map(|fault| Place { file, sheet: &fault.sheet, row: fault.row });
        let at = places(at, Unit::Row, false);
        table.add_row([at.as_str(), column, value, message.said()]);
    }
    let more = match causes.len().saturating_sub(SHOWN_FAULTS_MAX) {
        0 => String::new(),
        more => say!(en: "\n… and {more} more", zh: "\n……另有 {more} 处"),
    };
    let (count, file) = (causes.len(), escaped(file));
    let faults = counted(count, "fault");
    let head = say!(
        en: "{file}: nothing was recorded; {faults}",
        zh: "{file}：没有记录任何内容；有 {count} 处错误"
    );
    format!("{head}\n{table}{more}")
}
