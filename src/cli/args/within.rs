//! A span of days or months from a day on.

use jiff::{Span, civil::Date};

use unicode_normalization::UnicodeNormalization as _;

use crate::{lang::say, protocol::pb};

/// A span: `90d`, `6m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Within {
    Days(u16),
    Months(u16),
}

impl Within {
    /// The day that ends the span after a day; `None` beyond the calendar.
    pub(crate) fn after(self, day: pb::Date) -> Option<pb::Date> {
        let part = |number: i32| i8::try_from(number).ok();
        let year = i16::try_from(day.year).ok()?;
        let first = Date::new(year, part(day.month)?, part(day.day)?).ok()?;
        let span = match self {
            Self::Days(days) => Span::new().days(days),
            Self::Months(months) => Span::new().months(months),
        };
        let last = first.checked_add(span).ok()?;
        let (year, month, day) = (last.year().into(), last.month().into(), last.day().into());
        Some(pb::Date { year, month, day })
    }
}

/// Reads a span of days or months.
pub(crate) fn within(text: &str) -> Result<Within, String> {
    let form = || {
        say!(
            en: "write a number of days such as 90d, or of months such as 6m",
            zh: "请写天数（如 90d、90天）或月数（如 6m、6个月）"
        )
    };
    let folded: String = text.nfkc().collect();
    let digits = folded.find(|c: char| !c.is_ascii_digit()).unwrap_or(folded.len());
    let (number, unit) = folded.split_at_checked(digits).ok_or_else(form)?;
    let number = number.parse().map_err(|_| form())?;
    match unit {
        "d" | "天" | "日" => Ok(Within::Days(number)),
        "m" | "个月" | "月" => Ok(Within::Months(number)),
        _ => Err(form()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_ends_days_or_months_after_a_day() {
        let date = |year, month, day| pb::Date { year, month, day };
        let first = date(2024, 1, 31);
        for (text, last) in [
            ("0d", first),
            ("1d", date(2024, 2, 1)),
            ("90d", date(2024, 4, 30)),
            ("1m", date(2024, 2, 29)),
            ("12m", date(2025, 1, 31)),
            ("90天", date(2024, 4, 30)),
            ("１个月", date(2024, 2, 29)),
        ] {
            assert_eq!(within(text).unwrap().after(first), Some(last), "{text}");
        }
        assert_eq!(Within::Days(1).after(date(9999, 12, 31)), None);
        for text in ["", "d", "90", "-1d", "90 d", "1y", "70000d", "九十日"] {
            assert!(within(text).is_err(), "{text}");
        }
    }
}
