//! What a request for events may ask: its parameters, read into a request of `Subscribe`.

use prost_types::{Duration, Timestamp};
use tonic::{Code, Status};
use url::form_urlencoded;

use crate::{
    domain::{PartialDate, fault::echo, kind::Kind},
    limits::QUERY_BYTES_MAX,
    protocol::pb::{self, ErrorReason, subscribe_request::Start},
    service::errors,
};

/// A parameter.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// How often it may be there.
    pub(super) times: Times,
    /// The field of the request that it fills, as errors of the call name it.
    field: &'static str,
    /// What it means, for the description of the API.
    pub(super) about: &'static str,
}

/// How often a parameter may be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    Once,
    Repeated,
    /// Repeated, and each with values that commas part.
    List,
}

/// All parameters, named as the options of `tidu watch`.
pub(super) const PARAMETERS: [Parameter; 14] = [
    Parameter {
        name: "from",
        times: Times::Once,
        field: "from_position",
        about: "The first position, or `now` for the end of the log. Absent: 0.",
    },
    Parameter {
        name: "since",
        times: Times::Once,
        field: "from_time",
        about: "Start at the first event recorded on this day in Shanghai or later, or at or after \
                this instant: `2026-03-01` or `2026-03-01T09:00:00+08:00` (`+` may be written as \
                `%2B`).",
    },
    Parameter {
        name: "cursor",
        times: Times::Once,
        field: "cursor_id",
        about: "Start at the position of this cursor, with its filter. Only AdvanceCursor moves \
                the cursor.",
    },
    Parameter {
        name: "to",
        times: Times::Once,
        field: "stop_position",
        about: "End once everything below this position was delivered. Absent: never.",
    },
    Parameter {
        name: "follow",
        times: Times::Once,
        field: "",
        about: "`false`: end where the log ended when the request came. Absent: `true`.",
    },
    Parameter {
        name: "programme",
        times: Times::List,
        field: "filter.programmes",
        about: "Only events that concern this programme, by its id.",
    },
    Parameter {
        name: "authority",
        times: Times::List,
        field: "filter.authorities",
        about: "Only events that concern this authority, by its code.",
    },
    Parameter {
        name: "region",
        times: Times::Once,
        field: "filter.region_under",
        about: "Only events of this region and the regions within it, by its code of six digits.",
    },
    Parameter {
        name: "kind",
        times: Times::List,
        field: "filter.kinds",
        about: "Only events of this kind, such as `designated` or `review-passed`.",
    },
    Parameter {
        name: "designee",
        times: Times::Repeated,
        field: "filter.designees",
        about: "Only events of this designee, under any of its identifiers. A list that is too \
                long for a URL belongs to a cursor.",
    },
    Parameter {
        name: "batch",
        times: Times::Repeated,
        field: "filter.batches",
        about: "Only events of this batch.",
    },
    Parameter {
        name: "progress",
        times: Times::Once,
        field: "",
        about: "`true`: lines of JSON have the progress too, at least one every heartbeat. \
                Server-sent events always have it.",
    },
    Parameter {
        name: "heartbeat",
        times: Times::Once,
        field: "heartbeat_interval",
        about: "Longest silence between two messages of progress, 1s to 300s. Absent: 10s.",
    },
    Parameter {
        name: "log_id",
        times: Times::Once,
        field: "log_id",
        about: "The history that the caller knows. Another one is an error. Absent: not checked.",
    },
];

/// What a request for events asks.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Asked {
    pub(super) request: pb::SubscribeRequest,
    /// True if it ends at the end of the log.
    pub(super) ends: bool,
    pub(super) progress: bool,
}

/// Reads the parameters in the query of a URL.
///
/// # Errors
/// A parameter that is not known, comes twice, or has a value of another form. Codes and ids are
/// judged by the call.
pub(super) fn read(query: &str) -> Result<Asked, Status> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(errors::over_limit("query", query.len(), QUERY_BYTES_MAX, "bytes"));
    }
    let mut asked = Asked::default();
    let mut filter = pb::EventFilter::default();
    let mut seen = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let parameter = PARAMETERS.iter().find(|parameter| parameter.name == name);
        let parameter = parameter.ok_or_else(|| unknown(&name))?;
        if parameter.times == Times::Once && seen.contains(&parameter.name) {
            return Err(refused(parameter.name, &value, "this parameter is there twice"));
        }
        seen.push(parameter.name);
        for value in values(parameter, &value) {
            take(parameter.name, value, &mut asked, &mut filter)?;
        }
    }
    let starts = ["from", "since", "cursor"].into_iter().filter(|name| seen.contains(name));
    if let [first, second, ..] = *starts.collect::<Vec<_>>() {
        let text = format!("a stream starts at one place, and {first} names another one");
        return Err(refused(second, "", &text));
    }
    asked.request.filter = Some(filter).filter(|filter| *filter != pb::EventFilter::default());
    Ok(asked)
}

