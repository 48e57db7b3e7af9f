//! The fields of a row, and the headers that lists use for them. A header that is not here is never
//! guessed.

use crate::lang::Lang;

/// A field that a column can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Designee,
    Name,
    NameEn,
    OldName,
    NewName,
    Province,
    RecommendedBy,
    Authority,
    Programme,
    Item,
    Batch,
    Sublist,
    Fact,
    Date,
    DesignatedOn,
    ValidFrom,
    RevokedOn,
    RenamedOn,
    EndedOn,
    EnteredOn,
    LeftOn,
    ValidTo,
    Validity,
    NoticeFrom,
    NoticeTo,
    Document,
    DesignationDocument,
    DocumentDate,
    PublishedDate,
    Url,
    Region,
    City,
    County,
    Industry,
    Size,
    MainProduct,
    SubjectKind,
    RecommendedOn,
    Round,
    RuleVersion,
    Row,
    Reason,
    BanUntil,
    Supplement,
    Purpose,
    Scope,
    Outcome,
    Pool,
    Successor,
    ToProgramme,
    ToItem,
    Due,
    Scheme,
    FromRegion,
    ToRegion,
    FromAuthority,
    ToAuthority,
    Stage,
    Restructuring,
    Ends,
    NewDesignee,
    Year,
    Change,
    OccurredOn,
    ReportedOn,
    Title,
    Instrument,
    IssuerName,
    InForceFrom,
    InForceTo,
    IssuingBodies,
    Amends,
    Repealed,
    DesignatedCount,
    ReviewedCount,
    Assessor,
    Indicators,
    Part,
}

/// The form of a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Text that the event keeps as it is.
    Text,
    /// An identifier of the record, such as a batch or a round.
    Id,
    /// Several identifiers.
    Ids,
    /// The identifier of a designee.
    Code,
    /// Identifiers of designees.
    Codes,
    /// Code or name of an authority.
    Authority,
    /// Id or Chinese name of a programme.
    Programme,
    /// A batch, in digits or in words.
    Batch,
    /// A kind of fact.
    Fact,
    /// A day from which something holds; a month is its first day.
    FirstDay,
    /// A last day; a month is its last day.
    LastDay,
    /// A first and a last day.
    Period,
    /// Six digits of a region, or its name.
    Region,
    /// Name of a prefecture or county.
    Place,
    /// A year.
    Year,
    /// A whole number.
    Count,
    /// One of a few words, which the kind of fact decides.
    Words,
    /// Yes or no.
    YesNo,
    /// Results of an assessment.
    Indicators,
}

/// Several fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldSet(u128);

impl FieldSet {
    /// The set of these fields.
    pub(super) const fn of(fields: &[Field]) -> Self {
        let mut set = Self(0);
        let mut rest = fields;
        while let [field, others @ ..] = rest {
            set = set.with(*field);
            rest = others;
        }
        set
    }

