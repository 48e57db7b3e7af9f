//! Room on the disk: the blocks that the next groups need are the store's before they are written,
//! and a start finds room on a full disk.
//!
//! A write that finds the disk full leaves the store useless until it is opened again. So blocks
//! are allocated behind the end of the store's file, which keeps its length. They are taken in
//! steps: most groups find enough of them and cost two system calls.
//!
//! The store also writes when it is opened, at least a snapshot. `DATA/log.room` occupies the
//! blocks for that. A start on a full disk removes it.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use rustix::{
    fs::{FallocateFlags, fallocate, fstat, fstatvfs},
    io::Errno,
};

use super::store::snapshot_position;
use crate::{
    files,
    limits::{ROOM_STEP_BYTES, START_ROOM_BYTES, STORE_GROWTH_BASE_BYTES, STORE_GROWTH_FACTOR},
    log::{Disk, DiskLow, LogError},
};

/// The place of the store on the disk.
#[derive(Debug)]
pub(super) struct Room {
    /// The store's file.
    file: File,
    /// Bytes of the file system that are left to others.
    reserve: AtomicU64,
    /// The file system has refused to allocate blocks in advance, which is said once.
    cannot_allocate: AtomicBool,
    /// The file that keeps room for the next start.
    kept: PathBuf,
    /// That file is missing or too small.
    is_kept_short: AtomicBool,
    /// This start has removed it.
    was_given_back: AtomicBool,
    /// Bytes that the next start may need.
    start_bytes: u64,
}

impl Room {
    /// The room of the store in `directory`. If the disk is full, the file that keeps room for this
    /// start is removed.
    pub(super) fn of(directory: &Path) -> Result<Self, LogError> {
        let store_path = directory.join("log");
        let path = store_path.join("db");
        let failed = |e| LogError::io(format!("open {}", path.display()), e);
        let file = files::open_to_change(&path).map_err(failed)?;
        let snapshots = snapshot_bytes(&store_path).map_err(failed)?;
        let start_bytes = START_ROOM_BYTES + 2 * snapshots;
        let kept = directory.join("log.room");
        let free = free_bytes(&file).map_err(failed)?;
        let was_given_back = free < start_bytes && fs::remove_file(&kept).is_ok();
        if was_given_back {
            tracing::warn!(free, "the disk is full; this start uses the room kept for it");
        }
        let is_short = fs::metadata(&kept).map_or(true, |kept| kept.len() < start_bytes);
        let (reserve, cannot_allocate) = (AtomicU64::new(0), AtomicBool::new(false));
        let (is_kept_short, was_given_back) = (is_short.into(), was_given_back.into());
        Ok(Self {
            file,
            reserve,
            cannot_allocate,
            kept,
            is_kept_short,
            was_given_back,
            start_bytes,
        })
    }

    /// Keeps room for the next start, unless it is kept: also out of the reserve, which others
    /// leave free for that. What this start gave back and did not use is taken again at once. A
    /// failure does no harm now: only a start on a full disk would miss it.
    pub(super) fn keep_for_start(&self) {
        if !self.is_kept_short.load(Ordering::Relaxed) {
            return;
        }
        let was_given_back = self.was_given_back.swap(false, Ordering::Relaxed);
        let Ok(free) = free_bytes(&self.file) else { return };
        let is_enough = free >= 2 * self.start_bytes;
        if !is_enough && !was_given_back {
            return;
        }
        let occupied = occupy(&self.kept, self.start_bytes.min(free));
        self.is_kept_short.store(occupied.is_err() || !is_enough, Ordering::Relaxed);
        if let Err(error) = occupied {
            tracing::debug!(%error, "no room is kept for the next start");
            let _ = fs::remove_file(&self.kept);
        }
    }

    pub(super) fn keep_free(&self, bytes: u64) {
        self.reserve.store(bytes, Ordering::Relaxed);
    }

    /// Bytes of the file system that the reserve is a part of.
    pub(super) fn disk_bytes(&self) -> io::Result<u64> {
        let disk = fstatvfs(&self.file)?;
        Ok(disk.f_blocks.saturating_mul(disk.f_frsize))
    }

