//! The report on how a list was read, for the person who approves it: short for a good list.

use super::{
    groups::{grouped, places},
    parts::{Place, Unit},
    run::List,
};
use crate::{
    cli::{CliError, print::print_line},
    domain::text::counted,
    import::{Note, SheetReport, rows_in_words},
    lang::{comma, say, word},
};

/// Prints the report on reading a list.
pub(crate) fn print_report(list: &List) -> Result<(), CliError> {
    let List { file, import } = list;
    let (format, count) = (import.report.format, import.rows.len());
    let rows = counted(count, "row");
    let encoding = import
        .report
        .encoding
        .map_or(String::new(), |encoding| say!(en: ", {encoding}", zh: "，{encoding}"));
    print_line(&say!(
        en: "{file}: {format}{encoding}, {rows}",
        zh: "{file}：{format}{encoding}，{count} 行"
    ))?;
    for table in &import.report.sheets {
        print_sheet(table)?;
    }
    print_notes(&import.report.notes)
}

fn print_sheet(sheet: &SheetReport) -> Result<(), CliError> {
    let name = match sheet.name.as_str() {
        "" => String::new(),
        name => say!(en: "{name}: ", zh: "{name}："),
    };
    if let Some(why) = &sheet.not_read {
        return print_line(&say!(en: "  {name}not read ({why})", zh: "  {name}没有读入（{why}）"));
    }
    let columns: Vec<_> =
        sheet.columns.iter().map(|(field, header)| format!("{header} → {field}")).collect();
    let colon = word!(en: ": ", zh: "：");
    let print = |what: &str, names: &[String]| {
        let names = names.join(comma());
        print_line(&format!("  {name}{what}{colon}{names}"))
    };
    print(word!(en: "columns", zh: "读入的列"), &columns)?;
    for (what, headers) in [
        (word!(en: "ignored", zh: "没有读入的列"), &sheet.unmapped),
        (word!(en: "personal data, dropped", zh: "个人信息，已舍弃的列"), &sheet.personal),
    ] {
        if !headers.is_empty() {
            print(what, headers)?;
        }
    }
    for (why, skipped) in grouped(&sheet.skipped, |skipped| &skipped.why) {
        let rows: Vec<u32> = skipped.iter().map(|skipped| skipped.row).collect();
        let rows = rows_in_words(&rows);
        print_line(&say!(
            en: "  {name}{rows} skipped ({why})",
            zh: "  {name}{rows}不是数据，没有读入（{why}）"
        ))?;
    }
    Ok(())
}

/// Prints the notes by reason, with the first message of each.
fn print_notes(notes: &[Note]) -> Result<(), CliError> {
    for (reason, same) in grouped(notes, |note| note.reason) {
        let Some(first) = same.first() else { continue };
        let of_rows = same.iter().filter(|note| note.row > 0);
        let at = of_rows.map(|note| Place { file: "", sheet: &note.sheet, row: note.row });
        let at = match places(at, Unit::Row, false) {
            at if at.is_empty() => at,
            at => say!(en: ", {at}", zh: "，{at}"),
        };
        let column = match first.column.as_str() {
            "" => String::new(),
            // A message in Chinese names its column where that helps.
            column => say!(en: ", column {column}", zh: ""),
        };
        let (count, message) = (same.len(), &first.message);
        let notes = counted(count, "note");
        print_line(&say!(
            en: "  {notes} [{reason}]{at}{column}: {message}",
            zh: "  {count} 条说明 [{reason}]{at}{column}：{message}"
        ))?;
    }
    Ok(())
}