fn values<'v>(parameter: &Parameter, value: &'v str) -> Vec<&'v str> {
    match parameter.times {
        Times::List => value.split(',').map(str::trim).collect(),
        Times::Once | Times::Repeated => vec![value],
    }
}

fn take(
    name: &'static str,
    value: &str,
    asked: &mut Asked,
    filter: &mut pb::EventFilter,
) -> Result<(), Status> {
    let text = || value.to_owned();
    let bad = |rule: &str| refused(name, value, rule);
    let request = &mut asked.request;
    match name {
        "from" => request.start = Some(start(value).ok_or_else(|| bad(START))?),
        "since" => {
            request.start = Some(Start::FromTime(since(value).ok_or_else(|| bad(SINCE))?));
        }
        "cursor" => request.start = Some(Start::CursorId(text())),
        "to" => request.stop_position = Some(value.parse().map_err(|_| bad(POSITION))?),
        "follow" => asked.ends = !flag(value).ok_or_else(|| bad(FLAG))?,
        "progress" => asked.progress = flag(value).ok_or_else(|| bad(FLAG))?,
        "heartbeat" => {
            request.heartbeat_interval = Some(duration(value).ok_or_else(|| bad(DURATION))?);
        }
        "log_id" => request.log_id = text(),
        "programme" => filter.programmes.push(text()),
        "authority" => filter.authorities.push(text()),
        "region" => filter.region_under = text(),
        "designee" => filter.designees.push(text()),
        "batch" => filter.batches.push(text()),
        "kind" => {
            let kind = Kind::from_name(value).ok_or_else(|| bad(KIND))?;
            filter.kinds.push(kind.number().into());
        }
        _ => return Err(unknown(name)),
    }
    Ok(())
}

const START: &str = "it must be a position, such as 1200, or now";
const POSITION: &str = "it must be a position, such as 1200";
const SINCE: &str = "it must be a day such as 2026-03-01, or an instant such as \
                     2026-03-01T09:00:00+08:00";
const FLAG: &str = "it must be true or false";
const DURATION: &str = "it must be a duration such as 10s or 5m";
const KIND: &str = "it must be a kind of event, such as designated or review-passed";

fn start(value: &str) -> Option<Start> {
    match value {
        "now" => Some(Start::Now(true)),
        _ => value.parse().ok().map(Start::FromPosition),
    }
}

/// An instant, or the first one of a day in Shanghai.
fn since(value: &str) -> Option<Timestamp> {
    // A plus in a query is a space, and no instant has one.
    let at = match value.replace(' ', "+").parse::<jiff::Timestamp>() {
        Ok(instant) => instant,
        Err(_) => {
            let day = PartialDate::parse_iso(value).ok()?.first_day();
            let midnight = jiff::civil::Date::new(day.year(), day.month(), day.day()).ok()?;
            jiff::tz::Offset::constant(8).to_timestamp(midnight.at(0, 0, 0, 0)).ok()?
        }
    };
    Some(Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() })
}

