//! Who is woken when the log has come further: an index of interests.
//!
//! A stream that wants everything watches the durable size. A filtered one would wake at every move to find nothing, and ten
//! thousand of them would cost more than the log does; so each rests here until something may concern it. What is new is
//! looked at once for all streams that want the same, and once for each designee that anybody follows. A stream may be
//! woken in vain, and is never left asleep: it looks by itself at each heartbeat.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{Ledger, Shared};
use crate::{
    domain::DesigneeId,
    limits::{QUESTION_SLICE_DESIGNEES, WAKE_DESIGNEES_MAX},
    register::{Interest, Terms},
};

/// Events that are looked at before the writer is let at the register.
const SLICE: u64 = QUESTION_SLICE_DESIGNEES as u64;

/// Streams by what they wait for.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    next_id: AtomicU64,
    waiting: Mutex<ByInterest>,
}

#[derive(Debug, Default)]
struct ByInterest {
    /// Who wants something, whoever the designees are.
    terms: HashMap<Terms, ById>,
    /// Who follows some designees.
    designees: HashMap<DesigneeId, ById>,
}

type ById = HashMap<u64, Arc<Notify>>;

/// A place in the index, until it is dropped.
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
    /// Completes when something may have become durable that concerns the interest, since the last time it completed.
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
    /// Takes a place in the index of interests. Look at the durable size after this and after each waking.
    #[must_use]
    pub fn sleeper(&self, interest: &Interest) -> Waiter {
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

/// Waiters whom it may concern, each time the durable size has moved, until the ledger is gone.
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
