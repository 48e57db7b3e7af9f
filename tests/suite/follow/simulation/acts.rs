//! Hand-overs and promotions, with a death before and after each of their steps.

use std::sync::Arc;

use tidu::{
    handover::{self, Reached, Receipt, Unfit, Verdict, judge},
    ledger::{Durable, root_at},
    log::CommitLog as _,
};

use super::run::{NODES, Run};

impl Run {
    /// Somebody starts a node without saying whom it follows.
    pub fn try_to_lead(&mut self, node: usize) {
        // An empty directory begins a log of its own, and has nothing to do with this one.
        if self.nodes[node].disk.size() == 0 {
            return;
        }
        self.take_stop(node);
        self.crash(node);
        let started = self.start_leading(node);
        let knows_better = self.leader != Some(node) && !started;
        self.counts.refused_starts += usize::from(knows_better);
        assert!(started || self.leader != Some(node), "the leader may not lead");
        if started && self.leader != Some(node) {
            let successor = self.nodes[node].process().ledger.successor();
            assert!(successor.is_some(), "{node} leads beside {:?}", self.leader);
        }
    }

    /// The leader hands over to another node, and may die before or after the receipt is written.
    pub async fn hand_over(&mut self) {
        let Some(leader) = self.leader else { return };
        if self.nodes[leader].process.is_none() {
            return;
        }
        let others: Vec<_> = (0..NODES).filter(|node| *node != leader).collect();
        let successor = others[self.random.usize(0..others.len())];
        // It must have followed, or it has no name.
        if self.nodes[successor].standing().follows.is_none() {
            return;
        }
        let successor = self.nodes[successor].name();
        let process = self.nodes[leader].process();
        process.hold(false);
        let ledger = Arc::clone(&process.ledger);
        let drained = ledger.drain_to_hand_over(successor.clone()).await.unwrap();
        let Durable { size, root, .. } = drained;
        if self.random.u8(0..4) == 0 {
            self.note("the leader dies before the receipt is written");
            self.crash(leader);
            return;
        }
        let receipt = Receipt { log_id: ledger.log_id(), size, root, epoch: self.epoch, successor };
        handover::retire(self.nodes[leader].dir.path(), &receipt).unwrap();
        self.note(&format!("{leader} has handed over: {receipt:?}"));
        self.counts.hand_overs += 1;
        self.receipts.push(receipt.clone());
        (self.leader, self.receipt) = (None, Some((receipt, leader)));
        if self.random.u8(0..3) == 0 {
            self.crash(leader);
        }
    }

    /// Promotes the successor, if there is one and it has everything.
    pub fn promote(&mut self) {
        let Some((receipt, _)) = self.receipt.clone() else { return };
        let node = self.nodes.iter().position(|node| node.name() == receipt.successor).unwrap();
        self.take_stop(node);
        self.crash(node);
        match self.judged(node, &receipt) {
            Ok(Verdict::Raise(epoch)) => {
                if self.random.u8(0..4) == 0 {
                    self.note("the promotion ends before its one step");
                    self.start_following(node);
                    return;
                }
                self.nodes[node].disk.open(|| {}).log.raise_epoch(epoch, receipt.root).unwrap();
                self.note(&format!("{node} is promoted to epoch {epoch}"));
                assert!(matches!(self.judged(node, &receipt), Ok(Verdict::Raised(_))));
                assert!(self.leaders.insert(epoch, node).is_none(), "two lead in epoch {epoch}");
                self.counts.promotions += 1;
                (self.leader, self.epoch, self.receipt) = (Some(node), epoch, None);
                self.start(node);
            }
            Err(Unfit::Behind { size, wanted }) => {
                assert!(size < wanted && size == self.nodes[node].disk.size());
                self.counts.refused_promotions += 1;
                self.start_following(node);
            }
            other => panic!("{node} is not promoted: {other:?}"),
        }
    }

    fn judged(&self, node: usize, receipt: &Receipt) -> Result<Verdict, Unfit> {
        let log = self.nodes[node].disk.open(|| {}).log;
        let reached = Reached {
            log_id: log.id(),
            size: log.size(),
            epoch: log.epoch(),
            root_there: root_at(&log, receipt.size).unwrap(),
        };
        judge(&self.nodes[node].standing(), reached, receipt)
    }

    /// Any receipt at any node that it is not for, or that was used.
    pub fn promote_wrongly(&mut self, node: usize) {
        let Some(receipt) = self.random.choice(&self.receipts).cloned() else { return };
        let is_open = self.receipt.as_ref().is_some_and(|(open, _)| *open == receipt);
        let is_for_it = receipt.successor == self.nodes[node].name();
        if is_open && is_for_it {
            return;
        }
        self.take_stop(node);
        self.crash(node);
        match self.judged(node, &receipt) {
            Err(why) => {
                self.counts.refused_promotions += 1;
                self.note(&format!("{node} is not promoted: {why}"));
            }
            // It says again what it has done, and changes nothing.
            Ok(Verdict::Raised(epoch)) => assert_eq!(self.leaders.get(&epoch), Some(&node)),
            Ok(Verdict::Raise(epoch)) => panic!("{node} would be promoted to {epoch}: {receipt:?}"),
        }
        self.start(node);
    }
}
