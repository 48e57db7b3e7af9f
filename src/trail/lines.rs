//! The lines of a file, one after the other.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _},
    path::Path,
};

use super::{Line, line};
use crate::{files, limits::TRAIL_LINE_BYTES_MAX};

/// Reads the lines of a file of the trail.
#[derive(Debug)]
pub struct TrailLines {
    input: BufReader<File>,
    /// Lines so far.
    at: u64,
    /// Bytes of the whole lines so far.
    bytes: u64,
}

/// What the file has at a place.
pub(super) enum Read {
    /// A line whose hash is right.
    Line(Box<Line>),
    /// A whole line that is none of the trail, and why.
    Odd(String),
    /// The beginning of a line, at the end of the file, with its length.
    Torn(u64),
}

impl TrailLines {
    /// Opens a file.
    ///
    /// # Errors
    /// If it cannot be read, or is not a regular file.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { input: BufReader::new(files::open(path)?), at: 0, bytes: 0 })
    }

    /// The number of lines read so far, which is the one of the last line in an editor.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Bytes of the whole lines so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn read(&mut self) -> io::Result<Option<Read>> {
        let mut bytes = Vec::new();
        let most = TRAIL_LINE_BYTES_MAX as u64 + 1;
        let length = (&mut self.input).take(most).read_until(b'\n', &mut bytes)? as u64;
        if length == 0 {
            return Ok(None);
        }
        self.at += 1;
        if bytes.pop_if(|last| *last == b'\n').is_none() {
            if length < most {
                return Ok(Some(Read::Torn(length)));
            }
            self.bytes += length + self.skip_line()?;
            let text = format!("it has more than {TRAIL_LINE_BYTES_MAX} bytes");
            return Ok(Some(Read::Odd(text)));
        }
        self.bytes += length;
        let text = str::from_utf8(&bytes).map_err(|_| "it is not a text in UTF-8".to_owned());
        Ok(Some(match text.and_then(line::read) {
            Ok(line) => Read::Line(Box::new(line)),
            Err(cause) => Read::Odd(cause),
        }))
    }

    /// Skips the rest of a line; gives its length.
    fn skip_line(&mut self) -> io::Result<u64> {
        let mut skipped = 0;
        loop {
            let buffer = self.input.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(buffer.len(), |at| at + 1);
            self.input.consume(length);
            skipped += length as u64;
            if end.is_some() || length == 0 {
                return Ok(skipped);
            }
        }
    }
}

impl Iterator for TrailLines {
    type Item = Result<Line, String>;

    /// The next line, or why it is none. A line that is not whole is the end.
    fn next(&mut self) -> Option<Self::Item> {
        match self.read() {
            Ok(Some(Read::Line(line))) => Some(Ok(*line)),
            Ok(Some(Read::Odd(cause))) => Some(Err(cause)),
            Ok(Some(Read::Torn(_)) | None) => None,
            Err(error) => Some(Err(error.to_string())),
        }
    }
}
