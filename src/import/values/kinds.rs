//! The kinds of facts that a cell states or a title names.

use super::{clean, words::look_up};
use crate::{
    import::{
        columns::fold,
        error::echo_on_one_line,
        fact_kinds::{FactKind, KindSet},
    },
    lang::{Both, both},
};

#[rustfmt::skip]
const FACTS: &[(FactKind, &[&str])] = &[
    (FactKind::Designated, &["designated", "认定", "新认定", "通过认定", "认定通过", "新增", "新申报",
        "新增认定", "新获认定", "首次认定", "初次认定", "首次申报"]),
    (FactKind::Notice, &["notice", "公示", "拟认定", "拟认定公示"]),
    (FactKind::ReviewPassed, &["reviewpassed", "复核通过", "通过复核", "复核合格", "复审通过",
        "通过复审", "复审合格"]),
    (FactKind::ReviewFailed, &["reviewfailed", "复核未通过", "未通过复核", "复核不合格", "复核不通过",
        "不通过复核", "复审未通过", "未通过复审", "复审不通过", "复审不合格"]),
    (FactKind::Revoked, &["revoked", "撤销", "撤销认定", "取消", "取消认定", "撤消", "撤消认定",
        "撤销称号", "取消称号", "撤销资格", "取消资格"]),
    (FactKind::Renamed, &["renamed", "更名", "名称变更", "企业更名", "变更名称", "企业名称变更"]),
];
/// Outcomes, which name a fact only under a header that says of what.
const PASSED: &[&str] = &["通过", "合格", "passed"];
const FAILED: &[&str] = &["不通过", "未通过", "没通过", "不合格", "failed"];
/// Parts of the headers of columns with the outcomes of reviews.
const REVIEWS: &[&str] = &["复核", "复审", "review"];

/// A part of a title that bears on the fact it names.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Names(FactKind),
    /// Names a fact only where nothing else does: `公布` announces any list.
    Announces,
    /// A title of the programme `tech-sme`, or a place in a cultivation pool.
    Enters,
    /// A fact still to be decided: `拟`.
    Proposed,
    Review,
    Passed,
    NotPassed,
    /// Words that contain others, and name no fact: `认定办法`.
    Nothing,
}

/// The longest part that fits counts, so `撤销认定` is not a designation.
#[rustfmt::skip]
const PARTS: &[(Part, &[&str])] = &[
    (Part::Names(FactKind::Designated), &["认定", "新认定", "通过认定", "新增", "新申报"]),
    (Part::Names(FactKind::Notice), &["公示"]),
    (Part::Names(FactKind::Revoked), &["撤销", "取消", "撤消", "撤销认定", "取消认定", "撤消认定"]),
    (Part::Names(FactKind::Renamed), &["更名", "名称变更", "变更名称", "变更企业名称"]),
    (Part::Names(FactKind::ObjectionRaised), &["提出异议", "收到异议"]),
    (Part::Names(FactKind::ObjectionResolved), &["异议处理", "异议核查"]),
    (Part::Names(FactKind::NoticeWithdrawn), &["撤回公示", "取消公示", "终止公示"]),
    (Part::Names(FactKind::ReviewOpened), &["启动复核", "待复核", "应复核", "需复核", "应参加复核",
        "到期复核", "需参加复核"]),
    (Part::Names(FactKind::RevocationProposed), &["建议撤销", "建议取消", "提请撤销", "提请取消"]),
    (Part::Names(FactKind::Surrendered), &["放弃称号", "自愿放弃", "主动放弃", "自愿退出", "主动退出"]),
    (Part::Names(FactKind::Reinstated), &["恢复称号", "恢复资格", "恢复认定"]),
    (Part::Names(FactKind::TitleTransferred), &["称号承继", "称号转移"]),
    (Part::Names(FactKind::TitleConverted), &["称号转换"]),
    (Part::Names(FactKind::CreationListed), &["列入创建", "创建名单"]),
    (Part::Names(FactKind::CreationAssessed), &["创建验收"]),
    (Part::Names(FactKind::RectificationOrdered), &["责令整改", "限期整改"]),
    (Part::Names(FactKind::SupportGranted), &["资金支持", "重点支持", "奖补"]),
    (Part::Names(FactKind::Relocated), &["迁移", "迁出", "迁入"]),
    (Part::Names(FactKind::Restructured), &["重组", "改制", "吸收合并"]),
    (Part::Names(FactKind::IdentifierChanged), &["代码变更", "变更代码"]),
    (Part::Names(FactKind::SubjectEnded), &["注销", "吊销", "主体终止"]),
    (Part::Names(FactKind::InformationUpdated), &["信息更新"]),
    (Part::Names(FactKind::MajorChangeReported), &["重大变更", "重大变化"]),
    (Part::Names(FactKind::PoolLeft), &["出库", "退库", "移出培育库"]),
    (Part::Enters, &["入库", "纳入培育库", "进入培育库"]),
    (Part::Announces, &["公布"]),
    (Part::Proposed, &["拟"]),
    (Part::Review, &["复核", "复审", "复核认定", "复审认定"]),
    (Part::Passed, &["通过", "合格"]),
    (Part::NotPassed, &["未通过", "不通过", "未予通过", "未能通过", "没有通过", "不合格", "未合格",
        "未提交", "未参加", "未申请"]),
    (Part::Nothing, &["认定办法", "认定管理", "认定标准", "认定条件", "认定批次", "认定机关",
        "认定机构", "认定部门", "认定单位", "认定日期", "认定时间", "认定证书", "认定文号", "认定类型",
        "认定类别", "认定程序", "认定工作", "认定申请", "认定申报", "认定有效期", "申请认定",
        "申报认定", "推荐认定", "不予认定", "未予认定", "未获认定", "未认定", "不认定", "未通过认定",
        "不通过认定", "原认定", "经公示", "公示无异议", "公示期", "公示结束", "公示后", "公示截止",
        "公示开始", "公示日期", "公示时间", "公示批次", "公示系统", "公示平台", "虚拟", "模拟",
        "复核工作", "复核办法", "复核申请", "复核申报", "复核年度", "复核轮次", "复核时间",
        "复核日期", "复核标准", "复核条件", "认定和复核工作", "认定及复核工作", "认定与复核工作",
        "认定、复核工作", "认定复核工作"]),
];

