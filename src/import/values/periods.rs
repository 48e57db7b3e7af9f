//! A first and a last day in one text.

use unicode_normalization::UnicodeNormalization;

use super::date;
use crate::{import::error::echo_on_one_line, protocol::pb};

/// First and last day of `2024-01-01至2026-12-31` or `2024.01-2026.12`.
pub(in crate::import) fn date_range(text: &str) -> Result<(pb::Date, pb::Date), String> {
    let folded: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    let folded = folded.replace("--", "至").replace(['到', '~', '〜', '—', '–', '―'], "至");
    // A hyphen also separates the parts of a date: only one of them leaves a date on each side.
    let mut splits = folded.char_indices().filter(|(_, c)| matches!(c, '至' | '-')).filter_map(
        |(at, separator)| {
            let (first, last) = folded.split_at(at);
            let last = last.trim_start_matches(separator);
            Some((range_end(first)?, range_end(last)?))
        },
    );
    match (splits.next(), splits.next()) {
        (Some(range), None) => Ok(range),
        _ => Err(format!(
            "{} is not a first and a last day; write 2024-01-01至2026-12-31. If it is the last day \
             alone, say so: --column valid_to=HEADER",
            echo_on_one_line(text)
        )),
    }
}

/// In a range `2024.1` is January: a spreadsheet keeps a range as text and drops no digit.
fn range_end(text: &str) -> Option<pb::Date> {
    date(&text.trim_matches(['从', '自', '止']).replace('.', "/")).ok()
}
