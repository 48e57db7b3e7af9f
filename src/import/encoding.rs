//! Decodes UTF-8, UTF-16, and otherwise GB 18030. A byte that cannot be
//! decoded is an error and is never replaced.

use encoding_rs::{DecoderResult, Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

use super::{
    error::FileFault,
    kind::{self, EXPORT as SAVE},
};
use crate::{
    lang::Both,
    limits::{BINARY_BYTES_PER_NUL, UTF8_EVIDENCE_CHARS, UTF16_BYTES_PER_NUL},
};

/// The text, with `\n` as its only line break, and the name of its encoding.
pub(super) fn decode(bytes: &[u8]) -> Result<(String, &'static str), FileFault> {
    let (text, encoding) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) if encoding == UTF_8 => {
            (utf8(after(bytes, length)).map_err(damaged)?, "UTF-8")
        }
        Some((encoding, length)) => (decode_as(encoding, after(bytes, length))?, "UTF-16"),
        None => unmarked(bytes)?,
    };
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    // Tools that add a mark to a text that has one already; and the end that DOS wrote.
    let text = text.trim_start_matches('\u{feff}').trim_end_matches('\u{1a}').to_owned();
    reject_foreign(&text)?;
    Ok((text, encoding))
}

/// A text without a byte order mark.
fn unmarked(bytes: &[u8]) -> Result<(String, &'static str), FileFault> {
    if let Some(text) = [UTF_16LE, UTF_16BE].into_iter().find_map(|half| utf16(bytes, half)) {
        return Ok((text, "UTF-16"));
    }
    match utf8(bytes) {
        Ok(text) => Ok((text, "UTF-8")),
        Err(good) if is_utf8_until(good) => Err(damaged(good)),
        Err(_) => Ok((decode_as(GB18030, bytes)?, "GB 18030")),
    }
}

/// UTF-16 without a mark. Separators, digits and line breaks have a NUL byte, always on the same
/// side. A damaged text has few, or it is UTF-8 but for them.
fn utf16(bytes: &[u8], encoding: &'static Encoding) -> Option<String> {
    let is_utf8 = || std::str::from_utf8(bytes).is_ok_and(|text| !text.is_ascii());
    if !bytes.contains(&0) || !bytes.len().is_multiple_of(2) || is_utf8() {
        return None;
    }
    let nul_at = usize::from(encoding == UTF_16LE);
    let halves = bytes.iter().skip(nul_at).step_by(2);
    let count = halves.filter(|byte| **byte == 0).count();
    if count.saturating_mul(UTF16_BYTES_PER_NUL) < bytes.len() {
        return None;
    }
    let text = decode_as(encoding, bytes).ok()?;
    let is_text = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    (text.contains(['\n', '\r']) && text.chars().all(is_text)).then_some(text)
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
    FileFault::Encoding { encoding: Both::word("UTF-8", "UTF-8"), line: last_line(good) }
}

fn decode_as(encoding: &'static Encoding, bytes: &[u8]) -> Result<String, FileFault> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let needed = decoder.max_utf8_buffer_length_without_replacement(bytes.len());
    let mut text = String::with_capacity(needed.unwrap_or(bytes.len()));
    let (result, _) = decoder.decode_to_string_without_replacement(bytes, &mut text, true);
    match result {
        DecoderResult::InputEmpty => Ok(text),
        DecoderResult::OutputFull | DecoderResult::Malformed(..) => {
            let encoding = match encoding == GB18030 {
                true => Both::word("UTF-8 or GB 18030", "UTF-8 或 GB 18030"),
                false => Both::word("UTF-16", "UTF-16"),
            };
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

/// Refuses texts that often pass for lists, and bytes that no text has.
fn reject_foreign(text: &str) -> Result<(), FileFault> {
    let start = text.trim_start();
    let (what, cure) = match () {
        () if start.starts_with("MIME-Version:") => {
            (Both::word("a web archive (MHTML)", "网页存档（MHTML）"), SAVE)
        }
        () if start.starts_with("ID;P") => (Both::word("a SYLK file", "SYLK 文件"), SAVE),
        () if text.contains('\0') => return Err(nul_bytes(text)),
        () => return Ok(()),
    };
    Err(kind::foreign(what, cure))
}

/// The fault of a text with NUL bytes: where the first are, or that it is no text at all.
fn nul_bytes(text: &str) -> FileFault {
    let all = text.matches('\0').count();
    if all.saturating_mul(BINARY_BYTES_PER_NUL) > text.len() && all > 1 {
        return kind::foreign(Both::word("a binary file", "二进制文件"), SAVE);
    }
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let before = text.split('\0').next().unwrap_or_default();
    let line = last_line(before);
    let of_line = text.split('\n').nth(before.matches('\n').count()).unwrap_or_default();
    FileFault::NulBytes { line, in_line: count(of_line.matches('\0').count()), count: count(all) }
}
