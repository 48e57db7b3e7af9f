//! What can be wrong with a list, said so that a person can mend it; never a cause without a place.

use std::fmt;

use super::{
    columns::Field,
    report::SheetReport,
    sheet::{Row, Sheet},
};

/// Most characters of a cell that an error repeats.
const ECHO_CHARS_MAX: usize = 40;
/// Most cells of a row that an error repeats.
const ECHO_CELLS_MAX: usize = 12;
/// Most lines in the text of [`ImportError::Rows`]; the errors themselves are all there.
const LINES_MAX: usize = 20;

/// Why a list was not read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ImportError {
    /// An option has a value that cannot be used.
    #[error("{option}: {message}")]
    Option {
        /// The option as the caller typed it: `--date`.
        option: String,
        /// What is wrong and what is accepted.
        message: String,
    },
    /// The file as a whole cannot be read.
    #[error("{file}: {fault}")]
    File {
        /// Name of the file.
        file: String,
        /// What is wrong with it.
        fault: FileFault,
    },
    /// JSON lines cannot be read by this build.
    #[error("this build has no description of tidu.v1.Event")]
    Schema,
    /// Rows cannot be recorded; all of them are here.
    #[error("{}", lines(.0))]
    Rows(Vec<RowError>),
}

/// What is wrong with a file as a whole.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FileFault {
    /// The file holds no rows.
    #[error("there are no rows in it{detail}")]
    Empty {
        /// Where it was looked for; begins with a separator or is empty.
        detail: String,
    },
    /// It is something else than a list.
    #[error("this is {what}, not a list; open it and save it as XLSX, or as CSV in UTF-8")]
    Foreign {
        /// What it is.
        what: &'static str,
    },
    /// The workbook cannot be opened.
    #[error("it cannot be read as {format}: {cause}; save it again as XLSX, without a password")]
    Workbook {
        /// The format its first bytes announce.
        format: &'static str,
        /// What the reader says.
        cause: String,
    },
    /// The text is not in the encoding it seems to be in.
    #[error("line {line} is not {encoding}; save the list as CSV in UTF-8")]
    Encoding {
        /// The encoding that was found.
        encoding: &'static str,
        /// Physical line of the first bad byte.
        line: u32,
    },
    /// A quoted field is never closed.
    #[error("line {line}: a field opens with a quotation mark that is never closed")]
    OpenQuote {
        /// Physical line of the opening mark.
        line: u32,
    },
    /// No header row was found.
    #[error(
        "no table found: none of the first {rows} rows has a column for the name ({names}) or the \
         code ({codes}). {found}If the column has another header, name it: --column name=企业全称"
    )]
    NoTable {
        /// How many rows were searched.
        rows: usize,
        /// Headers known for names.
        names: String,
        /// Headers known for codes.
        codes: String,
        /// What was there instead; ends in a space or is empty.
        found: String,
    },
    /// Two columns would fill one field.
    #[error(
        "the columns {first} and {second} both read as {field}; say which: --column {field}={first}"
    )]
    TwoColumns {
        /// The field.
        field: &'static str,
        /// Header of one column.
        first: String,
        /// Header of the other.
        second: String,
    },
    /// A chosen column does not exist.
    #[error("--column {field}={header}: there is no such column; the file has {found}")]
    NoSuchColumn {
        /// The field it was for.
        field: String,
        /// The header that was not found.
        header: String,
        /// The headers there are.
        found: String,
    },
    /// A chosen column holds personal data.
    #[error(
        "--column {field}={header}: the column holds personal data, which the log cannot forget"
    )]
    PersonalColumn {
        /// The field it was for.
        field: String,
        /// Its header.
        header: String,
    },
    /// The chosen sheet does not exist.
    #[error("--sheet {wanted}: there is no such sheet; the file has {}", found.join(", "))]
    NoSuchSheet {
        /// What was asked for.
        wanted: String,
        /// The sheets there are.
        found: Vec<String>,
    },
}

