//! Lists with cells that are not read, in every format, and the rule that such a cell decides
//! nothing.

use std::{
    io::{Cursor, Write as _},
    ops::Range,
};

use tidu::{
    domain::AuthorityCode,
    import::{self, Options, ReadOrSkip},
    protocol::pb,
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// Headers of columns that are left out.
pub const UNREAD: [&str; 4] = ["备注", "注册资本", "联系人", "联系电话"];

/// Formats of a page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Format {
    Csv,
    Html,
    Ods,
    Xlsx,
}

impl Format {
    pub const ALL: [Self; 4] = [Self::Csv, Self::Html, Self::Ods, Self::Xlsx];
}

/// A list as rows of texts.
#[derive(Clone, Debug)]
pub struct Page {
    pub rows: Vec<Vec<String>>,
    pub hidden_rows: Vec<usize>,
    pub hidden_columns: Vec<usize>,
    /// The rows below the header.
    pub data: Range<usize>,
}

/// The outcome of a try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// Read twice, with the same events.
    Same,
    /// Refused over what it hides.
    Hidden,
    /// Refused for another reason.
    Refused,
}

impl Page {
    pub fn headers(&self) -> &[String] {
        &self.rows[self.data.start - 1]
    }

    /// Whether a cell is left out: of a column without a field, or a hidden one that is skipped.
    fn is_unread(&self, row: usize, column: usize, skips: bool) -> bool {
        let is_hidden = self.hidden_rows.contains(&row) || self.hidden_columns.contains(&column);
        let header = self.headers()[column].as_str();
        (self.data.contains(&row) && UNREAD.contains(&header)) || (skips && is_hidden)
    }

    /// The same page with other contents in the cells that are left out, as far as there are any.
    fn changed(&self, skips: bool, mut content: impl FnMut() -> Option<String>) -> Self {
        let mut changed = self.clone();
        for row in self.data.start - 1..self.data.end {
            for column in 0..self.headers().len() {
                if self.is_unread(row, column, skips)
                    && let Some(content) = content()
                {
                    changed.rows[row][column] = content;
                }
            }
        }
        changed
    }

    /// Without what a format cannot hide.
    fn fit(&mut self, format: Format) {
        if matches!(format, Format::Csv | Format::Html) {
            self.hidden_columns.clear();
        }
        if format == Format::Csv {
            self.hidden_rows.clear();
        }
    }

    /// The page as a file.
    pub fn bytes(&self, format: Format) -> Vec<u8> {
        match format {
            Format::Csv => {
                self.rows.iter().map(|row| row.join(",") + "\n").collect::<String>().into()
            }
            Format::Html => self.html(),
            Format::Ods => self.ods(),
            Format::Xlsx => self.xlsx(),
        }
    }

    fn html(&self) -> Vec<u8> {
        let rows = self.rows.iter().enumerate().map(|(at, cells)| {
            let is_hidden = self.hidden_rows.contains(&at);
            let style = if is_hidden { " style=\"display:none\"" } else { "" };
            let cells: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
            format!("<tr{style}>{cells}</tr>")
        });
        let rows: String = rows.collect();
        format!(
            "<html><head><meta charset=\"utf-8\"></head><body><table>{rows}</table></body></html>"
        )
        .into()
    }

    fn ods(&self) -> Vec<u8> {
        let hidden = |is_hidden| if is_hidden { " table:visibility=\"collapse\"" } else { "" };
        let columns = (0..self.headers().len()).map(|column| {
            let hidden = hidden(self.hidden_columns.contains(&column));
            format!("<table:table-column{hidden}/>")
        });
        let rows = self.rows.iter().enumerate().map(|(at, cells)| {
            let begin = "<table:table-cell office:value-type=\"string\"><text:p>";
            let cell = |cell: &String| format!("{begin}{cell}</text:p></table:table-cell>");
            let cells: String = cells.iter().map(cell).collect();
            let hidden = hidden(self.hidden_rows.contains(&at));
            format!("<table:table-row{hidden}>{cells}</table:table-row>")
        });
        let names = ["office", "text", "table"].map(|name| {
            format!(" xmlns:{name}=\"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0\"")
        });
        let content = format!(
            "<?xml version=\"1.0\"?><office:document-content{}><office:body><office:spreadsheet>\
             <table:table table:name=\"名单\">{}{}</table:table></office:spreadsheet>\
             </office:body></office:document-content>",
            names.concat(),
            columns.collect::<String>(),
            rows.collect::<String>(),
        );
        let manifest = "<manifest:manifest \
                        xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\"/>";
        archive(&[
            ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
            ("META-INF/manifest.xml", manifest),
            ("content.xml", &content),
        ])
    }