/// The kind of fact that a word names under any header.
pub(in crate::import) fn fact(text: &str) -> Result<FactKind, Both> {
    let word = fold(text);
    if PASSED.contains(&word.as_str()) || FAILED.contains(&word.as_str()) {
        return Err(both!(
            en: "{0} does not say of what; write 认定, 复核通过 or 复核未通过, or leave the column \
                 out: --column ignore=HEADER",
            zh: "“{0}”没有说明是什么通过；请写成 认定、复核通过 或 复核未通过，或不读该列：--column \
                 ignore=HEADER",
            echo_on_one_line(text)
        ));
    }
    let is_name =
        |kind: &FactKind| kind.words().contains(&word.as_str()) || fold(kind.name()) == word;
    // The plain words first: they are those of most lists.
    look_up(FACTS, text, &Both::word("a fact", "事项")).or_else(|known| {
        FactKind::all().find(is_name).ok_or_else(|| {
            both!(
                en: "{known}. If the column says something else: --column ignore=HEADER",
                zh: "{known}。如果该列另有含义，请不读该列：--column ignore=HEADER"
            )
        })
    })
}

/// The kind of fact that a cell states under its header. `通过` is a passed review where the header
/// says `复核`.
pub(in crate::import) fn fact_under(text: &str, header: &str) -> Result<FactKind, Both> {
    let (word, header) = (fold(text), fold(header));
    let outcome = [(FactKind::ReviewPassed, PASSED), (FactKind::ReviewFailed, FAILED)];
    let outcome = outcome.into_iter().find(|(_, words)| words.contains(&word.as_str()));
    let of_review = REVIEWS.iter().any(|review| header.contains(review));
    match outcome {
        Some((kind, _)) if of_review => Ok(kind),
        _ => fact(text),
    }
}

/// The kinds of facts that a title, a heading or the name of a sheet names, in the order of
/// [`FactKind`]. Several mean that the title alone does not decide.
///
/// `复核` without its outcome names both outcomes, and a notice of anything but a designation
/// names the notice and that fact.
pub(in crate::import) fn kinds_in_title(text: &str) -> Vec<FactKind> {
    if let Ok(kind) = fact(text) {
        return vec![kind];
    }
    let parts = parts(text);
    let has = |part: Part| parts.contains(&part);
    let mut kinds = KindSet::default();
    for part in &parts {
        if let Part::Names(kind) = part {
            kinds.insert(*kind);
        }
    }
    if has(Part::Enters) {
        let (is_title, is_pool) = (text.contains("科技型中小企业"), text.contains("培育"));
        let named = [(FactKind::Designated, is_title), (FactKind::PoolEntered, is_pool)];
        insert_named(&mut kinds, named);
    }
    if has(Part::Review) {
        let (passed, failed) = (has(Part::Passed), has(Part::NotPassed));
        let named = [(FactKind::ReviewPassed, passed), (FactKind::ReviewFailed, failed)];
        insert_named(&mut kinds, named);
    }
    let is_proposed = has(Part::Proposed) || kinds.iter().any(|kind| kind == FactKind::Notice);
    let announced = kinds.is_empty() && has(Part::Announces);
    let kinds = kinds.iter().map(|kind| match kind {
        // What a notice says of titles is not yet so.
        FactKind::Designated if is_proposed => FactKind::Notice,
        FactKind::Revoked if is_proposed => FactKind::RevocationProposed,
        kind => kind,
    });
    let mut all = KindSet::default();
    kinds.for_each(|kind| all.insert(kind));
    if is_proposed {
        all.insert(FactKind::Notice);
    } else if announced {
        all.insert(FactKind::Designated);
    }
    all.iter().collect()
}

/// Inserts the one of two kinds that is named; both, if the title leaves open which.
fn insert_named(kinds: &mut KindSet, [one, other]: [(FactKind, bool); 2]) {
    for (kind, is_named) in [one, other] {
        if is_named || one.1 == other.1 {
            kinds.insert(kind);
        }
    }
}

/// The parts of a title, each the longest that begins at its place.
fn parts(text: &str) -> Vec<Part> {
    let folded = clean(text).replace(' ', "");
    let mut rest = folded.as_str();
    let mut found = Vec::new();
    while let Some(first) = rest.chars().next() {
        let words = PARTS.iter().flat_map(|(part, words)| words.iter().map(move |w| (*part, *w)));
        let longest =
            words.filter(|(_, word)| rest.starts_with(word)).max_by_key(|(_, word)| word.len());
        let length = longest.map_or(first.len_utf8(), |(part, word)| {
            found.push(part);
            word.len()
        });
        rest = rest.get(length..).unwrap_or_default();
    }
    found
}
