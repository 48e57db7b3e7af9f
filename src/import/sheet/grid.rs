//! Places the cells of a workbook in rows, whatever its format: merged regions are filled, and
//! what a spreadsheet does not show is marked.

use super::{Cell, Sheet, SheetRow, Wide, index};
use crate::{
    domain::text::echo,
    import::{
        budget::Budget,
        error::{FileFault, Things},
    },
    lang::{Both, both},
    limits::LIST_CELLS_MAX,
};

/// A cell and its place, from 0.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) row: u32,
    pub(super) column: u32,
    pub(super) cell: Cell,
}

/// First and last number of a run, from 0.
pub(super) type Run = (u32, u32);

/// A merged region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Region {
    pub(super) rows: Run,
    pub(super) columns: Run,
}

/// Rows and columns that a spreadsheet does not show.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Unshown {
    pub(super) rows: Vec<Run>,
    pub(super) columns: Vec<Run>,
}

impl Unshown {
    /// Notes a hidden row; neighbours share a run.
    pub(super) fn row(&mut self, run: Run) {
        push(&mut self.rows, run);
    }

    /// Notes a hidden column.
    pub(super) fn column(&mut self, run: Run) {
        push(&mut self.columns, run);
    }
}

fn push(runs: &mut Vec<Run>, run: Run) {
    match runs.last_mut() {
        Some(last) if run.0 >= last.0 && run.0 <= last.1.saturating_add(1) => {
            last.1 = last.1.max(run.1);
        }
        _ => runs.push(run),
    }
}

/// Makes the numbers of sorted runs, each once, up to `end`.
fn numbers(mut runs: Vec<Run>, end: u32) -> Vec<u32> {
    runs.sort_unstable();
    let (mut numbers, mut next) = (Vec::new(), 0);
    for (first, last) in runs {
        numbers.extend(first.max(next)..last.saturating_add(1).min(end));
        next = next.max(last.saturating_add(1));
    }
    numbers
}

/// Rows without the blank ones. All rows between the first and the last are made, and those
/// without a cell take no room.
struct Rows {
    first: u32,
    cells: Vec<Vec<Cell>>,
}

/// What a sheet is made of.
pub(super) struct Grid {
    pub(super) name: String,
    pub(super) hidden: bool,
    pub(super) cells: Vec<Placed>,
    pub(super) merged: Vec<Region>,
    pub(super) unshown: Unshown,
}

impl Grid {
    pub(super) fn sheet(self, budget: &mut Budget) -> Result<Sheet, FileFault> {
        let Self { name, hidden, cells, merged, unshown } = self;
        let Some(mut rows) = Rows::place(&name, cells, budget)? else {
            return Ok(Sheet { name, hidden, ..Sheet::default() });
        };
        let mut wide = Vec::new();
        let mut covered = Budget::default();
        for region in &merged {
            rows.fill(region, budget, &mut covered)?;
            if region.columns.1 > region.columns.0 {
                wide.push(Wide {
                    row: region.rows.0.saturating_add(1),
                    first: index(region.columns.0),
                    last: index(region.columns.1),
                });
            }
        }
        let width = rows.cells.iter().map(Vec::len).max().unwrap_or_default();
        let width = u32::try_from(width).unwrap_or(u32::MAX);
        let height = u32::try_from(rows.cells.len()).unwrap_or(u32::MAX);
        let hidden_rows = numbers(unshown.rows, rows.first.saturating_add(height));
        let numbered = (rows.first..).zip(rows.cells).map(|(row, cells)| SheetRow {
            number: row.saturating_add(1),
            cells,
            hidden: hidden_rows.binary_search(&row).is_ok(),
        });
        let rows = numbered.filter(|row| !row.is_blank()).collect();
        let hidden_columns = numbers(unshown.columns, width).into_iter().map(index).collect();
        Ok(Sheet { name, hidden, rows, wide, hidden_columns })
    }
}

impl Rows {
    /// `None` without a cell. The extent of the cells is checked before room is made for it.
    fn place(
        name: &str,
        cells: Vec<Placed>,
        budget: &mut Budget,
    ) -> Result<Option<Self>, FileFault> {
        let places: Vec<Run> = cells.iter().map(|cell| (cell.row, cell.column)).collect();
        let rows = places.iter().map(|(row, _)| *row);
        let (Some(first), Some(last)) = (rows.clone().min(), rows.max()) else { return Ok(None) };
        budget.cells(require_near(name, &places)?)?;
        drop(places);
        let mut rows = vec![Vec::new(); index(last - first) + 1];
        for Placed { row, column, cell } in cells {
            let Some(row) = rows.get_mut(index(row - first)) else { continue };
            put(row, index(column), cell);
        }
        Ok(Some(Self { first, cells: rows }))
    }

