//! Makes the store's flush a real sync, and its rename a durable one. The only unsafe file.
//!
//! This binary defines two system functions itself, so that the store calls these:
//!
//! - `sync_file_range`, with which sled 0.34.7 flushes. The system's function neither orders nor
//!   persists the writes that must survive a power loss. This one calls `fdatasync`.
//! - `rename`, with which sled installs a new snapshot. sled never syncs the directory. Right after
//!   the rename it removes the old snapshot, and fills with zeros the segments that only the new
//!   one lists as free. If a power loss undid the rename, the log could not be recovered. This one
//!   syncs the directory before it returns.
//!
//! Calls are counted. A start is refused if a flush or a rename does not move its counter (see
//! `open.rs`), so a build in which the linker chose the system's functions can never run. Off Linux
//! the store syncs whole files itself.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering};

static SYNCS: AtomicU64 = AtomicU64::new(0);
static RENAMES: AtomicU64 = AtomicU64::new(0);

/// Number of syncs so far.
pub(super) fn syncs() -> u64 {
    SYNCS.load(Ordering::Relaxed)
}

/// Number of renames so far, also of those that failed.
pub(super) fn renames() -> u64 {
    RENAMES.load(Ordering::Relaxed)
}

/// True if [`syncs`] and [`renames`] count calls on this platform.
pub(super) const OBSERVABLE: bool = cfg!(target_os = "linux");

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        ffi::{CStr, OsStr},
        os::unix::ffi::OsStrExt as _,
        path::Path,
        sync::atomic::Ordering,
    };

    use super::{RENAMES, SYNCS};
    use crate::files;

    /// Replaces `sync_file_range(2)`; syncs the whole file's data. Errors pass through in
    /// `errno`.
    ///
    /// # Safety
    /// Takes any file descriptor; a bad one gives `EBADF` as the original does.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn sync_file_range(
        fd: libc::c_int,
        _offset: libc::off64_t,
        _bytes: libc::off64_t,
        _flags: libc::c_uint,
    ) -> libc::c_int {
        SYNCS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: fdatasync takes an integer and touches no memory of ours.
        unsafe { libc::fdatasync(fd) }
    }

    /// Replaces `rename(2)`; syncs the directory of the new name as well. Errors pass
    /// through in `errno`.
    ///
    /// # Safety
    /// Takes two strings that end with a zero byte, as the original does.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn rename(from: *const libc::c_char, to: *const libc::c_char) -> libc::c_int {
        RENAMES.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the strings are the caller's, who promises that they are valid.
        let renamed = unsafe { libc::renameat(libc::AT_FDCWD, from, libc::AT_FDCWD, to) };
        if renamed != 0 {
            return renamed;
        }
        // SAFETY: as above; the system has just read it.
        let name = unsafe { CStr::from_ptr(to) };
        let Err(error) = files::sync_parent(Path::new(OsStr::from_bytes(name.to_bytes()))) else {
            return 0;
        };
        // SAFETY: the address of this thread's errno is always valid.
        unsafe { *libc::__errno_location() = error.raw_os_error().unwrap_or(libc::EIO) };
        -1
    }
}
