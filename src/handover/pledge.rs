//! The pledge of a directory that follows: `DATA/FOLLOWS` is on the disk before the first event of
//! another node is, and names the highest epoch that was heard.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use uuid::Uuid;

use super::{Follows, NodeName, Standing, StandingError};
use crate::files;

/// The promise of a node that follows.
#[derive(Debug)]
pub struct Pledge {
    directory: PathBuf,
    name: NodeName,
    given: Mutex<Given>,
}

#[derive(Debug)]
struct Given {
    follows: Follows,
    is_written: bool,
}

impl Pledge {
    /// The pledge of a directory whose log has this id, and whose mark has this epoch. Without one
    /// it is to get this name, and nothing is written yet.
    ///
    /// # Errors
    /// [`StandingError`] if a file of the directory cannot be read.
    pub fn of(
        directory: &Path,
        (log_id, epoch): (Uuid, u64),
        fresh_name: NodeName,
    ) -> Result<Self, StandingError> {
        let standing = Standing::of(directory)?;
        let epoch = standing.known_epoch(log_id, epoch);
        let found = standing.follows.filter(|follows| follows.log_id == log_id);
        let name = found.as_ref().map_or(fresh_name, |follows| follows.node.clone());
        let is_written = found.is_some_and(|follows| follows.epoch == epoch);
        let follows = Follows { log_id, epoch, node: name.clone() };
        let given = Mutex::new(Given { follows, is_written });
        Ok(Self { directory: directory.to_path_buf(), name, given })
    }

    /// The name of the node, which a hand-over may name.
    #[must_use]
    pub fn name(&self) -> &NodeName {
        &self.name
    }

    /// The highest epoch that is known.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.given.lock().follows.epoch
    }

    /// Promises durably to record nothing in this epoch, nor in one below; makes the directory if
    /// there is none. It blocks while it writes, which it does once an epoch.
    ///
    /// # Errors
    /// [`StandingError`]; nothing of this epoch may be taken then.
    pub fn give(&self, epoch: u64) -> Result<(), StandingError> {
        let mut given = self.given.lock();
        if given.is_written && epoch <= given.follows.epoch {
            return Ok(());
        }
        given.is_written = false;
        given.follows.epoch = given.follows.epoch.max(epoch);
        let failed = |source| StandingError::Io { path: self.directory.clone(), source };
        files::create_directory(&self.directory).map_err(failed)?;
        given.follows.write(&self.directory)?;
        given.is_written = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pledge(directory: &Path, log_id: Uuid, epoch: u64, name: &str) -> Pledge {
        Pledge::of(directory, (log_id, epoch), name.parse().unwrap()).unwrap()
    }

    #[test]
    fn a_pledge_is_on_the_disk_before_it_counts() {
        let (directory, log_id) = (tempfile::tempdir().unwrap(), Uuid::from_u128(7));
        let at = directory.path();
        let of_disk = || Standing::of(at).unwrap().follows;
        let first = pledge(at, log_id, 0, "node-1");
        assert_eq!(of_disk(), None, "nothing is promised by asking");
        first.give(0).unwrap();
        let follows = |epoch| Some(Follows { log_id, epoch, node: "node-1".parse().unwrap() });
        assert_eq!(of_disk(), follows(0));
        first.give(3).unwrap();
        first.give(2).unwrap();
        assert_eq!((of_disk(), first.epoch()), (follows(3), 3));
        let again = pledge(at, log_id, 0, "node-2");
        assert_eq!((again.name(), again.epoch()), (&"node-1".parse().unwrap(), 3));
        let raised = pledge(at, log_id, 4, "node-2");
        raised.give(4).unwrap();
        assert_eq!(of_disk(), follows(4), "a leader that follows again keeps its name");
        let other = pledge(at, Uuid::from_u128(8), 0, "node-2");
        assert_eq!((other.name().as_str(), other.epoch()), ("node-2", 0));
    }
}
