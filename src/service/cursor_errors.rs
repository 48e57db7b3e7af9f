//! The errors of cursors.

use tonic::{Code, Status};

use super::{
    creators::Short,
    errors::{self, Limit},
};
use crate::{
    cursors::CursorError,
    domain::fault::echo,
    limits::{CURSOR_FILTERS_BYTES_MAX, CURSOR_QUEUE_MAX, CURSORS_MAX, QUEUE_RETRY_DELAY},
    protocol::pb::ErrorReason,
};

/// One more cursor would be more than a caller may make.
pub(super) fn too_many(short: Short) -> Status {
    let (limit, unit) = match short {
        Short::Cursors(limit) => (limit, "cursors"),
        Short::Bytes(limit) => (limit, "bytes"),
    };
    let text = format!(
        "this caller may keep {limit} {unit} of cursors and their filters; delete some, or leave \
         the others to the next"
    );
    errors::exhausted(text, Limit { limit, unit, ..Limit::default() })
}

pub(super) fn refused(error: CursorError) -> Status {
    let text = error.to_string();
    match error {
        CursorError::NotFound(id) => {
            let metadata = [("value", echo(&id))];
            errors::status(Code::NotFound, ErrorReason::CursorNotFound, text, metadata)
        }
        CursorError::Exists(id) => {
            let metadata = [("value", id)];
            errors::status(Code::AlreadyExists, ErrorReason::CursorExists, text, metadata)
        }
        CursorError::Backwards { current, asked } => {
            let metadata = [("value", asked.to_string()), ("next_position", current.to_string())];
            errors::status(Code::Aborted, ErrorReason::CursorBackwards, text, metadata)
        }
        CursorError::OtherLog { made_in, here } => {
            let metadata = [("log_id", here.to_string()), ("expected", made_in.to_string())];
            errors::status(Code::FailedPrecondition, ErrorReason::LogIdMismatch, text, metadata)
        }
        CursorError::TooMany => {
            let limit = CURSORS_MAX;
            errors::exhausted(text, Limit { limit, unit: "cursors", ..Limit::default() })
        }
        CursorError::FiltersTooLarge => {
            let limit = CURSOR_FILTERS_BYTES_MAX;
            errors::exhausted(text, Limit { limit, unit: "bytes", ..Limit::default() })
        }
        CursorError::QueueFull => {
            let (limit, retry) = (CURSOR_QUEUE_MAX as u64, Some(QUEUE_RETRY_DELAY));
            errors::queue_full(text, Limit { limit, unit: "changes", retry, ..Limit::default() })
        }
        CursorError::Closed => errors::draining(),
        CursorError::Failed(detail) => {
            let metadata = [("detail", detail)];
            errors::status(Code::Unavailable, ErrorReason::CursorStoreFailed, text, metadata)
        }
    }
}
