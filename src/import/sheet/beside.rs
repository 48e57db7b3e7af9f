//! Reads from the XML of a sheet what calamine does not tell: rows and columns that are not
//! shown, formulas without a stored value, and texts in an unusual place.

use std::io::Read;

use quick_xml::events::{BytesStart, Event};

use super::{
    grid::Unshown,
    xml::{Xml, attribute, is_nothing, is_true, push_reference},
};
use crate::import::{budget::Budget, error::FileFault};

/// Row and column, from 0.
pub(super) type Place = (u32, u32);

/// What one sheet holds beside its values.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub(super) unshown: Unshown,
    /// Formulas whose value the file does not hold.
    pub(super) unevaluated: Vec<Place>,
    /// Texts of cells that announce a text inside the cell and hold it as a value. calamine drops
    /// them.
    pub(super) inline: Vec<(Place, String)>,
}

/// Rows and cells that were looked at in all sheets: many sheets can be the same file.
#[derive(Debug, Default)]
pub(super) struct Looked {
    rows: Budget,
    cells: Budget,
}

/// Reads a sheet up to the end of its cells.
pub(super) fn look(mut xml: Xml<impl Read>, looked: &mut Looked) -> Result<Beside, FileFault> {
    let mut beside = Beside::default();
    let (mut row, mut column) = (0_u32, 0_u32);
    let mut is_row_hidden = false;
    let (mut buffer, mut of_cell) = (Vec::new(), Vec::new());
    loop {
        match xml.next(&mut buffer)? {
            Event::Start(element) => match element.local_name().as_ref() {
                "col" => beside.column(&element),
                "row" => {
                    looked.rows.cells(1)?;
                    row = attribute(&element, "r").and_then(row_of).unwrap_or(row);
                    is_row_hidden = is_true(attribute(&element, "hidden"))
                        || is_nothing(attribute(&element, "ht"));
                    if is_row_hidden {
                        beside.unshown.row((row, row));
                    }
                }
                "c" => {
                    looked.cells.cells(1)?;
                    let place = attribute(&element, "r").and_then(place_of);
                    let place = place.unwrap_or((row, column));
                    column = place.1.saturating_add(1);
                    // A cell can name another row than the one that it is written in.
                    if is_row_hidden && place.0 != row {
                        beside.unshown.row((place.0, place.0));
                    }
                    let kind = attribute(&element, "t").unwrap_or_default();
                    let kind = match kind {
                        "inlineStr" | "is" => Kind::Inline,
                        "str" => Kind::Text,
                        _ => Kind::Other,
                    };
                    beside.cell(&mut xml, &mut of_cell, kind, place)?;
                }
                _ => {}
            },
            Event::End(element) => match element.local_name().as_ref() {
                "row" => {
                    (row, column) = (row.saturating_add(1), 0);
                    is_row_hidden = false;
                }
                "sheetData" => return Ok(beside),
                _ => {}
            },
            Event::Eof => return Ok(beside),
            _ => {}
        }
    }
}

/// How a cell announces its value.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Inline,
    /// The text that a formula gave.
    Text,
    Other,
}

impl Beside {
    fn column(&mut self, element: &BytesStart<'_>) {
        let number = |name| attribute(element, name).and_then(row_of);
        if let (Some(first), Some(last)) = (number("min"), number("max"))
            && (is_true(attribute(element, "hidden")) || is_nothing(attribute(element, "width")))
        {
            self.unshown.column((first, last));
        }
    }

    /// Reads a cell up to its end.
    fn cell(
        &mut self,
        xml: &mut Xml<impl Read>,
        buffer: &mut Vec<u8>,
        kind: Kind,
        place: Place,
    ) -> Result<(), FileFault> {
        let (mut is_formula, mut is_evaluated, mut has_text) = (false, false, false);
        // calamine keeps the last of value, formula and text, which are out of order.
        let mut is_lost = false;
        let mut value = String::new();
        let mut in_value = false;
        loop {
            match xml.next(buffer)? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "f" => {
                        is_lost |= is_evaluated || has_text;
                        is_formula = true;
                    }
                    // A formula that gave no text has an empty value of this kind.
                    "v" => {
                        is_lost |= has_text;
                        (in_value, is_evaluated) = (true, is_evaluated || kind == Kind::Text);
                    }
                    "is" => (has_text, is_evaluated) = (true, true),
                    _ => {}
                },
                Event::Text(text) if in_value => {
                    is_evaluated |= !text.trim().is_empty();
                    if kind == Kind::Inline {
                        value.push_str(&text.xml10_content());
                    }
                }
                Event::GeneralRef(reference) if in_value => {
                    is_evaluated = true;
                    if kind == Kind::Inline {
                        push_reference(&mut value, &reference);
                    }
                }
                Event::End(element) => match element.local_name().as_ref() {
                    "v" => in_value = false,
                    "c" => break,
                    _ => {}
                },
                Event::Eof => return Err(xml.cut()),
                _ => {}
            }
        }
        if is_formula && !is_evaluated || is_lost {
            self.unevaluated.push(place);
        }
        if kind == Kind::Inline && !has_text && !value.trim().is_empty() {
            self.inline.push((place, value));
        }
        Ok(())
    }
}

/// A number of a row or column, from 0.
fn row_of(text: &str) -> Option<u32> {
    text.trim().parse::<u32>().ok()?.checked_sub(1)
}

/// The place of `B12`.
fn place_of(text: &str) -> Option<Place> {
    let at = text.find(|c: char| c.is_ascii_digit())?;
    let (letters, number) = text.split_at(at);
    let column = letters.bytes().try_fold(0_u32, |sum, letter| {
        let digit = letter.is_ascii_alphabetic().then(|| letter.to_ascii_uppercase() - b'A')?;
        sum.checked_mul(26)?.checked_add(u32::from(digit) + 1)
    });
    Some((row_of(number)?, column?.checked_sub(1)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::error::Things;
    use crate::limits::LIST_CELLS_MAX;

    #[test]
    fn rows_and_cells_are_counted_over_all_sheets() {
        let look = |rows: u64, cells: u64| {
            let mut looked = Looked::default();
            looked.rows.cells(LIST_CELLS_MAX - rows).unwrap();
            looked.cells.cells(LIST_CELLS_MAX - cells).unwrap();
            let sheet = b"<sheetData><row/><row><c/><c/><c/></row></sheetData>";
            super::look(Xml::new("XLSX", sheet.as_slice()), &mut looked).map(|_| ())
        };
        assert_eq!(look(2, 3), Ok(()));
        let refused = Err(FileFault::TooLarge { what: Things::Cells, max: LIST_CELLS_MAX });
        assert_eq!(look(1, 3), refused);
        assert_eq!(look(2, 2), refused);
    }
}
