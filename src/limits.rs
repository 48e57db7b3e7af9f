//! Every bound of Tidu, by section, with the arithmetic that relates them.
//!
//! Bounds of a kind that are many are in files of their own, such as those on records and lists.
//!
//! Each section ends with the assertions about its bounds. A bound that depends on the bytes of a
//! format is asserted beside that format: `log/chunk.rs` proves that the largest leaf fits a chunk.

mod access;
mod answers;
mod approval;
mod archives;
mod clients;
mod connections;
mod delivery;
mod doctor;
mod following;
mod handover;
mod intake;
mod lists;
mod metrics;
mod mirror;
mod names;
mod nodes;
mod observation;
mod operations;
mod process;
mod questions;
mod records;
mod signs;
mod snapshots;
mod subscribers;
mod tls;
mod trail;
mod web;

use std::time::Duration;

pub use self::{
    access::*, answers::*, approval::*, archives::*, clients::*, connections::*, delivery::*,
    doctor::*, following::*, handover::*, intake::*, lists::*, metrics::*, mirror::*, names::*,
    nodes::*, observation::*, operations::*, process::*, questions::*, records::*, signs::*,
    snapshots::*, subscribers::*, tls::*, trail::*, web::*,
};

// --- Events and requests -------------------------------------------------------------------------
// The size of a fact, of its parts, and of the messages that carry facts.

/// Most bytes of one encoded event: the part of the leaf that a caller states.
pub const EVENT_BYTES_MAX: usize = 5_888;
/// Most bytes of a leaf beside its event: position, time, principals, commit, request id and
/// digest, signatures and salt, with their keys. `protocol/leaf.rs` adds them up.
pub const ENVELOPE_BYTES_MAX: usize = 1_024;
/// Bytes of a recorded event beside its fact and the name of the one who recorded it, with its leaf
/// hash: keys, time, commit and salt. A request id and signatures come on top.
pub const LEAF_OVERHEAD_BYTES: usize = 192;
/// Most bytes of one recorded event (the encoded `RecordedEvent`, which is the leaf).
pub const LEAF_BYTES_MAX: usize = EVENT_BYTES_MAX + ENVELOPE_BYTES_MAX;
/// Most signatures of a commit.
pub const SIGNATURES_MAX: usize = 4;
/// Most bytes of the name of a signature's algorithm.
pub const ALGORITHM_BYTES_MAX: usize = 16;
/// Most bytes of the id of a key.
pub const KEY_ID_BYTES_MAX: usize = 64;
/// Most bytes of a signature: SM2 and ECDSA over 256 bits take up to 72 in DER.
pub const SIGNATURE_BYTES_MAX: usize = 80;
/// Bytes of a salt, which hides an event that is not public behind its leaf hash.
pub const SALT_BYTES: usize = 16;
/// Most events in one commit.
pub const COMMIT_EVENTS_MAX: usize = 10_000;
/// Events of a request that are read before other requests get their turn.
pub const READ_SLICE_EVENTS: usize = 256;
/// Versions of designees in a precondition that are read in the same time.
pub const READ_SLICE_VERSIONS: usize = 2_048;
/// Most bytes of one request message: an Append.
pub const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most bytes of one response message; foreign clients receive 4 MiB by default.
pub const RESPONSE_BYTES_MAX: usize = 1024 * 1024;
/// Most bytes of all error details together. Clients bound their trailers: grpc-java allows 8 KiB,
/// and base64 makes the details a third longer.
pub const ERROR_DETAILS_BYTES_MAX: usize = 4 * 1024;
/// Most bytes of the ErrorInfo of one fault, with its place, rule, values and conflicts.
pub const ERROR_INFO_BYTES_MAX: usize = 1_216;
/// Most bytes of the message of a status about faults, which its details repeat.
pub const ERROR_MESSAGE_BYTES_MAX: usize = 832;
/// Most bytes of a request id, a batch, an item, a round, a rule version or another id.
pub const ID_BYTES_MAX: usize = 64;
/// Most characters of a name (an enterprise, an issuer, a pool).
pub const NAME_CHARS_MAX: usize = 128;
/// Most bytes of free text (a reason, a title of an instrument) and of a URL.
pub const TEXT_BYTES_MAX: usize = 512;
/// Most bytes of a name, an identifier or a document number as a caller writes it, with the white
/// space and brackets that its normal form lacks. A longer one is refused before it is folded.
pub const WRITTEN_TEXT_BYTES_MAX: usize = 1_024;
/// Most bytes of a document number.
pub const DOCUMENT_NUMBER_BYTES_MAX: usize = 128;
/// Most bodies that issued an instrument together. The joint guideline of 2020 has 17.
pub const ISSUING_BODIES_MAX: usize = 32;
/// Most co-issuers of an event.
pub const CO_ISSUERS_MAX: usize = 8;
/// Longest chain of repairs of repairs: reading the effective fact follows it.
pub const REPAIR_CHAIN_MAX: usize = 64;
/// Most successors of a restructuring.
pub const RESTRUCTURING_SUCCESSORS_MAX: usize = 64;
/// Most indicators of an assessment.
pub const INDICATORS_MAX: usize = 64;
/// Most characters of a value that an error repeats.
pub const ECHO_CHARS_MAX: usize = 64;
/// Most bytes of a value that an error repeats: Chinese characters of three bytes, and a mark for
/// the rest.
pub const ECHO_BYTES_MAX: usize = ECHO_CHARS_MAX * 3 + 3;
/// Most bytes of all values in the metadata of one rejection or warning, marks for the rest aside.
pub const METADATA_BYTES_MAX: usize = 160;
/// Most rejections, and most warnings, in one response.
pub const REJECTIONS_MAX: usize = 1_000;
/// Most rejections, and most warnings, that are kept of one event; the others are only counted.
/// More of one event say nothing new, and ten thousand events cannot grow a request a hundredfold.
pub const FAULTS_OF_EVENT_MAX: usize = 16;
/// Most bytes of one rejection or warning.
pub const FAULT_BYTES_MAX: usize = 1_040;
/// Most bytes of the lists in the response to an Append, in their order: rejections, warnings,
/// changes. The rest is for its other fields.
pub const APPEND_LISTS_BYTES_MAX: usize = RESPONSE_BYTES_MAX - 4 * 1024;
/// Most failing events that an error status lists (its details hold as many as fit).
pub const STATUS_REJECTIONS_MAX: usize = 100;
/// Most positions named as conflicts by one rejection or warning.
pub const CONFLICTS_MAX: usize = 8;

