//! The files that tell whether a data directory may record.

use std::{
    io,
    path::{Path, PathBuf},
    str::FromStr,
};

use uuid::Uuid;

use super::{NodeName, Receipt, Unreadable, lines};
use crate::{
    files,
    lang::{say, word},
    limits::RECEIPT_BYTES_MAX,
};

/// Name of the receipt in the data directory of a node that handed its log over.
pub const RETIRED_FILE: &str = "RETIRED";
/// Name of the file in the data directory of a node that follows another one.
pub const FOLLOWS_FILE: &str = "FOLLOWS";

const HEADING: &str = "tidu follower 1";
const FIELDS: [&str; 3] = ["log_id", "epoch", "node"];

/// A data directory follows another node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follows {
    /// The history that it follows.
    pub log_id: Uuid,
    /// The highest epoch in which it has heard a leader.
    pub epoch: u64,
    /// Its own name.
    pub node: NodeName,
}

/// The part of a node in its epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// It may record.
    Leader,
    /// It follows another node.
    Follower(Follows),
    /// It has handed its log over.
    Retired(Receipt),
}

/// The content of the files of a data directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its hand-over, if there was one.
    pub retired: Option<Receipt>,
    /// That it follows, if it ever did.
    pub follows: Option<Follows>,
}

/// A file of a data directory cannot be used. Nobody may record then.
#[derive(Debug, thiserror::Error)]
pub enum StandingError {
    /// It is damaged.
    #[error("{}: {source}; {}", .path.display(), remedy(.path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The fault.
        source: Unreadable,
    },
    /// The system failed.
    #[error("{}", say!(
        en: "cannot use {}: {source}", zh: "无法使用 {}：{source}", path.display()
    ))]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
}

impl Standing {
    /// Reads the files of a data directory.
    ///
    /// # Errors
    /// [`StandingError`] for a file that is there and cannot be read.
    pub fn of(directory: &Path) -> Result<Self, StandingError> {
        let retired = read(&directory.join(RETIRED_FILE))?;
        let follows = read(&directory.join(FOLLOWS_FILE))?;
        Ok(Self { retired, follows })
    }

    /// The part of the directory, whose log has this id, and whose mark has this epoch.
    #[must_use]
    pub fn part(&self, log_id: Uuid, epoch: u64) -> Part {
        let follows = self.follows.as_ref().filter(|it| it.log_id == log_id && it.epoch >= epoch);
        let retired = self.retired.as_ref().filter(|it| it.log_id == log_id && it.epoch >= epoch);
        match (follows, retired) {
            // An old leader that has come back as a follower, and has heard its successor lead.
            // Before that its receipt may be asked for again, which is needed for the promotion.
            (Some(follows), receipt) if receipt.is_none_or(|it| it.epoch < follows.epoch) => {
                Part::Follower(follows.clone())
            }
            (_, Some(receipt)) => Part::Retired(receipt.clone()),
            (_, None) => Part::Leader,
        }
    }

    /// The highest epoch that the directory knows of.
    #[must_use]
    pub fn known_epoch(&self, log_id: Uuid, epoch: u64) -> u64 {
        let closed = self.closed_epoch(log_id).unwrap_or(0);
        closed.max(epoch)
    }

    /// The highest epoch in which the directory must not record.
    #[must_use]
    pub fn closed_epoch(&self, log_id: Uuid) -> Option<u64> {
        let follows = self.follows.as_ref().filter(|it| it.log_id == log_id).map(|it| it.epoch);
        let retired = self.retired.as_ref().filter(|it| it.log_id == log_id).map(|it| it.epoch);
        follows.max(retired)
    }
}

impl Follows {
    /// Its lines of text.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { log_id, epoch, node } = self;
        let values = [log_id.to_string(), epoch.to_string(), node.to_string()];
        lines::write(HEADING, &FIELDS.into_iter().zip(values).collect::<Vec<_>>())
    }

    /// Writes the file durably. From then on the directory records nothing in this epoch, nor in
    /// one below.
    ///
    /// # Errors
    /// [`StandingError`].
    pub fn write(&self, directory: &Path) -> Result<(), StandingError> {
        write(&directory.join(FOLLOWS_FILE), &self.text())
    }
}

impl FromStr for Follows {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let [log_id, epoch, node] = lines::read(HEADING, FIELDS, text).ok_or(Unreadable)?;
        let read = || {
            let (log_id, epoch) = (log_id.parse().ok()?, epoch.parse().ok()?);
            Some(Self { log_id, epoch, node: node.parse().ok()? })
        };
        read().filter(|follows| follows.text() == text).ok_or(Unreadable)
    }
}

/// Retires a data directory durably: no start of it records in the epoch of the receipt again.
///
/// # Errors
/// [`StandingError`]; whether it is retired is unknown then, also if the file can be read. To do it
/// again makes sure.
pub fn retire(directory: &Path, receipt: &Receipt) -> Result<(), StandingError> {
    write(&directory.join(RETIRED_FILE), &receipt.text())
}

/// The way back from a damaged file. Without it, a deleted one would make a second leader.
fn remedy(path: &Path) -> &'static str {
    match path.ends_with(RETIRED_FILE) {
        true => word!(
            en: "never delete it: put the receipt there, which is the same file byte for byte",
            zh: "切勿删除：请用回执恢复，二者逐字节相同"
        ),
        false => word!(
            en: "never delete it: begin a copy in an empty directory, or restore it from a backup",
            zh: "切勿删除：请在空目录中重新开始副本，或从备份恢复该文件"
        ),
    }
}

fn write(path: &Path, text: &str) -> Result<(), StandingError> {
    let failed = |source| StandingError::Io { path: path.to_path_buf(), source };
    files::replace(path, text.as_bytes()).map_err(failed)
}

fn read<T: FromStr<Err = Unreadable>>(path: &Path) -> Result<Option<T>, StandingError> {
    match files::read_text(path, RECEIPT_BYTES_MAX) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(StandingError::Unreadable { path: path.to_path_buf(), source: Unreadable })
        }
        Err(source) => Err(StandingError::Io { path: path.to_path_buf(), source }),
        Ok(text) => {
            let unreadable =
                |source| StandingError::Unreadable { path: path.to_path_buf(), source };
            text.parse().map(Some).map_err(unreadable)
        }
    }
}

#[cfg(test)]
mod tests;
