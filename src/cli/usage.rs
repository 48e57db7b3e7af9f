//! Arguments that cannot be read: what is wrong, and what to type instead, in both languages.

use clap::{
    Error,
    error::{ContextKind, ContextValue, ErrorKind},
};
use tonic::Code;

use super::print::{LocalError, eprint_json, eprint_lines, escaped};
use crate::lang::{Lang, say};

/// The exit code of arguments that cannot be read.
pub(super) const EXIT_USAGE: u8 = 2;

/// Prints the error of arguments; it repeats them, so it is escaped.
pub(super) fn print(mut error: Error, for_programs: bool) {
    let typed = error.context().filter_map(|(kind, value)| match value {
        ContextValue::String(text) => Some((kind, escaped(text).into_owned())),
        _ => None,
    });
    for (kind, text) in typed.collect::<Vec<_>>() {
        error.insert(kind, ContextValue::String(text));
    }
    if for_programs {
        return eprint_json(&json(&error));
    }
    let rendered = english(&error);
    match (error.kind(), Lang::current()) {
        // The help, which is in the language already.
        (ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, _) | (_, Lang::En) => {
            eprint_lines(&rendered);
        }
        (_, Lang::Zh) => eprint_lines(&chinese(&error, &rendered)),
    }
}

/// The text of the library, with its words about numbers in those of people.
fn english(error: &Error) -> String {
    let rendered = error.render().to_string();
    match (source(error), reason(error)) {
        (Some(of_library), Some(reason)) => rendered.replace(&of_library, &reason),
        _ => rendered,
    }
}

fn source(error: &Error) -> Option<String> {
    std::error::Error::source(error).map(ToString::to_string)
}

/// What is wrong with a value, in words for people.
fn reason(error: &Error) -> Option<String> {
    let source = source(error)?;
    let number = || say!(en: "write a whole number, such as 5", zh: "请写整数，例如 5");
    Some(match source.as_str() {
        "invalid digit found in string" | "cannot parse integer from empty string" => number(),
        "number too large to fit in target type" => {
            say!(en: "the number is too large", zh: "数字过大")
        }
        "provided string was not `true` or `false`" => {
            say!(en: "write true or false", zh: "请写 true 或 false")
        }
        of_range => match of_range.split_once(" is not in ") {
            Some((_, range)) => in_range(range),
            None => source,
        },
    })
}

/// A range as the library writes it, `1..=5` or `1..`, in words.
fn in_range(range: &str) -> String {
    let (least, most) = range.split_once("..").unwrap_or((range, ""));
    match most.trim_start_matches('=') {
        "" => say!(en: "write a number from {least} on", zh: "请写不小于 {least} 的整数"),
        // The end of a type, which nobody wants to know.
        most if most.len() > DIGITS_MAX => {
            say!(en: "write a number from {least} on", zh: "请写不小于 {least} 的整数")
        }
        most => {
            say!(en: "write a number from {least} to {most}", zh: "请写 {least} 至 {most} 的整数")
        }
    }
}

/// Digits of the largest bound that is worth saying.
const DIGITS_MAX: usize = 9;

/// The text of a context; empty if there is none.
fn text(error: &Error, kind: ContextKind) -> String {
    all(error, kind).join("、")
}

fn all(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        Some(ContextValue::Number(number)) => vec![number.to_string()],
        Some(ContextValue::StyledStr(text)) => vec![text.to_string()],
        _ => Vec::new(),
    }
}

