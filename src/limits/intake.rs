//! Bounds of requests until a handler has them: their sizes, their elements, the memory of all
//! together, and the time in which they arrive.

use std::time::Duration;

use super::{
    COMMIT_EVENTS_MAX, FILTER_DESIGNEES_MAX, INDICATORS_MAX, REQUEST_BYTES_MAX,
    RESTRUCTURING_SUCCESSORS_MAX,
};

/// Most bytes of a request that has an `EventFilter`: a watch-list of `FILTER_DESIGNEES_MAX`
/// designees, each with a provisional id of a usual length.
pub const FILTER_REQUEST_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most bytes of any other request than these and an Append.
pub const SMALL_REQUEST_BYTES_MAX: usize = 64 * 1024;
/// Most bytes of the headers of a request, each with 32 bytes of overhead, as HTTP/2 counts them.
/// One with more is refused with a status.
pub const HEADERS_BYTES_MAX: usize = 16 * 1024;
/// Bytes of headers at which HTTP/2 itself refuses a request: memory is spent until here.
pub const HTTP2_HEADERS_BYTES_MAX: u32 = 64 * 1024;
/// Most elements of a request, outside the events of an Append: fields, and values in a packed one.
pub const REQUEST_ELEMENTS_MAX: u32 = 200_000;
/// Most elements of one event of an Append. An assessment has four for each of 64 indicators, and
/// every other part of an event, its repair included, fewer than 128.
pub const EVENT_ELEMENTS_MAX: u32 = 512;
/// Most messages inside each other. A correction of a designation has six.
pub const MESSAGE_DEPTH_MAX: usize = 16;
/// Most bytes of all requests in flight: as they arrived, unpacked, and decoded, until they are
/// answered. One caller may use all of them as long as nobody else needs them.
pub const IN_FLIGHT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Bytes beyond these that only parties with a small holding get. Requests that have begun to run
/// cannot give back their memory, and nobody small is to wait for them.
pub const IN_FLIGHT_RESERVE_BYTES: usize = 16 * 1024 * 1024;
/// Most bytes of a small holding.
pub const SMALL_HOLDING_BYTES_MAX: usize = 1024 * 1024;
/// Bytes from which a holding is kept in order of size, so that the largest is found at once.
pub const LARGE_HOLDING_BYTES_MIN: usize = 64 * 1024;
/// Most bytes in flight of one party on another machine.
pub const PARTY_IN_FLIGHT_BYTES_MAX: usize = 72 * 1024 * 1024;
/// Bytes that a request in flight costs beside its content: its tasks, spans and headers.
pub const REQUEST_OVERHEAD_BYTES: usize = 4 * 1024;
/// Bytes that an element costs when it is decoded, beside its text: a `DesigneeVersion` in a list
/// that grows by doubling, with the memory of its string.
pub const DECODED_ELEMENT_BYTES: usize = 128;
/// Bytes that an event of an Append costs when it is read, beside its text: its form for the rules,
/// and the head of its encoded form. `service/append.rs` asserts it.
pub const READ_EVENT_BYTES: usize = 1_536;
/// Bytes of events that are read before other requests get their turn. `READ_SLICE_EVENTS` events
/// without content count as many.
pub const READ_SLICE_BYTES: usize = 128 * 1024;
/// A part of a request that is shorter is copied. It would keep the whole buffer that it arrived
/// in, which its sender can make large.
pub const KEPT_PART_BYTES_MIN: usize = 8 * 1024;
/// Bytes up to which a request is unpacked or decoded where it arrives. More work leaves the
/// threads that serve others.
pub const INLINE_WORK_BYTES_MAX: usize = 64 * 1024;
/// Bytes that are unpacked in one step.
pub const UNPACK_STEP_BYTES: usize = 64 * 1024;
/// Memory of the unpacking itself, the window of zstd aside.
pub const UNPACK_WORK_BYTES: usize = 512 * 1024;
/// Largest window of zstd, as a power of two. A frame of one segment needs a window of its content,
/// which is the largest request.
pub const ZSTD_WINDOW_LOG_MAX: u32 = 24;
/// A request's message must have arrived by then.
pub const MESSAGE_DURATION_MAX: Duration = Duration::from_secs(30);
/// Slowest arrival of a request's message, in bytes a second, once the grace is over.
pub const MESSAGE_RATE_MIN: usize = 64 * 1024;
/// Time for which a message may be slower than that.
pub const MESSAGE_GRACE: Duration = Duration::from_secs(5);
/// Time that a call has if the caller states none: unary calls, but Append and AdoptRules, whose
/// outcome a caller must not be left without.
pub const CALL_DURATION_DEFAULT: Duration = Duration::from_secs(30);
/// Longest life of a stream on which the caller sends, which only reflection has.
pub const REFLECTION_DURATION_MAX: Duration = Duration::from_secs(600);
/// Most messages on such a stream.
pub const REFLECTION_MESSAGES_MAX: usize = 1_024;