    /// Makes sure that values of `bytes` in all can be written.
    pub(super) fn require(&self, bytes: u64) -> Result<(), DiskLow> {
        self.keep_for_start();
        let (disk, length) = match self.before(bytes) {
            Ok(disk) => disk,
            Err(error) => {
                // Nothing is known against the disk, and the flush finds out.
                tracing::warn!(%error, "the free space of the disk cannot be read");
                return Ok(());
            }
        };
        if is_short(&disk) {
            return Err(disk);
        }
        let DiskLow { free, reserve, needed: missing } = disk;
        if missing == 0 || self.cannot_allocate.load(Ordering::Relaxed) {
            return Ok(());
        }
        // A step is never taken out of the reserve, and leaves as much for the other files: when it
        // took all, one block of theirs would stop the appends while the log has room.
        let step = ROOM_STEP_BYTES.min((free - reserve - missing) / 2);
        match allocate(&self.file, length, growth_max(bytes).saturating_add(step)) {
            Ok(()) => Ok(()),
            Err(error) if is_full(error) => Err(disk),
            Err(error) => {
                if !self.cannot_allocate.swap(true, Ordering::Relaxed) {
                    let effect = "a full disk can end the process; watch its free space";
                    tracing::warn!(%error, effect, "the file system reserves no blocks");
                }
                Ok(())
            }
        }
    }

    /// The disk as it is: three calls of the system, and one for each small file of the store.
    pub(super) fn disk(&self) -> io::Result<Disk> {
        let (used, _) = allocated(&self.file)?;
        // The store may replace a snapshot meanwhile.
        let snapshots = snapshot_bytes(&self.kept.with_file_name("log")).unwrap_or(0);
        let reserve = self.reserve.load(Ordering::Relaxed);
        Ok(Disk { free: free_bytes(&self.file)?, reserve, used: used + snapshots })
    }

    /// The disk, if it is too low for values of `bytes` in all.
    pub(super) fn low(&self, bytes: u64) -> Option<DiskLow> {
        self.before(bytes).ok().map(|(disk, _)| disk).filter(is_short)
    }

    /// The disk before values of `bytes` in all are written, and the length of the file.
    fn before(&self, bytes: u64) -> io::Result<(DiskLow, u64)> {
        let (free, ahead, length) = self.state()?;
        let reserve = self.reserve.load(Ordering::Relaxed);
        let needed = growth_max(bytes).saturating_sub(ahead);
        Ok((DiskLow { free, reserve, needed }, length))
    }

    /// Free bytes, bytes allocated behind the end of the file, and its length.
    fn state(&self) -> io::Result<(u64, u64, u64)> {
        let free = free_bytes(&self.file)?;
        let (allocated, length) = allocated(&self.file)?;
        Ok((free, allocated.saturating_sub(length), length))
    }
}

/// True if allocating what is needed would go below the reserve.
fn is_short(disk: &DiskLow) -> bool {
    disk.free < disk.reserve.saturating_add(disk.needed)
}

/// Makes a file with blocks of its own, which hold nothing.
fn occupy(path: &Path, bytes: u64) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = files::create(path)?;
    match fallocate(&file, FallocateFlags::empty(), 0, bytes) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
            let zeros = [0; 64 * 1024];
            for _ in 0..bytes.div_ceil(zeros.len() as u64) {
                file.write_all(&zeros)?;
            }
            Ok(())
        }
        occupied => Ok(occupied?),
    }
}

