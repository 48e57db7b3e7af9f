//! The files of a policy: one, or all `*.toml` of a directory in the order of their names.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::fault::{PolicyError, PolicyFault};
use crate::{
    files,
    limits::{POLICY_BYTES_MAX, POLICY_FILES_MAX},
};

/// A file with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// Reads the files of a policy. They are within all bounds together.
///
/// # Errors
/// [`PolicyError`] with the file and the cause.
pub(crate) fn read(path: &Path) -> Result<Vec<Document>, PolicyError> {
    let mut left = POLICY_BYTES_MAX;
    let mut all = Vec::new();
    for path in names(path)? {
        let text = files::read_text(&path, left).map_err(|error| unreadable(&path, &error))?;
        left = left.saturating_sub(text.len());
        all.push(Document { path, text });
    }
    Ok(all)
}

fn names(path: &Path) -> Result<Vec<PathBuf>, PolicyError> {
    let failed = |error: io::Error| unreadable(path, &error);
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let name = entry.map_err(failed)?.path();
        // Kubernetes keeps the files of a volume behind links, in directories with two dots.
        let is_hidden = name.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
        if name.extension().is_some_and(|end| end == "toml") && !is_hidden {
            names.push(name);
        }
        if names.len() > POLICY_FILES_MAX {
            let rule = format!("more than {POLICY_FILES_MAX} files; at most so many are allowed");
            return Err(PolicyFault::of_file(path, rule).into());
        }
    }
    if names.is_empty() {
        return Err(PolicyFault::of_file(path, "the directory has no file *.toml").into());
    }
    names.sort();
    Ok(names)
}

fn unreadable(path: &Path, error: &io::Error) -> PolicyError {
    PolicyFault::of_file(path, format!("cannot be read: {error}")).into()
}

/// The digest of some files, by which a change is seen.
pub(crate) fn digest(documents: &[Document], others: &[Vec<u8>]) -> [u8; 32] {
    let mut hash = Sha256::new();
    let texts = documents.iter().map(|document| document.text.as_bytes());
    let paths = documents.iter().map(|document| document.path.as_os_str().as_encoded_bytes());
    for bytes in texts.chain(paths).chain(others.iter().map(Vec::as_slice)) {
        hash.update(bytes.len().to_be_bytes());
        hash.update(bytes);
    }
    hash.finalize().into()
}