const _: () = {
    // Half of the details is left for violations.
    assert!(ERROR_INFO_BYTES_MAX + ERROR_MESSAGE_BYTES_MAX <= ERROR_DETAILS_BYTES_MAX / 2);
    // All rejections that are listed fit a response, each with its key and length.
    assert!(REJECTIONS_MAX * (FAULT_BYTES_MAX + 4) <= APPEND_LISTS_BYTES_MAX);
    assert!(ECHO_BYTES_MAX + METADATA_BYTES_MAX < FAULT_BYTES_MAX);
    // Encoded in base64, the details leave room for the other trailers in 8 KiB.
    assert!(ERROR_DETAILS_BYTES_MAX / 3 * 4 < 8 * 1024);
    assert!(STATUS_REJECTIONS_MAX <= REJECTIONS_MAX);
    assert!(FAULTS_OF_EVENT_MAX <= REJECTIONS_MAX);
    // A name of the longest characters, in an identifier that is made of it.
    assert!(NAME_CHARS_MAX * 4 + "provisional:440000/".len() < WRITTEN_TEXT_BYTES_MAX);
    assert!(TEXT_BYTES_MAX < WRITTEN_TEXT_BYTES_MAX);
};

// --- Dates ---------------------------------------------------------------------------------------
// `CivilDate::MIN` and `MAX` are the first day of the first year and the last day of the last one.

/// First year of a date.
pub const YEAR_MIN: i16 = 1900;
/// Last year of a date.
pub const YEAR_MAX: i16 = 2199;

// --- The log -------------------------------------------------------------------------------------
// The size of the log, and of the values in which it is stored, read, verified and rebuilt.

