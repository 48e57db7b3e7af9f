//! Characters that a reader does not see, or that change what a reader sees.

/// True for controls, line breaks, marks of writing direction, and characters without a shape: a
/// terminal obeys them, and two texts that differ in them look the same.
///
/// These are the categories Cc, Zl and Zp, the characters that Unicode lets a display ignore
/// (`Default_Ignorable_Code_Point`), marks of annotations, and the blank Braille pattern.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{AD}'
                | '\u{34F}'
                | '\u{61C}'
                | '\u{115F}'..='\u{1160}'
                | '\u{17B4}'..='\u{17B5}'
                | '\u{180B}'..='\u{180F}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{FE00}'..='\u{FE0F}'
                | '\u{FEFF}'
                | '\u{FFA0}'
                | '\u{FFF0}'..='\u{FFFB}'
                | '\u{FFFE}'..='\u{FFFF}'
                | '\u{1BCA0}'..='\u{1BCA3}'
                | '\u{1D173}'..='\u{1D17A}'
                | '\u{E0000}'..='\u{E0FFF}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_does_not_see_is_hidden() {
        for hidden in [
            '\0',
            '\t',
            '\n',
            '\r',
            '\u{7}',
            '\u{1B}',
            '\u{7F}',
            '\u{85}',
            '\u{9B}',
            '\u{AD}',
            '\u{34F}',
            '\u{61C}',
            '\u{115F}',
            '\u{1160}',
            '\u{17B4}',
            '\u{180B}',
            '\u{180E}',
            '\u{200B}',
            '\u{200D}',
            '\u{200E}',
            '\u{2028}',
            '\u{2029}',
            '\u{202A}',
            '\u{202E}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{2800}',
            '\u{3164}',
            '\u{FE0F}',
            '\u{FEFF}',
            '\u{FFA0}',
            '\u{FFF9}',
            '\u{1D173}',
            '\u{E0041}',
            '\u{E0100}',
        ] {
            assert!(is_hidden(hidden), "{}", hidden.escape_unicode());
        }
        for seen in ['a', ' ', '\u{A0}', 'é', '中', '　', '（', '·', '𠮷', '😀', '\u{E000}']
        {
            assert!(!is_hidden(seen), "{}", seen.escape_unicode());
        }
    }
}
