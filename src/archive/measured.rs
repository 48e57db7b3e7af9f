//! Length and SHA-256 of the bytes that pass through a reader or a writer.

use std::{
    io::{self, Read, Write},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use super::{Action, ArchiveError};
use crate::{files, limits::MEASURE_BYTES, merkle::Hash};

/// The length and the digest of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Hash,
}

impl Measure {
    /// The measure of bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, sha256: Sha256::digest(bytes).into() }
    }

    /// The measure of a file.
    ///
    /// # Errors
    /// [`ArchiveError::Io`].
    pub fn of_file(path: &Path) -> Result<Self, ArchiveError> {
        let file = files::open(path).map_err(|e| ArchiveError::io(Action::Open, path, e))?;
        let mut measured = Measured::new(io::BufReader::with_capacity(MEASURE_BYTES, file));
        let read = io::copy(&mut measured, &mut io::sink());
        read.map_err(|e| ArchiveError::io(Action::Read, path, e))?;
        Ok(measured.measure())
    }
}

/// Measures what passes through.
#[derive(Debug)]
pub struct Measured<T> {
    inner: T,
    bytes: u64,
    sha256: Sha256,
}

impl<T> Measured<T> {
    /// Measures from here on.
    pub fn new(inner: T) -> Self {
        Self { inner, bytes: 0, sha256: Sha256::new() }
    }

    /// The measure of the bytes so far.
    #[must_use]
    pub fn measure(&self) -> Measure {
        Measure { bytes: self.bytes, sha256: self.sha256.clone().finalize().into() }
    }

    /// The reader or writer behind it.
    pub fn into_inner(self) -> T {
        self.inner
    }

    fn passed(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.sha256.update(bytes);
    }
}

impl<T: Read> Read for Measured<T> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        self.passed(out.get(..read).unwrap_or_default());
        Ok(read)
    }
}

impl<T: Write> Write for Measured<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.passed(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
