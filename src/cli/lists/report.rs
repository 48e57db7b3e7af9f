//! The report on how a list was read, for the person who approves it: short for a good list.

use super::{
    groups::{grouped, places},
    parts::Place,
    run::List,
};
use crate::{
    cli::{CliError, print::print_line},
    domain::text::{counted, ranges},
    import::{Note, SheetReport},
};

/// Prints the report on reading a list.
pub(crate) fn print_report(list: &List) -> Result<(), CliError> {
    let List { file, import } = list;
    let encoding = import.report.encoding.map_or(String::new(), |e| format!(", {e}"));
    let rows = counted(import.rows.len(), "row");
    print_line(&format!("{file}: {}{encoding}, {rows}", import.report.format))?;
    for table in &import.report.sheets {
        print_sheet(table)?;
    }
    print_notes(&import.report.notes)
}

fn print_sheet(sheet: &SheetReport) -> Result<(), CliError> {
    let name = if sheet.name.is_empty() { "" } else { &format!("{}: ", sheet.name) };
    if !sheet.not_read.is_empty() {
        return print_line(&format!("  {name}not read ({})", sheet.not_read));
    }
    let columns: Vec<_> =
        sheet.columns.iter().map(|(field, header)| format!("{header} → {field}")).collect();
    print_line(&format!("  {name}columns: {}", columns.join(", ")))?;
    for (what, headers) in
        [("ignored", &sheet.unmapped), ("personal data, dropped", &sheet.personal)]
    {
        if !headers.is_empty() {
            print_line(&format!("  {name}{what}: {}", headers.join(", ")))?;
        }
    }
    for (why, skipped) in grouped(&sheet.skipped, |skipped| skipped.why) {
        let rows: Vec<u32> = skipped.iter().map(|skipped| skipped.row).collect();
        let s = if rows.len() == 1 { "" } else { "s" };
        print_line(&format!("  {name}row{s} {} skipped ({why})", ranges(&rows)))?;
    }
    Ok(())
}

/// Prints the notes by reason, with the first message of each.
fn print_notes(notes: &[Note]) -> Result<(), CliError> {
    for (reason, same) in grouped(notes, |note| note.reason) {
        let Some(first) = same.first() else { continue };
        let of_rows = same.iter().filter(|note| note.row > 0);
        let at = of_rows.map(|note| Place { file: "", sheet: &note.sheet, row: note.row });
        let at = places(at, "row", false);
        let at = if at.is_empty() { at } else { format!(", {at}") };
        let column =
            if first.column.is_empty() { "" } else { &format!(", column {}", first.column) };
        let count = counted(same.len(), "note");
        print_line(&format!("  {count} [{reason}]{at}{column}: {}", first.message))?;
    }
    Ok(())
}
