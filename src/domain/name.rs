//! Names: kept as published, matched on a folded key.

use unicode_normalization::UnicodeNormalization as _;

use super::{
    fault::{ParseError, Reason},
    limits::NAME_CHARS_MAX,
};

/// A name as published, with inner white space collapsed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(String);

impl Name {
    /// Reads a name.
    ///
    /// # Errors
    /// [`Reason::FieldInvalid`] if it is empty, too long or holds control characters.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let length = name.chars().count();
        let message = if length == 0 {
            "is empty".to_owned()
        } else if length > NAME_CHARS_MAX {
            format!("has {length} characters; {NAME_CHARS_MAX} are allowed")
        } else if name.chars().any(char::is_control) {
            "holds a control character".to_owned()
        } else {
            return Ok(Self(name));
        };
        Err(ParseError::new(Reason::FieldInvalid, message, ""))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The key under which names are matched: NFKC, upper case, without white space and without brackets (their content
/// stays).
#[must_use]
pub fn folded(name: &str) -> String {
    const BRACKETS: &[char] = &[
        '(', ')', '[', ']', '{', '}', '<', '>', '〔', '〕', '【', '】', '「', '」', '《', '》',
        '〈', '〉', '“', '”', '"',
    ];
    let kept = |c: &char| !c.is_whitespace() && !c.is_control() && !BRACKETS.contains(c);
    name.nfkc().filter(kept).flat_map(char::to_uppercase).collect()
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
        assert_eq!(Name::parse(" 甲\n乙 ").unwrap().as_str(), "甲 乙");
    }

    #[test]
    fn empty_long_and_broken_names_are_refused() {
        for bad in [String::new(), " ".into(), "长".repeat(129), "a\u{7}b".into()] {
            assert!(Name::parse(&bad).is_err(), "{bad:?}");
        }
    }
}
