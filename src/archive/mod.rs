//! Logs without a server: verifies a data directory, checks archives and backups, builds a log from
//! them or from another one, and erases the content of an event.
//!
//! Every event that is read is audited. A new log gets its name only when it is complete. Only a
//! redaction writes to a data directory that is not empty.

pub mod backup;
mod builder;
mod compact;
mod copies;
mod error;
pub mod format;
mod lines;
mod measured;
pub mod promotion;
pub mod redaction;

use std::path::Path;

use uuid::Uuid;

use self::error::Action;
pub use self::{
    builder::{BuiltLog, ExpectedRoot, LogBuilder, Watcher},
    compact::{Compacted, compact, keep_epoch},
    error::{ArchiveError, Trouble},
    format::{Form, Header, MAGIC, Reader, Writer},
    lines::Lines,
    measured::{Measure, Measured},
};
use crate::{
    catalogue_files::CatalogueFiles,
    ledger::{
        audit::{OTHER_ROOT, Verification, Verified},
        event_reader::EventReader,
    },
    limits::VERIFY_STEP_BYTES,
    log::{self, LogError},
    register::RulesBook,
};

/// The verification of the log in a data directory that no server uses.
pub struct AtRest {
    log_id: Uuid,
    verification: Verification,
    /// The root that the caller knows, if the log reaches its size.
    expected: Option<ExpectedRoot>,
}

impl AtRest {
    /// Opens the log. Like a start, opening completes the recovery after a crash. The catalogues
    /// that it adopted are found in `files`. Below `from` the stored leaf hashes are trusted.
    ///
    /// # Errors
    /// [`ArchiveError::NoLog`]; [`ArchiveError::OtherRoot`] if the log is too short for it;
    /// [`ArchiveError::Log`], also for damage that is found while it is opened.
    pub fn begin(
        directory: &Path,
        files: CatalogueFiles,
        from: u64,
        expected: Option<ExpectedRoot>,
    ) -> Result<Self, ArchiveError> {
        if !log::is_in(directory) {
            return Err(ArchiveError::NoLog(directory.to_path_buf()));
        }
        let (log, found) = log::open(directory, Uuid::nil())?;
        let (log_id, size) = (log.id(), log.size());
        let at = expected.and_then(|expected| Some((expected.size?, expected.root)));
        if let (Some((at, root)), true) = (at, at.is_some_and(|(at, _)| at > size)) {
            return Err(ArchiveError::OtherRoot { expected: root, size: at, found: Err(size) });
        }
        let marked = found.map(|mark| (mark.size, mark.root));
        let mut reader = EventReader::new(files, RulesBook::RELEASED);
        reader.skip_to(&*log, from)?;
        let known = marked.into_iter().chain(at).collect();
        let verification = Verification::begin(log, reader, from, known)?;
        Ok(Self { log_id, verification, expected })
    }

    /// The progress so far.
    #[must_use]
    pub fn so_far(&self) -> Verified {
        self.verification.so_far()
    }

    /// Verifies roughly `bytes` more; `None` at the end.
    ///
    /// # Errors
    /// [`ArchiveError::Log`] with the first position that differs from what was recorded;
    /// [`ArchiveError::OtherRoot`].
    pub fn step(&mut self, bytes: usize) -> Result<Option<Verified>, ArchiveError> {
        let root = |verification: &Verification| verification.root();
        match (self.verification.step(bytes), self.expected) {
            (Err(LogError::Damaged { position, detail }), Some(expected))
                if detail == OTHER_ROOT && expected.size == Some(position) =>
            {
                // The mark may have that size as well; then the log has another root than both.
                expected.require(position, root(&self.verification))?;
                Err(LogError::Damaged { position, detail }.into())
            }
            (Ok(None), Some(expected @ ExpectedRoot { size: None, .. })) => {
                expected.require(self.so_far().position, root(&self.verification))?;
                Ok(None)
            }
            (step, _) => Ok(step?),
        }
    }

    /// The log, once all of it is verified.
    #[must_use]
    pub fn log(&self) -> BuiltLog {
        let (log_id, root) = (Some(self.log_id), self.verification.root());
        BuiltLog { log_id, size: self.so_far().position, root }
    }
}

/// Verifies the whole log of a data directory.
///
/// # Errors
/// As for [`AtRest`].
pub fn verified(directory: &Path, files: CatalogueFiles) -> Result<BuiltLog, ArchiveError> {
    let mut verification = AtRest::begin(directory, files, 0, None)?;
    while verification.step(VERIFY_STEP_BYTES)?.is_some() {}
    Ok(verification.log())
}
