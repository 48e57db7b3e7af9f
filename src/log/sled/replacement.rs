//! Puts a rewritten store into the place of the old one.
//!
//! ```text
//! DATA/log.redacting/  a data directory with the new store, not complete: removed
//! DATA/log.redacted/   the same, complete: its log takes the place of DATA/log
//! ```
//!
//! Only the rename between the two names decides. Every start settles the rest, so that a power
//! loss leaves the old store or the new one, and no file with the old bytes beside the new one.

use std::path::Path;

use super::format_file::FormatFile;
use crate::{
    files,
    log::{LogError, REWRITING, REWRITTEN, SNAPSHOT_FILE, mark::MarkFile},
};

/// Finishes a replacement that was decided, and undoes one that was not.
pub(super) fn settle(directory: &Path, store_path: &Path) -> Result<(), LogError> {
    remove(&directory.join(REWRITING))?;
    let rewritten = directory.join(REWRITTEN);
    let store = rewritten.join("log");
    if store.exists() && is_as_long(directory, &rewritten)? {
        // Before the store that it was made from: it may hold what the new one has erased.
        remove(&directory.join(SNAPSHOT_FILE))?;
        remove(&files::beside(&directory.join(SNAPSHOT_FILE), ".partial"))?;
        // Before the store that has it, so that a version that does not know it leaves that alone.
        if let Some(format) = FormatFile::of(&rewritten).read() {
            FormatFile::of(directory).settle(format);
        }
        remove(store_path)?;
        files::rename_durably(&store, store_path)
            .map_err(|e| LogError::io(format!("rename {}", store.display()), e))?;
    }
    remove(&rewritten)
}

/// False if the old store went on after it was copied, as a version could let it that does not know
/// these names.
fn is_as_long(directory: &Path, rewritten: &Path) -> Result<bool, LogError> {
    let size = |directory: &Path| {
        let found = MarkFile::open(&directory.join("MARK"))?;
        Ok::<_, LogError>(found.map_or(0, |(_, mark)| mark.size))
    };
    Ok(size(directory)? <= size(rewritten)?)
}

fn remove(path: &Path) -> Result<(), LogError> {
    files::remove_durably(path).map_err(|e| LogError::io(format!("remove {}", path.display()), e))
}