/// Most events in a log: the register keeps positions in 32 bits. A log that reaches it takes no
/// more events.
pub const LOG_EVENTS_MAX: u64 = u32::MAX as u64 - 1;
/// Most bytes of a value in the store. sled writes a leaf of 16 values whole.
pub const CHUNK_BYTES_MAX: usize = 7 * 1024;
/// Largest record that sled keeps in its log. It writes a larger one to a file of its own, which it
/// never syncs.
pub const STORE_RECORD_BYTES_MAX: usize = 131_052;
/// Most events in one chunk.
pub const CHUNK_EVENTS_MAX: usize = 4_096;
/// Leaf hashes to a stored value.
pub const HASHES_PER_BLOCK: usize = 128;
/// Most bytes of values between two flushes. The store writes about four times as many, in several
/// of its segments; each is on the disk before anything claims it (`log/sled/sync_cure.rs`).
/// A window of 128 KiB would cost a sixth of a bulk load.
pub const SYNC_WINDOW_BYTES_MAX: usize = 512 * 1024;
/// Bytes of events that an import makes durable at once.
pub const IMPORT_GROUP_BYTES: usize = 4 * 1024 * 1024;
/// Bytes that a verification reads in one step.
pub const VERIFY_STEP_BYTES: usize = 256 * 1024;
/// Verifications that run at once: each reads the whole log.
pub const VERIFICATIONS_MAX: usize = 1;
/// Delay that a caller is asked for while another verification runs.
pub const VERIFY_RETRY_DELAY: Duration = Duration::from_secs(10);
/// Bytes a second that a verification of a serving log reads if the caller states no rate.
pub const VERIFY_RATE_DEFAULT: u64 = 32 * 1024 * 1024;
/// Fewest bytes a second that a caller may ask for: a slow verification keeps others waiting.
pub const VERIFY_RATE_MIN: u64 = 1024 * 1024;
/// Most bytes a second that a verification reads, whatever the caller asks for.
pub const VERIFY_RATE_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// Interval at which a verification reports its progress.
pub const VERIFY_REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Interval at which the verification in the background has a log line.
pub const VERIFY_TOLD_INTERVAL: Duration = Duration::from_secs(60);
/// Bytes of the log that one thread decodes at a time during a start.
pub const REBUILD_BATCH_BYTES: usize = 256 * 1024;
/// Most threads that decode during a start.
pub const DECODERS_MAX: usize = 8;
/// Bytes of the newest chunks kept in memory for subscribers.
pub const TAIL_CACHE_BYTES: usize = 32 * 1024 * 1024;
/// Bytes of sled's page cache.
pub const STORE_CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of `DATA/FORMAT` that are read: a format has at most five digits.
pub const FORMAT_FILE_BYTES_MAX: usize = 16;
/// Further accesses to a page for each value that is read or written, which keep that cache near
/// its size. A page holds about eight chunks. With 2 of them, 4 pages of about 56 KiB wait in each
/// of the store's 256 parts: 56 MiB at most. Without them 64 pages would: 900 MiB.
pub const STORE_ACCESSES: usize = 2;
/// Threads that are tried before the runtime is made, and before the store is opened, which starts
/// eight: its memory needs room as well.
pub const STORE_THREADS_TRIED: usize = 16;
/// Longest wait of a start until the store's threads release a log that this process had open.
pub const STORE_CLOSE_DURATION_MAX: Duration = Duration::from_secs(5);
/// Interval at which a start tries again meanwhile.
pub const STORE_CLOSE_POLL: Duration = Duration::from_millis(5);
/// Longest time for which a busy lock is tried again: a child between fork and exec holds the locks
/// of its parent.
pub const LOCK_WAIT_MAX: Duration = Duration::from_secs(1);
/// Interval at which a busy lock is tried again.
pub const LOCK_POLL: Duration = Duration::from_millis(5);