    /// Repeats the value of a merged region in the rows below its first, and clears what the
    /// region covers: nobody sees it.
    fn fill(
        &mut self,
        region: &Region,
        budget: &mut Budget,
        covered: &mut Budget,
    ) -> Result<(), FileFault> {
        let (first, last) = (index(region.columns.0), index(region.columns.1));
        // Only the rows of the region are looked at, or many regions over many rows would take
        // for ever.
        let from = index(region.rows.0.saturating_sub(self.first));
        let to = index(region.rows.1.saturating_add(1).saturating_sub(self.first));
        let to = to.min(self.cells.len());
        let Some(rows) = self.cells.get_mut(from..to) else { return Ok(()) };
        let mut value = None;
        for row in rows {
            let end = last.saturating_add(1).min(row.len());
            let behind = row.get_mut(first.saturating_add(1)..end).unwrap_or_default();
            covered.cells(u64::try_from(behind.len()).unwrap_or(u64::MAX))?;
            behind.fill(Cell::Empty);
            match &value {
                None => value = Some(row.get(first).cloned().unwrap_or(Cell::Empty)),
                Some(Cell::Empty) => {
                    covered.cells(1)?;
                    if let Some(cell) = row.get_mut(first) {
                        *cell = Cell::Empty;
                    }
                }
                Some(value) => {
                    budget.copy(value)?;
                    put(row, first, value.clone());
                }
            }
        }
        Ok(())
    }
}

fn put(row: &mut Vec<Cell>, column: usize, cell: Cell) {
    if row.len() <= column {
        row.resize(column + 1, Cell::Empty);
    }
    if let Some(place) = row.get_mut(column) {
        *place = cell;
    }
}

/// The number of cells between the first row and column A, and the last cell. Refuses one that is
/// too large; `places` are rows and columns.
pub(super) fn require_near(name: &str, places: &[Run]) -> Result<u64, FileFault> {
    let rows = places.iter().map(|(row, _)| *row);
    let (Some(first), Some(last)) = (rows.clone().min(), rows.max()) else { return Ok(0) };
    let width = places.iter().map(|(_, column)| *column).max().unwrap_or_default();
    let extent = (u64::from(last - first) + 1).saturating_mul(u64::from(width) + 1);
    if extent <= LIST_CELLS_MAX { Ok(extent) } else { Err(far(name, places)) }
}

/// Names the cell behind the widest gap, and how to take it away. A sheet without a wide gap is
/// simply too large.
fn far(name: &str, places: &[Run]) -> FileFault {
    let down = gap(places.iter().map(|(row, _)| *row));
    let across = gap(places.iter().map(|(_, column)| *column));
    // The gap that leaves the smaller part of the extent is the mistake.
    let part = |(before, after): Run| f64::from(before) / f64::from(after).max(1.0);
    let is_down = part(down) <= part(across);
    let (before, after) = if is_down { down } else { across };
    let behind = |(row, column): &&Run| if is_down { *row >= after } else { *column >= after };
    let Some((row, column)) = places.iter().find(behind).filter(|_| after > before + 1) else {
        return FileFault::TooLarge { what: Things::Cells, max: LIST_CELLS_MAX };
    };
    let letters = super::letters(*column);
    let cure = match is_down {
        true => both!(
            en: "delete column {letters} below row {0}",
            zh: "删除 {letters} 列第 {0} 行以下的内容",
            before.saturating_add(1)
        ),
        false => both!(
            en: "delete the columns behind {0}",
            zh: "删除 {0} 列以后的各列",
            super::letters(before)
        ),
    };
    let cell = format!("{letters}{}", row.saturating_add(1));
    let sheet = match name {
        "" => Both::default(),
        name => both!(en: " of sheet {0}", zh: "工作表“{0}”的", echo(name)),
    };
    FileFault::FarCell { sheet, cell, cure }
}

/// The numbers before and behind the widest gap.
fn gap(numbers: impl Iterator<Item = u32>) -> Run {
    let mut numbers: Vec<u32> = numbers.collect();
    numbers.sort_unstable();
    numbers.dedup();
    let pairs = numbers.windows(2).filter_map(|pair| match pair {
        [before, after] => Some((*before, *after)),
        _ => None,
    });
    let first = numbers.first().copied().unwrap_or_default();
    pairs.max_by_key(|(before, after)| after - before).unwrap_or((first, first))
}
