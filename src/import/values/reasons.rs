//! Why a review was failed or a title revoked.

use super::words::look_up;
use crate::protocol::pb::{ReviewFailureCause, RevocationGround};

/// One text can be both the cause of a failed review and the ground of a revocation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::import) struct ReasonText {
    pub(in crate::import) ground: RevocationGround,
    pub(in crate::import) cause: Option<ReviewFailureCause>,
}

#[rustfmt::skip]
const REASONS: &[(RevocationGround, &[&str])] = &[
    (RevocationGround::BelowStandard, &["belowstandard", "notuptostandard", "不再符合标准",
        "未达到标准", "不符合标准", "不达标", "不符合认定标准"]),
    (RevocationGround::SafetyAccident, &["safetyaccident", "安全事故", "重大安全事故"]),
    (RevocationGround::QualityAccident, &["qualityaccident", "质量事故", "重大质量事故"]),
    (RevocationGround::PollutionAccident, &["pollutionaccident", "环境污染", "环境污染事故"]),
    (RevocationGround::Dishonesty, &["dishonesty", "严重失信", "失信"]),
    (RevocationGround::TaxEvasion, &["taxevasion", "偷税漏税", "偷漏税"]),
    (RevocationGround::Falsification, &["falsification", "数据造假", "弄虚作假", "虚假申报"]),
    (RevocationGround::DutyNotMet, &["dutynotmet", "未更新信息", "未履行更新义务"]),
    (RevocationGround::ReviewNotSubmitted, &["notsubmitted", "reviewnotsubmitted", "未提交复核",
        "未参加复核", "未申请复核", "未提交"]),
    (RevocationGround::Other, &["other", "其他", "其它"]),
];

/// Why a review was failed or a title revoked.
pub(in crate::import) fn reason(text: &str) -> Result<ReasonText, String> {
    let ground = look_up(REASONS, text, "a known reason")?;
    let cause = match ground {
        RevocationGround::BelowStandard => Some(ReviewFailureCause::NotUpToStandard),
        RevocationGround::ReviewNotSubmitted => Some(ReviewFailureCause::NotSubmitted),
        _ => None,
    };
    Ok(ReasonText { ground, cause })
}
