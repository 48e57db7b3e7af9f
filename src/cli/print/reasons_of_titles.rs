//! The reasons behind the status of a title, in sentences: its facts, the obstacles of those that
//! could not apply, and the conclusion.

use super::{
    date,
    enums::Worded,
    facts::{authority, fact, programme},
};
use crate::{
    lang::{Lang, say, word},
    protocol::pb::{self, event::Fact},
};

/// What a fact says about a title, in a sentence without a full stop.
pub(crate) fn sentence(stated: &Fact) -> String {
    match stated {
        Fact::NoticeOpened(f) => notice(f),
        Fact::Designated(f) => {
            let (late, until) =
                (late(f.supplement), until(f.valid_to.as_ref(), f.valid_to_inferred));
            let (batch, by) = (&f.batch, recommended(&f.recommended_by));
            say!(
                en: "designated in batch {batch}{late}, {until}{by}",
                zh: "列入批次 {batch} 认定名单{late}，{until}{by}"
            )
        }
        Fact::ReviewOpened(f) => {
            let round = &f.round;
            say!(en: "review opened, round {round}", zh: "启动复核，复核批次 {round}")
        }
        Fact::ReviewPassed(f) => {
            let (late, until) =
                (late(f.supplement), until(f.valid_to.as_ref(), f.valid_to_inferred));
            let round = &f.round;
            say!(
                en: "review passed in round {round}{late}, {until}",
                zh: "复核通过，复核批次 {round}{late}，{until}"
            )
        }
        Fact::ReviewFailed(f) => {
            let (round, late) = (&f.round, late(f.supplement));
            let why = reason(&f.cause().human());
            say!(
                en: "review failed in round {round}{late}{why}",
                zh: "复核未通过，复核批次 {round}{late}{why}"
            )
        }
        Fact::Revoked(f) => revoked(f),
        Fact::RevocationProposed(f) => {
            let why = reason(&f.ground().human());
            say!(en: "revocation proposed{why}", zh: "提请撤销{why}")
        }
        other => sentence_of_others(other),
    }
}

fn notice(f: &pb::NoticeOpened) -> String {
    let (batch, late) = (&f.batch, late(f.supplement));
    let purpose = match f.purpose() {
        pb::NoticePurpose::Review => word!(en: "review", zh: "复核"),
        _ => word!(en: "new designation", zh: "新认定"),
    };
    let step = match f.scope() {
        pb::NoticeScope::Recommendation => word!(en: " (recommendation)", zh: "（推荐环节）"),
        _ => "",
    };
    let days = match (f.notice_from.as_ref(), f.notice_to.as_ref()) {
        (Some(from), Some(to)) => {
            let (from, to) = (date(Some(from)), date(Some(to)));
            say!(en: ", open from {from} to {to}", zh: "，公示期 {from} 至 {to}")
        }
        _ => String::new(),
    };
    say!(
        en: "in the public notice of a {purpose}{step}, batch {batch}{late}{days}",
        zh: "列入{purpose}公示{step}，批次 {batch}{late}{days}"
    )
}

fn revoked(f: &pb::Revoked) -> String {
    let why = reason(&f.ground().human());
    let ban = match f.ban_until.as_ref() {
        None => String::new(),
        Some(day) => {
            let (day, inferred) = (date(Some(day)), inferred(f.ban_until_inferred));
            say!(
                en: "; it may not apply again up to {day}{inferred}",
                zh: "；截至 {day} 不得再次申报{inferred}"
            )
        }
    };
    say!(en: "revoked{why}{ban}", zh: "撤销{why}{ban}")
}

