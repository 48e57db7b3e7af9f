//! Bounds of streams, digests and cursors: the size of a message, the work between two messages,
//! and the store of cursors.

use std::time::Duration;

use super::{CHUNK_BYTES_MAX, FILTER_REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX};

// --- Streams -------------------------------------------------------------------------------------
// Subscriptions and digests: the size of a message, and the work between two messages.

/// Most streams being served at once.
pub const STREAMS_MAX: u32 = 32_768;
/// Most streams of another machine.
pub const STREAMS_OF_PARTY_MAX: u32 = 256;
/// Most designees in the watch-lists of all streams: each takes about 50 bytes.
pub const WATCHED_DESIGNEES_MAX: u64 = 4_000_000;
/// Most designees in the watch-lists of another machine's streams.
pub const WATCHED_DESIGNEES_OF_PARTY_MAX: u64 = 400_000;
/// Delay that a caller is asked for when all streams are in use.
pub const STREAM_RETRY_DELAY: Duration = Duration::from_secs(5);
/// Filters of open streams that are remembered before those of closed ones are forgotten.
pub const INTERESTS_KEPT: usize = 64;
/// New events for which waiting streams are looked up at once.
pub const WAKE_SLICE_EVENTS: u64 = 256;
/// Designees and batches of a filter that enter the index of waiting streams at once.
pub const WAKE_KEYS_SLICE: usize = 2_048;
/// Bytes of leaves in one message of a subscription, before the last chunk is added.
pub const STREAM_MESSAGE_BYTES: usize = 48 * 1024;
/// Events that a filtered stream examines before it reports progress.
pub const STREAM_SCAN_EVENTS_MAX: u64 = 65_536;
/// Events that a filtered stream examines at once. With more to examine it is behind, and waits for
/// its turn.
pub const STREAM_SCAN_SLICE_EVENTS: u64 = 1_024;
/// Most events that a filtered stream puts into one message.
pub const STREAM_MATCHES_MAX: usize = 1_024;
/// Shortest heartbeat of a subscription.
pub const HEARTBEAT_MIN: Duration = Duration::from_secs(1);
/// Longest heartbeat of a subscription.
pub const HEARTBEAT_MAX: Duration = Duration::from_secs(300);
/// Heartbeat if the subscriber states none.
pub const HEARTBEAT_DEFAULT: Duration = Duration::from_secs(10);
/// Most matching events that one request for a digest covers, before the last step is added.
pub const DIGEST_MATCHES_MAX: u64 = 262_144;
/// Most events that one request for a digest examines.
pub const DIGEST_SCAN_EVENTS_MAX: u64 = 4_194_304;
/// Matching positions whose leaf hashes one step of a digest reads.
pub const DIGEST_STEP_EVENTS: usize = 4_096;

const _: () = {
    assert!(STREAM_SCAN_SLICE_EVENTS <= STREAM_SCAN_EVENTS_MAX);
    // One message of a stream, with the chunk that takes it over its aim, is a legal response.
    assert!(STREAM_MESSAGE_BYTES + CHUNK_BYTES_MAX < RESPONSE_BYTES_MAX);
    assert!(HEARTBEAT_MIN.as_secs() <= HEARTBEAT_DEFAULT.as_secs());
    assert!(HEARTBEAT_DEFAULT.as_secs() <= HEARTBEAT_MAX.as_secs());
};

// --- Cursors -------------------------------------------------------------------------------------
// The places of subscribers, and the store that keeps them.

/// Most cursors.
pub const CURSORS_MAX: u64 = 16_384;
/// Most cursors that another machine makes while the server runs.
pub const CURSORS_OF_PARTY_MAX: u64 = 256;
/// Most bytes of the filters of all cursors together.
pub const CURSOR_FILTERS_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Most bytes of the filters of these cursors.
pub const CURSOR_FILTERS_OF_PARTY_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// A part of all cursors, and of the bytes of their filters, that callers on the server's machine
/// leave to other machines, if those can call.
pub const CURSORS_LEFT_PART: u64 = 8;
/// Most changes of cursors that become durable together.
pub const CURSOR_GROUP_MAX: usize = 1_024;
/// Free bytes of the disk below which cursors do not change: their store writes up to four pages of
/// 4 KiB for a change, and may not meet a full disk.
pub const CURSOR_ROOM_BYTES: u64 = CURSOR_GROUP_MAX as u64 * 4 * 4 * 1024;
/// Bytes of filters at which a group of changes is full; the last one may exceed them.
pub const CURSOR_GROUP_FILTERS_BYTES: usize = FILTER_REQUEST_BYTES_MAX;
/// Free bytes that each byte of a filter needs beside those: the store keeps it in a page whose
/// size is a power of two, and grows ahead.
pub const CURSOR_FILTER_ROOM_FACTOR: u64 = 3;
/// Most changes of cursors waiting to become durable.
pub const CURSOR_QUEUE_MAX: usize = 16_384;
/// Bytes of the cache of the cursor store.
pub const CURSOR_CACHE_BYTES: usize = 16 * 1024 * 1024;
/// Matching events at which the count of a cursor's lag stops.
pub const CURSOR_LAG_EVENTS_MAX: usize = 100_000;
/// Events examined at which the count of a cursor's lag stops.
pub const CURSOR_LAG_SCAN_MAX: u64 = 1_000_000;
