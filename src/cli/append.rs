//! Appending rows: one commit, with retries that cannot record it twice.

use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{
    CliError,
    client::{Client, takes_no_writes},
    print::is_retryable,
    repairs::Repairs,
};
use crate::{
    delivery::pause::Pause,
    domain::text::hex,
    import::ImportedRow,
    lang::say,
    limits::{APPEND_ATTEMPTS_MAX, APPEND_RETRY_PAUSE_MAX, APPEND_RETRY_PAUSE_MIN},
    protocol::pb,
};

/// Bytes of the content's hash that make a request id.
const REQUEST_ID_BYTES: usize = 24;

/// The reason why a commit was not recorded.
pub(crate) enum AppendFailure {
    /// Events break rules or cannot be read; the response lists every rejection.
    Rejected(Box<pb::AppendResponse>),
    /// Anything else. Nothing was recorded.
    Other(CliError),
    /// It is not known whether the commit was recorded: the connection was lost, or no answer came.
    Unknown(CliError),
}

impl AppendFailure {
    /// The rejections; the error if there is another failure.
    pub(crate) fn into_rejected(self) -> Result<Box<pb::AppendResponse>, CliError> {
        match self {
            Self::Rejected(answer) => Ok(answer),
            Self::Other(error) | Self::Unknown(error) => Err(error),
        }
    }
}

impl From<Unanswered> for AppendFailure {
    fn from(Unanswered { error, is_unknown }: Unanswered) -> Self {
        if is_unknown { Self::Unknown(error.into()) } else { Self::Other(error.into()) }
    }
}

/// A request that got no answer but an error.
struct Unanswered {
    error: Status,
    /// An attempt at it may have been recorded.
    is_unknown: bool,
}

/// The answer to a commit, which may have been recorded before.
pub(crate) struct Recorded {
    pub(crate) answer: pb::AppendResponse,
    /// For a repeat: the positions of its events that have been annulled since.
    pub(crate) annulled: Vec<u64>,
}

impl Recorded {
    /// Refuses a repeat of which events were annulled since: it records nothing, and they stay
    /// annulled.
    pub(crate) fn reject_annulled(&self) -> Result<(), CliError> {
        match self.annulled_since() {
            Some(why) => Err(CliError::Refused(say!(
                en: "nothing was recorded: {why}",
                zh: "没有记录任何内容：{why}"
            ))),
            None => Ok(()),
        }
    }

    /// For a repeat of which events were annulled since: why it records nothing.
    pub(crate) fn annulled_since(&self) -> Option<String> {
        let (first, count) = (self.annulled.first()?, self.annulled.len());
        let from = self.answer.first_position.unwrap_or_default();
        let last = self.answer.next_position.saturating_sub(1);
        let events = match count {
            1 => say!(
                en: "the event at position {first} was annulled since",
                zh: "其中位置 {first} 的事件后来已作废"
            ),
            count => say!(
                en: "{count} events were annulled since, the first at position {first}",
                zh: "其中 {count} 个事件后来已作废，第一个在位置 {first}"
            ),
        };
        Some(say!(
            en: "the same was recorded before, at positions {from} to {last}, and {events}; \
                 --again records it under a new request id",
            zh: "相同内容此前已记录，在位置 {from} 至 {last}，{events}；可用 --again 以新的请求编号再次\
                 记录"
        ))
    }
}

/// Records rows in one commit. If the outcome of an attempt is unknown, the commit is sent again
/// under the same request id, so it is recorded once.
///
/// With `again`, content whose commit has annulled events gets a new id, which follows from the
/// place of that commit. So a repeat of this is a repeat as well.
pub(crate) async fn append_with_retry(
    client: &mut Client,
    rows: &[ImportedRow],
    again: bool,
) -> Result<Recorded, AppendFailure> {
    let mut request_id = request_id(rows, &[]);
    let mut earlier = Vec::new();
    loop {
        let answer = append_under(client, rows, &request_id).await?;
        let annulled = match answer.first_position {
            Some(first) if answer.replayed => {
                // The first answer may be that to an earlier attempt of this very call.
                let repairs = Repairs::read(client, first, None).await;
                let repairs = repairs.map_err(AppendFailure::Unknown)?;
                repairs.annulled_in(first..answer.next_position)
            }
            _ => Vec::new(),
        };
        if annulled.is_empty() || !again {
            return Ok(Recorded { answer, annulled });
        }
        // Each is a later place of the log, so this ends.
        earlier.push(answer.first_position.unwrap_or_default());
        request_id = self::request_id(rows, &earlier);
    }
}

