//! The catalogues that a log may have adopted, found by digest: those that some version came with,
//! those that an operator names, and the files of a data directory or a backup.
//!
//! ```text
//! DIRECTORY/catalogues/<sha256>.toml
//! ```
//!
//! A file is written before its adoption is recorded, is checked against its name whenever it is
//! read, and is never written again.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    domain::{
        catalogue::{Catalogue, CatalogueError, Catalogues},
        text::hex,
    },
    files,
    lang::say,
    limits::CATALOGUE_BYTES_MAX,
};

/// The directory beside a log or its archives that holds the files.
const DIRECTORY: &str = "catalogues";

/// Why a catalogue is not at hand. Each error names the file.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueFileError {
    /// There is no such file.
    #[error("{}", say!(
        en: "catalogue {digest} is missing; its file belongs at {}, or name it with --catalogue",
        zh: "缺少目录 {digest}；其文件应在 {}，或用 --catalogue 指定",
        path.display()
    ))]
    Missing {
        /// The digest, in hexadecimal.
        digest: String,
        /// The place of the file.
        path: PathBuf,
    },
    /// No directory was given, so nobody knows where the file would be.
    #[error("{}", say!(
        en: "catalogue {} is missing; name its file with --catalogue",
        zh: "缺少目录 {}；请用 --catalogue 指定其文件",
        .0
    ))]
    Unknown(String),
    /// The file has another digest than its name says.
    #[error("{}", say!(
        en: "the catalogue {} has the digest {found}; its content was changed",
        zh: "目录文件 {} 的摘要为 {found}，内容已被改动",
        path.display()
    ))]
    Changed {
        /// The file.
        path: PathBuf,
        /// The digest of its content, in hexadecimal.
        found: String,
    },
    /// The content cannot be used.
    #[error("{}: {source}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The fault.
        source: CatalogueError,
    },
    /// The file failed.
    #[error("{}", say!(
        en: "cannot {what} {}: {source}", zh: "目录文件 {} 操作失败：{source}", path.display()
    ))]
    Io {
        /// The action that failed.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// Where catalogues are found.
#[derive(Clone, Debug)]
pub struct CatalogueFiles {
    first: Arc<Catalogue>,
    /// The other catalogues that some version came with.
    built_in: Vec<Arc<Catalogue>>,
    named: Vec<Arc<Catalogue>>,
    directories: Vec<PathBuf>,
}

impl CatalogueFiles {
    /// Finds the catalogues that some version came with.
    #[must_use]
    pub fn built_in() -> Self {
        Self::coming_with(Catalogue::all_built_in().map(Arc::new))
    }

    /// As [`CatalogueFiles::built_in`], for a program that came with these, oldest first.
    #[must_use]
    pub fn coming_with(catalogues: impl IntoIterator<Item = Arc<Catalogue>>) -> Self {
        let mut all = catalogues.into_iter();
        let first = all.next().unwrap_or_else(|| Arc::new(Catalogue::built_in()));
        Self { first, built_in: all.collect(), named: Vec::new(), directories: Vec::new() }
    }

    /// Finds also a catalogue that an operator names.
    #[must_use]
    pub fn and(mut self, catalogue: Arc<Catalogue>) -> Self {
        self.named.push(catalogue);
        self
    }

    /// Finds also the files of a data directory or a backup. A missing file belongs into the first
    /// directory named.
    #[must_use]
    pub fn beside(mut self, directory: &Path) -> Self {
        self.directories.push(directory.to_path_buf());
        self
    }

    /// The catalogues of a log that has adopted none.
    #[must_use]
    pub fn before_any_adoption(&self) -> Catalogues {
        Catalogues::new(Arc::clone(&self.first))
    }

    /// Finds a catalogue by its digest.
    ///
    /// # Errors
    /// [`CatalogueFileError`].
    pub fn find(&self, sha256: &[u8; 32]) -> Result<Arc<Catalogue>, CatalogueFileError> {
        if let Some(found) = self.find_built_in(sha256) {
            return Ok(Arc::clone(found));
        }
        for directory in &self.directories {
            if let Some(found) = read(&path_in(directory, sha256), sha256)? {
                return Ok(Arc::new(found));
            }
        }
        if let Some(found) = self.named.iter().find(|named| named.sha256 == *sha256) {
            return Ok(Arc::clone(found));
        }
        let digest = hex(sha256);
        Err(match self.directories.first() {
            Some(directory) => {
                CatalogueFileError::Missing { digest, path: path_in(directory, sha256) }
            }
            None => CatalogueFileError::Unknown(digest),
        })
    }

    /// True if the catalogue with this digest needs a file.
    #[must_use]
    pub fn needs_file(&self, sha256: &[u8; 32]) -> bool {
        self.find_built_in(sha256).is_none()
    }

    /// True if a catalogue needs no file.
    #[must_use]
    pub fn is_built_in(&self, catalogue: &Catalogue) -> bool {
        self.find_built_in(&catalogue.sha256).is_some()
    }

    fn find_built_in(&self, sha256: &[u8; 32]) -> Option<&Arc<Catalogue>> {
        let mut all = [&self.first].into_iter().chain(&self.built_in);
        all.find(|catalogue| catalogue.sha256 == *sha256)
    }

    /// Keeps the adopted catalogues that need a file, durably, in a data directory or a backup.
    /// Files that are there are checked and stay as they are.
    ///
    /// # Errors
    /// [`CatalogueFileError`].
    pub fn keep<'c>(
        &self,
        directory: &Path,
        adopted: impl IntoIterator<Item = &'c Arc<Catalogue>>,
    ) -> Result<(), CatalogueFileError> {
        let mut needed = adopted.into_iter().filter(|catalogue| !self.is_built_in(catalogue));
        needed.try_for_each(|catalogue| keep(directory, catalogue))
    }
}

