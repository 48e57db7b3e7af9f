//! Web pages that are saved as workbooks.

use super::super::{
    error::FileFault,
    sheet::{Cell, Sheet, read_html},
};
use super::*;
use crate::limits::{HTML_LINES_MAX, HTML_TABLES_DEEP_MAX, LIST_CELLS_MAX};

fn sheet(page: &str) -> Sheet {
    read_html(page).unwrap().remove(0)
}

/// Rows and their texts.
fn rows(page: &str) -> Vec<(u32, Vec<String>)> {
    let rows = sheet(page).rows;
    rows.iter().map(|row| (row.number, row.cells.iter().map(Cell::text).collect())).collect()
}

fn texts(page: &str) -> Vec<Vec<String>> {
    rows(page).into_iter().map(|(_, texts)| texts).collect()
}

fn hidden(sheet: &Sheet) -> Vec<u32> {
    sheet.rows.iter().filter(|row| row.hidden).map(|row| row.number).collect()
}

#[test]
fn an_export_under_the_name_xls_is_read() {
    let page = |charset: &str| {
        format!(
            "<html xmlns:x=\"urn:schemas-microsoft-com:office:excel\"><head><meta http-equiv=\
             Content-Type content=\"text/html; charset={charset}\"><style>td {{mso-number-format:\
             \"\\@\";}}</style><!--[if gte mso 9]><xml><x:Name>Sheet1</x:Name></xml><![endif]-->\
             </head><body><table border=1><tr><th>企业名称</th><th>批次<th>认定日期</tr>\r\n\
             <tr><td>示例&amp;一号&nbsp;</td><td x:num=\"4\">第四批<td>2019-06-05\
             </table></body></html>"
        )
    };
    let import = import(page("utf-8"));
    assert_eq!((names(&import), import.report.format), (vec!["示例&一号"], Format::Html));
    assert_eq!((designated(&import, 0).batch.as_str(), import.rows[0].row), ("4", 2));
    assert_eq!(import.rows[0].event.effective_date, date(2019, 6, 5));
    let page = page("gb2312");
    let (gb18030, ..) = encoding_rs::GB18030.encode(&page);
    let read = super::import(&gb18030);
    assert_eq!((names(&read), read.report.encoding), (vec!["示例&一号"], Some("GB 18030")));
    let bare = "<TABLE><TBODY><TR><TD>企业名称</TD></TR><TR><TD>示例一号</TD></TR></TBODY></TABLE>";
    assert_eq!(names(&super::import(bare)), ["示例一号"]);
}

#[test]
fn merged_cells_fill_their_places() {
    let page = "<table><tr><td rowspan=2>广东省<td colspan=2>a</tr><tr><td>b<td>c</tr><tr><td>d\
                <td rowspan='2'>e<td>f</tr><tr><td>g<td>h</tr></table>";
    assert_eq!(
        texts(page),
        [vec!["广东省", "a"], vec!["广东省", "b", "c"], vec!["d", "e", "f"], vec!["g", "e", "h"]]
    );
    let wide = &sheet(page).wide;
    assert_eq!((wide[0].row, wide[0].first, wide[0].last, wide.len()), (1, 1, 2, 1));
}

#[test]
fn text_is_read_as_a_browser_shows_it() {
    let page = "<table><tr><td> 广州\r\n   格式<br>有限<b>公</b>司\t</td><td>Example\n One</td>\
                <td><script>var x = '<td>no</td>';</script><!-- no --><select><option>no</select>\
                &#20225;&lt;</td></tr></table>";
    assert_eq!(texts(page), [["广州格式有限公司", "Example One", "企<"]]);
}

#[test]
fn titles_and_text_between_tables_are_rows() {
    let page = "<body><h1>取消认定名单</h1><p>共1家</p><table><caption>附件</caption><tr><td>甲\
                </table>说明<table><tr><td>乙</table><p>完</body>";
    let told: Vec<(u32, String)> =
        rows(page).into_iter().map(|(row, texts)| (row, texts.concat())).collect();
    let of = |row: u32, text: &str| (row, text.to_owned());
    assert_eq!(
        told,
        [
            of(1, "取消认定名单"),
            of(2, "共1家"),
            of(3, "附件"),
            of(4, "甲"),
            of(5, "说明"),
            of(6, "乙"),
            of(7, "完")
        ]
    );
    // The menus of a page do not hide the header of its table.
    let menus = "<li>菜单".repeat(HEADER_ROWS);
    let page = format!("<body>{menus}<table><tr><td>企业名称<tr><td>示例一号</table>");
    let import = import(&page);
    assert_eq!((names(&import), import.rows[0].row), (vec!["示例一号"], 102));
    assert_eq!(sheet(&page).rows.len(), HTML_LINES_MAX + 2);
}

