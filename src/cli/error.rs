//! The error that ends a command, and its exit code.

use std::io;

use tonic::Code;

use super::{
    print::{self, LocalError, escaped, escaped_lines, status_json},
    stop::EXIT_UNFINISHED,
    usage::EXIT_USAGE,
};
use crate::{
    archive::{ArchiveError, Trouble},
    catalogue_files::CatalogueFileError,
    delivery::DeliveryError,
    lang::{Lang, io_cause, say, word},
    ledger::StopCause,
    limits::{STATUS_DURATION_MAX, WATCH_SILENCE_MAX},
    mirror::MirrorError,
    protocol::json::JsonError,
    server::Unfinished,
};

/// An error that ends a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The server refused the call, or the connection broke.
    #[error("{}", print::status(.0))]
    Status(Box<tonic::Status>),
    /// No connection could be made.
    #[error("{}", unreachable(server, why))]
    Unreachable {
        /// Its address.
        server: String,
        /// The innermost cause.
        why: String,
    },
    /// There is a connection, and TLS or its absence ends it.
    #[error("{why} [{server}]")]
    Untrusted {
        /// Its address.
        server: String,
        /// The cause and the remedy.
        why: String,
    },
    /// A server that accepts connections does not answer.
    #[error("{}", no_answer(server))]
    NoAnswer {
        /// Its address.
        server: String,
    },
    /// The server says nothing any more.
    #[error("{}", silent())]
    Silent,
    /// The request or the input breaks a rule.
    #[error("{0}")]
    Refused(String),
    /// A node, a log or a receipt is of another history, or of an epoch that has ended.
    #[error("{0}")]
    OtherHistory(String),
    /// A node has stopped following: the cause, its leader, and the reason.
    #[error("{}", stopped_following(.0))]
    StoppedFollowing(Box<(StopCause, String, String)>),
    /// A copy that is to begin has no answer from any node.
    #[error("{0}")]
    Unanswered(String),
    /// Anything else, in full.
    #[error("{0}")]
    Message(String),
    /// A log or an archive is damaged, or is missing.
    #[error("{error}{advice}", error = .0, advice = .0.trouble().advice())]
    Archive(#[from] ArchiveError),
    /// Delivery failed.
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    /// The database of a copy failed, or is not one for it.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// A message has no JSON form.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A drain did not finish in time.
    #[error("{}", unfinished(.0))]
    Unfinished(Unfinished),
    /// A diagnosis has found warnings or errors, which are printed. This is its exit code.
    #[error("{}", findings(*.0))]
    Findings(u8),
    /// An error with the next step.
    #[error("{0}\n  {1}")]
    Advised(Box<Self>, String),
    /// Input or output failed.
    #[error("{}", failed(.0, .1))]
    Io(String, io::Error),
}

impl From<CatalogueFileError> for CliError {
    fn from(error: CatalogueFileError) -> Self {
        Self::Archive(error.into())
    }
}

impl From<tonic::Status> for CliError {
    fn from(status: tonic::Status) -> Self {
        Self::Status(Box::new(status))
    }
}

fn unreachable(server: &str, why: &str) -> String {
    say!(
        en: "cannot reach {server}: {why}; is `tidu serve` running there?",
        zh: "无法连接 {server}：{why}；该处是否已运行 tidu serve？"
    )
}

fn no_answer(server: &str) -> String {
    let seconds = STATUS_DURATION_MAX.as_secs();
    say!(
        en: "no answer from {server} within {seconds} s; the process may hang: tidu doctor",
        zh: "{server} 在 {seconds} 秒内没有答复，进程可能已停顿，请运行 tidu doctor"
    )
}

fn silent() -> String {
    let seconds = WATCH_SILENCE_MAX.as_secs();
    say!(
        en: "the server has said nothing for {seconds} s, which is two heartbeats",
        zh: "服务器已 {seconds} 秒没有任何消息，相当于两次心跳"
    )
}

fn stopped_following((cause, leader, why): &(StopCause, String, String)) -> String {
    say!(
        en: "this node had stopped following {leader} ({}): {why}",
        zh: "本节点已停止跟随 {leader}（{}）：{why}",
        named(*cause)
    )
}

fn named(cause: StopCause) -> &'static str {
    match cause {
        StopCause::LogId => word!(en: "another log", zh: "日志不同"),
        StopCause::Epoch => word!(en: "an epoch that has ended", zh: "对方属于已结束的任期"),
        StopCause::Ahead => word!(en: "this node has more", zh: "本节点有对方没有的事件"),
        StopCause::Root => word!(en: "another history", zh: "历史不同"),
        StopCause::Gap => word!(en: "a gap", zh: "位置不相接"),
        StopCause::Damaged => word!(en: "an unreadable event", zh: "事件无法读取"),
        StopCause::Newer => word!(en: "a newer version", zh: "需要更新的版本"),
        StopCause::Catalogue => word!(en: "a missing catalogue", zh: "缺少目录文件"),
        StopCause::Circle => word!(en: "no leader in line", zh: "链路没有主节点"),
        StopCause::Rights => word!(en: "not everything is readable", zh: "本节点不能读取全部内容"),
    }
}

