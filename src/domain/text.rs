//! The text of values in messages: shortened, or as hexadecimal digits.

use std::fmt::{Display, Write as _};

use crate::limits::{ECHO_BYTES_MAX, ECHO_CHARS_MAX, NAMED_ROWS_MAX};

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
pub(crate) fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most.saturating_sub('…'.len_utf8())));
        text.push('…');
    }
    text
}

/// A number of things, as in `1 row` and `2 rows`.
#[must_use]
pub fn counted(count: impl Display, thing: &str) -> String {
    let count = count.to_string();
    if count == "1" { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// Ascending numbers, in ranges: `3`, `3 to 402`, `3, 5 and 7 to 9`. Beyond the most ranges that
/// are named, numbers are only counted.
#[must_use]
pub fn ranges(numbers: &[u32]) -> String {
    let (spans, more) = spans(numbers);
    let mut named: Vec<String> = spans.iter().map(range).collect();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    match named.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        named => named.concat(),
    }
}

/// The first and the last of each range of ascending numbers, and how many numbers are beyond the
/// ranges that are named.
#[must_use]
pub fn spans(numbers: &[u32]) -> (Vec<(u32, u32)>, u32) {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    let mut more = 0;
    for number in numbers.iter().copied() {
        let is_room = ranges.len() < NAMED_ROWS_MAX;
        match ranges.last_mut() {
            Some((_, last)) if more == 0 && number.checked_sub(*last).is_some_and(|by| by <= 1) => {
                *last = number;
            }
            _ if is_room => ranges.push((number, number)),
            _ => more += 1,
        }
    }
    (ranges, more)
}

fn range((first, last): &(u32, u32)) -> String {
    if first == last { first.to_string() } else { format!("{first} to {last}") }
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

/// 32 bytes from their hexadecimal digits.
#[must_use]
pub fn unhex(digits: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    // A number may have a sign, which is not a digit.
    if digits.len() != 2 * bytes.len() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_named_in_ranges() {
        for (numbers, expected) in [
            (&[][..], ""),
            (&[3], "3"),
            (&[3, 4], "3 to 4"),
            (&[3, 3], "3"),
            (&[3, 5], "3 and 5"),
            (&[3, 5, 7, 8, 9], "3, 5 and 7 to 9"),
            (&[u32::MAX - 1, u32::MAX], "4294967294 to 4294967295"),
            (&[9, 2, 3], "9 and 2 to 3"),
        ] {
            assert_eq!(ranges(numbers), expected);
        }
        let apart: Vec<u32> = (0..u32::try_from(NAMED_ROWS_MAX).unwrap()).map(|n| 2 * n).collect();
        assert_eq!(ranges(&apart), "0, 2, 4, 6, 8, 10, 12 and 14");
        let longer = [&apart[..], &[15, 16]].concat();
        assert_eq!(ranges(&longer), "0, 2, 4, 6, 8, 10, 12 and 14 to 16");
        let past = [&longer[..], &[20, 21, 30]].concat();
        assert_eq!(ranges(&past), "0, 2, 4, 6, 8, 10, 12, 14 to 16 and 3 more");
    }

    #[test]
    fn a_count_has_its_number_in_grammar() {
        let count = |count: u32| counted(count, "row");
        assert_eq!([0, 1, 2].map(count), ["0 rows", "1 row", "2 rows"]);
    }

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
