//! Lines of text that people carry about: a heading, fields in their order, and a checksum.

/// The lines, each with its end.
pub(super) fn write(heading: &str, fields: &[(&str, String)]) -> String {
    let mut text = format!("{heading}\n");
    for (name, value) in fields {
        text.push_str(&format!("{name} {value}\n"));
    }
    let checksum = crc32c::crc32c(text.as_bytes());
    text.push_str(&format!("checksum {checksum:08x}\n"));
    text
}

/// The values of the fields; `None` unless the text is exactly what [`write`] makes of them.
pub(super) fn read<'a, const N: usize>(
    heading: &str,
    names: [&str; N],
    text: &'a str,
) -> Option<[&'a str; N]> {
    let mut lines = text.lines().skip(1);
    let mut values = [""; N];
    for (value, name) in values.iter_mut().zip(names) {
        *value = lines.next()?.strip_prefix(name)?.strip_prefix(' ')?;
    }
    let fields: Vec<_> = names.into_iter().zip(values.map(str::to_owned)).collect();
    (write(heading, &fields) == text).then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_was_cut_or_changed_is_not_read() {
        let text = write("tidu test 1", &[("a", "1".to_owned()), ("b", "x y".to_owned())]);
        assert_eq!(text, "tidu test 1\na 1\nb x y\nchecksum 0d6cfadb\n");
        assert_eq!(read("tidu test 1", ["a", "b"], &text), Some(["1", "x y"]));
        assert_eq!(read("tidu test 2", ["a", "b"], &text), None);
        assert_eq!(read("tidu test 1", ["a"], &text), None);
        for end in 0..text.len() {
            assert_eq!(read("tidu test 1", ["a", "b"], &text[..end]), None, "cut at {end}");
        }
        for at in 0..text.len() {
            for bit in 0..7 {
                let mut flipped = text.clone().into_bytes();
                flipped[at] ^= 1 << bit;
                let flipped = String::from_utf8(flipped).unwrap();
                assert_eq!(read("tidu test 1", ["a", "b"], &flipped), None, "{at}, {bit}");
            }
        }
        assert_eq!(read("tidu test 1", ["a", "b"], &format!("{text}\n")), None);
    }
}
