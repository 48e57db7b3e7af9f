//! Batches: their ordinal, with the year where batches are counted anew each year.

use unicode_normalization::UnicodeNormalization;

use super::{chinese_number, dates::number};
use crate::import::error::echo_on_one_line;

/// A batch: `第四批`, `第4批`, `4` are `4`; `2023年第二批` is `2023-2`.
pub(in crate::import) fn batch(text: &str) -> Result<String, String> {
    let folded: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    if !folded.is_empty() && folded.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(folded);
    }
    let read = || {
        let body = folded.trim_end_matches('次').trim_end_matches('批');
        let (year, rest) = match body.split_once('年') {
            Some((year, rest)) => (number(year, 4..=4).map(Some)?, rest.trim_start_matches('度')),
            None => (None, body),
        };
        let ordinal = rest.strip_prefix('第').unwrap_or(rest);
        match (year, ordinal) {
            (Some(year), "") => Some(year.to_string()),
            (Some(year), ordinal) => Some(format!("{year}-{}", chinese_number(ordinal)?)),
            (None, ordinal) => chinese_number(ordinal).map(|number| number.to_string()),
        }
    };
    read().ok_or_else(|| {
        format!("{} is not a batch; write 第四批, 4 or 2023-2", echo_on_one_line(text))
    })
}
