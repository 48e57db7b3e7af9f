//! What a workbook hides, and cells whose value is not where it usually is. The workbooks are
//! written by a writer of XLSX, or by hand where it writes none of the kind.

use jiff::civil::time;
use rust_xlsxwriter::{Format as Style, Formula, Workbook, Worksheet};

use super::super::{
    error::FileFault,
    sheet::{Cell, Sheet, read_xlsx},
};
use super::{bombs::book, *};

/// A sheet of five rows and three columns.
fn written(change: impl Fn(&mut Worksheet)) -> Sheet {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for row in 0..5 {
        for column in 0..3 {
            sheet.write(row, column, format!("r{row}c{column}")).unwrap();
        }
    }
    change(sheet);
    read_xlsx(&book.save_to_buffer().unwrap()).unwrap().remove(0)
}

/// A sheet by hand: its columns and its rows.
fn by_hand(columns: &str, rows: &str) -> Sheet {
    read(columns, rows).unwrap().remove(0)
}

fn read(columns: &str, rows: &str) -> Result<Vec<Sheet>, FileFault> {
    let sheet = format!("<worksheet>{columns}<sheetData>{rows}</sheetData></worksheet>");
    let texts = vec![(b"<sst><si><t>x</t></si></sst>".as_slice(), 1)];
    read_xlsx(&book(1, texts, vec![(sheet.as_bytes(), 1)]))
}

fn hidden(sheet: &Sheet) -> Vec<u32> {
    sheet.rows.iter().filter(|row| row.hidden).map(|row| row.number).collect()
}

#[test]
fn rows_that_are_not_shown_are_marked() {
    assert_eq!(hidden(&written(|_| {})), Vec::<u32>::new());
    let by_the_user = written(|sheet| {
        sheet.set_row_hidden(1).unwrap();
        sheet.set_row_hidden(3).unwrap();
    });
    assert_eq!(hidden(&by_the_user), [2, 4]);
    let of_no_height = written(|sheet| {
        sheet.set_row_height(2, 0).unwrap();
    });
    assert_eq!(hidden(&of_no_height), [3]);
    let filtered_out = written(|sheet| {
        sheet.autofilter(0, 0, 4, 2).unwrap();
        let condition = rust_xlsxwriter::FilterCondition::new().add_list_filter("r2c0");
        sheet.filter_column(0, &condition).unwrap();
    });
    assert_eq!(hidden(&filtered_out), [2, 4, 5]);
    let in_a_closed_group = written(|sheet| {
        sheet.group_rows_collapsed(1, 2).unwrap();
    });
    assert_eq!(hidden(&in_a_closed_group), [2, 3]);
}

#[test]
fn columns_that_are_not_shown_are_marked() {
    let columns = |sheet: &Sheet| sheet.hidden_columns.clone();
    assert_eq!(columns(&written(|_| {})), Vec::<usize>::new());
    let by_the_user = written(|sheet| {
        sheet.set_column_hidden(1).unwrap();
    });
    assert_eq!(columns(&by_the_user), [1]);
    let of_no_width = written(|sheet| {
        sheet.set_column_width(2, 0).unwrap();
    });
    assert_eq!(columns(&of_no_width), [2]);
    let in_a_closed_group = written(|sheet| {
        sheet.group_columns_collapsed(0, 1).unwrap();
    });
    assert_eq!(columns(&in_a_closed_group), [0, 1]);
    // Runs that overlap, and reach beyond the last cell.
    let cols = "<cols><col min='3' max='16384' hidden='true'/><col min='2' max='3' width='0'/>\
                <col min='1' max='1' width='9'/></cols>";
    let sheet = by_hand(cols, "<row r='1'><c r='D1'><v>1</v></c></row>");
    assert_eq!(columns(&sheet), [1, 2, 3]);
}

#[test]
fn hidden_rows_are_found_in_any_spelling() {
    let rows = "<row r='2' hidden='true'><c r='A2'><v>1</v></c></row><row ht='0.4'><c><v>2</v></c>\
                </row><x:row xmlns:x='y' hidden=\"1\"><x:c><x:v>3</x:v></x:c></x:row>\
                <row hidden='0' ht='15'><c><v>4</v></c></row><row hidden='false'><c><v>5</v></c>\
                </row>";
    assert_eq!(hidden(&by_hand("", rows)), [2, 3, 4]);
    // A cell that names another row than the one it is written in.
    let strayed = "<row r='1' hidden='1'><c r='A3'><v>1</v></c></row><row r='4'><c r='A4'><v>1</v>\
                   </c></row>";
    assert_eq!(hidden(&by_hand("", strayed)), [3]);
}