async fn append_under(
    client: &mut Client,
    rows: &[ImportedRow],
    request_id: &str,
) -> Result<pb::AppendResponse, AppendFailure> {
    let build = || pb::AppendRequest { request_id: request_id.to_owned(), ..request(rows.iter()) };
    let failed = match send(client, build).await {
        Ok(answer) => return unless_rejected(answer),
        Err(failed) => failed,
    };
    let reason = failed.error.get_details_error_info().map(|info| info.reason);
    let needs_approval = reason.as_deref() == Some("APPROVAL_REQUIRED");
    if matches!(failed.error.code(), Code::InvalidArgument | Code::FailedPrecondition)
        && !needs_approval
    {
        // The error names the first rejection; a dry run lists them all. If it finds none, or
        // fails, the request itself was refused.
        if let Err(rejected @ AppendFailure::Rejected(_)) = dry_run(client, rows.iter()).await {
            return Err(rejected);
        }
    }
    Err(failed.into())
}

/// Judges rows as [`append_with_retry`] would record them. Content that was recorded before gives
/// its first answer, unless it is to be recorded again.
pub(crate) async fn trial(
    client: &mut Client,
    rows: &[ImportedRow],
    again: bool,
) -> Result<pb::AppendResponse, AppendFailure> {
    let request_id = if again { String::new() } else { request_id(rows, &[]) };
    let build = || pb::AppendRequest {
        validate_only: true,
        request_id: request_id.clone(),
        ..request(rows.iter())
    };
    let answer = send(client, build).await;
    unless_rejected(answer.map_err(|failed| AppendFailure::Other(failed.error.into()))?)
}

/// Judges rows and has them sealed, for another principal to approve. Gives the request too.
pub(crate) async fn propose(
    client: &mut Client,
    rows: &[ImportedRow],
) -> Result<(pb::AppendRequest, pb::AppendResponse), AppendFailure> {
    let request_id = request_id(rows, &[]);
    let build = || pb::AppendRequest {
        validate_only: true,
        propose: true,
        request_id: request_id.clone(),
        ..request(rows.iter())
    };
    let answer = send_request(client, build).await.map_err(AppendFailure::Other)?;
    Ok((build(), unless_rejected(answer)?))
}

/// Sends a request until its outcome is known.
pub(crate) async fn send_request(
    client: &mut Client,
    build: impl Fn() -> pb::AppendRequest,
) -> Result<pb::AppendResponse, CliError> {
    send(client, build).await.map_err(|failed| failed.error.into())
}

/// Judges rows without recording them.
pub(crate) async fn dry_run<'a>(
    client: &mut Client,
    rows: impl Iterator<Item = &'a ImportedRow> + Clone,
) -> Result<pb::AppendResponse, AppendFailure> {
    let build = || pb::AppendRequest { validate_only: true, ..request(rows.clone()) };
    let answer = send(client, build).await;
    unless_rejected(answer.map_err(|failed| AppendFailure::Other(failed.error.into()))?)
}

/// Sends a request until its outcome is known. Sending consumes the request, so each attempt
/// builds its own; there is usually one.
async fn send(
    client: &mut Client,
    build: impl Fn() -> pb::AppendRequest,
) -> Result<pb::AppendResponse, Unanswered> {
    let mut pause =
        Pause::new(APPEND_RETRY_PAUSE_MIN, APPEND_RETRY_PAUSE_MAX, fastrand::Rng::new());
    let mut attempt = 1;
    let mut is_unknown = false;
    loop {
        let error = match client.ledger.append(build()).await {
            Ok(answer) => return Ok(answer.into_inner()),
            Err(error) => error,
        };
        is_unknown = match told(&error) {
            Told::Refused => false,
            Told::NotTaken => is_unknown,
            Told::Nothing => true,
        };
        let goes_on = is_retryable(&error) || client.move_on(&error);
        if !goes_on || attempt == APPEND_ATTEMPTS_MAX {
            return Err(Unanswered { error, is_unknown });
        }
        attempt += 1;
        tokio::time::sleep(pause.take()).await;
    }
}

