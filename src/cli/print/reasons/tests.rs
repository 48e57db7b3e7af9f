//! Each rule and each reason is rendered in both languages without the server's message.

use std::collections::BTreeSet;

use strum::IntoEnumIterator as _;

use super::*;
use crate::cli::print::Worded as _;

const LANGUAGES: [Lang; 2] = [Lang::En, Lang::Zh];

/// A value that a key may have.
fn sample(key: &str) -> &'static str {
    match key {
        "kind" => "designated",
        "earlier_kind" => "review_passed",
        "status" => "revoked",
        "stage" => "ever-designated",
        "holders" => "enterprise, institution",
        "programme" => "little-giant",
        "programmes" => "little-giant, specialised-sme",
        "entitled" => "deciding-ministry, sublist",
        "authority" | "sublist" | "assessor" => "440000",
        "region" => "440300",
        "day" | "from" => "2026-03-01",
        "superseded" => "the title had ended by then",
        "earlier_event" => "events[3]",
        "document" => "工信部企业〔2022〕63号",
        "designee" => "914403001922038216",
        "name" => "某某有限公司",
        "character" => "U+200B",
        "versions" => "2018, 2022",
        _ => "17",
    }
}

/// The metadata of a rule, with or without the values that may be missing.
fn metadata(rule: RuleId, has_optional: bool) -> HashMap<String, String> {
    let (message, basis) = rule.english();
    let keys = fault::keys(message).chain(fault::keys(basis));
    let keys = keys.filter(|key| has_optional || !key.is_optional);
    keys.map(|key| (key.name.to_owned(), sample(key.name).to_owned())).collect()
}

/// A run of this number of Latin words is a sentence in English, and not a code or a command.
const SENTENCE: usize = 4;

fn require_chinese(text: &str) {
    let mut run = 0;
    for word in text.split(|c: char| c.is_whitespace() || !c.is_ascii()) {
        let is_word = word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase());
        run = if is_word { run + 1 } else { 0 };
        assert!(run < SENTENCE, "an English sentence: {text}");
    }
    let has_chinese = text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    assert!(has_chinese, "not in Chinese: {text}");
}

fn require_whole(text: &str) {
    // The place of an event or of an entry in a field.
    let text = text.replace("[0]", "").replace("[3]", "");
    assert!(!text.is_empty() && !text.contains(['{', '}', '[', ']']), "{text}");
}

fn no_other(_: &str, _: &str) -> Option<String> {
    None
}

#[test]
fn every_rule_is_rendered_in_both_languages_from_its_values() {
    for rule in RuleId::iter() {
        for has_optional in [false, true] {
            let metadata = metadata(rule, has_optional);
            let stated = Stated {
                reason: "",
                rule_id: rule.as_str(),
                metadata: &metadata,
                is_covered: false,
            };
            for lang in LANGUAGES {
                let message = stated.message(lang, no_other).unwrap();
                let basis = stated.rule(lang).unwrap();
                require_whole(&message);
                if lang == Lang::Zh {
                    require_chinese(&message);
                }
                for (key, value) in &metadata {
                    let word = match lang {
                        Lang::En => fault::english_word(key, value),
                        Lang::Zh => values::chinese(key, value),
                    };
                    let shows = message.contains(&word) || basis.contains(&word);
                    assert!(shows, "{rule:?} lacks {key} {word}: {message} ({basis})");
                }
            }
        }
    }
}

#[test]
fn the_templates_of_a_rule_have_the_same_keys_in_both_languages() {
    for rule in RuleId::iter() {
        let of = |(message, basis): (&'static str, &'static str)| {
            let keys = |template| fault::keys(template).map(|key| (key.name, key.is_optional));
            let both: BTreeSet<_> = keys(message).chain(keys(basis)).collect();
            (both, basis.is_empty())
        };
        assert_eq!(of(rule.english()), of(rules::chinese(rule)), "{rule:?}");
    }
}

/// A key of the metadata, a value of it, and whether it is always there.
type Known = (String, String, bool);

/// The reasons of the protocol with the metadata that their comments show, and whether a value is
/// always there.
fn documented() -> Vec<(String, Vec<Known>)> {
    let (mut found, mut comment) = (Vec::new(), String::new());
    let proto = include_str!("../../../../proto/tidu/v1/error_reason.proto");
    for line in proto.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("//") {
            comment.push_str(text);
            continue;
        }
        let comment = std::mem::take(&mut comment);
        let name = line.strip_prefix("ERROR_REASON_").and_then(|rest| rest.split(' ').next());
        let Some(name) = name.filter(|name| *name != "UNSPECIFIED") else { continue };
        let shown = comment.rsplit_once('{').unwrap().1.split_once('}').unwrap().0;
        let entry = |entry: &str| {
            let mut parts = entry.trim_start_matches('"').split('"');
            let key = parts.next().filter(|key| !key.is_empty())?;
            let value = parts.nth(1).unwrap();
            Some((key.to_owned(), value.to_owned(), !entry.contains(" where ")))
        };
        found.push((name.to_owned(), shown.split(", \"").filter_map(entry).collect()));
    }
    assert!(found.len() > 100, "the reasons were not read");
    found
}

