//! How processes end in a run, by a crash, a failed append or a close, and how the next one starts.

use std::sync::Arc;

use super::{super::model::Answer, Run, start};
use crate::support::{
    in_time,
    simulated_disk::{Kept, Verdict},
};

impl Run {
    /// Ends the process without closing anything. Of an append at the gate the disk keeps what it
    /// likes.
    pub(super) async fn crash(&mut self) {
        self.counts.crashes += 1;
        let kept = self.kept();
        self.counts.crashes_at_the_gate += usize::from(self.is_at_gate);
        self.note(format!("crash, of the append {kept:?} is kept"));
        self.disk.crash(kept);
        self.unknown_outcomes().await;
        self.start_again().await;
    }

    pub(super) fn kept(&mut self) -> Kept {
        let lengths = self.disk.at_gate();
        let values = self.random.usize(0..=lengths.len());
        let torn = lengths.get(values).copied().filter(|_| self.random.bool());
        let torn = torn.map(|length| self.random.usize(0..length));
        self.counts.torn_writes += usize::from(torn.is_some());
        Kept { values, torn }
    }

    /// Nothing that was in flight is acknowledged.
    pub(super) async fn unknown_outcomes(&mut self) {
        let group = std::mem::take(&mut self.group);
        let queue = std::mem::take(&mut self.queue);
        for sent in group.into_iter().chain(queue).filter(|sent| !sent.gone) {
            let answer = self.answer(sent.number).await;
            assert_eq!(answer, Answer::Unknown, "it was acknowledged: {:?}", sent.asked);
            self.counts.unknown_outcomes += 1;
        }
        self.is_at_gate = false;
    }

    /// The append at the gate fails: nothing is acknowledged from then on, what was stays readable,
    /// and the ledger says so once.
    pub(super) async fn fail(&mut self) {
        self.counts.failed_appends += 1;
        let moves = self.random.u8(0..4) == 0;
        let verdict = if moves { Verdict::MovedOn } else { Verdict::Failed(self.kept()) };
        self.note(format!("the append fails: {verdict:?}"));
        self.disk.decide(verdict);
        self.unknown_outcomes().await;
        let asked = self.choose();
        let commit = self.model.world.commit(&asked);
        let answer = Answer::of(self.process.ledger.append(commit).await);
        assert_eq!(answer, Answer::Unknown, "it goes on after a failure");
        // Callers hear of it first.
        let told = async {
            while self.process.failures.lock().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        in_time("the report of the failure", told).await;
        let failures = self.process.failures.lock().clone();
        assert_eq!(failures.len(), 1, "{failures:?}");
        self.check_visible().await;
        self.read().await;
        self.disk.crash(Kept::default());
        self.start_again().await;
    }

    /// A drain: all that was taken is finished, and the high-water mark is exact.
    pub(super) async fn close(&mut self) {
        self.counts.clean_closes += 1;
        self.note("close".to_owned());
        let ledger = Arc::clone(&self.process.ledger);
        let closing = tokio::task::spawn_blocking(move || ledger.close());
        while self.is_at_gate {
            self.release().await;
        }
        closing.await.unwrap();
        let asked = self.choose();
        let commit = self.model.world.commit(&asked);
        let answer = Answer::of(self.process.ledger.append(commit).await);
        assert_eq!(answer, Answer::Draining);
        if self.visible > 0 {
            let root = self.model.root(self.visible);
            assert_eq!(self.disk.mark(), Some((self.visible, root)), "the high-water mark");
        }
        assert!(self.process.failures.lock().is_empty(), "{:?}", self.process.failures.lock());
        self.disk.crash(Kept::default());
        self.start_again().await;
    }

    pub(super) async fn start_again(&mut self) {
        for follower in self.process.followers.drain(..) {
            follower.abort();
            if let Err(ended) = follower.await
                && ended.is_panic()
            {
                std::panic::resume_unwind(ended.into_panic());
            }
        }
        let (process, removed) =
            start(&self.disk, &self.clocks, &self.model, &self.tell, &self.free);
        self.process = process;
        self.counts.incomplete_commits_removed += removed;
        let size = self.disk.size();
        assert!(self.model.is_commit_end(size), "atomic: a crash has left part of a commit");
        assert!((self.visible..=self.group_end).contains(&size), "durable: {size}");
        let survived = self
            .model
            .commits
            .iter()
            .filter(|commit| commit.first >= self.visible && commit.next <= size);
        self.counts.survivors_of_crashes += survived.count();
        self.note(format!("started with {size} events, {removed} values removed"));
        self.model.restart(size);
        (self.visible, self.group_end) = (size, size);
        self.check_at_start().await;
    }
}
