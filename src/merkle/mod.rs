//! The Merkle tree over the log (RFC 6962, section 2.1, with SHA-256): leaf hashes and the right frontier. Pure.

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

fn inner(left: &[u8], right: &[u8]) -> Hash {
    Sha256::new().chain_update(NODE_PREFIX).chain_update(left).chain_update(right).finalize().into()
}

/// The roots of the perfect subtrees that make up a tree, largest first: one for each bit set in the size, so at most
/// 64. All that is needed to add leaves and to know the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds the hash of the next leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        // Every trailing one in the old size is a subtree of the same height as the node being carried up.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.subtrees.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.subtrees.push(node);
        self.size += 1;
    }

    /// The Merkle tree hash.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.subtrees
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node_hash(&left, &right))
            .unwrap_or_else(|| Sha256::digest([]).into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn hex(hash: &[u8]) -> String {
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
            .collect()
    }

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../../tests/vectors/merkle.json")).unwrap()
    }

    #[test]
    fn rfc_6962_hasher() {
        let vectors = &vectors()["rfc6962_hasher"];
        assert_eq!(hex(&Frontier::default().root()), vectors["empty_root"].as_str().unwrap());
        for vector in vectors["vectors"].as_array().unwrap() {
            let want = vector["want"].as_str().unwrap();
            let got = if vector["op"] == "leaf" {
                let ascii = vector["data_ascii"].as_str().map(|text| text.as_bytes().to_vec());
                leaf_hash(&ascii.unwrap_or_else(|| unhex(vector["data_hex"].as_str().unwrap())))
            } else {
                let child = |side: &str| vector[side].as_str().unwrap().as_bytes();
                inner(child("left_ascii"), child("right_ascii"))
            };
            assert_eq!(hex(&got), want);
        }
    }

    #[test]
    fn rfc_6962_roots_of_eight_leaves() {
        let vectors = &vectors()["rfc6962_8leaf_tree"];
        let mut frontier = Frontier::default();
        let roots = vectors["root_by_size"].as_object().unwrap();
        assert_eq!(hex(&frontier.root()), roots["0"].as_str().unwrap());
        for (i, leaf) in vectors["leaf_inputs_hex"].as_array().unwrap().iter().enumerate() {
            frontier.push(leaf_hash(&unhex(leaf.as_str().unwrap())));
            assert_eq!(hex(&frontier.root()), roots[&(i + 1).to_string()].as_str().unwrap());
        }
    }

    #[test]
    fn roots_up_to_a_thousand_leaves() {
        let vectors = &vectors()["leaf_i_roots"]["root_by_size"];
        let mut frontier = Frontier::default();
        let mut checked = 0;
        for n in 0..1_000 {
            frontier.push(leaf_hash(format!("leaf {n}").as_bytes()));
            if let Some(root) = vectors[&(n + 1).to_string()].as_str() {
                assert_eq!(hex(&frontier.root()), root, "size {}", n + 1);
                checked += 1;
            }
        }
        assert_eq!(checked, vectors.as_object().unwrap().len());
    }
}