const _: () = {
    // A leaf of sled that has one value more than 16 stays in sled's own log.
    assert!(CHUNK_BYTES_MAX * 17 < STORE_RECORD_BYTES_MAX);
    // A block of hashes (32 bytes each) is a value like any other.
    assert!(HASHES_PER_BLOCK * 32 <= CHUNK_BYTES_MAX);
    assert!(CHUNK_BYTES_MAX <= SYNC_WINDOW_BYTES_MAX);
    assert!(VERIFY_RATE_MIN <= VERIFY_RATE_DEFAULT && VERIFY_RATE_DEFAULT <= VERIFY_RATE_MAX);
};

// --- The writer ----------------------------------------------------------------------------------
// The queue before the writer, its groups, the flush, and the clock that stamps commits.

/// Most bytes of a group of commits, unless a single commit has more: it is a group by itself. The
/// first commit behind it waits for its flush and its own, and no other.
pub const GROUP_BYTES_MAX: usize = 1024 * 1024;
/// Bytes at which a group is flushed even if more commits are queued: it is worth a sync.
pub const GROUP_READY_BYTES: usize = 128 * 1024;
/// Most commits in one group.
pub const GROUP_COMMITS_MAX: usize = 1_024;
/// Most commits waiting for the writer.
pub const QUEUE_COMMITS_MAX: usize = 8_192;
/// Most bytes of commits waiting for the writer.
pub const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes for which a smaller commit counts, so that the bytes of the queue bound its commits too.
pub const QUEUED_COMMIT_BYTES_MIN: usize = QUEUE_BYTES_MAX / QUEUE_COMMITS_MAX;
/// Events of a commit that the writer judges and applies, or takes back, in one hold of the
/// register's write lock. Readers have their turn between two.
pub const WRITE_SLICE_EVENTS: usize = 128;
/// Delay that a caller is asked for when the queue is full.
pub const QUEUE_RETRY_DELAY: Duration = Duration::from_millis(200);
/// Seconds for which a caller may save up events, if the operator limits their rate.
pub const EVENT_BURST_SECONDS: u64 = 10;
/// Callers whose rates are remembered before those are forgotten that have saved up all.
pub const RATE_BUCKETS_KEPT: usize = 1_024;
/// A sync of the log that takes longer ends the process.
pub const FLUSH_DURATION_MAX: Duration = Duration::from_secs(30);
/// Interval at which the watchdog checks whether an append has taken too long.
pub const WATCHDOG_INTERVAL: Duration = Duration::from_millis(500);
/// The high-water mark is at most this far behind the durable log.
pub const MARK_INTERVAL: Duration = Duration::from_secs(1);
/// A clock ahead of the last reading by more than this stops appends.
pub const CLOCK_AHEAD_MAX: Duration = Duration::from_secs(3_600);
/// A clock behind the last recorded time by more than this stops appends.
pub const CLOCK_BEHIND_MAX: Duration = Duration::from_secs(60);

const _: () = {
    // The queue takes the largest request.
    assert!(REQUEST_BYTES_MAX < QUEUE_BYTES_MAX);
    assert!(GROUP_READY_BYTES <= GROUP_BYTES_MAX);
};

// --- Reads and questions -------------------------------------------------------------------------
// Pages of events, answers of the register, and how long a question holds the register's read lock.

