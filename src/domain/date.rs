//! Civil dates in Asia/Shanghai: days without a time and without a zone. The present day is an
//! argument.

use std::{fmt, num::NonZeroU32, ops::RangeInclusive};

use jiff::{Timestamp, civil::Date, tz::Offset};

use super::{
    fault::{Breach, Key, RuleId},
    holidays,
};
use crate::limits::{YEAR_MAX, YEAR_MIN};

const SHANGHAI: Offset = Offset::constant(8);
/// Day 0, which no date names.
const EPOCH: Date = Date::constant(1899, 12, 31);

/// One day, as days since 31 December 1899. `Option<CivilDate>` takes no more room than a date.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CivilDate(NonZeroU32);

/// A day, a month or a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartialDate {
    year: i16,
    /// 0: the whole year.
    month: i8,
    /// 0: the whole month.
    day: i8,
}

impl CivilDate {
    /// The first day that a date can name.
    pub const MIN: Self = Self(NonZeroU32::MIN);
    /// The last day that a date can name; later than any event.
    pub const MAX: Self = Self(NonZeroU32::MIN.saturating_add(109_572));

    fn of(date: Date) -> Self {
        // At most 109,573 days, by the bounds of years.
        let days = u32::try_from(date.duration_since(EPOCH).as_hours() / 24);
        Self(days.ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN))
    }

    fn date(self) -> Date {
        EPOCH.saturating_add(jiff::Span::new().days(i64::from(self.0.get())))
    }

    fn days(self) -> u32 {
        self.0.get()
    }

    /// Its number, in the order of the days.
    #[must_use]
    pub fn number(self) -> u32 {
        self.days()
    }

    /// The day with a number that [`CivilDate::number`] gave.
    #[must_use]
    pub fn of_number(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self).filter(|day| *day <= Self::MAX)
    }

    /// Year.
    #[must_use]
    pub fn year(self) -> i16 {
        self.date().year()
    }

    /// Month, from 1.
    #[must_use]
    pub fn month(self) -> i8 {
        self.date().month()
    }

    /// Day of the month, from 1.
    #[must_use]
    pub fn day(self) -> i8 {
        self.date().day()
    }

    /// The day before; `None` for the first day.
    #[must_use]
    pub fn previous(self) -> Option<Self> {
        NonZeroU32::new(self.days() - 1).map(Self)
    }

    /// The day after; `None` for the last day.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self).filter(|day| *day <= Self::MAX)
    }

    /// True for a Saturday or Sunday.
    #[must_use]
    pub fn is_weekend(self) -> bool {
        // Day 0 was a Sunday: 0 is Monday.
        (self.days() + 6) % 7 >= 5
    }

    /// The days from this one to the other, both included.
    pub(super) fn days_to(self, to: Self) -> impl Iterator<Item = Self> {
        (self.days()..=to.days()).filter_map(|day| NonZeroU32::new(day).map(Self))
    }

    /// The same day `months` later, or the last day of that month.
    #[must_use]
    pub fn plus_months(self, months: u32) -> Self {
        let date = self.date().saturating_add(jiff::Span::new().months(i64::from(months)));
        Self::of(date).min(Self::MAX)
    }

    /// The last day of `years` years that begin on this day: 1 June 2019 and 3 years give 31 May
    /// 2022. A year that begins on 29 February ends on 28 February.
    #[must_use]
    pub fn plus_years_minus_day(self, years: u32) -> Self {
        let date = self.date();
        let year = i16::try_from(years).ok().and_then(|years| date.year().checked_add(years));
        let Some(year) = year.filter(|year| *year <= YEAR_MAX) else { return Self::MAX };
        match Date::new(year, date.month(), date.day()) {
            Ok(anniversary) => Self::of(anniversary).previous().unwrap_or(Self::MIN),
            // The year has no 29 February: the validity ends on the 28th.
            Err(_) => Date::new(year, 2, 28).map_or(Self::MAX, Self::of),
        }
    }

    /// Working days from this one to the other, both counted: weekdays without public holidays,
    /// and the weekend days on which people work instead.
    ///
    /// In years whose holidays are not known (see [`Self::years_without_holidays_to`]) weekdays
    /// count as working days.
    #[must_use]
    pub fn working_days_to(self, to: Self) -> u32 {
        let days = (to.days() + 1).saturating_sub(self.days());
        if days == 0 {
            return 0;
        }
        let rest = (self.days()..self.days() + days % 7).filter_map(NonZeroU32::new);
        let rest = rest.filter(|day| !Self(*day).is_weekend()).count();
        let weekdays = days / 7 * 5 + u32::try_from(rest).unwrap_or(0);
        weekdays.saturating_add_signed(holidays::added(self, to))
    }

    /// The years from this day to the other whose public holidays are not known.
    pub fn years_without_holidays_to(self, to: Self) -> impl Iterator<Item = i16> {
        let known: RangeInclusive<i16> = holidays::known_years();
        (self.year()..=to.year()).filter(move |year| !known.contains(year))
    }

    /// The day in Shanghai at an instant. Its offset has been UTC+8 since 1991.
    #[must_use]
    pub fn today_in_shanghai(now: Timestamp) -> Self {
        Self::of(SHANGHAI.to_datetime(now).date())
    }

    /// Midnight in Shanghai, with which the day begins.
    #[must_use]
    pub fn midnight_in_shanghai(self) -> Timestamp {
        SHANGHAI.to_timestamp(self.date().at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
    }
}

