//! Joins archives into one log, which is either only checked or built in a data directory.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::BufMut as _;
use uuid::Uuid;

use super::{Action, ArchiveError, Header, Reader, backup::Tip};
use crate::{
    catalogue_files::CatalogueFiles,
    domain::catalogue::Adoption,
    files,
    lang::{say, word},
    ledger::{
        audit::{Audit, Audited},
        event_reader::EventReader,
    },
    limits::IMPORT_GROUP_BYTES,
    log::{self, ChunkWriter, CommitLog, FORMAT_BEGUN, LogError, REWRITING, REWRITTEN},
    merkle::Hash,
    protocol::batch::Frame,
    register::RulesBook,
};

/// Reads archives in order, and checks or builds their log.
pub struct LogBuilder {
    audit: Audit,
    log_id: Option<Uuid>,
    target: Option<Target>,
    store: Option<Store>,
    /// Something of the target may be on the disk.
    has_begun: bool,
    /// The format that the archive being read has.
    format: u16,
    /// The format that the built log has at least.
    format_min: u16,
    /// Events up to the end of that archive.
    total: u64,
    /// The root that the log must have.
    expected: Option<ExpectedRoot>,
    /// Told now and then how far it has come.
    watcher: Option<Watcher>,
}

/// Takes the number of events that are read, and of all as far as they are known.
pub type Watcher = Arc<dyn Fn(u64, u64) + Send + Sync>;
/// Events between two reports to a watcher.
const WATCHED_EVENTS: u64 = 256;

/// A root that somebody knows from elsewhere. The root of an archive proves nothing but that its
/// content is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedRoot {
    /// The root.
    pub root: Hash,
    /// The size at which the log has it; `None`: at its end.
    pub size: Option<u64>,
}

/// The log that the archives form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltLog {
    /// The log id; `None` if there was no archive.
    pub log_id: Option<Uuid>,
    /// Number of events.
    pub size: u64,
    /// Merkle root over them.
    pub root: Hash,
}

/// Where a log is built.
struct Target {
    /// The directory until the log is complete.
    building: PathBuf,
    /// Its final name.
    directory: PathBuf,
}

/// A log being built beside its final directory.
struct Store {
    log: Arc<dyn CommitLog>,
    chunks: ChunkWriter,
    bytes: usize,
    directory: PathBuf,
}

impl LogBuilder {
    /// Checks the archives without writing. The catalogues that the log adopted are found in
    /// `catalogues`.
    #[must_use]
    pub fn checking(catalogues: CatalogueFiles) -> Self {
        let audit = Audit::new(EventReader::new(catalogues, RulesBook::RELEASED));
        Self::over(audit, None)
    }

    /// Checks archives that continue a log. It knows the catalogues adopted so far, which are found
    /// in `catalogues`.
    ///
    /// # Errors
    /// [`LogError::Catalogue`] if one of them is not at hand.
    pub fn continuing(catalogues: CatalogueFiles, tip: &Tip) -> Result<Self, ArchiveError> {
        let mut reader = EventReader::new(catalogues, RulesBook::RELEASED);
        for (position, sha256) in &tip.adoptions {
            reader.adopt(*position, sha256)?;
        }
        let audit = Audit::resume(reader, tip.frontier.clone(), tip.recorded_micros);
        Ok(Self::over(audit, Some(tip.log_id)))
    }

    fn over(audit: Audit, log_id: Option<Uuid>) -> Self {
        let (target, store, watcher, expected) = (None, None, None, None);
        let (format, format_min, total) = (FORMAT_BEGUN, FORMAT_BEGUN, 0);
        Self {
            audit,
            log_id,
            target,
            store,
            has_begun: false,
            format,
            format_min,
            total,
            expected,
            watcher,
        }
    }

    /// Where the log ends so far; `None` before its first archive.
    #[must_use]
    pub fn tip(&self) -> Option<Tip> {
        let adoptions = self.audit.reader().catalogues().adoptions();
        let adopted = |adoption: &Adoption| Some((adoption.position?, adoption.catalogue.sha256));
        Some(Tip {
            log_id: self.log_id?,
            frontier: self.audit.frontier().clone(),
            recorded_micros: self.audit.recorded_micros(),
            adoptions: adoptions.filter_map(adopted).collect(),
        })
    }

    /// Requires a root from now on, before anything gets its final name.
    pub fn expect(&mut self, expected: Option<ExpectedRoot>) {
        self.expected = expected;
    }

