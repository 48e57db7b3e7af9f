//! Checks the store's snapshot before the store reads it.
//!
//! A snapshot (`snap.*`) is the store's table of pages at one position of its log, which is its
//! name in hexadecimal. It ends with its length (8 bytes) and the CRC-32 of all before them (4
//! bytes). The store writes one at each start under another name, `snap.*.generating`, syncs it and
//! renames it. Two things go wrong:
//!
//! - sled mistakes a half-written `snap.*.generating` for a snapshot. A start removes it, and syncs
//!   the directory: otherwise a power loss could undo the removal, and the rename that follows
//!   could give the half-written file the final name.
//! - sled refuses a torn snapshot for ever, though the log may replace it. Without a snapshot it
//!   reads its whole log, which has every live page. But it stops at the first gap near the log's
//!   end and fills everything after it with zeros. The start that wrote the snapshot may have freed
//!   a segment, and only the snapshot explains that gap. So the log is first recovered in a copy,
//!   without the snapshot. If that reaches the position in the torn snapshot's name, the snapshot
//!   is removed; otherwise nothing is changed and the start is refused.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    preflight,
    store::{self, crc32},
};
use crate::{files, log::LogError};

/// Length and checksum at the end of a snapshot.
const TRAILER: usize = 12;

/// Removes half-written snapshots, and torn ones that the log can replace.
///
/// # Errors
/// [`LogError::Damaged`] if a torn snapshot cannot be replaced; [`LogError::Io`].
pub(super) fn settle(directory: &Path, store_path: &Path) -> Result<(), LogError> {
    for path in named(store_path, |name| name.ends_with(".generating"))? {
        remove(&path)?;
    }
    let trial = directory.join("log.trial");
    remove(&trial)?;
    let Some(torn) = newest(store_path)? else { return Ok(()) };
    if is_whole(&torn)? {
        return Ok(());
    }
    // A start that is refused leaves no copy either: the log may fill half of the disk.
    let rebuilt = rebuild(store_path, &trial, &torn);
    let removed = remove(&trial);
    rebuilt.and(removed)?;
    tracing::warn!(snapshot = %torn.display(), "the store's snapshot is torn; the log replaces it");
    // All of them, because the trial had none. The torn one goes last, so that a start after a
    // power loss comes here again.
    let mut snapshots = named(store_path, |_| true)?;
    snapshots.sort();
    snapshots.iter().try_for_each(|path| remove(path))
}

/// What [`settle`] would find: half-written snapshots, and the newest one if it is torn.
///
/// # Errors
/// [`LogError::Io`].
pub(super) fn unsettled(store_path: &Path) -> Result<(Vec<PathBuf>, Option<PathBuf>), LogError> {
    let is_half = |name: &str| name.ends_with(".generating");
    let half = named(store_path, is_half)?;
    let newest = named(store_path, |name| !is_half(name))?.into_iter().max();
    let torn = match newest {
        Some(newest) if !is_whole(&newest)? => Some(newest),
        _ => None,
    };
    Ok((half, torn))
}

/// Checks in a copy that the log alone reaches the position of the torn snapshot.
fn rebuild(store_path: &Path, trial: &Path, torn: &Path) -> Result<(), LogError> {
    let lacks = |why: &str| {
        let detail = format!(
            "the store's snapshot {} is torn and the log cannot replace it: {why}; \
             nothing was changed",
            torn.display()
        );
        LogError::damaged(0, detail)
    };
    let reached =
        store::snapshot_position(torn).ok_or_else(|| lacks("its name is not a position"))?;
    let failed = |e| LogError::io(format!("copy the store to {}", trial.display()), e);
    files::create_directory(trial).map_err(failed)?;
    for name in ["conf", "db"] {
        files::copy(&store_path.join(name), &trial.join(name)).map_err(failed)?;
    }
    let recovered =
        preflight::check(trial).and_then(|()| store::open(trial)).and_then(store::close);
    recovered.map_err(|error| match error {
        LogError::Damaged { detail, .. } => lacks(&detail),
        other => other,
    })?;
    let again = newest(trial)?.and_then(|path| store::snapshot_position(&path));
    if again.is_some_and(|again| again >= reached) {
        return Ok(());
    }
    Err(lacks("the last part of the log that it covered is incomplete"))
}

