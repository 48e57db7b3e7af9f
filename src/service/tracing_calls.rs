//! Which calls are traced, and the span of one that is.
//!
//! A caller's `traceparent` decides: the trace of a sampled one is continued. Of calls without one,
//! a part is sampled. A call that is not sampled has no span, so it costs nothing.

use http::{HeaderMap, HeaderValue};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState},
};
use tonic::Code;
use tracing::{Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::call::Caller;
use crate::{domain::fault::echo, limits::TRACESTATE_BYTES_MAX};

/// Target of the spans of calls. Their level is DEBUG, so that the log lines do not repeat them.
pub(crate) const TRACED: &str = "tidu::traced";

/// The part of the calls without a parent that is sampled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling(f64);

impl Sampling {
    /// A part between 0 and 1; `None` for any other number.
    #[must_use]
    pub fn new(ratio: f64) -> Option<Self> {
        (0.0..=1.0).contains(&ratio).then_some(Self(ratio))
    }

    /// The span of a call; none if the call is not sampled.
    pub(super) fn span(self, path: &str, caller: &Caller, headers: &HeaderMap) -> Span {
        let parent = parent(headers);
        let is_sampled = match &parent {
            Some(parent) => parent.is_sampled(),
            None => fastrand::f64() < self.0,
        };
        if !is_sampled {
            return Span::none();
        }
        let method = &*echo(path.trim_start_matches('/'));
        let span = tracing::debug_span!(
            target: TRACED,
            parent: None,
            "call",
            otel.name = method,
            otel.kind = "server",
            otel.status_code = Empty,
            method,
            principal = %caller.principal_name(),
            peer = %caller.peer_text(),
            request_id = Empty,
            events = Empty,
            code = Empty,
            reason = Empty,
        );
        if let Some(parent) = parent {
            // It fails only where no layer takes the span.
            let _ = span.set_parent(Context::new().with_remote_span_context(parent));
        }
        span
    }
}

/// A span for a part of the call that is being handled; none if that call is not traced.
pub(super) fn part(name: &'static str) -> Span {
    let call = Span::current();
    if call.is_none() {
        return call;
    }
    tracing::debug_span!(target: TRACED, parent: &call, "part", otel.name = name)
}

/// Notes in the span of a call how it ended.
pub(super) fn note_end(span: &Span, code: Code, name: &str, reason: &str) {
    if span.is_none() {
        return;
    }
    span.record("code", name);
    if !reason.is_empty() {
        span.record("reason", reason);
    }
    let is_fault_of_server = matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    );
    if is_fault_of_server {
        span.record("otel.status_code", "ERROR");
    }
}

/// The span of the caller, in the W3C form of trace contexts. A malformed one, and one of several,
/// is left aside as if it was not there.
fn parent(headers: &HeaderMap) -> Option<SpanContext> {
    let text = only(headers, "traceparent")?;
    let (version, rest) = text.split_once('-')?;
    let (trace, rest) = rest.split_once('-')?;
    let (span, rest) = rest.split_once('-')?;
    // Later versions may have more parts.
    let (flags, more) = rest.split_once('-').map_or((rest, false), |(flags, _)| (flags, true));
    let [version] = bytes(version)?;
    if version == 0xff || (version == 0 && more) {
        return None;
    }
    let [flags] = bytes(flags)?;
    let state = only(headers, "tracestate").filter(|state| state.len() <= TRACESTATE_BYTES_MAX);
    let context = SpanContext::new(
        TraceId::from_bytes(bytes(trace)?),
        SpanId::from_bytes(bytes(span)?),
        TraceFlags::new(flags) & TraceFlags::SAMPLED,
        true,
        state.and_then(|state| state.parse::<TraceState>().ok()).unwrap_or_default(),
    );
    context.is_valid().then_some(context)
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter().map(HeaderValue::to_str);
    let value = values.next()?.ok()?;
    values.next().is_none().then_some(value)
}

/// Bytes of exactly as many hexadecimal digits in lower case as they need.
fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let is_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    if digits.len() != 2 * N || !digits.bytes().all(is_hex) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    fn parent_of(texts: &[&str]) -> Option<SpanContext> {
        let mut headers = HeaderMap::new();
        for text in texts {
            headers.append("traceparent", text.parse().unwrap());
        }
        parent(&headers)
    }

    #[test]
    fn a_parent_is_read_as_the_standard_says() {
        for (flags, sampled) in [("01", true), ("00", false), ("02", false), ("ff", true)] {
            let found = parent_of(&[&format!("00-{TRACE}-{SPAN}-{flags}")]).unwrap();
            assert_eq!(found.trace_id().to_string(), TRACE);
            assert_eq!(found.span_id().to_string(), SPAN);
            assert_eq!((found.is_sampled(), found.is_remote()), (sampled, true), "{flags}");
        }
        let later = format!("cc-{TRACE}-{SPAN}-01-more-of-a-later-version");
        assert!(parent_of(&[&later]).is_some());
        for odd in [
            String::new(),
            "00".to_owned(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{}-{SPAN}-01", &TRACE[1..]),
            format!("00-+{}-{SPAN}-01", &TRACE[1..]),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-0é"),
            format!("0-{TRACE}-{SPAN}-01"),
        ] {
            let found = HeaderValue::from_bytes(odd.as_bytes()).ok().and_then(|value| {
                let mut headers = HeaderMap::new();
                headers.insert("traceparent", value);
                parent(&headers)
            });
            assert_eq!(found, None, "{odd}");
        }
        let good = format!("00-{TRACE}-{SPAN}-01");
        assert_eq!(parent_of(&[&good, &good]), None, "two are none");
    }

    #[test]
    fn a_state_is_kept_up_to_its_bound() {
        let with_state = |state: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", format!("00-{TRACE}-{SPAN}-01").parse().unwrap());
            headers.insert("tracestate", state.parse().unwrap());
            parent(&headers).unwrap().trace_state().header()
        };
        assert_eq!(with_state("vendor=1"), "vendor=1");
        let key = "vendor=";
        let longest = format!("{key}{}", "x".repeat(TRACESTATE_BYTES_MAX - key.len()));
        assert_eq!(with_state(&format!("{longest}x")), "", "one past the bound");
    }

    #[test]
    fn a_ratio_is_a_part_of_one() {
        for good in [0.0, 0.01, 1.0] {
            assert_eq!(Sampling::new(good), Some(Sampling(good)));
        }
        for bad in [-0.01, 1.01, f64::NAN, f64::INFINITY] {
            assert_eq!(Sampling::new(bad), None, "{bad}");
        }
    }
}
