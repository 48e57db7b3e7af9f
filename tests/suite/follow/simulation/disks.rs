//! Disks that fail, that are full, and that are lost with their machine.

use std::sync::{Arc, atomic::Ordering};

use tidu::ledger::AppendError;
use tokio::time::{Duration, sleep};

use super::run::Run;

/// Waits for something that comes only if the road and the leader let it.
const TURNS: usize = 40;
const TURN: Duration = Duration::from_millis(250);

impl Run {
    /// Waits a while for what may come.
    async fn may_come(&self, reached: impl Fn(&Self) -> bool) -> bool {
        for _ in 0..TURNS {
            if reached(self) {
                return true;
            }
            sleep(TURN).await;
            std::thread::sleep(Duration::from_micros(100));
        }
        reached(self)
    }

    /// The next write of a disk fails. Nothing of it is shown, no follower stops, and the process
    /// ends after a while.
    pub async fn fail(&mut self, node: usize) {
        self.take_stop(node);
        let Some(process) = &self.nodes[node].process else { return };
        process.hold(false);
        let fails = Arc::clone(&process.fails);
        fails.store(true, Ordering::SeqCst);
        self.append_at(self.leader.unwrap_or(node));
        let has_failed = |run: &Self| run.nodes[node].process().has_failed();
        if !self.may_come(has_failed).await {
            fails.store(false, Ordering::SeqCst);
            // A write may be failing just now.
            self.crash(node);
            return;
        }
        self.note(&format!("the disk of {node} has failed"));
        // A server takes its time to end; a follower tries again meanwhile.
        for _ in 0..self.random.usize(1..40) {
            sleep(TURN).await;
        }
        let process = self.nodes[node].process();
        let (follows, has_stopped) = (!process.follows.is_empty(), process.stopped().is_some());
        self.counts.leader_failures += usize::from(!follows);
        self.counts.follower_failures += usize::from(follows && !has_stopped);
        self.check_failed(node).await;
        // It has another reason than its disk.
        self.take_stop(node);
        self.crash(node);
    }

    /// A disk has no room for a while. A leader refuses appends, and a follower goes on later
    /// without another start.
    pub async fn fill(&mut self, node: usize) {
        self.take_stop(node);
        let Some(process) = &self.nodes[node].process else { return };
        process.hold(false);
        let (ledger, follows) = (Arc::clone(&process.ledger), !process.follows.is_empty());
        self.nodes[node].disk.fill(true);
        self.note(&format!("the disk of {node} is full"));
        if follows {
            self.append_at(self.leader.unwrap_or(node));
            let is_lost = |run: &Self| run.nodes[node].process().state() == "connecting";
            let is_lost = self.may_come(is_lost).await;
            let has_stopped = self.nodes[node].process().stopped().is_some();
            self.counts.full_followers += usize::from(is_lost && !has_stopped);
            // It has another reason than its disk.
            self.take_stop(node);
        } else {
            // What was promised before is recorded.
            for _ in 0..4 {
                let commit = self.commit(node, 1..3);
                let refused = ledger.append(commit).await;
                let is_low = matches!(refused, Err(AppendError::DiskLow(_)));
                self.counts.full_leaders += usize::from(is_low);
            }
        }
        self.nodes[node].disk.fill(false);
    }

    /// A machine is lost with its disk, and another one takes its place: it begins with nothing.
    /// Without the last leader, or the one that is to succeed it, nobody would have everything.
    pub async fn replace(&mut self, node: usize) {
        let is_needed = self.leaders.values().next_back() == Some(&node)
            || self.receipts.last().is_some_and(|last| last.successor == self.nodes[node].name());
        if is_needed || self.leader == Some(node) {
            return;
        }
        // It then gets what is left of an event.
        if let Some(leader) = self.leader {
            self.redact(leader).await;
        }
        self.take_stop(node);
        self.crash(node);
        self.note(&format!("{node} is another machine"));
        self.nodes[node].replace();
        if self.random.bool() {
            self.nodes[node].catalogues.clear();
        }
        self.taken[node].clear();
        self.counts.replaced += 1;
        self.start_following(node);
    }
}
