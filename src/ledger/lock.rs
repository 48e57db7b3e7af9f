//! Lock order of the ledger, checked in debug builds.
//!
//! Each lock has a rank. A thread that holds a lock takes only locks of a higher rank, so no two
//! threads can wait for each other. Taking the same lock twice is refused too: a second read lock
//! would wait behind a writer that waits for the first. Release builds check nothing and store
//! nothing.

use std::{
    cell::Cell,
    ops::{Deref, DerefMut},
};

use parking_lot::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The open group of group commit.
pub(super) const GROUP: u8 = 0;
/// The index of waiting streams.
pub(super) const WAITERS: u8 = 1;
/// The register.
pub(super) const REGISTER: u8 = 2;
/// The size that the flusher has made durable.
pub(super) const WRITTEN: u8 = 3;

thread_local! {
    /// One bit for each rank that this thread holds.
    static HELD: Cell<u8> = const { Cell::new(0) };
}

/// A rank that this thread holds.
struct Held<const RANK: u8>;

impl<const RANK: u8> Held<RANK> {
    const BIT: u8 = 1 << RANK;

    /// Notes the rank before its lock is taken, so that a wrong order panics instead of waiting.
    fn take() -> Self {
        if cfg!(debug_assertions) {
            let held = HELD.get();
            assert!(held < Self::BIT, "lock order: rank {RANK} after ranks {held:#b}");
            HELD.set(held | Self::BIT);
        }
        Self
    }
}

impl<const RANK: u8> Drop for Held<RANK> {
    fn drop(&mut self) {
        if cfg!(debug_assertions) {
            HELD.set(HELD.get() & !Self::BIT);
        }
    }
}

/// The guard of a lock that has a rank.
pub struct Ordered<G, const RANK: u8> {
    // The lock is released before its rank is.
    guard: G,
    _held: Held<RANK>,
}

impl<G, const RANK: u8> Ordered<G, RANK> {
    /// The guard itself, for a condition variable.
    pub(super) fn guard(&mut self) -> &mut G {
        &mut self.guard
    }

    /// The guard itself, for a fair unlock.
    pub(super) fn into_guard(self) -> G {
        self.guard
    }
}

impl<T, const RANK: u8> Ordered<RwLockWriteGuard<'_, T>, RANK> {
    /// Lets the threads that wait have their turn, and locks again. Costs next to nothing if none
    /// waits.
    pub(super) fn give_way(&mut self) {
        RwLockWriteGuard::bump(&mut self.guard);
    }
}

impl<G: Deref, const RANK: u8> Deref for Ordered<G, RANK> {
    type Target = G::Target;

    fn deref(&self) -> &G::Target {
        &self.guard
    }
}

impl<G: DerefMut, const RANK: u8> DerefMut for Ordered<G, RANK> {
    fn deref_mut(&mut self) -> &mut G::Target {
        &mut self.guard
    }
}

/// A mutex with a rank.
#[derive(Debug, Default)]
pub(super) struct OrderedMutex<T, const RANK: u8>(Mutex<T>);

impl<T, const RANK: u8> OrderedMutex<T, RANK> {
    pub(super) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(super) fn lock(&self) -> Ordered<MutexGuard<'_, T>, RANK> {
        let held = Held::take();
        Ordered { guard: self.0.lock(), _held: held }
    }
}

/// A readers-writer lock with a rank.
#[derive(Debug, Default)]
pub(super) struct OrderedRwLock<T, const RANK: u8>(RwLock<T>);

impl<T, const RANK: u8> OrderedRwLock<T, RANK> {
    pub(super) fn new(value: T) -> Self {
        Self(RwLock::new(value))
    }

    pub(super) fn into_inner(self) -> T {
        self.0.into_inner()
    }

    pub(super) fn read(&self) -> Ordered<RwLockReadGuard<'_, T>, RANK> {
        let held = Held::take();
        Ordered { guard: self.0.read(), _held: held }
    }

    pub(super) fn write(&self) -> Ordered<RwLockWriteGuard<'_, T>, RANK> {
        let held = Held::take();
        Ordered { guard: self.0.write(), _held: held }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_rise_and_are_free_again_after_release() {
        let (group, written) =
            (OrderedMutex::<u8, GROUP>::new(1), OrderedMutex::<u8, WRITTEN>::new(2));
        let register = OrderedRwLock::<u8, REGISTER>::default();
        let outer = group.lock();
        drop(written.lock());
        *register.write() += *outer;
        let inner = register.read();
        assert_eq!(*written.lock() + *inner, 3);
        drop(outer);
        drop(inner);
        assert_eq!(*group.lock(), 1);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "lock order")]
    fn a_lower_rank_after_a_higher_one_panics() {
        let register = OrderedRwLock::<u8, REGISTER>::default();
        let written = OrderedMutex::<u8, WRITTEN>::default();
        let _written = written.lock();
        drop(register.read());
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "lock order")]
    fn a_second_read_lock_on_one_thread_panics() {
        let register = OrderedRwLock::<u8, REGISTER>::default();
        let _first = register.read();
        drop(register.read());
    }
}
