//! Bounds of the command line as a client: its files, and the certificates that it makes.

use std::time::Duration;

/// Most bytes of a file with certificates or a key. The CAs of a system take about 250 KiB.
pub const PEM_BYTES_MAX: usize = 1024 * 1024;
/// Most bytes of a file with a token, or a JSON Web Token, which takes about 1 KiB.
pub const TOKEN_FILE_BYTES_MAX: usize = 16 * 1024;
/// Most bytes of the file of contexts.
pub const CONTEXTS_BYTES_MAX: usize = 256 * 1024;
/// Most bytes of the name of a context.
pub const CONTEXT_NAME_BYTES_MAX: usize = 64;
/// Most addresses of the nodes of one log that a command takes.
pub const SERVERS_MAX: usize = 16;
/// Bytes of the serial number of a certificate that `tidu dev-certs` makes: 126 random bits.
pub const CERTIFICATE_SERIAL_BYTES: usize = 16;
/// Random bytes of a token that `tidu dev-certs` makes.
pub const DEV_TOKEN_BYTES: usize = 32;
/// Most days that certificates of `tidu dev-certs` are valid; browsers take as many at most.
pub const DEV_DAYS_MAX: u32 = 825;
/// Days that they are valid unless others are asked for.
pub const DEV_DAYS_DEFAULT: u32 = 30;
/// How long before the clock of the machine such certificates begin: that of another one may be
/// behind.
pub const DEV_CLOCK_LEEWAY: Duration = Duration::from_secs(3_600);

const _: () = {
    // A token has 256 bits that nobody can guess.
    assert!(DEV_TOKEN_BYTES * 8 >= 256);
    assert!(DEV_DAYS_DEFAULT <= DEV_DAYS_MAX);
    // Two certificates of one CA never have the same number.
    assert!(CERTIFICATE_SERIAL_BYTES >= 16 && CERTIFICATE_SERIAL_BYTES <= 20);
};
