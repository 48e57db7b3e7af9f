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
    is_common: bool,
}

impl Name {
    /// Reads a name.
    ///
    /// # Errors
    /// The rule that it breaks: it is empty or too long, as written or folded, or holds a character
    /// that nobody sees.
    pub fn parse(text: &str) -> Result<Self, Breach> {
        let name = Self::of(published(text)?);
        // Only rare characters fold to several others: some to eighteen.
        if !name.is_common {
            let length = name.key.chars().count();
            if length > NAME_CHARS_MAX {
                let breach = RuleId::NameFoldedLength.with(Key::Count, length);
                return Err(breach.with(Key::Limit, NAME_CHARS_MAX));
            }
        }
        Ok(name)
    }

    /// A name from the log, as it is: whatever was recorded is read for ever.
    #[must_use]
    pub fn recorded(text: &str) -> Self {
        Self::of(Cow::Borrowed(text))
    }

    fn of(text: Cow<'_, str>) -> Self {
        let common = folded_common(&text);
        let is_common = common.is_some();
        let key = common.unwrap_or_else(|| folded_by_the_tables(&text));
        Self { key, text: text.into_owned(), is_common }
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

    /// True if the name folds at sight. The folding of any other one takes a hundred times as long,
    /// so whoever needs it again keeps the key.
    #[must_use]
    pub fn is_common(&self) -> bool {
        self.is_common
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
    folded_common(name).unwrap_or_else(|| folded_by_the_tables(name))
}

/// The key of a name of common characters, character by character. `None` for any other name.
fn folded_common(name: &str) -> Option<String> {
    let mut key = String::with_capacity(name.len());
    for c in name.chars() {
        if let Some(folded) = fold_common(c)? {
            key.push(folded);
        }
    }
    Some(key)
}

/// True if a text is the key of itself, as nearly all provisional identifiers are.
#[must_use]
pub fn is_folded(text: &str) -> bool {
    text.chars().all(|c| fold_common(c) == Some(Some(c))) || folded(text) == text
}

fn folded_by_the_tables(name: &str) -> String {
    let dropped =
        |c: &char| c.is_whitespace() || c.is_control() || is_invisible(*c) || MARKS.contains(c);
    let kept = name.nfkc().filter(|c| !dropped(c)).map(|c| c.to_ascii_uppercase());
    // Characters that have become neighbours may compose, so the form is taken once more.
    kept.nfkc().collect()
}

/// How a name of common characters begins, compared with a folded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// Its key is the text.
    Same,
    /// Its key is longer, and begins with the text.
    Longer,
    /// Its key does not begin with the text.
    Other,
}

/// Compares the key of a name with a folded text. At sight for a name of common characters, see
/// [`Name::is_common`]; of any other one the caller should have kept the key.
#[must_use]
pub fn compare(name: &str, text: &str) -> Beginning {
    let mut wanted = text.chars();
    for c in name.chars() {
        match fold_common(c) {
            Some(None) => {}
            Some(folded) => match wanted.next() {
                expected if expected == folded => {}
                Some(_) => return Beginning::Other,
                None => return Beginning::Longer,
            },
            None => return compare_keys(&folded(name), text),
        }
    }
    if wanted.next().is_none() { Beginning::Same } else { Beginning::Other }
}

/// As [`compare`], with the key of the name.
#[must_use]
pub fn compare_keys(key: &str, text: &str) -> Beginning {
    match key.strip_prefix(text) {
        Some("") => Beginning::Same,
        Some(_) => Beginning::Longer,
        None => Beginning::Other,
    }
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
        fn a_common_name_compares_as_its_key_does(
            name in "[a-zA（ 甲乙'1]{0,4}",
            text in "[A-Z甲乙1]{0,3}",
        ) {
            let expected = compare_keys(&folded(&name), &text);
            proptest::prop_assert_eq!(compare(&name, &text), expected);
        }

        #[test]
        fn a_name_is_common_if_each_of_its_characters_is(name: String) {
            let is_common = name.chars().all(|c| fold_common(c).is_some());
            proptest::prop_assert_eq!(Name::recorded(&name).is_common(), is_common);
            proptest::prop_assert_eq!(is_folded(&name), folded(&name) == name);
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

    /// U+FDFA is one character, and fifteen letters and three spaces in its compatibility form.
    #[test]
    fn a_name_is_bounded_in_its_folded_form_as_well() {
        let name = |letters: usize| format!("{}{}", "\u{FDFA}".repeat(8), "a".repeat(letters));
        let most = NAME_CHARS_MAX - 8 * 15;
        assert_eq!(Name::parse(&name(most)).unwrap().key().chars().count(), NAME_CHARS_MAX);
        let breach = Name::parse(&name(most + 1)).unwrap_err();
        assert_eq!(breach.rule(), RuleId::NameFoldedLength);
        let told: Vec<_> = breach.metadata().collect();
        assert_eq!(told, [("count", "129"), ("limit", "128")]);
        assert_eq!(Name::recorded(&name(most + 1)).key().chars().count(), NAME_CHARS_MAX + 1);
    }

    #[test]
    fn empty_long_and_broken_names_are_refused() {
        let blanks = format!("a{}b", " ".repeat(WRITTEN_TEXT_BYTES_MAX));
        for bad in ["", " ", &"长".repeat(129), "a\u{7}b", "a\nb", "a\u{200B}", &blanks] {
            assert!(Name::parse(bad).is_err(), "{bad:?}");
        }
    }
}
