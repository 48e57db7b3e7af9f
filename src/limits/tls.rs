//! TLS: its files, and handshakes.

use std::time::Duration;

use super::{CLOSE_DURATION_MAX, CONNECTIONS_MAX};

/// Most bytes of a file with certificates or a key.
pub const TLS_FILE_BYTES_MAX: usize = 1024 * 1024;
/// Most bytes of a file with revocation lists. An entry takes about 40 bytes, so this is room for
/// 400,000 revoked certificates.
pub const TLS_CRL_FILE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most files with revocation lists: one for each authority of the provinces, and as many again.
pub const TLS_CRL_FILES_MAX: usize = 64;
/// Most certificates of authorities, and most revocation lists in all files.
pub const TLS_AUTHORITIES_MAX: usize = 256;
/// Most certificates in the chain of the server: itself and eight authorities.
pub const TLS_CHAIN_MAX: usize = 9;
/// How often the files of TLS are looked at. A revocation must reach open connections within five
/// seconds: one such pause, reading and checking, and the end of a connection.
pub const TLS_POLL: Duration = Duration::from_secs(2);
/// Most handshakes at once: those that compute, that wait for their turn, and that wait for their
/// peers. Each may hold about 64 KiB of a message that is not complete.
pub const HANDSHAKES_MAX: usize = 1_024;
/// Most bytes that are read of a peer that is refused, so that it can read why.
pub const REFUSED_DRAIN_BYTES_MAX: usize = 64 * 1024;
/// Most bytes of the problem of TLS in GetStatus: two paths of the system and a sentence.
pub const TLS_PROBLEM_BYTES_MAX: usize = 8 * 1024;
/// Most Unix sockets of gateways.
pub const GATEWAY_SOCKETS_MAX: usize = 8;

const _: () = {
    assert!(HANDSHAKES_MAX <= CONNECTIONS_MAX);
    // A second is left to read the files and to verify all certificates.
    assert!(TLS_POLL.as_millis() + CLOSE_DURATION_MAX.as_millis() + 1_000 <= 5_000);
};
