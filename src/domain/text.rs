//! The text of values in messages: shortened, or as hexadecimal digits.

use std::fmt::Write as _;

use crate::limits::{ECHO_BYTES_MAX, ECHO_CHARS_MAX};

/// Shortens a value so that an error can repeat it.
#[must_use]
pub fn echo(value: &str) -> String {
    let mut shortened: String = value.chars().take(ECHO_CHARS_MAX).collect();
    if shortened.len() < value.len() {
        shortened.push('…');
    }
    cut(shortened, ECHO_BYTES_MAX)
}

/// Cuts a text at a character, so that it and the mark for the rest have at most `most` bytes.
pub(super) fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most.saturating_sub('…'.len_utf8())));
        text.push('…');
    }
    text
}

/// Bytes as hexadecimal digits, in lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut_at_a_character() {
        assert_eq!(echo("短"), "短");
        let exact = "字".repeat(ECHO_CHARS_MAX);
        assert_eq!(echo(&exact), exact);
        assert_eq!(echo(&format!("{exact}字")), format!("{exact}…"));
        let wide = echo(&"𠮷".repeat(ECHO_CHARS_MAX));
        assert!(wide.ends_with("𠮷…") && wide.len() <= ECHO_BYTES_MAX, "{wide}");
    }

    #[test]
    fn a_byte_has_two_digits() {
        assert_eq!(hex(&[0x00, 0x0a, 0xff]), "000aff");
        assert_eq!(hex(&[]), "");
    }
}
