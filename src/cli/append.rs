//! Appending rows: one commit, with retries that cannot record it twice.

use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tonic::Code;

use super::{CliError, client::Client, print::is_retryable, repairs::Repairs};
use crate::{
    delivery::pause::Pause,
    domain::text::hex,
    import::ImportedRow,
    limits::{APPEND_ATTEMPTS_MAX, APPEND_RETRY_PAUSE_MAX, APPEND_RETRY_PAUSE_MIN},
    protocol::pb,
};

/// Bytes of the content's hash that make a request id.
const REQUEST_ID_BYTES: usize = 24;

/// The reason why a commit was not recorded.
pub(crate) enum AppendFailure {
    /// Events break rules or cannot be read; the response lists every rejection.
    Rejected(Box<pb::AppendResponse>),
    /// Anything else.
    Other(CliError),
}

impl From<tonic::Status> for AppendFailure {
    fn from(status: tonic::Status) -> Self {
        Self::Other(status.into())
    }
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
        let (Some(first), count) = (self.annulled.first(), self.annulled.len()) else {
            return Ok(());
        };
        let from = self.answer.first_position.unwrap_or_default();
        let last = self.answer.next_position.saturating_sub(1);
        let events = if count == 1 {
            format!("the event at position {first} was annulled since")
        } else {
            format!("{count} events were annulled since, the first at position {first}")
        };
        Err(CliError::Refused(format!(
            "nothing was recorded: the same was recorded before, at positions {from} to {last}, \
             and {events}; --again records it under a new request id"
        )))
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
                let repairs = Repairs::read(client, first, None).await;
                let repairs = repairs.map_err(AppendFailure::Other)?;
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
    let build = || pb::AppendRequest { request_id: request_id.to_owned(), ..request(rows) };
    let error = match send(client, build).await {
        Ok(answer) => return unless_rejected(answer),
        Err(error) => error,
    };
    if matches!(error.code(), Code::InvalidArgument | Code::FailedPrecondition) {
        // The error names the first rejection; a dry run lists them all. If it finds none, the
        // request itself was refused.
        dry_run(client, rows).await?;
    }
    Err(error.into())
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
        ..request(rows)
    };
    unless_rejected(send(client, build).await?)
}

/// Judges rows without recording them.
pub(crate) async fn dry_run(
    client: &mut Client,
    rows: &[ImportedRow],
) -> Result<pb::AppendResponse, AppendFailure> {
    let build = || pb::AppendRequest { validate_only: true, ..request(rows) };
    unless_rejected(send(client, build).await?)
}

/// Sends a request until its outcome is known. Sending consumes the request, so each attempt
/// builds its own; there is usually one.
async fn send(
    client: &mut Client,
    build: impl Fn() -> pb::AppendRequest,
) -> Result<pb::AppendResponse, tonic::Status> {
    let mut pause =
        Pause::new(APPEND_RETRY_PAUSE_MIN, APPEND_RETRY_PAUSE_MAX, fastrand::Rng::new());
    let mut attempt = 1;
    loop {
        match client.ledger.append(build()).await {
            Ok(answer) => return Ok(answer.into_inner()),
            Err(error) if !is_retryable(&error) || attempt == APPEND_ATTEMPTS_MAX => {
                return Err(error);
            }
            Err(_) => attempt += 1,
        }
        tokio::time::sleep(pause.take()).await;
    }
}

fn request(rows: &[ImportedRow]) -> pb::AppendRequest {
    let events = rows.iter().map(|row| row.event.clone()).collect();
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
