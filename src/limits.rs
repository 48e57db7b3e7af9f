//! Every bound of Tidu, in one place, with the arithmetic that relates them.

use std::time::Duration;

/// Most events in a log: the register keeps positions in 32 bits. Far more than the field will ever record; a log that
/// reaches it takes no more.
pub const LOG_EVENTS_MAX: u64 = u32::MAX as u64 - 1;
/// Most events in one commit.
pub const COMMIT_EVENTS_MAX: usize = 10_000;
/// Events of a request that are read before other requests get their turn.
pub const READ_SLICE_EVENTS: usize = 256;
/// Most bytes of one recorded event (the encoded `RecordedEvent`, which is the leaf).
pub const LEAF_BYTES_MAX: usize = 6 * 1024;
/// Most bytes of a leaf beside its event: position, time, principal, commit, request id and digest with their keys.
pub const ENVELOPE_BYTES_MAX: usize = 256;
/// Most bytes of one request message.
pub const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most bytes of one response message; foreign clients receive 4 MiB by default.
pub const RESPONSE_BYTES_MAX: usize = 1024 * 1024;
/// Most bytes of all error details together; clients bound their trailers (grpc-java at 8 KiB, with base64 on top).
pub const ERROR_DETAILS_BYTES_MAX: usize = 4 * 1024;
/// Most bytes of a request id, a batch, an item, a round, a rule version or another id.
pub const ID_BYTES_MAX: usize = 64;
/// Most characters of a name (an enterprise, an issuer, a pool).
pub const NAME_CHARS_MAX: usize = 128;
/// Most bytes of free text (a reason, a title of an instrument) and of a URL.
pub const TEXT_BYTES_MAX: usize = 512;
/// Most bytes of a document number.
pub const DOCUMENT_NUMBER_BYTES_MAX: usize = 128;
/// Most co-issuers of an event.
pub const CO_ISSUERS_MAX: usize = 8;
/// Most repairs that stand on each other: what stands is found by following them.
pub const REPAIR_CHAIN_MAX: usize = 64;
/// Most identifiers that links and transfers tie together.
pub const CIRCLE_DESIGNEES_MAX: usize = 1_024;
/// Most successors of a restructuring.
pub const RESTRUCTURING_SUCCESSORS_MAX: usize = 64;
/// Most indicators of an assessment.
pub const INDICATORS_MAX: usize = 64;
/// Most characters of a value that an error repeats.
pub const ECHO_CHARS_MAX: usize = 64;
/// Most rejections, and most warnings, in one response.
pub const REJECTIONS_MAX: usize = 1_000;
/// Most failing events that an error status counts one by one (its details hold as many as fit).
pub const STATUS_REJECTIONS_MAX: usize = 100;
/// Most positions named as conflicts by one rejection or warning.
pub const CONFLICTS_MAX: usize = 8;
/// Most positions of a designee in one response.
pub const DESIGNEE_POSITIONS_MAX: usize = 1_000;
/// Most explanations, and most steps of each, in one response.
pub const EXPLANATIONS_MAX: usize = 64;
/// See [`EXPLANATIONS_MAX`].
pub const EXPLAINED_STEPS_MAX: usize = 1_000;
/// Designees that a question goes over before it lets the writer at the register.
pub const QUESTION_SLICE_DESIGNEES: usize = 2_048;
/// Most groups of a count, and most pools in a list.
pub const GROUPS_MAX: usize = 10_000;
/// Most dimensions of a count.
pub const GROUP_DIMENSIONS_MAX: usize = 3;
/// Batches that a page looks at before it lets the writer at the register.
pub const BATCH_SLICE: usize = 16;
/// First and last year of a date.
pub const YEAR_MIN: i16 = 1900;
/// See [`YEAR_MIN`].
pub const YEAR_MAX: i16 = 2199;

