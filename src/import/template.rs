//! Templates: for each fact, a list to fill in, with comments on its columns and an example.

use super::{
    Options, choices,
    columns::Column,
    events,
    fact_kinds::FactKind,
    fields::{Field, FieldSet, Form},
    note::TableNotes,
    sheet::{Cell, SheetRow},
};
use crate::{domain::AuthorityCode, protocol::pb};

/// Marks the example in the column for the number of its row: such a row is never recorded.
pub(super) const EXAMPLE: &str = "示例";

/// Fields for which a template has another column, or none. So has each day of a fact but the plain
/// one.
const LEFT_OUT: FieldSet =
    FieldSet::of(&[Field::Province, Field::City, Field::County, Field::DesignationDocument]);

/// A list to fill in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Lines above the header, each behind `#`.
    pub comments: Vec<String>,
    /// The header row.
    pub header: Vec<String>,
    /// A row that shows how others are written.
    pub example: Vec<String>,
}

/// The template of a fact.
#[must_use]
pub fn template(kind: FactKind) -> Template {
    let fields = columns(kind);
    let chinese = kind.words().first().copied().unwrap_or_default();
    let name = kind.name();
    let mut comments = vec![
        format!("# {chinese} {name}：逐行填写，然后运行 tidu record 文件名"),
        format!("# Fill in a row for each {name}, then run tidu record FILE"),
        "# 表头以上以 # 开头的行不读取；示例行须改写或删除".to_owned(),
        "# Lines above the header that begin with # are not read. Replace or delete the example"
            .to_owned(),
    ];
    comments.extend(fields.iter().map(|field| comment(kind, *field)));
    let example = |field: &Field| match field {
        Field::Row => EXAMPLE.to_owned(),
        field => example(kind, *field).to_owned(),
    };
    Template {
        comments,
        header: fields.iter().map(|field| header(*field)).collect(),
        example: fields.iter().map(example).collect(),
    }
}

/// The event of the example, which shows the members of the fact.
#[must_use]
pub fn example_event(kind: FactKind) -> Option<pb::Event> {
    let fields = columns(kind);
    let columns: Vec<_> = fields.iter().enumerate().map(column).collect();
    let cells = fields.iter().map(|field| match field {
        Field::Row => Cell::Empty,
        field => Cell::of_text(example(kind, *field)),
    });
    let row = SheetRow { number: 1, cells: cells.collect(), hidden: false };
    let context = events::Context {
        options: &Options::default(),
        authority_of: |name| AuthorityCode::from_name(name).map(AuthorityCode::as_str),
        sheet: "",
        columns: &columns,
        fact: None,
        notes: TableNotes::default(),
    };
    events::read(&context, &row).event.ok().flatten()
}

fn column((index, field): (usize, &Field)) -> Column {
    Column { index, field: *field, header: header(*field) }
}

/// The columns of a template: the row, who is meant, the needed ones, the others.
fn columns(kind: FactKind) -> Vec<Field> {
    let takes = kind.takes();
    let is_other_day = |field: &Field| field.is_day_of_fact() && *field != Field::Date;
    let plain = |field: &Field| takes.has(*field) && !LEFT_OUT.has(*field) && !is_other_day(field);
    let first = [Field::Row, Field::Fact, Field::Name, Field::Designee];
    let first = first
        .into_iter()
        .filter(|field| plain(field) && (*field != Field::Name || kind != FactKind::Renamed));
    let mut fields: Vec<Field> = first.collect();
    let is_new = |fields: &[Field], field: &Field| !fields.contains(field);
    for field in kind.needs().iter().chain(takes.iter()) {
        let is_named = kind == FactKind::Renamed && field == Field::Name;
        if plain(&field) && is_new(&fields, &field) && !is_named {
            fields.push(field);
        }
    }
    fields
}

/// `企业名称 (name)`
fn header(field: Field) -> String {
    let chinese = field.headers().first().copied().unwrap_or_default();
    format!("{chinese} ({})", field.name())
}

