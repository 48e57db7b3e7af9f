//! Index of waiting filtered streams. A commit wakes only the streams whose filter may match.
//!
//! An unfiltered stream watches the durable size. Ten thousand filtered streams that did the same
//! would mostly wake in vain, and cost more than the log itself. New events are matched once for
//! all streams with equal filters, and once for each followed designee. Spurious wake-ups are
//! allowed, lost ones are not; besides, each stream checks at each heartbeat.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::Notify;

use super::{
    Ledger, Shared,
    lock::{OrderedMutex, WAITERS},
};
use crate::{
    domain::DesigneeId,
    limits::{QUESTION_SLICE_DESIGNEES, WAKE_DESIGNEES_MAX},
    register::{Interest, Terms},
};

/// Events that are matched in one hold of the register's read lock.
const SLICE: u64 = QUESTION_SLICE_DESIGNEES as u64;

/// Waiting streams by their filter.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    next_id: AtomicU64,
    /// Lock order: before the register, which is read while this is held.
    waiting: OrderedMutex<ByInterest, WAITERS>,
}

#[derive(Debug, Default)]
struct ByInterest {
    /// Streams whose filter names no designees, or too many to index.
    terms: HashMap<Terms, ById>,
    /// Streams that follow designees, by each of them.
    designees: HashMap<DesigneeId, ById>,
}

type ById = HashMap<u64, Arc<Notify>>;

/// A stream's entry in the index, removed when it is dropped.
pub struct Waiter {
    shared: Arc<Shared>,
    id: u64,
    key: Key,
    notify: Arc<Notify>,
}

enum Key {
    Terms(Terms),
    Designees(Vec<DesigneeId>),
}

impl Waiter {
    /// Completes when an event that may match has become durable since the last completion.
    pub async fn woken(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut waiting = self.shared.waiters.waiting.lock();
        let ByInterest { terms, designees } = &mut *waiting;
        match &self.key {
            Key::Terms(key) => forget(terms, key, self.id),
            Key::Designees(keys) => keys.iter().for_each(|key| forget(designees, key, self.id)),
        }
    }
}

fn forget<K: Eq + Hash>(waiting: &mut HashMap<K, ById>, key: &K, id: u64) {
    if let Some(of_key) = waiting.get_mut(key) {
        of_key.remove(&id);
        if of_key.is_empty() {
            waiting.remove(key);
        }
    }
}

impl Ledger {
    /// Adds a waiting stream to the index. The caller must read the durable size after this call
    /// and after each wake-up, so that it misses nothing.
    #[must_use]
    pub fn waiter(&self, interest: &Interest) -> Waiter {
        let waiters = &self.shared.waiters;
        let id = waiters.next_id.fetch_add(1, Ordering::Relaxed);
        let notify = Arc::new(Notify::new());
        let few = interest.designees().filter(|ids| ids.len() <= WAKE_DESIGNEES_MAX);
        let key = match few {
            Some(ids) => Key::Designees(ids.cloned().collect()),
            None => Key::Terms(interest.terms().clone()),
        };
        let mut waiting = waiters.waiting.lock();
        match &key {
            Key::Terms(key) => {
                waiting.terms.entry(key.clone()).or_default().insert(id, Arc::clone(&notify));
            }
            Key::Designees(keys) => {
                for key in keys {
                    let of_key = waiting.designees.entry(key.clone()).or_default();
                    of_key.insert(id, Arc::clone(&notify));
                }
            }
        }
        drop(waiting);
        Waiter { shared: Arc::clone(&self.shared), id, key, notify }
    }
}

/// Wakes the streams whose filter may match, each time the durable size moves, until the ledger is
/// gone.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut durable = shared.durable.subscribe();
    let mut looked_at = durable.borrow_and_update().size;
    let shared = {
        let weak = Arc::downgrade(&shared);
        drop(shared);
        weak
    };
    while durable.changed().await.is_ok() {
        let size = durable.borrow_and_update().size;
        while looked_at < size {
            let Some(shared) = shared.upgrade() else { return };
            let upto = size.min(looked_at + SLICE);
            shared.wake(looked_at, upto);
            looked_at = upto;
            tokio::task::yield_now().await;
        }
    }
}

impl Shared {
    fn wake(&self, from: u64, to: u64) {
        let waiting = self.waiters.waiting.lock();
        let register = self.register.read();
        for (terms, of_key) in &waiting.terms {
            let interest = Interest::from(terms.clone());
            if !register.matching(&interest, from, to, 1).0.is_empty() {
                of_key.values().for_each(|notify| notify.notify_one());
            }
        }
        if !waiting.designees.is_empty() {
            register.followed_as(from, to, |id| {
                let of_key = waiting.designees.get(id);
                of_key.into_iter().flat_map(HashMap::values).for_each(|notify| notify.notify_one());
            });
        }
    }
}
