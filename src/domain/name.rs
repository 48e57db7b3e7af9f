//! Names: kept as published, matched on a folded key.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

use super::{
    characters::{code_point, require_visible},
    fault::{Breach, Key, RuleId},
};
use crate::limits::{NAME_CHARS_MAX, WRITTEN_TEXT_BYTES_MAX};

/// A name as published, with white space collapsed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    text: String,
    key: String,
}

impl Name {
    /// Reads a name.
    ///
    /// # Errors
    /// The rule that it breaks: it is empty, too long, or holds a character that nobody sees.
    pub fn parse(text: &str) -> Result<Self, Breach> {
        let text = published(text)?;
        Ok(Self { key: folded(&text), text: text.into_owned() })
    }

    /// A name from the log, as it is: whatever was recorded is read for ever.
    #[must_use]
    pub fn recorded(text: &str) -> Self {
        Self { key: folded(text), text: text.to_owned() }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its folded form, see [`folded`].
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// A name in the form that is kept: white space collapsed.
///
/// # Errors
/// As for [`Name::parse`].
pub fn published(text: &str) -> Result<Cow<'_, str>, Breach> {
    if text.len() <= NAME_CHARS_MAX && is_published(text) {
        return Ok(Cow::Borrowed(text));
    }
    let too_long = |text: &str| {
        let length = text.chars().count();
        RuleId::NameLength.with(Key::Count, length).with(Key::Limit, NAME_CHARS_MAX)
    };
    if text.len() > WRITTEN_TEXT_BYTES_MAX {
        return Err(too_long(text));
    }
    let text = text.trim();
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        return Err(RuleId::NameControlCharacter.with(Key::Character, code_point(c)));
    }
    require_visible(text)?;
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        return Err(RuleId::NameEmpty.into());
    }
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(too_long(&name));
    }
    Ok(Cow::Owned(name))
}

/// True for most names that stay as they are: plain characters, with single spaces between them.
fn is_published(text: &str) -> bool {
    let mut after_space = true;
    for c in text.chars() {
        if !is_plain(c) && (c != ' ' || after_space) {
            return false;
        }
        after_space = c == ' ';
    }
    !after_space
}

/// The key under which names are matched, and which provisional identifiers hold.
///
/// It is the name in NFKC, with ASCII in upper case, without white space, invisible characters,
/// brackets and quotation marks. Text inside brackets stays.
///
/// Folding a key gives the same key. Identifiers on record depend on every detail of the folding,
/// so it never changes.
#[must_use]
pub fn folded(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    for c in name.chars() {
        match fold_common(c) {
            Some(folded) => key.extend(folded),
            None => return folded_by_the_tables(name),
        }
    }
    key
}

fn folded_by_the_tables(name: &str) -> String {
    let dropped =
        |c: &char| c.is_whitespace() || c.is_control() || is_invisible(*c) || MARKS.contains(c);
    let kept = name.nfkc().filter(|c| !dropped(c)).map(|c| c.to_ascii_uppercase());
    // Characters that have become neighbours may compose, so the form is taken once more.
    kept.nfkc().collect()
}

/// True if the folded form of a name begins with `prefix`, which is folded.
#[must_use]
pub fn begins(name: &str, prefix: &str) -> bool {
    let mut wanted = prefix.chars();
    for c in name.chars() {
        match fold_common(c) {
            Some(None) => {}
            Some(Some(folded)) => match wanted.next() {
                Some(expected) if expected == folded => {}
                Some(_) => return false,
                None => return true,
            },
            None => return folded(name).starts_with(prefix),
        }
    }
    wanted.next().is_none()
}

/// Folds a common character to at most one character. `None` for other characters, whose folding
/// depends on their neighbours.
fn fold_common(c: char) -> Option<Option<char>> {
    match c {
        '\u{4E00}'..='\u{9FFF}' | '0'..='9' | 'A'..='Z' => Some(Some(c)),
        'a'..='z' => Some(Some(c.to_ascii_uppercase())),
        '（' | '）' | '“' | '”' | '《' | '》' => Some(None),
        _ if c.is_ascii_whitespace() || c.is_ascii_control() || MARKS.contains(&c) => Some(None),
        _ if c.is_ascii() => Some(Some(c)),
        _ => None,
    }
}

/// True for characters that stay as they are in a name, next to any other.
fn is_plain(c: char) -> bool {
    c.is_ascii_graphic() || matches!(c, '\u{4E00}'..='\u{9FFF}' | '（' | '）')
}

/// Brackets and quotation marks, as NFKC leaves them.
const MARKS: &[char] = &[
    '(', ')', '[', ']', '{', '}', '<', '>', '〔', '〕', '【', '】', '〖', '〗', '〈', '〉', '《',
    '》', '「', '」', '『', '』', '⟨', '⟩', '“', '”', '‘', '’', '"', '\'',
];

/// Characters without a glyph. Copied text contains them, and values that look the same would
/// differ.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}')
        || matches!(c, '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_as_published_and_match_folded() {
        let listed = Name::parse("瑞普(天津)生物药业有限公司").unwrap();
        assert_eq!(listed.as_str(), "瑞普(天津)生物药业有限公司");
        assert_eq!(folded(listed.as_str()), folded("瑞普（天津） 生物药业有限公司"));
        assert_eq!(folded("ＡＢc 公司"), "ABC公司");
        assert_eq!(Name::parse(" 甲\u{3000} 乙\n").unwrap().as_str(), "甲 乙");
    }

    #[test]
    fn keys_on_record_never_change() {
        assert_eq!(folded("ａｂ (c)　“小巨人”\u{200B}〔甲〕 ㈱ é ß"), "ABC小巨人甲株éß");
    }

    #[test]
    fn the_short_cut_folds_every_common_character_as_the_long_way_does() {
        for c in (0..0x1_0000).filter_map(char::from_u32) {
            if let Some(short) = fold_common(c) {
                assert_eq!(
                    folded_by_the_tables(&c.to_string()),
                    short.map(String::from).unwrap_or_default(),
                    "{c:?}"
                );
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn a_name_begins_as_its_key_does(name: String, prefix in "[a-z（甲]{0,2}") {
            let prefix = folded(&prefix);
            proptest::prop_assert_eq!(begins(&name, &prefix), folded(&name).starts_with(&prefix));
        }

        #[test]
        fn a_name_taken_as_published_stays_as_it_is(name in "[ a(（甲\u{200B}\t]{0,5}") {
            let long_way = name.split_whitespace().collect::<Vec<_>>().join(" ");
            proptest::prop_assert!(!is_published(&name) || (name == long_way && !name.is_empty()));
            proptest::prop_assert!(!is_published(&name) || require_visible(&name).is_ok());
        }

        #[test]
        fn folding_a_key_gives_the_same_key(name: String) {
            let key = folded(&name);
            proptest::prop_assert_eq!(folded(&key), key);
        }
    }

    #[test]
    fn empty_long_and_broken_names_are_refused() {
        let blanks = format!("a{}b", " ".repeat(WRITTEN_TEXT_BYTES_MAX));
        for bad in ["", " ", &"长".repeat(129), "a\u{7}b", "a\nb", "a\u{200B}", &blanks] {
            assert!(Name::parse(bad).is_err(), "{bad:?}");
        }
    }
}
