//! ODS by hand, and the older XML of Excel.

use jiff::civil::time;

use super::super::{
    error::FileFault,
    sheet::{Cell, Sheet, read_flat_ods, read_ods, read_old_xml},
};
use super::{bombs::pack, *};
use crate::limits::{LIST_CELLS_MAX, LIST_TEXT_BYTES_MAX, WORKBOOK_MERGED_MAX};

const SPREADSHEET: &[u8] = b"application/vnd.oasis.opendocument.spreadsheet";

fn content(styles: &str, body: &str) -> String {
    format!(
        "<?xml version='1.0' encoding='UTF-8'?><office:document-content xmlns:office='o' \
         xmlns:table='t' xmlns:text='x' xmlns:style='s'><office:automatic-styles>{styles}\
         </office:automatic-styles><office:body><office:spreadsheet>{body}</office:spreadsheet>\
         </office:body></office:document-content>"
    )
}

fn packed(content: &str) -> Vec<u8> {
    pack(&[
        ("mimetype".to_owned(), vec![(SPREADSHEET, 1)]),
        ("content.xml".to_owned(), vec![(content.as_bytes(), 1)]),
    ])
}

fn read(styles: &str, table: &str) -> Result<Vec<Sheet>, FileFault> {
    let body = format!("<table:table table:name='名单'>{table}</table:table>");
    read_ods(&packed(&content(styles, &body)))
}

fn sheet(table: &str) -> Sheet {
    read("", table).unwrap().remove(0)
}

/// A row of texts, with an attribute.
fn row(attribute: &str, texts: &[&str]) -> String {
    let cells: String = texts
        .iter()
        .map(|text| {
            format!(
                "<table:table-cell office:value-type='string'><text:p>{text}</text:p>\
                 </table:table-cell>"
            )
        })
        .collect();
    format!("<table:table-row {attribute}>{cells}</table:table-row>")
}

fn numbers(sheet: &Sheet, hidden: bool) -> Vec<u32> {
    sheet.rows.iter().filter(|row| row.hidden == hidden).map(|row| row.number).collect()
}

fn first(cell: &str) -> Cell {
    sheet(&format!("<table:table-row>{cell}</table:table-row>"))
        .rows
        .first()
        .map_or(Cell::Empty, |row| row.cells[0].clone())
}

#[test]
fn a_list_is_read_with_its_dates() {
    let day = "<table:table-cell office:value-type='date' office:date-value='2019-06-05'>\
               <text:p>2019年6月5日</text:p></table:table-cell>";
    let rows = [
        row("", &["企业名称", "批次", "认定日期"]),
        row("", &["示例&lt;一&gt;号", "第四批"]).replace("</table:table-row>", day)
            + "</table:table-row>",
    ];
    let body = format!("<table:table table:name='名单'>{}</table:table>", rows.concat());
    let import = import(packed(&content("", &body)));
    assert_eq!(import.report.format, Format::Ods);
    assert_eq!((names(&import), import.rows[0].sheet.as_str()), (vec!["示例<一>号"], "名单"));
    assert_eq!(designated(&import, 0).batch, "4");
    assert_eq!(import.rows[0].event.effective_date, date(2019, 6, 5));
    // The same as one file of XML.
    let flat = content("", &body).replace("office:document-content", "office:document");
    assert_eq!(names(&super::import(flat)), ["示例<一>号"]);
}

#[test]
fn each_kind_of_value_is_read() {
    let cell = |attributes: &str, text: &str| {
        first(&format!("<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>"))
    };
    let text = |text: &str| Cell::Text(text.to_owned());
    assert_eq!(cell("office:value-type='float' office:value='4'", "4.00"), Cell::Number(4.0));
    assert_eq!(cell("office:value-type='boolean' office:boolean-value='true'", "是"), text("true"));
    assert_eq!(cell("office:value-type='string' office:string-value='甲'", "乙"), text("甲"));
    assert_eq!(cell("", "x"), text("x"));
    let moment = |value: &str| {
        cell(&format!("office:value-type='date' office:date-value='{value}'"), "shown")
    };
    let of = |day: &str, time| Cell::Moment { day: day.to_owned(), time };
    assert_eq!(moment("2026-04-01"), of("2026-04-01", None));
    assert_eq!(moment("2026-04-01T00:00:00"), of("2026-04-01", None));
    assert_eq!(moment("2026-03-31T23:59:17"), of("2026-03-31", Some(time(23, 59, 17, 0))));
    let late = moment("2026-03-31T23:59:59.990000000");
    assert_eq!(late.text(), "2026-03-31T23:59:59.99");
    assert_eq!(moment("2026-03-31T16:00:00Z"), text("2026-03-31T16:00:00Z"));
    let error = "office:value-type='string' office:string-value='' calcext:value-type='error'";
    assert_eq!(cell(error, "#N/A"), Cell::Error("#N/A".to_owned()));
}