#[test]
fn a_formula_without_a_stored_value_is_marked() {
    let cells = |row: &str| {
        let rows = format!("<row><c r='A1'><v>1</v></c>{row}</row>");
        by_hand("", &rows).rows[0].cells.clone()
    };
    for formula in [
        "<c r='B1'><f>VLOOKUP(A1,Z:Z,1,0)</f></c>",
        "<c r='B1'><f>A1</f><v></v></c>",
        "<c r='B1'><f>A1</f><v/></c>",
        "<c r='B1' t='str'><f>A1</f></c>",
        "<c r='B1'><f>A1</f><v> </v></c>",
        "<c r='B1'><f t='shared' si='0'/></c>",
        "<c r='B1'><f t='array' ref='B1:B2'>A1:A2</f></c>",
        // What calamine drops.
        "<c r='B1'><v>2</v><f>A1</f></c>",
        "<c r='B1' t='inlineStr'><is><t>x</t></is><v>y</v></c>",
    ] {
        assert_eq!(cells(formula).get(1), Some(&Cell::Unevaluated), "{formula}");
    }
    let text = |text: &str| Some(Cell::Text(text.to_owned()));
    for (formula, value) in [
        ("<c r='B1' t='str'><f>A1</f><v>x</v></c>", text("x")),
        ("<c r='B1' t='str'><f>A1&amp;\"\"</f><v>&lt;</v></c>", text("<")),
        ("<c r='B1'><f>A1</f><v>0</v></c>", Some(Cell::Number(0.0))),
        // The formula gave no text.
        ("<c r='B1' t='str'><f>A1</f><v></v></c>", None),
        ("<c r='B1'/>", None),
    ] {
        let found = cells(formula).get(1).cloned().filter(|cell| !cell.is_empty());
        assert_eq!(found, value, "{formula}");
    }
    let far =
        by_hand("", "<row><c r='A1'><v>1</v></c></row><row r='9'><c r='C9'><f>A1</f></c></row>");
    assert_eq!((far.rows[1].number, &far.rows[1].cells[2]), (9, &Cell::Unevaluated));
}

#[test]
fn texts_are_read_wherever_a_writer_puts_them() {
    let text = |cell: &str| {
        let rows = format!("<row r='1'>{cell}</row>");
        by_hand("", &rows).rows[0].cells[0].text()
    };
    for cell in [
        "<c r='A1' t='inlineStr'><is><t>企业名称</t></is></c>",
        "<c r='A1' t='inlineStr'><is><r><t>企业</t></r><r><t>名称</t></r></is></c>",
        "<c r='A1' t='inlineStr'><v>企业名称</v></c>",
        "<c r='A1' t='inlineStr'><v>企业&#21517;称</v></c>",
        "<c r='A1' t='str'><v>企业名称</v></c>",
        "<c r='A1' t='inlineStr'><is><t>企业名称</t><rPh sb='0' eb='1'><t>qiye</t></rPh></is></c>",
    ] {
        assert_eq!(text(cell), "企业名称", "{cell}");
    }
    assert_eq!(text("<c r='A1' t='b'><v>1</v></c>"), "true");
    assert_eq!(text("<c r='A1' t='d'><v>2026-03-31T16:00:00Z</v></c>"), "2026-03-31T16:00:00Z");
    assert_eq!(text("<c r='A1' t='s'><v>0</v></c>"), "x");
}