/// The sentences of facts about objections, support and the subject.
fn sentence_of_others(stated: &Fact) -> String {
    match stated {
        Fact::ObjectionRaised(f) => {
            let batch = &f.batch;
            say!(
                en: "an objection to the notice of batch {batch} was raised",
                zh: "对批次 {batch} 的公示提出异议"
            )
        }
        Fact::ObjectionResolved(f) => {
            let (batch, outcome) = (&f.batch, f.outcome().human());
            say!(
                en: "the objection to the notice of batch {batch} was {outcome}",
                zh: "对批次 {batch} 公示的异议{outcome}"
            )
        }
        Fact::NoticeWithdrawn(f) => {
            let (batch, why) = (&f.batch, reason(&f.reason));
            say!(
                en: "the entry was withdrawn from the notice of batch {batch}{why}",
                zh: "撤回批次 {batch} 的公示{why}"
            )
        }
        Fact::Surrendered(_) => {
            word!(en: "given up by the holder", zh: "持有者放弃称号").to_owned()
        }
        Fact::Reinstated(_) => word!(en: "the revocation was undone", zh: "恢复称号").to_owned(),
        Fact::TitleTransferred(f) => {
            let successor = &f.successor;
            say!(en: "passed to {successor}", zh: "称号由 {successor} 承继")
        }
        Fact::TitleConverted(f) => {
            let to = programme(&f.to_programme);
            say!(en: "converted into {to}", zh: "转换为{to}")
        }
        Fact::RectificationOrdered(f) => match f.due.as_ref() {
            None => word!(en: "ordered to rectify", zh: "责令整改").to_owned(),
            Some(due) => {
                let due = date(Some(due));
                say!(en: "ordered to rectify by {due}", zh: "责令整改，期限 {due}")
            }
        },
        Fact::Relocated(f) => {
            let (from, to) = (authority(&f.from_authority), authority(&f.to_authority));
            let stage = f.stage().human();
            say!(en: "move from {from} to {to}, {stage}", zh: "由{from}迁至{to}（{stage}）")
        }
        other => {
            let (what, detail) = fact(other);
            match detail.as_str() {
                "" => what,
                detail => say!(en: "{what}: {detail}", zh: "{what}：{detail}"),
            }
        }
    }
}

/// The kind of a fact whose event cannot be read.
pub(crate) fn kind_alone(number: i32) -> String {
    pb::EventKind::try_from(number).map_or_else(|_| String::new(), Worded::human)
}

fn late(supplement: bool) -> &'static str {
    if supplement { word!(en: ", by a supplement", zh: "（增补）") } else { "" }
}

fn inferred(is_inferred: bool) -> &'static str {
    if is_inferred {
        word!(en: ", inferred from the catalogue", zh: "（按目录推定）")
    } else {
        ""
    }
}

fn until(day: Option<&pb::Date>, is_inferred: bool) -> String {
    let Some(day) = day else {
        return word!(en: "without a stated end", zh: "未载明有效期").to_owned();
    };
    let (day, inferred) = (date(Some(day)), inferred(is_inferred));
    say!(en: "valid to {day}{inferred}", zh: "有效期至 {day}{inferred}")
}

fn recommended(by: &str) -> String {
    if by.is_empty() {
        return String::new();
    }
    let by = authority(by);
    say!(en: ", recommended by {by}", zh: "，由{by}推荐")
}

fn reason(why: &str) -> String {
    if why.is_empty() { String::new() } else { say!(en: ": {why}", zh: "，原因：{why}") }
}

/// Why a fact could not apply; empty for an obstacle that this version does not know.
pub(crate) fn obstacle(obstacle: pb::StepObstacle) -> &'static str {
    let [en, zh] = obstacle_texts(obstacle);
    Lang::current().of(en, zh)
}