/// Bytes of leaves in a page, before the last one is added.
pub const PAGE_BYTES: usize = 512 * 1024;
/// Most events in a page.
pub const PAGE_EVENTS_MAX: usize = 1_000;
/// Events in a page if the caller states no number.
pub const PAGE_EVENTS_DEFAULT: usize = 100;
/// Designees scanned per hold of the register's read lock. The writer gets its turn between two.
pub const QUESTION_SLICE_DESIGNEES: usize = 2_048;
/// Facts read per hold of the register's read lock: about 2 ms. Few designees may have many facts.
pub const QUESTION_SLICE_FACTS: usize = 32_768;
/// Facts of a record from which an answer about it takes a millisecond or more, so that it waits
/// for its turn.
pub const LONG_RECORD_FACTS: usize = 256;
/// Events of a page that are decoded before other requests get their turn.
pub const DECODE_SLICE_EVENTS: usize = 128;
/// Whole records that a question reads in one slice: each may have thousands of facts.
pub const VIEWS_SLICE: usize = 16;
/// Titles that one slice of a question keeps for its answer: those of two pages of short ones.
pub const QUESTION_SLICE_TITLES: usize = 4_096;
/// Facts of linked designees that a search through the events reads before it reports how far it
/// got: about 3 ms.
pub const SEARCH_FACTS_MAX: usize = 65_536;
/// Events of a trial in one slice. It gives up the register's read lock after each of them.
pub const TRIAL_SLICE_EVENTS: usize = 64;
/// Entries of batches read per hold of the register's read lock: about a millisecond of work.
pub const QUESTION_SLICE_ENTRIES: usize = 8_192;
/// Events of which a question for what they may have changed looks at each one: those of two
/// commits. After more of them it answers for everything.
pub const CHANGED_EVENTS_MAX: u64 = 20_000;
/// Events that a question reads from the log before it asks whether it may go on: about a
/// millisecond of work.
pub const QUESTION_SLICE_LEAVES: usize = 64;
/// Slices after which a question gives way to those of other parties: a few milliseconds of work.
pub const QUESTION_TURN_SLICES: u32 = 4;
/// Most questions that have begun and not ended. Those that gave way keep their thread and the part
/// of their answer that they have.
pub const QUESTIONS_BEGUN_MAX: usize = 8;
/// Most questions that wait to begin.
pub const QUESTIONS_WAITING_MAX: usize = 64;
/// Most questions of one remote address that run or wait.
pub const REMOTE_QUESTIONS_MAX: usize = 4;

const _: () = {
    // A page, with the event that takes it over its aim, is a legal response.
    assert!(PAGE_BYTES + LEAF_BYTES_MAX < RESPONSE_BYTES_MAX);
    assert!(PAGE_EVENTS_DEFAULT <= PAGE_EVENTS_MAX);
    // No remote address can fill the line of questions alone.
    assert!(REMOTE_QUESTIONS_MAX < QUESTIONS_WAITING_MAX);
};

// --- The catalogue and filters -------------------------------------------------------------------
// The size of a catalogue, and the values that a filter may name.

/// Most bytes of a catalogue: an answer carries it whole.
pub const CATALOGUE_BYTES_MAX: usize = 256 * 1024;
/// Most programmes in all catalogues of a log: an event notes the ones it concerns in 32 bits.
pub const CATALOGUE_PROGRAMMES_MAX: usize = 32;
/// Most rule versions of a programme in a catalogue.
pub const CATALOGUE_RULES_MAX: usize = 64;
/// Most different rule versions of a programme in all catalogues of a log.
pub const CATALOGUE_RULES_OF_LOG_MAX: usize = 254;
/// Most adoptions of a catalogue in a log: one answer lists them.
pub const CATALOGUE_ADOPTIONS_MAX: usize = 1_024;
/// Most values in one field of a filter.
pub const FILTER_VALUES_MAX: usize = 64;
/// Most designees in the watch-list of a filter.
pub const FILTER_DESIGNEES_MAX: usize = 100_000;
/// Codes of a filter with a wrong check character. Each takes as many identifiers as there are
/// authorities, 38 of at most 100 bytes: 380 kB for all.
pub const FILTER_ODD_CODES_MAX: usize = 100;
/// Most values in all fields of a filter.
pub const FILTER_ELEMENTS_MAX: usize = FILTER_DESIGNEES_MAX + 1_024;
/// Fewest bytes of a designee in a filter: a local identifier, with its key and length.
pub const FILTER_DESIGNEE_BYTES_MIN: usize = 16;
/// Events that a filtered scan examines after a match before it asks the postings where to
/// continue.
pub const INTEREST_WINDOW_EVENTS: u64 = 128;
/// Most positions of withheld events that one answer names.
pub const REDACTED_POSITIONS_MAX: usize = 1_000;
/// Most bytes of the reason for a redaction.
pub const REDACTION_REASON_BYTES_MAX: usize = 512;

