//! Faults, warnings and notes for people: one line for one cause, with the ranges of its rows.

use std::{collections::HashMap, hash::Hash};

use super::parts::{Place, Rows, as_fault};
use crate::{
    cli::{
        CliError,
        print::{Table, escaped, print_line, print_table, table},
    },
    domain::text::{counted, ranges},
    import::{ImportError, RowError},
    limits::SHOWN_FAULTS_MAX,
    protocol::pb,
};

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
    unit: &str,
    names_files: bool,
) -> String {
    let places: Vec<Place<'_>> = places.into_iter().collect();
    let sheets = grouped(&places, |place| (place.file, place.sheet));
    let sheet = |((file, sheet), of): ((&str, &str), Vec<&Place<'_>>)| {
        let rows: Vec<u32> = of.iter().map(|place| place.row).collect();
        let file = if names_files { file } else { "" };
        let names: String =
            [file, sheet].into_iter().filter(|n| !n.is_empty()).map(|n| format!("{n}, ")).collect();
        let s = if rows.iter().all(|row| Some(row) == rows.first()) { "" } else { "s" };
        format!("{names}{unit}{s} {}", ranges(&rows))
    };
    sheets.into_iter().map(sheet).collect::<Vec<_>>().join("; ")
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
    let mut table = table([&format!("{}s", rows.unit), "column", "designee", "reason", "fault"]);
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
        table.add_row([named.as_str(), column, designee, reason, said]);
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
    let message = rows.message(fault);
    if message.contains(&fault.value) { message } else { format!("{}: {message}", fault.value) }
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
            places.push_str(&format!(" and {} more", count - listed));
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
        return print_line("no warnings");
    }
    print_line("")?;
    print_line(&format!(
        "{}, which never {}:",
        counted(answer.warning_count, "warning"),
        if answer.warning_count == 1 { "blocks" } else { "block" }
    ))?;
    let mut table = table(["reason", "count", "first", &format!("{}s", rows.unit)]);
    for Warned { reason, count, first, places } in warned(rows, answer) {
        table.add_row([reason, &count.to_string(), &first, &places]);
    }
    print_table(&table)
}

/// The warnings, one line for each reason: success is short.
pub(crate) fn warning_lines(rows: &Rows<'_>, answer: &pb::AppendResponse) -> Vec<String> {
    let line = |Warned { reason, count, first, places }: Warned<'_>| {
        let count = counted(count, "warning");
        format!("  {count} [{reason}], {places}: {first}")
    };
    warned(rows, answer).into_iter().map(line).collect()
}

/// Says how many are not shown.
pub(crate) fn print_more(shown: usize, count: u32) -> Result<(), CliError> {
    let more = usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(shown);
    if more > 0 { print_line(&format!("… and {more} more, not listed")) } else { Ok(()) }
}

/// The faults of a file for people: its name, and one line for each cause.
pub(crate) fn faults_of_file(file: &str, error: &ImportError) -> String {
    let ImportError::Rows(faults) = error else { return error.to_string() };
    let causes = grouped(faults, |fault: &RowError| {
        (fault.sheet.as_str(), fault.column.as_str(), fault.value.as_str(), fault.message.as_str())
    });
    let mut table: Table = table(["rows", "column", "value", "fault"]);
    for ((_, column, value, message), same) in causes.iter().take(SHOWN_FAULTS_MAX) {
        let at = same.iter().map(|fault| Place { file, sheet: &fault.sheet, row: fault.row });
        table.add_row([places(at, "row", false).as_str(), column, value, message]);
    }
    let more = causes.len().saturating_sub(SHOWN_FAULTS_MAX);
    let more = if more > 0 { format!("\n… and {more} more") } else { String::new() };
    let count = counted(causes.len(), "fault");
    format!("{}: nothing was recorded; {count}\n{table}{more}", escaped(file))
}
