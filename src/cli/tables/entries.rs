//! The list of a batch: one row for each designation and each result of a review, with everything
//! that a list can state about it. Recorded without any option, the rows are the same facts.

use super::{Column, Value};
use crate::{
    cli::print::word,
    domain::kind::Kind,
    protocol::pb::{self, event::Fact},
};

/// A row of the list of a batch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// A designation, or the result of a review.
    pub(crate) event: pb::Event,
    /// The name of the designee. A review states none.
    pub(crate) name: String,
}

/// Columns of the list of a batch.
pub(crate) const ENTRIES: &[Column<Entry>] = &[
    Column { header: "序号", value: |entry| Value::unless_zero(entry.evidence().row) },
    Column { header: "企业名称", value: |entry| Value::Text(entry.name.clone()) },
    Column { header: "英文名称", value: |entry| Value::Text(entry.profile().name_en) },
    Column { header: "统一社会信用代码", value: |entry| text(&entry.event.designee) },
    Column { header: "类别", value: |entry| text(entry.fact()) },
    Column { header: "称号", value: |entry| text(entry.title().programme) },
    Column { header: "认定机关", value: |entry| text(&entry.event.authority) },
    Column { header: "批次", value: |entry| text(entry.title().batch) },
    Column { header: "复核年度", value: |entry| text(entry.title().round) },
    Column { header: "分名单", value: |entry| text(entry.title().sublist) },
    Column { header: "推荐单位", value: |entry| text(entry.title().recommended_by) },
    Column { header: "单项冠军产品", value: |entry| text(entry.title().item) },
    Column { header: "日期", value: |entry| Value::Day(entry.event.effective_date) },
    Column { header: "有效期至", value: |entry| Value::Day(entry.last_day(false)) },
    Column { header: INFERRED_LAST_DAY, value: |entry| Value::Day(entry.last_day(true)) },
    Column { header: "原因", value: |entry| Value::Text(entry.cause()) },
    Column { header: "增补", value: |entry| text(if entry.title().late { "是" } else { "" }) },
    Column { header: "推荐日期", value: |entry| Value::Day(entry.recommended_on()) },
    Column { header: "主导产品", value: |entry| Value::Text(entry.profile().main_product) },
    Column { header: "主体类别", value: |entry| Value::Text(entry.kind()) },
    Column {
        header: "行政区划代码",
        value: |entry| Value::Text(entry.profile().registered_region),
    },
    Column { header: "行业代码", value: |entry| Value::Text(entry.profile().industry) },
    Column { header: "企业规模", value: |entry| Value::Text(entry.size()) },
    Column { header: "办法版本", value: |entry| text(&entry.event.rule_version) },
    Column { header: "文号", value: |entry| text(&entry.evidence().document_number) },
    Column { header: "成文日期", value: |entry| Value::Day(entry.evidence().document_date) },
    Column { header: "发布日期", value: |entry| Value::Day(entry.evidence().published_date) },
    Column { header: "网址", value: |entry| text(&entry.evidence().url) },
];

/// A last day that the catalogue implies. `record` does not read it, because it infers the same
/// one; a list that stated it would claim that the document did.
pub(super) const INFERRED_LAST_DAY: &str = "推定有效期至";

/// The parts that designations and reviews share.
#[derive(Default)]
struct TitlePart<'a> {
    programme: &'a str,
    item: &'a str,
    batch: &'a str,
    round: &'a str,
    sublist: &'a str,
    recommended_by: &'a str,
    valid_to: Option<pb::Date>,
    inferred: bool,
    late: bool,
}

impl Entry {
    /// The batch in whose list an event is: a review is in that of its round. `None` for an event
    /// of another kind.
    pub(crate) fn batch_of(event: &pb::Event) -> Option<(&str, &str)> {
        let part = title(event);
        let batch = if part.round.is_empty() { part.batch } else { part.round };
        (!part.programme.is_empty()).then_some((part.programme, batch))
    }

    fn title(&self) -> TitlePart<'_> {
        title(&self.event)
    }

    fn fact(&self) -> &'static str {
        match &self.event.fact {
            Some(Fact::Designated(_)) => "认定",
            Some(Fact::ReviewPassed(_)) => "复核通过",
            Some(Fact::ReviewFailed(_)) => "复核未通过",
            _ => "",
        }
    }

    fn cause(&self) -> String {
        match &self.event.fact {
            Some(Fact::ReviewFailed(failed)) => {
                word(failed.cause().as_str_name(), "REVIEW_FAILURE_CAUSE_")
            }
            _ => String::new(),
        }
    }

    fn last_day(&self, inferred: bool) -> Option<pb::Date> {
        let title = self.title();
        title.valid_to.filter(|_| title.inferred == inferred)
    }

    fn evidence(&self) -> pb::Evidence {
        self.event.evidence.clone().unwrap_or_default()
    }

    fn profile(&self) -> pb::Profile {
        match &self.event.fact {
            Some(Fact::Designated(fact)) => fact.profile.clone().unwrap_or_default(),
            _ => pb::Profile::default(),
        }
    }

    fn recommended_on(&self) -> Option<pb::Date> {
        match &self.event.fact {
            Some(Fact::Designated(fact)) => fact.recommended_on,
            _ => None,
        }
    }

    fn kind(&self) -> String {
        match self.profile().kind() {
            pb::DesigneeKind::Unspecified => String::new(),
            kind => word(kind.as_str_name(), "DESIGNEE_KIND_"),
        }
    }

    fn size(&self) -> String {
        match self.profile().size_class() {
            pb::SizeClass::Unspecified => String::new(),
            size => word(size.as_str_name(), "SIZE_CLASS_"),
        }
    }
}

/// Whether the list of a batch has a row for facts of this kind.
pub(crate) fn writes_kind(kind: Kind) -> bool {
    matches!(kind, Kind::Designated | Kind::ReviewPassed | Kind::ReviewFailed)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn title(event: &pb::Event) -> TitlePart<'_> {
    match &event.fact {
        Some(Fact::Designated(fact)) => TitlePart {
            programme: &fact.programme,
            item: &fact.item,
            batch: &fact.batch,
            sublist: &fact.sublist,
            recommended_by: &fact.recommended_by,
            valid_to: fact.valid_to,
            inferred: fact.valid_to_inferred,
            late: fact.supplement,
            ..Default::default()
        },
        Some(Fact::ReviewPassed(fact)) => TitlePart {
            programme: &fact.programme,
            item: &fact.item,
            batch: &fact.batch,
            round: &fact.round,
            valid_to: fact.valid_to,
            inferred: fact.valid_to_inferred,
            late: fact.supplement,
            ..Default::default()
        },
        Some(Fact::ReviewFailed(fact)) => TitlePart {
            programme: &fact.programme,
            item: &fact.item,
            batch: &fact.batch,
            round: &fact.round,
            late: fact.supplement,
            ..Default::default()
        },
        _ => TitlePart::default(),
    }
}
