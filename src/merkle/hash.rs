//! Hashes of the tree's nodes. Prefixes keep a leaf from being read as an inner node.

use sha2::{Digest, Sha256};

/// A SHA-256 value.
pub type Hash = [u8; 32];

const LEAF_PREFIX: [u8; 1] = [0];
const NODE_PREFIX: [u8; 1] = [1];

/// Hash of a leaf.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Sha256::new().chain_update(LEAF_PREFIX).chain_update(leaf).finalize().into()
}

/// Hash of an inner node.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    inner(left, right)
}

/// Hash of the tree without leaves.
pub(super) fn empty() -> Hash {
    Sha256::digest([]).into()
}

/// As [`node_hash`], over children of any length: test vectors have short ones.
pub(super) fn inner(left: &[u8], right: &[u8]) -> Hash {
    Sha256::new().chain_update(NODE_PREFIX).chain_update(left).chain_update(right).finalize().into()
}
