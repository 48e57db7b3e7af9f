//! Reads XLS: the cells with calamine, and what calamine does not tell from the records.

use std::io::Cursor;

use calamine::{Reader as _, Xls, XlsError};

use super::{
    Sheet, biff, cell,
    grid::{Grid, Placed},
    names, region,
    xml::damaged,
};
use crate::import::{budget::Budget, error::FileFault};

const FORMAT: &str = "XLS";

/// Reads the sheets of a workbook.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Sheet>, FileFault> {
    let mut seen = biff::read(bytes)?;
    let open = Xls::new(Cursor::new(bytes));
    let mut book = open.map_err(|error| fault(&error))?;
    let mut budget = Budget::default();
    let mut sheets = Vec::new();
    for (at, name, hidden) in names(FORMAT, &book)? {
        let range = book.worksheet_range(&name).map_err(|error| fault(&error))?;
        let merged = book.merge_cells_by_sheet_name(&name).map_err(|error| fault(&error))?;
        let mut cells = Vec::new();
        let (first_row, first_column) = range.start().unwrap_or_default();
        for (row, column, value) in range.used_cells() {
            let place =
                |first: u32, at: usize| first.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
            let cell = cell(value);
            budget.copy_text(&cell)?;
            cells.push(Placed {
                row: place(first_row, row),
                column: place(first_column, column),
                cell,
            });
        }
        let beside = seen.sheets.get_mut(at).map(std::mem::take).unwrap_or_default();
        cells.extend(beside.unevaluated);
        let merged = merged.iter().map(region).collect();
        let grid = Grid { name, hidden, cells, merged, unshown: beside.unshown };
        sheets.push(grid.sheet(&mut budget)?);
    }
    Ok(sheets)
}

fn fault(cause: &XlsError) -> FileFault {
    match cause {
        XlsError::Password => FileFault::Locked,
        cause => damaged(FORMAT, cause),
    }
}
