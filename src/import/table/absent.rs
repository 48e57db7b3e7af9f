//! The faults of a file in which something that the caller named, or any table at all, was not
//! found.

use super::{
    super::{
        columns::Choice,
        error::{FileFault, echo_on_one_line},
        fields::Field,
        report::SheetReport,
        sheet::{Sheet, SheetRow},
    },
    Found,
};
use crate::{
    lang::{Both, both, comma, word},
    limits::{ECHO_CELLS_MAX, HEADER_ROWS_MAX},
};

/// Refuses a chosen column that no table has: it is a mistake of the caller.
pub(in crate::import) fn require_chosen_columns(
    choices: &[Choice],
    found: &Found,
    sheets: &[SheetReport],
) -> Result<(), FileFault> {
    let mut tables = sheets.iter().filter(|sheet| sheet.not_read.is_none()).peekable();
    let mut columns = choices.iter().enumerate().filter(|(_, choice)| !choice.is_of_batches());
    let unused = columns.find(|(at, _)| !found.choices.contains(at));
    let Some((_, Choice { field, header })) = unused.filter(|_| tables.peek().is_some()) else {
        return Ok(());
    };
    let mut headers: Vec<&str> = Vec::new();
    for sheet in tables {
        let columns = sheet.columns.iter().map(|(_, header)| header);
        for header in columns.chain(&sheet.unmapped).chain(&sheet.personal) {
            if !headers.contains(&header.as_str()) {
                headers.push(header);
            }
        }
    }
    Err(FileFault::NoSuchColumn {
        field: field.map_or("ignore", Field::name).to_owned(),
        header: header.clone(),
        found: headers.join(", "),
    })
}

/// The fault of a file without a single row of data.
pub(in crate::import) fn no_rows(sheets: &[Sheet], reports: &[SheetReport]) -> FileFault {
    if sheets.iter().all(|sheet| sheet.rows.is_empty()) {
        return FileFault::Empty { detail: Both::default() };
    }
    if let Some(report) = reports.iter().find(|report| report.header_row.is_some()) {
        let row = report.header_row.unwrap_or_default();
        return FileFault::Empty {
            detail: both!(
                en: ": a header in row {row}, and no data below it",
                zh: "：表头在第 {row} 行，其下没有数据"
            ),
        };
    }
    let hidden = sheets.iter().filter(|sheet| sheet.hidden && !sheet.rows.is_empty());
    let hidden: Vec<_> = hidden.map(|sheet| sheet.name.as_str()).collect();
    if hidden.len() == sheets.iter().filter(|sheet| !sheet.rows.is_empty()).count() {
        let detail = both!(
            en: " that can be seen; --sheet reads a hidden one: {0}",
            zh: "：有数据的工作表都已隐藏；可用 --sheet 读取其中一个：{0}",
            hidden.join(comma())
        );
        return FileFault::Empty { detail };
    }
    let found: Vec<_> = sheets.iter().filter_map(widest_row).collect();
    FileFault::NoTable {
        rows: HEADER_ROWS_MAX,
        names: Field::Name.headers().join(", "),
        codes: Field::Designee.headers().join(", "),
        found: match found.is_empty() {
            true => Both::default(),
            false => both!(
                en: "The fullest row has {0}. ",
                zh: "内容最多的一行是：{0}。",
                found.join(word!(en: "; ", zh: "；"))
            ),
        },
    }
}

/// The fullest of the first rows, which is most likely meant as the header.
fn widest_row(sheet: &Sheet) -> Option<String> {
    let filled = |row: &SheetRow| row.cells.iter().filter(|cell| !cell.is_empty()).count();
    let top = sheet.rows.get(..HEADER_ROWS_MAX).unwrap_or(&sheet.rows);
    // Reversed: `max_by_key` returns the last of several maxima, and the header comes first.
    let row = top.iter().rev().filter(|_| !sheet.hidden).max_by_key(|row| filled(row))?;
    let cells = row.cells.iter().filter(|cell| !cell.is_empty()).take(ECHO_CELLS_MAX);
    Some(cells.map(|cell| echo_on_one_line(&cell.text())).collect::<Vec<_>>().join(", "))
}
