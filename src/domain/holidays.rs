//! Days off and made-up working days, as the State Council's General Office announced them
//! (`data/holidays.csv`).
//!
//! A row is a run of days off, or a weekend day on which people work instead. Each row names the
//! document that decided it. A year is known if a row ends in it.

use std::{ops::RangeInclusive, sync::LazyLock};

use super::{CivilDate, PartialDate};

/// The days on which the calendar departs from weekends.
struct Calendar {
    /// Each such day, with the working days that these days add up to it; each takes one or adds
    /// one.
    departures: Vec<(CivilDate, i32)>,
    years: RangeInclusive<i16>,
}

static CALENDAR: LazyLock<Calendar> =
    LazyLock::new(|| Calendar::read(include_str!("../../data/holidays.csv")));

impl Calendar {
    fn read(text: &'static str) -> Self {
        let rows = super::table(text).into_iter().flat_map(|[from, to, days]| {
            let parsed = PartialDate::parse_iso;
            let day = |iso| parsed(iso).map_or(CivilDate::MAX, PartialDate::first_day);
            day(from).days_to(day(to)).map(move |day| (day, days == "work"))
        });
        // A day off that is a weekend day changes nothing, nor does a working day of the week.
        let mut departures: Vec<_> = rows
            .filter(|(day, works)| day.is_weekend() == *works)
            .map(|(day, works)| (day, if works { 1 } else { -1 }))
            .collect();
        departures.sort_unstable();
        let years = match (departures.first(), departures.last()) {
            (Some((first, _)), Some((last, _))) => first.year()..=last.year(),
            _ => 0..=0,
        };
        let mut sum = 0;
        for (_, change) in &mut departures {
            sum += *change;
            *change = sum;
        }
        Self { departures, years }
    }

    /// The working days that the departures add up to a day, without this day.
    fn added_before(&self, day: CivilDate) -> i32 {
        let before = self.departures.partition_point(|(other, _)| *other < day);
        let last = before.checked_sub(1).and_then(|place| self.departures.get(place));
        last.map_or(0, |(_, sum)| *sum)
    }
}

/// The working days that holidays and made-up days add to the weekdays of a period, both ends
/// counted. Negative if more days are off.
pub(super) fn added(from: CivilDate, to: CivilDate) -> i32 {
    let end = to.next().unwrap_or(to);
    CALENDAR.added_before(end) - CALENDAR.added_before(from)
}

/// The years whose days off are known.
pub(super) fn known_years() -> RangeInclusive<i16> {
    CALENDAR.years.clone()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::DocumentNumber;

    const FILE: &str = include_str!("../../data/holidays.csv");

    fn rows() -> Vec<(CivilDate, CivilDate, &'static str, &'static str)> {
        let day = |iso| PartialDate::parse_iso(iso).unwrap().first_day();
        let rows = crate::domain::table::<5>(FILE).into_iter();
        rows.map(|[from, to, days, _, document]| (day(from), day(to), days, document)).collect()
    }

    #[test]
    fn every_row_is_a_run_of_days_with_its_document_and_no_day_comes_twice() {
        let mut seen = BTreeSet::new();
        for (from, to, days, document) in rows() {
            assert!(from <= to, "{from} to {to}");
            assert_eq!(DocumentNumber::parse(document).unwrap().as_str(), document);
            assert!(from.days_to(to).count() <= 9, "{from}: the longest holiday has nine days");
            assert!(from.days_to(to).all(|day| seen.insert(day)), "{from} to {to} comes twice");
            match days {
                "work" => assert!(from == to && from.is_weekend(), "{from}: one weekend day"),
                other => assert_eq!(other, "off", "{from}"),
            }
        }
        assert!(rows().is_sorted());
    }

    #[test]
    fn every_year_has_its_seven_festivals_and_the_usual_number_of_days() {
        assert_eq!(known_years(), 2019..=2026);
        for year in known_years() {
            let of_year = || rows().into_iter().filter(move |(_, to, ..)| to.year() == year);
            let off = of_year().filter(|(_, _, days, _)| *days == "off");
            let days: usize = off.map(|(from, to, ..)| from.days_to(to).count()).sum();
            assert!((22..=33).contains(&days), "{year}: {days} days off");
            let works = of_year().filter(|(_, _, days, _)| *days == "work").count();
            assert!((5..=8).contains(&works), "{year}: {works} made-up days");
        }
        let festivals = crate::domain::table::<5>(FILE);
        for festival in ["元旦", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节"]
        {
            let years: BTreeSet<_> = festivals
                .iter()
                .filter(|row| row[3].split('、').any(|name| name == festival))
                .map(|row| row[1].split('-').next().unwrap())
                .collect();
            assert_eq!(years.len(), 8, "{festival}: {years:?}");
        }
    }

    #[test]
    fn a_sum_over_days_is_the_sum_of_the_days() {
        let (from, to) = (CivilDate::MIN, CivilDate::MAX);
        let one_by_one: i32 = (rows().first().unwrap().0)
            .days_to(rows().last().unwrap().1)
            .map(|day| added(day, day))
            .sum();
        assert_eq!(added(from, to), one_by_one);
        assert!(one_by_one < 0);
        assert_eq!(added(to, to), 0);
    }
}
