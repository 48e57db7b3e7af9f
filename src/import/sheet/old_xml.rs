//! Reads a workbook that Excel 2003 saved as XML, as many systems still export under `.xls`.

use quick_xml::events::{BytesStart, Event};

use super::{
    Cell, Sheet, bounded_name,
    grid::{Grid, Placed, Region, Unshown},
    moment_of,
    xml::{Xml, attribute, decoded, is_nothing, is_true, push_reference},
};
use crate::{
    import::{
        budget::Budget,
        error::{FileFault, Things},
    },
    limits::WORKBOOK_MERGED_MAX,
};

const FORMAT: &str = "Excel 2003 XML";

/// Reads the sheets of a workbook.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Sheet>, FileFault> {
    let mut xml = Xml::new(FORMAT, bytes);
    let (mut sheets, mut budget, mut buffer) = (Vec::new(), Budget::default(), Vec::new());
    loop {
        match xml.next(&mut buffer)? {
            Event::Start(element) if element.local_name().as_ref() == "Worksheet" => {
                let name = decoded(&element, "Name").unwrap_or_default().into_owned();
                let name = bounded_name(FORMAT, &name)?;
                sheets.push(Reading::default().sheet(&mut xml, name, &mut budget)?);
            }
            Event::Eof => return Ok(sheets),
            _ => {}
        }
    }
}

/// A sheet as far as it is read. Rows and columns count from 0.
#[derive(Default)]
struct Reading {
    cells: Vec<Placed>,
    merged: Vec<Region>,
    unshown: Unshown,
    is_hidden: bool,
    row: u32,
    next_row: u32,
    next_column: u32,
    next_cell: u32,
    open: Option<Open>,
}

/// The cell that is read.
struct Open {
    column: u32,
    kind: String,
    text: String,
    is_formula: bool,
    in_data: bool,
}

impl Reading {
    fn sheet(
        mut self,
        xml: &mut Xml<&[u8]>,
        name: String,
        budget: &mut Budget,
    ) -> Result<Sheet, FileFault> {
        let (mut in_state, mut buffer) = (false, Vec::new());
        loop {
            match xml.next(&mut buffer)? {
                Event::Start(element) => match element.local_name().as_ref() {
                    // Comments hold data as well.
                    "Comment" | "PhoneticText" => xml.skip(element.name().as_ref())?,
                    "Visible" => in_state = true,
                    local => self.start(local, &element)?,
                },
                Event::Text(text) => {
                    self.is_hidden |= in_state && text.contains("Hidden");
                    self.text(&text.xml10_content(), budget)?;
                }
                Event::CData(text) => self.text(&text.xml10_content(), budget)?,
                Event::GeneralRef(reference) => {
                    if let Some(open) = self.open.as_mut().filter(|open| open.in_data) {
                        push_reference(&mut open.text, &reference);
                    }
                }
                Event::End(element) => match element.local_name().as_ref() {
                    "Worksheet" => break,
                    "Visible" => in_state = false,
                    local => self.end(local),
                },
                Event::Eof => return Err(xml.cut()),
                _ => {}
            }
        }
        let Self { cells, merged, unshown, is_hidden: hidden, .. } = self;
        Grid { name, hidden, cells, merged, unshown }.sheet(budget)
    }

    fn start(&mut self, local: &str, element: &BytesStart<'_>) -> Result<(), FileFault> {
        // The attribute counts from 1; without it an element follows the one before.
        let index = number(element, "Index").and_then(|index| index.checked_sub(1));
        match local {
            "Column" => {
                let first = index.unwrap_or(self.next_column);
                let last = first.saturating_add(number(element, "Span").unwrap_or(0));
                self.next_column = last.saturating_add(1);
                if is_unshown(element, "Width") {
                    self.unshown.column((first, last));
                }
            }
            "Row" => {
                let first = index.unwrap_or(self.next_row);
                let last = first.saturating_add(number(element, "Span").unwrap_or(0));
                (self.row, self.next_row, self.next_cell) = (first, last.saturating_add(1), 0);
                if is_unshown(element, "Height") {
                    self.unshown.row((first, last));
                }
            }
            "Cell" => {
                let column = index.unwrap_or(self.next_cell);
                let span = |name| number(element, name).unwrap_or(0);
                let (across, down) = (span("MergeAcross"), span("MergeDown"));
                let last = column.saturating_add(across);
                self.next_cell = last.saturating_add(1);
                if across > 0 || down > 0 {
                    self.merged.push(Region {
                        rows: (self.row, self.row.saturating_add(down)),
                        columns: (column, last),
                    });
                    if u64::try_from(self.merged.len()).unwrap_or(u64::MAX) > WORKBOOK_MERGED_MAX {
                        let (what, max) = (Things::MergedRegions, WORKBOOK_MERGED_MAX);
                        return Err(FileFault::TooLarge { what, max });
                    }
                }
                let is_formula = attribute(element, "Formula").is_some();
                let (kind, text) = (String::new(), String::new());
                self.open = Some(Open { column, kind, text, is_formula, in_data: false });
            }
            "Data" => {
                if let Some(open) = &mut self.open {
                    open.kind = attribute(element, "Type").unwrap_or_default().to_owned();
                    open.in_data = true;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str, budget: &mut Budget) -> Result<(), FileFault> {
        let Some(open) = self.open.as_mut().filter(|open| open.in_data) else { return Ok(()) };
        budget.text(text)?;
        open.text.push_str(text);
        Ok(())
    }

    fn end(&mut self, local: &str) {
        match (local, &mut self.open) {
            ("Data", Some(open)) => open.in_data = false,
            ("Cell", open) => {
                if let Some(open) = open.take() {
                    let (row, column) = (self.row, open.column);
                    let cell = open.cell();
                    if !cell.is_empty() {
                        self.cells.push(Placed { row, column, cell });
                    }
                }
            }
            _ => {}
        }
    }
}

impl Open {
    fn cell(self) -> Cell {
        let text = self.text.trim();
        match self.kind.as_str() {
            "" if self.is_formula => Cell::Unevaluated,
            "Number" => text.parse().map_or_else(|_| Cell::of_text(text), Cell::Number),
            "DateTime" => moment_of(text),
            "Boolean" => Cell::Text((text == "1").to_string()),
            "Error" => Cell::Error(text.to_owned()),
            _ => Cell::of_text(text),
        }
    }
}

fn is_unshown(element: &BytesStart<'_>, size: &str) -> bool {
    is_true(attribute(element, "Hidden")) || is_nothing(attribute(element, size))
}

fn number(element: &BytesStart<'_>, name: &str) -> Option<u32> {
    attribute(element, name)?.trim().parse().ok()
}
