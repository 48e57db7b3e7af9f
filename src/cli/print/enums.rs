//! The values of the protocol's enums in words: `not-designated` for programs and in English, 未认定
//! in Chinese.
//!
//! English has the words that a person types. A value of the protocol without a Chinese word does
//! not compile.

use super::cells::{Cell, Tone};
use crate::{
    lang::{Lang, comma},
    protocol::pb::{self, EventKind},
};

/// An enum of the protocol whose values have words.
pub(crate) trait Worded: Copy + TryFrom<i32> + Into<i32> {
    /// The beginning of the names in the protocol: `TITLE_STATUS_`.
    const PREFIX: &'static str;

    /// The name in the protocol: `TITLE_STATUS_NOT_DESIGNATED`.
    fn name(self) -> &'static str;

    /// The word in Chinese.
    fn chinese(self) -> &'static str;

    /// The word that is typed, and that programs read: `not-designated`.
    fn machine(self) -> String {
        word(self.name(), Self::PREFIX)
    }

    /// The word in the language of the process; empty for a value that is not stated.
    fn human(self) -> String {
        match self.machine() {
            unstated if unstated == "unspecified" => String::new(),
            machine => Lang::current().of(machine.as_str(), self.chinese()).to_owned(),
        }
    }

    /// The cell of the value; empty for one that is not stated.
    fn cell(self) -> Cell {
        match self.machine() {
            unstated if unstated == "unspecified" => Cell::default(),
            machine => Cell::of(machine, self.human()),
        }
    }

    /// All values that can be stated.
    fn all() -> impl Iterator<Item = Self> {
        // The numbers of the protocol's enums are small.
        (1..NUMBERS_END).filter_map(|number| Self::try_from(number).ok())
    }
}

/// Above every number of an enum with words.
const NUMBERS_END: i32 = 256;

/// The name of an enum value in lower case, without its prefix and with hyphens: `review-pending`.
pub(crate) fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_ascii_lowercase().replace('_', "-")
}

/// Words of several values, with a comma between.
pub(crate) fn human_list<E: Worded>(values: impl IntoIterator<Item = E>) -> String {
    let words: Vec<_> = values.into_iter().map(Worded::human).collect();
    words.join(comma())
}

/// Gives enums their Chinese words. The match in it is exhaustive, and too long for one function.
macro_rules! words {
    ($($enum:ident, $prefix:literal { $($value:ident $word:literal)* })*) => {
        $(impl Worded for pb::$enum {
            const PREFIX: &'static str = $prefix;

            fn name(self) -> &'static str {
                self.as_str_name()
            }

            fn chinese(self) -> &'static str {
                match self {
                    Self::Unspecified => "未说明",
                    $(Self::$value => $word,)*
                }
            }
        })*
    };
}

