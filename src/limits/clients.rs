//! Bounds of the command line as a client: its files, and the certificates that it makes.

/// Most bytes of a file with certificates or a key. The CAs of a system take about 250 KiB.
pub const PEM_BYTES_MAX: usize = 1024 * 1024;
/// Most bytes of a file with a token, or a JSON Web Token, which takes about 1 KiB.
pub const TOKEN_FILE_BYTES_MAX: usize = 16 * 1024;
/// Most bytes of the file of contexts.
pub const CONTEXTS_BYTES_MAX: usize = 256 * 1024;
/// Most bytes of the name of a context.
pub const CONTEXT_NAME_BYTES_MAX: usize = 64;