/// The catalogue files of a data directory or a backup, each checked against its name.
///
/// # Errors
/// [`CatalogueFileError::Io`] if the directory cannot be read; there may be none.
pub fn kept(
    directory: &Path,
) -> Result<Vec<Result<PathBuf, CatalogueFileError>>, CatalogueFileError> {
    let folder = directory.join(DIRECTORY);
    let failed = |source| CatalogueFileError::Io { what: "read", path: folder.clone(), source };
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(require_named(&path).map(|()| path));
        }
    }
    Ok(found)
}

fn require_named(path: &Path) -> Result<(), CatalogueFileError> {
    let own = || path.to_path_buf();
    let failed = |source| CatalogueFileError::Io { what: "read", path: own(), source };
    let bytes = files::read(path, CATALOGUE_BYTES_MAX).map_err(failed)?;
    let found = hex(&Catalogue::digest(&bytes));
    if path.file_stem().is_none_or(|stem| stem != found.as_str()) {
        return Err(CatalogueFileError::Changed { path: own(), found });
    }
    let text = String::from_utf8_lossy(&bytes);
    let unusable = |source| CatalogueFileError::Unusable { path: own(), source };
    Catalogue::parse(&text).map(drop).map_err(unusable)
}

/// The place of a catalogue's file in a data directory or a backup.
#[must_use]
pub fn path_in(directory: &Path, sha256: &[u8; 32]) -> PathBuf {
    directory.join(DIRECTORY).join(format!("{}.toml", hex(sha256)))
}

/// Reads a catalogue, if its file exists, and checks it against its digest.
fn read(path: &Path, sha256: &[u8; 32]) -> Result<Option<Catalogue>, CatalogueFileError> {
    let failed = |source| {
        let path = path.to_path_buf();
        CatalogueFileError::Io { what: "read", path, source }
    };
    let bytes = match files::read(path, CATALOGUE_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let found = Catalogue::digest(&bytes);
    if found != *sha256 {
        let (path, found) = (path.to_path_buf(), hex(&found));
        return Err(CatalogueFileError::Changed { path, found });
    }
    let text = String::from_utf8_lossy(&bytes);
    let unusable = |source| CatalogueFileError::Unusable { path: path.to_path_buf(), source };
    Catalogue::parse(&text).map(Some).map_err(unusable)
}

/// Writes a catalogue under its digest, unless it is there.
fn keep(directory: &Path, catalogue: &Catalogue) -> Result<(), CatalogueFileError> {
    let path = path_in(directory, &catalogue.sha256);
    if read(&path, &catalogue.sha256)?.is_some() {
        return Ok(());
    }
    let failed = |what, path: &Path| {
        let path = path.to_path_buf();
        move |source| CatalogueFileError::Io { what, path, source }
    };
    let folder = directory.join(DIRECTORY);
    files::create_directory(&folder).map_err(failed("create", &folder))?;
    files::sync(directory).map_err(failed("sync", directory))?;
    files::replace(&path, catalogue.text().as_bytes()).map_err(failed("write", &path))
}
