//! Why a review was failed or a title revoked.

use super::words::{look_up, word};
use crate::{
    import::error::echo_on_one_line,
    lang::{Both, both},
    protocol::pb::{ReviewFailureCause, RevocationGround},
};

/// One text can be both the cause of a failed review and the ground of a revocation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::import) struct ReasonText {
    pub(in crate::import) ground: RevocationGround,
    pub(in crate::import) cause: Option<ReviewFailureCause>,
}

#[rustfmt::skip]
const REASONS: &[(RevocationGround, &[&str])] = &[
    (RevocationGround::BelowStandard, &["belowstandard", "notuptostandard", "不再符合标准",
        "未达到标准", "不符合标准", "不达标", "未达标", "达不到标准", "不符合认定标准", "不再符合认定标准",
        "未达到认定标准", "达不到认定标准", "不符合条件", "不再符合条件", "不符合认定条件",
        "不再符合认定条件", "不满足认定条件", "不再满足认定条件", "不再具备认定条件", "未达到认定条件",
        "未达到复核标准", "不符合复核标准", "不符合复核条件"]),
    (RevocationGround::SafetyAccident, &["safetyaccident", "安全事故", "重大安全事故", "发生安全事故",
        "发生重大安全事故", "安全生产事故", "发生安全生产事故"]),
    (RevocationGround::QualityAccident, &["qualityaccident", "质量事故", "重大质量事故", "发生质量事故",
        "发生重大质量事故"]),
    (RevocationGround::PollutionAccident, &["pollutionaccident", "环境污染", "环境污染事故",
        "重大环境污染事故", "发生环境污染事故", "发生重大环境污染事故"]),
    (RevocationGround::Dishonesty, &["dishonesty", "严重失信", "失信", "严重违法失信", "存在严重失信行为",
        "列入严重失信名单", "被列入严重失信名单", "列入严重违法失信名单", "被列入严重违法失信名单"]),
    (RevocationGround::TaxEvasion, &["taxevasion", "偷税漏税", "偷漏税", "偷税", "漏税", "偷逃税",
        "存在偷税漏税行为"]),
    (RevocationGround::Falsification, &["falsification", "数据造假", "弄虚作假", "虚假申报",
        "提供虚假材料", "提供虚假信息", "申报材料造假", "申报材料弄虚作假", "隐瞒真实情况"]),
    (RevocationGround::DutyNotMet, &["dutynotmet", "未更新信息", "未履行更新义务", "未按时更新信息",
        "未按要求更新信息", "未及时更新信息", "未按规定更新信息"]),
    (RevocationGround::ReviewNotSubmitted, &["notsubmitted", "reviewnotsubmitted", "未提交复核",
        "未参加复核", "未申请复核", "未提交", "未申报复核", "未提出复核申请", "未提交复核申请",
        "未按时提交复核", "未按期申请复核", "逾期未申请复核", "未参与复核", "放弃复核", "自愿放弃复核",
        "未提交复核材料"]),
    (RevocationGround::Other, &["other", "其他", "其它", "其他原因"]),
];
/// Events of their own, which a list of revocations may give as a reason: words, and the fact.
const FACTS: &[(&str, &[&str])] = &[
    (
        "surrendered",
        &[
            "自愿放弃",
            "主动放弃",
            "放弃称号",
            "自愿放弃称号",
            "主动放弃称号",
            "企业自愿放弃",
            "自愿退出",
            "主动退出",
            "主动申请退出",
            "自愿申请取消",
            "企业申请取消",
            "主动申请取消",
            "主动申请撤销",
            "企业主动申请撤销",
        ],
    ),
    (
        "subject-ended",
        &[
            "注销",
            "已注销",
            "企业注销",
            "企业已注销",
            "工商注销",
            "公司已注销",
            "吊销",
            "已吊销",
            "被吊销",
            "吊销营业执照",
            "营业执照被吊销",
            "已被合并",
            "被吸收合并",
        ],
    ),
    (
        "relocated",
        &[
            "迁往省外",
            "迁出",
            "已迁出",
            "迁出本省",
            "已迁往省外",
            "迁至省外",
            "跨省迁移",
            "搬迁至省外",
            "迁往外省",
            "注册地迁出",
        ],
    ),
];

/// Why a review was failed or a title revoked.
pub(in crate::import) fn reason(text: &str) -> Result<ReasonText, Both> {
    let named = word(text);
    let other = "--column ignore=HEADER --reason other";
    if let Some((fact, _)) = FACTS.iter().find(|(_, words)| words.contains(&named.as_str())) {
        let found = echo_on_one_line(text);
        return Err(both!(
            en: "{found} is a fact of its own; record these rows apart with --fact {fact}, or, if \
                 the authority did revoke the title, all rows with {other}",
            zh: "“{found}”本身就是一种事项；请将这些行用 --fact {fact} 另行记录，如果机构确实撤销了称号，则将\
                 所有行用 {other} 记录"
        ));
    }
    let ground =
        look_up(REASONS, text, &Both::word("a known reason", "已知的原因")).map_err(|known| {
            both!(
                en: "{known}. If it is another one, record all rows with {other}",
                zh: "{known}。如果是别的原因，请将所有行用 {other} 记录"
            )
        })?;
    let cause = match ground {
        RevocationGround::BelowStandard => Some(ReviewFailureCause::NotUpToStandard),
        RevocationGround::ReviewNotSubmitted => Some(ReviewFailureCause::NotSubmitted),
        _ => None,
    };
    Ok(ReasonText { ground, cause })
}
