//! The last backup: its age, and whether it is the beginning of the log.

use std::{path::Path, time::Duration};

use bytes::Bytes;

use super::{
    finding::{Finding, word},
    log::LogFiles,
};
use crate::{
    archive::backup::{self, Contents},
    cli::{CliError, client::Client},
    domain::text::hex,
    lang::{say, word as said},
    ledger::digest::RunningDigest,
    limits::DOCTOR_BACKUP_AGE_MAX,
    merkle::Hash,
    protocol::pb,
};

/// A backup, and what it was compared with.
#[derive(Debug)]
pub(super) struct Backup {
    pub(super) shown: String,
    /// The directory as a word of a command.
    pub(super) word: String,
    pub(super) contents: Result<Option<Contents>, String>,
    pub(super) age: Duration,
    pub(super) compared: Compared,
}

/// The log that a backup was compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// Its size, and whether it begins with the events of the backup.
    Log { id: String, size: u64, begins_with_it: bool },
    /// Its size. Its beginning could not be compared.
    SizeOnly { id: String, size: u64, why: String },
    /// There is no log to compare with.
    Nothing,
}

/// Reads a backup and compares it with the log: by the server, if it has that log, or else by the
/// mark.
pub(super) async fn look(directory: &Path, files: &LogFiles, server: Option<Served>) -> Backup {
    let path = directory.to_path_buf();
    let read = tokio::task::spawn_blocking(move || backup::contents(&path)).await;
    let contents = match read {
        Ok(read) => read.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let mut age = Duration::ZERO;
    let mut compared = Compared::Nothing;
    if let Ok(Some(contents)) = &contents {
        // A time in the future is no age.
        age = contents.written.elapsed().unwrap_or_default();
        compared = compare(contents, files, server).await;
    }
    let (shown, word) = (directory.display().to_string(), word(directory));
    Backup { shown, word, contents, age, compared }
}

/// A server that has a log.
pub(super) struct Served {
    pub(super) client: Client,
    pub(super) id: String,
    pub(super) size: u64,
    pub(super) root: Bytes,
}

async fn compare(contents: &Contents, files: &LogFiles, server: Option<Served>) -> Compared {
    if let Some(Served { mut client, id, size, root }) = server {
        if size < contents.size || id != contents.log_id.to_string() {
            return Compared::Log { id, size, begins_with_it: false };
        }
        if size == contents.size {
            return Compared::Log { id, size, begins_with_it: root.as_ref() == contents.root };
        }
        return match digest(&mut client, &id, contents.size).await {
            Ok(digest) => Compared::Log { id, size, begins_with_it: digest == contents.digest },
            Err(error) => Compared::SizeOnly { id, size, why: error.to_string() },
        };
    }
    let Ok(Some(mark)) = &files.mark else { return Compared::Nothing };
    let (id, size) = (mark.log_id.to_string(), mark.size);
    if mark.log_id != contents.log_id {
        return Compared::Log { id, size, begins_with_it: false };
    }
    if size == contents.size {
        return Compared::Log { id, size, begins_with_it: mark.root == contents.root };
    }
    Compared::SizeOnly { id, size, why: no_server() }
}

fn no_server() -> String {
    said!(en: "no server has the log", zh: "没有服务器在使用该日志").to_owned()
}

/// The digest of the log below a position.
async fn digest(client: &mut Client, id: &str, to: u64) -> Result<RunningDigest, CliError> {
    let (mut digest, mut at) = (RunningDigest::default(), 0);
    while at < to {
        let request = pb::GetDigestRequest {
            from_position: at,
            digest: Bytes::copy_from_slice(&digest.0),
            to_position: Some(to),
            log_id: id.to_owned(),
            ..Default::default()
        };
        let answer = client.proof.get_digest(request).await?.into_inner();
        let invalid = || {
            let text = said!(
                en: "the server sent an invalid digest", zh: "服务器发来的摘要无效"
            );
            CliError::Message(text.to_owned())
        };
        let continued: Hash = answer.digest.as_ref().try_into().map_err(|_| invalid())?;
        if answer.next_position <= at {
            return Err(invalid());
        }
        (digest, at) = (RunningDigest(continued), answer.next_position);
    }
    Ok(digest)
}

/// `backup`: it restores, is the beginning of the log, and is not old.
pub(super) fn check(backup: &Backup, server: &str) -> Finding {
    let id = "backup";
    let Backup { shown, word, contents, age, compared } = backup;
    let again = || format!("tidu backup {word} {server}");
    let aside = || format!("mv {word} {word}.aside && {}", again());
    let contents = match contents {
        Err(why) => {
            let found =
                say!(en: "{shown} cannot be restored: {why}", zh: "{shown} 无法恢复：{why}");
            return Finding::error(id, found, aside());
        }
        Ok(None) => {
            let found = say!(en: "{shown} holds no backup", zh: "{shown} 中没有备份");
            return Finding::error(id, found, again());
        }
        Ok(Some(contents)) => contents,
    };
    let (hours, size) = (age.as_secs() / 3_600, contents.size);
    let (root, own) = (hex(&contents.root), contents.log_id);
    let text = say!(
        en: "{shown} restores {size} events, root {root}, written {hours} hours ago",
        zh: "{shown} 可恢复 {size} 个事件，根哈希 {root}，写于 {hours} 小时前"
    );
    let (log_size, checked) = match compared {
        Compared::Nothing => {
            let found = say!(
                en: "{text}; there is no log beside it", zh: "{text}；没有可供比对的日志"
            );
            return Finding::ok(id, found);
        }
        Compared::Log { id: of, begins_with_it: false, size: log_size } => {
            let found = say!(
                en: "{text}, log {own}; log {of} with {log_size} events does not begin with them",
                zh: "{text}，日志 {own}；而日志 {of}（{log_size} 个事件）并不以它们开头"
            );
            return Finding::error(id, found, aside());
        }
        Compared::Log { size, .. } => {
            let text = said!(en: "the log begins with them", zh: "日志以它们开头");
            (*size, text.to_owned())
        }
        Compared::SizeOnly { size, why, .. } => {
            let text = say!(
                en: "they were not compared with the log, because {why}",
                zh: "未与日志比对：{why}"
            );
            (*size, text)
        }
    };
    let missing = log_size.saturating_sub(size);
    if missing > 0 && *age > DOCTOR_BACKUP_AGE_MAX {
        let found = say!(
            en: "{text}; {missing} events were recorded since",
            zh: "{text}；此后又写入了 {missing} 个事件"
        );
        return Finding::warn(id, found, again());
    }
    Finding::ok(
        id,
        say!(
            en: "{text}; {checked}; {missing} events were recorded since",
            zh: "{text}；{checked}；此后又写入了 {missing} 个事件"
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use uuid::Uuid;

    use super::{
        super::finding::{Level, one_told},
        *,
    };

    fn backup(compared: Compared) -> Backup {
        let contents = Contents {
            log_id: Uuid::nil(),
            size: 9,
            root: [1; 32],
            digest: RunningDigest::default(),
            written: SystemTime::UNIX_EPOCH,
        };
        Backup {
            shown: "/backup".to_owned(),
            word: "/backup".to_owned(),
            contents: Ok(Some(contents)),
            age: DOCTOR_BACKUP_AGE_MAX,
            compared,
        }
    }

    fn log(size: u64, begins_with_it: bool) -> Compared {
        Compared::Log { id: Uuid::nil().to_string(), size, begins_with_it }
    }

    fn level(backup: &Backup) -> Level {
        one_told(|| check(backup, "--server http://127.0.0.1:1")).level
    }

    #[test]
    fn a_backup_restores_the_beginning_of_the_log() {
        let second = Duration::from_secs(1);
        assert_eq!(level(&backup(log(10, true))), Level::Ok, "at the bound of its age");
        assert_eq!(level(&backup(log(10, false))), Level::Error);
        assert_eq!(level(&backup(Compared::Nothing)), Level::Ok);
        let (id, why) = (Uuid::nil().to_string(), "no".to_owned());
        assert_eq!(level(&backup(Compared::SizeOnly { id, size: 10, why })), Level::Ok);
        let older =
            |size| Backup { age: DOCTOR_BACKUP_AGE_MAX + second, ..backup(log(size, true)) };
        assert_eq!(level(&older(10)), Level::Warn, "one past it");
        assert_eq!(level(&older(9)), Level::Ok, "old, but it lacks nothing");
        let damaged = Backup { contents: Err("cut".to_owned()), ..backup(log(9, true)) };
        let found = one_told(|| check(&damaged, "--server http://127.0.0.1:1"));
        let run = "mv /backup /backup.aside && tidu backup /backup --server http://127.0.0.1:1";
        assert_eq!((found.level, found.run.as_deref()), (Level::Error, Some(run)));
        let empty = Backup { contents: Ok(None), ..backup(log(9, true)) };
        assert_eq!(level(&empty), Level::Error);
    }
}
