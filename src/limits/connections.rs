//! The cost of a peer: its connections, sockets, buffers and windows, and the time that it has for
//! each step.

use std::time::Duration;

use super::{CHUNK_BYTES_MAX, STREAM_MESSAGE_BYTES};

/// Most connections at once, unless the operator sets another number.
pub const CONNECTIONS_MAX: usize = 16_384;
/// Most connections of another machine.
pub const CONNECTIONS_OF_ADDRESS_MAX: usize = 256;
/// Descriptors that the process needs besides: its files, the runtime, and connections that leave.
pub const DESCRIPTORS_BESIDE_CONNECTIONS: usize = 256;
/// When all places for connections are taken, idle ones give up this part of them at once, so that
/// a flood of newcomers does not search through all for each of them.
pub const PLACES_FREED_PART: usize = 256;
/// Most connections that were asked to give up their place and have not left yet.
pub const PLACES_LEAVING_MAX: usize = 64;
/// An idle connection that must give up its place has this long to tell its peer.
pub const PLACE_LEAVE_PAUSE: Duration = Duration::from_millis(10);
/// A connection without calls is closed after this time. A stream is a call.
pub const CONNECTION_IDLE_MAX: Duration = Duration::from_secs(600);
/// The server says at most this often that it cannot accept connections.
pub const ACCEPT_REPORT_INTERVAL: Duration = Duration::from_secs(60);
/// An answer of which the peer takes nothing for so long ends.
pub const ANSWER_STALL_MAX: Duration = Duration::from_secs(60);
/// An answer of which the peer takes nothing for so long counts as untaken. Readers that work
/// stall for shorter times between two windows.
pub const ANSWER_STALL_COUNTED: Duration = Duration::from_millis(250);
/// Answers are handed to HTTP/2 in pieces of this size. A message of a stream is one piece; a slow
/// reader has to take about a kilobyte a second.
pub const ANSWER_PIECE_BYTES: usize = 64 * 1024;
/// The last byte of a message with more bytes than this is handed over apart: then the rest is
/// known to be taken. So many bytes of an answer may stay behind unnoticed.
pub const ANSWER_SPLIT_BYTES: usize = 1_024;
/// Most bytes of answers that their peers do not take.
pub const ANSWERS_UNTAKEN_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Most bytes of such answers to another machine.
pub const ANSWERS_UNTAKEN_OF_PARTY_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Streams that a peer may reset before the server has accepted them; with one more the connection
/// ends (rapid reset).
pub const PENDING_RESETS_MAX: usize = 20;
/// Streams that the server may have to reset because of a peer's faults; with one more the
/// connection ends.
pub const LOCAL_RESETS_MAX: usize = 1_024;
/// Pause after a failed accept, which mostly means that file descriptors ran out.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Most streams being served at once on one connection.
pub const CONNECTION_STREAMS_MAX: u32 = 1_024;
/// Bytes that a stream may buffer for sending; the cost of a reader that is stuck.
pub const STREAM_SEND_BYTES_MAX: usize = 64 * 1024;
/// Largest write that is coalesced: it waits until every ready task has run, so that small answers
/// leave together.
pub const COALESCE_WRITE_BYTES_MAX: usize = 4 * 1024;
/// Most bytes of coalesced writes that a connection holds back.
pub const COALESCE_BYTES_MAX: usize = 16 * 1024;
/// Reads of a connection before every other ready task runs. A read takes at most about 16 KiB.
pub const READS_OF_TURN_MAX: usize = 8;
/// Initial buffer of a stream; a larger message gets a buffer of its own size.
pub const STREAM_BUFFER_BYTES: usize = 256;
/// A stream with more bytes than this ready hands them on before it encodes more.
pub const STREAM_YIELD_BYTES: usize = 32 * 1024;
/// HTTP/2 window of a stream: bytes of requests that a client may send before they are read.
pub const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// HTTP/2 window of a connection.
pub const CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;
/// A new connection must have sent the whole preface of HTTP/2 by then, or else the headers of a
/// request of HTTP/1.1.
pub const HANDSHAKE_DURATION_MAX: Duration = Duration::from_secs(10);
/// The server pings a connection that has been silent for this long.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// The peer has this long to answer the ping.
pub const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// A peer that has ended its side of a connection gets the answers that it waits for. Then, or if
/// it waits for none, the connection ends after this time without anything to write: a peer that
/// has gone looks the same, and its streams must not last.
pub const HALF_CLOSED_PAUSE_MAX: Duration = Duration::from_secs(1);
/// Time for which a browser may cache the answer to a CORS preflight.
pub const CORS_AGE: Duration = Duration::from_secs(3_600);
/// Bytes of headers of an HTTP/1.1 request, which must have arrived by the handshake's time.
pub const HTTP1_BUFFER_BYTES: usize = 16 * 1024;
/// Longest drain, from the signal to the end of the process, whatever hangs.
pub const DRAIN_DURATION_MAX: Duration = Duration::from_secs(10);
/// Part of a drain in which connections finish their requests. The writer has the rest.
pub const DRAIN_CONNECTIONS_DURATION_MAX: Duration = Duration::from_secs(5);
/// Last part of a drain, in which the process reports and ends.
pub const DRAIN_EXIT_DURATION: Duration = Duration::from_millis(500);
/// A closing connection without calls ends after this time, even if its peer does not answer.
pub const CLOSE_DURATION_MAX: Duration = Duration::from_secs(1);

const _: () = {
    assert!(STREAM_WINDOW_BYTES <= CONNECTION_WINDOW_BYTES);
    assert!(ANSWER_SPLIT_BYTES < ANSWER_PIECE_BYTES);
    assert!(STREAM_MESSAGE_BYTES + CHUNK_BYTES_MAX < ANSWER_PIECE_BYTES);
    assert!(ANSWER_STALL_COUNTED.as_millis() < ANSWER_STALL_MAX.as_millis());
    // The writer has some seconds of a drain for itself.
    let before_writer = DRAIN_CONNECTIONS_DURATION_MAX.as_millis();
    let for_writer = DRAIN_DURATION_MAX.as_millis() - DRAIN_EXIT_DURATION.as_millis();
    assert!(before_writer + 4_000 <= for_writer);
    assert!(CLOSE_DURATION_MAX.as_millis() < before_writer);
    assert!(HALF_CLOSED_PAUSE_MAX.as_millis() < before_writer);
    assert!(STREAM_YIELD_BYTES < STREAM_SEND_BYTES_MAX);
    assert!(COALESCE_WRITE_BYTES_MAX <= COALESCE_BYTES_MAX);
};
