//! Faults in words, from their structured values alone: the reason, the rule and the metadata.
//!
//! English shows the server's own message, which has the same words. Chinese is made here. For a
//! reason of a newer server, the message of the server remains.

mod rules;
mod table;
mod values;

use std::collections::HashMap;

use super::cells::Cell;
use crate::{
    domain::fault::{self, RuleId},
    lang::Lang,
    protocol::pb::{self, ErrorReason},
};

/// The text for a fault that rests on events which the caller may not read.
const COVERED: [&str; 2] =
    ["is in conflict with events that the caller may not read", "与调用方无权查看的事件冲突"];

/// A fault as the protocol states it.
#[derive(Clone, Copy)]
pub(super) struct Stated<'a> {
    pub(super) reason: &'a str,
    /// Empty if no rule of a value or an event is broken.
    pub(super) rule_id: &'a str,
    pub(super) metadata: &'a HashMap<String, String>,
    /// True if its values are not for the caller.
    pub(super) is_covered: bool,
}

impl<'a> Stated<'a> {
    /// The fault in a language; `None` if this version knows neither its rule nor its reason.
    /// `word` gives a value another word than the usual one.
    pub(super) fn message(
        self,
        lang: Lang,
        word: impl Fn(&str, &str) -> Option<String>,
    ) -> Option<String> {
        if self.is_covered {
            return Some(lang.of(COVERED[0], COVERED[1]).to_owned());
        }
        let of_rule = || self.templates(lang).and_then(|(text, _)| self.filled(text, lang, &word));
        of_rule().or_else(|| self.filled(template_of(self.reason, lang)?, lang, &word))
    }

    /// The rule behind it; empty if there is none, `None` if this version does not know it.
    pub(super) fn rule(self, lang: Lang) -> Option<String> {
        let (_, rule) = self.templates(lang)?;
        Some(self.filled(rule, lang, &|_, _| None).unwrap_or_default())
    }

    fn templates(self, lang: Lang) -> Option<(&'static str, &'static str)> {
        let rule: RuleId = self.rule_id.parse().ok()?;
        Some(lang.of(rule.english(), rules::chinese(rule)))
    }

    /// A template with its values; `None` if one is missing that it needs.
    fn filled(
        self,
        template: &'static str,
        lang: Lang,
        word: &dyn Fn(&str, &str) -> Option<String>,
    ) -> Option<String> {
        let value = |key: &str| {
            let value = self.metadata.get(key).filter(|value| !value.is_empty())?;
            Some(word(key, value).unwrap_or_else(|| match lang {
                Lang::En => fault::english_word(key, value),
                Lang::Zh => values::chinese(key, value),
            }))
        };
        let has_all = fault::keys(template).all(|key| key.is_optional || value(key.name).is_some());
        has_all.then(|| fault::fill(template, value))
    }
}

/// The template of a reason of the protocol, without its prefix: `USCC_FORM`.
fn template_of(reason: &str, lang: Lang) -> Option<&'static str> {
    let reason = ErrorReason::from_str_name(&format!("ERROR_REASON_{reason}"))?;
    let [en, zh] = table::texts(reason);
    Some(lang.of(en, zh))
}

/// The cell of a reason: its name, or its text in Chinese.
pub(crate) fn reason_cell(reason: &str) -> Cell {
    let stated = Stated { reason, rule_id: "", metadata: &HashMap::new(), is_covered: false };
    match Lang::current() {
        Lang::En => reason.into(),
        Lang::Zh => match stated.message(Lang::Zh, |_, _| None) {
            Some(text) => Cell::of(reason, text),
            None => reason.into(),
        },
    }
}

/// The message of a rejection, in the language of the process.
pub(crate) fn fault_message(fault: &pb::Rejection) -> String {
    fault_message_with(fault, |_, _| None)
}

/// The message of a rejection; `word` gives a value another word in Chinese, by its key: the place
/// of an earlier event.
pub(crate) fn fault_message_with(
    fault: &pb::Rejection,
    word: impl Fn(&str, &str) -> Option<String>,
) -> String {
    let message = match Lang::current() {
        Lang::En => None,
        Lang::Zh => stated(fault).message(Lang::Zh, word),
    };
    message.unwrap_or_else(|| fault.message.clone())
}

/// The rule behind a rejection, in the language of the process; may be empty.
pub(crate) fn fault_rule(fault: &pb::Rejection) -> String {
    let rule = match Lang::current() {
        Lang::En => None,
        Lang::Zh => stated(fault).rule(Lang::Zh),
    };
    rule.unwrap_or_else(|| fault.rule.clone())
}

fn stated(fault: &pb::Rejection) -> Stated<'_> {
    Stated {
        reason: &fault.reason,
        rule_id: &fault.rule_id,
        metadata: &fault.metadata,
        is_covered: fault.conflicts_not_shown > 0,
    }
}

#[cfg(test)]
mod tests;
