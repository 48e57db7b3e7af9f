//! Reads ODS. calamine would make room for repeated rows and cells before anything is checked, and
//! does not tell which rows and columns are shown.

use std::{
    borrow::Cow,
    collections::HashSet,
    io::{Cursor, Read},
};

use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::{
    Cell, Sheet, bounded_name,
    grid::{Grid, Placed, Region, Unshown},
    moment_of,
    xml::{Xml, attribute, damaged, decoded, is_nothing, push_reference},
};
use crate::{
    import::{
        budget::Budget,
        error::{FileFault, Things},
        unpack,
    },
    limits::WORKBOOK_MERGED_MAX,
};

const FORMAT: &str = "ODS";
/// Most rows and columns of a sheet in any spreadsheet.
const ROWS_MAX: u32 = 1_048_576;
const COLUMNS_MAX: u32 = 16_384;
/// Most spaces that one element stands for.
const SPACES_MAX: u32 = 256;

/// Reads the sheets of a workbook.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Sheet>, FileFault> {
    unpack::require_bounded(FORMAT, bytes)?;
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| damaged(FORMAT, &e))?;
    require_unlocked(&mut archive)?;
    let content = archive.by_name("content.xml").map_err(|error| damaged(FORMAT, &error))?;
    let mut book = Book::default();
    book.read(Xml::new(FORMAT, content))?;
    Ok(book.sheets)
}

/// Reads the sheets of a workbook that is one file of XML.
pub(super) fn read_flat(bytes: &[u8]) -> Result<Vec<Sheet>, FileFault> {
    let mut book = Book::default();
    book.read(Xml::new(FORMAT, bytes))?;
    Ok(book.sheets)
}

