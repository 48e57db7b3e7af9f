//! The process that has the log of a data directory.

use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path};

use crate::files;

/// The process that has the data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// A process has it; its id, if the system tells.
    Process(Option<u32>),
    Nobody,
    /// That cannot be seen.
    Unknown(String),
}

/// Looks who has a data directory.
pub(super) fn holder(directory: &Path) -> Holder {
    let path = directory.join("LOCK");
    match files::is_locked(&path) {
        Ok(false) => Holder::Nobody,
        Ok(true) => Holder::Process(process_with(&path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Holder::Nobody,
        Err(error) => Holder::Unknown(error.to_string()),
    }
}

/// The process that holds the lock of a file, if the system tells.
fn process_with(path: &Path) -> Option<u32> {
    let metadata = fs::metadata(path).ok()?;
    let device = metadata.dev();
    let device = format!("{:02x}:{:02x}", rustix::fs::major(device), rustix::fs::minor(device));
    let locks = files::read_text(Path::new("/proc/locks"), 4 * 1024 * 1024).ok()?;
    owner_in(&locks, &device, metadata.ino())
}

/// The process that holds a lock on a whole file, by the lines of `/proc/locks`.
fn owner_in(locks: &str, device: &str, inode: u64) -> Option<u32> {
    let file = format!("{device}:{inode}");
    locks.lines().find_map(|line| {
        let mut fields = line.split_whitespace();
        // The number of the lock, its kind, whether it is enforced, and whether it is shared.
        let is_held = fields.nth(1) == Some("FLOCK") && fields.nth(1) == Some("WRITE");
        let (process, of) = (fields.next()?, fields.next()?);
        (is_held && of == file).then(|| process.parse().ok().filter(|pid| *pid > 0))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_lock_is_found_by_its_file() {
        let locks = "1: POSIX  ADVISORY  WRITE 11 fe:00:5 0 EOF\n\
                     2: FLOCK  ADVISORY  READ 12 fe:00:5 0 EOF\n\
                     3: -> FLOCK ADVISORY WRITE 15 fe:00:5 0 EOF\n\
                     4: FLOCK  ADVISORY  WRITE 13 fe:00:55 0 EOF\n\
                     5: FLOCK  ADVISORY  WRITE 14 fe:00:5 0 EOF\n\
                     6: FLOCK  ADVISORY  WRITE 0 fe:00:6 0 EOF\n";
        assert_eq!(owner_in(locks, "fe:00", 5), Some(14));
        assert_eq!(owner_in(locks, "fe:00", 6), None, "a process of another container");
        assert_eq!(owner_in(locks, "fe:01", 5), None);
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(holder(dir.path()), Holder::Nobody, "there is no lock yet");
        let held = files::lock(&dir.path().join("LOCK")).unwrap();
        assert!(matches!(holder(dir.path()), Holder::Process(_)));
        drop(held);
        assert_eq!(holder(dir.path()), Holder::Nobody);
    }
}