/// What an error tells of the request.
#[derive(Debug, PartialEq)]
enum Told {
    /// It was decided, and refused. If an earlier attempt had been recorded, this one would have
    /// got its answer.
    Refused,
    /// This attempt was not taken.
    NotTaken,
    /// It may have been recorded.
    Nothing,
}

fn told(error: &Status) -> Told {
    /// Reasons for which a server that cannot be asked now takes nothing.
    const NOT_TAKEN: [&str; 4] = ["DRAINING", "STARTING", "READ_ONLY", "CLOCK_UNTRUSTED"];
    match error.code() {
        // A node that takes no writes knows nothing of earlier attempts.
        Code::FailedPrecondition if takes_no_writes(error) => Told::NotTaken,
        Code::InvalidArgument
        | Code::FailedPrecondition
        | Code::AlreadyExists
        | Code::Aborted
        | Code::OutOfRange
        | Code::NotFound => Told::Refused,
        Code::ResourceExhausted
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::Unimplemented => Told::NotTaken,
        Code::Unavailable
            if error
                .get_details_error_info()
                .is_some_and(|info| NOT_TAKEN.contains(&info.reason.as_str())) =>
        {
            Told::NotTaken
        }
        _ => Told::Nothing,
    }
}

fn request<'a>(rows: impl Iterator<Item = &'a ImportedRow>) -> pb::AppendRequest {
    let events = rows.map(|row| row.event.clone()).collect();
    pb::AppendRequest { events, ..Default::default() }
}

fn unless_rejected(answer: pb::AppendResponse) -> Result<pb::AppendResponse, AppendFailure> {
    match answer.rejection_count {
        0 => Ok(answer),
        _ => Err(AppendFailure::Rejected(Box::new(answer))),
    }
}

/// The same content gives the same id, so recording a file again is harmless. `earlier` are the
/// places of its commits that do not count any more.
fn request_id(rows: &[ImportedRow], earlier: &[u64]) -> String {
    let mut digest = Sha256::new();
    for row in rows {
        digest.update(row.event.encode_length_delimited_to_vec());
    }
    for place in earlier {
        digest.update(place.to_be_bytes());
    }
    let hash = digest.finalize();
    let what = if earlier.is_empty() { "content" } else { "again" };
    format!("{what}-{}", hex(hash.get(..REQUEST_ID_BYTES).unwrap_or(&hash)))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // a server's own errors have no details
mod tests {
    use std::collections::HashMap;

    use tonic_types::ErrorDetails;

    use super::*;

    fn of_reason(reason: &str) -> Status {
        let details = ErrorDetails::with_error_info(reason, "tidu.v1", HashMap::new());
        Status::with_error_details(Code::Unavailable, "not now", details)
    }

    #[test]
    fn an_error_tells_whether_the_request_may_have_been_recorded() {
        for (status, expected) in [
            (Status::new(Code::FailedPrecondition, "rejected"), Told::Refused),
            (Status::new(Code::InvalidArgument, "malformed"), Told::Refused),
            (Status::new(Code::ResourceExhausted, "queue full"), Told::NotTaken),
            (of_reason("DRAINING"), Told::NotTaken),
            (of_reason("STARTING"), Told::NotTaken),
            (of_reason("LOG_FAILED"), Told::Nothing),
            (Status::new(Code::Unavailable, "connection reset"), Told::Nothing),
            (Status::new(Code::DeadlineExceeded, "too late"), Told::Nothing),
            (Status::new(Code::Internal, "a task ended"), Told::Nothing),
        ] {
            assert_eq!(told(&status), expected, "{status:?}");
        }
    }
}
