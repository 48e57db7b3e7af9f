//! Hand-over and promotion of a data directory that no server uses.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::ArchiveError;
use crate::{
    files,
    handover::{
        self, NodeName, Part, Reached, Receipt, Standing, StandingError, Unfit, Verdict, judge,
    },
    lang::say,
    ledger::{first_erased_in_force, keep_older_versions_away, root_at},
    log::{self, CommitLog, LogError, SNAPSHOT_FILE},
    merkle::Hash,
};

/// Files that belong to one history, and not to another one with the same events. Each names its
/// log, so none counts in another one.
const OF_ONE_HISTORY: [&str; 2] = ["cursors.redb", SNAPSHOT_FILE];

/// Why a directory is not handed over or promoted. Nothing was changed, unless the error says so.
#[derive(Debug, thiserror::Error)]
pub enum PromotionError {
    /// The log cannot be used.
    #[error(transparent)]
    Log(#[from] ArchiveError),
    /// A file that tells its part cannot be used.
    #[error(transparent)]
    Standing(#[from] StandingError),
    /// The receipt does not promote it.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// Its own part forbids it.
    #[error("{0}")]
    Disagrees(String),
}

impl From<LogError> for PromotionError {
    fn from(error: LogError) -> Self {
        Self::Log(error.into())
    }
}

/// The outcome of a promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promoted {
    /// The directory records in this epoch from its next start on.
    Now(u64),
    /// The same receipt had promoted it before.
    Before(u64),
}

/// Another history with the same events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The id that the log had.
    pub before: Uuid,
    /// Its new id.
    pub log_id: Uuid,
    /// Number of its events.
    pub size: u64,
    /// True if it had cursors, which are dropped.
    pub had_cursors: bool,
}

/// A data directory at rest, before a hand-over or another history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtRestSeen {
    /// The id of the log.
    pub log_id: Uuid,
    /// Number of its events.
    pub size: u64,
    /// The epoch of its mark.
    pub epoch: u64,
    /// Its part in that epoch.
    pub part: Part,
}

/// Looks at a data directory, and compares its log with its mark.
///
/// # Errors
/// See [`PromotionError`].
pub fn look(directory: &Path) -> Result<AtRestSeen, PromotionError> {
    let rest = AtRest::open(directory)?;
    let (log_id, size, epoch) = (rest.log.id(), rest.log.size(), rest.log.epoch());
    Ok(AtRestSeen { log_id, size, epoch, part: rest.part() })
}

/// A data directory at rest, locked.
struct AtRest {
    directory: PathBuf,
    log: std::sync::Arc<dyn CommitLog>,
    standing: Standing,
    /// The size of its mark, and the root there.
    marked: Option<(u64, Hash)>,
}

impl AtRest {
    /// Opens the log, and compares it with its mark.
    fn open(directory: &Path) -> Result<Self, PromotionError> {
        if !log::is_in(directory) {
            return Err(ArchiveError::NoLog(directory.to_path_buf()).into());
        }
        let (log, mark) = log::open(directory, Uuid::nil())?;
        if let Some(mark) = mark
            && root_at(&*log, mark.size)? != Some(mark.root)
        {
            let detail = "the log has another root than its high-water mark";
            return Err(LogError::damaged(mark.size, detail).into());
        }
        let standing = Standing::of(directory)?;
        let marked = mark.map(|mark| (mark.size, mark.root));
        Ok(Self { directory: directory.to_path_buf(), log, standing, marked })
    }

    fn part(&self) -> Part {
        self.standing.part(self.log.id(), self.log.epoch())
    }

    fn root(&self) -> Result<Hash, LogError> {
        let (size, root) = (self.log.size(), root_at(&*self.log, self.log.size())?);
        root.ok_or_else(|| LogError::damaged(size, "the log ends before its size"))
    }
}

