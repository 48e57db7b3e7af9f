//! The destination of an export: a file that gets its name when it is whole and on the disk, or
//! standard output.

use std::{
    io::{self, BufWriter, Stdout, Write},
    path::Path,
};

use crate::files::AtomicFile;

/// A file or standard output.
#[derive(Debug)]
pub(super) enum Destination {
    File(AtomicFile),
    Standard(BufWriter<Stdout>),
}

impl Destination {
    pub(super) fn file(path: &Path) -> io::Result<Self> {
        AtomicFile::create(path).map(Self::File)
    }

    pub(super) fn standard() -> Self {
        Self::Standard(BufWriter::new(io::stdout()))
    }

    /// Ends it: its content is on the disk under its name, or handed on.
    pub(super) fn commit(self) -> io::Result<()> {
        match self {
            Self::File(file) => file.commit(),
            Self::Standard(mut out) => out.flush(),
        }
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Standard(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Standard(out) => out.flush(),
        }
    }
}
