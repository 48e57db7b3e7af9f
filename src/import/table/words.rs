//! Words by which headings, remarks and names in lists are told apart.

/// Ends of names of enterprises and institutions.
#[rustfmt::skip]
pub(super) const COMPANY_ENDS: &[&str] = &[
    "公司", "集团", "工厂", "中心", "合作社", "联社", "银行", "合伙企业", "独资企业", "事务所",
    "工作室", "研究院", "研究所", "学院", "医院", "大学", "学校", "农场", "协会", "学会", "商会",
    "基金会", "联合会", "经营部", "门市部", "商行", "商店", "餐厅",
];

/// Words of names of enterprises in Latin script, without marks.
#[rustfmt::skip]
pub(super) const COMPANY_WORDS: &[&str] = &[
    "ltd", "limited", "inc", "incorporated", "co", "corp", "corporation", "company", "gmbh",
    "llc", "plc", "ag", "kg", "sa", "bv", "group", "institute", "university", "factory", "bank",
];

/// Kinds of companies and offices: headings, though they end like names.
#[rustfmt::skip]
pub(super) const KINDS_OF_COMPANIES: &[&str] = &[
    "上市公司", "拟上市公司", "非上市公司", "国有公司", "民营公司", "子公司", "分公司", "母公司",
    "总公司", "集团公司", "科研院所", "转制院所", "事业部", "省直部门", "中央部门", "企业集团",
];

/// Beginnings of remarks and headings.
#[rustfmt::skip]
pub(super) const REMARK_BEGINS: &[&str] = &[
    "以上", "以下", "上述", "下列", "本表", "此表", "本名单", "注", "备注", "说明", "附注", "续表",
    "(续", "续上", "接上", "(接上", "承上页", "(承上", "转下页", "(转下", "接下页", "(接下",
    "单位:", "填报", "制表", "审核", "联系", "排名", "排序", "按", "其中",
    "另有", "共计", "合计", "总计", "小计", "(以下", "(此页", "此页", "(空", "(盖章", "盖章",
];

/// Ends of headings.
#[rustfmt::skip]
pub(super) const HEADING_ENDS: &[&str] = &[
    "单位", "企业", "项目", "行业", "领域", "产业链", "集群", "类", "类型", "类别", "批", "批次",
    "组", "部分", "片区", "地区", "制造业", "服务业", "建筑业", "信息技术业", "不分先后", "如下",
    "合计", "小计", "总计", "共计", "局", "厅", "政府", "续)", "管理部门", "主管部门", "新兴产业",
    "主导产业", "支柱产业", "优势产业", "重点产业", "未来产业", "传统产业", "示范平台",
    "示范基地",
];

/// Words that only titles and remarks hold.
#[rustfmt::skip]
pub(super) const LIST_WORDS: &[&str] = &[
    "名单", "清单", "汇总", "统计", "分类", "名录", "一览", "目录", "公告", "通知", "附件", "附表",
    "如下", "培育库", "不分先后", "排名", "截至", "情况表", "明细",
];

/// Beginnings of English headings.
#[rustfmt::skip]
pub(super) const ENGLISH_BEGINS: &[&str] = &[
    "total", "subtotal", "sub-total", "grand total", "note", "notes", "remark", "source", "part ",
    "section ", "annex", "appendix", "attachment", "list of", "page ", "batch ", "table ",
];

/// Ends of English headings.
#[rustfmt::skip]
pub(super) const ENGLISH_ENDS: &[&str] = &[
    " province", " city", " county", " district", " prefecture", " region", " municipality",
    " list", " enterprises", " companies", " sector", " industry", " industries", " continued",
    "(continued)", " only",
];

/// Ends of names of places.
#[rustfmt::skip]
pub(super) const PLACE_ENDS: &[&str] = &[
    "省", "市", "县", "区", "旗", "州", "盟", "地区", "自治区", "自治州", "自治县", "镇", "乡",
];

/// Headers of columns that say nothing of an enterprise.
#[rustfmt::skip]
pub(super) const HEADER_WORDS: &[&str] = &[
    "省份", "省市", "城市", "地市", "地级市", "区县", "县区", "县市", "地区", "区域", "辖区",
    "行业", "领域", "类别", "类型", "分类", "指标", "项目", "年份", "年度", "批次", "数量", "数目",
    "家数", "占比", "比例", "比重", "增速", "增长率", "金额", "合计", "总计", "小计", "名次",
    "排名", "得分", "单位", "内容", "说明", "备注", "主要领域", "重点领域", "产业", "部门", "市州",
    "市", "县", "区", "province", "city", "region", "county", "number", "count", "quantity",
    "share", "sector", "industry", "year", "total", "remarks", "notes", "amount", "percentage",
];

/// Ends of headers of columns of numbers.
#[rustfmt::skip]
pub(super) const HEADER_ENDS: &[&str] = &[
    "数", "数量", "总数", "家数", "占比", "比例", "增速", "金额", "总额", "户数",
];

/// Words before a note, with a colon behind them.
#[rustfmt::skip]
pub(super) const NOTES: &[&str] = &[
    "注", "备注", "说明", "附注", "填表人", "填报人", "制表人", "审核人", "联系人", "联系电话",
    "填报单位", "资料来源", "来源", "合计", "总计", "小计", "共计", "note", "notes", "source",
];

/// Words that are a note by themselves.
#[rustfmt::skip]
pub(super) const NOTES_ALONE: &[&str] = &[
    "备注", "total", "subtotal",
];

/// Ends of totals: `广州市合计`.
#[rustfmt::skip]
pub(super) const TOTALS: &[&str] = &[
    "合计", "总计", "小计", "共计",
];