/// The exit code of each cause for which a follower stops; docs/following.md lists them.
fn exit_of_stop(cause: StopCause) -> u8 {
    match cause {
        StopCause::Damaged => EXIT_DAMAGED,
        StopCause::LogId => EXIT_OTHER_LOG,
        StopCause::Newer => EXIT_NEWER,
        StopCause::Epoch => EXIT_OTHER_HISTORY,
        StopCause::Ahead => EXIT_AHEAD,
        StopCause::Root => EXIT_ROOT,
        StopCause::Gap => EXIT_GAP,
        StopCause::Catalogue => EXIT_CATALOGUE,
        StopCause::Circle => EXIT_CIRCLE,
        StopCause::Rights => EXIT_RIGHTS,
    }
}

fn unfinished(unfinished: &Unfinished) -> String {
    match Lang::current() {
        Lang::En => unfinished.to_string(),
        Lang::Zh => "未能及时完成收尾；没有得到答复的提交可能已记录".to_owned(),
    }
}

fn findings(code: u8) -> String {
    say!(en: "the findings end the command with {code}", zh: "检查发现问题，退出码 {code}")
}

fn failed(what: &str, error: &io::Error) -> String {
    let cause = io_cause(error);
    say!(en: "{what}: {cause}", zh: "{what}：{cause}")
}

/// No server can be reached, or it cannot answer now: the same command may succeed later.
pub(super) const EXIT_TRY_AGAIN: u8 = 4;
/// The bytes of a log, an archive or a backup are not those that were written.
const EXIT_DAMAGED: u8 = 6;
/// They are of another log or history, or have not the root that is expected.
const EXIT_OTHER_LOG: u8 = 7;
/// The disk of what is written is full.
const EXIT_FULL: u8 = 8;
/// A newer version wrote what is read.
const EXIT_NEWER: u8 = 9;
/// A node, a log or a receipt is of another history, or of an epoch that has ended.
const EXIT_OTHER_HISTORY: u8 = 10;
/// A node had stopped following: it has events that the leader has not.
const EXIT_AHEAD: u8 = 11;
/// The leader has other events at the same positions.
const EXIT_ROOT: u8 = 12;
/// The stream leaves positions out.
const EXIT_GAP: u8 = 13;
/// A catalogue is missing.
const EXIT_CATALOGUE: u8 = 14;
/// There is no leader at the end of the line.
const EXIT_CIRCLE: u8 = 15;
/// The node may not read everything.
const EXIT_RIGHTS: u8 = 16;
const EXIT_REFUSED: u8 = 3;
const EXIT_FAILED: u8 = 1;
/// A database that is not one for this copy: of another log, of a newer version, or with something
/// else in it.
const EXIT_OTHER_DATABASE: u8 = 5;

impl CliError {
    /// The error with the next step.
    pub(super) fn advised(self, next_step: String) -> Self {
        Self::Advised(Box::new(self), next_step)
    }

