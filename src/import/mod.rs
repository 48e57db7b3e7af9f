//! Turns an official list (CSV, XLS, XLSX, ODS, HTML, JSON lines) into events. It never guesses a
//! fact that neither the list nor the caller states, and never lets personal data through.
//!
//! Steps: bytes → `open`, through `encoding` and `text`, or `sheet` → rows of cells → `table` finds
//! tables and their data → `events` makes one event of each row, through `row`. The server
//! validates the values.

mod budget;
mod choices;
mod columns;
mod comments;
mod encoding;
mod error;
mod events;
mod fact_kinds;
mod fields;
mod file_fault;
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
pub use error::{FileFault, ImportError, RowError, Things};
pub use fact_kinds::FactKind;
use fields::Field;
pub use guard::guard;
use note::TableNotes;
pub use note::{Note, NoteReason};
use open::Opened;
pub use options::{Options, ReadOrSkip};
pub use report::{Format, Report, SheetReport, Skipped, rows_in_words};
use sheet::Sheet;
use table::{DataRow, Table};
use tally::Tally;
pub use template::{Template, example_event, template};
pub use values::OddCodes;

use crate::{
    domain::region,
    lang::Both,
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
    let in_file = |fault| {
        let fault = Box::new(fault);
        ImportError::File { file: file_name.to_owned(), fault }
    };
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
    let given = Given { choices: &choices, options, authority_of };
    let mut so_far = SoFar::default();
    for sheet in &sheets {
        read_sheet(sheet, &given, &mut import, &mut so_far).map_err(in_file)?;
    }
    let SoFar { found, mut errors, tally } = so_far;
    table::require_chosen_columns(&choices, &found, &import.report.sheets).map_err(in_file)?;
    let unused = options::reject_untaken(options, &choices, tally.kinds)?;
    let has_fact = |sheet: &SheetReport| sheet.columns.iter().any(|(field, _)| *field == "fact");
    let is_stated = options.fact.is_some() || import.report.sheets.iter().any(has_fact);
    errors.splice(0..0, tally.other_fact(is_stated));
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
        return Err(FileFault::TooLarge { what: Things::Rows, max });
    }
    Ok(())
}

/// Keeps the sheet that the options name, or all sheets.
fn choose(mut sheets: Vec<Sheet>, options: &Options) -> Result<Vec<Sheet>, FileFault> {
    let Some(wanted) = &options.sheet else {
        return Ok(sheets);
    };
    let found: Vec<String> = sheets.iter().map(|sheet| sheet.name.clone()).collect();
    // A name looks the same with characters that nobody sees.
    let is_exact = found.contains(wanted);
    let looks_like = |name: &str| columns::visible(name) == columns::visible(wanted);
    sheets.retain(|sheet| sheet.name == *wanted || !is_exact && looks_like(&sheet.name));
    for sheet in &mut sheets {
        // A hidden sheet is read when it is named.
        sheet.hidden = false;
    }
    if sheets.is_empty() {
        return Err(FileFault::NoSuchSheet { wanted: wanted.clone(), found });
    }
    Ok(sheets)
}

/// The caller's statements about a whole file.
struct Given<'a> {
    choices: &'a [Choice],
    options: &'a Options,
    authority_of: AuthorityOf,
}

/// What the sheets read so far have shown, beside their rows.
#[derive(Default)]
struct SoFar {
    found: table::Found,
    errors: Vec<RowError>,
    tally: Tally,
}

/// Reads the tables of a sheet into `import`, and their faults into `so_far`.
fn read_sheet(
    sheet: &Sheet,
    given: &Given<'_>,
    import: &mut Import,
    so_far: &mut SoFar,
) -> Result<(), FileFault> {
    let not_read = |why| SheetReport::without_table(sheet, why);
    if sheet.hidden {
        import.report.sheets.push(not_read(Both::word(
            "hidden; --sheet reads it",
            "隐藏的工作表；可用 --sheet 读取",
        )));
        return Ok(());
    }
    if sheet.rows.is_empty() {
        import.report.sheets.push(not_read(Both::word("empty", "空的")));
        return Ok(());
    }
    let Given { choices, options, authority_of } = *given;
    let (seen, note) = table::seen(sheet, choices, options.hidden)?;
    let is_place = |text: &str| authority_of(text).is_some() || region::is_place_name(text);
    let reading = table::Reading { sheet: &seen, choices, options, is_place: &is_place };
    let tables = table::find(&reading, &mut so_far.found)?;
    import.report.notes.extend(note);
    if tables.is_empty() {
        import.report.sheets.push(not_read(Both::word("no table found", "没有找到表格")));
    }
    for mut table in tables {
        let notes = std::mem::take(&mut table.notes);
        import.report.notes.extend(notes);
        read_table(sheet, &table, given, import, so_far)?;
        import.report.sheets.push(table.report(sheet));
    }
    Ok(())
}

/// Makes the events of a table.
fn read_table(
    sheet: &Sheet,
    table: &Table<'_>,
    given: &Given<'_>,
    import: &mut Import,
    so_far: &mut SoFar,
) -> Result<(), FileFault> {
    require_rows(import.rows.len().saturating_add(table.rows.len()))?;
    import.rows.reserve(table.rows.len());
    let mut context = events::Context {
        options: given.options,
        authority_of: given.authority_of,
        sheet: &sheet.name,
        columns: &table.columns,
        fact: None,
        notes: TableNotes::default(),
    };
    for DataRow { row, fact } in table.rows.iter().copied() {
        if so_far.errors.len() >= LIST_FAULTS_MAX {
            break;
        }
        context.fact = fact;
        let read = events::read(&context, row);
        so_far.tally.add(&sheet.name, &table.columns, row.number, &read);
        match read.event {
            Ok(Some(event)) => {
                import.rows.push(ImportedRow { sheet: sheet.name.clone(), row: row.number, event });
            }
            Ok(None) => {}
            Err(faults) => so_far.errors.extend(faults),
        }
    }
    so_far.tally.leave_out(&table.unmapped);
    let mut columns = table.columns.iter();
    let code_column = columns.find(|column| column.field == Field::Designee);
    let code_column = code_column.map_or("", |column| column.header.as_str());
    import.report.notes.extend(context.notes.finish(&sheet.name, code_column));
    Ok(())
}
