//! The part of a data directory at a start: see `handover/`.

use std::path::Path;

use crate::{
    handover::{NodeName, NotANodeName, Part, Standing, StandingError},
    lang::say,
    ledger::{Ledger, ReadError},
};

/// Why a data directory is not served as that of a leader.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// A file that tells its part cannot be used.
    #[error(transparent)]
    Unreadable(#[from] StandingError),
    /// It follows another node, and was not promoted.
    #[error("{}", say!(
        en: "the directory is that of the follower {node}, which records nothing by itself; start \
             it with --follow, or promote it first: tidu promote",
        zh: "该目录属于从节点 {node}，自身不写入；请带 --follow 启动，或先升级：tidu promote"
    ))]
    Follower {
        /// Its name.
        node: NodeName,
    },
    /// The log is not the one that was handed over.
    #[error("{}", say!(
        en: "RETIRED says that {size} events were handed over, and the log has not the root of its \
             receipt there",
        zh: "RETIRED 写明移交了 {size} 个事件，而日志在该处的根哈希与回执不同"
    ))]
    RetiredOtherwise {
        /// The size of the receipt.
        size: u64,
    },
    /// The node gets no name.
    #[error(transparent)]
    Name(NotANodeName),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] ReadError),
}

/// Takes the part up. A directory that was handed over serves reads alone; one that follows is not
/// served without its leader, which would soon be another history.
///
/// # Errors
/// [`PartError`].
pub(super) fn take(ledger: &Ledger, directory: &Path) -> Result<(), PartError> {
    match Standing::of(directory)?.part(ledger.log_id(), ledger.epoch()) {
        Part::Leader => Ok(()),
        Part::Follower(follows) => Err(PartError::Follower { node: follows.node }),
        Part::Retired(receipt) => {
            let has_all = receipt.size <= ledger.durable().size;
            if !has_all || ledger.root_at(receipt.size)? != receipt.root {
                return Err(PartError::RetiredOtherwise { size: receipt.size });
            }
            let successor = receipt.successor;
            tracing::warn!(
                %successor,
                "the log was handed over; this start serves reads only, as every later one"
            );
            ledger.retire(successor);
            Ok(())
        }
    }
}
