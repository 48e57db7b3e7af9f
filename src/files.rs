//! Files that survive a power loss, and that nobody else reads. No other room opens, makes or
//! renames files; `files/access.rs` says which ones.
//!
//! A file system keeps the content of a file when the file was synced, and its name when the
//! directory was synced. Names that were changed without a sync may come back in any combination.
//! So the rules here are:
//!
//! - a file is begun under another name, synced, renamed, and then its directory is synced;
//! - a leftover under that other name is removed and its directory synced, before the name is used
//!   again. Otherwise the rename could give the final name to the leftover.
//!
//! Errors are those of the system; callers add the path.

mod access;
mod sockets;

use std::{
    fs::{self, File, TryLockError},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{self, BufWriter, Seek, SeekFrom, Write},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

pub use self::{
    access::{
        copy, create, create_directory, is_named, make_private, open, open_to_change,
        own_directory, read, read_secret, read_text, read_whole,
    },
    sockets::{is_socket, permit_socket, remove_socket, require_guarded_directory},
};
use crate::limits::{LOCK_POLL, LOCK_WAIT_MAX};

/// Opens a file and locks it for this process, until the file is closed. Nobody else can open the
/// file, because a lock on it would keep this process out.
///
/// A child between fork and exec holds the locks of its parent, so a lock that is busy is tried
/// again for [`LOCK_WAIT_MAX`].
///
/// # Errors
/// [`io::ErrorKind::WouldBlock`] if another process holds it; [`io::ErrorKind::PermissionDenied`]
/// if it belongs to another user.
pub fn lock(path: &Path) -> io::Result<File> {
    lock_opened(access::open_own(path)?)
}

fn lock_opened(file: File) -> io::Result<File> {
    let mut waited = Duration::ZERO;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if waited < LOCK_WAIT_MAX => {
                thread::sleep(LOCK_POLL);
                waited += LOCK_POLL;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Opens a file of this user to add to its end, or makes it, and locks it as [`lock`] does.
///
/// # Errors
/// As for [`lock`]; [`io::ErrorKind::InvalidInput`] if it is not a regular file.
pub fn open_to_append(path: &Path) -> io::Result<File> {
    lock_opened(access::open_own_to_append(path)?)
}

/// True if a process holds the lock of a file.
///
/// It takes nothing away: a lock that is free is shared for an instant, and [`lock`] waits longer
/// than that.
///
/// # Errors
/// If the file cannot be read, or the file system knows no locks.
pub fn is_locked(path: &Path) -> io::Result<bool> {
    match open(path)?.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// True if the file system, or the owner's quota on it, is full.
#[must_use]
pub fn is_disk_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Free bytes of the file system that holds a path.
///
/// # Errors
/// If the file system does not tell.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// A file system, as it describes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// The number of its kind (`f_type` of statfs).
    pub kind: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// Bytes that this user may still take.
    pub free_bytes: u64,
    /// Files that can still be made; `None` if it does not count them.
    pub free_files: Option<u64>,
}

/// The file system that holds a path.
///
/// # Errors
/// If it does not tell.
pub fn disk(path: &Path) -> io::Result<Disk> {
    let kind = u64::try_from(rustix::fs::statfs(path)?.f_type).unwrap_or_default();
    let disk = rustix::fs::statvfs(path)?;
    Ok(Disk {
        kind,
        bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
        free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
        free_files: (disk.f_files > 0).then_some(disk.f_favail),
    })
}

/// A number that names a file on this machine: another one than that of any copy of it.
///
/// # Errors
/// If it cannot be read.
pub fn number_of(path: &Path) -> io::Result<u64> {
    let metadata = fs::metadata(path)?;
    // The number of a file that was removed may be given again; the time of its birth is not.
    let born = metadata.created().ok();
    let mut hasher = DefaultHasher::new();
    (metadata.ino(), born).hash(&mut hasher);
    Ok(hasher.finish())
}

/// Syncs a file, or the names in a directory.
///
/// # Errors
/// If it cannot be opened or synced.
pub fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Syncs the directory that holds a name.
///
/// # Errors
/// If it cannot be opened or synced.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync(parent.unwrap_or(Path::new(".")))
}

/// Renames a file or directory within a file system; the change of both names is durable when this
/// returns.
///
/// # Errors
/// If it cannot be renamed or a directory cannot be synced.
pub fn rename_durably(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_parent(to)?;
    if from.parent() == to.parent() { Ok(()) } else { sync_parent(from) }
}

/// Removes a file, or a directory with everything in it, so that a power loss cannot restore it.
///
/// # Errors
/// If it cannot be removed or its directory cannot be synced.
pub fn remove_durably(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Ok(()) => sync_parent(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// The path with a suffix after its file name, also if it ends in a slash, as shells complete the
/// names of directories.
#[must_use]
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.components().as_path().as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Writes a small file and replaces the one with this name, if any. A power loss leaves the old or
/// the new one.
///
/// # Errors
/// If it cannot be written; the old file is there then.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = AtomicFile::begin(path, ".new")?;
    file.write_all(content)?;
    file.commit()
}

/// Overwrites a small file in place, or makes it. A file of the same length needs no room for that
/// on a full disk. A power loss leaves any mix of the old and the new content.
///
/// # Errors
/// If it cannot be written.
pub fn overwrite(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = access::open_own(path)?;
    file.write_all(content)?;
    file.sync_data()
}

/// A file with the suffix `.partial` until it is whole and on the disk. Dropping it before that
/// removes it. Only a regular file is replaced by it.
#[derive(Debug)]
pub struct AtomicFile {
    out: BufWriter<File>,
    path: PathBuf,
    partial: PathBuf,
}

impl AtomicFile {
    /// Begins a file.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::begin(path, ".partial")
    }

    fn begin(path: &Path, suffix: &str) -> io::Result<Self> {
        access::require_replaceable(path)?;
        let partial = beside(path, suffix);
        let file = match create(&partial) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                remove_leftover(&partial)?;
                create(&partial)
            }
            created => created,
        };
        Ok(Self { out: BufWriter::new(file?), path: path.to_path_buf(), partial })
    }

    /// Gives it the permissions of another file.
    ///
    /// # Errors
    /// If the permissions cannot be read or set.
    pub fn permit_as(&self, other: &Path) -> io::Result<()> {
        self.out.get_ref().set_permissions(fs::metadata(other)?.permissions())
    }

    /// Syncs what was written so far, so that the sync of [`AtomicFile::commit`] is short.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn sync(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.out.get_ref().sync_data()
    }

    /// Commits it: its content and its name are on the disk when this returns.
    ///
    /// # Errors
    /// If it cannot be written, or if another process has taken its partial name; the old file, if
    /// any, is there then.
    pub fn commit(mut self) -> io::Result<()> {
        self.out.flush()?;
        self.out.get_ref().sync_all()?;
        if !access::is_named(self.out.get_ref(), &self.partial) {
            let text = format!("another process has replaced {}", self.partial.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        rename_durably(&self.partial, &self.path)
    }
}

/// Removes a leftover, or a link or pipe that was planted under its name. A directory stays.
fn remove_leftover(partial: &Path) -> io::Result<()> {
    fs::remove_file(partial)?;
    sync_parent(partial)
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Seeks in what was written so far, as the maker of an archive does.
impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.out.seek(to)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // After a commit the partial file no longer exists.
        if access::is_named(self.out.get_ref(), &self.partial) {
            let _ = remove_durably(&self.partial);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_lock_that_is_released_within_a_moment_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("LOCK");
        let held = lock(&path).unwrap();
        assert_eq!(lock(&path).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let (begins, begun) = mpsc::channel();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                begins.send(()).unwrap();
                lock(&path)
            });
            begun.recv().unwrap();
            drop(held);
            assert!(waiting.join().unwrap().is_ok());
        });
    }

    #[test]
    fn to_ask_for_a_lock_takes_none_away() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("LOCK");
        assert_eq!(is_locked(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        let held = lock(&path).unwrap();
        assert!(is_locked(&path).unwrap());
        assert_eq!(lock(&path).unwrap_err().kind(), io::ErrorKind::WouldBlock, "it is still held");
        drop(held);
        assert!(!is_locked(&path).unwrap());
        drop(lock(&path).unwrap());
    }

    #[test]
    fn a_file_has_its_name_only_when_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(beside(&path, ".partial"), [7; 200]).unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"one").unwrap();
        assert!(!path.exists());
        file.commit().unwrap();
        drop(AtomicFile::create(&path).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_suffix_follows_the_name_and_never_a_slash() {
        for (path, expected) in [("log", "log.new"), ("a/log/", "a/log.new"), ("/a//", "/a.new")] {
            assert_eq!(beside(Path::new(path), ".new"), Path::new(expected), "{path}");
        }
    }

    #[test]
    fn removing_needs_nothing_to_be_there() {
        let dir = tempfile::tempdir().unwrap();
        let (file, tree) = (dir.path().join("file"), dir.path().join("tree"));
        fs::write(&file, b"x").unwrap();
        fs::create_dir_all(tree.join("branch")).unwrap();
        for path in [&file, &tree, &file, &tree] {
            remove_durably(path).unwrap();
            assert!(!path.exists());
        }
    }
}