/// The Chinese text, from the kind and the context of the error.
fn chinese(error: &Error, rendered: &str) -> String {
    let argument = text(error, ContextKind::InvalidArg);
    let value = text(error, ContextKind::InvalidValue);
    let prior = text(error, ContextKind::PriorArg);
    let what = match error.kind() {
        ErrorKind::UnknownArgument => format!("没有参数“{argument}”"),
        ErrorKind::InvalidSubcommand => {
            format!("没有命令“{}”", text(error, ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingRequiredArgument => format!("缺少参数：{argument}"),
        ErrorKind::MissingSubcommand => {
            let of = text(error, ContextKind::InvalidSubcommand);
            let known = text(error, ContextKind::ValidSubcommand);
            format!("“{of}”后面还要写一个子命令：{known}")
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("“{argument}”后面要写一个值"),
        ErrorKind::InvalidValue => format!("“{argument}”不能是“{value}”"),
        ErrorKind::ValueValidation if !argument.is_empty() => {
            let why = reason(error).map_or(String::new(), |why| format!("：{why}"));
            format!("“{argument}”不能是“{value}”{why}")
        }
        ErrorKind::ArgumentConflict if prior.is_empty() || prior == argument => {
            format!("“{argument}”只能写一次，或不能与其他参数同用")
        }
        ErrorKind::ArgumentConflict => format!("“{argument}”不能与“{prior}”同用"),
        ErrorKind::TooManyValues => format!("“{argument}”多了一个值“{value}”"),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            let needed = text(error, ContextKind::MinValues);
            let needed = if needed.is_empty() {
                text(error, ContextKind::ExpectedNumValues)
            } else {
                needed
            };
            format!("“{argument}”需要 {needed} 个值")
        }
        ErrorKind::NoEquals => format!("“{argument}”与值之间要写等号"),
        ErrorKind::InvalidUtf8 => "参数不是 UTF-8 文本".to_owned(),
        _ => own_message(rendered),
    };
    let mut lines = vec![format!("错误：{what}")];
    let values = all(error, ContextKind::ValidValue);
    if !values.is_empty() {
        lines.push(format!("  可用的值：{}", values.join("、")));
    }
    lines.extend(suggestion(error, &argument).map(|tip| format!("  提示：{tip}")));
    let usage = text(error, ContextKind::Usage);
    if let Some((_, usage)) = usage.split_once("Usage: ") {
        lines.push(format!("\n用法：{usage}"));
    }
    lines.push("\n用 --help 查看全部参数".to_owned());
    lines.join("\n")
}

/// The message of an error that this program makes itself: without what the library adds.
fn own_message(rendered: &str) -> String {
    let message = rendered.strip_prefix("error: ").unwrap_or(rendered);
    message.split("\n\n").next().unwrap_or_default().trim_end().to_owned()
}

/// What may have been meant.
fn suggestion(error: &Error, argument: &str) -> Option<String> {
    let kinds =
        [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    let meant: Vec<_> = kinds.into_iter().flat_map(|kind| all(error, kind)).collect();
    if !meant.is_empty() {
        let quoted: Vec<_> = meant.iter().map(|one| format!("“{one}”")).collect();
        return Some(format!("是否指{}？", quoted.join("或")));
    }
    match error.kind() {
        ErrorKind::InvalidSubcommand => Some("tidu --help 列出全部命令".to_owned()),
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            Some(format!("如果“{argument}”是值而不是参数，请写 -- {argument}"))
        }
        _ => None,
    }
}

/// The error for programs.
fn json(error: &Error) -> String {
    let message = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a subcommand is needed".to_owned(),
        _ => own_message(&english(error)),
    };
    let names = [
        ("argument", ContextKind::InvalidArg),
        ("value", ContextKind::InvalidValue),
        ("command", ContextKind::InvalidSubcommand),
        ("suggested", ContextKind::SuggestedArg),
        ("suggested", ContextKind::SuggestedSubcommand),
        ("suggested", ContextKind::SuggestedValue),
        ("possible_values", ContextKind::ValidValue),
    ];
    let stated = names.map(|(name, kind)| (name, all(error, kind).join(", ")));
    let metadata = stated.into_iter().filter(|(_, text)| !text.is_empty()).collect();
    let message = &*message;
    let error = LocalError { reason: "USAGE", code: Code::InvalidArgument, message, metadata };
    error.json(EXIT_USAGE)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;

    fn refused(arguments: &[&str]) -> Error {
        let program = ["tidu"].into_iter();
        Cli::try_parse_from(program.chain(arguments.iter().copied())).unwrap_err()
    }

    #[test]
    fn each_kind_of_error_is_said_in_chinese_with_what_to_type() {
        for (arguments, says) in [
            (&["lst"][..], &["没有命令“lst”", "是否指“list”", "用法：tidu", "--help"][..]),
            (&["list", "--programe", "x"], &["没有参数“--programe”", "是否指“--programme”"]),
            (&["show"], &["缺少参数：<", "用法：tidu show"]),
            (&["authorities", "-o", "xml"], &["不能是“xml”", "可用的值：human、json、plain-json"]),
            (&["list", "-n", "many"], &["不能是“many”：", "请写整数，例如 5"]),
            (&["list", "-n", "0"], &["不能是“0”：请写不小于 1 的整数"]),
            (&["list", "--as-of"], &["“--as-of <DATE>”后面要写一个值"]),
            (&["cursor", "shw"], &["没有命令“shw”", "是否指“show”"]),
        ] {
            let error = refused(arguments);
            // Values are worded in the language of the process, which is English in a test.
            let text = chinese(&error, &error.render().to_string())
                .replace("write a whole number, such as 5", "请写整数，例如 5")
                .replace("write a number from 1 on", "请写不小于 1 的整数");
            for part in says {
                assert!(text.contains(part), "{arguments:?} lacks {part}: {text}");
            }
        }
    }

    #[test]
    fn numbers_are_refused_in_plain_words() {
        let text = english(&refused(&["list", "-n", "many"]));
        assert!(text.contains("write a whole number, such as 5"), "{text}");
        let text = english(&refused(&["list", "-n", "0"]));
        assert!(text.contains("write a number from 1 on"), "{text}");
        assert_eq!(in_range("1..=5"), "write a number from 1 to 5");
    }

    #[test]
    fn programs_get_the_argument_and_what_may_be_meant() {
        let line = json(&refused(&["list", "--programe", "x"]));
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        let info = &read["details"][0]["debug"];
        assert_eq!((&info["reason"], &read["exitCode"]), (&"USAGE".into(), &2.into()));
        assert_eq!(info["metadata"]["argument"], "--programe");
        assert_eq!(info["metadata"]["suggested"], "--programme");
        assert!(!read["message"].as_str().unwrap().contains("error:"), "{line}");
    }
}