/// What is wrong with one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// Name of the sheet; empty where the format has no sheets.
    pub sheet: String,
    /// Row of the sheet or line of the text, from 1.
    pub row: u32,
    /// Header of the column, or the field where there is no such column.
    pub column: String,
    /// The offending value, shortened; empty where one is missing or must not be repeated.
    pub value: String,
    /// What is wrong and what to do, in a sentence that names the column.
    pub message: String,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.sheet.is_empty() {
            write!(f, "sheet {}, ", self.sheet)?;
        }
        write!(f, "row {}: {}", self.row, self.message)
    }
}

impl std::error::Error for RowError {}

/// Shortens a value so that an error can repeat it on one line.
pub(super) fn echo(value: &str) -> String {
    let mut characters = value.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut shortened: String = characters.by_ref().take(ECHO_CHARS_MAX).collect();
    if characters.next().is_some() {
        shortened.push('…');
    }
    shortened
}

/// The fault of a file in which nothing could be imported.
pub(super) fn no_rows(sheets: &[Sheet], reports: &[SheetReport]) -> FileFault {
    if sheets.iter().all(|sheet| sheet.rows.is_empty()) {
        return FileFault::Empty { detail: String::new() };
    }
    if let Some(report) = reports.iter().find(|report| report.header_row.is_some()) {
        let row = report.header_row.unwrap_or_default();
        return FileFault::Empty {
            detail: format!(": a header in row {row}, and no data below it"),
        };
    }
    let hidden = sheets.iter().filter(|sheet| sheet.hidden && !sheet.rows.is_empty());
    let hidden: Vec<_> = hidden.map(|sheet| sheet.name.as_str()).collect();
    if hidden.len() == sheets.iter().filter(|sheet| !sheet.rows.is_empty()).count() {
        let detail =
            format!(" that can be seen; --sheet reads a hidden one: {}", hidden.join(", "));
        return FileFault::Empty { detail };
    }
    let found: Vec<_> = sheets.iter().filter_map(widest_row).collect();
    FileFault::NoTable {
        rows: super::table::HEADER_ROWS_MAX,
        names: Field::Name.headers().join(", "),
        codes: Field::Designee.headers().join(", "),
        found: match found.is_empty() {
            true => String::new(),
            false => format!("The fullest row has {}. ", found.join("; ")),
        },
    }
}

/// The row most likely meant as the header, for the message.
fn widest_row(sheet: &Sheet) -> Option<String> {
    let filled = |row: &Row| row.cells.iter().filter(|cell| !cell.is_empty()).count();
    let top = sheet.rows.get(..super::table::HEADER_ROWS_MAX).unwrap_or(&sheet.rows);
    // Reversed: of several maxima `max_by_key` gives the last, and the header stands first.
    let row = top.iter().rev().filter(|_| !sheet.hidden).max_by_key(|row| filled(row))?;
    let cells = row.cells.iter().filter(|cell| !cell.is_empty()).take(ECHO_CELLS_MAX);
    Some(cells.map(|cell| echo(&cell.text())).collect::<Vec<_>>().join(", "))
}

/// The errors as lines, equal ones together.
fn lines(errors: &[RowError]) -> String {
    let mut groups: Vec<(&RowError, u32, usize)> = Vec::new();
    let mut unshown = 0_usize;
    for error in errors {
        let is_same =
            |first: &RowError| (&first.sheet, &first.message) == (&error.sheet, &error.message);
        if let Some((_, last, count)) = groups.iter_mut().find(|(first, ..)| is_same(first)) {
            *last = error.row;
            *count += 1;
        } else if groups.len() < LINES_MAX {
            groups.push((error, error.row, 1));
        } else {
            unshown += 1;
        }
    }
    let mut text = format!("the list has {} faults", errors.len());
    for (first, last, count) in groups {
        text.push_str("\n  ");
        text.push_str(&first.to_string());
        if count > 1 {
            text.push_str(&format!(" ({count} rows, the last is {last})"));
        }
    }
    if unshown > 0 {
        text.push_str(&format!("\n  and {unshown} more"));
    }
    text
}
