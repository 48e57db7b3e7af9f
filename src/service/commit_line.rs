//! The log line of a commit that is slow, and what the line of a refused one says of the commit.
//!
//! Only a handler knows a commit, and only the layer around all handlers sees each refusal (see
//! `call_lines.rs`). So a refused commit is attached to its status as the source, which stays
//! inside the server.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use tokio::time::Instant;
use tonic::{Request, Response, Status};
use tracing::Span;

use super::call::Caller;
use crate::{domain::fault::echo, limits::ID_BYTES_MAX, protocol::append::ReceivedCommit};

/// A commit that a handler had.
#[derive(Clone, Debug)]
pub(super) struct CommitOfCall {
    /// Shortened, if it is too long to be one.
    pub(super) request_id: String,
    pub(super) events: usize,
    pub(super) validate_only: bool,
}

impl fmt::Display for CommitOfCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the commit {:?} of {} events", self.request_id, self.events)
    }
}

impl Error for CommitOfCall {}

impl CommitOfCall {
    /// The commit that a status is about; `None` if no handler had it.
    pub(super) fn of(status: &Status) -> Option<&Self> {
        status.source()?.downcast_ref()
    }
}

/// A commit that is being answered.
pub(super) struct CommitLine {
    commit: CommitOfCall,
    caller: Caller,
    began: Instant,
    slow: Duration,
}

impl CommitLine {
    /// Begins with a whole request. An answer that takes as long as `slow` gets a line.
    pub(super) fn begin(request: &Request<ReceivedCommit>, slow: Duration) -> Self {
        let message = request.get_ref();
        let request_id = match &message.request_id {
            id if id.len() <= ID_BYTES_MAX => id.clone(),
            odd => echo(odd),
        };
        let commit = CommitOfCall {
            request_id,
            events: message.events.len(),
            validate_only: message.validate_only,
        };
        let span = Span::current();
        if !span.is_none() {
            span.record("request_id", &*commit.request_id).record("events", commit.events);
        }
        Self { commit, caller: Caller::of(request.extensions()), began: Instant::now(), slow }
    }

    /// Ends with the answer.
    pub(super) fn end<T>(self, answer: Result<Response<T>, Status>) -> Result<Response<T>, Status> {
        let Self { commit, caller, began, slow } = self;
        match answer {
            Ok(response) => {
                let took = began.elapsed();
                if took >= slow && !commit.validate_only {
                    tracing::warn!(
                        request_id = %commit.request_id,
                        principal = %caller.principal_name(),
                        peer = %caller.peer_text(),
                        events = commit.events,
                        duration_ms = milliseconds(took),
                        limit_ms = milliseconds(slow),
                        "a commit was slow"
                    );
                }
                Ok(response)
            }
            Err(mut status) => {
                status.set_source(Arc::new(commit));
                Err(status)
            }
        }
    }
}

/// A duration as the log lines give it.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
