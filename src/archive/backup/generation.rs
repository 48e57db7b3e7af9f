//! A generation: one whole backup, in a directory of its own, which grows by archives.
//!
//! One that an earlier version began has no manifest; all its archives are read then.

use std::{
    fs,
    io::BufReader,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    ARCHIVE,
    manifest::{self, CursorFile, Listed, Manifest},
};
use crate::{
    archive::{Action, ArchiveError, Header, LogBuilder, Measure, Measured, Reader},
    files,
    lang::word,
    limits::MEASURE_BYTES,
};

/// A generation of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    path: PathBuf,
}

impl Generation {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Its directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its manifest; `None` if an earlier version began it and none has added to it since.
    ///
    /// # Errors
    /// As [`Manifest::read`].
    pub fn manifest(&self) -> Result<Option<Manifest>, ArchiveError> {
        Manifest::read(&self.path)
    }

    /// The manifest, with every file that it lists there in its length. Nothing is read.
    ///
    /// # Errors
    /// As [`Manifest::read`]; [`ArchiveError::Backup`] with the file.
    pub fn present(&self) -> Result<Option<Manifest>, ArchiveError> {
        let Some(manifest) = self.manifest()? else { return Ok(None) };
        let cursors = manifest.cursors.iter().map(|cursors| (&cursors.file, cursors.bytes));
        let archives = manifest.archives.iter().map(|archive| (&archive.file, archive.bytes));
        for (file, bytes) in archives.chain(cursors) {
            let path = self.path.join(file);
            match fs::metadata(&path) {
                Ok(found) if found.len() == bytes => {}
                Ok(found) => {
                    let measure = |bytes| Measure { bytes, sha256: [0; 32] };
                    return Err(manifest::differs(&path, measure(bytes), measure(found.len())));
                }
                Err(_) => {
                    let gone = word!(en: "it is missing", zh: "文件缺失");
                    return Err(ArchiveError::backup(&path, gone));
                }
            }
        }
        Ok(Some(manifest))
    }

    /// When its last archive was written, in microseconds since 1970; `None` if nobody can tell.
    #[must_use]
    pub fn written_micros(&self) -> Option<i64> {
        match self.manifest().ok()? {
            Some(manifest) => manifest.written_micros(),
            None => {
                let last = archives_in(&self.path).ok()?.pop()?;
                Some(micros(fs::metadata(last).ok()?.modified().ok()?))
            }
        }
    }

    /// Its archives, in order.
    ///
    /// # Errors
    /// As [`Manifest::read`].
    pub fn archives(&self) -> Result<Vec<PathBuf>, ArchiveError> {
        match self.manifest()? {
            Some(manifest) => {
                Ok(manifest.archives.iter().map(|listed| self.path.join(&listed.file)).collect())
            }
            None => archives_in(&self.path),
        }
    }

    /// Adds all its archives to a new log, and compares everything with the manifest. Gives the
    /// manifest, or the one that it would have; `None` without an archive.
    ///
    /// # Errors
    /// As [`LogBuilder::archive`]; [`ArchiveError::Backup`].
    pub fn read(&self, builder: &mut LogBuilder) -> Result<Option<Manifest>, ArchiveError> {
        let stated = self.present()?;
        let mut archives = Vec::new();
        for path in self.archives()? {
            archives.push(listed(&path, builder)?);
        }
        let Some(tip) = builder.tip() else { return Ok(None) };
        let found = Manifest { archives, tip, epoch: 0, cursors: None };
        let Some(stated) = stated else { return Ok(Some(found)) };
        for (stated, found) in stated.archives.iter().zip(&found.archives) {
            let path = self.path.join(&stated.file);
            if stated.measure() != found.measure() {
                return Err(manifest::differs(&path, stated.measure(), found.measure()));
            }
            if (stated.first, stated.next, stated.root) != (found.first, found.next, found.root) {
                return Err(ArchiveError::backup(&path, not_as_listed()));
            }
        }
        if stated.tip != found.tip {
            return Err(ArchiveError::backup(&self.path.join(manifest::NAME), not_as_listed()));
        }
        self.cursors(&stated)?;
        Ok(Some(stated))
    }

    /// The content of the file with the cursors that a manifest lists.
    ///
    /// # Errors
    /// [`ArchiveError::Backup`] if a byte of it is wrong; [`ArchiveError::Io`].
    pub fn cursors(&self, manifest: &Manifest) -> Result<Option<Vec<u8>>, ArchiveError> {
        let Some(listed @ CursorFile { file, bytes, .. }) = &manifest.cursors else {
            return Ok(None);
        };
        let path = self.path.join(file);
        let most = usize::try_from(*bytes).unwrap_or(usize::MAX);
        let read =
            files::read(&path, most).map_err(|e| ArchiveError::io(Action::Read, &path, e))?;
        let found = Measure::of(&read);
        if found != listed.measure() {
            return Err(manifest::differs(&path, listed.measure(), found));
        }
        Ok(Some(read))
    }
}

fn not_as_listed() -> &'static str {
    word!(en: "its events are not those that the manifest lists", zh: "其中的事件与清单所列不符")
}

/// The archives of a directory without a manifest, by their names.
pub(super) fn archives_in(directory: &Path) -> Result<Vec<PathBuf>, ArchiveError> {
    let mut paths = super::entries(directory)?;
    paths.retain(|path| path.to_string_lossy().ends_with(ARCHIVE));
    paths.sort();
    Ok(paths)
}

/// Adds an archive to a log, and measures it.
fn listed(path: &Path, builder: &mut LogBuilder) -> Result<Listed, ArchiveError> {
    let failed = |e| ArchiveError::io(Action::Open, path, e);
    let name = path.display().to_string();
    let file = files::open(path).map_err(failed)?;
    let modified = file.metadata().and_then(|metadata| metadata.modified()).map_err(failed)?;
    let mut input = BufReader::with_capacity(MEASURE_BYTES, Measured::new(file));
    builder.archive(&name, &mut input)?;
    let Measure { bytes, sha256 } = input.into_inner().measure();
    let header = header(path)?;
    let Header { first, next, root, .. } = header;
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Listed { file, bytes, sha256, first, next, root, written_micros: micros(modified) })
}

/// The header of an archive.
fn header(path: &Path) -> Result<Header, ArchiveError> {
    let file = files::open(path).map_err(|e| ArchiveError::io(Action::Open, path, e))?;
    let name = || path.display().to_string();
    let reader = Reader::open(BufReader::new(file));
    let reader = reader.map_err(|source| ArchiveError::Archive { name: name(), source })?;
    Ok(*reader.header())
}

/// Microseconds since 1970.
fn micros(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// After an archive of a generation was rewritten: notes its new measure in the manifest.
///
/// # Errors
/// As [`Manifest::read`] and [`Manifest::write`].
pub fn note_rewritten(archive: &Path) -> Result<(), ArchiveError> {
    let (Some(directory), Some(name)) = (archive.parent(), archive.file_name()) else {
        return Ok(());
    };
    let Some(mut manifest) = Manifest::read(directory)? else { return Ok(()) };
    let name = name.to_string_lossy();
    let Some(listed) = manifest.archives.iter_mut().find(|listed| listed.file == name) else {
        return Ok(());
    };
    let Measure { bytes, sha256 } = Measure::of_file(archive)?;
    (listed.bytes, listed.sha256) = (bytes, sha256);
    manifest.write(directory)
}
