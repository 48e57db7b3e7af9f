//! Faults of lists, worded so that a person can correct the list. Each names its place.

use std::fmt;

use crate::{domain::fault::echo, limits::ROW_FAULT_LINES_MAX};

/// Why a list was not read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ImportError {
    /// An option has a value that cannot be used.
    #[error("{option}: {message}")]
    Option {
        /// The option as the caller typed it: `--date`.
        option: String,
        /// The fault, and the values that are accepted.
        message: String,
    },
    /// The file as a whole cannot be read.
    #[error("{file}: {fault}")]
    File {
        /// Name of the file.
        file: String,
        /// The fault.
        fault: FileFault,
    },
    /// JSON lines cannot be read by this build.
    #[error("this build has no description of tidu.v1.Event")]
    Schema,
    /// Rows cannot be recorded; the list holds all of them.
    #[error("{}", lines(.0))]
    Rows(Vec<RowError>),
}

/// A fault of a file as a whole.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FileFault {
    /// The file holds no rows.
    #[error("it has no rows{detail}")]
    Empty {
        /// More about the place; begins with a separator or is empty.
        detail: String,
    },
    /// It is not a list.
    #[error("this is {what}, not a list; {cure}")]
    Foreign {
        /// Its kind.
        what: String,
        /// What to do with it.
        cure: String,
    },
    /// It cannot be opened without a password.
    #[error(
        "the workbook has a password; open it, take the password off, save it and record that file"
    )]
    Locked,
    /// A cell lies so far from the others that the cells between them are too many.
    #[error("cell {cell}{sheet} lies far from the table; {cure} and save it again")]
    FarCell {
        /// ` of sheet 名单`; empty if the sheet has no name.
        sheet: String,
        /// The place of the cell: `H1048576`.
        cell: String,
        /// What to delete.
        cure: String,
    },
    /// The text holds bytes that no text has.
    #[error(
        "line {line} holds NUL bytes ({in_line} there, {count} in the file), which no text has; \
         open it in a spreadsheet and save it again as XLSX, or as CSV in UTF-8"
    )]
    NulBytes {
        /// Physical line of the first.
        line: u32,
        /// How many of them are on it.
        in_line: u32,
        /// How many of them the file holds.
        count: u32,
    },
    /// It holds more than a list can have.
    #[error("it has more than {max} {what}, which is the limit; divide the list")]
    TooLarge {
        /// The things, with their unit.
        what: &'static str,
        /// The limit.
        max: u64,
    },
    /// The workbook cannot be opened.
    #[error("it cannot be read as {format}: {cause}; open it and save it again as XLSX")]
    Workbook {
        /// The format its first bytes announce.
        format: &'static str,
        /// The reader's message.
        cause: String,
    },
    /// The text is not valid in its encoding.
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
        /// Number of rows that were searched.
        rows: usize,
        /// Headers known for names.
        names: String,
        /// Headers known for codes.
        codes: String,
        /// The rows found instead; ends in a space or is empty.
        found: String,
    },
    /// Two columns supply one field.
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
    #[error("--column {field}={header}: the file has no such column; it has {found}")]
    NoSuchColumn {
        /// The field that it was chosen for.
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
        /// The field that it was chosen for.
        field: String,
        /// Its header.
        header: String,
    },
    /// Rows or columns are hidden, and the caller has not said whether they count.
    #[error(
        "{}hidden {what}: nobody sees them who opens the list; say --hidden skip to leave them \
         out, or --hidden read to read them",
        in_sheet(sheet)
    )]
    Hidden {
        /// Name of the sheet; may be empty.
        sheet: String,
        /// The rows and columns.
        what: String,
    },
    /// A title names another fact than the caller.
    #[error(
        "{place}: {title} names {named}, and --fact says {stated}; say --fact with the fact of \
         these rows, or correct the title in the list"
    )]
    OtherFact {
        /// Its sheet and row.
        place: String,
        /// The title, shortened.
        title: String,
        /// The facts that it names.
        named: String,
        /// The fact that the caller states.
        stated: String,
    },
    /// A title names several facts, and nothing else decides.
    #[error("{place}: {title} can mean {named}; say which: --fact")]
    SeveralFacts {
        /// Its sheet and row.
        place: String,
        /// The title, shortened.
        title: String,
        /// The facts that it names.
        named: String,
    },
    /// A column that is not read states facts.
    #[error(
        "{}the column {column} is not read, and says {words}, which can decide the fact of a row; \
         say --column fact={column} to read it, or --column ignore={column} to leave it out",
        in_sheet(sheet)
    )]
    FactsLeftOut {
        /// Name of the sheet; may be empty.
        sheet: String,
        /// Its header, or its letter.
        column: String,
        /// Some of its words.
        words: String,
    },
    /// Lone texts can be names or headings.
    #[error(
        "{}{rows}: a text alone in its row ({first}) can be a name or a heading; say --lone-names \
         read to read it as a name, or --lone-names skip to leave it out",
        in_sheet(sheet)
    )]
    LoneNames {
        /// Name of the sheet; may be empty.
        sheet: String,
        /// The rows.
        rows: String,
        /// The first of the texts.
        first: String,
    },
    /// Headers that are not known begin a table of enterprises.
    #[error(
        "{place} has the headers {headers}, of which none is known for a name or a code, but row \
         {row} below it holds {text}; name its column: --column name=HEADER"
    )]
    UnknownHeaders {
        /// Sheet and row of the headers.
        place: String,
        /// The headers.
        headers: String,
        /// A row with an enterprise.
        row: u32,
        /// Its name or code, shortened.
        text: String,
    },
    /// The chosen sheet does not exist.
    #[error("--sheet {wanted}: the file has no such sheet; it has {}", found.join(", "))]
    NoSuchSheet {
        /// The name asked for.
        wanted: String,
        /// The sheets there are.
        found: Vec<String>,
    },
}

fn in_sheet(sheet: &str) -> String {
    if sheet.is_empty() { String::new() } else { format!("sheet {sheet}: ") }
}

/// A fault of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// Name of the sheet; empty where the format has no sheets.
    pub sheet: String,
    /// Row of the sheet or line of the text, from 1.
    pub row: u32,
    /// Header of the column, or the field if it has no column.
    pub column: String,
    /// The offending value, shortened; empty if it is missing or must not be repeated.
    pub value: String,
    /// The fault and its remedy, in a sentence that names the column.
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
pub(super) fn echo_on_one_line(value: &str) -> String {
    echo(value).replace(char::is_control, " ")
}

/// The errors as lines; equal ones share a line.
fn lines(errors: &[RowError]) -> String {
    let mut groups: Vec<(&RowError, u32, usize)> = Vec::new();
    let mut unshown = 0_usize;
    for error in errors {
        let is_same =
            |first: &RowError| (&first.sheet, &first.message) == (&error.sheet, &error.message);
        if let Some((_, last, count)) = groups.iter_mut().find(|(first, ..)| is_same(first)) {
            *last = error.row;
            *count += 1;
        } else if groups.len() < ROW_FAULT_LINES_MAX {
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