#[test]
fn comments_and_marks_within_a_cell_are_no_text() {
    let cell = first(
        "<table:table-cell office:value-type='string'><office:annotation><dc:creator>x\
         </dc:creator><text:p>a comment</text:p></office:annotation><text:p>广州<text:span>格式\
         </text:span><text:s text:c='2'/>有限</text:p><text:p>公司</text:p></table:table-cell>",
    );
    assert_eq!(cell.text(), "广州格式  有限公司");
    let many = first(
        "<table:table-cell><text:p>a<text:s text:c='4000000000'/>b</text:p></table:table-cell>",
    );
    assert_eq!(many.text().len(), 258);
}

#[test]
fn a_formula_that_was_never_calculated_is_marked() {
    let formula = "table:formula='of:=VLOOKUP([.A1];[.Z1:.Z9];1;0)'";
    assert_eq!(first(&format!("<table:table-cell {formula}/>")), Cell::Unevaluated);
    let empty = format!("<table:table-cell {formula}><text:p/></table:table-cell>");
    assert_eq!(first(&empty), Cell::Unevaluated);
    let none = format!(
        "<table:table-cell {formula} office:value-type='string' office:string-value=''/>\
         <table:table-cell><text:p>x</text:p></table:table-cell>"
    );
    assert_eq!(first(&none), Cell::Empty);
    let value = format!("<table:table-cell {formula} office:value-type='float' office:value='7'/>");
    assert_eq!(first(&value), Cell::Number(7.0));
}

#[test]
fn rows_that_are_not_shown_are_marked() {
    let rows = [
        row("", &["1"]),
        row("table:visibility='collapse'", &["2"]),
        row("table:visibility='filter'", &["3"]),
        row("table:visibility='visible'", &["4"]),
        row("table:style-name='flat'", &["5"]),
        format!(
            "<table:table-row-group table:display='false'>{}</table:table-row-group>",
            row("", &["6"])
        ),
        format!("<table:table-header-rows>{}</table:table-header-rows>", row("", &["7"])),
        row("table:visibility='collapse' table:number-rows-repeated='2'", &["8"]),
        row("", &["10"]),
    ];
    let styles = "<style:style style:name='flat' style:family='table-row'>\
                  <style:table-row-properties style:row-height='0cm'/></style:style>\
                  <style:style style:name='tall' style:family='table-row'>\
                  <style:table-row-properties style:row-height='0.45cm'/></style:style>";
    let sheet = read(styles, &rows.concat()).unwrap().remove(0);
    assert_eq!(numbers(&sheet, true), [2, 3, 5, 6, 8, 9]);
    assert_eq!(numbers(&sheet, false), [1, 4, 7, 10]);
}

#[test]
fn columns_that_are_not_shown_are_marked() {
    let columns = "<table:table-column/><table:table-column table:visibility='collapse' \
                   table:number-columns-repeated='2'/><table:table-column-group \
                   table:display='false'><table:table-column/></table:table-column-group>\
                   <table:table-column table:style-name='thin'/>\
                   <table:table-column table:number-columns-repeated='16379'/>";
    let styles = "<style:style style:name='thin'><style:table-column-properties \
                  style:column-width='0in'/></style:style>";
    let table = format!("{columns}{}", row("", &["a", "b", "c", "d", "e", "f"]));
    assert_eq!(read(styles, &table).unwrap()[0].hidden_columns, [1, 2, 3, 4]);
    assert_eq!(sheet(&row("", &["a"])).hidden_columns, Vec::<usize>::new());
}

