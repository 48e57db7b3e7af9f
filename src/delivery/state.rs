//! The state file of a delivery: the next position to deliver. It is replaced durably and as a
//! whole after each event that was taken.
//!
//! ```json
//! {"version":1,"log_id":"0d9b6f3e-3a54-4c8e-9d58-6b8c9b1e2f10","next_position":17}
//! ```

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::DeliveryError;
use crate::{files, lang::say, limits::STATE_BYTES_MAX, protocol::pb};

/// The version of the format.
const VERSION: u32 = 1;

/// The content of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    version: u32,
    log_id: String,
    /// Every event below it was taken or does not match.
    next_position: u64,
}

/// A state file, locked against other processes.
pub(super) struct DeliveryState {
    path: PathBuf,
    kept: Option<Kept>,
    /// Held until the process ends, however it ends.
    _lock: File,
}

impl DeliveryState {
    /// Opens a state file, which need not be there yet.
    pub(super) fn open(path: &Path) -> Result<Self, DeliveryError> {
        let lock = lock(path)?;
        let kept = match files::read_text(path, STATE_BYTES_MAX) {
            Ok(text) => Some(read(path, &text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                let path = path.display();
                let what = say!(en: "cannot read {path}", zh: "无法读取 {path}");
                return Err(DeliveryError::Io(what, error));
            }
        };
        Ok(Self { path: path.to_path_buf(), kept, _lock: lock })
    }

    /// The position to continue at in the server's log; `first` if the file is new.
    pub(super) fn settle(
        &mut self,
        status: &pb::GetStatusResponse,
        first: u64,
    ) -> Result<u64, DeliveryError> {
        let (path, size) = (self.path.display(), status.log_size);
        match &self.kept {
            Some(kept) if kept.log_id != status.log_id => {
                let (own, other) = (&kept.log_id, &status.log_id);
                Err(DeliveryError::Stopped(say!(
                    en: "{path} belongs to log {own}, and this server has log {other}; connect to \
                         the server of that log, or follow this one from its beginning with \
                         another --state file",
                    zh: "{path} 属于日志 {own}，而此服务器的日志是 {other}；请连接该日志的服务器，\
                         或另用一个 --state 文件从头跟踪此日志"
                )))
            }
            Some(Kept { next_position, .. }) if *next_position > size => {
                Err(DeliveryError::Stopped(say!(
                    en: "{path} has next position {next_position}, and the log has only {size} \
                         events: it seems to be an older copy, and its later events will differ \
                         from those that were delivered",
                    zh: "{path} 的下一位置为 {next_position}，而日志只有 {size} 个事件：它像是较旧的\
                         副本，之后的事件会与已投递的不同"
                )))
            }
            Some(kept) => Ok(kept.next_position),
            None if first > size => Err(DeliveryError::Stopped(say!(
                en: "--from {first} is beyond the log, which has {size} events",
                zh: "--from {first} 超出日志末尾，日志有 {size} 个事件"
            ))),
            None => {
                let log_id = status.log_id.clone();
                self.keep(Kept { version: VERSION, log_id, next_position: first })?;
                Ok(first)
            }
        }
    }

    /// Records durably that every event below `next` was taken or does not match.
    pub(super) fn move_to(&mut self, next: u64) -> Result<(), DeliveryError> {
        match &self.kept {
            Some(kept) if next > kept.next_position => {
                self.keep(Kept { next_position: next, ..kept.clone() })
            }
            _ => Ok(()),
        }
    }

    /// The next position to deliver; `None` before the log is known.
    pub(super) fn next(&self) -> Option<u64> {
        self.kept.as_ref().map(|kept| kept.next_position)
    }

    fn keep(&mut self, kept: Kept) -> Result<(), DeliveryError> {
        let write = || {
            let line = format!("{}\n", serde_json::to_string(&kept)?);
            files::replace(&self.path, line.as_bytes())
        };
        write().map_err(|e| {
            let path = self.path.display();
            DeliveryError::Io(say!(en: "cannot write {path}", zh: "无法写入 {path}"), e)
        })?;
        self.kept = Some(kept);
        Ok(())
    }
}

/// Locks the state file. Two deliveries with one state would skip events and break their order.
/// The lock is on a file beside it, because the state file is a new one each time.
fn lock(path: &Path) -> Result<File, DeliveryError> {
    let beside = files::beside(path, ".lock");
    files::lock(&beside).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => {
            let path = path.display();
            DeliveryError::Stopped(say!(
                en: "another tidu delivers from {path}; give each delivery its own --state file",
                zh: "另一个 tidu 正在使用 {path} 投递；请为每次投递单独指定 --state 文件"
            ))
        }
        _ => {
            let path = beside.display();
            DeliveryError::Io(say!(en: "cannot lock {path}", zh: "无法锁定 {path}"), error)
        }
    })
}

