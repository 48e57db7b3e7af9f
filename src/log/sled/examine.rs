//! Looks at a log at rest as a start would, and changes nothing.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use super::{open::check_blobs, preflight, snapshot};
use crate::log::{LogError, REWRITING, REWRITTEN, chunk::whole_chunks, mark};

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
    /// Events up to the mark of which the store has a whole copy; `None` without a mark, and for a
    /// torn snapshot.
    pub whole_events: Option<u64>,
}

/// The fewest bytes that an event takes in the store: the key and the length of its frame.
const EVENT_BYTES_MIN: u64 = 2;

/// Examines the log in a data directory that no process has open. It reads the whole store, but it
/// does not open it, which would change it. So it finds a copy of each event, and cannot tell
/// whether the store refers to that one.
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
    let failed = |e| LogError::io(format!("read {}", main.display()), e);
    let store_bytes = main.metadata().map_err(failed)?.len();
    let marked = found.map_or(0, |mark| mark.size);
    if store_bytes / EVENT_BYTES_MIN < marked {
        let detail = format!("the store has {store_bytes} bytes, {marked} events had been durable");
        return Err(LogError::damaged(0, detail));
    }
    let mut whole = Positions::new(marked);
    // A start checks the store without its torn snapshot, in the copy.
    if torn_snapshot.is_none() {
        let mut note = |segment: &[u8]| whole_chunks(segment).for_each(|chunk| whole.add(chunk));
        preflight::check_showing(&store_path, &mut note)?;
        if let Some(missing) = whole.first_missing() {
            let detail =
                format!("the store has no whole copy of it, but {marked} events had been durable");
            return Err(LogError::damaged(missing, detail));
        }
    }
    let whole_events = found.map(|mark| mark.size).filter(|_| torn_snapshot.is_none());
    Ok(Examined { leftovers, torn_snapshot, store_bytes, whole_events })
}

/// Positions below a bound.
struct Positions {
    /// A bit for each; the last word may have more.
    words: Vec<u64>,
    bound: u64,
}

impl Positions {
    fn new(bound: u64) -> Self {
        let words = usize::try_from(bound.div_ceil(u64::BITS.into())).unwrap_or(usize::MAX);
        Self { words: vec![0; words], bound }
    }

    fn add(&mut self, positions: Range<u64>) {
        for position in positions.start..positions.end.min(self.bound) {
            let at = usize::try_from(position / u64::from(u64::BITS)).unwrap_or(usize::MAX);
            if let Some(word) = self.words.get_mut(at) {
                *word |= 1 << (position % u64::from(u64::BITS));
            }
        }
    }

    fn first_missing(&self) -> Option<u64> {
        let at = self.words.iter().position(|word| *word != u64::MAX)?;
        let bits = self.words.get(at)?.trailing_ones();
        let missing = at as u64 * u64::from(u64::BITS) + u64::from(bits);
        (missing < self.bound).then_some(missing)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use bytes::BufMut as _;
    use uuid::Uuid;

    use super::{super::SledLog, *};
    use crate::log::{ChunkWriter, CommitLog as _};

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
    fn positions_are_missed_up_to_the_bound() {
        for bound in [0, 1, 63, 64, 65, 128] {
            let mut all = Positions::new(bound);
            assert_eq!(all.first_missing(), (bound > 0).then_some(0));
            all.add(0..bound / 2);
            all.add(bound / 2..u64::from(u32::MAX));
            assert_eq!(all.first_missing(), None, "{bound}");
        }
        let mut but_one = Positions::new(200);
        but_one.add(0..150);
        but_one.add(151..200);
        assert_eq!(but_one.first_missing(), Some(150));
    }

    /// A log of 40 events, each with a commit of its own and a length of its own.
    fn filled(directory: &Path) -> PathBuf {
        let log = SledLog::open(directory, Uuid::from_u128(1)).unwrap();
        for event in 0..40_usize {
            let mut writer = ChunkWriter::new(event as u64, Vec::new());
            writer.push(event + 100, true, |buffer| buffer.put_bytes(b'x', event + 100));
            log.append(event as u64, &writer.finish()).unwrap();
        }
        log.mark(40, [7; 32]).unwrap();
        drop(log);
        directory.join("log/db")
    }

    #[test]
    fn a_store_that_lacks_events_of_the_mark_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let main = filled(dir.path());
        let whole = fs::read(&main).unwrap();
        assert_eq!(examine(dir.path()).unwrap().whole_events, Some(40));
        let with = |content: &[u8]| {
            fs::write(&main, content).unwrap();
            examine(dir.path()).unwrap_err().to_string()
        };
        assert!(with(&[]).contains("has 0 bytes, 40 events"), "{}", with(&[]));
        assert!(with(&whole[..100]).contains("no whole copy"), "{}", with(&whole[..100]));
        let mut flipped = whole.clone();
        let runs: Vec<_> = whole.windows(120).enumerate().collect();
        for (at, _) in runs.into_iter().filter(|(_, run)| run.iter().all(|byte| *byte == b'x')) {
            flipped[at] ^= 1;
        }
        assert!(with(&flipped).contains("at position 20: "), "{}", with(&flipped));
        fs::write(&main, whole).unwrap();
        assert!(examine(dir.path()).is_ok());
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
