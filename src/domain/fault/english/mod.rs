//! The texts of the rules in English: one template for the fault and one for the rule.
//!
//! Another language needs tables like those of [`texts`] and a function like [`word`].

mod facts;
mod sources;
mod texts;

use std::borrow::Cow;

use super::{Entitled, Key, RuleId};

/// The templates of a rule.
#[derive(Clone, Copy)]
pub(super) struct Texts {
    /// The fault.
    pub(super) message: &'static str,
    /// The rule behind it, with its official document where there is one; may be empty.
    pub(super) rule: &'static str,
}

/// The rules in the order of their ids: the text of a fault, and that of the rule.
pub(super) fn texts() -> impl Iterator<Item = &'static (RuleId, &'static str, &'static str)> {
    texts::TEXTS.iter().chain(facts::TEXTS)
}

/// The templates of a rule.
pub(super) fn of(rule: RuleId) -> Texts {
    let found = texts().find(|(id, ..)| *id == rule);
    found.map_or(Texts { message: "", rule: "" }, |(_, message, rule)| Texts { message, rule })
}

/// A value as it reads in a sentence.
pub(super) fn word(key: Key, value: &str) -> String {
    match key {
        Key::Programmes => value.replace(", ", " or "),
        Key::Entitled => value.split(", ").map(entitled).collect::<Vec<_>>().join(", or "),
        _ => value.to_owned(),
    }
}

fn entitled(word: &str) -> Cow<'_, str> {
    let Ok(entitled) = word.parse() else { return Cow::Borrowed(word) };
    Cow::Borrowed(match entitled {
        Entitled::DecidingMinistry => "the ministry (100000), which decides",
        Entitled::DecidingAuthority => "a provincial-level authority, which decides",
        Entitled::Recommender => "a recommending provincial-level authority",
        Entitled::Ministry => "the ministry (100000)",
        Entitled::Provincial => "a provincial-level authority",
        Entitled::Involved => {
            "an authority that decided on, recommended or is responsible for the designee"
        }
        Entitled::Target => "the authority on either side of the move",
        Entitled::Sublist => "the authority of the sub-list",
        Entitled::Any => "any authority",
        Entitled::Nobody => "nobody yet",
    })
}
