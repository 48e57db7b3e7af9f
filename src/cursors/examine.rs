//! Looks at the store of cursors at rest as a start would, and changes nothing.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Mutex,
};

use super::{CursorError, store::Store};
use crate::files;

/// Reads the store of a data directory whose lock nobody holds, and gives the number of cursors;
/// `None` if there is no store. What a start would repair is repaired in memory alone.
///
/// # Errors
/// [`CursorError::Failed`] with the fault.
pub fn examine(directory: &Path) -> Result<Option<u64>, CursorError> {
    let Some(store) = opened(directory)? else { return Ok(None) };
    store.require_known_format()?;
    store.list("", usize::MAX)?;
    Ok(Some(store.usage()?.cursors))
}

/// Opens the store of a data directory so that it stays as it is; `None` if there is none.
pub(super) fn opened(directory: &Path) -> Result<Option<Store>, CursorError> {
    let file = match files::open(&directory.join("cursors.redb")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| CursorError::Failed(error.to_string()))?,
    };
    let unchanged = Unchanged::new(file).map_err(|error| CursorError::Failed(error.to_string()))?;
    // Some damage makes the store panic. The file was read whole.
    let looked = catch_unwind(AssertUnwindSafe(|| {
        let store = Store::examine(unchanged)?;
        store.list("", usize::MAX)?;
        Ok(Some(store))
    }));
    looked.unwrap_or_else(|_| Err(CursorError::Failed("it cannot be read at all".to_owned())))
}

/// A file that is read. Writes to it stay in memory.
#[derive(Debug)]
pub(super) struct Unchanged {
    file: File,
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    length: u64,
    /// Places and content, in order.
    parts: Vec<(u64, Vec<u8>)>,
}

impl Unchanged {
    fn new(file: File) -> io::Result<Self> {
        let written = Written { length: file.metadata()?.len(), parts: Vec::new() };
        Ok(Self { file, written: Mutex::new(written) })
    }

    pub(super) fn len(&self) -> u64 {
        self.written.lock().map_or(0, |written| written.length)
    }

    pub(super) fn set_len(&self, length: u64) {
        if let Ok(mut written) = self.written.lock() {
            written.length = length;
        }
    }

    pub(super) fn write(&self, offset: u64, bytes: &[u8]) {
        if let Ok(mut written) = self.written.lock() {
            written.parts.push((offset, bytes.to_vec()));
        }
    }

    pub(super) fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut read = 0;
        while let Some(rest) = out.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset + read as u64)? {
                // Behind the end there are zeros until something is written.
                0 => {
                    rest.fill(0);
                    break;
                }
                more => read += more,
            }
        }
        let Ok(written) = self.written.lock() else { return Err(io::ErrorKind::Other.into()) };
        for (at, bytes) in &written.parts {
            let skipped =
                |from: u64, to: u64| usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
            let target = out.get_mut(skipped(offset, *at)..).unwrap_or_default();
            let source = bytes.get(skipped(*at, offset)..).unwrap_or_default();
            target.iter_mut().zip(source).for_each(|(target, byte)| *target = *byte);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{super::Cursors, *};

    #[test]
    fn writes_are_read_again_and_the_file_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, b"0123456789").unwrap();
        let unchanged = Unchanged::new(files::open(&path).unwrap()).unwrap();
        let read = |offset, length| {
            let mut out = vec![1; length];
            unchanged.read(offset, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        unchanged.write(4, b"abc");
        unchanged.write(6, b"xyz");
        assert_eq!(read(0, 10), "0123abxyz9");
        assert_eq!(read(5, 3), "bxy");
        assert_eq!((read(0, 4), read(9, 3)), ("0123".to_owned(), "9\0\0".to_owned()));
        unchanged.set_len(99);
        assert_eq!(unchanged.len(), 99);
        assert_eq!(fs::read(&path).unwrap(), b"0123456789");
    }

    #[test]
    fn a_store_is_well_missing_or_damaged_and_never_changed() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(examine(dir.path()).unwrap(), None);
        let cursors = Cursors::open(dir.path()).unwrap();
        // Its thread writes when it closes the store.
        cursors.close();
        drop(cursors);
        let path = dir.path().join("cursors.redb");
        let whole = fs::read(&path).unwrap();
        assert_eq!(examine(dir.path()).unwrap(), Some(0));
        assert!(fs::read(&path).unwrap() == whole, "it has changed");
        for damaged in [&[][..], b"no store", &whole[..whole.len() / 2], &vec![0; whole.len()]] {
            fs::write(&path, damaged).unwrap();
            assert!(examine(dir.path()).is_err(), "{} bytes", damaged.len());
            assert!(fs::read(&path).unwrap() == damaged, "it has changed");
        }
    }
}