words! {
    TitleStatus, "TITLE_STATUS_" {
        Pending "尚未生效" Noticed "公示中" NotDesignated "未认定" Active "有效" Expired "已到期"
        Revoked "已撤销" Surrendered "已放弃" Ended "已终止" Converted "已转换"
        NotOnRecord "无认定记录"
    }
    TitleFlag, "TITLE_FLAG_" {
        NoticeContested "公示有异议" ReviewDue "待复核" ReviewPending "到期待复核"
        ReviewIneligible "不符合复核条件" ReportOverdue "重大变更报告逾期"
        Rectification "责令整改中" PrerequisiteLost "前置称号失效" IdentityUnverified "身份未核实"
        IdentityCollision "身份重复" RevocationProposed "已提请撤销"
        RelocationProposed "拟迁移" CreationOpen "创建中"
        DesignationNotOnRecord "缺认定记录" BanMissing "缺禁止申报期" LicenceRevoked "已吊销执照"
    }
    EndCause, "END_CAUSE_" {
        Lapsed "有效期届满" ReviewNotUpToStandard "复核未达标" ReviewNotSubmitted "未提交复核"
        Revoked "撤销" Surrendered "主动放弃" SubjectDeregistered "主体注销"
        SubjectAbsorbed "被吸收合并" SubjectRestructured "主体重组" Transferred "称号承继"
        Converted "称号转换" NoticeWithdrawn "撤回公示" ObjectionUpheld "异议成立"
        NotOnFinalList "未列入最终名单" CreationFailed "创建未通过" ReviewFailed "复核未通过"
    }
    RevocationGround, "REVOCATION_GROUND_" {
        BelowStandard "不再符合标准" SafetyAccident "安全事故" QualityAccident "质量事故"
        PollutionAccident "环境污染" Dishonesty "严重失信" TaxEvasion "偷税漏税"
        Falsification "数据造假" DutyNotMet "未履行报告义务" ReviewNotSubmitted "未提交复核"
        Other "其他"
    }
    EventKind, "EVENT_KIND_" {
        CatalogueAdopted "采用目录" CompletenessDeclared "声明完整" MeasuresIssued "发布管理办法"
        MeasuresRepealed "废止管理办法" RulesAdopted "采用规则版本" FormatRaised "升级记录格式"
        AuditAnchored "审计锚定" AuthorityKeyRegistered "登记机构公钥"
        AuthorityKeyRevoked "吊销机构公钥" EventWithheld "不予展示" PoolEntered "入库"
        PoolLeft "出库" NoticeOpened "公示" ObjectionRaised "提出异议"
        ObjectionResolved "异议处理" NoticeWithdrawn "撤回公示" Designated "认定"
        ReviewOpened "启动复核" ReviewPassed "复核通过" ReviewFailed "复核未通过"
        RevocationProposed "提请撤销" Revoked "撤销" Surrendered "放弃称号" Reinstated "恢复称号"
        TitleTransferred "称号承继" TitleConverted "称号转换" CreationListed "列入创建"
        CreationAssessed "创建验收" RectificationOrdered "责令整改" SupportGranted "资金支持"
        Renamed "更名" Relocated "迁移" Restructured "重组" IdentifierChanged "代码变更"
        SubjectEnded "主体终止" InformationUpdated "信息更新" MajorChangeReported "重大变更报告"
        Corrected "更正" Annulled "作废" BatchOpened "开启批次" BatchSealed "封存批次"
        EnvironmentAssessed "环境评估"
    }
    DesigneeKind, "DESIGNEE_KIND_" {
        Enterprise "企业" Institution "机构" Park "园区" Zone "开发区"
    }
    SizeClass, "SIZE_CLASS_" { Micro "微型" Small "小型" Medium "中型" Large "大型" }
    RegisterPart, "REGISTER_PART_" {
        Titles "称号" Measures "管理办法" Notices "公示" InformationUpdates "信息更新"
    }
    Instrument, "INSTRUMENT_" {
        Law "法律" Regulation "条例" Guideline "指导意见" Measures "管理办法"
    }
    NoticePurpose, "NOTICE_PURPOSE_" { New "新认定" Review "复核" }
    NoticeScope, "NOTICE_SCOPE_" { Decision "认定" Recommendation "推荐" }
    ObjectionOutcome, "OBJECTION_OUTCOME_" { Upheld "成立" Dismissed "不成立" }
    ReviewFailureCause, "REVIEW_FAILURE_CAUSE_" {
        NotUpToStandard "未达到标准" NotSubmitted "未提交复核"
    }
    RelocationStage, "RELOCATION_STAGE_" { Proposed "提出" Confirmed "确认" }
    RestructuringKind, "RESTRUCTURING_KIND_" {
        Merger "新设合并" Absorption "吸收合并" Division "分立" Reorganisation "改制"
    }
    IdentifierChangeReason, "IDENTIFIER_CHANGE_REASON_" {
        Identified "取得代码" Reregistered "代码变更" Duplicate "重复代码"
    }
    SubjectEndCause, "SUBJECT_END_CAUSE_" {
        Deregistered "注销" LicenceRevoked "吊销" Absorbed "被吸收合并"
    }
    MajorChange, "MAJOR_CHANGE_" {
        Rename "更名" Restructuring "重组" Relocation "跨省迁移" OverseasBranch "境外分支机构"
        Other "其他"
    }
    EventOrder, "EVENT_ORDER_" { Ascending "升序" Descending "降序" }
    ChangeReason, "CHANGE_REASON_" { Fact "事件" Expiry "有效期届满" Rules "规则变更" }
    ComparisonPart, "COMPARISON_PART_" {
        Both "两者皆有" OnlyFirst "仅第一组" OnlySecond "仅第二组"
    }
    CountUnit, "COUNT_UNIT_" { Titles "称号" Designees "认定对象" }
    CountStage, "COUNT_STAGE_" {
        Recommended "已推荐" Noticed "已公示" EverDesignated "曾认定" Reviewed "曾复核通过"
        Active "有效" Any "全部"
    }
    CountGroup, "COUNT_GROUP_" {
        Programme "认定项目" Authority "认定机构" ResponsibleAuthority "主管机构"
        RecommendedBy "推荐机构" Region "地区" Status "状态" Cohort "认定批次" Round "复核年度"
        Industry "行业" ValidToMonth "到期月份" ValidToYear "到期年度" EndCause "终止原因"
        Item "产品"
    }
    BatchState, "BATCH_STATE_" {
        Missing "缺失" Open "未封存" Sealed "已封存" SealedEmpty "已封存（空）"
    }
    StepEffect, "STEP_EFFECT_" { Applied "已生效" Superseded "不起作用" Later "以后生效" }
    Role, "ROLE_" {
        Recorder "记录员" Signer "批准人" Reader "查阅员" Auditor "审计员" Operator "运维员"
        Delegate "授权管理员" Node "节点" Gateway "网关"
    }
    CredentialKind, "CREDENTIAL_KIND_" {
        Certificate "证书" Token "令牌" Jwt "JWT" HandedOn "转交"
    }
    RightAction, "RIGHT_ACTION_" { Record "记录" Approve "批准" Read "查阅" }
    Unseen, "UNSEEN_" { Withheld "不予展示" Hidden "隐藏" }
}