impl PartialDate {
    /// Reads the parts of a `google.type.Date`.
    ///
    /// # Errors
    /// [`RuleId::DateYear`] or [`RuleId::DateUnknown`].
    pub fn parse_parts(year: i32, month: i32, day: i32) -> Result<Self, Breach> {
        let year = i16::try_from(year).ok().filter(|year| (YEAR_MIN..=YEAR_MAX).contains(year));
        let year = year.ok_or_else(|| {
            RuleId::DateYear.with(Key::Least, YEAR_MIN).with(Key::Limit, YEAR_MAX)
        })?;
        let small = |part: i32| i8::try_from(part).ok().filter(|part| *part >= 0);
        let parts = small(month).zip(small(day));
        let parts = parts.filter(|(month, day)| match (*month, *day) {
            (0, 0) => true,
            (0, _) => false,
            (month, day) => Date::new(year, month, day.max(1)).is_ok(),
        });
        let (month, day) = parts.ok_or(RuleId::DateUnknown)?;
        Ok(Self { year, month, day })
    }

    /// Reads `2019-06-05`, `2019-06`, `2019`, also with slashes, dots or 年月日.
    ///
    /// # Errors
    /// [`RuleId::DateForm`], or as for [`Self::parse_parts`].
    pub fn parse_iso(text: &str) -> Result<Self, Breach> {
        let (year, month, day) = written_parts(text).ok_or(RuleId::DateForm)?;
        Self::parse_parts(year, month, day)
    }

    /// Its first day.
    #[must_use]
    pub fn first_day(self) -> CivilDate {
        let date = Date::new(self.year, self.month.max(1), self.day.max(1));
        date.map_or(CivilDate::MAX, CivilDate::of)
    }

    /// Its last day.
    #[must_use]
    pub fn last_day(self) -> CivilDate {
        let month = if self.month == 0 { 12 } else { self.month };
        let date = Date::new(self.year, month, self.day.max(1));
        date.map_or(CivilDate::MAX, |date| {
            CivilDate::of(if self.day == 0 { date.last_of_month() } else { date })
        })
    }

    /// Year, month (0: the whole year) and day (0: the whole month).
    #[must_use]
    pub fn parts(self) -> (i32, i32, i32) {
        (self.year.into(), self.month.into(), self.day.into())
    }
}

/// Year, month and day as written; 0 for a part that is not written.
fn written_parts(text: &str) -> Option<(i32, i32, i32)> {
    let number = |part: &str| {
        let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<i32>().ok().filter(|_| digits)
    };
    let trimmed = text.trim().trim_end_matches(['日', '月', '年']);
    let parts = trimmed.split(['-', '/', '.', '年', '月']).map(number);
    match *parts.collect::<Option<Vec<_>>>()? {
        [year] => Some((year, 0, 0)),
        [year, month] if month > 0 => Some((year, month, 0)),
        [year, month, day] if month > 0 && day > 0 => Some((year, month, day)),
        _ => None,
    }
}

impl fmt::Display for CivilDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

