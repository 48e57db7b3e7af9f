//! The values of metadata in Chinese sentences: kinds, states and codes by their names.

use crate::{
    cli::print::{Worded, codes, enums, reasons_of_titles::obstacle_texts},
    domain::{AuthorityCode, RegionCode, fault::Entitled},
    protocol::pb,
};

/// A value as a Chinese sentence has it. A value without another word stays as it is.
pub(super) fn chinese(key: &str, value: &str) -> String {
    match key {
        "kind" | "earlier_kind" => of_enum::<pb::EventKind>(value),
        "status" => of_enum::<pb::TitleStatus>(value),
        "stage" => of_enum::<pb::CountStage>(value),
        "action" => of_enum::<pb::RightAction>(value),
        "holders" => each(value, "、", of_enum::<pb::DesigneeKind>),
        "accepted" => each(value, "、", of_enum::<pb::CredentialKind>),
        "programme" => programme(value),
        "programmes" => each(value, "或", programme),
        "entitled" => each(value, "，或", entitled),
        "authority" | "sublist" | "assessor" => authority(value),
        "region" => region(value),
        "versions" | "conflicts" | "redacted_positions" | "designees" => {
            each(value.replace(", ", ",").replace(',', ", ").as_str(), "、", str::to_owned)
        }
        "superseded" => superseded(value).unwrap_or(value).to_owned(),
        "expected" => form(value).to_owned(),
        "unit" => unit(value).to_owned(),
        "earlier_event" => format!("本次请求的 {value}"),
        _ => value.to_owned(),
    }
}

/// The entries of a list, each in its word.
fn each(list: &str, between: &str, word: impl Fn(&str) -> String) -> String {
    list.split(", ").map(word).collect::<Vec<_>>().join(between)
}

/// The Chinese word of an enum value that the protocol names in snake or kebab case.
fn of_enum<E: Worded>(value: &str) -> String {
    let name = enums::word(value, "");
    let found = E::all().find(|known| known.machine() == name);
    found.map_or_else(|| value.to_owned(), |known| known.chinese().to_owned())
}

fn programme(id: &str) -> String {
    let name = codes::programme_in_chinese(id);
    name.map_or_else(|| id.to_owned(), |name| format!("{name}（{id}）"))
}

fn authority(code: &str) -> String {
    let known = AuthorityCode::parse(code);
    known.map_or_else(|_| code.to_owned(), |known| format!("{}（{code}）", known.info().name))
}

fn region(code: &str) -> String {
    let name = RegionCode::parse(code).ok().and_then(RegionCode::name);
    name.map_or_else(|| code.to_owned(), |name| format!("{name}（{code}）"))
}

fn entitled(word: &str) -> String {
    let Ok(who) = word.parse() else { return word.to_owned() };
    let text = match who {
        Entitled::DecidingMinistry => "负责认定的工信部（100000）",
        Entitled::DecidingAuthority => "负责认定的省级认定机构",
        Entitled::Recommender => "负责推荐的省级认定机构",
        Entitled::Ministry => "工信部（100000）",
        Entitled::Provincial => "省级认定机构",
        Entitled::Involved => "认定、推荐或主管该认定对象的机构",
        Entitled::Target => "迁出地或迁入地的认定机构",
        Entitled::Sublist => "该分名单的认定机构",
        Entitled::Any => "任一认定机构",
        Entitled::Nobody => "（尚无机构）",
    };
    text.to_owned()
}

/// Forms of a JSON value, which the protocol has in English. Other values that are expected stay.
fn form(form: &str) -> &str {
    match form {
        "true or false" => " true 或 false",
        "a whole number of 32 bits" => " 32 位整数",
        "a whole number of 32 bits, 0 or more" => " 32 位非负整数",
        "a whole number of 64 bits" => " 64 位整数",
        "a whole number of 64 bits, 0 or more" => " 64 位非负整数",
        "a number" => "数字",
        "a text in quotation marks" => "引号中的文本",
        "a text in base64" => " base64 文本",
        "the name of a value" => "取值的名称",
        "a time like \"2019-06-05T08:00:00Z\"" => "时刻，如 \"2019-06-05T08:00:00Z\"",
        "a duration like \"3.5s\"" => "时长，如 \"3.5s\"",
        "an object in braces" => "花括号中的对象",
        "a list in brackets" => "方括号中的列表",
        other => other,
    }
}

/// Units of limits, which the protocol has in English.
fn unit(unit: &str) -> &str {
    match unit {
        "bytes" => "字节",
        "entries" => "条",
        "groups" => "组",
        "changes" => "项变更",
        "cursors" => "个游标",
        "events" => "个事件",
        "events a second" => "个事件/秒",
        "messages" => "条消息",
        "questions" => "个查询",
        "verifications" => "次校验",
        "seconds" => "秒",
        other => other,
    }
}

/// The cause in Chinese for which an event changes nothing. A long cause comes without its end, and
/// a newer server may have others.
fn superseded(cause: &str) -> Option<&'static str> {
    let begins = |known: &str| match cause.strip_suffix('…') {
        Some(beginning) => known.starts_with(beginning),
        None => known == cause,
    };
    // The numbers of the protocol's enums are small and dense.
    let known = (1..).map_while(|number| pb::StepObstacle::try_from(number).ok());
    let mut texts = known.map(obstacle_texts);
    texts.find(|[english, _]| begins(english)).map(|[_, chinese]| chinese)
}