/// The cell of a title's status, in the colour of its kind.
pub(crate) fn status_cell(status: pb::TitleStatus) -> Cell {
    use pb::TitleStatus as Status;
    let tone = match status {
        Status::Active => Tone::Good,
        Status::Pending | Status::Noticed => Tone::Warning,
        Status::Revoked => Tone::Bad,
        Status::NotDesignated
        | Status::Expired
        | Status::Surrendered
        | Status::Ended
        | Status::Converted
        | Status::NotOnRecord => Tone::Faint,
        Status::Unspecified => Tone::Plain,
    };
    status.cell().tone(tone)
}

/// The cell of a batch's state, in the colour of its kind.
pub(crate) fn batch_state_cell(state: pb::BatchState) -> Cell {
    use pb::BatchState as State;
    let tone = match state {
        State::Sealed => Tone::Good,
        State::Missing => Tone::Bad,
        State::Open => Tone::Warning,
        State::SealedEmpty | State::Unspecified => Tone::Plain,
    };
    state.cell().tone(tone)
}

/// The cell of a kind of event: `review-passed` and 复核通过.
pub(crate) fn kind_cell(kind: EventKind) -> Cell {
    kind.cell()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn words_of<E: Worded>() {
        let mut seen = HashSet::new();
        let mut count = 0;
        for value in E::all() {
            count += 1;
            let (machine, chinese) = (value.machine(), value.chinese());
            assert!(value.name().starts_with(E::PREFIX), "{}", value.name());
            assert!(seen.insert(chinese), "{machine} has the word of another value: {chinese}");
            let is_chinese = chinese.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
            assert!(is_chinese || chinese == "JWT", "{machine}: {chinese}");
        }
        assert!(count > 1, "{}", E::PREFIX);
    }

    #[test]
    fn each_value_of_an_enum_has_a_word_of_its_own() {
        words_of::<pb::TitleStatus>();
        words_of::<pb::TitleFlag>();
        words_of::<pb::EndCause>();
        words_of::<pb::RevocationGround>();
        words_of::<pb::EventKind>();
        words_of::<pb::DesigneeKind>();
        words_of::<pb::SizeClass>();
        words_of::<pb::RegisterPart>();
        words_of::<pb::Instrument>();
        words_of::<pb::NoticePurpose>();
        words_of::<pb::NoticeScope>();
        words_of::<pb::ObjectionOutcome>();
        words_of::<pb::ReviewFailureCause>();
        words_of::<pb::RelocationStage>();
        words_of::<pb::RestructuringKind>();
        words_of::<pb::IdentifierChangeReason>();
        words_of::<pb::SubjectEndCause>();
        words_of::<pb::MajorChange>();
        words_of::<pb::EventOrder>();
        words_of::<pb::ChangeReason>();
        words_of::<pb::ComparisonPart>();
        words_of::<pb::CountUnit>();
        words_of::<pb::CountStage>();
        words_of::<pb::CountGroup>();
        words_of::<pb::BatchState>();
        words_of::<pb::StepEffect>();
        words_of::<pb::Role>();
        words_of::<pb::CredentialKind>();
        words_of::<pb::RightAction>();
        words_of::<pb::Unseen>();
    }

    #[test]
    fn a_value_that_is_not_stated_has_an_empty_cell() {
        assert_eq!(pb::TitleStatus::Unspecified.cell(), Cell::default());
        assert_eq!(pb::TitleStatus::NotDesignated.cell().machine(), "not-designated");
    }
}
