//! Reads texts of lists as values of the API. A text with two readings is refused.

mod batches;
mod dates;
mod kinds;
mod numbers;
mod periods;
mod reasons;
mod words;

pub(super) use batches::batch;
pub(super) use dates::date;
pub(super) use kinds::{fact, kinds_in_title};
pub(super) use numbers::chinese_number;
pub(super) use periods::date_range;
pub(super) use reasons::reason;
pub(super) use words::{authority, programme, size, yes_or_no};