impl fmt::Debug for CivilDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fault::Reason;

    fn day(iso: &str) -> CivilDate {
        PartialDate::parse_iso(iso).unwrap().first_day()
    }

    #[test]
    fn dates_are_read_in_the_forms_people_write() {
        for text in ["2019-06-05", "2019/6/5", "2019.6.5", "2019年6月5日", " 2019-06-05 "] {
            assert_eq!(day(text).to_string(), "2019-06-05", "{text}");
        }
        let month = PartialDate::parse_iso("2024年2月").unwrap();
        assert_eq!(month.first_day().to_string(), "2024-02-01");
        assert_eq!(month.last_day().to_string(), "2024-02-29");
        let year = PartialDate::parse_iso("2023").unwrap();
        assert_eq!(year.last_day().to_string(), "2023-12-31");
        assert_eq!(year.parts(), (2023, 0, 0));
    }

    #[test]
    fn other_texts_and_days_are_refused() {
        for bad in
            ["", "2023-02-30", "2023-13-01", "2023-00-01", "2023-01-00", "1234567", "x", "1-2-3-4"]
        {
            let error = PartialDate::parse_iso(bad).unwrap_err();
            assert_eq!(error.reason(), Reason::DateInvalid, "{bad}");
        }
        for (year, month, day) in
            [(2023, 0, 5), (2023, 2, 29), (0, 1, 1), (2023, -1, 0), (2023, 1, 32)]
        {
            assert!(PartialDate::parse_parts(year, month, day).is_err(), "{year} {month} {day}");
        }
    }

    #[test]
    fn three_years_end_the_day_before_the_anniversary() {
        assert_eq!(day("2019-06-05").plus_years_minus_day(3).to_string(), "2022-06-04");
        assert_eq!(day("2025-11-08").plus_years_minus_day(3).to_string(), "2028-11-07");
        assert_eq!(day("2024-02-29").plus_years_minus_day(3).to_string(), "2027-02-28");
        assert_eq!(day("2024-02-29").plus_years_minus_day(4).to_string(), "2028-02-28");
        assert_eq!(day("2024-01-01").plus_years_minus_day(3).to_string(), "2026-12-31");
    }

    #[test]
    fn working_days_skip_weekends() {
        // The notice of 19 to 23 July 2021, Monday to Friday.
        assert_eq!(day("2021-07-19").working_days_to(day("2021-07-23")), 5);
        assert_eq!(day("2021-07-23").working_days_to(day("2021-07-26")), 2);
        assert_eq!(day("2021-07-24").working_days_to(day("2021-07-25")), 0);
        assert_eq!(day("2021-07-01").working_days_to(day("2021-07-31")), 22);
        assert_eq!(day("2021-07-02").working_days_to(day("2021-07-01")), 0);
    }

    #[test]
    fn working_days_skip_holidays_and_count_the_days_made_up_for_them() {
        let days = |from: &str, to: &str| day(from).working_days_to(day(to));
        // Labour Day of 2023 was from 29 April to 3 May; Saturday 6 May made up for it.
        assert_eq!(days("2023-05-01", "2023-05-05"), 2);
        assert_eq!(days("2023-05-03", "2023-05-03"), 0);
        assert_eq!(days("2023-05-04", "2023-05-06"), 3);
        assert_eq!(days("2023-05-07", "2023-05-07"), 0);
        // The extension of 2020: Friday 31 January off, Saturday 1 February not worked.
        assert_eq!(days("2020-01-19", "2020-02-03"), 6);
        // Across a year's end: 31 December 2022 is a Saturday, 2 January 2023 off.
        assert_eq!(days("2022-12-29", "2023-01-03"), 3);
        // Whole years: weekdays, less the days off on weekdays, plus the days made up.
        assert_eq!(days("2024-01-01", "2024-12-31"), 262 - 19 + 8);
        assert_eq!(days("2018-01-01", "2018-12-31"), 261);
        assert_eq!(days("1900-01-01", "2199-12-31"), 78_267 - 146 + 52);
    }

    #[test]
    fn years_without_known_holidays_are_told() {
        let years =
            |from: &str, to: &str| day(from).years_without_holidays_to(day(to)).collect::<Vec<_>>();
        assert_eq!(years("2018-12-28", "2019-01-03"), [2018]);
        assert_eq!(years("2019-01-01", "2026-12-31"), [] as [i16; 0]);
        assert_eq!(years("2026-12-31", "2028-01-01"), [2027, 2028]);
    }

    #[test]
    fn a_day_in_shanghai_ends_at_sixteen_hours_utc() {
        let at = |text: &str| CivilDate::today_in_shanghai(text.parse().unwrap()).to_string();
        assert_eq!(day("2026-01-01").midnight_in_shanghai().to_string(), "2025-12-31T16:00:00Z");
        assert_eq!(at("2026-12-31T15:59:59Z"), "2026-12-31");
        assert_eq!(at("2026-12-31T16:00:00Z"), "2027-01-01");
    }

    #[test]
    fn days_count_from_the_first_and_back() {
        assert_eq!(CivilDate::MIN.to_string(), "1900-01-01");
        assert_eq!(day("1900-01-01"), CivilDate::MIN);
        assert_eq!(CivilDate::MIN.previous(), None);
        assert_eq!(CivilDate::MAX.next(), None);
        assert_eq!(day("2024-02-28").next(), Some(day("2024-02-29")));
        for days in [1, 59, 60, 25_569, 36_586, 109_573] {
            let date = CivilDate(NonZeroU32::new(days).unwrap());
            assert_eq!(CivilDate::of(date.date()), date);
        }
        assert_eq!(CivilDate::MAX.to_string(), "2199-12-31");
        assert_eq!(size_of::<Option<CivilDate>>(), 4);
    }

    #[test]
    fn months_end_where_the_day_does_not_exist() {
        assert_eq!(day("2023-11-30").plus_months(3).to_string(), "2024-02-29");
        assert_eq!(day("2024-01-15").plus_months(3).to_string(), "2024-04-15");
    }
}