/// The same in English and in Chinese.
pub(super) fn obstacle_texts(obstacle: pb::StepObstacle) -> [&'static str; 2] {
    use pb::StepObstacle as Obstacle;
    match obstacle {
        Obstacle::Unspecified => ["", ""],
        Obstacle::SubjectCeased => ["the subject had ceased to exist by then", "此时主体已终止"],
        Obstacle::NeverHeld => ["no validity of the title had begun by then", "此时称号尚未生效"],
        Obstacle::Ended => ["the title had ended by then", "此时称号已终止"],
        Obstacle::NoOpenEntry => [
            "no entry in a notice of this batch and scope was open",
            "该批次没有尚在公示的相应条目",
        ],
        Obstacle::EntryOpen => {
            ["an entry of this batch and scope was open already", "该批次的相应条目已在公示"]
        }
        Obstacle::NoOpenObjection => {
            ["no objection that it could decide was open on its day", "当日没有待处理的异议"]
        }
        Obstacle::LastDayPast => ["the last day of the title was past", "称号已过截止日"],
        Obstacle::PassedOn => ["the title had passed to a successor already", "称号已由承继者取得"],
        Obstacle::NotASuccessor => [
            "the receiver is not among the recorded successors of the subject",
            "受让方不在已记录的承继者之中",
        ],
        Obstacle::ReceiverHeld => {
            ["the receiver held the title already; one remains", "受让方已持有该称号，只保留一个"]
        }
        Obstacle::InForceAlready => {
            ["the title was in force on that day already", "当日称号已经有效"]
        }
        Obstacle::ReviewFailed => [
            "its review had failed by then, and only a supplement renews it",
            "此前复核未通过，只有增补才能延续",
        ],
        Obstacle::FailedAlready => {
            ["a review of this validity had failed already", "本有效期的复核此前已未通过"]
        }
        Obstacle::NothingToUndo => {
            ["no revocation was in force that it could undo", "没有可恢复的撤销"]
        }
        Obstacle::OneSubject => [
            "a title does not pass between identifiers of one subject",
            "称号不在同一主体的不同代码之间转移",
        ],
        Obstacle::OneTitle => ["a title does not turn into itself", "称号不能转换为自身"],
        Obstacle::NoCreationTask => {
            ["no creation task was on record by then", "此时没有创建任务的记录"]
        }
    }
}

/// The status of a title on a day in a sentence, with the cause of its end.
pub(crate) fn conclusion(title: &pb::Title, day: Option<&pb::Date>) -> String {
    let words = status_in_words(title, &date(day));
    match title.ban_until.as_ref() {
        None => words,
        Some(last) => {
            let last = date(Some(last));
            say!(en: "{words}; banned to {last}", zh: "{words}；截至 {last} 不得再次申报")
        }
    }
}

fn status_in_words(title: &pb::Title, day: &str) -> String {
    use pb::TitleStatus as Status;
    let (first, last) = (date(title.valid_from.as_ref()), date(title.valid_to.as_ref()));
    let (because, on) = (cause(title.end_cause()), ended(title));
    match title.status() {
        Status::Pending => say!(
            en: "pending: validity begins on {first}, after {day}",
            zh: "尚未生效：有效期自 {first} 开始，在 {day} 之后"
        ),
        Status::Noticed => word!(
            en: "noticed: in a public notice or on a creation list, not designated",
            zh: "公示中：已列入公示或创建名单，尚未认定"
        )
        .to_owned(),
        Status::NotDesignated => {
            say!(en: "not designated: {because}", zh: "未认定：{because}")
        }
        Status::Active => active(&first, &last, because),
        Status::Expired if title.ended_on.is_some() => {
            say!(en: "expired{on}: {because}", zh: "已到期{on}：{because}")
        }
        Status::Expired => say!(
            en: "expired: {last} was its last day, to midnight in Asia/Shanghai; {because}",
            zh: "已到期：最后有效日为 {last}（至北京时间当日 24 时）；{because}"
        ),
        Status::Revoked if title.end_cause() == pb::EndCause::Revoked => {
            let ground = ground(title.ground());
            say!(en: "revoked{on} for {ground}", zh: "已撤销{on}，原因：{ground}")
        }
        Status::Revoked => say!(en: "revoked{on}: {because}", zh: "已撤销{on}：{because}"),
        Status::Surrendered => say!(en: "given up by the holder{on}", zh: "持有者已放弃{on}"),
        Status::Ended => say!(en: "ended{on}: {because}", zh: "已终止{on}：{because}"),
        Status::Converted => say!(en: "converted{on}", zh: "已转换{on}"),
        Status::NotOnRecord | Status::Unspecified => word!(
            en: "not on record: the facts on record cannot apply",
            zh: "无认定记录：已记录的事件均不起作用"
        )
        .to_owned(),
    }
}

