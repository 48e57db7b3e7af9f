//! Reads XLSX: the cells with calamine, and beside it what calamine does not tell.

use std::{collections::HashMap, io::Cursor};

use calamine::{Data, DataRef, Reader as _, Xlsx, XlsxError};
use quick_xml::events::Event;
use zip::ZipArchive;

use super::{
    Cell, Sheet,
    beside::{self, Beside, Looked},
    cell,
    grid::{Grid, Placed},
    names, region,
    xml::{Xml, attribute, damaged, decoded},
};
use crate::{
    import::{
        budget::Budget,
        error::{FileFault, Things},
        unpack,
    },
    lang::{Both, both},
    limits::WORKBOOK_FORMATS_MAX,
};

const FORMAT: &str = "XLSX";

/// Reads the sheets of a workbook.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Sheet>, FileFault> {
    unpack::require_bounded(FORMAT, bytes)?;
    let open = Xlsx::new(Cursor::new(bytes));
    let mut book = open.map_err(|error| fault(&error))?;
    let mut parts = Parts::open(bytes)?;
    let (mut budget, mut looked) = (Budget::default(), Looked::default());
    let mut sheets = Vec::new();
    let named = names(FORMAT, &book)?;
    if parts.sheets.len() != book.sheets_metadata().len() {
        let cause = Both::word("its table of sheets is damaged", "工作表目录已损坏");
        return Err(FileFault::Workbook { format: FORMAT, cause });
    }
    for (at, name, hidden) in named {
        let beside = parts.look(at, &mut looked)?;
        let Some(cells) = cells(&mut book, &name, &mut budget)? else {
            sheets.push(Sheet { name, hidden, ..Sheet::default() });
            continue;
        };
        let merged = book.merge_cells_by_sheet_name(&name).map_err(|error| fault(&error))?;
        let grid = Grid {
            cells: with_beside(cells, &beside, &mut budget)?,
            name,
            hidden,
            merged: merged.iter().map(region).collect(),
            unshown: beside.unshown,
        };
        sheets.push(grid.sheet(&mut budget)?);
    }
    Ok(sheets)
}

fn fault(cause: &XlsxError) -> FileFault {
    match cause {
        XlsxError::Password => FileFault::Locked,
        cause => damaged(FORMAT, cause),
    }
}

/// The cells of a sheet that hold something, if only spaces; `None` for a chart.
fn cells(
    book: &mut Xlsx<Cursor<&[u8]>>,
    name: &str,
    budget: &mut Budget,
) -> Result<Option<Vec<Placed>>, FileFault> {
    let mut reader = match book.worksheet_cells_reader(name) {
        Ok(reader) => reader,
        // Without its cells a worksheet is damaged, and not empty.
        Err(XlsxError::NotAWorksheet(root)) if root != "worksheet" => return Ok(None),
        Err(error) => return Err(fault(&error)),
    };
    let mut cells = Vec::new();
    while let Some(read) = reader.next_cell().map_err(|error| fault(&error))? {
        let value = match read.get_value() {
            DataRef::Empty => continue,
            DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
                budget.text(text)?;
                Cell::of_text(text)
            }
            DataRef::SharedString(text) => {
                budget.text(text)?;
                Cell::of_text(text)
            }
            other => cell(&Data::from(other.clone())),
        };
        let (row, column) = read.get_position();
        cells.push(Placed { row, column, cell: value });
    }
    Ok(Some(cells))
}

/// Adds the texts and the formulas that calamine takes for empty cells.
fn with_beside(
    mut cells: Vec<Placed>,
    beside: &Beside,
    budget: &mut Budget,
) -> Result<Vec<Placed>, FileFault> {
    for ((row, column), text) in &beside.inline {
        budget.text(text)?;
        cells.push(Placed { row: *row, column: *column, cell: Cell::of_text(text) });
    }
    let formulas = beside.unevaluated.iter();
    cells.extend(formulas.map(|(row, column)| Placed {
        row: *row,
        column: *column,
        cell: Cell::Unevaluated,
    }));
    Ok(cells)
}

/// The files of a workbook, found as calamine finds them.
struct Parts<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// Index of each file by its path in lower case.
    files: HashMap<String, usize>,
    /// Path of each sheet, in the order of the workbook.
    sheets: Vec<String>,
}