const HEADER_ROWS: usize = 100;

#[test]
fn rows_that_are_not_shown_are_marked() {
    let page = "<style>.away, tr.off { display : none } .on { color: red }</style><table>\
                <tr class=on><td>1<tr style='display:none'><td>2<tr STYLE=\"color:red; Display: \
                None;\"><td>3<tr class='x away'><td>4<tr class=off><td>5<tr hidden><td>6\
                <tr height=0><td>7<tr style='visibility:collapse'><td>8<tr height=20><td>9\
                <tbody style='display:none'><tr><td>10<tr><td>11</tbody><tr><td>12</table>\
                <div style='display:none'><table><tr><td>13</table></div><table><tr><td>14</table>";
    assert_eq!(hidden(&sheet(page)), [2, 3, 4, 5, 6, 7, 8, 10, 11, 13]);
    let columns = "<table><col><col style='display:none' span=2><col width=0><col width=9><tr><td>a\
                   <td>b<td>c<td>d<td>e</table>";
    assert_eq!(sheet(columns).hidden_columns, [1, 2, 3]);
}

#[test]
fn text_that_is_not_shown_is_not_read() {
    let page = "<table><tr><td style='display:none'>no<td>甲<span style='display:none'>no</span>乙\
                <td><p style='display:none'>no<td>丙</table>";
    assert_eq!(texts(page), [["甲乙", "", "丙"]]);
}

#[test]
fn a_table_within_a_table_is_read_as_one() {
    let page = "<table><tr><td>menu<td><table><tr><td>企业名称<td>批次<tr><td>示例一号<td>1</table>\
                </table>";
    assert_eq!(names(&import(page)), ["示例一号"]);
    let deep = |tables: usize| format!("{}x", "<table><tr><td>".repeat(tables));
    assert_eq!(texts(&deep(HTML_TABLES_DEEP_MAX)), [["x"]]);
    let fault = read_html(&deep(HTML_TABLES_DEEP_MAX + 1)).unwrap_err();
    assert!(matches!(fault, FileFault::TooLarge { what: Things::NestedTables, .. }));
}

#[test]
fn a_page_without_a_table_is_no_list() {
    for page in ["<html><p>企业名称</html>", "<?xml version='1.0'?><a><b/></a>", "<"] {
        assert_says(&refusal(page), &["HTML or XML without a table, not a list", "save its table"]);
    }
    assert_says(&refusal("<html><table></table></html>"), &["it has no rows"]);
}

#[test]
fn what_a_cell_states_to_cover_is_bounded() {
    let limit = |page: &str| match read_html(page) {
        Err(FileFault::TooLarge { what, max }) => (what, max),
        other => panic!("{:?}", other.map(|sheets| sheets.len())),
    };
    let wide = "<tr><td colspan=1000>x";
    let page = |rows: usize| format!("<table>{}", wide.repeat(rows));
    let rows = usize::try_from(LIST_CELLS_MAX).unwrap() / 1_000;
    assert_eq!(read_html(&page(rows)).unwrap()[0].rows.len(), rows);
    assert_eq!(limit(&page(rows + 1)), (Things::Cells, LIST_CELLS_MAX));
    let across = format!("<table><tr>{}", "<td colspan=4000000000>x".repeat(17));
    assert_eq!(limit(&across), (Things::Columns, 16_384));
    // Cells that reach far down make no rows.
    let down = "<table><tr><td rowspan=4000000000>x<td>y<tr><td>z</table>";
    assert_eq!(texts(down), [["x", "y"], ["x", "z"]]);
    let many = "<table>".to_owned() + &"<tr><td rowspan=65534>x".repeat(4_100);
    assert!(matches!(
        read_html(&many),
        Err(FileFault::TooLarge { .. } | FileFault::FarCell { .. })
    ));
    // Half a page is read as far as it goes.
    assert_eq!(texts("<table><tr><td>甲<td"), [["甲"]]);
}
