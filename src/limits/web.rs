//! Bounds of plain HTTP: what a request asks, and lines of events.

use super::{HEADERS_BYTES_MAX, STREAM_MESSAGE_BYTES, STREAM_SEND_BYTES_MAX};

/// Most bytes of the parameters of a request: as much as HTTP/1.1 takes with its headers.
pub const QUERY_BYTES_MAX: usize = HEADERS_BYTES_MAX;
/// Bytes of lines at which a part of them is handed on. A reader that takes nothing holds one part,
/// and the message that is being turned into lines.
pub const LINES_BYTES: usize = 16 * 1024;

/// Bytes of messages whose lines are made at once, without a turn: an event or two.
pub const LINES_INLINE_BYTES: usize = 4 * 1024;

const _: () = {
    assert!(LINES_INLINE_BYTES < LINES_BYTES);
    assert!(LINES_BYTES < STREAM_SEND_BYTES_MAX);
    assert!(LINES_BYTES < STREAM_MESSAGE_BYTES);
};
