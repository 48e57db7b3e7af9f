//! The two axes of every answer: the day it is about, and the log size that it rests on.

use crate::domain::CivilDate;

/// The day and the log size that a question is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsOf {
    /// The day to answer for.
    pub valid_on: CivilDate,
    /// The log size to answer for: later events are not known.
    pub known_at: u64,
}
