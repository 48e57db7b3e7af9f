//! Opens a file: bytes become sheets of cells, or the text of JSON lines.

use super::{
    columns::Choice,
    encoding,
    error::FileFault,
    jsonl,
    kind::{self, Kind},
    report::Format,
    sheet::{self, Sheet},
    text,
};
use crate::lang::Both;

/// Characters of a file of XML in which its kind is sought.
const HEAD_CHARS: usize = 4096;

/// What a file holds.
pub(super) enum Opened {
    /// Sheets; a text has an encoding and one sheet.
    Sheets { format: Format, encoding: Option<&'static str>, sheets: Vec<Sheet> },
    /// JSON lines and their encoding.
    Lines { text: String, encoding: &'static str },
}

/// Opens a file by its content, whatever its name.
pub(super) fn open(bytes: &[u8], choices: &[Choice]) -> Result<Opened, FileFault> {
    let workbook = |format, sheets| Ok(Opened::Sheets { format, encoding: None, sheets });
    match kind::of(bytes)? {
        Kind::Xlsx => workbook(Format::Xlsx, sheet::read_xlsx(bytes)?),
        Kind::Xls => workbook(Format::Xls, sheet::read_xls(bytes)?),
        Kind::Ods => workbook(Format::Ods, sheet::read_ods(bytes)?),
        Kind::Text => of_text(bytes, choices),
    }
}

fn of_text(bytes: &[u8], choices: &[Choice]) -> Result<Opened, FileFault> {
    let (text, encoding) = encoding::decode(bytes)?;
    if jsonl::is_json(&text) {
        return Ok(Opened::Lines { text, encoding });
    }
    if text.trim_start().starts_with('<') {
        return of_markup(bytes, &text, encoding);
    }
    let (format, sheet) = (Format::Csv, text::read(&text, choices)?);
    Ok(Opened::Sheets { format, encoding: Some(encoding), sheets: vec![sheet] })
}

/// A web page, or a workbook that is one file of XML. XML states its own encoding.
fn of_markup(bytes: &[u8], text: &str, encoding: &'static str) -> Result<Opened, FileFault> {
    let head: String = text.chars().take(HEAD_CHARS).collect();
    let workbook = |format, sheets| Ok(Opened::Sheets { format, encoding: None, sheets });
    if head.contains("urn:schemas-microsoft-com:office:spreadsheet") {
        return workbook(Format::OldXml, sheet::read_old_xml(bytes)?);
    }
    if head.contains("office:document") {
        return workbook(Format::Ods, sheet::read_flat_ods(bytes)?);
    }
    let sheets = sheet::read_html(text)?;
    if sheets.is_empty() {
        let cure = Both::word(
            "open it and save its table as XLSX, or as CSV in UTF-8",
            "请打开后把其中的表格另存为 XLSX，或 UTF-8 编码的 CSV",
        );
        let what = Both::word("HTML or XML without a table", "没有表格的 HTML 或 XML");
        return Err(kind::foreign(what, cure));
    }
    Ok(Opened::Sheets { format: Format::Html, encoding: Some(encoding), sheets })
}
