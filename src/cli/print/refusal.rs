//! The refusal of a call in words, from its structured details.

use std::{collections::HashMap, error::Error};

use tonic::{Code, Status};
use tonic_types::{ErrorInfo, StatusExt as _};

use super::{escaped, reasons::Stated};
use crate::{
    cli::names,
    lang::{Lang, io_cause, say, word},
};

/// True for errors that may pass when the call is repeated.
pub(crate) fn is_retryable(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled)
        || status.get_details_retry_info().is_some()
}

/// An error with its reason, its value, its rule and the next step.
pub(crate) fn status(status: &Status) -> String {
    let details = status.get_error_details();
    let Some(info) = details.error_info() else { return without_details(status) };
    let violations = details.precondition_failure().map_or(0, |all| all.violations.len());
    let message = message(info, status.message(), violations > 1);
    let message = &*escaped(&message);
    let mut text = format!("{message} [{}]", escaped(&info.reason));
    for (key, label) in
        [("value", word!(en: "value", zh: "值")), ("rule", word!(en: "rule", zh: "规则"))]
    {
        let known = if key == "rule" { rule(info) } else { info.metadata.get(key).cloned() };
        let known = known.map(|known| escaped(&known).into_owned());
        if let Some(known) = known.filter(|known| !message.contains(known.as_str())) {
            text.push_str(&say!(en: "\n  {label}: {known}", zh: "\n  {label}：{known}"));
        }
    }
    if let Some(step) = next_step(info) {
        text.push_str(&format!("\n  {step}"));
    }
    text
}

/// The message of a refusal alone, in the language of the process.
pub(crate) fn status_message(status: &Status) -> String {
    match status.get_details_error_info() {
        Some(info) => message(&info, status.message(), false),
        None => without_details(status),
    }
}

/// The message of the server, or its Chinese from the structured values.
fn message(info: &ErrorInfo, english: &str, has_more: bool) -> String {
    if Lang::current() == Lang::En {
        return english.to_owned();
    }
    let Some(text) = stated(info).message(Lang::Zh, |_, _| None) else {
        return english.to_owned();
    };
    // The text of a rule does not name the place; that of a reason does.
    let is_rule = info.metadata.contains_key("rule_id");
    let of = |key: &str| info.metadata.get(key).filter(|value| is_rule && !value.is_empty());
    let parts = [of("field"), of("value"), Some(&text)];
    let text = parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("：");
    if has_more { format!("{text}（另有其他问题）") } else { text }
}

fn rule(info: &ErrorInfo) -> Option<String> {
    let english = || info.metadata.get("rule").cloned();
    let rule = match Lang::current() {
        Lang::En => english(),
        Lang::Zh => stated(info).rule(Lang::Zh).or_else(english),
    };
    rule.filter(|rule| !rule.is_empty())
}

fn stated(info: &ErrorInfo) -> Stated<'_> {
    let metadata: &HashMap<String, String> = &info.metadata;
    Stated {
        reason: &info.reason,
        rule_id: metadata.get("rule_id").map_or("", String::as_str),
        metadata,
        is_covered: metadata.contains_key("conflicts_not_shown"),
    }
}

/// An error of the connection, or of another server. tonic's own errors keep the cause apart.
fn without_details(status: &Status) -> String {
    let code = status.code();
    let message = match (status.message(), Lang::current()) {
        ("transport error", _) => word!(
            en: "the connection broke, or no gRPC server listens there",
            zh: "连接中断，或该处没有 gRPC 服务器"
        ),
        (message, Lang::En) => message,
        (message, Lang::Zh) => match code {
            Code::Cancelled => "调用已取消",
            Code::DeadlineExceeded => "超过期限，没有得到答复",
            Code::Unimplemented => "服务器没有这一方法，可能是较旧的版本",
            _ => message,
        },
    };
    let cause = Error::source(status).map(cause_in_words);
    let cause = cause.map_or(String::new(), |cause| say!(en: ": {cause}", zh: "：{cause}"));
    format!("{}{} [{code:?}]", escaped(message), escaped(&cause))
}

/// The innermost cause of an error, in words.
pub(crate) fn cause_in_words(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.downcast_ref().map_or_else(|| cause.to_string(), io_cause)
}

/// What the caller may type next.
fn next_step(info: &ErrorInfo) -> Option<String> {
    if let Some(remedy) = remedy(&info.reason, info.metadata.get("accepted")) {
        return Some(remedy);
    }
    if info.reason != "PROGRAMME_UNKNOWN" {
        return None;
    }
    let value = info.metadata.get("value").map_or("", String::as_str);
    Some(match names::meant_programmes(value).as_str() {
        "" => word!(en: "tidu programmes lists all", zh: "tidu programmes 列出全部").to_owned(),
        meant => say!(
            en: "did you mean {meant}? tidu programmes lists all",
            zh: "是否指 {meant}？tidu programmes 列出全部"
        ),
    })
}

/// The next step of a caller whose credential or rights do not suffice.
fn remedy(reason: &str, accepted: Option<&String>) -> Option<String> {
    let remedy = match reason {
        "CREDENTIAL_MISSING" => {
            let accepts = |kind: &str| accepted.is_none_or(|accepted| accepted.contains(kind));
            let both = word!(en: "--tls-cert and --tls-key", zh: "--tls-cert 和 --tls-key");
            let flags = [
                accepts("certificate").then_some(both),
                (accepts("token") || accepts("jwt")).then_some("--token-file"),
            ];
            let flags: Vec<_> = flags.into_iter().flatten().collect();
            let flags = flags.join(word!(en: ", or ", zh: "，或 "));
            say!(
                en: "give {flags}, or a context that has them: tidu context add",
                zh: "请给出 {flags}，或使用含有它们的上下文：tidu context add"
            )
        }
        "CREDENTIAL_INVALID" => word!(
            en: "its owner finds the cause with the operator of the server, whose log has it",
            zh: "请与服务器的运维人员一起查明原因，服务器日志中有记录"
        )
        .to_owned(),
        "CREDENTIAL_EXPIRED" => word!(
            en: "put a new certificate or token into its file, and try again",
            zh: "请换上新的证书或令牌文件，再试一次"
        )
        .to_owned(),
        "NOT_ENTITLED" => word!(
            en: "tidu whoami shows who you are to the server, and your rights",
            zh: "tidu whoami 显示服务器所认的身份和权限"
        )
        .to_owned(),
        "SCOPE_CHANGED" => word!(
            en: "your rights have changed: tidu whoami shows them",
            zh: "您的权限已变更：tidu whoami 可查看"
        )
        .to_owned(),
        _ => return None,
    };
    Some(remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_without_a_credential_learns_which_flags_to_give() {
        for (accepted, flags) in [
            (Some("certificate"), "give --tls-cert and --tls-key, or a context"),
            (Some("token, jwt"), "give --token-file, or a context"),
            (Some("certificate, token"), "give --tls-cert and --tls-key, or --token-file, or a"),
            (None, "give --tls-cert and --tls-key, or --token-file, or a"),
        ] {
            let accepted = accepted.map(str::to_owned);
            let remedy = remedy("CREDENTIAL_MISSING", accepted.as_ref()).unwrap();
            assert!(remedy.starts_with(flags), "{remedy}");
        }
        assert_eq!(remedy("DISK_LOW", None), None);
    }
}
