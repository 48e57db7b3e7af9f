//! XLS by hand: its records are written one by one.

use std::io::{Cursor, Write as _};

use cfb::{CompoundFile, Version};

use super::super::{
    error::{FileFault, Things},
    sheet::{Cell, Sheet, read_xls},
};
use crate::limits::{LIST_CELLS_MAX, LIST_TEXT_BYTES_MAX};

pub(super) fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    [kind.to_le_bytes().as_slice(), &length.to_le_bytes(), data].concat()
}

fn shorts(kind: u16, numbers: &[u16]) -> Vec<u8> {
    record(kind, &numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>())
}

fn begin(of: u16) -> Vec<u8> {
    shorts(0x0809, &[0x0600, of, 0, 0, 0, 0, 0, 0])
}

fn end() -> Vec<u8> {
    record(0x000A, &[])
}

fn text(row: u16, column: u16, text: &str) -> Vec<u8> {
    let characters: Vec<u16> = text.encode_utf16().collect();
    let mut data: Vec<u8> = [row, column, 0, u16::try_from(characters.len()).unwrap()]
        .iter()
        .flat_map(|n| n.to_le_bytes())
        .collect();
    data.push(1);
    data.extend(characters.iter().flat_map(|n| n.to_le_bytes()));
    record(0x0204, &data)
}

/// A row with its height in twentieths of a point, and its flags.
fn row(row: u16, height: u16, flags: u16) -> Vec<u8> {
    shorts(0x0208, &[row, 0, 3, height, 0, 0, flags, 0])
}

/// A formula whose value is an empty text.
fn formula(row: u16, column: u16) -> Vec<u8> {
    let mut data: Vec<u8> = [row, column, 0].iter().flat_map(|n| n.to_le_bytes()).collect();
    data.extend([3, 0, 0, 0, 0, 0, 0xFF, 0xFF]);
    data.extend([0; 6]);
    data.extend([3, 0, 0x1E, 1, 0]);
    record(0x0006, &data)
}

fn file(globals: &[u8], sheets: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let bound = |at: u32, name: &str| {
        let mut data = at.to_le_bytes().to_vec();
        data.extend([0, 0, u8::try_from(name.len()).unwrap(), 0]);
        data.extend(name.as_bytes());
        record(0x0085, &data)
    };
    let length =
        sheets.iter().map(|(name, _)| bound(0, name).len()).sum::<usize>() + globals.len() + 24;
    let mut at = u32::try_from(length).unwrap();
    let mut stream = begin(5);
    stream.extend(globals);
    for (name, sheet) in sheets {
        stream.extend(bound(at, name));
        at += u32::try_from(sheet.len()).unwrap();
    }
    stream.extend(end());
    assert_eq!(stream.len(), length, "the first sheet begins here");
    sheets.iter().for_each(|(_, sheet)| stream.extend(sheet));
    compound(&stream)
}

fn compound(stream: &[u8]) -> Vec<u8> {
    let mut file = CompoundFile::create_with_version(Version::V3, Cursor::new(Vec::new())).unwrap();
    file.create_stream("/Workbook").unwrap().write_all(stream).unwrap();
    file.flush().unwrap();
    file.into_inner().into_inner()
}

pub(super) fn with_globals(globals: &[u8]) -> Vec<u8> {
    file(globals, &[("S", [begin(16), text(0, 0, "企业名称"), end()].concat())])
}

fn sheet(records: &[Vec<u8>]) -> Vec<u8> {
    let cells = (0..4).flat_map(|row| (0..3).map(move |column| (row, column)));
    let cells = cells.flat_map(|(row, column)| text(row, column, &format!("r{row}c{column}")));
    [begin(16), records.concat(), cells.collect(), end()].concat()
}

fn read(records: &[Vec<u8>]) -> Sheet {
    read_xls(&file(&[], &[("S", sheet(records))])).unwrap().remove(0)
}

fn hidden(sheet: &Sheet) -> Vec<u32> {
    sheet.rows.iter().filter(|row| row.hidden).map(|row| row.number).collect()
}

#[test]
fn rows_and_columns_that_are_not_shown_are_marked() {
    let shown = read(&[row(0, 300, 0x100), row(1, 0x8000 | 300, 0x100)]);
    assert_eq!((hidden(&shown), shown.hidden_columns), (vec![], vec![]));
    assert_eq!(hidden(&read(&[row(1, 300, 0x120), row(2, 300, 0x100)])), [2]);
    assert_eq!(hidden(&read(&[row(1, 0, 0x100), row(3, 0x8000, 0x100)])), [2]);
    assert_eq!(hidden(&read(&[row(1, 9, 0x100), row(3, 10, 0x100)])), [2]);
    // The last bits of a collapsed group, and of a filter, are the same.
    assert_eq!(hidden(&read(&[row(2, 300, 0x131)])), [3]);
    // All rows without a record are hidden.
    let others = read(&[shorts(0x0225, &[2, 300]), row(0, 300, 0x100), row(2, 300, 0x100)]);
    assert_eq!(hidden(&others), [2, 4]);
    let columns = |records: &[Vec<u8>]| read(records).hidden_columns;
    assert_eq!(columns(&[shorts(0x007D, &[1, 1, 2000, 0, 1, 0])]), [1]);
    assert_eq!(columns(&[shorts(0x007D, &[2, 255, 0, 0, 0, 0])]), [2]);
    assert_eq!(columns(&[shorts(0x007D, &[0, 0, 127, 0, 0, 0])]), [0]);
    assert_eq!(columns(&[shorts(0x007D, &[0, 255, 128, 0, 0, 0])]), Vec::<usize>::new());
}

