//! `tidu handover` and `tidu promote`: one node stops recording, and another one begins.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use uuid::Uuid;

use crate::{
    archive::{
        ArchiveError,
        promotion::{self, AtRestSeen, Begun, Promoted, PromotionError},
    },
    cli::{
        CliError,
        args::ServerArgs,
        client::Client,
        destination::Destination,
        print::{eprint_line, print_line, print_text},
    },
    files,
    handover::{NodeName, Part, Receipt, Unfit},
    lang::{say, word},
    limits::RECEIPT_BYTES_MAX,
    log::LogError,
    protocol::pb::{self, NodeRole},
};

#[derive(Debug, Args)]
#[command(after_help = "\
The node takes no appends any more, for ever: what it acknowledged is durable, and below the size of
the receipt. It goes on serving reads, also after a restart. Only the successor can use the receipt,
with tidu promote. Asked again, the node gives the same receipt. It cannot be taken back.

Without --yes the command says what would be handed over, on standard error, and changes nothing.
A leader does not know the names of its followers: any name is taken, and a wrong one leaves a log
that nobody records in. Copy the name from `tidu status` at the follower.

Without a server, --data-dir hands over the log of a directory whose server has stopped.

Example: tidu handover node-0000001f --to receipt.txt --yes")]
pub(crate) struct HandoverArgs {
    /// Name of the node that takes over, as `tidu status` at that node says
    successor: NodeName,
    /// Data directory that no server uses
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Write the receipt to this file [default: standard output]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Hand over; it cannot be taken back
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The server of the directory must be stopped. The log must have the events of the receipt, all of
them and no others. Its epoch then rises, and the next start without --follow records. The id of the
log stays, so subscribers and cursors go on.

Without a receipt, because the leader is lost with its disk, there is no proof that nothing is
missing. --new-log then begins another history with the events that are there: the log gets another
id, and the cursors of the directory are dropped. Subscribers stop, and say so. Without --yes it
says what it would do, and changes nothing.

Exit codes: 0 promoted, or promoted before; 1 the directory or the receipt cannot be read, or a
server runs there; 3 the log lacks events of the receipt: follow on; 10 the log or the directory
disagrees with the receipt.")]
pub(crate) struct PromoteArgs {
    /// File with the receipt of the hand-over
    #[arg(required_unless_present = "new_log")]
    receipt: Option<PathBuf>,
    /// Data directory of the follower
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Begin another history with the events that are there
    #[arg(long, conflicts_with = "receipt")]
    new_log: bool,
    /// Begin it; the log cannot get its old id back
    #[arg(long, requires = "new_log")]
    yes: bool,
}

pub(super) async fn hand_over(args: HandoverArgs) -> Result<(), CliError> {
    // A hand-over cannot be taken back, so its receipt has a place before it begins.
    let place = args.to.as_deref().map(Place::begin).transpose()?;
    if !args.yes {
        let seen = match &args.data_dir {
            Some(directory) => Seen::at_rest(directory)?,
            None => Seen::at(&args.server).await?,
        };
        return seen.would_hand_over(&args.successor);
    }
    let text = match args.data_dir {
        Some(directory) => promotion::hand_over(&directory, args.successor.clone())?.text(),
        None => {
            let mut client = Client::to(&args.server).await?;
            let request = pb::HandOverRequest { successor: args.successor.to_string() };
            client.admin.hand_over(request).await?.into_inner().receipt
        }
    };
    let text = text.trim_end();
    let given = match place {
        None => print_text(text).map_err(|error| error.advised(again().to_owned())),
        Some(place) => place.fill(text).or_else(|error| {
            print_text(text)?;
            Err(error.advised(shown_instead().to_owned()))
        }),
    };
    let receipt = Receipt::of_carried(text)
        .map_err(|why| CliError::Message(why.to_string()).advised(again().to_owned()))?;
    let Receipt { size, epoch, successor, .. } = receipt;
    eprint_line(&say!(
        en: "{size} events of epoch {epoch} are handed over to {successor}; this node records \
             nothing any more",
        zh: "任期 {epoch} 的 {size} 个事件已移交给 {successor}；本节点不再写入"
    ));
    given
}

/// A node before its hand-over.
struct Seen {
    role: NodeRole,
    /// The successor of a node that has handed over.
    successor: String,
    log_id: String,
    size: u64,
    epoch: u64,
    /// The refusal of the hand-over itself.
    refuse: fn(String) -> CliError,
}

impl Seen {
    fn at_rest(directory: &Path) -> Result<Self, CliError> {
        let AtRestSeen { log_id, size, epoch, part } = promotion::look(directory)?;
        let (role, successor) = match part {
            Part::Leader => (NodeRole::Leader, String::new()),
            Part::Follower(_) => (NodeRole::Follower, String::new()),
            Part::Retired(receipt) => (NodeRole::Retired, receipt.successor.to_string()),
        };
        let (log_id, refuse) = (log_id.to_string(), CliError::OtherHistory);
        Ok(Self { role, successor, log_id, size, epoch, refuse })
    }

