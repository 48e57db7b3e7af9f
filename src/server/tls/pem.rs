//! The sections of a PEM file, with the lines on which they begin. The decoder of the TLS library
//! tells no lines, and an operator with a chain of nine certificates needs them.

use std::str;

use rustls::pki_types::pem::{PemObject, SectionKind};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// One section of a PEM file.
#[derive(Debug)]
pub(super) struct Section {
    /// The line on which it begins, from 1.
    pub(super) line: usize,
    /// What it says that it has, such as `CERTIFICATE`.
    pub(super) label: String,
    /// What it has.
    pub(super) der: Vec<u8>,
}

/// A fault of a PEM file, and its line. The text never repeats a line: it may be one of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PemFault {
    pub(super) line: usize,
    pub(super) why: &'static str,
}

/// True if the bytes are a text with at least one section.
pub(super) fn is_pem(bytes: &[u8]) -> bool {
    let begin = BEGIN.as_bytes();
    bytes.windows(begin.len()).any(|window| window == begin)
}

/// Reads all sections. Text between them is left alone.
///
/// # Errors
/// [`PemFault`] of the first section that is not whole.
pub(super) fn sections(bytes: &[u8]) -> Result<Vec<Section>, PemFault> {
    let text = str::from_utf8(bytes)
        .map_err(|error| fault(line_of(bytes, error.valid_up_to()), "it is not a text"))?;
    let mut sections = Vec::new();
    // The first line of the section that is open, its label, and where it begins in the text.
    let mut open: Option<(usize, &str, usize)> = None;
    let mut at = 0;
    for (number, whole) in (1..).zip(text.split_inclusive('\n')) {
        let line = whole.trim();
        let next = at + whole.len();
        if let Some(label) = line.strip_prefix(BEGIN) {
            if let Some((line, ..)) = open {
                return Err(fault(line, "this section has no end before the next one begins"));
            }
            let label = label.strip_suffix(DASHES).ok_or(fault(number, "dashes are missing"))?;
            open = Some((number, label, at));
        } else if let Some(label) = line.strip_prefix(END) {
            let Some((begun, begun_as, from)) = open.take() else {
                return Err(fault(number, "a section ends here that never began"));
            };
            if label.strip_suffix(DASHES) != Some(begun_as) {
                return Err(fault(number, "the section that ends here has another name"));
            }
            let der = decode(bytes.get(from..next).unwrap_or_default());
            let der = der.ok_or(fault(begun, "the section that begins here is not base64"))?;
            sections.push(Section { line: begun, label: begun_as.to_owned(), der });
        }
        at = next;
    }
    match open {
        Some((line, ..)) => Err(fault(line, "the section that begins here has no end")),
        None => Ok(sections),
    }
}

fn fault(line: usize, why: &'static str) -> PemFault {
    PemFault { line, why }
}

/// `None` if it is not base64. A section of another kind than TLS knows is empty: nobody reads it.
fn decode(section: &[u8]) -> Option<Vec<u8>> {
    match <(SectionKind, Vec<u8>)>::pem_slice_iter(section).next() {
        Some(Ok((_, der))) => Some(der),
        Some(Err(_)) => None,
        None => Some(Vec::new()),
    }
}

fn line_of(bytes: &[u8], at: usize) -> usize {
    1 + bytes.iter().take(at).filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn sections_have_their_lines_and_other_text_is_left_alone() {
        let text = "subject: a name\n-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n\
                    \r\n-----BEGIN PRIVATE KEY-----\r\nBA==\r\n-----END PRIVATE KEY-----";
        let found = sections(text.as_bytes()).unwrap();
        let found: Vec<_> =
            found.iter().map(|s| (s.line, s.label.as_str(), s.der.as_slice())).collect();
        assert_eq!(found, [(2, "CERTIFICATE", &[1, 2, 3][..]), (6, "PRIVATE KEY", &[4][..])]);
        assert!(is_pem(text.as_bytes()) && !is_pem(b"-----BEGIN"));
    }

    #[test]
    fn a_fault_names_its_line() {
        let begin = "-----BEGIN CERTIFICATE-----\n";
        let end = "-----END CERTIFICATE-----\n";
        for (text, line) in [
            (format!("a\n{begin}AQID\n"), 2),
            (format!("{begin}AQID\n{begin}AQID\n{end}"), 1),
            (format!("{begin}A!ID\n{end}"), 1),
            (format!("{begin}AQID\n{end}{end}"), 4),
            (format!("{begin}AQID\n-----END X509 CRL-----\n"), 3),
            ("\n-----BEGIN CERTIFICATE\n".to_owned(), 2),
        ] {
            assert_eq!(sections(text.as_bytes()).unwrap_err().line, line, "{text}");
        }
        assert_eq!(sections(b"a\nb\n\xff").unwrap_err().line, 3);
    }
}
