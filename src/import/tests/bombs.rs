//! Workbooks whose few bytes would become many.

use std::io::{Cursor, Write as _};

use zip::{ZipWriter, write::SimpleFileOptions};

use super::{
    super::{error::FileFault, sheet},
    *,
};
use crate::limits::{
    LIST_CELLS_MAX, LIST_ROWS_MAX, LIST_TEXT_BYTES_MAX, WORKBOOK_FILES_MAX, WORKBOOK_MERGED_MAX,
    WORKBOOK_TEXT_BYTES_MAX,
};

const RELATIONSHIPS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";

/// A packed file: its name and the pieces of its content, each with how often it is repeated.
pub(super) type Packed<'a> = (String, Vec<(&'a [u8], u64)>);

pub(super) fn pack(files: &[Packed<'_>]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, pieces) in files {
        zip.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        for (piece, times) in pieces {
            // Many small writes would take long.
            let at_once = (64 * 1024 / piece.len().max(1) as u64).clamp(1, (*times).max(1));
            let block = piece.repeat(usize::try_from(at_once).unwrap());
            (0..times / at_once).for_each(|_| zip.write_all(&block).unwrap());
            (0..times % at_once).for_each(|_| zip.write_all(piece).unwrap());
        }
    }
    zip.finish().unwrap().into_inner()
}

