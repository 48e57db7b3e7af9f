//! The words of columns that hold one of a few values, as lists write them.

use super::{columns::fold, error::echo_on_one_line, fact_kinds::FactKind, fields::Field};
use crate::lang::{Both, both, comma};
use crate::protocol::pb::{
    DesigneeKind, IdentifierChangeReason, Instrument, MajorChange, NoticePurpose, NoticeScope,
    ObjectionOutcome, RegisterPart, RelocationStage, RestructuringKind, SubjectEndCause,
};

/// Each value with its words, folded as headers are: English, then Chinese, the plainest first.
type Words<T> = &'static [(T, &'static [&'static str])];

pub(super) const PURPOSES: Words<NoticePurpose> = &[
    (NoticePurpose::New, &["new", "新认定", "认定", "新申报"]),
    (NoticePurpose::Review, &["review", "复核"]),
];
pub(super) const SCOPES: Words<NoticeScope> = &[
    (NoticeScope::Decision, &["decision", "认定", "认定公示"]),
    (NoticeScope::Recommendation, &["recommendation", "推荐", "推荐公示"]),
];
pub(super) const OBJECTION_OUTCOMES: Words<ObjectionOutcome> = &[
    (ObjectionOutcome::Upheld, &["upheld", "成立", "异议成立", "属实"]),
    (ObjectionOutcome::Dismissed, &["dismissed", "不成立", "异议不成立", "不属实"]),
];
pub(super) const TASK_OUTCOMES: Words<bool> = &[
    (true, &["passed", "通过", "合格", "验收通过", "验收合格"]),
    (false, &["failed", "未通过", "不通过", "不合格", "验收未通过", "验收不通过", "验收不合格"]),
];
pub(super) const STAGES: Words<RelocationStage> = &[
    (RelocationStage::Proposed, &["proposed", "提出", "申请", "拟迁移"]),
    (RelocationStage::Confirmed, &["confirmed", "确认", "已确认", "同意"]),
];
pub(super) const RESTRUCTURINGS: Words<RestructuringKind> = &[
    (RestructuringKind::Merger, &["merger", "新设合并"]),
    (RestructuringKind::Absorption, &["absorption", "吸收合并"]),
    (RestructuringKind::Division, &["division", "分立", "拆分"]),
    (RestructuringKind::Reorganisation, &["reorganisation", "改制", "股份制改造"]),
];
pub(super) const IDENTIFIER_REASONS: Words<IdentifierChangeReason> = &[
    (IdentifierChangeReason::Identified, &["identified", "取得代码", "核发代码", "补充代码"]),
    (IdentifierChangeReason::Reregistered, &["reregistered", "代码变更", "变更代码", "换发代码"]),
    (IdentifierChangeReason::Duplicate, &["duplicate", "重复代码", "重复", "一企多码"]),
];
pub(super) const END_CAUSES: Words<SubjectEndCause> = &[
    (SubjectEndCause::Deregistered, &["deregistered", "注销", "已注销", "企业注销", "企业已注销"]),
    (
        SubjectEndCause::LicenceRevoked,
        &["licencerevoked", "吊销", "被吊销", "已吊销", "吊销营业执照"],
    ),
    (SubjectEndCause::Absorbed, &["absorbed", "被吸收合并", "吸收合并", "被合并"]),
];
pub(super) const CHANGES: Words<MajorChange> = &[
    (MajorChange::Rename, &["rename", "更名", "名称变更"]),
    (MajorChange::Restructuring, &["restructuring", "重组", "合并重组", "合并"]),
    (MajorChange::Relocation, &["relocation", "跨省迁移", "迁移"]),
    (MajorChange::OverseasBranch, &["overseasbranch", "设立境外分支机构", "境外分支机构"]),
    (MajorChange::Other, &["other", "其他", "其它"]),
];
pub(super) const INSTRUMENTS: Words<Instrument> = &[
    (Instrument::Law, &["law", "法律"]),
    (Instrument::Regulation, &["regulation", "条例", "行政法规"]),
    (Instrument::Guideline, &["guideline", "指导意见", "意见"]),
    (Instrument::Measures, &["measures", "管理办法", "办法"]),
];
pub(super) const PARTS: Words<RegisterPart> = &[
    (RegisterPart::Titles, &["titles", "称号"]),
    (RegisterPart::Measures, &["measures", "文件", "办法"]),
    (RegisterPart::Notices, &["notices", "公示"]),
    (RegisterPart::InformationUpdates, &["informationupdates", "信息更新"]),
];
pub(super) const SUBJECT_KINDS: Words<DesigneeKind> = &[
    (DesigneeKind::Enterprise, &["enterprise", "企业"]),
    (DesigneeKind::Institution, &["institution", "事业单位", "社会组织", "机构"]),
    (DesigneeKind::Park, &["park", "园区", "孵化器"]),
    (DesigneeKind::Zone, &["zone", "开发区"]),
];

/// The value that a text means.
pub(super) fn choose<T: Copy + 'static>(words: Words<T>, text: &str) -> Result<T, Both> {
    let folded = fold(text);
    let known = words.iter().find(|(_, names)| names.contains(&folded.as_str()));
    known.map(|(value, _)| *value).ok_or_else(|| {
        both!(
            en: "{0} is none of {1}",
            zh: "“{0}”不在可填的内容之中；可填 {1}",
            echo_on_one_line(text),
            plainest(words).join(comma())
        )
    })
}

/// The plainest Chinese word of each value.
fn plainest<T: 'static>(words: Words<T>) -> Vec<&'static str> {
    words.iter().filter_map(|(_, names)| names.get(1).or(names.first())).copied().collect()
}

/// The words of a field that a template shows.
pub(super) fn shown(kind: FactKind, field: Field) -> Vec<&'static str> {
    match (field, kind) {
        (Field::Purpose, _) => plainest(PURPOSES),
        (Field::Scope, _) => plainest(SCOPES),
        (Field::Outcome, FactKind::CreationAssessed) => plainest(TASK_OUTCOMES),
        (Field::Outcome, _) => plainest(OBJECTION_OUTCOMES),
        (Field::Stage, _) => plainest(STAGES),
        (Field::Restructuring, _) => plainest(RESTRUCTURINGS),
        (Field::Reason, FactKind::IdentifierChanged) => plainest(IDENTIFIER_REASONS),
        (Field::Reason, FactKind::SubjectEnded) => plainest(END_CAUSES),
        (Field::Reason, FactKind::ReviewFailed) => vec!["未达到标准", "未提交复核"],
        (Field::Reason, FactKind::Revoked | FactKind::RevocationProposed) => vec![
            "不再符合标准",
            "安全事故",
            "质量事故",
            "环境污染",
            "严重失信",
            "偷税漏税",
            "数据造假",
            "未更新信息",
            "未提交复核",
            "其他",
        ],
        (Field::Change, _) => plainest(CHANGES),
        (Field::Instrument, _) => plainest(INSTRUMENTS),
        (Field::Part, _) => plainest(PARTS),
        (Field::SubjectKind, _) => plainest(SUBJECT_KINDS),
        (Field::Size, _) => vec!["微型", "小型", "中型", "大型"],
        _ => Vec::new(),
    }
}