fn read(path: &Path, text: &str) -> Result<Kept, DeliveryError> {
    let damaged = |why: String| {
        let path = path.display();
        let form = format!("{{\"version\":{VERSION},\"log_id\":\"…\",\"next_position\":…}}");
        DeliveryError::Stopped(say!(
            en: "{path} is not a state file of tidu: {why}; if the receiver knows the last \
                 position that it took, write {form} there; otherwise remove the file, and every \
                 event is delivered again",
            zh: "{path} 不是 tidu 的状态文件：{why}；如果接收方知道最后接收的位置，请在其中写入 \
                 {form}；否则请删除该文件，全部事件将重新投递"
        ))
    };
    let kept: Kept = serde_json::from_str(text).map_err(|e| damaged(e.to_string()))?;
    if kept.version != VERSION {
        return Err({
            let version = kept.version;
            damaged(say!(
                en: "it has version {version}, not {VERSION}",
                zh: "版本为 {version}，而不是 {VERSION}"
            ))
        });
    }
    kept.log_id.parse::<uuid::Uuid>().map_err(|_| {
        let id = &kept.log_id;
        damaged(say!(en: "{id:?} is not a log id", zh: "{id:?} 不是日志编号"))
    })?;
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const LOG: &str = "0d9b6f3e-3a54-4c8e-9d58-6b8c9b1e2f10";

    fn status(log_id: &str, log_size: u64) -> pb::GetStatusResponse {
        pb::GetStatusResponse { log_id: log_id.to_owned(), log_size, ..Default::default() }
    }

    fn said(outcome: Result<impl Sized, DeliveryError>) -> String {
        outcome.err().unwrap().to_string()
    }

    #[test]
    fn a_place_is_found_again_and_belongs_to_one_log() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        let mut place = DeliveryState::open(&path).ok().unwrap();
        assert!(said(place.settle(&status(LOG, 2), 3)).contains("beyond"));
        assert_eq!(place.settle(&status(LOG, 9), 3).ok(), Some(3));
        for next in [5, 4] {
            assert!(place.move_to(next).is_ok());
        }
        let kept = format!("{{\"version\":1,\"log_id\":\"{LOG}\",\"next_position\":5}}\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), kept);
        assert!(said(DeliveryState::open(&path)).contains("another tidu"));
        drop(place);
        let mut place = DeliveryState::open(&path).ok().unwrap();
        assert_eq!(place.settle(&status(LOG, 9), 0).ok(), Some(5));
        assert!(said(place.settle(&status(LOG, 4), 0)).contains("older copy"));
        let other = LOG.replace('0', "1");
        assert!(said(place.settle(&status(&other, 9), 0)).contains("another --state file"));
    }

    #[test]
    fn other_files_are_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        let version = format!("{{\"version\":2,\"log_id\":\"{LOG}\",\"next_position\":5}}");
        let no_log = "{\"version\":1,\"log_id\":\"x\",\"next_position\":5}";
        let more = format!("{{\"version\":1,\"log_id\":\"{LOG}\",\"next_position\":5,\"x\":1}}");
        for text in ["", "{", &version, no_log, &more] {
            fs::write(&path, text).unwrap();
            assert!(said(DeliveryState::open(&path)).contains("is not a state file"), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text, "it is left as it was");
        }
    }
}