/// A workbook with `sheets` sheets, all of them the same file, and a table of texts.
pub(super) fn book(sheets: u32, texts: Vec<(&[u8], u64)>, sheet: Vec<(&[u8], u64)>) -> Vec<u8> {
    let names: String = (1..=sheets)
        .map(|n| format!("<sheet name=\"S{n}\" sheetId=\"{n}\" r:id=\"s\"/>"))
        .collect();
    let workbook = format!(
        "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONSHIPS}\"><sheets>{names}</sheets></workbook>"
    );
    let relation = |id: &str, kind: &str, target: &str| {
        format!(
            "<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"{id}\" \
             Type=\"{RELATIONSHIPS}/{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let root = relation("w", "officeDocument", "xl/workbook.xml");
    let within = relation("s", "worksheet", "worksheets/sheet1.xml");
    pack(&[
        ("_rels/.rels".to_owned(), vec![(root.as_bytes(), 1)]),
        ("xl/workbook.xml".to_owned(), vec![(workbook.as_bytes(), 1)]),
        ("xl/_rels/workbook.xml.rels".to_owned(), vec![(within.as_bytes(), 1)]),
        ("xl/sharedStrings.xml".to_owned(), texts),
        ("xl/worksheets/sheet1.xml".to_owned(), sheet),
    ])
}

fn texts(text: &[u8]) -> Vec<(&[u8], u64)> {
    vec![(b"<sst uniqueCount=\"1\"><si><t>", 1), (text, 1), (b"</t></si></sst>", 1)]
}

fn rows(row: &[u8], times: u64) -> Vec<(&[u8], u64)> {
    vec![(b"<worksheet><sheetData>", 1), (row, times), (b"</sheetData></worksheet>", 1)]
}

/// The limit that refuses a workbook.
fn limit(bytes: &[u8]) -> (Things, u64) {
    match sheet::read_xlsx(bytes) {
        Err(FileFault::TooLarge { what, max }) => (what, max),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_workbook_that_is_packed_here_is_read() {
    let row = b"<row><c t=\"s\"><v>0</v></c><c><v>7</v></c></row>";
    let sheets = sheet::read_xlsx(&book(2, texts("甲".as_bytes()), rows(row, 3))).unwrap();
    assert_eq!(sheets.len(), 2);
    assert_eq!(sheets[1].rows.len(), 3);
    assert_eq!(sheets[0].rows[2].cells[0].text(), "甲");
}

#[test]
fn one_text_has_a_bound() {
    let long = vec![b'x'; usize::try_from(WORKBOOK_TEXT_BYTES_MAX).unwrap()];
    let row = b"<row><c t=\"s\"><v>0</v></c></row>";
    let bytes = book(1, texts(&long), rows(row, 1));
    assert_eq!(limit(&bytes), (Things::TextBytes, WORKBOOK_TEXT_BYTES_MAX));
    let bytes = book(1, texts(&long[16..]), rows(row, 1));
    assert_eq!(sheet::read_xlsx(&bytes).unwrap()[0].rows.len(), 1);
}

#[test]
fn a_text_counts_in_each_cell_that_shares_it() {
    let long = vec![b'x'; 1_000_000];
    let row = b"<row><c t=\"s\"><v>0</v></c></row>";
    let bytes = book(1, texts(&long), rows(row, LIST_TEXT_BYTES_MAX / 1_000_000 + 1));
    assert_eq!(limit(&bytes), (Things::CellBytes, LIST_TEXT_BYTES_MAX));
}

#[test]
fn cells_have_a_bound_also_where_sheets_are_one_file() {
    let bytes = book(1, texts(b""), rows(b"<c/>", LIST_CELLS_MAX + 1));
    assert!(bytes.len() < 1024 * 1024, "{}", bytes.len());
    assert_eq!(limit(&bytes), (Things::Cells, LIST_CELLS_MAX));
    // Two cells that span 7 million, in each of two sheets.
    let far = b"<row r=\"1\"><c r=\"A1\"><v>1</v></c></row><row r=\"1000000\"><c \
                r=\"G1000000\"><v>1</v></c></row>";
    assert_eq!(limit(&book(2, texts(b""), rows(far, 1))), (Things::Cells, LIST_CELLS_MAX));
}

#[test]
fn merged_regions_have_a_bound() {
    let mut sheet = rows(b"<row><c><v>1</v></c></row>", 1);
    sheet.extend([
        (b"<mergeCells>".as_slice(), 1),
        (b"<mergeCell ref=\"A1:A9\"/>", WORKBOOK_MERGED_MAX + 1),
    ]);
    assert_eq!(limit(&book(1, texts(b""), sheet)), (Things::MergedRegions, WORKBOOK_MERGED_MAX));
}

#[test]
fn merged_regions_fill_no_more_cells_than_a_list_has() {
    let mut sheet = rows(b"<row><c><v>1</v></c></row>", 10_000);
    sheet.extend([
        (b"<mergeCells>".as_slice(), 1),
        (b"<mergeCell ref=\"A1:A10000\"/>", LIST_CELLS_MAX / 9_999 + 1),
        (b"</mergeCells>", 1),
    ]);
    assert_eq!(limit(&book(1, texts(b""), sheet)), (Things::Cells, LIST_CELLS_MAX));
}

#[test]
fn files_have_a_bound() {
    let file = |number: u64| (format!("f{number}"), Vec::new());
    let files: Vec<_> = (0..=WORKBOOK_FILES_MAX).map(file).collect();
    assert_eq!(limit(&pack(&files)), (Things::Files, WORKBOOK_FILES_MAX));
}

#[test]
fn a_directory_that_lies_about_a_size_is_refused() {
    let honest = book(1, texts(b""), rows(b"<row><c><v>1</v></c></row>", 9));
    let entries: Vec<_> =
        (0..honest.len() - 4).filter(|at| honest[*at..].starts_with(b"PK\x01\x02")).collect();
    for (stated, expected) in [(1_u32, "size"), (u32::MAX - 1, "bytes when unpacked")] {
        for entry in &entries {
            let mut bytes = honest.clone();
            bytes[entry + 24..entry + 28].copy_from_slice(&stated.to_le_bytes());
            let fault = sheet::read_xlsx(&bytes).unwrap_err().to_string();
            assert!(fault.contains(expected), "{stated}: {fault}");
        }
    }
}

#[test]
fn rows_of_text_have_a_bound() {
    let list = |rows: usize| format!("企业名称\n{}", "甲\n".repeat(rows));
    let said = refusal(list(LIST_ROWS_MAX + 1).into_bytes());
    assert_says(&said, &["more than 524288 rows"]);
    let lines = "{}\n".repeat(LIST_ROWS_MAX + 1);
    let said = refusal_with(&Options::default(), lines.into_bytes());
    assert_says(&said, &["more than 524288 rows"]);
    let array = format!("[{}]", "{},".repeat(LIST_ROWS_MAX + 1));
    let said = refusal_with(&Options::default(), array.into_bytes());
    assert_says(&said, &["more than 524288 rows"]);
    let commas = ",".repeat(usize::try_from(LIST_CELLS_MAX).unwrap());
    assert_says(
        &refusal(format!("企业名称,批次\n{commas}").into_bytes()),
        &["more than 8000000 cells"],
    );
}