fn active(first: &str, last: &str, because: &str) -> String {
    let days = match last {
        "" => {
            say!(en: "active since {first}; no end is known", zh: "有效：自 {first} 起，未载明截止日")
        }
        last => say!(
            en: "active: {first} to {last}, both days included",
            zh: "有效：{first} 至 {last}，首尾两日均计入"
        ),
    };
    match because {
        "" => days,
        because => say!(en: "{days}; not renewed: {because}", zh: "{days}；不再延续：{because}"),
    }
}

fn ended(title: &pb::Title) -> String {
    let Some(on) = title.ended_on.as_ref() else { return String::new() };
    let on = date(Some(on));
    say!(en: " on {on}", zh: "（{on}）")
}

fn ground(ground: pb::RevocationGround) -> &'static str {
    use pb::RevocationGround as Ground;
    let [en, zh] = match ground {
        Ground::BelowStandard => ["being below the standard", "不再符合标准"],
        Ground::SafetyAccident => ["a major safety accident", "发生重大安全事故"],
        Ground::QualityAccident => ["a major quality accident", "发生重大质量事故"],
        Ground::PollutionAccident => ["a pollution accident", "发生环境污染事故"],
        Ground::Dishonesty => ["serious dishonesty", "严重失信"],
        Ground::TaxEvasion => ["tax evasion", "偷税漏税"],
        Ground::Falsification => ["falsified data", "数据造假"],
        Ground::DutyNotMet => ["a duty not met", "未履行报告或更新义务"],
        Ground::ReviewNotSubmitted => ["not submitting to a review", "未提交复核"],
        Ground::Other => ["another ground", "其他原因，见文件"],
        Ground::Unspecified => ["a ground that is not stated", "未说明"],
    };
    Lang::current().of(en, zh)
}

fn cause(cause: pb::EndCause) -> &'static str {
    use pb::EndCause as Cause;
    let [en, zh] = match cause {
        Cause::Unspecified => ["", ""],
        Cause::Lapsed => ["nothing renewed it", "期满后未延续"],
        Cause::ReviewNotUpToStandard => {
            ["its review found the holder not up to the standard", "复核认为持有者未达到标准"]
        }
        Cause::ReviewNotSubmitted => {
            ["the holder did not submit to its review", "持有者未提交复核"]
        }
        Cause::ReviewFailed => ["its review failed", "复核未通过"],
        Cause::Revoked => ["it was revoked", "称号被撤销"],
        Cause::Surrendered => ["the holder gave it up", "持有者主动放弃"],
        Cause::SubjectDeregistered => ["its subject ceased to exist", "主体已注销"],
        Cause::SubjectAbsorbed => ["another subject absorbed its subject", "主体被吸收合并"],
        Cause::SubjectRestructured => ["its subject ceased in a restructuring", "主体因重组而终止"],
        Cause::Transferred => ["it passed to a successor", "称号已由承继者取得"],
        Cause::Converted => ["it became a title of another programme", "已转换为其他项目的称号"],
        Cause::NoticeWithdrawn => ["the entry was withdrawn from the notice", "公示条目已撤回"],
        Cause::ObjectionUpheld => ["an objection was upheld", "异议成立"],
        Cause::NotOnFinalList => ["the list was sealed without it", "名单封存时未列入"],
        Cause::CreationFailed => ["the creation task was not passed", "创建任务未通过验收"],
    };
    Lang::current().of(en, zh)
}