#[test]
fn sheets_keep_their_order_and_say_if_they_are_hidden() {
    let table = |name: &str, style: &str| {
        format!(
            "<table:table table:name='{name}' table:style-name='{style}'>{}</table:table>",
            row("", &["x"])
        )
    };
    let styles = "<style:style style:name='off'><style:table-properties table:display='false'/>\
                  </style:style><style:style style:name='on'><style:table-properties \
                  table:display='true'/></style:style>";
    let body = [table("乙", "on"), table("甲", "off"), "<table:table table:name='空'/>".to_owned()];
    let sheets = read_ods(&packed(&content(styles, &body.concat()))).unwrap();
    let told: Vec<_> = sheets.iter().map(|s| (s.name.as_str(), s.hidden, s.rows.len())).collect();
    assert_eq!(told, [("乙", false, 1), ("甲", true, 1), ("空", false, 0)]);
}

#[test]
fn repeated_and_merged_cells_fill_their_places() {
    let merged = "<table:table-row><table:table-cell office:value-type='string' \
                  table:number-rows-spanned='2' table:number-columns-spanned='2'><text:p>广东省\
                  </text:p></table:table-cell><table:covered-table-cell><text:p>under</text:p>\
                  </table:covered-table-cell><table:table-cell table:number-columns-repeated='2' \
                  office:value-type='string'><text:p>x</text:p></table:table-cell>\
                  </table:table-row><table:table-row><table:covered-table-cell \
                  table:number-columns-repeated='2'/><table:table-cell><text:p>y</text:p>\
                  </table:table-cell></table:table-row>";
    let blank = "<table:table-row table:number-rows-repeated='3'><table:table-cell \
                 table:number-columns-repeated='16384'/></table:table-row>";
    let rows = [merged, blank, &row("table:number-rows-repeated='2'", &["z"])].concat();
    let sheet = sheet(&rows);
    let texts: Vec<(u32, Vec<String>)> = sheet
        .rows
        .iter()
        .map(|row| (row.number, row.cells.iter().map(Cell::text).collect()))
        .collect();
    let of = |row: &[&str]| row.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        texts,
        [
            (1, of(&["广东省", "", "x", "x"])),
            (2, of(&["广东省", "", "y"])),
            (6, of(&["z"])),
            (7, of(&["z"]))
        ]
    );
    assert_eq!((sheet.wide[0].row, sheet.wide[0].first, sheet.wide[0].last), (1, 0, 1));
}

#[test]
fn repetition_is_bounded_before_it_is_done() {
    let limit = |table: &str| match read("", table) {
        Err(FileFault::TooLarge { what, max }) => (what, max),
        other => panic!("{:?}", other.map(|sheets| sheets.len())),
    };
    let cell = |times: u32, text: &str| {
        format!(
            "<table:table-cell table:number-columns-repeated='{times}' \
             office:value-type='string'><text:p>{text}</text:p></table:table-cell>"
        )
    };
    let rows = |times: u32, cells: &str| {
        format!("<table:table-row table:number-rows-repeated='{times}'>{cells}</table:table-row>")
    };
    assert_eq!(limit(&rows(1_048_576, &cell(16_384, "x"))), (Things::Cells, LIST_CELLS_MAX));
    // Many cells, each of them few enough.
    let cells = cell(1, "x").repeat(1_000);
    assert_eq!(limit(&rows(8_001, &cells)), (Things::Cells, LIST_CELLS_MAX));
    let long = cell(1, &"x".repeat(1_000_000));
    let times = u32::try_from(LIST_TEXT_BYTES_MAX / 1_000_000).unwrap() + 1;
    assert_eq!(limit(&rows(times, &long)), (Things::CellBytes, LIST_TEXT_BYTES_MAX));
    assert_eq!(limit(&rows(u32::MAX, &cell(1, "x"))).0, Things::Rows);
    assert_eq!(limit(&[rows(1_048_576, ""), rows(1, &cell(1, "x"))].concat()).0, Things::Rows);
    let merged = "<table:table-cell table:number-columns-spanned='2'/>";
    let times = u32::try_from(WORKBOOK_MERGED_MAX).unwrap() + 1;
    assert_eq!(limit(&rows(times, merged)), (Things::MergedRegions, WORKBOOK_MERGED_MAX));
    // Blank ones are not made.
    let blank = "<table:table-cell table:number-columns-repeated='4000000000'/>";
    let sheet = sheet(&[rows(1_048_575, blank), rows(1, &cell(1, "x"))].concat());
    assert_eq!(sheet.rows[0].number, 1_048_576);
}