#[test]
fn a_date_cell_keeps_its_time_of_day() {
    let of = |serial: f64| {
        let mut book = Workbook::new();
        let style = Style::new().set_num_format("yyyy-mm-dd");
        book.add_worksheet().write_with_format(0, 0, serial, &style).unwrap();
        read_xlsx(&book.save_to_buffer().unwrap()).unwrap()[0].rows[0].cells[0].clone()
    };
    let moment = |day: &str, time| Cell::Moment { day: day.to_owned(), time };
    let second = 1.0 / 86_400.0;
    assert_eq!(of(46_113.0), moment("2026-04-01", None));
    assert_eq!(of(46_113.0 - 43.0 * second), moment("2026-03-31", Some(time(23, 59, 17, 0))));
    let late = of(46_113.0 - 0.01 * second);
    assert_eq!(late, moment("2026-03-31", Some(time(23, 59, 59, 990_000_000))));
    assert_eq!(late.text(), "2026-03-31T23:59:59.99");
    assert_eq!(of(46_113.0 - second), moment("2026-03-31", Some(time(23, 59, 59, 0))));
    assert_eq!(of(46_113.0 - second).text(), "2026-03-31T23:59:59");
    assert_eq!(of(46_113.5), moment("2026-04-01", Some(time(12, 0, 0, 0))));
    // The error of a calculation, far below what a cell shows.
    assert_eq!(of(46_113.0 - 0.000_1 * second), moment("2026-04-01", None));
}

#[test]
fn a_cell_far_from_the_table_is_named_with_the_cure() {
    let far = |cells: &str| {
        let rows = format!(
            "<row r='1'><c r='A1'><v>1</v></c><c r='C1'><v>1</v></c></row><row r='2'>\
             <c r='C2'><v>1</v></c></row>{cells}"
        );
        match read("", &rows) {
            Err(fault) => fault.to_string(),
            Ok(sheets) => panic!("{sheets:?}"),
        }
    };
    let below = "<row r='1048576'><c r='H1048576' t='inlineStr'><is><t> </t></is></c></row>";
    assert_says(&far(below), &["cell H1048576 of sheet S1", "delete column H below row 2"]);
    let aside = "<row r='9000'><c r='XFD9000'><v>1</v></c><c r='A9000'><v>1</v></c></row>\
                 <row r='4500'><c r='A4500'><v>1</v></c></row>";
    assert_says(&far(aside), &["cell XFD9000", "delete the columns behind C"]);
    let both = "<row r='1048576'><c r='A1048576'><v>1</v></c></row><row r='3'><c r='XFD3'><v>1</v>\
                </c></row>";
    assert_says(&far(both), &["lies far from the table", "delete"]);
    // A million rows of eight columns are the limit.
    let at = |row: u32| format!("<row r='{row}'><c r='H{row}'><v>1</v></c></row>");
    assert_eq!(by_hand("", &[at(1), at(1_000_000)].concat()).rows.len(), 2);
    assert!(read("", &[at(1), at(1_000_001)].concat()).is_err());
}

#[test]
fn a_worksheet_without_its_cells_is_damaged() {
    let of = |sheet: &[u8]| read_xlsx(&book(1, vec![(b"<sst/>".as_slice(), 1)], vec![(sheet, 1)]));
    assert!(matches!(of(b"<worksheet><sheetDat/></worksheet>"), Err(FileFault::Workbook { .. })));
    assert!(of(b"<worksheet><sheetData/></worksheet>").unwrap()[0].rows.is_empty());
    assert!(of(b"<chartsheet><sheetPr/></chartsheet>").unwrap()[0].rows.is_empty());
}

#[test]
fn a_value_under_a_merged_cell_is_not_read() {
    let sheet = "<worksheet><sheetData><row r='1'><c r='A1'><v>1</v></c><c r='B1'><v>2</v></c>\
                 <c r='C1'><v>3</v></c></row><row r='2'><c r='A2'><v>4</v></c><c r='B2'><v>5</v>\
                 </c><c r='C2'><v>6</v></c></row></sheetData><mergeCells count='1'>\
                 <mergeCell ref='A1:B2'/></mergeCells></worksheet>";
    let texts = vec![(b"<sst/>".as_slice(), 1)];
    let sheet = read_xlsx(&book(1, texts, vec![(sheet.as_bytes(), 1)])).unwrap().remove(0);
    let texts: Vec<Vec<String>> =
        sheet.rows.iter().map(|row| row.cells.iter().map(Cell::text).collect()).collect();
    assert_eq!(texts, [["1", "", "3"], ["1", "", "6"]]);
}

#[test]
fn the_writer_of_these_tests_stores_values_of_formulas() {
    let sheet = written(|sheet| {
        sheet.write(0, 0, Formula::new("=1+1").set_result("2")).unwrap();
    });
    assert_eq!(sheet.rows[0].cells[0].text(), "2");
}
