//! Why a ledger failed. After that it acknowledges nothing, and the process ends.

use std::{fmt, ops::Deref};

use crate::log::LogError;

/// Why the ledger failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A write or a sync found the disk full, on a file system that reserves no blocks.
    DiskFull(String),
    /// Anything else, such as a sync that failed or did not return in time.
    Log(String),
}

impl Failure {
    pub(super) fn of(error: &LogError) -> Self {
        let why = error.to_string();
        if error.is_disk_full() { Self::DiskFull(why) } else { Self::Log(why) }
    }
}

impl From<&str> for Failure {
    fn from(why: &str) -> Self {
        Self::Log(why.to_owned())
    }
}

impl Deref for Failure {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::DiskFull(why) | Self::Log(why) => why,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}