    async fn at(server: &ServerArgs) -> Result<Self, CliError> {
        let mut client = Client::to(server).await?;
        let status = client.admin.get_status(pb::GetStatusRequest {}).await?.into_inner();
        let node = status.node.unwrap_or_default();
        let (role, epoch) = (node.role(), node.epoch);
        let (log_id, size) = (status.log_id, status.log_size);
        let refuse = CliError::Refused;
        Ok(Self { role, successor: node.leader, log_id, size, epoch, refuse })
    }

    /// Says what a hand-over would do. Standard output is for the receipt.
    fn would_hand_over(&self, to: &NodeName) -> Result<(), CliError> {
        let Self { role, successor, log_id, size, epoch, refuse } = self;
        match role {
            NodeRole::Follower => {
                return Err(refuse(say!(
                    en: "this node follows another one, and has nothing to hand over",
                    zh: "本节点跟随另一个节点，没有可移交的日志"
                )));
            }
            NodeRole::Retired if successor != to.as_str() => {
                return Err(refuse(say!(
                    en: "the log is handed over to {successor} already",
                    zh: "日志已移交给 {successor}"
                )));
            }
            NodeRole::Retired => {
                eprint_line(&say!(
                    en: "the log was handed over to {to} before; for its receipt, repeat the \
                         command with --yes",
                    zh: "日志此前已移交给 {to}；要取得回执请加 --yes 重新运行"
                ));
                return Ok(());
            }
            NodeRole::Leader | NodeRole::Unspecified => {}
        }
        eprint_line(&say!(
            en: "would hand log {log_id} over to {to}: {size} events so far, epoch {epoch}; this \
                 node would record nothing any more, for ever",
            zh: "将把日志 {log_id} 移交给 {to}：现有事件 {size} 个，任期 {epoch}；本节点将从此不再写入"
        ));
        eprint_line(&say!(
            en: "nobody else than {to} could take over; nothing was changed; to hand it over, \
                 repeat the command with --yes",
            zh: "只有 {to} 能够接管；未作任何改动；确认移交请加 --yes 重新运行"
        ));
        Ok(())
    }
}

/// The file that is to hold a receipt.
struct Place<'a> {
    path: &'a Path,
    out: Destination,
}

impl<'a> Place<'a> {
    fn begin(path: &'a Path) -> Result<Self, CliError> {
        let out = Destination::file(path).map_err(|error| unwritten(path, error))?;
        Ok(Self { path, out })
    }

    fn fill(mut self, receipt: &str) -> Result<(), CliError> {
        let written = writeln!(self.out, "{receipt}").and_then(|()| self.out.commit());
        written.map_err(|error| unwritten(self.path, error))
    }
}

fn unwritten(path: &Path, error: io::Error) -> CliError {
    let name = path.display();
    CliError::Io(say!(en: "cannot write {name}", zh: "无法写入 {name}"), error)
}

