//! Bounds of the calls that several nodes answer together: waiting for a position that another node
//! has, and handing a call on.

use std::time::Duration;

// --- Nodes ---------------------------------------------------------------------------------------
// A follower waits for positions, and hands writes on to its leader.

/// Longest time that a follower waits for a position which it does not have yet.
pub const ARRIVAL_WAIT_MAX: Duration = Duration::from_secs(5);
/// Most calls that wait for a position at once. One takes little beside its request, which is
/// counted with the requests in flight.
pub const ARRIVALS_MAX: u64 = 4_096;
/// Most calls of another machine that wait for a position at once.
pub const ARRIVALS_OF_PARTY_MAX: u64 = 256;
/// Delay that a caller is asked for when a position has not arrived.
pub const ARRIVAL_RETRY_DELAY: Duration = Duration::from_secs(1);
/// Delay that a caller is asked for when the leader cannot be reached.
pub const LEADER_RETRY_DELAY: Duration = Duration::from_secs(1);

const _: () = {
    assert!(ARRIVALS_OF_PARTY_MAX < ARRIVALS_MAX);
    assert!(ARRIVAL_RETRY_DELAY.as_secs() < ARRIVAL_WAIT_MAX.as_secs());
};