fn flag(value: &str) -> Option<bool> {
    match value {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

fn duration(value: &str) -> Option<Duration> {
    let duration: jiff::SignedDuration = value.parse().ok()?;
    Some(Duration { seconds: duration.as_secs(), nanos: duration.subsec_nanos() })
}

fn unknown(name: &str) -> Status {
    let known = PARAMETERS.map(|parameter| parameter.name).join(", ");
    refused(name, "", &format!("this parameter is not known; there are {known}"))
}

/// The refusal of a parameter.
pub(super) fn refused(name: &str, value: &str, rule: &str) -> Status {
    let name = echo(name);
    let place = if value.is_empty() { name.clone() } else { format!("{name}={}", echo(value)) };
    let detail = format!("{place}: {rule}");
    let metadata = [("detail", detail.clone()), ("field", name)];
    errors::status(Code::InvalidArgument, ErrorReason::MalformedRequest, detail, metadata)
}

/// The text of an error of the call, with the parameter in the place of the field.
pub(super) fn by_parameters(message: &str) -> String {
    let named = PARAMETERS.iter().filter(|parameter| !parameter.field.is_empty());
    for Parameter { name, field, .. } in named {
        if let Some(rest) = message.strip_prefix(field)
            && rest.starts_with([' ', ':', '['])
        {
            return format!("{name}{rest}");
        }
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_well(query: &str) -> Asked {
        read(query).unwrap_or_else(|status| panic!("{query}: {status:?}"))
    }

    #[test]
    fn parameters_fill_the_request() {
        assert_eq!(read_well(""), Asked::default());
        let asked = read_well(
            "from=7&to=9&follow=false&programme=little-giant,single-champion&programme=a&\
             authority=440000&region=440300&kind=designated&kind=review-passed&designee=x%2Cy&\
             batch=2026%201&progress=true&heartbeat=2m&log_id=z",
        );
        let filter = asked.request.filter.unwrap();
        assert_eq!(asked.request.start, Some(Start::FromPosition(7)));
        assert_eq!(asked.request.stop_position, Some(9));
        assert_eq!(asked.request.heartbeat_interval, Some(Duration { seconds: 120, nanos: 0 }));
        assert_eq!(asked.request.log_id, "z");
        assert!(asked.ends && asked.progress);
        assert_eq!(filter.programmes, ["little-giant", "single-champion", "a"]);
        assert_eq!(
            (&*filter.authorities, &*filter.region_under),
            (&["440000".into()][..], "440300")
        );
        assert_eq!(
            (&*filter.designees, &*filter.batches),
            (&["x,y".into()][..], &["2026 1".into()][..])
        );
        let numbers = ["designated", "review-passed"].map(|name| Kind::from_name(name).unwrap());
        assert_eq!(filter.kinds, numbers.map(|kind| i32::from(kind.number())));
    }

    #[test]
    fn a_stream_starts_at_a_position_a_time_a_cursor_or_the_end() {
        let start = |query: &str| read_well(query).request.start;
        assert_eq!(start("from=now"), Some(Start::Now(true)));
        assert_eq!(start("cursor=a"), Some(Start::CursorId("a".to_owned())));
        let instant = start("since=2026-02-28T16:00:00Z");
        assert!(matches!(instant, Some(Start::FromTime(_))));
        for same in ["2026-03-01", "2026-03-01T00:00:00%2B08:00", "2026-03-01T00:00:00+08:00"] {
            assert_eq!(start(&format!("since={same}")), instant, "{same}");
        }
    }

    #[test]
    fn a_refusal_names_the_parameter_the_value_and_the_rule() {
        let table = [
            ("form=7", "form: this parameter is not known; there are from, since, cursor, to, "),
            ("From=7", "From: this parameter is not known"),
            ("=", ": this parameter is not known"),
            ("from=1&from=2", "from=2: this parameter is there twice"),
            ("from=-1", "from=-1: it must be a position, such as 1200, or now"),
            ("from=", "from: it must be a position"),
            ("from=18446744073709551616", "from=18446744073709551616: it must be a position"),
            ("to=now", "to=now: it must be a position, such as 1200"),
            ("follow=no", "follow=no: it must be true or false"),
            ("kind=designate", "kind=designate: it must be a kind of event"),
            ("heartbeat=10", "heartbeat=10: it must be a duration"),
            ("since=yesterday", "since=yesterday: it must be a day"),
            ("from=1&cursor=a", "cursor: a stream starts at one place, and from names another"),
            ("since=2026&from=now", "since: a stream starts at one place, and from names another"),
        ];
        for (query, text) in table {
            let refused = read(query).expect_err(query);
            assert_eq!(refused.code(), Code::InvalidArgument, "{query}");
            assert!(refused.message().starts_with(text), "{query}: {}", refused.message());
        }
        let long = read(&format!("{}=1", "a".repeat(5_000))).expect_err("unknown");
        assert!(long.message().len() < 400, "{}", long.message());
    }

    #[test]
    fn a_query_has_its_bound() {
        let query = |bytes: usize| format!("batch={}", "b".repeat(bytes - "batch=".len()));
        let most = read_well(&query(QUERY_BYTES_MAX)).request.filter.unwrap();
        assert_eq!(most.batches[0].len(), QUERY_BYTES_MAX - 6);
        let refused = read(&query(QUERY_BYTES_MAX + 1)).expect_err("one more");
        assert_eq!(refused.code(), Code::ResourceExhausted);
        let text = "query has 16385 bytes; at most 16384 are allowed";
        assert_eq!(refused.message(), text);
    }

    #[test]
    fn errors_of_the_call_name_the_parameter() {
        let table = [
            ("filter.programmes[0]: unknown", "programme[0]: unknown"),
            ("from_position 9 is beyond the log", "from 9 is beyond the log"),
            ("from_positions", "from_positions"),
            ("the server is starting", "the server is starting"),
        ];
        for (message, expected) in table {
            assert_eq!(by_parameters(message), expected);
        }
    }
}