fn again() -> &'static str {
    word!(
        en: "the hand-over took place; the same command gives the receipt again",
        zh: "移交已完成；再次运行同一命令即可重新取得回执"
    )
}

fn shown_instead() -> &'static str {
    word!(
        en: "the hand-over took place; the receipt is on standard output, and the same command \
             gives it again",
        zh: "移交已完成；回执已写到标准输出，再次运行同一命令也可重新取得"
    )
}

pub(super) fn promote(args: &PromoteArgs) -> Result<(), CliError> {
    let Some(path) = &args.receipt else { return begin_history(args) };
    let name = path.display();
    let failed = |e| CliError::Io(say!(en: "cannot read {name}", zh: "无法读取 {name}"), e);
    let text = files::read_text(path, RECEIPT_BYTES_MAX).map_err(failed)?;
    let receipt = Receipt::of_carried(&text).map_err(|why| {
        CliError::OtherHistory(format!("{name}: {why}")).advised(say!(
            en: "tidu handover NAME --yes gives it again at the old node, for the same NAME",
            zh: "在旧节点上以同一名称运行 tidu handover NAME --yes，可重新取得回执"
        ))
    })?;
    let Receipt { size, log_id, .. } = receipt;
    let (said, epoch) = match promotion::promote(&args.data_dir, &receipt)? {
        Promoted::Now(epoch) => (word!(en: "promoted", zh: "已升级为主节点"), epoch),
        Promoted::Before(epoch) => (word!(en: "promoted before", zh: "此前已升级"), epoch),
    };
    print_line(&say!(
        en: "{said}: log {log_id}, {size} events handed over, epoch {epoch}; start it without \
             --follow",
        zh: "{said}：日志 {log_id}，移交的事件 {size} 个，任期 {epoch}；请不带 --follow 启动"
    ))
}

fn begin_history(args: &PromoteArgs) -> Result<(), CliError> {
    if !args.yes {
        let AtRestSeen { log_id, size, epoch, .. } = promotion::look(&args.data_dir)?;
        print_line(&say!(
            en: "would begin another history with the {size} events of log {log_id}, epoch \
                 {epoch}: subscribers of that log would stop there, and the cursors of the \
                 directory would be dropped",
            zh: "将以日志 {log_id}（任期 {epoch}）的 {size} 个事件开始另一历史：原日志的订阅方将到此停止，该目录的游标将被删除"
        ))?;
        return print_line(word!(
            en: "nothing was changed; to begin it, repeat the command with --yes",
            zh: "未作任何改动；确认请加 --yes 重新运行"
        ));
    }
    #[allow(clippy::disallowed_methods)] // a new history gets its id here
    let fresh_id = Uuid::new_v4();
    let begun = promotion::begin_history(&args.data_dir, fresh_id)?;
    let Begun { before, log_id, size, had_cursors } = begun;
    print_line(&say!(
        en: "log {log_id} begins with the {size} events of log {before}; subscribers of that log \
             stop here",
        zh: "日志 {log_id} 以日志 {before} 的 {size} 个事件开始；原日志的订阅方到此停止"
    ))?;
    if had_cursors {
        print_line(word!(
            en: "the cursors of the directory are dropped", zh: "该目录的游标已删除"
        ))?;
    }
    Ok(())
}

impl From<PromotionError> for CliError {
    fn from(error: PromotionError) -> Self {
        match error {
            PromotionError::Log(error @ ArchiveError::Log(LogError::Busy(_))) => Self::from(error)
                .advised(say!(
                    en: "stop the server of this directory first",
                    zh: "请先停止使用该目录的服务器"
                )),
            PromotionError::Log(error) => error.into(),
            PromotionError::Unfit(behind @ Unfit::Behind { .. }) => {
                Self::Refused(behind.to_string())
            }
            other => Self::OtherHistory(other.to_string()),
        }
    }
}
