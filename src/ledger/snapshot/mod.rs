//! The snapshot of the register: a file beside the log that saves a start the replay of everything
//! below its size.
//!
//! ```text
//! binding.rs  which log, rules, catalogues and size a snapshot belongs to
//! file.rs     the bytes: header, sections, table; a checksum over each of them
//! save.rs     writes one, slice by slice, while the writer goes on
//! load.rs     reads one with all processors, or says why it is not believed
//! keeper.rs   when one is written
//! ```
//!
//! A snapshot is never needed and never trusted further than it must be. One that does not fit in
//! any point is ignored with a line that says why, and is written anew later. The log after it is
//! replayed as always, and must lead to the root of the high-water mark; otherwise the whole log is
//! replayed. Nobody else reads the file, and it may be deleted at any time.
//!
//! It never gets its name before the high-water mark has reached its size: so what a start believes
//! is bound to the root that the mark has.

mod binding;
mod file;
mod keeper;
mod load;
mod save;

use std::path::{Path, PathBuf};

use crate::log::SNAPSHOT_FILE;

pub use self::binding::RULES_BUILD;
pub(super) use self::{
    keeper::{Keeper, start},
    load::{Believed, believe},
    save::Written,
};

/// Whether and where snapshots are kept.
#[derive(Clone, Debug)]
pub struct SnapshotSettings {
    /// The file.
    pub path: PathBuf,
    /// Events after which a new one is worth its writing.
    pub events: u64,
}

impl SnapshotSettings {
    /// Snapshots in a data directory; `None` if so many events are none.
    #[must_use]
    pub fn within(directory: &Path, events: u64) -> Option<Self> {
        (events > 0).then(|| Self { path: directory.join(SNAPSHOT_FILE), events })
    }
}
