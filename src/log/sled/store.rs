//! The store itself: how it is opened and let go, and what its own files are called and sealed
//! with. It never looks at what the log keeps in it.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::Duration,
};

use super::store_error;
use crate::{
    limits::{STORE_CACHE_BYTES, STORE_CLOSE_DURATION_MAX, STORE_CLOSE_POLL, STORE_THREADS_TRIED},
    log::LogError,
    threads,
};

/// Opens the store. sled panics on some corruption; the panic is reported as damage.
///
/// The store's threads may hold its file for a moment after the last handle of this process is
/// dropped. This process holds LOCK, so only its own threads can use the file, and the wait ends.
pub(super) fn open(path: &Path) -> Result<sled::Db, LogError> {
    // The store would wait for ever for threads that it could not start.
    threads::require(STORE_THREADS_TRIED)
        .map_err(|e| LogError::io("start the threads of the store", e))?;
    let config =
        sled::Config::new().path(path).cache_capacity(STORE_CACHE_BYTES).flush_every_ms(None);
    let mut waited = Duration::ZERO;
    loop {
        match catch_unwind(AssertUnwindSafe(|| config.open())) {
            Err(_) => {
                let detail = "the store cannot be read and gave up while opening";
                return Err(LogError::damaged(0, detail));
            }
            Ok(Err(sled::Error::Io(e)))
                if e.to_string().contains("could not acquire lock")
                    && waited < STORE_CLOSE_DURATION_MAX =>
            {
                std::thread::sleep(STORE_CLOSE_POLL);
                waited += STORE_CLOSE_POLL;
            }
            Ok(opened) => {
                return opened.map_err(|e| store_error(&format!("open {}", path.display()), e));
            }
        }
    }
}

/// Closes the store. sled then syncs its file, and panics if that fails.
pub(super) fn close(store: sled::Db) -> Result<(), LogError> {
    catch_unwind(AssertUnwindSafe(|| drop(store))).map_err(|_| {
        LogError::io("close the store", io::Error::other("its file could not be synced"))
    })
}

/// The position in a snapshot's name.
pub(super) fn snapshot_position(snapshot: &Path) -> Option<i64> {
    let digits = snapshot.file_name()?.to_str()?.strip_prefix("snap.")?;
    i64::from_str_radix(digits, 16).ok()
}

/// CRC-32 as in Ethernet and zip, bit by bit: it covers 16 bytes for each 512 KiB, and a snapshot.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xEDB8_8320;
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            crc >> 1 ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 }
        })
    })
}
