//! Errors of archives, backups and logs at rest, and what kind of trouble each one is.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    catalogue_files::CatalogueFileError,
    domain::text::hex,
    files,
    lang::{say, word},
    log::LogError,
    merkle::Hash,
};

/// An error in an archive, a backup or a log.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The log, or the new log, failed.
    #[error("{}", .0.said())]
    Log(#[from] LogError),
    /// An archive cannot be read, or is damaged.
    #[error("{name}: {source}")]
    Archive {
        /// Its file or source.
        name: String,
        /// The fault.
        source: io::Error,
    },
    /// An event of an archive is wrong.
    #[error("{name}: {}", say!(
        en: "at byte {offset}, {source}", zh: "第 {offset} 字节处，{source}"
    ))]
    Event {
        /// The file or source of the archive.
        name: String,
        /// The byte at which the event begins, or the frame that holds it.
        offset: u64,
        /// The fault.
        source: Box<Self>,
    },
    /// An event needs a newer format than its archive has.
    #[error("{}", say!(
        en: "the event at position {position} needs format {needs}, but its archive has {has}",
        zh: "位置 {position} 的事件需要格式 {needs}，而文件的格式为 {has}"
    ))]
    Mixed {
        /// Position of the event.
        position: u64,
        /// The format that it needs.
        needs: u16,
        /// The format that the archive has.
        has: u16,
    },
    /// An archive does not continue the one before it, or its log.
    #[error("{name}: {detail}")]
    Misplaced {
        /// Its file or source.
        name: String,
        /// The reason.
        detail: String,
    },
    /// The log has another root than the caller expects.
    #[error("{}", other_root(.expected, *.size, *.found))]
    OtherRoot {
        /// The root that is expected.
        expected: Hash,
        /// The size at which it is expected.
        size: u64,
        /// The root there, or the number of events if the log is shorter.
        found: Result<Hash, u64>,
    },
    /// The manifest of a backup, or a file that it names, is damaged or missing.
    #[error("{}: {detail}", .path.display())]
    Backup {
        /// The file.
        path: PathBuf,
        /// The fault.
        detail: String,
    },
    /// A newer version wrote the manifest of a backup.
    #[error("{}", say!(
        en: "{} has version {found}, this version reads {known}; use a newer version of tidu",
        zh: "{} 的版本为 {found}，此版本只能读取 {known}；请使用更新版本的 tidu",
        .path.display()
    ))]
    NewerBackup {
        /// The file.
        path: PathBuf,
        /// The version found.
        found: u64,
        /// The one known.
        known: u64,
    },
    /// Another command writes to the backup.
    #[error("{}", say!(
        en: "{} is in use by another backup; wait until it ends",
        zh: "另一次备份正在使用 {}，请等待其结束",
        .0.display()
    ))]
    Busy(PathBuf),
    /// The directory for a new log is not empty.
    #[error("{}", say!(
        en: "{} is not empty; a log can only be built in an empty or new directory",
        zh: "{} 不是空目录；日志只能建立在空目录或新目录中",
        .0.display()
    ))]
    NotEmpty(PathBuf),
    /// The directory for a copy is inside of what is copied.
    #[error("{}", say!(
        en: "{} is inside {}; name a directory outside of it",
        zh: "{} 位于 {} 之内，请指定其外的目录",
        .to.display(),
        .from.display()
    ))]
    Inside {
        /// The directory for the copy.
        to: PathBuf,
        /// The directory that is copied.
        from: PathBuf,
    },
    /// The event cannot be redacted, or an archive cannot be rewritten; the text says why.
    #[error("{0}")]
    NotRedactable(String),
    /// The directory has no log.
    #[error("{}", say!(en: "{} contains no log", zh: "{} 中没有日志", .0.display()))]
    NoLog(PathBuf),
    /// An adopted catalogue cannot be kept.
    #[error(transparent)]
    CatalogueFile(#[from] CatalogueFileError),
    /// A file or directory failed.
    #[error("{what}: {source}")]
    Io {
        /// The failure, with the path: `cannot open a.tidu`.
        what: String,
        /// The system's error.
        source: io::Error,
    },
}

fn other_root(expected: &Hash, size: u64, found: Result<Hash, u64>) -> String {
    let expected = hex(expected);
    match found {
        Ok(found) => {
            let found = hex(&found);
            say!(
                en: "the log has root {found} at size {size}, not {expected} as expected",
                zh: "日志在 {size} 个事件处的根哈希为 {found}，而不是预期的 {expected}"
            )
        }
        Err(has) => say!(
            en: "the log has {has} events, and root {expected} is expected at size {size}",
            zh: "日志只有 {has} 个事件，而预期在 {size} 个事件处根哈希为 {expected}"
        ),
    }
}