/// Hands the log of a directory over, whose node has died. It records in this epoch no more.
///
/// # Errors
/// See [`PromotionError`].
pub fn hand_over(directory: &Path, successor: NodeName) -> Result<Receipt, PromotionError> {
    let rest = AtRest::open(directory)?;
    match rest.part() {
        Part::Leader => {}
        Part::Retired(receipt) if receipt.successor == successor => {
            // The file is there, but the sync after its writing may have failed.
            handover::retire(&rest.directory, &receipt)?;
            return Ok(receipt);
        }
        Part::Retired(Receipt { successor: other, .. }) => {
            return Err(PromotionError::Disagrees(say!(
                en: "the log is handed over to {other} already", zh: "日志已移交给 {other}"
            )));
        }
        Part::Follower(_) => {
            return Err(PromotionError::Disagrees(say!(
                en: "the directory follows another node, and has nothing to hand over",
                zh: "该目录跟随另一个节点，没有可移交的日志"
            )));
        }
    }
    let (log_id, size, root) = (rest.log.id(), rest.log.size(), rest.root()?);
    keep_older_versions_away(&*rest.log)?;
    rest.log.mark(size, root)?;
    let receipt = Receipt { log_id, size, root, epoch: rest.log.epoch(), successor };
    handover::retire(&rest.directory, &receipt)?;
    Ok(receipt)
}

/// Lets the directory of a follower record in the epoch after that of the receipt. Its mark with
/// the new epoch is the one step that counts.
///
/// # Errors
/// See [`PromotionError`].
pub fn promote(directory: &Path, receipt: &Receipt) -> Result<Promoted, PromotionError> {
    let AtRest { log, standing, marked, .. } = AtRest::open(directory)?;
    let root_there = root_at(&*log, receipt.size)?;
    let (log_id, size, epoch) = (log.id(), log.size(), log.epoch());
    match judge(&standing, Reached { log_id, size, epoch, root_there }, receipt)? {
        Verdict::Raised(epoch) => Ok(Promoted::Before(epoch)),
        Verdict::Raise(epoch) => {
            require_annulled(directory, &*log, marked)?;
            log.raise_epoch(epoch, receipt.root)?;
            Ok(Promoted::Now(epoch))
        }
    }
}

/// Refuses a log with which no leader starts: an event is erased, and no later one annuls it. The
/// root does not show that. A log that cannot be read for want of a catalogue is promoted: the
/// start names the file.
fn require_annulled(
    directory: &Path,
    log: &dyn CommitLog,
    marked: Option<(u64, Hash)>,
) -> Result<(), PromotionError> {
    match first_erased_in_force(directory, log, marked) {
        Ok(None) | Err(LogError::Catalogue { .. }) => Ok(()),
        Ok(Some(position)) => Err(PromotionError::Disagrees(say!(
            en: "event {position} is erased here, and no event of the log annuls it, so no leader \
                 starts with this copy; copy the log anew: remove log and MARK from {}, keep \
                 FOLLOWS, and follow the old leader until it has all events",
            zh: "事件 {position} 在此处已抹除，而日志中没有作废它的事件，因此主节点不能以此副本启动；请\
                 重新复制日志：从 {} 中删除 log 和 MARK，保留 FOLLOWS，并跟随旧的主节点，直到事件\
                 齐全",
            directory.display()
        ))),
        Err(error) => Err(error.into()),
    }
}

/// Begins another history with the events of a directory. Its cursors are dropped: they count in
/// the old one.
///
/// # Errors
/// See [`PromotionError`].
pub fn begin_history(directory: &Path, log_id: Uuid) -> Result<Begun, PromotionError> {
    let rest = AtRest::open(directory)?;
    let (before, size, root) = (rest.log.id(), rest.log.size(), rest.root()?);
    let had_cursors = directory.join("cursors.redb").exists();
    rest.log.rename(log_id, root)?;
    drop(rest);
    // The next opening gives the log its id, and this is one.
    drop(log::open(directory, Uuid::nil())?);
    // Last, so that nothing is lost if the disk is full. What a crash leaves here counts nowhere.
    for name in OF_ONE_HISTORY {
        let path = directory.join(name);
        files::remove_durably(&path).map_err(|e| LogError::io(removing(&path, log_id), e))?;
    }
    Ok(Begun { before, log_id, size, had_cursors })
}

fn removing(path: &Path, log_id: Uuid) -> String {
    format!("the log is {log_id} now; remove {} of the one before", path.display())
}