/// The snapshot that the store would read: the one with the last name.
fn newest(store_path: &Path) -> Result<Option<PathBuf>, LogError> {
    Ok(named(store_path, |_| true)?.into_iter().max())
}

/// Snapshots whose names match.
fn named(store_path: &Path, kind: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, LogError> {
    let failed = |e| LogError::io(format!("read {}", store_path.display()), e);
    let entries = match fs::read_dir(store_path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with("snap.") && kind(name)) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// False only for content whose trailer the store would refuse.
fn is_whole(snapshot: &Path) -> Result<bool, LogError> {
    let content = files::read(snapshot, usize::MAX)
        .map_err(|e| LogError::io(format!("read {}", snapshot.display()), e))?;
    let Some((content, trailer)) = content.split_last_chunk::<TRAILER>() else { return Ok(false) };
    let Some((length, crc)) = trailer.split_last_chunk::<4>() else { return Ok(false) };
    let length = length.try_into().map_or(0, u64::from_le_bytes);
    Ok(content.len() as u64 == length && crc32(content).to_le_bytes() == *crc)
}

fn remove(path: &Path) -> Result<(), LogError> {
    files::remove_durably(path).map_err(|e| LogError::io(format!("remove {}", path.display()), e))
}

#[cfg(test)]
mod tests {
    use bytes::BufMut as _;
    use uuid::Uuid;

    use super::{super::SledLog, *};
    use crate::log::{ChunkWriter, CommitLog as _};

    /// A log of many segments, some of them reused, over several starts.
    fn log(directory: &Path) -> u64 {
        let mut size = 0;
        for start in 0..4 {
            let log = SledLog::open(directory, Uuid::from_u128(1)).unwrap();
            for commit in 0..40_usize {
                let mut writer = ChunkWriter::new(size, Vec::new());
                for event in 0..(commit * 7 + start) % 23 * 8 + 1 {
                    let bytes = (event * 379 + commit * 61) % 900 + 100;
                    writer.push(bytes, true, |buffer| buffer.put_bytes(b'x', bytes));
                }
                log.append(size, &writer.finish()).unwrap();
                size = log.size();
            }
        }
        size
    }

    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to.join("log/blobs")).unwrap();
        for name in ["MARK", "LOCK"] {
            fs::copy(from.join(name), to.join(name)).unwrap();
        }
        for entry in fs::read_dir(from.join("log")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, to.join("log").join(path.file_name().unwrap())).unwrap();
            }
        }
    }

    fn chunks(log: &SledLog) -> Vec<Vec<u8>> {
        let chunks = log.read(0, usize::MAX).unwrap();
        chunks.iter().map(|chunk| chunk.bytes().to_vec()).collect()
    }

    #[test]
    fn a_torn_snapshot_is_replaced_by_the_log_or_refused_with_the_log_untouched() {
        let dir = tempfile::tempdir().unwrap();
        let good = dir.path().join("good");
        let size = log(&good);
        let expected = chunks(&SledLog::open(&good, Uuid::nil()).unwrap());
        let snapshot = newest(&good.join("log")).unwrap().unwrap();
        let whole = fs::read(&snapshot).unwrap();
        let name = snapshot.file_name().unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        let torn = [&[][..], &whole[..5], &whole[..whole.len() - TRAILER], &flipped];
        for (i, content) in torn.into_iter().enumerate() {
            let data = dir.path().join(format!("torn-{i}"));
            copy(&good, &data);
            fs::write(data.join("log").join(name), content).unwrap();
            let log = SledLog::open(&data, Uuid::nil()).unwrap();
            assert_eq!((log.size(), chunks(&log)), (size, expected.clone()), "torn {i}");
            assert!(!data.join("log.trial").exists());
        }

        // The log ends before the position in the name.
        let data = dir.path().join("further");
        copy(&good, &data);
        fs::remove_file(data.join("log").join(name)).unwrap();
        fs::write(data.join("log/snap.0000000010000000"), &whole[..5]).unwrap();
        let before = fs::read(data.join("log/db")).unwrap();
        let error = SledLog::open(&data, Uuid::nil()).unwrap_err();
        assert!(error.to_string().contains("the log cannot replace it"), "{error}");
        assert_eq!(fs::read(data.join("log/db")).unwrap(), before);
        assert!(data.join("log/snap.0000000010000000").exists());
        assert!(!data.join("log.trial").exists(), "a refused start leaves its copy behind");
    }
}
