//! Where an archive is written to: a file that gets its name when it is whole and on the disk, or standard output.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Stdout, Write},
    path::{Path, PathBuf},
};

use super::sync_directory;

/// What is being written.
#[derive(Debug)]
pub enum Target {
    /// A file.
    File(PartialFile),
    /// Standard output.
    Standard(BufWriter<Stdout>),
}

/// A file under another name, with `.partial` after it, until it is kept; removed otherwise.
#[derive(Debug)]
pub struct PartialFile {
    out: BufWriter<File>,
    path: PathBuf,
    partial: PathBuf,
}

impl Target {
    /// Begins a file.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn file(path: &Path) -> io::Result<Self> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let out = BufWriter::new(File::create(&partial)?);
        Ok(Self::File(PartialFile { out, path: path.to_path_buf(), partial }))
    }

    /// Standard output.
    #[must_use]
    pub fn standard() -> Self {
        Self::Standard(BufWriter::new(io::stdout()))
    }

    /// Ends it: what was written is on the disk under its name, or handed on.
    ///
    /// # Errors
    /// If it cannot be written; there is no file then.
    pub fn keep(mut self) -> io::Result<()> {
        self.flush()?;
        let Self::File(file) = &self else { return Ok(()) };
        file.out.get_ref().sync_all()?;
        fs::rename(&file.partial, &file.path)?;
        sync_directory(file.path.parent())
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.out.write(bytes),
            Self::Standard(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.out.flush(),
            Self::Standard(out) => out.flush(),
        }
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        // Gone already if it was kept.
        let _ = fs::remove_file(&self.partial);
    }
}
