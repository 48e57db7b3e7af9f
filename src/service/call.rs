//! One call: its principal, its peer and its deadline. Every handler gets one, and learns of its
//! caller from nothing else.

use std::{net::SocketAddr, time::Duration};

use tokio::time::{Instant, timeout_at};
use tonic::{Request, Response, Status};

use super::errors;
use crate::domain::{Party, Principal};

/// The remote address of a connection, in the extensions of its requests.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The caller of a handler.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The authenticated caller.
    pub(crate) principal: Principal,
    /// Its address; `None` for a call that did not come over a socket.
    pub(crate) peer: Option<SocketAddr>,
    /// The party that limits and fairness count it with; the server's own for a call that did not
    /// come over a socket.
    pub(crate) party: Party,
    /// The instant at which the caller stops waiting; `None` if it sent no timeout.
    pub(crate) deadline: Option<Instant>,
}

impl Call {
    fn of<T>(request: &Request<T>) -> Self {
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
        let timeout = request.metadata().get("grpc-timeout").and_then(|text| text.to_str().ok());
        Self {
            principal: Principal::ANONYMOUS,
            peer,
            party: peer.map_or(Party::Server, Party::of),
            deadline: timeout
                .and_then(parse_timeout)
                .and_then(|wait| Instant::now().checked_add(wait)),
        }
    }
}

/// Runs a handler. Every request takes this way to its handler, and every answer this way back.
///
/// # Errors
/// The handler's own; DEADLINE_EXCEEDED once the caller's deadline has passed. A commit that was
/// queued before is still recorded.
pub(crate) async fn answer<T, R, F>(
    request: Request<T>,
    handler: impl FnOnce(Call, T) -> F,
) -> Result<Response<R>, Status>
where
    F: Future<Output = Result<R, Status>>,
{
    let call = Call::of(&request);
    let deadline = call.deadline;
    if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
        return Err(errors::deadline_passed());
    }
    let answered = handler(call, request.into_inner());
    let Some(deadline) = deadline else { return answered.await.map(Response::new) };
    match timeout_at(deadline, answered).await {
        Ok(answer) => answer.map(Response::new),
        Err(_) => Err(errors::deadline_passed()),
    }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

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

    #[tokio::test]
    async fn a_handler_knows_its_caller_and_is_given_up_at_the_deadline() {
        let mut request = Request::new(5);
        request.metadata_mut().insert("grpc-timeout", "1m".parse().unwrap());
        request.extensions_mut().insert(Peer(([127, 0, 0, 1], 9).into()));
        let handler = async |call: Call, message: i32| {
            assert_eq!(call.principal, Principal::ANONYMOUS);
            assert_eq!(call.peer, Some(([127, 0, 0, 1], 9).into()));
            assert_eq!(call.party, Party::Local(([127, 0, 0, 1], 9).into()));
            assert_eq!(message, 5);
            std::future::pending::<()>().await;
            Ok(())
        };
        let status = answer(request, handler).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::DeadlineExceeded);
        let plain = answer(Request::new(7), async |call: Call, message: i32| {
            assert_eq!((call.deadline, call.party), (None, Party::Server));
            Ok(message + 1)
        });
        assert_eq!(plain.await.unwrap().into_inner(), 8);
    }
}
