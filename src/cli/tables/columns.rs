//! The columns of titles, designees and batches, and the headers of counts.
//!
//! A header that `record` knows holds what `record` reads under it. Any other is for people.

use super::{Column, Value, entries::INFERRED_LAST_DAY};
use crate::{
    cli::print::{end, flags, title_status, word},
    protocol::pb,
};

/// Columns of titles. Recorded, a row is a designation, or a passed review of its latest round,
/// with the latest validity.
pub(crate) const TITLES: &[Column<pb::DesigneeTitle>] = &[
    Column { header: "企业名称", value: |row| text(&row.name) },
    Column { header: "统一社会信用代码", value: |row| text(&row.designee) },
    Column { header: "类别", value: |row| Value::Text(fact(&title(row))) },
    Column { header: "称号", value: |row| Value::Text(title(row).programme) },
    Column { header: "认定机关", value: |row| Value::Text(title(row).authority) },
    Column { header: "批次", value: |row| Value::Text(title(row).batch) },
    Column { header: "复核年度", value: |row| Value::Text(title(row).round) },
    Column { header: "分名单", value: |row| Value::Text(title(row).sublist) },
    Column { header: "推荐单位", value: |row| Value::Text(title(row).recommended_by) },
    Column { header: "单项冠军产品", value: |row| Value::Text(title(row).item) },
    Column { header: "日期", value: |row| Value::Day(title(row).valid_from) },
    Column { header: "有效期至", value: |row| Value::Day(last_day(&title(row), false)) },
    Column { header: INFERRED_LAST_DAY, value: |row| Value::Day(last_day(&title(row), true)) },
    Column { header: "状态", value: |row| Value::Text(title_status(title(row).status())) },
    Column { header: "终止", value: |row| Value::Text(end(&title(row))) },
    Column { header: "标记", value: |row| Value::Text(flags(&title(row))) },
    Column { header: "行政区划代码", value: |row| Value::Text(stated_region(row)) },
    Column { header: "办法版本", value: |row| Value::Text(title(row).rule_version) },
];

/// Columns of designees.
pub(crate) const DESIGNEES: &[Column<pb::Designee>] = &[
    Column { header: "企业名称", value: |row| text(&row.name) },
    Column { header: "统一社会信用代码", value: |row| text(&row.designee) },
    Column { header: "行政区划代码", value: |row| Value::Text(region(row)) },
    Column { header: "行业代码", value: |row| text(&row.industry) },
    Column { header: "主管机关", value: |row| text(&row.responsible_authority) },
    Column { header: "现有称号", value: |row| Value::Text(titles(row)) },
];

/// Columns of batches.
pub(crate) const BATCHES: &[Column<pb::Batch>] = &[
    Column { header: "称号", value: |batch| text(&batch.programme) },
    Column { header: "认定机关", value: |batch| text(&batch.authority) },
    Column { header: "批次", value: |batch| text(&batch.batch) },
    Column { header: "状态", value: |batch| Value::Text(state(batch)) },
    Column { header: "公示数", value: |batch| Value::Number(counts(batch).noticed) },
    Column { header: "认定数", value: |batch| Value::Number(counts(batch).designated) },
    Column { header: "复核通过数", value: |batch| Value::Number(counts(batch).reviewed) },
    Column { header: "未认定数", value: |batch| Value::Number(counts(batch).not_designated) },
    Column { header: "封存日期", value: |batch| Value::Day(batch.sealed_on) },
];

/// The header of a column with the keys of a group.
pub(crate) fn group_header(group: pb::CountGroup) -> &'static str {
    match group {
        pb::CountGroup::Unspecified => "分组",
        pb::CountGroup::Programme => "称号",
        pb::CountGroup::Authority => "认定机关",
        pb::CountGroup::ResponsibleAuthority => "主管机关",
        pb::CountGroup::RecommendedBy => "推荐单位",
        pb::CountGroup::Region => "行政区划代码",
        pb::CountGroup::Status => "状态",
        pb::CountGroup::Cohort => "批次",
        pb::CountGroup::Round => "复核年度",
        pb::CountGroup::Industry => "行业代码",
        pb::CountGroup::ValidToMonth => "到期月份",
        pb::CountGroup::ValidToYear => "到期年份",
        pb::CountGroup::EndCause => "终止原因",
        pb::CountGroup::Item => "单项冠军产品",
    }
}

/// The header of the column with the numbers.
pub(crate) fn count_header(unit: pb::CountUnit) -> &'static str {
    match unit {
        pb::CountUnit::Designees => "企业数",
        pb::CountUnit::Unspecified | pb::CountUnit::Titles => "称号数",
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn title(row: &pb::DesigneeTitle) -> pb::Title {
    row.title.clone().unwrap_or_default()
}

/// The fact that began the validity. A title that never began one, or ended otherwise than on its
/// last day, is no such fact: `record` refuses the word that it gets instead.
fn fact(title: &pb::Title) -> String {
    use pb::{
        EndCause,
        TitleStatus::{Active, Expired, Pending},
    };
    let is_whole = match title.status() {
        Pending | Active => true,
        Expired => matches!(title.end_cause(), EndCause::Unspecified | EndCause::Lapsed),
        _ => false,
    };
    match (is_whole && title.valid_from.is_some(), title.round.is_empty()) {
        (true, true) => "认定".to_owned(),
        (true, false) => "复核通过".to_owned(),
        (false, _) => format!("现状：{}", title_status(title.status())),
    }
}

fn last_day(title: &pb::Title, inferred: bool) -> Option<pb::Date> {
    title.valid_to.filter(|_| title.valid_to_inferred == inferred)
}

/// The region, unless it is only that of the responsible authority.
fn stated_region(row: &pb::DesigneeTitle) -> String {
    if title(row).region_inferred { String::new() } else { row.region.clone() }
}

fn region(row: &pb::Designee) -> String {
    if row.region_inferred { String::new() } else { row.region.clone() }
}

fn titles(row: &pb::Designee) -> String {
    let title = |title: &pb::Title| format!("{} {}", title.programme, title_status(title.status()));
    row.titles.iter().map(title).collect::<Vec<_>>().join(", ")
}

fn state(batch: &pb::Batch) -> String {
    word(batch.state().as_str_name(), "BATCH_STATE_")
}

fn counts(batch: &pb::Batch) -> pb::BatchCounts {
    batch.counts.unwrap_or_default()
}
