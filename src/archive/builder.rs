//! Putting archives together to one log, which is only checked, or built in a data directory.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::{BufMut as _, Bytes};
use uuid::Uuid;

use super::{ArchiveError, Header, Reader};
use crate::{
    domain::catalogue::Catalogue,
    files,
    ledger::audit::Audit,
    limits::IMPORT_GROUP_BYTES,
    log::{ChunkWriter, CommitLog as _, LogError, SledLog},
    merkle::Hash,
};

/// Archives, one after the other.
pub struct LogBuilder {
    audit: Audit,
    log_id: Option<Uuid>,
    target: Option<PathBuf>,
    store: Option<Store>,
}

/// What became of archives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltLog {
    /// Names the history; none if there was no archive.
    pub log_id: Option<Uuid>,
    /// Number of events.
    pub size: u64,
    /// Merkle root over them.
    pub root: Hash,
}

/// A log being built beside the place where it will stand.
struct Store {
    log: SledLog,
    chunks: ChunkWriter,
    bytes: usize,
    directory: PathBuf,
}

impl LogBuilder {
    /// Only checks.
    #[must_use]
    pub fn checking(catalogue: Arc<Catalogue>) -> Self {
        Self { audit: Audit::new(catalogue), log_id: None, target: None, store: None }
    }

    /// Builds a log with the id of the first archive in a directory that is empty or not there. Until it is whole it
    /// stands beside it, with `.importing` after its name; what an earlier attempt has left there is replaced.
    ///
    /// # Errors
    /// [`ArchiveError::NotEmpty`].
    pub fn building(catalogue: Arc<Catalogue>, directory: &Path) -> Result<Self, ArchiveError> {
        let first = match fs::read_dir(directory) {
            Ok(mut entries) => entries.next(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(ArchiveError::io("look into", directory, e)),
        };
        if first.is_some() {
            return Err(ArchiveError::NotEmpty(directory.to_path_buf()));
        }
        Ok(Self { target: Some(directory.to_path_buf()), ..Self::checking(catalogue) })
    }

    /// What was put together so far.
    #[must_use]
    pub fn so_far(&self) -> BuiltLog {
        BuiltLog { log_id: self.log_id, size: self.audit.size(), root: self.audit.root() }
    }

    /// Adds a whole archive.
    ///
    /// # Errors
    /// [`ArchiveError::Archive`], [`ArchiveError::Misplaced`], [`ArchiveError::Log`].
    pub fn archive(&mut self, name: &str, input: impl Read) -> Result<(), ArchiveError> {
        let unreadable = |source| ArchiveError::Archive { name: name.to_owned(), source };
        let mut reader = Reader::open(input).map_err(unreadable)?;
        let header = *reader.header();
        self.begin(name, &header)?;
        while let Some(leaf) = reader.leaf().map_err(unreadable)? {
            self.leaf(&leaf)?;
        }
        self.end(name, &header)
    }

    /// Begins an archive.
    ///
    /// # Errors
    /// [`ArchiveError::Misplaced`] if it is of another log or does not follow what is there.
    pub fn begin(&mut self, name: &str, header: &Header) -> Result<(), ArchiveError> {
        let misplaced =
            |detail: String| Err(ArchiveError::Misplaced { name: name.to_owned(), detail });
        let id = *self.log_id.get_or_insert(header.log_id);
        if id != header.log_id {
            return misplaced(format!("it is of log {}, not {id}", header.log_id));
        }
        let size = self.audit.size();
        if size != header.first {
            return misplaced(format!("it begins at position {}, not {size}", header.first));
        }
        if let (None, Some(target)) = (&self.store, &self.target) {
            self.store = Some(Store::begin(target, id)?);
        }
        Ok(())
    }

    /// Adds the next event.
    ///
    /// # Errors
    /// [`ArchiveError::Log`] at the position of an event that is not what was recorded.
    pub fn leaf(&mut self, leaf: &Bytes) -> Result<(), ArchiveError> {
        self.audit.leaf(leaf)?;
        if let Some(store) = &mut self.store {
            store.add(leaf, self.audit.ends_commit())?;
        }
        Ok(())
    }

    /// Ends an archive: compares size and root with what its header says.
    ///
    /// # Errors
    /// [`ArchiveError::Misplaced`] if they differ, or if the archive ends inside a commit.
    pub fn end(&mut self, name: &str, header: &Header) -> Result<(), ArchiveError> {
        let misplaced = |detail: &str| {
            Err(ArchiveError::Misplaced { name: name.to_owned(), detail: detail.into() })
        };
        if self.audit.size() != header.next || !self.audit.ends_commit() {
            return misplaced("it ends before all its events");
        }
        if self.audit.root() != header.root {
            return misplaced("its events have another Merkle root than it says: one was changed");
        }
        Ok(())
    }

    /// Ends it; a log that was built gets its name.
    ///
    /// # Errors
    /// [`ArchiveError::Log`], [`ArchiveError::Io`]; there is no log then.
    pub fn finish(mut self) -> Result<BuiltLog, ArchiveError> {
        let assembled = self.so_far();
        if let (Some(store), Some(target)) = (self.store.take(), &self.target) {
            store.finish(target, assembled.size, assembled.root)?;
        }
        Ok(assembled)
    }
}

impl Store {
    fn begin(target: &Path, id: Uuid) -> Result<Self, ArchiveError> {
        let directory = files::beside(target, ".importing");
        files::remove_durably(&directory).map_err(|e| ArchiveError::io("remove", &directory, e))?;
        let log = SledLog::open(&directory, id)?;
        Ok(Self { log, chunks: ChunkWriter::new(0, Vec::new()), bytes: 0, directory })
    }

    fn add(&mut self, leaf: &Bytes, ends_commit: bool) -> Result<(), LogError> {
        self.chunks.push(leaf.len(), ends_commit, |buffer| buffer.put_slice(leaf));
        self.bytes += leaf.len();
        if ends_commit && self.bytes >= IMPORT_GROUP_BYTES { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), LogError> {
        self.bytes = 0;
        let group = self.chunks.finish();
        self.log.append(self.log.size(), &group).map(drop)
    }

    fn finish(mut self, target: &Path, size: u64, root: Hash) -> Result<(), ArchiveError> {
        self.write()?;
        self.log.mark(size, root)?;
        let Self { log, directory, .. } = self;
        drop(log);
        let failed = |what: &'static str| {
            let directory = directory.clone();
            move |e| ArchiveError::io(what, &directory, e)
        };
        files::sync(&directory).map_err(failed("sync"))?;
        // The directory with the log takes the place of an empty one.
        files::rename_durably(&directory, target).map_err(failed("rename"))
    }
}
