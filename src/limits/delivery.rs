//! Bounds of delivery to webhooks and commands: pauses, groups of events, connections, and the time
//! that a receiver has.

use std::time::Duration;

use super::{FLUSH_DURATION_MAX, LEAF_BYTES_MAX};

// --- Attempts ------------------------------------------------------------------------------------

/// First pause before a refused event is delivered again, if the caller states none. It doubles.
pub const DELIVERY_RETRY_MIN_DEFAULT: Duration = Duration::from_secs(1);
/// Longest pause before a refused event is delivered again, if the caller states none.
pub const DELIVERY_RETRY_MAX_DEFAULT: Duration = Duration::from_secs(60);
/// Shortest duration that a caller may state for a delivery.
pub const DELIVERY_DURATION_MIN: Duration = Duration::from_millis(1);
/// Longest duration that a caller may state for a delivery.
pub const DELIVERY_DURATION_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Time that a command has for one event if the caller states nothing.
pub const COMMAND_DURATION_DEFAULT: Duration = Duration::from_secs(600);
/// Time that a receiver of webhooks has to answer if the caller states nothing.
pub const WEBHOOK_DURATION_DEFAULT: Duration = Duration::from_secs(30);
/// Longest pause that a receiver of webhooks may ask for; a longer one is cut to this.
pub const WEBHOOK_RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

// --- Connections to a webhook --------------------------------------------------------------------

/// Bytes of an answer to a webhook that are read so that its connection can be used again.
pub const WEBHOOK_ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Longest wait for the rest of such an answer, beside the events that go on over others.
pub const WEBHOOK_REST_DURATION_MAX: Duration = Duration::from_secs(1);
/// Wait of the next event for the rest of an answer. Most receivers send it with the status; a wait
/// as short as a new connection on a near network costs nothing more.
pub const WEBHOOK_REST_GRACE: Duration = Duration::from_millis(1);
/// Most connections whose answers are still being read. One more is closed.
pub const WEBHOOK_RESTING_MAX: usize = 8;

// --- Files ---------------------------------------------------------------------------------------

/// Most bytes of the state file of a delivery, which takes about 100.
pub const STATE_BYTES_MAX: usize = 4 * 1024;
/// Most bytes of a file with the secrets of a webhook.
pub const SECRETS_BYTES_MAX: usize = 4 * 1024;
/// Fewest bytes of a webhook's secret, as Standard Webhooks has them.
pub const WEBHOOK_SECRET_BYTES_MIN: usize = 24;
/// Most bytes of a webhook's secret.
pub const WEBHOOK_SECRET_BYTES_MAX: usize = 64;

// --- Groups --------------------------------------------------------------------------------------
// A state file takes two syncs, of the file and of its directory: together 1 ms to 20 ms.

/// Events that a receiver may have taken before the state file is written, if the caller states
/// nothing: what a crash repeats at most.
pub const STATE_EVENTS_DEFAULT: u32 = 1_000;
/// Most events that a caller may state for that.
pub const STATE_EVENTS_MAX: u32 = 1_000_000;
/// Time after which the state file is written, if the caller states nothing. Two syncs of 10 ms
/// take a tenth of it.
pub const STATE_INTERVAL_DEFAULT: Duration = Duration::from_millis(100);
/// A delivery that finds nothing to do for so long writes its state file at once.
pub const STATE_IDLE: Duration = Duration::from_millis(10);
/// Messages of the server that are read and turned into JSON ahead of the receiver. Each has about
/// [`super::STREAM_MESSAGE_BYTES`], which in JSON take four times as many: 1.5 MiB in all.
pub const READ_AHEAD_MESSAGES: usize = 8;
/// Events at which messages that wait are not put together any more; a message may exceed it.
pub const READ_AHEAD_EVENTS: usize = 1_000;
/// Most events of a batch: never more are put together.
pub const BATCH_EVENTS_MAX: u32 = 1_000;
/// Most bytes of a batch, unless it is one event: servers before receivers often refuse a body of
/// more than 1 MiB.
pub const BATCH_BYTES_MAX: usize = 1_000_000;

// --- Expiries ------------------------------------------------------------------------------------

/// How long after midnight a quiet log is asked which titles have expired: a commit of the day
/// before becomes durable later than its time says.
pub const EXPIRY_DELAY: Duration = Duration::from_secs(60);
/// Most days whose expiries are delivered late. Each takes a question over the whole register.
pub const EXPIRY_DAYS_MAX: usize = 366;

const _: () = {
    assert!(EXPIRY_DELAY.as_secs() >= FLUSH_DURATION_MAX.as_secs());
    // Each default is a duration that a caller may state.
    assert!(DELIVERY_DURATION_MIN.as_nanos() <= DELIVERY_RETRY_MIN_DEFAULT.as_nanos());
    assert!(DELIVERY_RETRY_MIN_DEFAULT.as_secs() <= DELIVERY_RETRY_MAX_DEFAULT.as_secs());
    assert!(DELIVERY_RETRY_MAX_DEFAULT.as_secs() <= WEBHOOK_RETRY_AFTER_MAX.as_secs());
    assert!(WEBHOOK_DURATION_DEFAULT.as_secs() <= DELIVERY_DURATION_MAX.as_secs());
    assert!(COMMAND_DURATION_DEFAULT.as_secs() <= DELIVERY_DURATION_MAX.as_secs());
    assert!(DELIVERY_DURATION_MIN.as_nanos() <= STATE_INTERVAL_DEFAULT.as_nanos());
    assert!(STATE_IDLE.as_nanos() <= STATE_INTERVAL_DEFAULT.as_nanos());
    assert!(STATE_EVENTS_DEFAULT <= STATE_EVENTS_MAX);
    assert!(BATCH_EVENTS_MAX as usize <= READ_AHEAD_EVENTS);
    // The next event does not wait as long as the rest may take.
    assert!(WEBHOOK_REST_GRACE.as_nanos() < WEBHOOK_REST_DURATION_MAX.as_nanos());
    // JSON takes at most six bytes for one: `\u0001`. Any two events fit into a batch.
    assert!(2 * 6 * LEAF_BYTES_MAX < BATCH_BYTES_MAX);
};
