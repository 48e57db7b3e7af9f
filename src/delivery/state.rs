//! The state file of a delivery: the next position to deliver, and with expiries the last day whose
//! expiries were delivered. It is replaced durably and as a whole, once for a group of events. It
//! must never be ahead of the receiver.
//!
//! ```json
//! {"version":1,"log_id":"0d9b6f3e-3a54-4c8e-9d58-6b8c9b1e2f10","next_position":17}
//! {"version":2,"log_id":"…","next_position":17,"expiries":{"through":"2026-03-31"}}
//! ```
//!
//! Version 2 is written only with expiries, so that an older `tidu` refuses to lose them and reads
//! every other file.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{DeliveryError, event::Origin};
use crate::{
    domain::{CivilDate, PartialDate},
    files,
    handover::HeardEpoch,
    lang::say,
    limits::{STATE_BYTES_MAX, STATE_IDLE},
    protocol::pb,
};

/// The version of the format without expiries.
const VERSION: u32 = 1;
/// The version with them.
const VERSION_EXPIRIES: u32 = 2;

/// The content of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    version: u32,
    log_id: String,
    /// Every event below it was taken or does not match.
    next_position: u64,
    /// The highest epoch that was heard of. An older `tidu` refuses a file with one, rather than to
    /// take events of a node that was succeeded.
    #[serde(default, skip_serializing_if = "is_zero")]
    epoch: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expiries: Option<Expiries>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for it
fn is_zero(epoch: &u64) -> bool {
    *epoch == 0
}

/// How far the expiries are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expiries {
    /// The last day whose expiries were all taken.
    #[serde(with = "iso")]
    through: CivilDate,
    /// The last title of the day after it that was taken, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
}

/// A day as `2026-03-31`.
mod iso {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::{CivilDate, PartialDate};

    pub(super) fn serialize<S: Serializer>(day: &CivilDate, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(day)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<CivilDate, D::Error> {
        let text = String::deserialize(from)?;
        let read = PartialDate::parse_iso(&text).ok();
        let day = read.map(PartialDate::first_day).filter(|day| day.to_string() == text);
        day.ok_or_else(|| D::Error::custom(format!("{text:?} is not a day such as 2026-03-31")))
    }
}

/// How much a crash may repeat: the events taken since the file was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Most events of a group; 1 writes the file after each.
    pub(super) events_max: u32,
    /// Longest time from the first event of a group until the file is written.
    pub(super) interval: Duration,
}

/// Changes that the file does not have yet.
#[derive(Clone, Copy)]
struct Unwritten {
    /// Events that the receiver took.
    taken: u32,
    first: Instant,
    last: Instant,
}

/// A state file, locked against other processes.
pub(super) struct DeliveryState {
    path: PathBuf,
    /// Where the delivery is; the file has it but for what is unwritten.
    kept: Option<Kept>,
    /// The epochs that were heard; the file has the one that counts.
    heard: HeardEpoch,
    unwritten: Option<Unwritten>,
    group: Group,
    /// Held until the process ends, however it ends.
    _lock: File,
}

impl DeliveryState {
    /// Opens a state file, which need not be there yet.
    pub(super) fn open(path: &Path, group: Group) -> Result<Self, DeliveryError> {
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
        let heard = HeardEpoch::knowing(kept.as_ref().map_or(0, |kept| kept.epoch));
        let path = path.to_path_buf();
        Ok(Self { path, kept, heard, unwritten: None, group, _lock: lock })
    }

