//! The bounds of metrics: how many series there are, and the buckets of histograms.

/// Most series of one metric, beside the one that counts all others. A method with each code of a
/// status is the most that labels of this program make: 40 times 17.
pub const METRIC_SERIES_MAX: usize = 1_024;
/// Most parties that a metric names. Each takes about 100 bytes of memory and of each scrape.
pub const METRIC_PARTIES_MAX: usize = 256;
/// Series that all further parties share.
pub const METRIC_PARTY_HASHES: usize = 16;
/// The largest duration of each bucket but the last, in nanoseconds: from half a millisecond, which
/// an append takes at best, to a minute, after which a call has a fault.
pub const METRIC_SECONDS_BOUNDS_NANOS: [u64; 16] = [
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
    30_000_000_000,
    60_000_000_000,
];
/// The most bytes of each bucket but the last: 256 bytes, a small event, to the largest request.
pub const METRIC_BYTES_BOUNDS: [u64; 9] =
    [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];
/// The largest number of each bucket but the last, of events or commits. The largest commit is in
/// the last but one.
pub const METRIC_COUNT_BOUNDS: [u64; 8] = [1, 4, 16, 64, 256, 1_024, 4_096, 16_384];

const _: () = {
    assert!(METRIC_PARTIES_MAX + METRIC_PARTY_HASHES < METRIC_SERIES_MAX);
    assert!(METRIC_PARTY_HASHES <= 256, "the number has two digits of 16");
    assert!(METRIC_BYTES_BOUNDS[8] >= super::REQUEST_BYTES_MAX as u64);
    assert!(METRIC_COUNT_BOUNDS[7] >= super::COMMIT_EVENTS_MAX as u64);
};
