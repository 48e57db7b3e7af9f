//! Decodes UTF-8, UTF-16 with a byte order mark, and otherwise GB 18030. A byte that cannot be
//! decoded is an error and is never replaced.

use encoding_rs::{DecoderResult, Encoding, GB18030, UTF_8};

use super::error::FileFault;
use crate::limits::UTF8_EVIDENCE_CHARS;

/// The text, with `\n` as its only line break, and the name of its encoding.
pub(super) fn decode(bytes: &[u8]) -> Result<(String, &'static str), FileFault> {
    if bytes.starts_with(b"%PDF") {
        return Err(FileFault::Foreign { what: "a PDF file" });
    }
    let (text, encoding) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) if encoding == UTF_8 => {
            (utf8(after(bytes, length)).map_err(damaged)?, "UTF-8")
        }
        Some((encoding, length)) => (decode_as(encoding, after(bytes, length))?, "UTF-16"),
        None => match utf8(bytes) {
            Ok(text) => (text, "UTF-8"),
            Err(good) if is_utf8_until(good) => return Err(damaged(good)),
            Err(_) => (decode_as(GB18030, bytes)?, "GB 18030"),
        },
    };
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    reject_foreign(&text)?;
    Ok((text, encoding))
}

/// The text, or the valid part before the first fault.
fn utf8(bytes: &[u8]) -> Result<String, &str> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        std::str::from_utf8(good).unwrap_or_default()
    })
}

fn is_utf8_until(good: &str) -> bool {
    good.chars().filter(|c| u32::from(*c) >= 0x800).count() >= UTF8_EVIDENCE_CHARS
}

fn damaged(good: &str) -> FileFault {
    FileFault::Encoding { encoding: "UTF-8", line: last_line(good) }
}

fn decode_as(encoding: &'static Encoding, bytes: &[u8]) -> Result<String, FileFault> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let needed = decoder.max_utf8_buffer_length_without_replacement(bytes.len());
    let mut text = String::with_capacity(needed.unwrap_or(bytes.len()));
    let (result, _) = decoder.decode_to_string_without_replacement(bytes, &mut text, true);
    match result {
        DecoderResult::InputEmpty => Ok(text),
        DecoderResult::OutputFull | DecoderResult::Malformed(..) => {
            let encoding = if encoding == GB18030 { "UTF-8 or GB 18030" } else { "UTF-16" };
            Err(FileFault::Encoding { encoding, line: last_line(&text) })
        }
    }
}

fn after(bytes: &[u8], length: usize) -> &[u8] {
    bytes.get(length..).unwrap_or_default()
}

/// Number of the line in which a text ends; CRLF, LF and CR each end one.
fn last_line(text: &str) -> u32 {
    let breaks = text.matches('\n').count() + text.matches('\r').count();
    u32::try_from(breaks - text.matches("\r\n").count()).unwrap_or(u32::MAX).saturating_add(1)
}

/// Refuses files that often pass for lists: web pages saved as `.xls`, JSON arrays, binary files.
fn reject_foreign(text: &str) -> Result<(), FileFault> {
    let start = text.trim_start();
    let what = match () {
        () if start.starts_with('<') => "HTML or XML",
        () if start.starts_with('[') => "a JSON array (JSON lines have one object a line)",
        () if text.contains('\0') => "a binary file, or UTF-16 without a byte order mark",
        () => return Ok(()),
    };
    Err(FileFault::Foreign { what })
}
