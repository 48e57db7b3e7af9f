//! Snapshots of the register: saved at drains, used by the next start if they are whole.

use std::fs;

use super::run::Run;
use crate::support::traces;

impl Run {
    /// A node drains, as a stop for an update does.
    pub async fn drain(&mut self, node: usize) {
        self.take_stop(node);
        if self.nodes[node].process.is_none() {
            return;
        }
        self.note(&format!("{node} drains"));
        self.nodes[node].drain(&self.network).await;
        self.check().await;
        self.nodes[node].crash(&self.network, &mut self.random);
        if self.nodes[node].snapshot().exists() {
            self.counts.snapshots_saved += 1;
            if self.random.u8(0..3) == 0 {
                self.spoil(node);
            }
        }
        self.start(node);
    }

    /// Changes, cuts or lengthens a snapshot.
    fn spoil(&mut self, node: usize) {
        let path = self.nodes[node].snapshot();
        let mut bytes = fs::read(&path).unwrap();
        let at = self.random.usize(..bytes.len());
        match self.random.u8(0..4) {
            0 => bytes.truncate(at),
            1 => bytes.extend_from_within(at..),
            _ => bytes[at] ^= self.random.u8(1..),
        }
        fs::write(&path, bytes).unwrap();
        self.note(&format!("the snapshot of {node} is spoiled at byte {at}"));
        self.nodes[node].is_spoiled = true;
    }

    /// A start has believed what is right, or nothing.
    pub fn check_start(&mut self, node: usize) {
        let is_spoiled = std::mem::take(&mut self.nodes[node].is_spoiled);
        let ledger = &self.nodes[node].process().ledger;
        let Some((size, root)) = ledger.trusted() else {
            self.counts.snapshots_refused += usize::from(is_spoiled);
            return;
        };
        assert!(!is_spoiled, "{node} believes a snapshot that was spoiled");
        assert_eq!(ledger.root_at(size).unwrap(), root);
        self.note(&format!("{node} believes a snapshot of {size} events"));
        self.counts.snapshots_believed += 1;
        // The writer may be adopting a catalogue by now.
        if self.nodes[node].wanted.is_none() {
            self.require_replay(node);
        }
    }

    /// The register of a node is the one that a replay of its log gives.
    pub fn require_replay(&self, node: usize) {
        let node = &self.nodes[node];
        let ledger = &node.process().ledger;
        // More may come meanwhile.
        let (size, found) = {
            let register = ledger.register();
            (register.size(), traces(&register))
        };
        let replayed = node.replayed(size);
        let expected = traces(&replayed.register());
        assert_eq!(size, replayed.durable().size);
        let other: Vec<_> = found.iter().zip(&expected).filter(|(one, it)| one != it).collect();
        let is_same = other.is_empty() && found.len() == expected.len();
        let other = other.get(..other.len().min(20));
        assert!(is_same, "{} has another register than a replay: {other:?}", node.number);
        assert!(replayed.close());
    }
}