/// The kind of an error: it decides the exit code and the advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The bytes are not those that were written.
    Damaged,
    /// They are whole, but of another log, another history or another root.
    OtherLog,
    /// A newer version wrote them.
    Newer,
    /// The disk of the target is full.
    Full,
    /// The arguments contradict each other.
    Usage,
    /// Anything else.
    Other,
}

impl Trouble {
    /// Advice that follows the error in its line; empty if the error says it, or nobody knows.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Damaged => word!(
                en: "; use another copy, and see docs/backup.md",
                zh: "；请改用其他副本，参见 docs/backup.md"
            ),
            Self::OtherLog => word!(
                en: "; nothing was changed: name the copy of the log that you mean",
                zh: "；未作任何改动，请指定所要日志的副本"
            ),
            Self::Full => word!(
                en: "; nothing was changed: make room, or name another place",
                zh: "；未作任何改动，请腾出空间或另选位置"
            ),
            Self::Newer | Self::Usage | Self::Other => "",
        }
    }
}

impl ArchiveError {
    pub(super) fn io(action: Action, path: &Path, source: io::Error) -> Self {
        Self::Io { what: action.failed(path), source }
    }

    /// A failure to write to a place.
    #[must_use]
    pub fn unwritten(path: &Path, source: io::Error) -> Self {
        Self::io(Action::Write, path, source)
    }

    /// The fault of a file of a backup.
    pub(super) fn backup(path: &Path, detail: impl Into<String>) -> Self {
        Self::Backup { path: path.to_path_buf(), detail: detail.into() }
    }

    /// The error at a byte of an archive.
    pub(super) fn at(self, name: &str, offset: u64) -> Self {
        match self {
            Self::Log(LogError::Damaged { .. }) | Self::Mixed { .. } => {
                Self::Event { name: name.to_owned(), offset, source: Box::new(self) }
            }
            other => other,
        }
    }

    /// Its kind.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::Log(error) => of_log(error),
            Self::Event { source, .. } => source.trouble(),
            Self::Archive { source, .. } => of_archive(source),
            Self::Mixed { .. } | Self::Backup { .. } => Trouble::Damaged,
            Self::Inside { .. } => Trouble::Usage,
            Self::Misplaced { .. } | Self::OtherRoot { .. } => Trouble::OtherLog,
            Self::NewerBackup { .. } => Trouble::Newer,
            Self::Io { source, .. }
            | Self::CatalogueFile(CatalogueFileError::Io { source, .. })
                if files::is_disk_full(source) =>
            {
                Trouble::Full
            }
            Self::CatalogueFile(CatalogueFileError::Changed { .. }) => Trouble::Damaged,
            Self::Io { .. }
            | Self::CatalogueFile(_)
            | Self::Busy(_)
            | Self::NotEmpty(_)
            | Self::NotRedactable(_)
            | Self::NoLog(_) => Trouble::Other,
        }
    }
}

fn of_log(error: &LogError) -> Trouble {
    match error {
        error if error.is_disk_full() => Trouble::Full,
        LogError::Damaged { .. } => Trouble::Damaged,
        LogError::TooNew { .. } | LogError::NewerRules { .. } | LogError::NewerFact { .. } => {
            Trouble::Newer
        }
        LogError::Busy(_)
        | LogError::Io { .. }
        | LogError::Catalogue { .. }
        | LogError::NotDurable => Trouble::Other,
    }
}

/// The trouble of an archive that cannot be read. Its reader says what is wrong as invalid data.
fn of_archive(error: &io::Error) -> Trouble {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<LogError>());
    match inner {
        Some(error) => of_log(error),
        None if error.kind() == io::ErrorKind::InvalidData => Trouble::Damaged,
        None => Trouble::Other,
    }
}

/// An action on a file or directory.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    Follow,
    Lock,
    Make,
    Open,
    Read,
    Remove,
    Rename,
    Sync,
    Write,
}

impl Action {
    /// Says that it failed.
    fn failed(self, path: &Path) -> String {
        let (en, zh) = match self {
            Self::Follow => ("follow", "跟随链接"),
            Self::Lock => ("lock", "锁定"),
            Self::Make => ("make", "创建"),
            Self::Open => ("open", "打开"),
            Self::Read => ("read", "读取"),
            Self::Remove => ("remove", "删除"),
            Self::Rename => ("rename", "重命名"),
            Self::Sync => ("sync", "同步"),
            Self::Write => ("write", "写入"),
        };
        let path = path.display();
        say!(en: "cannot {en} {path}", zh: "无法{zh} {path}")
    }
}
