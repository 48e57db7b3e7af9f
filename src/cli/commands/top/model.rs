//! What the screen shows, worked out from two answers of `/metrics`. Pure.

use std::collections::BTreeMap;

use crate::cli::operations::{Sample, Scrape};

/// Two answers, and the time between them.
#[derive(Clone, Debug, Default)]
pub(super) struct Span {
    pub(super) before: Scrape,
    pub(super) after: Scrape,
    pub(super) seconds: f64,
}

/// Calls of one method a second.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Calls {
    pub(super) method: String,
    pub(super) rate: f64,
    pub(super) failing: f64,
    /// `None`: no call ended meanwhile, or it is a stream.
    pub(super) median: Option<f64>,
    pub(super) p99: Option<f64>,
}

/// A subscriber that is behind.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cursor {
    pub(super) id: String,
    pub(super) events: f64,
    pub(super) seconds: f64,
}

impl Span {
    /// The value of a gauge.
    pub(super) fn value(&self, name: &str) -> f64 {
        self.after.sum(name)
    }

    /// How much a counter grew in a second.
    pub(super) fn rate(&self, name: &str) -> f64 {
        self.growth(name, &|_| true) / self.seconds.max(f64::EPSILON)
    }

    /// How much the series of a counter grew that `wanted` takes. A server that started anew began
    /// at 0.
    fn growth(&self, name: &str, wanted: &dyn Fn(&Sample) -> bool) -> f64 {
        let sum = |scrape: &Scrape| {
            scrape.series(name).filter(|sample| wanted(sample)).map(|sample| sample.value).sum()
        };
        let (before, after): (f64, f64) = (sum(&self.before), sum(&self.after));
        if after < before { after } else { after - before }
    }

    /// The quantile of what a histogram counted meanwhile, as the bound of its bucket; `None` if it
    /// counted nothing.
    pub(super) fn quantile(&self, name: &str, quantile: f64) -> Option<f64> {
        self.quantile_of(name, quantile, &|_| true)
    }

    fn quantile_of(
        &self,
        name: &str,
        quantile: f64,
        wanted: &dyn Fn(&Sample) -> bool,
    ) -> Option<f64> {
        let name = format!("{name}_bucket");
        let mut bounds: Vec<f64> =
            self.after.series(&name).filter_map(|sample| sample.label("le").parse().ok()).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        let below = |bound: f64| {
            let in_bucket =
                |sample: &Sample| sample.label("le").parse() == Ok(bound) && wanted(sample);
            self.growth(&name, &in_bucket)
        };
        let all = below(*bounds.last()?);
        let rank = all * quantile;
        (all > 0.0).then(|| bounds.into_iter().find(|bound| below(*bound) >= rank)).flatten()
    }

    /// How much a counter grew in a second for each value of a label, the most first.
    pub(super) fn rates_by(&self, name: &str, label: &str) -> Vec<(String, f64)> {
        let mut values = BTreeMap::new();
        for sample in self.after.series(name) {
            let value = sample.label(label);
            values.entry(value.to_owned()).or_insert_with(|| {
                let grown = self.growth(name, &|other| other.label(label) == value);
                grown / self.seconds.max(f64::EPSILON)
            });
        }
        let mut rates: Vec<_> = values.into_iter().filter(|(_, rate)| *rate > 0.0).collect();
        rates.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        rates
    }

    /// The methods that were called, the busiest first.
    pub(super) fn calls(&self) -> Vec<Calls> {
        let called = self.rates_by("tidu_calls_total", "method");
        let of_method = |(method, rate): (String, f64)| {
            let fails =
                |sample: &Sample| sample.label("method") == method && sample.label("code") != "OK";
            let failing = self.growth("tidu_calls_total", &fails) / self.seconds.max(f64::EPSILON);
            let own = |sample: &Sample| sample.label("method") == method;
            let quantile = |q| self.quantile_of("tidu_call_duration_seconds", q, &own);
            let (median, p99) = (quantile(0.5), quantile(0.99));
            Calls { method, rate, failing, median, p99 }
        };
        called.into_iter().map(of_method).collect()
    }

    /// The subscribers that are behind, the slowest first.
    pub(super) fn cursors(&self) -> Vec<Cursor> {
        let seconds = |id: &str| {
            let mut lags = self.after.series("tidu_cursor_lag_seconds");
            lags.find(|lag| lag.label("cursor") == id).map_or(0.0, |lag| lag.value)
        };
        let lags = self.after.series("tidu_cursor_lag_events");
        let cursor = |lag: &Sample| {
            let id = lag.label("cursor").to_owned();
            Cursor { seconds: seconds(&id), id, events: lag.value }
        };
        let mut cursors: Vec<_> = lags.map(cursor).collect();
        cursors.sort_by(|a, b| b.seconds.total_cmp(&a.seconds).then(b.events.total_cmp(&a.events)));
        cursors
    }
}

