//! A cell that is not read decides nothing: whatever it holds, the events are the same, or the list
//! is refused. What a list hides is refused, unless the caller decides.

use fastrand::Rng;
use tidu::import::ReadOrSkip;

use super::{
    fuzz,
    mutate::mutate,
    targets::{
        self,
        pages::{Format, Outcome, Page, UNREAD, try_unread},
    },
};
use crate::support::made_up;

/// Headers that are read, with the content of their cells; the first two are always there.
const READ: [(&str, &str); 5] = [
    ("企业名称", ""),
    ("统一社会信用代码", ""),
    ("批次", "2024-2"),
    ("类别", "认定"),
    ("有效期至", "2026-12-31"),
];
/// Contents that would decide something, were they read.
const CONTENTS: [&str; 16] = [
    "",
    "1",
    "撤销",
    "复核通过",
    "不通过",
    "公示",
    "第四批",
    "2019-01-01",
    "45000",
    "合计",
    "注：以上",
    "一、取消认定",
    "企业名称",
    "广州市",
    "广州另一有限公司",
    "91440101400109603Y",
];

fn page(random: &mut Rng) -> Page {
    let mut columns: Vec<(&str, &str)> = READ[..2].to_vec();
    columns.extend(READ[2..].iter().filter(|_| random.bool()));
    columns.extend(UNREAD.iter().filter(|_| random.bool()).map(|header| (*header, "一")));
    random.shuffle(&mut columns);
    let mut rows = Vec::new();
    if random.bool() {
        rows.push(vec!["中小企业名单".to_owned()]);
    }
    rows.push(columns.iter().map(|(header, _)| (*header).to_owned()).collect());
    let first = rows.len();
    for made in made_up(random.u64(..), random.usize(1..6)) {
        let cell = |(header, content): &(&str, &str)| match *header {
            "企业名称" => made.name.clone(),
            "统一社会信用代码" => made.uscc.to_string(),
            _ => (*content).to_owned(),
        };
        rows.push(columns.iter().map(cell).collect());
    }
    let data = first..rows.len();
    let hidden_rows = data.clone().filter(|_| random.u8(0..3) == 0).collect();
    let hidden_columns = (0..columns.len()).filter(|_| random.u8(0..6) == 0).collect();
    Page { rows, hidden_rows, hidden_columns, data }
}

#[test]
fn a_cell_that_is_not_read_decides_nothing() {
    let fixed = fuzz("unread cells", 400, |random| {
        let format = Format::ALL[random.usize(0..4)];
        let hidden = [None, Some(ReadOrSkip::Skip), Some(ReadOrSkip::Read)][random.usize(0..3)];
        let page = page(random);
        let content = || {
            let content = CONTENTS[random.usize(0..CONTENTS.len())];
            random.bool().then(|| content.to_owned())
        };
        let outcome = try_unread(page, format, hidden, content);
        [usize::from(outcome == Outcome::Same), usize::from(outcome == Outcome::Hidden)]
    });
    let [same, hidden] = fixed.sums;
    assert!(same * 4 > fixed.cases && hidden * 10 > fixed.cases, "{same} same, {hidden} hidden");
}

#[test]
fn the_target_for_unread_cells_holds_for_changed_bytes() {
    let list = "示例有限公司,91440101400109603Y,一,2,3,4\n!示例二有限公司,,,,,\n\n注：样本\n合计";
    let bytes = |choice: u8| [&[choice], list.as_bytes()].concat();
    assert!((0..12).filter(|choice| targets::unread(&bytes(*choice))).count() > 2);
    fuzz("target unread", 200, |random| {
        let bytes = bytes(random.u8(0..12));
        [usize::from(targets::unread(&mutate(random, &bytes, list.as_bytes())))]
    });
}
