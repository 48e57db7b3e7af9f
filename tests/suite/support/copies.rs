//! Backups and archives, as tests look at them.

use std::path::{Path, PathBuf};

use tidu::archive::{MAGIC, Reader, backup};

/// The archives of the newest generation of a backup.
pub fn archives(directory: &Path) -> Vec<PathBuf> {
    backup::newest(directory).unwrap().unwrap().archives().unwrap()
}

/// The events of an archive in a row; other bytes as they are.
pub fn unpacked(bytes: Vec<u8>) -> Vec<u8> {
    if !bytes.starts_with(&MAGIC) {
        return bytes;
    }
    let (mut reader, mut events) = (Reader::open(bytes.as_slice()).unwrap(), Vec::new());
    while let Some(frame) = reader.frame().unwrap() {
        events.extend_from_slice(&frame.bytes);
    }
    events
}
