//! Appending rows: one commit, with retries that cannot record it twice.

use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tonic::Code;

use super::{CliError, client::Client, print::is_retryable};
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

/// Records rows in one commit. If the outcome of an attempt is unknown, the commit is sent again
/// under the same request id, so it is recorded once.
pub(crate) async fn append_with_retry(
    client: &mut Client,
    rows: &[ImportedRow],
) -> Result<pb::AppendResponse, AppendFailure> {
    let request_id = request_id(rows);
    let build = || pb::AppendRequest { request_id: request_id.clone(), ..request(rows) };
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

/// The same content gives the same id, so recording a file again is harmless.
fn request_id(rows: &[ImportedRow]) -> String {
    let mut digest = Sha256::new();
    for row in rows {
        digest.update(row.event.encode_length_delimited_to_vec());
    }
    let hash = digest.finalize();
    format!("content-{}", hex(hash.get(..REQUEST_ID_BYTES).unwrap_or(&hash)))
}
