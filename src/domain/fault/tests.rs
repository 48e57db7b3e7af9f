//! Every rule has a reason, texts and documented keys, and the values of its texts are bounded.

use std::collections::HashSet;

use strum::IntoEnumIterator as _;

use super::*;
use crate::limits::ECHO_CHARS_MAX;

/// Keys that an ErrorInfo has beside the metadata of a breach.
const PLACES: [&str; 6] = ["index", "field", "value", "conflicts", "rule", "rule_id"];

fn keys(rule: RuleId) -> Vec<template::NamedKey> {
    let english::Texts { message, rule } = english::of(rule);
    let mut seen = HashSet::new();
    let all = template::keys(message).chain(template::keys(rule));
    all.filter(|key| seen.insert(key.name)).collect()
}

#[test]
fn every_rule_has_texts_and_a_reason_once() {
    for rule in RuleId::iter() {
        let texts = english::texts().filter(|(id, ..)| *id == rule).count();
        assert_eq!((texts, Reason::rules(rule)), (1, 1), "{rule:?}");
        assert!(!english::of(rule).message.is_empty(), "{rule:?}");
    }
    let in_order: Vec<_> = english::texts().map(|(id, ..)| *id).collect();
    assert_eq!(in_order, RuleId::iter().collect::<Vec<_>>());
}

#[test]
fn every_key_of_a_text_is_in_the_list_of_keys() {
    for rule in RuleId::iter() {
        for key in keys(rule) {
            assert!(key.name.parse::<Key>().is_ok(), "{rule:?}: {}", key.name);
            assert!(!PLACES.contains(&key.name), "{rule:?}: {}", key.name);
        }
    }
}

/// A breach of a rule with the longest values.
pub(crate) fn longest(rule: RuleId) -> Breach {
    let long = "𠮷".repeat(ECHO_CHARS_MAX);
    let breach =
        |breach: Breach, key: template::NamedKey| breach.with(key.name.parse().unwrap(), &long);
    keys(rule).into_iter().fold(rule.into(), breach)
}

/// The keys in the comment of each rule, as the sources have them: `(rule, keys)`.
fn documented() -> Vec<(String, String)> {
    let source = include_str!("rule_id.rs").split("pub enum RuleId {").nth(1).unwrap();
    let (mut found, mut comment) = (Vec::new(), String::new());
    for line in source.split("\n}").next().unwrap().lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            comment.push_str(text);
        } else if let Some(name) = line.strip_suffix(',') {
            let keys = comment.split_once("Keys: ").map_or("", |(_, keys)| keys);
            found.push((name.to_owned(), keys.trim_end_matches('.').to_owned()));
            comment.clear();
        }
    }
    found
}

#[test]
fn the_comment_of_each_rule_names_its_keys() {
    let of = |rule: RuleId| {
        let shown = |key: template::NamedKey| {
            format!("{}{}", key.name, if key.is_optional { "?" } else { "" })
        };
        let mut shown: Vec<_> = keys(rule).into_iter().map(shown).collect();
        shown.sort_unstable();
        (format!("{rule:?}"), shown)
    };
    let sorted = |(rule, keys): (String, String)| {
        let mut keys: Vec<_> =
            keys.split(", ").filter(|key| !key.is_empty()).map(str::to_owned).collect();
        keys.sort_unstable();
        (rule, keys)
    };
    let documented: Vec<_> = documented().into_iter().map(sorted).collect();
    assert_eq!(documented, RuleId::iter().map(of).collect::<Vec<_>>());
}

#[test]
fn a_message_follows_from_the_rule_and_its_values() {
    let breach = RuleId::IssuerNotEntitled.with(Key::Kind, "designated");
    let breach = breach.with(Key::Entitled, "deciding-ministry, sublist, unheard-of");
    let message = "may not state designated; that is for the ministry (100000), which decides, or \
                   the authority of the sub-list, or unheard-of";
    assert_eq!(breach.message(), message);
    let breach = breach.with_any(Key::Programme, Some("little-giant"));
    assert!(breach.message().starts_with("may not state designated for little-giant; "));
    let breach = RuleId::PrerequisiteMissing.with(Key::Programmes, "a, b").with(Key::Day, "2026");
    assert_eq!(breach.message(), "no title of a or b is on record as in force on 2026");
    assert_eq!(breach.rule_text(), "the programme catalogue");
    let breach = breach.with(Key::Document, "〔2022〕63号");
    assert_eq!(breach.rule_text(), "the programme catalogue, after 〔2022〕63号");
    assert_eq!(breach.reason(), Reason::PrerequisiteMissing);
}

#[test]
#[should_panic(expected = "lacks a value")]
fn a_message_without_its_value_is_a_fault_of_the_server() {
    let _ = Breach::from(RuleId::UsccLength).message();
}

#[test]
#[should_panic(expected = "or has another")]
fn a_value_that_no_text_repeats_is_a_fault_of_the_server() {
    let _ = RuleId::NameEmpty.with(Key::Count, 7).message();
}

#[test]
fn everybody_who_is_entitled_has_words() {
    for who in Entitled::iter() {
        let words = english::word(Key::Entitled, &who.to_string());
        assert_ne!(words, who.to_string());
    }
}

#[test]
fn the_values_of_a_breach_are_cut() {
    let long = "名".repeat(ECHO_CHARS_MAX + 1);
    let breach = RuleId::AssessedTwice
        .with(Key::Region, &long)
        .with(Key::Year, &long)
        .with(Key::Assessor, &long);
    let bytes: usize = breach.metadata().map(|(_, value)| value.len()).sum();
    assert!(bytes <= METADATA_BYTES_MAX + 2 * '…'.len_utf8(), "{breach}");
    assert!(breach.metadata().all(|(_, value)| value.ends_with('…')), "{breach}");
}

/// A reason as the protocol writes it.
fn in_protocol(reason: Reason) -> String {
    let mut name = String::new();
    for letter in format!("{reason:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_uppercase());
    }
    name
}

#[test]
fn the_page_of_errors_lists_every_rule_and_word() {
    let page = include_str!("../../../docs/errors.md");
    let rules = RuleId::iter().map(|id| {
        let english::Texts { message, rule } = english::of(id);
        let rule = if rule.is_empty() { String::new() } else { format!("`{rule}`") };
        let reason = in_protocol(Reason::of(id));
        format!("| `{}` | {reason} | `{message}` | {rule} |", id.as_str())
    });
    let words = Entitled::iter()
        .map(|who| format!("| `{who}` | {} |", english::word(Key::Entitled, &who.to_string())));
    let expected: Vec<_> = rules.chain(words).map(|line| line.replace("  |", " |")).collect();
    let found: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
    for line in &expected {
        assert!(found.contains(&line.as_str()), "docs/errors.md lacks:\n{line}");
    }
    assert_eq!(found.len(), expected.len(), "docs/errors.md has a line too many");
}
