//! The files that a backup writes. None of them counts before the manifest, or the new
//! generation with it, has its final name.

use std::path::{Path, PathBuf};

use super::{
    CURSORS, Generation, archive_name, entries,
    manifest::{CursorFile, Listed, Manifest, Tip},
};
use crate::{
    archive::{Action, ArchiveError, Form, Header, Measured, Writer},
    domain::text::hex,
    files::{self, AtomicFile},
    protocol::batch::Frame,
};

/// A generation that grows, or begins.
#[derive(Debug)]
pub struct Draft {
    /// Where its files are written.
    place: PathBuf,
    /// Its final directory, if it begins.
    target: Option<PathBuf>,
    archives: Vec<Listed>,
    /// The highest epoch in which it was copied.
    epoch: u64,
    cursors: Option<CursorFile>,
}

/// An archive that is being written.
pub struct ArchiveDraft {
    path: PathBuf,
    header: Header,
    out: Writer<Measured<AtomicFile>>,
}

impl Draft {
    /// Goes on with a generation.
    pub(super) fn continuing(generation: &Generation, manifest: Manifest) -> Self {
        let Manifest { archives, epoch, cursors, .. } = manifest;
        Self { place: generation.path().to_path_buf(), target: None, archives, epoch, cursors }
    }

    /// Begins a generation in a directory that is new.
    pub(super) fn beginning(place: PathBuf, target: PathBuf) -> Self {
        Self { place, target: Some(target), archives: Vec::new(), epoch: 0, cursors: None }
    }

    /// Where its files are written: what a generation needs besides may be put there.
    #[must_use]
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// It is copied in this epoch.
    pub fn set_epoch(&mut self, epoch: u64) {
        self.epoch = epoch;
    }

    /// Begins an archive.
    ///
    /// # Errors
    /// [`ArchiveError::Io`].
    pub fn archive(&self, header: Header) -> Result<ArchiveDraft, ArchiveError> {
        let path = self.place.join(archive_name(&header));
        let failed = |e| ArchiveError::io(Action::Write, &path, e);
        let file = AtomicFile::create(&path).map_err(failed)?;
        let out = Writer::begin(Measured::new(file), &header, Form::Compressed).map_err(failed)?;
        Ok(ArchiveDraft { path, header, out })
    }

    /// Ends an archive: it is on the disk when this returns.
    ///
    /// # Errors
    /// [`ArchiveError::Io`].
    pub fn add(&mut self, archive: ArchiveDraft, now_micros: i64) -> Result<(), ArchiveError> {
        let ArchiveDraft { path, header, out } = archive;
        let failed = |e| ArchiveError::io(Action::Write, &path, e);
        let measured = out.finish().map_err(failed)?;
        let measure = measured.measure();
        measured.into_inner().commit().map_err(failed)?;
        self.archives.push(Listed {
            file: archive_name(&header),
            bytes: measure.bytes,
            sha256: measure.sha256,
            first: header.first,
            next: header.next,
            root: header.root,
            written_micros: now_micros,
        });
        Ok(())
    }

    /// Makes it count: durably, and at once. `cursors` is the content of their file; `None` keeps
    /// those that are there.
    ///
    /// # Errors
    /// [`ArchiveError::Io`]. The generation is as it was before, then.
    pub fn commit(mut self, tip: Tip, cursors: Option<&[u8]>) -> Result<Generation, ArchiveError> {
        if let Some(content) = cursors {
            self.cursors = Some(self.keep_cursors(content)?);
        }
        let Self { place, target, archives, epoch, cursors } = self;
        let manifest = Manifest { archives, tip, epoch, cursors };
        manifest.write(&place)?;
        let Some(target) = target else {
            remove_unlisted(&place, &manifest)?;
            return Ok(Generation::at(place));
        };
        files::sync(&place).map_err(|e| ArchiveError::io(Action::Sync, &place, e))?;
        files::rename_durably(&place, &target)
            .map_err(|e| ArchiveError::io(Action::Rename, &place, e))?;
        Ok(Generation::at(target))
    }

    /// Writes the cursors under a name of their own, so that the manifest before names its file
    /// until it is replaced.
    fn keep_cursors(&self, content: &[u8]) -> Result<CursorFile, ArchiveError> {
        let measure = crate::archive::Measure::of(content);
        let digest = hex(&measure.sha256);
        let file = format!("{}{}.jsonl", CURSORS, digest.get(..16).unwrap_or_default());
        let path = self.place.join(&file);
        files::replace(&path, content).map_err(|e| ArchiveError::io(Action::Write, &path, e))?;
        Ok(CursorFile { file, bytes: measure.bytes, sha256: measure.sha256 })
    }
}

impl ArchiveDraft {
    /// Adds the next event, or its withheld place.
    ///
    /// # Errors
    /// [`ArchiveError::Io`].
    pub fn frame(&mut self, frame: &Frame) -> Result<(), ArchiveError> {
        self.out.frame(frame).map_err(|e| ArchiveError::io(Action::Write, &self.path, e))
    }
}

/// Removes what a backup that was interrupted has left, and the cursors before.
fn remove_unlisted(place: &Path, manifest: &Manifest) -> Result<(), ArchiveError> {
    for path in entries(place)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_ours = name.ends_with(super::ARCHIVE) || name.starts_with(CURSORS);
        if is_ours && !manifest.lists(&name) {
            super::remove(&path)?;
        }
    }
    Ok(())
}