/// Most bytes of a value in the store: sled writes a leaf of 16 values whole, and one over 131,052 bytes goes to a file
/// that it never syncs.
pub const CHUNK_BYTES_MAX: usize = 7 * 1024;
/// Most events in one chunk.
pub const CHUNK_EVENTS_MAX: usize = 4_096;
/// Most bytes of values between two flushes. The store writes about four times as many, in several of its segments, each
/// of which is on the disk before anything claims it (`log/sled/sync_cure.rs`); one of 128 KiB costs a sixth of a bulk load.
pub const SYNC_WINDOW_BYTES_MAX: usize = 512 * 1024;
/// Bytes of events that an import makes durable at once.
pub const IMPORT_GROUP_BYTES: usize = 4 * 1024 * 1024;
/// Bytes that a verification reads in one step.
pub const VERIFY_STEP_BYTES: usize = 256 * 1024;
/// Bytes a second that a serving log is verified at where the caller names none, and at most.
pub const VERIFY_RATE_DEFAULT: u64 = 32 * 1024 * 1024;
/// Verifications that run at once: each reads the whole log.
pub const VERIFICATIONS_MAX: usize = 1;
/// See [`VERIFY_RATE_DEFAULT`].
pub const VERIFY_RATE_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// How often a verification tells how far it has come.
pub const VERIFY_REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Bytes of the log that a start decodes at once, and most threads that decode.
pub const REBUILD_BATCH_BYTES: usize = 256 * 1024;
/// See [`REBUILD_BATCH_BYTES`].
pub const DECODERS_MAX: usize = 8;
/// Leaf hashes to a stored value.
pub const HASHES_PER_BLOCK: usize = 128;
/// Most bytes of commits that the writer takes into one group.
pub const GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;
/// A group of so many bytes goes to the disk though more commits wait to join it: it is worth a sync.
pub const GROUP_READY_BYTES: usize = 128 * 1024;
/// Most commits in one group.
pub const GROUP_COMMITS_MAX: usize = 1_024;
/// Most commits waiting for the writer.
pub const QUEUE_COMMITS_MAX: usize = 8_192;
/// Most bytes of commits waiting for the writer.
pub const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// When the queue is full: how long a caller should wait.
pub const QUEUE_RETRY_DELAY: Duration = Duration::from_millis(200);
/// Bytes of the newest chunks kept in memory for subscribers.
pub const TAIL_CACHE_BYTES: usize = 32 * 1024 * 1024;
/// Bytes of sled's page cache.
pub const STORE_CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// How long a start waits for the store's threads to let go of a log that this process had open.
pub const STORE_CLOSE_DURATION_MAX: Duration = Duration::from_secs(5);
/// How often it looks.
pub const STORE_CLOSE_POLL: Duration = Duration::from_millis(5);
/// How long a busy lock is tried again: a child between fork and exec holds the locks of its parent.
pub const LOCK_WAIT_MAX: Duration = Duration::from_secs(1);
/// How often it is tried.
pub const LOCK_POLL: Duration = Duration::from_millis(5);
/// A flush that takes longer ends the process.
pub const FLUSH_DURATION_MAX: Duration = Duration::from_secs(30);
/// The high-water mark is at most this far behind the durable log.
pub const MARK_INTERVAL: Duration = Duration::from_secs(1);
/// A clock ahead of the last reading by more than this stops appends.
pub const CLOCK_AHEAD_MAX: Duration = Duration::from_secs(3_600);
/// A clock behind the last recorded time by more than this stops appends.
pub const CLOCK_BEHIND_MAX: Duration = Duration::from_secs(60);

/// Bytes of leaves in one message of a subscription, before the last chunk is added.
pub const STREAM_MESSAGE_BYTES: usize = 48 * 1024;
/// Events that a filtered stream examines before it reports progress.
pub const STREAM_SCAN_EVENTS_MAX: u64 = 65_536;
/// Most events that a filtered stream puts into one message.
pub const STREAM_MATCHES_MAX: usize = 1_024;
/// Most matching events that one question for a digest covers, before the last step is added.
pub const DIGEST_MATCHES_MAX: u64 = 262_144;
/// Most events that it looks at.
pub const DIGEST_SCAN_EVENTS_MAX: u64 = 4_194_304;
/// Most streams being served at once.
pub const STREAMS_MAX: u32 = 32_768;
/// Most cursors.
pub const CURSORS_MAX: u64 = 16_384;
/// Most bytes of the filters of all cursors together.
pub const CURSOR_FILTERS_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Most changes of cursors that become durable together.
pub const CURSOR_GROUP_MAX: usize = 1_024;
/// Most changes of cursors waiting to become durable.
pub const CURSOR_QUEUE_MAX: usize = 16_384;
/// Bytes of the cache of the store of cursors.
pub const CURSOR_CACHE_BYTES: usize = 16 * 1024 * 1024;
/// A cursor's lag is counted up to so many events, and over so many.
pub const CURSOR_LAG_EVENTS_MAX: usize = 100_000;
/// See [`CURSOR_LAG_EVENTS_MAX`].
pub const CURSOR_LAG_SCAN_MAX: u64 = 1_000_000;
/// Most designees that an ambiguous name is answered with.
pub const DESIGNEE_NAMESAKES_MAX: usize = 8;
/// Bounds of a subscription's heartbeat.
pub const HEARTBEAT_MIN: Duration = Duration::from_secs(1);
/// See [`HEARTBEAT_MIN`].
pub const HEARTBEAT_MAX: Duration = Duration::from_secs(300);
/// Heartbeat where the subscriber names none.
pub const HEARTBEAT_DEFAULT: Duration = Duration::from_secs(10);
/// Bytes of leaves in a page, before the last one is added.
pub const PAGE_BYTES: usize = 512 * 1024;
/// Most events in a page.
pub const PAGE_EVENTS_MAX: usize = 1_000;
/// Events in a page where the caller names no number.
pub const PAGE_EVENTS_DEFAULT: usize = 100;
/// Most programmes in a catalogue: an event notes the ones it concerns in 32 bits.
pub const CATALOGUE_PROGRAMMES_MAX: usize = 32;
/// Most rule versions of a programme.
pub const CATALOGUE_RULES_MAX: usize = 64;
/// Events that a filtered question looks at after a match before it asks the postings where to go on.
pub const INTEREST_WINDOW_EVENTS: u64 = 128;
/// Most values in one field of a filter.
pub const FILTER_VALUES_MAX: usize = 64;
/// A stream that follows more designees than this is woken by what else its filter says.
pub const WAKE_DESIGNEES_MAX: usize = 4_096;
/// Most designees in the watch-list of a filter.
pub const FILTER_DESIGNEES_MAX: usize = 100_000;

