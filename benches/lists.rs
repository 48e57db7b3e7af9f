//! A made-up list as a ministry publishes it, as CSV and as a workbook of the same rows.
//!
//! The workbook is written here, part by part: a library that writes workbooks is a dependency of
//! the tests, which a binary does not have.

use std::io::{Cursor, Write as _};

use tidu::{
    cli::generate::{Enterprise, enterprises},
    domain::AuthorityCode,
};
use zip::{ZipWriter, write::SimpleFileOptions};

/// Rows of the greatest list that an authority has published so far.
pub const ROWS: usize = 9_271;

const TITLE: &str = "示例企业名单";
const HEADERS: [&str; 8] = [
    "序号",
    "推荐单位",
    "企业名称",
    "统一社会信用代码",
    "行业代码",
    "企业规模",
    "认定日期",
    "有效期至",
];
/// 1 July 2025 and 30 June 2028, as a spreadsheet program counts days.
const DAYS: [u32; 2] = [45_839, 46_934];

/// The list as CSV.
pub fn csv() -> Vec<u8> {
    let mut text = format!("{TITLE}\n{}\n", HEADERS.join(","));
    for (row, Enterprise { uscc, name, industry, size, .. }) in rows() {
        text.push_str(&format!("{row},广东省,{name},{uscc},{industry},{size},"));
        text.push_str("2025年7月1日,2028-06-30\n");
    }
    text.into_bytes()
}

/// The list as a workbook: texts are shared, days are numbers in the format of a date.
pub fn xlsx() -> Vec<u8> {
    let mut strings = Strings::default();
    let title = strings.cell('A', 1, TITLE);
    let headers: String =
        ('A'..).zip(HEADERS).map(|(column, header)| strings.cell(column, 2, header)).collect();
    let mut sheet = format!("<row r=\"1\">{title}</row><row r=\"2\">{headers}</row>");
    for (number, Enterprise { uscc, name, industry, size, .. }) in rows() {
        let row = number + 2;
        sheet.push_str(&format!("<row r=\"{row}\"><c r=\"A{row}\"><v>{number}</v></c>"));
        let texts = ["广东省", &name, &uscc.to_string(), industry, size];
        for (column, text) in ('B'..).zip(texts) {
            sheet.push_str(&strings.cell(column, row, text));
        }
        for (column, day) in ('G'..).zip(DAYS) {
            sheet.push_str(&format!("<c r=\"{column}{row}\" s=\"1\"><v>{day}</v></c>"));
        }
        sheet.push_str("</row>");
    }
    let sheet = format!("<worksheet {MAIN}><sheetData>{sheet}</sheetData></worksheet>");
    let mut parts = vec![("xl/worksheets/sheet1.xml", sheet)];
    parts.push(("xl/sharedStrings.xml", format!("<sst {MAIN}>{}</sst>", strings.items)));
    parts.extend(FRAME.map(|(name, content)| (name, content.replace("MAIN", MAIN))));
    let mut file = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        file.start_file(name, SimpleFileOptions::default()).unwrap();
        file.write_all(content.as_bytes()).unwrap();
    }
    file.finish().unwrap().into_inner()
}

fn rows() -> impl Iterator<Item = (usize, Enterprise)> {
    (1..=ROWS).zip(enterprises(1, AuthorityCode::parse("440000").unwrap()))
}

/// The shared strings. A text that occurs again gets another entry, which readers take as well.
#[derive(Default)]
struct Strings {
    items: String,
    count: usize,
}

impl Strings {
    fn cell(&mut self, column: char, row: usize, text: &str) -> String {
        let at = self.count;
        self.items.push_str(&format!("<si><t>{text}</t></si>"));
        self.count += 1;
        format!("<c r=\"{column}{row}\" t=\"s\"><v>{at}</v></c>")
    }
}

const MAIN: &str = "xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"";

/// The parts of a workbook that hold no row.
const FRAME: [(&str, &str); 5] = [
    (
        "[Content_Types].xml",
        "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
         <Default Extension=\"rels\" \
         ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Default Extension=\"xml\" ContentType=\"application/xml\"/></Types>",
    ),
    (
        "_rels/.rels",
        "<Relationships \
         xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
         <Relationship Id=\"r1\" Target=\"xl/workbook.xml\" Type=\"http://schemas.\
         openxmlformats.org/officeDocument/2006/relationships/officeDocument\"/>\
         </Relationships>",
    ),
    (
        "xl/workbook.xml",
        "<workbook MAIN xmlns:r=\
         \"http://schemas.openxmlformats.org/officeDocument/2006/relationships\">\
         <sheets><sheet name=\"名单\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>",
    ),
    (
        "xl/_rels/workbook.xml.rels",
        "<Relationships \
         xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
         <Relationship Id=\"r1\" Target=\"worksheets/sheet1.xml\" Type=\"http://schemas.\
         openxmlformats.org/officeDocument/2006/relationships/worksheet\"/>\
         <Relationship Id=\"r2\" Target=\"sharedStrings.xml\" Type=\"http://schemas.\
         openxmlformats.org/officeDocument/2006/relationships/sharedStrings\"/>\
         <Relationship Id=\"r3\" Target=\"styles.xml\" Type=\"http://schemas.\
         openxmlformats.org/officeDocument/2006/relationships/styles\"/></Relationships>",
    ),
    (
        "xl/styles.xml",
        "<styleSheet MAIN><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs>\
         </styleSheet>",
    ),
];