    /// Builds a log with the id of the first archive in a directory that is empty or missing. Until
    /// the log is complete, its directory has the suffix `.importing`. A leftover of an earlier
    /// attempt under that name is replaced. The directory gets the catalogues that the log adopted,
    /// which are found in `catalogues`.
    ///
    /// # Errors
    /// [`ArchiveError::NotEmpty`].
    pub fn building(catalogues: CatalogueFiles, directory: &Path) -> Result<Self, ArchiveError> {
        let first = match fs::read_dir(directory) {
            Ok(mut entries) => entries.next(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(ArchiveError::io(Action::Read, directory, e)),
        };
        if first.is_some() {
            return Err(ArchiveError::NotEmpty(directory.to_path_buf()));
        }
        let building = files::beside(directory, ".importing");
        let target = Target { building, directory: directory.to_path_buf() };
        Ok(Self::into(catalogues, target))
    }

    /// Rewrites the log of a data directory. The next opening of that log puts the new one into its
    /// place, once it is complete.
    #[must_use]
    pub fn rewriting(catalogues: CatalogueFiles, data: &Path) -> Self {
        let target = Target { building: data.join(REWRITING), directory: data.join(REWRITTEN) };
        Self::into(catalogues, target)
    }

    fn into(catalogues: CatalogueFiles, target: Target) -> Self {
        let mut builder = Self::checking(catalogues);
        builder.target = Some(target);
        builder
    }

    /// The built log has at least this format, whatever its events need: a format also keeps
    /// versions away that would record in a log that is not theirs.
    pub fn require_format_min(&mut self, format: u16) {
        self.format_min = format;
    }

    /// Tells somebody from now on how far it has come.
    pub fn watch(&mut self, watcher: Watcher) {
        self.watcher = Some(watcher);
    }

    fn tell(&self) {
        if let Some(watcher) = &self.watcher {
            watcher(self.audit.size(), self.total);
        }
    }

    /// The log up to here.
    #[must_use]
    pub fn so_far(&self) -> BuiltLog {
        BuiltLog { log_id: self.log_id, size: self.audit.size(), root: self.audit.root() }
    }

    /// Adds a whole archive.
    ///
    /// # Errors
    /// [`ArchiveError::Archive`], [`ArchiveError::Event`], [`ArchiveError::Misplaced`],
    /// [`ArchiveError::Log`], [`ArchiveError::OtherRoot`].
    pub fn archive(&mut self, name: &str, input: impl Read) -> Result<(), ArchiveError> {
        let unreadable = |source| ArchiveError::Archive { name: name.to_owned(), source };
        let mut reader = Reader::open(input).map_err(unreadable)?;
        let header = *reader.header();
        self.begin(name, &header)?;
        while let Some(frame) = reader.frame().map_err(unreadable)? {
            self.frame(&frame).map_err(|e| e.at(name, reader.offset()))?;
        }
        self.end(name, &header)
    }

    /// Begins an archive.
    ///
    /// # Errors
    /// [`ArchiveError::Misplaced`] if it is of another log or does not follow the one before.
    pub fn begin(&mut self, name: &str, header: &Header) -> Result<(), ArchiveError> {
        let misplaced =
            |detail: String| Err(ArchiveError::Misplaced { name: name.to_owned(), detail });
        let id = *self.log_id.get_or_insert(header.log_id);
        if id != header.log_id {
            let other = header.log_id;
            return misplaced(say!(
                en: "it is of log {other}, not {id}", zh: "它属于日志 {other}，而不是 {id}"
            ));
        }
        let size = self.audit.size();
        if size != header.first {
            let first = header.first;
            return misplaced(say!(
                en: "it begins at position {first}, not {size}",
                zh: "它从位置 {first} 开始，而不是 {size}"
            ));
        }
        (self.format, self.total) = (header.format, header.next);
        self.tell();
        if let (None, Some(target)) = (&self.store, &self.target) {
            self.has_begun = true;
            let mut store = Store::begin(&target.building, id)?;
            store.chunks.require_format(self.format_min);
            self.store = Some(store);
        }
        Ok(())
    }

    /// Adds the next event, or its withheld place.
    ///
    /// # Errors
    /// [`ArchiveError::Log`] at the position of an event that differs from the recorded one;
    /// [`ArchiveError::Mixed`].
    pub fn frame(&mut self, frame: &Frame) -> Result<(), ArchiveError> {
        let position = self.audit.size();
        let Audited { hash, needs } = self.audit.frame(frame)?;
        self.require_format(position, needs)?;
        if let Some(store) = &mut self.store {
            store.chunks.require_format(needs);
            store.add(frame, hash, self.audit.ends_commit())?;
        }
        let size = self.audit.size();
        if size.is_multiple_of(WATCHED_EVENTS) {
            self.tell();
        }
        match self.expected {
            Some(ExpectedRoot { size: Some(at), .. }) if at == size => self.require_expected(),
            _ => Ok(()),
        }
    }

    /// Compares the root here with the one that is expected.
    fn require_expected(&self) -> Result<(), ArchiveError> {
        match &self.expected {
            Some(expected) => expected.require(self.audit.size(), self.audit.root()),
            None => Ok(()),
        }
    }

    /// An archive of the first version holds nothing that needs a newer one.
    fn require_format(&self, position: u64, needs: u16) -> Result<(), ArchiveError> {
        let has = self.format;
        if needs > has { Err(ArchiveError::Mixed { position, needs, has }) } else { Ok(()) }
    }

    /// Ends an archive: compares size and root with those in its header.
    ///
    /// # Errors
    /// [`ArchiveError::Misplaced`] if they differ, or if the archive ends inside a commit.
    pub fn end(&mut self, name: &str, header: &Header) -> Result<(), ArchiveError> {
        let misplaced = |detail: &str| {
            Err(ArchiveError::Misplaced { name: name.to_owned(), detail: detail.into() })
        };
        if self.audit.size() != header.next || !self.audit.ends_commit() {
            return misplaced(word!(en: "it ends before all its events", zh: "它缺少末尾的事件"));
        }
        if self.audit.root() != header.root {
            return misplaced(word!(
                en: "its events have another Merkle root than its header states",
                zh: "其中事件的根哈希与文件头所写不一致"
            ));
        }
        Ok(())
    }

    /// Finishes the log; one that was built gets its final name.
    ///
    /// # Errors
    /// [`ArchiveError::Log`], also if a withheld place is not annulled;
    /// [`ArchiveError::OtherRoot`]; [`ArchiveError::Io`]. No log is left then.
    pub fn finish(self) -> Result<BuiltLog, ArchiveError> {
        self.finish_with(|_, _| Ok(()))
    }

    /// As [`LogBuilder::finish`]. `complete` puts into the directory what it needs besides its log,
    /// before it gets its final name.
    ///
    /// # Errors
    /// As [`LogBuilder::finish`], and those of `complete`.
    pub fn finish_with<E: From<ArchiveError>>(
        mut self,
        complete: impl FnOnce(&Path, &BuiltLog) -> Result<(), E>,
    ) -> Result<BuiltLog, E> {
        let built = self.require_whole()?;
        if let (Some(store), Some(target)) = (self.store.take(), &self.target) {
            let reader = self.audit.reader();
            let kept = reader.files().keep(&store.directory, reader.catalogues().iter());
            kept.map_err(ArchiveError::from)?;
            store.finish(built.size, built.root)?;
            complete(&target.building, &built)?;
            rename(&target.building, &target.directory)?;
        }
        Ok(built)
    }

    /// Checks what only the end of the log tells.
    fn require_whole(&self) -> Result<BuiltLog, ArchiveError> {
        self.audit.require_annulled()?;
        let built = self.so_far();
        match self.expected {
            // It was compared when the log had that size.
            Some(ExpectedRoot { size: Some(at), .. }) if at <= built.size => {}
            _ => self.require_expected()?,
        }
        Ok(built)
    }
}

/// An unfinished log is removed: it may fill the disk.
impl Drop for LogBuilder {
    fn drop(&mut self) {
        if let (true, Some(target)) = (self.has_begun, &self.target) {
            // It is closed before its files go.
            self.store = None;
            let _ = files::remove_durably(&target.building);
        }
    }
}

impl ExpectedRoot {
    /// Compares it with the root of a log at a size.
    ///
    /// # Errors
    /// [`ArchiveError::OtherRoot`], also if the log is too short.
    pub fn require(&self, size: u64, root: Hash) -> Result<(), ArchiveError> {
        let (expected, at) = (self.root, self.size.unwrap_or(size));
        let found = match at > size {
            true => Err(size),
            false if expected == root => return Ok(()),
            false => Ok(root),
        };
        Err(ArchiveError::OtherRoot { expected, size: at, found })
    }
}

impl Store {
    fn begin(building: &Path, id: Uuid) -> Result<Self, ArchiveError> {
        files::remove_durably(building)
            .map_err(|e| ArchiveError::io(Action::Remove, building, e))?;
        let log = log::begin_apart(building, id)?;
        let directory = building.to_path_buf();
        Ok(Self { log, chunks: ChunkWriter::new(0, Vec::new()), bytes: 0, directory })
    }

    fn add(&mut self, frame: &Frame, hash: Hash, ends_commit: bool) -> Result<(), LogError> {
        let Frame { withheld, bytes } = frame;
        if *withheld {
            self.chunks.push_withheld(bytes, hash, ends_commit);
        } else {
            self.chunks.push(bytes.len(), ends_commit, |buffer| buffer.put_slice(bytes));
        }
        self.bytes += bytes.len();
        if ends_commit && self.bytes >= IMPORT_GROUP_BYTES { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), LogError> {
        self.bytes = 0;
        let group = self.chunks.finish();
        self.log.append(self.log.size(), &group).map(drop)
    }

    /// Ends the log and closes it.
    fn finish(mut self, size: u64, root: Hash) -> Result<(), ArchiveError> {
        self.write()?;
        Ok(self.log.mark(size, root)?)
    }
}

/// Gives a directory its final name, which replaces an empty directory.
fn rename(directory: &Path, target: &Path) -> Result<(), ArchiveError> {
    let failed = |action| move |e| ArchiveError::io(action, directory, e);
    files::sync(directory).map_err(failed(Action::Sync))?;
    files::rename_durably(directory, target).map_err(failed(Action::Rename))
}