    pub(super) const fn with(self, field: Field) -> Self {
        Self(self.0 | 1 << field as u32)
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn has(self, field: Field) -> bool {
        self.0 >> field as u32 & 1 == 1
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its fields, in the order of the list.
    pub(super) fn iter(self) -> impl Iterator<Item = Field> {
        FIELDS.iter().map(|(field, ..)| *field).filter(move |field| self.has(*field))
    }
}

/// Field, its name in `--column` and in English headers, form, its other headers.
pub(super) type Entry = (Field, &'static str, Form, &'static [&'static str]);

/// Any other header needs `--column`. A header that fits two fields is left out.
#[rustfmt::skip]
pub(super) const FIELDS: &[Entry] = &[
    (Field::Designee, "designee", Form::Code, &["统一社会信用代码", "社会信用代码", "信用代码", "统一信用代码",
        "原统一社会信用代码", "uscc", "unified social credit code", "social credit code", "credit code"]),
    (Field::Name, "name", Form::Text, &["企业名称", "单位名称", "名称", "企业全称", "申报单位", "公司名称", "企业",
        "申报企业", "申报单位名称", "申报企业名称", "enterprise", "enterprise name", "company", "company name"]),
    (Field::NameEn, "name_en", Form::Text, &["英文名称", "企业英文名称", "english name"]),
    (Field::OldName, "old_name", Form::Text, &["更名前", "原名称", "原企业名称", "更名前名称", "更名前企业名称", "变更前",
        "变更前名称", "变更前企业名称"]),
    (Field::NewName, "new_name", Form::Text, &["更名后", "新名称", "新企业名称", "现名称", "现企业名称", "更名后名称",
        "更名后企业名称", "变更后", "变更后名称", "变更后企业名称"]),
    (Field::Province, "province", Form::Authority, &["省份", "省", "省市", "省区市", "地区", "所在地", "所在地区",
        "所属地区", "所属省份", "所在省份", "所在省", "属地", "region name"]),
    (Field::RecommendedBy, "recommended_by", Form::Authority, &["推荐单位", "推荐地区", "推荐部门", "推荐省份"]),
    (Field::Authority, "authority", Form::Authority, &["认定机关", "认定部门", "认定机构", "发布机关"]),
    (Field::Programme, "programme", Form::Programme, &["称号", "荣誉称号", "认定称号", "program"]),
    (Field::Item, "item", Form::Text, &["单项冠军产品"]),
    (Field::Batch, "batch", Form::Batch, &["批次", "认定批次", "公示批次"]),
    (Field::Sublist, "sublist", Form::Authority, &["分名单"]),
    (Field::Fact, "fact", Form::Fact, &["类别", "类型", "type"]),
    (Field::Date, "date", Form::FirstDay, &["日期", "生效日期", "effective date"]),
    (Field::DesignatedOn, "designated_on", Form::FirstDay, &["认定日期", "认定时间"]),
    (Field::ValidFrom, "valid_from", Form::FirstDay, &["有效期起", "有效期自", "有效期开始",
        "有效期起始", "有效期开始日期", "有效期起始日期", "发证日期", "发证时间"]),
    (Field::RevokedOn, "revoked_on", Form::FirstDay, &["撤销日期", "撤销时间", "取消日期", "取消时间"]),
    (Field::RenamedOn, "renamed_on", Form::FirstDay, &["更名日期", "更名时间"]),
    (Field::EndedOn, "ended_on", Form::FirstDay, &["注销日期", "注销时间", "吊销日期"]),
    (Field::EnteredOn, "entered_on", Form::FirstDay, &["入库日期", "入库时间"]),
    (Field::LeftOn, "left_on", Form::FirstDay, &["出库日期", "出库时间"]),
    (Field::ValidTo, "valid_to", Form::LastDay, &["有效期至", "有效期止", "有效期截止", "有效期截止日期", "有效期结束",
        "到期日期", "到期时间", "valid until"]),
    (Field::Validity, "validity", Form::Period, &["有效期", "有效期限", "有效期起止", "证书有效期"]),
    (Field::NoticeFrom, "notice_from", Form::FirstDay, &["公示开始", "公示开始日期", "公示开始时间", "公示起始日期"]),
    (Field::NoticeTo, "notice_to", Form::LastDay, &["公示截止", "公示截止日期", "公示截止时间", "公示结束日期"]),
    (Field::Document, "document", Form::Text, &["文号", "发文字号", "文件号", "文件文号",
        "document number"]),
    (Field::DesignationDocument, "designation_document", Form::Text, &["认定文号"]),
    (Field::DocumentDate, "document_date", Form::FirstDay, &["成文日期", "发文日期"]),
    (Field::PublishedDate, "published_date", Form::FirstDay, &["发布日期", "公布日期"]),
    (Field::Url, "url", Form::Text, &["网址", "链接", "link"]),
    (Field::Region, "region", Form::Region, &["行政区划代码", "行政区划", "区划代码", "registered region",
        "region code"]),
    (Field::City, "city", Form::Place, &["地市", "地级市", "市", "所在市", "城市", "所属市", "市州", "所在地市",
        "所属地市", "所在城市", "prefecture"]),
    (Field::County, "county", Form::Place, &["县区", "区县", "县", "区", "县市区", "所在区县", "所属区县", "所在县区",
        "district"]),
    (Field::Industry, "industry", Form::Id, &["行业代码", "所属行业代码", "industry code"]),
    (Field::Size, "size", Form::Words, &["企业规模", "规模", "企业划型", "划型", "size class"]),
    (Field::MainProduct, "main_product", Form::Text, &["主导产品", "主导产品名称", "主要产品", "主营产品",
        "main product"]),
    (Field::SubjectKind, "subject_kind", Form::Words, &["主体类别"]),
    (Field::RecommendedOn, "recommended_on", Form::FirstDay, &["推荐日期", "推荐时间"]),
    (Field::Round, "round", Form::Id, &["复核年度", "复核轮次", "review round"]),
    (Field::RuleVersion, "rule_version", Form::Id, &["办法版本"]),
    (Field::Row, "row", Form::Count, &["序号", "行号", "no", "no.", "#", "row number"]),
    (Field::Reason, "reason", Form::Words, &["原因", "事由", "撤销原因", "撤销事由", "未通过原因", "ground",
        "cause"]),
    (Field::BanUntil, "ban_until", Form::LastDay, &["禁止申报至", "限制申报至", "禁止申报截止日期", "禁止申报截止",
        "禁申报截止", "禁申报至", "禁申期至", "限制申报截止日期", "限制申报截止", "不得申报至", "ban until", "banned until"]),
    (Field::Supplement, "supplement", Form::YesNo, &["增补", "补充", "是否增补", "是否补充"]),
    (Field::Purpose, "purpose", Form::Words, &["公示目的", "公示事项"]),
    (Field::Scope, "scope", Form::Words, &["公示环节", "公示阶段"]),
    (Field::Outcome, "outcome", Form::Words, &["异议处理结果", "异议处理结论", "异议结论", "创建验收结果", "验收结果",
        "验收结论"]),
    (Field::Pool, "pool", Form::Id, &["培育库", "培育库名称", "培育库编号"]),
    (Field::Successor, "successor", Form::Codes, &["承继单位", "承继主体", "承继企业", "承继单位代码"]),
    (Field::ToProgramme, "to_programme", Form::Programme, &["转换后称号", "转为称号"]),
    (Field::ToItem, "to_item", Form::Text, &["转换后产品"]),
    (Field::Due, "due", Form::LastDay, &["整改期限", "整改截止", "整改截止日期"]),
    (Field::Scheme, "scheme", Form::Id, &["支持政策", "支持项目", "支持计划"]),
    (Field::FromRegion, "from_region", Form::Region, &["迁出地区划代码", "迁出地"]),
    (Field::ToRegion, "to_region", Form::Region, &["迁入地区划代码", "迁入地"]),
    (Field::FromAuthority, "from_authority", Form::Authority, &["迁出地主管部门", "迁出省份"]),
    (Field::ToAuthority, "to_authority", Form::Authority, &["迁入地主管部门", "迁入省份"]),
    (Field::Stage, "stage", Form::Words, &["迁移阶段", "迁移状态"]),
    (Field::Restructuring, "restructuring", Form::Words, &["重组方式"]),
    (Field::Ends, "ends", Form::YesNo, &["是否终止"]),
    (Field::NewDesignee, "new_designee", Form::Code, &["新统一社会信用代码", "现统一社会信用代码", "变更后统一社会信用代码",
        "新代码"]),
    (Field::Year, "year", Form::Year, &["年度", "更新年度", "信息更新年度", "评估年度"]),
    (Field::Change, "change", Form::Words, &["变更事项", "重大变更事项"]),
    (Field::OccurredOn, "occurred_on", Form::FirstDay, &["发生日期", "变更发生日期"]),
    (Field::ReportedOn, "reported_on", Form::FirstDay, &["报告日期", "上报日期"]),
    (Field::Title, "title", Form::Text, &["文件名称", "文件标题"]),
    (Field::Instrument, "instrument", Form::Words, &["文件类型", "文件种类"]),
    (Field::IssuerName, "issuer_name", Form::Text, &["制定机关"]),
    (Field::InForceFrom, "in_force_from", Form::FirstDay, &["施行日期", "实施日期"]),
    (Field::InForceTo, "in_force_to", Form::LastDay, &["失效日期"]),
    (Field::IssuingBodies, "issuing_bodies", Form::Ids, &["联合发文单位代码", "联合发文单位"]),
    (Field::Amends, "amends", Form::Text, &["被修订文号", "修订文号"]),
    (Field::Repealed, "repealed", Form::Text, &["被废止文号", "废止文号"]),
    (Field::DesignatedCount, "designated_count", Form::Count, &["认定数量", "认定家数"]),
    (Field::ReviewedCount, "reviewed_count", Form::Count, &["复核通过数量", "复核通过家数"]),
    (Field::Assessor, "assessor", Form::Text, &["评估机构", "测评机构"]),
    (Field::Indicators, "indicators", Form::Indicators, &["评估指标", "指标"]),
    (Field::Part, "part", Form::Words, &["登记部分"]),
];

/// The columns that can hold the first day on which a fact holds.
const DAYS: FieldSet = FieldSet::of(&[
    Field::Date,
    Field::DesignatedOn,
    Field::ValidFrom,
    Field::RevokedOn,
    Field::RenamedOn,
    Field::EndedOn,
    Field::EnteredOn,
    Field::LeftOn,
    Field::Validity,
]);

/// Columns for a designee, and those that facts about nobody have and no other list.
const IDENTIFYING: FieldSet = FieldSet::of(&[
    Field::Designee,
    Field::Name,
    Field::OldName,
    Field::NewName,
    Field::Title,
    Field::Repealed,
    Field::Assessor,
    Field::Part,
]);

impl Field {
    fn entry(self) -> Option<&'static Entry> {
        FIELDS.get(self as usize)
    }

    /// Its name in `--column`, in English headers and in messages.
    pub(super) fn name(self) -> &'static str {
        self.entry().map_or("", |(_, name, ..)| name)
    }

    /// The form of its values.
    pub(super) fn form(self) -> Form {
        self.entry().map_or(Form::Text, |(_, _, form, _)| *form)
    }

    /// True if the event keeps the text of the cell.
    pub(super) fn is_text(self) -> bool {
        self.form() == Form::Text
    }

    /// Its known headers, beside its name.
    pub(super) fn headers(self) -> &'static [&'static str] {
        self.entry().map_or(&[], |(.., headers)| headers)
    }

    /// Its name in a sentence.
    pub(super) fn label(self) -> String {
        if Lang::current() == Lang::Zh {
            return self.headers().first().map_or(self.name(), |header| *header).to_owned();
        }
        match self {
            Self::Round => "review round".to_owned(),
            field => field.name().replace('_', " "),
        }
    }

    /// Whether it can be the first day on which a fact holds.
    pub(super) fn is_day_of_fact(self) -> bool {
        DAYS.has(self)
    }

    /// The field of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        FIELDS.iter().find(|(_, known, ..)| *known == name).map(|(field, ..)| *field)
    }

