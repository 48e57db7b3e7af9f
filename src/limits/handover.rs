//! Hand-over and promotion: see `handover/`.

/// Most bytes of the name of a node.
pub const NODE_NAME_BYTES_MAX: usize = 64;
/// Most bytes of a receipt, and of a file that tells the part of a data directory. They have at
/// most 320: seven lines, the longest with a root in hex.
pub const RECEIPT_BYTES_MAX: usize = 1_024;
