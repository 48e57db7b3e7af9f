//! A file that takes lines. When it is long, it is set aside under a name with the number of its
//! first line, and another one is begun.
//!
//! ```text
//! audit.jsonl                         the last lines
//! audit-000000000001.jsonl            lines 1 to 204,800
//! ```

use std::{
    fs::File,
    io::{self, Write as _},
    path::PathBuf,
};

use super::{
    Anchor, Batch, Found, Sink,
    chain::{rotated_beside, rotated_name},
    examine::{Examined, examined},
};
use crate::{files, limits::TRAIL_FILE_BYTES_MAX};

/// A file of the trail.
#[derive(Debug)]
pub struct FileSink {
    path: PathBuf,
    bytes_max: u64,
    /// `None` before it is opened, and after a failure.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Bytes of whole lines. Anything behind them was not written whole.
    bytes: u64,
    /// The number of its first line; `None` if it has none.
    first: Option<u64>,
}

impl FileSink {
    /// A file with this name, and those that are set aside beside it.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self::up_to(path, TRAIL_FILE_BYTES_MAX)
    }

    /// The same, with files that are set aside sooner.
    #[must_use]
    pub fn up_to(path: PathBuf, bytes_max: u64) -> Self {
        Self { path, bytes_max, open: None }
    }

    /// The open file. One that somebody has moved away or removed is left alone, and another one
    /// begun under the name.
    fn opened(&mut self) -> io::Result<&mut Open> {
        let kept = self.open.take().filter(|open| files::is_named(&open.file, &self.path));
        let open = match kept {
            Some(open) => open,
            None => self.reopened(None)?.0,
        };
        Ok(self.open.insert(open))
    }

    fn reopened(&self, anchor: Option<&Anchor>) -> io::Result<(Open, Found)> {
        let file = files::open_to_append(&self.path)?;
        files::sync_parent(&self.path)?;
        let Examined { found, bytes, first } = examined(&self.path, anchor)?;
        Ok((Open { file, bytes, first }, found))
    }

    /// Sets the file aside and begins another one.
    fn rotate(&mut self, first: u64) -> io::Result<()> {
        let aside = rotated_name(&self.path, first);
        if aside.exists() {
            let name = aside.file_name().unwrap_or_default().display();
            let text = format!("the file is full, and {name} exists already");
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        self.open = None;
        files::rename_durably(&self.path, &aside)
    }
}

impl Open {
    /// Adds lines behind the last whole one, and syncs them.
    fn append(&mut self, batch: &Batch) -> io::Result<()> {
        if self.file.metadata()?.len() != self.bytes {
            self.file.set_len(self.bytes)?;
        }
        self.file.write_all(&batch.bytes)?;
        self.file.sync_data()?;
        self.bytes += batch.bytes.len() as u64;
        self.first.get_or_insert(batch.first);
        Ok(())
    }
}

impl Sink for FileSink {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn open(&mut self, anchor: Option<&Anchor>) -> io::Result<Found> {
        let (open, mut found) = self.reopened(anchor)?;
        self.open = Some(open);
        if found.last.is_none() {
            // The server ended just after it had set a file aside.
            if let Some(last) = rotated_beside(&self.path)?.last() {
                let before = examined(last, anchor)?.found;
                found.last = before.last;
                found.problem = found.problem.or(before.problem);
            }
        }
        Ok(found)
    }

    fn append(&mut self, batch: &Batch) -> io::Result<bool> {
        let (length, bytes_max) = (batch.bytes.len() as u64, self.bytes_max);
        let open = self.opened()?;
        let rotates = open.first.filter(|_| open.bytes + length > bytes_max);
        if let Some(first) = rotates {
            self.rotate(first)?;
        }
        // After an error, what was written of the batch is cut with the next try.
        self.opened()?.append(batch)?;
        Ok(rotates.is_some())
    }
}