#[test]
fn each_sheet_has_its_own() {
    let first = sheet(&[row(1, 300, 0x120)]);
    let second = sheet(&[shorts(0x007D, &[0, 0, 0, 0, 1, 0])]);
    let sheets = read_xls(&file(&[], &[("A", first), ("B", second)])).unwrap();
    assert_eq!((hidden(&sheets[0]), sheets[0].hidden_columns.clone()), (vec![2], vec![]));
    assert_eq!((hidden(&sheets[1]), sheets[1].hidden_columns.clone()), (vec![], vec![0]));
}

#[test]
fn a_formula_that_was_never_calculated_is_marked() {
    let book = |globals: &[u8]| {
        let sheet = [begin(16), text(0, 0, "x"), formula(0, 1), end()].concat();
        read_xls(&file(globals, &[("S", sheet)])).unwrap()[0].rows[0].cells.clone()
    };
    assert_eq!(book(&[]).get(1), Some(&Cell::Unevaluated));
    // Excel notes which version calculated the values: the text is empty.
    let calculated = record(0x01C1, &[0xC1, 1, 0, 0, 0x54, 0x8D, 1, 0]);
    assert!(book(&calculated).get(1).is_none_or(Cell::is_empty));
}

#[test]
fn records_of_a_wrong_length_are_damage() {
    for bad in [
        record(0x0208, &[1, 0]),
        record(0x007D, &[0, 0, 1, 0]),
        record(0x00E5, &[9, 0, 1, 0]),
        record(0x0006, &[0, 0, 1, 0, 0, 0, 3]),
        record(0x00FD, &[0, 0]),
        vec![0x08, 0x02, 0xFF, 0xFF, 1],
    ] {
        let bytes = file(&[], &[("S", [begin(16), bad.clone()].concat())]);
        let fault = read_xls(&bytes).unwrap_err();
        assert!(matches!(fault, FileFault::Workbook { .. }), "{bad:?}: {fault}");
    }
    // A sheet that begins outside the stream.
    let mut data = u32::MAX.to_le_bytes().to_vec();
    data.extend([0, 0, 1, 0, b'S']);
    let bytes = compound(&[begin(5), record(0x0085, &data), end()].concat());
    assert!(matches!(read_xls(&bytes), Err(FileFault::Workbook { .. })));
}

#[test]
fn a_stated_size_makes_no_room() {
    let sized = |rows: u32, columns: u16| {
        let mut data = [0_u32.to_le_bytes(), rows.to_le_bytes()].concat();
        data.extend([0, columns, 0].iter().flat_map(|n: &u16| n.to_le_bytes()));
        let sheet = sheet(&[record(0x0200, &data)]);
        read_xls(&file(&[], &[("S", sheet)]))
    };
    assert_eq!(sized(65_536, 256).unwrap()[0].rows.len(), 4);
    assert!(matches!(sized(65_537, 256), Err(FileFault::Workbook { .. })));
    assert!(matches!(sized(u32::MAX, 9), Err(FileFault::Workbook { .. })));
    assert!(matches!(sized(9, u16::MAX), Err(FileFault::Workbook { .. })));
}

#[test]
fn cells_far_apart_are_refused_before_room_is_made() {
    let far = sheet(&[text(65_535, 255, "x")]);
    let fault = read_xls(&file(&[], &[("S", far)])).unwrap_err();
    assert!(matches!(&fault, FileFault::FarCell { cell, .. } if cell == "IV65536"), "{fault}");
}

#[test]
fn a_shared_text_counts_in_each_cell() {
    let long = 60_000_u16;
    let mut table = [1_u32.to_le_bytes(), 1_u32.to_le_bytes()].concat();
    table.extend(long.to_le_bytes());
    table.push(0);
    table.extend(vec![b'x'; 8_000]);
    let mut globals = record(0x00FC, &table);
    for _ in 0..6 {
        globals.extend(record(0x003C, &[vec![0], vec![b'x'; 8_000]].concat()));
    }
    globals.extend(record(0x003C, &[vec![0], vec![b'x'; 4_000]].concat()));
    let book = |cells: u64| {
        let cells = (0..cells).flat_map(|n| {
            let n = u16::try_from(n).unwrap();
            shorts(0x00FD, &[n, 0, 0, 0, 0])
        });
        let sheet = [begin(16), cells.collect(), end()].concat();
        read_xls(&file(&globals, &[("S", sheet)]))
    };
    assert_eq!(book(2).unwrap()[0].rows[1].cells[0].text().len(), 60_000);
    let max = LIST_TEXT_BYTES_MAX / (u64::from(long) * 2);
    let fault = book(max + 1).unwrap_err();
    assert_eq!(fault, FileFault::TooLarge { what: Things::CellBytes, max: LIST_TEXT_BYTES_MAX });
    // A text that ends in the middle of its table.
    let cut = record(0x00FC, &table);
    let sheet = [begin(16), end()].concat();
    assert!(matches!(read_xls(&file(&cut, &[("S", sheet)])), Err(FileFault::Workbook { .. })));
}

#[test]
fn sheets_that_share_their_records_are_counted_each() {
    // Few bytes, read again for each of many sheets.
    let sheet = [begin(16), text(0, 0, "x").repeat(2_000), end()].concat();
    let mut stream = begin(5);
    let names = LIST_CELLS_MAX / 2_000 + 1;
    let at = u32::try_from(24 + names * 13).unwrap();
    for _ in 0..names {
        let mut data = at.to_le_bytes().to_vec();
        data.extend([0, 0, 1, 0, b'S']);
        stream.extend(record(0x0085, &data));
    }
    stream.extend(end());
    stream.extend(sheet);
    let fault = read_xls(&compound(&stream)).unwrap_err();
    assert_eq!(fault, FileFault::TooLarge { what: Things::Cells, max: LIST_CELLS_MAX });
}