/// Bytes of the store's snapshots, which grow with the store.
fn snapshot_bytes(store_path: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(store_path)? {
        let entry = entry?;
        if snapshot_position(&entry.path()).is_some() {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}

/// Free bytes of the file system that holds a file.
fn free_bytes(file: &File) -> io::Result<u64> {
    let disk = fstatvfs(file)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Bytes that the store's file may grow by while it takes values of `bytes` in all.
pub(super) fn growth_max(bytes: u64) -> u64 {
    bytes.saturating_mul(STORE_GROWTH_FACTOR).saturating_add(STORE_GROWTH_BASE_BYTES)
}

/// Bytes of a file on the disk, and its length.
fn allocated(file: &File) -> io::Result<(u64, u64)> {
    let stat = fstat(file)?;
    let blocks = u64::try_from(stat.st_blocks).unwrap_or(0);
    Ok((blocks.saturating_mul(512), u64::try_from(stat.st_size).unwrap_or(0)))
}

fn allocate(file: &File, from: u64, bytes: u64) -> Result<(), Errno> {
    loop {
        match fallocate(file, FallocateFlags::KEEP_SIZE, from, bytes) {
            Err(Errno::INTR) => {}
            allocated => return allocated,
        }
    }
}

fn is_full(error: Errno) -> bool {
    matches!(error, Errno::NOSPC | Errno::DQUOT | Errno::FBIG)
}

#[cfg(test)]
mod tests {
    use bytes::BufMut as _;
    use uuid::Uuid;

    use super::*;
    use crate::{
        limits::{COMMIT_EVENTS_MAX, LEAF_BYTES_MAX},
        log::{ChunkWriter, CommitLog as _, SledLog},
    };

    fn room(path: &Path) -> Room {
        fs::create_dir(path.join("log")).unwrap();
        fs::write(path.join("log/db"), vec![1; 10_000]).unwrap();
        Room::of(path).unwrap()
    }

    #[test]
    fn blocks_are_taken_behind_the_end_of_the_file() {
        let dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let room = room(dir.path());
        room.require(1_000).unwrap();
        if room.cannot_allocate.load(Ordering::Relaxed) {
            eprintln!("\n*** SKIPPED: the file system reserves no blocks ***\n");
            return;
        }
        let (_, ahead, length) = room.state().unwrap();
        assert_eq!(length, 10_000, "the file keeps its length");
        assert!(ahead >= growth_max(1_000) + ROOM_STEP_BYTES - 8_192, "{ahead}");
        // A second group needs no call.
        room.require(1_000).unwrap();
        assert_eq!(room.state().unwrap().1, ahead);
        let disk = room.disk().unwrap();
        assert!(disk.used >= length + ahead, "{disk:?}");
        fs::write(dir.path().join("log/snap.0000000000000007"), vec![1; 5_000]).unwrap();
        assert_eq!(room.disk().unwrap().used, disk.used + 5_000);
        assert_eq!(fs::metadata(dir.path().join("log.room")).unwrap().len(), START_ROOM_BYTES);
    }

    #[test]
    fn the_last_byte_above_the_reserve_is_used() {
        let disk = |free, reserve, needed| DiskLow { free, reserve, needed };
        assert!(!is_short(&disk(150, 100, 50)), "at the limit");
        assert!(is_short(&disk(149, 100, 50)), "one past it");
        assert!(is_short(&disk(u64::MAX - 1, u64::MAX, u64::MAX)));
    }

    #[test]
    fn the_reserve_is_left_to_others() {
        let dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let room = room(dir.path());
        room.keep_free(u64::MAX);
        let low = room.require(0).unwrap_err();
        assert!(low.free < low.reserve && low.reserve == u64::MAX);
        assert!(
            dir.path().join("log.room").exists(),
            "room is kept for the next start all the same"
        );
        room.keep_free(0);
        assert!(room.require(u64::MAX).is_err(), "more than any disk has");
        room.require(0).unwrap();
    }

    /// Groups of every shape grow the file by no more than is reserved for them.
    #[test]
    fn a_group_grows_the_file_within_its_room() {
        let dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let log = SledLog::open(dir.path(), Uuid::from_u128(1)).unwrap();
        let mut writer = ChunkWriter::new(0, Vec::new());
        let length = || fs::metadata(dir.path().join("log/db")).unwrap().len();
        let mut random = fastrand::Rng::with_seed(7);
        let mut most = 0;
        for round in 0..150 {
            let (events, size) = match round % 5 {
                0 => (1, random.usize(100..6_000)),
                1 => (random.usize(1..40), 300),
                2 => (random.usize(100..1_000), random.usize(100..600)),
                3 => (random.usize(1..200), LEAF_BYTES_MAX),
                _ if round % 50 == 4 => (COMMIT_EVENTS_MAX / 4, 5_000),
                _ => (random.usize(1..5), 5_000),
            };
            let base = writer.next();
            for left in (0..events).rev() {
                writer.push(size, left == 0, |buffer| buffer.put_bytes(b'x', size));
            }
            let group = writer.finish();
            let bytes: usize = group.chunks.iter().map(|chunk| chunk.bytes().len()).sum();
            let before = length();
            log.append(base, &group).unwrap();
            let grown = length().saturating_sub(before);
            assert!(grown <= growth_max(bytes as u64), "{events} events of {size}: {grown}");
            if bytes > 256 * 1024 {
                most = most.max(grown * 100 / bytes as u64);
            }
        }
        println!("a large group grew the file by at most {most} % of its bytes");
    }
}
