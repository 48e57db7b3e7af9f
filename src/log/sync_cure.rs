//! Makes the store's flush a real sync. The only unsafe file.
//!
//! sled 0.34.7 flushes with `sync_file_range`, which neither orders nor persists what a power loss must not take. This
//! binary defines the symbol itself, so that the store calls it here, and answers with `fdatasync`. Calls are counted:
//! a start at which a flush does not move the counter is refused (see `sled.rs`), so a build in which the linker chose
//! the system's function can never run. Off Linux the store syncs whole files itself.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering};

static CALLS: AtomicU64 = AtomicU64::new(0);

/// Number of syncs so far.
#[must_use]
pub fn calls() -> u64 {
    CALLS.load(Ordering::Relaxed)
}

/// True if a flush can be seen in [`calls`] on this platform.
pub const OBSERVABLE: bool = cfg!(target_os = "linux");

/// Stands in for `sync_file_range(2)`; syncs the whole file's data. Errors pass through in `errno`.
///
/// # Safety
/// Takes any file descriptor; a bad one gives `EBADF` as the original does.
#[cfg(target_os = "linux")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sync_file_range(
    fd: libc::c_int,
    _offset: libc::off64_t,
    _bytes: libc::off64_t,
    _flags: libc::c_uint,
) -> libc::c_int {
    CALLS.fetch_add(1, Ordering::Relaxed);
    // SAFETY: fdatasync takes an integer and touches no memory of ours.
    unsafe { libc::fdatasync(fd) }
}
