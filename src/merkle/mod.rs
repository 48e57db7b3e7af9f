//! The Merkle tree over the log (RFC 6962, section 2.1, with SHA-256). Pure.
//!
//! ```text
//! hash.rs      the hash of a leaf and of an inner node
//! frontier.rs  the right frontier: everything that appending and the root need
//! ```

mod frontier;
mod hash;

pub use self::{
    frontier::Frontier,
    hash::{Hash, leaf_hash, node_hash},
};

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
            .collect()
    }

    fn assert_hash(hash: &[u8], hex: &Value, context: &str) {
        assert_eq!(hash, unhex(hex.as_str().unwrap()), "{context}");
    }

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../../tests/vectors/merkle.json")).unwrap()
    }

    #[test]
    fn rfc_6962_hasher() {
        let vectors = &vectors()["rfc6962_hasher"];
        assert_hash(&Frontier::default().root(), &vectors["empty_root"], "empty root");
        for vector in vectors["vectors"].as_array().unwrap() {
            let got = if vector["op"] == "leaf" {
                let ascii = vector["data_ascii"].as_str().map(|text| text.as_bytes().to_vec());
                leaf_hash(&ascii.unwrap_or_else(|| unhex(vector["data_hex"].as_str().unwrap())))
            } else {
                let child = |side: &str| vector[side].as_str().unwrap().as_bytes();
                hash::inner(child("left_ascii"), child("right_ascii"))
            };
            assert_hash(&got, &vector["want"], &vector.to_string());
        }
    }

    #[test]
    fn rfc_6962_roots_of_eight_leaves() {
        let vectors = &vectors()["rfc6962_8leaf_tree"];
        let mut frontier = Frontier::default();
        let roots = vectors["root_by_size"].as_object().unwrap();
        assert_hash(&frontier.root(), &roots["0"], "size 0");
        for (i, leaf) in vectors["leaf_inputs_hex"].as_array().unwrap().iter().enumerate() {
            frontier.push(leaf_hash(&unhex(leaf.as_str().unwrap())));
            assert_hash(&frontier.root(), &roots[&(i + 1).to_string()], &format!("size {}", i + 1));
        }
    }

    #[test]
    fn roots_up_to_a_thousand_leaves() {
        let vectors = &vectors()["leaf_i_roots"]["root_by_size"];
        let mut frontier = Frontier::default();
        let mut checked = 0;
        for n in 0..1_000 {
            frontier.push(leaf_hash(format!("leaf {n}").as_bytes()));
            let root = &vectors[&(n + 1).to_string()];
            if root.is_string() {
                assert_hash(&frontier.root(), root, &format!("size {}", n + 1));
                checked += 1;
            }
        }
        assert_eq!(checked, vectors.as_object().unwrap().len());
    }
}
