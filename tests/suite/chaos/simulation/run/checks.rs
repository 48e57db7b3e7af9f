//! What a run compares after each step and after each start.

use std::sync::Arc;

use tidu::ledger::Precondition;

use super::{
    super::{
        guarantees::{self, Checkpoint},
        model::{Answer, Said, digest},
        subscriber::Wants,
    },
    Run,
};
use crate::support::in_time;

impl Run {
    /// Subscribers read, each at its own speed.
    pub(super) async fn read(&mut self) {
        let log_id = self.process.ledger.log_id().to_string();
        let wall = self.clocks.read().0;
        for place in 0..self.subscribers.len() {
            let subscriber = &mut self.subscribers[place];
            if self.random.u8(0..100) >= subscriber.zeal {
                continue;
            }
            if self.random.u8(0..30) == 0 {
                subscriber.resume(&mut self.random);
                self.counts.resumptions += 1;
            }
            let bytes = [1, 2_000, 50_000][self.random.usize(0..3)];
            let delivery = subscriber.read(&self.process.ledger, bytes).await;
            let mut compared = 0;
            if subscriber.wants == Wants::Everything {
                compared += guarantees::contiguous(subscriber, &delivery);
            }
            compared += guarantees::ordered(&self.model, &delivery);
            compared += guarantees::unique(subscriber);
            compared += guarantees::reliable_under_filter(&self.model, subscriber, &delivery);
            let ledger = &self.process.ledger;
            compared += guarantees::bookmarkable(ledger, &delivery, &log_id, wall);
            assert!(delivery.next <= self.visible, "durable before visible: a subscriber");
            self.counts.comparisons += compared;
            self.counts.reads += 1;
            self.counts.reads_at_the_gate += usize::from(self.is_at_gate);
            self.counts.events_read += delivery.leaves.len();
            let (from, next) = (delivery.from, delivery.next);
            self.note(format!("{place} reads {from}..{next}: {}", delivery.leaves.len()));
        }
    }

    /// How soon free subscribers see what is visible is up to the threads, but they do.
    pub(super) async fn followers_catch_up(&mut self) {
        let all = async {
            while self.free.iter().any(|seen| (seen.lock().len() as u64) < self.visible) {
                tokio::task::yield_now().await;
            }
        };
        in_time("what a free subscriber sees", all).await;
    }

    pub(super) async fn check(&mut self) {
        self.check_visible().await;
        assert!(self.process.failures.lock().is_empty(), "{:?}", self.process.failures.lock());
    }

    pub(super) async fn check_visible(&mut self) {
        let Self { process, disk, model, visible, .. } = self;
        let ledger = &process.ledger;
        let mut compared = guarantees::durable_before_visible(ledger, disk, model, *visible).await;
        compared += guarantees::atomic(ledger, model);
        self.counts.comparisons += compared;
    }

    /// After a start everything is looked at again, from the beginning.
    pub(super) async fn check_at_start(&mut self) {
        let ledger = Arc::clone(&self.process.ledger);
        let mut compared = guarantees::durable(&ledger, &self.model, self.visible).await;
        compared += guarantees::reliable_under_filter_for_ever(&ledger, &self.model);
        for subscriber in &self.subscribers {
            compared += guarantees::resumable(&ledger, subscriber);
            compared += guarantees::unique(subscriber);
        }
        let some: Vec<Checkpoint> =
            self.random.choose_multiple(self.checkpoints.iter().copied(), 2);
        compared += guarantees::verifiable(&ledger, &some).await;
        if let Some(event) = self.random.choice(&self.model.events) {
            compared += guarantees::ordered_in_time(&ledger, &self.model, event.micros).await;
            compared += guarantees::register_agrees(&ledger, &self.model, &[event.said]);
        }
        for seen in &self.free {
            let seen = seen.lock();
            assert!(seen.len() as u64 <= self.visible, "durable: what was seen is gone");
            let same =
                seen.iter().zip(&self.model.events).all(|(seen, event)| *seen == event.bytes);
            assert!(same, "ordered: a free subscriber saw something else");
            compared += seen.len();
        }
        self.counts.free_events_read = self.free.iter().map(|seen| seen.lock().len()).sum();
        self.counts.comparisons += compared;
        self.repeat_some().await;
        self.check().await;
    }

    /// Old request ids, with conditions that have moved.
    pub(super) async fn repeat_some(&mut self) {
        for _ in 0..3 {
            let with_id = (0..self.model.commits.len())
                .filter(|place| self.model.commits[*place].asked.request.is_some());
            let with_id: Vec<usize> = with_id.collect();
            let Some(place) = self.random.choice(with_id) else { return };
            let mut asked = self.model.commits[place].asked.clone();
            asked.precondition = Some(Precondition::LogSize(self.model.size() + 1));
            let commit = self.model.world.commit(&asked);
            let same = Answer::of(self.process.ledger.append(commit).await);
            asked.said.push(Said::Supported(0, 0));
            asked.request = asked.request.map(|(id, _)| (id, digest(&asked.said)));
            let commit = self.model.world.commit(&asked);
            let other = Answer::of(self.process.ledger.append(commit).await);
            self.counts.comparisons +=
                guarantees::idempotent_for_ever(&self.model, place, &same, &other);
            self.counts.repeats += 1;
            self.counts.reused_ids += 1;
        }
    }
}