    /// The position to continue at in the server's log; `first` if the file is new.
    pub(super) fn settle(
        &mut self,
        status: &pb::GetStatusResponse,
        first: u64,
    ) -> Result<u64, DeliveryError> {
        let epoch = status.node.as_ref().map_or(0, |node| node.epoch);
        if self.kept.as_ref().is_none_or(|kept| kept.log_id == status.log_id) {
            self.hear(epoch)?;
        }
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
                let (version, epoch, expiries) = (VERSION, self.heard.known(), None);
                let kept = Kept { version, log_id, next_position: first, epoch, expiries };
                write(&self.path, &kept)?;
                self.kept = Some(kept);
                Ok(first)
            }
        }
    }

    /// Notes that the receiver took so many events, of which this is the last. Writes the file if
    /// the group is full.
    pub(super) fn take(&mut self, last: &Origin, events: u32) -> Result<(), DeliveryError> {
        match last {
            Origin::Recorded { position, .. } => self.pass(position + 1),
            Origin::Expired { title } => self.change(|kept| {
                if let Some(expiries) = &mut kept.expiries {
                    expiries.title = Some(title.clone());
                }
            }),
        }
        let Some(unwritten) = &mut self.unwritten else { return Ok(()) };
        unwritten.taken = unwritten.taken.saturating_add(events);
        let is_full = unwritten.taken >= self.group.events_max;
        if is_full || self.due().is_some_and(|due| due <= Instant::now()) {
            return self.write();
        }
        Ok(())
    }

    /// Notes the epoch that an answer of the server tells. One that counts is written at once.
    pub(super) fn hear(&mut self, epoch: u64) -> Result<(), DeliveryError> {
        let heard = self.heard.hear(epoch);
        let failed = |e| DeliveryError::Superseded(self.path.display().to_string(), e);
        if heard.map_err(failed)? {
            self.change(|kept| kept.epoch = epoch);
            return self.write();
        }
        Ok(())
    }

    /// Notes that every event below `next` was taken or does not match. It repeats nothing if this
    /// is lost, so it can wait.
    pub(super) fn pass(&mut self, next: u64) {
        if self.next().is_some_and(|before| next > before) {
            self.change(|kept| kept.next_position = next);
        }
    }

    /// Begins with the expiries of the day after this one, unless they have begun, and writes the
    /// file.
    pub(super) fn begin_expiries(&mut self, through: CivilDate) -> Result<(), DeliveryError> {
        if self.expired_through().is_some() {
            return Ok(());
        }
        self.finish_day(through);
        self.write()
    }

    /// Notes that all expiries up to this day were taken.
    pub(super) fn finish_day(&mut self, through: CivilDate) {
        self.change(|kept| {
            kept.version = VERSION_EXPIRIES;
            kept.expiries = Some(Expiries { through, title: None });
        });
    }

    /// The last day whose expiries were all taken; `None` if they have not begun.
    pub(super) fn expired_through(&self) -> Option<CivilDate> {
        Some(self.kept.as_ref()?.expiries.as_ref()?.through)
    }

    /// The last title of the day after it that was taken, if one was.
    pub(super) fn expired_title(&self) -> Option<&str> {
        self.kept.as_ref()?.expiries.as_ref()?.title.as_deref()
    }

    /// Changes what the file is to hold.
    fn change(&mut self, change: impl FnOnce(&mut Kept)) {
        let Some(kept) = &mut self.kept else { return };
        change(kept);
        let now = Instant::now();
        let unwritten = self.unwritten.get_or_insert(Unwritten { taken: 0, first: now, last: now });
        unwritten.last = now;
    }

    /// Writes the file first if the group has no room for so many events more. So a crash repeats a
    /// group at most, or a batch that is larger than that.
    pub(super) fn make_room(&mut self, events: u32) -> Result<(), DeliveryError> {
        let taken = self.unwritten.map_or(0, |unwritten| unwritten.taken);
        if taken > 0 && taken.saturating_add(events) > self.group.events_max {
            return self.write();
        }
        Ok(())
    }

    /// When the file must be written; `None` if it has everything.
    pub(super) fn due(&self) -> Option<Instant> {
        self.unwritten.map(|unwritten| unwritten.first + self.group.interval)
    }

    /// The same for a delivery that has nothing to do.
    pub(super) fn due_if_idle(&self) -> Option<Instant> {
        let idle = self.unwritten.map(|unwritten| unwritten.last + STATE_IDLE);
        idle.min(self.due())
    }

    /// Writes the file, unless it has everything.
    pub(super) fn write(&mut self) -> Result<(), DeliveryError> {
        let Some(kept) = self.kept.as_ref().filter(|_| self.unwritten.is_some()) else {
            return Ok(());
        };
        write(&self.path, kept)?;
        self.unwritten = None;
        Ok(())
    }

    /// The next position to deliver; `None` before the log is known.
    pub(super) fn next(&self) -> Option<u64> {
        self.kept.as_ref().map(|kept| kept.next_position)
    }
}

fn write(path: &Path, kept: &Kept) -> Result<(), DeliveryError> {
    let write = || {
        let line = format!("{}\n", serde_json::to_string(kept)?);
        files::replace(path, line.as_bytes())
    };
    write().map_err(|e| {
        let path = path.display();
        DeliveryError::Io(say!(en: "cannot write {path}", zh: "无法写入 {path}"), e)
    })
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
    let expected = if kept.expiries.is_some() { VERSION_EXPIRIES } else { VERSION };
    if kept.version != expected {
        return Err({
            let version = kept.version;
            damaged(say!(
                en: "it has version {version}, not {expected}",
                zh: "版本为 {version}，而不是 {expected}"
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
mod tests;
