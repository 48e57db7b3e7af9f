//! Reads texts of lists as values of the API. A text with two readings is refused.

mod batches;
mod clocks;
mod codes;
mod dates;
mod english;
mod kinds;
mod numbers;
mod periods;
mod reasons;
mod words;

use unicode_normalization::UnicodeNormalization;

pub(super) use batches::{batch, kinds_of_batch};
pub use codes::OddCodes;
pub(super) use codes::{Code, code};
pub(super) use dates::{Day, Side, date, day, last_day, serial};
pub(super) use kinds::{fact, fact_under, kinds_in_title};
pub(super) use numbers::{chinese_number, row_number};
pub(super) use periods::{Period, period};
pub(super) use reasons::reason;
pub(super) use words::{authority, programme, size, yes_or_no};

use crate::domain::characters::is_hidden;

/// A text in NFKC, with plain spaces and without the characters that nobody sees.
pub(super) fn clean(text: &str) -> String {
    // Most cells hold ideographs and plain ASCII alone, which are in NFKC and are seen.
    let is_clean = |c: char| c.is_ascii_graphic() || matches!(c, '\u{4E00}'..='\u{9FFF}');
    if text.chars().all(is_clean) {
        return text.to_owned();
    }
    let plain = |c: char| match c {
        c if c.is_whitespace() => Some(' '),
        c => Some(c).filter(|c| !is_hidden(*c)),
    };
    text.nfkc().filter_map(plain).collect::<String>().trim().to_owned()
}
