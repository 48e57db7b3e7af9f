//! Texts that a spreadsheet would take for a formula. Lists that go out mark them with an
//! apostrophe, and reading takes the mark off.

use std::borrow::Cow;

/// Characters with which a formula can begin.
const FORMULA: [char; 4] = ['=', '+', '-', '@'];

/// A text as a cell that no spreadsheet computes.
#[must_use]
pub fn guard(text: &str) -> Cow<'_, str> {
    if is_formula(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The text of a cell that [`guard`] made; any other text as it is.
pub(super) fn unguard(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(text)
}

/// Whether a text begins like a formula, also behind apostrophes, so that each mark comes off.
fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(FORMULA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_begins_like_a_formula_comes_back_as_it_was() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("+86", "'+86"),
            ("-", "'-"),
            ("@sum", "'@sum"),
            ("'=1", "''=1"),
            ("''=1", "'''=1"),
            ("", ""),
            ("'", "'"),
            ("'甲'", "'甲'"),
            ("1=1", "1=1"),
        ] {
            assert_eq!(guard(text), cell, "{text}");
            assert_eq!(unguard(cell), text, "{cell}");
        }
        assert_eq!(unguard("'91440101400098641Q"), "'91440101400098641Q");
    }
}