fn comment(kind: FactKind, field: Field) -> String {
    let need = match field {
        Field::Row => "可不填 may stay empty",
        Field::Designee | Field::Name => "代码和名称至少填一项 needed: code or name",
        field if kind.needs().has(field) || field == Field::Fact => "必填 needed",
        _ => "选填 optional",
    };
    format!("# {}：{need}；{}", header(field), form(kind, field))
}

/// How a value is written.
pub(super) fn form(kind: FactKind, field: Field) -> String {
    let words = choices::shown(kind, field);
    if !words.is_empty() {
        return format!("填其中之一 one of: {}", words.join("、"));
    }
    let text = match field.form() {
        Form::Text | Form::Words => "文字 text",
        Form::Id => "编号或名称 an id or a name",
        Form::Ids => "代码，以“、”分隔 codes with 、 between them",
        Form::Code => "统一社会信用代码 18 characters of the code",
        Form::Codes => "统一社会信用代码，多个以“、”分隔 codes with 、 between them",
        Form::Authority => "机关名称或代码 name or code of an authority",
        Form::Programme => "称号名称或标识 name or id of a programme",
        Form::Batch => "批次 a batch such as 2026-1 or 第四批",
        Form::Fact => return format!("填 {} the fact", kind.words().first().unwrap_or(&"")),
        Form::FirstDay => "日期 a day such as 2026-04-01",
        Form::LastDay => "最后一日 a last day such as 2029-03-31",
        Form::Period => "起止日期 first and last day",
        Form::Region => "六位行政区划代码 six digits of the region",
        Form::Place => "地名 name of a place",
        Form::Year => "年份 a year such as 2026",
        Form::Count => "数字 a number",
        Form::YesNo => "是或否 是 or 否",
        Form::Indicators => "名称=数值单位；… name=value unit；…",
    };
    text.to_owned()
}

/// A value of the example.
fn example(kind: FactKind, field: Field) -> &'static str {
    let needed = kind.needs().has(field);
    match field {
        Field::Fact => kind.words().first().copied().unwrap_or_default(),
        Field::Name => "示例企业有限公司",
        // A name that gets its code.
        Field::Designee if kind == FactKind::IdentifierChanged => "",
        Field::Designee => "91440500YY000001X6",
        Field::OldName => "示例旧名有限公司",
        Field::NewName if needed => "示例新名有限公司",
        Field::NewDesignee => "91440800YY0000028M",
        Field::Authority if is_of_ministry(kind) => "工业和信息化部",
        Field::Authority | Field::FromAuthority => "广东省",
        Field::ToAuthority => "北京市",
        Field::ToRegion => "110105",
        Field::Region if needed => "440100",
        Field::Programme if kind == FactKind::TitleConverted => "国家中小企业公共服务示范平台",
        Field::Programme if is_of_ministry(kind) => "national-platform-base",
        Field::Programme if needed => "专精特新中小企业",
        Field::ToProgramme => "national-platform-base",
        Field::Batch if needed => "2026-1",
        Field::Date => "2026-04-01",
        Field::Round | Field::Year if needed => "2026",
        Field::Pool => "2026-A",
        Field::Scheme => "key-little-giant",
        Field::Successor if needed => "91440800YY0000028M",
        Field::Restructuring => "改制",
        Field::OccurredOn => "2026-03-01",
        Field::Title => "示例管理办法",
        Field::Repealed => "示例〔2020〕1号",
        Field::Assessor => "示例评估机构",
        Field::Indicators => "综合得分=87.04分",
        Field::DesignatedCount => "25",
        Field::Document if matches!(kind, FactKind::MeasuresIssued) => "示例〔2026〕1号",
        _ if needed => choices::shown(kind, field).first().copied().unwrap_or_default(),
        _ => "",
    }
}

/// Facts about programmes that only the ministry decides on.
fn is_of_ministry(kind: FactKind) -> bool {
    use FactKind::{CreationAssessed, CreationListed, TitleConverted};
    matches!(kind, CreationAssessed | CreationListed | TitleConverted)
}