/// Most connections at once.
pub const CONNECTIONS_MAX: usize = 16_384;
/// How long the server waits after it could not accept a connection, mostly for want of file descriptors.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Most streams being served at once on one connection.
pub const CONNECTION_STREAMS_MAX: u32 = 1_024;
/// Bytes that a stream may have waiting to be sent; what a stuck reader costs.
pub const STREAM_SEND_BYTES_MAX: usize = 64 * 1024;
/// Largest write to a connection that waits until everything that is ready has run, so that answers leave together.
pub const GATHER_WRITE_BYTES_MAX: usize = 4 * 1024;
/// Bytes of such writes that a connection holds back at most.
pub const GATHER_BYTES_MAX: usize = 16 * 1024;
/// Bytes of room that a stream begins with; a message that takes more gets its own.
pub const STREAM_ROOM_BYTES: usize = 256;
/// A stream with more bytes than this ready hands them on before it encodes more.
pub const STREAM_YIELD_BYTES: usize = 32 * 1024;
/// Bytes of requests that a stream, and a connection, may send before they are read.
pub const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// See [`STREAM_WINDOW_BYTES`].
pub const CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;
/// A new connection must have sent its first bytes by then.
pub const HANDSHAKE_DURATION_MAX: Duration = Duration::from_secs(10);
/// A silent connection is asked for a sign of life after this long.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// It has this long to give it.
pub const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a browser may remember which pages may call.
pub const CORS_AGE: Duration = Duration::from_secs(3_600);
/// Bytes of headers of an HTTP/1.1 request, which must have come by the handshake's time.
pub const HTTP1_BUFFER_BYTES: usize = 64 * 1024;
/// A drain takes no longer than this, whatever hangs.
pub const DRAIN_DURATION_MAX: Duration = Duration::from_secs(10);

/// Before an event that was not taken by a hook is offered again: the first pause, which doubles, and the longest one,
/// where the caller names none.
pub const HOOK_RETRY_MIN_DEFAULT: Duration = Duration::from_secs(1);
/// See [`HOOK_RETRY_MIN_DEFAULT`].
pub const HOOK_RETRY_MAX_DEFAULT: Duration = Duration::from_secs(60);
/// Bytes of an answer to a webhook that are read so that its connection can be used again.
pub const WEBHOOK_ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Longest pause that a receiver of webhooks may ask for; a longer one is read as this.
pub const WEBHOOK_RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);
/// How long a receiver of webhooks has to answer where the caller says nothing.
pub const WEBHOOK_DURATION_DEFAULT: Duration = Duration::from_secs(30);
/// How long a command has for one event where the caller says nothing.
pub const COMMAND_DURATION_DEFAULT: Duration = Duration::from_secs(600);
/// Bounds of the durations that a caller may name for a hook.
pub const HOOK_DURATION_MIN: Duration = Duration::from_millis(1);
/// See [`HOOK_DURATION_MIN`].
pub const HOOK_DURATION_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Bounds of the bytes of a webhook's secret, as Standard Webhooks has them.
pub const WEBHOOK_SECRET_BYTES_MIN: usize = 24;
/// See [`WEBHOOK_SECRET_BYTES_MIN`].
pub const WEBHOOK_SECRET_BYTES_MAX: usize = 64;

const _: () = {
    // A leaf with its frame (3 bytes) and the chunk header (24 bytes) fits one chunk.
    assert!(LEAF_BYTES_MAX + 3 + 24 <= CHUNK_BYTES_MAX);
    // A sled leaf of 17 values stays under its limit for a message in the log.
    assert!(CHUNK_BYTES_MAX * 17 < 131_052);
    // A block of hashes is a value like any other.
    assert!(HASHES_PER_BLOCK * 32 <= CHUNK_BYTES_MAX);
    // One message of a stream, with the chunk that takes it over its aim, is a legal response.
    assert!(STREAM_MESSAGE_BYTES + CHUNK_BYTES_MAX < RESPONSE_BYTES_MAX);
    // The largest request can be queued and grouped.
    assert!(REQUEST_BYTES_MAX < QUEUE_BYTES_MAX);
    // What a hook does where the caller says nothing is within what a caller may say.
    assert!(HOOK_RETRY_MIN_DEFAULT.as_secs() <= HOOK_RETRY_MAX_DEFAULT.as_secs());
    assert!(HOOK_RETRY_MAX_DEFAULT.as_secs() <= WEBHOOK_RETRY_AFTER_MAX.as_secs());
    assert!(COMMAND_DURATION_DEFAULT.as_secs() <= HOOK_DURATION_MAX.as_secs());
    // A page, with the event that takes it over its aim, is a legal response.
    assert!(PAGE_BYTES + LEAF_BYTES_MAX < RESPONSE_BYTES_MAX);
};
