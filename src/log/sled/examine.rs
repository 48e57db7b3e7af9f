//! Looks at a log at rest as a start would, and changes nothing.

use std::path::{Path, PathBuf};

use super::{open::check_blobs, preflight, snapshot};
use crate::log::{LogError, REWRITING, REWRITTEN, mark};

/// What a start would find before it opens the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examined {
    /// Files and directories of something that was interrupted. A start finishes or removes it.
    pub leftovers: Vec<PathBuf>,
    /// A torn snapshot. A start recovers the store in a copy beside it first, which needs room for
    /// the whole store.
    pub torn_snapshot: Option<PathBuf>,
    /// Bytes of the store's main file.
    pub store_bytes: u64,
}

/// Examines the log in a data directory that no process has open. It reads the whole store.
///
/// # Errors
/// The error with which a start would refuse it: [`LogError::Damaged`], [`LogError::Io`].
pub fn examine(directory: &Path) -> Result<Examined, LogError> {
    let store_path = directory.join("log");
    let found = mark::peek(&directory.join("MARK"))?;
    let names = ["log.new", "log.trial", "MARK.new", REWRITING, REWRITTEN];
    let leftovers = names.map(|name| directory.join(name)).into_iter();
    let mut leftovers: Vec<_> = leftovers.filter(|path| path.exists()).collect();
    if !store_path.exists() {
        let is_kept = directory.join(REWRITTEN).join("log").exists();
        if found.is_some_and(|mark| mark.size > 0) && !is_kept {
            return Err(LogError::damaged(0, "the store is gone, but the high-water mark is not"));
        }
        return Ok(Examined { leftovers, ..Examined::default() });
    }
    let main = store_path.join("db");
    if !main.exists() {
        return Err(LogError::damaged(0, "the store has lost its main file"));
    }
    check_blobs(&store_path)?;
    let (half, torn_snapshot) = snapshot::unsettled(&store_path)?;
    leftovers.extend(half);
    // A start checks the store without its torn snapshot, in the copy.
    if torn_snapshot.is_none() {
        preflight::check(&store_path)?;
    }
    let failed = |e| LogError::io(format!("read {}", main.display()), e);
    let store_bytes = main.metadata().map_err(failed)?.len();
    Ok(Examined { leftovers, torn_snapshot, store_bytes })
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use uuid::Uuid;

    use super::{super::SledLog, *};

    fn begun(directory: &Path) -> PathBuf {
        drop(SledLog::open(directory, Uuid::from_u128(1)).unwrap());
        directory.join("log")
    }

    fn names(directory: &Path) -> Vec<PathBuf> {
        let mut names: Vec<_> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_log_at_rest_is_well_and_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let store = begun(dir.path());
        let before = (names(dir.path()), names(&store), fs::read(store.join("db")).unwrap());
        let examined = examine(dir.path()).unwrap();
        assert_eq!((examined.leftovers, examined.torn_snapshot), (Vec::new(), None));
        assert_eq!(examined.store_bytes, before.2.len() as u64);
        let after = (names(dir.path()), names(&store), fs::read(store.join("db")).unwrap());
        assert_eq!(before, after);
        assert_eq!(examine(&dir.path().join("nowhere")).unwrap(), Examined::default());
    }

    #[test]
    fn leftovers_and_a_torn_snapshot_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let store = begun(dir.path());
        let half = store.join("snap.0000000000000001.generating");
        fs::write(&half, b"half").unwrap();
        fs::create_dir(dir.path().join("log.new")).unwrap();
        let torn = store.join("snap.7FFFFFFFFFFFFFFF");
        fs::write(&torn, b"torn").unwrap();
        let examined = examine(dir.path()).unwrap();
        assert_eq!(examined.leftovers, [dir.path().join("log.new"), half]);
        assert_eq!(examined.torn_snapshot, Some(torn));
    }

    #[test]
    fn a_store_that_a_start_would_refuse_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let store = begun(dir.path());
        let refused = || examine(dir.path()).unwrap_err().to_string();
        let blob = store.join("blobs/1");
        fs::create_dir_all(store.join("blobs")).unwrap();
        fs::write(&blob, b"x").unwrap();
        assert!(refused().contains("is not empty"), "{}", refused());
        fs::remove_file(&blob).unwrap();
        let mark = dir.path().join("MARK");
        let kept = fs::read(&mark).unwrap();
        fs::File::create(&mark).unwrap().write_all(&[9; 128]).unwrap();
        assert!(refused().contains("no valid high-water mark"), "{}", refused());
        fs::write(&mark, kept).unwrap();
        fs::remove_file(store.join("db")).unwrap();
        assert!(refused().contains("lost its main file"), "{}", refused());
    }
}