/// Refuses a workbook whose files are encrypted.
fn require_unlocked(archive: &mut ZipArchive<Cursor<&[u8]>>) -> Result<(), FileFault> {
    let Ok(manifest) = archive.by_name("META-INF/manifest.xml") else { return Ok(()) };
    let (mut xml, mut buffer) = (Xml::new(FORMAT, manifest), Vec::new());
    loop {
        match xml.next(&mut buffer)? {
            Event::Start(element) if element.local_name().as_ref() == "encryption-data" => {
                return Err(FileFault::Locked);
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

#[derive(Default)]
struct Book {
    sheets: Vec<Sheet>,
    budget: Budget,
    /// Cells that are made before they are placed.
    made: Budget,
    /// Names of styles that make a row, a column or a sheet invisible.
    invisible: HashSet<String>,
}

impl Book {
    fn read(&mut self, mut xml: Xml<impl Read>) -> Result<(), FileFault> {
        let (mut style, mut buffer) = (String::new(), Vec::new());
        loop {
            match xml.next(&mut buffer)? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "style" => style = decoded(&element, "name").unwrap_or_default().into_owned(),
                    "table-row-properties" if is_nothing(attribute(&element, "row-height")) => {
                        self.invisible.insert(style.clone());
                    }
                    "table-column-properties"
                        if is_nothing(attribute(&element, "column-width")) =>
                    {
                        self.invisible.insert(style.clone());
                    }
                    "table-properties" if attribute(&element, "display") == Some("false") => {
                        self.invisible.insert(style.clone());
                    }
                    // The rows of a change that was taken back, or not yet accepted.
                    "tracked-changes" => skip(&mut xml, "tracked-changes")?,
                    "dde-links" => skip(&mut xml, "dde-links")?,
                    "table" => {
                        let name = decoded(&element, "name").unwrap_or_default();
                        let name = bounded_name(FORMAT, &name)?;
                        let hidden = self.has_invisible_style(&element);
                        let sheet = self.table(&mut xml, name, hidden)?;
                        self.sheets.push(sheet);
                    }
                    _ => {}
                },
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    fn has_invisible_style(&self, element: &BytesStart<'_>) -> bool {
        decoded(element, "style-name").is_some_and(|style| self.invisible.contains(&*style))
    }

    fn is_hidden(&self, element: &BytesStart<'_>) -> bool {
        let visibility = attribute(element, "visibility").unwrap_or_default();
        matches!(visibility, "collapse" | "filter") || self.has_invisible_style(element)
    }

    fn table(
        &mut self,
        xml: &mut Xml<impl Read>,
        name: String,
        hidden: bool,
    ) -> Result<Sheet, FileFault> {
        let mut table = Table::default();
        // Groups of rows or columns that are closed, around what is read.
        let (mut groups, mut closed, mut buffer) = (Vec::new(), 0_u32, Vec::new());
        loop {
            match xml.next(&mut buffer)? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "table-row-group" | "table-column-group" => {
                        let is_closed = attribute(&element, "display") == Some("false");
                        groups.push(is_closed);
                        closed += u32::from(is_closed);
                    }
                    "table-column" => {
                        let is_hidden = closed > 0 || self.is_hidden(&element);
                        table.column(repeated(&element, "number-columns-repeated"), is_hidden);
                    }
                    "table-row" => {
                        let is_hidden = closed > 0 || self.is_hidden(&element);
                        let times = repeated(&element, "number-rows-repeated");
                        self.row(xml, &mut table, times, is_hidden)?;
                    }
                    // Pictures and forms over the cells.
                    "shapes" => skip(xml, "shapes")?,
                    "forms" => skip(xml, "forms")?,
                    _ => {}
                },
                Event::End(element) => match element.local_name().as_ref() {
                    "table-row-group" | "table-column-group" => {
                        closed -= u32::from(groups.pop().unwrap_or(false));
                    }
                    "table" => break,
                    _ => {}
                },
                Event::Eof => return Err(xml.cut()),
                _ => {}
            }
        }
        let Table { cells, merged, unshown, .. } = table;
        Grid { name, hidden, cells, merged, unshown }.sheet(&mut self.budget)
    }

    /// Reads a row and repeats it. Room for all copies is asked for before the first is made.
    fn row(
        &mut self,
        xml: &mut Xml<impl Read>,
        table: &mut Table,
        times: u32,
        is_hidden: bool,
    ) -> Result<(), FileFault> {
        let mut row: Vec<(u32, u32, Cell)> = Vec::new();
        let (mut spans, mut buffer) = (Vec::new(), Vec::new());
        let mut column = 0_u32;
        loop {
            match xml.next(&mut buffer)? {
                Event::Start(element) if is_cell(element.local_name().as_ref()) => {
                    // Nobody sees a covered cell.
                    let is_covered = element.local_name().as_ref() == "covered-table-cell";
                    let head = Head::of(&element);
                    let cell = head.read(xml, element.name().as_ref())?;
                    let end = column.saturating_add(head.times);
                    if !is_covered && head.span != (1, 1) {
                        spans.push((column, head.span));
                    }
                    if !cell.is_empty() && !is_covered {
                        row.push((column, end, cell));
                    }
                    column = end;
                }
                Event::End(element) if element.local_name().as_ref() == "table-row" => break,
                Event::Eof => return Err(xml.cut()),
                _ => {}
            }
        }
        let first = table.next_row;
        table.next_row = first.saturating_add(times);
        if is_hidden {
            table.unshown.row((first, table.next_row.saturating_sub(1)));
        }
        if row.is_empty() && spans.is_empty() {
            return Ok(());
        }
        if table.next_row > ROWS_MAX || column > COLUMNS_MAX && !row.is_empty() {
            return Err(FileFault::TooLarge { what: Things::Rows, max: ROWS_MAX.into() });
        }
        self.copies(table, first, times, &row, &spans)
    }

    fn copies(
        &mut self,
        table: &mut Table,
        first: u32,
        times: u32,
        row: &[(u32, u32, Cell)],
        spans: &[(u32, (u32, u32))],
    ) -> Result<(), FileFault> {
        for (from, to, cell) in row {
            let copies = u64::from(to - from).saturating_mul(times.into());
            self.made.cells(copies)?;
            self.budget.copies(cell, copies)?;
        }
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let added = count(spans.len()).saturating_mul(times.into());
        if count(table.merged.len()).saturating_add(added) > WORKBOOK_MERGED_MAX {
            let what = Things::MergedRegions;
            return Err(FileFault::TooLarge { what, max: WORKBOOK_MERGED_MAX });
        }
        for at in first..first.saturating_add(times) {
            for (from, to, cell) in row {
                let copy = |column| Placed { row: at, column, cell: cell.clone() };
                table.cells.extend((*from..*to).map(copy));
            }
            for (column, (rows, columns)) in spans {
                table.merged.push(Region {
                    rows: (at, at.saturating_add(rows - 1)),
                    columns: (*column, column.saturating_add(columns - 1)),
                });
            }
        }
        Ok(())
    }
}

/// A sheet as far as it is read.
#[derive(Default)]
struct Table {
    cells: Vec<Placed>,
    merged: Vec<Region>,
    unshown: Unshown,
    next_row: u32,
    next_column: u32,
}

impl Table {
    fn column(&mut self, times: u32, is_hidden: bool) {
        let first = self.next_column;
        self.next_column = first.saturating_add(times);
        if is_hidden {
            self.unshown.column((first, self.next_column.saturating_sub(1)));
        }
    }
}

/// What the start of a cell states.
struct Head {
    kind: Option<String>,
    value: Option<String>,
    is_formula: bool,
    is_error: bool,
    times: u32,
    /// Rows and columns that the cell is merged over.
    span: (u32, u32),
}

impl Head {
    fn of(element: &BytesStart<'_>) -> Self {
        let stated = |name| decoded(element, name).map(Cow::into_owned);
        // Another attribute of this name, but for its prefix, tells an error.
        let kind = stated("office:value-type");
        let value = match kind.as_deref() {
            Some("date") => stated("office:date-value"),
            Some("boolean") => stated("office:boolean-value"),
            Some("string") => stated("office:string-value"),
            Some("float" | "currency" | "percentage") => stated("office:value"),
            _ => None,
        };
        let span = |name| attribute(element, name).and_then(|n| n.trim().parse().ok()).unwrap_or(1);
        Self {
            kind,
            value,
            is_formula: attribute(element, "formula").is_some(),
            is_error: attribute(element, "calcext:value-type") == Some("error"),
            times: repeated(element, "number-columns-repeated"),
            span: (
                u32::max(span("number-rows-spanned"), 1),
                u32::max(span("number-columns-spanned"), 1),
            ),
        }
    }

    /// The value of a cell, which is read up to its end.
    fn read(&self, xml: &mut Xml<impl Read>, name: &str) -> Result<Cell, FileFault> {
        let shown = shown(xml, name)?;
        if self.is_error {
            return Ok(Cell::Error(shown.trim().to_owned()));
        }
        let value = self.value.as_deref();
        Ok(match (self.kind.as_deref(), value) {
            (Some("float" | "currency" | "percentage"), Some(value)) => {
                value.trim().parse().map_or_else(|_| Cell::of_text(&shown), Cell::Number)
            }
            (Some("date"), Some(value)) => moment_of(value),
            (Some("boolean"), Some(value)) => Cell::of_text(value),
            (Some("string"), Some(value)) => Cell::of_text(value),
            // A formula without a kind was never calculated.
            (None, _) if self.is_formula && shown.trim().is_empty() => Cell::Unevaluated,
            _ => Cell::of_text(&shown),
        })
    }
}

fn is_cell(name: &str) -> bool {
    matches!(name, "table-cell" | "covered-table-cell")
}

/// The paragraphs of a cell, without comments and drawings.
fn shown(xml: &mut Xml<impl Read>, name: &str) -> Result<String, FileFault> {
    /// What lies over the text, or beside it.
    const OTHERS: &[&str] =
        &["annotation", "frame", "ruby-text", "table", "detective", "change-track-table-cell"];
    let (mut text, mut buffer) = (String::new(), Vec::new());
    let (mut in_paragraph, mut paragraphs) = (0_u32, 0_u32);
    loop {
        match xml.next(&mut buffer)? {
            Event::Start(element) => match element.local_name().as_ref() {
                "p" => {
                    text.extend((paragraphs > 0).then_some('\n'));
                    (in_paragraph, paragraphs) = (in_paragraph + 1, paragraphs + 1);
                }
                "s" => {
                    let count = repeated(&element, "c").min(SPACES_MAX);
                    text.extend((0..count).map(|_| ' '));
                }
                "tab" => text.push('\t'),
                "line-break" => text.push('\n'),
                other if OTHERS.contains(&other) => xml.skip(element.name().as_ref())?,
                _ => {}
            },
            Event::Text(part) if in_paragraph > 0 => text.push_str(&part.xml10_content()),
            Event::CData(part) if in_paragraph > 0 => text.push_str(&part.xml10_content()),
            Event::GeneralRef(reference) if in_paragraph > 0 => {
                push_reference(&mut text, &reference);
            }
            Event::End(element) if element.name().as_ref() == name => return Ok(text),
            Event::End(element) if element.local_name().as_ref() == "p" => {
                in_paragraph = in_paragraph.saturating_sub(1);
            }
            Event::Eof => return Err(xml.cut()),
            _ => {}
        }
    }
}

/// Passes over an element, whatever its prefix is.
fn skip(xml: &mut Xml<impl Read>, local: &str) -> Result<(), FileFault> {
    let mut buffer = Vec::new();
    loop {
        match xml.next(&mut buffer)? {
            Event::End(element) if element.local_name().as_ref() == local => return Ok(()),
            Event::Eof => return Err(xml.cut()),
            _ => {}
        }
    }
}

/// How often an element is repeated; once if it does not say.
fn repeated(element: &BytesStart<'_>, name: &str) -> u32 {
    attribute(element, name).and_then(|count| count.trim().parse().ok()).unwrap_or(1)
}