const _: () = {
    assert!(CATALOGUE_PROGRAMMES_MAX <= u32::BITS as usize);
    // An event keeps the number of its rule version in one byte, in which 255 means that it has
    // none.
    assert!(CATALOGUE_RULES_OF_LOG_MAX < u8::MAX as usize);
    assert!(CATALOGUE_RULES_MAX <= CATALOGUE_RULES_OF_LOG_MAX);
    assert!(CATALOGUE_BYTES_MAX < RESPONSE_BYTES_MAX);
    // Another machine can have a cursor with the largest filter, and read it.
    assert!(FILTER_REQUEST_BYTES_MAX as u64 <= CURSOR_FILTERS_OF_PARTY_BYTES_MAX);
    assert!(CURSOR_FILTERS_OF_PARTY_BYTES_MAX <= CURSOR_FILTERS_BYTES_MAX / CURSORS_LEFT_PART);
    assert!(CURSORS_OF_PARTY_MAX <= CURSORS_MAX / CURSORS_LEFT_PART);
    assert!(
        2 * FILTER_REQUEST_BYTES_MAX
            + FILTER_ELEMENTS_MAX * DECODED_ELEMENT_BYTES
            + SMALL_REQUEST_BYTES_MAX
            <= PARTY_IN_FLIGHT_BYTES_MAX
    );
    // Another machine can have the longest watch-list.
    assert!(FILTER_DESIGNEES_MAX as u64 <= WATCHED_DESIGNEES_OF_PARTY_MAX);
};

// --- Command line --------------------------------------------------------------------------------
// Bounds of the clients in this binary.

/// Longest attempt to connect to a server.
pub const CONNECT_DURATION_MAX: Duration = Duration::from_secs(5);
/// Longest wait of `tidu status` for its answer, which a server gives at once: as long as for the
/// connection.
pub const STATUS_DURATION_MAX: Duration = Duration::from_secs(5);
/// Stored bytes from which `tidu status` tells how many bytes the disk holds for each: the files of
/// a smaller log take more for themselves than for events.
pub const TOLD_RATIO_BYTES_MIN: u64 = 1024 * 1024;
/// Most attempts at one commit.
pub const APPEND_ATTEMPTS_MAX: u32 = 5;
/// First pause between two attempts, and the longest.
pub const APPEND_RETRY_PAUSE_MIN: Duration = Duration::from_millis(200);
/// See [`APPEND_RETRY_PAUSE_MIN`].
pub const APPEND_RETRY_PAUSE_MAX: Duration = Duration::from_secs(3);
/// First pause before `watch` connects again, and the longest.
pub const WATCH_RETRY_PAUSE_MIN: Duration = Duration::from_millis(100);
/// See [`WATCH_RETRY_PAUSE_MIN`].
pub const WATCH_RETRY_PAUSE_MAX: Duration = Duration::from_secs(5);
/// `watch` takes a server that says nothing for so long for lost: two heartbeats.
pub const WATCH_SILENCE_MAX: Duration = Duration::from_secs(20);
/// Time between two looks of `changes --follow` at the log and the day, if the caller states none.
/// A look costs nothing; a change of either costs a question over the whole register.
pub const CHANGES_INTERVAL_DEFAULT: Duration = Duration::from_secs(10);
/// Time between the failure of the log and the exit, in which clients get their error.
pub const EXIT_GRACE: Duration = Duration::from_millis(200);
/// Most faults, rejections or warnings that are shown to people.
pub const SHOWN_FAULTS_MAX: usize = 20;
/// Most names that an error lists for one that is not known, or is that of several.
pub const NAMES_SHOWN_MAX: usize = 8;
/// Most ranges of rows that are named for one kind of fault, warning or note.
pub const NAMED_ROWS_MAX: usize = 8;

const _: () = {
    // Pauses can only grow.
    assert!(APPEND_RETRY_PAUSE_MIN.as_nanos() <= APPEND_RETRY_PAUSE_MAX.as_nanos());
    assert!(WATCH_RETRY_PAUSE_MIN.as_nanos() <= WATCH_RETRY_PAUSE_MAX.as_nanos());
    assert!(WATCH_SILENCE_MAX.as_secs() == 2 * HEARTBEAT_DEFAULT.as_secs());
};
