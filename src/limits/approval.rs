//! Seals, and proposals that wait for a second principal.

use std::time::Duration;

use super::{REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX};

/// Bytes of the key that the server seals with: as many as HMAC-SHA-256 gives.
pub const SEAL_KEY_BYTES: usize = 32;
/// Bytes of a seal.
pub const SEAL_BYTES: usize = 32;
/// Age at which a proposal can no longer be approved: a week, so that one who is away on a trip of
/// a few days can still approve it.
pub const PROPOSAL_AGE_MAX: Duration = Duration::from_hours(7 * 24);
/// Most bytes of the proposal, and of the approval, in an Append.
pub const PROPOSAL_BYTES_MAX: usize = 1_024;
/// Most bytes of the file of a proposal: the largest request in base64, and the answer that says
/// what would change.
pub const PROPOSAL_FILE_BYTES_MAX: usize = 32 * 1024 * 1024;

const _: () = {
    let request = REQUEST_BYTES_MAX.div_ceil(3) * 4;
    // Four times: its JSON is longer than the answer itself.
    assert!(request + 4 * RESPONSE_BYTES_MAX < PROPOSAL_FILE_BYTES_MAX);
};
