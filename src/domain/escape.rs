//! Text from the wire, the record, file names and workbooks, as it is shown to people and written
//! to log lines.
//!
//! A terminal obeys some characters, others do not show. Somebody who chose a text could clear the
//! screen, or end the line and begin one that looks like an event of its own. So each of these
//! characters is shown by its number, to a terminal and to a pipe alike.

use std::{borrow::Cow, fmt::Write as _};

use super::characters::is_hidden;

/// The text with `\u{1b}` in the place of each hidden character, line breaks included.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    replaced(text, is_hidden, |shown, character| {
        shown.extend(character.escape_unicode());
    })
}

/// As [`escaped`], for a text of several lines. All lines but the first are indented, so that none
/// looks like a message of its own.
#[must_use]
pub fn escaped_lines(text: &str) -> String {
    let lines = text.lines().enumerate().map(|(number, line)| {
        let line = escaped(line);
        let indented = number == 0 || line.is_empty() || line.starts_with("  ");
        if indented { line.into_owned() } else { format!("  {line}") }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A JSON text with the same content, in which each hidden character is written as JSON escapes it.
/// Between the strings of a line of JSON there are none.
#[must_use]
pub fn escaped_json(line: &str) -> Cow<'_, str> {
    replaced(line, is_hidden, |shown, character| {
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(shown, "\\u{unit:04x}");
        }
    })
}

fn replaced(
    text: &str,
    is_replaced: impl Fn(char) -> bool,
    mut write: impl FnMut(&mut String, char),
) -> Cow<'_, str> {
    // Most texts have none.
    if !text.chars().any(&is_replaced) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_replaced(character) {
            write(&mut shown, character);
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRAP: &str = "甲\u{1B}[2J\n 9  designated\u{202E}\u{E0041}";

    #[test]
    fn hidden_characters_are_shown_by_their_number() {
        assert_eq!(escaped(TRAP), "甲\\u{1b}[2J\\u{a} 9  designated\\u{202e}\\u{e0041}");
        assert!(matches!(escaped("甲 → 乙"), Cow::Borrowed("甲 → 乙")));
    }

    #[test]
    fn no_line_of_several_looks_like_a_message_of_its_own() {
        let text = "tidu: no\ntidu: yes\u{7}\n   value: x\n\r";
        let expected = "tidu: no\n  tidu: yes\\u{7}\n   value: x\n  \\u{d}";
        assert_eq!(escaped_lines(text), expected);
    }

    #[test]
    fn json_keeps_its_content() {
        let line = serde_json::to_string(TRAP).unwrap();
        let shown = escaped_json(&line);
        assert!(!shown.chars().any(is_hidden), "{shown}");
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), TRAP);
    }
}