    /// The text as it is shown. Only what this program composes has several lines.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Advised(error, next) => format!("{}\n  {}", error.shown(), escaped(next)),
            Self::Status(_) | Self::Message(_) => escaped_lines(&self.to_string()),
            _ => escaped(&self.to_string()).into_owned(),
        }
    }

    /// The error for programs: one line of JSON.
    pub(super) fn json(&self) -> String {
        match self {
            Self::Status(status) => return status_json(status, self.exit_code()),
            Self::Advised(error, _) => return error.json(),
            _ => {}
        }
        let (reason, code) = self.kind();
        // A table below the first line is for people.
        let text = self.to_string();
        let message = text.lines().next().unwrap_or_default();
        let metadata = match self {
            Self::Unreachable { server, why } | Self::Untrusted { server, why } => {
                vec![("server", server.clone()), ("detail", why.clone())]
            }
            Self::NoAnswer { server } => vec![("server", server.clone())],
            Self::StoppedFollowing(stop) => {
                vec![("cause", stop.0.as_str().to_owned()), ("leader", stop.1.clone())]
            }
            Self::Io(what, error) => {
                vec![("detail", what.clone()), ("cause", error.kind().to_string())]
            }
            _ => Vec::new(),
        };
        LocalError { reason, code, message, metadata }.json(self.exit_code())
    }

    /// The stable word for an error that no server states, and the code of the same meaning.
    fn kind(&self) -> (&'static str, Code) {
        match self {
            Self::Status(status) => ("STATUS", status.code()),
            Self::Advised(error, _) => error.kind(),
            Self::Unreachable { .. } => ("UNREACHABLE", Code::Unavailable),
            Self::Untrusted { .. } => ("UNTRUSTED", Code::Unauthenticated),
            Self::NoAnswer { .. } => ("NO_ANSWER", Code::DeadlineExceeded),
            Self::Silent => ("SILENT", Code::Unavailable),
            Self::Refused(_) => ("REFUSED", Code::FailedPrecondition),
            Self::OtherHistory(_) => ("OTHER_HISTORY", Code::FailedPrecondition),
            Self::StoppedFollowing(_) => ("STOPPED_FOLLOWING", Code::FailedPrecondition),
            Self::Unanswered(_) => ("NO_ANSWER", Code::Unavailable),
            Self::Message(_) => ("FAILED", Code::Unknown),
            Self::Archive(error) => match error.trouble() {
                Trouble::Damaged => ("DAMAGED", Code::DataLoss),
                Trouble::OtherLog => ("OTHER_LOG", Code::FailedPrecondition),
                Trouble::Newer => ("NEWER_VERSION", Code::FailedPrecondition),
                Trouble::Full => ("DISK_FULL", Code::ResourceExhausted),
                Trouble::Usage => ("USAGE", Code::InvalidArgument),
                Trouble::Other => ("ARCHIVE", Code::Unknown),
            },
            Self::Delivery(_) => ("DELIVERY", Code::Unknown),
            Self::Mirror(MirrorError::Lost(_)) => ("DATABASE", Code::Unavailable),
            Self::Mirror(_) => ("DATABASE", Code::FailedPrecondition),
            Self::Json(_) => ("JSON", Code::Internal),
            Self::Unfinished(_) => ("UNFINISHED", Code::DeadlineExceeded),
            Self::Findings(_) => ("FINDINGS", Code::FailedPrecondition),
            Self::Io(_, error) => match error.kind() {
                io::ErrorKind::NotFound => ("FILE", Code::NotFound),
                io::ErrorKind::PermissionDenied => ("FILE", Code::PermissionDenied),
                _ => ("FILE", Code::Unknown),
            },
        }
    }

    /// By the kind of the error; docs/output.md lists the codes.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Status(status) if !print::is_retryable(status) => EXIT_REFUSED,
            Self::Refused(_) => EXIT_REFUSED,
            Self::OtherHistory(_) => EXIT_OTHER_HISTORY,
            Self::Mirror(MirrorError::Refused(_)) => EXIT_OTHER_DATABASE,
            Self::Mirror(MirrorError::Lost(_)) => EXIT_TRY_AGAIN,
            Self::Advised(error, _) => error.exit_code(),
            Self::StoppedFollowing(stop) => exit_of_stop(stop.0),
            Self::Status(_)
            | Self::Unreachable { .. }
            | Self::NoAnswer { .. }
            | Self::Unanswered(_)
            | Self::Silent => EXIT_TRY_AGAIN,
            Self::Unfinished(_) => EXIT_UNFINISHED,
            Self::Findings(code) => *code,
            Self::Delivery(DeliveryError::Superseded(..)) => EXIT_OTHER_HISTORY,
            Self::Archive(error) => match error.trouble() {
                Trouble::Damaged => EXIT_DAMAGED,
                Trouble::OtherLog => EXIT_OTHER_LOG,
                Trouble::Newer => EXIT_NEWER,
                Trouble::Full => EXIT_FULL,
                Trouble::Usage => EXIT_USAGE,
                Trouble::Other => EXIT_FAILED,
            },
            Self::Untrusted { .. }
            | Self::Message(_)
            | Self::Delivery(_)
            | Self::Mirror(MirrorError::Failed(_))
            | Self::Json(_)
            | Self::Io(..) => EXIT_FAILED,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_cause_of_a_stop_has_an_exit_code_of_its_own_which_the_docs_list() {
        let codes: BTreeSet<u8> = StopCause::ALL.into_iter().map(exit_of_stop).collect();
        assert_eq!(codes.len(), StopCause::ALL.len());
        let pages = [
            include_str!("../../docs/following.md"),
            include_str!("../../docs/following.zh-CN.md"),
        ];
        for page in pages {
            for cause in StopCause::ALL {
                let row = format!("| `{}` | {} | ", cause.as_str(), exit_of_stop(cause));
                assert!(page.contains(&row), "{row}");
            }
        }
        let unit = include_str!("../../deploy/systemd/tidu.service");
        let no_restart = unit.lines().find(|line| line.starts_with("RestartPreventExitStatus="));
        for code in codes {
            let code = code.to_string();
            assert!(no_restart.unwrap().split(['=', ' ']).any(|one| one == code), "{code}");
        }
    }
}
