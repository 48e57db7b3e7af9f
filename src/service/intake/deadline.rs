//! The time of a call: the caller's own `grpc-timeout`, from its first byte on, or the default of
//! its method.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::{Status, body::Body};

use super::refusals;

/// The instant at which a call is given up, in the extensions of its request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Deadline {
    /// None: it is never given up.
    pub(crate) at: Option<Instant>,
    /// The time that the server sets. None: the caller sets it itself.
    pub(crate) default: Option<Duration>,
}

impl Deadline {
    /// The deadline of a request that has just begun to arrive.
    ///
    /// # Errors
    /// A timeout that cannot be read: its caller must not believe that it counts.
    pub(super) fn of(headers: &HeaderMap, default: Option<Duration>) -> Result<Self, Status> {
        let Some(stated) = headers.get("grpc-timeout") else {
            return Ok(Self { at: default.and_then(after), default });
        };
        let read = stated.to_str().ok().and_then(parse_timeout);
        let wait = read.ok_or_else(|| refusals::timeout_form(stated))?;
        Ok(Self { at: after(wait), default: None })
    }

    /// The answer to a call that is given up.
    pub(crate) fn passed(self) -> Status {
        refusals::deadline_passed(self.default)
    }

    pub(super) fn has_passed(self) -> bool {
        self.at.is_some_and(|at| at <= Instant::now())
    }
}

fn after(wait: Duration) -> Option<Instant> {
    Instant::now().checked_add(wait)
}

/// Reads a `grpc-timeout`: up to eight digits and a unit, as the gRPC protocol over HTTP/2 defines
/// it.
fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3_600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

/// An answer that ends with DEADLINE_EXCEEDED at the deadline, if it is a stream that still runs
/// then; or with the refusal of what its caller sent meanwhile.
pub(super) struct Limited {
    answer: Option<Body>,
    deadline: Deadline,
    refusal: Refusal,
    /// Made at the first wait.
    timer: Option<Pin<Box<Sleep>>>,
}

/// Why a stream of messages was refused, once it was.
pub(super) type Refusal = Arc<OnceLock<Status>>;

impl Limited {
    pub(super) fn new(answer: Body, deadline: Deadline, refusal: Refusal) -> Self {
        Self { answer: Some(answer), deadline, refusal, timer: None }
    }

    /// Ends the answer with a status.
    fn end(&mut self, status: &Status) -> Result<Frame<Bytes>, Status> {
        self.answer = None;
        let mut trailers = HeaderMap::new();
        status.add_header(&mut trailers)?;
        Ok(Frame::trailers(trailers))
    }
}

impl http_body::Body for Limited {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let deadline = self.deadline;
        let Some(answer) = &mut self.answer else { return Poll::Ready(None) };
        if let Poll::Ready(frame) = Pin::new(answer).poll_frame(context) {
            let ends = frame.as_ref().is_none_or(|frame| match frame {
                Ok(frame) => frame.is_trailers(),
                Err(_) => true,
            });
            let refusal = self.refusal.get().cloned().filter(|_| ends);
            return Poll::Ready(match refusal {
                Some(refusal) => Some(self.end(&refusal)),
                None => frame,
            });
        }
        let Some(at) = deadline.at else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Some(self.end(&deadline.passed())))
    }

    fn is_end_stream(&self) -> bool {
        self.answer.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.answer.as_ref().map_or_else(SizeHint::default, http_body::Body::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_grpc_writes_them() {
        let table = [
            ("1H", Some(Duration::from_secs(3_600))),
            ("2M", Some(Duration::from_secs(120))),
            ("99999999S", Some(Duration::from_secs(99_999_999))),
            ("250m", Some(Duration::from_millis(250))),
            ("7u", Some(Duration::from_micros(7))),
            ("0n", Some(Duration::ZERO)),
            ("100000000S", None),
            ("S", None),
            ("", None),
            ("-1S", None),
            ("1x", None),
            ("1秒", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_timeout(text), expected, "{text:?}");
        }
    }
}
