//! The fields of a row, and the headers that lists use for them. A header that is not here is never
//! guessed.

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
    ValidTo,
    Validity,
    NoticeFrom,
    NoticeTo,
    Document,
    DocumentDate,
    PublishedDate,
    Url,
    Region,
    Industry,
    Size,
    Round,
    RuleVersion,
    Row,
    Reason,
    BanUntil,
    Supplement,
}

impl Field {
    /// True if the event keeps the text of the cell.
    pub(super) fn is_text(self) -> bool {
        let names = [Self::Name, Self::NameEn, Self::OldName, Self::NewName, Self::Item];
        names.contains(&self) || matches!(self, Self::Document | Self::Url)
    }
}

/// Field, its name in `--column` and in English headers, its other headers.
pub(super) type Entry = (Field, &'static str, &'static [&'static str]);

/// Any other header needs `--column`. A header that fits two fields is left out.
#[rustfmt::skip]
pub(super) const FIELDS: &[Entry] = &[
    (Field::Designee, "designee", &["统一社会信用代码", "社会信用代码", "信用代码",
        "统一信用代码", "uscc", "unified social credit code", "social credit code", "credit code"]),
    (Field::Name, "name", &["企业名称", "单位名称", "名称", "企业全称", "申报单位", "公司名称", "企业",
        "申报企业", "申报单位名称", "申报企业名称", "enterprise", "enterprise name", "company",
        "company name"]),
    (Field::NameEn, "name_en", &["英文名称", "企业英文名称", "english name"]),
    (Field::OldName, "old_name", &["原名称", "原企业名称", "更名前", "更名前名称", "更名前企业名称",
        "变更前", "变更前名称", "变更前企业名称"]),
    (Field::NewName, "new_name", &["新名称", "新企业名称", "现名称", "更名后", "更名后名称",
        "更名后企业名称", "变更后", "变更后名称", "变更后企业名称"]),
    (Field::Province, "province", &["省份", "省", "省市", "省区市", "地区", "所在地", "所在地区",
        "所属地区", "所属省份", "所在省份", "所在省", "属地", "region name"]),
    (Field::RecommendedBy, "recommended_by", &["推荐单位", "推荐地区", "推荐部门", "推荐省份"]),
    (Field::Authority, "authority", &["认定机关", "认定部门", "认定机构", "发布机关"]),
    (Field::Programme, "programme", &["称号", "荣誉称号", "认定称号", "program"]),
    (Field::Item, "item", &["单项冠军产品"]),
    (Field::Batch, "batch", &["批次", "认定批次", "公示批次"]),
    (Field::Sublist, "sublist", &["分名单"]),
    (Field::Fact, "fact", &["类别", "类型", "type"]),
    (Field::Date, "date", &["日期", "生效日期", "认定日期", "认定时间", "有效期起", "有效期自",
        "有效期开始", "有效期起始", "有效期开始日期", "有效期起始日期", "发证日期", "发证时间",
        "撤销日期", "更名日期", "effective date"]),
    (Field::ValidTo, "valid_to", &["有效期至", "有效期止", "有效期截止", "有效期截止日期",
        "有效期结束", "到期日期", "到期时间", "valid until"]),
    (Field::Validity, "validity", &["有效期", "有效期限", "有效期起止", "证书有效期"]),
    (Field::NoticeFrom, "notice_from", &["公示开始", "公示开始日期", "公示开始时间", "公示起始日期"]),
    (Field::NoticeTo, "notice_to", &["公示截止", "公示截止日期", "公示截止时间", "公示结束日期"]),
    (Field::Document, "document", &["文号", "发文字号", "文件号", "文件文号", "认定文号",
        "document number"]),
    (Field::DocumentDate, "document_date", &["成文日期", "发文日期"]),
    (Field::PublishedDate, "published_date", &["发布日期", "公布日期"]),
    (Field::Url, "url", &["网址", "链接", "link"]),
    (Field::Region, "region", &["行政区划代码", "行政区划", "区划代码", "registered region",
        "region code"]),
    (Field::Industry, "industry", &["行业代码", "所属行业代码", "industry code"]),
    (Field::Size, "size", &["企业规模", "规模", "企业划型", "划型", "size class"]),
    (Field::Round, "round", &["复核年度", "复核轮次", "review round"]),
    (Field::RuleVersion, "rule_version", &["办法版本"]),
    (Field::Row, "row", &["序号", "行号", "no", "no.", "#", "row number"]),
    (Field::Reason, "reason", &["原因", "事由", "撤销原因", "撤销事由", "未通过原因", "ground", "cause"]),
    (Field::BanUntil, "ban_until", &["禁止申报至", "限制申报至", "禁止申报截止日期",
        "禁止申报截止", "禁申报截止", "禁申报至", "禁申期至", "限制申报截止日期", "限制申报截止",
        "不得申报至", "ban until", "banned until"]),
    (Field::Supplement, "supplement", &["增补", "补充", "是否增补", "是否补充"]),
];

impl Field {
    fn entry(self) -> Option<&'static Entry> {
        FIELDS.iter().find(|(field, ..)| *field == self)
    }

    /// Its name in `--column`, in English headers and in messages.
    pub(super) fn name(self) -> &'static str {
        self.entry().map_or("", |(_, name, _)| name)
    }

    /// Its known headers, beside its name.
    pub(super) fn headers(self) -> &'static [&'static str] {
        self.entry().map_or(&[], |(.., headers)| headers)
    }

    /// The field of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        FIELDS.iter().find(|(_, known, _)| *known == name).map(|(field, ..)| *field)
    }

    /// Names of all fields, for a message.
    pub(super) fn names() -> String {
        FIELDS.iter().map(|(_, name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// Whether the column identifies a row's designee. A header row has at least one such column.
    pub(super) fn identifies(self) -> bool {
        matches!(self, Self::Designee | Self::Name | Self::OldName | Self::NewName)
    }
}