#[test]
fn cells_far_apart_are_named() {
    let far = |cells: &str| match read("", cells) {
        Err(fault) => fault.to_string(),
        Ok(_) => panic!("was read"),
    };
    let blank = "<table:table-row table:number-rows-repeated='1000000'/>";
    let eight = row("", &["", "", "", "", "", "", "", "", "", "x"]);
    let said = far(&[row("", &["甲"]), blank.to_owned(), eight].concat());
    assert_says(&said, &["cell J1000002 of sheet 名单", "delete column J below row 1"]);
}

#[test]
fn damage_is_a_fault_of_the_file() {
    let whole =
        content("", &format!("<table:table table:name='x'>{}</table:table>", row("", &["x"])));
    for cut in [whole.find("<text:p>").unwrap(), whole.find("</table:table>").unwrap()] {
        let fault = read_ods(&packed(&whole[..cut])).unwrap_err();
        assert!(matches!(fault, FileFault::Workbook { .. }), "{fault}");
    }
    let none = pack(&[("mimetype".to_owned(), vec![(SPREADSHEET, 1)])]);
    assert_says(&refusal(none), &["cannot be read as ODS"]);
    assert!(read_flat_ods(b"<office:document/>").unwrap().is_empty());
}

fn old(rows: &str) -> Sheet {
    let text = format!(
        "<?xml version='1.0'?><?mso-application progid='Excel.Sheet'?><Workbook \
         xmlns='urn:schemas-microsoft-com:office:spreadsheet' \
         xmlns:ss='urn:schemas-microsoft-com:office:spreadsheet'><Worksheet ss:Name='名单'><Table>\
         {rows}</Table></Worksheet></Workbook>"
    );
    read_old_xml(text.as_bytes()).unwrap().remove(0)
}

#[test]
fn the_xml_of_excel_2003_is_read() {
    let data =
        |kind: &str, text: &str| format!("<Cell><Data ss:Type='{kind}'>{text}</Data></Cell>");
    let header = ["企业名称", "批次", "认定日期"].map(|text| data("String", text)).concat();
    let values = [
        data("String", "示例<B>一</B>号"),
        data("Number", "4"),
        data("DateTime", "2019-06-05T00:00:00.000"),
    ];
    let text = format!(
        "<?xml version='1.0'?><Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet' \
         xmlns:ss='urn:schemas-microsoft-com:office:spreadsheet'><Worksheet ss:Name='名单'><Table>\
         <Row>{header}</Row><Row>{}</Row></Table></Worksheet></Workbook>",
        values.concat()
    );
    let import = import(text);
    assert_eq!((names(&import), import.report.format), (vec!["示例一号"], Format::OldXml));
    assert_eq!(designated(&import, 0).batch, "4");
    assert_eq!(import.rows[0].event.effective_date, date(2019, 6, 5));
}

#[test]
fn the_xml_of_excel_2003_tells_what_is_hidden() {
    let cell = "<Cell><Data ss:Type='String'>x</Data></Cell>";
    let sheet = old(&format!(
        "<Column ss:Index='2' ss:Hidden='1' ss:Span='1'/><Column ss:Width='0'/>\
         <Row>{}</Row><Row ss:Hidden='1'>{cell}</Row><Row ss:Height='0'>{cell}</Row>\
         <Row ss:Index='9'>{cell}<Cell ss:Index='4' ss:Formula='=A1'/></Row>",
        cell.repeat(5)
    ));
    assert_eq!(sheet.hidden_columns, [1, 2, 3]);
    assert_eq!(numbers(&sheet, true), [2, 3]);
    assert_eq!(sheet.rows[3].number, 9);
    assert_eq!(sheet.rows[3].cells[3], Cell::Unevaluated);
    let merged = old(
        "<Row><Cell ss:MergeAcross='1' ss:MergeDown='1'><Data ss:Type='String'>x</Data></Cell>\
         <Cell><Data ss:Type='Error'>#REF!</Data></Cell></Row><Row><Cell ss:Index='3'>\
         <Data ss:Type='Boolean'>1</Data></Cell></Row>",
    );
    assert_eq!(merged.rows[0].cells[2], Cell::Error("#REF!".to_owned()));
    assert_eq!(
        (merged.rows[1].cells[0].text(), merged.rows[1].cells[2].text()),
        ("x".into(), "true".into())
    );
}