    fn xlsx(&self) -> Vec<u8> {
        let columns = self.hidden_columns.iter().map(|column| {
            let number = column + 1;
            format!("<col min=\"{number}\" max=\"{number}\" width=\"9\" hidden=\"1\"/>")
        });
        let columns: String = columns.collect();
        let columns = match columns.as_str() {
            "" => String::new(),
            columns => format!("<cols>{columns}</cols>"),
        };
        let rows = self.rows.iter().enumerate().map(|(at, cells)| {
            let number = at + 1;
            let cell = |(column, cell): (char, &String)| {
                let begin = format!("<c r=\"{column}{number}\" t=\"inlineStr\"><is><t>");
                format!("{begin}{cell}</t></is></c>")
            };
            let cells: String = ('A'..='Z').zip(cells).map(cell).collect();
            let hidden = if self.hidden_rows.contains(&at) { " hidden=\"1\"" } else { "" };
            format!("<row r=\"{number}\"{hidden}>{cells}</row>")
        });
        let main = "xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"";
        let rows: String = rows.collect();
        let sheet = format!(
            "<?xml version=\"1.0\"?><worksheet {main}>{columns}<sheetData>{rows}</sheetData>\
             </worksheet>"
        );
        let document = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        let package = "http://schemas.openxmlformats.org/package/2006";
        let book = format!(
            "<?xml version=\"1.0\"?><workbook {main} xmlns:r=\"{document}\"><sheets>\
             <sheet name=\"名单\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
        );
        let relation = |kind: &str, target: &str| {
            format!(
                "<?xml version=\"1.0\"?><Relationships xmlns=\"{package}/relationships\">\
                 <Relationship Id=\"rId1\" Type=\"{document}/{kind}\" Target=\"{target}\"/>\
                 </Relationships>"
            )
        };
        let types = format!("<?xml version=\"1.0\"?><Types xmlns=\"{package}/content-types\"/>");
        archive(&[
            ("[Content_Types].xml", &types),
            ("_rels/.rels", &relation("officeDocument", "xl/workbook.xml")),
            ("xl/workbook.xml", &book),
            ("xl/_rels/workbook.xml.rels", &relation("worksheet", "worksheets/sheet1.xml")),
            ("xl/worksheets/sheet1.xml", &sheet),
        ])
    }
}

fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in parts {
        archive.start_file(*name, stored).unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn events(bytes: &[u8], options: &Options) -> Result<Vec<pb::Event>, String> {
    let authority_of = |name: &str| AuthorityCode::from_name(name).map(AuthorityCode::as_str);
    let read = import::read("the list", bytes, options, authority_of);
    let list = read.map_err(|error| error.to_string())?;
    Ok(list.rows.into_iter().map(|row| row.event).collect())
}

/// Reads a page, changes what is left out, and reads it again. What a page hides is refused, unless
/// the caller decides.
pub fn try_unread(
    mut page: Page,
    format: Format,
    hidden: Option<ReadOrSkip>,
    content: impl FnMut() -> Option<String>,
) -> Outcome {
    page.fit(format);
    let text = |text: &str| Some(text.to_owned());
    let options = Options {
        authority: text("440000"),
        programme: text("specialised-sme"),
        batch: text("2024-1"),
        date: text("2024-03-01"),
        // A text has nothing that could be hidden, and refuses the option.
        hidden: hidden.filter(|_| format != Format::Csv),
        ..Options::default()
    };
    let before = events(&page.bytes(format), &options);
    if before.as_ref().is_err_and(|said| said.contains("--hidden")) {
        return Outcome::Hidden;
    }
    let changed = page.changed(hidden != Some(ReadOrSkip::Read), content);
    let after = events(&changed.bytes(format), &options);
    let (Ok(before), Ok(after)) = (before, after) else { return Outcome::Refused };
    assert_eq!(after, before, "{format:?}\n{page:?}\n{changed:?}");
    Outcome::Same
}

/// A page from bytes: a choice of format and option, rows of cells, and contents. A row that begins
/// with `!` is hidden.
pub fn parse(bytes: &[u8]) -> Option<(Page, Format, Option<ReadOrSkip>, Vec<String>)> {
    let (choice, rest) = bytes.split_first()?;
    let format = Format::ALL[usize::from(choice % 4)];
    let hidden =
        [None, Some(ReadOrSkip::Skip), Some(ReadOrSkip::Read)][usize::from(choice / 4 % 3)];
    // Marks of a format would make other cells.
    let text = str::from_utf8(rest).ok()?.replace(['<', '>', '&', '"', '\r'], "");
    let kept = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    let text: String = text.chars().filter(kept).filter(|c| *c != ';').collect();
    let (table, contents) = text.split_once("\n\n")?;
    let mut hidden_rows = Vec::new();
    let mut rows = vec![Vec::new()];
    rows[0].extend(["企业名称", "统一社会信用代码"].into_iter().chain(UNREAD).map(str::to_owned));
    for line in table.lines().take(50) {
        if line.starts_with('!') {
            hidden_rows.push(rows.len());
        }
        let mut cells: Vec<_> =
            line.trim_start_matches('!').split(',').take(6).map(str::to_owned).collect();
        cells.resize(6, String::new());
        // A blank row hides nothing.
        cells[0].push('甲');
        rows.push(cells);
    }
    let data = 1..rows.len();
    let contents = contents.split(['\n', ',', '\t']).map(str::to_owned).collect();
    Some((Page { rows, hidden_rows, hidden_columns: Vec::new(), data }, format, hidden, contents))
}
