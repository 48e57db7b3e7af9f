//! Turns an official list (CSV, XLS, XLSX, ODS, HTML, JSON lines) into events. It never guesses a
//! fact that neither the list nor the caller states, and never lets personal data through.
//!
//! Steps: bytes → `open`, through `encoding` and `text`, or `sheet` → rows of cells → `table` finds
//! header and data → `events` makes one event of each row, through `row`. The server validates the
//! values.

mod budget;
mod choices;
mod columns;
mod comments;
mod encoding;
mod error;
mod events;
mod fact_kinds;
mod fields;
mod guard;
mod jsonl;
mod kind;
mod note;
mod open;
mod options;
mod personal;
mod report;
mod row;
mod sheet;
mod table;
mod tally;
mod template;
mod text;
mod unpack;
mod values;

#[cfg(test)]
mod tests;

use columns::Choice;
pub use error::{FileFault, ImportError, RowError};
pub use fact_kinds::FactKind;
use fields::Field;
pub use guard::guard;
use note::TableNotes;
pub use note::{Note, NoteReason};
use open::Opened;
pub use options::Options;
pub use report::{Format, Report, SheetReport, Skipped};
use sheet::Sheet;
use tally::Tally;
pub use template::{Template, example_event, template};
pub use values::OddCodes;

use crate::{
    limits::{LIST_FAULTS_MAX, LIST_ROWS_MAX},
    protocol::pb,
};

/// Finds the authority of a name: `广东省`, `广东`, `广东省工业和信息化厅` give `440000`.
pub type AuthorityOf = fn(&str) -> Option<&'static str>;

/// The events of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// One event for each data row, in the order of the file.
    pub rows: Vec<ImportedRow>,
    /// The report on how the file was read.
    pub report: Report,
}

/// An event with the place it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedRow {
    /// Name of the sheet; empty where the format has no sheets.
    pub sheet: String,
    /// Row of the sheet or line of the text, from 1, as a spreadsheet or an editor shows it.
    pub row: u32,
    /// The event to record.
    pub event: pb::Event,
}

/// Reads a list.
///
/// # Errors
///
/// A fault of the options, of the file as a whole, or of rows. All faulty rows are reported at
/// once, and nothing is imported.
pub fn read(
    file_name: &str,
    bytes: &[u8],
    options: &Options,
    authority_of: AuthorityOf,
) -> Result<Import, ImportError> {
    let choices = options::check(options, authority_of)?;
    let in_file = |fault| ImportError::File { file: file_name.to_owned(), fault };
    let (format, encoding, sheets) = match open::open(bytes, &choices).map_err(in_file)? {
        Opened::Sheets { format, encoding, sheets } => (format, encoding, sheets),
        Opened::Lines { text, encoding } => {
            options::reject_unusable(options, Format::JsonLines)?;
            let objects = jsonl::objects(&text);
            require_rows(objects.len()).map_err(in_file)?;
            let (rows, notes) = jsonl::read(&objects)?;
            let mut report = Report::new(Format::JsonLines, Some(encoding));
            report.notes = notes;
            return Ok(Import { rows, report });
        }
    };
    options::reject_unusable(options, format)?;
    let mut sheets = choose(sheets, options).map_err(in_file)?;
    sheets.iter_mut().for_each(|sheet| comments::drop_comments(&mut sheet.rows));
    let mut import = Import { rows: Vec::new(), report: Report::new(format, encoding) };
    let mut errors = Vec::new();
    let mut tally = Tally::default();
    for sheet in &sheets {
        let notes = &mut import.report.notes;
        let found =
            read_sheet(sheet, &choices, options, authority_of, &mut errors, &mut tally, notes);
        let (rows, report) = found.map_err(in_file)?;
        import.rows.extend(rows);
        require_rows(import.rows.len()).map_err(in_file)?;
        import.report.sheets.push(report);
    }
    table::require_chosen_columns(&choices, &import.report.sheets).map_err(in_file)?;
    let unused = options::reject_untaken(options, &choices, tally.kinds)?;
    tally.refuse(errors)?;
    import.report.notes.extend(unused);
    tally.report(&mut import.report);
    if import.rows.is_empty() {
        return Err(in_file(table::no_rows(&sheets, &import.report.sheets)));
    }
    Ok(import)
}

fn require_rows(count: usize) -> Result<(), FileFault> {
    if count > LIST_ROWS_MAX {
        let max = u64::try_from(LIST_ROWS_MAX).unwrap_or(u64::MAX);
        return Err(FileFault::TooLarge { what: "rows", max });
    }
    Ok(())
}

/// Keeps the sheet that the options name, or all sheets.
fn choose(mut sheets: Vec<Sheet>, options: &Options) -> Result<Vec<Sheet>, FileFault> {
    let Some(wanted) = &options.sheet else {
        return Ok(sheets);
    };
    let found = sheets.iter().map(|sheet| sheet.name.clone()).collect();
    sheets.retain(|sheet| sheet.name == *wanted);
    for sheet in &mut sheets {
        // A hidden sheet is read when it is named.
        sheet.hidden = false;
    }
    if sheets.is_empty() {
        return Err(FileFault::NoSuchSheet { wanted: wanted.clone(), found });
    }
    Ok(sheets)
}

fn read_sheet(
    sheet: &Sheet,
    choices: &[Choice],
    options: &Options,
    authority_of: AuthorityOf,
    errors: &mut Vec<RowError>,
    tally: &mut Tally,
    notes: &mut Vec<Note>,
) -> Result<(Vec<ImportedRow>, SheetReport), FileFault> {
    if sheet.hidden {
        return Ok((Vec::new(), SheetReport::without_table(sheet, "hidden; --sheet reads it")));
    }
    if sheet.rows.is_empty() {
        return Ok((Vec::new(), SheetReport::without_table(sheet, "empty")));
    }
    let is_place = |text: &str| authority_of(text).is_some();
    let Some(table) = table::find(sheet, choices, is_place)? else {
        return Ok((Vec::new(), SheetReport::without_table(sheet, "no table found")));
    };
    let context = events::Context {
        options,
        authority_of,
        sheet: &sheet.name,
        columns: &table.columns,
        notes: TableNotes::default(),
    };
    require_rows(table.rows.len())?;
    let mut rows = Vec::with_capacity(table.rows.len());
    for row in &table.rows {
        if errors.len() >= LIST_FAULTS_MAX {
            break;
        }
        let read = events::read(&context, row);
        tally.add(&sheet.name, &table.columns, row.number, &read);
        match read.event {
            Ok(Some(event)) => {
                rows.push(ImportedRow { sheet: sheet.name.clone(), row: row.number, event });
            }
            Ok(None) => {}
            Err(faults) => errors.extend(faults),
        }
    }
    tally.leave_out(&table.unmapped);
    let mut columns = table.columns.iter();
    let code_column = columns.find(|column| column.field == Field::Designee);
    let code_column = code_column.map_or("", |column| column.header.as_str());
    notes.extend(context.notes.finish(&sheet.name, code_column));
    let report = table.report(sheet);
    Ok((rows, report))
}