impl<'a> Parts<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, FileFault> {
        let archive =
            ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(FORMAT, &error))?;
        let files = (0..archive.len())
            .filter_map(|at| Some((lookup(&archive.name_for_index(at)?.ok()?), at)))
            .collect();
        let mut parts = Self { archive, files, sheets: Vec::new() };
        let (folder, book) = parts.workbook()?;
        let targets = parts.targets(&format!("{folder}_rels/{book}.rels"))?;
        parts.sheets = parts.sheet_paths(&folder, &book, &targets)?;
        Ok(parts)
    }

    fn file(&mut self, path: &str) -> Result<Xml<impl std::io::Read>, FileFault> {
        let Some(at) = self.files.get(&lookup(path)) else {
            let cause = both!(en: "it has no file {path}", zh: "其中缺少文件 {path}");
            return Err(FileFault::Workbook { format: FORMAT, cause });
        };
        let file = self.archive.by_index(*at).map_err(|error| damaged(FORMAT, &error))?;
        Ok(Xml::new(FORMAT, file))
    }

    /// Folder and name of the main file.
    fn workbook(&mut self) -> Result<(String, String), FileFault> {
        let mut xml = self.file("_rels/.rels")?;
        let (mut target, mut buffer) = (String::new(), Vec::new());
        loop {
            match xml.next(&mut buffer)? {
                Event::Start(element) if element.local_name().as_ref() == "Relationship" => {
                    let kind = attribute(&element, "Type").unwrap_or_default();
                    if kind.ends_with("/relationships/officeDocument") {
                        target = decoded(&element, "Target").unwrap_or_default().into_owned();
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let target = target.strip_prefix('/').unwrap_or(&target);
        let at = target.rfind('/').map_or(0, |at| at + 1);
        let (folder, book) = target.split_at(at);
        Ok((folder.to_owned(), book.to_owned()))
    }

    fn targets(&mut self, path: &str) -> Result<HashMap<String, String>, FileFault> {
        let mut xml = self.file(path)?;
        let (mut targets, mut buffer) = (HashMap::new(), Vec::new());
        loop {
            match xml.next(&mut buffer)? {
                Event::Start(element) if element.local_name().as_ref() == "Relationship" => {
                    let id = attribute(&element, "Id").unwrap_or_default().to_owned();
                    let target = attribute(&element, "Target").unwrap_or_default().to_owned();
                    targets.insert(id, target);
                }
                Event::Eof => return Ok(targets),
                _ => {}
            }
        }
    }

    fn sheet_paths(
        &mut self,
        folder: &str,
        book: &str,
        targets: &HashMap<String, String>,
    ) -> Result<Vec<String>, FileFault> {
        let path = format!("{folder}{book}");
        let mut xml = self.file(&path)?;
        let (mut sheets, mut buffer) = (Vec::new(), Vec::new());
        loop {
            match xml.next(&mut buffer)? {
                Event::Start(element) if element.local_name().as_ref() == "sheet" => {
                    let id = attribute(&element, "id").unwrap_or_default();
                    let target = targets.get(id).map(String::as_str).unwrap_or_default();
                    sheets.push(match target.strip_prefix('/') {
                        Some(absolute) => absolute.to_owned(),
                        None => format!("{folder}{target}"),
                    });
                }
                Event::End(element) if element.local_name().as_ref() == "workbook" => break,
                Event::Eof => break,
                _ => {}
            }
            if u64::try_from(sheets.len()).unwrap_or(u64::MAX) > WORKBOOK_FORMATS_MAX {
                let what = Things::Formats;
                return Err(FileFault::TooLarge { what, max: WORKBOOK_FORMATS_MAX });
            }
        }
        Ok(sheets)
    }

    /// What calamine does not tell of a sheet.
    fn look(&mut self, at: usize, looked: &mut Looked) -> Result<Beside, FileFault> {
        let path = self.sheets.get(at).cloned().unwrap_or_default();
        beside::look(self.file(&path)?, looked)
    }
}

/// A path as it is looked up: some writers use other capitals, or a backslash.
fn lookup(path: &str) -> String {
    path.replace('\\', "/").to_lowercase()
}
