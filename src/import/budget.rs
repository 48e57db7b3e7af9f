//! What the cells of one list may take together.

use super::{
    error::{FileFault, Things},
    sheet::Cell,
};
use crate::limits::{LIST_CELLS_MAX, LIST_TEXT_BYTES_MAX};

/// Counts cells, blank ones included, and the bytes of their texts. A text that many cells share
/// counts in each of them, because each gets a copy.
#[derive(Debug, Default)]
pub(super) struct Budget {
    cells: u64,
    text_bytes: u64,
}

impl Budget {
    /// Room for cells.
    pub(super) fn cells(&mut self, count: u64) -> Result<(), FileFault> {
        self.cells = self.cells.saturating_add(count);
        if self.cells > LIST_CELLS_MAX {
            return Err(FileFault::TooLarge { what: Things::Cells, max: LIST_CELLS_MAX });
        }
        Ok(())
    }

    /// Room for a text.
    pub(super) fn text(&mut self, text: &str) -> Result<(), FileFault> {
        self.text_bytes(u64::try_from(text.len()).unwrap_or(u64::MAX))
    }

    /// Room for a text of so many bytes.
    pub(super) fn text_bytes(&mut self, length: u64) -> Result<(), FileFault> {
        self.text_bytes = self.text_bytes.saturating_add(length);
        if self.text_bytes > LIST_TEXT_BYTES_MAX {
            let what = Things::CellBytes;
            return Err(FileFault::TooLarge { what, max: LIST_TEXT_BYTES_MAX });
        }
        Ok(())
    }

    /// Room for a copy of a cell.
    pub(super) fn copy(&mut self, cell: &Cell) -> Result<(), FileFault> {
        self.cells(1)?;
        self.copy_text(cell)
    }

    /// Room for many copies of a cell. Only their text counts: the cells count with their extent.
    pub(super) fn copies(&mut self, cell: &Cell, times: u64) -> Result<(), FileFault> {
        let Cell::Text(text) = cell else { return Ok(()) };
        self.text_bytes(u64::try_from(text.len()).unwrap_or(u64::MAX).saturating_mul(times))
    }

    /// Room for the text of a cell that is counted already.
    pub(super) fn copy_text(&mut self, cell: &Cell) -> Result<(), FileFault> {
        match cell {
            Cell::Text(text) | Cell::Moment { day: text, .. } | Cell::Error(text) => {
                self.text(text)
            }
            Cell::Empty | Cell::Number(_) | Cell::Unevaluated => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_and_their_texts_have_a_bound() {
        let mut budget = Budget::default();
        budget.cells(LIST_CELLS_MAX - 1).unwrap();
        budget.copy(&Cell::Number(1.0)).unwrap();
        assert!(budget.copy(&Cell::Empty).is_err());
        let mut budget = Budget::default();
        let text = "x".repeat(usize::try_from(LIST_TEXT_BYTES_MAX / 64).unwrap());
        (0..64).for_each(|_| budget.text(&text).unwrap());
        budget.text("").unwrap();
        assert!(budget.text("x").is_err());
    }
}
