//! Characters that a reader does not see, or that change what a reader sees. A caller's text must
//! not have them.
//!
//! These are, by the Unicode Character Database, version 16.0: the general categories Cc (controls
//! and line feeds), Cf (format characters, those of bidirectional text among them), Zl and Zp (line
//! and paragraph separators), and the property Default_Ignorable_Code_Point (characters without a
//! glyph). Four more are blank, though none of these properties says so, and two noncharacters are
//! U+FEFF read in the wrong order.
//!
//! Texts on record keep theirs: the folding of names and the reading of the log do not use this.

use super::fault::{Breach, Key, RuleId};

/// The union of the properties, by code point, first and last.
const HIDDEN: [(u32, u32); 32] = [
    (0x0000, 0x001F),
    (0x007F, 0x009F),
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x0600, 0x0605),
    (0x061C, 0x061C),
    (0x06DD, 0x06DD),
    (0x070F, 0x070F),
    (0x0890, 0x0891),
    (0x08E2, 0x08E2),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0x1_10BD, 0x1_10BD),
    (0x1_10CD, 0x1_10CD),
    (0x1_3430, 0x1_343F),
    (0x1_BCA0, 0x1_BCA3),
    (0x1_D173, 0x1_D17A),
    (0xE_0000, 0xE_0FFF),
    (0xFFFE, 0xFFFF),
    // Blank: OBJECT REPLACEMENT CHARACTER is in most fonts, the others are in all.
    (0x2800, 0x2800),
    (0xFFFC, 0xFFFC),
    (0x1_6FE4, 0x1_6FE4),
    (0x1_D159, 0x1_D159),
];

/// True for a character that a reader does not see, or that changes what a reader sees: a terminal
/// obeys it, or two texts that differ in it look the same.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    // Common characters skip the table.
    if matches!(c, ' '..='~' | '\u{4E00}'..='\u{9FFF}') {
        return false;
    }
    let c = u32::from(c);
    HIDDEN.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

/// Refuses a text with a character that it must not have.
///
/// # Errors
/// [`RuleId::CharacterNotAllowed`] with the first one.
pub fn require_visible(text: &str) -> Result<(), Breach> {
    match text.chars().find(|c| is_hidden(*c)) {
        Some(c) => Err(RuleId::CharacterNotAllowed.with(Key::Character, code_point(c))),
        None => Ok(()),
    }
}

/// A character as Unicode names it: `U+200B`.
pub(super) fn code_point(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

#[cfg(test)]
mod tests {
    use regex_syntax::hir::{Class, HirKind};

    use super::*;

    /// The characters of a class, as the tables of another crate have them.
    fn class(pattern: &str) -> Vec<char> {
        let parsed = regex_syntax::parse(pattern).unwrap();
        let HirKind::Class(Class::Unicode(class)) = parsed.kind() else { panic!("{pattern}") };
        class.ranges().iter().flat_map(|range| range.start()..=range.end()).collect()
    }

    #[test]
    fn the_table_is_that_of_unicode() {
        let properties = class(r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]");
        let more = ['\u{2800}', '\u{FFFC}', '\u{FFFE}', '\u{FFFF}', '\u{16FE4}', '\u{1D159}'];
        let expected = |c: char| properties.binary_search(&c).is_ok() || more.contains(&c);
        for c in '\0'..=char::MAX {
            assert_eq!(is_hidden(c), expected(c), "{}", code_point(c));
        }
    }

    #[test]
    fn a_breach_names_the_code_point() {
        for (text, expected) in [
            ("甲\u{7}", "U+0007"),
            ("\u{85}", "U+0085"),
            ("a\u{200B}", "U+200B"),
            ("a\u{E0041}b\u{3164}", "U+E0041"),
        ] {
            let breach = require_visible(text).unwrap_err();
            assert_eq!(breach.metadata().collect::<Vec<_>>(), [("character", expected)]);
        }
        for text in ["", " ", "é ß", "㈱《小巨人》", "\u{3000}", "\u{A0}", "𠮷", "e\u{301}"]
        {
            assert_eq!(require_visible(text), Ok(()), "{text}");
        }
    }
}
