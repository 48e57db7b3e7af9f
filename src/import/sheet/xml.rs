//! Small helps for the XML of workbooks. The reader is the one that calamine uses, set alike, so
//! that both see the same elements.

use std::{
    borrow::Cow,
    io::{BufReader, Read},
};

use memchr::memchr;
use quick_xml::{
    Reader,
    escape::unescape,
    events::{BytesRef, BytesStart, Event},
};

use crate::{import::error::FileFault, lang::Both};

/// A file of XML that is read as it unpacks.
pub(super) struct Xml<R: Read> {
    format: &'static str,
    reader: Reader<BufReader<R>>,
}

impl<R: Read> Xml<R> {
    pub(super) fn new(format: &'static str, source: R) -> Self {
        let mut reader = Reader::from_reader(BufReader::new(source));
        let config = reader.config_mut();
        config.check_end_names = false;
        config.check_comments = false;
        config.expand_empty_elements = true;
        Self { format, reader }
    }

    /// The next event, which `buffer` holds.
    pub(super) fn next<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Event<'b>, FileFault> {
        buffer.clear();
        self.reader.read_event_into(buffer).map_err(|error| damaged(self.format, &error))
    }

    /// Passes over the rest of an element whose start was the last event; `name` is its name.
    pub(super) fn skip(&mut self, name: &str) -> Result<(), FileFault> {
        let (mut depth, mut buffer) = (1_u32, Vec::new());
        while depth > 0 {
            match self.next(&mut buffer)? {
                Event::Start(element) if element.name().as_ref() == name => depth += 1,
                Event::End(element) if element.name().as_ref() == name => depth -= 1,
                Event::Eof => return Err(self.cut()),
                _ => {}
            }
        }
        Ok(())
    }

    /// The fault of a file that ends inside an element.
    pub(super) fn cut(&self) -> FileFault {
        FileFault::Workbook {
            format: self.format,
            cause: Both::word("one of its files is cut off", "其中一个文件不完整"),
        }
    }
}

pub(super) fn damaged(format: &'static str, cause: &dyn std::error::Error) -> FileFault {
    FileFault::Workbook { format, cause: Both::same(&cause.to_string()) }
}

/// The value of an attribute as it is written. A name without a prefix is found under any.
pub(super) fn attribute<'a>(element: &'a BytesStart<'_>, name: &str) -> Option<&'a str> {
    let mut rest = element.attributes_raw();
    loop {
        let equals = memchr(b'=', rest.as_bytes())?;
        let (key, behind) = (rest.get(..equals)?.trim_ascii(), rest.get(equals + 1..)?);
        let behind = behind.trim_ascii_start();
        let quote = behind.bytes().next().filter(|b| matches!(b, b'"' | b'\''))?;
        let behind = behind.get(1..)?;
        let end = memchr(quote, behind.as_bytes())?;
        let is_named =
            key == name || key.strip_suffix(name).is_some_and(|prefix| prefix.ends_with(':'));
        if is_named {
            return behind.get(..end);
        }
        rest = behind.get(end + 1..)?;
    }
}

/// The value of an attribute, with its entities replaced.
pub(super) fn decoded<'a>(element: &'a BytesStart<'_>, name: &str) -> Option<Cow<'a, str>> {
    let raw = attribute(element, name)?;
    Some(unescape(raw).unwrap_or(Cow::Borrowed(raw)))
}

/// Whether an attribute of XML Schema's type boolean is true.
pub(super) fn is_true(value: Option<&str>) -> bool {
    value.is_some_and(|value| matches!(value.trim(), "1" | "true" | "on" | "t"))
}

/// Whether a height or a width is too small to see: `0`, `0.4`, `0.1mm`. Without a unit it counts
/// points or, for a column, characters.
pub(super) fn is_nothing(size: Option<&str>) -> bool {
    /// Half a point is less than what a screen shows.
    const SEEN_MIN: f64 = 0.5;
    let Some(size) = size.map(str::trim) else { return false };
    let number = size.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    let points = match size.get(number.len()..).unwrap_or_default() {
        "in" => 72.0,
        "cm" => 28.3,
        "mm" => 2.83,
        "pc" => 12.0,
        _ => 1.0,
    };
    number.trim().parse::<f64>().is_ok_and(|size| size * points < SEEN_MIN)
}

/// Appends the character of a reference: `&lt;`, `&#20225;`. An unknown one stays as it is.
pub(super) fn push_reference(text: &mut String, reference: &BytesRef<'_>) {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        text.push(character);
        return;
    }
    match reference.as_ref() {
        "lt" => text.push('<'),
        "gt" => text.push('>'),
        "amp" => text.push('&'),
        "apos" => text.push('\''),
        "quot" => text.push('"'),
        other => {
            text.push('&');
            text.push_str(other);
            text.push(';');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_nothing_below_half_a_point() {
        for size in ["0", "0.0", "0.49", " 0pt", "0cm", "0.1mm", "0.006in", "-1", "0%", "0px"] {
            assert!(is_nothing(Some(size)), "{size}");
        }
        for size in ["0.5", "15", "0.75pt", "0.45cm", "0.2mm", "0.007in", "1px", "", "x", "100%"] {
            assert!(!is_nothing(Some(size)), "{size}");
        }
        assert!(!is_nothing(None));
    }

    #[test]
    fn attributes_are_found_by_their_names() {
        let mut xml = Xml::new("XLSX", b"<a x:b='1' c = \"2 d='3'\" b='&lt;'/>".as_slice());
        let mut buffer = Vec::new();
        let Event::Start(element) = xml.next(&mut buffer).unwrap() else { panic!() };
        let of = |name| attribute(&element, name);
        assert_eq!((of("b"), of("c"), of("d")), (Some("1"), Some("2 d='3'"), None));
        assert_eq!((of("x:b"), of("y:b"), of("a")), (Some("1"), None, None));
        assert_eq!(decoded(&element, "c").as_deref(), Some("2 d='3'"));
    }
}