const _: () = {
    assert!(SMALL_REQUEST_BYTES_MAX <= FILTER_REQUEST_BYTES_MAX);
    assert!(FILTER_REQUEST_BYTES_MAX <= REQUEST_BYTES_MAX);
    assert!(HEADERS_BYTES_MAX < HTTP2_HEADERS_BYTES_MAX as usize);
    // A watch-list of the greatest length passes: its entries, and what is beside them.
    assert!(FILTER_DESIGNEES_MAX + 1_024 <= REQUEST_ELEMENTS_MAX as usize);
    // So does a precondition about the most designees: three elements for each.
    assert!(COMMIT_EVENTS_MAX * 3 + 1_024 <= REQUEST_ELEMENTS_MAX as usize);
    assert!(INDICATORS_MAX * 4 + 2 * 128 <= EVENT_ELEMENTS_MAX as usize);
    assert!(RESTRUCTURING_SUCCESSORS_MAX + 128 <= EVENT_ELEMENTS_MAX as usize);
    assert!(1 << ZSTD_WINDOW_LOG_MAX <= REQUEST_BYTES_MAX);
    // The largest Append fits a party at once: packed, unpacked, and read into its events and their
    // encoded forms. While it is unpacked, the window takes the place of the latter. So does the
    // largest other request.
    assert!(
        REQUEST_OVERHEAD_BYTES
            + HTTP2_HEADERS_BYTES_MAX as usize
            + 3 * REQUEST_BYTES_MAX
            + UNPACK_WORK_BYTES
            + COMMIT_EVENTS_MAX * READ_EVENT_BYTES
            + (COMMIT_EVENTS_MAX * 3) * DECODED_ELEMENT_BYTES
            <= PARTY_IN_FLIGHT_BYTES_MAX
    );
    assert!(
        REQUEST_OVERHEAD_BYTES
            + HTTP2_HEADERS_BYTES_MAX as usize
            + 3 * FILTER_REQUEST_BYTES_MAX
            + UNPACK_WORK_BYTES
            + REQUEST_ELEMENTS_MAX as usize * DECODED_ELEMENT_BYTES
            <= PARTY_IN_FLIGHT_BYTES_MAX
    );
    assert!(2 * PARTY_IN_FLIGHT_BYTES_MAX <= IN_FLIGHT_BYTES_MAX);
    assert!(LARGE_HOLDING_BYTES_MIN <= SMALL_HOLDING_BYTES_MAX);
    assert!(SMALL_HOLDING_BYTES_MAX <= IN_FLIGHT_RESERVE_BYTES);
    assert!(SMALL_REQUEST_BYTES_MAX <= SMALL_HOLDING_BYTES_MAX);
    assert!(MESSAGE_GRACE.as_secs() < MESSAGE_DURATION_MAX.as_secs());
};