#[test]
fn every_reason_is_rendered_in_both_languages_from_its_metadata() {
    for (reason, entries) in documented() {
        for has_all in [false, true] {
            let shown = entries.iter().filter(|(.., always)| has_all || *always);
            let metadata: HashMap<String, String> =
                shown.map(|(key, value, _)| (key.clone(), value.clone())).collect();
            let stated =
                Stated { reason: &reason, rule_id: "", metadata: &metadata, is_covered: false };
            for lang in LANGUAGES {
                let message = stated.message(lang, no_other).unwrap();
                require_whole(&message);
                if lang == Lang::Zh {
                    require_chinese(&message);
                }
                for (key, value) in &metadata {
                    let word = match lang {
                        Lang::En => fault::english_word(key, value),
                        Lang::Zh => values::chinese(key, value),
                    };
                    assert!(message.contains(&word), "{reason} lacks {key}: {message}");
                }
            }
        }
    }
}

#[test]
fn a_reason_has_a_text_without_its_values_and_no_other_has_it() {
    for lang in LANGUAGES {
        let mut seen = HashMap::new();
        for (reason, _) in documented() {
            let stated = Stated {
                reason: &reason,
                rule_id: "",
                metadata: &HashMap::new(),
                is_covered: false,
            };
            let text = stated.message(lang, no_other).unwrap();
            require_whole(&text);
            if let Some(other) = seen.insert(text.clone(), reason.clone()) {
                panic!("{reason} and {other}: {text}");
            }
        }
    }
}

#[test]
fn a_fault_that_this_version_does_not_know_has_the_words_of_the_server() {
    let fault = pb::Rejection {
        reason: "OF_A_NEWER_SERVER".to_owned(),
        rule_id: "of-a-newer-server".to_owned(),
        ..Default::default()
    };
    for lang in LANGUAGES {
        assert_eq!(stated(&fault).message(lang, no_other), None);
        assert_eq!(stated(&fault).rule(lang), None);
    }
    // The rule is new, and its reason is known.
    let known = pb::Rejection { reason: "USCC_FORM".to_owned(), ..fault };
    let text = stated(&known).message(Lang::Zh, no_other).unwrap();
    assert!(text.contains("统一社会信用代码"), "{text}");
}

#[test]
fn a_fault_of_hidden_events_and_one_without_its_values_tell_nothing_of_them() {
    let rule_id = RuleId::DesignatedTwice.as_str().to_owned();
    let reason = "DUPLICATE_IN_LIST".to_owned();
    let mut fault = pb::Rejection { rule_id, reason, ..Default::default() };
    let incomplete = stated(&fault).message(Lang::Zh, no_other).unwrap();
    assert_eq!(incomplete, "同一认定对象在名单中出现两次");
    fault.conflicts_not_shown = 2;
    assert_eq!(stated(&fault).message(Lang::Zh, no_other).unwrap(), COVERED[1]);
}

#[test]
fn the_caller_may_give_an_earlier_event_another_word() {
    let metadata = [("batch", "4"), ("earlier_event", "events[3]")];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let rule_id = RuleId::DesignatedTwice.as_str().to_owned();
    let fault = pb::Rejection { rule_id, metadata, ..Default::default() };
    let row = |key: &str, _: &str| (key == "earlier_event").then(|| "第 5 行".to_owned());
    let text = stated(&fault).message(Lang::Zh, row).unwrap();
    assert_eq!(text, "已在批次 4 中认定，见第 5 行");
    let text = stated(&fault).message(Lang::Zh, no_other).unwrap();
    assert_eq!(text, "已在批次 4 中认定，见本次请求的 events[3]");
}

#[test]
fn every_value_with_a_word_has_one_in_chinese() {
    for who in fault::Entitled::iter() {
        require_chinese(&values::chinese("entitled", &who.to_string()));
    }
    assert_eq!(values::chinese("kind", "review_passed"), pb::EventKind::ReviewPassed.chinese());
    assert_eq!(values::chinese("programmes", "x, little-giant").split_once('或').unwrap().0, "x");
    assert_eq!(values::chinese("region", "440300"), "深圳市（440300）");
    assert_eq!(values::chinese("superseded", "the title had en…"), "此时称号已终止");
    assert_eq!(values::chinese("superseded", "a newer cause"), "a newer cause");
}

#[test]
fn the_chinese_page_of_errors_has_the_templates() {
    let page = include_str!("../../../../docs/errors.zh-CN.md");
    for rule in RuleId::iter() {
        let (message, basis) = rules::chinese(rule);
        let basis = if basis.is_empty() { String::new() } else { format!(" `{basis}`") };
        let (begin, end) =
            (format!("| `{}` | ", rule.as_str()), format!(" | `{message}` |{basis} |"));
        let has_row = |line: &str| line.starts_with(&begin) && line.ends_with(&end);
        assert!(page.lines().any(has_row), "docs/errors.zh-CN.md lacks:\n{begin}…{end}");
    }
}
