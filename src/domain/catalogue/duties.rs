//! Duties of every holder, in any programme.

use serde::Deserialize;

use crate::domain::{CivilDate, PartialDate};

/// Duties of every holder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duties {
    /// Last month and day for the yearly information update.
    pub update_by: MonthDay,
    /// Months within which a major change is reported.
    pub report_months: u32,
    /// The document behind it.
    pub document: String,
}

/// A day of every year: `04-30`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct MonthDay(i32, i32);

impl MonthDay {
    /// The day in a year.
    #[must_use]
    pub fn of_year(self, year: i16) -> Option<CivilDate> {
        let parts = PartialDate::parse_parts(year.into(), self.0, self.1);
        parts.ok().map(PartialDate::first_day)
    }
}

impl TryFrom<String> for MonthDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts = text
            .split_once('-')
            .and_then(|(month, day)| Some(Self(month.parse().ok()?, day.parse().ok()?)));
        let day = parts.filter(|day| day.of_year(2023).is_some());
        day.ok_or_else(|| format!("{text:?} is not a month and a day like 04-30"))
    }
}