/// A number that fits into few columns: 999, 1.2k, 34M.
pub(super) fn short(number: f64) -> String {
    let mut scaled = number;
    for unit in ["", "k", "M", "G"] {
        if scaled < 999.5 {
            let digits =
                if unit.is_empty() && scaled.fract() == 0.0 || scaled >= 99.95 { 0 } else { 1 };
            return format!("{scaled:.digits$}{unit}");
        }
        scaled /= 1000.0;
    }
    format!("{scaled:.0}T")
}

/// Bytes in binary units.
pub(super) fn bytes(number: f64) -> String {
    let mut scaled = number;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if scaled < 1023.5 {
            let digits = if unit == "B" || scaled >= 99.95 { 0 } else { 1 };
            return format!("{scaled:.digits$} {unit}");
        }
        scaled /= 1024.0;
    }
    format!("{scaled:.1} TiB")
}

/// The bound of a bucket of durations: "< 5 ms"; a dash for none.
pub(super) fn below(seconds: Option<f64>) -> String {
    match seconds {
        None => "-".to_owned(),
        Some(seconds) if seconds.is_infinite() => "> all".to_owned(),
        Some(seconds) => format!("< {}", duration(seconds)),
    }
}

/// A duration in the unit that suits it.
pub(super) fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{} ms", short((s * 10_000.0).round() / 10.0)),
        s if s < 120.0 => format!("{} s", short((s * 10.0).round() / 10.0)),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.0} h", s / 3600.0),
        s => format!("{:.0} d", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn span() -> Span {
        let before = "tidu_events_total 100\n\
            tidu_calls_total{method=\"A\",code=\"OK\"} 10\n\
            tidu_call_duration_seconds_bucket{method=\"A\",le=\"0.001\"} 10\n\
            tidu_call_duration_seconds_bucket{method=\"A\",le=\"0.01\"} 10\n\
            tidu_call_duration_seconds_bucket{method=\"A\",le=\"+Inf\"} 10\n";
        let after = "tidu_events_total 300\n\
            tidu_calls_total{method=\"A\",code=\"OK\"} 208\n\
            tidu_calls_total{method=\"A\",code=\"NOT_FOUND\"} 2\n\
            tidu_calls_total{method=\"B\",code=\"OK\"} 400\n\
            tidu_call_duration_seconds_bucket{method=\"A\",le=\"0.001\"} 160\n\
            tidu_call_duration_seconds_bucket{method=\"A\",le=\"0.01\"} 209\n\
            tidu_call_duration_seconds_bucket{method=\"A\",le=\"+Inf\"} 210\n\
            tidu_cursor_lag_events{cursor=\"slow\"} 5\n\
            tidu_cursor_lag_seconds{cursor=\"slow\"} 90\n\
            tidu_cursor_lag_events{cursor=\"many\"} 500\n\
            tidu_cursor_lag_seconds{cursor=\"many\"} 3\n";
        Span { before: Scrape::read(before), after: Scrape::read(after), seconds: 2.0 }
    }

    #[test]
    fn rates_and_quantiles_are_those_of_the_span() {
        let span = span();
        assert!((span.rate("tidu_events_total") - 100.0).abs() < 1e-9);
        let calls = span.calls();
        let methods: Vec<_> = calls.iter().map(|calls| calls.method.as_str()).collect();
        assert_eq!(methods, ["B", "A"]);
        let a = calls.last().unwrap();
        assert!((a.rate - 100.0).abs() < 1e-9 && (a.failing - 1.0).abs() < 1e-9, "{a:?}");
        assert_eq!((a.median, a.p99), (Some(0.001), Some(0.01)));
        assert_eq!(calls.first().unwrap().median, None);
    }

    #[test]
    fn a_server_that_started_anew_counts_from_0() {
        let span = span();
        let anew = Span { before: span.after, after: span.before, seconds: 2.0 };
        assert!((anew.rate("tidu_events_total") - 50.0).abs() < 1e-9);
    }

    #[test]
    fn the_slowest_subscriber_comes_first() {
        let ids: Vec<_> = span().cursors().into_iter().map(|cursor| cursor.id).collect();
        assert_eq!(ids, ["slow", "many"]);
    }

    #[test]
    fn numbers_fit_into_few_columns() {
        for (number, text) in [
            (0.0, "0"),
            (0.5, "0.5"),
            (12.0, "12"),
            (999.0, "999"),
            (1_234.0, "1.2k"),
            (2e6, "2.0M"),
        ] {
            assert_eq!(short(number), text);
        }
        for (number, text) in [(512.0, "512 B"), (1536.0, "1.5 KiB"), (3e9, "2.8 GiB")] {
            assert_eq!(bytes(number), text);
        }
        for (seconds, text) in [
            (0.005, "5 ms"),
            (1.5, "1.5 s"),
            (600.0, "10 min"),
            (7_200.0, "2 h"),
            (400_000.0, "5 d"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