    /// Names of all fields, for a message.
    pub(super) fn names() -> String {
        FIELDS.iter().map(|(_, name, ..)| *name).collect::<Vec<_>>().join(", ")
    }

    /// Whether the column identifies what a row is about. A header row has at least one such
    /// column.
    pub(super) fn identifies(self) -> bool {
        IDENTIFYING.has(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::import::columns::fold;

    #[test]
    fn the_list_has_the_order_of_the_fields_and_no_header_twice() {
        let mut headers = HashMap::new();
        for (place, (field, name, _, others)) in FIELDS.iter().enumerate() {
            assert_eq!(*field as usize, place, "{name}");
            assert_eq!(Field::named(name), Some(*field));
            for header in others.iter().chain([name]) {
                assert_eq!(*headers.entry(fold(header)).or_insert(*field), *field, "{header}");
            }
        }
    }

    #[test]
    fn a_set_has_what_was_put_into_it() {
        let set = FieldSet::of(&[Field::Designee, Field::Part]).and(FieldSet::of(&[Field::Row]));
        assert_eq!(set.iter().collect::<Vec<_>>(), [Field::Designee, Field::Row, Field::Part]);
        assert!(set.has(Field::Part) && !set.has(Field::Name));
        assert!(FieldSet::default().is_empty() && !set.is_empty());
    }
}
